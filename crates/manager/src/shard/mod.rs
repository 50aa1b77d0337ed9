//! The protocol of a manager for a part of its devices, without sockets, threads or clocks.
//!
//! A [`Shard`] has the doors of every engine here: [`handle_input`](Shard::handle_input) takes a datagram,
//! [`poll_output`](Shard::poll_output) gives one thing to do, [`next_timeout`](Shard::next_timeout) and
//! [`handle_timeout`](Shard::handle_timeout) are the clock. Two more are its own: [`handle_command`](Shard::handle_command)
//! takes an order for a device, and [`persisted`](Shard::persisted) tells what became of the changes that the shard asked
//! to have stored. After every call, poll until [`Output::Idle`].

mod administration;
mod answer;
mod ciphers;
mod command;
mod credentials;
mod device;
mod exchange;
mod handshake;
mod input;
mod job;
mod links;
mod observation;
mod payload;
mod query;
mod registration;
mod resumption;
mod routability;
mod secure;
mod storing;
mod timers;
mod upload;

#[cfg(test)]
mod tests;

use core::hash::BuildHasher as _;
use core::time::Duration as StdDuration;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::RandomState;
use std::sync::Arc;

use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{MessageId, MessageIds, Parameters, Token};
use dunlin_model::Path;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::metrics::Counters;
use crate::{
    Administration, Change, Command, CommandError, Config, Location, Metrics, Outcome, Peer,
    Records, Registry, Snapshot, Timestamp,
};

pub(crate) use links::{read_links, write_links};

use administration::Objects;
use answer::SeparateAnswer;
use credentials::Credentials;
use device::{Device, DeviceId};
use input::Duplicates;
use resumption::Resumption;
use secure::Secure;
use storing::Storing;
use timers::{Timer, Timers};
use upload::Uploads;

/// Names a command between [`Shard::handle_command`] and [`Output::Completed`]; the owner chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// Names a change between [`Output::Persist`] and [`Shard::persisted`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(crate) u64);

/// One thing for the owner of a shard to do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Send the first `length` bytes of the buffer.
    Transmit {
        /// Where to.
        to: Peer,
        /// How many bytes.
        length: usize,
    },
    /// Store a change, after all that came before it, and tell [`Shard::persisted`].
    Persist {
        /// Its name.
        ticket: Ticket,
        /// The change.
        change: Change,
    },
    /// Something happened.
    Event(Event),
    /// A command has ended.
    Completed {
        /// Which.
        command: CommandId,
        /// What came of it.
        result: Result<Outcome, CommandError>,
    },
    /// The next datagram needs a larger buffer: poll again with one.
    BufferTooSmall {
        /// How many bytes it needs.
        needed: usize,
    },
    /// Nothing, until the next call of another door.
    Idle,
}

/// Something that happened at a shard.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A device registered, and the registration is stored.
    Registered {
        /// The device.
        endpoint: Arc<str>,
    },
    /// A device updated its registration.
    Updated {
        /// The device.
        endpoint: Arc<str>,
    },
    /// A device left.
    Deregistered {
        /// The device.
        endpoint: Arc<str>,
    },
    /// The lifetime of a registration passed.
    Expired {
        /// The device.
        endpoint: Arc<str>,
    },
    /// A device accepted an observation.
    ObservationStarted {
        /// The device.
        endpoint: Arc<str>,
        /// What is observed.
        path: Path,
    },
    /// An observation ended.
    ObservationEnded {
        /// The device.
        endpoint: Arc<str>,
        /// What was observed.
        path: Path,
        /// Why.
        reason: String,
    },
    /// A value arrived by an observation.
    Notification {
        /// The device.
        endpoint: Arc<str>,
        /// What is observed.
        path: Path,
        /// The values.
        records: Records,
        /// When they arrived.
        at: Timestamp,
    },
    /// The store does not take changes.
    StoreFailing {
        /// What it said.
        reason: String,
    },
    /// The store takes changes again.
    StoreRecovered,
}

enum Queued {
    Transmit(Peer, Box<[u8]>),
    Output(Output),
}

/// What a token that a device sends back belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenUse {
    /// The exchange that runs with the device.
    Exchange(DeviceId),
    /// An observation of the device.
    Observation(DeviceId, Path),
}

