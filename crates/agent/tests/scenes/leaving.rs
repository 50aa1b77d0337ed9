//! De-register, Disable and sleep.

use dunlin_agent::{Code, Config, Duration, Event};
use dunlin_coap::OptionNumber;

use crate::bench::{Bench, node};

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
