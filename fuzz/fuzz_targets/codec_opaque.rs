//! Payloads of `ContentFormat::OPAQUE`: the first byte chooses the path of the request.
#![no_main]

use dunlin_codec::ContentFormat;
use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "each target calls its own check")]
#[path = "../../crates/codec/tests/checks/mod.rs"]
mod checks;

fuzz_target!(|input: &[u8]| checks::payload(ContentFormat::OPAQUE, input));
