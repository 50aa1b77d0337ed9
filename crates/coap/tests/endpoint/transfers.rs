//! Bodies in blocks.

use dunlin_coap::Code;
use dunlin_coap::block::{Block, BlockSize, Body, FromFn};
use dunlin_coap::endpoint::{Config, Event, Input, Output, Request, Upload};
use dunlin_coap::time::Instant;
use dunlin_testkit::Conditions;

use crate::world::{App, BAD, Node, SERVER, World};

/// One resource, got and put in blocks.
struct Store {
    body: Vec<u8>,
    version: u8,
    upload: Upload<u8>,
    incoming: Vec<u8>,
    /// Answers after which the resource changes.
    changes_after: usize,
    /// Whether the body is read from a function that does not know its length.
    length_unknown: bool,
}

impl Store {
    fn new(body: Vec<u8>) -> Self {
        Self {
            body,
            version: 1,
            upload: Upload::new(),
            incoming: vec![0; 100_000],
            changes_after: usize::MAX,
            length_unknown: false,
        }
    }
}

impl App for Store {
    fn request(
        &mut self,
        node: &mut Node,
        now: Instant,
        request: &Request<'_, u8>,
    ) -> Option<Vec<u8>> {
        let mut buffer = [0; 1500];
        let answer = if request.code() == Code::GET {
            if self.changes_after == 0 {
                self.version += 1;
                self.body.reverse();
                self.changes_after = usize::MAX;
            }
            self.changes_after -= 1;
            let mut body = &self.body[..];
            let mut unknown = FromFn(None, |offset, space: &mut [u8]| {
                (&self.body[..]).read(offset, space)
            });
            let body: &mut dyn Body = if self.length_unknown {
                &mut unknown
            } else {
                &mut body
            };
            node.respond_body(now, request, Code::CONTENT, body, &mut buffer, |response| {
                response.etag(&[self.version])
            })
        } else {
            let most = self.incoming.len();
            let code = match node.receive(now, request, &mut self.upload, most) {
                Ok(received) => {
                    assert!(received.store(request.payload(), &mut self.incoming));
                    if received.is_complete() {
                        self.body = self.incoming[..received.end()].to_vec();
                        Code::CHANGED
                    } else {
                        Code::CONTINUE
                    }
                }
                Err(code) => code,
            };
            node.respond(now, request, code, &mut buffer, |response| response)
        };
        answer.map(|answer| answer.bytes.to_vec())
    }
}

fn body(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

fn config(block_size: BlockSize) -> Config {
    Config {
        block_size,
        ..Config::DEFAULT
    }
}

/// Puts a body and gets it back; gives whether both succeeded.
fn there_and_back(seed: u64, conditions: Conditions, len: usize, size: BlockSize) -> bool {
    let mut world = World::with_config(seed, conditions, Store::new(Vec::new()), config(size));
    world.body = body(len);
    let put = world
        .client
        .upload(world.now, SERVER, Code::PUT, len, |request| {
            request.path(["store"]).content_format(42)
        })
        .unwrap();
    world.run();
    let outcome = world.outcome(put).clone();
    if !outcome.complete {
        assert!(matches!(outcome.ended, Some(Event::Failed { .. })));
        return false;
    }
    assert_eq!(
        outcome.code,
        Some(Code::CHANGED),
        "seed {seed}, {len} bytes"
    );
    assert!(world.app.body == body(len), "seed {seed}, {len} bytes");
    let got = world
        .client
        .request(world.now, SERVER, Code::GET, |request| {
            request.path(["store"])
        })
        .unwrap();
    world.run();
    let outcome = world.outcome(got).clone();
    if !outcome.complete {
        assert!(matches!(outcome.ended, Some(Event::Failed { .. })));
        return false;
    }
    assert!(outcome.body == body(len), "seed {seed}, {len} bytes");
    true
}

#[test]
fn bodies_around_block_borders() {
    for size in [BlockSize::B16, BlockSize::B64, BlockSize::B1024] {
        let bytes = size.bytes();
        for len in [0, 1, bytes - 1, bytes, bytes + 1, 5 * bytes, 5 * bytes + 1] {
            assert!(there_and_back(1, Conditions::PERFECT, len, size), "{len}");
        }
    }
}

#[test]
fn on_a_bad_link() {
    let mut delivered = 0;
    for seed in 0..60 {
        if there_and_back(
            seed,
            BAD,
            300 + usize::try_from(seed).unwrap(),
            BlockSize::B64,
        ) {
            delivered += 1;
        }
    }
    assert!(delivered > 40, "{delivered}");
}

#[test]
fn a_resource_that_changes_is_got_again_from_the_start() {
    let mut store = Store::new(body(500));
    store.changes_after = 3;
    let mut world = World::new(1, Conditions::PERFECT, store);
    let got = world
        .client
        .request(world.now, SERVER, Code::GET, |request| {
            request.path(["store"])
        })
        .unwrap();
    world.run();
    let mut expected = body(500);
    expected.reverse();
    assert!(world.outcome(got).complete);
    assert_eq!(world.outcome(got).body, expected);
}

#[test]
fn a_body_whose_length_nobody_knows() {
    for len in [0, 63, 64, 65, 500] {
        let mut store = Store::new(body(len));
        store.length_unknown = true;
        let mut world = World::new(1, Conditions::PERFECT, store);
        let got = world
            .client
            .request(world.now, SERVER, Code::GET, |request| request)
            .unwrap();
        world.run();
        assert_eq!(world.outcome(got).body, body(len));
        assert!(world.outcome(got).complete);
    }
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let mut store = Store::new(Vec::new());
    store.incoming.truncate(100);
    let mut world = World::new(1, Conditions::PERFECT, store);
    world.body = body(101);
    let put = world
        .client
        .upload(world.now, SERVER, Code::PUT, 101, |request| request)
        .unwrap();
    world.run();
    assert_eq!(
        world.outcome(put).code,
        Some(Code::REQUEST_ENTITY_TOO_LARGE)
    );
}

#[test]
fn one_block_can_be_asked_for() {
    let mut world = World::new(1, Conditions::PERFECT, Store::new(body(500)));
    let block = Block::new(3, false, BlockSize::B32).unwrap();
    let exchange = world
        .client
        .request(world.now, SERVER, Code::GET, |request| {
            request.block2(block)
        })
        .unwrap();
    let mut buffer = [0; 300];
    let Output::Transmit(asked) = world.client.poll_output(&mut buffer) else {
        panic!()
    };
    let Input::Request(request) = world.server.handle_input(world.now, 1, asked.bytes) else {
        panic!()
    };
    let answer = world.app.request(&mut world.server, world.now, &request);
    let answer = answer.unwrap();
    let Input::Response(response) = world.client.handle_input(world.now, SERVER, &answer) else {
        panic!()
    };
    assert_eq!(response.exchange, exchange);
    assert_eq!((response.offset, response.more), (96, false));
    assert_eq!(response.payload(), &body(500)[96..128]);
}
