//! A store that fails, and one that recovers.

use super::*;
use crate::Attributes;

#[test]
fn a_failing_store_refuses_registrations_and_recovers_by_itself() {
    let mut bench = Bench::new();
    let location = bench.device("known", 1);
    bench.storage = Storage::Fails;
    let answer = bench.exchange(peer(2), &register(1, &["ep=new", "lt=60"], "</3/0>"));
    assert_eq!(
        (answer.code, answer.uint(OptionNumber::MAX_AGE)),
        (Code::SERVICE_UNAVAILABLE, Some(5))
    );
    assert!(bench.shard.device("new").is_none());
    assert!(
        bench.events.iter().any(
            |event| matches!(event, Event::StoreFailing { reason } if reason.contains("full"))
        )
    );
    assert!(bench.shard.metrics().store.failing);

    // While it fails nothing is even tried.
    let failures = bench.shard.metrics().store.failures;
    let answer = bench.exchange(peer(2), &register(2, &["ep=new", "lt=60"], "</3/0>"));
    assert_eq!(answer.code, Code::SERVICE_UNAVAILABLE);
    assert_eq!(bench.shard.metrics().store.failures, failures);

    // Known devices go on: refreshes, a new address, commands.
    assert_eq!(
        bench
            .exchange(peer(1), &update(500, &location, &[], ""))
            .code,
        Code::CHANGED
    );
    assert_eq!(
        bench
            .exchange(peer(3), &update(501, &location, &[], ""))
            .code,
        Code::CHANGED
    );
    bench.read("known", "/3/0/9");
    let request = bench.next_to(peer(3));
    bench.input(peer(3), &reply(&request, Code::CONTENT, &[TEXT], b"5"));
    bench.result().unwrap();
    // But a change of the registration is refused and leaves no trace.
    assert_eq!(
        bench
            .exchange(peer(3), &update(502, &location, &["lt=60"], ""))
            .code,
        Code::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        bench.shard.device("known").unwrap().registration.lifetime,
        300
    );

    bench.pass(Duration::from_secs(20));
    let failures = bench.shard.metrics().store.failures;
    assert!(
        (3..=6).contains(&failures),
        "it is tried every 5 s, not more often: {failures}"
    );

    bench.storage = Storage::Works;
    bench.pass(Duration::from_secs(5));
    assert_eq!(bench.events.last(), Some(&Event::StoreRecovered));
    assert!(!bench.shard.metrics().store.failing);
    let answer = bench.exchange(peer(2), &register(3, &["ep=new", "lt=60"], "</3/0>"));
    assert_eq!(answer.code, Code::CREATED);
    // What could not be stored in between is stored now.
    bench.pass(Duration::from_secs(3));
    let second = bench.restart();
    assert_eq!(
        second.shard.device("known").unwrap().registration.peer,
        peer(3)
    );
    assert_eq!(second.shard.values("known").unwrap().len(), 1);
}

#[test]
fn a_failed_change_is_undone_and_the_next_one_builds_on_what_stands() {
    let mut bench = Bench::new();
    let location = bench.device("a", 1);
    bench.storage = Storage::Waits;
    bench.input(peer(1), &update(500, &location, &["lt=60"], ""));
    bench.tell_store(Storage::Fails);
    bench.drain();
    assert_eq!(bench.next_to(peer(1)).code, Code::SERVICE_UNAVAILABLE);
    bench.storage = Storage::Works;
    bench.pass(Duration::from_secs(5));
    assert_eq!(
        bench
            .exchange(peer(1), &update(501, &location, &["sms=1"], ""))
            .code,
        Code::CHANGED
    );
    let registration = bench.shard.device("a").unwrap().registration;
    assert_eq!(
        (registration.lifetime, registration.sms.as_deref()),
        (300, Some("1"))
    );
}

#[test]
fn a_device_may_leave_although_that_cannot_be_stored() {
    let mut bench = Bench::new();
    let location = bench.device("a", 1);
    bench.storage = Storage::Fails;
    assert_eq!(
        bench.exchange(peer(1), &deregister(500, &location)).code,
        Code::DELETED
    );
    bench.storage = Storage::Works;
    bench.pass(Duration::from_secs(10));
    assert_eq!(
        bench.restart().shard.device("a").unwrap().state,
        crate::DeviceState::Offline
    );
}

#[test]
fn an_observation_that_cannot_be_stored_fails_and_is_reset_at_the_device() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    bench.command(
        "a",
        Action::Observe {
            path: path("/3303/0/5700"),
            attributes: Attributes::NONE,
        },
    );
    let request = bench.next_to(peer(1));
    bench.storage = Storage::Fails;
    let values = [(OptionNumber::OBSERVE, &[1][..]), TEXT];
    bench.input(peer(1), &reply(&request, Code::CONTENT, &values, b"20"));
    assert!(matches!(
        bench.result(),
        Err(CommandError::StoreFailed { .. })
    ));
    assert!(bench.shard.observations("a").unwrap().is_empty());
    bench.input(
        peer(1),
        &message(
            Type::NonConfirmable,
            Code::CONTENT,
            9,
            request.token,
            &values,
            b"21",
        ),
    );
    assert_eq!(bench.sent.pop_front(), Some((peer(1), vec![0x70, 0, 0, 9])));
}

#[test]
fn what_was_stored_last_is_what_counts() {
    // The old registration expires while the new one waits for the store.
    let mut bench = Bench::new();
    bench.registered("a", 1, &[], "</3/0>");
    bench.pass(Duration::from_secs(392));
    bench.storage = Storage::Waits;
    bench.input(peer(2), &register(1, &["ep=a", "lt=60"], "</3/0>"));
    // Expiry at 393 s, its write behind at 395 s: behind the new registration.
    bench.pass(Duration::from_secs(5));
    assert!(bench.held.len() >= 2, "{:?}", bench.held);
    bench.tell_store(Storage::Works);
    bench.storage = Storage::Works;
    bench.drain();
    bench.pass(Duration::from_secs(3));
    let info = bench.restart().shard.device("a").unwrap();
    assert_eq!(
        (info.state, info.registration.peer),
        (crate::DeviceState::Registered, peer(2))
    );
}

