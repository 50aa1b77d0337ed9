//! A manager's shard under a script of datagrams, registrations, answers, orders, time and a failing store.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/manager/tests/checks/mod.rs"]
mod checks;

fuzz_target!(|script: &[u8]| checks::shard(script));
