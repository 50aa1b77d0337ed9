//! Bootstrap: the test is the Bootstrap-Server. Numbers are those of the enabler test specification (ETS) 1.2.

use dunlin_agent::model::{ObjectLink, Value};
use dunlin_agent::objects::SecurityAccount;
use dunlin_agent::{Code, Config, ContentFormat, Event, Failure, Instances};
use dunlin_coap::{MessageBuilder, OptionNumber, Type};
use dunlin_codec::{Encoder, Record};

use crate::bench::{Bench, Node, Received, Request, SERVER, node};

/// A node of the ETS' configuration C.13: the account of a Bootstrap-Server, and no server.
pub(crate) fn blank() -> Node {
    let mut node = node();
    node.security = Instances::new();
    node.security
        .insert(
            1,
            SecurityAccount::no_sec_bootstrap("coap://bootstrap.example").unwrap(),
        )
        .unwrap();
    node.server = Instances::new();
    node
}

pub(crate) fn bench() -> Bench {
    Bench::with(blank(), Config::new("urn:dev:os:1-7"))
}

/// Starts to bootstrap and takes the Bootstrap-Request.
#[track_caller]
pub(crate) fn request(bench: &mut Bench) -> Received {
    bench.agent.bootstrap(bench.now, SERVER);
    bench.turn();
    bench.next()
}

/// A bench whose Bootstrap-Request has been accepted.
pub(crate) fn served() -> Bench {
    let mut bench = bench();
    let request = request(&mut bench);
    bench.answer(&request, Code::CHANGED, &[]);
    bench
}

pub(crate) fn tlv(base: &str, values: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut buffer = [0; 1024];
    let base = base.parse().unwrap();
    let mut encoder = Encoder::new(ContentFormat::TLV, base, &mut buffer);
    for (path, value) in values {
        encoder
            .push(&Record::new(path.parse().unwrap(), *value))
            .unwrap();
    }
    let length = encoder.finish().unwrap();
    buffer[..length].to_vec()
}

