//! Runs an agent on [`embassy_net`]: one UDP socket and the clock of [`embassy_time`], in one task, without an allocator.
//!
//! The socket, bound to a port, and all buffers are the application's. The application has its turn for each event and at
//! least once a second, as with `dunlin_agent::std::run`:
//!
//! ```no_run
//! # use core::ops::ControlFlow;
//! # use dunlin_agent::{Agent, Event, Objects, objects::*};
//! # use dunlin_agent_embassy::{Endpoint, RunError};
//! # use embassy_net::{Stack, udp::{PacketMetadata, UdpSocket}};
//! # #[derive(Objects)]
//! # struct Node { security: Security<1>, server: Server<1>, device: Device<'static>, temperature: Temperature }
//! # type MyAgent = Agent<'static, Node, Endpoint, rand::rngs::SmallRng>;
//! async fn manage(stack: Stack<'_>, mut agent: MyAgent) -> Result<(), RunError> {
//!     let (mut rx_meta, mut rx) = ([PacketMetadata::EMPTY; 4], [0; 1500]);
//!     let (mut tx_meta, mut tx) = ([PacketMetadata::EMPTY; 4], [0; 1500]);
//!     let mut socket = UdpSocket::new(stack, &mut rx_meta, &mut rx, &mut tx_meta, &mut tx);
//!     socket.bind(5683).map_err(RunError::Bind)?;
//!     let mut buffer = [0; 1280];
//!     dunlin_agent_embassy::run(stack, &socket, &mut agent, &mut buffer, |agent, event| {
//!         agent.set(|node| node.temperature.measure(21.5));
//!         match event {
//!             Some(Event::Reboot) => ControlFlow::Break(()),
//!             _ => ControlFlow::Continue(()),
//!         }
//!     })
//!     .await
//! }
//! ```
//!
//! What is breaking in embassy's crates breaks here and nowhere else.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

use core::fmt;
use core::ops::ControlFlow;

use dunlin_agent::{ConnectError, Doors, Duration, Event, Failure, Instant, Output, host_and_port};
use embassy_net::udp::{BindError, UdpSocket};
use embassy_net::{IpAddress, Stack};
use embassy_time::with_timeout;
use heapless::{String, Vec};

/// The address of a peer.
pub type Endpoint = embassy_net::IpEndpoint;

/// How often the application has its turn when nothing happens.
const TICK: Duration = Duration::from_secs(1);

/// How long to wait before a name that could not be resolved is tried again.
const RESOLVE_AGAIN: Duration = Duration::from_secs(10);

/// How long to wait for the answer to the De-register at the end.
const FAREWELL: Duration = Duration::from_secs(5);

/// How many servers there may be, the Bootstrap-Server with them.
const REMOTES: usize = 5;

/// Room for the name of a host.
const HOST: usize = 96;

/// Why a runner ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunError {
    /// The Security object names no server.
    NoServer,
    /// The URI of the server with this short server id, or of the Bootstrap-Server, is not `coap://host` or
    /// `coap://host:port`, nor one of `coaps` where that can be reached.
    Uri(Option<u16>),
    /// There are more than five servers.
    TooManyServers,
    /// A server cannot be connected.
    Connect(ConnectError),
    /// The socket cannot be bound.
    Bind(BindError),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoServer => f.write_str("the Security object names no server"),
            Self::Uri(Some(server)) => {
                write!(f, "the URI of server {server} is none that can be reached")
            }
            Self::Uri(None) => {
                f.write_str("the URI of the Bootstrap-Server is none that can be reached")
            }
            Self::TooManyServers => f.write_str("there are more than five servers"),
            Self::Connect(error) => error.fmt(f),
            Self::Bind(error) => write!(f, "the socket cannot be bound: {error:?}"),
        }
    }
}

impl core::error::Error for RunError {}

