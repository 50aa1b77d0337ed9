//! Devices over DTLS.

use core::net::SocketAddr;
use std::collections::{HashMap, HashSet};

use dunlin_dtls::{
    Alert, CertificateTypes, Config as DtlsConfig, Connection, Credentials, Datagram,
    Event as DtlsEvent, Output as DtlsOutput, Presented, PrivateKey, PskKey, Session,
};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;
use crate::{
    Administration, Credential, OwnedValue, ServerIdentity, StoredCredential, WriteMode, WriteValue,
};

/// The listener for DTLS.
const SECURE: u16 = 1;

/// What a device proves itself by.
#[derive(Default)]
struct Proof {
    identity: Vec<u8>,
    key: [u8; 16],
    /// Rather than by a key that both have.
    private_key: Option<PrivateKey>,
    certificates: Vec<&'static [u8]>,
    is_raw: bool,
}

impl Proof {
    fn types(&self) -> CertificateTypes {
        CertificateTypes {
            raw_public_key: self.is_raw,
            x509: !self.is_raw,
        }
    }
}

impl Credentials for Proof {
    type Peer = ();

    fn own_psk(&self) -> Option<(&[u8], PskKey)> {
        let key = PskKey::new(&self.key)?;
        self.private_key.is_none().then_some((&self.identity, key))
    }

    fn private_key(&self) -> Option<&PrivateKey> {
        self.private_key.as_ref()
    }

    fn own_types(&self) -> CertificateTypes {
        self.types()
    }

    fn own_certificate(&self, index: usize) -> Option<&[u8]> {
        self.certificates.get(index).copied()
    }

    fn peer_types(&self) -> CertificateTypes {
        self.types()
    }

    fn verify(&mut self, presented: Presented<'_>) -> Result<(), Alert> {
        match presented {
            Presented::RawPublicKey(key) if key.to_spki() == *SERVER_SPKI => Ok(()),
            Presented::Certificates(chain) if chain.end_entity() == Some(SERVER) => Ok(()),
            _ => Err(Alert::CERTIFICATE_UNKNOWN),
        }
    }
}

macro_rules! pki {
    ($name:literal) => {
        include_bytes!(concat!("../../../../dtls/tests/pki/", $name))
    };
}

const SERVER: &[u8] = pki!("server.der");
const SERVER_SPKI: &[u8; 91] = pki!("server.spki");
const CLIENT: &[u8] = pki!("client.der");
const INTERMEDIATE: &[u8] = pki!("intermediate.der");

/// The common name of the certificate of the client.
fn client_name() -> String {
    let client = dunlin_dtls::Certificate::parse(CLIENT).unwrap();
    client.subject().common_name().unwrap().to_owned()
}

/// A device behind DTLS.
struct Node {
    connection: Connection<(), 2048, 2048>,
    proof: Proof,
    rng: StdRng,
    address: SocketAddr,
    inbox: VecDeque<Vec<u8>>,
    failed: bool,
    /// Every record that it got.
    records: Vec<Vec<u8>>,
    /// The last record that it sent.
    last: Vec<u8>,
}

fn address(number: u16) -> SocketAddr {
    ([198, 51, 100, 1], 10_000 + number).into()
}

fn key(number: u16) -> [u8; 16] {
    let mut key = *b"sixteen secrets!";
    key[..2].copy_from_slice(&number.to_be_bytes());
    key
}

impl Node {
    /// The device `number`, whose endpoint name is `device-NUMBER`, and its PSK identity `who-NUMBER`.
    fn new(number: u16) -> Self {
        Self {
            connection: Connection::client(DtlsConfig::DEFAULT),
            proof: Proof {
                identity: format!("who-{number}").into(),
                key: key(number),
                ..Proof::default()
            },
            rng: StdRng::seed_from_u64(number.into()),
            address: address(number),
            inbox: VecDeque::new(),
            failed: false,
            records: Vec::new(),
            last: Vec::new(),
        }
    }

    fn without_connection_id(number: u16) -> Self {
        Self {
            connection: Connection::client(DtlsConfig {
                connection_id: None,
                ..DtlsConfig::DEFAULT
            }),
            ..Self::new(number)
        }
    }

    /// A device with the certificate of the client and its chain, or with its key alone.
    fn with_key(number: u16, is_raw: bool) -> Self {
        let proof = Proof {
            private_key: Some(PrivateKey::from_bytes(pki!("client.pkcs8")).unwrap()),
            certificates: vec![CLIENT, INTERMEDIATE],
            is_raw,
            ..Proof::default()
        };
        Self {
            proof,
            ..Self::new(number)
        }
    }

    fn connect(mut self, bench: &mut Bench) -> Self {
        self.connection
            .connect(bench.now, None, &mut self.proof, &mut self.rng);
        self.pump(bench);
        self
    }

