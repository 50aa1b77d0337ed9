//! Write, Execute, Create and Delete.

use dunlin_agent::model::{Path, Value};
use dunlin_agent::{Code, ContentFormat, Event};
use dunlin_coap::OptionNumber;
use dunlin_codec::{Encoder, Record};

use crate::bench::Bench;

const TEXT: u16 = 0;
const TLV: u16 = 11542;
const SENML_CBOR: u16 = 112;

/// A payload with these records.
fn payload(format: u16, base: &str, records: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut buffer = [0; 512];
    let base: Path = base.parse().unwrap();
    let mut encoder = Encoder::new(ContentFormat(format), base, &mut buffer);
    for (path, value) in records {
        encoder
            .push(&Record::new(path.parse().unwrap(), *value))
            .unwrap();
    }
    let length = encoder.finish().unwrap();
    buffer[..length].to_vec()
}

#[track_caller]
fn put(bench: &mut Bench, path: &str, format: u16, bytes: &[u8], code: Code) {
    let request = bench.request(Code::PUT, path).payload(format, bytes);
    bench.ask_code(&request, code);
}

#[track_caller]
fn post(bench: &mut Bench, path: &str, format: u16, bytes: &[u8], code: Code) {
    let request = bench.request(Code::POST, path).payload(format, bytes);
    bench.ask_code(&request, code);
}

#[test]
fn writes_a_resource_in_every_format() {
    let mut bench = Bench::registered();
    put(&mut bench, "/3/0/15", TEXT, b"Europe/Lisbon", Code::CHANGED);
    bench.expect_event(Event::Written {
        path: "/3/0/15".parse().unwrap(),
    });
    assert_eq!(bench.read("/3/0/15"), "Europe/Lisbon");
    for format in [TLV, SENML_CBOR] {
        let bytes = payload(format, "/3/0/14", &[("/3/0/14", Value::String("UTC+5"))]);
        put(&mut bench, "/3/0/14", format, &bytes, Code::CHANGED);
        assert_eq!(bench.read("/3/0/14"), "UTC+5");
        put(&mut bench, "/3/0/14", TEXT, b"UTC", Code::CHANGED);
    }
}

#[test]
fn refuses_numbers_in_another_unit() {
    let mut bench = Bench::registered();
    put(&mut bench, "/1/0/2", TEXT, b"1", Code::CHANGED);
    for (payload, code) in [
        (
            r#"[{"bn":"/1/0/","n":"2","u":"min","v":5}]"#,
            Code::BAD_REQUEST,
        ),
        (
            r#"[{"bn":"/1/0/","bu":"min","n":"2","v":5}]"#,
            Code::BAD_REQUEST,
        ),
        (r#"[{"bn":"/1/0/","n":"2","u":"s","v":500}]"#, Code::CHANGED),
    ] {
        let before = bench.read("/1/0/2");
        post(&mut bench, "/1/0", 110, payload.as_bytes(), code);
        let changed = bench.read("/1/0/2") != before;
        assert_eq!(changed, code == Code::CHANGED, "{payload}");
    }
}

#[test]
fn refuses_wrong_values_and_changes_nothing() {
    let mut bench = Bench::registered();
    for (path, format, bytes, code) in [
        ("/1/0/1", TEXT, &b"soon"[..], Code::BAD_REQUEST),
        ("/1/0/1", TEXT, b"-1", Code::BAD_REQUEST),
        ("/1/0/1", TEXT, b"4294967296", Code::BAD_REQUEST),
        ("/1/0/1", TEXT, b"", Code::BAD_REQUEST),
        ("/1/0/6", TEXT, b"2", Code::BAD_REQUEST),
        ("/1/0/26", TEXT, b"2", Code::BAD_REQUEST),
        ("/1/0/7", TEXT, b"XYZ", Code::BAD_REQUEST),
        (
            "/3/0/14",
            TEXT,
            b"a text too long for it",
            Code::BAD_REQUEST,
        ),
        ("/3/0/14", TEXT, b"\xff", Code::BAD_REQUEST),
        ("/3/0/14", 320, b"[]", Code::UNSUPPORTED_CONTENT_FORMAT),
        ("/3/0/14", 42, b"UTC", Code::UNSUPPORTED_CONTENT_FORMAT),
        ("/3/0/14", TLV, b"\x01", Code::BAD_REQUEST),
        ("/3/0/14", SENML_CBOR, b"\xff", Code::BAD_REQUEST),
        ("/3/0", TEXT, b"x", Code::UNSUPPORTED_CONTENT_FORMAT),
        ("/3/0/0", TEXT, b"Other", Code::METHOD_NOT_ALLOWED),
        ("/3/0/4", TEXT, b"1", Code::METHOD_NOT_ALLOWED),
        ("/1/0/0", TEXT, b"7", Code::METHOD_NOT_ALLOWED),
        ("/3/0/14/0", TEXT, b"UTC", Code::METHOD_NOT_ALLOWED),
        ("/3/0/99", TEXT, b"x", Code::NOT_FOUND),
        ("/3/0/17", TEXT, b"x", Code::NOT_FOUND),
        ("/1/0/10", TEXT, b"3:0", Code::NOT_FOUND),
        ("/1/5/1", TEXT, b"1", Code::NOT_FOUND),
        ("/9/0/1", TEXT, b"1", Code::NOT_FOUND),
        ("/0/0/0", TEXT, b"coap://evil", Code::UNAUTHORIZED),
        ("/3", TLV, b"", Code::METHOD_NOT_ALLOWED),
    ] {
        let request = bench.request(Code::PUT, path).payload(format, bytes);
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), code, "{path} {bytes:?}: {}", answer.text());
        assert!(bench.events.is_empty());
    }
    assert_eq!(bench.read("/1/0/1"), "300");
    assert_eq!(bench.read("/3/0/14"), "UTC+0");
}

