//! Bodies in blocks.

use dunlin_coap::Code;
use dunlin_coap::block::{BlockReceiver, BlockSize, Outgoing};
use dunlin_coap::endpoint::{Config, Event, Request};
use dunlin_coap::time::Instant;
use dunlin_testkit::Conditions;

use crate::world::{App, BAD, Node, SERVER, World};

/// One resource, got and put in blocks.
struct Store {
    body: Vec<u8>,
    version: u8,
    receiver: BlockReceiver,
    incoming: Vec<u8>,
    /// Answers after which the resource changes.
    changes_after: usize,
}

impl Store {
    fn new(body: Vec<u8>) -> Self {
        Self {
            body,
            version: 1,
            receiver: BlockReceiver::new(),
            incoming: vec![0; 100_000],
            changes_after: usize::MAX,
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
            let block = request.block2().unwrap();
            let part = Outgoing::requested(self.body.len(), block, BlockSize::B64).unwrap();
            node.respond(now, request, Code::CONTENT, &mut buffer, |response| {
                response.etag(&[self.version]);
                if let Some(block) = part.block {
                    response.block2(block);
                }
                response.payload(part.of(&self.body))
            })
        } else {
            let most = self.incoming.len();
            let code = match self.receiver.request(request, most, BlockSize::B64) {
                Ok(received) => {
                    assert!(received.store(request.payload(), &mut self.incoming));
                    if received.is_complete() {
                        self.body = self.incoming[..received.end()].to_vec();
                        Code::CHANGED
                    } else {
                        Code::CONTINUE
                    }
                }
                Err(error) => error.code(),
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