    /// Carries datagrams between the two until neither has any.
    fn pump(&mut self, bench: &mut Bench) {
        let mut buffer = [0; 1500];
        loop {
            let mut is_quiet = true;
            loop {
                match self.connection.poll_output(&mut buffer) {
                    DtlsOutput::Transmit(datagram) => {
                        is_quiet = false;
                        bench.record(self.address, datagram);
                    }
                    DtlsOutput::Event(DtlsEvent::Failed(_)) => self.failed = true,
                    DtlsOutput::Event(_) => {}
                    DtlsOutput::Idle => break,
                }
            }
            while let Some((to, mut bytes)) = bench.sent.pop_front() {
                is_quiet = false;
                assert_eq!((to.listener, to.address), (SECURE, self.address));
                self.records.push(bytes.clone());
                let mut datagram = Datagram::new(&mut bytes);
                while let Some(data) = self.connection.handle_input(
                    bench.now,
                    &mut datagram,
                    &mut self.proof,
                    &mut self.rng,
                ) {
                    self.inbox.push_back(data.to_vec());
                }
            }
            if is_quiet {
                break;
            }
        }
    }

    fn send(&mut self, bench: &mut Bench, message: &[u8]) {
        let mut buffer = [0; 1500];
        let record = self.connection.send(message, &mut buffer).unwrap();
        self.last = record.to_vec();
        bench.record(self.address, record);
        self.pump(bench);
    }

    /// What the device gets next.
    fn next(&mut self) -> Parsed {
        Parsed::of(&self.inbox.pop_front().expect("nothing has arrived"))
    }

    fn exchange(&mut self, bench: &mut Bench, message: &[u8]) -> Parsed {
        assert!(self.inbox.is_empty(), "something was there before");
        self.send(bench, message);
        self.next()
    }

    fn register(&mut self, bench: &mut Bench, number: u16, query: &[&str]) -> Parsed {
        let mut items = vec!["lt=300", "lwm2m=1.1"];
        items.extend(query);
        self.exchange(bench, &register(number, &items, "</1/0>,</3/0>,</3303/0>"))
    }
}

impl Bench {
    fn record(&mut self, from: SocketAddr, datagram: &mut [u8]) {
        self.shard
            .handle_record(self.now, Peer::plain(SECURE, from), datagram);
        self.drain();
    }

    /// Gives the devices up to `count` their credentials.
    fn secure(count: u16) -> Self {
        let mut bench = Self::new();
        for number in 0..count {
            let identity = format!("who-{number}");
            bench.put(
                &format!("device-{number}"),
                Credential::psk(identity.as_bytes(), &key(number)).unwrap(),
            );
            assert_eq!(bench.result(), Ok(Outcome::Done));
        }
        bench
    }

    fn put(&mut self, endpoint: &str, credential: Credential) {
        self.administer(Administration::PutCredential(StoredCredential {
            endpoint: endpoint.into(),
            credential,
        }));
    }

    fn dropped(&self) -> u64 {
        self.shard.metrics().dtls.records_dropped
    }

    fn associations(&self) -> u64 {
        self.shard.metrics().dtls.associations
    }
}

#[test]
fn a_device_registers_is_read_and_notifies() {
    let mut bench = Bench::secure(1);
    let mut node = Node::new(0).connect(&mut bench);
    assert!(node.connection.is_established());
    // Its credential says its name.
    let answer = node.register(&mut bench, 1, &[]);
    assert_eq!(answer.code, Code::CREATED, "{}", answer.text());
    let info = bench.shard.device("device-0").unwrap();
    assert_eq!(info.registration.peer.to_string(), "198.51.100.1:10000");

    bench.read("device-0", "/3/0/9");
    node.pump(&mut bench);
    let request = node.next();
    assert_eq!(request.uri(), "/3/0/9");
    node.send(&mut bench, &reply(&request, Code::CONTENT, &[TEXT], b"80"));
    let Ok(Outcome::Records(records)) = bench.result() else {
        panic!("no records");
    };
    assert_eq!(records[0].value, OwnedValue::Integer(80));

    bench.command(
        "device-0",
        Action::Observe {
            path: path("/3303/0/5700"),
            attributes: crate::Attributes::NONE,
        },
    );
    node.pump(&mut bench);
    let request = node.next();
    let observe = (OptionNumber::OBSERVE, &[1_u8][..]);
    node.send(
        &mut bench,
        &reply(&request, Code::CONTENT, &[observe, TEXT], b"1"),
    );
    bench.events.clear();
    let news = |id: u16, number: u8, value: &[u8]| {
        let number = [number];
        let options = [(OptionNumber::OBSERVE, &number[..]), TEXT];
        message(
            Type::NonConfirmable,
            Code::CONTENT,
            id,
            request.token,
            &options,
            value,
        )
    };
    node.send(&mut bench, &news(7, 2, b"2"));
    assert!(
        matches!(bench.events.as_slice(), [Event::Notification { records, .. }] if records[0].value == OwnedValue::Float(2.0)),
        "{:?}",
        bench.events
    );
    // The same from nobody, and from another device's association, is news of nobody.
    bench.events.clear();
    let mut buffer = news(8, 3, b"3");
    bench.shard.handle_input(bench.now, peer(9), &buffer);
    bench.drain();
    assert_eq!(bench.next_to(peer(9)).kind, Type::Reset);
    buffer.clear();
    assert!(bench.events.is_empty(), "{:?}", bench.events);
}

