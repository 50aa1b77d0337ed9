//! The agent and its doors.

use core::fmt;

use dunlin_coap::time::Instant;
use dunlin_model::{InstanceId, ObjectId, ResourceId, Value};
use rand_core::Rng;

use crate::attributes::Attached;
use crate::content::SINGLE;
use crate::engine::{Core, State};
use crate::observation::Observation;
use crate::registration::{Leave, Registration, Slot};
use crate::replay::Replay;
use crate::{Config, Counters, Objects, Output, provision, set};

/// An `LwM2M` client as a state machine: without socket, thread, clock or heap.
///
/// `O` is its set of objects, `P` the address of a peer on whatever carries the datagrams, `R` its random numbers.
/// Its capacities are in the type, with defaults for a device of one server:
///
/// - `SERVERS`: servers it is registered at; 1.
/// - `OBSERVATIONS`: observations of all servers together, and as many nodes with attributes; 8. An Observe beyond is
///   answered like a Read, a Write-Attributes beyond with 5.00.
/// - `REPLAY`: bytes to remember answers by, for requests that come twice; 512. The oldest give way.
/// - `UPLOAD`: the longest payload that a server may send in blocks, in bytes; 1024.
///
/// After every call of a door, poll until [`Output::Idle`].
pub struct Agent<
    'a,
    O,
    P,
    R,
    const SERVERS: usize = 1,
    const OBSERVATIONS: usize = 8,
    const REPLAY: usize = 512,
    const UPLOAD: usize = 1024,
> {
    pub(crate) objects: O,
    pub(crate) rng: R,
    config: Config<'a>,
    pub(crate) state: State<P>,
    servers: [Option<Slot<P>>; SERVERS],
    observations: [Option<Observation>; OBSERVATIONS],
    attributes: [Option<Attached>; OBSERVATIONS],
    replay: Replay<[u8; REPLAY]>,
    upload: [u8; UPLOAD],
    #[cfg(feature = "fallback")]
    fallback: (&'a mut [u8], usize),
}

/// Why a server cannot be connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ConnectError {
    /// No instance of the Server object has this short server id.
    UnknownServer,
    /// All places for servers are taken.
    NoSpace,
    /// The credentials of the account are of no use.
    Security,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownServer => "no instance of object 1 has this short server id",
            Self::NoSpace => "all places for servers are taken",
            Self::Security => "the credentials of the account are of no use",
        })
    }
}

impl core::error::Error for ConnectError {}

impl<'a, O: Objects, P: Copy + Eq, R: Rng> Agent<'a, O, P, R> {
    /// An agent with the default capacities. It does nothing until it is [connected](Self::connect).
    ///
    /// `rng` should be a cryptographic generator where there is no DTLS: its tokens keep forged answers away.
    pub fn new(objects: O, config: Config<'a>, rng: R) -> Self {
        Self::with_capacity(objects, config, rng)
    }
}

impl<
    'a,
    O: Objects,
    P: Copy + Eq,
    R: Rng,
    const SERVERS: usize,
    const OBSERVATIONS: usize,
    const REPLAY: usize,
    const UPLOAD: usize,
