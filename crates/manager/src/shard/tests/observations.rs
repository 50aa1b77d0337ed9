//! Observations and notifications.

use super::*;
use crate::{Attributes, ObservationState, OwnedValue};

const NODE: &str = "/3303/0/5700";

fn observe(bench: &mut Bench, attributes: Attributes) -> CommandId {
    bench.command(
        "a",
        Action::Observe {
            path: path(NODE),
            attributes,
        },
    )
}

/// Observes the node and gives the device's view of the request.
fn observed(bench: &mut Bench) -> Parsed {
    observe(bench, Attributes::NONE);
    let request = bench.next_to(peer(1));
    assert_eq!(
        (request.code, request.uint(OptionNumber::OBSERVE)),
        (Code::GET, Some(0))
    );
    assert_eq!(request.uri(), NODE);
    bench.input(
        peer(1),
        &reply(
            &request,
            Code::CONTENT,
            &[(OptionNumber::OBSERVE, &[10]), TEXT],
            b"20.5",
        ),
    );
    assert!(matches!(bench.result(), Ok(Outcome::Observing { .. })));
    request
}

fn notification(kind: Type, id: u16, token: Token, number: u8, text: &str) -> Vec<u8> {
    message(
        kind,
        Code::CONTENT,
        id,
        token,
        &[(OptionNumber::OBSERVE, &[number]), TEXT],
        text.as_bytes(),
    )
}

/// The values of all notifications so far.
fn notified(bench: &Bench) -> Vec<f64> {
    let values = bench.events.iter().filter_map(|event| match event {
        Event::Notification { records, .. } => records.value()?.as_f64(),
        _ => None,
    });
    values.collect()
}

#[test]
fn attributes_are_attached_before_the_observation_starts() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    observe(
        &mut bench,
        Attributes {
            pmin: Some(10),
            pmax: Some(300),
            ..Attributes::NONE
        },
    );
    let request = bench.next_to(peer(1));
    assert_eq!((request.code, request.uri().as_str()), (Code::PUT, NODE));
    assert_eq!(
        request.texts(OptionNumber::URI_QUERY),
        ["pmin=10", "pmax=300"]
    );
    bench.input(peer(1), &reply(&request, Code::CHANGED, &[], &[]));
    let request = bench.next_to(peer(1));
    assert_eq!(
        (request.code, request.uint(OptionNumber::OBSERVE)),
        (Code::GET, Some(0))
    );
    assert!(request.texts(OptionNumber::URI_QUERY).is_empty());
    bench.input(
        peer(1),
        &reply(
            &request,
            Code::CONTENT,
            &[(OptionNumber::OBSERVE, &[10]), TEXT],
            b"20.5",
        ),
    );
    let Ok(Outcome::Observing {
        observation,
        records,
    }) = bench.result()
    else {
        panic!()
    };
    assert_eq!(
        (observation.path, observation.state),
        (path(NODE), ObservationState::Active)
    );
    assert_eq!(observation.attributes.pmax, Some(300));
    assert_eq!(records[0].value, OwnedValue::Float(20.5));
    assert_eq!(
        bench.shard.values("a").unwrap()[0].value,
        OwnedValue::Float(20.5)
    );
}

#[test]
fn notifications_come_in_order_and_confirmable_ones_are_acknowledged() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let token = observed(&mut bench).token;
    bench.input(
        peer(1),
        &notification(Type::NonConfirmable, 100, token, 12, "22"),
    );
    assert!(bench.silent());
    // An older one that was under way for longer.
    bench.input(
        peer(1),
        &notification(Type::NonConfirmable, 101, token, 11, "21"),
    );
    let confirmable = notification(Type::Confirmable, 102, token, 13, "23");
    for _ in 0..2 {
        bench.input(peer(1), &confirmable);
        assert_eq!(
            bench.sent.pop_front(),
            Some((peer(1), vec![0x60, 0, 0, 102]))
        );
    }
    assert_eq!(notified(&bench), [22.0, 23.0]);
    // After 128 s the number says nothing any more.
    bench.pass(Duration::from_secs(129));
    bench.input(
        peer(1),
        &notification(Type::NonConfirmable, 103, token, 3, "24"),
    );
    assert_eq!(notified(&bench), [22.0, 23.0, 24.0]);
    let metrics = bench.shard.metrics();
    assert_eq!(
        (
            metrics.notifications,
            metrics.notifications_old,
            metrics.observations
        ),
        (3, 1, 1)
    );
    assert_eq!(
        bench.shard.observations("a").unwrap()[0].notified_at,
        Some(WALL.plus_millis(129_000))
    );
}

