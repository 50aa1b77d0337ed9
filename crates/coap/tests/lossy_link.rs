//! A client and a server made of the parts, on a link that loses, doubles and reorders: a body put in blocks and got
//! in blocks arrives the same, and nothing is executed twice.

use dunlin_coap::block::{BlockReceiver, BlockSender, BlockSize, Next, Outgoing};
use dunlin_coap::time::Instant;
use dunlin_coap::{
    Code, DuplicateWindow, Kind, Message, MessageBuilder, MessageId, MessageIds, OptionNumber,
    Parameters, Retry, Seen, Token, Transmission, Type, empty_ack, reset,
};
use dunlin_testkit::{Conditions, Link};

const CLIENT: u8 = 1;
const SERVER: u8 = 2;
const PARAMETERS: Parameters = Parameters::DEFAULT;

type Window = DuplicateWindow<Vec<u8>, Vec<u32>>;

fn window() -> Window {
    DuplicateWindow::new(
        vec![0; 1 << 16],
        vec![0; 2048],
        PARAMETERS.exchange_lifetime(),
        42,
    )
}

/// A Confirmable message under way.
struct Exchange {
    id: MessageId,
    bytes: Vec<u8>,
    transmission: Transmission,
}

impl Exchange {
    fn new(now: Instant, id: MessageId, bytes: &[u8], random: u32) -> Self {
        Self {
            id,
            bytes: bytes.to_vec(),
            transmission: Transmission::start(now, &PARAMETERS, random),
        }
    }
}

/// Whether a server answers in the Acknowledgement or in a message of its own (RFC 7252 §5.2).
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answers {
    Piggybacked,
    Separate,
}

/// Keeps one resource: PUT and GET in blocks; POST counts.
struct Server {
    answers: Answers,
    size: BlockSize,
    window: Window,
    ids: MessageIds,
    receiver: BlockReceiver,
    incoming: Vec<u8>,
    stored: Vec<u8>,
    posts: u32,
    exchanges: Vec<Exchange>,
}

impl Server {
    fn new(answers: Answers, size: BlockSize) -> Self {
        Self {
            answers,
            size,
            window: window(),
            ids: MessageIds::new(0xfff0),
            receiver: BlockReceiver::new(),
            incoming: vec![0; 8192],
            stored: Vec::new(),
            posts: 0,
            exchanges: Vec::new(),
        }
    }

    fn handle_input(&mut self, now: Instant, bytes: &[u8]) -> Vec<Vec<u8>> {
        let message = Message::parse(bytes).unwrap();
        let id = message.id();
        match message.kind() {
            Kind::Acknowledgement | Kind::Reset => {
                self.exchanges.retain(|exchange| exchange.id != id);
                return Vec::new();
            }
            Kind::Request => {}
            _ => return vec![reset(id).to_vec()],
        }
        match self.window.check(now, 0, id) {
            Seen::New => self.window.begin(now, 0, id),
            Seen::InProgress => return Vec::new(),
            Seen::Answered(answer) => return vec![answer.to_vec()],
        }
        let mut buffer = [0; 2048];
        match self.answers {
            Answers::Piggybacked => {
                let answer = self.answer(&message, Type::Acknowledgement, id, &mut buffer);
                self.window.answered(now, 0, id, answer).unwrap();
                vec![answer.to_vec()]
            }
            Answers::Separate => {
                let ack = empty_ack(id);
                self.window.answered(now, 0, id, &ack).unwrap();
                let own_id = self.ids.next();
                let answer = self.answer(&message, Type::Confirmable, own_id, &mut buffer);
                self.exchanges
                    .push(Exchange::new(now, own_id, answer, 1 << 30));
                vec![ack.to_vec(), answer.to_vec()]
            }
        }
    }

    fn answer<'b>(
        &mut self,
        request: &Message<'_>,
        message_type: Type,
        id: MessageId,
        buffer: &'b mut [u8],
    ) -> &'b [u8] {
        let token = request.token();
        match request.code() {
            Code::POST => {
                self.posts += 1;
                let count = self.posts.to_string();
                MessageBuilder::new(buffer, message_type, Code::CHANGED, id, token)
                    .payload(count.as_bytes())
                    .finish()
                    .unwrap()
            }
            Code::GET => {
                let part =
                    Outgoing::requested(self.stored.len(), request.block2().unwrap(), self.size)
                        .unwrap();
                let mut reply = MessageBuilder::new(buffer, message_type, Code::CONTENT, id, token);
                reply.etag(b"v1");
                if let Some(block) = part.block {
                    reply.block2(block);
                }
                reply.payload(part.of(&self.stored)).finish().unwrap()
            }
            _ => match self
                .receiver
                .request(request, self.incoming.len(), self.size)
            {
                Ok(received) => {
                    assert!(received.store(request.payload(), &mut self.incoming));
                    let (code, block) = match received.next {
                        Next::More(block) => (Code::CONTINUE, Some(block)),
                        Next::Complete(block) => {
                            self.stored = self.incoming[..received.end()].to_vec();
                            (Code::CHANGED, block)
                        }
                    };
                    let mut reply = MessageBuilder::new(buffer, message_type, code, id, token);
                    if let Some(block) = block {
                        reply.block1(block);
                    }
                    reply.finish().unwrap()
                }
                Err(error) => MessageBuilder::new(buffer, message_type, error.code(), id, token)
                    .finish()
                    .unwrap(),
            },
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        let deadlines = self
            .exchanges
            .iter()
            .map(|exchange| exchange.transmission.deadline());
        deadlines.min()
    }

    fn handle_timeout(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut again = Vec::new();
        self.exchanges.retain_mut(|exchange| {
            if !exchange.transmission.is_due(now) {
                return true;
            }
            match exchange.transmission.on_timeout(now, &PARAMETERS) {
                Retry::Again => again.push(exchange.bytes.clone()),
                Retry::GiveUp => return false,
            }
            true
        });
        again
    }
}

