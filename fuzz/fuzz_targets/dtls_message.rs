//! Bytes in place of one message of a DTLS handshake, at either end, wherever it stands.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/dtls/tests/arbitrary/checks.rs"]
#[allow(dead_code, reason = "the file has the bodies of several targets")]
mod checks;

fuzz_target!(|bytes: &[u8]| checks::message(bytes));
