//! Servers over DTLS 1.2, with pre-shared keys, raw public keys or certificates (Transport 1.2.2 §5).
//!
//! [`Secure`] stands between an agent and the network: it does handshakes with the credentials of the Security object,
//! tells the agent of a server when it is safe to talk to it, and protects what the two have to say. The agent itself
//! knows nothing of it.

mod keys;
mod link;

use dunlin_coap::time::{Duration, Instant};
use dunlin_dtls::{Association, Config as DtlsConfig, Connection, ConnectionId, Datagram};
use rand_core::CryptoRng;

use crate::{Agent, ConnectError, Event, Failure, Objects, Output, account};

use link::{Link, Remote, Step};

/// The most that a record has in front of what it protects: header, connection id and nonce.
const BEFORE: usize = 13 + ConnectionId::MAX_LEN + 8;

/// The most that it has behind that: a type and a tag.
const BEHIND: usize = 1 + 16;

/// An agent whose servers are reached over DTLS, or without security, as their accounts in the Security object say.
///
/// It has the doors of the [`Agent`] within. `HANDSHAKE` is the room for a flight of each side: 256 bytes do for
/// pre-shared keys, 512 for raw public keys; certificates need what the chains take and half a kilobyte.
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
    config: DtlsConfig,
    links: [Option<Link<P, HANDSHAKE>>; SERVERS],
    #[cfg(feature = "bootstrap")]
    bootstrap: Option<Link<P, HANDSHAKE>>,
    /// The runner carries streams and secures them: [`Doors::carry_streams`](crate::Doors::carry_streams).
    #[cfg(feature = "tcp")]
    pub(crate) streams: bool,
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
    /// Takes an agent in. Its servers are to be [connected](Self::connect) here. Handshakes are done in the profile of
    /// RFC 7925.
    pub fn new(agent: Agent<'a, O, P, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>) -> Self {
        Self::with_config(agent, DtlsConfig::DEFAULT)
    }

    /// Takes an agent in whose handshakes are done as `config` says.
    pub fn with_config(
        agent: Agent<'a, O, P, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>,
        config: DtlsConfig,
    ) -> Self {
        Self {
            agent,
            config,
            links: [const { None }; SERVERS],
            #[cfg(feature = "bootstrap")]
            bootstrap: None,
            #[cfg(feature = "tcp")]
            streams: false,
        }
    }

    /// Whether a server is talked to without DTLS: without security, or over a stream, which the runner secures.
    fn has_no_dtls(&self, account: &dyn crate::Object) -> bool {
        #[cfg(feature = "tcp")]
        if self.streams && account::is_over_a_stream(account) {
            return true;
        }
        account::mode(account) == Some(account::NO_SEC)
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
        let account = remote
            .account(&self.agent.objects)
            .ok_or(ConnectError::UnknownServer)?;
        let is_plain = self.has_no_dtls(account);
        let place = self
            .links
            .iter()
            .position(|link| link.as_ref().is_some_and(|link| link.remote == remote))
            .or_else(|| self.links.iter().position(Option::is_none))
            .ok_or(ConnectError::NoSpace)?;
        let Some(slot) = self.links.get_mut(place) else {
            return Err(ConnectError::NoSpace);
        };
        if is_plain {
            *slot = None;
            return self.agent.connect(now, server, peer);
        }
        *slot = Some(Link::new(remote, peer, self.config));
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
        let account = Remote::Bootstrap.account(&self.agent.objects);
        let account = account.ok_or(ConnectError::UnknownServer)?;
        if self.has_no_dtls(account) {
            self.bootstrap = None;
            self.agent.bootstrap(now, peer);
            return Ok(());
        }
        let link = self
            .bootstrap
            .insert(Link::new(Remote::Bootstrap, peer, self.config));
        link.begin(now, &self.agent.objects, &mut self.agent.rng)
            .ok_or(ConnectError::Security)
    }

    /// The server whose link is in this place.
    #[cfg(feature = "persistence")]
    pub(crate) fn link_server(&self, place: usize) -> Option<u16> {
        match self.links.get(place)?.as_ref()?.remote {
            Remote::Server(server) => Some(server),
            #[cfg(feature = "bootstrap")]
            Remote::Bootstrap => None,
        }
    }

    /// Whether the account of this server has no security.
    #[cfg(feature = "persistence")]
    pub(crate) fn is_plain(&self, server: u16) -> bool {
        let account = Remote::Server(server).account(&self.agent.objects);
        account.is_some_and(|account| self.has_no_dtls(account))
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Link<P, HANDSHAKE>> {
        let links = self.links.iter_mut().filter_map(Option::as_mut);
        #[cfg(feature = "bootstrap")]
        let links = links.chain(&mut self.bootstrap);
        links
    }

    /// Takes in a datagram that `peer` has sent; it is decrypted in place.
    pub fn handle_input(&mut self, now: Instant, peer: P, bytes: &mut [u8]) {
        let links = self.links.iter_mut().filter_map(Option::as_mut);
        #[cfg(feature = "bootstrap")]
        let links = links.chain(&mut self.bootstrap);
        let mut secured = false;
        for link in links.filter(|link| link.peer == peer) {
            secured = true;
            let mut datagram = Datagram::new(&mut *bytes);
            loop {
                let agent = &mut self.agent;
                let (objects, rng) = (&agent.objects, &mut agent.rng);
                let Some(data) = link.handle_input(now, &mut datagram, objects, rng) else {
                    break;
                };
                agent.handle_input(now, peer, data);
            }
        }
        if !secured {
            self.agent.handle_input(now, peer, bytes);
        }
    }

    /// Gives one thing to do, as [`Agent::poll_output`] does. A record takes up to 58 bytes of `buffer` more than the
    /// agent's own message.
    pub fn poll_output<'b>(&mut self, buffer: &'b mut [u8]) -> Output<'b, P> {
        let now = self.agent.state.now;
        let random = self.agent.rng.next_u32();
        let mut established = None;
        for link in self.all() {
            match link.poll(now, random, buffer) {
                Step::Transmit(len) => {
                    let to = link.peer;
                    let bytes = buffer.get(..len).unwrap_or_default();
                    return Output::Transmit { to, bytes };
                }
                Step::Tell(event) => return Output::Event(event),
                Step::Established => {
                    established = Some((link.remote, link.peer));
                    break;
                }
                Step::Idle => {}
            }
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
        let end = buffer.len().saturating_sub(BEHIND);
        loop {
            let room = buffer.get_mut(BEFORE..end).unwrap_or_default();
            let (to, len) = match self.agent.poll_output(room) {
                Output::Transmit { to, bytes } => (to, bytes.len()),
                Output::Event(event) => {
                    self.look_at(event);
                    return Output::Event(event);
                }
                Output::Idle => return Output::Idle,
            };
            let Some(link) = self.all().find(|link| link.peer == to) else {
                let end = BEFORE.saturating_add(len);
                let bytes = buffer.get(BEFORE..end).unwrap_or_default();
                return Output::Transmit { to, bytes };
            };
            // What cannot be protected is lost, like what is lost on the way.
            if let Some(len) = seal(&mut link.connection, buffer, len) {
                let bytes = buffer.get(..len).unwrap_or_default();
                return Output::Transmit { to, bytes };
            }
        }
    }

    /// A server that does not answer may have forgotten the association: there is to be a new one. So there is after a time
    /// for which the server has been disabled; until then nothing connects to it (/1/x/4).
    fn look_at(&mut self, event: Event) {
        let mut pause = Duration::ZERO;
        let remote = match event {
            Event::Deregistered {
                server,
                retry: Some(disabled),
            } => {
                pause = disabled;
                Remote::Server(server)
            }
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
            if !pause.is_zero() {
                link.connection.close();
            }
            link.retry = Some(now.saturating_add(pause));
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
        let links = self.links.iter_mut().filter_map(Option::as_mut);
        #[cfg(feature = "bootstrap")]
        let links = links.chain(&mut self.bootstrap);
        for link in links {
            link.handle_timeout(now, &self.agent.objects, &mut self.agent.rng);
        }
    }

    /// The association with a server, for an owner who [exports](Association::export) it before a deep sleep.
    pub fn association(&mut self, server: u16) -> Option<&mut Association> {
        let remote = Remote::Server(server);
        let link = self.all().find(|link| link.remote == remote)?;
        link.connection.association()
    }

    /// Goes on with an association that was [imported](Association::import), in place of a handshake, and registers over
    /// it.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn restore(
        &mut self,
        now: Instant,
        server: u16,
        peer: P,
        association: Association,
    ) -> Result<(), ConnectError> {
        let remote = Remote::Server(server);
        remote
            .account(&self.agent.objects)
            .ok_or(ConnectError::UnknownServer)?;
        let mut links = self.links.iter_mut();
        let place = links.find(|link| link.as_ref().is_none_or(|link| link.remote == remote));
        let mut link = Link::new(remote, peer, self.config);
        link.connection.restore(association);
        *place.ok_or(ConnectError::NoSpace)? = Some(link);
        self.agent.connect(now, server, peer)
    }

    /// Ends all associations with a word to the servers, as a device does before it goes: the next poll has it.
    pub fn close(&mut self) {
        for link in self.all() {
            link.connection.close();
            link.retry = None;
        }
    }
}

/// Makes the message that stands in `buffer` behind [`BEFORE`] bytes a record at its beginning; gives its length.
fn seal<const HANDSHAKE: usize>(
    connection: &mut Connection<(), HANDSHAKE, HANDSHAKE>,
    buffer: &mut [u8],
    len: usize,
) -> Option<usize> {
    let (start, end) = (
        connection.association()?.overhead_before(),
        BEFORE.checked_add(len)?,
    );
    if start > BEFORE || end > buffer.len() {
        return None;
    }
    buffer.copy_within(BEFORE..end, start);
    Some(connection.send_in_place(buffer, len).ok()?.len())
}
