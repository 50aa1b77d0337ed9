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

use core::fmt;
use core::ops::ControlFlow;

use hosted::io::{self, ErrorKind};
use hosted::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use hosted::string::{String, ToString};
use hosted::time;
use hosted::vec::Vec;

use crate::features::BOOTSTRAP;
use crate::hosted;
use crate::{ConnectError, Doors, Duration, Event, Failure, Instant, Output, host_and_port};

/// How often the application has its turn when nothing happens.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// How long to wait before a name that could not be resolved is tried again.
const RESOLVE_AGAIN: Duration = Duration::from_secs(10);

/// How long to wait for the answer to the De-register at the end.
pub(crate) const FAREWELL: Duration = Duration::from_secs(5);

/// Why a runner ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// The Security object names no server.
    NoServer,
    /// A server's URI is not `coap://host` or `coap://host:port`, nor one of `coaps` where that can be reached.
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
                "`{uri}` is not of the form coap://host or coap://host:port, or coaps with security"
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
/// # Errors
///
/// [`RunError`]. A network that is down is none: the agent tries again.
pub fn run<A: Doors<SocketAddr>>(
    mut agent: A,
    mut turn: impl FnMut(&mut A, Option<Event>) -> ControlFlow<()>,
) -> Result<(), RunError> {
    let mut remotes = remotes(&agent)?;
    let clock = Clock(time::Instant::now());
    let mut link = Link {
        socket: None,
        buffer: [0; 3000],
    };
    let mut flow = ControlFlow::Continue(());
    while flow.is_continue() {
        for remote in &mut remotes {
            if remote.next.is_some_and(|due| due <= clock.now())
                && let Some(address) = remote.resolve(clock.now(), link.family())
            {
                link.open(address)?;
                remote.begin(&mut agent, clock.now(), address)?;
            }
        }
        flow = turn(&mut agent, None);
        agent.handle_timeout(clock.now());
        while let Some(event) = link.flush(&mut agent) {
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
        .map(|(server, uri)| Remote::new(Some(server), uri, A::SECURE))
        .collect()
}

fn bootstrap_server<A: Doors<SocketAddr>>(agent: &A) -> Result<Option<Remote>, RunError> {
    let uri = agent.bootstrap_account().filter(|_| BOOTSTRAP);
    uri.map(|uri| Remote::new(None, uri, A::SECURE)).transpose()
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
        while let Some(event) = link.flush(agent) {
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
}

impl Remote {
    fn new(server: Option<u16>, uri: &str, secure: bool) -> Result<Self, RunError> {
        let (host, port) =
            host_and_port(uri, secure).ok_or_else(|| RunError::Uri(uri.to_string()))?;
        Ok(Self {
            server,
            host: host.to_string(),
            port,
            address: None,
            next: Some(Instant::ZERO),
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
        let found = addresses
            .find(|address| family.is_none_or(|family| family.is_ipv4() == address.is_ipv4()));
        self.next = found.is_none().then(|| now.saturating_add(RESOLVE_AGAIN));
        let fresh = found.filter(|address| self.address != Some(*address))?;
        self.address = Some(fresh);
        Some(fresh)
    }
}

/// The socket, opened once it is known of which family it must be.
struct Link {
    socket: Option<UdpSocket>,
    /// Room for a datagram, and for what it is made of.
    buffer: [u8; 3000],
}

impl Link {
    fn family(&self) -> Option<SocketAddr> {
        self.socket.as_ref()?.local_addr().ok()
    }

    fn open(&mut self, peer: SocketAddr) -> io::Result<()> {
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
    fn flush<A: Doors<SocketAddr>>(&mut self, agent: &mut A) -> Option<Event> {
        loop {
            match agent.poll_output(&mut self.buffer) {
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
