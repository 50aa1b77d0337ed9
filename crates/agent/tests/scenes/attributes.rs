//! Notification attributes: what is attached, and which change is news by them.

use dunlin_agent::{Code, Duration};
use dunlin_coap::{OptionNumber, Type, empty_ack};

use crate::bench::Bench;
use crate::observe::{attributes, bench, expect_notification, observe};

#[test]
fn pmin_holds_back_and_then_tells_the_newest_value() {
    let mut bench = bench();
    attributes(&mut bench, "/3303/0/5700", "pmin=10");
    let (request, _) = observe(&mut bench, "/3303/0/5700");
    bench.measure(21.0);
    bench.seconds(4);
    bench.measure(22.0);
    bench.advance(Duration::from_millis(5_999));
    bench.expect_silence();
    bench.advance(Duration::from_millis(1));
    expect_notification(&mut bench, request.token, "22");
    bench.expect_silence();
    // The window begins anew; what comes and goes within it is no news.
    bench.measure(30.0);
    bench.measure(22.0);
    bench.seconds(11);
    bench.expect_silence();
    bench.measure(23.0);
    expect_notification(&mut bench, request.token, "23");
}

#[test]
fn pmax_tells_even_what_has_not_changed() {
    let mut bench = bench();
    attributes(&mut bench, "/3303/0", "pmax=60");
    let (request, _) = observe(&mut bench, "/3303/0/5700");
    bench.advance(Duration::from_millis(59_999));
    bench.expect_silence();
    bench.advance(Duration::from_millis(1));
    expect_notification(&mut bench, request.token, "20.5");
    bench.seconds(30);
    bench.measure(21.0);
    expect_notification(&mut bench, request.token, "21");
    bench.seconds(59);
    bench.expect_silence();
    bench.seconds(1);
    expect_notification(&mut bench, request.token, "21");
}

#[test]
fn pmax_below_pmin_is_ignored_and_equal_is_not() {
    let mut bench = bench();
    attributes(&mut bench, "/3303/0/5700", "pmin=10&pmax=5");
    let (request, _) = observe(&mut bench, "/3303/0/5700");
    bench.seconds(100);
    bench.expect_silence();
    attributes(&mut bench, "/3303/0/5700", "pmax=10");
    bench.turn();
    expect_notification(&mut bench, request.token, "20.5");
    bench.seconds(10);
    expect_notification(&mut bench, request.token, "20.5");
}

#[test]
fn default_periods_stand_in_for_absent_attributes() {
    let mut bench = bench();
    bench.set(|node| {
        let account = node.server.get_mut(0).unwrap();
        account.default_minimum_period = Some(5);
        account.default_maximum_period = Some(20);
    });
    let (request, _) = observe(&mut bench, "/3303/0/5700");
    bench.measure(21.0);
    bench.seconds(4);
    bench.expect_silence();
    bench.seconds(1);
    expect_notification(&mut bench, request.token, "21");
    bench.seconds(20);
    expect_notification(&mut bench, request.token, "21");
    // The node's own attributes win.
    attributes(&mut bench, "/3303/0/5700", "pmin=0&pmax=0");
    bench.measure(22.0);
    expect_notification(&mut bench, request.token, "22");
    bench.seconds(100);
    bench.expect_silence();
}

#[test]
fn thresholds_and_steps_decide_what_is_news() {
    // The examples of the specification.
    for (query, steps) in [
        (
            "gt=45&st=10",
            &[
                (45.0, 50.0, true),
                (38.0, 49.0, true),
                (48.0, 42.0, true),
                (48.0, 55.0, false),
            ][..],
        ),
        (
            "lt=20&gt=85&st=10",
            &[
                (87.0, 99.0, true),
                (87.0, 90.0, false),
                (90.0, 84.0, true),
                (21.0, 19.0, true),
            ],
        ),
        (
            "lt=20",
            &[
                (25.0, 21.0, false),
                (20.0, 19.9, true),
                (10.0, 15.0, false),
                (19.0, 20.0, true),
            ],
        ),
        (
            "gt=20",
            &[
                (19.0, 20.0, false),
                (20.0, 20.1, true),
                (30.0, 40.0, false),
                (21.0, 20.0, true),
            ],
        ),
        (
            "st=0.5",
            &[(20.0, 20.4, false), (20.0, 20.5, true), (20.0, 19.5, true)],
        ),
    ] {
        for (from, to, news) in steps {
            let mut bench = bench();
            attributes(&mut bench, "/3303/0/5700", query);
            bench.measure(*from);
            observe(&mut bench, "/3303/0/5700");
            bench.measure(*to);
            assert_eq!(
                bench.sent.len(),
                usize::from(*news),
                "{query}: {from} to {to}"
            );
        }
    }
}

