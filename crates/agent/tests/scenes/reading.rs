//! Read and Discover.

use dunlin_agent::model::{Path, Value, objects};
use dunlin_agent::{Code, ContentFormat};
use dunlin_coap::{OptionNumber, Type};
use dunlin_codec::{Decoder, Record};

use crate::bench::{Bench, Received, SERVER};

const TLV: u32 = 11542;
const SENML_CBOR: u32 = 112;

/// The records of an answer to a Read of `path`.
#[track_caller]
fn records(answer: &Received, path: &str) -> Vec<(String, String)> {
    let message = answer.message();
    assert_eq!(message.code(), Code::CONTENT, "{}", answer.text());
    let format = ContentFormat(message.content_format().expect("a payload has a format"));
    let base: Path = path.parse().unwrap();
    Decoder::new(format, base, message.payload(), objects::CORE, &mut [])
        .unwrap()
        .map(|record| {
            let Record { path, value, .. } = record.unwrap();
            (path.to_string(), format!("{value:?}"))
        })
        .collect()
}

fn paths(records: &[(String, String)]) -> Vec<&str> {
    records.iter().map(|(path, _)| path.as_str()).collect()
}

#[test]
fn reads_a_resource_in_every_format() {
    let mut bench = Bench::registered();
    assert_eq!(bench.read("/3303/0/5700"), "20.5");
    assert_eq!(bench.read("/3/0/0"), "Dunlin");
    assert_eq!(bench.read("/3/0/7/5"), "5000");
    // In four bytes, and in two.
    for (accept, shown) in [(TLV, "Single(20.5)"), (SENML_CBOR, "Float(20.5)")] {
        let request = bench
            .request(Code::GET, "/3303/0/5700")
            .uint(OptionNumber::ACCEPT, accept);
        let answer = bench.ask(&request);
        assert_eq!(
            answer.message().content_format().map(u32::from),
            Some(accept)
        );
        assert_eq!(
            records(&answer, "/3303/0/5700"),
            [("/3303/0/5700".to_owned(), shown.to_owned())]
        );
    }
    // Without Accept: the format that the agent prefers.
    assert_eq!(
        bench
            .get("/3/0/0")
            .message()
            .content_format()
            .map(u32::from),
        Some(SENML_CBOR)
    );
}

#[test]
fn reads_an_instance_and_an_object() {
    let mut bench = Bench::registered();
    for accept in [TLV, SENML_CBOR] {
        for path in ["/3/0", "/3"] {
            let request = bench
                .request(Code::GET, path)
                .uint(OptionNumber::ACCEPT, accept);
            let answer = bench.ask(&request);
            let records = records(&answer, path);
            assert_eq!(
                paths(&records),
                [
                    "/3/0/0",
                    "/3/0/1",
                    "/3/0/2",
                    "/3/0/3",
                    "/3/0/6/1",
                    "/3/0/6/5",
                    "/3/0/7/1",
                    "/3/0/7/5",
                    "/3/0/8/1",
                    "/3/0/8/5",
                    "/3/0/9",
                    "/3/0/11/0",
                    "/3/0/14",
                    "/3/0/16"
                ]
            );
            assert_eq!(records[7].1, "Integer(5000)");
        }
    }
}

#[test]
fn reads_multiple_resources_and_objects_without_instances() {
    let mut bench = Bench::registered();
    let answer = bench.get("/3/0/7");
    assert_eq!(paths(&records(&answer, "/3/0/7")), ["/3/0/7/1", "/3/0/7/5"]);
    bench.agent.set(|node| drop(node.temperature.remove(0)));
    let answer = bench.get("/3303");
    assert_eq!(records(&answer, "/3303"), []);
}

#[test]
fn an_empty_multiple_resource_is_a_tlv_without_instances() {
    let mut bench = Bench::registered();
    bench.set(|node| node.device.power_sources.clear());
    let request = bench.request(Code::GET, "/3/0/6");
    // The device has none, and so not the resource.
    bench.ask_code(&request, Code::NOT_FOUND);
}

