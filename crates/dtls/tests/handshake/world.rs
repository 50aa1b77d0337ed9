//! Two ends, a link in memory and a clock of its own.

use dunlin_dtls::{
    Acceptor, CertificateTypes, Config, Connection, Datagram, Event, Greeting, Output, PrivateKey,
    Session,
};
use dunlin_testkit::{Conditions, Link};
use dunlin_time::{Duration, Instant};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::wallet::{RAW, Wallet, X509};

pub(crate) const CLIENT: u8 = 1;
pub(crate) const SERVER: u8 = 2;

/// Every way in which two ends may know each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Psk,
    RawPublicKeys,
    Certificates,
    /// The server has a certificate, the client a raw public key.
    Mixed,
    /// The client does not say who it is.
    Anonymous,
}

pub(crate) const WAYS: [Way; 5] = [
    Way::Psk,
    Way::RawPublicKeys,
    Way::Certificates,
    Way::Mixed,
    Way::Anonymous,
];

fn pki(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/pki/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

/// A client's and a server's wallet for a way to know each other.
pub(crate) fn wallets(way: Way) -> (Wallet, Wallet) {
    if way == Way::Psk {
        let wallet = || Wallet::of_psk(b"urn:dev:1", b"0123456789abcdef");
        return (wallet(), wallet());
    }
    let (mut client, mut server) = (Wallet::default(), Wallet::default());
    let client_key = PrivateKey::from_bytes(&pki("client.pkcs8")).unwrap();
    let server_key = PrivateKey::from_bytes(&pki("server.pkcs8")).unwrap();
    client.keys = vec![(server_key.public_key(), "server")];
    server.keys = vec![(client_key.public_key(), "device")];
    client.certificates = vec![(pki("server.der"), "server")];
    server.certificates = vec![(pki("client.der"), "device")];
    client.chain = vec![pki("client.der")];
    server.chain = vec![pki("server.der"), pki("intermediate.der")];
    client.private = Some(client_key);
    server.private = Some(server_key);
    (client.own, server.own) = match way {
        Way::RawPublicKeys => (RAW, RAW),
        Way::Mixed => (RAW, X509),
        _ => (X509, X509),
    };
    (client.peers, server.peers) = (server.own, client.own);
    if way == Way::Anonymous {
        (client.own, client.private) = (CertificateTypes::default(), None);
    }
    (client, server)
}

pub(crate) type End = Connection<&'static str, 1536, 2048>;

/// Changes a datagram of a sender; false keeps it from being sent.
pub(crate) type Tamper = Box<dyn FnMut(u8, &mut Vec<u8>) -> bool>;

/// A client, a server that accepts one client after the other, and what lies between them.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) link: Link<u8>,
    pub(crate) rng: StdRng,
    pub(crate) acceptor: Acceptor,
    pub(crate) client: End,
    pub(crate) client_wallet: Wallet,
    pub(crate) server: Option<End>,
    pub(crate) server_config: Config,
    pub(crate) server_wallet: Wallet,
    pub(crate) events: Vec<(u8, Event)>,
    /// Data that arrived, and where.
    pub(crate) received: Vec<(u8, Vec<u8>)>,
    /// All datagrams that were sent, with their sender.
    pub(crate) sent: Vec<(u8, Vec<u8>)>,
    /// What happens to a datagram before it is sent; false keeps it.
    pub(crate) tamper: Tamper,
    /// How many bytes a datagram may have on the way.
    pub(crate) path_mtu: usize,
}