#[test]
fn a_notification_that_nobody_asked_for_is_reset() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let token = observed(&mut bench).token;
    for kind in [Type::NonConfirmable, Type::Confirmable] {
        bench.input(peer(1), &notification(kind, 7, Token::from([9; 8]), 1, "1"));
        assert_eq!(bench.sent.pop_front(), Some((peer(1), vec![0x70, 0, 0, 7])));
    }
    // Nor may another device use the token.
    bench.input(
        peer(2),
        &notification(Type::NonConfirmable, 8, token, 20, "1"),
    );
    assert_eq!(bench.sent.pop_front(), Some((peer(2), vec![0x70, 0, 0, 8])));
    assert!(notified(&bench).is_empty());
    assert_eq!(bench.shard.metrics().notifications_unknown, 3);
}

#[test]
fn an_observation_survives_a_restart() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let token = observed(&mut bench).token;
    let mut second = bench.restart();
    assert_eq!(second.shard.observations("a").unwrap().len(), 1);
    second.input(
        peer(1),
        &notification(Type::Confirmable, 100, token, 11, "21"),
    );
    assert_eq!(second.sent, [(peer(1), vec![0x60, 0, 0, 100])]);
    assert_eq!(notified(&second), [21.0]);
    // And the device takes orders without registering again.
    second.sent.clear();
    second.read("a", "/3/0/9");
    assert_eq!(second.next_to(peer(1)).uri(), "/3/0/9");
}

#[test]
fn an_observation_is_set_up_again_after_the_device_registered_again() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    observe(
        &mut bench,
        Attributes {
            pmin: Some(5),
            ..Attributes::NONE
        },
    );
    let request = bench.next_to(peer(1));
    bench.input(peer(1), &reply(&request, Code::CHANGED, &[], &[]));
    let first = bench.next_to(peer(1));
    bench.input(
        peer(1),
        &reply(
            &first,
            Code::CONTENT,
            &[(OptionNumber::OBSERVE, &[1]), TEXT],
            b"20",
        ),
    );
    bench.result().unwrap();

    bench.now += Duration::from_secs(1);
    bench.input(peer(2), &register(1, &["ep=a", "lt=60"], "</3303/0>"));
    assert_eq!(bench.next_to(peer(2)).code, Code::CREATED);
    let request = bench.next_to(peer(2));
    assert_eq!(request.texts(OptionNumber::URI_QUERY), ["pmin=5"]);
    bench.input(peer(2), &reply(&request, Code::CHANGED, &[], &[]));
    let second = bench.next_to(peer(2));
    assert_eq!(second.uint(OptionNumber::OBSERVE), Some(0));
    assert_ne!(second.token, first.token);
    bench.input(
        peer(2),
        &reply(
            &second,
            Code::CONTENT,
            &[(OptionNumber::OBSERVE, &[1]), TEXT],
            b"21",
        ),
    );
    assert_eq!(
        notified(&bench),
        [21.0],
        "the first value is told to those who listen already"
    );
    // The old token is dead, the new one lives, here and after a restart.
    bench.input(
        peer(2),
        &notification(Type::NonConfirmable, 50, first.token, 9, "1"),
    );
    assert_eq!(
        bench.sent.pop_front(),
        Some((peer(2), vec![0x70, 0, 0, 50]))
    );
    bench.input(
        peer(2),
        &notification(Type::NonConfirmable, 51, second.token, 9, "22"),
    );
    assert_eq!(notified(&bench), [21.0, 22.0]);
    let mut third = bench.restart();
    third.input(
        peer(2),
        &notification(Type::NonConfirmable, 52, second.token, 10, "23"),
    );
    assert_eq!(notified(&third), [23.0]);
}

