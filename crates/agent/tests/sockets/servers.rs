//! Servers on real sockets of the loopback, each in a thread of its own: they answer as servers do, and nothing more.

use core::net::SocketAddr;
use core::ops::ControlFlow;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::net::UdpSocket;
use std::sync::Arc;
use std::thread;

use dunlin_agent::model::{Path, Value};
use dunlin_agent::{Code, ContentFormat, Event, Instant};
use dunlin_coap::{Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
use dunlin_codec::{Encoder, Record};
use dunlin_dtls::{
    Acceptor, Config, Connection, Credentials, Datagram, Greeting, Output, PskKey, PskLookup,
};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// A server in its thread, which gives something at its end.
pub(crate) struct Running<T = Vec<String>> {
    thread: thread::JoinHandle<T>,
    broken: Arc<AtomicBool>,
}

impl<T: Send + 'static> Running<T> {
    pub(crate) fn start(run: impl FnOnce() -> T + Send + 'static) -> Self {
        struct Watch(Arc<AtomicBool>);
        impl Drop for Watch {
            fn drop(&mut self) {
                self.0.store(thread::panicking(), Ordering::Release);
            }
        }
        let broken = Arc::new(AtomicBool::new(false));
        let watch = Watch(broken.clone());
        let thread = thread::spawn(move || {
            let _watch = watch;
            run()
        });
        Self { thread, broken }
    }

    pub(crate) fn join(self) -> T {
        self.thread.join().unwrap()
    }

    /// Does what `turn` does as long as the server has not failed: an agent would wait for it for ever.
    pub(crate) fn watched<A>(
        &self,
        mut turn: impl FnMut(&mut A, Option<Event>) -> ControlFlow<()>,
    ) -> impl FnMut(&mut A, Option<Event>) -> ControlFlow<()> {
        let broken = self.broken.clone();
        move |agent, event| {
            assert!(!broken.load(Ordering::Acquire), "the server has failed");
            turn(agent, event)
        }
    }
}

/// How long a server waits for a device before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

fn socket() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// What was asked in one line, and the answer.
fn answer(bytes: &[u8]) -> Option<(String, Vec<u8>)> {
    let message = Message::parse(bytes).unwrap();
    if message.message_type() != Type::Confirmable {
        return None;
    }
    let path: Vec<_> = message
        .uri_path()
        .map(|segment| String::from_utf8_lossy(segment).into_owned())
        .collect();
    let code = match (message.code(), path.len()) {
        (Code::POST, 1) => Code::CREATED,
        (Code::DELETE, _) => Code::DELETED,
        _ => Code::CHANGED,
    };
    let mut buffer = [0; 64];
    let (id, token) = (message.id(), message.token());
    let mut builder = MessageBuilder::new(&mut buffer, Type::Acknowledgement, code, id, token);
    if code == Code::CREATED {
        builder.location_path(["rd", "7"]);
    }
    let asked = format!("{} /{}", message.code(), path.join("/"));
    Some((asked, builder.finish().unwrap().to_vec()))
}

fn is_farewell(asked: &[String]) -> bool {
    asked.last().is_some_and(|line| line.starts_with("0.04"))
}

/// A server without security: it ends with the De-register, and gives what it was asked.
pub(crate) fn plain() -> (SocketAddr, Running) {
    let (socket, address) = socket();
    let running = Running::start(move || {
        let mut asked = Vec::new();
        let mut buffer = [0; 1500];
        while !is_farewell(&asked) {
            let (length, from) = socket.recv_from(&mut buffer).unwrap();
            if let Some((line, bytes)) = answer(&buffer[..length]) {
                asked.push(line);
                socket.send_to(&bytes, from).unwrap();
            }
        }
        asked
    });
    (address, running)
}

/// A Bootstrap-Server that gives the account of a server at `uri`. It ends when it has.
pub(crate) fn bootstrap(uri: String) -> (SocketAddr, Running<()>) {
    let (socket, address) = socket();
    let running = Running::start(move || {
        let mut buffer = [0; 1500];
        let (length, from) = socket.recv_from(&mut buffer).unwrap();
        let request = Message::parse(&buffer[..length]).unwrap();
        assert_eq!(request.uri_path().next(), Some(&b"bs"[..]));
        let mut space = [0; 64];
        let (id, token) = (request.id(), request.token());
        let mut builder =
            MessageBuilder::new(&mut space, Type::Acknowledgement, Code::CHANGED, id, token);
        socket.send_to(builder.finish().unwrap(), from).unwrap();
        let steps = [
            (Code::PUT, "0/1", security(&uri, 3, &[])),
            (Code::PUT, "1/0", server()),
            (Code::POST, "bs", Vec::new()),
        ];
        for (step, (code, path, payload)) in (1_u16..).zip(steps) {
            let mut space = [0; 512];
            let token = Token::new(&step.to_be_bytes()).unwrap();
            let mut builder =
                MessageBuilder::new(&mut space, Type::Confirmable, code, MessageId(step), token);
            builder.path(path.split('/'));
            if !payload.is_empty() {
                builder.option(OptionNumber::CONTENT_FORMAT, b"\x70");
            }
            builder.payload(&payload);
            socket.send_to(builder.finish().unwrap(), from).unwrap();
            let length = socket.recv(&mut buffer).unwrap();
            let answer = Message::parse(&buffer[..length]).unwrap();
            assert_eq!(
                (answer.id(), answer.code()),
                (MessageId(step), Code::CHANGED)
            );
        }
    });
    (address, running)
}