impl World {
    pub(crate) fn new(way: Way, seed: u64, conditions: Conditions) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ 0xd715);
        let (client_wallet, server_wallet) = wallets(way);
        let config = Config {
            initial_timeout: Duration::from_secs(1),
            transmissions: 8,
            ..Config::DEFAULT
        };
        let mut server_config = config;
        if way == Way::Anonymous {
            server_config.client_authentication = dunlin_dtls::ClientAuthentication::Optional;
        }
        Self {
            now: Instant::from_secs(100),
            link: Link::new(seed, conditions),
            acceptor: Acceptor::new(&mut rng),
            rng,
            client: Connection::client(config),
            client_wallet,
            server: None,
            server_config,
            server_wallet,
            events: Vec::new(),
            received: Vec::new(),
            sent: Vec::new(),
            tamper: Box::new(|_, _| true),
            path_mtu: 1500,
        }
    }

    pub(crate) fn client_config(&mut self, change: impl FnOnce(&mut Config)) {
        let mut config = Config {
            initial_timeout: Duration::from_secs(1),
            transmissions: 8,
            ..Config::DEFAULT
        };
        change(&mut config);
        self.client = Connection::client(config);
    }

    pub(crate) fn connect(&mut self, session: Option<Session>) {
        self.client
            .connect(self.now, session, &mut self.client_wallet, &mut self.rng);
        self.poll();
    }

    /// Takes all that both ends have to send and to tell.
    pub(crate) fn poll(&mut self) {
        let mut buffer = [0; 2048];
        for end in [CLIENT, SERVER] {
            loop {
                let connection = match end {
                    CLIENT => Some(&mut self.client),
                    _ => self.server.as_mut(),
                };
                let Some(connection) = connection else {
                    break;
                };
                match connection.poll_output(&mut buffer) {
                    Output::Transmit(datagram) => {
                        let datagram = datagram.to_vec();
                        self.transmit(end, datagram);
                    }
                    Output::Event(event) => self.events.push((end, event)),
                    Output::Idle => break,
                }
            }
        }
    }

    pub(crate) fn transmit(&mut self, from: u8, mut datagram: Vec<u8>) {
        let to = if from == CLIENT { SERVER } else { CLIENT };
        self.sent.push((from, datagram.clone()));
        if (self.tamper)(from, &mut datagram) && datagram.len() <= self.path_mtu {
            self.link.send(self.now.as_millis(), from, to, &datagram);
        }
    }

    pub(crate) fn send(&mut self, from: u8, data: &[u8]) {
        let mut buffer = [0; 2048];
        let connection = match from {
            CLIENT => &mut self.client,
            _ => self.server.as_mut().unwrap(),
        };
        let record = connection.send(data, &mut buffer).unwrap().to_vec();
        self.transmit(from, record);
    }

    /// A datagram arrives.
    pub(crate) fn deliver(&mut self, to: u8, mut bytes: Vec<u8>) {
        if to == SERVER && !self.greet(&mut bytes) {
            return;
        }
        let (connection, wallet) = match to {
            CLIENT => (&mut self.client, &mut self.client_wallet),
            _ => match &mut self.server {
                Some(server) => (server, &mut self.server_wallet),
                None => return,
            },
        };
        let mut datagram = Datagram::new(&mut bytes);
        while let Some(data) =
            connection.handle_input(self.now, &mut datagram, wallet, &mut self.rng)
        {
            self.received.push((to, data.to_vec()));
        }
        self.poll();
    }

    /// What a server does first: asks strangers for a cookie, and makes a connection for who has one.
    fn greet(&mut self, bytes: &mut [u8]) -> bool {
        let mut buffer = [0; Acceptor::ANSWER_LEN];
        match self
            .acceptor
            .handle_input(self.now, &[CLIENT], bytes, &mut buffer)
        {
            Greeting::Verify(answer) => {
                assert!(answer.len() < bytes.len(), "amplification");
                let answer = answer.to_vec();
                self.transmit(SERVER, answer);
                return false;
            }
            Greeting::Accepted(random) => {
                let known = self.server.as_ref();
                if known.is_none_or(|server| *server.client_random() != random) {
                    self.server = Some(Connection::server(self.server_config));
                }
            }
            Greeting::Other => {}
        }
        true
    }

    /// Lets time pass until nothing is left to do, `seconds` at most.
    pub(crate) fn run(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        loop {
            let arrival = self.link.next_arrival().map(Instant::from_millis);
            let timers = [Some(&self.client), self.server.as_ref()];
            let timeout = timers
                .into_iter()
                .flatten()
                .filter_map(Connection::next_timeout)
                .min();
            let Some(next) = arrival.into_iter().chain(timeout).min() else {
                return;
            };
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            while let Some(delivery) = self.link.receive(self.now.as_millis()) {
                self.deliver(delivery.to, delivery.bytes);
            }
            self.client.handle_timeout(self.now);
            if let Some(server) = &mut self.server {
                server.handle_timeout(self.now);
            }
            self.poll();
        }
    }

    pub(crate) fn is_established(&self) -> bool {
        self.client.is_established() && self.server.as_ref().is_some_and(Connection::is_established)
    }

    pub(crate) fn count(&self, wanted: Event) -> usize {
        self.events
            .iter()
            .filter(|(_, event)| *event == wanted)
            .count()
    }
}
