//! A DTLS client and server under a script: arbitrary, changed, repeated and lost datagrams.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/dtls/tests/arbitrary/checks.rs"]
#[allow(dead_code, reason = "the file has the bodies of several targets")]
mod checks;

fuzz_target!(|bytes: &[u8]| checks::handshake(bytes));
