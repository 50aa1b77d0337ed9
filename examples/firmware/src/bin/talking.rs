//! An agent and a scripted server in one image. They hand each other datagrams through memory, so nothing but the
//! protocol is needed to see it work. Run by `cargo xtask firmware`; the exit status tells whether the script went well.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use dunlin_agent::{Event, Instant, Output};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
use dunlin_firmware::{ENDPOINT, FirmwareAgent, SERVER, agent};
use heapless::{Deque, Vec};

/// What of a scripted step did not come out as it should.
type Failure = &'static str;

#[entry]
fn main() -> ! {
    hprintln!(
        "an agent of {} bytes on a Cortex-M3",
        size_of::<FirmwareAgent<u8>>()
    );
    match script() {
        Ok(()) => {
            hprintln!("all went well");
            debug::exit(debug::EXIT_SUCCESS);
        }
        Err(failure) => {
            hprintln!("FAILED: {}", failure);
            debug::exit(debug::EXIT_FAILURE);
        }
    }
    loop {
        cortex_m::asm::wfi();
    }
}

/// A datagram.
type Datagram = Vec<u8, 512>;

/// The bench that the agent is on: its clock, and what it has sent.
struct Bench {
    agent: FirmwareAgent<u8>,
    now: u64,
    sent: Deque<Datagram, 4>,
    /// The one that the server looks at.
    taken: Datagram,
    registered: bool,
}

impl Bench {
    fn now(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// Lets time pass, and collects what the agent has to say.
    fn pass(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        self.agent.handle_timeout(self.now());
        self.poll();
    }

    fn poll(&mut self) {
        let mut buffer = [0; 512];
        loop {
            match self.agent.poll_output(&mut buffer) {
                // What finds no room is lost, as on any network.
                Output::Transmit { bytes, .. } => drop(
                    self.sent
                        .push_back(Datagram::from_slice(bytes).unwrap_or_default()),
                ),
                Output::Event(event) => {
                    self.registered |= matches!(event, Event::Registered { .. });
                    hprintln!("  event: {:?}", event);
                }
                _ => break,
            }
        }
    }

    /// Takes the oldest datagram that the agent has sent.
    fn take(&mut self) -> Result<Message<'_>, Failure> {
        self.taken = self.sent.pop_front().ok_or("the agent sent nothing")?;
        Message::parse(&self.taken).map_err(|_| "the agent sent no CoAP message")
    }

    fn deliver(&mut self, bytes: &[u8]) {
        self.agent.handle_input(self.now(), 0, bytes);
        self.poll();
    }

    /// Sends a request as the server, and takes the answer.
    fn ask(
        &mut self,
        id: u16,
        code: Code,
        more: impl FnOnce(&mut MessageBuilder<'_>),
    ) -> Result<Message<'_>, Failure> {
        let mut buffer = [0; 256];
        let token = Token::new(&id.to_be_bytes()).ok_or("two bytes are a token")?;
        let mut request =
            MessageBuilder::new(&mut buffer, Type::Confirmable, code, MessageId(id), token);
        more(&mut request);
        let request = request.finish().map_err(|_| "a request did not fit")?;
        self.deliver(request);
        let answer = self.take()?;
        if answer.message_type() != Type::Acknowledgement
            || answer.id() != MessageId(id)
            || answer.token() != token
        {
            return Err("the answer is to another request");
        }
        Ok(answer)
    }
}

fn script() -> Result<(), Failure> {
    let mut bench = Bench {
        agent: agent(7, "coap://192.0.2.1"),
        now: 1000,
        sent: Deque::new(),
        taken: Vec::new(),
        registered: false,
    };
    let now = bench.now();
    bench
        .agent
        .connect(now, SERVER, 0)
        .map_err(|_| "the agent does not know its server")?;
    register(&mut bench)?;
    read(&mut bench)?;
    write(&mut bench)?;
    observe(&mut bench)?;
    refuse(&mut bench)
}

