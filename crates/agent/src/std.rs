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
pub(crate) mod lines;
#[cfg(all(feature = "tcp", not(feature = "tls")))]
mod plain;
#[cfg(feature = "tcp")]
mod threads;
#[cfg(feature = "tls")]
mod tls;

use core::fmt;
use core::ops::ControlFlow;

use hosted::io::{self, ErrorKind};
use hosted::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use hosted::string::{String, ToString};
#[cfg(feature = "tcp")]
use hosted::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use hosted::time;
use hosted::vec::Vec;

#[cfg(feature = "tcp")]
use lines::{Lines, News, Security, What};
#[cfg(feature = "tcp")]
use threads::Threads;

use crate::features::BOOTSTRAP;
use crate::hosted;
use crate::{ConnectError, Doors, Duration, Event, Failure, Instant, Output, host_and_port};

/// How often the application has its turn when nothing happens.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// How long to wait before a name that could not be resolved is tried again.
const RESOLVE_AGAIN: Duration = Duration::from_secs(10);

/// How much of what connections tell waits for the runner.
#[cfg(feature = "tcp")]
pub(crate) const NEWS: usize = 16;

/// How long to wait for the answer to the De-register at the end.
pub(crate) const FAREWELL: Duration = Duration::from_secs(5);

/// Why a runner ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// The Security object names no server.
    NoServer,
    /// A server's URI is not `coap://host` or `coap://host:port`, nor one of `coaps`, `coap+tcp` or `coaps+tcp` where that
    /// can be reached.
    Uri(String),
    /// A server cannot be connected.
    Connect(ConnectError),
    /// The socket has failed.
    Socket(io::Error),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoServer => f.write_str("the Security object names no server"),
            Self::Uri(uri) => write!(
                f,
                "`{uri}` is not of the form coap://host or coap://host:port, or coaps with security, coap+tcp or coaps+tcp where that is built in"
            ),
            Self::Connect(error) => error.fmt(f),
            Self::Socket(error) => write!(f, "UDP socket: {error}"),
        }
    }
}

impl core::error::Error for RunError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Connect(error) => Some(error),
            Self::Socket(error) => Some(error),
            Self::NoServer | Self::Uri(_) => None,
        }
    }
}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        Self::Socket(error)
    }
}

impl From<ConnectError> for RunError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error)
    }
}

/// Runs an [`Agent`](crate::Agent), or one with security around it, until `turn` breaks off: connects every server of the
/// Security object, resolving names, and gives the application its turn for each event and at least once a second. Where
/// there is no server, and when one is to be found anew, it bootstraps. At the end it de-registers.
///
/// A server's name is resolved again when the server does not answer, and tried again every ten seconds while it has
/// no address.
///
/// With the feature `tcp` servers of `coap+tcp` URIs are reached too, with `tls` those of `coaps+tcp` whose accounts have
/// certificates. A connection is made when there is something to say; a server that has closed one is registered at anew,
/// since it knows nothing of its observations any more (RFC 8323 §7.4).
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
    let mut remotes = remotes(&agent)?;
    let clock = Clock(time::Instant::now());
    let mut link = Link::new();
    let mut flow = ControlFlow::Continue(());
    while flow.is_continue() {
        #[cfg(feature = "tcp")]
        lost(&agent, &mut remotes, &mut link.lines, clock.now());
        for remote in &mut remotes {
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
            hang_up(&remotes, &mut link.lines, &event);
            follow(&agent, &mut remotes, &event, clock.now())?;
            if flow.is_continue() {
                flow = turn(&mut agent, Some(event));
            }
        }
        if flow.is_continue() {
            link.wait(&mut agent, &clock, clock.now().saturating_add(TICK))?;
        }
    }
    let servers = leave(&mut agent, &remotes);
    farewell(&mut agent, &mut link, &clock, servers)
}

/// Looks for remotes where an event says that they are others.
pub(crate) fn follow<A: Doors<SocketAddr>>(
    agent: &A,
    remotes: &mut Vec<Remote>,
    event: &Event,
    now: Instant,
) -> Result<(), RunError> {
    match *event {
        // The name may have moved to another address meanwhile.
        Event::RegistrationFailed {
            server,
            reason: Failure::NoAnswer,
            ..
        } => again(remotes, Some(server), now),
        // The way to it may not be known yet.
        Event::BootstrapWanted => {
            let found = bootstrap_server(agent)?;
            remotes.retain(|remote| remote.server.is_some());
            remotes.extend(found);
        }
        Event::BootstrapAccountRemoved => remotes.retain(|remote| remote.server.is_some()),
        Event::BootstrapFailed {
            reason: Failure::NoAnswer,
            ..
        } => again(remotes, None, now),
        Event::Bootstrapped => {
            remotes.retain(|remote| remote.server.is_none());
            remotes.extend(servers(agent)?);
        }
        _ => {}
    }
    Ok(())
}

