//! A blocking runner for systems with an operating system: one UDP socket, one thread, the clock of the system.
//!
//! ```no_run
//! use std::ops::ControlFlow;
//!
//! use dunlin_agent::objects::{Device, Security, Server, Temperature};
//! use dunlin_agent::{Agent, Config, Event, Objects};
//!
//! #[derive(Objects)]
//! struct Node {
//!     security: Security<1>,
//!     server: Server<1>,
//!     device: Device<'static>,
//!     temperature: Temperature,
//! }
//!
//! let node = Node {
//!     security: Security::no_sec(1, "coap://lwm2m.example.com")?,
//!     server: Server::single(1, 300),
//!     device: Device::new("Dunlin", "Example", "1"),
//!     temperature: Temperature::new("Cel"),
//! };
//! let rng: rand::rngs::StdRng = rand::make_rng();
//! let agent = Agent::new(node, Config::new("urn:dev:os:32473-1"), rng);
//! dunlin_agent::std::run(agent, |agent, event| {
//!     agent.set(|node| node.temperature.measure(21.5));
//!     match event {
//!         Some(Event::Reboot) => ControlFlow::Break(()),
//!         _ => ControlFlow::Continue(()),
//!     }
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "tcp")]
mod threads;

use core::ops::ControlFlow;

use hosted::io;
use hosted::net::{SocketAddr, UdpSocket};
#[cfg(feature = "tcp")]
use hosted::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use hosted::time;

pub use crate::runner::RunError;
#[cfg(feature = "tcp")]
use crate::runner::lines::{Lines, News, What};
use crate::runner::{ROOM, Remote, Remotes, TICK, any, is_passing};
use crate::{Doors, Event, Instant, Output, hosted};
#[cfg(feature = "tcp")]
use threads::Threads;

/// Runs an [`Agent`](crate::Agent), or one with security around it, until `turn` breaks off: connects every server of the
/// Security object, resolving names, and gives the application its turn for each event and at least once a second. Where
/// there is no server, and when one is to be found anew, it bootstraps. At the end it de-registers.
///
/// A server's name is resolved again when the server does not answer, and tried again every ten seconds while it has
/// no address.
///
/// With the feature `tcp` servers of `coap+tcp` URIs are reached too, with `tls` those of `coaps+tcp` whose accounts have
/// certificates or raw public keys. A connection is made when there is something to say; a server that has closed one is
/// registered at anew, since it knows nothing of its observations any more (RFC 8323 §7.4).
///
/// # Errors
///
/// [`RunError`]. A network that is down is none: the agent tries again.
pub fn run<A: Doors<SocketAddr>>(
    mut agent: A,
    mut turn: impl FnMut(&mut A, Option<Event>) -> ControlFlow<()>,
) -> Result<(), RunError> {
    #[cfg(feature = "tcp")]
    agent.carry_streams();
    let mut remotes = Remotes::of(&agent)?;
    let clock = Clock(time::Instant::now());
    let mut link = Link::new();
    let mut flow = ControlFlow::Continue(());
    while flow.is_continue() {
        #[cfg(feature = "tcp")]
        remotes.hear(&mut agent, &mut link.lines, clock.now());
        for remote in remotes.iter_mut() {
            if remote.next.is_some_and(|due| due <= clock.now())
                && let Some(address) = remote.resolve(clock.now(), link.family())
            {
                link.open(remote, address)?;
                remote.begin(&mut agent, clock.now(), address)?;
            }
        }
        flow = turn(&mut agent, None);
        agent.handle_timeout(clock.now());
        while let Some(event) = link.flush(&mut agent, &clock) {
            #[cfg(feature = "tcp")]
            remotes.hang_up(&mut link.lines, &event);
            remotes.follow(&agent, &event, clock.now())?;
            if flow.is_continue() {
                flow = turn(&mut agent, Some(event));
            }
        }
        if flow.is_continue() {
            link.wait(&mut agent, &clock, clock.now().saturating_add(TICK))?;
        }
    }
    let mut farewell = remotes.leave(&mut agent, clock.now());
    while !farewell.is_over(clock.now()) {
        agent.handle_timeout(clock.now());
        while let Some(event) = link.flush(&mut agent, &clock) {
            farewell.heed(&event);
        }
        if !farewell.is_over(clock.now()) {
            link.wait(&mut agent, &clock, farewell.end)?;
        }
    }
    Ok(())
}

/// The time since the runner began.
struct Clock(time::Instant);

