//! Keys and certificates with a few bytes changed: no panic, one encoding, and `x509-cert` agrees.
#![cfg(all(feature = "x509", feature = "rpk"))]

use proptest::collection::vec;
use proptest::prelude::*;

mod checks;

macro_rules! pki {
    ($($name:literal)*) => {
        [$(include_bytes!(concat!("pki/", $name)).as_slice()),*]
    };
}

/// One of every kind, and the certificate with the most different things in it twice.
const SEEDS: [&[u8]; 11] = pki!(
    "names.der" "names.der" "server.der" "intermediate.der" "client.der" "dates.der" "root.der"
    "server.spki" "server.pkcs8" "server.sec1" "server-no-public.sec1"
);

#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    /// Copies a part of the bytes over another, as a length or a whole element.
    Copy(usize, usize, usize),
    Truncate(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let place = || any::<usize>();
    prop_oneof![
        8 => (place(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        1 => (place(), any::<u8>()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        1 => place().prop_map(Change::Remove),
        2 => (place(), place(), 1..16_usize).prop_map(|(from, to, len)| Change::Copy(from, to, len)),
        1 => place().prop_map(Change::Truncate),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let len = bytes.len().max(1);
    if bytes.is_empty() {
        bytes.push(0);
    }
    match *change {
        Change::Set(at, byte) => bytes[at % len] = byte,
        Change::Insert(at, byte) => bytes.insert(at % len, byte),
        Change::Remove(at) => {
            bytes.remove(at % len);
        }
        Change::Copy(from, to, size) => {
            let (from, to) = (from % len, to % len);
            let size = size.min(len - from).min(len - to);
            bytes.copy_within(from..from + size, to);
        }
        Change::Truncate(at) => bytes.truncate(at % len),
    }
}

#[test]
fn the_seeds_hold() {
    for seed in SEEDS {
        checks::all(seed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_are_refused_or_understood(
        seed in prop::sample::select(SEEDS.to_vec()),
        changes in vec(change(), 1..4),
    ) {
        let mut bytes = seed.to_vec();
        for change in &changes {
            apply(&mut bytes, change);
        }
        checks::all(&bytes);
        let mut body = vec![0; bytes.len() + 6];
        if dunlin_dtls::Chain::write(&[&bytes], &mut body).is_some() {
            checks::all(&body);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_understood(bytes in vec(any::<u8>(), 0..200)) {
        checks::all(&bytes);
    }
}