fn register(bench: &mut Bench) -> Result<(), Failure> {
    hprintln!("register");
    bench.pass(0);
    let request = bench.take()?;
    let endpoint = request
        .uri_query()
        .find_map(|item| item.strip_prefix(b"ep="));
    if request.code() != Code::POST
        || !request.uri_path().eq([b"rd"])
        || endpoint != Some(ENDPOINT.as_bytes())
    {
        return Err("the first message is no Register");
    }
    let mut buffer = [0; 32];
    let mut answer = MessageBuilder::new(
        &mut buffer,
        Type::Acknowledgement,
        Code::CREATED,
        request.id(),
        request.token(),
    );
    answer.location_path(["rd", "1"]);
    let answer = answer.finish().map_err(|_| "the answer did not fit")?;
    bench.deliver(answer);
    if bench.registered {
        Ok(())
    } else {
        Err("the agent did not take the registration")
    }
}

fn read(bench: &mut Bench) -> Result<(), Failure> {
    hprintln!("read /3303/0/5700");
    bench.agent.set(|node| node.temperature.measure(21.5));
    bench.pass(10);
    let answer = bench.ask(1, Code::GET, |request| {
        request.path(["3303", "0", "5700"]).accept(0);
    })?;
    hprintln!(
        "  {} {:?}",
        answer.code(),
        core::str::from_utf8(answer.payload())
    );
    if answer.code() != Code::CONTENT || answer.payload() != b"21.5" {
        return Err("the temperature is not what was measured");
    }
    Ok(())
}

fn write(bench: &mut Bench) -> Result<(), Failure> {
    hprintln!("write /1/0/1");
    let answer = bench.ask(2, Code::PUT, |request| {
        request
            .path(["1", "0", "1"])
            .content_format(0)
            .payload(b"600");
    })?;
    hprintln!("  {}", answer.code());
    if answer.code() != Code::CHANGED {
        return Err("the lifetime was not written");
    }
    // The agent tells its server of the new lifetime by an Update.
    let update = bench.take()?;
    if update.code() != Code::POST || !update.uri_query().any(|item| item == b"lt=600") {
        return Err("no Update with the new lifetime");
    }
    let mut buffer = [0; 16];
    let (id, token) = (update.id(), update.token());
    let answer = MessageBuilder::new(&mut buffer, Type::Acknowledgement, Code::CHANGED, id, token)
        .finish()
        .map_err(|_| "the answer did not fit")?;
    bench.deliver(answer);
    Ok(())
}

fn observe(bench: &mut Bench) -> Result<(), Failure> {
    hprintln!("observe /3303/0/5700");
    let answer = bench.ask(3, Code::GET, |request| {
        request.observe(0).path(["3303", "0", "5700"]).accept(0);
    })?;
    let (token, first) = (answer.token(), answer.observe());
    if answer.code() != Code::CONTENT || first.is_none() {
        return Err("the observation was not accepted");
    }
    bench.agent.set(|node| node.temperature.measure(22.25));
    bench.pass(1000);
    let notification = bench.take()?;
    hprintln!(
        "  {} {:?}",
        notification.code(),
        core::str::from_utf8(notification.payload())
    );
    if notification.token() != token
        || notification.payload() != b"22.25"
        || notification.observe() <= first
    {
        return Err("the notification does not tell the new value");
    }
    Ok(())
}

fn refuse(bench: &mut Bench) -> Result<(), Failure> {
    hprintln!("requests that must be refused");
    let critical = OptionNumber(2051);
    for (id, code, path, option, expected) in [
        (
            4,
            Code::GET,
            ["3", "0", "4"],
            None,
            Code::METHOD_NOT_ALLOWED,
        ),
        (5, Code::GET, ["3", "1", "0"], None, Code::NOT_FOUND),
        (
            6,
            Code::GET,
            ["3", "0", "0"],
            Some(critical),
            Code::BAD_OPTION,
        ),
        (7, Code::GET, ["0", "0", "0"], None, Code::UNAUTHORIZED),
    ] {
        let answer = bench.ask(id, code, |request| {
            request.path(path);
            if let Some(option) = option {
                request.option(option, b"x");
            }
        })?;
        hprintln!("  /{}/{}/{}: {}", path[0], path[1], path[2], answer.code());
        if answer.code() != expected {
            return Err("a wrong request got another answer");
        }
    }
    Ok(())
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    debug::exit(debug::EXIT_FAILURE);
    loop {
        cortex_m::asm::bkpt();
    }
}
