//! A fleet in memory.

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use dunlin_agent::objects::{Device, Security, Server, Temperature};
use dunlin_agent::{Agent, Config, Event as AgentEvent, Objects, Output as AgentOutput};
use dunlin_coap::time::Instant;
use dunlin_manager::shard::{CommandId, Event, Output, Shard, Ticket};
use dunlin_manager::{
    Action, Change, Command, CommandError, Config as ManagerConfig, DeviceState, MemoryStore,
    Outcome, OwnedValue, Peer, Store, Timestamp,
};
use dunlin_model::{Attributes, Path};
use dunlin_testkit::{Conditions, Link};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Milliseconds.
pub(crate) const MINUTE: u64 = 60_000;

/// How long a commit takes, in milliseconds: long enough to crash in the middle.
const COMMIT: u64 = 15;

/// When the simulated world begins, in milliseconds of the wall clock.
const EPOCH: u64 = 1_800_000_000_000;

#[derive(Objects)]
pub(crate) struct Node {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
    temperature: Temperature,
}

type SimulatedAgent = Agent<'static, Node, SocketAddr, StdRng>;

/// Agents, a network, a shard and a store, by one clock.
pub(crate) struct Fleet {
    seed: u64,
    now: u64,
    link: Link<SocketAddr>,
    agents: Vec<(SocketAddr, SimulatedAgent)>,
    /// `None` between a crash and the restart.
    shard: Option<Shard>,
    /// How often the shard has begun.
    lives: u64,
    store: MemoryStore,
    /// Changes on their way to the disk, with the time at which they are there.
    committing: VecDeque<(u64, Ticket, Change)>,
    commands: u64,
    /// What came of each command.
    pub(crate) completed: BTreeMap<CommandId, Result<Outcome, CommandError>>,
    /// How many Registered events the shard has had.
    pub(crate) registrations_heard: usize,
}

