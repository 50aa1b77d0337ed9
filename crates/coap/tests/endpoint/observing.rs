//! Observations from end to end (RFC 7641).

use dunlin_coap::Code;
use dunlin_coap::block::BlockSize;
use dunlin_coap::endpoint::{Config, Event, ExchangeId, Failure, Request};
use dunlin_coap::observe::{Notification, Policy};
use dunlin_coap::time::{Duration, Instant};
use dunlin_testkit::Conditions;

use crate::world::{App, BAD, Node, SERVER, World};

const VALUE: u32 = 7;

/// One value that can be observed.
struct Sensor {
    value: Vec<u8>,
    version: u8,
    max_age: u32,
    gone: bool,
}

impl Sensor {
    fn new(value: &[u8]) -> Self {
        Self {
            value: value.to_vec(),
            version: 0,
            max_age: 60,
            gone: false,
        }
    }
}

impl App for Sensor {
    fn request(
        &mut self,
        node: &mut Node,
        now: Instant,
        request: &Request<'_, u8>,
    ) -> Option<Vec<u8>> {
        let mut buffer = [0; 1500];
        let (etag, max_age) = ([self.version], self.max_age);
        let mut value = &self.value[..];
        let request = request.observable(VALUE);
        let (code, buffer) = (Code::CONTENT, &mut buffer);
        let answer = node.respond_body(now, &request, code, &mut value, buffer, |response| {
            response.etag(&etag).max_age(max_age)
        });
        answer.map(|answer| answer.bytes.to_vec())
    }

    fn notification(
        &mut self,
        node: &mut Node,
        now: Instant,
        notification: &Notification<u8, u32>,
    ) -> Option<Vec<u8>> {
        assert_eq!(notification.resource, VALUE);
        let mut buffer = [0; 1500];
        let (etag, max_age) = ([self.version], self.max_age);
        let mut value = &self.value[..];
        let buffer = &mut buffer;
        let message = if self.gone {
            node.notification(now, notification, Code::NOT_FOUND, buffer, |message| {
                message
            })
        } else {
            let code = Code::CONTENT;
            node.notification_body(now, notification, code, &mut value, buffer, |message| {
                message.etag(&etag).max_age(max_age)
            })
        };
        message.map(|message| message.bytes.to_vec())
    }
}

fn config(notify: Policy) -> Config {
    Config {
        notify,
        ..Config::DEFAULT
    }
}

fn observe(world: &mut World<Sensor>) -> ExchangeId {
    world
        .client
        .request(world.now, SERVER, Code::GET, |request| {
            request.observe(0).path(["value"])
        })
        .unwrap()
}

fn set(world: &mut World<Sensor>, value: &[u8]) {
    world.app.value = value.to_vec();
    world.app.version += 1;
    world.server.changed(world.now, VALUE);
    world.drain();
}

#[test]
fn every_change_is_told() {
    for policy in [Policy::CONFIRMABLE, Policy::NON_CONFIRMABLE] {
        let sensor = Sensor::new(b"0");
        let mut world = World::with_config(1, Conditions::PERFECT, sensor, config(policy));
        let observation = observe(&mut world);
        world.pass(5);
        assert!(world.server.is_observed(VALUE));
        for value in [&b"1"[..], b"2", b"3"] {
            set(&mut world, value);
            world.pass(5);
        }
        assert_eq!(
            world.outcome(observation).notifications,
            [b"0", b"1", b"2", b"3"]
        );

        world.client.cancel(world.now, observation);
        world.pass(5);
        assert!(!world.server.is_observed(VALUE));
        set(&mut world, b"4");
        world.pass(300);
        assert_eq!(world.outcome(observation).notifications.len(), 4);
        assert_eq!(world.client.next_timeout(), None);
    }
}

#[test]
fn the_last_state_arrives_over_a_bad_link() {
    for seed in 0..30 {
        for policy in [Policy::CONFIRMABLE, Policy::NON_CONFIRMABLE] {
            let mut world = World::with_config(seed, BAD, Sensor::new(b"first"), config(policy));
            let mut observation = observe(&mut world);
            for value in 0..20_u8 {
                set(&mut world, &[b'v', value]);
                world.pass(u64::from(value % 7));
            }
            // Max-Age makes up for what is lost, and who fails begins again.
            world.link.set_conditions(Conditions::PERFECT);
            for _ in 0..4 {
                world.pass(100);
                if world.outcome(observation).ended.is_some() {
                    observation = observe(&mut world);
                }
            }
            let outcome = world.outcome(observation).clone();
            assert_eq!(outcome.body, [b'v', 19], "seed {seed} {policy:?}");
        }
    }
}

