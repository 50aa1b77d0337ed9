//! The device's own program works on its objects by path, as a server does.

use dunlin_agent::model::{Attributes, ObjectId, Path, Value};
use dunlin_agent::{Code, Error, Event};
use dunlin_coap::OptionNumber;

use crate::bench::Bench;

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

#[test]
fn reads_by_the_rules_of_a_server() {
    let bench = Bench::registered();
    let read = |text: &str| bench.agent.read(path(text));
    assert_eq!(read("/3/0/0"), Ok(Value::String("Dunlin")));
    assert_eq!(read("/3303/0/5700"), Ok(Value::Float(20.5)));
    assert_eq!(read("/3/0/7/5"), Ok(Value::Integer(5000)));
    for (text, error) in [
        ("/3/0/7", Error::NotAllowed),
        ("/3/0/4", Error::NotAllowed),
        ("/3/0", Error::NotAllowed),
        ("/", Error::NotAllowed),
        ("/0/0/0", Error::Unauthorized),
        ("/3/0/99", Error::NotFound),
        ("/3/1/0", Error::NotFound),
        ("/9/0/0", Error::NotFound),
    ] {
        assert_eq!(read(text), Err(error), "{text}");
    }
}

#[test]
fn what_is_written_here_is_told_as_observations_ask() {
    let mut bench = Bench::registered();
    let request = bench
        .request(Code::GET, "/1/0/1")
        .uint(OptionNumber::OBSERVE, 0)
        .uint(OptionNumber::ACCEPT, 0);
    bench.ask_code(&request, Code::CONTENT);
    bench
        .agent
        .write(path("/1/0/1"), Value::Integer(600))
        .unwrap();
    bench.turn();
    // The new lifetime is told twice: by an Update, and to who observes it.
    let update = bench.next();
    assert!(update.query().contains(&"lt=600".to_owned()));
    let notification = bench.next();
    assert_eq!(notification.text(), "600");
    for (text, value, error) in [
        ("/1/0/1", Value::String("x"), Error::BadValue),
        ("/1/0/1", Value::Integer(-1), Error::BadValue),
        ("/3/0/0", Value::String("x"), Error::NotAllowed),
        ("/1/0", Value::None, Error::NotAllowed),
        ("/1/9/1", Value::Integer(1), Error::NotFound),
        ("/0/0/0", Value::String("x"), Error::Unauthorized),
    ] {
        assert_eq!(bench.agent.write(path(text), value), Err(error), "{text}");
    }
}

#[test]
fn executes_creates_and_deletes() {
    let mut bench = Bench::registered();
    bench.events.clear();
    bench.agent.execute(path("/3/0/4"), "").unwrap();
    bench.agent.execute(path("/1/0/8"), "").unwrap();
    bench.turn();
    assert_eq!(bench.next().path(), "/rd/7");
    bench.expect_event(Event::Reboot);
    assert_eq!(
        bench.agent.execute(path("/3/0/0"), ""),
        Err(Error::NotAllowed)
    );
    let object = ObjectId::new(3303).unwrap();
    let created = bench.agent.create(object).unwrap();
    assert_eq!(created.get(), 1);
    assert_eq!(bench.agent.delete(path("/3303/1")), Ok(()));
    assert_eq!(bench.agent.delete(path("/3303/1")), Err(Error::NotFound));
    assert_eq!(bench.agent.delete(path("/3/0")), Err(Error::NotAllowed));
}

#[test]
fn sets_attributes_for_a_server() {
    let mut bench = Bench::registered();
    let node = path("/3303/0/5700");
    let slow = Attributes {
        pmin: Some(30),
        ..Attributes::NONE
    };
    bench.agent.set_attributes(1, node, slow).unwrap();
    assert_eq!(bench.agent.attributes(1, node), slow);
    assert_eq!(bench.agent.attributes(2, node), Attributes::NONE);
    let request = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::OBSERVE, 0)
        .uint(OptionNumber::ACCEPT, 0);
    bench.ask_code(&request, Code::CONTENT);
    bench.measure(30.0);
    bench.seconds(29);
    bench.expect_silence();
    bench.seconds(1);
    assert_eq!(bench.next().text(), "30");
    let wrong = Attributes {
        gt: Some(1.0),
        ..Attributes::NONE
    };
    for (server, node, attributes, error) in [
        (1, path("/3/0/0"), wrong, Error::BadValue),
        (1, path("/3/0/99"), slow, Error::NotFound),
        (2, node, slow, Error::NotFound),
    ] {
        assert_eq!(
            bench.agent.set_attributes(server, node, attributes),
            Err(error)
        );
    }
}
