//! An endpoint under a script of datagrams, calls and passing time.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/coap/tests/endpoint/checks.rs"]
mod checks;

fuzz_target!(|script: &[u8]| checks::endpoint(script));