#[test]
fn a_name_belongs_to_its_credential() {
    let mut bench = Bench::secure(2);
    let mut thief = Node::new(1).connect(&mut bench);
    for name in ["ep=device-0", "ep=nobody"] {
        let answer = thief.register(&mut bench, 1, &[name]);
        assert_eq!(answer.code, Code::FORBIDDEN, "{name}");
        thief.last.clear();
        bench.pass(Duration::from_secs(1000));
    }
    // Without security it is nobody's, either, while a name without credential is free.
    let answer = bench.exchange(
        peer(1),
        &register(1, &["ep=device-0", "lt=9", "lwm2m=1.1"], "</3/0>"),
    );
    assert_eq!(answer.code, Code::FORBIDDEN);
    let answer = bench.exchange(
        peer(1),
        &register(2, &["ep=free", "lt=9", "lwm2m=1.1"], "</3/0>"),
    );
    assert_eq!(answer.code, Code::CREATED);
    assert!(bench.shard.device("device-0").is_none());
    assert!(bench.shard.device("nobody").is_none());
}

#[test]
fn a_registration_is_changed_by_its_owner_only() {
    let mut bench = Bench::secure(2);
    let mut owner = Node::new(0).connect(&mut bench);
    let mut other = Node::new(1).connect(&mut bench);
    let location = owner.register(&mut bench, 1, &["ep=device-0"]).location();
    for (number, message) in [
        update(10, &location, &["lt=1"], ""),
        deregister(11, &location),
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(other.exchange(&mut bench, message).code, Code::NOT_FOUND);
        let stranger = peer(u8::try_from(number).unwrap());
        assert_eq!(bench.exchange(stranger, message).code, Code::NOT_FOUND);
    }
    let info = bench.shard.device("device-0").unwrap();
    assert_eq!(info.registration.lifetime, 300);
    let answer = owner.exchange(&mut bench, &update(12, &location, &["lt=60"], ""));
    assert_eq!(answer.code, Code::CHANGED);
    let answer = owner.exchange(&mut bench, &deregister(13, &location));
    assert_eq!(answer.code, Code::DELETED);
}

#[test]
fn an_association_goes_where_its_device_goes() {
    let mut bench = Bench::secure(1);
    let mut node = Node::new(0).connect(&mut bench);
    let location = node.register(&mut bench, 1, &[]).location();
    bench.read("device-0", "/3/0/9");
    node.pump(&mut bench);
    let request = node.next();
    // The answer comes from elsewhere, and what is sent then goes there.
    node.address = address(500);
    node.send(&mut bench, &reply(&request, Code::CONTENT, &[TEXT], b"80"));
    assert!(matches!(bench.result(), Ok(Outcome::Records(_))));
    let answer = node.exchange(&mut bench, &update(2, &location, &[], ""));
    assert_eq!(answer.code, Code::CHANGED);
    let info = bench.shard.device("device-0").unwrap();
    assert_eq!(info.registration.peer.address, address(500));
    assert_eq!(bench.shard.metrics().dtls.associations_moved, 1);
    // Somebody who repeats a record from elsewhere moves nothing.
    let before = bench.dropped();
    let mut again = node.last.clone();
    bench.record(address(66), &mut again);
    assert!(bench.silent());
    assert_eq!(bench.dropped(), before + 1);
    bench.read("device-0", "/3/0/9");
    node.pump(&mut bench);
    assert_eq!(node.next().uri(), "/3/0/9");
}

/// Orders a Write that is longer than what may go to an address that is not proved.
fn write_much(bench: &mut Bench) {
    bench.command(
        "device-0",
        Action::Write {
            path: path("/3/0/14"),
            mode: WriteMode::Replace,
            value: WriteValue::from("x".repeat(900).as_str()),
        },
    );
}

