//! What must hold whatever arrives: bodies for properties and for fuzzing.

use core::convert::Infallible;

use dunlin_dtls::{
    Acceptor, Association, Config, Connection, ConnectionId, Content, Datagram, Greeting, Output,
    PrivateKey,
};
use dunlin_time::{Duration, Instant};

#[path = "../wallet/mod.rs"]
mod wallet;

use wallet::Wallet;

/// A generator whose numbers follow from its seed.
struct Numbers(u64);

impl rand_core::TryRng for Numbers {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let [a, b, c, d, ..] = self.try_next_u64()?.to_be_bytes();
        Ok(u32::from_be_bytes([a, b, c, d]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        Ok(self.0 ^ (self.0 >> 29))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            [*byte, ..] = self.try_next_u64()?.to_be_bytes();
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Numbers {}

type End = Connection<&'static str, 1024, 1536>;

/// A pre-shared key, a raw public key that both ends trust, or a certificate.
fn wallet_of(kind: u8) -> Wallet {
    const CERTIFICATE: &[u8] = include_bytes!("../pki/client.der");
    const KEY: &[u8] = include_bytes!("../pki/client.pkcs8");
    match kind {
        0 => Wallet::of_psk(b"identity", b"0123456789abcdef"),
        1 => {
            let private = PrivateKey::from_scalar(&[0x42; 32]).unwrap();
            let public = private.public_key();
            Wallet::of_raw_public_key(private, public)
        }
        _ => Wallet::of_certificate(
            PrivateKey::from_bytes(KEY).unwrap(),
            CERTIFICATE,
            CERTIFICATE,
        ),
    }
}

struct World {
    now: Instant,
    rng: Numbers,
    /// Both ends have the same.
    wallet: Wallet,
    acceptor: Acceptor,
    client: End,
    server: Option<End>,
    server_config: Config,
    /// To whom, and what.
    pending: Vec<(bool, Vec<u8>)>,
    past: Vec<(bool, Vec<u8>)>,
    said: Vec<Vec<u8>>,
    sent: usize,
    delivered: usize,
}

impl World {
    fn new(wallet: Wallet, connection_id: &[u8]) -> Self {
        let mut rng = Numbers(7);
        let config = Config {
            initial_timeout: Duration::from_secs(1),
            transmissions: 4,
            ..Config::DEFAULT
        };
        let mut world = Self {
            now: Instant::from_secs(1),
            acceptor: Acceptor::new(&mut rng),
            wallet,
            client: Connection::client(config),
            server: None,
            server_config: Config {
                connection_id: ConnectionId::new(connection_id),
                ..config
            },
            rng,
            pending: Vec::new(),
            past: Vec::new(),
            said: Vec::new(),
            sent: 0,
            delivered: 0,
        };
        world
            .client
            .connect(world.now, None, &mut world.wallet, &mut world.rng);
        world.poll();
        world
    }

    fn poll(&mut self) {
        let mut buffer = [0; 1500];
        loop {
            match self.client.poll_output(&mut buffer) {
                Output::Transmit(bytes) => self.pending.push((true, bytes.to_vec())),
                Output::Event(_) => continue,
                Output::Idle => break,
            }
            self.sent += 1;
        }
        while let Some(server) = &mut self.server {
            match server.poll_output(&mut buffer) {
                Output::Transmit(bytes) => self.pending.push((false, bytes.to_vec())),
                Output::Event(_) => continue,
                Output::Idle => break,
            }
            self.sent += 1;
        }
        // Three flights of a few datagrams, eight repetitions, a cookie and a repetition for what arrives.
        assert!(
            self.sent <= 400 + 12 * self.delivered,
            "sends without bound"
        );
    }

    fn deliver(&mut self, to_server: bool, bytes: &[u8]) {
        self.delivered += 1;
        self.past.push((to_server, bytes.to_vec()));
        let mut bytes = bytes.to_vec();
        if to_server {
            let mut answer = [0; Acceptor::ANSWER_LEN];
            match self
                .acceptor
                .handle_input(self.now, b"client", &mut bytes, &mut answer)
            {
                Greeting::Verify(answer) => {
                    assert!(answer.len() < bytes.len());
                    self.pending.push((false, answer.to_vec()));
                    return;
                }
                Greeting::Accepted(random) => {
                    if self
                        .server
                        .as_ref()
                        .is_none_or(|server| *server.client_random() != random)
                    {
                        self.server = Some(Connection::server(self.server_config));
                    }
                }
                Greeting::Other => {}
            }
        }
        let connection = match (&mut self.server, to_server) {
            (Some(server), true) => server,
            (None, true) => return,
            (_, false) => &mut self.client,
        };
        let mut datagram = Datagram::new(&mut bytes);
        while let Some(data) =
            connection.handle_input(self.now, &mut datagram, &mut self.wallet, &mut self.rng)
        {
            assert!(
                self.said.iter().any(|said| said == data),
                "data that nobody sent"
            );
        }
        self.poll();
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.client.handle_timeout(self.now);
        if let Some(server) = &mut self.server {
            server.handle_timeout(self.now);
        }
        self.poll();
    }

    fn say(&mut self, from_client: bool, data: &[u8]) {
        let mut buffer = [0; 1500];
        let end = match (&mut self.server, from_client) {
            (_, true) => &mut self.client,
            (Some(server), false) => server,
            (None, false) => return,
        };
        if let Ok(record) = end.send(data, &mut buffer) {
            self.said.push(data.to_vec());
            self.pending.push((from_client, record.to_vec()));
        }
    }

    /// From here on the network is good: the handshake ends.
    fn settle(&mut self) {
        for _ in 0..60 {
            while !self.pending.is_empty() {
                let (to_server, bytes) = self.pending.remove(0);
                self.deliver(to_server, &bytes);
            }
            self.pass(Duration::from_secs(20));
            if self.pending.is_empty() && self.client.next_timeout().is_none() {
                break;
            }
        }
        assert!(self.client.is_established() || self.client.is_over());
    }
}

/// A client and a server under a script: of real datagrams some arrive, some changed, some twice, and others are invented.
pub(crate) fn handshake(script: &[u8]) {
    let mut script = script.iter().copied();
    let first = script.next().unwrap_or_default();
    let mut world = World::new(
        wallet_of(first & 1),
        &b"12345678"[..usize::from(first >> 1 & 7)],
    );
    let mut steps = 0;
    while let Some(operation) = script.next() {
        steps += 1;
        if steps > 200 {
            break;
        }
        let mut byte = || script.next().unwrap_or_default();
        match operation % 9 {
            0 | 1 if !world.pending.is_empty() => {
                let (to_server, mut bytes) = world.pending.remove(0);
                if operation % 9 == 1 {
                    let position = usize::from(u16::from_be_bytes([byte(), byte()])) % bytes.len();
                    bytes[position] ^= byte();
                }
                world.deliver(to_server, &bytes);
            }
            2 if !world.pending.is_empty() => {
                world.pending.remove(0);
            }
            3 if !world.past.is_empty() => {
                let (to_server, bytes) = world.past[usize::from(byte()) % world.past.len()].clone();
                world.deliver(to_server, &bytes);
            }
            4 => {
                let (to, len) = (byte(), byte());
                let bytes: Vec<u8> = (0..len).map(|_| byte()).collect();
                world.deliver(to & 1 == 1, &bytes);
            }
            5 => {
                let (to, kind, sequence, offset, extra, len) = (
                    byte(),
                    byte() % 24,
                    byte() % 8,
                    byte(),
                    byte(),
                    byte() % 100,
                );
                let total = u16::from(offset) + u16::from(len) + u16::from(extra & 3);
                let mut bytes = vec![
                    22,
                    0xfe,
                    0xfd,
                    0,
                    extra >> 7,
                    0,
                    0,
                    0,
                    0,
                    1,
                    sequence,
                    0,
                    len + 12,
                ];
                bytes.extend([kind, 0]);
                bytes.extend(total.to_be_bytes());
                bytes.extend([0, sequence, 0, 0, offset, 0, 0, len]);
                bytes.extend((0..len).map(|_| byte()));
                world.deliver(to & 1 == 1, &bytes);
            }
            6 => world.pass(Duration::from_millis(u64::from(byte()) * 50)),
            7 => {
                let (from, data) = (byte(), byte());
                world.say(from & 1 == 1, &[data; 3]);
            }
            8 if world.pending.len() > 1 => {
                // Two datagrams in one, cut where the script says.
                let (to_server, mut bytes) = world.pending.remove(0);
                let cut = usize::from(byte()) % (bytes.len() + 1);
                bytes.truncate(cut);
                bytes.extend_from_slice(&world.pending[0].1);
                world.deliver(to_server, &bytes);
            }
            _ => {}
        }
    }
    world.settle();
}

/// An established association takes nothing that the other end did not send, and bytes that are no association are
/// refused.
pub(crate) fn records(bytes: &[u8]) {
    let (&first, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let mut world = World::new(wallet_of(0), &b"12345678"[..usize::from(first & 7)]);
    world.settle();
    let server = world.server.as_mut().unwrap();
    let mut association = server.take_association().unwrap();
    let mut copy = bytes.to_vec();
    let mut datagram = Datagram::new(&mut copy);
    // A record would have to be sealed with a key that is not in the input.
    let taken = association.next(&mut datagram);
    assert!(taken.is_none(), "{taken:?}");
    // The client's next record still is.
    let mut buffer = [0; 300];
    let record = world.client.send(b"genuine", &mut buffer).unwrap();
    let opened = association.next(&mut Datagram::new(record)).unwrap();
    assert!(matches!(opened.content, Content::Data(data) if data == b"genuine"));
    if let Ok(mut association) = Association::import(bytes) {
        assert_eq!(association.remaining(), 0);
        let exported = association.export(0);
        assert_eq!(exported.as_bytes(), bytes);
    }
}

/// Bytes in place of a message of the handshake, wherever it stands: of the type that is awaited or of another, numbered and
/// framed as it should be.
pub(crate) fn message(bytes: &[u8]) {
    let [first, steps, kind, body @ ..] = bytes else {
        return;
    };
    let connection_id = &b"12345678"[..usize::from(first >> 2 & 7)];
    let mut world = World::new(wallet_of(first % 3), connection_id);
    for _ in 0..steps % 8 {
        if !world.pending.is_empty() {
            let (to_server, bytes) = world.pending.remove(0);
            world.deliver(to_server, &bytes);
        }
    }
    let next = world.pending.first().cloned();
    if let Some((to_server, real)) = next
        && let Some(header) = real.get(..25)
        && header[0] == 22
        && header[3..5] == [0, 0]
    {
        let body = &body[..body.len().min(1000)];
        let len = u16::try_from(body.len()).unwrap();
        let [high, low] = len.to_be_bytes();
        let mut forged = header.to_vec();
        forged[11..13].copy_from_slice(&(len + 12).to_be_bytes());
        if *kind < 0x80 {
            forged[13] = kind % 25;
        }
        forged[14..17].copy_from_slice(&[0, high, low]);
        forged[19..22].fill(0);
        forged[22..25].copy_from_slice(&[0, high, low]);
        forged.extend_from_slice(body);
        world.deliver(to_server, &forged);
    }
    world.settle();
}
