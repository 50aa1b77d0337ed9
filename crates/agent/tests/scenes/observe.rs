//! Observe, Cancel and notifications.

use dunlin_agent::{Code, Event};
use dunlin_coap::{OptionNumber, Token, Type, empty_ack, reset};

use crate::bench::{Bench, Received, Request};

/// Observes `path` as text and gives the request and the first answer.
#[track_caller]
pub(crate) fn observe(bench: &mut Bench, path: &str) -> (Request, Received) {
    let request = bench
        .request(Code::GET, path)
        .uint(OptionNumber::OBSERVE, 0)
        .uint(OptionNumber::ACCEPT, 0);
    let answer = bench.ask(&request);
    assert_eq!(answer.code(), Code::CONTENT, "{}", answer.text());
    assert!(answer.message().observe().is_some());
    bench.expect_event(Event::Observed {
        path: path.parse().unwrap(),
    });
    (request, answer)
}

#[track_caller]
pub(crate) fn attributes(bench: &mut Bench, path: &str, query: &str) {
    let request = bench.request(Code::PUT, path).query(query);
    bench.ask_code(&request, Code::CHANGED);
}

/// A bench whose registration does not ask for Updates.
pub(crate) fn bench() -> Bench {
    let mut node = crate::bench::node();
    node.server.get_mut(0).unwrap().lifetime = 0;
    Bench::registered_with(node, dunlin_agent::Config::new("urn:dev:os:1-7"))
}

#[track_caller]
pub(crate) fn expect_notification(bench: &mut Bench, token: Token, text: &str) -> Received {
    let notification = bench.next();
    assert_eq!(notification.code(), Code::CONTENT);
    assert_eq!(notification.message().token(), token);
    assert_eq!(notification.text(), text);
    notification
}

#[test]
fn notifies_every_change_without_attributes() {
    let mut bench = bench();
    let (request, first) = observe(&mut bench, "/3303/0/5700");
    assert_eq!(first.text(), "20.5");
    let mut number = first.message().observe().unwrap();
    for value in ["21", "22.5", "20"] {
        bench.measure(value.parse().unwrap());
        let notification = expect_notification(&mut bench, request.token, value);
        assert_eq!(notification.message().message_type(), Type::NonConfirmable);
        assert_eq!(notification.message().content_format(), Some(0));
        assert!(notification.message().observe() > Some(number));
        number = notification.message().observe().unwrap();
    }
    // The same value again is no news, and neither is a change elsewhere.
    bench.measure(20.0);
    bench.set(|node| node.device.battery_level = Some(3));
    bench.expect_silence();
    assert_eq!(bench.agent.counters().notifications, 3);
}

#[test]
fn an_observation_beyond_the_table_is_answered_like_a_read() {
    let mut bench = bench();
    for resource in [0, 1, 2, 3, 9, 16, 14, 20] {
        bench.agent.set(|node| node.device.battery_status = Some(1));
        observe(&mut bench, &format!("/3/0/{resource}"));
    }
    let request = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::OBSERVE, 0);
    let answer = bench.ask(&request);
    assert_eq!(
        (answer.code(), answer.message().observe()),
        (Code::CONTENT, None)
    );
    assert_eq!(bench.agent.observations(), 8);
}

#[test]
fn observing_again_takes_the_place_of_the_old_observation() {
    let mut bench = bench();
    let (_, _) = observe(&mut bench, "/3303/0/5700");
    let request = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::OBSERVE, 0)
        .uint(OptionNumber::ACCEPT, 0);
    bench.ask(&request);
    assert_eq!(bench.agent.observations(), 1);
    bench.measure(1.0);
    expect_notification(&mut bench, request.token, "1");
    bench.expect_silence();
}

#[test]
fn ends_by_cancel_and_by_reset() {
    let mut bench = bench();
    let (mut request, _) = observe(&mut bench, "/3303/0/5700");
    let cancel = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::OBSERVE, 1)
        .uint(OptionNumber::ACCEPT, 0);
    request.id = cancel.id;
    let mut cancel = cancel;
    cancel.token = request.token;
    let answer = bench.ask(&cancel);
    assert_eq!(
        (answer.text(), answer.message().observe()),
        ("20.5".to_owned(), None)
    );
    bench.expect_event(Event::Unobserved {
        path: "/3303/0/5700".parse().unwrap(),
    });
    bench.measure(1.0);
    bench.expect_silence();

    observe(&mut bench, "/3303/0/5700");
    bench.measure(2.0);
    let notification = bench.next();
    bench.deliver(&reset(notification.message().id()));
    bench.expect_event(Event::Unobserved {
        path: "/3303/0/5700".parse().unwrap(),
    });
    bench.measure(3.0);
    bench.expect_silence();
}

