//! Register, Update, De-register, and what goes wrong with them.

use dunlin_agent::{Code, Config, Duration, Event, Failure, LwM2mVersion};
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
fn updates_before_the_lifetime_ends() {
    let mut bench = Bench::registered();
    // 300 s less MAX_TRANSMIT_WAIT.
    bench.seconds(206);
    bench.expect_silence();
    bench.seconds(1);
    let update = bench.next();
    assert_eq!(
        (update.code(), update.path()),
        (Code::POST, "/rd/7".to_owned())
    );
    assert!(update.query().is_empty() && update.message().payload().is_empty());
    bench.answer(&update, Code::CHANGED, &[]);
    bench.expect_event(Event::Updated { server: 1 });
    bench.seconds(206);
    bench.expect_silence();
    bench.seconds(1);
    bench.next();
}

#[test]
fn a_short_lifetime_is_updated_at_its_half_and_none_never() {
    let mut node = node();
    node.server.get_mut(0).unwrap().lifetime = 60;
    let mut bench = Bench::registered_with(node, Config::new("urn:dev:os:1-7"));
    bench.advance(Duration::from_millis(29_999));
    bench.expect_silence();
    bench.advance(Duration::from_millis(1));
    bench.next();

    let mut node = self::node();
    node.server.get_mut(0).unwrap().lifetime = 0;
    let mut bench = Bench::registered_with(node, Config::new("urn:dev:os:1-7"));
    assert_eq!(bench.agent.next_timeout(), None);
    bench.seconds(1_000_000);
    bench.expect_silence();
}

#[test]
fn an_unknown_registration_is_made_anew_at_once() {
    let mut bench = Bench::registered();
    bench.seconds(207);
    let update = bench.next();
    bench.answer(&update, Code::NOT_FOUND, &[]);
    bench.turn();
    bench.accept_registration();
    assert!(bench.agent.is_registered(1));
}

#[test]
fn an_update_without_answer_leads_to_a_register() {
    let mut bench = Bench::registered();
    bench.seconds(207);
    for _ in 0..=4 {
        bench.seconds(93 / 4);
    }
    let paths: Vec<String> = bench
        .sent
        .drain(..6)
        .map(|(_, bytes)| Received(bytes).path())
        .collect();
    assert_eq!(paths, ["/rd/7", "/rd/7", "/rd/7", "/rd/7", "/rd/7", "/rd"]);
}

#[test]
fn a_changed_lifetime_is_told_at_once() {
    let mut bench = Bench::registered();
    let write = bench.request(Code::PUT, "/1/0/1").payload(0, b"600");
    bench.ask_code(&write, Code::CHANGED);
    let update = bench.next();
    assert_eq!(
        (update.path(), update.query()),
        ("/rd/7".to_owned(), vec!["lt=600".to_owned()])
    );
    assert!(update.message().payload().is_empty());
    bench.answer(&update, Code::CHANGED, &[]);
    bench.seconds(506);
    bench.expect_silence();
    bench.seconds(1);
    assert!(bench.next().query().is_empty());
}

#[test]
fn a_changed_object_list_is_told_whole() {
    let mut bench = Bench::registered();
    bench.set(|node| drop(node.temperature.remove(0)));
    let update = bench.next();
    assert_eq!(update.message().content_format(), Some(40));
    assert!(
        update.text().ends_with(",</3/0>,</3303>;ver=1.1,</42769>"),
        "{}",
        update.text()
    );
    // Another change while the Update is under way needs another Update.
    bench.set(|node| {
        node.temperature
            .insert(2, dunlin_agent::objects::Temperature::new("Cel"))
            .unwrap();
    });
    bench.expect_silence();
    bench.answer(&update, Code::CHANGED, &[]);
    bench.turn();
    let update = bench.next();
    assert!(
        update.text().ends_with("</3303/2>,</42769>"),
        "{}",
        update.text()
    );
    bench.answer(&update, Code::CHANGED, &[]);
    bench.turn();
    bench.expect_silence();
}

#[test]
fn the_trigger_brings_an_update() {
    let mut bench = Bench::registered();
    let execute = bench.request(Code::POST, "/1/0/8");
    bench.ask_code(&execute, Code::CHANGED);
    assert_eq!(bench.next().path(), "/rd/7");
}

#[test]
fn a_busy_server_gets_its_update_later() {
    let mut bench = Bench::registered();
    bench.seconds(207);
    let update = bench.next();
    bench.answer(
        &update,
        Code::SERVICE_UNAVAILABLE,
        &[(OptionNumber::MAX_AGE, &[10])],
    );
    bench.seconds(9);
    bench.expect_silence();
    bench.seconds(6);
    assert_eq!(bench.next().path(), "/rd/7");
}

#[test]
fn leaves_when_asked_to() {
    let mut bench = Bench::registered();
    bench.agent.deregister(1);
    bench.turn();
    let deregister = bench.next();
    assert_eq!(
        (deregister.code(), deregister.path()),
        (Code::DELETE, "/rd/7".to_owned())
    );
    assert!(!bench.agent.is_registered(1));
    bench.answer(&deregister, Code::DELETED, &[]);
    bench.expect_event(Event::Deregistered {
        server: 1,
        retry: None,
    });
    assert_eq!(bench.agent.next_timeout(), None);
    bench.connect();
    bench.accept_registration();
}