#[test]
fn a_payload_needs_its_format() {
    let mut bench = Bench::registered();
    let request = bench.request(Code::PUT, "/3/0/14");
    let mut bytes = request.bytes();
    bytes.extend(b"\xffUTC");
    bench.deliver(&bytes);
    assert_eq!(bench.next().code(), Code::UNSUPPORTED_CONTENT_FORMAT);
}

#[test]
fn a_partial_update_changes_what_it_lists() {
    for format in [TLV, SENML_CBOR] {
        let mut bench = Bench::registered();
        bench.set(|node| node.server.get_mut(0).unwrap().default_maximum_period = Some(60));
        let bytes = payload(
            format,
            "/1/0",
            &[
                ("/1/0/2", Value::Integer(5)),
                ("/1/0/6", Value::Boolean(false)),
            ],
        );
        post(&mut bench, "/1/0", format, &bytes, Code::CHANGED);
        bench.expect_event(Event::Written {
            path: "/1/0".parse().unwrap(),
        });
        let account = bench.agent.objects().server.get(0).unwrap();
        assert_eq!(
            (
                account.default_minimum_period,
                account.default_maximum_period
            ),
            (Some(5), Some(60))
        );
        assert!(!account.notification_storing);
    }
}

#[test]
fn a_replacement_takes_away_what_it_leaves_out() {
    for format in [TLV, SENML_CBOR] {
        let mut bench = Bench::registered();
        bench.set(|node| node.server.get_mut(0).unwrap().default_maximum_period = Some(60));
        let bytes = payload(
            format,
            "/1/0",
            &[
                ("/1/0/1", Value::Integer(300)),
                ("/1/0/2", Value::Integer(5)),
            ],
        );
        put(&mut bench, "/1/0", format, &bytes, Code::CHANGED);
        let account = bench.agent.objects().server.get(0).unwrap();
        assert_eq!(
            (
                account.default_minimum_period,
                account.default_maximum_period
            ),
            (Some(5), None)
        );
        assert_eq!((account.lifetime, account.short_server_id), (300, 1));
    }
}

#[test]
fn a_write_of_several_is_all_or_nothing() {
    for format in [TLV, SENML_CBOR] {
        for (last, code) in [
            // Not writable, of the wrong type, out of range: each after a value that would do.
            (("/1/0/0", Value::Integer(7)), Code::METHOD_NOT_ALLOWED),
            (("/1/0/7", Value::String("nonsense")), Code::BAD_REQUEST),
            (("/1/0/26", Value::Integer(9)), Code::BAD_REQUEST),
        ] {
            for method in [Code::PUT, Code::POST] {
                let mut bench = Bench::registered();
                bench.set(|node| node.server.get_mut(0).unwrap().default_maximum_period = Some(60));
                let mut records = vec![
                    ("/1/0/1", Value::Integer(999)),
                    ("/1/0/2", Value::Integer(5)),
                    last,
                ];
                records.sort_by_key(|(path, _)| path.parse::<Path>().unwrap());
                let bytes = payload(format, "/1/0", &records);
                let request = bench.request(method, "/1/0").payload(format, &bytes);
                bench.ask_code(&request, code);
                let account = bench.agent.objects().server.get(0).unwrap();
                assert_eq!(
                    (
                        account.lifetime,
                        account.default_minimum_period,
                        account.default_maximum_period
                    ),
                    (300, None, Some(60))
                );
                bench.expect_silence();
                assert!(bench.events.is_empty());
            }
        }
    }
}

#[test]
fn a_malformed_end_undoes_nothing_as_nothing_was_done() {
    let mut bench = Bench::registered();
    let mut bytes = payload(TLV, "/1/0", &[("/1/0/1", Value::Integer(999))]);
    bytes.extend([0xc4, 0x02, 1]);
    put(&mut bench, "/1/0", TLV, &bytes, Code::BAD_REQUEST);
    assert_eq!(bench.read("/1/0/1"), "300");
}

