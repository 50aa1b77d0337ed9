//! Update: when it is sent, and what it tells.

use dunlin_agent::{Code, Config, Duration, Event, LwM2mVersion};
use dunlin_coap::OptionNumber;

use crate::bench::{Bench, Received, node};

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
