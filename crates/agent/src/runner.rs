//! What the runners on std and on tokio have in common: whom to reach, how they are found again, and how a run ends.

#[cfg(feature = "tcp")]
pub(crate) mod lines;
#[cfg(all(feature = "tcp", not(feature = "tls")))]
mod plain;
mod remote;
#[cfg(feature = "tls")]
mod tls;

use core::fmt;
use core::net::SocketAddr;

use hosted::io::{self, ErrorKind};
use hosted::string::String;
use hosted::vec::Vec;

use crate::features::BOOTSTRAP;
use crate::hosted;
use crate::{ConnectError, Doors, Duration, Event, Failure, Instant, SecurityFailure};
pub(crate) use remote::Remote;

/// How often the application has its turn when nothing happens.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// How much of what connections tell waits for the runner.
#[cfg(feature = "tcp")]
pub(crate) const NEWS: usize = 16;

/// Room for a datagram, and for what it is made of.
pub(crate) const ROOM: usize = 3000;

/// How long to wait for the answers to the De-registers at the end.
const FAREWELL: Duration = Duration::from_secs(5);

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

/// Whom to reach: the servers, and the Bootstrap-Server where it is wanted.
pub(crate) struct Remotes(Vec<Remote>);

impl Remotes {
    /// The servers, or the Bootstrap-Server where there is none.
    pub(crate) fn of<A: Doors<SocketAddr>>(agent: &A) -> Result<Self, RunError> {
        let mut remotes = servers(agent)?;
        if remotes.is_empty() {
            remotes.extend(bootstrap_server(agent)?);
        }
        if remotes.is_empty() {
            return Err(RunError::NoServer);
        }
        Ok(Self(remotes))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Remote> {
        self.0.iter_mut()
    }

    /// Looks for remotes where an event says that they are others.
    pub(crate) fn follow<A: Doors<SocketAddr>>(
        &mut self,
        agent: &A,
        event: &Event,
        now: Instant,
    ) -> Result<(), RunError> {
        match *event {
            Event::BootstrapAccountRemoved => self.0.retain(|remote| remote.server.is_some()),
            Event::BootstrapWanted => {
                // The way to it may not be known yet.
                let found = bootstrap_server(agent)?;
                self.0.retain(|remote| remote.server.is_some());
                self.0.extend(found);
            }
            Event::Bootstrapped => {
                self.0.retain(|remote| remote.server.is_none());
                self.0.extend(servers(agent)?);
            }
            _ => {
                // The name may have moved to another address meanwhile.
                for remote in self.silent(event) {
                    remote.next = Some(now);
                }
            }
        }
        Ok(())
    }

    /// Those of whom an event says that they do not answer.
    fn silent(&mut self, event: &Event) -> impl Iterator<Item = &mut Remote> {
        let (server, reason) = match *event {
            Event::RegistrationFailed { server, reason, .. } => (Some(Some(server)), reason),
            Event::BootstrapFailed { reason, .. } => (Some(None), reason),
            _ => (None, Failure::NoAnswer),
        };
        // It may be the handshake of DTLS that has none.
        let is_silent = matches!(
            reason,
            Failure::NoAnswer | Failure::Security(SecurityFailure::NoAnswer)
        );
        let silent = server.filter(|_| is_silent);
        self.0
            .iter_mut()
            .filter(move |remote| silent == Some(remote.server))
    }

    /// De-registers everywhere.
    pub(crate) fn leave<A: Doors<SocketAddr>>(&self, agent: &mut A, now: Instant) -> Farewell {
        let mut servers: Vec<u16> = self.0.iter().filter_map(|remote| remote.server).collect();
        servers.retain(|server| agent.is_registered(*server));
        for server in &servers {
            agent.deregister(*server);
        }
        Farewell {
            servers,
            end: now.saturating_add(FAREWELL),
        }
    }
}

#[cfg(feature = "tcp")]
impl Remotes {
    /// Hears what connections have come to. Where one could not be secured, what the agent was about to say has failed. Where
    /// a server has closed one, it begins anew, after a pause; a server that has no registration is left to the agent, whose
    /// next datagram makes a connection.
    pub(crate) fn hear<A: Doors<SocketAddr>, C: lines::Carrier>(
        &mut self,
        agent: &mut A,
        lines: &mut lines::Lines<C>,
        now: Instant,
    ) {
        for (address, reason) in lines.take_insecure() {
            for remote in self.over_a_stream(address) {
                agent.security_failed(now, remote.server, reason);
            }
        }
        for (address, pause) in lines.take_lost() {
            for remote in self.over_a_stream(address) {
                let registered = remote
                    .server
                    .is_some_and(|server| agent.is_registered(server));
                if registered {
                    remote.address = None;
                    remote.next = Some(now.saturating_add(pause));
                }
            }
        }
        // A server that is looked up anew may be where it was.
        if self.0.iter().all(|remote| remote.next.is_none()) {
            lines.retain(|address| self.over_a_stream(address).next().is_some());
        }
    }

    fn over_a_stream(&mut self, address: SocketAddr) -> impl Iterator<Item = &mut Remote> {
        self.0
            .iter_mut()
            .filter(move |remote| remote.stream.is_some() && remote.address == Some(address))
    }

    /// Closes the connection to a server that does not answer.
    pub(crate) fn hang_up<C: lines::Carrier>(
        &mut self,
        lines: &mut lines::Lines<C>,
        event: &Event,
    ) {
        for address in self.silent(event).filter_map(|remote| remote.address) {
            lines.hang_up(address);
        }
    }
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

/// The end of a run, which waits a little for the answers to the De-registers.
pub(crate) struct Farewell {
    servers: Vec<u16>,
    pub(crate) end: Instant,
}

impl Farewell {
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.servers.is_empty() || now >= self.end
    }

    pub(crate) fn heed(&mut self, event: &Event) {
        if let Event::Deregistered { server: gone, .. } = *event {
            self.servers.retain(|server| *server != gone);
        }
    }
}

/// Where a socket is bound that is to reach this peer.
pub(crate) fn any(peer: SocketAddr) -> &'static str {
    if peer.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
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