#[test]
fn unknown_and_absent_optional_resources_are_passed_over_beside_others() {
    let mut bench = Bench::registered();
    // Resource 200 is in no version; resource 10 is one that this device does not have.
    let bytes = payload(
        TLV,
        "/1/0",
        &[
            ("/1/0/2", Value::Integer(5)),
            ("/1/0/22", Value::String("U")),
            ("/1/0/200", Value::Integer(1)),
        ],
    );
    post(&mut bench, "/1/0", TLV, &bytes, Code::CHANGED);
    assert_eq!(bench.read("/1/0/2"), "5");
}

#[test]
fn a_repeated_write_is_carried_out_once() {
    let mut bench = Bench::registered();
    let request = bench.request(Code::PUT, "/3/0/14").payload(TEXT, b"UTC+1");
    let answer = bench.ask(&request);
    bench.set(|node| node.device.utc_offset = "UTC+9".try_into().unwrap());
    assert_eq!(bench.ask(&request), answer);
    assert_eq!(bench.read("/3/0/14"), "UTC+9");
    assert_eq!(bench.events.len(), 1);
}

#[test]
fn executes_with_and_without_arguments() {
    let mut bench = Bench::registered();
    bench.measure(30.0);
    bench.measure(25.0);
    for (path, arguments, code) in [
        ("/3303/0/5605", "", Code::CHANGED),
        ("/3303/0/5605", "0='a',1", Code::CHANGED),
        ("/3303/0/5605", "0=a", Code::BAD_REQUEST),
        ("/3303/0/5700", "", Code::METHOD_NOT_ALLOWED),
        ("/3303/0/5699", "", Code::NOT_FOUND),
        ("/3303/1/5605", "", Code::NOT_FOUND),
        ("/1/0/10", "", Code::NOT_FOUND),
        ("/0/0/0", "", Code::UNAUTHORIZED),
    ] {
        let mut request = bench.request(Code::POST, path);
        if !arguments.is_empty() {
            request = request.payload(TEXT, arguments.as_bytes());
        }
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), code, "{path} {arguments}: {}", answer.text());
    }
    assert_eq!(
        bench.agent.objects().temperature.get(0).unwrap().extremes(),
        Some((25.0, 25.0))
    );
    assert_eq!(bench.events.len(), 2);
}

#[test]
fn reboot_and_factory_reset_come_after_their_answers() {
    let mut bench = Bench::registered();
    for (path, event) in [("/3/0/4", Event::Reboot), ("/3/0/5", Event::FactoryReset)] {
        let request = bench.request(Code::POST, path);
        bench
            .agent
            .handle_input(bench.now, crate::bench::SERVER, &request.bytes());
        let first = bench.agent.poll_output(&mut bench.buffer);
        assert!(
            matches!(first, dunlin_agent::Output::Transmit { .. }),
            "{first:?}"
        );
        bench.turn();
        bench.expect_event(event);
        bench.expect_event(Event::Executed {
            path: path.parse().unwrap(),
        });
    }
}

#[test]
fn resets_the_error_codes() {
    let mut bench = Bench::registered();
    bench.set(|node| node.device.error_codes.extend([1, 7]));
    assert_eq!(bench.read("/3/0/11/1"), "7");
    let request = bench.request(Code::POST, "/3/0/12");
    bench.ask_code(&request, Code::CHANGED);
    assert_eq!(bench.read("/3/0/11/0"), "0");
    let request = bench.request(Code::GET, "/3/0/11/1");
    bench.ask_code(&request, Code::NOT_FOUND);
}

/// The Location-Path of an answer.
#[track_caller]
fn location(answer: &crate::bench::Received) -> String {
    assert_eq!(answer.code(), Code::CREATED, "{}", answer.text());
    answer
        .message()
        .location_path()
        .map(|segment| String::from_utf8_lossy(segment).into_owned())
        .collect::<Vec<_>>()
        .join("/")
}

#[test]
fn creates_with_and_without_an_instance_id() {
    let name = Value::String("Cellar");
    for (format, base, records, expected) in [
        (TLV, "/3303", vec![("/3303/7/5750", name)], "3303/7"),
        (SENML_CBOR, "/3303", vec![("/3303/9/5750", name)], "3303/9"),
        // Resources alone: the device picks the instance.
        (TLV, "/3303/1", vec![("/3303/1/5750", name)], "3303/1"),
    ] {
        let mut bench = Bench::registered();
        let bytes = payload(format, base, &records);
        let request = bench.request(Code::POST, "/3303").payload(format, &bytes);
        let answer = bench.ask(&request);
        assert_eq!(location(&answer), expected);
        let path = format!("/{expected}");
        bench.expect_event(Event::Created {
            path: path.parse().unwrap(),
        });
        let update = bench.next();
        assert!(
            update.text().ends_with(&format!("<{path}>,</42769>")),
            "{}",
            update.text()
        );
        assert_eq!(bench.read(&format!("{path}/5750")), "Cellar");
    }
}

