//! A client and a server, both whole endpoints, with a seeded link between them and a clock that jumps.

use core::convert::Infallible;
use std::collections::HashMap;

use dunlin_coap::Endpoint;
use dunlin_coap::endpoint::{Config, Event, ExchangeId, Input, Output, Request};
use dunlin_coap::observe::Notification;
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{Code, OptionNumber};
use dunlin_testkit::{Conditions, Link};
use rand_core::TryRng;

pub(crate) const CLIENT: u8 = 1;
pub(crate) const SERVER: u8 = 2;

/// Three in ten are lost, two in ten arrive twice, and up to three seconds of delay reorder them.
pub(crate) const BAD: Conditions = Conditions {
    loss: 0.3,
    duplicate: 0.2,
    delay: 5..3000,
};

/// A sequence of numbers that follows from a seed.
pub(crate) struct Random(pub(crate) u64);

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.try_next_u64()? >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Ok(mixed ^ (mixed >> 27))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            *byte = self.try_next_u32()?.to_le_bytes()[0];
        }
        Ok(())
    }
}

pub(crate) type Node = Endpoint<u8, Random>;

/// What the server does with requests: answers are written by it.
pub(crate) trait App {
    /// Answers a request, now or with [`App::timeout`].
    fn request(
        &mut self,
        node: &mut Node,
        now: Instant,
        request: &Request<'_, u8>,
    ) -> Option<Vec<u8>>;

    /// Writes a notification.
    fn notification(
        &mut self,
        _: &mut Node,
        _: Instant,
        _: &Notification<u8, u32>,
    ) -> Option<Vec<u8>> {
        None
    }

    /// When it wants to be called.
    fn next_timeout(&self) -> Option<Instant> {
        None
    }

    /// The time has come.
    fn timeout(&mut self, _: &mut Node, _: Instant) {}
}

/// What became of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// The code of the last response.
    pub(crate) code: Option<Code>,
    pub(crate) body: Vec<u8>,
    /// The options of the last response.
    pub(crate) options: Vec<(OptionNumber, Vec<u8>)>,
    pub(crate) ended: Option<Event>,
    pub(crate) complete: bool,
    pub(crate) notifications: Vec<Vec<u8>>,
}

pub(crate) struct World<A> {
    pub(crate) now: Instant,
    pub(crate) link: Link<u8>,
    pub(crate) client: Node,
    pub(crate) server: Node,
    pub(crate) app: A,
    pub(crate) outcomes: HashMap<ExchangeId, Outcome>,
    /// What the client sends in uploads.
    pub(crate) body: Vec<u8>,
    /// Datagrams sent by the client.
    pub(crate) sent: usize,
    pub(crate) server_events: Vec<Event>,
}

impl<A: App> World<A> {
    pub(crate) fn new(seed: u64, conditions: Conditions, app: A) -> Self {
        Self::with_config(seed, conditions, app, Config::DEFAULT)
    }

    pub(crate) fn with_config(seed: u64, conditions: Conditions, app: A, config: Config) -> Self {
        Self {
            now: Instant::from_secs(1),
            link: Link::new(seed, conditions),
            client: Node::with_config(Random(seed), config),
            server: Node::with_config(Random(seed + 1000), config),
            app,
            outcomes: HashMap::new(),
            body: Vec::new(),
            sent: 0,
            server_events: Vec::new(),
        }
    }

    pub(crate) fn outcome(&mut self, exchange: ExchangeId) -> &mut Outcome {
        self.outcomes.entry(exchange).or_default()
    }