#[test]
fn an_observation_that_the_device_has_no_more_ends() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    observed(&mut bench);
    bench.now += Duration::from_secs(1);
    bench.input(peer(1), &register(1, &["ep=a", "lt=60"], "</3/0>"));
    bench.next_to(peer(1));
    let request = bench.next_to(peer(1));
    bench.input(peer(1), &reply(&request, Code::NOT_FOUND, &[], &[]));
    assert!(bench.shard.observations("a").unwrap().is_empty());
    let ended = bench.events.iter().any(
        |event| matches!(event, Event::ObservationEnded { reason, .. } if reason.contains("4.04")),
    );
    assert!(ended, "{:?}", bench.events);
    bench.pass(Duration::from_secs(3));
    assert!(bench.restart().shard.observations("a").unwrap().is_empty());
}

#[test]
fn a_lost_observation_is_tried_again_when_the_device_is_heard() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    observed(&mut bench);
    bench.now += Duration::from_secs(1);
    let answer = {
        bench.input(peer(1), &register(1, &["ep=a", "lt=600"], "</3303/0>"));
        bench.next_to(peer(1))
    };
    bench.pass(Duration::from_secs(100));
    assert_eq!(
        bench.shard.observations("a").unwrap()[0].state,
        ObservationState::Pending
    );
    bench.sent.clear();
    bench.input(peer(1), &update(500, &answer.location(), &[], ""));
    assert_eq!(bench.next_to(peer(1)).code, Code::CHANGED);
    assert_eq!(bench.next_to(peer(1)).uint(OptionNumber::OBSERVE), Some(0));
}

#[test]
fn an_error_notification_ends_the_observation() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let token = observed(&mut bench).token;
    bench.input(
        peer(1),
        &message(Type::Confirmable, Code::NOT_FOUND, 9, token, &[], &[]),
    );
    assert_eq!(bench.sent.pop_front(), Some((peer(1), vec![0x60, 0, 0, 9])));
    assert!(bench.shard.observations("a").unwrap().is_empty());
    assert_eq!(bench.shard.metrics().observations, 0);
    assert!(bench.shard.by_token.is_empty());
}

#[test]
fn an_observation_is_cancelled() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let request = observed(&mut bench);
    bench.command("a", Action::Cancel { path: path(NODE) });
    let cancel = bench.next_to(peer(1));
    assert_eq!(
        (cancel.code, cancel.uint(OptionNumber::OBSERVE)),
        (Code::GET, Some(1))
    );
    assert_eq!((cancel.token, cancel.uri()), (request.token, request.uri()));
    assert_eq!(
        cancel.uint(OptionNumber::ACCEPT),
        request.uint(OptionNumber::ACCEPT)
    );
    bench.input(peer(1), &reply(&cancel, Code::CONTENT, &[TEXT], b"20"));
    assert_eq!(bench.result(), Ok(Outcome::Done));
    assert!(bench.shard.observations("a").unwrap().is_empty());
    assert!(bench.restart().shard.observations("a").unwrap().is_empty());
    bench.input(
        peer(1),
        &notification(Type::NonConfirmable, 9, request.token, 20, "1"),
    );
    assert_eq!(bench.sent.pop_front(), Some((peer(1), vec![0x70, 0, 0, 9])));
    bench.command("a", Action::Cancel { path: path(NODE) });
    assert!(matches!(bench.result(), Err(CommandError::Invalid { .. })));
}

#[test]
fn an_observation_of_a_device_that_is_gone_is_cancelled_too() {
    let mut bench = Bench::new();
    let location = bench.device("a", 1);
    observed(&mut bench);
    bench.exchange(peer(1), &deregister(500, &location));
    bench.command("a", Action::Cancel { path: path(NODE) });
    assert_eq!(bench.result(), Ok(Outcome::Done));
    assert!(bench.silent());
    assert!(bench.shard.observations("a").unwrap().is_empty());
}

#[test]
fn a_device_that_answers_but_does_not_observe_is_told_of() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    observe(&mut bench, Attributes::NONE);
    let request = bench.next_to(peer(1));
    bench.input(peer(1), &reply(&request, Code::CONTENT, &[TEXT], b"20"));
    assert!(matches!(
        bench.result(),
        Err(CommandError::BadAnswer { .. })
    ));
    assert!(bench.shard.observations("a").unwrap().is_empty());
}

