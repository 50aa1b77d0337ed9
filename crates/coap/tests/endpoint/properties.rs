//! Scripts of any kind.

use proptest::prelude::*;

use crate::checks;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn promises_are_kept(script in prop::collection::vec(any::<u8>(), 0..600)) {
        checks::endpoint(&script);
    }
}

#[test]
fn the_rest_of_a_notification_is_dropped_with_the_observation() {
    checks::endpoint(include_bytes!(
        "../../../../fuzz/corpus/coap_endpoint/rest-of-a-failed-observation"
    ));
}
