//! Register, Update, De-register, lifetimes, and every wrong request.

use super::*;
use crate::{ContentFormat, DeviceState, LwM2mVersion};

#[test]
fn a_device_registers() {
    let mut bench = Bench::new();
    bench.pass(Duration::from_secs(5));
    let query = [
        "ep=urn:dev:1",
        "lt=60",
        "lwm2m=1.1",
        "b=UT",
        "Q",
        "sms=351900",
    ];
    let links = "</>;ct=112,</1/0>,</3/0>;ver=1.2,</3303>";
    let answer = bench.exchange(peer(1), &register(1, &query, links));
    assert_eq!(
        (answer.kind, answer.code, answer.id),
        (Type::Acknowledgement, Code::CREATED, MessageId(1))
    );
    let location = answer.location();
    assert_eq!(
        (location.len(), location[0].as_str(), location[1].len()),
        (2, "rd", 11)
    );

    let info = bench.shard.device("urn:dev:1").unwrap();
    assert_eq!(info.state, DeviceState::Registered);
    assert_eq!(info.expires_at, Some(WALL.plus_millis(65_000)));
    let registration = &info.registration;
    assert_eq!(registration.peer, peer(1));
    assert_eq!(
        (registration.lifetime, registration.version),
        (60, LwM2mVersion::V1_1)
    );
    assert_eq!(
        (
            registration.binding.to_string().as_str(),
            registration.queue_mode
        ),
        ("UT", true)
    );
    assert_eq!(registration.sms.as_deref(), Some("351900"));
    assert_eq!(registration.formats, [ContentFormat::SENML_CBOR]);
    let paths: Vec<_> = registration
        .links
        .iter()
        .map(|link| link.path.to_string())
        .collect();
    assert_eq!(paths, ["/1/0", "/3/0", "/3303"]);
    assert_eq!(
        bench.events,
        [Event::Registered {
            endpoint: "urn:dev:1".into()
        }]
    );
    assert!(
        !format!("{registration:?}").contains(&location[1]),
        "the location is a secret"
    );
}