#[test]
fn refuses_what_cannot_be_read() {
    let mut bench = Bench::registered();
    for (path, code) in [
        ("/0", Code::UNAUTHORIZED),
        ("/0/0", Code::UNAUTHORIZED),
        ("/0/0/5", Code::UNAUTHORIZED),
        ("/0/7/5", Code::UNAUTHORIZED),
        ("/21/0", Code::UNAUTHORIZED),
        ("/4", Code::NOT_FOUND),
        ("/3/1", Code::NOT_FOUND),
        ("/3/0/999", Code::NOT_FOUND),
        ("/3/0/10", Code::NOT_FOUND),
        ("/3/0/7/2", Code::NOT_FOUND),
        ("/3/0/4", Code::METHOD_NOT_ALLOWED),
        ("/1/0/8", Code::METHOD_NOT_ALLOWED),
        ("/3/0/0/0", Code::METHOD_NOT_ALLOWED),
        ("/", Code::METHOD_NOT_ALLOWED),
        ("/3/0/0/0/0", Code::NOT_FOUND),
        ("/3/65535", Code::NOT_FOUND),
        ("/3/x", Code::NOT_FOUND),
    ] {
        let request = bench.request(Code::GET, path);
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), code, "{path}: {}", answer.text());
        assert!(answer.message().content_format().is_none());
    }
}

#[test]
fn refuses_formats_that_cannot_carry_the_answer() {
    let mut bench = Bench::registered();
    for (path, accept) in [
        ("/3/0", 0),
        ("/3/0/7", 0),
        ("/3", 0),
        ("/3/0/0", 42),
        ("/3/0", 320),
        ("/3/0/0", 11543),
        ("/3/0/0", 60000),
    ] {
        let request = bench
            .request(Code::GET, path)
            .uint(OptionNumber::ACCEPT, accept);
        bench.ask_code(&request, Code::NOT_ACCEPTABLE);
    }
}

#[test]
fn answers_a_non_confirmable_request_likewise() {
    let mut bench = Bench::registered();
    let request = bench
        .request(Code::GET, "/3/0/0")
        .uint(OptionNumber::ACCEPT, 0)
        .non();
    let answer = bench.ask(&request);
    assert_eq!(answer.message().message_type(), Type::NonConfirmable);
    assert_eq!(answer.text(), "Dunlin");
}

#[test]
fn a_repeated_request_gets_the_same_answer_and_is_not_carried_out_again() {
    let mut bench = Bench::registered();
    let request = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::ACCEPT, 0);
    let answer = bench.ask(&request);
    bench.measure(30.0);
    assert_eq!(bench.ask(&request), answer);
    assert_eq!(bench.agent.counters().duplicates, 1);
    // After EXCHANGE_LIFETIME the id is a new one.
    bench
        .agent
        .set(|node| node.server.get_mut(0).unwrap().lifetime = 0);
    bench.turn();
    let update = bench.next();
    bench.answer(&update, Code::CHANGED, &[]);
    bench.seconds(248);
    assert_eq!(bench.ask(&request).text(), "30");
}

#[test]
fn a_request_repeated_before_its_answer_is_fetched_is_answered_once() {
    let mut bench = Bench::registered();
    let request = bench.request(Code::GET, "/3/0/0").bytes();
    bench.agent.handle_input(bench.now, SERVER, &request);
    bench.agent.handle_input(bench.now, SERVER, &request);
    bench.turn();
    bench.next();
    bench.expect_silence();
}

#[test]
fn answers_that_are_not_fetched_make_further_requests_wait() {
    let mut bench = Bench::registered();
    for _ in 0..6 {
        let request = bench.request(Code::POST, "/3303/0/5605").bytes();
        bench.agent.handle_input(bench.now, SERVER, &request);
    }
    bench.turn();
    assert_eq!(bench.sent.len(), 4);
    assert_eq!(bench.agent.counters().dropped, 2);
}

