//! Cases of the ETS 1.2 about bootstrap, on the device of [`ets`](crate::ets).

use dunlin_agent::model::Value;
use dunlin_agent::objects::SecurityAccount;
use dunlin_agent::{Code, Config, Event};

use crate::bench::{Bench, Received, SERVER};
use crate::ets::{Subject, TLV, encode, get, holds, send, subject};

/// The order of what a device tries: factory data, its servers, the Bootstrap-Server, and that again for a server that asks.
#[test]
fn ets_6_bootstrap_begins_where_nothing_else_is_left() {
    let mut node = subject();
    let account = SecurityAccount::no_sec_bootstrap("coap://bootstrap.example").unwrap();
    node.security.insert(1, account).unwrap();
    node.server.get_mut(0).unwrap().retry_count = Some(1);
    let mut bench = Bench::<1, Subject>::with(node, Config::new("urn:dev:os:1-7"));
    // The factory's account comes first.
    bench.connect();
    assert_eq!(bench.next().path(), "/rd");
    bench.seconds(93);
    assert!(
        bench
            .sent
            .drain(..)
            .all(|(_, bytes)| Received(bytes).path() == "/rd")
    );
    assert!(matches!(
        bench.events.pop_front(),
        Some(Event::RegistrationFailed { server: 1, .. })
    ));
    // Then the Bootstrap-Server is asked, by the device itself.
    bench.expect_event(Event::BootstrapWanted);
    bench.agent.bootstrap(bench.now, SERVER);
    bench.turn();
    let request = bench.next();
    assert_eq!(request.path(), "/bs");
    bench.answer(&request, Code::CHANGED, &[]);
    let finish = bench.request(Code::POST, "/bs");
    bench.ask_code(&finish, Code::CHANGED);
    bench.expect_event(Event::Bootstrapped);
    bench.connect();
    bench.accept_registration();
    // And once more since a server wants it.
    let trigger = bench.request(Code::POST, "/1/0/9");
    bench.deliver(&trigger.bytes());
    assert_eq!(bench.next().code(), Code::CHANGED);
    assert_eq!(bench.next().path(), "/bs");
}

#[test]
fn ets_8_reads_servers_and_their_rights_during_bootstrap() {
    let mut bench = Bench::<1, Subject>::with(subject(), Config::new("urn:dev:os:1-7"));
    bench.agent.bootstrap(bench.now, SERVER);
    bench.turn();
    let request = bench.next();
    bench.answer(&request, Code::CHANGED, &[]);
    let rule = encode(
        TLV,
        "/2/0",
        &[
            ("/2/0/0", Value::Integer(3)),
            ("/2/0/1", Value::Integer(0)),
            ("/2/0/2/0", Value::Integer(31)),
            ("/2/0/3", Value::Integer(65535)),
        ],
    );
    send(&mut bench, Code::PUT, "/2/0", TLV, &rule);
    let expected = [
        ("/2/0/0", "3"),
        ("/2/0/1", "0"),
        ("/2/0/2/0", "31"),
        ("/2/0/3", "65535"),
    ]
    .map(|(path, value)| (path.to_owned(), value.to_owned()));
    for path in ["/2", "/2/0"] {
        assert_eq!(get(&mut bench, path, TLV), expected);
    }
    for path in ["/1", "/1/0"] {
        holds(
            &get(&mut bench, path, TLV),
            &[("/1/0/0", "1"), ("/1/0/1", "86400")],
        );
    }
    for path in ["/0", "/3/0", "/16"] {
        let request = bench.request(Code::GET, path);
        bench.ask_code(&request, Code::BAD_REQUEST);
    }
    let finish = bench.request(Code::POST, "/bs");
    bench.ask_code(&finish, Code::CHANGED);
}