#[test]
fn wrong_requests_get_the_right_codes() {
    let rd: (OptionNumber, &[u8]) = (OptionNumber::URI_PATH, b"rd");
    let query = |item: &'static str| (OptionNumber::URI_QUERY, item.as_bytes());
    let format = (OptionNumber::CONTENT_FORMAT, &[40][..]);
    let ok = [rd, format, query("ep=a"), query("lt=60")];
    let cases: Vec<(&str, Code, Vec<Written<'_>>, &str, Code)> = vec![
        (
            "no ep",
            Code::POST,
            vec![rd, format, query("lt=60")],
            "</3>",
            Code::BAD_REQUEST,
        ),
        (
            "empty ep",
            Code::POST,
            vec![rd, format, query("ep=")],
            "</3>",
            Code::BAD_REQUEST,
        ),
        (
            "bad lt",
            Code::POST,
            vec![rd, format, query("ep=a"), query("lt=soon")],
            "</3>",
            Code::BAD_REQUEST,
        ),
        (
            "unknown parameter",
            Code::POST,
            [&ok[..], &[query("x=1")]].concat(),
            "</3>",
            Code::BAD_REQUEST,
        ),
        (
            "bad link format",
            Code::POST,
            ok.to_vec(),
            "</3>,3/0",
            Code::BAD_REQUEST,
        ),
        (
            "version",
            Code::POST,
            [&ok[..], &[query("lwm2m=2.0")]].concat(),
            "</3>",
            Code::PRECONDITION_FAILED,
        ),
        (
            "profile",
            Code::POST,
            [&ok[..], &[query("pid=6:27354b9a")]].concat(),
            "",
            Code::CONFLICT,
        ),
        (
            "content format",
            Code::POST,
            vec![
                rd,
                (OptionNumber::CONTENT_FORMAT, &[50]),
                query("ep=a"),
                query("lt=60"),
            ],
            "</3>",
            Code::UNSUPPORTED_CONTENT_FORMAT,
        ),
        (
            "unknown critical option",
            Code::POST,
            [&ok[..], &[(OptionNumber(2051), b"")]].concat(),
            "</3>",
            Code::BAD_OPTION,
        ),
        (
            "If-Match",
            Code::POST,
            [&[(OptionNumber::IF_MATCH, &b"1"[..])], &ok[..]].concat(),
            "</3>",
            Code::BAD_OPTION,
        ),
        (
            "proxy",
            Code::GET,
            vec![(OptionNumber::PROXY_URI, b"coap://x")],
            "",
            Code::PROXYING_NOT_SUPPORTED,
        ),
        (
            "path",
            Code::POST,
            vec![(OptionNumber::URI_PATH, b"nothing")],
            "",
            Code::NOT_FOUND,
        ),
        ("no path", Code::GET, vec![], "", Code::NOT_FOUND),
        ("method", Code::GET, vec![rd], "", Code::METHOD_NOT_ALLOWED),
        (
            "method at a location",
            Code::PUT,
            vec![rd, (OptionNumber::URI_PATH, b"x")],
            "",
            Code::METHOD_NOT_ALLOWED,
        ),
        (
            "registration",
            Code::POST,
            vec![rd, (OptionNumber::URI_PATH, b"AAAAAAAAAAA")],
            "",
            Code::NOT_FOUND,
        ),
        (
            "registration",
            Code::DELETE,
            vec![rd, (OptionNumber::URI_PATH, b"../../etc")],
            "",
            Code::NOT_FOUND,
        ),
    ];
    let mut bench = Bench::new();
    for (id, (name, code, options, payload, expected)) in (1..).zip(cases) {
        let request = message(
            Type::Confirmable,
            code,
            id,
            [5; 4],
            &options,
            payload.as_bytes(),
        );
        let answer = bench.exchange(peer(1), &request);
        assert_eq!(answer.code, expected, "{name}: {}", answer.text());
        assert_eq!(
            (answer.kind, answer.id.0, answer.token),
            (Type::Acknowledgement, id, Token::from([5; 4]))
        );
    }
    assert_eq!(bench.commits, 0);
    assert!(bench.events.is_empty());
    // A Non-confirmable request with an unknown critical option is rejected in silence.
    let request = message(
        Type::NonConfirmable,
        Code::POST,
        99,
        [5; 4],
        &[&ok[..], &[(OptionNumber(2051), b"")]].concat(),
        b"</3>",
    );
    bench.input(peer(1), &request);
    assert!(bench.silent());
    // An unknown elective option is not an error.
    let elective = [&ok[..], &[(OptionNumber(2050), &b""[..])]].concat();
    let request = message(
        Type::Confirmable,
        Code::POST,
        100,
        [5; 4],
        &elective,
        b"</3>",
    );
    assert_eq!(bench.exchange(peer(1), &request).code, Code::CREATED);
    let counted: u64 = bench
        .shard
        .metrics()
        .requests
        .iter()
        .map(|entry| entry.count)
        .sum();
    assert_eq!(counted, 18);
}