#[test]
fn a_step_counts_from_the_last_value_told() {
    let mut bench = bench();
    attributes(&mut bench, "/3303/0/5700", "st=1");
    let (request, _) = observe(&mut bench, "/3303/0/5700");
    bench.measure(21.0);
    bench.expect_silence();
    bench.measure(21.5);
    expect_notification(&mut bench, request.token, "21.5");
    bench.measure(20.6);
    bench.expect_silence();
}

#[test]
fn wrong_attributes_are_refused_whole() {
    let mut bench = bench();
    for (path, query, code) in [
        ("/3303/0/5700", "gt=10&lt=20", Code::BAD_REQUEST),
        ("/3303/0/5700", "gt=20&lt=10&st=5", Code::BAD_REQUEST),
        ("/3303/0/5700", "st=0", Code::BAD_REQUEST),
        ("/3303/0/5700", "pmin=1&pmin=2", Code::BAD_REQUEST),
        ("/3303/0/5700", "pmin=-1", Code::BAD_REQUEST),
        ("/3303/0/5700", "xyz=1", Code::BAD_REQUEST),
        ("/3303/0", "gt=10", Code::BAD_REQUEST),
        ("/3/0/0", "gt=10", Code::BAD_REQUEST),
        ("/3/0/0", "pmin=3&st=1", Code::BAD_REQUEST),
        ("/3/0/10", "pmin=3", Code::NOT_FOUND),
        ("/3/0/0/0", "pmin=3", Code::METHOD_NOT_ALLOWED),
        ("/3/0/7/2", "pmin=3", Code::NOT_FOUND),
        ("/5", "pmin=3", Code::NOT_FOUND),
        ("/0/0", "pmin=3", Code::UNAUTHORIZED),
    ] {
        let request = bench.request(Code::PUT, path).query(query);
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), code, "{path}?{query}: {}", answer.text());
    }
    // Nothing of it has stuck, and a removal takes one attribute away.
    attributes(&mut bench, "/3303/0/5700", "pmin=5&pmax=50");
    attributes(&mut bench, "/3303/0/5700", "pmin");
    let request = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::ACCEPT, 40);
    assert_eq!(bench.ask(&request).text(), "</3303/0/5700>;pmax=50");
}

#[test]
fn the_table_of_attributes_is_finite() {
    let mut bench = bench();
    for resource in [0, 1, 2, 3, 9, 16, 14, 11] {
        attributes(&mut bench, &format!("/3/0/{resource}"), "pmin=1");
    }
    let request = bench.request(Code::PUT, "/3/0/6").query("pmin=1");
    bench.ask_code(&request, Code::INTERNAL_SERVER_ERROR);
    attributes(&mut bench, "/3/0/0", "pmin");
    let request = bench.request(Code::PUT, "/3/0/6").query("pmin=1");
    bench.ask_code(&request, Code::CHANGED);
}

#[test]
fn an_edge_tells_of_one_direction_only() {
    let mut bench = bench();
    attributes(&mut bench, "/1/0/6", "edge=1");
    let (request, first) = observe(&mut bench, "/1/0/6");
    assert_eq!(first.text(), "1");
    let store = |bench: &mut Bench, storing| {
        bench.set(|node| node.server.get_mut(0).unwrap().notification_storing = storing);
    };
    store(&mut bench, false);
    bench.expect_silence();
    store(&mut bench, true);
    expect_notification(&mut bench, request.token, "1");
    store(&mut bench, true);
    bench.expect_silence();
    attributes(&mut bench, "/1/0/6", "edge=0");
    store(&mut bench, false);
    expect_notification(&mut bench, request.token, "0");
    store(&mut bench, true);
    bench.expect_silence();
    // A number has no edge.
    let refused = bench.request(Code::PUT, "/3303/0/5700").query("edge=1");
    bench.ask_code(&refused, Code::BAD_REQUEST);
}

