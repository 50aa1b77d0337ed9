//! Scripts of datagrams against a shard with a virtual clock.

mod commands;
mod hostile;
mod messages;
mod objects;
mod observations;
mod registrations;
mod secure;
mod stores;

use core::cell::Cell;
use std::collections::VecDeque;

use dunlin_coap::block::Block;
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};

use super::{CommandId, Event, Output, Shard, Ticket};
use crate::store::Store as _;
use crate::{
    Action, Change, Command, CommandError, Config, MemoryStore, Outcome, Path, Peer, Snapshot,
    Timestamp,
};

/// The wall clock at the engine's zero.
const WALL: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// What becomes of the changes that a shard asks to store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storage {
    Works,
    Fails,
    /// Nothing is told until [`Bench::tell_store`].
    Waits,
}

/// A shard, its clock, its store and what it gave.
struct Bench {
    shard: Shard,
    now: Instant,
    storage: Storage,
    store: MemoryStore,
    held: Vec<(Ticket, Change)>,
    commits: usize,
    sent: VecDeque<(Peer, Vec<u8>)>,
    events: Vec<Event>,
    completed: VecDeque<(CommandId, Result<Outcome, CommandError>)>,
    next_command: u64,
}

fn peer(last: u8) -> Peer {
    Peer::plain(0, ([192, 0, 2, last], 5683).into())
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

/// What a device receives or sends, taken apart.
#[derive(Debug, Clone, PartialEq)]
struct Parsed {
    kind: Type,
    code: Code,
    id: MessageId,
    token: Token,
    options: Vec<(OptionNumber, Vec<u8>)>,
    payload: Vec<u8>,
}

impl Parsed {
    fn of(bytes: &[u8]) -> Self {
        let message = Message::parse(bytes).unwrap();
        Self {
            kind: message.message_type(),
            code: message.code(),
            id: message.id(),
            token: message.token(),
            options: message
                .options()
                .map(|(number, value)| (number, value.to_vec()))
                .collect(),
            payload: message.payload().to_vec(),
        }
    }

    fn texts(&self, number: OptionNumber) -> Vec<String> {
        let values = self.options.iter().filter(|(other, _)| *other == number);
        values
            .map(|(_, value)| String::from_utf8(value.clone()).unwrap())
            .collect()
    }

    fn uint(&self, number: OptionNumber) -> Option<u32> {
        let (_, value) = self.options.iter().find(|(other, _)| *other == number)?;
        Some(
            value
                .iter()
                .fold(0, |number, byte| number << 8 | u32::from(*byte)),
        )
    }

    fn block(&self, number: OptionNumber) -> Option<String> {
        let (_, value) = self.options.iter().find(|(other, _)| *other == number)?;
        Some(Block::decode(value).unwrap().to_string())
    }

    fn uri(&self) -> String {
        self.texts(OptionNumber::URI_PATH)
            .iter()
            .fold(String::new(), |uri, segment| uri + "/" + segment)
    }

    fn location(&self) -> Vec<String> {
        self.texts(OptionNumber::LOCATION_PATH)
    }

    fn text(&self) -> String {
        String::from_utf8(self.payload.clone()).unwrap()
    }
}

/// Writes a message of a device; `options` must be in order.
fn message(
    kind: Type,
    code: Code,
    id: u16,
    token: impl Into<Token>,
    options: &[(OptionNumber, &[u8])],
    payload: &[u8],
) -> Vec<u8> {
    let mut buffer = vec![0; 4096];
    let mut builder = MessageBuilder::new(&mut buffer, kind, code, MessageId(id), token.into());
    for (number, value) in options {
        builder.option(*number, value);
    }
    builder.payload(payload).finish().unwrap().to_vec()
}

fn register(id: u16, query: &[&str], links: &str) -> Vec<u8> {
    let mut options: Vec<(OptionNumber, &[u8])> = vec![
        (OptionNumber::URI_PATH, b"rd"),
        (OptionNumber::CONTENT_FORMAT, &[40]),
    ];
    options.extend(
        query
            .iter()
            .map(|item| (OptionNumber::URI_QUERY, item.as_bytes())),
    );
    message(
        Type::Confirmable,
        Code::POST,
        id,
        [1, 2, 3, 4],
        &options,
        links.as_bytes(),
    )
}

fn update(id: u16, location: &[String], query: &[&str], links: &str) -> Vec<u8> {
    let mut options: Vec<(OptionNumber, &[u8])> = location
        .iter()
        .map(|segment| (OptionNumber::URI_PATH, segment.as_bytes()))
        .collect();
    if !links.is_empty() {
        options.push((OptionNumber::CONTENT_FORMAT, &[40]));
    }
    options.extend(
        query
            .iter()
            .map(|item| (OptionNumber::URI_QUERY, item.as_bytes())),
    );
    message(
        Type::Confirmable,
        Code::POST,
        id,
        [1, 2, 3, 5],
        &options,
        links.as_bytes(),
    )
}

fn deregister(id: u16, location: &[String]) -> Vec<u8> {
    let options: Vec<(OptionNumber, &[u8])> = location
        .iter()
        .map(|segment| (OptionNumber::URI_PATH, segment.as_bytes()))
        .collect();
    message(
        Type::Confirmable,
        Code::DELETE,
        id,
        [1, 2, 3, 6],
        &options,
        &[],
    )
}

/// The piggybacked answer of a device to `request`.
fn reply(
    request: &Parsed,
    code: Code,
    options: &[(OptionNumber, &[u8])],
    payload: &[u8],
) -> Vec<u8> {
    message(
        Type::Acknowledgement,
        code,
        request.id.0,
        request.token,
        options,
        payload,
    )
}

/// An option of a message that is to be written.
type Written<'a> = (OptionNumber, &'a [u8]);

