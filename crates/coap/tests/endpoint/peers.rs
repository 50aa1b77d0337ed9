//! What peers are given and what they have to show.

use dunlin_coap::block::BlockSize;
use dunlin_coap::endpoint::{Config, ExchangeId, Request};
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{Code, Parameters};
use dunlin_testkit::Conditions;

use crate::world::{App, Node, SERVER, World};

/// Answers with so many bytes; acts on a POST only when it is fresh.
struct Careful {
    len: usize,
    acted: usize,
}

impl App for Careful {
    fn request(
        &mut self,
        node: &mut Node,
        now: Instant,
        request: &Request<'_, u8>,
    ) -> Option<Vec<u8>> {
        let mut buffer = [0; 1500];
        let buffer = &mut buffer;
        let answer = if request.code() == Code::POST {
            if node.is_fresh(now, request, Duration::from_secs(10)) {
                self.acted += 1;
                node.respond(now, request, Code::CHANGED, buffer, |response| response)
            } else {
                node.challenge(now, request, buffer)
            }
        } else {
            let body = vec![7; self.len];
            node.respond(now, request, Code::CONTENT, buffer, |response| {
                response.payload(&body)
            })
        };
        answer.map(|answer| answer.bytes.to_vec())
    }
}

fn world(config: Config, len: usize) -> World<Careful> {
    World::with_config(3, Conditions::PERFECT, Careful { len, acted: 0 }, config)
}

fn ask(world: &mut World<Careful>, code: Code) -> ExchangeId {
    world
        .client
        .request(world.now, SERVER, code, |request| request.path(["a"]))
        .unwrap()
}

#[test]
fn a_request_is_repeated_with_the_echo_value() {
    let mut world = world(Config::DEFAULT, 0);
    let exchange = ask(&mut world, Code::POST);
    world.run();
    assert_eq!(world.outcome(exchange).code, Some(Code::CHANGED));
    assert_eq!((world.sent, world.app.acted), (2, 1));
}

#[test]
fn a_value_of_another_is_refused_once_more_and_then_told() {
    // The server forgets its key after each request.
    let mut world = world(Config::DEFAULT, 0);
    let exchange = ask(&mut world, Code::POST);
    world.drain();
    world.run_until(world.now + Duration::from_millis(10));
    world.server = Node::new(crate::world::Random(77));
    world.run();
    assert_eq!(world.outcome(exchange).code, Some(Code::UNAUTHORIZED));
    assert_eq!((world.sent, world.app.acted), (2, 0));
}

#[test]
fn long_answers_go_to_validated_addresses_only() {
    let config = Config {
        limit_amplification: true,
        block_size: BlockSize::B1024,
        ..Config::DEFAULT
    };
    for (len, datagrams) in [(100, 1), (400, 2)] {
        let mut world = world(config, len);
        let exchange = ask(&mut world, Code::GET);
        world.run();
        assert_eq!(world.outcome(exchange).body.len(), len);
        assert_eq!(world.sent, datagrams);
    }
    let mut world = world(Config::DEFAULT, 400);
    ask(&mut world, Code::GET);
    world.run();
    assert_eq!(world.sent, 1);
}

#[test]
fn a_peer_has_parameters_of_its_own() {
    let nothing = Conditions {
        loss: 1.0,
        ..Conditions::PERFECT
    };
    let mut world = world(Config::DEFAULT, 0);
    world.link.set_conditions(nothing);
    let parameters = Parameters {
        ack_timeout: Duration::from_secs(1),
        ack_random_percent: 100,
        max_retransmit: 1,
        nstart: 2,
        ..Parameters::DEFAULT
    };
    assert!(world.client.set_parameters(SERVER, Some(parameters)));
    ask(&mut world, Code::GET);
    ask(&mut world, Code::GET);
    world.drain();
    assert_eq!(world.sent, 2);
    world.run();
    assert_eq!(world.sent, 4);
    // One second and two.
    assert_eq!(world.now, Instant::from_secs(1 + 3));
    for peer in 10..13 {
        assert!(world.client.set_parameters(peer, Some(parameters)));
    }
    assert!(!world.client.set_parameters(13, Some(parameters)));
    assert!(world.client.set_parameters(SERVER, None));
    ask(&mut world, Code::GET);
    world.run();
    assert_eq!(world.sent, 9);
}

#[test]
fn a_measured_peer_is_asked_again_sooner() {
    let config = Config {
        measure_rto: true,
        ..Config::DEFAULT
    };
    let mut world = world(config, 0);
    for _ in 0..10 {
        ask(&mut world, Code::GET);
        world.run();
    }
    world.link.set_conditions(Conditions {
        loss: 1.0,
        ..Conditions::PERFECT
    });
    ask(&mut world, Code::GET);
    world.drain();
    let wait = world.client.next_timeout().unwrap() - world.now;
    assert!(wait < Duration::from_millis(600), "{wait:?}");
}

#[test]
fn a_silent_peer_gets_a_byte_a_second() {
    let mut world = world(Config::DEFAULT, 0);
    world.link.set_conditions(Conditions {
        loss: 1.0,
        ..Conditions::PERFECT
    });
    let begun = world.now;
    for _ in 0..2 {
        world
            .client
            .request_non(world.now, SERVER, Code::GET, |request| request.path(["a"]))
            .unwrap();
    }
    world.drain();
    assert_eq!(world.sent, 1);
    // A header, a token of four bytes and an option of two.
    let next = begun + Duration::from_secs(10);
    assert_eq!(world.client.next_timeout(), Some(next));
    world.run_until(next);
    assert_eq!(world.sent, 2);
}