impl Clock {
    fn now(&self) -> Instant {
        Instant::from_millis(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

/// The socket, opened once it is known of which family it must be, and connections.
struct Link {
    socket: Option<UdpSocket>,
    buffer: [u8; ROOM],
    #[cfg(feature = "tcp")]
    lines: Lines<Threads>,
    /// What connections tell, and the socket beside them.
    #[cfg(feature = "tcp")]
    news: (SyncSender<News>, Receiver<News>),
    /// Whether a thread waits at the socket.
    #[cfg(feature = "tcp")]
    listens: bool,
}

impl Link {
    fn new() -> Self {
        Self {
            socket: None,
            buffer: [0; ROOM],
            #[cfg(feature = "tcp")]
            lines: Lines::new(),
            #[cfg(feature = "tcp")]
            news: sync_channel(crate::runner::NEWS),
            #[cfg(feature = "tcp")]
            listens: false,
        }
    }

    fn family(&self) -> Option<SocketAddr> {
        self.socket.as_ref()?.local_addr().ok()
    }

    fn open(&mut self, remote: &Remote, peer: SocketAddr) -> io::Result<()> {
        #[cfg(feature = "tcp")]
        if let Some(security) = &remote.stream {
            self.lines.open(peer, security.clone());
            return Ok(());
        }
        let _ = remote;
        if self.socket.is_none() {
            self.socket = Some(UdpSocket::bind(any(peer))?);
        }
        Ok(())
    }

    /// Sends what is to be sent, up to the next event.
    fn flush<A: Doors<SocketAddr>>(&mut self, agent: &mut A, clock: &Clock) -> Option<Event> {
        #[cfg(not(feature = "tcp"))]
        let _ = clock;
        loop {
            match agent.poll_output(&mut self.buffer) {
                #[cfg(feature = "tcp")]
                Output::Transmit { to, bytes } if self.lines.has(to) => {
                    let news = &self.news.0;
                    let start = |key, address| Threads::start(key, address, news.clone());
                    self.lines.send(clock.now(), to, bytes, start);
                }
                Output::Transmit { to, bytes } => {
                    if let Some(socket) = &self.socket {
                        // What is not sent is lost like what is lost on the way.
                        let _ = socket.send_to(bytes, to);
                    }
                }
                Output::Event(event) => return Some(event),
                Output::Idle => return None,
            }
        }
    }

    /// Waits for a datagram until the agent has something to do, at most until `latest`.
    fn wait<A: Doors<SocketAddr>>(
        &mut self,
        agent: &mut A,
        clock: &Clock,
        latest: Instant,
    ) -> io::Result<()> {
        let until = agent.next_timeout().map_or(latest, |due| due.min(latest));
        let wait = until.saturating_duration_since(clock.now()).as_millis();
        #[cfg(feature = "tcp")]
        if self.listens || !self.lines.is_empty() {
            return self.wait_for_news(agent, clock, wait);
        }
        if wait == 0 {
            return Ok(());
        }
        let wait = time::Duration::from_millis(wait);
        let Some(socket) = &self.socket else {
            hosted::thread::sleep(wait);
            return Ok(());
        };
        socket.set_read_timeout(Some(wait))?;
        match socket.recv_from(&mut self.buffer) {
            Ok((length, peer)) => {
                agent.handle_input(
                    clock.now(),
                    peer,
                    self.buffer.get_mut(..length).unwrap_or_default(),
                );
                Ok(())
            }
            Err(error) if is_passing(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The same where there are connections: their threads and one at the socket tell what has come.
    #[cfg(feature = "tcp")]
    fn wait_for_news<A: Doors<SocketAddr>>(
        &mut self,
        agent: &mut A,
        clock: &Clock,
        wait: u64,
    ) -> io::Result<()> {
        if let Some(socket) = self.socket.as_ref().filter(|_| !self.listens) {
            threads::listen(socket.try_clone()?, self.news.0.clone())?;
            self.listens = true;
        }
        if self.lines.give_one(agent, clock.now(), &mut self.buffer) {
            return Ok(());
        }
        match self.news.1.recv_timeout(time::Duration::from_millis(wait)) {
            Ok(News {
                what: What::Broken(error),
                ..
            }) => return Err(error),
            Ok(News {
                what: What::Datagram(peer, mut bytes),
                ..
            }) => {
                // The server of a line is not believed anything beside it.
                if !self.lines.has(peer) {
                    agent.handle_input(clock.now(), peer, &mut bytes);
                }
            }
            Ok(news) => {
                self.lines.take(clock.now(), news);
                self.lines.give_one(agent, clock.now(), &mut self.buffer);
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "derive"))]
mod tests;
