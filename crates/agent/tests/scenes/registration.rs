//! Register, Update, De-register, and what goes wrong with them.

use dunlin_agent::{Code, Config, Event, Failure, LwM2mVersion};
use dunlin_coap::{OptionNumber, Type, empty_ack, reset};

use crate::bench::{Bench, Received, SERVER, node};

const LIST: &str = "</1>;ver=1.2,</1/0>,</3>;ver=1.2,</3/0>,</3303>;ver=1.1,</3303/0>,</42769>";

/// The formats of a list of links, and the list without them. Which formats there are depends on what else is compiled
/// with the agent, since a crate's features are the sum of what all want of it.
fn apart(text: &str) -> (Vec<u16>, &str) {
    let text = text.strip_prefix("</>;ct=\"").expect("a root with formats");
    let (formats, links) = text.split_once("\",").expect("links");
    let formats = formats.split(' ').map(|format| format.parse().unwrap());
    (formats.collect(), links)
}

#[test]
fn registers_with_everything_a_server_needs() {
    let mut bench = Bench::new();
    bench.expect_silence();
    bench.connect();
    let register = bench.accept_registration();
    assert_eq!(register.message().message_type(), Type::Confirmable);
    assert_eq!(register.path(), "/rd");
    assert_eq!(
        register.query(),
        ["ep=urn:dev:os:1-7", "lt=300", "lwm2m=1.1", "b=U"]
    );
    assert_eq!(register.message().content_format(), Some(40));
    let text = register.text();
    let (formats, links) = apart(&text);
    assert_eq!(links, LIST);
    assert!(formats.is_sorted() && formats.contains(&112) && formats.contains(&11542));
    assert!(
        formats
            .iter()
            .all(|format| [60, 110, 112, 11542, 11544].contains(format))
    );
    assert!(bench.agent.is_registered(1));
    bench.expect_silence();
}

#[test]
fn registers_as_1_0_and_1_2_and_in_queue_mode() {
    let query = |config: Config<'static>| {
        let mut bench: Bench = Bench::with(node(), config);
        bench.connect();
        let register = bench.next();
        (register.query()[2..].join("&"), register.text())
    };
    let config = || Config::new("urn:dev:os:1-7");
    let (old, list) = query(config().version(LwM2mVersion::V1_0).queue_mode());
    assert_eq!(old, "lwm2m=1.0&b=UQ");
    assert!(list.starts_with("</1>;ver=1.2,</1/0>"), "{list}");
    let (new, list) = query(config().version(LwM2mVersion::V1_2).queue_mode());
    assert_eq!(new, "lwm2m=1.2&b=U&Q");
    assert!(
        list.ends_with(",</1/0>,</3/0>,</3303>;ver=1.1,</3303/0>,</42769>"),
        "{list}"
    );
}

#[test]
fn a_lost_register_is_repeated_then_tried_again_later() {
    let mut bench = Bench::new();
    bench.connect();
    let first = bench.next();
    bench.seconds(92);
    let repeated: Vec<Received> = (0..4).map(|_| bench.next()).collect();
    assert!(repeated.iter().all(|again| *again == first));
    bench.seconds(2);
    let Some(Event::RegistrationFailed {
        server: 1,
        reason: Failure::NoAnswer,
        retry,
    }) = bench.events.pop_front()
    else {
        panic!("{:?}", bench.events);
    };
    assert!((60_000..=90_000).contains(&retry.as_millis()), "{retry:?}");
    bench.expect_silence();
    bench.advance(retry);
    let second = bench.next();
    assert_ne!(second.message().id(), first.message().id());
    assert_ne!(second.message().token(), first.message().token());
    bench.sent.push_front((SERVER, second.0));
    bench.accept_registration();
}

#[test]
fn back_off_doubles_until_the_next_sequence() {
    let mut node = node();
    let account = node.server.get_mut(0).unwrap();
    account.retry_timer = Some(10);
    account.retry_count = Some(3);
    account.sequence_delay_timer = Some(1000);
    let mut bench: Bench = Bench::with(node, Config::new("urn:dev:os:1-7"));
    bench.connect();
    for seconds in [10, 20, 1000, 10] {
        let register = bench.next();
        bench.answer(&register, Code::FORBIDDEN, &[]);
        let Some(Event::RegistrationFailed { reason, retry, .. }) = bench.events.pop_front() else {
            panic!()
        };
        assert_eq!(reason, Failure::Refused(Code::FORBIDDEN));
        assert!(
            (seconds * 1000..=seconds * 1500).contains(&retry.as_millis()),
            "{retry:?}"
        );
        bench.advance(retry);
    }
}

