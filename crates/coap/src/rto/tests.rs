use super::*;
use crate::Retry;
use proptest::prelude::*;

const PARAMETERS: Parameters = Parameters::DEFAULT;

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn millis(estimator: &RtoEstimator) -> u64 {
    estimator.timeout(&PARAMETERS).as_millis()
}

/// One message that is acknowledged `rtt` milliseconds after `now`: how often it was sent again.
fn exchange(estimator: &mut RtoEstimator, now: Instant, rtt: u64) -> u8 {
    let mut transmission = estimator.start(now, &PARAMETERS, 0);
    let end = now + Duration::from_millis(rtt);
    while transmission.is_due(end) {
        let due = transmission.deadline();
        if transmission.on_timeout(due, &PARAMETERS) == Retry::GiveUp {
            return u8::MAX;
        }
    }
    estimator.on_acknowledged(end, &transmission, &PARAMETERS);
    transmission.retransmitted()
}

#[test]
fn begins_as_the_rfc_without_measurement() {
    let mut estimator = RtoEstimator::new();
    assert_eq!(estimator.timeout(&PARAMETERS), PARAMETERS.ack_timeout);
    assert_eq!(
        estimator.start(at(7), &PARAMETERS, 1 << 31),
        Transmission::start(at(7), &PARAMETERS, 1 << 31)
    );
}

#[test]
fn strong_measurements_count_by_a_half() {
    let mut estimator = RtoEstimator::default();
    exchange(&mut estimator, at(0), 400);
    // 400 + 4 * 200 = 1200, and half of 2000.
    assert_eq!(millis(&estimator), 1600);
    exchange(&mut estimator, at(1000), 400);
    // The variation falls to 150: 400 + 4 * 150 = 1000, and half of 1600.
    assert_eq!(millis(&estimator), 1300);
}

#[test]
fn weak_measurements_count_by_a_quarter() {
    let mut estimator = RtoEstimator::new();
    assert_eq!(exchange(&mut estimator, at(0), 2400), 1);
    // 2400 + 1200 = 3600, and three quarters of 2000.
    assert_eq!(millis(&estimator), 2400);
    // Sent again three times: not counted.
    let before = millis(&estimator);
    assert_eq!(exchange(&mut estimator, at(3000), 30_000), 3);
    assert_eq!(millis(&estimator), before);
}

#[test]
fn short_timeouts_back_off_faster_and_long_ones_slower() {
    let gaps = |rto: u16| {
        let mut estimator = RtoEstimator::new();
        estimator.set(at(0), u32::from(rto));
        let mut transmission = estimator.start(at(0), &PARAMETERS, 0);
        let first = transmission.deadline();
        let _ = transmission.on_timeout(first, &PARAMETERS);
        let second = transmission.deadline();
        ((first - at(0)).as_millis(), (second - first).as_millis())
    };
    assert_eq!(gaps(200), (200, 600));
    assert_eq!(gaps(1000), (1000, 2000));
    assert_eq!(gaps(3000), (3000, 6000));
    assert_eq!(gaps(4000), (4000, 6000));
    // A third of MAX_TRANSMIT_SPAN, so that there is time to send again.
    assert_eq!(gaps(GREATEST), (15_000, 22_500));
}

#[test]
fn old_timeouts_move_to_the_middle() {
    let mut estimator = RtoEstimator::new();
    let aged = |rto: u32, idle: u64| {
        let mut estimator = RtoEstimator::new();
        estimator.set(at(0), rto);
        estimator.start(at(idle), &PARAMETERS, 0);
        millis(&estimator)
    };
    assert_eq!(aged(500, 8000), 500);
    assert_eq!(aged(500, 8100), 1000);
    assert_eq!(aged(2000, 1_000_000), 2000);
    assert_eq!(aged(8000, 32_000), 8000);
    assert_eq!(aged(8000, 32_100), 5000);
    // What is not known does not age.
    estimator.start(at(1 << 40), &PARAMETERS, 0);
    assert_eq!(millis(&estimator), 2000);
}

#[test]
fn converges_on_a_steady_round_trip() {
    let mut estimator = RtoEstimator::new();
    for step in 0..100_u64 {
        assert_eq!(exchange(&mut estimator, at(step * 1000), 300), 0);
    }
    assert!(
        (300..=330).contains(&millis(&estimator)),
        "{}",
        millis(&estimator)
    );
}

proptest! {
    #[test]
    fn stays_in_its_bounds(steps in prop::collection::vec((0..200_000_u64, 0..120_000_u64), 0..100)) {
        let mut estimator = RtoEstimator::new();
        let mut now = at(0);
        for (wait, rtt) in steps {
            now += Duration::from_millis(wait);
            exchange(&mut estimator, now, rtt);
            prop_assert!((u64::from(LEAST)..=15_000).contains(&millis(&estimator)));
        }
    }
}
