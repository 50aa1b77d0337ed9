//! The device with its agent, the network, the clock, and what befalls them.

use dunlin_agent::objects::{Device, Security, Server as Accounts, Temperature};
use dunlin_agent::storage::{Blocking, Kept, Storage};
use dunlin_agent::{Agent, Config, Doors, Instant, Objects, Output};
use dunlin_coap::{Message, Token, Type};
use dunlin_testkit::{Conditions, Link};
use rand::rngs::{SmallRng, StdRng};
use rand::{RngExt, SeedableRng};

use crate::flash::{Cut, Flash, LOG, RECORDS};
use crate::server::{Ask, Server};

/// Addresses on the link.
pub(crate) const DEVICE: u8 = 1;
pub(crate) const SERVER: u8 = 2;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

#[derive(Objects)]
struct Node {
    security: Security<1>,
    server: Accounts<1>,
    device: Device<'static>,
    temperature: Temperature,
}

/// An agent that keeps in its flash what it has to.
type Subject = Kept<Agent<'static, Node, u8, SmallRng>, Flash>;

/// What the rules of the observation are, as the agent was told them, and when it last notified.
#[derive(Debug, Clone, Copy)]
struct Watch {
    token: Token,
    sequence: u32,
    at: u64,
    pmin: u64,
}

pub(crate) struct World {
    now: u64,
    rng: StdRng,
    link: Link<u8>,
    flash: Flash,
    agent: Subject,
    pub(crate) server: Server,
    watch: Option<Watch>,
    pub(crate) notifications: u64,
    /// How often the device has gone on where it was after its power was cut.
    pub(crate) resumed: u64,
    /// The number of the last Write that was tried.
    written: u8,
    /// What a Write may have left: the numbers from the last acknowledged one on.
    possible: Vec<u8>,
    /// What `pmin` may be, seconds: those asked for from the last acknowledged one on; `None` is the default, /1/0/2.
    pmins: Vec<Option<u32>>,
}

