//! What is malformed, foreign, too early or simply random.

use dunlin_agent::{Code, Config, Duration, Event};
use dunlin_coap::{Message, MessageId, OptionNumber, Type, reset};
use proptest::prelude::*;

use crate::bench::{Bench, SERVER, node};

#[test]
fn a_ping_is_answered_with_a_reset_before_and_after_registration() {
    let make: [fn() -> Bench; 2] = [Bench::new, Bench::registered];
    for mut bench in make.into_iter().map(|make| make()) {
        bench.deliver(&[0x40, 0, 0x12, 0x34]);
        assert_eq!(bench.next().0, reset(MessageId(0x1234)));
    }
}

#[test]
fn malformed_confirmable_messages_are_reset_and_others_ignored() {
    let malformed: [&[u8]; 9] = [
        b"\x41\x01\0\x07",       // token missing
        b"\x4f\x01\0\x07",       // reserved token length
        b"\x40\x01\0\x07\xf0",   // reserved delta
        b"\x40\x01\0\x07\xb5ab", // option cut off
        b"\x40\x01\0\x07\xff",   // marker without payload
        b"\x40\x00\0\x07\x01",   // Empty with content
        b"\x40\x3f\0\x07",       // reserved class
        b"\x40\xe0\0\x07",       // reserved class
        b"\x40\x01\0\x07\x0f",   // reserved length
    ];
    for bytes in malformed {
        let mut bench = Bench::registered();
        bench.deliver(bytes);
        assert_eq!(bench.next().0, reset(MessageId(7)), "{bytes:?}");
        for message_type in [0x50, 0x60, 0x70] {
            let mut other = bytes.to_vec();
            other[0] = (other[0] & 0xcf) | message_type;
            bench.deliver(&other);
            bench.expect_silence();
        }
        assert_eq!(bench.agent.counters().malformed, 4, "{bytes:?}");
    }
}

#[test]
fn what_is_too_short_or_of_another_version_is_ignored() {
    let mut bench = Bench::registered();
    for bytes in [
        &b""[..],
        b"\x40",
        b"\x40\x01\0",
        b"\x80\x01\0\x07",
        b"\x00\x00\0\x07",
    ] {
        bench.deliver(bytes);
        bench.expect_silence();
    }
    assert_eq!(bench.agent.counters().malformed, 5);
}

#[test]
fn strangers_are_not_heard() {
    let mut bench = Bench::registered();
    let request = bench.request(Code::GET, "/3/0/0").bytes();
    bench.deliver_from(SERVER + 1, &request);
    bench.expect_silence();
    let write = bench
        .request(Code::PUT, "/3/0/14")
        .payload(0, b"UTC+9")
        .bytes();
    bench.deliver_from(SERVER + 1, &write);
    bench.expect_silence();
    assert_eq!(bench.read("/3/0/14"), "UTC+0");
    assert_eq!(bench.agent.counters().strangers, 2);
}

#[test]
fn requests_before_the_registration_is_complete_are_ignored() {
    let mut bench = Bench::new();
    let request = bench.request(Code::GET, "/3/0/0");
    bench.deliver(&request.bytes());
    bench.expect_silence();
    bench.connect();
    let register = bench.next();
    bench.deliver(&request.bytes());
    bench.expect_silence();
    bench.sent.push_front((SERVER, register.0));
    bench.accept_registration();
    // The server's repetition is the first that is heard.
    bench.ask_code(&request, Code::CONTENT);
    // During an Update the registration stands, during a De-register it does not.
    bench.seconds(207);
    assert_eq!(bench.next().path(), "/rd/7");
    let request = bench.request(Code::GET, "/3/0/0");
    bench.ask_code(&request, Code::CONTENT);
    let mut bench = Bench::registered();
    bench.agent.deregister(1);
    bench.turn();
    bench.next();
    let request = bench.request(Code::GET, "/3/0/0");
    bench.deliver(&request.bytes());
    bench.expect_silence();
}

