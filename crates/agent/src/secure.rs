//! Servers over DTLS 1.2, with pre-shared keys or raw public keys (Transport 1.2.2 §5).
//!
//! [`Secure`] stands between an agent and the network: it does handshakes with the credentials of the Security object,
//! tells the agent of a server when it is safe to talk to it, and protects what the two have to say. The agent itself
//! knows nothing of it.

use dunlin_coap::time::{Duration, Instant};
#[cfg(feature = "psk")]
use dunlin_dtls::PskKey;
#[cfg(feature = "rpk")]
use dunlin_dtls::{Alert, CertificateTypes, Presented, PrivateKey};
use dunlin_dtls::{Config as DtlsConfig, Connection, Credentials, Datagram};
use dunlin_model::{ObjectId, ResourceId};
use rand_core::CryptoRng;

use crate::content::SINGLE;
use crate::registration::spread;
use crate::{Agent, ConnectError, Event, Failure, Object, Objects, Output, set};

/// Delay after the first failed handshake, doubled with each further one, up to about an hour.
const RETRY: Duration = Duration::from_secs(60);

/// The longest delay is `RETRY` times two to this power.
const MAX_DOUBLINGS: u32 = 6;

/// The most that a record adds to what it protects.
const OVERHEAD: usize = 64;

/// An agent whose servers are reached over DTLS, or without security, as their accounts in the Security object say.
///
/// It has the doors of the [`Agent`] within. `HANDSHAKE` is the room for a flight of each side: 256 bytes do for
/// pre-shared keys, 512 for raw public keys.
///
/// What comes from the address of a server that is to be reached over DTLS reaches the agent only if DTLS says that it is
/// from this server.
pub struct Secure<
    'a,
    O,
    P,
    R,
    const HANDSHAKE: usize = 256,
    const SERVERS: usize = 1,
    const OBSERVATIONS: usize = 8,
    const REPLAY: usize = 512,
    const UPLOAD: usize = 1024,
> {
    agent: Agent<'a, O, P, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>,
    links: [Option<Link<P, HANDSHAKE>>; SERVERS],
    #[cfg(feature = "bootstrap")]
    bootstrap: Option<Link<P, HANDSHAKE>>,
}

/// Whom a connection is with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remote {
    Server(u16),
    #[cfg(feature = "bootstrap")]
    Bootstrap,
}

/// A server over DTLS. It is kept while nothing is secure, so that nobody else is heard in its place.
struct Link<P, const HANDSHAKE: usize> {
    remote: Remote,
    peer: P,
    connection: Connection<(), HANDSHAKE, HANDSHAKE>,
    /// When the next handshake begins, after one has failed.
    retry: Option<Instant>,
    failures: u32,
}

impl<
    'a,
    O: Objects,
    P: Copy + Eq,
    R: CryptoRng,
    const HANDSHAKE: usize,
    const SERVERS: usize,
    const OBSERVATIONS: usize,
    const REPLAY: usize,
    const UPLOAD: usize,
