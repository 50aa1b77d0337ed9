//! Servers over TCP: the test is the server.

use core::net::SocketAddr;
use core::ops::ControlFlow;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};

use dunlin_agent::objects::{Device, Security, SecurityAccount, Server, ServerAccount};
use dunlin_agent::std::RunError;
use dunlin_agent::{Agent, Code, Config, ConnectError, Event, Objects};
use dunlin_coap::reliable::{Connection, Event as Said, Framing, Settings};
use dunlin_coap::{Message, MessageBuilder, MessageId, OptionNumber, Token, Type};

use crate::servers::{PATIENCE, Running};
use crate::{Plain, agent};

/// One connection of the server.
pub(crate) struct Line<S> {
    stream: S,
    connection: Connection,
    inbox: Vec<u8>,
}

impl<S: Read + Write> Line<S> {
    pub(crate) fn new(mut stream: S) -> Self {
        let mut connection = Connection::new(Framing::Stream, Settings::BASE);
        let mut buffer = [0; Connection::OUTPUT_LEN];
        stream
            .write_all(connection.poll_output(&mut buffer).unwrap())
            .unwrap();
        Self {
            stream,
            connection,
            inbox: Vec::new(),
        }
    }

    /// The next request or response, as words and payload; `None` at the end of the connection.
    pub(crate) fn next(&mut self) -> Option<(String, Vec<u8>, Vec<u8>)> {
        loop {
            let input = self.connection.handle_input(&self.inbox);
            let found = match input.event {
                Said::Request(message) | Said::Response(message) => Some((
                    words(&message),
                    message.token_bytes().to_vec(),
                    message.payload().to_vec(),
                )),
                Said::Settings => None,
                Said::NeedMore(_) => {
                    let mut piece = [0; 100];
                    let len = self.stream.read(&mut piece).unwrap_or(0);
                    if len == 0 {
                        return None;
                    }
                    self.inbox.extend_from_slice(&piece[..len]);
                    continue;
                }
                other => panic!("{other:?}"),
            };
            let consumed = input.consumed;
            self.inbox.drain(..consumed);
            if found.is_some() {
                return found;
            }
        }
    }