#[test]
fn lifetimes_run_on_across_a_restart_with_grace() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let snapshot = bench.store.load().unwrap();
    // An hour later by the wall clock.
    let mut late = Bench::from_snapshot(Config::default(), MemoryStore::new(), snapshot);
    late.shard = Shard::new(
        Config::default(),
        [8; 32],
        bench.store.load().unwrap(),
        Instant::ZERO,
        WALL.plus_millis(3_600_000),
    );
    assert_eq!(late.shard.metrics().registrations, 1);
    late.pass(Duration::from_secs(92));
    assert_eq!(late.shard.metrics().registrations, 1);
    late.pass(Duration::from_secs(1));
    assert_eq!(late.shard.metrics().registrations, 0);
}

#[test]
fn a_full_waiting_room_refuses() {
    let mut bench = Bench::with(Config {
        max_waiting_for_store: 2,
        ..Config::default()
    });
    bench.storage = Storage::Waits;
    for last in 1..=2 {
        bench.input(
            peer(last),
            &register(1, &[&format!("ep={last}"), "lt=60"], "</3/0>"),
        );
    }
    let answer = bench.exchange(peer(3), &register(1, &["ep=3", "lt=60"], "</3/0>"));
    assert_eq!(answer.code, Code::SERVICE_UNAVAILABLE);
}

#[test]
fn an_observation_that_was_set_up_again_but_not_stored_is_set_up_once_more() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let values = [(OptionNumber::OBSERVE, &[1][..]), TEXT];
    let target = path("/3303/0/5700");
    bench.command(
        "a",
        Action::Observe {
            path: target,
            attributes: Attributes::NONE,
        },
    );
    let request = bench.next_to(peer(1));
    bench.input(peer(1), &reply(&request, Code::CONTENT, &values, b"20"));
    bench.result().unwrap();

    bench.now += Duration::from_secs(1);
    bench.input(peer(1), &register(1, &["ep=a", "lt=60"], "</3303/0>"));
    let location = bench.next_to(peer(1)).location();
    let request = bench.next_to(peer(1));
    bench.storage = Storage::Fails;
    bench.input(peer(1), &reply(&request, Code::CONTENT, &values, b"21"));
    // It is not lost: it notifies, and is set up again when the device is heard.
    let notification = message(
        Type::Confirmable,
        Code::CONTENT,
        9,
        request.token,
        &[(OptionNumber::OBSERVE, &[2]), TEXT],
        b"22",
    );
    bench.input(peer(1), &notification);
    assert_eq!(bench.sent.pop_front(), Some((peer(1), vec![0x60, 0, 0, 9])));
    bench.storage = Storage::Works;
    bench.pass(Duration::from_secs(6));
    bench.input(peer(1), &update(500, &location, &[], ""));
    assert_eq!(bench.next_to(peer(1)).code, Code::CHANGED);
    let request = bench.next_to(peer(1));
    assert_eq!(request.uint(OptionNumber::OBSERVE), Some(0));
    bench.input(peer(1), &reply(&request, Code::CONTENT, &values, b"23"));
    let observations = bench.restart().shard.observations("a").unwrap();
    assert_eq!(observations[0].token, request.token);
}

#[test]
fn a_backlog_is_written_in_parts() {
    let mut bench = Bench::new();
    for number in 0_u16..1_100 {
        let from = Peer::plain(0, ([10, 0, 0, 1], 1_000 + number).into());
        let name = format!("ep={number}");
        bench.input(from, &register(1, &[&name, "lt=60"], "</3/0>"));
    }
    bench.sent.clear();
    let commits = bench.commits;
    bench.pass(Duration::from_millis(2_000));
    assert_eq!(bench.commits, commits + 1);
    assert_eq!(bench.shard.dirty.len(), 1_100 - 1_024);
    bench.pass(Duration::from_millis(50));
    assert!(bench.shard.dirty.is_empty());
}

#[test]
fn an_update_behind_the_leave_brings_nobody_back() {
    let mut bench = Bench::new();
    let location = bench.device("a", 1);
    bench.storage = Storage::Waits;
    bench.input(peer(1), &deregister(500, &location));
    bench.input(peer(1), &update(501, &location, &["lt=60"], ""));
    bench.tell_store(Storage::Works);
    bench.storage = Storage::Works;
    bench.drain();
    assert_eq!(bench.next_to(peer(1)).code, Code::DELETED);
    assert_eq!(bench.next_to(peer(1)).code, Code::NOT_FOUND);
    bench.pass(Duration::from_secs(3));
    let mut second = bench.restart();
    assert_eq!(
        second.shard.device("a").unwrap().state,
        crate::DeviceState::Offline
    );
    // And who has left does not expire.
    second.pass(Duration::from_secs(1_000));
    assert!(second.events.is_empty(), "{:?}", second.events);
}

#[test]
fn what_could_not_be_written_behind_is_written_when_the_store_works_again() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    bench.read("a", "/3/0/9");
    let request = bench.next_to(peer(1));
    bench.input(peer(1), &reply(&request, Code::CONTENT, &[TEXT], b"5"));
    bench.storage = Storage::Fails;
    bench.pass(Duration::from_secs(3));
    assert!(bench.shard.metrics().store.failing);
    bench.storage = Storage::Works;
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.restart().shard.values("a").unwrap().len(), 1);
}
