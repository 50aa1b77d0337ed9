//! Handshakes of `dunlin-dtls` and what comes of them: both ends in memory. Peers are measured on the same work.

#[path = "../../crates/dtls/tests/wallet/mod.rs"]
mod wallet;

use dunlin_dtls::{
    Acceptor, Association, CertificateTypes, CipherSuite, Ciphers, ClientAuthentication, Config,
    Connection, Content, Datagram, Greeting, Opened, Output, PrivateKey,
};
use dunlin_time::Instant;
use rand::SeedableRng;
use rand::rngs::StdRng;
use wallet::Wallet;

/// The pre-shared key of every handshake here.
pub(crate) const PSK: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Its identity.
pub(crate) const IDENTITY: &[u8] = b"urn:dev:os:32473-1";

/// A self-signed certificate for a key on P-256, which all sides with a certificate have. It serves measuring alone.
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("certificate.der");

/// Its private key (PKCS #8).
pub(crate) const KEY: &[u8] = include_bytes!("key.der");

/// What is agreed on before data are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A pre-shared key, AES-128-CCM-8.
    Psk,
    /// ECDHE-ECDSA with AES-128-GCM, the server has a certificate.
    Ecdhe,
    /// The same, and the client has one, too.
    Mutual,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Psk, Self::Ecdhe, Self::Mutual];

    /// As in the benchmark's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Psk => "psk",
            Self::Ecdhe => "ecdhe",
            Self::Mutual => "ecdhe-mutual",
        }
    }
}

/// How records are protected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cipher {
    Ccm8,
    Gcm,
}

impl Cipher {
    pub(crate) const ALL: [Self; 2] = [Self::Ccm8, Self::Gcm];

    /// As in the benchmark's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ccm8 => "ccm8",
            Self::Gcm => "gcm",
        }
    }
}

/// Bytes of data in a record.
pub(crate) const LENGTHS: [usize; 3] = [64, 256, 1024];

/// Room for a certificate.
type Room = Connection<&'static str, 1024, 1024>;

/// What many handshakes share.
pub(crate) struct Peer {
    client: (Config, Wallet),
    server: (Config, Wallet),
    acceptor: Acceptor,
    rng: StdRng,
}

/// Both ends, established.
pub(crate) struct Pair {
    pub(crate) client: Association,
    pub(crate) server: Association,
}