#[test]
fn whoever_gives_records_another_address_floods_nobody() {
    let mut bench = Bench::secure(1);
    let mut node = Node::new(0).connect(&mut bench);
    let location = node.register(&mut bench, 1, &[]).location();
    // Somebody on the way holds a record back and sends it first as if from a victim, which is silent.
    let mut buffer = [0; 1500];
    let message = update(2, &location, &[], "");
    let record = node.connection.send(&message, &mut buffer).unwrap();
    let received = record.len() + 62;
    bench.record(address(666), record);
    assert_eq!(bench.shard.metrics().dtls.associations_moved, 1);
    write_much(&mut bench);
    // Minutes of retransmissions and further commands.
    for _ in 0..20 {
        bench.read("device-0", "/3/0/9");
        bench.pass(Duration::from_secs(9));
    }
    let sent: Vec<_> = bench.sent.drain(..).collect();
    assert!(sent.iter().all(|(to, _)| to.address == address(666)));
    let total = |sent: &[(Peer, Vec<u8>)]| sent.iter().map(|(_, bytes)| bytes.len() + 62).sum();
    let flood: usize = total(&sent);
    assert!(0 < flood && flood <= 3 * received, "{flood} of {received}");
    // Nothing stored says that the device is there.
    let stored = bench.store.load().unwrap().associations;
    assert_eq!(stored[0].peer.address, node.address);
    // The device itself goes on where it is, and all is well.
    while bench.completed.pop_front().is_some() {}
    let answer = node.exchange(&mut bench, &update(3, &location, &[], ""));
    assert_eq!(answer.code, Code::CHANGED);
    write_much(&mut bench);
    node.pump(&mut bench);
    assert_eq!(node.next().payload.len(), 904);
    // A record that was held back for long moves nothing, wherever it seems to come from.
    let record = node.connection.send(b"", &mut buffer).unwrap().to_vec();
    node.send(&mut bench, &update(4, &location, &[], ""));
    let moved = bench.shard.metrics().dtls.associations_moved;
    bench.record(address(666), &mut record.clone());
    assert_eq!(bench.shard.metrics().dtls.associations_moved, moved);
}

#[test]
fn a_device_that_has_moved_proves_it_when_more_is_to_be_sent_there() {
    let mut bench = Bench::secure(1);
    let mut node = Node::new(0).connect(&mut bench);
    let location = node.register(&mut bench, 1, &[]).location();
    node.address = address(500);
    // For an answer and a short request there is room.
    let answer = node.exchange(&mut bench, &update(2, &location, &[], ""));
    assert_eq!(answer.code, Code::CHANGED);
    let before = node.records.len();
    write_much(&mut bench);
    node.pump(&mut bench);
    assert_eq!(node.records.len(), before + 1);
    let ping = node.next();
    assert_eq!((ping.kind, ping.code), (Type::Confirmable, Code::EMPTY));
    let reset = dunlin_coap::reset(ping.id);
    // The answer counts only where the ping went.
    let mut buffer = [0; 1500];
    let record = node.connection.send(&reset, &mut buffer).unwrap().to_vec();
    let newer = dunlin_coap::empty_ack(MessageId(9));
    node.send(&mut bench, &newer);
    bench.record(address(501), &mut record.clone());
    node.pump(&mut bench);
    assert!(node.inbox.is_empty());
    node.send(&mut bench, &reset);
    assert_eq!(node.next().payload.len(), 904, "what has waited");
    // From then on it is there for certain, and after a restart, too.
    node.exchange(&mut bench, &update(3, &location, &[], ""));
    let stored = bench.store.load().unwrap().associations;
    assert_eq!(stored[0].peer.address, address(500));
}

#[test]
fn without_a_connection_id_the_address_counts() {
    let mut bench = Bench::secure(1);
    let mut node = Node::without_connection_id(0).connect(&mut bench);
    let location = node.register(&mut bench, 1, &[]).location();
    let answer = node.exchange(&mut bench, &update(2, &location, &[], ""));
    assert_eq!(answer.code, Code::CHANGED);
    node.address = address(500);
    node.send(&mut bench, &update(3, &location, &[], ""));
    assert!(node.inbox.is_empty());
    // A new handshake from there makes it the same device again.
    let mut node = Node {
        address: address(500),
        ..Node::without_connection_id(0)
    }
    .connect(&mut bench);
    let answer = node.exchange(&mut bench, &update(4, &location, &[], ""));
    assert_eq!(answer.code, Code::CHANGED);
    assert_eq!(bench.associations(), 1, "the old one is gone");
}

#[test]
fn a_new_association_takes_the_place_of_the_old_one_at_once() {
    let mut bench = Bench::secure(1);
    let mut old = Node::new(0).connect(&mut bench);
    let location = old.register(&mut bench, 1, &[]).location();
    bench.read("device-0", "/3/0/9");
    old.pump(&mut bench);
    assert_eq!(old.next().uri(), "/3/0/9");
    // The device has restarted; what it was asked is asked again where it is now.
    let mut new = Node {
        address: address(7),
        rng: StdRng::seed_from_u64(99),
        ..Node::new(0)
    }
    .connect(&mut bench);
    new.send(&mut bench, &update(2, &location, &[], ""));
    let received = [new.next(), new.next()];
    assert!(received.iter().any(|message| message.code == Code::CHANGED));
    assert!(received.iter().any(|message| message.uri() == "/3/0/9"));
    let stored = bench.store.load().unwrap().associations;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].peer.address, address(7));
    // The old one is nobody any more.
    let before = bench.dropped();
    let mut late = [0; 200];
    let record = old.connection.send(b"x", &mut late).unwrap();
    bench.record(old.address, record);
    assert_eq!(bench.dropped(), before + 1);
}

