//! Registration and reading over DTLS: the test is a server with its own end of it. Numbers are those of the ETS 1.2.

use dunlin_agent::objects::{SecurityAccount, SecurityMode};
use dunlin_agent::{
    Agent, Code, Config, Doors, Duration, Event, Failure, Instant, Output, Secure, SecurityFailure,
};
use dunlin_coap::{Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
use dunlin_dtls::{
    Acceptor, CertificateTypes, Connection, Credentials, Datagram, Greeting, Presented, PrivateKey,
    PskKey, PskLookup, SPKI_LEN,
};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::bench::{Node, Peer, SERVER, node};

pub(crate) const KEY: &[u8] = b"0123456789abcdef";
pub(crate) const IDENTITY: &[u8] = b"urn:dev:os:1-7";

/// Whom the server knows.
pub(crate) struct Known {
    key: &'static [u8],
    pub(crate) private: PrivateKey,
    client: Option<[u8; SPKI_LEN]>,
    /// Its certificates and that of the client, where it has some.
    pub(crate) certificates: Option<(Vec<Vec<u8>>, Vec<u8>)>,
    /// The name that it is asked for.
    pub(crate) asked: Option<String>,
}

impl Credentials for Known {
    type Peer = ();

    fn has_psks(&self) -> bool {
        self.client.is_none() && self.certificates.is_none()
    }

    fn psk(&mut self, identity: &[u8]) -> PskLookup<()> {
        match PskKey::new(self.key) {
            Some(key) if identity == IDENTITY => PskLookup::Found(key, ()),
            _ => PskLookup::Unknown,
        }
    }

    fn private_key(&self) -> Option<&PrivateKey> {
        Some(&self.private)
    }

    fn own_types(&self) -> CertificateTypes {
        CertificateTypes {
            raw_public_key: self.client.is_some(),
            x509: self.certificates.is_some(),
        }
    }

    fn own_certificate(&self, index: usize) -> Option<&[u8]> {
        let (own, _) = self.certificates.as_ref()?;
        own.get(index).map(Vec::as_slice)
    }

    fn asked_for(&mut self, server_name: &[u8]) {
        self.asked = Some(String::from_utf8_lossy(server_name).into_owned());
    }

    fn peer_types(&self) -> CertificateTypes {
        self.own_types()
    }

    fn verify(&mut self, presented: Presented<'_>) -> Result<(), dunlin_dtls::Alert> {
        match presented {
            Presented::RawPublicKey(key) if Some(key.to_spki()) == self.client => Ok(()),
            Presented::Certificates(chain) => {
                let (_, client) = self.certificates.as_ref().expect("certificates");
                let is_it = chain.end_entity() == Some(client.as_slice());
                is_it
                    .then_some(())
                    .ok_or(dunlin_dtls::Alert::CERTIFICATE_UNKNOWN)
            }
            _ => Err(dunlin_dtls::Alert::CERTIFICATE_UNKNOWN),
        }
    }
}

pub(crate) struct Bench {
    pub(crate) agent: Secure<'static, Node, Peer, StdRng, 2048>,
    pub(crate) now: Instant,
    acceptor: Acceptor,
    pub(crate) known: Known,
    /// Where it is.
    pub(crate) peer: Peer,
    pub(crate) server: Option<Connection<(), 2048, 2048>>,
    rng: StdRng,
    /// What the server has read.
    pub(crate) heard: Vec<Vec<u8>>,
    /// What went over the network.
    wire: Vec<Vec<u8>>,
    pub(crate) events: Vec<Event>,
}

pub(crate) fn key(seed: u64) -> PrivateKey {
    PrivateKey::generate(&mut StdRng::seed_from_u64(seed)).unwrap()
}

impl Bench {
    pub(crate) fn new(account: impl FnOnce(&mut SecurityAccount)) -> Self {
        let mut node = node();
        let security = node.security.get_mut(0).unwrap();
        security.mode = SecurityMode::PreSharedKey;
        security.identity.extend_from_slice(IDENTITY).unwrap();
        security.secret_key.extend_from_slice(KEY).unwrap();
        account(security);
        let config = Config::new("urn:dev:os:1-7");
        let mut rng = StdRng::seed_from_u64(1);
        Self {
            agent: Secure::new(Agent::with_capacity(node, config, StdRng::seed_from_u64(7))),
            now: Instant::from_secs(1000),
            acceptor: Acceptor::new(&mut rng),
            known: Known {
                key: KEY,
                private: key(3),
                client: None,
                certificates: None,
                asked: None,
            },
            peer: SERVER,
            server: None,
            rng,
            heard: Vec::new(),
            wire: Vec::new(),
            events: Vec::new(),
        }
    }

    pub(crate) fn connect(&mut self) {
        self.agent.connect(self.now, 1, SERVER).unwrap();
        self.turn();
    }

    /// Carries datagrams until both rest.
    pub(crate) fn turn(&mut self) {
        for _ in 0..100 {
            let mut buffer = [0; 2400];
            match self.agent.poll_output(&mut buffer) {
                Output::Transmit { to, bytes } => {
                    assert_eq!(to, self.peer);
                    let bytes = bytes.to_vec();
                    self.wire.push(bytes.clone());
                    self.arrive(bytes);
                }
                Output::Event(event) => self.events.push(event),
                _ => return,
            }
        }
        panic!("never idle");
    }

    fn arrive(&mut self, mut bytes: Vec<u8>) {
        let now = self.now;
        let mut answer = [0; Acceptor::ANSWER_LEN];
        let datagram = &mut bytes[..];
        if self.server.as_ref().is_none_or(Connection::is_over) {
            match self
                .acceptor
                .handle_input(now, b"device", datagram, &mut answer)
            {
                Greeting::Verify(_) => {
                    self.agent.handle_input(now, self.peer, &mut answer);
                    return;
                }
                Greeting::Accepted(_) => {
                    self.server = Some(Connection::server(dunlin_dtls::Config::DEFAULT));
                }
                Greeting::Other => return,
            }
        }
        let server = self.server.as_mut().unwrap();
        let mut records = Datagram::new(datagram);
        while let Some(data) =
            server.handle_input(now, &mut records, &mut self.known, &mut self.rng)
        {
            self.heard.push(data.to_vec());
        }
        let mut buffer = [0; 2400];
        loop {
            match server.poll_output(&mut buffer) {
                dunlin_dtls::Output::Transmit(bytes) => {
                    self.agent.handle_input(now, self.peer, bytes);
                }
                dunlin_dtls::Output::Event(_) => {}
                dunlin_dtls::Output::Idle => return,
            }
        }
    }

    /// Sends what the server has to say.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        let mut record = [0; 1400];
        let server = self.server.as_mut().unwrap();
        let record = server.send(bytes, &mut record).unwrap();
        self.agent.handle_input(self.now, self.peer, record);
        self.turn();
    }

    fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.agent.next_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.agent.handle_timeout(self.now);
            self.turn();
        }
        self.now = end;
        self.agent.handle_timeout(self.now);
        self.turn();
    }

    /// Lets time pass until the server hears something, at most so many seconds.
    #[track_caller]
    fn until_heard(&mut self, seconds: u64) {
        for _ in 0..seconds {
            if !self.heard.is_empty() {
                return;
            }
            self.advance(Duration::from_secs(1));
        }
        panic!("the server hears nothing");
    }

    /// Registers over the association.
    #[track_caller]
    pub(crate) fn register(&mut self) {
        let register = self.heard.pop().expect("a Register");
        let register = Message::parse(&register).unwrap();
        assert!(register.uri_path().eq([b"rd"]));
        let mut buffer = [0; 64];
        let (id, token) = (register.id(), register.token());
        let answer =
            MessageBuilder::new(&mut buffer, Type::Acknowledgement, Code::CREATED, id, token)
                .option(OptionNumber::LOCATION_PATH, b"rd")
                .option(OptionNumber::LOCATION_PATH, b"7")
                .finish()
                .unwrap()
                .to_vec();
        self.say(&answer);
        assert_eq!(self.events.pop(), Some(Event::Registered { server: 1 }));
        assert!(self.agent.agent().is_registered(1));
    }
}

