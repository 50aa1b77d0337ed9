//! A shard under a script of bytes: the property tests here and the fuzz target share it.

use std::collections::BTreeSet;

use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
use dunlin_manager::shard::{CommandId, Output, Shard, Ticket};
use dunlin_manager::{
    Action, Attributes, Command, Config, Path, Peer, Snapshot, Timestamp, WriteMode, WriteValue,
};

/// Tables so small that a short script fills them.
fn config() -> Config {
    let mut config = Config::default();
    config.max_devices = 3;
    config.max_commands_per_device = 4;
    config.max_commands = 8;
    config.max_observations_per_device = 2;
    config.max_values_per_device = 8;
    config.max_answer_size = 512;
    config.max_registration_size = 256;
    config.max_uploads = 2;
    config.max_waiting_for_store = 8;
    config.duplicate_window = 1024;
    config
}

struct World {
    shard: Shard,
    now: Instant,
    tickets: Vec<Ticket>,
    /// The requests that devices received, newest last.
    requests: Vec<(Peer, MessageId, Token)>,
    given: u64,
    ended: BTreeSet<CommandId>,
}

/// The listener for DTLS.
const SECURE: u16 = 2;

fn peer(which: u8) -> Peer {
    Peer::plain(u16::from(which & 1), ([192, 0, 2, which % 3], 5683).into())
}

impl World {
    /// Does everything that the shard asks for, except to tell about the store.
    fn drain(&mut self) {
        let mut buffer = [0; 2048];
        loop {
            match self.shard.poll_output(&mut buffer) {
                // To strangers go cookies, and alerts.
                Output::Transmit { to, .. } if to.listener == SECURE => {}
                Output::Transmit { to, length } => {
                    let message =
                        Message::parse(&buffer[..length]).expect("what is sent is well formed");
                    if message.code().is_request() {
                        self.requests.push((to, message.id(), message.token()));
                        let excess = self.requests.len().saturating_sub(8);
                        self.requests.drain(..excess);
                    }
                }
                Output::Persist { ticket, .. } => self.tickets.push(ticket),
                Output::Completed { command, .. } => {
                    assert!(self.ended.insert(command), "a command has ended twice");
                }
                Output::Event(_) => {}
                Output::Idle => break,
                other => panic!("{other:?}"),
            }
        }
        let metrics = self.shard.metrics();
        assert!(metrics.devices <= 3 && metrics.registrations <= metrics.devices);
        assert!(metrics.observations <= 3 * 3);
        assert_eq!(metrics.dtls.associations, 0, "nobody has a credential");
        assert_eq!(
            metrics.commands_waiting,
            self.given - self.ended.len() as u64
        );
    }

    fn tell_store(&mut self, works: bool) {
        while !self.tickets.is_empty() {
            let tickets = core::mem::take(&mut self.tickets);
            let result = if works {
                Ok(())
            } else {
                Err("full".to_owned())
            };
            self.shard.persisted(self.now, &tickets, result);
            self.drain();
        }
    }

    fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        // A shard whose timers never end would hold the world.
        for _ in 0..10_000 {
            let Some(moment) = self.shard.next_timeout().filter(|moment| *moment <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(moment);
            self.shard.handle_timeout(self.now);
            self.drain();
        }
        panic!("the timers do not come to rest");
    }
}

/// Takes up to `count` bytes off the script.
fn take<'a>(script: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = script.split_at(count.min(script.len()));
    *script = rest;
    taken
}

fn byte(script: &mut &[u8]) -> u8 {
    take(script, 1).first().copied().unwrap_or(0)
}

fn chunk<'a>(script: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::from(byte(script) & 63);
    take(script, length)
}

fn action(which: u8) -> Action {
    let path = ["/3", "/3/0", "/3/0/9", "/3303/0/5700"][usize::from(which >> 4 & 3)];
    let path: Path = path.parse().unwrap();
    match which & 7 {
        0 => Action::Read { path },
        1 => Action::Discover { path },
        2 => Action::Write {
            path,
            mode: WriteMode::Partial,
            value: WriteValue::from(7),
        },
        3 => Action::Execute {
            path,
            arguments: "1".to_owned(),
        },
        4 => Action::Create {
            object: path.object_id().unwrap(),
            instance: path.instance_id(),
            records: Vec::new(),
        },
        5 => Action::Delete { path },
        6 => Action::Observe {
            path,
            attributes: Attributes {
                pmin: (which & 8 != 0).then_some(1),
                ..Attributes::NONE
            },
        },
        _ => Action::Cancel { path },
    }
}

