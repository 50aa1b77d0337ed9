//! How much memory a DTLS association at rest takes in the manager, and how long it takes to load them:
//!
//!     cargo run --release --package dunlin-manager --example associations -- 100000
//!
//! prints one line. Linux only, as it reads the resident set from /proc. What is left free between the rounds is used by the
//! next one, so the figure is rather too small than too large.

use core::net::SocketAddr;
use std::time::Instant as Clock;
use std::{env, fs};

use dunlin_coap::time::Instant;
use dunlin_dtls::{
    Acceptor, Config as DtlsConfig, Connection, ConnectionId, Credentials, Datagram, Greeting,
    Output, PskKey, PskLookup,
};
use dunlin_manager::shard::Shard;
use dunlin_manager::{
    AssociationId, Config, Credential, Peer, Snapshot, StoredAssociation, StoredCredential,
    Timestamp,
};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use zeroize::Zeroizing;

/// How many shards are made one after the other.
const ROUNDS: u32 = 20;

const KEY: &[u8] = b"sixteen secrets!";

struct Both;

impl Credentials for Both {
    type Peer = ();

    fn own_psk(&self) -> Option<(&[u8], PskKey)> {
        Some((b"who", PskKey::new(KEY)?))
    }

    fn has_psks(&self) -> bool {
        true
    }

    fn psk(&mut self, _: &[u8]) -> PskLookup<()> {
        PskKey::new(KEY).map_or(PskLookup::Unknown, |key| PskLookup::Found(key, ()))
    }
}

fn main() {
    let count: u32 = env::args()
        .nth(1)
        .map_or(100_000, |text| text.parse().expect("a number"));
    let record = record();
    let (credentials, _) = grown(|| snapshot(count, None));
    let (both, seconds) = grown(|| snapshot(count, Some(&record)));
    println!(
        "{count} associations: {} bytes each, loaded in {seconds:.1} s; their credentials: {} bytes each",
        both.saturating_sub(credentials) / u64::from(count),
        credentials / u64::from(count),
    );
}

/// How many bytes a shard takes, and in how many seconds it is made: the mean of several that stay, after a first one, so
/// that what is free between them is the same before and after.
fn grown(make: impl Fn() -> Snapshot) -> (u64, f64) {
    let mut shards = vec![shard(make())];
    let before = resident();
    let mut seconds = 0.0;
    for _ in 0..ROUNDS {
        let snapshot = make();
        let clock = Clock::now();
        shards.push(shard(snapshot));
        seconds += clock.elapsed().as_secs_f64();
    }
    let grown = resident().saturating_sub(before);
    (grown / u64::from(ROUNDS), seconds / f64::from(ROUNDS))
}

fn shard(snapshot: Snapshot) -> Shard {
    Shard::new(
        Config::default(),
        [7; 32],
        snapshot,
        Instant::ZERO,
        Timestamp::now(),
    )
}

fn snapshot(count: u32, record: Option<&[u8]>) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for number in 0..count {
        let endpoint: std::sync::Arc<str> = format!("urn:dev:os:32473-{number:08}").into();
        let identity = format!("identity-{number:08}");
        snapshot.credentials.push(StoredCredential {
            endpoint: endpoint.clone(),
            credential: Credential::psk(identity.as_bytes(), KEY).expect("a credential"),
        });
        if let Some(record) = record {
            let address = SocketAddr::from((number.to_be_bytes(), 5684));
            snapshot.associations.push(StoredAssociation {
                peer: Peer {
                    association: Some(AssociationId::from_bits(number.into())),
                    ..Peer::plain(0, address)
                },
                endpoint,
                record: Zeroizing::new(record.into()),
            });
        }
    }
    snapshot
}

/// An association with a connection id, as it is stored.
fn record() -> Vec<u8> {
    let mut rng = StdRng::seed_from_u64(1);
    let now = Instant::ZERO;
    let acceptor = Acceptor::new(&mut rng);
    let mut client = Connection::<(), 256, 256>::client(DtlsConfig::DEFAULT);
    let mut server = Connection::<(), 256, 256>::server(DtlsConfig {
        connection_id: ConnectionId::new(&[1; AssociationId::LENGTH]),
        ..DtlsConfig::DEFAULT
    });
    client.connect(now, None, &mut Both, &mut rng);
    let (mut there, mut back) = ([0; 1152], [0; 1152]);
    while !server.is_established() {
        while let Output::Transmit(bytes) = client.poll_output(&mut there) {
            if let Greeting::Verify(_) = acceptor.handle_input(now, b"", bytes, &mut back) {
                let mut datagram = Datagram::new(&mut back[..Acceptor::ANSWER_LEN]);
                client.handle_input(now, &mut datagram, &mut Both, &mut rng);
            } else {
                server.handle_input(now, &mut Datagram::new(bytes), &mut Both, &mut rng);
            }
        }
        while let Output::Transmit(bytes) = server.poll_output(&mut back) {
            client.handle_input(now, &mut Datagram::new(bytes), &mut Both, &mut rng);
        }
    }
    let mut association = server.take_association().expect("established");
    association.export(1024).as_bytes().to_vec()
}

/// The resident set in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a resident set");
    let kibibytes: u64 = line
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number");
    kibibytes * 1024
}