/// De-registers everywhere, and gives the servers whose answers are to be waited for.
pub(crate) fn leave<A: Doors<SocketAddr>>(agent: &mut A, remotes: &[Remote]) -> Vec<u16> {
    let mut servers: Vec<u16> = remotes.iter().filter_map(|remote| remote.server).collect();
    servers.retain(|server| agent.is_registered(*server));
    for server in &servers {
        agent.deregister(*server);
    }
    servers
}

/// Whom to reach first: the servers, or the Bootstrap-Server where there is none.
pub(crate) fn remotes<A: Doors<SocketAddr>>(agent: &A) -> Result<Vec<Remote>, RunError> {
    let mut remotes = servers(agent)?;
    if remotes.is_empty() {
        remotes.extend(bootstrap_server(agent)?);
    }
    if remotes.is_empty() {
        return Err(RunError::NoServer);
    }
    Ok(remotes)
}

fn servers<A: Doors<SocketAddr>>(agent: &A) -> Result<Vec<Remote>, RunError> {
    agent
        .accounts()
        .map(|(server, uri)| Remote::new(agent, Some(server), uri))
        .collect()
}

fn bootstrap_server<A: Doors<SocketAddr>>(agent: &A) -> Result<Option<Remote>, RunError> {
    let uri = agent.bootstrap_account().filter(|_| BOOTSTRAP);
    uri.map(|uri| Remote::new(agent, None, uri)).transpose()
}

/// Begins anew where a server has closed the connection, after a pause. One that has no registration is left to the agent,
/// whose next datagram makes a connection.
#[cfg(feature = "tcp")]
pub(crate) fn lost<A: Doors<SocketAddr>, C: lines::Carrier>(
    agent: &A,
    remotes: &mut [Remote],
    lines: &mut Lines<C>,
    now: Instant,
) {
    for (address, pause) in lines.take_lost() {
        let of_it = |remote: &&mut Remote| remote.address == Some(address);
        for remote in remotes.iter_mut().filter(of_it) {
            let registered = remote
                .server
                .is_some_and(|server| agent.is_registered(server));
            if registered && remote.stream.is_some() {
                remote.address = None;
                remote.next = Some(now.saturating_add(pause));
            }
        }
    }
    // A server that is looked up anew may be where it was.
    if remotes.iter().all(|remote| remote.next.is_none()) {
        lines.retain(|address| {
            remotes
                .iter()
                .any(|remote| remote.stream.is_some() && remote.address == Some(address))
        });
    }
}

/// Closes the connection to a server that does not answer.
#[cfg(feature = "tcp")]
pub(crate) fn hang_up<C: lines::Carrier>(remotes: &[Remote], lines: &mut Lines<C>, event: &Event) {
    let silent = match *event {
        Event::RegistrationFailed {
            server,
            reason: Failure::NoAnswer,
            ..
        } => Some(server),
        Event::BootstrapFailed {
            reason: Failure::NoAnswer,
            ..
        } => None,
        _ => return,
    };
    let of_it = |remote: &&Remote| remote.server == silent;
    for address in remotes
        .iter()
        .filter(of_it)
        .filter_map(|remote| remote.address)
    {
        lines.hang_up(address);
    }
}

/// Looks a name up again.
fn again(remotes: &mut [Remote], server: Option<u16>, now: Instant) {
    for remote in remotes.iter_mut().filter(|remote| remote.server == server) {
        remote.next = Some(now);
    }
}

