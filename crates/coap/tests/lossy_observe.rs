//! An observation made of the parts, on a link that loses, doubles and reorders: the client never goes back to an older
//! state, learns the newest, and is forgotten once it is gone.

use dunlin_coap::observe::{
    Action, Confirm, DEREGISTER, Delivery, NON_PAUSE, Notification, Observation, Observer,
    Observers, Policy, REGISTER,
};
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{
    Code, Kind, Message, MessageBuilder, MessageId, MessageIdPool, Parameters, Retry, RtoEstimator,
    Token, Transmission, Type, empty_ack, reset,
};
use dunlin_testkit::{Conditions, Link};

const CLIENT: u8 = 1;
const SERVER: u8 = 2;
const PARAMETERS: Parameters = Parameters::DEFAULT;
const MAX_AGE: u32 = 30;

/// A Confirmable message under way.
struct Exchange {
    id: MessageId,
    bytes: Vec<u8>,
    transmission: Transmission,
}

/// Has one resource, whose state is a number that only rises.
struct Server {
    observers: Observers<u8, (), [Option<Observer<u8, ()>>; 2]>,
    policy: Policy,
    ids: MessageIdPool,
    rto: RtoEstimator,
    version: u32,
    /// At most one, as NSTART is 1.
    notification: Option<Exchange>,
    random: u32,
}

impl Server {
    fn new(policy: Policy) -> Self {
        Self {
            observers: Observers::new([None; 2]),
            policy,
            ids: MessageIdPool::new(0xff00, PARAMETERS.exchange_lifetime()),
            rto: RtoEstimator::new(),
            version: 0,
            notification: None,
            random: 1,
        }
    }

    fn random(&mut self) -> u32 {
        self.random = self
            .random
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        self.random
    }

    fn content(
        &self,
        message_type: Type,
        id: MessageId,
        token: Token,
        observe: Option<u32>,
    ) -> Vec<u8> {
        let mut buffer = [0; 64];
        let mut builder = MessageBuilder::new(&mut buffer, message_type, Code::CONTENT, id, token);
        if let Some(number) = observe {
            builder.observe(number);
        }
        let version = self.version.to_be_bytes();
        builder
            .max_age(MAX_AGE)
            .payload(&version)
            .finish()
            .unwrap()
            .to_vec()
    }

    fn handle_input(&mut self, now: Instant, bytes: &[u8]) -> Vec<Vec<u8>> {
        let message = Message::parse(bytes).unwrap();
        let id = message.id();
        match message.kind() {
            Kind::Acknowledgement | Kind::Reset => {
                if let Some(exchange) = self.notification.take_if(|exchange| exchange.id == id) {
                    self.rto
                        .on_acknowledged(now, &exchange.transmission, &PARAMETERS);
                }
                if message.kind() == Kind::Reset {
                    self.observers.reset(&CLIENT, id);
                } else {
                    self.observers.acknowledged(now, &CLIENT, id);
                }
                Vec::new()
            }
            Kind::Request => {
                // A duplicate does no harm: it registers again.
                let number = match Action::of(&message) {
                    Some(Action::Register) => {
                        let registered = self.observers.register(now, CLIENT, message.token(), ());
                        registered.ok().map(|registered| registered.number.get())
                    }
                    Some(Action::Deregister) => {
                        self.observers.remove(&CLIENT, message.token());
                        None
                    }
                    None => None,
                };
                vec![self.content(Type::Acknowledgement, id, message.token(), number)]
            }
            _ => Vec::new(),
        }
    }

    fn notify(&mut self, sent: &Notification<u8, ()>) -> Vec<u8> {
        let number = sent.number.get();
        self.content(sent.message_type, sent.id, sent.token, Some(number))
    }

    fn handle_timeout(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        if let Some(mut exchange) = self
            .notification
            .take_if(|exchange| exchange.transmission.is_due(now))
        {
            match exchange.transmission.on_timeout(now, &PARAMETERS) {
                Retry::Again => {
                    let ids = &mut self.ids;
                    let newer = self
                        .observers
                        .supersede(now, &CLIENT, exchange.id, || ids.next(now).unwrap());
                    if let Some(sent) = newer {
                        exchange.id = sent.id;
                        exchange.bytes = self.notify(&sent);
                    }
                    out.push(exchange.bytes.clone());
                    self.notification = Some(exchange);
                }
                Retry::GiveUp => {
                    self.observers.timed_out(&CLIENT, exchange.id);
                }
            }
        }
        loop {
            let (ids, policy) = (&mut self.ids, self.policy);
            let busy = self.notification.is_some();
            let next = self.observers.poll(
                now,
                |_, outstanding| outstanding < 1 && !busy,
                |()| policy,
                || ids.next(now).unwrap(),
            );
            let Some(sent) = next else { break };
            let bytes = self.notify(&sent);
            if sent.message_type == Type::Confirmable {
                let random = self.random();
                self.notification = Some(Exchange {
                    id: sent.id,
                    bytes: bytes.clone(),
                    transmission: self.rto.start(now, &PARAMETERS, random),
                });
            }
            out.push(bytes);
        }
        out
    }

    fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let exchange = self.notification.as_ref();
        let exchange = exchange.map(|exchange| exchange.transmission.deadline());
        exchange
            .into_iter()
            .chain(self.observers.next_timeout(now))
            .min()
    }
}

/// Observes the resource under one token after the other.
struct Client {
    observation: Option<Observation>,
    token: u32,
    id: u16,
    request: Option<Exchange>,
    /// The newest state under this token.
    seen: Option<u32>,
    wanted: bool,
    random: u32,
}

impl Client {
    fn new() -> Self {
        Self {
            observation: None,
            token: 0,
            id: 0,
            request: None,
            seen: None,
            wanted: true,
            random: 7,
        }
    }

    fn random(&mut self) -> u32 {
        self.random = self
            .random
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        self.random
    }

    fn token(&self) -> Token {
        Token::from(self.token.to_be_bytes())
    }

    fn send(&mut self, now: Instant, observe: u32) -> Vec<u8> {
        self.id = self.id.wrapping_add(1);
        let id = MessageId(self.id);
        let mut buffer = [0; 64];
        let bytes =
            MessageBuilder::new(&mut buffer, Type::Confirmable, Code::GET, id, self.token())
                .observe(observe)
                .path(["state"])
                .finish()
                .unwrap()
                .to_vec();
        let random = self.random();
        self.request = Some(Exchange {
            id,
            bytes: bytes.clone(),
            transmission: Transmission::start(now, &PARAMETERS, random),
        });
        bytes
    }

    fn handle_input(&mut self, now: Instant, bytes: &[u8]) -> Vec<Vec<u8>> {
        let message = Message::parse(bytes).unwrap();
        let id = message.id();
        assert_eq!(message.kind(), Kind::Response);
        let is_answer = message.message_type() == Type::Acknowledgement;
        if is_answer && self.request.take_if(|exchange| exchange.id == id).is_none() {
            // A duplicate of the answer to an earlier request.
            return Vec::new();
        }
        let token = self.token();
        let random = self.random();
        let observation = self
            .observation
            .as_mut()
            .filter(|_| message.token() == token);
        let Some(observation) = observation else {
            // Unknown: a Reset for either type (RFC 7641 §3.5).
            return if is_answer {
                Vec::new()
            } else {
                vec![reset(id).to_vec()]
            };
        };
        match observation.on_response(now, &message, random) {
            Delivery::Fresh => {
                let version = u32::from_be_bytes(message.payload().try_into().unwrap());
                assert!(self.seen.is_none_or(|seen| seen <= version), "went back");
                self.seen = Some(version);
            }
            Delivery::Late => {}
            Delivery::Last => self.observation = None,
        }
        if message.message_type() == Type::Confirmable {
            return vec![empty_ack(id).to_vec()];
        }
        Vec::new()
    }

    fn handle_timeout(&mut self, now: Instant) -> Vec<Vec<u8>> {
        if let Some(exchange) = &mut self.request {
            if !exchange.transmission.is_due(now) {
                return Vec::new();
            }
            if exchange.transmission.on_timeout(now, &PARAMETERS) == Retry::Again {
                return vec![exchange.bytes.clone()];
            }
            self.request = None;
            self.observation = None;
        }
        match &mut self.observation {
            None if self.wanted => {
                self.token += 1;
                self.observation = Some(Observation::new());
                // The state is new under the new token.
                self.seen = None;
                vec![self.send(now, REGISTER)]
            }
            Some(observation) if observation.is_due(now) => {
                observation.on_requested();
                vec![self.send(now, REGISTER)]
            }
            _ => Vec::new(),
        }
    }

    fn next_timeout(&self, now: Instant) -> Option<Instant> {
        if let Some(exchange) = &self.request {
            return Some(exchange.transmission.deadline());
        }
        match &self.observation {
            None => self.wanted.then_some(now),
            Some(observation) => observation.reregister_at(),
        }
    }
}

struct Pair {
    link: Link<u8>,
    client: Client,
    server: Server,
    now: Instant,
}

impl Pair {
    fn new(seed: u64, conditions: Conditions, policy: Policy) -> Self {
        Self {
            link: Link::new(seed, conditions),
            client: Client::new(),
            server: Server::new(policy),
            now: Instant::from_secs(1000),
        }
    }

