//! An agent behind DTLS, against a server that is the test itself, over a link that loses, doubles and reorders.
#![cfg(all(
    feature = "psk",
    feature = "rpk",
    feature = "x509",
    feature = "derive",
    feature = "persistence"
))]

use dunlin_agent::keep::{ImportError, Keep, Key, RESERVED_RECORDS};
use dunlin_agent::objects::{Device, Security, SecurityAccount, SecurityMode, Server};
use dunlin_agent::{
    Agent, Code, Config, Duration, Event, Failure as AgentFailure, Instant, Objects, Output,
    Secure, SecurityFailure,
};
use dunlin_coap::{Message, MessageBuilder, Type};
use dunlin_dtls::{
    Acceptor, Alert, CertificateTypes, Config as DtlsConfig, Connection, Credentials, Datagram,
    Greeting, Output as DtlsOutput, Presented, PrivateKey, PskKey, PskLookup,
};
use dunlin_testkit::{Conditions, Link};
use rand::SeedableRng;
use rand::rngs::StdRng;

const DEVICE: u8 = 1;
const SERVER: u8 = 2;

#[derive(Objects)]
struct Node {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
}

fn file(name: &str) -> Vec<u8> {
    let path = format!("{}/../dtls/tests/pki/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

fn key(name: &str) -> PrivateKey {
    PrivateKey::from_bytes(&file(name)).unwrap()
}

/// The test's server: it knows one device.
struct Shop {
    mode: SecurityMode,
    private: PrivateKey,
    psk: Vec<u8>,
}

impl Credentials for Shop {
    type Peer = ();

    fn has_psks(&self) -> bool {
        self.mode == SecurityMode::PreSharedKey
    }

    fn psk(&mut self, identity: &[u8]) -> PskLookup<()> {
        match PskKey::new(&self.psk) {
            Some(key) if identity == b"urn:dev:os:1" => PskLookup::Found(key, ()),
            _ => PskLookup::Unknown,
        }
    }

    fn private_key(&self) -> Option<&PrivateKey> {
        Some(&self.private)
    }

    fn own_types(&self) -> CertificateTypes {
        CertificateTypes {
            raw_public_key: self.mode == SecurityMode::RawPublicKey,
            x509: self.mode == SecurityMode::Certificate,
        }
    }

    fn own_certificate(&self, index: usize) -> Option<&[u8]> {
        const CERTIFICATE: &[u8] = include_bytes!("../../dtls/tests/pki/server.der");
        (index == 0).then_some(CERTIFICATE)
    }

    fn peer_types(&self) -> CertificateTypes {
        self.own_types()
    }

    fn verify(&mut self, presented: Presented<'_>) -> Result<(), Alert> {
        let known = match presented {
            Presented::RawPublicKey(presented) => *presented == key("client.pkcs8").public_key(),
            Presented::Certificates(chain) => chain.end_entity() == Some(&file("client.der")),
            _ => false,
        };
        known.then_some(()).ok_or(Alert::CERTIFICATE_UNKNOWN)
    }
}

type Secured = Secure<'static, Node, u8, StdRng, 1536>;

struct World {
    now: Instant,
    link: Link<u8>,
    rng: StdRng,
    agent: Secured,
    acceptor: Acceptor,
    shop: Shop,
    server: Option<Connection<(), 1024, 1536>>,
    /// Requests that the server understood: code and path.
    requests: Vec<(Code, String)>,
    events: Vec<Event>,
    /// Payload bytes that an eavesdropper may not see.
    seen: Vec<u8>,
    /// All datagrams, with their senders.
    sent: Vec<(u8, Vec<u8>)>,
}

impl World {
    fn new(mode: SecurityMode, conditions: Conditions, seed: u64) -> Self {
        let uri = "coaps://server.example.com:5684";
        let account = if mode == SecurityMode::PreSharedKey {
            SecurityAccount::psk(1, uri, b"urn:dev:os:1", b"a key of sixteen").unwrap()
        } else {
            let (own, server) = if mode == SecurityMode::RawPublicKey {
                let spki = |name| key(name).public_key().to_spki().to_vec();
                (spki("client.pkcs8"), spki("server.pkcs8"))
            } else {
                (file("client.der"), file("server.der"))
            };
            SecurityAccount::keys(1, uri, mode, &own, &file("client.pkcs8"), &server).unwrap()
        };
        let mut security = Security::new();
        security.insert(0, account).unwrap();
        let node = Node {
            security,
            server: Server::single(1, 3600),
            device: Device::new("Dunlin", "Secure", "1"),
        };
        let mut rng = StdRng::seed_from_u64(seed);
        let agent = Agent::new(
            node,
            Config::new("urn:dev:os:1"),
            StdRng::seed_from_u64(!seed),
        );
        let config = DtlsConfig {
            initial_timeout: Duration::from_secs(1),
            ..DtlsConfig::DEFAULT
        };
        let mut world = Self {
            now: Instant::from_secs(1),
            link: Link::new(seed, conditions),
            agent: Secure::with_config(agent, config),
            acceptor: Acceptor::new(&mut rng),
            rng,
            shop: Shop {
                mode,
                private: key("server.pkcs8"),
                psk: b"a key of sixteen".to_vec(),
            },
            server: None,
            requests: Vec::new(),
            events: Vec::new(),
            seen: Vec::new(),
            sent: Vec::new(),
        };
        world.agent.connect(world.now, 1, SERVER).unwrap();
        world.poll();
        world
    }

    fn transmit(&mut self, from: u8, bytes: &[u8]) {
        self.seen.extend_from_slice(bytes);
        self.sent.push((from, bytes.to_vec()));
        let to = if from == DEVICE { SERVER } else { DEVICE };
        self.link.send(self.now.as_millis(), from, to, bytes);
    }

    fn poll(&mut self) {
        let mut buffer = [0; 1300];
        loop {
            match self.agent.poll_output(&mut buffer) {
                Output::Transmit { to, bytes } => {
                    assert_eq!(to, SERVER);
                    let bytes = bytes.to_vec();
                    self.transmit(DEVICE, &bytes);
                }
                Output::Event(event) => self.events.push(event),
                _ => break,
            }
        }
        while let Some(server) = &mut self.server {
            match server.poll_output(&mut buffer) {
                DtlsOutput::Transmit(bytes) => {
                    let bytes = bytes.to_vec();
                    self.transmit(SERVER, &bytes);
                }
                DtlsOutput::Event(_) => {}
                DtlsOutput::Idle => break,
            }
        }
    }

    fn at_server(&mut self, mut bytes: Vec<u8>) {
        let mut answer = [0; Acceptor::ANSWER_LEN];
        match self
            .acceptor
            .handle_input(self.now, b"device", &mut bytes, &mut answer)
        {
            Greeting::Verify(answer) => {
                let answer = answer.to_vec();
                self.transmit(SERVER, &answer);
                return;
            }
            Greeting::Accepted(random) => {
                let known = self.server.as_ref();
                if known.is_none_or(|server| *server.client_random() != random) {
                    self.server = Some(Connection::server(DtlsConfig::DEFAULT));
                }
            }
            Greeting::Other => {}
        }
        let Some(server) = &mut self.server else {
            return;
        };
        let mut datagram = Datagram::new(&mut bytes);
        let mut requests = Vec::new();
        while let Some(data) =
            server.handle_input(self.now, &mut datagram, &mut self.shop, &mut self.rng)
        {
            requests.push(data.to_vec());
        }
        for request in requests {
            let message = Message::parse(&request).unwrap();
            let path: Vec<_> = message
                .uri_path()
                .map(|part| String::from_utf8_lossy(part))
                .collect();
            self.requests.push((message.code(), path.join("/")));
            let code = if message.code() == Code::POST && path.len() == 1 {
                Code::CREATED
            } else {
                Code::CHANGED
            };
            let mut buffer = [0; 100];
            let mut builder = MessageBuilder::new(
                &mut buffer,
                Type::Acknowledgement,
                code,
                message.id(),
                message.token(),
            );
            if code == Code::CREATED {
                builder.location_path(["rd", "x"]);
            }
            let bytes = builder.finish().unwrap().to_vec();
            let mut record = [0; 200];
            let server = self.server.as_mut().unwrap();
            let record = server.send(&bytes, &mut record).unwrap().to_vec();
            self.transmit(SERVER, &record);
        }
    }

    fn run(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        loop {
            let server = self.server.as_ref().and_then(Connection::next_timeout);
            let arrival = self.link.next_arrival().map(Instant::from_millis);
            let next = [self.agent.next_timeout(), server, arrival]
                .into_iter()
                .flatten()
                .min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            while let Some(delivery) = self.link.receive(self.now.as_millis()) {
                let mut bytes = delivery.bytes;
                if delivery.to == SERVER {
                    self.at_server(bytes);
                } else {
                    self.agent.handle_input(self.now, SERVER, &mut bytes);
                }
                self.poll();
            }
            self.agent.handle_timeout(self.now);
            if let Some(server) = &mut self.server {
                server.handle_timeout(self.now);
            }
            self.poll();
        }
    }
}

#[test]
fn an_agent_registers_over_dtls_with_each_kind_of_credential() {
    for mode in [
        SecurityMode::PreSharedKey,
        SecurityMode::RawPublicKey,
        SecurityMode::Certificate,
    ] {
        let mut world = World::new(mode, Conditions::PERFECT, 1);
        world.run(30);
        assert!(
            world.agent.agent().is_registered(1),
            "{mode:?} {:?}",
            world.events
        );
        assert_eq!(world.requests, [(Code::POST, "rd".to_owned())]);
        // The endpoint's name is in the Register, which nobody else may read; a PSK identity is not secret.
        if mode != SecurityMode::PreSharedKey {
            assert!(!world.seen.windows(10).any(|bytes| bytes == b"urn:dev:os"));
        }
    }
}

#[test]
fn an_agent_registers_over_a_bad_network() {
    for seed in 0..40 {
        let mut world = World::new(SecurityMode::PreSharedKey, Conditions::ROUGH, seed);
        world.run(900);
        assert!(
            world.agent.agent().is_registered(1),
            "seed {seed}: {:?}",
            world.events
        );
    }
}

#[test]
fn a_wrong_key_is_told_and_the_device_comes_when_it_is_mended() {
    let mut world = World::new(SecurityMode::PreSharedKey, Conditions::PERFECT, 2);
    world.shop.psk = b"another key.....".to_vec();
    world.run(300);
    assert!(!world.agent.agent().is_registered(1));
    assert!(!world.events.is_empty());
    for event in &world.events {
        let reason = AgentFailure::Security(SecurityFailure::Alerted(51));
        assert!(
            matches!(event, Event::RegistrationFailed { server: 1, reason: told, .. } if *told == reason),
            "{event:?}"
        );
    }
    assert!(world.requests.is_empty());
    world.shop.psk = b"a key of sixteen".to_vec();
    world.run(1_000);
    assert!(world.agent.agent().is_registered(1));
}

#[test]
fn a_server_that_is_not_the_pinned_one_gets_nothing() {
    for mode in [SecurityMode::RawPublicKey, SecurityMode::Certificate] {
        let mut world = World::new(mode, Conditions::PERFECT, 3);
        world.agent.agent_mut().set(|node| {
            let account = node.security.get_mut(0).unwrap();
            let last = account.server_public_key.last_mut().unwrap();
            *last ^= 1;
        });
        world.run(100);
        assert!(!world.agent.agent().is_registered(1));
        assert!(world.requests.is_empty());
        let reason = AgentFailure::Security(SecurityFailure::NotTrusted);
        assert!(
            matches!(world.events[0], Event::RegistrationFailed { reason: told, .. } if told == reason),
            "{:?}",
            world.events
        );
    }
}

#[test]
fn a_server_that_forgot_the_association_is_found_again() {
    let mut world = World::new(SecurityMode::PreSharedKey, Conditions::PERFECT, 4);
    world.run(30);
    assert!(world.agent.agent().is_registered(1));
    // A restart without memory.
    world.server = None;
    world.requests.clear();
    world.run(2 * 3600);
    assert!(world.agent.agent().is_registered(1), "{:?}", world.events);
    assert!(!world.requests.is_empty());
}

#[test]
fn a_server_that_closes_is_asked_again() {
    let mut world = World::new(SecurityMode::PreSharedKey, Conditions::PERFECT, 5);
    world.run(30);
    world.server.as_mut().unwrap().close();
    world.poll();
    world.requests.clear();
    world.run(200);
    assert!(world.agent.agent().is_registered(1), "{:?}", world.events);
    assert_eq!(world.requests, [(Code::POST, "rd".to_owned())]);
}

#[test]
fn a_certificate_may_be_signed_by_the_pinned_authority() {
    for (usage, authority, expected) in [
        (2, "intermediate.der", true),
        (0, "intermediate.der", true),
        (2, "server.der", false),
        (3, "intermediate.der", false),
        (1, "server.der", true),
    ] {
        let mut world = World::new(SecurityMode::Certificate, Conditions::PERFECT, 8);
        world.agent.agent_mut().set(|node| {
            let account = node.security.get_mut(0).unwrap();
            account.certificate_usage = Some(usage);
            account.server_public_key.clear();
            account
                .server_public_key
                .extend_from_slice(&file(authority))
                .unwrap();
        });
        world.run(30);
        assert_eq!(
            world.agent.agent().is_registered(1),
            expected,
            "{usage} {authority}"
        );
    }
}

#[test]
fn an_association_survives_a_deep_sleep() {
    let mut world = World::new(SecurityMode::PreSharedKey, Conditions::PERFECT, 6);
    world.run(30);
    let stored = world.agent.association(1).unwrap().export(100);
    let stored = stored.as_bytes().to_vec();
    // The device loses its memory; the server does not notice but by a new Register, without a handshake.
    let fresh = World::new(SecurityMode::PreSharedKey, Conditions::PERFECT, 7);
    world.agent = fresh.agent;
    let mut association = dunlin_dtls::Association::import(&stored).unwrap();
    association.export(100);
    world
        .agent
        .restore(world.now, 1, SERVER, association)
        .unwrap();
    world.requests.clear();
    world.poll();
    world.run(10);
    assert!(world.agent.agent().is_registered(1), "{:?}", world.events);
    assert_eq!(world.requests, [(Code::POST, "rd".to_owned())]);
}

/// The records of an agent: registration and association.
fn records(agent: &mut Secured) -> [Vec<u8>; 2] {
    [Key::Server(0), Key::Association(0)].map(|key| {
        let mut buffer = [0; 512];
        Keep::<u8>::export(agent, key, &mut buffer)
            .unwrap()
            .to_vec()
    })
}

/// Sequence numbers of the protected records of the device in what was seen, from `from` on.
fn numbers(seen: &[(u8, Vec<u8>)]) -> Vec<[u8; 8]> {
    let of_device = seen.iter().filter(|(from, _)| *from == DEVICE);
    let protected = of_device.filter(|(_, bytes)| bytes[3..5] == [0, 1]);
    protected
        .map(|(_, bytes)| bytes[3..11].try_into().unwrap())
        .collect()
}

#[test]
fn a_registration_goes_on_over_its_association_and_no_nonce_serves_twice() {
    let mut world = World::new(SecurityMode::PreSharedKey, Conditions::PERFECT, 6);
    world.run(30);
    assert!(Keep::<u8>::is_due(&mut world.agent, 0), "never stored");
    for start in 0..4 {
        let [registration, association] = records(&mut world.agent);
        assert!(!Keep::<u8>::is_due(&mut world.agent, 0));
        // Some of what was reserved is used, then the device loses its memory.
        for _ in 0..start {
            world.agent.agent_mut().update(1);
            world.run(1);
        }
        world.requests.clear();
        let fresh = World::new(SecurityMode::PreSharedKey, Conditions::PERFECT, 7 + start);
        world.agent = fresh.agent;
        world.link = fresh.link;
        world
            .agent
            .resume(world.now, 1, SERVER, 0, &registration, &association)
            .unwrap();
        // Nothing is sent before numbers are reserved anew.
        let before = world.sent.len();
        world.poll();
        assert_eq!(world.sent.len(), before);
        assert!(Keep::<u8>::is_due(&mut world.agent, 0));
        let [_, stored] = records(&mut world.agent);
        assert_ne!(stored, association);
        world.run(5);
        let update = (Code::POST, "rd/x".to_owned());
        assert_eq!(
            world.requests,
            [update],
            "without a handshake or a Register"
        );
        assert!(world.agent.agent().is_registered(1));
    }
    let mut used = numbers(&world.sent);
    let all = used.len();
    used.sort_unstable();
    used.dedup();
    assert_eq!(used.len(), all);
    assert!(all > 8, "{all}");
}

#[test]
fn an_association_runs_out_of_what_is_reserved_unless_it_is_stored() {
    let mut world = World::new(SecurityMode::PreSharedKey, Conditions::PERFECT, 6);
    world.run(30);
    records(&mut world.agent);
    for _ in 0..RESERVED_RECORDS / 2 {
        assert!(!Keep::<u8>::is_due(&mut world.agent, 0));
        world.agent.agent_mut().update(1);
        world.run(1);
    }
    assert!(Keep::<u8>::is_due(&mut world.agent, 0));
    // The flash has failed.
    Keep::<u8>::hold(&mut world.agent, 0);
    let sent = world.sent.len();
    world.agent.agent_mut().update(1);
    world.run(1);
    assert_eq!(world.sent.len(), sent);
    records(&mut world.agent);
    world.run(5);
    assert!(world.sent.len() > sent);
}

#[test]
fn an_association_of_other_keys_is_refused() {
    let mut world = World::new(SecurityMode::PreSharedKey, Conditions::PERFECT, 6);
    world.run(30);
    let [registration, association] = records(&mut world.agent);
    let mut world = World::new(SecurityMode::PreSharedKey, Conditions::PERFECT, 7);
    let resume = |world: &mut World, association: &[u8]| {
        let now = world.now;
        let agent = &mut world.agent;
        agent.resume(now, 1, SERVER, 0, &registration, association)
    };
    let mut bad = association.clone();
    bad[20] ^= 1;
    assert_eq!(resume(&mut world, &bad), Err(ImportError::Damaged));
    assert_eq!(resume(&mut world, &registration), Err(ImportError::Kind));
    world.agent.agent_mut().set(|node| {
        let account = node.security.get_mut(0).unwrap();
        *account = SecurityAccount::psk(
            1,
            "coaps://server.example.com:5684",
            b"urn:dev:os:1",
            b"another of sixteen",
        )
        .unwrap();
    });
    assert_eq!(
        resume(&mut world, &association),
        Err(ImportError::OtherAccount)
    );
}

#[test]
fn what_is_secret_is_not_printed() {
    let account = SecurityAccount::psk(1, "coaps://x", b"identity", b"the secret key").unwrap();
    let text = format!("{account:?}");
    assert!(!text.contains("identity") && !text.contains("secret"));
}
