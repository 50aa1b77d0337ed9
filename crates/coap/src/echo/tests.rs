use super::*;
use crate::{Code, MessageBuilder, MessageId, Token, Type};
use proptest::prelude::*;

const _: () = assert!(size_of::<EchoMemory>() <= 41);
const _: () = assert!(UNVALIDATED_RESPONSE == 136);

/// A stand-in that tells all inputs apart, as a MAC does.
fn mac(key: u64) -> impl EchoMac {
    move |time: [u8; 4], address: &[u8]| {
        let mut state = key;
        for byte in time.iter().chain(address) {
            state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        state.to_be_bytes()
    }
}

fn response(
    code: Code,
    echo: Option<&[u8]>,
    memory: &mut EchoMemory,
    repeats: u8,
) -> ChallengeAnswer {
    let mut buffer = [0; 128];
    let mut builder = MessageBuilder::new(
        &mut buffer,
        Type::Acknowledgement,
        code,
        MessageId(1),
        Token::EMPTY,
    );
    if let Some(value) = echo {
        builder.option(OptionNumber::ECHO, value);
    }
    let message = Message::parse(builder.finish().unwrap()).unwrap();
    memory.on_response(&message, repeats)
}

#[test]
fn fresh_below_the_threshold_and_not_at_it() {
    let issuer = EchoIssuer::new(mac(1));
    let at = Instant::from_millis;
    let value = issuer.issue(at(9_900), b"a");
    let check = |now| issuer.check(at(now), b"a", &value, Duration::from_secs(5));
    assert_eq!(check(9_900), Ok(at(9_000)));
    assert_eq!(check(13_999), Ok(at(9_000)));
    assert_eq!(check(14_000), Err(NotFresh::Stale));
    assert_eq!(check(8_999), Err(NotFresh::Stale));
}

#[test]
fn values_of_others_are_forged() {
    let issuer = EchoIssuer::new(mac(1));
    let now = Instant::from_secs(9);
    let value = issuer.issue(now, b"a");
    let check =
        |address: &[u8], value: &[u8]| issuer.check(now, address, value, Duration::from_secs(5));
    assert!(check(b"a", &value).is_ok());
    assert_eq!(check(b"b", &value), Err(NotFresh::Forged));
    assert_eq!(check(b"a", &value[..11]), Err(NotFresh::Forged));
    assert_eq!(
        check(b"a", &[&value[..], &[0]].concat()),
        Err(NotFresh::Forged)
    );
    assert_eq!(check(b"a", &[]), Err(NotFresh::Forged));
    for index in 0..value.len() {
        let mut other = value;
        other[index] ^= 1;
        assert_eq!(check(b"a", &other), Err(NotFresh::Forged));
    }
    // Of the time before a restart.
    let restarted = EchoIssuer::new(mac(2));
    assert_eq!(
        restarted.check(now, b"a", &value, Duration::from_secs(5)),
        Err(NotFresh::Forged)
    );
}

#[test]
fn a_challenge_is_answered_twice_at_most() {
    let mut memory = EchoMemory::default();
    assert_eq!(memory.value(), None);
    let code = Code::UNAUTHORIZED;
    assert_eq!(
        response(code, None, &mut memory, 0),
        ChallengeAnswer::HandOn
    );
    assert_eq!(
        response(code, Some(b"one"), &mut memory, 0),
        ChallengeAnswer::Repeat
    );
    assert_eq!(memory.value(), Some(&b"one"[..]));
    assert_eq!(
        response(code, Some(b"two"), &mut memory, 1),
        ChallengeAnswer::Repeat
    );
    assert_eq!(
        response(code, Some(b"three"), &mut memory, 2),
        ChallengeAnswer::HandOn
    );
    // Remembered all the same, also of other responses.
    assert_eq!(memory.value(), Some(&b"three"[..]));
    let preemptive = response(Code::CHANGED, Some(&[7; 40]), &mut memory, 0);
    assert_eq!(
        (preemptive, memory.value()),
        (ChallengeAnswer::HandOn, Some(&[7; 40][..]))
    );
    // Not of the allowed length: as if absent.
    assert_eq!(
        response(code, Some(&[8; 41]), &mut memory, 0),
        ChallengeAnswer::HandOn
    );
    assert_eq!(
        response(code, Some(&[]), &mut memory, 0),
        ChallengeAnswer::HandOn
    );
    assert_eq!(memory.value(), Some(&[7; 40][..]));
    memory.forget();
    assert_eq!(memory, EchoMemory::NEW);
}

#[test]
fn the_sizes_of_section_2_4() {
    assert_eq!(unvalidated_response(4), 136);
    // With a token of eight bytes in the request, 132 bytes after the token.
    assert!(unvalidated_response(12) >= 132 + 8);
    let mut counted = Amplification::NEW;
    assert_eq!(counted.allowance(), None);
    assert!(!counted.spend(0));
    counted.on_received(4);
    assert_eq!(counted.allowance(), Some(136));
    assert!(!counted.spend(137));
    assert!(counted.spend(74));
    assert_eq!(counted.allowance(), Some(0));
    assert!(counted.spend(0));
    assert!(!counted.spend(0));
}

proptest! {
    #[test]
    fn never_three_times_more_out_than_in(steps in prop::collection::vec((any::<bool>(), 0..2000_usize), 0..100)) {
        let mut counted = Amplification::NEW;
        let (mut received, mut sent) = (0, 0);
        for (is_received, len) in steps {
            if is_received {
                counted.on_received(len);
                received += len + 62;
            } else {
                let allowed = counted.allowance().is_some_and(|most| len <= most);
                prop_assert_eq!(counted.spend(len), allowed);
                if allowed {
                    sent += len + 62;
                }
            }
            prop_assert!(sent <= 3 * received);
        }
    }

    #[test]
    fn what_was_issued_is_fresh(key: u64, now in 0..1_u64 << 40, age in 0..60_000_u64, address: [u8; 18]) {
        let issuer = EchoIssuer::new(mac(key));
        let issued = Instant::from_millis(now);
        let value = issuer.issue(issued, &address);
        let later = issued + Duration::from_millis(age);
        let checked = issuer.check(later, &address, &value, Duration::from_secs(61));
        prop_assert!(checked.is_ok_and(|made| made <= issued));
    }
}
