//! Operations on several nodes. Numbers are those of the enabler test specification (ETS) 1.2.

use dunlin_agent::model::{Path, Value};
use dunlin_agent::{Code, Config, ContentFormat, Event, LwM2mVersion};
use dunlin_coap::{OptionNumber, Type};
use dunlin_codec::{Decoder, Encoder, Record, Untyped};

use crate::bench::{Bench, Received, Request, node};

const SENML: u16 = 112;
const ETCH: u16 = 322;

/// A pack of SenML CBOR.
fn pack(records: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut buffer = [0; 512];
    let mut encoder = Encoder::new(ContentFormat::SENML_ETCH_CBOR, Path::ROOT, &mut buffer);
    for (path, value) in records {
        encoder
            .push(&Record::new(path.parse().unwrap(), *value))
            .unwrap();
    }
    let length = encoder.finish().unwrap();
    buffer[..length].to_vec()
}

fn fetch(bench: &mut Bench, paths: &[&str]) -> Request {
    let records: Vec<_> = paths.iter().map(|path| (*path, Value::None)).collect();
    let payload = pack(&records);
    bench.request(Code::FETCH, "/").payload(ETCH, &payload)
}

fn patch(bench: &mut Bench, records: &[(&str, Value<'_>)]) -> Request {
    let payload = pack(records);
    bench.request(Code::IPATCH, "/").payload(SENML, &payload)
}

/// The paths of an answer.
#[track_caller]
fn paths(answer: &Received) -> Vec<String> {
    assert_eq!(answer.code(), Code::CONTENT, "{}", answer.text());
    assert_eq!(answer.message().content_format(), Some(SENML));
    let mut scratch = [0; 64];
    let (format, types) = (ContentFormat::SENML_CBOR, &Untyped);
    let message = answer.message();
    Decoder::new(format, Path::ROOT, message.payload(), types, &mut scratch)
        .unwrap()
        .map(|record| record.unwrap().path.to_string())
        .collect()
}

/// A bench whose registration does not ask for Updates.
fn bench() -> Bench {
    bench_of(LwM2mVersion::V1_1)
}

fn bench_of(version: LwM2mVersion) -> Bench {
    let mut node = node();
    node.server.get_mut(0).unwrap().lifetime = 0;
    Bench::registered_with(node, Config::new("urn:dev:os:1-7").version(version))
}

#[test]
fn ets_280_281_and_236_read_what_is_there_of_several_nodes() {
    let mut bench = bench();
    let request = fetch(&mut bench, &["/3/0/16", "/3/0/11/0", "/1/0"]);
    let answer = bench.ask(&request);
    assert_eq!(
        paths(&answer),
        [
            "/1/0/0",
            "/1/0/1",
            "/1/0/6",
            "/1/0/7",
            "/3/0/11/0",
            "/3/0/16"
        ]
    );
    // 8 is executable: it is left out, as is what is not there.
    let request = fetch(&mut bench, &["/1/0/1", "/1/0/7", "/1/0/8", "/3339/0/5522"]);
    let answer = bench.ask(&request);
    assert_eq!(paths(&answer), ["/1/0/1", "/1/0/7"]);
    let request = fetch(&mut bench, &["/1/0/8", "/3339/0/5522"]);
    bench.ask_code(&request, Code::NOT_FOUND);
}

#[test]
fn ets_235_reads_all_but_secrets() {
    let mut bench = bench();
    let request = fetch(&mut bench, &["/"]);
    let all = paths(&bench.ask(&request));
    assert!(all.iter().any(|path| path == "/3303/0/5700"));
    assert!(all.iter().all(|path| !path.starts_with("/0/")), "{all:?}");
    let request = fetch(&mut bench, &["/0", "/1/0/1"]);
    assert_eq!(paths(&bench.ask(&request)), ["/1/0/1"]);
    // And the root alone is not to be read otherwise.
    let request = bench.request(Code::GET, "/");
    bench.ask_code(&request, Code::METHOD_NOT_ALLOWED);
}

#[test]
fn a_read_that_cannot_be_answered_is_refused() {
    let mut bench = bench();
    let text = fetch(&mut bench, &["/1/0/1"]).uint(OptionNumber::ACCEPT, 0);
    bench.ask_code(&text, Code::NOT_ACCEPTABLE);
    let no_list = bench.request(Code::FETCH, "/").payload(0, b"/1/0/1");
    bench.ask_code(&no_list, Code::UNSUPPORTED_CONTENT_FORMAT);
    let empty = bench.request(Code::FETCH, "/").payload(ETCH, b"\x80");
    bench.ask_code(&empty, Code::BAD_REQUEST);
    let values = pack(&[("/1/0/1", Value::Integer(1))]);
    let values = bench.request(Code::FETCH, "/").payload(SENML, &values);
    bench.ask_code(&values, Code::BAD_REQUEST);
    let many: Vec<String> = (0..9).map(|id| format!("/3/0/{id}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let many = fetch(&mut bench, &many);
    bench.ask_code(&many, Code::INTERNAL_SERVER_ERROR);
}

#[test]
fn lists_are_given_back_after_each_answer() {
    let mut bench = bench();
    for _ in 0..20 {
        let request = fetch(&mut bench, &["/1/0/1"]);
        assert_eq!(paths(&bench.ask(&request)), ["/1/0/1"]);
    }
}

#[test]
fn ets_257_writes_in_two_objects() {
    let mut bench = bench();
    let request = patch(
        &mut bench,
        &[
            ("/1/0/2", Value::Integer(101)),
            ("/1/0/6", Value::Boolean(true)),
            ("/3/0/14", Value::String("UTC+2")),
        ],
    );
    bench.ask_code(&request, Code::CHANGED);
    bench.expect_event(Event::Written { path: Path::ROOT });
    assert_eq!(bench.read("/1/0/2"), "101");
    assert_eq!(bench.read("/1/0/6"), "1");
    assert_eq!(bench.read("/3/0/14"), "UTC+2");
}

#[test]
fn a_write_of_several_nodes_is_all_or_nothing() {
    let mut bench = bench();
    for (wrong, code) in [
        (("/3/0/9", Value::Integer(3)), Code::METHOD_NOT_ALLOWED),
        (("/3/0/40", Value::Integer(3)), Code::NOT_FOUND),
        (("/3/1/14", Value::String("x")), Code::NOT_FOUND),
        (("/3343/0/1", Value::Integer(3)), Code::NOT_FOUND),
        (("/1/0/6", Value::String("x")), Code::BAD_REQUEST),
        (("/1/0/2", Value::Integer(-1)), Code::BAD_REQUEST),
        (("/1/0/3", Value::Integer(7)), Code::BAD_REQUEST),
        (("/3/0/14", Value::None), Code::BAD_REQUEST),
        (("/0/0/0", Value::String("x")), Code::UNAUTHORIZED),
        (("/3/0", Value::None), Code::METHOD_NOT_ALLOWED),
    ] {
        let request = patch(&mut bench, &[("/1/0/3", Value::Integer(60)), wrong]);
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), code, "{wrong:?}: {}", answer.text());
        let lifetime = bench
            .request(Code::GET, "/1/0/3")
            .uint(OptionNumber::ACCEPT, 0);
        bench.ask_code(&lifetime, Code::NOT_FOUND);
    }
    let text = bench.request(Code::IPATCH, "/").payload(0, b"x");
    bench.ask_code(&text, Code::UNSUPPORTED_CONTENT_FORMAT);
    let nothing = bench.request(Code::IPATCH, "/").payload(SENML, b"\x80");
    bench.ask_code(&nothing, Code::BAD_REQUEST);
}

#[test]
fn ets_304_and_305_observe_several_nodes_and_cancel() {
    let mut bench = bench();
    let attributes = bench.request(Code::PUT, "/1/0/1").query("pmin=30&pmax=45");
    bench.ask_code(&attributes, Code::CHANGED);
    let nodes = ["/1/0/1", "/3/0/11/0", "/3/0/16"];
    let observe = fetch(&mut bench, &nodes).uint(OptionNumber::OBSERVE, 0);
    let answer = bench.ask(&observe);
    assert_eq!(paths(&answer), nodes);
    assert!(answer.message().observe().is_some());
    bench.seconds(44);
    bench.expect_silence();
    bench.seconds(1);
    let notification = bench.next();
    assert_eq!(notification.message().token(), observe.token);
    assert_eq!(paths(&notification), nodes);
    // A change is told of when pmin is over.
    bench.seconds(1);
    bench.set(|node| node.device.error_codes.push(3).unwrap());
    bench.seconds(28);
    bench.expect_silence();
    bench.seconds(1);
    assert_eq!(paths(&bench.next()), nodes);
    let mut cancel = fetch(&mut bench, &nodes).uint(OptionNumber::OBSERVE, 1);
    cancel.token = observe.token;
    let answer = bench.ask(&cancel);
    assert_eq!(paths(&answer), nodes);
    assert_eq!(answer.message().observe(), None);
    assert_eq!(bench.agent.observations(), 0);
    bench.seconds(200);
    bench.expect_silence();
}

#[test]
fn ets_308_and_309_nodes_come_and_go() {
    let mut bench = bench();
    let observe =
        fetch(&mut bench, &["/3303/0/5700", "/3303/1/5700"]).uint(OptionNumber::OBSERVE, 0);
    assert_eq!(paths(&bench.ask(&observe)), ["/3303/0/5700"]);
    let create = bench.request(Code::POST, "/3303");
    let answer = bench.ask(&create);
    assert_eq!(answer.code(), Code::CREATED);
    bench.turn();
    let messages: Vec<Received> = bench
        .sent
        .drain(..)
        .map(|(_, bytes)| Received(bytes))
        .collect();
    let notification = messages
        .iter()
        .find(|message| message.message().token() == observe.token)
        .expect("a notification");
    assert_eq!(paths(notification), ["/3303/0/5700", "/3303/1/5700"]);
    let delete = bench.request(Code::DELETE, "/3303/1");
    bench.deliver(&delete.bytes());
    bench.turn();
    let messages: Vec<Received> = bench
        .sent
        .drain(..)
        .map(|(_, bytes)| Received(bytes))
        .collect();
    let notification = messages
        .iter()
        .find(|message| message.message().token() == observe.token)
        .expect("a notification");
    assert_eq!(paths(notification), ["/3303/0/5700"]);
}

#[test]
fn ets_310_attributes_that_change_count_at_once() {
    let mut bench = bench();
    let observe = fetch(&mut bench, &["/1/0/1", "/3/0"]).uint(OptionNumber::OBSERVE, 0);
    bench.ask_code(&observe, Code::CONTENT);
    let attributes = bench.request(Code::PUT, "/3").query("pmax=5");
    bench.ask_code(&attributes, Code::CHANGED);
    for _ in 0..3 {
        bench.seconds(4);
        bench.expect_silence();
        bench.seconds(1);
        assert_eq!(bench.next().message().token(), observe.token);
    }
}

#[test]
fn ets_312_and_313_an_observation_brings_its_own_attributes() {
    let mut bench = bench_of(LwM2mVersion::V1_2);
    let attributes = bench
        .request(Code::PUT, "/3303/0/5700")
        .query("pmin=5&pmax=60");
    bench.ask_code(&attributes, Code::CHANGED);
    let observe = bench
        .request(Code::GET, "/3303/0/5700")
        .query("pmin=5&pmax=10")
        .uint(OptionNumber::OBSERVE, 0);
    bench.ask_code(&observe, Code::CONTENT);
    bench.seconds(9);
    bench.expect_silence();
    bench.seconds(1);
    assert_eq!(bench.next().message().token(), observe.token);
    // They are no attributes of the node.
    let discover = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::ACCEPT, 40);
    assert_eq!(bench.ask(&discover).text(), "</3303/0/5700>;pmin=5;pmax=60");
    // Attributes that the node cannot have are refused, with the observation.
    let wrong = bench
        .request(Code::GET, "/3/0/0")
        .query("gt=5")
        .uint(OptionNumber::OBSERVE, 0);
    bench.ask_code(&wrong, Code::BAD_REQUEST);
    let wrong = fetch(&mut bench, &["/3303/0/5700"])
        .query("gt=5")
        .uint(OptionNumber::OBSERVE, 0);
    bench.ask_code(&wrong, Code::BAD_REQUEST);
    assert_eq!(bench.agent.observations(), 1);
    // An observation without them, in its place, has the node's again.
    let mut again = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::OBSERVE, 0);
    again.token = observe.token;
    bench.ask_code(&again, Code::CONTENT);
    bench.seconds(59);
    bench.expect_silence();
    bench.seconds(1);
    assert_eq!(bench.next().message().message_type(), Type::NonConfirmable);
}
