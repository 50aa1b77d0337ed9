//! Our client and our server beside dimpl, another implementation in Rust, in memory: what both have, which is
//! `TLS_PSK_WITH_AES_128_CCM_8` and `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256` with certificates.
#![cfg(all(
    feature = "client",
    feature = "server",
    feature = "psk",
    feature = "rpk",
    feature = "x509",
    feature = "ccm8",
    feature = "gcm",
    feature = "ticket"
))]

mod wallet;

use std::collections::VecDeque;
use std::sync::Arc;

use dimpl::crypto::{Dtls12CipherSuite, rust_crypto};
use dimpl::{Dtls, DtlsCertificate, PskResolver};
use dunlin_dtls::{
    Acceptor, Alert, CipherSuite, ClientAuthentication, Config, Datagram, Event, Failure, Greeting,
    Output, PrivateKey,
};
use dunlin_time::Instant;
use rand::SeedableRng;
use rand::rngs::StdRng;
use wallet::Wallet;

const IDENTITY: &[u8] = b"urn:dev:os:32473-1";
const KEY: &[u8] = b"0123456789abcdef";
const SERVER: &[u8] = include_bytes!("pki/server.der");
const SERVER_KEY: &[u8] = include_bytes!("pki/server.pkcs8");
const CLIENT: &[u8] = include_bytes!("pki/client.der");
const CLIENT_KEY: &[u8] = include_bytes!("pki/client.pkcs8");

type Connection = dunlin_dtls::Connection<&'static str, 2048, 2048>;

/// What is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Psk,
    Certificate { mutual: bool },
}

/// One end of each kind, and how we found it.
struct Pair {
    ours: Connection,
    credentials: Wallet,
    /// Where we are the server.
    acceptor: Option<Acceptor>,
    theirs: Dtls,
    rng: StdRng,
    to_us: VecDeque<Vec<u8>>,
    event: Option<Event>,
    is_connected: bool,
    received: Vec<Vec<u8>>,
}

