//! The server of `wired`: DTLS with a pre-shared key at the other end of a UART, and a script that checks each answer.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result, bail, ensure};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, Token, Type};
use dunlin_dtls::time::Instant;
use dunlin_dtls::{
    Acceptor, Config, Connection, Credentials, Datagram, Greeting, Output, PskKey, PskLookup,
};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

const SENML_CBOR: u16 = 112;
const LINKS: u16 = 40;
const BATTERY: &[&str] = &["3", "0", "9"];

/// What the image is told to do: see there.
const RECEIVED: u8 = 0;
const PASSED: u8 = 1;
const MEASURED: u8 = 2;
const LEAVE: u8 = 3;
const END: u8 = 4;

/// What image and server share (`examples/firmware/src/protected.rs`).
struct Known;

impl Credentials for Known {
    type Peer = ();

    fn has_psks(&self) -> bool {
        true
    }

    fn psk(&mut self, identity: &[u8]) -> PskLookup<()> {
        match PskKey::new(b"0123456789abcdef") {
            Some(key) if identity == b"urn:dev:1" => PskLookup::Found(key, ()),
            _ => PskLookup::Unknown,
        }
    }
}

struct Bench {
    line: TcpStream,
    rng: StdRng,
    acceptor: Acceptor,
    connection: Option<Connection<(), 512, 512>>,
    now: u32,
    /// Messages of the device that have not been looked at.
    heard: Vec<Vec<u8>>,
}

/// Plays the whole script.
pub(super) fn play(line: TcpStream) -> Result<()> {
    line.set_nodelay(true)?;
    let mut rng = StdRng::seed_from_u64(1);
    let mut bench = Bench {
        line,
        acceptor: Acceptor::new(&mut rng),
        rng,
        connection: None,
        now: 1000,
        heard: Vec::new(),
    };
    bench.tell(PASSED, &[])?;
    bench.answer("rd", b"ep=", Code::CREATED)?;
    manage(&mut bench).context("the device is not managed")?;
    observe(&mut bench).context("the device is not observed")?;
    bench.tell(LEAVE, &[])?;
    bench.answer("rd", b"", Code::DELETED)?;
    bench.say(END, &[])
}

fn manage(bench: &mut Bench) -> Result<()> {
    let read = |id, path| Request::new(id, Code::GET, path).accept(SENML_CBOR);
    bench.ask(&read(1, &["3", "0"]), Code::CONTENT, b"LM3S6965")?;
    let discover = Request::new(2, Code::GET, &["3"]).accept(LINKS);
    bench.ask(&discover, Code::CONTENT, b"</3/0/0>")?;
    // [{0: "/1/0/1", 2: 600}]
    let write = Request::new(3, Code::PUT, &["1", "0", "1"])
        .with(b"\x81\xa2\x00\x66/1/0/1\x02\x19\x02\x58");
    bench.ask(&write, Code::CHANGED, b"")?;
    bench.tell(PASSED, &[])?;
    bench.answer("rd", b"lt=600", Code::CHANGED)?;
    // [{-2: "/1/0/", 0: "1", 2: 700}, {0: "6", 4: true}], in two blocks.
    let partial = b"\x82\xa3\x21\x65/1/0/\x00\x611\x02\x19\x02\xbc\xa2\x00\x616\x04\xf5";
    let (first, second) = partial.split_at(16);
    let block = |id, block, payload| Request {
        block: Some(block),
        ..Request::new(id, Code::POST, &["1", "0"]).with(payload)
    };
    bench.ask(&block(4, 0x08, first), Code::CONTINUE, b"")?;
    bench.ask(&block(5, 0x10, second), Code::CHANGED, b"")?;
    bench.tell(PASSED, &[])?;
    bench.answer("rd", b"lt=700", Code::CHANGED)?;
    let execute = Request::new(6, Code::POST, &["3", "0", "4"]);
    bench.ask(&execute, Code::CHANGED, b"")?;
    bench.ask(&read(7, &["3", "7"]), Code::NOT_FOUND, b"")?;
    bench.ask(&read(8, &["0"]), Code::UNAUTHORIZED, b"")
}

fn observe(bench: &mut Bench) -> Result<()> {
    bench.tell(MEASURED, &[80])?;
    let attributes = Request {
        query: &["pmin=2", "pmax=60", "gt=50.5", "st=5"],
        ..Request::new(20, Code::PUT, BATTERY)
    };
    bench.ask(&attributes, Code::CHANGED, b"")?;
    let discover = Request::new(21, Code::GET, BATTERY).accept(LINKS);
    bench.ask(&discover, Code::CONTENT, b"gt=50.5")?;
    let observe = |id, observe| Request {
        observe: Some(observe),
        token: 22,
        ..Request::new(id, Code::GET, BATTERY).accept(SENML_CBOR)
    };
    bench.ask(&observe(22, 0), Code::CONTENT, b"")?;
    bench.tell(MEASURED, &[40])?;
    bench.pass(1000)?;
    ensure!(bench.heard.is_empty(), "a notification came too early");
    bench.pass(1000)?;
    let notification = bench.take()?;
    let notification = Message::parse(&notification).context("the device sends CoAP")?;
    ensure!(
        notification.token() == token(22)
            && notification.observe().is_some()
            && notification.payload().ends_with(b"\x18\x28"),
        "this is no notification: {notification:?}"
    );
    bench.ask(&observe(23, 1), Code::CONTENT, b"")?;
    bench.pass(61_000)?;
    ensure!(bench.heard.is_empty(), "the observation goes on");
    Ok(())
}

impl Bench {
    fn say(&mut self, what: u8, bytes: &[u8]) -> Result<()> {
        let length = u16::try_from(bytes.len())?.to_le_bytes();
        let all = [&self.now.to_le_bytes(), &[what][..], &length, bytes].concat();
        Ok(self.line.write_all(&all)?)
    }

