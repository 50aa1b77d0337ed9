//! One server, or the Bootstrap-Server, as runners reach it.

use core::net::SocketAddr;

use hosted::net::ToSocketAddrs as _;
use hosted::string::{String, ToString as _};

use super::RunError;
#[cfg(feature = "tcp")]
use super::lines::Security;
#[cfg(feature = "tls")]
use super::tls::Tls;
use crate::hosted;
#[cfg(feature = "tcp")]
use crate::{ConnectError, account};
use crate::{Doors, Duration, Instant, host_and_port};

/// How long to wait before a name that could not be resolved is tried again.
const RESOLVE_AGAIN: Duration = Duration::from_secs(10);

/// A server, or the Bootstrap-Server, and where it is.
pub(crate) struct Remote {
    pub(super) server: Option<u16>,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(super) address: Option<SocketAddr>,
    /// When its name is to be resolved; `None` once it has been.
    pub(crate) next: Option<Instant>,
    /// What secures its connections, where it is reached by TCP.
    #[cfg(feature = "tcp")]
    pub(crate) stream: Option<Security>,
}

impl Remote {
    pub(super) fn new<A: Doors<SocketAddr>>(
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

    /// A server of a `coap+tcp` URI, whose account must be one without security, or of `coaps+tcp` with certificates or raw
    /// public keys: what is asked for is not done without.
    #[cfg(feature = "tcp")]
    fn over_a_stream(
        objects: &dyn crate::Objects,
        server: Option<u16>,
        uri: &str,
    ) -> Result<Self, RunError> {
        let named = || RunError::Uri(uri.to_string());
        let (tls, host, port) = crate::uri::stream_host_and_port(uri).ok_or_else(named)?;
        let account = account::find(objects, server).ok_or(ConnectError::UnknownServer)?;
        let security = if tls {
            #[cfg(feature = "tls")]
            {
                Security::Tls(Tls::of(account, host).ok_or(ConnectError::Security)?)
            }
            #[cfg(not(feature = "tls"))]
            return Err(named());
        } else if account::mode(account) == Some(account::NO_SEC) {
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
    pub(crate) fn resolve(
        &mut self,
        now: Instant,
        family: Option<SocketAddr>,
    ) -> Option<SocketAddr> {
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
