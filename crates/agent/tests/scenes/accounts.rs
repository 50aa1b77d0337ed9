//! Accounts as a Bootstrap-Server writes them, whole and not. Numbers are those of the enabler test specification (ETS) 1.2.

use dunlin_agent::model::Value;
use dunlin_agent::{Code, Event};
use dunlin_coap::OptionNumber;

use crate::bench::Bench;
use crate::bootstrap::{discover, finish, put, served, tlv, write, write_accounts};

/// A Bootstrap-Server may send the device to another one, and that is asked the next time.
#[test]
fn another_bootstrap_server_is_asked_the_next_time() {
    let mut bench = served();
    write_accounts(&mut bench);
    let successor = [
        ("/0/1/0", Value::String("coap://next.example")),
        ("/0/1/1", Value::Boolean(true)),
        ("/0/1/2", Value::Integer(3)),
    ];
    write(&mut bench, "/0/1", &successor[1..]);
    // An account without a URI is not whole.
    finish(&mut bench, Code::NOT_ACCEPTABLE);
    write(&mut bench, "/0/1", &successor);
    finish(&mut bench, Code::CHANGED);
    bench.expect_event(Event::Bootstrapped);
    assert_eq!(bench.agent.bootstrap_account(), Some("coap://next.example"));
    bench.connect();
    bench.accept_registration();
    let trigger = bench.request(Code::POST, "/1/0/9");
    bench.ask_code(&trigger, Code::CHANGED);
    // Where it is only the owner can find out.
    bench.expect_event(Event::BootstrapWanted);
    bench.expect_silence();
}

/// There is one Bootstrap-Server at most.
#[test]
fn two_bootstrap_servers_are_not_whole() {
    let mut bench = served();
    write_accounts(&mut bench);
    let second = |bootstrap| {
        [
            ("/0/2/0", Value::String("coap://other.example")),
            ("/0/2/1", Value::Boolean(bootstrap)),
            ("/0/2/2", Value::Integer(3)),
            ("/0/2/10", Value::Integer(2)),
        ]
    };
    write(&mut bench, "/0/2", &second(true));
    finish(&mut bench, Code::NOT_ACCEPTABLE);
    let delete = bench.request(Code::DELETE, "/0/2");
    bench.ask_code(&delete, Code::BAD_REQUEST);
    // As that of a server it is one like the other, once it has a Server instance.
    write(&mut bench, "/0/2", &second(false));
    finish(&mut bench, Code::NOT_ACCEPTABLE);
    let server = [
        ("/1/1/0", Value::Integer(2)),
        ("/1/1/1", Value::Integer(60)),
        ("/1/1/6", Value::Boolean(false)),
        ("/1/1/7", Value::String("U")),
    ];
    write(&mut bench, "/1/1", &server);
    finish(&mut bench, Code::CHANGED);
}

/// Several instances in one TLV, each in place of the one with its id.
#[test]
fn several_instances_come_in_one_write() {
    let mut bench = served();
    write(
        &mut bench,
        "/1",
        &[
            ("/1/0/0", Value::Integer(1)),
            ("/1/0/1", Value::Integer(60)),
            ("/1/0/2", Value::Integer(5)),
            ("/1/0/6", Value::Boolean(false)),
            ("/1/0/7", Value::String("U")),
            ("/1/1/0", Value::Integer(2)),
            ("/1/1/1", Value::Integer(90)),
            ("/1/1/6", Value::Boolean(true)),
            ("/1/1/7", Value::String("U")),
        ],
    );
    let lifetimes = |bench: &Bench| {
        let servers = bench.agent.objects().server.iter();
        servers
            .map(|(id, server)| (id.get(), server.lifetime))
            .collect::<Vec<_>>()
    };
    assert_eq!(lifetimes(&bench), [(0, 60), (1, 90)]);
    // What the new one lacks is gone; the instance that is not named stays.
    write(
        &mut bench,
        "/1",
        &[
            ("/1/0/0", Value::Integer(1)),
            ("/1/0/1", Value::Integer(61)),
        ],
    );
    assert_eq!(lifetimes(&bench), [(0, 61), (1, 90)]);
    let server = bench.agent.objects().server.get(0).unwrap();
    assert_eq!(server.default_minimum_period, None);
}

