//! Arbitrary input, as properties; `fuzz/` runs the same bodies for longer.
#![cfg(all(
    feature = "psk",
    feature = "ccm8",
    feature = "rpk",
    feature = "x509",
    feature = "ticket"
))]

use proptest::prelude::*;

mod checks;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn handshakes_under_any_script(script in prop::collection::vec(any::<u8>(), 0..400)) {
        checks::handshake(&script);
    }

    #[test]
    fn any_bytes_in_place_of_a_message(bytes in prop::collection::vec(any::<u8>(), 3..300)) {
        checks::message(&bytes);
    }

    #[test]
    fn records_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        checks::records(&bytes);
    }
}

#[test]
fn an_import_of_all_lengths() {
    for len in 0..200 {
        checks::records(&vec![1; len]);
    }
}