> Agent<'a, O, P, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>
{
    /// An agent with the capacities of its type.
    ///
    /// ```
    /// # use dunlin_agent::{Agent, Config, Objects, objects::{Device, Security, Server}};
    /// # #[derive(Objects)]
    /// # struct Node { security: Security<2>, server: Server<2>, device: Device<'static> }
    /// # type Peer = u8;
    /// # fn make(node: Node, rng: rand::rngs::SmallRng) {
    /// // Two servers, 16 observations, 2 KiB of answers and uploads of up to 4 KiB.
    /// let agent: Agent<Node, Peer, _, 2, 16, 2048, 4096> = Agent::with_capacity(node, Config::new("urn:dev:os:1-7"), rng);
    /// # }
    /// ```
    pub fn with_capacity(objects: O, config: Config<'a>, mut rng: R) -> Self {
        let [a, b, ..] = rng.next_u32().to_ne_bytes();
        let lifetime = config.parameters.exchange_lifetime();
        Self {
            objects,
            state: State::new(u16::from_ne_bytes([a, b])),
            servers: [const { None }; SERVERS],
            observations: [None; OBSERVATIONS],
            attributes: [None; OBSERVATIONS],
            replay: Replay::new(lifetime),
            upload: [0; UPLOAD],
            #[cfg(feature = "fallback")]
            fallback: (&mut [], 0),
            rng,
            config,
        }
    }

    #[inline(never)]
    pub(crate) fn core(&mut self) -> Core<'_, P> {
        Core {
            objects: &mut self.objects,
            rng: &mut self.rng,
            config: &self.config,
            state: &mut self.state,
            servers: &mut self.servers,
            observations: &mut self.observations,
            attributes: &mut self.attributes,
            upload: &mut self.upload,
            replay: &mut self.replay,
            #[cfg(feature = "fallback")]
            fallback: crate::fallback::Room {
                bytes: self.fallback.0,
                len: &mut self.fallback.1,
            },
        }
    }

    /// Takes in a datagram that `peer` has sent.
    ///
    /// Nothing that a peer sends is an error here: it is answered or ignored as the protocol says, and counted. After
    /// it, [`poll_output`](Self::poll_output) and [`next_timeout`](Self::next_timeout) may have something new.
    pub fn handle_input(&mut self, now: Instant, peer: P, bytes: &[u8]) {
        self.core().handle_input(now, peer, bytes);
    }

    /// Gives one thing to do: a datagram to send, written into `buffer`, an event, or nothing.
    ///
    /// A `buffer` of 1152 bytes is enough for every message with the default block size as long as what is read or
    /// listed at once stays below a kilobyte; 512 bytes serve a small device. What does not fit is answered with
    /// 5.00, and a Register that does not fit is a failed registration.
    pub fn poll_output<'b>(&mut self, buffer: &'b mut [u8]) -> Output<'b, P> {
        self.core().poll_output(buffer)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, at the latest; `None` when only an input or a
    /// change brings something to do. A time that has passed means at once.
    ///
    /// Every other door may change it.
    pub fn next_timeout(&mut self) -> Option<Instant> {
        self.core().next_timeout()
    }

    /// Tells the time. Too early or too often does no harm; a time before one already told counts as that one.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.core().clock(now);
    }

    /// Changes the objects. What is observed is then notified by its attributes, and a registration that no longer
    /// tells the truth gets its Update: at once, as [`next_timeout`](Self::next_timeout) says.
    pub fn set<T>(&mut self, change: impl FnOnce(&mut O) -> T) -> T {
        self.state.changed = true;
        change(&mut self.objects)
    }

    /// The objects.
    pub fn objects(&self) -> &O {
        &self.objects
    }

    /// The configuration.
    pub fn config(&self) -> &Config<'a> {
        &self.config
    }

    /// What has been counted so far.
    pub fn counters(&self) -> Counters {
        self.state.counters
    }

    /// The accounts of the Security object: short server id and URI of each server to [connect](Self::connect).
    pub fn accounts(&self) -> impl Iterator<Item = (u16, &str)> {
        let objects: &dyn Objects = &self.objects;
        let security = objects.find(ObjectId::of::<0>());
        security.into_iter().flat_map(|security| {
            set::instances(security).filter_map(|id| {
                let account = security.instance(id)?;
                let bootstrap = account.read(ResourceId::of::<1>(), SINGLE)?.as_bool()?;
                let server = account.read(ResourceId::of::<10>(), SINGLE)?.as_u64()?;
                let uri = account.read(ResourceId::of::<0>(), SINGLE)?.as_str()?;
                (!bootstrap).then_some((u16::try_from(server).ok()?, uri))
            })
        })
    }

    /// Starts to register at the server with this short server id, which is at `peer`; after the delay of /1/x/14 if
    /// there is one, which counts from the end of the registration at the server before it where they have an order. Servers
    /// are told apart by their addresses: no two may have the same. A server that is connected already begins anew, as it must
    /// when its address has changed.
    ///
    /// # Errors
    ///
    /// [`ConnectError`].
    pub fn connect(&mut self, now: Instant, server: u16, peer: P) -> Result<(), ConnectError> {
        self.handle_timeout(now);
        let now = self.state.now;
        let account = self.account(server).ok_or(ConnectError::UnknownServer)?;
        let place = self
            .place_of(server)
            .or_else(|| self.servers.iter().position(Option::is_none))
            .ok_or(ConnectError::NoSpace)?;
        self.core().end_observations(place);
        if let Some(place) = self.servers.get_mut(place) {
            let new = Slot::new(server, peer, account, self.config.version, now);
            let slot = place.insert(new);
            slot.until = now.saturating_add(slot.first_delay(&self.objects));
        }
        Ok(())
    }

    /// The URI of the Bootstrap-Server, if the Security object has its account.
    pub fn bootstrap_account(&self) -> Option<&str> {
        let account = provision::account(&self.objects)?;
        account.read(ResourceId::of::<0>(), SINGLE)?.as_str()
    }

    /// Starts to bootstrap at the Bootstrap-Server, which is at `peer`: after the Client Hold Off Time of its account,
    /// until [`Event::Bootstrapped`](crate::Event::Bootstrapped). The agent knows the way from then on, and bootstraps
    /// again when a server asks for it (/1/x/9) or registrations keep failing (/1/x/16).
    #[cfg(feature = "bootstrap")]
    pub fn bootstrap(&mut self, now: Instant, peer: P) {
        self.handle_timeout(now);
        let hold_off = crate::bootstrap::hold_off(&self.objects);
        let until = self.state.now.saturating_add(hold_off);
        let packs = self.config.asks_for_pack();
        #[cfg(feature = "fallback")]
        self.core().fall_back();
        let uri = crate::bootstrap::uri(&self.objects);
        self.state.bootstrap = Some(crate::bootstrap::Bootstrap::new(peer, uri, until, packs));
    }

    /// A connection with this server, or with the Bootstrap-Server, could not be secured.
    #[cfg(feature = "tcp")]
    pub(crate) fn security_failed(
        &mut self,
        now: Instant,
        server: Option<u16>,
        reason: crate::SecurityFailure,
    ) {
        self.handle_timeout(now);
        let reason = crate::Failure::Security(reason);
        match server {
            None => self.core().end_bootstrap_request(reason),
            Some(server) => {
                if let Some(place) = self.place_of(server) {
                    self.core().end_request(place, reason);
                }
            }
        }
    }

    /// Gives room for the accounts of before a bootstrap, which are in use again when the Bootstrap-Server does not come to
    /// an end: no answer, no Bootstrap-Finish in time, a pack that is not whole. Registrations go on as if nothing had been.
    ///
    /// It takes as many bytes as the SenML CBOR of the objects 0, 1, 2, 21 and 23 has; about 150 for one server. Accounts
    /// that are longer are not kept, and there is no way back from that bootstrap. The keys in them are wiped at its end. A
    /// store of what is kept over restarts (`storage`) needs no such room: it goes back to what is stored.
    #[cfg(feature = "fallback")]
    pub fn fall_back_on(&mut self, room: &'a mut [u8]) {
        self.core().end_change();
        self.fallback = (room, 0);
    }

    /// The instance of the Server object with this short server id.
    pub(crate) fn account(&self, server: u16) -> Option<InstanceId> {
        let objects: &dyn Objects = &self.objects;
        let servers = objects.find(ObjectId::of::<1>())?;
        set::instances(servers).find(|id| {
            let value = servers
                .instance(*id)
                .and_then(|account| account.read(ResourceId::of::<0>(), SINGLE));
            value.as_ref().and_then(Value::as_u64) == Some(server.into())
        })
    }

    /// The place of a connected server.
    pub(crate) fn place_of(&self, server: u16) -> Option<usize> {
        let is_it = |slot: &Slot<P>| slot.short_server_id == server;
        self.servers
            .iter()
            .position(|slot| slot.as_ref().is_some_and(is_it))
    }

    /// The attributes of all nodes.
    pub(crate) fn attached(&self) -> &[Option<Attached>] {
        &self.attributes
    }

    fn slot_mut(&mut self, server: u16) -> Option<&mut Slot<P>> {
        self.servers
            .iter_mut()
            .filter_map(Option::as_mut)
            .find(|slot| slot.short_server_id == server)
    }

    /// Whether the server has been connected.
    #[cfg(feature = "persistence")]
    pub(crate) fn is_connected(&self, server: u16) -> bool {
        let mut slots = self.servers.iter().filter_map(Option::as_ref);
        slots.any(|slot| slot.short_server_id == server)
    }

    /// Whether the server has accepted a registration that still stands.
    pub fn is_registered(&self, server: u16) -> bool {
        self.servers
            .iter()
            .filter_map(Option::as_ref)
            .any(|slot| slot.short_server_id == server && slot.is_registered())
    }

    /// Sends an Update to the server now, as a device does that has slept; nothing when it is not registered.
    pub fn update(&mut self, server: u16) {
        if let Some(slot) = self.slot_mut(server) {
            slot.update = true;
            self.state.changed = true;
        }
    }

    /// Sends what can be read of up to eight nodes to a server that has not asked for it (Core 1.2.2 §6.4.7): at the next
    /// poll, as it reads then. [`Event::Sent`](crate::Event::Sent) or
    /// [`Event::SendFailed`](crate::Event::SendFailed) tells the end.
    ///
    /// # Errors
    ///
    /// [`SendError`](crate::SendError).
    #[cfg(feature = "send")]
    pub fn send(
        &mut self,
        server: u16,
        paths: &[dunlin_model::Path],
    ) -> Result<(), crate::SendError> {
        self.core().begin_send(server, paths)
    }

    /// Ends the registration at the server; [`connect`](Self::connect) begins another. When there is none yet, it
    /// stops trying.
    pub fn deregister(&mut self, server: u16) {
        if let Some(slot) = self.slot_mut(server) {
            match slot.state {
                Registration::Stopped
                | Registration::Waiting
                | Registration::Disabled
                | Registration::Registering => slot.state = Registration::Stopped,
                _ => slot.leave = Some(Leave::ForGood),
            }
            self.state.changed = true;
        }
    }

    /// Tells whether a server can be reached, as the radio or the modem knows; all can at first.
    ///
    /// To one that cannot, nothing is sent: no Update, no notification, no Register. What happens meanwhile is told later,
    /// the newest value of each observation, and with the feature `history` those before it as far as the attribute
    /// `hqmax` and resource 6 of the Server object ask for it. Requests of the server are answered as ever.
    pub fn set_reachable(&mut self, server: u16, is_reachable: bool) {
        if let Some(slot) = self.slot_mut(server) {
            let returns = slot.is_away && is_reachable;
            slot.is_away = !is_reachable;
            let under_way = slot.unconfirmed.filter(|_| !is_reachable);
            self.state.changed = true;
            if returns && let Some(place) = self.place_of(server) {
                self.core().begin_anew(place);
            }
            if let Some(notification) = under_way {
                self.core().take_back(notification);
            }
        }
    }

    /// In queue mode, until when the device has to stay awake for what its servers still have to say: `MAX_TRANSMIT_WAIT`
    /// (93 s with the default parameters) after its last message (Transport 1.2.2 §6.5). Then it may sleep until
    /// [`next_timeout`](Self::next_timeout). `None` without queue mode: the servers count on it at all times.
    pub fn awake_until(&self) -> Option<Instant> {
        let wait = self.config.parameters.max_transmit_wait();
        let queue_mode = self.config.queue_mode;
        queue_mode.then(|| self.state.sent_at.saturating_add(wait))
    }

    /// How many observations there are.
    pub fn observations(&self) -> usize {
        self.observations.iter().filter_map(Option::as_ref).count()
    }
}

