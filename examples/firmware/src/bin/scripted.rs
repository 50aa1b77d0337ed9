//! The agent that `sized` measures, with a scripted server in place of its drivers: that nothing needed is left out of it is
//! seen here, and how deep its stack is. Run by `cargo xtask stack`, which has painted the memory before and looks at it
//! afterwards.
//!
//! What the script writes and checks is done in functions that have returned when the agent is called, so that the depth
//! is the agent's.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use dunlin_agent::objects::{Device, Security, Server};
use dunlin_agent::{Agent, Config, Event, Instant, Output};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, Token, Type};
use dunlin_firmware::{ENDPOINT, Generator, SERVER};
use static_cell::StaticCell;
use subject::{Node, Sized};

#[path = "../subject.rs"]
mod subject;

/// What of a scripted step did not come out as it should.
type Failure = &'static str;
type Outcome = Result<(), Failure>;

/// The server, and the Bootstrap-Server.
const PEER: u8 = 0;
#[cfg(feature = "mid")]
const BOOTSTRAP: u8 = 1;

const SENML_CBOR: u16 = 112;
#[cfg(feature = "mid")]
const TLV: u16 = 11542;

#[entry]
fn main() -> ! {
    let outcome = match (agent(), bench()) {
        (Some(agent), Some(bench)) => {
            bench.agent = Some(agent);
            script(bench)
        }
        _ => Err("twice in main"),
    };
    match outcome {
        Ok(()) => hprintln!("all went well"),
        Err(failure) => {
            hprintln!("FAILED: {}", failure);
            debug::exit(debug::EXIT_FAILURE);
        }
    }
    // The memory is looked at from outside.
    loop {
        cortex_m::asm::wfi();
    }
}

/// Makes the agent, in a function of its own: it is made on the stack, which is free again when the agent works.
#[inline(never)]
fn agent() -> Option<&'static mut Sized> {
    static AGENT: StaticCell<Sized> = StaticCell::new();

    let node = Node {
        security: Security::no_sec(SERVER, "coap://192.0.2.1").unwrap_or_default(),
        server: Server::single(SERVER, 300),
        device: Device::new("Dunlin", "LM3S6965", "1"),
    };
    let generator = Generator::new(7);
    AGENT.try_init_with(|| Agent::with_capacity(node, Config::new(ENDPOINT), generator))
}

#[inline(never)]
fn bench() -> Option<&'static mut Bench> {
    static BENCH: StaticCell<Bench> = StaticCell::new();

    BENCH.try_init_with(Bench::new)
}

/// How many messages may wait.
const WAITING: usize = 4;

/// The agent, its clock, and what it has sent.
struct Bench {
    agent: Option<&'static mut Sized>,
    now: u64,
    /// Room for a datagram on its way to or from the agent.
    buffer: [u8; 512],
    /// Messages of the agent with their lengths, in a ring: how many there were, and how many have been looked at.
    sent: [([u8; 256], usize); WAITING],
    count: usize,
    seen: usize,
    registered: bool,
    done: u32,
}

impl Bench {
    const fn new() -> Self {
        Self {
            agent: None,
            now: 1000,
            buffer: [0; 512],
            sent: [([0; 256], 0); WAITING],
            count: 0,
            seen: 0,
            registered: false,
            done: 0,
        }
    }

    fn agent(&mut self) -> Result<&mut Sized, Failure> {
        self.agent.as_deref_mut().ok_or("no agent")
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// Lets time pass, and collects what the agent has to say.
    #[inline(never)]
    fn pass(&mut self, milliseconds: u64) -> Outcome {
        self.now += milliseconds;
        let now = self.now();
        self.agent()?.handle_timeout(now);
        self.poll()
    }

    #[inline(never)]
    fn deliver(&mut self, from: u8, len: usize) -> Outcome {
        let now = self.now();
        let agent = self.agent.as_deref_mut().ok_or("no agent")?;
        agent.handle_input(now, from, self.buffer.get(..len).unwrap_or_default());
        self.poll()
    }

    #[inline(never)]
    fn poll(&mut self) -> Outcome {
        let agent = self.agent.as_deref_mut().ok_or("no agent")?;
        loop {
            match agent.poll_output(&mut self.buffer) {
                Output::Transmit { bytes, .. } => {
                    let (room, len) = &mut self.sent[self.count % WAITING];
                    let room = room.get_mut(..bytes.len()).ok_or("a message is too long")?;
                    room.copy_from_slice(bytes);
                    *len = bytes.len();
                    self.count += 1;
                }
                Output::Event(Event::Registered { .. }) => self.registered = true,
                Output::Event(Event::Reboot | Event::Bootstrapped) => self.done += 1,
                Output::Event(_) => {}
                _ => return Ok(()),
            }
        }
    }

    /// The oldest message that the agent has sent and that has not been looked at.
    #[inline(never)]
    fn take(&mut self) -> Result<Message<'_>, Failure> {
        if self.seen == self.count {
            return Err("the agent sent nothing");
        }
        self.seen += 1;
        Message::parse(self.taken()).map_err(|_| "the agent sent no CoAP message")
    }