/// A Read of the manufacturer.
pub(crate) fn read() -> Vec<u8> {
    let mut buffer = [0; 64];
    let token = Token::new(b"t").unwrap();
    let kind = Type::Confirmable;
    MessageBuilder::new(&mut buffer, kind, Code::GET, MessageId(77), token)
        .path(["3", "0", "0"])
        .accept(0)
        .finish()
        .unwrap()
        .to_vec()
}

#[test]
fn ets_401_registers_and_is_read_with_a_pre_shared_key() {
    let mut bench = Bench::new(|_| ());
    bench.connect();
    bench.register();
    bench.say(&read());
    let answer = bench.heard.pop().unwrap();
    assert_eq!(Message::parse(&answer).unwrap().payload(), b"Dunlin");
    // Nothing of it went over the network in the clear.
    let shown = |text: &[u8]| {
        let in_it = |bytes: &Vec<u8>| bytes.windows(text.len()).any(|part| part == text);
        bench.wire.iter().any(in_it)
    };
    assert!(!shown(b"Dunlin") && !shown(b"lwm2m=1.1") && !shown(KEY));
    assert!(bench.wire.iter().all(|bytes| (20..=25).contains(&bytes[0])));
}

#[test]
fn what_comes_without_protection_is_not_heard() {
    let mut bench = Bench::new(|_| ());
    bench.connect();
    bench.register();
    bench.agent.handle_input(bench.now, SERVER, &mut read());
    bench.turn();
    assert!(bench.heard.is_empty());
    // Nor before there is an association.
    let mut early = Bench::new(|_| ());
    early.agent.connect(early.now, 1, SERVER).unwrap();
    early.agent.handle_input(early.now, SERVER, &mut read());
    assert_eq!(early.agent.agent().counters().received, 0);
}