> Secure<'a, O, P, R, HANDSHAKE, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>
{
    /// Takes an agent in. Its servers are to be [connected](Self::connect) here.
    pub fn new(agent: Agent<'a, O, P, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>) -> Self {
        Self {
            agent,
            links: [const { None }; SERVERS],
            #[cfg(feature = "bootstrap")]
            bootstrap: None,
        }
    }

    /// The agent within.
    pub fn agent(&self) -> &Agent<'a, O, P, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD> {
        &self.agent
    }

    /// The agent within; its doors to the network are not to be used.
    pub fn agent_mut(&mut self) -> &mut Agent<'a, O, P, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD> {
        &mut self.agent
    }

    /// Starts to register at the server with this short server id, which is at `peer`: at once where its account has no
    /// security, else after a handshake. A server that is connected already begins anew.
    ///
    /// # Errors
    ///
    /// [`ConnectError::UnknownServer`] without an account in the Security object, [`ConnectError::Security`] when its
    /// credentials are of no use, and what [`Agent::connect`] says.
    pub fn connect(&mut self, now: Instant, server: u16, peer: P) -> Result<(), ConnectError> {
        self.handle_timeout(now);
        let remote = Remote::Server(server);
        let account = account(&self.agent.objects, remote).ok_or(ConnectError::UnknownServer)?;
        let place = self
            .links
            .iter()
            .position(|link| link.as_ref().is_some_and(|link| link.remote == remote))
            .or_else(|| self.links.iter().position(Option::is_none))
            .ok_or(ConnectError::NoSpace)?;
        let Some(slot) = self.links.get_mut(place) else {
            return Err(ConnectError::NoSpace);
        };
        if mode(account) == Some(NO_SEC) {
            *slot = None;
            return self.agent.connect(now, server, peer);
        }
        *slot = Some(Link::new(remote, peer));
        let begun = slot
            .as_mut()
            .and_then(|link| link.begin(now, &self.agent.objects, &mut self.agent.rng));
        begun.ok_or(ConnectError::Security)
    }

    /// Starts to bootstrap at the Bootstrap-Server, which is at `peer`, as [`Agent::bootstrap`] does: where its account
    /// has security, after a handshake.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    #[cfg(feature = "bootstrap")]
    pub fn bootstrap(&mut self, now: Instant, peer: P) -> Result<(), ConnectError> {
        self.handle_timeout(now);
        let account = account(&self.agent.objects, Remote::Bootstrap);
        let account = account.ok_or(ConnectError::UnknownServer)?;
        if mode(account) == Some(NO_SEC) {
            self.bootstrap = None;
            self.agent.bootstrap(now, peer);
            return Ok(());
        }
        let link = self.bootstrap.insert(Link::new(Remote::Bootstrap, peer));
        link.begin(now, &self.agent.objects, &mut self.agent.rng)
            .ok_or(ConnectError::Security)
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Link<P, HANDSHAKE>> {
        let links = self.links.iter_mut().flatten();
        #[cfg(feature = "bootstrap")]
        let links = links.chain(&mut self.bootstrap);
        links
    }

    /// Takes in a datagram that `peer` has sent; it is decrypted in place.
    pub fn handle_input(&mut self, now: Instant, peer: P, bytes: &mut [u8]) {
        let links = self.links.iter_mut().flatten();
        #[cfg(feature = "bootstrap")]
        let links = links.chain(&mut self.bootstrap);
        let mut secured = false;
        for link in links.filter(|link| link.peer == peer) {
            secured = true;
            let mut datagram = Datagram::new(&mut *bytes);
            loop {
                let agent = &mut self.agent;
                let Some(mut keys) = Keys::of(&agent.objects, link.remote) else {
                    break;
                };
                let connection = &mut link.connection;
                let data = connection.handle_input(now, &mut datagram, &mut keys, &mut agent.rng);
                match data {
                    Some(data) => agent.handle_input(now, peer, data),
                    None => break,
                }
            }
        }
        if !secured {
            self.agent.handle_input(now, peer, bytes);
        }
    }

    /// Gives one thing to do, as [`Agent::poll_output`] does. Half of `buffer` is for what the agent writes, the other for
    /// what becomes of it.
    pub fn poll_output<'b>(&mut self, buffer: &'b mut [u8]) -> Output<'b, P> {
        let now = self.agent.state.now;
        let mut handshake = None;
        let random = self.agent.rng.next_u32();
        let mut established = None;
        for link in self.all() {
            match link.connection.poll_output(buffer) {
                dunlin_dtls::Output::Transmit(bytes) => {
                    handshake = Some((link.peer, bytes.len()));
                }
                dunlin_dtls::Output::Event(dunlin_dtls::Event::Established) => {
                    link.failures = 0;
                    established = Some((link.remote, link.peer));
                }
                dunlin_dtls::Output::Event(_) => {
                    return Output::Event(link.failed(now, random));
                }
                dunlin_dtls::Output::Idle => {}
            }
            if handshake.is_some() || established.is_some() {
                break;
            }
        }
        if let Some((to, len)) = handshake {
            let bytes = buffer.get(..len).unwrap_or_default();
            return Output::Transmit { to, bytes };
        }
        match established {
            Some((Remote::Server(server), peer)) => {
                // The account may be gone, after a bootstrap: then there is nobody to register at.
                let _ = self.agent.connect(now, server, peer);
                self.agent.handle_timeout(now);
            }
            #[cfg(feature = "bootstrap")]
            Some((Remote::Bootstrap, peer)) => {
                self.agent.bootstrap(now, peer);
                self.agent.handle_timeout(now);
            }
            None => {}
        }
        self.poll_agent(buffer)
    }

    fn poll_agent<'b>(&mut self, buffer: &'b mut [u8]) -> Output<'b, P> {
        let room = buffer.len().saturating_sub(OVERHEAD) / 2;
        loop {
            let Some((plain, record)) = buffer.split_at_mut_checked(room) else {
                return Output::Idle;
            };
            let (to, len) = match self.agent.poll_output(plain) {
                Output::Transmit { to, bytes } => (to, bytes.len()),
                Output::Event(event) => {
                    self.look_at(event);
                    return Output::Event(event);
                }
                Output::Idle => return Output::Idle,
            };
            let data = plain.get(..len).unwrap_or_default();
            let Some(link) = self.all().find(|link| link.peer == to) else {
                let bytes = buffer.get(..len).unwrap_or_default();
                return Output::Transmit { to, bytes };
            };
            // What cannot be protected is lost, like what is lost on the way.
            if let Ok(record) = link.connection.send(data, record) {
                let end = room.saturating_add(record.len());
                let bytes = buffer.get(room..end).unwrap_or_default();
                return Output::Transmit { to, bytes };
            }
        }
    }

    /// A server that does not answer may have forgotten the association: there is to be a new one.
    fn look_at(&mut self, event: Event) {
        let remote = match event {
            Event::RegistrationFailed {
                server,
                reason: Failure::NoAnswer,
                ..
            } => Remote::Server(server),
            #[cfg(feature = "bootstrap")]
            Event::BootstrapFailed {
                reason: Failure::NoAnswer,
                ..
            } => Remote::Bootstrap,
            _ => return,
        };
        let now = self.agent.state.now;
        if let Some(link) = self.all().find(|link| link.remote == remote) {
            link.retry = Some(now);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, at the latest.
    pub fn next_timeout(&mut self) -> Option<Instant> {
        let links = self
            .all()
            .filter_map(|link| link.retry.or_else(|| link.connection.next_timeout()))
            .min();
        let agent = self.agent.next_timeout();
        links.into_iter().chain(agent).min()
    }

    /// Tells the time.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
        let now = self.agent.state.now;
        let links = self.links.iter_mut().flatten();
        #[cfg(feature = "bootstrap")]
        let links = links.chain(&mut self.bootstrap);
        for link in links {
            link.connection.handle_timeout(now);
            if link.retry.is_some_and(|due| due <= now) {
                link.retry = None;
                // Without an account there is nothing to be done any more.
                let _ = link.begin(now, &self.agent.objects, &mut self.agent.rng);
            }
        }
    }
}