#[test]
fn an_update_refreshes_or_changes_and_a_late_one_finds_nothing() {
    let mut bench = Bench::new();
    let location = bench.device("a", 1);
    let commits = bench.commits;
    bench.pass(Duration::from_secs(200));
    bench.storage = Storage::Waits;
    // A refresh does not wait for the store.
    let answer = bench.exchange(peer(1), &update(500, &location, &[], ""));
    assert_eq!(answer.code, Code::CHANGED);
    assert_eq!(
        bench.shard.device("a").unwrap().expires_at,
        Some(WALL.plus_millis(500_000))
    );
    // A change does.
    bench.input(
        peer(1),
        &update(501, &location, &["lt=60", "b=U", "Q"], "</3/0>,</4>"),
    );
    assert!(bench.silent());
    assert_eq!(bench.shard.device("a").unwrap().registration.lifetime, 300);
    bench.tell_store(Storage::Works);
    bench.storage = Storage::Works;
    bench.drain();
    assert_eq!(bench.next_to(peer(1)).code, Code::CHANGED);
    let info = bench.shard.device("a").unwrap();
    assert_eq!(
        (info.registration.lifetime, info.registration.queue_mode),
        (60, true)
    );
    assert_eq!(info.registration.links.len(), 2);
    assert!(bench.commits > commits);
    // 60 s of lifetime and 93 s of grace.
    bench.pass(Duration::from_millis(152_999));
    assert_ne!(bench.shard.device("a").unwrap().state, DeviceState::Offline);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.shard.device("a").unwrap().state, DeviceState::Offline);
    assert_eq!(
        bench.events.last(),
        Some(&Event::Expired {
            endpoint: "a".into()
        })
    );
    assert_eq!(
        bench
            .exchange(peer(1), &update(502, &location, &[], ""))
            .code,
        Code::NOT_FOUND
    );
    assert_eq!(bench.shard.metrics().registrations, 0);
}

#[test]
fn updates_that_wait_together_are_all_kept() {
    let mut bench = Bench::new();
    let location = bench.device("a", 1);
    bench.storage = Storage::Waits;
    bench.input(peer(1), &update(500, &location, &["lt=60"], ""));
    bench.input(peer(1), &update(501, &location, &["sms=1"], ""));
    bench.tell_store(Storage::Works);
    bench.storage = Storage::Works;
    bench.drain();
    let registration = bench.shard.device("a").unwrap().registration;
    assert_eq!(
        (registration.lifetime, registration.sms.as_deref()),
        (60, Some("1"))
    );
    assert_eq!(
        bench.restart().shard.device("a").unwrap().registration,
        registration
    );
}

#[test]
fn a_lifetime_of_zero_never_ends() {
    let mut bench = Bench::new();
    bench.exchange(
        peer(1),
        &register(1, &["ep=a", "lt=0", "lwm2m=1.1"], "</3/0>"),
    );
    bench.pass(Duration::from_secs(10_000_000));
    let info = bench.shard.device("a").unwrap();
    assert_eq!(
        (info.state, info.expires_at),
        (DeviceState::Registered, None)
    );
}

#[test]
fn a_device_that_registers_again_replaces_itself() {
    let mut bench = Bench::new();
    let first = bench.device("a", 1);
    let second = bench.device("a", 2);
    assert_ne!(first, second);
    assert_eq!(
        bench.exchange(peer(1), &update(500, &first, &[], "")).code,
        Code::NOT_FOUND
    );
    assert_eq!(
        bench.exchange(peer(2), &update(501, &second, &[], "")).code,
        Code::CHANGED
    );
    assert_eq!(bench.shard.device("a").unwrap().registration.peer, peer(2));
    let metrics = bench.shard.metrics();
    assert_eq!(
        (metrics.devices, metrics.registrations, metrics.registered),
        (1, 1, 2)
    );
    assert_eq!(bench.shard.by_location.len(), 1);
}

#[test]
fn an_update_from_a_new_address_moves_the_device() {
    let mut bench = Bench::new();
    let location = bench.device("a", 1);
    assert_eq!(
        bench
            .exchange(peer(9), &update(500, &location, &[], ""))
            .code,
        Code::CHANGED
    );
    bench.read("a", "/3/0/9");
    assert_eq!(bench.next_to(peer(9)).uri(), "/3/0/9");
    assert_eq!(
        bench.restart().shard.device("a").unwrap().registration.peer,
        peer(9)
    );
}