#[test]
fn a_wrong_key_fails_and_is_tried_again_later() {
    let mut bench = Bench::new(|_| ());
    bench.known.key = b"another key.....";
    bench.connect();
    bench.advance(Duration::from_secs(400));
    let Some(Event::RegistrationFailed {
        server: 1,
        reason: Failure::Security(SecurityFailure::Alerted(51)),
        retry,
    }) = bench.events.pop()
    else {
        panic!("{:?}", bench.events);
    };
    assert!(bench.heard.is_empty());
    bench.known.key = KEY;
    bench.server = None;
    assert!(retry >= Duration::from_secs(60));
    bench.events.clear();
    bench.until_heard(600);
    bench.register();
}

#[test]
fn a_server_that_forgot_the_association_gets_a_new_one() {
    let mut bench = Bench::new(|_| ());
    bench.connect();
    bench.register();
    bench.server = None;
    // The Update gets no answer, nor does the Register that follows; then there is a new handshake.
    bench.until_heard(600);
    assert!(matches!(
        bench.events.pop(),
        Some(Event::RegistrationFailed {
            reason: Failure::NoAnswer,
            ..
        })
    ));
    bench.register();
}

/// /1/x/4: the connection is closed with the registration, and made anew when the time is over.
#[test]
fn a_disabled_server_loses_its_association_until_its_time_is_over() {
    let mut bench = Bench::new(|_| ());
    bench.connect();
    bench.register();
    bench
        .agent
        .agent_mut()
        .set(|node| node.server.get_mut(0).unwrap().disable_timeout = Some(600));
    let mut buffer = [0; 64];
    let (kind, token) = (Type::Confirmable, Token::new(b"d").unwrap());
    let disable = MessageBuilder::new(&mut buffer, kind, Code::POST, MessageId(78), token)
        .path(["1", "0", "4"])
        .finish()
        .unwrap()
        .to_vec();
    bench.say(&disable);
    bench.agent.handle_timeout(bench.now);
    bench.turn();
    let leave = bench.heard.pop().unwrap();
    let leave = Message::parse(&leave).unwrap();
    assert_eq!(leave.code(), Code::DELETE);
    let (kind, id, token) = (Type::Acknowledgement, leave.id(), leave.token());
    let deleted = MessageBuilder::new(&mut buffer, kind, Code::DELETED, id, token)
        .finish()
        .unwrap()
        .to_vec();
    bench.say(&deleted);
    let retry = Some(Duration::from_secs(600));
    assert_eq!(
        bench.events.pop(),
        Some(Event::Deregistered { server: 1, retry })
    );
    // It was told so, and not by silence.
    assert!(bench.server.as_ref().unwrap().is_over());
    bench.wire.clear();
    bench.heard.clear();
    bench.events.clear();
    bench.advance(Duration::from_secs(599));
    assert!(bench.wire.is_empty() && bench.events.is_empty());
    bench.advance(Duration::from_secs(1));
    bench.register();
    assert!(bench.wire.len() > 2, "a handshake");
}

