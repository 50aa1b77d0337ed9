//! Cases of the ETS 1.2 about attributes and notifications, on the device of [`ets`](crate::ets).

use dunlin_agent::Code;
use dunlin_agent::model::Value;
use dunlin_coap::{OptionNumber, Token};

use crate::bench::Received;
use crate::ets::{Subjected, TLV, attach, bench, discover, encode, get, told};

#[test]
fn ets_260_discovers_what_is_attached() {
    let mut bench = bench();
    get(&mut bench, "/3", TLV);
    attach(&mut bench, "/3", "pmin=10&pmax=200");
    let links = discover(&mut bench, "/3/0");
    assert!(
        links.starts_with("</3/0>;pmin=10;pmax=200,</3/0/0>,"),
        "{links}"
    );
    for resource in [6, 7, 8] {
        assert!(
            links.contains(&format!("</3/0/{resource}>;dim=2,")),
            "{links}"
        );
    }
    attach(&mut bench, "/3/0/7", "lt=1&gt=6&st=1");
    let links = discover(&mut bench, "/3/0");
    assert!(links.contains("</3/0/7>;dim=2;gt=6;lt=1;st=1,"), "{links}");
    assert_eq!(
        discover(&mut bench, "/3/0/7"),
        "</3/0/7>;dim=2;pmin=10;pmax=200;gt=6;lt=1;st=1,</3/0/7/1>,</3/0/7/2>"
    );
}

/// When notifications with this token came, in seconds from now on.
fn times(bench: &mut Subjected, token: Token, seconds: u64) -> Vec<u64> {
    let mut all = Vec::new();
    for second in 1..=seconds {
        bench.set(|node| {
            let source = node.device.power_sources.first_mut().unwrap();
            source.voltage += 1;
        });
        bench.seconds(1);
        while let Some((_, bytes)) = bench.sent.pop_front() {
            let message = Received(bytes);
            if message.message().token() == token {
                all.push(second);
            }
        }
    }
    all
}

#[test]
fn ets_301_to_303_notifications_keep_within_their_periods_until_cancelled() {
    let mut bench = bench();
    get(&mut bench, "/3/0/6", TLV);
    let mut tokens = Vec::new();
    for (path, query) in [("/3/0/7", "pmin=5&pmax=15"), ("/3/0/8", "pmin=10&pmax=20")] {
        attach(&mut bench, path, query);
        let observe = bench
            .request(Code::GET, path)
            .uint(OptionNumber::OBSERVE, 0);
        bench.ask_code(&observe, Code::CONTENT);
        tokens.push(observe);
    }
    // The voltage moves all the time and is told every 5 seconds, the current never and is told every 20.
    let seen = times(&mut bench, tokens[0].token, 20);
    assert_eq!(seen, [5, 10, 15, 20]);
    let seen = times(&mut bench, tokens[1].token, 40);
    assert_eq!(seen, [20, 40]);
    // The one is cancelled by a Reset, the other by Observe 1.
    while bench.sent.is_empty() {
        bench.set(|node| node.device.power_sources.first_mut().unwrap().voltage += 1);
        bench.seconds(1);
    }
    let notification = bench.next();
    assert_eq!(notification.message().token(), tokens[0].token);
    bench.deliver(&dunlin_coap::reset(notification.message().id()));
    let mut cancel = bench
        .request(Code::GET, "/3/0/8")
        .uint(OptionNumber::OBSERVE, 1);
    cancel.token = tokens[1].token;
    bench.ask_code(&cancel, Code::CONTENT);
    assert_eq!(bench.agent.observations(), 0);
    for request in tokens {
        assert!(times(&mut bench, request.token, 40).is_empty());
    }
}