#[test]
fn wrong_keys_and_unknown_identities_get_nowhere() {
    let mut bench = Bench::secure(1);
    let mut wrong = Node::new(0);
    wrong.proof.key = key(9);
    let wrong = wrong.connect(&mut bench);
    let mut unknown = Node::new(1);
    unknown.proof.identity = b"who-1".to_vec();
    let unknown = unknown.connect(&mut bench);
    for node in Vec::from([Box::new(wrong), Box::new(unknown)]) {
        assert!(node.failed && !node.connection.is_established());
    }
    let metrics = bench.shard.metrics().dtls;
    assert_eq!((metrics.handshakes, metrics.handshakes_failed), (0, 2));
    assert_eq!((metrics.associations, metrics.handshakes_running), (0, 0));
}

/// A manager that can prove who it is, with credentials of these devices.
fn with_identity(credentials: &[(&str, &Credential)]) -> Bench {
    let chain = [SERVER, INTERMEDIATE].map(Box::from).to_vec();
    let identity = ServerIdentity::new(pki!("server.pkcs8"), chain).unwrap();
    let mut bench = Bench::with(Config {
        identity: Some(identity.into()),
        ..Config::default()
    });
    for (endpoint, credential) in credentials {
        bench.put(endpoint, (*credential).clone());
        assert_eq!(bench.result(), Ok(Outcome::Done));
    }
    bench
}

#[test]
fn keys_and_certificates_are_let_in_under_the_name_that_they_belong_to() {
    let raw_key = PrivateKey::from_bytes(pki!("client.pkcs8")).unwrap();
    let raw = Credential::raw_public_key(&raw_key.public_key().to_spki()).unwrap();
    let pinned = Credential::certificate(CLIENT).unwrap();
    let root = Credential::authority(pki!("root.der")).unwrap();
    let impostor = Credential::authority(pki!("impostor.der")).unwrap();
    let name = client_name();
    let named = name.as_str();
    for (credentials, is_raw, owner) in [
        (&[("a", &raw)][..], true, Some("a")),
        (&[("a", &raw)], false, None),
        (&[("a", &pinned)], false, Some("a")),
        (&[("a", &pinned)], true, None),
        // By an authority only under the certificate's own name, and only of this authority.
        (&[(named, &root)], false, Some(named)),
        (&[("a", &root)], false, None),
        (&[(named, &impostor)], false, None),
        // The very certificate says more than an authority.
        (&[(named, &root), ("a", &pinned)], false, Some("a")),
        // Several devices may have certificates of one authority.
        (&[("a", &root), (named, &root)], false, Some(named)),
    ] {
        let mut bench = with_identity(credentials);
        let mut node = Node::with_key(1, is_raw).connect(&mut bench);
        assert_eq!(
            node.connection.is_established(),
            owner.is_some(),
            "{credentials:?}"
        );
        let Some(owner) = owner else { continue };
        assert_eq!(node.register(&mut bench, 1, &[]).code, Code::CREATED);
        assert!(bench.shard.device(owner).is_some(), "{credentials:?}");
        let answer = node.register(&mut bench, 2, &["ep=other"]);
        assert_eq!(answer.code, Code::FORBIDDEN);
    }
    // Who has no identity lets nobody in by keys.
    let mut bench = Bench::new();
    bench.put("a", raw);
    assert_eq!(bench.result(), Ok(Outcome::Done));
    let node = Node::with_key(1, true).connect(&mut bench);
    assert!(!node.connection.is_established());
}

#[test]
fn a_credential_that_goes_takes_the_association_along() {
    let mut bench = Bench::secure(2);
    let mut node = Node::new(0).connect(&mut bench);
    node.register(&mut bench, 1, &[]);
    // One device cannot take the identity of another.
    bench.put("device-0", Credential::psk(b"who-1", &key(1)).unwrap());
    let error = bench.result().unwrap_err().to_string();
    assert!(
        error.contains("“device-1” has this PSK identity"),
        "{error}"
    );
    // The same credential once more changes nothing.
    bench.put("device-0", Credential::psk(b"who-0", &key(0)).unwrap());
    assert_eq!(bench.result(), Ok(Outcome::Done));
    assert_eq!(bench.associations(), 1);
    bench.put("device-0", Credential::psk(b"who-0", &key(7)).unwrap());
    assert_eq!(bench.result(), Ok(Outcome::Done));
    assert_eq!(bench.associations(), 0);
    assert!(bench.store.load().unwrap().associations.is_empty());
    let mut node = Node::new(0);
    node.proof.key = key(7);
    let mut node = node.connect(&mut bench);
    assert_eq!(node.register(&mut bench, 2, &[]).code, Code::CREATED);
    let kind = crate::CredentialKind::Psk;
    let endpoint = "device-0".into();
    bench.administer(Administration::RemoveCredential { endpoint, kind });
    assert_eq!(bench.result(), Ok(Outcome::Done));
    assert_eq!(bench.associations(), 0);
    // From then on it is a device without security.
    let answer = bench.exchange(peer(1), &register(1, &["ep=device-0"], "</3/0>"));
    assert_eq!(answer.code, Code::CREATED);
}