impl<P, const HANDSHAKE: usize> Link<P, HANDSHAKE> {
    fn new(remote: Remote, peer: P) -> Self {
        Self {
            remote,
            peer,
            connection: Connection::client(DtlsConfig::DEFAULT),
            retry: None,
            failures: 0,
        }
    }

    /// Begins a handshake; `None` without credentials.
    fn begin<R: CryptoRng>(
        &mut self,
        now: Instant,
        objects: &dyn Objects,
        rng: &mut R,
    ) -> Option<()> {
        let mut keys = Keys::of(objects, self.remote)?;
        self.connection.connect(now, None, &mut keys, rng);
        Some(())
    }

    /// A handshake has failed, or an association has ended: the next follows in a while.
    fn failed(&mut self, now: Instant, random: u32) -> Event {
        let factor = 1_u64 << self.failures.min(MAX_DOUBLINGS);
        self.failures = self.failures.saturating_add(1);
        let retry = spread(RETRY.saturating_mul(factor), random);
        self.retry = Some(now.saturating_add(retry));
        let reason = Failure::Security;
        match self.remote {
            Remote::Server(server) => Event::RegistrationFailed {
                server,
                reason,
                retry,
            },
            #[cfg(feature = "bootstrap")]
            Remote::Bootstrap => Event::BootstrapFailed { reason, retry },
        }
    }
}

