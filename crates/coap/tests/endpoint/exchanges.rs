//! Requests that fit into one message.

use std::collections::HashSet;

use dunlin_coap::Code;
use dunlin_coap::endpoint::{Deferred, Event, Failure, Request, RequestError};
use dunlin_coap::time::{Duration, Instant};
use dunlin_testkit::Conditions;

use crate::world::{App, BAD, Node, SERVER, World};

/// Executes each POST, whose payload is its number, and answers with that number.
#[derive(Default)]
struct Counter {
    executed: Vec<Vec<u8>>,
    /// How long it thinks about a request; none at all where absent.
    thinks: Option<Duration>,
    deferred: Vec<(Instant, Deferred<u8>, Vec<u8>)>,
}

impl App for Counter {
    fn request(
        &mut self,
        node: &mut Node,
        now: Instant,
        request: &Request<'_, u8>,
    ) -> Option<Vec<u8>> {
        let number = request.payload().to_vec();
        self.executed.push(number.clone());
        if let Some(thinks) = self.thinks {
            let deferred = node.defer(now, request);
            self.deferred.push((now + thinks, deferred, number));
            return None;
        }
        let mut buffer = [0; 256];
        let answer = node.respond(now, request, Code::CHANGED, &mut buffer, |response| {
            response.content_format(0).payload(&number)
        });
        answer.map(|answer| answer.bytes.to_vec())
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.deferred.first().map(|(at, ..)| *at)
    }

    fn timeout(&mut self, node: &mut Node, now: Instant) {
        let (_, deferred, number) = self.deferred.remove(0);
        let sent = node.respond_later(now, &deferred, Code::CHANGED, |response| {
            response.payload(&number)
        });
        if sent == Err(RequestError::Full) {
            self.deferred
                .push((now + Duration::from_secs(1), deferred, number));
        }
    }
}

/// Sends numbered POSTs, four at a time; gives how many were answered.
fn count(seed: u64, conditions: Conditions, posts: u32, thinks: Option<Duration>) -> usize {
    let app = Counter {
        thinks,
        ..Counter::default()
    };
    let mut world = World::new(seed, conditions, app);
    let mut asked = Vec::new();
    let mut next = 0_u32;
    while next < posts {
        let number = next.to_string();
        let exchange = world
            .client
            .request(world.now, SERVER, Code::POST, |request| {
                request.path(["count"]).payload(number.as_bytes())
            });
        match exchange {
            Ok(exchange) => {
                asked.push((exchange, number));
                next += 1;
            }
            Err(error) => {
                assert_eq!(error, RequestError::Full);
                world.pass(1);
            }
        }
    }
    world.run();
    let mut answered = 0;
    let executed: HashSet<_> = world.app.executed.iter().cloned().collect();
    assert_eq!(executed.len(), world.app.executed.len(), "executed twice");
    for (exchange, number) in asked {
        let outcome = world.outcome(exchange).clone();
        if outcome.complete {
            assert_eq!(outcome.code, Some(Code::CHANGED));
            assert_eq!(outcome.body, number.as_bytes());
            assert!(executed.contains(number.as_bytes()));
            assert_eq!(outcome.ended, None);
            answered += 1;
        } else {
            let failure = Failure::TimedOut;
            assert_eq!(
                outcome.ended,
                Some(Event::Failed { exchange, failure }),
                "seed {seed}"
            );
        }
    }
    answered
}

#[test]
fn on_a_perfect_link_everything_is_answered() {
    assert_eq!(count(1, Conditions::PERFECT, 30, None), 30);
    let thinks = Some(Duration::from_secs(3));
    assert_eq!(count(1, Conditions::PERFECT, 30, thinks), 30);
}

#[test]
fn on_a_bad_link_most_is_answered_and_nothing_executed_twice() {
    for seed in 0..40 {
        let answered = count(seed, BAD, 25, None);
        assert!(answered >= 20, "seed {seed}: {answered}");
        let answered = count(seed, BAD, 25, Some(Duration::from_millis(1500)));
        assert!(answered >= 18, "seed {seed}: {answered}");
    }
}

#[test]
fn without_a_link_every_request_fails_once() {
    let nothing = Conditions {
        loss: 1.0,
        ..Conditions::PERFECT
    };
    assert_eq!(count(3, nothing, 8, None), 0);
}

#[test]
fn a_non_confirmable_request_gets_such_a_response() {
    let mut world = World::new(7, Conditions::PERFECT, Counter::default());
    let exchange = world
        .client
        .request_non(world.now, SERVER, Code::POST, |request| {
            request.path(["count"]).payload(b"1")
        })
        .unwrap();
    world.run();
    assert_eq!(world.sent, 1);
    assert_eq!(world.outcome(exchange).body, b"1");
    assert_eq!(world.app.executed.len(), 1);

    // Lost, it fails in the end.
    world.link.set_conditions(Conditions {
        loss: 1.0,
        ..Conditions::PERFECT
    });
    let exchange = world
        .client
        .request_non(world.now, SERVER, Code::POST, |request| request)
        .unwrap();
    world.run();
    assert_eq!(world.sent, 2);
    let failure = Failure::TimedOut;
    assert_eq!(
        world.outcome(exchange).ended,
        Some(Event::Failed { exchange, failure })
    );
}

#[test]
fn a_cancelled_request_is_not_sent_again() {
    let nothing = Conditions {
        loss: 1.0,
        ..Conditions::PERFECT
    };
    let mut world = World::new(7, nothing, Counter::default());
    let exchange = world
        .client
        .request(world.now, SERVER, Code::POST, |request| request)
        .unwrap();
    world.pass(3);
    assert_eq!(world.sent, 2);
    world.client.cancel(world.now, exchange);
    world.run();
    assert_eq!(world.sent, 2);
    assert_eq!(world.outcomes.len(), 0);
}