    /// Sends what both have to send.
    pub(crate) fn drain(&mut self) {
        let now = self.now.as_millis();
        let mut buffer = [0; 1500];
        for _ in 0..1000 {
            match self.client.poll_output(&mut buffer) {
                Output::Transmit(datagram) => {
                    self.sent += 1;
                    self.link.send(now, CLIENT, datagram.to, datagram.bytes);
                }
                Output::Part {
                    exchange,
                    offset,
                    len,
                } => {
                    let body = &self.body;
                    let part = self.client.part(exchange, &mut buffer, |space| {
                        space.copy_from_slice(&body[offset..offset + len]);
                    });
                    let part = part.expect("the part was asked for");
                    self.sent += 1;
                    self.link.send(now, CLIENT, part.to, part.bytes);
                }
                Output::Event(event) => {
                    let (Event::Failed { exchange, .. } | Event::Incomplete { exchange }) = event
                    else {
                        continue;
                    };
                    self.outcome(exchange).ended = Some(event);
                }
                Output::Idle => break,
                _ => panic!("not a client's output"),
            }
        }
        self.drain_server();
    }

    fn drain_server(&mut self) {
        let now = self.now.as_millis();
        let mut buffer = [0; 1500];
        for _ in 0..1000 {
            match self.server.poll_output(&mut buffer) {
                Output::Transmit(datagram) => {
                    self.link.send(now, SERVER, datagram.to, datagram.bytes);
                }
                Output::Notify(notification) => {
                    let (node, to) = (&mut self.server, notification.peer);
                    if let Some(bytes) = self.app.notification(node, self.now, &notification) {
                        self.link.send(now, SERVER, to, &bytes);
                    }
                }
                Output::Event(event) => self.server_events.push(event),
                Output::Idle => return,
                _ => panic!("not a server's output"),
            }
        }
        panic!("output without end");
    }

    fn deliver(&mut self, to: u8, from: u8, bytes: &[u8]) {
        let now = self.now;
        if to == SERVER {
            if let Input::Request(request) = self.server.handle_input(now, from, bytes)
                && let Some(answer) = self.app.request(&mut self.server, now, &request)
            {
                self.link.send(now.as_millis(), SERVER, from, &answer);
            }
            return;
        }
        match self.client.handle_input(now, from, bytes) {
            Input::Response(response) => {
                let outcome = self.outcomes.entry(response.exchange).or_default();
                assert!(!outcome.complete, "answered twice");
                outcome.code = Some(response.code());
                outcome.options = response
                    .options()
                    .map(|(number, value)| (number, value.to_vec()))
                    .collect();
                outcome.body.truncate(response.offset);
                assert_eq!(outcome.body.len(), response.offset);
                outcome.body.extend(response.payload());
                outcome.complete = !response.more;
            }
            Input::Notification(response) => {
                let outcome = self.outcomes.entry(response.exchange).or_default();
                outcome.code = Some(response.code());
                outcome.body.truncate(response.offset);
                outcome.body.extend(response.payload());
                if !response.more {
                    let body = outcome.body.clone();
                    outcome.notifications.push(body);
                }
            }
            Input::Nothing => {}
            other => panic!("{other:?}"),
        }
    }

    /// Lets time pass until `end`, or until nothing is to come.
    pub(crate) fn run_until(&mut self, end: Instant) {
        self.drain();
        for _ in 0..100_000 {
            let arrival = self.link.next_arrival().map(Instant::from_millis);
            let times = [
                arrival,
                self.client.next_timeout(),
                self.server.next_timeout(),
                self.app.next_timeout(),
            ];
            let Some(next) = times.into_iter().flatten().min() else {
                return;
            };
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            while let Some(delivery) = self.link.receive(self.now.as_millis()) {
                self.deliver(delivery.to, delivery.from, &delivery.bytes);
                self.drain();
            }
            self.client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
            if self.app.next_timeout().is_some_and(|at| at <= self.now) {
                self.app.timeout(&mut self.server, self.now);
            }
            self.drain();
        }
        panic!("never ends");
    }

    /// Lets time pass until nothing is to come.
    pub(crate) fn run(&mut self) {
        self.run_until(Instant::MAX);
    }

    /// Lets so many seconds pass.
    pub(crate) fn pass(&mut self, secs: u64) {
        self.run_until(self.now + Duration::from_secs(secs));
    }
}