#[test]
fn what_is_asked_of_a_device_that_has_closed_waits_for_its_next_handshake() {
    let mut bench = Bench::secure(1);
    let mut node = Node::new(0).connect(&mut bench);
    let location = node.register(&mut bench, 1, &[]).location();
    node.connection.close();
    node.pump(&mut bench);
    assert_eq!(bench.associations(), 0);
    let info = bench.shard.device("device-0").unwrap();
    assert_eq!(info.state, crate::DeviceState::Asleep);
    bench.read("device-0", "/3/0/9");
    assert!(bench.silent() && bench.completed.is_empty());
    let mut node = Node {
        rng: StdRng::seed_from_u64(50),
        ..Node::new(0)
    }
    .connect(&mut bench);
    node.send(&mut bench, &update(2, &location, &[], ""));
    let received = [node.next(), node.next()];
    assert!(received.iter().any(|message| message.uri() == "/3/0/9"));
}

/// The sequence number in a record without connection id, and the epoch before it.
fn number(record: &[u8]) -> [u8; 8] {
    record[3..11].try_into().unwrap()
}

#[test]
fn a_thousand_devices_go_on_after_a_crash_and_no_number_serves_twice() {
    const DEVICES: u16 = 1000;
    let mut bench = Bench::secure(DEVICES);
    let mut nodes: Vec<_> = (0..DEVICES)
        .map(|number| {
            let mut node = Node::new(number).connect(&mut bench);
            let location = node.register(&mut bench, 1, &[]).location();
            (node, location)
        })
        .collect();
    let mut numbers: HashMap<SocketAddr, HashSet<[u8; 8]>> = HashMap::new();
    let mut recorded = |node: &mut Node| {
        let seen = numbers.entry(node.address).or_default();
        for record in core::mem::take(&mut node.records) {
            // The first byte is the type: 20 and 22 may be of epoch 0, whose records have no nonce.
            if record[4] != 0 {
                assert!(seen.insert(number(&record)), "a nonce served twice");
            }
        }
    };
    for crash in 0..3_u16 {
        for (node, _) in &mut nodes {
            recorded(node);
        }
        // Nothing of the shard is left but what is in the store.
        bench = bench.restart();
        assert_eq!(bench.associations(), u64::from(DEVICES));
        for (number, (node, location)) in nodes.iter_mut().enumerate() {
            // Its next record is accepted, wherever it comes from; every second device is asked first.
            if number % 2 == 0 {
                node.address = address(u16::try_from(number).unwrap() + 1000 * (crash + 1));
            } else {
                bench.read(&format!("device-{number}"), "/3/0/9");
                node.pump(&mut bench);
                assert_eq!(node.next().uri(), "/3/0/9");
            }
            let answer = node.exchange(&mut bench, &update(100 + crash, location, &[], ""));
            assert_eq!(answer.code, Code::CHANGED);
        }
        assert_eq!(
            bench.shard.metrics().registered,
            0,
            "nobody registered again"
        );
        assert_eq!(bench.shard.metrics().dtls.handshakes, 0);
    }
}

#[test]
fn a_record_whose_effect_is_stored_is_not_taken_again_after_a_crash() {
    let mut bench = Bench::secure(1);
    let mut node = Node::new(0).connect(&mut bench);
    let location = node.register(&mut bench, 1, &[]).location();
    node.exchange(&mut bench, &update(2, &location, &["lt=60"], ""));
    let first = node.last.clone();
    node.exchange(&mut bench, &update(3, &location, &["lt=90"], ""));
    let second = node.last.clone();
    let mut bench = bench.restart();
    for record in [&first, &second] {
        bench.record(node.address, &mut record.clone());
    }
    assert_eq!(bench.dropped(), 2);
    let info = bench.shard.device("device-0").unwrap();
    assert_eq!(info.registration.lifetime, 90);
    let answer = node.exchange(&mut bench, &update(4, &location, &["lt=70"], ""));
    assert_eq!(answer.code, Code::CHANGED);
}

#[test]
fn numbers_are_reserved_before_they_are_used() {
    let mut bench = Bench::secure(1);
    let mut node = Node::new(0).connect(&mut bench);
    let location = node.register(&mut bench, 1, &[]).location();
    // After a restart nothing is reserved: what is sent waits for the store.
    let mut bench = bench.restart();
    bench.storage = Storage::Waits;
    node.send(&mut bench, &update(2, &location, &[], ""));
    assert!(node.inbox.is_empty());
    bench.tell_store(Storage::Works);
    bench.drain();
    node.pump(&mut bench);
    assert_eq!(node.next().code, Code::CHANGED);
    // A store that does not take it lets nothing out, and does not keep what waited for ever.
    let mut bench = bench.restart();
    bench.storage = Storage::Fails;
    node.send(&mut bench, &update(3, &location, &[], ""));
    assert!(node.inbox.is_empty());
    assert!(bench.shard.metrics().send_failures > 0);
    bench.storage = Storage::Works;
    bench.pass(Duration::from_secs(10));
    assert_eq!(
        node.exchange(&mut bench, &update(4, &location, &[], ""))
            .code,
        Code::CHANGED
    );
}