#[test]
fn ets_308_and_309_portfolios_come_and_go_in_a_composite_observation() {
    let mut bench = bench();
    attach(&mut bench, "/16/0", "pmin=30&pmax=45");
    let list = encode(322, "/", &[("/16/0", Value::None), ("/16/1", Value::None)]);
    let observe = bench
        .request(Code::FETCH, "/")
        .payload(322, &list)
        .uint(OptionNumber::OBSERVE, 0);
    let instances = |answer: &Received| {
        let mut all: Vec<_> = told(answer, "/")
            .iter()
            .map(|(path, _)| path[..5].to_owned())
            .collect();
        all.dedup();
        all
    };
    let first = bench.ask(&observe);
    assert_eq!(instances(&first), ["/16/0"]);
    // The next notification, when it came, and the instances in it.
    let next = |bench: &mut Subjected| {
        for second in 1..=60 {
            bench.seconds(1);
            while let Some((_, bytes)) = bench.sent.pop_front() {
                let message = Received(bytes);
                if message.message().token() == observe.token {
                    return (second, instances(&message));
                }
            }
        }
        panic!("no notification");
    };
    let create = |bench: &mut Subjected| {
        let values = ["11", "22", "33", "44"].map(Value::String);
        let paths = ["/16/1/0/0", "/16/1/0/1", "/16/1/0/2", "/16/1/0/3"];
        let values: Vec<_> = paths.into_iter().zip(values).collect();
        let payload = encode(TLV, "/16", &values);
        let create = bench.request(Code::POST, "/16").payload(TLV, &payload);
        bench.ask_code(&create, Code::CREATED);
        let update = bench.next();
        assert!(update.text().contains("</16/0>,</16/1>"));
        bench.answer(&update, Code::CHANGED, &[]);
    };
    create(&mut bench);
    let (second, both) = next(&mut bench);
    assert_eq!(both, ["/16/0", "/16/1"]);
    assert_eq!(second, 30);
    let delete = bench.request(Code::DELETE, "/16/1");
    bench.ask_code(&delete, Code::DELETED);
    let update = bench.next();
    bench.answer(&update, Code::CHANGED, &[]);
    let (second, one) = next(&mut bench);
    assert_eq!(one, ["/16/0"]);
    assert_eq!(second, 30);
    assert_eq!(next(&mut bench), (45, vec!["/16/0".to_owned()]));
}

/// What the attribute tests of Zephyr's suite add: thresholds and steps beside the periods.
#[test]
fn steps_and_thresholds_go_before_the_longest_period() {
    let mut bench = bench();
    for query in ["gt=1", "lt=1", "st=1"] {
        let wrong = bench.request(Code::PUT, "/3/0/0").query(query);
        bench.ask_code(&wrong, Code::BAD_REQUEST);
    }
    for (query, quiet, loud) in [
        ("st=200&pmin=0&pmax=4", vec![3100], vec![3500, 3300]),
        ("gt=4200&pmin=0&pmax=4", vec![4000], vec![4300, 4100, 4201]),
    ] {
        bench.set(|node| node.device.power_sources.first_mut().unwrap().voltage = 3000);
        attach(&mut bench, "/3/0/7/1", query);
        let observe = bench
            .request(Code::GET, "/3/0/7/1")
            .uint(OptionNumber::OBSERVE, 0)
            .uint(OptionNumber::ACCEPT, 0);
        bench.ask_code(&observe, Code::CONTENT);
        let voltage = |bench: &mut Subjected, value| {
            bench.set(|node| node.device.power_sources.first_mut().unwrap().voltage = value);
        };
        for value in quiet {
            voltage(&mut bench, value);
            bench.seconds(3);
            bench.expect_silence();
            bench.seconds(1);
            assert_eq!(bench.next().text(), value.to_string());
        }
        for value in loud {
            voltage(&mut bench, value);
            assert_eq!(bench.next().text(), value.to_string());
        }
        let mut cancel = bench
            .request(Code::GET, "/3/0/7/1")
            .uint(OptionNumber::OBSERVE, 1);
        cancel.token = observe.token;
        bench.ask_code(&cancel, Code::CONTENT);
        attach(&mut bench, "/3/0/7/1", "st&gt&pmin&pmax");
    }
}