/// Waits a little for the answers to the De-registers.
fn farewell<A: Doors<SocketAddr>>(
    agent: &mut A,
    link: &mut Link,
    clock: &Clock,
    mut servers: Vec<u16>,
) -> Result<(), RunError> {
    let end = clock.now().saturating_add(FAREWELL);
    while !servers.is_empty() && clock.now() < end {
        agent.handle_timeout(clock.now());
        while let Some(event) = link.flush(agent, clock) {
            if let Event::Deregistered { server: gone, .. } = event {
                servers.retain(|server| *server != gone);
            }
        }
        if !servers.is_empty() {
            link.wait(agent, clock, end)?;
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

/// A server, or the Bootstrap-Server, and where it is.
pub(crate) struct Remote {
    server: Option<u16>,
    pub(crate) host: String,
    pub(crate) port: u16,
    address: Option<SocketAddr>,
    /// When its name is to be resolved; `None` once it has been.
    pub(crate) next: Option<Instant>,
    /// What secures its connections, where it is reached by TCP.
    #[cfg(feature = "tcp")]
    pub(crate) stream: Option<Security>,
}

impl Remote {
    fn new<A: Doors<SocketAddr>>(
        agent: &A,
        server: Option<u16>,
        uri: &str,
    ) -> Result<Self, RunError> {
        #[cfg(feature = "tcp")]
        if crate::uri::is_stream(uri) {
            return Self::over_a_stream(agent.object_set(), server, uri);
        }
        #[cfg(not(feature = "tcp"))]
        let _ = agent;
        let (host, port) =
            host_and_port(uri, A::SECURE).ok_or_else(|| RunError::Uri(uri.to_string()))?;
        Ok(Self {
            server,
            host: host.to_string(),
            port,
            address: None,
            next: Some(Instant::ZERO),
            #[cfg(feature = "tcp")]
            stream: None,
        })
    }

    /// A server of a `coap+tcp` URI, whose account must be one without security, or of `coaps+tcp` with certificates: what
    /// is asked for is not done without.
    #[cfg(feature = "tcp")]
    fn over_a_stream(
        objects: &dyn crate::Objects,
        server: Option<u16>,
        uri: &str,
    ) -> Result<Self, RunError> {
        let named = || RunError::Uri(uri.to_string());
        let (tls, host, port) = crate::uri::stream_host_and_port(uri).ok_or_else(named)?;
        let account = crate::stream::account(objects, server).ok_or(ConnectError::UnknownServer)?;
        let security = if tls {
            #[cfg(feature = "tls")]
            {
                let certificates = crate::stream::has_certificates(account);
                let found = certificates.then(|| tls::Tls::of(account, host)).flatten();
                Security::Tls(found.ok_or(ConnectError::Security)?)
            }
            #[cfg(not(feature = "tls"))]
            return Err(named());
        } else if crate::stream::is_plain(account) {
            Security::None
        } else {
            return Err(ConnectError::Security.into());
        };
        Ok(Self {
            server,
            host: host.to_string(),
            port,
            address: None,
            next: Some(Instant::ZERO),
            stream: Some(security),
        })
    }

    /// Starts to register there, or to bootstrap.
    pub(crate) fn begin<A: Doors<SocketAddr>>(
        &self,
        agent: &mut A,
        now: Instant,
        address: SocketAddr,
    ) -> Result<(), RunError> {
        match self.server {
            Some(server) => agent.connect(now, server, address)?,
            #[cfg(feature = "bootstrap")]
            None => agent.bootstrap(now, address)?,
            #[cfg(not(feature = "bootstrap"))]
            None => {}
        }
        Ok(())
    }

    /// Looks the name up and gives the address if it is a new one.
    fn resolve(&mut self, now: Instant, family: Option<SocketAddr>) -> Option<SocketAddr> {
        let found = (self.host.as_str(), self.port).to_socket_addrs();
        self.choose(now, family, found.into_iter().flatten())
    }

    /// Takes the first address that the socket can reach, and gives it if it is a new one.
    pub(crate) fn choose(
        &mut self,
        now: Instant,
        family: Option<SocketAddr>,
        mut addresses: impl Iterator<Item = SocketAddr>,
    ) -> Option<SocketAddr> {
        #[cfg(feature = "tcp")]
        let family = family.filter(|_| self.stream.is_none());
        let found = addresses
            .find(|address| family.is_none_or(|family| family.is_ipv4() == address.is_ipv4()));
        self.next = found.is_none().then(|| now.saturating_add(RESOLVE_AGAIN));
        let fresh = found.filter(|address| self.address != Some(*address))?;
        self.address = Some(fresh);
        Some(fresh)
    }
}

/// The socket, opened once it is known of which family it must be, and connections.
struct Link {
    socket: Option<UdpSocket>,
    /// Room for a datagram, and for what it is made of.
    buffer: [u8; 3000],
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
            buffer: [0; 3000],
            #[cfg(feature = "tcp")]
            lines: Lines::new(),
            #[cfg(feature = "tcp")]
            news: sync_channel(NEWS),
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
            let any = if peer.is_ipv4() {
                "0.0.0.0:0"
            } else {
                "[::]:0"
            };
            self.socket = Some(UdpSocket::bind(any)?);
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
        if self.take_one(agent, clock) {
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
                self.take_one(agent, clock);
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        Ok(())
    }

    /// Gives the agent one datagram that has come over a connection.
    #[cfg(feature = "tcp")]
    fn take_one<A: Doors<SocketAddr>>(&mut self, agent: &mut A, clock: &Clock) -> bool {
        let Some((peer, len)) = self.lines.next(clock.now(), &mut self.buffer) else {
            return false;
        };
        let bytes = self.buffer.get_mut(..len).unwrap_or_default();
        agent.handle_input(clock.now(), peer, bytes);
        true
    }
}

/// Nothing came; a signal; or word of an earlier datagram that found no taker.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock
            | ErrorKind::TimedOut
            | ErrorKind::Interrupted
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
    )
}

#[cfg(all(test, feature = "derive"))]
mod tests;