    pub(crate) fn say(
        &mut self,
        code: Code,
        token: &[u8],
        build: impl FnOnce(&mut MessageBuilder<'_>),
    ) {
        let mut buffer = [0; 1000];
        let mut builder = self.connection.message(&mut buffer, code, token).unwrap();
        build(&mut builder);
        let bytes = builder.finish().unwrap();
        // In two pieces, as a stream may bring them.
        let (one, two) = bytes.split_at(bytes.len() / 2);
        for piece in [one, two] {
            self.stream.write_all(piece).unwrap();
            self.stream.flush().unwrap();
        }
    }

    fn write(&mut self, token: &[u8], zone: &str) {
        self.say(Code::PUT, token, |put| {
            put.path(["3", "0", "15"])
                .option(OptionNumber::CONTENT_FORMAT, &[])
                .payload(zone.as_bytes());
        });
    }

    /// Lets the device register, reads it, observes it, and sees a notification.
    fn manage(&mut self, zone: &str, log: &mut Vec<String>) {
        let (register, token, links) = self.next().unwrap();
        assert!(String::from_utf8(links).unwrap().contains("</3/0>"));
        log.push(register);
        self.say(Code::CREATED, &token, |answer| {
            answer.location_path(["rd", "7"]);
        });
        self.say(Code::GET, b"read", |get| {
            get.path(["3", "0", "0"]).option(OptionNumber::ACCEPT, &[]);
        });
        let (content, token, payload) = self.next().unwrap();
        assert_eq!((&token[..], &payload[..]), (&b"read"[..], &b"Dunlin"[..]));
        log.push(content);
        self.write(b"v", "Etc/UTC");
        let (changed, token, _) = self.next().unwrap();
        assert_eq!(token, b"v");
        log.push(changed);
        self.say(Code::GET, b"o", |get| {
            get.observe(0)
                .path(["3", "0", "15"])
                .option(OptionNumber::ACCEPT, &[]);
        });
        let (content, token, _) = self.next().unwrap();
        assert_eq!(token, b"o");
        log.push(content);
        self.write(b"w", zone);
        // The answer and the notification, in whatever order.
        let mut both = [self.next().unwrap(), self.next().unwrap()];
        both.sort_by(|one, two| one.1.cmp(&two.1));
        assert_eq!(
            (&both[0].1[..], &both[0].2[..]),
            (&b"o"[..], zone.as_bytes())
        );
        assert_eq!(both[1].1, b"w");
        log.extend(both.map(|(words, ..)| words));
    }
}

fn words(message: &Message<'_>) -> String {
    let path: Vec<_> = message.uri_path().map(String::from_utf8_lossy).collect();
    let query: Vec<_> = message.uri_query().map(String::from_utf8_lossy).collect();
    let binding = query.iter().find(|query| query.starts_with("b="));
    let mut words = message.code().to_string();
    words.truncate(4);
    for word in path.iter().chain(binding) {
        words = format!("{words} {word}");
    }
    words
}

pub(crate) fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Manages a device over two connections, of which it closes the first.
pub(crate) fn server<S: Read + Write>(
    wrap: impl Fn(TcpStream) -> S + Send + 'static,
) -> (SocketAddr, Running) {
    let (listener, address) = listener();
    let run = move || {
        let mut log = vec![];
        let mut line = Line::new(wrap(accept(&listener)));
        line.manage("Europe/Lisbon", &mut log);
        drop(line);
        let mut line = Line::new(wrap(accept(&listener)));
        line.manage("Europe/Paris", &mut log);
        while let Some((words, token, _)) = line.next() {
            if words.starts_with("0.0") {
                line.say(Code::DELETED, &token, |_| ());
            }
            log.push(words);
        }
        log
    };
    (address, Running::start(run))
}

pub(crate) const EXPECTED: [&str; 13] = [
    "0.02 rd b=T",
    "2.05",
    "2.04",
    "2.05",
    "2.05",
    "2.04",
    "0.02 rd b=T",
    "2.05",
    "2.04",
    "2.05",
    "2.05",
    "2.04",
    "0.04 rd 7",
];

/// Until the second registration, and what follows it.
pub(crate) fn twice<A>() -> impl FnMut(&mut A, Option<Event>) -> ControlFlow<()> {
    let (mut registered, mut written) = (0, 0);
    move |_, event| {
        match event {
            Some(Event::Registered { .. }) => registered += 1,
            Some(Event::Written { .. }) => written += 1,
            _ => {}
        }
        if registered == 2 && written == 4 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

fn over_tcp(address: SocketAddr) -> Plain {
    agent(SecurityAccount::no_sec(1, &format!("coap+tcp://{address}")).unwrap())
}

#[test]
fn ets_106_and_404_registers_over_tcp_and_anew_when_the_connection_is_closed() {
    let (address, server) = server(|stream| stream);
    dunlin_agent::std::run(over_tcp(address), server.watched(twice())).unwrap();
    assert_eq!(server.join(), EXPECTED);
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn on_tokio_it_is_the_same() {
    let (address, plain) = server(|stream| stream);
    let run = dunlin_agent::tokio::run(over_tcp(address), plain.watched(twice()));
    run.await.unwrap();
    // The connection's task closes it.
    let seen = tokio::task::spawn_blocking(|| plain.join());
    assert_eq!(seen.await.unwrap(), EXPECTED);
}

#[test]
fn security_that_is_asked_for_is_not_done_without() {
    let never = |_: &mut Plain, _: Option<Event>| ControlFlow::Continue(());
    let key = |uri| SecurityAccount::psk(1, uri, b"who", b"sixteen secrets!").unwrap();
    for account in [
        // A key and no TLS; TLS and no credentials; a key, of which this TLS knows nothing.
        key("coap+tcp://127.0.0.1:1"),
        SecurityAccount::no_sec(1, "coaps+tcp://127.0.0.1:1").unwrap(),
        key("coaps+tcp://127.0.0.1:1"),
    ] {
        let ended = dunlin_agent::std::run(agent(account), never);
        assert!(
            matches!(ended, Err(RunError::Connect(ConnectError::Security))),
            "{ended:?}"
        );
    }
}

#[test]
fn a_datagram_from_the_address_of_a_server_over_tcp_is_not_its_word() {
    // A server over TCP and, on the same port, somebody who speaks UDP and is a server of the agent's too.
    let (listener, address) = listener();
    let socket = UdpSocket::bind(address).unwrap();
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let account = SecurityAccount::no_sec(1, &format!("coap+tcp://{address}")).unwrap();
    let second = SecurityAccount::no_sec(2, &format!("coap://{}", other.local_addr().unwrap()));
    let (over, seen) = std::sync::mpsc::channel();
    let server = Running::start(move || {
        // The second server's Register shows where the agent's socket is.
        let mut request = [0; 1500];
        let (_, device) = other.recv_from(&mut request).unwrap();
        let mut line = Line::new(accept(&listener));
        let (_, token, _) = line.next().unwrap();
        line.say(Code::CREATED, &token, |answer| {
            answer.location_path(["rd", "7"]);
        });
        let mut buffer = [0; 100];
        let token = Token::from(*b"evil");
        let mut get = MessageBuilder::new(
            &mut buffer,
            Type::Confirmable,
            Code::GET,
            MessageId(1),
            token,
        );
        socket
            .send_to(get.path(["3", "0", "0"]).finish().unwrap(), device)
            .unwrap();
        // What comes after it is answered, and it is not.
        line.say(Code::GET, b"good", |get| {
            get.path(["3", "0", "0"]);
        });
        let (words, token, _) = line.next().unwrap();
        assert_eq!((&words[..], &token[..]), ("2.05", &b"good"[..]));
        socket.set_nonblocking(true).unwrap();
        assert!(socket.recv_from(&mut request).is_err());
        over.send(()).unwrap();
        while let Some((_, token, _)) = line.next() {
            assert_ne!(token, b"evil");
            line.say(Code::DELETED, &token, |_| ());
        }
    });
    let node = Two {
        security: [account, second.unwrap()].into_iter().enumerate().fold(
            Security::new(),
            |mut all, (id, account)| {
                all.insert(u16::try_from(id).unwrap(), account).unwrap();
                all
            },
        ),
        server: [1, 2].into_iter().fold(Server::new(), |mut all, id| {
            all.insert(id, ServerAccount::new(id, 300)).unwrap();
            all
        }),
        device: Device::new("Dunlin", "Sockets", "1"),
    };
    let two: Agent<'_, _, SocketAddr, rand::rngs::StdRng, 2> =
        Agent::with_capacity(node, Config::new("sockets"), rand::make_rng());
    let turn = server.watched(|_: &mut _, _| {
        if seen.try_recv().is_ok() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    dunlin_agent::std::run(two, turn).unwrap();
    server.join();
}

#[derive(Objects)]
struct Two {
    security: Security<2>,
    server: Server<2>,
    device: Device<'static>,
}