/// Runs an agent, or one with security or a store around it, until `turn` breaks off; at the end it de-registers. `socket` is
/// bound; `buffer` has room for a datagram, 1280 bytes for every one.
///
/// Where there is no server, and when one is to be found anew, it bootstraps.
///
/// # Errors
///
/// [`RunError`]. A network that is down is none: the agent tries again.
pub async fn run<A: Doors<Endpoint>>(
    stack: Stack<'_>,
    socket: &UdpSocket<'_>,
    agent: &mut A,
    buffer: &mut [u8],
    mut turn: impl FnMut(&mut A, Option<Event>) -> ControlFlow<()>,
) -> Result<(), RunError> {
    let mut remotes = Remotes::new();
    remotes.find(agent)?;
    let mut flow = ControlFlow::Continue(());
    while flow.is_continue() {
        for remote in &mut remotes.0 {
            if remote.next.is_some_and(|due| due <= now())
                && let Some(endpoint) = remote.resolve(stack, agent).await?
            {
                remote.begin(agent, endpoint)?;
            }
        }
        flow = turn(agent, None);
        agent.handle_timeout(now());
        while let Some(event) = flush(socket, agent, buffer).await {
            remotes.follow(agent, &event)?;
            if flow.is_continue() {
                flow = turn(agent, Some(event));
            }
        }
        if flow.is_continue() {
            wait(socket, agent, buffer, now().saturating_add(TICK)).await;
        }
    }
    let servers = remotes.0.iter().filter_map(|remote| remote.server);
    let mut left: Vec<u16, REMOTES> = servers
        .filter(|server| agent.is_registered(*server))
        .collect();
    for server in &left {
        agent.deregister(*server);
    }
    let end = now().saturating_add(FAREWELL);
    while !left.is_empty() && now() < end {
        agent.handle_timeout(now());
        while let Some(event) = flush(socket, agent, buffer).await {
            if let Event::Deregistered { server: gone, .. } = event {
                left.retain(|server| *server != gone);
            }
        }
        if !left.is_empty() {
            wait(socket, agent, buffer, end).await;
        }
    }
    Ok(())
}

/// The time since the start of the device.
fn now() -> Instant {
    Instant::from_millis(embassy_time::Instant::now().as_millis())
}

/// Sends what is to be sent, up to the next event.
async fn flush<A: Doors<Endpoint>>(
    socket: &UdpSocket<'_>,
    agent: &mut A,
    buffer: &mut [u8],
) -> Option<Event> {
    loop {
        match agent.poll_output(buffer) {
            // What is not sent is lost like what is lost on the way.
            Output::Transmit { to, bytes } => drop(socket.send_to(bytes, to).await),
            Output::Event(event) => return Some(event),
            _ => return None,
        }
    }
}

/// Waits for a datagram until the agent has something to do, at most until `latest`.
async fn wait<A: Doors<Endpoint>>(
    socket: &UdpSocket<'_>,
    agent: &mut A,
    buffer: &mut [u8],
    latest: Instant,
) {
    let until = agent.next_timeout().map_or(latest, |due| due.min(latest));
    let wait = until.saturating_duration_since(now()).as_millis();
    let wait = embassy_time::Duration::from_millis(wait);
    // One that is too long for the buffer is for nobody.
    if let Ok(Ok((length, from))) = with_timeout(wait, socket.recv_from(buffer)).await {
        let bytes = buffer.get_mut(..length).unwrap_or_default();
        agent.handle_input(now(), from.endpoint, bytes);
    }
}

/// A server, or the Bootstrap-Server, and where it is.
struct Remote {
    server: Option<u16>,
    endpoint: Option<Endpoint>,
    /// When its name is to be resolved; `None` once it has been.
    next: Option<Instant>,
}

impl Remote {
    const fn new(server: Option<u16>) -> Self {
        Self {
            server,
            endpoint: None,
            next: Some(Instant::ZERO),
        }
    }

