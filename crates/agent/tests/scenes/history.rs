//! What happens while a server is out of reach (Core 1.2.2 §7.3.2 `hqmax`, /1/x/6).

use dunlin_agent::model::{Path, Value};
use dunlin_agent::{Code, Config, ContentFormat};
use dunlin_coap::{OptionNumber, Token, Type, empty_ack};
use dunlin_codec::{Decoder, Untyped};

use crate::bench::{Bench, Received, SERVER, node};

const VALUE: &str = "/3303/0/5700";

/// A bench with an observation of a value in SenML CBOR.
fn bench(storing: bool, query: &str) -> (Bench, Token) {
    let mut node = node();
    let account = node.server.get_mut(0).unwrap();
    account.lifetime = 300;
    account.notification_storing = storing;
    let mut bench = Bench::registered_with(node, Config::new("urn:dev:os:1-7"));
    let request = bench.request(Code::PUT, VALUE).query(query);
    bench.ask_code(&request, Code::CHANGED);
    let request = bench
        .request(Code::GET, VALUE)
        .uint(OptionNumber::OBSERVE, 0)
        .uint(OptionNumber::ACCEPT, 112);
    bench.ask_code(&request, Code::CONTENT);
    (bench, request.token)
}

fn reach(bench: &mut Bench, is_reachable: bool) {
    bench.agent.set_reachable(1, is_reachable);
    bench.turn();
}

/// The values of a notification, with how long ago they were.
fn series(notification: &Received) -> Vec<(f64, Option<f64>)> {
    let message = notification.message();
    assert_eq!(message.code(), Code::CONTENT);
    assert_eq!(message.content_format(), Some(112));
    let mut scratch = [0; 64];
    let format = ContentFormat::SENML_CBOR;
    let base: Path = VALUE.parse().unwrap();
    Decoder::new(format, base, message.payload(), &Untyped, &mut scratch)
        .unwrap()
        .map(|record| {
            let record = record.unwrap();
            assert_eq!(record.path, base);
            let Value::Float(number) = record.value else {
                panic!("{:?}", record.value);
            };
            (number, record.time)
        })
        .collect()
}

fn acknowledge(bench: &mut Bench, notification: &Received) {
    assert_eq!(notification.message().message_type(), Type::Confirmable);
    bench.deliver(&empty_ack(notification.message().id()));
}

#[test]
fn the_last_values_are_told_with_their_times() {
    let (mut bench, token) = bench(true, "hqmax=3");
    reach(&mut bench, false);
    for value in [1.5, 2.5, 3.5, 4.5, 5.5] {
        bench.measure(value);
        bench.seconds(10);
    }
    bench.expect_silence();
    reach(&mut bench, true);
    let notification = bench.next();
    assert_eq!(notification.message().token(), token);
    assert_eq!(
        series(&notification),
        [(3.5, Some(-30.0)), (4.5, Some(-20.0)), (5.5, Some(-10.0)),]
    );
    // Until it is heard, it is said again; what is new waits.
    bench.measure(6.5);
    bench.expect_silence();
    bench.seconds(3);
    let again = bench.next();
    assert_ne!(again.message().id(), notification.message().id());
    assert!(again.message().observe() > notification.message().observe());
    assert_eq!(series(&again).len(), 3);
    acknowledge(&mut bench, &again);
    bench.turn();
    let newest = bench.next();
    assert_eq!(series(&newest), [(6.5, None)]);
    assert_eq!(newest.message().message_type(), Type::NonConfirmable);
    bench.seconds(60);
    bench.expect_silence();
}

#[test]
fn without_history_the_newest_value_is_told() {
    for (storing, query) in [(true, "pmin=0"), (false, "hqmax=3"), (true, "hqmax=0")] {
        let (mut bench, _) = bench(storing, query);
        reach(&mut bench, false);
        for value in [1.5, 2.5, 3.5] {
            bench.measure(value);
            bench.seconds(10);
        }
        bench.expect_silence();
        reach(&mut bench, true);
        let notification = bench.next();
        assert_eq!(series(&notification), [(3.5, None)], "{query}");
        bench.expect_silence();
    }
}

#[test]
fn attributes_decide_what_is_kept() {
    let (mut bench, _) = bench(true, "hqmax=9&gt=30&pmin=15");
    reach(&mut bench, false);
    for value in [25.5, 31.5, 32.5, 29.5] {
        bench.measure(value);
        bench.seconds(20);
    }
    reach(&mut bench, true);
    let notification = bench.next();
    assert_eq!(
        series(&notification),
        [(31.5, Some(-60.0)), (29.5, Some(-20.0))]
    );
}

#[test]
fn an_update_waits_until_the_server_can_be_reached() {
    let (mut bench, _) = bench(true, "hqmax=3");
    reach(&mut bench, false);
    bench.seconds(10_000);
    bench.expect_silence();
    // A request that comes through is answered.
    let read = bench.get("/3/0/0");
    assert_eq!(read.code(), Code::CONTENT);
    bench.measure(7.5);
    bench.seconds(60);
    reach(&mut bench, true);
    // One confirmable message at a time: the Update, then what was kept.
    let update = bench.next();
    assert_eq!(update.path(), "/rd/7");
    bench.expect_silence();
    bench.answer(&update, Code::CHANGED, &[]);
    bench.turn();
    let notification = bench.next();
    assert_eq!(series(&notification), [(7.5, Some(-60.0))]);
}

#[test]
fn what_was_under_way_is_told_again() {
    let (mut bench, _) = bench(true, "con=1&hqmax=3");
    bench.measure(1.5);
    let lost = bench.next();
    assert_eq!(lost.message().message_type(), Type::Confirmable);
    reach(&mut bench, false);
    bench.seconds(100);
    bench.expect_silence();
    reach(&mut bench, true);
    let notification = bench.next();
    assert_eq!(series(&notification), [(1.5, Some(-100.0))]);
    acknowledge(&mut bench, &notification);
    bench.seconds(100);
    bench.expect_silence();
}

#[test]
fn a_registration_that_is_made_anew_has_no_past() {
    let (mut bench, _) = bench(true, "hqmax=3");
    reach(&mut bench, false);
    bench.measure(1.5);
    reach(&mut bench, true);
    assert_eq!(series(&bench.next()).len(), 1);
    bench.agent.connect(bench.now, 1, SERVER).unwrap();
    bench.turn();
    bench.events.clear();
    bench.accept_registration();
    bench.seconds(100);
    bench.expect_silence();
}

/// What goes unanswered while nobody can answer is no failure: the registration and its observations stay.
#[test]
fn a_request_under_way_begins_anew_when_the_server_is_back() {
    let (mut bench, _) = bench(true, "hqmax=3");
    bench.agent.update(1);
    bench.turn();
    let lost = bench.next();
    assert_eq!(lost.path(), "/rd/7");
    reach(&mut bench, false);
    bench.measure(1.5);
    bench.seconds(1_000);
    bench.expect_silence();
    reach(&mut bench, true);
    let update = bench.next();
    assert_eq!(update.path(), "/rd/7");
    assert_ne!(update.message().id(), lost.message().id());
    bench.answer(&update, Code::CHANGED, &[]);
    bench.turn();
    assert_eq!(series(&bench.next()), [(1.5, Some(-1_000.0))]);
}
