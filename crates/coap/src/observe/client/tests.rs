use super::*;
use crate::block::BlockSize;
use crate::{Code, MessageBuilder, MessageId, Token};
use proptest::prelude::*;

const TOKEN: Token = Token::EMPTY;

/// Hands a response to the observation.
fn give(
    observation: &mut Observation,
    at: u64,
    message_type: Type,
    code: Code,
    observe: Option<u32>,
    max_age: Option<u32>,
) -> Delivery {
    let mut buffer = [0; 64];
    let mut builder = MessageBuilder::new(&mut buffer, message_type, code, MessageId(1), TOKEN);
    if let Some(number) = observe {
        builder.observe(number);
    }
    if let Some(seconds) = max_age {
        builder.max_age(seconds);
    }
    let message = Message::parse(builder.finish().unwrap()).unwrap();
    observation.on_response(Instant::from_secs(at), &message, 1 << 31)
}

fn notify(observation: &mut Observation, at: u64, number: u32) -> Delivery {
    let code = Code::CONTENT;
    give(
        observation,
        at,
        Type::NonConfirmable,
        code,
        Some(number),
        Some(10),
    )
}

fn answer(observation: &mut Observation, at: u64, number: Option<u32>) -> Delivery {
    let code = Code::CONTENT;
    give(
        observation,
        at,
        Type::Acknowledgement,
        code,
        number,
        Some(10),
    )
}

#[test]
fn fresh_until_max_age_and_registered_again_after_it() {
    let at = Instant::from_secs;
    let mut observation = Observation::new();
    assert_eq!(
        (observation.fresh_until(), observation.reregister_at()),
        (None, None)
    );
    assert_eq!(answer(&mut observation, 100, Some(7)), Delivery::Fresh);
    assert!(observation.is_fresh(at(110)));
    assert!(!observation.is_fresh(at(110) + Duration::from_millis(1)));
    // Half of 5 to 15 seconds later.
    assert_eq!(observation.reregister_at(), Some(at(120)));
    assert!(!observation.is_due(at(119)));
    assert!(observation.is_due(at(120)));
    observation.on_requested();
    assert_eq!(observation.reregister_at(), None);
    assert_eq!(answer(&mut observation, 121, Some(8)), Delivery::Fresh);
    assert_eq!(observation.reregister_at(), Some(at(141)));
    // Without Max-Age, 60 seconds.
    let code = Code::VALID;
    assert_eq!(
        give(
            &mut observation,
            130,
            Type::Confirmable,
            code,
            Some(9),
            None
        ),
        Delivery::Fresh
    );
    assert_eq!(observation.fresh_until(), Some(at(190)));
}

#[test]
fn late_notifications_do_not_refresh() {
    let mut observation = Observation::new();
    assert_eq!(answer(&mut observation, 0, Some(7)), Delivery::Fresh);
    assert_eq!(notify(&mut observation, 9, 6), Delivery::Late);
    assert_eq!(notify(&mut observation, 9, 7), Delivery::Late);
    assert_eq!(observation.fresh_until(), Some(Instant::from_secs(10)));
}

#[test]
fn a_server_that_counts_anew_is_heard() {
    let mut observation = Observation::new();
    assert_eq!(answer(&mut observation, 0, Some(1000)), Delivery::Fresh);
    observation.on_requested();
    assert_eq!(answer(&mut observation, 20, Some(3)), Delivery::Fresh);
    assert_eq!(notify(&mut observation, 21, 4), Delivery::Fresh);
    // Its answer may come as a separate response, which looks like a late notification.
    observation.on_requested();
    assert_eq!(notify(&mut observation, 40, 1), Delivery::Late);
    assert_eq!(
        observation.reregister_at(),
        Some(Instant::from_secs(40) + REORDERING_TIME)
    );
    // A notification between the request and its answer is compared with it.
    observation.on_requested();
    assert_eq!(notify(&mut observation, 60, 6), Delivery::Fresh);
    assert_eq!(answer(&mut observation, 60, Some(5)), Delivery::Late);
}

#[test]
fn responses_that_end_it() {
    for (code, number) in [
        (Code::CONTENT, None),
        (Code::NOT_FOUND, None),
        // A non-2.xx response has no Observe option; one with it ends the observation all the same.
        (Code::NOT_ACCEPTABLE, Some(9)),
    ] {
        let mut observation = Observation::new();
        assert_eq!(answer(&mut observation, 0, Some(7)), Delivery::Fresh);
        assert_eq!(
            give(&mut observation, 1, Type::Confirmable, code, number, None),
            Delivery::Last
        );
        assert!(observation.is_ended());
        assert_eq!(
            (observation.fresh_until(), observation.reregister_at()),
            (None, None)
        );
    }
    let mut refused = Observation::new();
    assert_eq!(answer(&mut refused, 0, None), Delivery::Last);
    assert!(refused.is_ended());
    let mut lost = Observation::default();
    lost.on_failed();
    assert!(lost.is_ended());
    lost.on_deregister();
    lost.on_requested();
    assert!(lost.is_ended());
}

#[test]
fn deregistration_waits_for_its_answer() {
    let mut observation = Observation::new();
    assert_eq!(answer(&mut observation, 0, Some(7)), Delivery::Fresh);
    observation.on_deregister();
    assert_eq!(notify(&mut observation, 1, 8), Delivery::Late);
    assert!(!observation.is_ended());
    assert_eq!(observation.reregister_at(), None);
    assert_eq!(answer(&mut observation, 2, None), Delivery::Last);
    assert!(observation.is_ended());
}

#[test]
fn the_rest_of_a_large_notification() {
    let rest = |number, more| {
        let mut buffer = [0; 64];
        let block = Block::new(number, more, BlockSize::from_szx(3).unwrap()).unwrap();
        let bytes = MessageBuilder::new(
            &mut buffer,
            Type::Confirmable,
            Code::CONTENT,
            MessageId(1),
            TOKEN,
        )
        .observe(62354)
        .block2(block)
        .finish()
        .unwrap();
        rest_of(&Message::parse(bytes).unwrap())
    };
    let next = rest(0, true).unwrap();
    assert_eq!(
        (next.number(), next.more(), next.size().bytes()),
        (1, false, 128)
    );
    assert_eq!(rest(0, false), None);
    assert_eq!(rest(1, true), None);
}

proptest! {
    /// Whatever the order of arrival, the application ends with what was sent last, and never goes back.
    #[test]
    fn reordering_never_takes_the_state_back(
        start in 0..1_u32 << 24,
        steps in prop::collection::vec(1..1_u32 << 16, 1..40),
        shuffle in any::<u64>(),
    ) {
        let mut sent = start;
        let mut order = std::vec![(0_u32, SequenceNumber::new(start).get())];
        for (index, step) in steps.iter().enumerate() {
            sent += step;
            order.push((u32::try_from(index).unwrap() + 1, SequenceNumber::new(sent).get()));
        }
        let last = order.last().unwrap().0;
        // The answer to the registration is the first to come, the others in any order.
        let mut state = shuffle | 1;
        for index in (2..order.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let other = 1 + usize::try_from(state >> 33).unwrap() % index;
            order.swap(index, other);
        }
        let mut observation = Observation::new();
        let mut seen = 0;
        for (at, (index, number)) in order.iter().enumerate() {
            let delivery = notify(&mut observation, u64::try_from(at).unwrap(), *number);
            if delivery == Delivery::Fresh {
                prop_assert!(at == 0 || *index > seen);
                seen = *index;
            }
        }
        prop_assert_eq!(seen, last);
    }
}