#[test]
fn registers_with_raw_public_keys_and_only_at_the_right_server() {
    for right in [true, false] {
        let client = key(2);
        let mut bench = Bench::new(|account| {
            account.mode = SecurityMode::RawPublicKey;
            account.identity.clear();
            account.secret_key.clear();
            let spki = client.public_key().to_spki();
            account.identity.extend_from_slice(&spki).unwrap();
            let scalar = client.to_scalar();
            account.secret_key.extend_from_slice(&*scalar).unwrap();
            let server = key(if right { 3 } else { 4 }).public_key().to_spki();
            account
                .server_public_key
                .extend_from_slice(&server)
                .unwrap();
        });
        bench.known.client = Some(client.public_key().to_spki());
        bench.connect();
        if right {
            bench.register();
        } else {
            assert!(bench.heard.is_empty());
            assert!(matches!(
                bench.events.pop(),
                Some(Event::RegistrationFailed {
                    reason: Failure::Security(SecurityFailure::NotTrusted),
                    ..
                })
            ));
        }
    }
}

#[test]
fn an_account_without_security_is_reached_without() {
    let mut bench = Bench::new(|account| account.mode = SecurityMode::NoSec);
    bench.agent.connect(bench.now, 1, SERVER).unwrap();
    let mut buffer = [0; 2400];
    let Output::Transmit { bytes, .. } = bench.agent.poll_output(&mut buffer) else {
        panic!("no message");
    };
    assert!(Message::parse(bytes).unwrap().uri_path().eq([b"rd"]));
}

/// A device that drives its agent over datagrams alone has an account of TLS: what is to be secured does not go out in the
/// clear.
#[test]
fn an_account_of_a_stream_is_secured_unless_the_runner_sees_to_it() {
    let stream = |account: &mut SecurityAccount| account.uri = "coaps+tcp://h".try_into().unwrap();
    let mut buffer = [0; 2400];
    let mut bench = Bench::new(stream);
    bench.agent.connect(bench.now, 1, SERVER).unwrap();
    let Output::Transmit { bytes, .. } = bench.agent.poll_output(&mut buffer) else {
        panic!("no message");
    };
    // A handshake record of DTLS 1.0, as a ClientHello comes in.
    assert_eq!(bytes.first(), Some(&22));

    let mut bench = Bench::new(stream);
    Doors::<Peer>::carry_streams(&mut bench.agent);
    bench.agent.connect(bench.now, 1, SERVER).unwrap();
    let Output::Transmit { bytes, .. } = bench.agent.poll_output(&mut buffer) else {
        panic!("no message");
    };
    assert!(Message::parse(bytes).unwrap().uri_path().eq([b"rd"]));
}

#[test]
fn credentials_that_are_none_are_refused_at_once() {
    for account in [
        |account: &mut SecurityAccount| account.secret_key.clear(),
        |account: &mut SecurityAccount| account.mode = SecurityMode::RawPublicKey,
        |account: &mut SecurityAccount| account.mode = SecurityMode::Certificate,
    ] {
        let mut bench = Bench::new(account);
        assert_eq!(
            bench.agent.connect(bench.now, 1, SERVER),
            Err(dunlin_agent::ConnectError::Security)
        );
    }
    let mut bench = Bench::new(|_| ());
    assert_eq!(
        bench.agent.connect(bench.now, 2, SERVER),
        Err(dunlin_agent::ConnectError::UnknownServer)
    );
}

/// Attributes outlive an association, over a restart too.
#[test]
fn attributes_are_kept_without_an_association() {
    use dunlin_agent::keep::{Keep, Key};
    let request = |code, id, option: (OptionNumber, &[u8])| {
        let mut buffer = [0; 64];
        let token = Token::new(b"a").unwrap();
        MessageBuilder::new(&mut buffer, Type::Confirmable, code, MessageId(id), token)
            .path(["3", "0"])
            .option(option.0, option.1)
            .finish()
            .unwrap()
            .to_vec()
    };
    let mut bench = Bench::new(|_| ());
    bench.connect();
    bench.register();
    bench.say(&request(
        Code::PUT,
        80,
        (OptionNumber::URI_QUERY, b"pmin=7"),
    ));
    let mut buffer = [0; 512];
    let record = Keep::export(&mut bench.agent, Key::Server(0), &mut buffer).unwrap();
    let mut bench = Bench::new(|_| ());
    bench
        .agent
        .resume(bench.now, 1, SERVER, 0, record, &[])
        .unwrap();
    bench.turn();
    bench.register();
    bench.say(&request(Code::GET, 81, (OptionNumber::ACCEPT, &[40])));
    let answer = bench.heard.pop().unwrap();
    let answer = Message::parse(&answer).unwrap();
    assert!(answer.payload().starts_with(b"</3/0>;pmin=7,"));
}
