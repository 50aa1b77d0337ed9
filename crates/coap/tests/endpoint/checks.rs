//! An endpoint under a script of datagrams, calls and passing time: what holds whatever comes.
//!
//! The fuzz target `coap_endpoint` runs it too.

use core::convert::Infallible;
use std::collections::{HashMap, HashSet};

use dunlin_coap::block::{Block, BlockSize};
use dunlin_coap::endpoint::{Config, Deferred, Event, ExchangeId, Input, Output, Upload};
use dunlin_coap::observe::Policy;
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{
    Code, Endpoint, Message, MessageBuilder, MessageId, OptionNumber, Parameters, Token, Type,
};
use rand_core::TryRng;

type Node = Endpoint<u8, Constant, 2, 4, 2, 4, 96>;

/// The worst source of random numbers.
struct Constant;

impl TryRng for Constant {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(7)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(7)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(7);
        Ok(())
    }
}

/// The bytes of a script, then zeros.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next()).collect()
    }
}

struct World {
    node: Node,
    now: Instant,
    open: HashSet<ExchangeId>,
    /// The last messages that the endpoint sent.
    sent: Vec<(u8, Vec<u8>)>,
    /// How often each was sent.
    transmissions: HashMap<Vec<u8>, usize>,
    deferred: Vec<Deferred<u8>>,
    upload: Upload<u8>,
}

/// Runs a script and checks that the endpoint keeps its promises.
pub(crate) fn endpoint(script: &[u8]) {
    let mut script = Script(script);
    let first = script.next();
    let config = Config {
        block_size: BlockSize::B16,
        notify: if first & 1 == 0 {
            Policy::CONFIRMABLE
        } else {
            Policy::NON_CONFIRMABLE
        },
        measure_rto: first & 2 != 0,
        limit_amplification: first & 4 != 0,
        ..Config::DEFAULT
    };
    let mut world = World {
        node: Node::with_config(Constant, config),
        now: Instant::from_secs(1),
        open: HashSet::new(),
        sent: Vec::new(),
        transmissions: HashMap::new(),
        deferred: Vec::new(),
        upload: Upload::new(),
    };
    for _ in 0..300 {
        if script.0.is_empty() {
            break;
        }
        world.step(&mut script);
        world.drain(script.0.len() % 5 != 0);
    }
    world.end();
}

impl World {
    fn step(&mut self, script: &mut Script<'_>) {
        let now = self.now;
        let (step, peer) = (script.next(), script.next() & 3);
        match step % 12 {
            0 => {
                let len = usize::from(script.next() & 63);
                let datagram = script.take(len);
                self.input(peer, &datagram, script);
            }
            1..=3 => {
                if let Some((to, datagram)) = self.answer(script) {
                    self.input(to, &datagram, script);
                }
            }
            4 => {
                let datagram = Self::ask(script);
                self.input(peer, &datagram, script);
            }
            5 => {
                let (code, observe) = (Code(script.next() & 7), script.next() & 1);
                if code.is_empty() {
                    return;
                }
                let opened = self.node.request(now, peer, code, |request| {
                    if observe == 1 {
                        request.observe(0);
                    }
                    request.path(["a"])
                });
                self.opened(opened.ok());
            }
            6 => {
                let len = usize::from(script.next());
                let opened = self
                    .node
                    .upload(now, peer, Code::PUT, len, |request| request.path(["b"]));
                self.opened(opened.ok());
            }
            7 => {
                let opened = self
                    .node
                    .request_non(now, peer, Code::GET, |request| request.path(["a"]));
                self.opened(opened.ok());
            }
            8 => {
                if let Some(exchange) = self.open.iter().min_by_key(|id| format!("{id:?}")).copied()
                {
                    self.node.cancel(now, exchange);
                    self.open.remove(&exchange);
                }
            }
            9 if script.next() & 1 == 0 => {
                let parameters = Parameters {
                    nstart: script.next() & 3,
                    ack_timeout: Duration::from_millis(u64::from(script.next()) << 4),
                    max_retransmit: script.next() & 3,
                    ..Parameters::DEFAULT
                };
                let parameters = Some(parameters).filter(|parameters| parameters.nstart < 3);
                self.node.set_parameters(peer, parameters);
            }
            9 => self.node.changed(now, u32::from(script.next() & 1)),
            10 => {
                if let Some(deferred) = self.deferred.pop() {
                    let code = Code(0x40 | (script.next() & 0xbf));
                    let code = if code.is_response() {
                        code
                    } else {
                        Code::CONTENT
                    };
                    let later = self
                        .node
                        .respond_later(now, &deferred, code, |response| response.payload(b"x"));
                    if let Ok(opened) = later {
                        // It ends without a word when it is acknowledged.
                        assert!(opened.is_none_or(|opened| !self.open.contains(&opened)));
                    }
                }
            }
            _ => {
                let step = Duration::from_millis(u64::from(script.next()) << (script.next() % 12));
                self.now += step;
                self.node.handle_timeout(self.now);
            }
        }
    }

