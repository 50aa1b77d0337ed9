//! An agent under a script of datagrams, answers, changes and passing time.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/agent/tests/checks/mod.rs"]
mod checks;

fuzz_target!(|script: &[u8]| checks::engine(script));