/// What the client is about.
enum Job {
    Put(BlockSender),
    Get(BlockReceiver, Option<dunlin_coap::block::Block>, Vec<u8>),
    Post,
    Done,
}

/// Puts a body, gets it back, then posts once.
struct Client {
    body: Vec<u8>,
    got: Vec<u8>,
    size: BlockSize,
    job: Job,
    ids: MessageIds,
    token: u32,
    window: Window,
    exchange: Option<Exchange>,
    /// Acknowledged; the response is still to come, or the whole request is made again at this time.
    waiting: Option<Instant>,
    posts_begun: u32,
    posts_answered: u32,
}

impl Client {
    fn new(body: Vec<u8>, size: BlockSize) -> Self {
        let sender = BlockSender::new(body.len(), size).unwrap();
        Self {
            body,
            got: Vec::new(),
            size,
            job: Job::Put(sender),
            ids: MessageIds::new(0xfffa),
            token: 0,
            window: window(),
            exchange: None,
            waiting: None,
            posts_begun: 0,
            posts_answered: 0,
        }
    }

    /// Sends the request that the job wants next.
    fn request(&mut self, now: Instant) -> Vec<Vec<u8>> {
        if matches!(self.job, Job::Done) {
            return Vec::new();
        }
        self.token += 1;
        let (id, token) = (self.ids.next(), Token::from(self.token.to_be_bytes()));
        let mut buffer = [0; 2048];
        let new = MessageBuilder::new;
        let con = Type::Confirmable;
        let bytes = match &self.job {
            Job::Put(sender) => {
                let part = sender.current();
                let mut request = new(&mut buffer, con, Code::PUT, id, token);
                request.path(["body"]).content_format(42);
                if let Some(block) = part.block {
                    request.block1(block);
                }
                request.payload(part.of(&self.body)).finish()
            }
            Job::Get(_, block, _) => {
                let mut request = new(&mut buffer, con, Code::GET, id, token);
                request.path(["body"]);
                if let Some(block) = block {
                    request.block2(*block);
                }
                request.finish()
            }
            Job::Post => {
                self.posts_begun += 1;
                new(&mut buffer, con, Code::POST, id, token)
                    .path(["count"])
                    .finish()
            }
            Job::Done => unreachable!(),
        }
        .unwrap()
        .to_vec();
        self.exchange = Some(Exchange::new(now, id, &bytes, self.token << 27));
        self.waiting = None;
        vec![bytes]
    }

    fn handle_input(&mut self, now: Instant, bytes: &[u8]) -> Vec<Vec<u8>> {
        let message = Message::parse(bytes).unwrap();
        let mut out = Vec::new();
        match message.kind() {
            Kind::Acknowledgement => {
                if self
                    .exchange
                    .as_ref()
                    .is_some_and(|exchange| exchange.id == message.id())
                {
                    self.exchange = None;
                    self.waiting = Some(now + PARAMETERS.exchange_lifetime());
                }
                return out;
            }
            Kind::Response => {}
            _ => return out,
        }
        if message.message_type() == Type::Confirmable {
            out.push(empty_ack(message.id()).to_vec());
            if self.window.check(now, 0, message.id()) != Seen::New {
                return out;
            }
            self.window.begin(now, 0, message.id());
        }
        let current = Token::from(self.token.to_be_bytes());
        if message.token() != current || (self.exchange.is_none() && self.waiting.is_none()) {
            return out;
        }
        self.exchange = None;
        self.waiting = None;
        self.response(&message);
        out.extend(self.request(now));
        out
    }