struct Resolver(&'static [u8]);

impl PskResolver for Resolver {
    fn resolve(&self, identity: &[u8]) -> Option<Vec<u8>> {
        (identity == IDENTITY).then(|| self.0.to_vec())
    }
}

/// dimpl's end with that key, as the server or the client.
fn theirs(kind: Kind, we_serve: bool, key: &'static [u8]) -> Dtls {
    let (suite, mutual) = match kind {
        Kind::Psk => (Dtls12CipherSuite::PSK_AES128_CCM_8, false),
        Kind::Certificate { mutual } => (Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256, mutual),
    };
    let builder = dimpl::Config::builder()
        .with_crypto_provider(rust_crypto::default_provider())
        .dtls12_cipher_suites(&[suite])
        .kx_groups(&[dimpl::crypto::NamedGroup::Secp256r1])
        .mtu(300)
        .require_client_certificate(mutual);
    let builder = match (kind, we_serve) {
        (Kind::Psk, true) => builder.with_psk_client(IDENTITY.to_vec(), Arc::new(Resolver(key))),
        (Kind::Psk, false) => builder.with_psk_server(None, Arc::new(Resolver(key))),
        _ => builder,
    };
    let config = Arc::new(builder.build().unwrap());
    let now = std::time::Instant::now();
    let mut theirs = if kind == Kind::Psk {
        Dtls::new_12_psk(config, now)
    } else {
        let (certificate, key) = if we_serve {
            (CLIENT, CLIENT_KEY)
        } else {
            (SERVER, SERVER_KEY)
        };
        let certificate = DtlsCertificate {
            certificate: certificate.to_vec(),
            private_key: key.to_vec(),
        };
        Dtls::new_12(config, certificate, now)
    };
    theirs.set_active(we_serve);
    theirs.handle_timeout(now).unwrap();
    theirs
}

impl Pair {
    fn new(kind: Kind, we_serve: bool, key: &'static [u8]) -> Self {
        let suites: &[CipherSuite] = match kind {
            Kind::Psk => &[CipherSuite::PskAes128Ccm8],
            Kind::Certificate { .. } => &[CipherSuite::EcdheEcdsaAes128Gcm],
        };
        let config = Config {
            suites,
            mtu: 300,
            client_authentication: match kind {
                Kind::Certificate { mutual: false } => ClientAuthentication::None,
                _ => ClientAuthentication::Required,
            },
            ..Config::DEFAULT
        };
        let (certificate, key_bytes, trusted) = if we_serve {
            (SERVER, SERVER_KEY, CLIENT)
        } else {
            (CLIENT, CLIENT_KEY, SERVER)
        };
        let credentials = match kind {
            Kind::Psk => Wallet::of_psk(IDENTITY, KEY),
            Kind::Certificate { mutual } if we_serve || mutual => {
                let private = PrivateKey::from_bytes(key_bytes).unwrap();
                Wallet::of_certificate(private, certificate, trusted)
            }
            Kind::Certificate { .. } => Wallet::anonymous(trusted),
        };
        let mut rng = StdRng::seed_from_u64(7);
        let mut pair = Self {
            ours: if we_serve {
                Connection::server(config)
            } else {
                Connection::client(config)
            },
            credentials,
            acceptor: we_serve.then(|| Acceptor::new(&mut rng)),
            theirs: theirs(kind, we_serve, key),
            rng,
            to_us: VecDeque::new(),
            event: None,
            is_connected: false,
            received: Vec::new(),
        };
        if !we_serve {
            let Self {
                ours,
                credentials,
                rng,
                ..
            } = &mut pair;
            ours.connect(Instant::ZERO, None, credentials, rng);
        }
        pair
    }

    /// Carries datagrams until nothing moves any more.
    fn run(&mut self) {
        let mut moved = true;
        while moved {
            moved = self.poll_theirs();
            moved |= self.poll_ours();
            while let Some(mut datagram) = self.to_us.pop_front() {
                self.deliver(&mut datagram);
                moved = true;
            }
        }
    }

    fn poll_theirs(&mut self) -> bool {
        let mut buffer = [0; 2048];
        let mut moved = false;
        loop {
            match self.theirs.poll_output(&mut buffer) {
                dimpl::Output::Packet(packet) => self.to_us.push_back(packet.to_vec()),
                dimpl::Output::Connected => self.is_connected = true,
                dimpl::Output::ApplicationData(data) => self.received.push(data.to_vec()),
                dimpl::Output::Timeout(_) => return moved,
                _ => {}
            }
            moved = true;
        }
    }

    fn poll_ours(&mut self) -> bool {
        let mut buffer = [0; 2048];
        let mut moved = false;
        loop {
            match self.ours.poll_output(&mut buffer) {
                // What it refuses is the end of its connection.
                Output::Transmit(bytes) => drop(self.theirs.handle_packet(bytes)),
                Output::Event(event) => self.event = Some(event),
                Output::Idle => return moved,
            }
            moved = true;
        }
    }

    fn deliver(&mut self, bytes: &mut [u8]) {
        let mut answer = [0; Acceptor::ANSWER_LEN];
        if let Some(acceptor) = &self.acceptor {
            match acceptor.handle_input(Instant::ZERO, b"them", bytes, &mut answer) {
                Greeting::Verify(answer) => return self.theirs.handle_packet(answer).unwrap(),
                // The door is behind us.
                Greeting::Accepted(_) => self.acceptor = None,
                Greeting::Other => return,
            }
        }
        let Self {
            ours,
            credentials,
            rng,
            received,
            ..
        } = self;
        let mut datagram = Datagram::new(bytes);
        while let Some(data) = ours.handle_input(Instant::ZERO, &mut datagram, credentials, rng) {
            received.push(data.to_vec());
        }
    }

    fn data_both_ways(&mut self) {
        assert_eq!(self.event, Some(Event::Established));
        assert!(self.is_connected);
        let long = [7; 1000];
        let mut buffer = [0; 2048];
        for data in [&b"22.3 C"[..], &long] {
            let record = self.ours.send(data, &mut buffer).unwrap();
            self.theirs.handle_packet(record).unwrap();
            self.theirs.send_application_data(data).unwrap();
            self.run();
            assert_eq!(core::mem::take(&mut self.received), [data, data]);
        }
    }
}

#[test]
fn pre_shared_keys() {
    for we_serve in [false, true] {
        let mut pair = Pair::new(Kind::Psk, we_serve, KEY);
        pair.run();
        pair.data_both_ways();
    }
}

#[test]
fn certificates_in_fragments() {
    for we_serve in [false, true] {
        for mutual in [false, true] {
            let mut pair = Pair::new(Kind::Certificate { mutual }, we_serve, KEY);
            pair.run();
            pair.data_both_ways();
        }
    }
}

#[test]
fn a_wrong_key() {
    let mut pair = Pair::new(Kind::Psk, true, b"another key");
    pair.run();
    assert_eq!(pair.event, Some(Event::Failed(Failure::WrongKey)));
    assert!(!pair.is_connected);
}

#[test]
fn a_certificate_that_is_not_trusted() {
    for we_serve in [false, true] {
        let mut pair = Pair::new(Kind::Certificate { mutual: true }, we_serve, KEY);
        pair.credentials.certificates.clear();
        pair.run();
        let failure = Failure::NotTrusted(Alert::CERTIFICATE_UNKNOWN);
        assert_eq!(pair.event, Some(Event::Failed(failure)));
        assert!(!pair.is_connected);
    }
}

#[test]
fn closes() {
    let mut pair = Pair::new(Kind::Psk, false, KEY);
    pair.run();
    pair.theirs.close().unwrap();
    pair.run();
    assert_eq!(pair.event, Some(Event::Closed));
}