    fn step(&mut self) {
        let (now, millis) = (self.now, self.now.as_millis());
        while let Some(delivery) = self.link.receive(millis) {
            let out = if delivery.to == SERVER {
                self.server.handle_input(now, &delivery.bytes)
            } else {
                self.client.handle_input(now, &delivery.bytes)
            };
            for bytes in out {
                self.link.send(millis, delivery.to, delivery.from, &bytes);
            }
        }
        for bytes in self.client.handle_timeout(now) {
            self.link.send(millis, CLIENT, SERVER, &bytes);
        }
        for bytes in self.server.handle_timeout(now) {
            self.link.send(millis, SERVER, CLIENT, &bytes);
        }
    }

    /// Runs for this long.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.step();
            let next = [
                self.link.next_arrival().map(Instant::from_millis),
                self.client.next_timeout(self.now),
                self.server.next_timeout(self.now),
            ];
            let next = next.into_iter().flatten().min().unwrap_or(end);
            self.now = next.max(self.now + Duration::from_millis(1)).min(end);
        }
        self.step();
    }

    /// Changes the state a number of times, at times that follow from the seed.
    fn change(&mut self, times: u32) {
        for _ in 0..times {
            let wait = u64::from(self.server.random() >> 18);
            self.run(Duration::from_millis(wait));
            self.server.version += 1;
            self.server.observers.changed(|()| true);
        }
    }
}

fn policies() -> [Policy; 3] {
    [Confirm::Always, Confirm::After(3), Confirm::Daily].map(|confirm| Policy {
        confirm,
        pause: NON_PAUSE,
    })
}

#[test]
fn the_client_learns_the_newest_state() {
    let worse = Conditions {
        loss: 0.45,
        duplicate: 0.3,
        delay: 1..5000,
    };
    for conditions in [Conditions::PERFECT, Conditions::ROUGH, worse] {
        for policy in policies() {
            for seed in 0..15 {
                let mut pair = Pair::new(seed, conditions.clone(), policy);
                pair.change(40);
                // Max-Age passes and the client registers again, whatever was lost; the next notifications end what is
                // left of its earlier tokens.
                pair.link.set_conditions(Conditions::PERFECT);
                pair.run(Duration::from_secs(250));
                assert_eq!(
                    pair.client.seen,
                    Some(pair.server.version),
                    "seed {seed}, {policy:?}"
                );
                pair.change(2);
                pair.run(Duration::from_secs(100));
                let version = pair.server.version;
                assert_eq!(pair.client.seen, Some(version), "seed {seed}, {policy:?}");
                assert_eq!(
                    pair.server.observers.iter().count(),
                    1,
                    "seed {seed}, {policy:?}"
                );
            }
        }
    }
}

#[test]
fn a_client_that_forgets_is_removed_by_its_resets() {
    for policy in policies() {
        for seed in 0..15 {
            let mut pair = Pair::new(seed, Conditions::ROUGH, policy);
            pair.change(5);
            pair.client.wanted = false;
            pair.client.observation = None;
            pair.client.request = None;
            pair.change(40);
            assert_eq!(
                pair.server.observers.iter().count(),
                0,
                "seed {seed}, {policy:?}"
            );
        }
    }
}

#[test]
fn a_client_that_is_gone_is_removed_when_a_notification_times_out() {
    let gone = Conditions {
        loss: 1.0,
        ..Conditions::PERFECT
    };
    for seed in 0..15 {
        let mut pair = Pair::new(seed, Conditions::PERFECT, Policy::CONFIRMABLE);
        pair.change(5);
        pair.link.set_conditions(gone.clone());
        pair.client.wanted = false;
        pair.client.observation = None;
        pair.change(20);
        pair.run(Duration::from_secs(100));
        assert_eq!(pair.server.observers.iter().count(), 0, "seed {seed}");
    }
}

#[test]
fn a_deregistration_ends_it_on_both_sides() {
    for seed in 0..15 {
        let mut pair = Pair::new(seed, Conditions::ROUGH, Policy::NON_CONFIRMABLE);
        pair.change(5);
        pair.run(Duration::from_secs(1));
        let Some(observation) = &mut pair.client.observation else {
            continue;
        };
        observation.on_deregister();
        pair.client.wanted = false;
        let bytes = pair.client.send(pair.now, DEREGISTER);
        pair.link.send(pair.now.as_millis(), CLIENT, SERVER, &bytes);
        pair.run(Duration::from_secs(100));
        assert!(pair.client.observation.is_none(), "seed {seed}");
        assert_eq!(pair.server.observers.iter().count(), 0, "seed {seed}");
    }
}