    /// The message that was looked at last.
    fn taken(&self) -> &[u8] {
        let (bytes, len) = &self.sent[self.seen.wrapping_sub(1) % WAITING];
        &bytes[..*len]
    }

    /// Sends a request, and expects an answer with this code; what it holds can be looked at afterwards.
    fn ask(&mut self, from: u8, request: &Request, code: Code) -> Outcome {
        let len = request.write(&mut self.buffer)?;
        self.deliver(from, len)?;
        self.answered(request, code)
    }

    #[inline(never)]
    fn answered(&mut self, request: &Request, code: Code) -> Outcome {
        let answer = self.take()?;
        if answer.id() != MessageId(request.id) || answer.token() != token(request.token) {
            return Err("the answer is to another request");
        }
        if answer.code() == code {
            Ok(())
        } else {
            hprintln!("{} instead of {}", answer.code(), code);
            Err(request.name)
        }
    }

    /// Whether the last answer holds these bytes.
    fn holds(&self, bytes: &[u8]) -> Outcome {
        let found = bytes.is_empty() || self.taken().windows(bytes.len()).any(|part| part == bytes);
        found
            .then_some(())
            .ok_or("the answer does not hold what it should")
    }

    /// Answers a request of the agent for this path, which is to hold these bytes.
    fn answer(&mut self, from: u8, path: &[u8], holding: &[u8], code: Code) -> Outcome {
        let len = self.write_answer(path, holding, code)?;
        self.deliver(from, len)
    }

    #[inline(never)]
    fn write_answer(&mut self, path: &[u8], holding: &[u8], code: Code) -> Result<usize, Failure> {
        self.take()?;
        self.holds(holding)?;
        let (bytes, len) = &self.sent[self.seen.wrapping_sub(1) % WAITING];
        let request =
            Message::parse(&bytes[..*len]).map_err(|_| "the agent sent no CoAP message")?;
        if request.uri_path().next() != Some(path) {
            return Err("the agent asked for something else");
        }
        let (id, token) = (request.id(), request.token());
        let kind = Type::Acknowledgement;
        let mut answer = MessageBuilder::new(&mut self.buffer, kind, code, id, token);
        if code == Code::CREATED {
            answer.location_path(["rd", "1"]);
        }
        answer
            .finish()
            .map(<[u8]>::len)
            .map_err(|_| "an answer did not fit")
    }
}

fn token(id: u16) -> Token {
    Token::new(&id.to_be_bytes()).unwrap_or(Token::EMPTY)
}

/// A request of the server.
struct Request {
    name: Failure,
    id: u16,
    /// The number in its token.
    token: u16,
    code: Code,
    path: &'static [&'static str],
    query: &'static [&'static str],
    observe: Option<u32>,
    accept: Option<u16>,
    /// Number, whether more follow, and size exponent.
    block1: Option<(u32, bool)>,
    format: Option<u16>,
    payload: &'static [u8],
}

