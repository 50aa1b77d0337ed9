//! A client and a server that talk Q-Block with Non-confirmable messages, and the notation of RFC 9177 §10 for what
//! they say.

use core::fmt::Write as _;
use std::collections::VecDeque;

use dunlin_coap::block::qblock::{
    BodyOf, Delivery, MissingBlocks, QBlockParameters, QBlockPoll, QBlockReceiver, QBlockRequest,
    QBlockSender, QBlockSent,
};
use dunlin_coap::block::{Block, BlockSize, Tag};
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};

pub(crate) const PARAMETERS: QBlockParameters = QBlockParameters::DEFAULT;

/// Numbers messages or tokens from a start.
pub(crate) struct Count(pub(crate) u32);

impl Count {
    fn next(&mut self) -> u32 {
        self.0 += 1;
        self.0 - 1
    }
}

/// A token as short as possible.
fn token(number: u32) -> Token {
    let bytes = number.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Token::new(&bytes[zeros..]).unwrap()
}

/// Bytes of a body as they arrive.
fn store(room: &mut Vec<u8>, len: usize, offset: usize, payload: &[u8]) {
    room.resize(len, 0);
    room[offset..offset + payload.len()].copy_from_slice(payload);
}

pub(crate) struct Client {
    pub(crate) ids: Count,
    pub(crate) tokens: Count,
    pub(crate) method: Code,
    pub(crate) size: BlockSize,
    pub(crate) tag: Option<u64>,
    pub(crate) observe: Option<u32>,
    pub(crate) body: Vec<u8>,
    pub(crate) upload: Option<QBlockSender>,
    pub(crate) download: QBlockReceiver,
    pub(crate) got: Vec<u8>,
    /// The code of the response to the whole, once the body of the response is complete.
    pub(crate) done: Option<Code>,
    pub(crate) given_up: bool,
    /// When a GET that is not answered is made again.
    retry: Option<Instant>,
    until: Instant,
}

impl Client {
    /// A client that begins with this message id and this token.
    pub(crate) fn new(method: Code, id: u32, token: u32) -> Self {
        Self {
            ids: Count(id),
            tokens: Count(token),
            method,
            size: BlockSize::B1024,
            tag: None,
            observe: None,
            body: Vec::new(),
            upload: None,
            download: QBlockReceiver::new(BodyOf::Response, Delivery::NonConfirmable),
            got: Vec::new(),
            done: None,
            given_up: false,
            retry: None,
            until: Instant::MAX,
        }
    }

    /// Asks for the body of the resource.
    pub(crate) fn get(&mut self) {
        self.retry = Some(Instant::ZERO);
    }

    /// Sends a body with a tag.
    pub(crate) fn send(&mut self, body: Vec<u8>, tag: u64) {
        let sender = QBlockSender::new(
            BodyOf::Request,
            Delivery::NonConfirmable,
            body.len(),
            self.size,
            &PARAMETERS,
            0,
        );
        self.upload = Some(sender.unwrap());
        self.body = body;
        self.tag = Some(tag);
        self.done = None;
    }

    fn poll(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.until = Instant::MAX;
        if let Some(upload) = &mut self.upload {
            match upload.poll(now, &PARAMETERS) {
                QBlockPoll::Send(part) => {
                    return Some(self.message(|m, client| {
                        if let Some(observe) = client.observe {
                            m.observe(observe);
                        }
                        m.path(["path"]);
                        part.write(m);
                        part.write_size(m);
                        client.write_tag(m);
                        m.payload(part.part.of(&client.body));
                    }));
                }
                QBlockPoll::Wait(until) => self.until = until,
                QBlockPoll::GiveUp => {
                    self.upload = None;
                    self.given_up = true;
                }
            }
        }
        if let Some(due) = self.retry {
            if now >= due {
                self.retry = Some(now + Duration::from_secs(10));
                return Some(self.message(|m, client| {
                    if let Some(observe) = client.observe {
                        m.observe(observe);
                    }
                    m.path(["path"]);
                    let whole = QBlockReceiver::<4>::whole(client.size);
                    m.uint(OptionNumber::Q_BLOCK2, whole.to_uint());
                }));
            }
            self.until = self.until.min(due);
        }
        match self.download.poll(now, &PARAMETERS) {
            QBlockPoll::Send(ask) => Some(self.message(|m, client| {
                m.path(["path"]);
                client.download.write(ask, &PARAMETERS, m);
                client.write_tag(m);
            })),
            QBlockPoll::Wait(until) => {
                self.until = self.until.min(until);
                None
            }
            QBlockPoll::GiveUp => {
                self.given_up = self.done.is_none();
                None
            }
        }
    }