#[test]
fn a_busy_server_says_when_to_come_back() {
    let mut bench = Bench::new();
    bench.connect();
    let register = bench.next();
    bench.answer(
        &register,
        Code::SERVICE_UNAVAILABLE,
        &[(OptionNumber::MAX_AGE, &[200])],
    );
    let Some(Event::RegistrationFailed { retry, .. }) = bench.events.pop_front() else {
        panic!()
    };
    assert!(
        (200_000..=300_000).contains(&retry.as_millis()),
        "{retry:?}"
    );
    bench.seconds(199);
    bench.expect_silence();
    bench.seconds(101);
    bench.accept_registration();
}

#[test]
fn a_separate_answer_is_acknowledged() {
    let mut bench = Bench::new();
    bench.connect();
    let register = bench.next();
    bench.deliver(&empty_ack(register.message().id()));
    bench.seconds(60);
    bench.expect_silence();
    let mut answer = vec![0x44, Code::CREATED.0, 0, 9];
    answer.extend(register.message().token().as_bytes());
    answer.extend(b"\x82rd\x017");
    for _ in 0..2 {
        bench.deliver(&answer);
        assert_eq!(bench.next().0, empty_ack(dunlin_coap::MessageId(9)));
    }
    bench.expect_event(Event::Registered { server: 1 });
    assert!(bench.agent.is_registered(1));
}

#[test]
fn an_acknowledged_register_without_answer_fails() {
    let mut bench = Bench::new();
    bench.connect();
    let register = bench.next();
    bench.deliver(&empty_ack(register.message().id()));
    bench.seconds(94);
    assert!(matches!(
        bench.events[0],
        Event::RegistrationFailed {
            reason: Failure::NoAnswer,
            ..
        }
    ));
}

#[test]
fn answers_without_location_or_with_a_foreign_token_are_no_registration() {
    let mut bench = Bench::new();
    bench.connect();
    let register = bench.next();
    let mut foreign = register.0[..8].to_vec();
    foreign[0] = 0x64;
    foreign[1] = Code::CREATED.0;
    foreign[7] ^= 1;
    bench.deliver(&foreign);
    assert!(bench.events.is_empty());
    bench.answer(&register, Code::CREATED, &[]);
    assert!(matches!(
        bench.events[0],
        Event::RegistrationFailed {
            reason: Failure::BadAnswer,
            ..
        }
    ));
}

#[test]
fn a_rejected_register_is_a_failure() {
    let mut bench = Bench::new();
    bench.connect();
    let register = bench.next();
    bench.deliver(&reset(register.message().id()));
    assert!(matches!(
        bench.events[0],
        Event::RegistrationFailed {
            reason: Failure::BadAnswer,
            ..
        }
    ));
}

#[test]
fn waits_before_the_first_registration() {
    let mut node = node();
    node.server.get_mut(0).unwrap().initial_registration_delay = Some(30);
    let mut bench: Bench = Bench::with(node, Config::new("urn:dev:os:1-7"));
    bench.connect();
    bench.seconds(29);
    bench.expect_silence();
    bench.seconds(1);
    bench.accept_registration();
}

#[test]
fn a_buffer_too_small_for_the_register_is_a_failure_not_a_panic() {
    let mut bench = Bench::new();
    bench.buffer = vec![0; 150];
    bench.connect();
    assert!(matches!(
        bench.events[0],
        Event::RegistrationFailed {
            reason: Failure::NoSpace,
            ..
        }
    ));
}

#[test]
fn an_answer_that_is_none_to_a_register_is_a_failure() {
    let mut bench = Bench::new();
    bench.connect();
    let register = bench.next();
    bench.answer(&register, Code::CONTENT, &[]);
    assert!(matches!(
        bench.events[0],
        Event::RegistrationFailed {
            reason: Failure::BadAnswer,
            ..
        }
    ));
}

#[test]
fn connecting_again_begins_anew() {
    let mut bench = Bench::registered();
    let observe = bench
        .request(Code::GET, "/3/0/9")
        .uint(OptionNumber::OBSERVE, 0);
    bench.ask_code(&observe, Code::CONTENT);
    bench.agent.connect(bench.now, 1, SERVER + 1).unwrap();
    bench.turn();
    assert!(!bench.agent.is_registered(1));
    assert_eq!(bench.agent.observations(), 0);
    assert_eq!(bench.sent.pop_front().unwrap().0, SERVER + 1);
}