/// `con` asks for confirmable notifications; 0 leaves it to the default mode (/1/x/26).
#[test]
fn con_or_the_default_mode_makes_notifications_confirmable() {
    let mut bench = bench();
    let kind = |bench: &mut Bench, token, text: &str| {
        bench.measure(text.parse().unwrap());
        let notification = expect_notification(bench, token, text);
        let (kind, id) = (
            notification.message().message_type(),
            notification.message().id(),
        );
        if kind == Type::Confirmable {
            bench.deliver(&empty_ack(id));
        }
        kind
    };
    attributes(&mut bench, "/3303/0/5700", "con=1");
    let (request, _) = observe(&mut bench, "/3303/0/5700");
    let token = request.token;
    assert_eq!(kind(&mut bench, token, "21"), Type::Confirmable);
    attributes(&mut bench, "/3303/0/5700", "con=0");
    assert_eq!(kind(&mut bench, token, "22"), Type::NonConfirmable);
    bench.set(|node| node.server.get_mut(0).unwrap().confirmable_notifications = Some(true));
    assert_eq!(kind(&mut bench, token, "23"), Type::Confirmable);
    attributes(&mut bench, "/3303/0/5700", "con");
    assert_eq!(kind(&mut bench, token, "24"), Type::Confirmable);
    bench.set(|node| node.server.get_mut(0).unwrap().confirmable_notifications = None);
    assert_eq!(kind(&mut bench, token, "25"), Type::NonConfirmable);
}

/// A notification is confirmable if any part of it is to be.
#[test]
fn con_at_a_part_counts_for_the_whole() {
    let mut bench = bench();
    attributes(&mut bench, "/3303", "con=0");
    attributes(&mut bench, "/3303/0/5700", "con=1");
    let request = bench
        .request(Code::GET, "/3303/0")
        .uint(OptionNumber::OBSERVE, 0);
    bench.ask_code(&request, Code::CONTENT);
    bench.measure(21.0);
    let notification = bench.next();
    assert_eq!(notification.message().message_type(), Type::Confirmable);
    bench.deliver(&empty_ack(notification.message().id()));
    attributes(&mut bench, "/3303/0/5700", "con");
    bench.measure(22.0);
    assert_eq!(bench.next().message().message_type(), Type::NonConfirmable);
}

/// A device that reads its sensors by itself learns how often servers want that.
#[test]
fn evaluation_periods_are_for_the_program_to_ask() {
    let mut bench = bench();
    let path = "/3303/0/5700".parse().unwrap();
    attributes(&mut bench, "/3303/0", "epmin=5&epmax=60");
    assert_eq!(bench.agent.evaluation_periods(path), (None, None));
    observe(&mut bench, "/3303/0/5700");
    assert_eq!(bench.agent.evaluation_periods(path), (Some(5), Some(60)));
    attributes(&mut bench, "/3303/0/5700", "epmax=30");
    assert_eq!(bench.agent.evaluation_periods(path), (Some(5), Some(30)));
    let whole = bench.agent.evaluation_periods("/3303".parse().unwrap());
    assert_eq!(whole, (Some(5), Some(30)));
    let other = bench.agent.evaluation_periods("/3/0/9".parse().unwrap());
    assert_eq!(other, (None, None));
}

#[test]
fn epmin_holds_back_the_look_at_a_change() {
    let mut bench = bench();
    attributes(&mut bench, "/3303/0/5700", "epmin=10&epmax=20");
    let (request, _) = observe(&mut bench, "/3303/0/5700");
    bench.measure(21.0);
    bench.seconds(4);
    // What comes and goes in between is not seen.
    bench.measure(22.0);
    bench.measure(20.5);
    bench.seconds(6);
    bench.expect_silence();
    // A look, even one that brought nothing, begins the period anew.
    bench.measure(23.0);
    bench.advance(Duration::from_millis(9_999));
    bench.expect_silence();
    bench.advance(Duration::from_millis(1));
    expect_notification(&mut bench, request.token, "23");
    let wrong = bench.request(Code::PUT, "/3303/0/5700").query("epmax=10");
    bench.ask_code(&wrong, Code::BAD_REQUEST);
}