/// Plays a script: datagrams, registrations, answers, orders, time and a store that works or not.
pub(crate) fn shard(mut script: &[u8]) {
    let mut world = World {
        shard: Shard::new(
            config(),
            [1; 32],
            Snapshot::default(),
            Instant::ZERO,
            Timestamp::default(),
        ),
        now: Instant::ZERO,
        tickets: Vec::new(),
        requests: Vec::new(),
        given: 0,
        ended: BTreeSet::new(),
    };
    let mut id = 0_u16;
    while !script.is_empty() {
        id = id.wrapping_add(1);
        let (operation, which) = (byte(&mut script), byte(&mut script));
        match operation % 8 {
            0 if which & 0x80 != 0 => {
                let from = Peer::plain(SECURE, peer(which).address);
                let mut datagram = chunk(&mut script).to_vec();
                world.shard.handle_record(world.now, from, &mut datagram);
            }
            0 => world
                .shard
                .handle_input(world.now, peer(which), chunk(&mut script)),
            1 => {
                let name = format!("ep={}", which & 3);
                let queue: &[u8] = if which & 4 == 0 { b"b=U" } else { b"b=UQ" };
                let mut buffer = [0; 256];
                let mut builder = MessageBuilder::new(
                    &mut buffer,
                    Type::Confirmable,
                    Code::POST,
                    MessageId(id),
                    Token::EMPTY,
                );
                builder
                    .path(["rd"])
                    .query([name.as_bytes(), b"lt=60", queue]);
                let datagram = builder.payload(chunk(&mut script)).finish().unwrap();
                world
                    .shard
                    .handle_input(world.now, peer(which >> 4), datagram);
            }
            2 | 3 => {
                let nth = world
                    .requests
                    .len()
                    .wrapping_sub(1 + usize::from(which & 7));
                if let Some((to, message_id, token)) = world.requests.get(nth).copied() {
                    let (kind, message_id) = match which >> 6 {
                        0 | 1 => (Type::Acknowledgement, message_id),
                        2 => (Type::Confirmable, MessageId(id)),
                        _ => (Type::NonConfirmable, MessageId(id)),
                    };
                    let mut buffer = [0; 256];
                    let mut builder = MessageBuilder::new(
                        &mut buffer,
                        kind,
                        Code(byte(&mut script)),
                        message_id,
                        token,
                    );
                    if which & 8 != 0 {
                        builder.observe(u32::from(id));
                    }
                    if which & 16 != 0 {
                        builder.content_format([0, 112, 11542, 40][usize::from(id & 3)]);
                    }
                    if which & 32 != 0 {
                        let number = if id & 4 == 0 {
                            OptionNumber::BLOCK2
                        } else {
                            OptionNumber::BLOCK1
                        };
                        builder.option(number, &[byte(&mut script)]);
                    }
                    if let Ok(datagram) = builder.payload(chunk(&mut script)).finish() {
                        world.shard.handle_input(world.now, to, datagram);
                    }
                }
            }
            4 | 5 => {
                world.given += 1;
                let command = Command {
                    action: action(which),
                    timeout: None,
                    format: None,
                };
                let endpoint = (operation >> 4 & 3).to_string();
                world
                    .shard
                    .handle_command(world.now, CommandId(world.given), &endpoint, command);
            }
            6 => world.pass(Duration::from_millis(
                u64::from(which) * u64::from(which) * 8,
            )),
            _ => world.tell_store(which & 3 != 0),
        }
        world.drain();
    }
    // In the end everything comes to rest: every command has ended, and nothing is under way.
    world.tell_store(true);
    for _ in 0..20 {
        world.pass(Duration::from_secs(60));
        world.tell_store(true);
    }
    assert_eq!(world.given, world.ended.len() as u64);
    assert_eq!(
        world.shard.metrics().registrations,
        0,
        "all lifetimes have passed"
    );
}