#[test]
fn creates_from_nothing() {
    let mut bench = Bench::registered();
    let request = bench.request(Code::POST, "/3303");
    let answer = bench.ask(&request);
    assert_eq!(location(&answer), "3303/1");
}

#[test]
fn refuses_to_create_what_cannot_be() {
    let mut bench = Bench::registered();
    let instance = |path: &str, value| payload(TLV, "/3303", &[(path, value)]);
    let name = Value::String("x");
    for (path, bytes, code) in [
        ("/3303", instance("/3303/0/5750", name), Code::BAD_REQUEST),
        (
            "/3303",
            payload(
                TLV,
                "/3303",
                &[("/3303/1/5750", name), ("/3303/2/5750", name)],
            ),
            Code::BAD_REQUEST,
        ),
        (
            "/3303",
            instance("/3303/1/5750", Value::String(&"long".repeat(20))),
            Code::BAD_REQUEST,
        ),
        ("/3", Vec::new(), Code::METHOD_NOT_ALLOWED),
        ("/1", Vec::new(), Code::METHOD_NOT_ALLOWED),
        ("/0", Vec::new(), Code::UNAUTHORIZED),
        ("/5", Vec::new(), Code::NOT_FOUND),
    ] {
        let request = bench.request(Code::POST, path).payload(TLV, &bytes);
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), code, "{path} {bytes:?}: {}", answer.text());
    }
    assert_eq!(bench.agent.objects().temperature.len(), 1);
    assert!(bench.events.is_empty());
    // A read-only value in the payload is no error.
    let bytes = payload(
        TLV,
        "/3303",
        &[("/3303/1/5700", Value::Float(3.0)), ("/3303/1/5750", name)],
    );
    post(&mut bench, "/3303", TLV, &bytes, Code::CREATED);
    // Nor is it written.
    bench.next();
    assert_eq!(bench.read("/3303/1/5700"), "0");
}

#[test]
fn a_full_object_takes_no_more() {
    let mut bench = Bench::registered();
    for code in [Code::CREATED, Code::CREATED, Code::INTERNAL_SERVER_ERROR] {
        let request = bench.request(Code::POST, "/3303");
        bench.ask_code(&request, code);
        bench.sent.clear();
    }
    assert_eq!(bench.agent.objects().temperature.len(), 3);
}

#[test]
fn deletes_an_instance_and_what_was_attached_to_it() {
    let mut bench = Bench::registered();
    let attach = bench.request(Code::PUT, "/3303/0/5700").query("pmin=5");
    bench.ask_code(&attach, Code::CHANGED);
    let request = bench.request(Code::DELETE, "/3303/0");
    bench.ask_code(&request, Code::DELETED);
    bench.expect_event(Event::Deleted {
        path: "/3303/0".parse().unwrap(),
    });
    let update = bench.next();
    assert!(
        update.text().ends_with("</3303>;ver=1.1,</42769>"),
        "{}",
        update.text()
    );
    bench.answer(&update, Code::CHANGED, &[]);
    let request = bench.request(Code::POST, "/3303");
    bench.ask_code(&request, Code::CREATED);
    bench.sent.clear();
    let request = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::ACCEPT, 40);
    assert_eq!(bench.ask(&request).text(), "</3303/0/5700>");
}

#[test]
fn refuses_to_delete_what_must_stay() {
    let mut bench = Bench::registered();
    for (path, code) in [
        ("/3/0", Code::METHOD_NOT_ALLOWED),
        ("/1/0", Code::METHOD_NOT_ALLOWED),
        ("/3303/5", Code::NOT_FOUND),
        ("/5/0", Code::NOT_FOUND),
        ("/0/0", Code::UNAUTHORIZED),
        ("/3303", Code::METHOD_NOT_ALLOWED),
        ("/3/0/7/1", Code::METHOD_NOT_ALLOWED),
        ("/3/0/7/3", Code::NOT_FOUND),
        ("/3/0/0", Code::METHOD_NOT_ALLOWED),
        ("/", Code::METHOD_NOT_ALLOWED),
    ] {
        let request = bench.request(Code::DELETE, path);
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), code, "{path}: {}", answer.text());
    }
}

#[test]
fn methods_that_are_none_of_lwm2m_are_refused() {
    let mut bench = Bench::registered();
    for code in [Code::FETCH, Code::PATCH, Code::IPATCH, Code(0x1f)] {
        let request = bench.request(code, "/3/0");
        bench.ask_code(&request, Code::METHOD_NOT_ALLOWED);
    }
}