impl Peer {
    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Psk => Self::with_suite(kind, &[CipherSuite::PskAes128Ccm8]),
            Kind::Ecdhe | Kind::Mutual => {
                Self::with_suite(kind, &[CipherSuite::EcdheEcdsaAes128Gcm])
            }
        }
    }

    pub(crate) fn with(cipher: Cipher) -> Self {
        match cipher {
            Cipher::Ccm8 => Self::with_suite(Kind::Psk, &[CipherSuite::PskAes128Ccm8]),
            Cipher::Gcm => Self::with_suite(Kind::Psk, &[CipherSuite::PskAes128Gcm]),
        }
    }

    fn with_suite(kind: Kind, suites: &'static [CipherSuite]) -> Self {
        let config = Config {
            suites,
            connection_id: None,
            offers_tickets: false,
            client_authentication: match kind {
                Kind::Ecdhe => ClientAuthentication::None,
                Kind::Psk | Kind::Mutual => ClientAuthentication::Required,
            },
            ..Config::DEFAULT
        };
        let private = || PrivateKey::from_bytes(KEY).expect("a key");
        let certified = || Wallet::of_certificate(private(), CERTIFICATE, CERTIFICATE);
        let trusting_nobody = Wallet {
            peers: CertificateTypes::default(),
            ..certified()
        };
        let with_psk = || Wallet::of_psk(IDENTITY, &PSK);
        let (client, server) = match kind {
            Kind::Psk => (with_psk(), with_psk()),
            Kind::Ecdhe => (Wallet::anonymous(CERTIFICATE), trusting_nobody),
            Kind::Mutual => (certified(), certified()),
        };
        let mut rng = StdRng::seed_from_u64(1);
        Self {
            client: (config, client),
            server: (config, server),
            acceptor: Acceptor::new(&mut rng),
            rng,
        }
    }

    pub(crate) fn handshake(&mut self) -> Pair {
        let now = Instant::ZERO;
        let (there, back) = (&mut [0; 2048], &mut [0; 2048]);
        let (of_client, of_server) = (&mut self.client.1, &mut self.server.1);
        let rng = &mut self.rng;
        let mut client = Room::client(self.client.0);
        client.connect(now, None, of_client, rng);
        // The first contact has no memory.
        let Output::Transmit(hello) = client.poll_output(there) else {
            panic!("no ClientHello");
        };
        let address = b"127.0.0.1:5684";
        let Greeting::Verify(verify) = self.acceptor.handle_input(now, address, hello, back) else {
            panic!("no cookie is asked for");
        };
        let len = verify.len();
        client.handle_input(now, &mut Datagram::new(&mut back[..len]), of_client, rng);
        let mut server = Room::server(self.server.0);
        let mut is_accepted = false;
        while !(client.is_established() && server.is_established()) {
            let mut moved = false;
            while let Output::Transmit(bytes) = client.poll_output(there) {
                if !is_accepted {
                    let greeting = self.acceptor.handle_input(now, address, bytes, back);
                    assert!(matches!(greeting, Greeting::Accepted(_)));
                    is_accepted = true;
                }
                server.handle_input(now, &mut Datagram::new(bytes), of_server, rng);
                moved = true;
            }
            while let Output::Transmit(bytes) = server.poll_output(back) {
                client.handle_input(now, &mut Datagram::new(bytes), of_client, rng);
                moved = true;
            }
            assert!(moved, "a handshake without end");
        }
        Pair {
            client: client.take_association().expect("established"),
            server: server.take_association().expect("established"),
        }
    }
}

/// Both ends, with ciphers that stay ready.
pub(crate) struct LivePair {
    pub(crate) client: LiveClient,
    pub(crate) server: LiveServer,
}

/// The end that protects.
pub(crate) struct LiveClient {
    association: Association,
    ciphers: Ciphers,
}

/// The end that unprotects.
pub(crate) struct LiveServer {
    association: Association,
    ciphers: Ciphers,
}

impl Pair {
    pub(crate) fn live(self) -> LivePair {
        LivePair {
            client: LiveClient {
                association: self.client,
                ciphers: Ciphers::new(),
            },
            server: LiveServer {
                association: self.server,
                ciphers: Ciphers::new(),
            },
        }
    }

    /// The client protects a record into `buffer`; its length.
    pub(crate) fn protect(&mut self, data: &[u8], buffer: &mut [u8]) -> usize {
        self.client.protect(data, buffer).expect("room").len()
    }

    /// The server unprotects a record where it lies; the length of its data.
    pub(crate) fn unprotect(&mut self, record: &mut [u8]) -> usize {
        data_len(self.server.next(&mut Datagram::new(record)))
    }
}

impl LiveClient {
    /// Protects a record into `buffer`; its length.
    pub(crate) fn protect(&mut self, data: &[u8], buffer: &mut [u8]) -> usize {
        let mut live = self.association.with(&mut self.ciphers);
        live.protect(data, buffer).expect("room").len()
    }
}

impl LiveServer {
    /// Unprotects a record where it lies; the length of its data.
    pub(crate) fn unprotect(&mut self, record: &mut [u8]) -> usize {
        let mut live = self.association.with(&mut self.ciphers);
        data_len(live.next(&mut Datagram::new(record)))
    }
}

fn data_len(opened: Option<Opened<'_>>) -> usize {
    match opened.expect("genuine").content {
        Content::Data(data) => data.len(),
        _ => 0,
    }
}