impl<
    O,
    P,
    R,
    const SERVERS: usize,
    const OBSERVATIONS: usize,
    const REPLAY: usize,
    const UPLOAD: usize,
> fmt::Debug for Agent<'_, O, P, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>
{
    /// Endpoint and counters: objects may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("endpoint", &self.config.endpoint)
            .field("counters", &self.state.counters)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use core::mem::size_of;

    use crate::attributes::Attached;
    use crate::observation::Observation;
    use crate::registration::Slot;
    use crate::reply::Reply;

    /// What an agent has many of must not grow unseen. A 32-bit target needs less.
    #[test]
    fn long_lived_records_stay_small() {
        // With what was told last.
        let most = if cfg!(feature = "persistence") {
            96
        } else {
            88
        };
        assert!(
            size_of::<Option<Observation>>() <= most,
            "{}",
            size_of::<Option<Observation>>()
        );
        assert!(
            size_of::<Option<Attached>>() <= 80,
            "{}",
            size_of::<Option<Attached>>()
        );
        assert!(
            size_of::<Option<Slot<u8>>>() <= 288,
            "{}",
            size_of::<Option<Slot<u8>>>()
        );
        assert!(size_of::<Reply<u8>>() <= 80, "{}", size_of::<Reply<u8>>());
    }
}