#[test]
fn leaves_even_when_nobody_answers() {
    let mut bench = Bench::registered();
    bench.agent.deregister(1);
    bench.seconds(94);
    bench.expect_event(Event::Deregistered {
        server: 1,
        retry: None,
    });
}

#[test]
fn a_disabled_server_is_left_alone_for_the_time_it_says() {
    let mut bench = Bench::registered();
    bench
        .agent
        .set(|node| node.server.get_mut(0).unwrap().disable_timeout = Some(500));
    let execute = bench.request(Code::POST, "/1/0/4");
    bench.ask_code(&execute, Code::CHANGED);
    let deregister = bench.next();
    assert_eq!(deregister.code(), Code::DELETE);
    bench.answer(&deregister, Code::DELETED, &[]);
    bench.events.clear();
    bench.seconds(499);
    bench.expect_silence();
    bench.seconds(1);
    bench.accept_registration();
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
fn two_servers_are_served_each_for_itself() {
    let mut node = node();
    node.server
        .insert(1, dunlin_agent::objects::ServerAccount::new(2, 0))
        .unwrap();
    let mut bench: Bench<2> = Bench::with(node, Config::new("urn:dev:os:1-7"));
    bench.connect();
    bench.accept_registration();
    bench.agent.connect(bench.now, 2, 9).unwrap();
    bench.turn();
    let (to, register) = bench.sent.pop_front().unwrap();
    assert_eq!(to, 9);
    let register = Received(register);
    assert_eq!(register.query()[1], "lt=0");
    let mut answer = vec![0x64, Code::CREATED.0, register.0[2], register.0[3]];
    answer.extend(register.message().token().as_bytes());
    answer.extend(b"\x82rd\x02zz");
    bench.deliver_from(9, &answer);
    bench.expect_event(Event::Registered { server: 2 });
    let read = bench
        .request(Code::GET, "/3/0/0")
        .uint(OptionNumber::ACCEPT, 0)
        .bytes();
    bench.deliver_from(9, &read);
    assert_eq!(bench.sent.pop_front().unwrap().0, 9);
    bench.agent.deregister(2);
    bench.turn();
    assert_eq!(Received(bench.sent.pop_front().unwrap().1).path(), "/rd/zz");
    assert!(bench.agent.is_registered(1));
}

#[test]
fn accounts_name_the_servers_to_connect() {
    let bench = Bench::new();
    assert_eq!(
        bench.agent.accounts().collect::<Vec<_>>(),
        [(1, "coap://server.example:5683")]
    );
    let mut bench = bench;
    assert_eq!(
        bench.agent.connect(bench.now, 2, 9),
        Err(dunlin_agent::ConnectError::UnknownServer)
    );
    bench.set(|node| {
        node.server
            .insert(1, dunlin_agent::objects::ServerAccount::new(2, 0))
            .unwrap();
    });
    bench.connect();
    assert_eq!(
        bench.agent.connect(bench.now, 2, 9),
        Err(dunlin_agent::ConnectError::NoSpace)
    );
}

#[test]
fn a_1_0_client_tells_a_change_to_queue_mode() {
    let config = Config::new("urn:dev:os:1-7").version(LwM2mVersion::V1_0);
    let mut bench = Bench::registered_with(node(), config);
    let write = bench.request(Code::PUT, "/1/0/7").payload(0, b"UQ");
    bench.ask_code(&write, Code::CHANGED);
    let update = bench.next();
    assert_eq!(update.query(), ["b=UQ"]);
    bench.answer(&update, Code::CHANGED, &[]);
    bench.expect_silence();
}

#[test]
fn leaving_during_an_update_that_fails_needs_no_de_register() {
    let mut bench = Bench::registered();
    bench.seconds(207);
    let update = bench.next();
    bench.agent.deregister(1);
    bench.turn();
    bench.expect_silence();
    bench.answer(&update, Code::NOT_FOUND, &[]);
    bench.expect_event(Event::Deregistered {
        server: 1,
        retry: None,
    });
    bench.expect_silence();
    assert_eq!(bench.agent.next_timeout(), None);
}

#[test]
fn leaving_during_an_update_that_succeeds_follows_it() {
    let mut bench = Bench::registered();
    bench.seconds(207);
    let update = bench.next();
    bench.agent.deregister(1);
    bench.turn();
    bench.answer(&update, Code::CHANGED, &[]);
    assert_eq!(bench.next().code(), Code::DELETE);
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
fn leaving_ends_the_observations() {
    let mut bench = Bench::registered();
    let observe = bench
        .request(Code::GET, "/3/0/9")
        .uint(OptionNumber::OBSERVE, 0);
    bench.ask_code(&observe, Code::CONTENT);
    bench.agent.deregister(1);
    bench.turn();
    let deregister = bench.next();
    bench.answer(&deregister, Code::DELETED, &[]);
    assert_eq!(bench.agent.observations(), 0);
}

#[test]
fn an_instance_that_moves_to_another_object_changes_the_list() {
    let mut bench = Bench::registered();
    bench.set(|node| {
        node.temperature.remove(0);
        node.rich.insert(0, crate::rich::Rich::default()).unwrap();
    });
    let update = bench.next();
    assert!(
        update.text().ends_with(",</3303>;ver=1.1,</42769/0>"),
        "{}",
        update.text()
    );
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
fn a_change_waits_for_the_clock() {
    let mut bench = Bench::registered();
    bench
        .agent
        .set(|node| node.server.get_mut(0).unwrap().lifetime = 500);
    assert_eq!(
        bench.agent.poll_output(&mut bench.buffer),
        dunlin_agent::Output::Idle
    );
    assert_eq!(bench.agent.next_timeout(), Some(bench.now));
    bench.turn();
    assert_eq!(bench.next().query(), ["lt=500"]);
}

#[test]
fn what_is_being_told_is_not_told_again() {
    let mut bench = Bench::registered();
    bench.set(|node| node.server.get_mut(0).unwrap().lifetime = 600);
    let update = bench.next();
    assert_eq!(update.query(), ["lt=600"]);
    bench.set(|node| node.device.battery_level = Some(2));
    bench.answer(&update, Code::CHANGED, &[]);
    bench.expect_silence();
    // A change back, while the change is under way, is a change again.
    bench.set(|node| node.server.get_mut(0).unwrap().lifetime = 700);
    let update = bench.next();
    bench.set(|node| node.server.get_mut(0).unwrap().lifetime = 600);
    bench.answer(&update, Code::CHANGED, &[]);
    assert_eq!(bench.next().query(), ["lt=600"]);
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

/// Two servers, whose accounts are in the order of their ids.
fn two_servers(first: u32, second: u32, block: bool) -> Bench<2> {
    use dunlin_agent::objects::{SecurityAccount, ServerAccount};
    let mut node = node();
    let account = SecurityAccount::no_sec(2, "coap://other.example").unwrap();
    node.security.insert(1, account).unwrap();
    node.server.insert(1, ServerAccount::new(2, 300)).unwrap();
    for (instance, priority) in [(0, first), (1, second)] {
        let server = node.server.get_mut(instance).unwrap();
        server.priority = Some(priority);
        server.failure_block = Some(block);
        server.retry_count = Some(1);
    }
    let mut bench = Bench::with(node, Config::new("urn:dev:os:1-7"));
    bench.agent.connect(bench.now, 1, SERVER).unwrap();
    bench.agent.connect(bench.now, 2, OTHER).unwrap();
    bench.turn();
    bench
}

const OTHER: crate::bench::Peer = 5684;

#[test]
fn servers_are_registered_at_in_the_order_of_their_priorities() {
    for (first, second, order) in [(1, 2, [SERVER, OTHER]), (2, 1, [OTHER, SERVER])] {
        let mut bench = two_servers(first, second, false);
        for peer in order {
            assert_eq!(bench.sent.len(), 1, "one after the other");
            let (to, bytes) = bench.sent.pop_front().unwrap();
            assert_eq!(to, peer);
            let register = Received(bytes);
            let request = register.message();
            let mut buffer = [0; 32];
            let answer = dunlin_coap::MessageBuilder::new(
                &mut buffer,
                Type::Acknowledgement,
                Code::CREATED,
                request.id(),
                request.token(),
            )
            .option(OptionNumber::LOCATION_PATH, b"7")
            .finish()
            .unwrap()
            .to_vec();
            bench.deliver_from(peer, &answer);
        }
        assert!(bench.agent.is_registered(1) && bench.agent.is_registered(2));
    }
    // The same priority is no order.
    assert_eq!(two_servers(1, 1, false).sent.len(), 2);
}

#[test]
fn a_failure_lets_the_next_server_have_its_turn_unless_it_blocks() {
    for block in [false, true] {
        let mut bench = two_servers(1, 2, block);
        let register = bench.next();
        bench.answer(&register, Code::FORBIDDEN, &[]);
        bench.turn();
        let next = bench.sent.pop_front().map(|(to, _)| to);
        assert_eq!(next, (!block).then_some(OTHER));
    }
}

#[test]
fn ets_109_a_sleepy_device_is_awake_for_a_while_after_its_last_message() {
    let config = Config::new("urn:dev:os:1-7").queue_mode();
    let mut bench = Bench::registered_with(node(), config);
    let awake = bench.agent.awake_until().unwrap();
    assert_eq!(awake, bench.now + Duration::from_secs(93));
    // Whatever it sends prolongs that.
    bench.seconds(50);
    bench.read("/3/0/0");
    let later = bench.agent.awake_until().unwrap();
    assert_eq!(later, awake + Duration::from_secs(50));
    // Then it may sleep: nothing is to be done before its Update.
    assert!(bench.agent.next_timeout().unwrap() > later);
    let always = Bench::registered();
    assert_eq!(always.agent.awake_until(), None);
}