#[test]
fn confirmable_notifications_wait_for_each_other() {
    let mut bench = bench();
    bench.set(|node| node.server.get_mut(0).unwrap().confirmable_notifications = Some(true));
    let (request, _) = observe(&mut bench, "/3303/0/5700");
    let (battery, _) = observe(&mut bench, "/3/0/9");
    bench.measure(1.0);
    let first = expect_notification(&mut bench, request.token, "1");
    assert_eq!(first.message().message_type(), Type::Confirmable);
    bench.set(|node| node.device.battery_level = Some(7));
    bench.expect_silence();
    bench.deliver(&empty_ack(first.message().id()));
    let second = expect_notification(&mut bench, battery.token, "7");
    bench.deliver(&empty_ack(second.message().id()));
    bench.seconds(100);
    bench.expect_silence();
    assert_eq!(bench.agent.observations(), 2);
}

#[test]
fn a_repeated_notification_carries_the_newest_value() {
    let mut bench = bench();
    bench.set(|node| node.server.get_mut(0).unwrap().confirmable_notifications = Some(true));
    let (request, _) = observe(&mut bench, "/3303/0/5700");
    bench.measure(1.0);
    let first = expect_notification(&mut bench, request.token, "1");
    bench.seconds(4);
    assert_eq!(bench.next(), first);
    bench.measure(2.0);
    bench.seconds(8);
    let newer = expect_notification(&mut bench, request.token, "2");
    assert_ne!(newer.message().id(), first.message().id());
    assert!(newer.message().observe() > first.message().observe());
    // An acknowledgement of the older one says nothing about the newer.
    bench.deliver(&empty_ack(first.message().id()));
    bench.seconds(16);
    assert_eq!(bench.next(), newer);
    bench.deliver(&empty_ack(newer.message().id()));
    bench.seconds(100);
    bench.expect_silence();
}

#[test]
fn a_notification_that_nobody_acknowledges_ends_the_observation() {
    let mut bench = bench();
    bench.set(|node| node.server.get_mut(0).unwrap().confirmable_notifications = Some(true));
    observe(&mut bench, "/3303/0/5700");
    bench.measure(1.0);
    bench.seconds(94);
    assert_eq!(bench.sent.len(), 5);
    bench.expect_event(Event::Unobserved {
        path: "/3303/0/5700".parse().unwrap(),
    });
    assert_eq!(bench.agent.observations(), 0);
}

#[test]
fn one_notification_a_day_is_confirmable() {
    let mut bench = bench();
    attributes(&mut bench, "/3303/0/5700", "pmax=3600");
    observe(&mut bench, "/3303/0/5700");
    for hour in 1..=50 {
        bench.seconds(3600);
        let notification = bench.next();
        let confirmable = notification.message().message_type() == Type::Confirmable;
        assert_eq!(confirmable, hour == 24 || hour == 48, "hour {hour}");
        if confirmable {
            bench.deliver(&empty_ack(notification.message().id()));
        }
    }
}

#[test]
fn an_instance_is_observed_whole() {
    let mut bench = bench();
    let request = bench
        .request(Code::GET, "/3303/0")
        .uint(OptionNumber::OBSERVE, 0)
        .uint(OptionNumber::ACCEPT, 11542);
    let first = bench.ask(&request);
    bench.measure(33.0);
    let second = bench.next();
    assert_ne!(first.message().payload(), second.message().payload());
    assert_eq!(
        second.message().payload().len(),
        first.message().payload().len()
    );
}

#[test]
fn the_end_of_the_target_ends_the_observation_with_an_error() {
    let mut bench = bench();
    let (request, _) = observe(&mut bench, "/3303/0/5700");
    bench.agent.set(|node| drop(node.temperature.remove(0)));
    bench.turn();
    let update = bench.next();
    assert_eq!(update.path(), "/rd/7");
    let last = bench.next();
    assert_eq!(
        (last.code(), last.message().token()),
        (Code::NOT_FOUND, request.token)
    );
    assert_eq!(last.message().observe(), None);
    assert_eq!(bench.agent.observations(), 0);
}

#[test]
fn a_new_registration_has_no_observations() {
    let mut bench = Bench::registered();
    observe(&mut bench, "/3303/0/5700");
    bench.seconds(207);
    let update = bench.next();
    bench.measure(1.0);
    bench.next();
    bench.answer(&update, Code::NOT_FOUND, &[]);
    bench.expect_event(Event::Unobserved {
        path: "/3303/0/5700".parse().unwrap(),
    });
    bench.accept_registration();
    bench.measure(2.0);
    bench.expect_silence();
}

#[test]
fn attributes_in_observe_are_refused_by_a_client_of_1_1() {
    let mut bench = bench();
    let request = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::OBSERVE, 0)
        .query("pmin=5");
    bench.ask_code(&request, Code::BAD_REQUEST);
    let request = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::OBSERVE, 2);
    bench.ask_code(&request, Code::BAD_REQUEST);
    assert_eq!(bench.agent.observations(), 0);
}

