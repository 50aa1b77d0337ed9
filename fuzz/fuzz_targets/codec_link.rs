//! Lists of links, and paths.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "each target calls its own check")]
#[path = "../../crates/codec/tests/checks/mod.rs"]
mod checks;

fuzz_target!(|text: &str| {
    checks::links(text);
    checks::path(text);
});