    /// Has the image do something, and what follows of it.
    fn tell(&mut self, what: u8, bytes: &[u8]) -> Result<()> {
        self.say(what, bytes)?;
        let mut answers = Vec::new();
        loop {
            let mut length = [0; 2];
            self.line.read_exact(&mut length)?;
            let mut datagram = vec![0; u16::from_le_bytes(length).into()];
            if datagram.is_empty() {
                break;
            }
            self.line.read_exact(&mut datagram)?;
            answers.extend(self.receive(&mut datagram)?);
        }
        // What DTLS has to say to it, once the image listens again.
        answers
            .iter()
            .try_for_each(|answer| self.tell(RECEIVED, answer))
    }

    fn pass(&mut self, milliseconds: u32) -> Result<()> {
        self.now += milliseconds;
        self.tell(PASSED, &[])
    }

    /// Takes a datagram of the device, and gives what DTLS says to it.
    fn receive(&mut self, bytes: &mut [u8]) -> Result<Vec<Vec<u8>>> {
        let now = Instant::from_millis(self.now.into());
        let mut space = [0; Acceptor::ANSWER_LEN];
        match self.acceptor.handle_input(now, b"uart", bytes, &mut space) {
            Greeting::Verify(answer) => return Ok(vec![answer.to_vec()]),
            Greeting::Accepted(_) => self.connection = Some(Connection::server(Config::DEFAULT)),
            Greeting::Other => {}
        }
        let connection = self.connection.as_mut().context("no ClientHello")?;
        let mut datagram = Datagram::new(bytes);
        while let Some(data) =
            connection.handle_input(now, &mut datagram, &mut Known, &mut self.rng)
        {
            self.heard.push(data.to_vec());
        }
        let (mut space, mut answers) = ([0; 1200], Vec::new());
        loop {
            match connection.poll_output(&mut space) {
                Output::Transmit(bytes) => answers.push(bytes.to_vec()),
                Output::Event(_) => {}
                Output::Idle => return Ok(answers),
            }
        }
    }

    /// Sends a message over DTLS.
    fn send(&mut self, message: &[u8]) -> Result<()> {
        let connection = self.connection.as_mut().context("no association")?;
        let mut space = [0; 1200];
        let record = connection.send(message, &mut space)?.to_vec();
        self.tell(RECEIVED, &record)
    }

    /// The oldest message that has not been looked at.
    fn take(&mut self) -> Result<Vec<u8>> {
        ensure!(!self.heard.is_empty(), "the device sent nothing");
        Ok(self.heard.remove(0))
    }

    /// Sends a request, and expects an answer with this code that holds these bytes.
    fn ask(&mut self, request: &Request<'_>, code: Code, holding: &[u8]) -> Result<()> {
        self.send(&request.bytes()?)?;
        let answer = self.take()?;
        let answer = Message::parse(&answer).context("the device sends CoAP")?;
        let right = answer.id() == MessageId(request.id) && answer.code() == code;
        ensure!(
            right && holds(answer.payload(), holding),
            "request {}: {answer:?}",
            request.id
        );
        Ok(())
    }

    /// Answers a request of the device for this path, which is to hold these bytes.
    fn answer(&mut self, path: &str, holding: &[u8], code: Code) -> Result<()> {
        let bytes = self.take()?;
        let request = Message::parse(&bytes).context("the device sends CoAP")?;
        if request.uri_path().next() != Some(path.as_bytes()) || !holds(&bytes, holding) {
            bail!("the device asked for something else: {request:?}");
        }
        let mut buffer = [0; 64];
        let (id, token) = (request.id(), request.token());
        let mut answer = MessageBuilder::new(&mut buffer, Type::Acknowledgement, code, id, token);
        if code == Code::CREATED {
            answer.location_path(["rd", "1"]);
        }
        let answer = answer.finish()?.to_vec();
        self.send(&answer)
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|found| found == part)
}

fn token(id: u16) -> Token {
    Token::new(&id.to_be_bytes()).unwrap_or(Token::EMPTY)
}

/// A request of the server.
struct Request<'r> {
    id: u16,
    /// The number in its token.
    token: u16,
    code: Code,
    path: &'r [&'r str],
    query: &'r [&'r str],
    observe: Option<u32>,
    accept: Option<u16>,
    /// Block1 with blocks of 16 bytes.
    block: Option<u8>,
    /// In SenML CBOR.
    payload: &'r [u8],
}

impl<'r> Request<'r> {
    fn new(id: u16, code: Code, path: &'r [&'r str]) -> Self {
        Self {
            id,
            token: id,
            code,
            path,
            query: &[],
            observe: None,
            accept: None,
            block: None,
            payload: &[],
        }
    }

    fn accept(self, format: u16) -> Self {
        Self {
            accept: Some(format),
            ..self
        }
    }

    fn with(self, payload: &'r [u8]) -> Self {
        Self { payload, ..self }
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        let mut buffer = [0; 256];
        let (id, token) = (MessageId(self.id), token(self.token));
        let mut builder = MessageBuilder::new(&mut buffer, Type::Confirmable, self.code, id, token);
        if let Some(observe) = self.observe {
            builder.observe(observe);
        }
        builder.path(self.path.iter().copied());
        if !self.payload.is_empty() {
            builder.content_format(SENML_CBOR);
        }
        builder.query(self.query.iter().copied());
        if let Some(format) = self.accept {
            builder.accept(format);
        }
        if let Some(block) = self.block {
            builder.option(dunlin_coap::OptionNumber::BLOCK1, &[block]);
        }
        builder.payload(self.payload);
        Ok(builder.finish()?.to_vec())
    }
}