impl Request {
    const fn new(name: Failure, id: u16, code: Code, path: &'static [&'static str]) -> Self {
        Self {
            name,
            id,
            token: id,
            code,
            path,
            query: &[],
            observe: None,
            accept: None,
            block1: None,
            format: None,
            payload: &[],
        }
    }

    const fn accept(self, format: u16) -> Self {
        Self {
            accept: Some(format),
            ..self
        }
    }

    const fn with(self, format: u16, payload: &'static [u8]) -> Self {
        Self {
            format: Some(format),
            payload,
            ..self
        }
    }

    #[inline(never)]
    fn write(&self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let kind = Type::Confirmable;
        let mut builder = MessageBuilder::new(
            buffer,
            kind,
            self.code,
            MessageId(self.id),
            token(self.token),
        );
        if let Some(observe) = self.observe {
            builder.observe(observe);
        }
        builder.path(self.path.iter().copied());
        if let Some(format) = self.format {
            builder.content_format(format);
        }
        builder.query(self.query.iter().copied());
        if let Some(format) = self.accept {
            builder.accept(format);
        }
        if let Some((number, more)) = self.block1 {
            let size = dunlin_coap::block::BlockSize::from_szx(0).ok_or("a size")?;
            let block = dunlin_coap::block::Block::new(number, more, size).ok_or("a block")?;
            builder.block1(block);
        }
        builder.payload(self.payload);
        builder
            .finish()
            .map(<[u8]>::len)
            .map_err(|_| "a request did not fit")
    }
}

fn script(bench: &mut Bench) -> Outcome {
    hprintln!("register");
    let now = bench.now();
    bench
        .agent()?
        .connect(now, SERVER, PEER)
        .map_err(|_| "no account")?;
    register(bench)?;
    hprintln!("read, discover, write, execute");
    minimal(bench)?;
    #[cfg(feature = "plain")]
    {
        hprintln!("observe");
        plain(bench)?;
    }
    #[cfg(feature = "mid")]
    {
        hprintln!("formats, send, bootstrap");
        mid(bench)?;
    }
    #[cfg(feature = "full")]
    {
        hprintln!("composites");
        full(bench)?;
    }
    hprintln!("deregister");
    bench.agent()?.deregister(SERVER);
    bench.pass(0)?;
    bench.answer(PEER, b"rd", b"", Code::DELETED)?;
    let gone = !bench.agent()?.is_registered(SERVER);
    gone.then_some(()).ok_or("the agent is still registered")
}

fn register(bench: &mut Bench) -> Outcome {
    bench.registered = false;
    bench.pass(0)?;
    bench.answer(PEER, b"rd", ENDPOINT.as_bytes(), Code::CREATED)?;
    bench
        .registered
        .then_some(())
        .ok_or("the agent did not take the registration")
}

/// The Update that follows a change of the lifetime.
fn update(bench: &mut Bench, lifetime: &[u8]) -> Outcome {
    bench.pass(0)?;
    bench.answer(PEER, b"rd", lifetime, Code::CHANGED)
}

fn minimal(bench: &mut Bench) -> Outcome {
    let read = Request::new("read", 1, Code::GET, &["3", "0"]).accept(SENML_CBOR);
    bench.ask(PEER, &read, Code::CONTENT)?;
    bench.holds(b"LM3S6965")?;
    let discover = Request::new("discover", 2, Code::GET, &["3"]).accept(40);
    bench.ask(PEER, &discover, Code::CONTENT)?;
    bench.holds(b"</3/0/0>")?;
    // [{0: "/1/0/1", 2: 600}]
    const LIFETIME: &[u8] = b"\x81\xa2\x00\x66/1/0/1\x02\x19\x02\x58";
    let write = Request::new("write", 3, Code::PUT, &["1", "0", "1"]).with(SENML_CBOR, LIFETIME);
    bench.ask(PEER, &write, Code::CHANGED)?;
    update(bench, b"lt=600")?;
    // [{-2: "/1/0/", 0: "1", 2: 700}, {0: "6", 4: true}], in two blocks.
    const PARTIAL: &[u8; 22] =
        b"\x82\xa3\x21\x65/1/0/\x00\x611\x02\x19\x02\xbc\xa2\x00\x616\x04\xf5";
    let (first, second) = PARTIAL.split_at(16);
    let block = |id, number, payload| Request {
        block1: Some((number, number == 0)),
        ..Request::new("write in blocks", id, Code::POST, &["1", "0"]).with(SENML_CBOR, payload)
    };
    bench.ask(PEER, &block(4, 0, first), Code::CONTINUE)?;
    bench.ask(PEER, &block(5, 1, second), Code::CHANGED)?;
    update(bench, b"lt=700")?;
    let execute = Request::new("execute", 6, Code::POST, &["3", "0", "4"]);
    bench.ask(PEER, &execute, Code::CHANGED)?;
    (bench.done == 1).then_some(()).ok_or("no reboot")?;
    let absent = Request::new("read what is not", 7, Code::GET, &["3", "7"]).accept(SENML_CBOR);
    bench.ask(PEER, &absent, Code::NOT_FOUND)?;
    let secret = Request::new("read a secret", 8, Code::GET, &["0"]).accept(SENML_CBOR);
    bench.ask(PEER, &secret, Code::UNAUTHORIZED)
}