#[test]
fn a_long_state_comes_in_blocks() {
    for seed in 0..20 {
        let conditions = if seed == 0 { Conditions::PERFECT } else { BAD };
        let config = Config {
            block_size: BlockSize::B32,
            ..config(Policy::CONFIRMABLE)
        };
        let mut world = World::with_config(seed, conditions, Sensor::new(&[0; 200]), config);
        world.app.max_age = 20;
        let mut observation = observe(&mut world);
        for value in 1..5 {
            world.pass(10);
            set(&mut world, &[value; 200]);
        }
        world.link.set_conditions(Conditions::PERFECT);
        for _ in 0..4 {
            world.pass(100);
            if matches!(world.outcome(observation).ended, Some(Event::Failed { .. })) {
                observation = observe(&mut world);
            }
        }
        let notifications = &world.outcome(observation).notifications;
        assert_eq!(notifications.last(), Some(&vec![4; 200]), "seed {seed}");
        // None is a mixture.
        for body in notifications {
            assert_eq!(body.len(), 200);
            assert!(body.iter().all(|byte| *byte == body[0]), "seed {seed}");
        }
    }
}

#[test]
fn who_does_not_acknowledge_is_removed() {
    let config = config(Policy::CONFIRMABLE);
    let mut world = World::with_config(1, Conditions::PERFECT, Sensor::new(b"0"), config);
    let observation = observe(&mut world);
    world.pass(5);
    world.link.set_conditions(Conditions {
        loss: 1.0,
        ..Conditions::PERFECT
    });
    set(&mut world, b"1");
    world.pass(40);
    assert!(world.server.is_observed(VALUE));
    // Superseded on the way, it is still the same transmission.
    set(&mut world, b"2");
    world.pass(60);
    assert!(!world.server.is_observed(VALUE));
    assert_eq!(world.server.next_timeout(), None);
    // The client finds out when the state is no longer fresh.
    world.pass(300);
    let failure = Failure::TimedOut;
    let exchange = observation;
    let failed = Event::Failed { exchange, failure };
    assert_eq!(world.outcome(observation).ended, Some(failed));
}

#[test]
fn who_has_forgotten_is_removed() {
    for policy in [Policy::CONFIRMABLE, Policy::NON_CONFIRMABLE] {
        let mut world =
            World::with_config(1, Conditions::PERFECT, Sensor::new(b"0"), config(policy));
        observe(&mut world);
        world.pass(5);
        world.client = Node::new(crate::world::Random(99));
        set(&mut world, b"1");
        world.pass(5);
        assert!(!world.server.is_observed(VALUE));
    }
}

#[test]
fn an_error_ends_the_observation() {
    let mut world = World::new(1, Conditions::PERFECT, Sensor::new(b"0"));
    let observation = observe(&mut world);
    world.pass(5);
    world.app.gone = true;
    set(&mut world, b"");
    world.pass(5);
    assert!(!world.server.is_observed(VALUE));
    let outcome = world.outcome(observation).clone();
    assert_eq!(outcome.code, Some(Code::NOT_FOUND));
    assert!(outcome.complete);
}

#[test]
fn what_is_not_fresh_is_asked_for_again() {
    let mut world = World::new(1, Conditions::PERFECT, Sensor::new(b"0"));
    let observation = observe(&mut world);
    world.pass(1);
    assert_eq!(world.outcome(observation).notifications.len(), 1);
    // The server has forgotten: it was restarted.
    world.server = Node::new(crate::world::Random(99));
    world.app.value = b"1".to_vec();
    world.run_until(world.now + Duration::from_secs(60));
    assert!(!world.server.is_observed(VALUE));
    world.pass(16);
    assert!(world.server.is_observed(VALUE));
    assert_eq!(world.outcome(observation).notifications, [b"0", b"1"]);
}

#[test]
fn a_full_list_answers_without_registering() {
    let mut world = World::new(1, Conditions::PERFECT, Sensor::new(b"0"));
    for _ in 0..4 {
        observe(&mut world);
        world.pass(1);
    }
    for exchange in world.outcomes.keys().copied().collect::<Vec<_>>() {
        assert!(!world.outcome(exchange).complete);
        world.client.cancel(world.now, exchange);
    }
    // The server is told by four messages; without them its list stays full.
    world.client = Node::new(crate::world::Random(5));
    let observation = observe(&mut world);
    world.pass(1);
    assert!(world.outcome(observation).complete);
    assert_eq!(world.outcome(observation).body, b"0");
}