#[test]
fn unknown_critical_options_are_refused_and_elective_ones_ignored() {
    let mut bench = Bench::registered();
    for number in [
        OptionNumber::IF_MATCH,
        OptionNumber::IF_NONE_MATCH,
        OptionNumber::PROXY_URI,
        OptionNumber(2049),
    ] {
        let request = bench.request(Code::GET, "/3/0/0").option(number, b"");
        let mut non = bench.request(Code::GET, "/3/0/0").option(number, b"");
        non.message_type = Type::NonConfirmable;
        let code = bench.ask(&request).code();
        assert_eq!(code, Code::BAD_OPTION, "{number:?}");
        bench.deliver(&non.bytes());
        bench.expect_silence();
    }
    for number in [OptionNumber(2048), OptionNumber(258)] {
        let request = bench.request(Code::GET, "/3/0/0").option(number, b"x");
        bench.ask_code(&request, Code::CONTENT);
    }
    let request = bench
        .request(Code::GET, "/3/0/0")
        .option(OptionNumber::URI_HOST, b"here")
        .uint(OptionNumber::URI_PORT, 5683);
    bench.ask_code(&request, Code::CONTENT);
}

#[test]
fn responses_that_nobody_asked_for_are_rejected_or_ignored() {
    let mut bench = Bench::registered();
    bench.deliver(b"\x44\x45\0\x09abcd");
    assert_eq!(bench.next().0, reset(MessageId(9)));
    bench.deliver(b"\x54\x45\0\x0aabcd");
    bench.deliver(b"\x64\x45\0\x0babcd");
    bench.deliver(b"\x60\x00\0\x0c");
    bench.deliver(b"\x70\x00\0\x0d");
    bench.expect_silence();
    bench.deliver_from(9, b"\x54\x45\0\x0aabcd");
    bench.expect_silence();
}

#[test]
fn debug_shows_no_secrets() {
    let mut account =
        dunlin_agent::objects::SecurityAccount::no_sec(1, "coap://example.com").unwrap();
    account
        .secret_key
        .extend_from_slice(b"do not tell")
        .unwrap();
    account.identity.extend_from_slice(b"nor this").unwrap();
    let mut node = node();
    node.security.insert(0, account.clone()).unwrap();
    let bytes = format!("{:?}", b"do not tell");
    let inner = bytes.trim_matches(['[', ']']);
    for text in [
        format!("{account:?}"),
        format!("{:?}", node.security),
        format!("{account:#?}"),
    ] {
        assert!(
            !text.contains("do not tell") && !text.contains(inner) && !text.contains("nor this"),
            "{text}"
        );
        assert!(text.contains("example.com"));
    }
    let bench: Bench = Bench::with(node, Config::new("urn:dev:os:1-7"));
    assert!(!format!("{:?}", bench.agent).contains("do not"));
}

#[test]
fn lost_events_are_counted_and_the_newest_kept() {
    let mut bench = Bench::registered();
    bench.agent.set(|node| node.device.battery_level = Some(1));
    for _ in 0..5 {
        for path in ["/3/0/4", "/3/0/12"] {
            let request = bench.request(Code::POST, path);
            bench
                .agent
                .handle_input(bench.now, SERVER, &request.bytes());
            let answer = bench.agent.poll_output(&mut bench.buffer);
            assert!(matches!(answer, dunlin_agent::Output::Transmit { .. }));
        }
    }
    bench.turn();
    assert_eq!(bench.events.len(), 8);
    assert_eq!(bench.agent.counters().lost_events, 7);
    assert_eq!(
        bench.events.back(),
        Some(&Event::Executed {
            path: "/3/0/12".parse().unwrap()
        })
    );
}

/// One thing that may happen to an agent.
#[derive(Debug, Clone)]
enum Step {
    Datagram(Vec<u8>),
    /// An answer to the last message of the agent, with this code and these bytes behind the token.
    Answer(u8, Vec<u8>),
    Request {
        code: u8,
        path: Vec<u16>,
        options: Vec<(u16, Vec<u8>)>,
        payload: Vec<u8>,
        id: u16,
    },
    Pass(u64),
    Measure(f64),
    Remove(u16),
    Deregister,
    Connect,
}