#[cfg(feature = "plain")]
fn plain(bench: &mut Bench) -> Outcome {
    const BATTERY: &[&str] = &["3", "0", "9"];
    bench
        .agent()?
        .set(|node| node.device.battery_level = Some(80));
    bench.pass(0)?;
    let attributes = Request {
        query: &["pmin=2", "pmax=60", "gt=50.5", "st=5"],
        ..Request::new("write attributes", 20, Code::PUT, BATTERY)
    };
    bench.ask(PEER, &attributes, Code::CHANGED)?;
    let discover = Request::new("discover attributes", 21, Code::GET, BATTERY).accept(40);
    bench.ask(PEER, &discover, Code::CONTENT)?;
    bench.holds(b"gt=50.5")?;
    let observe = |id, observe| Request {
        observe: Some(observe),
        token: 22,
        ..Request::new("observe", id, Code::GET, BATTERY).accept(SENML_CBOR)
    };
    bench.ask(PEER, &observe(22, 0), Code::CONTENT)?;
    bench
        .agent()?
        .set(|node| node.device.battery_level = Some(40));
    bench.pass(1000)?;
    if bench.seen != bench.count {
        return Err("a notification came too early");
    }
    bench.pass(1000)?;
    let notification = bench.take()?;
    if notification.token() != token(22) || notification.observe().is_none() {
        return Err("this is no notification");
    }
    bench.holds(b"\x18\x28")?;
    bench.ask(PEER, &observe(23, 1), Code::CONTENT)?;
    bench.pass(61_000)?;
    (bench.seen == bench.count)
        .then_some(())
        .ok_or("the observation goes on")
}

#[cfg(feature = "mid")]
fn mid(bench: &mut Bench) -> Outcome {
    let text = Request::new("read text", 40, Code::GET, &["3", "0", "0"]).accept(0);
    bench.ask(PEER, &text, Code::CONTENT)?;
    bench.holds(b"\xffDunlin")?;
    let text = Request::new("write text", 41, Code::PUT, &["1", "0", "1"]).with(0, b"800");
    bench.ask(PEER, &text, Code::CHANGED)?;
    update(bench, b"lt=800")?;
    let tlv = Request::new("read TLV", 42, Code::GET, &["3", "0"]).accept(TLV);
    bench.ask(PEER, &tlv, Code::CONTENT)?;
    bench.holds(b"\xc6\x00Dunlin")?;
    // Send is not to be muted.
    let tlv = Request::new("write TLV", 43, Code::POST, &["1", "0"]).with(TLV, b"\xc1\x17\x00");
    bench.ask(PEER, &tlv, Code::CHANGED)?;
    let path = dunlin_agent::model::Path::ROOT;
    bench
        .agent()?
        .send(SERVER, &[path])
        .map_err(|_| "the agent does not send")?;
    bench.pass(0)?;
    bench.answer(PEER, b"dp", b"LM3S6965", Code::CHANGED)?;
    bootstrap(bench)
}