#[test]
fn a_device_leaves() {
    let mut bench = Bench::new();
    let location = bench.device("a", 1);
    bench.read("a", "/3/0/9");
    bench.sent.clear();
    assert_eq!(
        bench.exchange(peer(1), &deregister(500, &location)).code,
        Code::DELETED
    );
    assert!(matches!(
        bench.result(),
        Err(CommandError::NotConnected { .. })
    ));
    bench.read("a", "/3/0/9");
    assert!(matches!(
        bench.result(),
        Err(CommandError::NotConnected { .. })
    ));
    bench.read("b", "/3/0/9");
    assert!(matches!(
        bench.result(),
        Err(CommandError::UnknownDevice { .. })
    ));
    assert_eq!(
        bench.exchange(peer(1), &deregister(501, &location)).code,
        Code::NOT_FOUND
    );
    assert_eq!(
        bench.restart().shard.device("a").unwrap().state,
        DeviceState::Offline
    );
    assert!(bench.shard.in_flight.is_empty() && bench.shard.by_token.is_empty());
}

#[test]
fn a_registration_arrives_in_blocks() {
    let mut bench = Bench::new();
    let links = (0..20)
        .map(|instance| format!("</3303/{instance}>"))
        .collect::<Vec<_>>()
        .join(",");
    let block = |id: u16, number: u32, more: bool, payload: &[u8]| {
        let block = [u8::try_from(number << 4 | u32::from(more) << 3 | 2).unwrap()];
        let options: Vec<(OptionNumber, &[u8])> = vec![
            (OptionNumber::URI_PATH, b"rd"),
            (OptionNumber::CONTENT_FORMAT, &[40]),
            (OptionNumber::URI_QUERY, b"ep=a"),
            (OptionNumber::URI_QUERY, b"lt=60"),
            (OptionNumber::BLOCK1, &block),
        ];
        message(Type::Confirmable, Code::POST, id, [8; 4], &options, payload)
    };
    // A block that has no beginning.
    assert_eq!(
        bench
            .exchange(peer(1), &block(1, 2, true, &[b'x'; 64]))
            .code,
        Code::REQUEST_ENTITY_INCOMPLETE
    );
    let chunks: Vec<_> = links.as_bytes().chunks(64).collect();
    for (number, chunk) in (0_u32..).zip(&chunks) {
        let more = usize::try_from(number).unwrap() + 1 < chunks.len();
        let answer = bench.exchange(
            peer(1),
            &block(10 + u16::try_from(number).unwrap(), number, more, chunk),
        );
        assert_eq!(
            answer.code,
            if more { Code::CONTINUE } else { Code::CREATED },
            "{}",
            answer.text()
        );
        assert_eq!(
            answer.block(OptionNumber::BLOCK1),
            Some(format!("{number}/{}/64", u8::from(more)))
        );
    }
    assert_eq!(
        bench.shard.device("a").unwrap().registration.links.len(),
        20
    );
    assert_eq!(bench.shard.upload_count(), 0);
    // One that stops half way is forgotten.
    assert_eq!(
        bench.exchange(peer(2), &block(50, 0, true, chunks[0])).code,
        Code::CONTINUE
    );
    assert_eq!(bench.shard.upload_count(), 1);
    bench.pass(Duration::from_secs(300));
    assert_eq!(bench.shard.upload_count(), 0);
}

#[test]
fn an_object_list_that_is_too_long_is_refused() {
    let mut bench = Bench::with(Config {
        max_registration_size: 100,
        ..Config::default()
    });
    let links = (0..20)
        .map(|instance| format!("</3303/{instance}>"))
        .collect::<Vec<_>>()
        .join(",");
    let answer = bench.exchange(peer(1), &register(1, &["ep=a", "lt=60"], &links));
    assert_eq!(
        (answer.code, answer.uint(OptionNumber::SIZE1)),
        (Code::REQUEST_ENTITY_TOO_LARGE, Some(100))
    );
}