const TEXT: (OptionNumber, &[u8]) = (OptionNumber::CONTENT_FORMAT, &[]);

thread_local! {
    /// How many a test has started, and six.
    static STARTED: Cell<u8> = const { Cell::new(7) };
}

impl Bench {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        Self::start(config, MemoryStore::new())
    }

    fn start(config: Config, mut store: MemoryStore) -> Self {
        let snapshot = store.load().unwrap();
        Self::from_snapshot(config, store, snapshot)
    }

    fn from_snapshot(config: Config, store: MemoryStore, snapshot: Snapshot) -> Self {
        // No two managers draw the same numbers.
        let seed = STARTED.replace(STARTED.get().wrapping_add(1));
        Self {
            shard: Shard::new(config, [seed; 32], snapshot, Instant::ZERO, WALL),
            now: Instant::ZERO,
            storage: Storage::Works,
            store,
            held: Vec::new(),
            commits: 0,
            sent: VecDeque::new(),
            events: Vec::new(),
            completed: VecDeque::new(),
            next_command: 0,
        }
    }

    /// A second shard on what the first one had stored when it vanished without a word.
    fn restart(&self) -> Self {
        Self::start(Config::default(), self.store.clone())
    }

    fn drain(&mut self) {
        let mut buffer = vec![0; 65_535];
        loop {
            match self.shard.poll_output(&mut buffer) {
                Output::Transmit { to, length } => {
                    self.sent.push_back((to, buffer[..length].to_vec()));
                }
                Output::Persist { ticket, change } => self.held.push((ticket, change)),
                Output::Event(event) => self.events.push(event),
                Output::Completed { command, result } => {
                    self.completed.push_back((command, result));
                }
                Output::BufferTooSmall { .. } => {
                    unreachable!("the buffer is as large as a datagram can be")
                }
                Output::Idle if !self.held.is_empty() && self.storage != Storage::Waits => {
                    self.tell_store(self.storage);
                }
                Output::Idle => break,
            }
        }
    }

    /// Lets the held changes become one commit.
    fn tell_store(&mut self, storage: Storage) {
        let (tickets, changes): (Vec<_>, Vec<_>) = self.held.drain(..).unzip();
        let result = match storage {
            Storage::Works => {
                self.commits += 1;
                self.store
                    .commit(&changes)
                    .map_err(|error| error.to_string())
            }
            _ => Err("the disk is full".to_owned()),
        };
        self.shard.persisted(self.now, &tickets, result);
    }

    fn input(&mut self, from: Peer, datagram: &[u8]) {
        self.shard.handle_input(self.now, from, datagram);
        self.drain();
    }

    /// What the shard answers `datagram` with at once, if it is one datagram to its sender.
    fn exchange(&mut self, from: Peer, datagram: &[u8]) -> Parsed {
        assert!(
            self.sent.is_empty(),
            "something was sent before: {:?}",
            self.sent
        );
        self.input(from, datagram);
        self.next_to(from)
    }

    fn next_to(&mut self, to: Peer) -> Parsed {
        let (receiver, bytes) = self.sent.pop_front().expect("nothing was sent");
        assert_eq!(receiver, to);
        Parsed::of(&bytes)
    }

    fn silent(&self) -> bool {
        self.sent.is_empty()
    }

    /// Lets time pass, with every timer at its moment.
    fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(moment) = self.shard.next_timeout().filter(|moment| *moment <= end) {
            self.now = self.now.max(moment);
            self.shard.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    fn command(&mut self, endpoint: &str, action: Action) -> CommandId {
        self.order(
            endpoint,
            Command {
                action,
                timeout: None,
                format: None,
            },
        )
    }

    fn order(&mut self, endpoint: &str, command: Command) -> CommandId {
        self.next_command += 1;
        let id = CommandId(self.next_command);
        self.shard.handle_command(self.now, id, endpoint, command);
        self.drain();
        id
    }

    fn read(&mut self, endpoint: &str, target: &str) -> CommandId {
        self.command(endpoint, Action::Read { path: path(target) })
    }

    /// What came of the oldest command that has ended.
    fn result(&mut self) -> Result<Outcome, CommandError> {
        self.completed.pop_front().expect("no command has ended").1
    }

    fn device(&mut self, endpoint: &str, last: u8) -> Vec<String> {
        self.registered(endpoint, last, &["lwm2m=1.1"], "</1/0>,</3/0>,</3303/0>")
    }

    /// Registers a device and gives its location.
    fn registered(&mut self, endpoint: &str, last: u8, query: &[&str], links: &str) -> Vec<String> {
        let name = format!("ep={endpoint}");
        let mut items = vec![name.as_str(), "lt=300"];
        items.extend(query);
        let id = u16::from(last) << 8 | u16::try_from(self.now.as_secs() % 200).unwrap();
        let answer = self.exchange(peer(last), &register(id, &items, links));
        assert_eq!(answer.code, Code::CREATED, "{}", answer.text());
        answer.location()
    }
}