    fn write_tag(&self, m: &mut MessageBuilder<'_>) {
        if let Some(tag) = self.tag {
            m.option(OptionNumber::REQUEST_TAG, Tag::from_number(tag).as_bytes());
        }
    }

    fn message(&mut self, write: impl FnOnce(&mut MessageBuilder<'_>, &Self)) -> Vec<u8> {
        let id = MessageId(u16::try_from(self.ids.next() & 0xffff).unwrap());
        let token = token(self.tokens.next());
        let mut buffer = [0; 1200];
        let kind = Type::NonConfirmable;
        let mut builder = MessageBuilder::new(&mut buffer, kind, self.method, id, token);
        write(&mut builder, self);
        builder.finish().unwrap().to_vec()
    }

    fn handle(&mut self, now: Instant, message: &Message<'_>) {
        self.retry = None;
        if let Some(upload) = &mut self.upload {
            match upload.response(message) {
                Ok(QBlockSent::More) | Err(_) => return,
                Ok(_) => self.upload = None,
            }
        } else if !message.code().is_success() || message.code() == Code::CONTINUE {
            return;
        }
        match self.download.take(now, message, 1 << 20, &PARAMETERS) {
            Ok(received) => {
                if received.begins {
                    self.got.clear();
                    self.done = None;
                }
                if let Some(offset) = received.offset {
                    store(&mut self.got, received.body_len, offset, message.payload());
                }
                if received.complete {
                    self.done = Some(message.code());
                }
            }
            Err(dunlin_coap::block::qblock::QBlockError::Absent) => {
                self.got = message.payload().to_vec();
                self.done = Some(message.code());
            }
            Err(_) => {}
        }
    }
}

pub(crate) struct Server {
    pub(crate) ids: Count,
    pub(crate) size: BlockSize,
    pub(crate) receiver: QBlockReceiver,
    pub(crate) taken: Vec<u8>,
    pub(crate) executed: u32,
    pub(crate) resource: Vec<u8>,
    pub(crate) etag: u64,
    pub(crate) observe: Option<u32>,
    pub(crate) sender: Option<QBlockSender>,
    token: Token,
    /// Of the last request with a block, and of the last that asked for missing blocks.
    last: Token,
    asking: Token,
    out: VecDeque<Vec<u8>>,
    until: Instant,
}

impl Server {
    /// A server that begins with this message id.
    pub(crate) fn new(id: u32, etag: u64) -> Self {
        Self {
            ids: Count(id),
            size: BlockSize::B1024,
            receiver: QBlockReceiver::new(BodyOf::Request, Delivery::NonConfirmable),
            taken: Vec::new(),
            executed: 0,
            resource: Vec::new(),
            etag,
            observe: None,
            sender: None,
            token: Token::EMPTY,
            last: Token::EMPTY,
            asking: Token::EMPTY,
            out: VecDeque::new(),
            until: Instant::MAX,
        }
    }

    /// Begins to send the resource, in blocks of at most `size`.
    fn begin(&mut self, size: BlockSize) {
        let sender = QBlockSender::new(
            BodyOf::Response,
            Delivery::NonConfirmable,
            self.resource.len(),
            size.min(self.size),
            &PARAMETERS,
            0,
        );
        self.sender = Some(sender.unwrap());
    }

    /// Notifies of another version.
    pub(crate) fn notify(&mut self, resource: Vec<u8>, observe: u32) {
        self.resource = resource;
        self.observe = Some(observe);
        self.etag += 1;
        self.begin(self.size);
    }