#[test]
fn devices_are_listed_in_order_and_in_pages() {
    let mut bench = Bench::new();
    for (name, last) in [("node-c", 3), ("node-a", 1), ("other", 4), ("node-b", 2)] {
        bench.device(name, last);
    }
    let filter = crate::manager::Filter {
        containing: "node".to_owned(),
        offset: 1,
        limit: Some(1),
    };
    let page = bench.shard.devices(&filter);
    assert_eq!(page.total, 3);
    assert_eq!(
        page.devices
            .iter()
            .map(|device| &*device.endpoint)
            .collect::<Vec<_>>(),
        ["node-b"]
    );
}

#[test]
fn no_more_devices_than_the_limit() {
    let mut bench = Bench::with(Config {
        max_devices: 1,
        ..Config::default()
    });
    bench.device("a", 1);
    let answer = bench.exchange(peer(2), &register(1, &["ep=b", "lt=60"], "</3/0>"));
    assert_eq!(
        (answer.code, answer.uint(OptionNumber::MAX_AGE)),
        (Code::SERVICE_UNAVAILABLE, Some(5))
    );
    bench.now += Duration::from_secs(1);
    bench.device("a", 1);
}

/// RFC 9175 §3.3: bodies with different Request-Tags are different operations.
#[test]
fn request_tags_keep_uploads_apart() {
    let mut bench = Bench::new();
    let mut block = |id: u16, value: u8, tag: &[u8], payload: &[u8]| {
        let value = [value];
        let options: [Written<'_>; 6] = [
            (OptionNumber::URI_PATH, b"rd"),
            (OptionNumber::CONTENT_FORMAT, &[40]),
            (OptionNumber::URI_QUERY, b"ep=a"),
            (OptionNumber::URI_QUERY, b"lt=60"),
            (OptionNumber::BLOCK1, &value),
            (OptionNumber::REQUEST_TAG, tag),
        ];
        let request = message(Type::Confirmable, Code::POST, id, [8; 4], &options, payload);
        bench.exchange(peer(1), &request).code
    };
    assert_eq!(block(1, 0x08, b"1", b"</3303/0>,</3/0>"), Code::CONTINUE);
    assert_eq!(block(2, 0x08, b"2", b"</3304/0>,</1/0>"), Code::CONTINUE);
    assert_eq!(
        block(3, 0x10, b"3", b",</4/0>"),
        Code::REQUEST_ENTITY_INCOMPLETE
    );
    assert_eq!(block(4, 0x10, b"1", b",</5/0>"), Code::CREATED);
    assert_eq!(block(5, 0x10, b"2", b",</6/0>"), Code::CREATED);
}

#[test]
fn the_upload_that_was_silent_for_the_longest_time_makes_room() {
    let mut bench = Bench::with(Config {
        max_uploads: 2,
        ..Config::default()
    });
    let block = |id: u16, number: u8| {
        let block = [number << 4 | 8];
        let options: [Written<'_>; 5] = [
            (OptionNumber::URI_PATH, b"rd"),
            (OptionNumber::CONTENT_FORMAT, &[40]),
            (OptionNumber::URI_QUERY, b"ep=a"),
            (OptionNumber::URI_QUERY, b"lt=60"),
            (OptionNumber::BLOCK1, &block),
        ];
        message(
            Type::Confirmable,
            Code::POST,
            id,
            [8; 4],
            &options,
            b"</3303/0>,</3/0>",
        )
    };
    for last in 1..=3 {
        assert_eq!(
            bench.exchange(peer(last), &block(1, 0)).code,
            Code::CONTINUE
        );
        bench.pass(Duration::from_secs(1));
        assert!(bench.shard.upload_count() <= 2);
    }
    assert_eq!(bench.exchange(peer(3), &block(2, 1)).code, Code::CONTINUE);
    assert_eq!(bench.exchange(peer(2), &block(2, 1)).code, Code::CONTINUE);
    assert_eq!(
        bench.exchange(peer(1), &block(2, 1)).code,
        Code::REQUEST_ENTITY_INCOMPLETE
    );
}