#[test]
fn strangers_cost_nothing_and_get_less_than_they_send() {
    let mut bench = Bench::secure(1);
    let mut node = Node::new(0);
    node.connection
        .connect(bench.now, None, &mut node.proof, &mut node.rng);
    let mut buffer = [0; 1500];
    let DtlsOutput::Transmit(hello) = node.connection.poll_output(&mut buffer) else {
        panic!("no ClientHello");
    };
    for stranger in 0..10_000_u16 {
        let from = address(stranger);
        bench.record(from, &mut hello.to_vec());
        let (to, answer) = bench.sent.pop_front().expect("a cookie");
        assert_eq!(to.address, from);
        assert!(answer.len() < hello.len());
    }
    assert_eq!(bench.shard.metrics().dtls.cookies, 10_000);
    assert_eq!(bench.shard.handshake_count(), 0);
    // Noise costs nothing and gets nothing.
    for length in 0..200 {
        for first in [20_u8, 21, 22, 23, 25, 0, 0x40] {
            let mut noise = vec![first; length];
            bench.record(address(1), &mut noise);
        }
    }
    assert!(bench.silent());
    assert_eq!(bench.shard.handshake_count(), 0);
}

#[test]
fn only_so_many_handshakes_are_under_way() {
    let mut bench = Bench::with(Config {
        max_handshakes: 2,
        ..Config::default()
    });
    bench.put("device-0", Credential::psk(b"who-0", &key(0)).unwrap());
    // Three show their cookies and then fall silent.
    for number in 1..=3 {
        let mut node = Node::new(0);
        node.address = address(number);
        node.connection
            .connect(bench.now, None, &mut node.proof, &mut node.rng);
        let mut buffer = [0; 1500];
        for _ in 0..2 {
            if let DtlsOutput::Transmit(hello) = node.connection.poll_output(&mut buffer) {
                bench.record(node.address, hello);
            }
            if let Some((_, mut answer)) = bench.sent.pop_front() {
                let mut datagram = Datagram::new(&mut answer);
                node.connection.handle_input(
                    bench.now,
                    &mut datagram,
                    &mut node.proof,
                    &mut node.rng,
                );
            }
        }
        bench.sent.clear();
    }
    let metrics = bench.shard.metrics().dtls;
    assert_eq!(
        (metrics.handshakes_running, metrics.handshakes_refused),
        (2, 1)
    );
    // They are given up, and others have their turn.
    bench.pass(Duration::from_secs(600));
    assert_eq!(bench.shard.handshake_count(), 0);
    assert_eq!(bench.shard.metrics().dtls.handshakes_failed, 2);
    bench.sent.clear();
    let node = Node::new(0).connect(&mut bench);
    assert!(node.connection.is_established());
}

impl Node {
    /// The same device, after it was switched off and on, with the session of before.
    fn again(&mut self, bench: &mut Bench, session: &Session) {
        self.connection.connect(
            bench.now,
            Some(session.clone()),
            &mut self.proof,
            &mut self.rng,
        );
        self.pump(bench);
    }

    fn session(&self) -> Session {
        self.connection.session().expect("a session")
    }
}

/// Whether a device that offers a session is let in by it, registers then, and is who it was.
fn resumes(bench: &mut Bench, node: &mut Node, session: &Session) -> bool {
    node.failed = false;
    node.again(bench, session);
    assert!(!node.connection.is_established() || !node.failed);
    if !node.connection.is_resumed() {
        return false;
    }
    bench.pass(Duration::from_secs(1000));
    let answer = node.register(bench, 9, &["ep=device-0"]);
    assert_eq!(answer.code, Code::CREATED, "{}", answer.text());
    true
}

#[test]
fn a_session_goes_on_by_its_ticket_after_a_restart() {
    let mut bench = Bench::secure(1);
    let mut node = Node::new(0).connect(&mut bench);
    node.register(&mut bench, 1, &[]);
    let session = node.session();
    assert!(session.id().is_empty(), "who has a ticket needs no id");
    assert_eq!(bench.shard.metrics().dtls.handshakes_resumed, 0);
    assert!(resumes(&mut bench, &mut node, &session));
    assert_eq!(bench.shard.metrics().dtls.handshakes_resumed, 1);
    assert_eq!(bench.associations(), 1);
    let mut bench = bench.restart();
    assert!(resumes(&mut bench, &mut node, &session));
    // A manager with another store has never heard of it.
    let mut other = Bench::secure(1);
    assert!(!resumes(&mut other, &mut node, &session));
    assert!(node.connection.is_established(), "it takes the long way");
    // Two days later the keys have changed twice.
    bench.pass(Duration::from_secs(24 * 60 * 60 + 1));
    let _ = Node::new(0).connect(&mut bench);
    assert!(resumes(&mut bench, &mut node, &session));
    bench.pass(Duration::from_secs(24 * 60 * 60 + 1));
    assert!(!resumes(&mut bench, &mut node, &session));
}