pub(crate) fn put(bench: &mut Bench, path: &str, values: &[(&str, Value<'_>)]) -> Request {
    let payload = tlv(path, values);
    bench.request(Code::PUT, path).payload(11542, &payload)
}

#[track_caller]
pub(crate) fn write(bench: &mut Bench, path: &str, values: &[(&str, Value<'_>)]) {
    let request = put(bench, path, values);
    bench.ask_code(&request, Code::CHANGED);
}

#[track_caller]
pub(crate) fn write_accounts(bench: &mut Bench) {
    write(
        bench,
        "/0",
        &[
            ("/0/0/0", Value::String("coap://server.example")),
            ("/0/0/1", Value::Boolean(false)),
            ("/0/0/2", Value::Integer(3)),
            ("/0/0/3", Value::Opaque(b"")),
            ("/0/0/4", Value::Opaque(b"")),
            ("/0/0/5", Value::Opaque(b"")),
            ("/0/0/10", Value::Integer(1)),
        ],
    );
    write(
        bench,
        "/1/0",
        &[
            ("/1/0/0", Value::Integer(1)),
            ("/1/0/1", Value::Integer(86400)),
            ("/1/0/6", Value::Boolean(false)),
            ("/1/0/7", Value::String("U")),
        ],
    );
}

#[track_caller]
pub(crate) fn discover(bench: &mut Bench, path: &str) -> String {
    let request = bench
        .request(Code::GET, path)
        .uint(OptionNumber::ACCEPT, 40);
    let answer = bench.ask(&request);
    assert_eq!(answer.code(), Code::CONTENT, "{}", answer.text());
    answer.text()
}

#[track_caller]
pub(crate) fn finish(bench: &mut Bench, code: Code) {
    let request = bench.request(Code::POST, "/bs");
    bench.ask_code(&request, code);
}

#[test]
fn ets_0_client_initiated_bootstrap() {
    let mut bench = bench();
    assert_eq!(
        bench.agent.bootstrap_account(),
        Some("coap://bootstrap.example")
    );
    assert_eq!(bench.agent.accounts().count(), 0);
    let request = request(&mut bench);
    let message = request.message();
    assert_eq!(
        (message.message_type(), message.code()),
        (Type::Confirmable, Code::POST)
    );
    assert_eq!(request.path(), "/bs");
    assert_eq!(request.query(), ["ep=urn:dev:os:1-7", "pct=112"]);
    bench.answer(&request, Code::CHANGED, &[]);
    write_accounts(&mut bench);
    assert_eq!(
        discover(&mut bench, "/"),
        "</>;lwm2m=1.1,</0>;ver=1.2,</0/0>;ssid=1;uri=\"coap://server.example\",</0/1>,\
         </1>;ver=1.2,</1/0>;ssid=1,</3>;ver=1.2,</3/0>,</3303>;ver=1.1,</3303/0>,</42769>"
    );
    assert_eq!(
        discover(&mut bench, "/1"),
        "</>;lwm2m=1.1,</1>;ver=1.2,</1/0>;ssid=1"
    );
    finish(&mut bench, Code::CHANGED);
    bench.expect_event(Event::Bootstrapped);
    // And then it registers at the server that it was given.
    assert_eq!(
        bench.agent.accounts().collect::<Vec<_>>(),
        [(1, "coap://server.example")]
    );
    bench.connect();
    let register = bench.accept_registration();
    assert!(register.query().contains(&"lt=86400".to_owned()));
}

/// Whoever asks for OSCORE is not reached without it.
#[test]
fn an_account_that_asks_for_oscore_is_refused() {
    let mut bench = served();
    write_accounts(&mut bench);
    for (link, code) in [
        (ObjectLink::new(21, 0), Code::NOT_IMPLEMENTED),
        (ObjectLink::NULL, Code::CHANGED),
    ] {
        let asks = put(&mut bench, "/0/0", &[("/0/0/17", Value::Objlnk(link))]);
        bench.ask_code(&asks, code);
    }
    write_accounts(&mut bench);
    finish(&mut bench, Code::CHANGED);
}

#[test]
fn ets_4_deletes_all_but_its_own_account_and_the_device() {
    let mut bench = served();
    write_accounts(&mut bench);
    for path in ["/0", "/1"] {
        let request = bench.request(Code::DELETE, path);
        bench.ask_code(&request, Code::DELETED);
    }
    assert_eq!(
        discover(&mut bench, "/0"),
        "</>;lwm2m=1.1,</0>;ver=1.2,</0/1>"
    );
    assert_eq!(discover(&mut bench, "/1"), "</>;lwm2m=1.1,</1>;ver=1.2");
    write_accounts(&mut bench);
    let request = bench.request(Code::DELETE, "/");
    bench.ask_code(&request, Code::DELETED);
    assert_eq!(
        discover(&mut bench, "/"),
        "</>;lwm2m=1.1,</0>;ver=1.2,</0/1>,</1>;ver=1.2,</3>;ver=1.2,</3/0>,</3303>;ver=1.1,</42769>"
    );
    // Its own account by name is a mistake, and so is what is not there.
    for path in ["/0/1", "/3/0", "/1/7"] {
        let request = bench.request(Code::DELETE, path);
        bench.ask_code(&request, Code::BAD_REQUEST);
    }
    finish(&mut bench, Code::NOT_ACCEPTABLE);
    write_accounts(&mut bench);
    finish(&mut bench, Code::CHANGED);
    bench.expect_event(Event::Bootstrapped);
}

#[test]
fn ets_5_a_server_asks_for_a_bootstrap() {
    let mut bench = Bench::registered_with(
        {
            let mut node = node();
            let account = SecurityAccount::no_sec_bootstrap("coap://bootstrap.example").unwrap();
            node.security.insert(1, account).unwrap();
            node
        },
        Config::new("urn:dev:os:1-7"),
    );
    // Where the Bootstrap-Server is only the owner can find out.
    let trigger = bench.request(Code::POST, "/1/0/9");
    bench.ask_code(&trigger, Code::CHANGED);
    bench.expect_event(Event::BootstrapWanted);
    bench.expect_event(Event::Executed {
        path: "/1/0/9".parse().unwrap(),
    });
    let asked = request(&mut bench);
    assert_eq!(asked.path(), "/bs");
    bench.answer(&asked, Code::CHANGED, &[]);
    write_accounts(&mut bench);
    finish(&mut bench, Code::CHANGED);
    bench.expect_event(Event::Bootstrapped);
    assert!(!bench.agent.is_registered(1));
    bench.connect();
    bench.accept_registration();
    // The second time it knows the way.
    let trigger = bench.request(Code::POST, "/1/0/9");
    bench.deliver(&trigger.bytes());
    assert_eq!(bench.next().code(), Code::CHANGED);
    assert_eq!(bench.next().path(), "/bs");
}

#[test]
fn ets_7_falls_back_to_bootstrap_when_registrations_fail() {
    let mut node = node();
    let account = SecurityAccount::no_sec_bootstrap("coap://bootstrap.example").unwrap();
    node.security.insert(1, account).unwrap();
    node.server.get_mut(0).unwrap().retry_count = Some(2);
    let mut bench: Bench = Bench::with(node, Config::new("urn:dev:os:1-7"));
    bench.connect();
    // Nobody is there.
    bench.seconds(400);
    let lost = |event: &Event| {
        let unanswered = Failure::NoAnswer;
        matches!(event, Event::RegistrationFailed { reason, .. } if *reason == unanswered)
    };
    assert!(bench.events.pop_front().is_some_and(|event| lost(&event)));
    assert!(bench.events.pop_front().is_some_and(|event| lost(&event)));
    bench.expect_event(Event::BootstrapWanted);
    bench.sent.clear();
    let request = request(&mut bench);
    bench.answer(&request, Code::CHANGED, &[]);
    write_accounts(&mut bench);
    finish(&mut bench, Code::CHANGED);
    bench.expect_event(Event::Bootstrapped);
    bench.connect();
    bench.accept_registration();
}

/// /1/x/16: a server that rejects the registration makes the device ask for other accounts, but not again and again.
#[test]
fn a_rejection_leads_to_a_bootstrap_at_once_and_not_again_and_again() {
    let mut node = node();
    let account = SecurityAccount::no_sec_bootstrap("coap://bootstrap.example").unwrap();
    node.security.insert(1, account).unwrap();
    let mut bench: Bench = Bench::with(node, Config::new("urn:dev:os:1-7"));
    let reject = |bench: &mut Bench, code| {
        bench.connect();
        let register = bench.next();
        bench.answer(&register, code, &[]);
        assert!(matches!(
            bench.events.pop_front(),
            Some(Event::RegistrationFailed { .. })
        ));
    };
    // A server that has a fault of its own rejects nobody.
    reject(&mut bench, Code::INTERNAL_SERVER_ERROR);
    assert!(bench.events.is_empty());
    reject(&mut bench, Code::FORBIDDEN);
    bench.expect_event(Event::BootstrapWanted);
    let request = request(&mut bench);
    bench.answer(&request, Code::CHANGED, &[]);
    write_accounts(&mut bench);
    finish(&mut bench, Code::CHANGED);
    bench.expect_event(Event::Bootstrapped);
    // The new account is rejected too: first it is tried as often as it says.
    reject(&mut bench, Code::FORBIDDEN);
    assert!(bench.events.is_empty());
    bench.seconds(100);
    bench.sent.truncate(1);
    bench.accept_registration();
    // It has done once; now the next rejection counts again.
    reject(&mut bench, Code::FORBIDDEN);
    assert_eq!(bench.next().path(), "/bs");
    let mut bench = Bench::new();
    bench.set(|node| node.server.get_mut(0).unwrap().bootstrap_on_failure = Some(false));
    reject(&mut bench, Code::FORBIDDEN);
    assert!(bench.events.is_empty());
}

/// The format that the device prefers is told to who knows of it, and left out for who refuses it (4.15).
#[test]
fn a_preferred_format_is_no_reason_to_fail() {
    let mut bench = bench();
    let asked = request(&mut bench);
    assert_eq!(asked.query(), ["ep=urn:dev:os:1-7", "pct=112"]);
    bench.answer(&asked, Code::UNSUPPORTED_CONTENT_FORMAT, &[]);
    let again = bench.next();
    assert_eq!(again.query(), ["ep=urn:dev:os:1-7"]);
    assert!(bench.events.is_empty());
    bench.answer(&again, Code::CHANGED, &[]);
    write_accounts(&mut bench);
    finish(&mut bench, Code::CHANGED);
    bench.expect_event(Event::Bootstrapped);
    // It is refused once more: then that is a failure.
    let mut bench = Bench::with(blank(), Config::new("urn:dev:os:1-7"));
    let asked = request(&mut bench);
    bench.answer(&asked, Code::UNSUPPORTED_CONTENT_FORMAT, &[]);
    let again: Received = bench.next();
    bench.answer(&again, Code::UNSUPPORTED_CONTENT_FORMAT, &[]);
    assert!(matches!(
        bench.events.pop_front(),
        Some(Event::BootstrapFailed { .. })
    ));
    bench.expect_silence();
    let config = Config::new("urn:dev:os:1-7").version(dunlin_agent::LwM2mVersion::V1_0);
    let mut bench = Bench::<1, Node>::with(blank(), config);
    assert_eq!(request(&mut bench).query(), ["ep=urn:dev:os:1-7"]);
}

/// A trigger that leads nowhere is refused.
#[test]
fn without_a_bootstrap_server_there_is_no_trigger() {
    let mut bench = Bench::registered();
    let trigger = bench.request(Code::POST, "/1/0/9");
    bench.ask_code(&trigger, Code::METHOD_NOT_ALLOWED);
    assert!(bench.events.is_empty());
}

#[test]
fn ets_8_reads_the_server_object_and_nothing_else() {
    let mut bench = served();
    write_accounts(&mut bench);
    let request = bench
        .request(Code::GET, "/1")
        .uint(OptionNumber::ACCEPT, 11542);
    let answer = bench.ask(&request);
    assert_eq!(answer.code(), Code::CONTENT);
    assert!(
        answer
            .message()
            .payload()
            .windows(3)
            .any(|part| part == [0xc1, 7, b'U'])
    );
    for path in ["/0/0", "/3/0"] {
        let request = bench.request(Code::GET, path);
        bench.ask_code(&request, Code::BAD_REQUEST);
    }
    finish(&mut bench, Code::CHANGED);
}

#[test]
fn hold_off_silence_and_refusal_lead_to_another_attempt() {
    let mut node = blank();
    node.security.get_mut(1).unwrap().hold_off = 20;
    let mut bench: Bench = Bench::with(node, Config::new("urn:dev:os:1-7"));
    bench.agent.bootstrap(bench.now, SERVER);
    bench.turn();
    bench.seconds(19);
    bench.expect_silence();
    bench.seconds(1);
    let request = bench.next();
    bench.answer(&request, Code::BAD_REQUEST, &[]);
    let failed = |bench: &mut Bench| match bench.events.pop_front() {
        Some(Event::BootstrapFailed { reason, retry }) => (reason, retry),
        other => panic!("{other:?}"),
    };
    let (reason, retry) = failed(&mut bench);
    assert_eq!(reason, Failure::Refused(Code::BAD_REQUEST));
    assert!((60..=90).contains(&retry.as_secs()), "{retry:?}");
    bench.advance(retry);
    // Accepted, with an answer of its own, and then forgotten.
    let request = bench.next();
    bench.deliver(&dunlin_coap::empty_ack(request.message().id()));
    let mut buffer = [0; 16];
    let token = request.message().token();
    let id = bench.id();
    let answer = MessageBuilder::new(&mut buffer, Type::Confirmable, Code::CHANGED, id, token)
        .finish()
        .unwrap()
        .to_vec();
    bench.deliver(&answer);
    assert_eq!(bench.next().message().message_type(), Type::Acknowledgement);
    bench.deliver(&answer);
    assert_eq!(bench.next().message().message_type(), Type::Acknowledgement);
    write_accounts(&mut bench);
    bench.seconds(246);
    assert!(bench.events.is_empty());
    bench.seconds(1);
    assert_eq!(failed(&mut bench).0, Failure::NoAnswer);
    // What the Bootstrap-Server asks now is asked by a stranger.
    let late = bench.request(Code::POST, "/bs");
    bench.deliver(&late.bytes());
    bench.expect_silence();
}

#[test]
fn a_server_is_not_heard_during_bootstrap() {
    let mut node = node();
    let account = SecurityAccount::no_sec_bootstrap("coap://bootstrap.example").unwrap();
    node.security.insert(1, account).unwrap();
    let mut bench = Bench::registered_with(node, Config::new("urn:dev:os:1-7"));
    let other = 9;
    bench.agent.bootstrap(bench.now, other);
    bench.turn();
    let (to, _) = bench.sent.pop_front().unwrap();
    assert_eq!(to, other);
    let read = bench.request(Code::GET, "/3/0");
    bench.deliver(&read.bytes());
    bench.expect_silence();
    // And no other server is the Bootstrap-Server.
    let delete = bench.request(Code::DELETE, "/");
    bench.deliver(&delete.bytes());
    bench.deliver_from(77, &delete.bytes());
    bench.expect_silence();
    assert_eq!(bench.agent.objects().security.len(), 2);
}
