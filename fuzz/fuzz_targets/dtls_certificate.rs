//! Certificates, chains of them, public and private keys, all from the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/dtls/tests/checks/mod.rs"]
mod checks;

fuzz_target!(|input: &[u8]| checks::all(input));
