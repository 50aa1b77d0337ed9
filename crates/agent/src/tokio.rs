//! A runner on tokio: one UDP socket, any number of agents in a thread.
//!
//! It does what [`std::run`](crate::std::run) does, and lets other tasks have their turn wherever it waits. Who drops the
//! future ends the agent without a word to its servers, as a device does whose power is cut.
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
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node {
//!     security: Security::no_sec(1, "coap://lwm2m.example.com")?,
//!     server: Server::single(1, 300),
//!     device: Device::new("Dunlin", "Example", "1"),
//!     temperature: Temperature::new("Cel"),
//! };
//! let rng: rand::rngs::StdRng = rand::make_rng();
//! let agent = Agent::new(node, Config::new("urn:dev:os:32473-1"), rng);
//! dunlin_agent::tokio::run(agent, |agent, event| {
//!     agent.set(|node| node.temperature.measure(21.5));
//!     match event {
//!         Some(Event::Reboot) => ControlFlow::Break(()),
//!         _ => ControlFlow::Continue(()),
//!     }
//! })
//! .await?;
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "tcp")]
mod tasks;

use core::net::SocketAddr;
use core::ops::ControlFlow;

use ::tokio::net::{UdpSocket, lookup_host};
#[cfg(feature = "tcp")]
use ::tokio::sync::mpsc::{Receiver, Sender, channel};
use ::tokio::time;
use hosted::boxed::Box;
use hosted::io;
use hosted::vec::Vec;

#[cfg(feature = "tcp")]
use crate::runner::lines::{Lines, News};
use crate::runner::{ROOM, Remote, Remotes, RunError, TICK, any, is_passing};
use crate::{Doors, Event, Instant, Output, hosted};
#[cfg(feature = "tcp")]
use tasks::Task;

/// Runs an [`Agent`](crate::Agent), or one with security or a store around it, until `turn` breaks off, which is called for
/// each event and at least once a second; see [`std::run`](crate::std::run). The agent lies on the heap.
///
/// # Errors
///
/// [`RunError`]. A network that is down is none: the agent tries again.
pub fn run<A: Doors<SocketAddr>>(
    agent: A,
    turn: impl FnMut(&mut A, Option<Event>) -> ControlFlow<()>,
) -> impl Future<Output = Result<(), RunError>> + Unpin {
    Box::pin(live(agent, turn))
}

async fn live<A: Doors<SocketAddr>>(
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
            if remote.next.is_none_or(|due| due > clock.now()) {
                continue;
            }
            let found = lookup_host((remote.host.as_str(), remote.port)).await;
            let found: Vec<SocketAddr> = found.into_iter().flatten().collect();
            let family = link.family();
            if let Some(address) = remote.choose(clock.now(), family, found.into_iter()) {
                link.open(remote, address).await?;
                remote.begin(&mut agent, clock.now(), address)?;
            }
        }
        flow = turn(&mut agent, None);
        agent.handle_timeout(clock.now());
        while let Some(event) = link.flush(&mut agent, &clock).await {
            #[cfg(feature = "tcp")]
            remotes.hang_up(&mut link.lines, &event);
            remotes.follow(&agent, &event, clock.now())?;
            if flow.is_continue() {
                flow = turn(&mut agent, Some(event));
            }
        }
        if flow.is_continue() {
            let latest = clock.now().saturating_add(TICK);
            link.wait(&mut agent, &clock, latest).await?;
        }
    }
    let mut farewell = remotes.leave(&mut agent, clock.now());
    while !farewell.is_over(clock.now()) {
        agent.handle_timeout(clock.now());
        while let Some(event) = link.flush(&mut agent, &clock).await {
            farewell.heed(&event);
        }
        if !farewell.is_over(clock.now()) {
            link.wait(&mut agent, &clock, farewell.end).await?;
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
    lines: Lines<Task>,
    #[cfg(feature = "tcp")]
    news: (Sender<News>, Receiver<News>),
}

impl Link {
    fn new() -> Self {
        Self {
            socket: None,
            buffer: [0; ROOM],
            #[cfg(feature = "tcp")]
            lines: Lines::new(),
            #[cfg(feature = "tcp")]
            news: channel(crate::runner::NEWS),
        }
    }

    fn family(&self) -> Option<SocketAddr> {
        self.socket.as_ref()?.local_addr().ok()
    }

    async fn open(&mut self, remote: &Remote, peer: SocketAddr) -> io::Result<()> {
        #[cfg(feature = "tcp")]
        if let Some(security) = &remote.stream {
            self.lines.open(peer, security.clone());
            return Ok(());
        }
        let _ = remote;
        if self.socket.is_none() {
            self.socket = Some(UdpSocket::bind(any(peer)).await?);
        }
        Ok(())
    }

    /// Sends what is to be sent, up to the next event.
    async fn flush<A: Doors<SocketAddr>>(&mut self, agent: &mut A, clock: &Clock) -> Option<Event> {
        #[cfg(not(feature = "tcp"))]
        let _ = clock;
        loop {
            match agent.poll_output(&mut self.buffer) {
                #[cfg(feature = "tcp")]
                Output::Transmit { to, bytes } if self.lines.has(to) => {
                    let news = &self.news.0;
                    let start = |key, address| Task::start(key, address, news.clone());
                    self.lines.send(clock.now(), to, bytes, start);
                }
                Output::Transmit { to, bytes } => {
                    if let Some(socket) = &self.socket {
                        // What is not sent is lost like what is lost on the way.
                        let _ = socket.send_to(bytes, to).await;
                    }
                }
                Output::Event(event) => return Some(event),
                Output::Idle => return None,
            }
        }
    }

    /// Waits for a datagram until the agent has something to do, at most until `latest`.
    async fn wait<A: Doors<SocketAddr>>(
        &mut self,
        agent: &mut A,
        clock: &Clock,
        latest: Instant,
    ) -> io::Result<()> {
        #[cfg(feature = "tcp")]
        if self.lines.give_one(agent, clock.now(), &mut self.buffer) {
            return Ok(());
        }
        let until = agent.next_timeout().map_or(latest, |due| due.min(latest));
        let wait = until.saturating_duration_since(clock.now());
        let wait = time::Duration::from_millis(wait.as_millis());
        let socket = self.socket.as_ref();
        let datagram = async {
            match socket {
                Some(socket) => socket.recv_from(&mut self.buffer).await,
                None => core::future::pending().await,
            }
        };
        #[cfg(feature = "tcp")]
        let datagram = async {
            ::tokio::select! {
                received = datagram => Some(received),
                Some(news) = self.news.1.recv() => {
                    self.lines.take(clock.now(), news);
                    None
                }
            }
        };
        #[cfg(not(feature = "tcp"))]
        let datagram = async { Some(datagram.await) };
        match time::timeout(wait, datagram).await {
            Ok(Some(Ok((length, peer)))) => {
                // The server of a line is not believed anything beside it.
                #[cfg(feature = "tcp")]
                if self.lines.has(peer) {
                    return Ok(());
                }
                let bytes = self.buffer.get_mut(..length).unwrap_or_default();
                agent.handle_input(clock.now(), peer, bytes);
                Ok(())
            }
            Ok(Some(Err(error))) if !is_passing(&error) => Err(error),
            #[cfg(feature = "tcp")]
            Ok(None) => {
                self.lines.give_one(agent, clock.now(), &mut self.buffer);
                Ok(())
            }
            // Nothing came.
            Ok(_) | Err(_) => Ok(()),
        }
    }
}