/// A device as the factory made it, with what its flash holds.
fn device(rng: &mut StdRng, flash: &Flash) -> Subject {
    let mut accounts = Accounts::single(1, 300);
    let account = accounts.get_mut(0).unwrap();
    account.default_minimum_period = Some(0);
    account.default_maximum_period = Some(0);
    account.sequence_delay_timer = Some(600);
    let node = Node {
        security: Security::no_sec(1, "coap://server.example").unwrap(),
        server: accounts,
        device: Device::new("Dunlin", "World", "1"),
        temperature: Temperature::new("Cel"),
    };
    let rng = SmallRng::seed_from_u64(rng.random());
    let agent = Agent::new(node, Config::new("urn:dev:os:1-7"), rng);
    let storage = Storage::new(Blocking(flash.clone()), RECORDS, LOG);
    Kept::new(agent, storage.unwrap()).expect("a flash that can be read")
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let flash = Flash::new();
        let mut world = Self {
            now: HOUR,
            link: Link::new(seed, Conditions::ROUGH),
            agent: device(&mut rng, &flash),
            flash,
            rng,
            server: Server::default(),
            watch: None,
            notifications: 0,
            resumed: 0,
            written: 0,
            possible: vec![0],
            pmins: vec![None],
        };
        world.connect();
        world
    }

    fn connect(&mut self) {
        let now = Instant::from_millis(self.now);
        self.agent.connect(now, 1, SERVER).unwrap();
    }

    /// Two hours in which anything may happen.
    pub(crate) fn run(&mut self) {
        let end = self.now + 2 * HOUR;
        while self.now < end {
            let pause = self.rng.random_range(SECOND..MINUTE);
            self.run_for(pause);
            self.befall();
        }
    }

    /// Then the world is good: the agent is registered, and everything is told and taken.
    pub(crate) fn come_to_rest(&mut self) {
        self.link.set_conditions(Conditions::PERFECT);
        let end = self.now + 2 * HOUR;
        while self.now < end && !(self.server.is_registered() && self.agent.is_registered(1)) {
            self.run_for(MINUTE);
        }
        assert!(self.agent.is_registered(1), "the agent is registered");
        // A server that has forgotten is found out with the next Update at the latest.
        self.run_for(10 * MINUTE);
        assert!(self.server.is_registered(), "the server knows it");
        self.written = self.written.wrapping_add(1) & 0x7f;
        let last = Ask::Write(self.written);
        for ask in [last, Ask::Attributes(10, 60), Ask::Observe] {
            self.ask(ask);
            self.run_for(MINUTE);
            assert_eq!(self.server.done.last(), Some(&ask));
        }
        assert_eq!(self.possible, [self.written], "no Write is lost");
        let before = self.notifications;
        self.run_for(10 * MINUTE);
        assert!(self.notifications >= before + 9, "pmax is kept");
    }

    fn ask(&mut self, ask: Ask) {
        if let Ask::Write(number) = ask {
            self.possible.push(number);
        }
        if let Ask::Attributes(pmin, _) = ask {
            self.pmins.push(Some(pmin));
        }
        self.lower();
        self.server.ask(self.now, ask, &mut self.link);
    }

    /// One thing happens.
    fn befall(&mut self) {
        match self.rng.random_range(0..100) {
            0..5 => self.server.restart(),
            5..6 => {
                // The device is another one, with an empty flash and the same name.
                self.flash = Flash::new();
                self.watch = None;
                self.possible = vec![0];
                self.pmins = vec![None];
                self.server.restart();
                self.come_up();
            }
            // The power is gone between two writes of the flash.
            6..7 => self.come_up(),
            // It goes in one of the next, before, within or after it.
            7..8 => {
                let at = self.flash.operations() + self.rng.random_range(0..6);
                let cuts = [Cut::Before, Cut::Within, Cut::After];
                let cut = cuts[self.rng.random_range(0..cuts.len())];
                self.flash.0.borrow_mut().cut = Some((at, cut));
            }
            8..11 => {
                // The clock jumps: a deep sleep, or a host that was stopped.
                self.now += self.rng.random_range(SECOND..6 * HOUR);
                // No datagram travels that long, and no server repeats its request that late (RFC 7252 §4.8.2).
                while self.link.receive(u64::MAX).is_some() {}
                self.server.give_up();
            }
            11..14 => self.link.set_conditions(Conditions {
                loss: 1.0,
                ..Conditions::ROUGH
            }),
            14..25 => self.link.set_conditions(Conditions::ROUGH),
            25..60 => {
                let value = self.rng.random_range(-40.0..60.0);
                let agent = self.agent.agent_mut();
                agent.set(|node| node.temperature.measure(value));
            }
            kind if self.server.is_registered() && self.server.is_idle() => {
                let ask = match kind {
                    60..85 => {
                        self.written = self.written.wrapping_add(1) & 0x7f;
                        Ask::Write(self.written)
                    }
                    85..93 => Ask::Observe,
                    _ => {
                        let pmin = self.rng.random_range(0..20);
                        Ask::Attributes(pmin, pmin + self.rng.random_range(1..100))
                    }
                };
                self.ask(ask);
            }
            _ => {}
        }
    }

    /// The power is back: the device has what its flash holds. No datagram is under way as long as it takes to start.
    fn come_up(&mut self) {
        self.flash = Flash::of(self.flash.image());
        self.agent = device(&mut self.rng, &self.flash);
        while self.link.receive(u64::MAX).is_some() {}
        self.connect();
        let known = self.agent.is_registered(1);
        self.resumed += u64::from(known);
        // What the server was told is done is done still, before it says anything more.
        self.look();
    }

    fn run_for(&mut self, time: u64) {
        let end = self.now + time;
        loop {
            self.turn();
            let next = [
                self.agent.next_timeout().map(Instant::as_millis),
                self.link.next_arrival(),
                self.server.due(),
            ];
            match next.into_iter().flatten().min() {
                Some(due) if due <= end => self.now = self.now.max(due),
                _ => {
                    self.now = end;
                    return;
                }
            }
        }
    }

    /// Everybody does what is due now.
    fn turn(&mut self) {
        let now = Instant::from_millis(self.now);
        self.agent.handle_timeout(now);
        self.drain();
        while let Some(delivery) = self.link.receive(self.now) {
            if delivery.to == SERVER {
                let before = self.server.done.len();
                self.server
                    .receive(self.now, &delivery.bytes, &mut self.link);
                if let Some(done) = self.server.done.get(before) {
                    self.acknowledged(*done);
                }
            } else {
                let mut bytes = delivery.bytes.clone();
                self.agent.handle_input(now, SERVER, &mut bytes);
                self.look();
                self.drain();
            }
        }
        self.server.turn(self.now, &mut self.link);
    }

    /// An acknowledged Write is what holds from then on, unless a later one has come.
    fn acknowledged(&mut self, done: Ask) {
        if let Ask::Write(number) = done {
            if let Some(at) = self.possible.iter().position(|known| *known == number) {
                self.possible.drain(..at);
            }
            self.look();
        }
        if let Ask::Attributes(pmin, _) = done
            && let Some(at) = self.pmins.iter().rposition(|known| *known == Some(pmin))
        {
            self.pmins.drain(..at);
        }
    }

    /// The shortest `pmin` that may hold, in milliseconds.
    fn pmin(&self) -> u64 {
        let default = self.possible.iter().min().copied().unwrap_or_default();
        let all = self.pmins.iter();
        let least = all.map(|pmin| pmin.unwrap_or(default.into())).min();
        u64::from(least.unwrap_or_default()) * SECOND
    }

    /// The rule has changed, or may have.
    fn lower(&mut self) {
        let pmin = self.pmin();
        if let Some(watch) = &mut self.watch {
            watch.pmin = watch.pmin.min(pmin);
        }
    }

    /// Both numbers of a Write are there or none, and they are those of a Write that may have come.
    fn look(&self) {
        let account = self.agent.agent().objects().server.get(0).unwrap();
        let (first, second) = (
            account.default_minimum_period,
            account.default_maximum_period,
        );
        assert_eq!(first, second, "half a Write");
        let number = u8::try_from(first.unwrap()).unwrap();
        assert!(
            self.possible.contains(&number),
            "{number} of {:?}",
            self.possible
        );
    }

    fn drain(&mut self) {
        let mut buffer = [0; 512];
        loop {
            let output = self.agent.poll_output(&mut buffer);
            if self.flash.is_dead() {
                // What it gives in the moment of the cut is never sent.
                self.come_up();
                return;
            }
            match output {
                Output::Transmit { to, bytes } => {
                    let bytes = bytes.to_vec();
                    self.watch(&bytes);
                    self.link.send(self.now, DEVICE, to, &bytes);
                }
                Output::Event(_) => {}
                _ => {
                    assert_eq!(self.agent.error(), None);
                    return;
                }
            }
        }
    }

    /// Holds each notification against the rules.
    fn watch(&mut self, bytes: &[u8]) {
        let message = Message::parse(bytes).unwrap();
        let (Some(sequence), token) = (message.observe(), message.token()) else {
            return;
        };
        self.notifications += 1;
        if let Some(watch) = self.watch.filter(|watch| watch.token == token) {
            let gap = self.now - watch.at;
            let answers = message.message_type() == Type::Acknowledgement;
            if sequence == watch.sequence || (answers && sequence < watch.sequence) {
                // The same one again, or the answer to a request that came again.
                return;
            }
            assert!(sequence > watch.sequence, "the numbers ascend");
            // A device that has restarted takes a request that comes again for a new one: its answer is no notification.
            assert!(
                answers || gap >= watch.pmin,
                "{gap} ms after the one before, pmin is {} ms",
                watch.pmin
            );
        }
        self.watch = Some(Watch {
            token,
            sequence,
            at: self.now,
            pmin: self.pmin(),
        });
    }
}