fn step() -> impl Strategy<Value = Step> {
    let path = prop_oneof![
        Just(vec![3303, 0, 5700]),
        Just(vec![3, 0]),
        Just(vec![1, 0, 1]),
        Just(vec![3303]),
        Just(vec![3, 0, 7]),
        prop::collection::vec(0_u16..8, 0..5)
    ];
    let number = prop_oneof![
        Just(6_u16),
        Just(12),
        Just(15),
        Just(17),
        Just(23),
        Just(27),
        0_u16..70
    ];
    let value = prop_oneof![
        Just(b"".to_vec()),
        Just(b"pmin=1".to_vec()),
        Just(b"pmax=2".to_vec()),
        Just(vec![0x2d, 0x16]),
        Just(vec![112]),
        Just(vec![40]),
        prop::collection::vec(any::<u8>(), 0..4)
    ];
    let options = prop::collection::vec((number, value), 0..4);
    let payload = prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64).prop_map(Step::Datagram),
        (any::<u8>(), prop::collection::vec(any::<u8>(), 0..12))
            .prop_map(|(code, rest)| Step::Answer(code, rest)),
        prop_oneof![
            Just((0x41, b"\x82rd\x017".to_vec())),
            Just((0x44, vec![])),
            Just((0x84, vec![])),
            Just((0xa3, vec![]))
        ]
        .prop_map(|(code, rest)| Step::Answer(code, rest)),
        (1_u8..8, path, options, payload, 0_u16..50).prop_map(
            |(code, path, options, payload, id)| Step::Request {
                code,
                path,
                options,
                payload,
                id
            }
        ),
        (0_u64..400_000).prop_map(Step::Pass),
        (-50.0..50.0).prop_map(Step::Measure),
        (0_u16..3).prop_map(Step::Remove),
        Just(Step::Deregister),
        Just(Step::Connect),
    ]
}

fn take(bench: &mut Bench, last: &mut Vec<u8>) {
    while let Some((_, bytes)) = bench.sent.pop_front() {
        let message = Message::parse(&bytes).expect("the agent sends well-formed messages");
        assert!(bytes.len() <= bench.buffer.len());
        if message.message_type() == Type::Confirmable {
            *last = bytes;
        }
    }
    bench.events.clear();
    assert!(bench.agent.observations() <= 8);
    assert!(bench.agent.objects().temperature.len() <= 3);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever comes, the agent neither panics nor loops, sends only well-formed messages, and keeps its bounds; and
    /// in the end it still registers and answers.
    #[test]
    fn nothing_upsets_the_agent(steps in prop::collection::vec(step(), 1..60), buffer in 0_usize..1300) {
        let mut bench = Bench::registered();
        bench.buffer = vec![0; buffer];
        let mut last = Vec::new();
        for step in steps {
            match step {
                Step::Datagram(bytes) => bench.deliver(&bytes),
                Step::Answer(code, rest) => {
                    if let [first, _, high, low, token @ ..] = &last[..] {
                        let length = usize::from(first & 15);
                        let mut bytes = vec![0x60 | (first & 15), code, *high, *low];
                        bytes.extend(&token[..length]);
                        bytes.extend(rest);
                        bench.deliver(&bytes);
                    }
                }
                Step::Request { code, path, options, payload, id } => {
                    let path: String = path.iter().map(|id| format!("/{id}")).collect::<Vec<_>>().concat();
                    let mut request = bench.request(Code(code), &path);
                    request.id = MessageId(id);
                    for (number, value) in options {
                        request = request.option(OptionNumber(number), &value);
                    }
                    if !payload.is_empty() {
                        request = request.payload(11542, &payload);
                    }
                    bench.deliver(&request.bytes());
                }
                Step::Pass(millis) => bench.advance(Duration::from_millis(millis)),
                Step::Measure(value) => bench.set(|node| {
                    if let Some(sensor) = node.temperature.get_mut(0) {
                        sensor.measure(value);
                    }
                }),
                Step::Remove(id) => bench.set(|node| drop(node.temperature.remove(id))),
                Step::Deregister => {
                    bench.agent.deregister(1);
                    bench.turn();
                }
                Step::Connect => bench.connect(),
            }
            take(&mut bench, &mut last);
        }
        bench.buffer = vec![0; 1280];
        bench.seconds(100_000);
        bench.connect();
        bench.sent.drain(..bench.sent.len() - 1);
        bench.events.clear();
        bench.accept_registration();
        let request = bench.request(Code::GET, "/3/0/0");
        let mut request = request;
        request.id = MessageId(60_000);
        bench.ask_code(&request, Code::CONTENT);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_holds_under_random_scripts(
        steps in prop::collection::vec((prop::sample::select(b"aaddtmxc?".as_slice()), any::<[u8; 2]>()), 0..40),
    ) {
        let script: Vec<u8> = steps.iter().flat_map(|(step, rest)| [*step, rest[0], rest[1] & 15]).collect();
        crate::checks::engine(&script);
    }
}

#[test]
fn the_engine_holds_under_the_fuzzer_s_corpus() {
    let corpus = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fuzz/corpus/agent_engine"
    );
    let mut played = 0;
    for entry in std::fs::read_dir(corpus).expect("the corpus of the fuzz target") {
        crate::checks::engine(&std::fs::read(entry.unwrap().path()).unwrap());
        played += 1;
    }
    assert!(played > 10);
}