#[test]
fn an_acknowledgement_must_be_for_this_message() {
    let mut bench = Bench::new();
    bench.connect();
    let register = bench.next();
    let mut answer = register.0[..8].to_vec();
    answer[0] = 0x64;
    answer[1] = Code::CREATED.0;
    answer[3] ^= 1;
    answer.extend(b"\x82rd\x017");
    bench.deliver(&answer);
    assert!(!bench.agent.is_registered(1));
}

#[test]
fn the_lifetime_counts_from_the_request_not_from_its_late_answer() {
    let mut bench = Bench::new();
    bench.connect();
    let register = bench.next();
    bench.deliver(&empty_ack(register.message().id()));
    bench.seconds(60);
    let mut answer = vec![0x54, Code::CREATED.0, 0, 9];
    answer.extend(register.message().token().as_bytes());
    answer.extend(b"\x82rd\x017");
    bench.deliver(&answer);
    assert!(bench.agent.is_registered(1));
    bench.seconds(146);
    bench.expect_silence();
    bench.seconds(1);
    let update = bench.next();
    assert_eq!(update.path(), "/rd/7");
    // The same holds for an Update.
    bench.deliver(&empty_ack(update.message().id()));
    bench.seconds(60);
    let mut answer = vec![0x54, Code::CHANGED.0, 0, 10];
    answer.extend(update.message().token().as_bytes());
    bench.deliver(&answer);
    bench.seconds(146);
    bench.expect_silence();
    bench.seconds(1);
    bench.next();
}

#[test]
fn success_ends_the_back_off_and_no_timer_makes_a_storm() {
    let mut node = node();
    let account = node.server.get_mut(0).unwrap();
    account.retry_timer = Some(0);
    account.lifetime = 0;
    let mut bench: Bench = Bench::with(node, Config::new("urn:dev:os:1-7"));
    bench.connect();
    for seconds in [1, 2, 4] {
        if seconds == 2 {
            bench
                .agent
                .set(|node| node.server.get_mut(0).unwrap().retry_timer = Some(1));
        }
        let register = bench.next();
        bench.answer(&register, Code::FORBIDDEN, &[]);
        let Some(Event::RegistrationFailed { retry, .. }) = bench.events.pop_front() else {
            panic!()
        };
        assert!(
            (seconds * 1000..=seconds * 1500).contains(&retry.as_millis()),
            "{retry:?}"
        );
        bench.advance(retry);
    }
    bench.accept_registration();
    bench.agent.update(1);
    bench.turn();
    let update = bench.next();
    bench.answer(&update, Code::NOT_FOUND, &[]);
    let register = bench.next();
    bench.answer(&register, Code::FORBIDDEN, &[]);
    let Some(Event::RegistrationFailed { retry, .. }) = bench.events.pop_front() else {
        panic!()
    };
    assert!((1000..=1500).contains(&retry.as_millis()), "{retry:?}");
}

#[test]
fn a_version_that_the_server_does_not_know_gives_way_to_an_older_one() {
    let config = Config::new("urn:dev:os:1-7").version(LwM2mVersion::V1_2);
    let mut bench: Bench = Bench::with(node(), config);
    bench.connect();
    for (version, is_last) in [
        ("lwm2m=1.2", false),
        ("lwm2m=1.1", false),
        ("lwm2m=1.0", true),
    ] {
        let register = bench.next();
        assert!(
            register.query().contains(&version.to_owned()),
            "{register:?}"
        );
        if is_last {
            // The list is one of that version: every object of a later one says so.
            assert!(register.text().starts_with("</1>;ver=1.2,</1/0>"));
            bench.answer(
                &register,
                Code::CREATED,
                &[(OptionNumber::LOCATION_PATH, b"7")],
            );
        } else {
            bench.answer(&register, Code::PRECONDITION_FAILED, &[]);
            bench.turn();
        }
    }
    bench.expect_event(Event::Registered { server: 1 });
    // What such a server is answered without asking for a format is TLV.
    let answer = bench.get("/1/0/1");
    assert_eq!(answer.message().content_format(), Some(11542));
    // There is nothing older than 1.0.
    let mut bench: Bench = Bench::with(node(), Config::new("e").version(LwM2mVersion::V1_0));
    bench.connect();
    let register = bench.next();
    bench.answer(&register, Code::PRECONDITION_FAILED, &[]);
    assert!(matches!(
        bench.events.pop_front(),
        Some(Event::RegistrationFailed {
            reason: Failure::Refused(Code::PRECONDITION_FAILED),
            ..
        })
    ));
}