#[test]
fn ets_9_an_account_that_is_not_whole_is_not_taken() {
    let mut bench = served();
    write(&mut bench, "/1/0/5", &[("/1/0/5", Value::Integer(86400))]);
    finish(&mut bench, Code::NOT_ACCEPTABLE);
    assert!(bench.events.is_empty());
    // It may be put right.
    write_accounts(&mut bench);
    finish(&mut bench, Code::CHANGED);
    bench.expect_event(Event::Bootstrapped);
}

#[test]
fn accounts_with_the_same_or_no_server_id_are_not_whole() {
    let id = |instance: u16, id: i64| {
        let path = format!("/1/{instance}");
        let resource = format!("/1/{instance}/0");
        (path, resource, Value::Integer(id))
    };
    for (instance, number, code) in [
        (1, 1, Code::NOT_ACCEPTABLE),
        (1, 2, Code::NOT_ACCEPTABLE),
        (0, 0, Code::NOT_ACCEPTABLE),
        (0, 1, Code::CHANGED),
    ] {
        let mut bench = served();
        write_accounts(&mut bench);
        let (path, resource, value) = id(instance, number);
        // A number out of the range of the definition is refused as it comes.
        let request = put(&mut bench, &path, &[(&resource, value)]);
        let answer = bench.ask(&request);
        let refused = answer.code() == Code::BAD_REQUEST;
        assert_eq!(refused, number == 0);
        if !refused {
            finish(&mut bench, code);
        }
    }
}

#[test]
fn a_payload_that_makes_no_sense_changes_nothing() {
    let mut bench = served();
    write_accounts(&mut bench);
    let before = discover(&mut bench, "/");
    let wrong = put(
        &mut bench,
        "/0",
        &[
            ("/0/0/0", Value::String("coap://other.example")),
            ("/0/0/2", Value::Integer(9)),
        ],
    );
    bench.ask_code(&wrong, Code::BAD_REQUEST);
    let unknown = put(&mut bench, "/7", &[("/7/0/0", Value::Integer(9))]);
    bench.ask_code(&unknown, Code::BAD_REQUEST);
    let mut link = bench.request(Code::PUT, "/1/0").payload(0, b"x");
    bench.ask_code(&link, Code::UNSUPPORTED_CONTENT_FORMAT);
    link = bench.request(Code::POST, "/1/0").payload(11542, b"x");
    bench.ask_code(&link, Code::METHOD_NOT_ALLOWED);
    assert_eq!(discover(&mut bench, "/"), before);
}

#[test]
fn an_account_comes_in_blocks() {
    let mut bench = served();
    let payload = tlv(
        "/0",
        &[
            (
                "/0/0/0",
                Value::String("coap://a-server-with-a-long-name.example"),
            ),
            ("/0/0/1", Value::Boolean(false)),
            ("/0/0/10", Value::Integer(1)),
        ],
    );
    let blocks: Vec<&[u8]> = payload.chunks(32).collect();
    for (number, block) in (0..).zip(&blocks) {
        let more = usize::try_from(number).unwrap() + 1 < blocks.len();
        let option = (number << 4) | (u32::from(more) << 3) | 1;
        let request = bench
            .request(Code::PUT, "/0")
            .payload(11542, block)
            .uint(OptionNumber::BLOCK1, option);
        let code = if more { Code::CONTINUE } else { Code::CHANGED };
        bench.ask_code(&request, code);
    }
    assert!(discover(&mut bench, "/0").contains("a-server-with-a-long-name"));
}