/// The Security Mode without security (resource 2).
const NO_SEC: i64 = 3;

fn account(objects: &dyn Objects, remote: Remote) -> Option<&dyn Object> {
    let security = objects.find(ObjectId::of::<0>())?;
    set::instances(security)
        .filter_map(|id| security.instance(id))
        .find(|account| {
            let bootstrap = account.read(ResourceId::of::<1>(), SINGLE);
            let bootstrap = bootstrap.and_then(|value| value.as_bool()) == Some(true);
            match remote {
                Remote::Server(server) => {
                    let id = account.read(ResourceId::of::<10>(), SINGLE);
                    !bootstrap && id.and_then(|id| id.as_i64()) == Some(server.into())
                }
                #[cfg(feature = "bootstrap")]
                Remote::Bootstrap => bootstrap,
            }
        })
}

fn mode(account: &dyn Object) -> Option<i64> {
    account.read(ResourceId::of::<2>(), SINGLE)?.as_i64()
}

fn bytes(account: &dyn Object, resource: ResourceId) -> &[u8] {
    let value = account.read(resource, SINGLE);
    value
        .and_then(|value| value.as_opaque())
        .unwrap_or_default()
}

/// The credentials of an account.
struct Keys<'k> {
    #[cfg(feature = "psk")]
    psk: Option<(&'k [u8], PskKey)>,
    #[cfg(feature = "rpk")]
    private: Option<PrivateKey>,
    /// The server's SubjectPublicKeyInfo.
    #[cfg(feature = "rpk")]
    server: &'k [u8],
}

impl<'k> Keys<'k> {
    /// `None` where an account has none that are of use here.
    fn of(objects: &'k dyn Objects, remote: Remote) -> Option<Self> {
        let account = account(objects, remote)?;
        let mode = mode(account)?;
        let secret = bytes(account, ResourceId::of::<5>());
        let keys = Self {
            #[cfg(feature = "psk")]
            psk: match mode {
                0 => Some((bytes(account, ResourceId::of::<3>()), PskKey::new(secret)?)),
                _ => None,
            },
            #[cfg(feature = "rpk")]
            private: match mode {
                1 => Some(PrivateKey::from_bytes(secret).ok()?),
                _ => None,
            },
            #[cfg(feature = "rpk")]
            server: bytes(account, ResourceId::of::<4>()),
        };
        let usable = mode == 0 && cfg!(feature = "psk") || mode == 1 && cfg!(feature = "rpk");
        usable.then_some(keys)
    }
}

impl Credentials for Keys<'_> {
    type Peer = ();

    #[cfg(feature = "psk")]
    fn own_psk(&self) -> Option<(&[u8], PskKey)> {
        self.psk.clone()
    }

    #[cfg(feature = "rpk")]
    fn private_key(&self) -> Option<&PrivateKey> {
        self.private.as_ref()
    }

    #[cfg(feature = "rpk")]
    fn own_types(&self) -> CertificateTypes {
        self.peer_types()
    }

    #[cfg(feature = "rpk")]
    fn peer_types(&self) -> CertificateTypes {
        CertificateTypes {
            raw_public_key: self.private.is_some(),
            ..CertificateTypes::default()
        }
    }

    #[cfg(feature = "rpk")]
    fn verify(&mut self, presented: Presented<'_>) -> Result<(), Alert> {
        match presented {
            // Public keys are no secret: they may be compared in whatever time.
            Presented::RawPublicKey(key) if key.to_spki() == *self.server => Ok(()),
            _ => Err(Alert::CERTIFICATE_UNKNOWN),
        }
    }
}