/// The engine: see the [module](self).
pub struct Shard {
    config: Config,
    objects: Objects,
    credentials: Credentials,
    secure: Secure,
    resumption: Resumption,
    parameters: Parameters,
    rng: StdRng,
    counters: Arc<Counters>,
    /// A moment of both clocks.
    clock: (Instant, Timestamp),
    devices: Vec<Device>,
    by_endpoint: BTreeMap<Arc<str>, DeviceId>,
    by_location: HashMap<Location, DeviceId>,
    by_token: HashMap<Token, TokenUse>,
    /// Requests that wait for an acknowledgement or a response.
    in_flight: HashMap<(Peer, MessageId), DeviceId>,
    /// Separate answers that wait for an acknowledgement.
    separate: HashMap<(Peer, MessageId), SeparateAnswer>,
    /// For the messages that belong to no device.
    message_ids: MessageIds,
    duplicates: Duplicates,
    peer_hasher: RandomState,
    uploads: Uploads,
    storing: Storing,
    dirty: BTreeSet<DeviceId>,
    timers: Timers,
    commands_waiting: usize,
    observation_count: usize,
    registration_count: usize,
    outputs: VecDeque<Queued>,
}

impl Shard {
    /// A shard with the devices of `snapshot`, at `now` by the engine's clock and `wall` by the wall clock.
    ///
    /// Everything random comes from `seed`: the locations of registrations and the tokens of observations are only as
    /// secret as it is.
    pub fn new(
        config: Config,
        seed: [u8; 32],
        snapshot: Snapshot,
        now: Instant,
        wall: Timestamp,
    ) -> Self {
        Self::with_counters(
            config,
            StdRng::from_seed(seed),
            Arc::default(),
            snapshot,
            now,
            wall,
        )
    }

    pub(crate) fn with_counters(
        mut config: Config,
        mut rng: StdRng,
        counters: Arc<Counters>,
        snapshot: Snapshot,
        now: Instant,
        wall: Timestamp,
    ) -> Self {
        let message_ids = MessageIds::new(random_id(&mut rng));
        let window = input::duplicates(config.duplicate_window, rng.next_u64());
        let uploads = Uploads::new([rng.next_u64(), rng.next_u64()]);
        let objects = Objects::new(config.registry.clone(), &snapshot.objects);
        config.registry = objects.registry();
        let credentials = Credentials::new(config.identity.clone(), snapshot.credentials);
        let secure = Secure::new(&mut rng);
        let resumption = Resumption::new(wall, snapshot.ticket_keys.as_deref(), &mut rng);
        let mut shard = Self {
            duplicates: window,
            config,
            objects,
            credentials,
            secure,
            resumption,
            parameters: Parameters::DEFAULT,
            rng,
            counters,
            clock: (now, wall),
            devices: Vec::new(),
            by_endpoint: BTreeMap::new(),
            by_location: HashMap::new(),
            by_token: HashMap::new(),
            in_flight: HashMap::new(),
            separate: HashMap::new(),
            message_ids,
            peer_hasher: RandomState::new(),
            uploads,
            storing: Storing::default(),
            dirty: BTreeSet::new(),
            timers: Timers::default(),
            commands_waiting: 0,
            observation_count: 0,
            registration_count: 0,
            outputs: VecDeque::new(),
        };
        for stored in snapshot.devices {
            shard.restore(now, stored);
        }
        shard.restore_associations(snapshot.associations);
        shard.count_tables();
        shard
    }

    /// Tells what the wall clock shows at `now`. Whenever it is not told, it is taken to run as evenly as the engine's.
    pub fn set_wall_clock(&mut self, now: Instant, wall: Timestamp) {
        self.clock = (now, wall);
    }

    /// Takes a datagram that arrived from `peer`.
    pub fn handle_input(&mut self, now: Instant, peer: Peer, datagram: &[u8]) {
        self.counters.datagrams_in.count();
        self.counters.bytes_in.add(datagram.len() as u64);
        self.tick(now);
        self.input(now, peer, datagram);
        self.count_tables();
    }

    /// Takes a datagram of DTLS that arrived at the listener and from the address of `from`, whose association does not
    /// count. It is decrypted in place.
    pub fn handle_record(&mut self, now: Instant, from: Peer, datagram: &mut [u8]) {
        self.counters.datagrams_in.count();
        self.counters.bytes_in.add(datagram.len() as u64);
        self.tick(now);
        self.record(now, (from.listener, from.address), datagram);
        self.count_tables();
    }

