//! A handshake with a pre-shared key, both sides of it, and records, beside the primitives alone.
//!
//! Handshakes with ECDHE are left to `cargo xtask bench`: they are arithmetic on the curve, and long under callgrind.

use core::hint::black_box;

use crate::handshakes::{Cipher, Kind, Peer};
use crate::raw::Raw;
use crate::{Case, measured};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "dtls/handshake/psk",
        goal: None,
        run: handshake,
    },
    Case {
        name: "dtls/protect/ccm8/64",
        goal: None,
        run: |times| protect(Cipher::Ccm8, times),
    },
    Case {
        name: "dtls/protect/gcm/64",
        goal: None,
        run: |times| protect(Cipher::Gcm, times),
    },
    Case {
        name: "dtls/unprotect/ccm8/64",
        goal: None,
        run: |times| unprotect(Cipher::Ccm8, times),
    },
    Case {
        name: "dtls/unprotect/gcm/64",
        goal: None,
        run: |times| unprotect(Cipher::Gcm, times),
    },
    Case {
        name: "dtls/protect/ccm8/64/raw",
        goal: None,
        run: |times| raw_protect(Cipher::Ccm8, times),
    },
    Case {
        name: "dtls/protect/gcm/64/raw",
        goal: None,
        run: |times| raw_protect(Cipher::Gcm, times),
    },
    Case {
        name: "dtls/unprotect/ccm8/64/raw",
        goal: None,
        run: |times| raw_unprotect(Cipher::Ccm8, times),
    },
    Case {
        name: "dtls/unprotect/gcm/64/raw",
        goal: None,
        run: |times| raw_unprotect(Cipher::Gcm, times),
    },
    Case {
        name: "dtls/protect/ccm8/64/at-rest",
        goal: None,
        run: |times| protect_at_rest(Cipher::Ccm8, times),
    },
    Case {
        name: "dtls/protect/gcm/64/at-rest",
        goal: None,
        run: |times| protect_at_rest(Cipher::Gcm, times),
    },
];

/// Both sides, from nothing to two associations.
fn handshake(times: u32) {
    let mut peer = Peer::new(Kind::Psk);
    for _ in 0..times {
        black_box(measured(|| peer.handshake()));
    }
}

fn protect(cipher: Cipher, times: u32) {
    let mut pair = Peer::with(cipher).handshake().live().client;
    let mut buffer = [0; 128];
    for _ in 0..times {
        black_box(measured(|| pair.protect(black_box(&[7; 64]), &mut buffer)));
    }
}

fn protect_at_rest(cipher: Cipher, times: u32) {
    let mut pair = Peer::with(cipher).handshake();
    let mut buffer = [0; 128];
    for _ in 0..times {
        black_box(measured(|| pair.protect(black_box(&[7; 64]), &mut buffer)));
    }
}

fn unprotect(cipher: Cipher, times: u32) {
    let mut pair = Peer::with(cipher).handshake().live();
    let mut buffer = [0; 128];
    for _ in 0..times {
        let len = pair.client.protect(&[7; 64], &mut buffer);
        let record = black_box(&mut buffer[..len]);
        black_box(measured(|| pair.server.unprotect(record)));
    }
}

fn raw_protect(cipher: Cipher, times: u32) {
    let raw = Raw::new(cipher);
    let mut buffer = [0; 128];
    for _ in 0..times {
        black_box(measured(|| raw.seal(black_box(&[7; 64]), &mut buffer)));
    }
}

fn raw_unprotect(cipher: Cipher, times: u32) {
    let raw = Raw::new(cipher);
    let mut buffer = [0; 128];
    for _ in 0..times {
        let len = raw.seal(&[7; 64], &mut buffer);
        let record = black_box(&mut buffer[..len]);
        measured(|| raw.open(record));
    }
}
