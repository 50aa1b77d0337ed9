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
use rand_core::Rng;

use crate::hosted;
use crate::{Agent, ConnectError, Duration, Event, Failure, Instant, Objects, Output};

/// How often the application has its turn when nothing happens.
const TICK: Duration = Duration::from_secs(1);

/// How long to wait before a name that could not be resolved is tried again.
const RESOLVE_AGAIN: Duration = Duration::from_secs(10);

/// How long to wait for the answer to the De-register at the end.
const FAREWELL: Duration = Duration::from_secs(5);

/// The port of `coap` URIs that name none (RFC 7252 §6.1).
const PORT: u16 = 5683;

/// Why a runner ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// The Security object names no server.
    NoServer,
    /// A server's URI is not `coap://host` or `coap://host:port`.
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
                "`{uri}` is not of the form coap://host or coap://host:port"
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

/// Runs the agent until `turn` breaks off: connects every server of the Security object, resolving names, and gives
/// the application its turn for each event and at least once a second. At the end it de-registers.
///
/// A server's name is resolved again when the server does not answer, and tried again every ten seconds while it has
/// no address.
///
/// # Errors
///
/// [`RunError`]. A network that is down is none: the agent tries again.
pub fn run<
    O,
    R,
    const SERVERS: usize,
    const OBSERVATIONS: usize,
    const REPLAY: usize,
    const UPLOAD: usize,
>(
    mut agent: Agent<'_, O, SocketAddr, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>,
    mut turn: impl FnMut(
        &mut Agent<'_, O, SocketAddr, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>,
        Option<Event>,
    ) -> ControlFlow<()>,
) -> Result<(), RunError>
where
    O: Objects,
    R: Rng,
{
    let mut servers = Vec::new();
    for (id, uri) in agent.accounts() {
        let (host, port) = parse(uri).ok_or_else(|| RunError::Uri(uri.to_string()))?;
        servers.push(Remote {
            id,
            host: host.to_string(),
            port,
            address: None,
            next: Some(Instant::ZERO),
        });
    }
    if servers.is_empty() {
        return Err(RunError::NoServer);
    }
    let clock = Clock(time::Instant::now());
    let mut link = Link {
        socket: None,
        buffer: [0; 1500],
    };
    let mut flow = ControlFlow::Continue(());
    while flow.is_continue() {
        for server in &mut servers {
            if server.next.is_some_and(|due| due <= clock.now())
                && let Some(address) = server.resolve(clock.now(), link.family())
            {
                link.open(address)?;
                agent.connect(clock.now(), server.id, address)?;
            }
        }
        flow = turn(&mut agent, None);
        agent.handle_timeout(clock.now());
        while let Some(event) = link.flush(&mut agent) {
            if let Event::RegistrationFailed {
                server: id,
                reason: Failure::NoAnswer,
                ..
            } = event
            {
                // The name may have moved to another address meanwhile.
                servers
                    .iter_mut()
                    .filter(|server| server.id == id)
                    .for_each(|server| server.next = Some(clock.now()));
            }
            if flow.is_continue() {
                flow = turn(&mut agent, Some(event));
            }
        }
        if flow.is_continue() {
            link.wait(&mut agent, &clock, clock.now().saturating_add(TICK))?;
        }
    }
    farewell(
        &mut agent,
        &mut link,
        &clock,
        servers.iter().map(|server| server.id).collect(),
    )
}

/// De-registers everywhere, and waits a little for the answers.
fn farewell<
    O,
    R,
    const SERVERS: usize,
    const OBSERVATIONS: usize,
    const REPLAY: usize,
    const UPLOAD: usize,
>(
    agent: &mut Agent<'_, O, SocketAddr, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>,
    link: &mut Link,
    clock: &Clock,
    mut servers: Vec<u16>,
) -> Result<(), RunError>
where
    O: Objects,
    R: Rng,
{
    servers.retain(|server| agent.is_registered(*server));
    for server in &servers {
        agent.deregister(*server);
    }
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

/// A server and where it is.
struct Remote {
    id: u16,
    host: String,
    port: u16,
    address: Option<SocketAddr>,
    /// When its name is to be resolved; `None` once it has been.
    next: Option<Instant>,
}

impl Remote {
    /// Looks the name up and gives the address if it is a new one.
    fn resolve(&mut self, now: Instant, family: Option<SocketAddr>) -> Option<SocketAddr> {
        let found = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .ok()
            .and_then(|mut addresses| {
                addresses.find(|address| {
                    family.is_none_or(|family| family.is_ipv4() == address.is_ipv4())
                })
            });
        self.next = found.is_none().then(|| now.saturating_add(RESOLVE_AGAIN));
        let fresh = found.filter(|address| self.address != Some(*address))?;
        self.address = Some(fresh);
        Some(fresh)
    }
}

/// The socket, opened once it is known of which family it must be.
struct Link {
    socket: Option<UdpSocket>,
    buffer: [u8; 1500],
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
    fn flush<
        O,
        R,
        const SERVERS: usize,
        const OBSERVATIONS: usize,
        const REPLAY: usize,
        const UPLOAD: usize,
    >(
        &mut self,
        agent: &mut Agent<'_, O, SocketAddr, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>,
    ) -> Option<Event>
    where
        O: Objects,
        R: Rng,
    {
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
    fn wait<
        O,
        R,
        const SERVERS: usize,
        const OBSERVATIONS: usize,
        const REPLAY: usize,
        const UPLOAD: usize,
    >(
        &mut self,
        agent: &mut Agent<'_, O, SocketAddr, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>,
        clock: &Clock,
        latest: Instant,
    ) -> io::Result<()>
    where
        O: Objects,
        R: Rng,
    {
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
                    self.buffer.get(..length).unwrap_or_default(),
                );
                Ok(())
            }
            Err(error) => match error.kind() {
                // Nothing came; a signal; or word of an earlier datagram that found no taker.
                ErrorKind::WouldBlock
                | ErrorKind::TimedOut
                | ErrorKind::Interrupted
                | ErrorKind::ConnectionRefused
                | ErrorKind::ConnectionReset => Ok(()),
                _ => Err(error),
            },
        }
    }
}

/// Host and port of a `coap` URI without path.
fn parse(uri: &str) -> Option<(&str, u16)> {
    let scheme = uri.get(..7)?;
    if !scheme.eq_ignore_ascii_case("coap://") {
        return None;
    }
    let authority = uri.get(7..)?;
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return None,
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        // An empty port is the default one (RFC 3986 §3.2.3).
        None | Some("") => PORT,
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().ok()?
        }
        Some(_) => return None,
    };
    let plain = !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']);
    plain.then_some((host, port))
}

#[cfg(all(test, feature = "derive"))]
mod tests;