    fn message(
        &mut self,
        code: Code,
        token: Token,
        write: impl FnOnce(&mut MessageBuilder<'_>, &Self),
    ) -> Vec<u8> {
        let id = MessageId(u16::try_from(self.ids.next() & 0xffff).unwrap());
        let mut buffer = [0; 1200];
        let kind = Type::NonConfirmable;
        let mut builder = MessageBuilder::new(&mut buffer, kind, code, id, token);
        write(&mut builder, self);
        builder.finish().unwrap().to_vec()
    }

    fn poll(&mut self, now: Instant) -> Option<Vec<u8>> {
        if let Some(bytes) = self.out.pop_front() {
            return Some(bytes);
        }
        self.until = Instant::MAX;
        match self.receiver.poll(now, &PARAMETERS) {
            QBlockPoll::Send(ask) => {
                return Some(self.message(ask.code(), self.last, |m, server| {
                    server.receiver.write(ask, &PARAMETERS, m);
                }));
            }
            QBlockPoll::Wait(until) => self.until = until,
            QBlockPoll::GiveUp => self.taken.clear(),
        }
        match self.sender.as_mut()?.poll(now, &PARAMETERS) {
            QBlockPoll::Send(part) => {
                let token = if part.again { self.asking } else { self.token };
                Some(self.message(Code::CONTENT, token, |m, server| {
                    m.etag(Tag::from_number(server.etag).as_bytes());
                    if let (Some(observe), false) = (server.observe, part.again) {
                        m.observe(observe);
                    }
                    part.write(m);
                    m.payload(part.part.of(&server.resource));
                }))
            }
            QBlockPoll::Wait(until) => {
                self.until = self.until.min(until);
                None
            }
            QBlockPoll::GiveUp => {
                self.sender = None;
                None
            }
        }
    }

    fn handle(&mut self, now: Instant, message: &Message<'_>) {
        if message.values(OptionNumber::Q_BLOCK1).next().is_some() {
            self.last = message.token();
            let received = match self.receiver.take(now, message, 1 << 20, &PARAMETERS) {
                Ok(received) => received,
                Err(error) => {
                    let answer = self.message(error.code().unwrap(), self.last, |_, _| ());
                    self.out.push_back(answer);
                    return;
                }
            };
            if let Some(offset) = received.offset {
                store(
                    &mut self.taken,
                    received.body_len,
                    offset,
                    message.payload(),
                );
            }
            if received.complete && message.code() == Code::FETCH {
                if received.offset.is_some() {
                    self.executed += 1;
                    self.token = self.last;
                    self.begin(self.size);
                } else if let Some(sender) = &mut self.sender
                    && sender.is_sent()
                {
                    self.token = self.last;
                    sender.restart();
                }
            } else if received.complete {
                self.executed += u32::from(received.offset.is_some());
                let answer = self.message(Code::CHANGED, self.last, |_, _| ());
                self.out.push_back(answer);
            }
            return;
        }
        match QBlockRequest::read(message, &PARAMETERS) {
            Ok(Some(QBlockRequest::Whole(size))) => {
                self.token = message.token();
                self.begin(size);
            }
            Ok(Some(request)) => {
                if matches!(request, QBlockRequest::Missing(_)) {
                    self.asking = message.token();
                }
                if let Some(sender) = &mut self.sender {
                    sender.request(request, &PARAMETERS).unwrap();
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Both, and what is between them.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) client: Client,
    pub(crate) server: Server,
    /// What is lost: type of sender and message id.
    pub(crate) lost: Vec<(char, u16)>,
    pub(crate) log: Vec<String>,
}

impl World {
    pub(crate) fn new(client: Client, server: Server) -> Self {
        Self {
            now: Instant::ZERO,
            client,
            server,
            lost: Vec::new(),
            log: Vec::new(),
        }
    }

    /// Sends whatever is due, at once where nothing is lost, until both have to wait; who has just got something speaks
    /// first.
    pub(crate) fn settle(&mut self) {
        let mut servers_turn = true;
        loop {
            let turns = [servers_turn, !servers_turn];
            let spoken = turns.into_iter().find_map(|server| {
                let bytes = if server {
                    self.server.poll(self.now)
                } else {
                    self.client.poll(self.now)
                };
                bytes.map(|bytes| (server, bytes))
            });
            let Some((by_server, bytes)) = spoken else {
                return;
            };
            let message = Message::parse(&bytes).unwrap();
            let who = if by_server { 's' } else { 'c' };
            if self.lost.contains(&(who, message.id().0)) {
                self.log.push(format!("X {}", line(&message)));
                servers_turn = by_server;
                continue;
            }
            self.log.push(line(&message));
            if by_server {
                self.client.handle(self.now, &message);
            } else {
                self.server.handle(self.now, &message);
            }
            servers_turn = !by_server;
        }
    }

    /// When something is due next.
    pub(crate) fn next(&self) -> Instant {
        self.client.until.min(self.server.until)
    }

    /// Lets time pass until something was said, or `seconds` have gone: after how many milliseconds.
    pub(crate) fn pass(&mut self, seconds: u64) -> u64 {
        let (begun, said) = (self.now, self.log.len());
        let end = begun + Duration::from_secs(seconds);
        while self.next() <= end && self.log.len() == said {
            self.now = self.next();
            self.settle();
        }
        if self.log.len() == said {
            self.now = end;
        }
        (self.now - begun).as_millis()
    }

    /// What was said since the last call.
    pub(crate) fn said(&mut self) -> Vec<String> {
        core::mem::take(&mut self.log)
    }
}

/// A network that may lose, double and reorder, with both ends of it.
pub(crate) fn run(
    link: &mut dunlin_testkit::Link<char>,
    client: &mut Client,
    server: &mut Server,
    mut done: impl FnMut(&Client, &Server) -> bool,
) -> Option<u64> {
    let mut now = Instant::ZERO;
    for _ in 0..200_000 {
        let millis = now.as_millis();
        while let Some(bytes) = client.poll(now) {
            link.send(millis, 'c', 's', &bytes);
        }
        while let Some(bytes) = server.poll(now) {
            link.send(millis, 's', 'c', &bytes);
        }
        if done(client, server) {
            return Some(millis);
        }
        let arrival = link
            .next_arrival()
            .map_or(Instant::MAX, Instant::from_millis);
        let next = arrival.min(client.until).min(server.until);
        if next == Instant::MAX {
            return None;
        }
        now = next;
        if let Some(delivery) = link.receive(now.as_millis()) {
            let message = Message::parse(&delivery.bytes).unwrap();
            if delivery.to == 's' {
                server.handle(now, &message);
            } else {
                client.handle(now, &message);
            }
        }
    }
    None
}

/// A message as RFC 9177 §10 writes it.
pub(crate) fn line(message: &Message<'_>) -> String {
    let code = message.code();
    let mut text = format!("{} ", message.message_type());
    if code.is_request() {
        write!(text, "{} /path", code.name().unwrap()).unwrap();
    } else {
        write!(text, "{code}").unwrap();
    }
    write!(text, " M:0x{:02x} T:{:?}", message.id().0, message.token()).unwrap();
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    };
    if let Some(observe) = message.observe() {
        write!(text, " O:{observe}").unwrap();
    }
    if let Some(tag) = message.option(OptionNumber::REQUEST_TAG) {
        write!(text, " RT={}", number(tag)).unwrap();
    }
    if let Some(etag) = message.etag() {
        write!(text, " ET={}", number(etag)).unwrap();
    }
    for (option, name) in [
        (OptionNumber::Q_BLOCK1, "QB1"),
        (OptionNumber::Q_BLOCK2, "QB2"),
    ] {
        for value in message.values(option) {
            write!(text, " {name}:{}", Block::decode(value).unwrap()).unwrap();
        }
    }
    if code == Code::REQUEST_ENTITY_INCOMPLETE {
        let missing: Vec<_> = MissingBlocks::parse(message.payload()).unwrap().collect();
        write!(text, " {missing:?}").unwrap();
    }
    text
}