/// What a Bootstrap-Server writes to /0/1 of a server at `uri`.
pub(crate) fn security(uri: &str, mode: i64, more: &[(&str, Value<'_>)]) -> Vec<u8> {
    let account = [
        ("/0/1/0", Value::String(uri)),
        ("/0/1/1", Value::Boolean(false)),
        ("/0/1/2", Value::Integer(mode)),
        ("/0/1/10", Value::Integer(1)),
    ];
    senml("/0/1", &[&account[..], more].concat())
}

/// And to /1/0.
pub(crate) fn server() -> Vec<u8> {
    let account = [
        ("/1/0/0", Value::Integer(1)),
        ("/1/0/1", Value::Integer(300)),
        ("/1/0/6", Value::Boolean(false)),
        ("/1/0/7", Value::String("U")),
    ];
    senml("/1/0", &account)
}

fn senml(base: &str, values: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut buffer = [0; 2048];
    let base: Path = base.parse().unwrap();
    let mut encoder = Encoder::new(ContentFormat::SENML_CBOR, base, &mut buffer);
    for (path, value) in values {
        let record = Record::new(path.parse().unwrap(), *value);
        encoder.push(&record).unwrap();
    }
    let length = encoder.finish().unwrap();
    buffer[..length].to_vec()
}

/// The one device that a secure server knows.
struct Known;

pub(crate) const IDENTITY: &[u8] = b"sockets";
pub(crate) const KEY: &[u8] = b"a key of sixteen";

impl Credentials for Known {
    type Peer = ();

    fn has_psks(&self) -> bool {
        true
    }

    fn psk(&mut self, identity: &[u8]) -> PskLookup<()> {
        match PskKey::new(KEY) {
            Some(key) if identity == IDENTITY => PskLookup::Found(key, ()),
            _ => PskLookup::Unknown,
        }
    }
}

/// A server behind DTLS with a pre-shared key.
pub(crate) fn secure() -> (SocketAddr, Running) {
    let (socket, address) = socket();
    let running = Running::start(move || {
        let now = Instant::from_secs(1);
        let mut rng = StdRng::seed_from_u64(1);
        let acceptor = Acceptor::new(&mut rng);
        let mut connection: Option<Connection<(), 1024, 1024>> = None;
        let mut asked = Vec::new();
        let mut buffer = [0; 1500];
        while !is_farewell(&asked) {
            let (length, from) = socket.recv_from(&mut buffer).unwrap();
            let name = from.to_string();
            let bytes = &mut buffer[..length];
            let mut space = [0; Acceptor::ANSWER_LEN];
            match acceptor.handle_input(now, name.as_bytes(), bytes, &mut space) {
                Greeting::Verify(answer) => {
                    socket.send_to(answer, from).unwrap();
                    continue;
                }
                Greeting::Accepted(_) => connection = Some(Connection::server(Config::DEFAULT)),
                Greeting::Other => {}
            }
            let Some(connection) = &mut connection else {
                continue;
            };
            let mut answers = Vec::new();
            let mut datagram = Datagram::new(bytes);
            while let Some(data) = connection.handle_input(now, &mut datagram, &mut Known, &mut rng)
            {
                if let Some((line, bytes)) = answer(data) {
                    asked.push(line);
                    answers.push(bytes);
                }
            }
            let mut space = [0; 1500];
            loop {
                match connection.poll_output(&mut space) {
                    Output::Transmit(bytes) => drop(socket.send_to(bytes, from).unwrap()),
                    Output::Event(_) => {}
                    Output::Idle => break,
                }
            }
            for bytes in answers {
                let record = connection.send(&bytes, &mut space).unwrap();
                socket.send_to(record, from).unwrap();
            }
        }
        asked
    });
    (address, running)
}