    fn response(&mut self, response: &Message<'_>) {
        match &mut self.job {
            Job::Put(sender) => match response.code() {
                // Given up and sent anew, the last block finds the body complete already.
                Code::REQUEST_ENTITY_INCOMPLETE => sender.restart(),
                code => {
                    assert!(code.is_success(), "{code}");
                    if !sender.acknowledge(response.block1().unwrap()).unwrap() {
                        let room = vec![0; self.body.len()];
                        self.job = Job::Get(BlockReceiver::new(), None, room);
                    }
                }
            },
            Job::Get(receiver, next, room) => {
                let received = receiver.response(response, room.len(), self.size).unwrap();
                assert!(received.store(response.payload(), room));
                match received.next {
                    Next::More(block) => *next = Some(block),
                    Next::Complete(_) => {
                        self.got = room[..received.end()].to_vec();
                        self.job = Job::Post;
                    }
                }
            }
            Job::Post => {
                self.posts_answered += 1;
                self.job = Job::Done;
            }
            Job::Done => {}
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        let retry = self
            .exchange
            .as_ref()
            .map(|exchange| exchange.transmission.deadline());
        retry.or(self.waiting)
    }

    fn handle_timeout(&mut self, now: Instant) -> Vec<Vec<u8>> {
        if self.waiting.is_some_and(|at| at <= now) {
            return self.request(now);
        }
        let Some(exchange) = &mut self.exchange else {
            return Vec::new();
        };
        if !exchange.transmission.is_due(now) {
            return Vec::new();
        }
        match exchange.transmission.on_timeout(now, &PARAMETERS) {
            Retry::Again => vec![exchange.bytes.clone()],
            Retry::GiveUp => self.request(now),
        }
    }
}

/// Runs both until the client is done and the server idle.
fn run(seed: u64, conditions: Conditions, client: &mut Client, server: &mut Server) {
    let mut link = Link::new(seed, conditions);
    for bytes in client.request(Instant::ZERO) {
        link.send(0, CLIENT, SERVER, &bytes);
    }
    for _ in 0..100_000 {
        let arrival = link.next_arrival().map(Instant::from_millis);
        let next = [arrival, client.next_timeout(), server.next_timeout()];
        let Some(now) = next.into_iter().flatten().min() else {
            assert!(
                matches!(client.job, Job::Done),
                "seed {seed}: idle too early"
            );
            return;
        };
        let millis = now.as_millis();
        while let Some(delivery) = link.receive(millis) {
            let out = if delivery.to == SERVER {
                server.handle_input(now, &delivery.bytes)
            } else {
                client.handle_input(now, &delivery.bytes)
            };
            for bytes in out {
                link.send(millis, delivery.to, delivery.from, &bytes);
            }
        }
        for bytes in client.handle_timeout(now) {
            link.send(millis, CLIENT, SERVER, &bytes);
        }
        for bytes in server.handle_timeout(now) {
            link.send(millis, SERVER, CLIENT, &bytes);
        }
    }
    panic!("seed {seed}: never ends");
}

fn deliver(seed: u64, conditions: Conditions, len: usize, answers: Answers, sizes: [BlockSize; 2]) {
    let body: Vec<u8> = (0..=250).cycle().take(len).collect();
    let mut client = Client::new(body.clone(), sizes[0]);
    let mut server = Server::new(answers, sizes[1]);
    run(seed, conditions, &mut client, &mut server);
    let what = format!("seed {seed}, {len} bytes, {answers:?}, {sizes:?}");
    assert!(server.stored == body, "{what}: put");
    assert!(client.got == body, "{what}: got");
    assert_eq!(client.posts_answered, 1, "{what}");
    // Given up and begun anew, a POST is another one; sent again it is the same.
    assert!(
        server.posts >= 1 && server.posts <= client.posts_begun,
        "{what}"
    );
}

#[test]
fn bodies_around_block_borders_arrive_the_same() {
    let mut seed = 0;
    for answers in [Answers::Piggybacked, Answers::Separate] {
        for sizes in [
            [BlockSize::B64, BlockSize::B64],
            [BlockSize::B128, BlockSize::B32],
            [BlockSize::B16, BlockSize::B1024],
        ] {
            let size = sizes[0].bytes().min(sizes[1].bytes());
            for blocks in [0, 1, 2, 5] {
                for around in [-1_isize, 0, 1] {
                    if let Some(len) = (blocks * size).checked_add_signed(around) {
                        for _ in 0..6 {
                            seed += 1;
                            deliver(seed, Conditions::ROUGH, len, answers, sizes);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_perfect_link_needs_no_retransmission() {
    let sizes = [BlockSize::B1024; 2];
    let body = vec![7; 5000];
    let mut client = Client::new(body.clone(), sizes[0]);
    let mut server = Server::new(Answers::Piggybacked, sizes[1]);
    run(1, Conditions::PERFECT, &mut client, &mut server);
    assert_eq!(client.got, body);
    // Five blocks there, five back, one POST.
    assert_eq!((client.token, server.posts), (11, 1));
}

#[test]
fn a_longer_body_on_a_worse_link() {
    let conditions = Conditions {
        loss: 0.35,
        duplicate: 0.3,
        delay: 1..3000,
    };
    for seed in 0..20 {
        let sizes = [BlockSize::B64, BlockSize::B64];
        deliver(seed, conditions.clone(), 1500, Answers::Separate, sizes);
        deliver(seed, conditions.clone(), 1500, Answers::Piggybacked, sizes);
    }
}

#[test]
fn an_option_of_the_request_is_read_back() {
    // The requests above carry what a real one does.
    let mut client = Client::new(vec![1; 100], BlockSize::B64);
    let bytes = client.request(Instant::ZERO).remove(0);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.content_format(), Some(42));
    assert!(message.uri_path().eq([b"body"]));
    assert_eq!(message.values(OptionNumber::BLOCK1).count(), 1);
}
