//! The message layer: what is no request at all, duplicates, slow stores.

use super::*;

#[test]
fn a_ping_is_reset() {
    let mut bench = Bench::new();
    bench.input(peer(1), &[0x40, 0, 0x12, 0x34]);
    assert_eq!(bench.sent, [(peer(1), vec![0x70, 0, 0x12, 0x34])]);
    assert_eq!(bench.shard.metrics().pings, 1);
}

#[test]
fn malformed_confirmables_are_reset_and_the_rest_met_with_silence() {
    let mut bench = Bench::new();
    // A token length of 9, an option that goes beyond the end, a payload marker without payload.
    for tail in [
        &[0x49, 1, 0, 1][..],
        &[0x40, 1, 0, 1, 0x4f],
        &[0x40, 1, 0, 1, 0xff],
    ] {
        bench.input(peer(1), tail);
        assert_eq!(
            bench.sent.pop_front(),
            Some((peer(1), vec![0x70, 0, 0, 1])),
            "{tail:?}"
        );
        let mut unconfirmed = tail.to_vec();
        unconfirmed[0] |= 0x10;
        bench.input(peer(1), &unconfirmed);
    }
    // Too short, of another version, of a reserved class, a request in an Acknowledgement, an empty Non-confirmable.
    for nothing in [
        &[][..],
        &[0x40, 1, 0],
        &[0x80, 1, 0, 1],
        &[0x50, 0x20, 0, 1],
        &[0x60, 1, 0, 1],
        &[0x50, 0, 0, 1],
    ] {
        bench.input(peer(1), nothing);
        assert!(bench.silent(), "{nothing:?}");
    }
    let metrics = bench.shard.metrics();
    let counts: Vec<_> = metrics
        .malformed
        .iter()
        .map(|entry| (entry.why.name(), entry.count))
        .collect();
    assert_eq!(
        counts,
        [
            ("header", 3),
            ("confirmable", 3),
            ("other", 3),
            ("code", 3),
            ("critical_option", 0)
        ]
    );
    assert_eq!(metrics.datagrams_in, 12);
}

#[test]
fn a_duplicate_gets_the_same_answer_and_is_not_processed() {
    let mut bench = Bench::new();
    let request = register(7, &["ep=a", "lt=60"], "</3/0>");
    bench.input(peer(1), &request);
    let (_, first) = bench.sent.pop_front().unwrap();
    for _ in 0..3 {
        bench.input(peer(1), &request);
        assert_eq!(bench.sent.pop_front().unwrap().1, first);
    }
    // The same message id from another device is another request.
    let other = bench.exchange(peer(2), &register(7, &["ep=b", "lt=60"], "</3/0>"));
    assert_ne!(other.location(), Parsed::of(&first).location());
    assert_eq!(bench.commits, 2);
    assert_eq!(bench.shard.metrics().duplicates, 3);
    // After EXCHANGE_LIFETIME it is a new request.
    bench.pass(Duration::from_secs(248));
    assert_ne!(
        bench.exchange(peer(1), &request).location(),
        Parsed::of(&first).location()
    );
}

#[test]
fn a_request_that_waits_for_the_store_is_acknowledged_and_answered_separately() {
    let mut bench = Bench::new();
    bench.storage = Storage::Waits;
    let request = register(7, &["ep=a", "lt=60"], "</3/0>");
    bench.input(peer(1), &request);
    bench.pass(Duration::from_millis(999));
    assert!(bench.silent());
    assert!(
        bench.shard.device("a").is_none(),
        "nothing is known before it is stored"
    );
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.sent.pop_front(), Some((peer(1), vec![0x60, 0, 0, 7])));
    // A duplicate is acknowledged again.
    bench.input(peer(1), &request);
    assert_eq!(bench.sent.pop_front(), Some((peer(1), vec![0x60, 0, 0, 7])));

    bench.tell_store(Storage::Works);
    bench.drain();
    let answer = bench.next_to(peer(1));
    assert_eq!(
        (answer.kind, answer.code),
        (Type::Confirmable, Code::CREATED)
    );
    assert_eq!(answer.token, Token::from([1, 2, 3, 4]));
    // It is sent again until it is acknowledged, and then no more.
    bench.pass(Duration::from_secs(3));
    assert_eq!(bench.next_to(peer(1)), answer);
    let [high, low] = answer.id.0.to_be_bytes();
    bench.input(peer(1), &[0x60, 0, high, low]);
    bench.storage = Storage::Works;
    bench.pass(Duration::from_secs(50));
    assert!(bench.silent());
}

#[test]
fn a_separate_answer_is_given_up_after_the_last_retransmission() {
    let mut bench = Bench::new();
    bench.storage = Storage::Waits;
    bench.input(peer(1), &register(7, &["ep=a", "lt=600"], "</3/0>"));
    bench.pass(Duration::from_secs(1));
    bench.tell_store(Storage::Works);
    bench.storage = Storage::Works;
    bench.drain();
    bench.pass(Duration::from_secs(200));
    // The acknowledgement, the answer and its four repetitions.
    assert_eq!(bench.sent.len(), 6);
    assert!(bench.shard.separate.is_empty());
    assert_eq!(bench.shard.metrics().give_ups, 1);
}

#[test]
fn a_non_confirmable_request_gets_a_non_confirmable_answer_once() {
    let mut bench = Bench::new();
    let mut request = register(7, &["ep=a", "lt=60"], "</3/0>");
    request[0] |= 0x10;
    let answer = bench.exchange(peer(1), &request);
    assert_eq!(
        (answer.kind, answer.code),
        (Type::NonConfirmable, Code::CREATED)
    );
    bench.input(peer(1), &request);
    assert!(bench.silent());
}

#[test]
fn the_server_describes_itself() {
    let mut bench = Bench::new();
    let core: &[(OptionNumber, &[u8])] = &[
        (OptionNumber::URI_PATH, b".well-known"),
        (OptionNumber::URI_PATH, b"core"),
    ];
    let get = |id, more: &[(OptionNumber, &[u8])]| {
        message(
            Type::Confirmable,
            Code::GET,
            id,
            [9; 4],
            &[core, more].concat(),
            &[],
        )
    };
    let answer = bench.exchange(peer(1), &get(1, &[]));
    assert_eq!(
        (answer.code, answer.uint(OptionNumber::CONTENT_FORMAT)),
        (Code::CONTENT, Some(40))
    );
    assert_eq!(answer.text(), "</rd>;rt=\"oma.lwm2m\"");
    let answer = bench.exchange(peer(1), &get(2, &[(OptionNumber::ACCEPT, &[50])]));
    assert_eq!(answer.code, Code::NOT_ACCEPTABLE);
    // In blocks of 16 bytes.
    let answer = bench.exchange(peer(1), &get(3, &[(OptionNumber::BLOCK2, &[0x10])]));
    assert_eq!(
        (
            answer.block(OptionNumber::BLOCK2).as_deref(),
            answer.text().as_str()
        ),
        (Some("1/0/16"), "m2m\"")
    );
    let post = message(Type::Confirmable, Code::POST, 4, [9; 4], core, &[]);
    assert_eq!(
        bench.exchange(peer(1), &post).code,
        Code::METHOD_NOT_ALLOWED
    );
}