#[cfg(feature = "mid")]
fn bootstrap(bench: &mut Bench) -> Outcome {
    let now = bench.now();
    bench.agent()?.bootstrap(now, BOOTSTRAP);
    bench.pass(0)?;
    bench.answer(BOOTSTRAP, b"bs", ENDPOINT.as_bytes(), Code::CHANGED)?;
    let delete = Request::new("delete", 60, Code::DELETE, &["1"]);
    bench.ask(BOOTSTRAP, &delete, Code::DELETED)?;
    // 0: a URI, 1: false, 2: 3, 10: 1
    const ACCOUNT: &[u8] = b"\xc8\x00\x10coap://192.0.2.7\xc1\x01\x00\xc1\x02\x03\xc1\x0a\x01";
    let account = Request::new("write /0", 61, Code::PUT, &["0", "0"]).with(TLV, ACCOUNT);
    bench.ask(BOOTSTRAP, &account, Code::CHANGED)?;
    let key =
        Request::new("write a key", 62, Code::PUT, &["0", "0", "5"]).with(42, b"0123456789abcdef");
    bench.ask(BOOTSTRAP, &key, Code::CHANGED)?;
    let early = Request::new("finish too early", 63, Code::POST, &["bs"]);
    bench.ask(BOOTSTRAP, &early, Code::NOT_ACCEPTABLE)?;
    // 0: 1, 1: 900, 6: false, 7: "U", 23: false
    const REGISTRATION: &[u8] = b"\xc1\x00\x01\xc2\x01\x03\x84\xc1\x06\x00\xc1\x07U\xc1\x17\x00";
    let server = Request::new("write /1", 64, Code::PUT, &["1", "0"]).with(TLV, REGISTRATION);
    bench.ask(BOOTSTRAP, &server, Code::CHANGED)?;
    let discover = Request::new("bootstrap discover", 65, Code::GET, &[]).accept(40);
    bench.ask(BOOTSTRAP, &discover, Code::CONTENT)?;
    bench.holds(b"coap://192.0.2.7")?;
    let read = Request::new("bootstrap read", 66, Code::GET, &["1"]).accept(TLV);
    bench.ask(BOOTSTRAP, &read, Code::CONTENT)?;
    let finish = Request::new("finish", 67, Code::POST, &["bs"]);
    bench.ask(BOOTSTRAP, &finish, Code::CHANGED)?;
    (bench.done == 2)
        .then_some(())
        .ok_or("the bootstrap is not over")?;
    let now = bench.now();
    bench
        .agent()?
        .connect(now, SERVER, PEER)
        .map_err(|_| "no account")?;
    register(bench)
}

#[cfg(feature = "full")]
fn full(bench: &mut Bench) -> Outcome {
    // [{0: "/3/0/0"}, {0: "/1/0/1"}]
    const LIST: &[u8] = b"\x82\xa1\x00\x66/3/0/0\xa1\x00\x66/1/0/1";
    let several = |id, observe| Request {
        observe,
        token: 81,
        ..Request::new("read several", id, Code::FETCH, &[])
            .with(SENML_CBOR, LIST)
            .accept(SENML_CBOR)
    };
    bench.ask(PEER, &several(80, None), Code::CONTENT)?;
    bench.holds(b"Dunlin")?;
    bench.ask(PEER, &several(81, Some(0)), Code::CONTENT)?;
    // [{0: "/1/0/1", 2: 600}, {0: "/1/0/6", 4: true}]
    const VALUES: &[u8] = b"\x82\xa2\x00\x66/1/0/1\x02\x19\x02\x58\xa2\x00\x66/1/0/6\x04\xf5";
    let write = Request::new("write several", 82, Code::IPATCH, &[]).with(SENML_CBOR, VALUES);
    bench.ask(PEER, &write, Code::CHANGED)?;
    bench.pass(0)?;
    // An Update with the lifetime, and a notification.
    let mut notified = false;
    for _ in 0..2 {
        let is_request = bench.sent[bench.seen % WAITING].0[1] == 0x02;
        if is_request {
            bench.answer(PEER, b"rd", b"lt=600", Code::CHANGED)?;
        } else {
            let notification = bench.take()?;
            notified |= notification.token() == token(81) && notification.observe().is_some();
        }
    }
    notified.then_some(()).ok_or("no notification of several")?;
    bench.ask(PEER, &several(84, Some(1)), Code::CONTENT)?;
    let cbor = Request::new("read LwM2M CBOR", 83, Code::GET, &["3", "0"]).accept(11544);
    bench.ask(PEER, &cbor, Code::CONTENT)?;
    bench.holds(b"LM3S6965")
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    debug::exit(debug::EXIT_FAILURE);
    loop {
        cortex_m::asm::bkpt();
    }
}