    /// Takes an order for a device. What comes of it is told by [`Output::Completed`], exactly once.
    pub fn handle_command(
        &mut self,
        now: Instant,
        id: CommandId,
        endpoint: &str,
        command: Command,
    ) {
        self.tick(now);
        self.command(now, id, endpoint, command);
        self.count_tables();
    }

    /// Takes an order about the manager itself. What comes of it is told by [`Output::Completed`], exactly once, and
    /// success only when it is stored.
    pub fn handle_administration(&mut self, now: Instant, id: CommandId, order: Administration) {
        self.tick(now);
        self.administer(now, id, order);
        self.count_tables();
    }

    /// Takes what became of the changes with these tickets: one commit, with the reason where it failed.
    pub fn persisted(&mut self, now: Instant, tickets: &[Ticket], result: Result<(), String>) {
        self.tick(now);
        self.stored(now, tickets, result);
        self.count_tables();
    }

    /// Gives one thing to do; a datagram is written to `buffer`.
    pub fn poll_output(&mut self, buffer: &mut [u8]) -> Output {
        match self.outputs.pop_front() {
            None => Output::Idle,
            Some(Queued::Output(output)) => output,
            Some(Queued::Transmit(to, datagram)) => {
                if let Some(space) = buffer.get_mut(..datagram.len()) {
                    space.copy_from_slice(&datagram);
                    Output::Transmit {
                        to,
                        length: datagram.len(),
                    }
                } else {
                    let needed = datagram.len();
                    self.outputs.push_front(Queued::Transmit(to, datagram));
                    Output::BufferTooSmall { needed }
                }
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next. Every other door may change it.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The objects that are known now.
    pub fn registry(&self) -> &Registry {
        &self.config.registry
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.tick(now);
        // Bounded, so that a burst of expiries leaves the packets their turn: what remains is due at once.
        for _ in 0..1024 {
            let Some(timer) = self.timers.take_due(now) else {
                break;
            };
            match timer {
                Timer::Device(id) => self.device_timeout(now, id),
                Timer::Waiting(ticket) => self.acknowledge_waiting(now, ticket),
                Timer::Separate(peer, id) => self.separate_timeout(now, peer, id),
                Timer::Handshake(listener, address) => {
                    self.handshake_timeout(now, (listener, address));
                }
                Timer::Uploads => self.uploads_timeout(now),
                Timer::Store => self.store_timeout(now),
            }
        }
        self.count_tables();
    }

    /// Asks to store at once what would be stored a little later. For the end of a manager.
    pub fn flush(&mut self, now: Instant) {
        self.write_behind(now, usize::MAX);
    }

    /// What the shard has done so far.
    pub fn metrics(&self) -> Metrics {
        self.counters.snapshot()
    }

    /// Keeps the clock for questions that come without a time.
    fn tick(&mut self, now: Instant) {
        self.clock = (now, self.wall(now));
    }

    fn wall(&self, now: Instant) -> Timestamp {
        self.clock
            .1
            .plus_millis(now.saturating_duration_since(self.clock.0).as_millis())
    }

    fn peer_key(&self, peer: Peer) -> u64 {
        self.peer_hasher.hash_one(peer)
    }

    fn new_token(&mut self) -> Token {
        loop {
            let token = Token::from(self.rng.next_u64().to_be_bytes());
            if !self.by_token.contains_key(&token) {
                return token;
            }
        }
    }

    fn transmit(&mut self, to: Peer, datagram: &[u8]) {
        match to.association {
            Some(id) => self.transmit_secure(id, datagram),
            None => self
                .outputs
                .push_back(Queued::Transmit(to, datagram.into())),
        }
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Queued::Output(Output::Event(event)));
    }

    fn count_tables(&self) {
        self.counters.devices.set(self.devices.len());
        self.counters.registrations.set(self.registration_count);
        self.counters.observations.set(self.observation_count);
        self.counters
            .associations
            .set(self.secure.association_count());
        self.counters
            .handshakes_running
            .set(self.secure.handshakes.len());
        self.counters.commands_waiting.set(self.commands_waiting);
    }
}

impl core::fmt::Debug for Shard {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Shard")
            .field("devices", &self.devices.len())
            .finish_non_exhaustive()
    }
}

fn random_id(rng: &mut StdRng) -> u16 {
    let [high, low, ..] = rng.next_u32().to_be_bytes();
    u16::from_be_bytes([high, low])
}

fn engine(duration: StdDuration) -> Duration {
    duration.into()
}