#[test]
fn a_refused_observe_leaves_no_observation() {
    let mut bench = bench();
    for path in ["/3303/1/5700", "/3/0/4", "/0/0/1"] {
        let request = bench
            .request(Code::GET, path)
            .uint(OptionNumber::OBSERVE, 0);
        assert_ne!(bench.ask(&request).code(), Code::CONTENT);
    }
    let request = bench
        .request(Code::GET, "/3/0")
        .uint(OptionNumber::OBSERVE, 0)
        .uint(OptionNumber::ACCEPT, 0);
    bench.ask_code(&request, Code::NOT_ACCEPTABLE);
    assert_eq!(bench.agent.observations(), 0);
}

#[test]
fn an_update_waits_for_the_confirmation_of_a_notification_and_the_other_way_round() {
    let mut bench = Bench::registered();
    bench.set(|node| node.server.get_mut(0).unwrap().confirmable_notifications = Some(true));
    let (request, _) = observe(&mut bench, "/3303/0/5700");
    bench.seconds(206);
    bench.measure(1.0);
    let notification = expect_notification(&mut bench, request.token, "1");
    bench.seconds(1);
    bench.expect_silence();
    bench.deliver(&empty_ack(notification.message().id()));
    let update = bench.next();
    assert_eq!(update.path(), "/rd/7");
    bench.measure(2.0);
    bench.expect_silence();
    bench.answer(&update, Code::CHANGED, &[]);
    expect_notification(&mut bench, request.token, "2");
}

#[test]
fn observing_again_ends_the_wait_for_an_old_confirmation() {
    let mut bench = bench();
    bench.set(|node| node.server.get_mut(0).unwrap().confirmable_notifications = Some(true));
    observe(&mut bench, "/3303/0/5700");
    bench.measure(1.0);
    bench.next();
    let request = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::OBSERVE, 0)
        .uint(OptionNumber::ACCEPT, 0);
    bench.ask_code(&request, Code::CONTENT);
    bench.seconds(100);
    bench.expect_silence();
    assert_eq!(bench.agent.observations(), 1);
}

#[test]
fn a_reset_before_the_first_notification_is_for_something_else() {
    let mut bench = bench();
    let request = bench
        .request(Code::GET, "/3/0/9")
        .uint(OptionNumber::OBSERVE, 0);
    bench
        .agent
        .handle_input(bench.now, crate::bench::SERVER, &request.bytes());
    bench.agent.handle_input(
        bench.now,
        crate::bench::SERVER,
        &reset(dunlin_coap::MessageId(0)),
    );
    assert_eq!(bench.agent.observations(), 1);
}

/// A device that is registered at two servers, of which the second is peer 9.
pub(crate) fn at_two_servers() -> Bench<2> {
    let mut node = crate::bench::node();
    node.server
        .insert(1, dunlin_agent::objects::ServerAccount::new(2, 0))
        .unwrap();
    let mut bench: Bench<2> = Bench::with(node, dunlin_agent::Config::new("urn:dev:os:1-7"));
    bench.connect();
    bench.accept_registration();
    bench.agent.connect(bench.now, 2, 9).unwrap();
    bench.turn();
    let register = Received(bench.sent.pop_front().unwrap().1);
    let mut answer = vec![0x64, Code::CREATED.0, register.0[2], register.0[3]];
    answer.extend(register.message().token().as_bytes());
    answer.extend(b"\x81z");
    bench.deliver_from(9, &answer);
    bench
}

#[test]
fn two_servers_observe_each_for_itself() {
    let mut bench = at_two_servers();
    // Both use the same token, and attributes of their own.
    let request = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::OBSERVE, 0);
    bench.deliver(&request.bytes());
    bench.deliver_from(9, &request.bytes());
    let attach = bench.request(Code::PUT, "/3303/0/5700").query("pmin=10");
    bench.deliver_from(9, &attach.bytes());
    bench.sent.clear();
    assert_eq!(bench.agent.observations(), 2);
    bench.measure(1.0);
    let told: Vec<u16> = bench.sent.drain(..).map(|(to, _)| to).collect();
    assert_eq!(told, [crate::bench::SERVER]);
    bench.seconds(10);
    let told: Vec<u16> = bench.sent.drain(..).map(|(to, _)| to).collect();
    assert_eq!(told, [9]);
    let mut cancel = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::OBSERVE, 1);
    cancel.token = request.token;
    bench.deliver_from(9, &cancel.bytes());
    assert_eq!(bench.agent.observations(), 1);
    bench.sent.clear();
    bench.measure(2.0);
    assert_eq!(bench.sent.pop_front().unwrap().0, crate::bench::SERVER);
    bench.expect_silence();
}

#[test]
fn the_numbers_go_on_when_interest_is_renewed() {
    let mut bench = bench();
    let (request, _) = observe(&mut bench, "/3303/0/5700");
    bench.measure(1.0);
    let before = bench.next().message().observe();
    let mut again = request.clone();
    again.id = bench.id();
    let answer = bench.ask(&again);
    assert!(answer.message().observe() > before);
    assert_eq!(bench.agent.observations(), 1);
}