#[test]
fn observing_again_keeps_token_and_start() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let first = observed(&mut bench);
    bench.pass(Duration::from_secs(10));
    bench.sent.clear();
    let second = observed(&mut bench);
    assert_eq!(second.token, first.token);
    let observations = bench.shard.observations("a").unwrap();
    assert_eq!((observations.len(), observations[0].started_at), (1, WALL));
    assert_eq!(bench.shard.metrics().observations, 1);
}

#[test]
fn a_long_notification_is_read_to_its_end() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let token = observed(&mut bench).token;
    let options: [(OptionNumber, &[u8]); 3] = [
        (OptionNumber::OBSERVE, &[11]),
        TEXT,
        (OptionNumber::BLOCK2, &[0x08]),
    ];
    bench.input(
        peer(1),
        &message(
            Type::NonConfirmable,
            Code::CONTENT,
            9,
            token,
            &options,
            b"21.0000000000000",
        ),
    );
    let request = bench.next_to(peer(1));
    assert_eq!(
        (request.code, request.uint(OptionNumber::OBSERVE)),
        (Code::GET, None)
    );
    assert_ne!(request.token, token);
    bench.input(
        peer(1),
        &reply(&request, Code::CONTENT, &[TEXT], b"21.00000000000001"),
    );
    assert_eq!(notified(&bench), [21.000_000_000_000_01]);
}

#[test]
fn a_device_that_moved_is_observed_anew() {
    let mut bench = Bench::new();
    let location = bench.device("a", 1);
    let first = observed(&mut bench);
    bench.input(peer(9), &update(500, &location, &[], ""));
    assert_eq!(bench.next_to(peer(9)).code, Code::CHANGED);
    let second = bench.next_to(peer(9));
    assert_eq!(second.uint(OptionNumber::OBSERVE), Some(0));
    // Until the device has answered, the old token counts.
    bench.input(
        peer(9),
        &notification(Type::NonConfirmable, 60, first.token, 30, "30"),
    );
    assert_eq!(notified(&bench), [30.0]);
}

#[test]
fn no_more_observations_than_the_limit() {
    let mut bench = Bench::with(Config {
        max_observations_per_device: 1,
        ..Config::default()
    });
    bench.device("a", 1);
    observed(&mut bench);
    bench.command(
        "a",
        Action::Observe {
            path: path("/3/0/9"),
            attributes: Attributes::NONE,
        },
    );
    assert!(matches!(bench.result(), Err(CommandError::Invalid { .. })));
}

#[test]
fn an_observation_whose_first_values_do_not_arrive_whole_is_reset() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    observe(&mut bench, Attributes::NONE);
    let first = bench.next_to(peer(1));
    let part = [
        (OptionNumber::OBSERVE, &[1][..]),
        TEXT,
        (OptionNumber::BLOCK2, &[0x08][..]),
    ];
    bench.input(peer(1), &reply(&first, Code::CONTENT, &part, &[b'1'; 16]));
    let second = bench.next_to(peer(1));
    assert_eq!(
        (
            second.uint(OptionNumber::OBSERVE),
            second.block(OptionNumber::BLOCK2).as_deref()
        ),
        (None, Some("1/0/16"))
    );
    // A notification in between is not lost to the device, but nobody has asked for it yet.
    bench.input(
        peer(1),
        &notification(Type::Confirmable, 60, first.token, 2, "2"),
    );
    assert_eq!(
        bench.sent.pop_front(),
        Some((peer(1), vec![0x60, 0, 0, 60]))
    );
    bench.input(peer(1), &reply(&second, Code::NOT_FOUND, &[], &[]));
    assert!(matches!(bench.result(), Err(CommandError::Refused { .. })));
    bench.input(
        peer(1),
        &notification(Type::Confirmable, 61, first.token, 3, "3"),
    );
    assert_eq!(
        bench.sent.pop_front(),
        Some((peer(1), vec![0x70, 0, 0, 61]))
    );
    assert!(bench.shard.by_token.is_empty() && notified(&bench).is_empty());
}