    /// Looks the name up and gives the address if it is a new one.
    async fn resolve<A: Doors<Endpoint>>(
        &mut self,
        stack: Stack<'_>,
        agent: &A,
    ) -> Result<Option<Endpoint>, RunError> {
        let error = RunError::Uri(self.server);
        let uri = match self.server {
            Some(server) => agent
                .accounts()
                .find_map(|(known, uri)| (known == server).then_some(uri)),
            None => agent.bootstrap_account(),
        };
        let Some(uri) = uri else {
            self.next = None;
            return Ok(None);
        };
        let (host, port) = host_and_port(uri, A::SECURE).ok_or(error)?;
        // The agent is not to be held while the answer is waited for.
        let host = String::<HOST>::try_from(host).map_err(|_| error)?;
        let found = match host.parse() {
            Ok(address) => Some(address),
            Err(()) => lookup(stack, &host).await,
        };
        self.next = found.is_none().then(|| now().saturating_add(RESOLVE_AGAIN));
        let endpoint = found.map(|address| Endpoint::from((address, port)));
        let fresh = endpoint.filter(|_| self.endpoint != endpoint);
        if fresh.is_some() {
            self.endpoint = fresh;
        }
        Ok(fresh)
    }

    /// Starts to register there, or to bootstrap.
    fn begin<A: Doors<Endpoint>>(&self, agent: &mut A, endpoint: Endpoint) -> Result<(), RunError> {
        match self.server {
            Some(server) => agent.connect(now(), server, endpoint),
            #[cfg(feature = "bootstrap")]
            None => agent.bootstrap(now(), endpoint),
            #[cfg(not(feature = "bootstrap"))]
            None => Ok(()),
        }
        .map_err(RunError::Connect)
    }
}

/// The address of a host that is no address itself.
#[cfg(feature = "dns")]
async fn lookup(stack: Stack<'_>, host: &str) -> Option<IpAddress> {
    let found = stack.dns_query(host, embassy_net::dns::DnsQueryType::A);
    found.await.ok()?.first().copied()
}

#[cfg(not(feature = "dns"))]
fn lookup(_: Stack<'_>, _: &str) -> core::future::Ready<Option<IpAddress>> {
    core::future::ready(None)
}

struct Remotes(Vec<Remote, REMOTES>);

impl Remotes {
    const fn new() -> Self {
        Self(Vec::new())
    }

    fn add(&mut self, server: Option<u16>) -> Result<(), RunError> {
        let remote = Remote::new(server);
        self.0.push(remote).map_err(|_| RunError::TooManyServers)
    }

    /// Whom to reach: the servers, or the Bootstrap-Server where there is none.
    fn find<A: Doors<Endpoint>>(&mut self, agent: &A) -> Result<(), RunError> {
        for (server, _) in agent.accounts() {
            self.add(Some(server))?;
        }
        if self.0.is_empty() && agent.bootstrap_account().is_some() {
            self.add(None)?;
        }
        if self.0.is_empty() {
            return Err(RunError::NoServer);
        }
        Ok(())
    }

    /// Looks for remotes where an event says that they are others.
    fn follow<A: Doors<Endpoint>>(&mut self, agent: &A, event: &Event) -> Result<(), RunError> {
        match *event {
            Event::RegistrationFailed {
                server,
                reason: Failure::NoAnswer,
                ..
            } => self.again(Some(server)),
            Event::BootstrapFailed {
                reason: Failure::NoAnswer,
                ..
            } => self.again(None),
            Event::BootstrapWanted if agent.bootstrap_account().is_some() => {
                self.0.retain(|remote| remote.server.is_some());
                self.add(None)?;
            }
            Event::Bootstrapped => {
                self.0.retain(|remote| remote.server.is_none());
                for (server, _) in agent.accounts() {
                    self.add(Some(server))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The name may have moved to another address meanwhile.
    fn again(&mut self, server: Option<u16>) {
        for remote in self.0.iter_mut().filter(|remote| remote.server == server) {
            remote.next = Some(now());
        }
    }
}