#[test]
fn a_session_ends_with_the_credential_that_it_began_with() {
    for takes_tickets in [true, false] {
        let mut bench = Bench::secure(2);
        let mut node = Node::new(0);
        node.connection = Connection::client(DtlsConfig {
            offers_tickets: takes_tickets,
            ..DtlsConfig::DEFAULT
        });
        let mut node = node.connect(&mut bench);
        let session = node.session();
        assert_eq!(session.id().is_empty(), takes_tickets);
        assert!(resumes(&mut bench, &mut node, &session));
        // The same credential once more is no other.
        let same = || Credential::psk(b"who-0", &key(0)).unwrap();
        bench.put("device-0", same());
        assert_eq!(bench.result(), Ok(Outcome::Done));
        assert!(resumes(&mut bench, &mut node, &session));
        // Another key, another identity, or none at all.
        for other in [
            Some(Credential::psk(b"who-0", &key(7)).unwrap()),
            Some(Credential::psk(b"who-7", &key(0)).unwrap()),
            None,
        ] {
            match other {
                Some(other) => bench.put("device-0", other),
                None => bench.administer(Administration::RemoveCredential {
                    endpoint: "device-0".into(),
                    kind: crate::CredentialKind::Psk,
                }),
            }
            assert_eq!(bench.result(), Ok(Outcome::Done));
            assert!(!resumes(&mut bench, &mut node, &session));
            bench.put("device-0", same());
            assert_eq!(bench.result(), Ok(Outcome::Done));
            assert!(resumes(&mut bench, &mut node, &session));
        }
        // Nor does the identity become another device's with what it has been before.
        bench.administer(Administration::RemoveCredential {
            endpoint: "device-0".into(),
            kind: crate::CredentialKind::Psk,
        });
        assert_eq!(bench.result(), Ok(Outcome::Done));
        bench.put("device-2", same());
        assert_eq!(bench.result(), Ok(Outcome::Done));
        assert!(!resumes(&mut bench, &mut node, &session));
    }
}

#[test]
fn a_session_does_not_outlive_the_authority_between() {
    let root = Credential::authority(pki!("root.der")).unwrap();
    for takes_tickets in [true, false] {
        let mut bench = with_identity(&[("of-passing", &root)]);
        let mut node = Node::with_key(1, false);
        node.connection = Connection::client(DtlsConfig {
            offers_tickets: takes_tickets,
            ..DtlsConfig::DEFAULT
        });
        node.proof.private_key = PrivateKey::from_bytes(pki!("of-passing.pkcs8")).ok();
        node.proof.certificates = vec![pki!("of-passing.der"), pki!("passing.der")];
        let mut node = node.connect(&mut bench);
        let session = node.session();
        assert_eq!(session.id().is_empty(), takes_tickets);
        node.again(&mut bench, &session);
        assert!(node.connection.is_resumed());
        // Its own certificate is good for long, and the session for a day; what ends at midnight is the authority that
        // stands between it and the one that is trusted.
        bench.pass(Duration::from_secs(16 * 60 * 60 - 1));
        node.again(&mut bench, &session);
        assert!(node.connection.is_resumed());
        bench.pass(Duration::from_secs(2));
        node.again(&mut bench, &session);
        assert!(!node.connection.is_resumed() && !node.connection.is_established());
    }
}

#[test]
fn a_session_without_ticket_ends_with_the_manager() {
    let mut bench = Bench::secure(1);
    let mut node = Node::new(0);
    node.connection = Connection::client(DtlsConfig {
        offers_tickets: false,
        ..DtlsConfig::DEFAULT
    });
    let mut node = node.connect(&mut bench);
    let session = node.session();
    let mut bench = bench.restart();
    assert!(!resumes(&mut bench, &mut node, &session));
    assert!(node.connection.is_established());
}

#[test]
fn keys_of_tickets_that_could_not_be_stored_are_stored_later() {
    let mut bench = Bench::secure(1);
    bench.storage = Storage::Fails;
    let _ = Node::new(0).connect(&mut bench);
    assert_eq!(bench.store.load().unwrap().ticket_keys, None);
    bench.storage = Storage::Works;
    bench.pass(Duration::from_secs(600));
    let node = Node::new(0).connect(&mut bench);
    assert!(bench.store.load().unwrap().ticket_keys.is_some());
    let session = node.session();
    let mut bench = bench.restart();
    let mut node = node;
    assert!(resumes(&mut bench, &mut node, &session));
}