    fn opened(&mut self, opened: Option<ExchangeId>) {
        if let Some(opened) = opened {
            assert!(self.open.insert(opened), "two with the same number");
        }
    }

    /// An answer to something that was sent.
    fn answer(&self, script: &mut Script<'_>) -> Option<(u8, Vec<u8>)> {
        let choice = usize::from(script.next());
        let (to, sent) = self.sent.get(choice.checked_rem(self.sent.len())?)?;
        let sent = Message::parse(sent).ok()?;
        let how = script.next();
        let (message_type, id) = match how & 3 {
            0 => (Type::Acknowledgement, sent.id()),
            1 => (Type::Confirmable, MessageId(u16::from(script.next()))),
            2 => (Type::NonConfirmable, MessageId(u16::from(script.next()))),
            _ => (Type::Reset, sent.id()),
        };
        let (code, token) = match (how & 3, how >> 2 & 3) {
            (3, _) | (0, 0) => (Code::EMPTY, Token::EMPTY),
            (_, 1) => (Code(script.next()), sent.token()),
            (_, 2) => (Code::CONTINUE, sent.token()),
            _ => (Code::CONTENT, sent.token()),
        };
        let mut buffer = [0; 256];
        let mut builder = MessageBuilder::new(&mut buffer, message_type, code, id, token);
        let options = script.next();
        if !code.is_empty() {
            if options & 1 != 0 {
                builder.etag(&[script.next()]);
            }
            if options & 2 != 0 {
                builder.observe(u32::from(script.next()));
            }
            if options & 4 != 0 {
                builder.max_age(u32::from(script.next()));
            }
            if options & 8 != 0 {
                let asked = sent
                    .block2()
                    .ok()
                    .flatten()
                    .unwrap_or(Block::first(BlockSize::B16));
                let block = Block::new(asked.number(), script.next() & 1 == 0, asked.size());
                builder.block2(block?);
            }
            if options & 16 != 0 {
                let block = sent.block1().ok().flatten();
                builder.block1(block.unwrap_or(Block::first(BlockSize::B16)));
            }
            if options & 32 != 0 {
                builder.echo(&script.take(9));
            }
            let len = if options & 64 != 0 {
                16
            } else {
                usize::from(script.next() & 31)
            };
            builder.payload(&script.take(len));
        }
        let datagram = builder.finish().ok()?.to_vec();
        Some((*to, datagram))
    }

    /// A request.
    fn ask(script: &mut Script<'_>) -> Vec<u8> {
        let message_type = Type::Confirmable;
        let mut buffer = [0; 256];
        let (id, token) = (script.next() & 15, script.next() & 3);
        let code = Code((script.next() & 7).max(1));
        let mut builder = MessageBuilder::new(
            &mut buffer,
            message_type,
            code,
            MessageId(id.into()),
            Token::from([token; 4]),
        );
        let options = script.next();
        if options & 1 != 0 {
            builder.observe(u32::from(options >> 1 & 1));
        }
        builder.path(["r"]);
        if options & 4 != 0 {
            builder.uint(OptionNumber::BLOCK2, u32::from(script.next()));
        }
        if options & 8 != 0 {
            builder.uint(OptionNumber::BLOCK1, u32::from(script.next()));
        }
        if options & 16 != 0 {
            builder.uint(OptionNumber::NO_RESPONSE, u32::from(script.next()));
        }
        builder.payload(&script.take(usize::from(options >> 5) * 8));
        builder.finish().map(<[u8]>::to_vec).unwrap_or_default()
    }