impl Fleet {
    pub(crate) fn new(seed: u64, devices: u16, conditions: Conditions) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut fleet = Self {
            seed,
            now: 0,
            link: Link::new(rng.next_u64(), conditions),
            agents: Vec::new(),
            shard: None,
            lives: 0,
            store: MemoryStore::new(),
            committing: VecDeque::new(),
            commands: 0,
            completed: BTreeMap::new(),
            registrations_heard: 0,
        };
        fleet.restart();
        for number in 0..devices {
            // Names and addresses live as long as the test program does.
            let name: &'static str = Box::leak(endpoint(number).into_boxed_str());
            let node = Node {
                security: Security::no_sec(1, "coap://192.0.2.1:5683").unwrap(),
                server: Server::single(1, 300),
                device: Device::new("Dunlin", "Simulation", "1"),
                temperature: Temperature::new("Cel"),
            };
            let mut agent = Agent::new(
                node,
                Config::new(name),
                StdRng::seed_from_u64(rng.next_u64()),
            );
            agent
                .connect(Instant::from_millis(0), 1, manager())
                .unwrap();
            fleet.agents.push((device_address(number), agent));
        }
        fleet.settle();
        fleet
    }

    pub(crate) fn set_conditions(&mut self, conditions: Conditions) {
        self.link.set_conditions(conditions);
    }

    /// Ends the shard in the middle of whatever it does. What was not committed is gone.
    pub(crate) fn crash(&mut self) {
        self.shard = None;
        self.committing.clear();
    }

    /// Begins a shard with what the store holds.
    pub(crate) fn restart(&mut self) {
        let snapshot = self.store.load().unwrap();
        self.lives += 1;
        let mut seed = [0; 32];
        StdRng::seed_from_u64(self.seed ^ (self.lives << 32)).fill_bytes(&mut seed);
        let wall = Timestamp::from_millis(i64::try_from(EPOCH + self.now).unwrap());
        self.shard = Some(Shard::new(
            ManagerConfig::default(),
            seed,
            snapshot,
            self.instant(),
            wall,
        ));
        self.settle();
    }

    /// Gives an order to a device.
    pub(crate) fn command(&mut self, device: u16, action: Action) -> CommandId {
        self.commands += 1;
        let id = CommandId(self.commands);
        let now = self.instant();
        let command = Command {
            action,
            timeout: None,
            format: None,
        };
        self.shard
            .as_mut()
            .unwrap()
            .handle_command(now, id, &endpoint(device), command);
        self.settle();
        id
    }

    /// Observes, and tries again until it works.
    pub(crate) fn observe(&mut self, device: u16, path: Path, attributes: Attributes) {
        for _ in 0..10 {
            let id = self.command(device, Action::Observe { path, attributes });
            self.run_until("the observation is answered", 10 * MINUTE, |fleet| {
                fleet.completed.contains_key(&id)
            });
            if self.completed.remove(&id).unwrap().is_ok() {
                return;
            }
        }
        panic!("device {device} cannot be observed");
    }

    /// Sets the temperature of a device.
    pub(crate) fn measure(&mut self, device: u16, value: f64) {
        self.agents[usize::from(device)]
            .1
            .set(|node| node.temperature.measure(value));
        self.settle();
    }

    /// How many devices are registered, by the manager's word.
    pub(crate) fn registered(&self) -> usize {
        self.shard.as_ref().map_or(0, |shard| {
            usize::try_from(shard.metrics().registrations).unwrap()
        })
    }

    /// How many devices are registered, by the agents' word.
    pub(crate) fn agents_registered(&self) -> usize {
        self.agents
            .iter()
            .filter(|(_, agent)| agent.is_registered(1))
            .count()
    }

    /// The devices that believe themselves registered and that the manager does not know as such.
    pub(crate) fn forgotten(&self) -> Vec<String> {
        let shard = self.shard.as_ref().unwrap();
        let known = |name: &String| {
            shard
                .device(name)
                .is_some_and(|info| info.state == DeviceState::Registered)
        };
        let believers = (0_u16..)
            .zip(&self.agents)
            .filter(|(_, (_, agent))| agent.is_registered(1))
            .map(|(number, _)| endpoint(number));
        believers.filter(|name| !known(name)).collect()
    }

    /// The last known value at the manager.
    pub(crate) fn known(&self, device: u16, path: Path) -> Option<OwnedValue> {
        let values = self.shard.as_ref()?.values(&endpoint(device))?;
        values
            .into_iter()
            .find(|known| known.path == path)
            .map(|known| known.value)
    }

    /// Lets time pass.
    pub(crate) fn run_for(&mut self, millis: u64) {
        let end = self.now + millis;
        while self.next_moment() <= end {
            self.step();
        }
        self.now = end;
    }

    /// Lets time pass until `done`, at most `millis`.
    pub(crate) fn run_until(&mut self, what: &str, millis: u64, done: impl Fn(&Self) -> bool) {
        let end = self.now + millis;
        while !done(self) {
            assert!(
                self.next_moment() <= end,
                "after {millis} ms still not: {what}"
            );
            self.step();
        }
    }

    fn instant(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// When something happens next.
    fn next_moment(&mut self) -> u64 {
        let agents = self
            .agents
            .iter_mut()
            .filter_map(|(_, agent)| agent.next_timeout());
        let shard = self.shard.as_ref().and_then(Shard::next_timeout);
        let timers = agents.chain(shard).map(Instant::as_millis).min();
        let commit = self.committing.front().map(|(at, ..)| *at);
        [timers, commit, self.link.next_arrival()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(u64::MAX)
    }

    /// Goes to the next moment and does what is due there.
    fn step(&mut self) {
        let next = self.next_moment();
        // What is overdue happens now, and a millisecond passes so that no loop stands still.
        self.now = next.max(self.now + u64::from(next <= self.now));
        let now = self.instant();
        while let Some(delivery) = self.link.receive(self.now) {
            if delivery.to == manager() {
                if let Some(shard) = &mut self.shard {
                    let peer = Peer::plain(0, delivery.from);
                    shard.handle_input(now, peer, &delivery.bytes);
                }
            } else if let Some((_, agent)) = self
                .agents
                .iter_mut()
                .find(|(address, _)| *address == delivery.to)
            {
                agent.handle_input(now, delivery.from, &delivery.bytes);
            }
            self.settle();
        }
        let mut committed = Vec::new();
        while self
            .committing
            .front()
            .is_some_and(|(at, ..)| *at <= self.now)
        {
            let (_, ticket, change) = self.committing.pop_front().unwrap();
            self.store.commit(&[change]).unwrap();
            committed.push(ticket);
        }
        if let Some(shard) = &mut self.shard {
            if !committed.is_empty() {
                shard.persisted(now, &committed, Ok(()));
            }
            shard.handle_timeout(now);
        }
        for (_, agent) in &mut self.agents {
            agent.handle_timeout(now);
        }
        self.settle();
    }

    /// Polls everybody until all are idle.
    fn settle(&mut self) {
        let mut buffer = [0; 2048];
        for (address, agent) in &mut self.agents {
            loop {
                match agent.poll_output(&mut buffer) {
                    AgentOutput::Transmit { to, bytes } => {
                        self.link.send(self.now, *address, to, bytes);
                    }
                    AgentOutput::Event(AgentEvent::Reboot | AgentEvent::FactoryReset) => {
                        panic!("nobody asked for that")
                    }
                    AgentOutput::Event(_) => {}
                    _ => break,
                }
            }
        }
        let Some(shard) = &mut self.shard else { return };
        loop {
            match shard.poll_output(&mut buffer) {
                Output::Transmit { to, length } => {
                    self.link
                        .send(self.now, manager(), to.address, &buffer[..length]);
                }
                Output::Persist { ticket, change } => {
                    self.committing
                        .push_back((self.now + COMMIT, ticket, change));
                }
                Output::Completed { command, result } => {
                    assert!(
                        self.completed.insert(command, result).is_none(),
                        "{command:?} has ended twice"
                    );
                }
                Output::Event(Event::Registered { .. }) => self.registrations_heard += 1,
                Output::Event(_) => {}
                Output::Idle => break,
                other => panic!("{other:?}"),
            }
        }
    }
}

fn endpoint(device: u16) -> String {
    format!("urn:dev:os:32473-{device:04}")
}

fn manager() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 5683))
}

fn device_address(number: u16) -> SocketAddr {
    let [high, low] = number.to_be_bytes();
    SocketAddr::from(([198, 51, high, low], 40_000))
}