#[test]
fn discovers_an_object() {
    let mut bench = Bench::registered();
    let discover = |bench: &mut Bench, path: &str, query: &str| {
        let mut request = bench
            .request(Code::GET, path)
            .uint(OptionNumber::ACCEPT, 40);
        if !query.is_empty() {
            request = request.query(query);
        }
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), Code::CONTENT, "{}", answer.text());
        assert_eq!(answer.message().content_format(), Some(40));
        answer.text()
    };
    assert_eq!(
        discover(&mut bench, "/3303", ""),
        "</3303>;ver=1.1,</3303/0>,</3303/0/5601>,</3303/0/5602>,</3303/0/5605>,</3303/0/5700>,</3303/0/5701>"
    );
    assert_eq!(
        discover(&mut bench, "/3/0", ""),
        "</3/0>,</3/0/0>,</3/0/1>,</3/0/2>,</3/0/3>,</3/0/4>,</3/0/5>,</3/0/6>;dim=2,</3/0/7>;dim=2,</3/0/8>;dim=2,\
         </3/0/9>,</3/0/11>;dim=1,</3/0/12>,</3/0/14>,</3/0/16>"
    );
    for (path, query) in [
        ("/3", "pmin=10"),
        ("/3/0", "pmax=60"),
        ("/3/0/7", "gt=50&lt=42.2"),
        ("/3/0/7/1", "lt=45"),
    ] {
        let request = bench.request(Code::PUT, path).query(query);
        bench.ask_code(&request, Code::CHANGED);
    }
    assert_eq!(
        discover(&mut bench, "/3/0/7", ""),
        "</3/0/7>;dim=2;pmin=10;pmax=60;gt=50;lt=42.2,</3/0/7/1>;lt=45,</3/0/7/5>"
    );
    assert!(
        discover(&mut bench, "/3", "").starts_with("</3>;ver=1.2;pmin=10,</3/0>;pmax=60,</3/0/0>,")
    );
    assert_eq!(
        discover(&mut bench, "/3/0", "depth=0"),
        "</3/0>;pmin=10;pmax=60"
    );
    assert_eq!(
        discover(&mut bench, "/3", "depth=1"),
        "</3>;ver=1.2;pmin=10,</3/0>;pmax=60"
    );
    assert!(discover(&mut bench, "/3", "depth=3").contains("</3/0/7/1>;lt=45"));
    let request = bench
        .request(Code::GET, "/0")
        .uint(OptionNumber::ACCEPT, 40);
    bench.ask_code(&request, Code::UNAUTHORIZED);
    let request = bench
        .request(Code::GET, "/3/0/10")
        .uint(OptionNumber::ACCEPT, 40);
    bench.ask_code(&request, Code::NOT_FOUND);
}

#[test]
fn values_written_are_read_back() {
    let mut bench = Bench::registered();
    bench
        .agent
        .set(|node| node.device.current_time = Some(1_700_000_000));
    assert_eq!(bench.read("/3/0/13"), "1700000000");
    assert_eq!(Value::Time(1).as_i64(), Some(1));
}

#[test]
fn ets_261_attributes_of_a_multiple_resource_are_shown() {
    let mut bench = Bench::registered();
    let discover = |bench: &mut Bench, path: &str| {
        let request = bench
            .request(Code::GET, path)
            .uint(OptionNumber::ACCEPT, 40);
        bench.ask(&request).text()
    };
    assert_eq!(
        discover(&mut bench, "/3/0/11"),
        "</3/0/11>;dim=1,</3/0/11/0>"
    );
    for (path, query) in [
        ("/3", "pmin=10&pmax=200"),
        ("/3/0", "pmax=320"),
        ("/3/0/11/0", "pmax=100&epmin=1&epmax=20"),
    ] {
        let request = bench.request(Code::PUT, path).query(query);
        bench.ask_code(&request, Code::CHANGED);
    }
    assert_eq!(
        discover(&mut bench, "/3/0/11"),
        "</3/0/11>;dim=1;pmin=10;pmax=320,</3/0/11/0>;pmax=100;epmin=1;epmax=20"
    );
}

#[test]
fn ets_264_and_266_a_depth_says_how_far_down() {
    let mut bench = Bench::registered();
    let attributes = bench.request(Code::PUT, "/3/0").query("pmax=200");
    bench.ask_code(&attributes, Code::CHANGED);
    let attributes = bench.request(Code::PUT, "/3/0/7/1").query("gt=8");
    bench.ask_code(&attributes, Code::CHANGED);
    let discover = |bench: &mut Bench, depth: &str| {
        let request = bench
            .request(Code::GET, "/3")
            .query(depth)
            .uint(OptionNumber::ACCEPT, 40);
        bench.ask(&request).text()
    };
    assert_eq!(discover(&mut bench, "depth=0"), "</3>;ver=1.2");
    assert_eq!(
        discover(&mut bench, "depth=1"),
        "</3>;ver=1.2,</3/0>;pmax=200"
    );
    let deep = discover(&mut bench, "depth=3");
    assert!(
        deep.contains("</3/0/7>;dim=2,</3/0/7/1>;gt=8,</3/0/7/5>,"),
        "{deep}"
    );
    let shallow = discover(&mut bench, "depth=2");
    assert!(shallow.contains("</3/0/7>;dim=2,</3/0/8>"), "{shallow}");
}