    fn input(&mut self, peer: u8, datagram: &[u8], script: &mut Script<'_>) {
        let now = self.now;
        let mut buffer = [0; 128];
        match self.node.handle_input(now, peer, datagram) {
            Input::Request(request) => {
                assert_eq!(request.peer(), peer);
                let choice = script.next();
                let size = usize::from(choice);
                let buffer = &mut buffer[..size.min(128)];
                let code = [Code::CONTENT, Code::CHANGED, Code::NOT_FOUND][size % 3];
                let request = request.observable(u32::from(choice >> 7));
                let answer = match choice & 7 {
                    0 => {
                        if self.deferred.len() < 8 {
                            self.deferred.push(self.node.defer(now, &request));
                        }
                        None
                    }
                    1 => None,
                    2 | 3 => {
                        let mut body = &[5; 100][..size.min(100)];
                        self.node
                            .respond_body(now, &request, code, &mut body, buffer, |response| {
                                response.etag(b"e")
                            })
                    }
                    4 => {
                        let taken = self.node.receive(now, &request, &mut self.upload, 64);
                        let code = match taken {
                            Ok(received) => {
                                assert!(received.end() <= 64);
                                if received.is_complete() {
                                    Code::CHANGED
                                } else {
                                    Code::CONTINUE
                                }
                            }
                            Err(code) => code,
                        };
                        self.node
                            .respond(now, &request, code, buffer, |response| response)
                    }
                    _ => self.node.respond(now, &request, code, buffer, |response| {
                        response.max_age(1).payload(b"payload")
                    }),
                };
                if let Some(answer) = answer {
                    let answer = (answer.to, answer.bytes.to_vec());
                    assert_eq!(answer.0, peer);
                    Message::parse(&answer.1).unwrap();
                    self.sent.push(answer);
                }
            }
            Input::Response(response) => {
                let exchange = response.exchange;
                assert!(self.open.contains(&exchange), "nobody asked");
                if !response.more {
                    self.open.remove(&exchange);
                }
            }
            Input::Notification(response) => assert!(self.open.contains(&response.exchange)),
            Input::Nothing => {}
            _ => panic!("unknown input"),
        }
    }

    fn drain(&mut self, heed: bool) {
        let now = self.now;
        for _ in 0..100 {
            let mut buffer = [0; 128];
            let (to, datagram) = match self.node.poll_output(&mut buffer) {
                Output::Transmit(datagram) => (datagram.to, datagram.bytes.to_vec()),
                Output::Part { exchange, len, .. } => {
                    assert!(self.open.contains(&exchange));
                    if !heed {
                        continue;
                    }
                    let part = self.node.part(exchange, &mut buffer, |space| {
                        assert_eq!(space.len(), len);
                        space.fill(1);
                    });
                    let part = part.expect("just asked for");
                    (part.to, part.bytes.to_vec())
                }
                Output::Notify(notification) => {
                    if !heed {
                        continue;
                    }
                    let message = self.node.notification(
                        now,
                        &notification,
                        Code::CONTENT,
                        &mut buffer,
                        |message| message.payload(b"new"),
                    );
                    let message = message.expect("room enough");
                    (message.to, message.bytes.to_vec())
                }
                Output::Event(Event::Failed { exchange, .. }) => {
                    // Separate responses end so too, and are not in the list.
                    self.open.remove(&exchange);
                    continue;
                }
                Output::Event(_) => continue,
                Output::Idle => return,
                _ => panic!("unknown output"),
            };
            let message = Message::parse(&datagram).expect("what is sent is a message");
            if message.message_type() == Type::Confirmable {
                let count = self.transmissions.entry(datagram.clone()).or_default();
                *count += 1;
                assert!(*count <= 5, "sent too often: {message:?}");
            }
            self.sent.push((to, datagram));
            if self.sent.len() > 16 {
                self.sent.remove(0);
            }
        }
        panic!("output without end");
    }

    /// Without further input all ends.
    fn end(&mut self) {
        for _ in 0..1000 {
            let Some(next) = self.node.next_timeout() else {
                assert!(self.open.is_empty(), "left: {:?}", self.open);
                assert!(!self.node.is_observed(0) && !self.node.is_observed(1));
                return;
            };
            self.now = self.now.max(next);
            self.node.handle_timeout(self.now);
            self.drain(true);
        }
        panic!("never ends");
    }
}
