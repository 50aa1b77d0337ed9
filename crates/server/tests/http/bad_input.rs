//! What is wrong in a request, or in a device's answer, is told precisely, and goes no further.

use axum::Router;
use axum::http::{Method, StatusCode};
use dunlin_coap::Code;
use dunlin_server::Server;
use dunlin_server::api::{Problem, ProblemKind};
use serde_json::{Value as Json, json};

use crate::device::{Device, Reply, TLV};
use crate::support::{Call, manager};

const LINKS: &str =
    "</>;ct=\"11542 110 112 11544\",</1/0>,</3/0>,</3303/0>,</42771>;ver=1.1,</42771/0>";
const SENML_JSON: u16 = 110;
const SENML_CBOR: u16 = 112;
const LWM2M_CBOR: u16 = 11544;

/// A router with the object of `pump.xml`, and a device whose answers are `script`.
async fn with(script: impl Fn(&str) -> Option<Reply> + Send + 'static) -> (Router, Device) {
    let manager = manager().await;
    manager
        .keep_objects("pump.xml", include_bytes!("pump.xml"))
        .await
        .expect("a definition");
    let device = Device::register(&manager, "d", LINKS, script).await;
    (Server::builder(manager).router(), device)
}

fn url(path: &str) -> String {
    format!("/api/v1/devices/d/resources{path}")
}

async fn put(router: &Router, path: &str, body: &Json) -> Problem {
    let call = Call::new(Method::PUT, &url(path)).json(body);
    call.send(router).await.problem()
}

/// Checks that a problem is of the caller's making and says all of these words.
#[track_caller]
fn refused(problem: &Problem, words: &[&str]) {
    assert_eq!(problem.kind, ProblemKind::BadRequest, "{problem:?}");
    for word in words {
        assert!(
            problem.detail.contains(word),
            "“{word}” is not in {problem:?}"
        );
    }
}

#[tokio::test]
async fn values_that_do_not_fit_are_refused_before_anything_is_sent() {
    let (router, mut device) = with(|_| Some(Reply::code(Code::CHANGED))).await;
    let long = "é".repeat(5);
    for (path, body, words) in [
        // Wrong types.
        (
            "/42771/0/1",
            json!({"value": "warm"}),
            &["/42771/0/1", "\"warm\" is not a whole number"][..],
        ),
        (
            "/42771/0/1",
            json!({"value": 1.5}),
            &["1.5 is not a whole number"],
        ),
        (
            "/42771/0/1",
            json!({"value": true}),
            &["true is not a whole number"],
        ),
        (
            "/42771/0/1",
            json!({"value": null}),
            &["neither `value` nor `records`"],
        ),
        ("/42771/0/0", json!({"value": 7}), &["7 is not text"]),
        (
            "/3303/0/5700",
            json!({"value": "x"}),
            &["\"x\" is not a number"],
        ),
        (
            "/3/0/9",
            json!({"value": "AA=", "type": "opaque"}),
            &["base64 with padding"],
        ),
        ("/9999/0/1", json!({"value": [1]}), &["[1] is not a value"]),
        (
            "/9999/0/1",
            json!({"value": "a", "type": "objlnk"}),
            &["an object link such as"],
        ),
        // Out of range, in numbers and in lengths; a length counts bytes.
        (
            "/42771/0/1",
            json!({"value": 3001}),
            &["/42771/0/1 (Power) takes 0..3000: 3001 is out of range"],
        ),
        ("/42771/0/1", json!({"value": -1}), &["-1 is out of range"]),
        (
            "/42771/0/1",
            json!({"value": u64::MAX}),
            &["18446744073709551615"],
        ),
        (
            "/42771/0/0",
            json!({"value": long}),
            &["(Label) takes 0..8 bytes, and the value has 10"],
        ),
        // What is no number.
        ("/3303/0/6050", json!({"value": "NaN"}), &["NaN"]),
        // The same node twice, and nodes elsewhere.
        (
            "/3/0",
            json!({"records": [{"path": "11/0", "value": 1}, {"path": "/3/0/11/0", "value": 2}]}),
            &["/3/0/11/0 is given twice"],
        ),
        (
            "/42771/0",
            json!({"records": [{"path": "1", "value": 1}, {"path": "1", "value": 1}]}),
            &["/42771/0/1 is given twice"],
        ),
        (
            "/42771/0",
            json!({"records": [{"path": "/3/0/1", "value": 1}]}),
            &["/3/0/1 is not below /42771/0"],
        ),
        (
            "/42771/0",
            json!({"records": [{"path": "1/0/0", "value": 1}]}),
            &["/42771/0/1/0/0"],
        ),
        (
            "/42771/0",
            json!({"records": [{"path": "-1", "value": 1}]}),
            &["/42771/0/-1"],
        ),
        ("/42771", json!({"value": 1}), &["/42771"]),
    ] {
        let problem = put(&router, path, &body).await;
        refused(&problem, words);
    }
    assert!(device.asked.try_recv().is_err(), "something was sent");
}

#[tokio::test]
async fn requests_that_are_malformed_are_refused_with_the_place() {
    let (router, mut device) = with(|_| Some(Reply::code(Code::CHANGED))).await;
    let send = |method: Method, uri: String, body: Vec<u8>| {
        let call = Call::new(method, &uri).body("application/json", body);
        let router = router.clone();
        async move { call.send(&router).await.problem() }
    };
    // Nested deeper than anything needs: an error with its place, not a full stack.
    let deep = format!("{{\"value\":{}", "[".repeat(100_000));
    let problem = send(Method::PUT, url("/3/0/15"), deep.into_bytes()).await;
    refused(&problem, &["recursion limit", "line 1 column"]);
    // Invalid UTF-8 in the body, in the path and in the query.
    let problem = send(
        Method::PUT,
        url("/3/0/15"),
        b"{\"value\":\"\xff\"}".to_vec(),
    )
    .await;
    refused(&problem, &["line 1 column"]);
    refused(
        &Call::get("/api/v1/devices/%ff/resources/3")
            .send(&router)
            .await
            .problem(),
        &["UTF-8"],
    );
    let problem = Call::get("/api/v1/objects?q=%ff").send(&router).await;
    assert_eq!(
        problem.status,
        StatusCode::OK,
        "a search has what is left of it"
    );
    // Half a surrogate pair is no text either.
    let problem = send(
        Method::PUT,
        url("/3/0/15"),
        br#"{"value":"\ud800"}"#.to_vec(),
    )
    .await;
    refused(&problem, &["line 1 column"]);
    // Numbers that are none, too large or negative where that makes no sense.
    for (uri, words) in [
        (url("/3/0/9?timeout=-1"), &["timeout"][..]),
        (url("/3/0/9?timeout=0"), &["0 s"]),
        (url("/-3/0/9"), &["/-3/0/9"]),
        (url("/3/0/65535"), &["/3/0/65535"]),
        (url("/3/0/9/0/0"), &["/3/0/9/0/0"]),
        (url("/3/0/99999999999999999999"), &["99999999999999999999"]),
        ("/api/v1/devices?limit=-1".into(), &["limit"]),
        ("/api/v1/objects?offset=-1".into(), &["offset"]),
    ] {
        refused(&Call::get(&uri).send(&router).await.problem(), words);
    }
    let problem = send(Method::POST, url("/3303"), br#"{"instance":-1}"#.to_vec()).await;
    refused(&problem, &["instance", "-1"]);
    // A name longer than any device has is nobody's.
    let nobody = format!("/api/v1/devices/{}", "x".repeat(8000));
    let problem = Call::get(&nobody).send(&router).await.problem();
    assert_eq!(problem.kind, ProblemKind::NotRegistered);
    let long = format!("/api/v1/objects/{}", "x".repeat(8000));
    assert_eq!(Call::get(&long).send(&router).await.problem().status, 404);
    assert!(device.asked.try_recv().is_err(), "something was sent");
}

#[tokio::test]
async fn what_the_device_does_not_know_is_told_with_its_code() {
    let (router, _device) = with(|_| Some(Reply::code(Code::NOT_FOUND))).await;
    let problem = put(&router, "/42771/0/77", &json!({"value": 1})).await;
    assert_eq!(problem.kind, ProblemKind::RefusedByDevice);
    assert_eq!(problem.code.as_deref(), Some("4.04"));
    assert!(problem.detail.contains("/42771/0/77"), "{problem:?}");
}

#[tokio::test]
async fn answers_that_are_malformed_are_told_with_format_and_reason() {
    // One array in another, deeper than any format nests.
    let deep = [0x81; 200];
    let long_name = format!(r#"[{{"n":"/3/0/{}","v":1}}]"#, "1".repeat(900));
    for (name, path, format, payload, why) in [
        (
            "text that is not UTF-8",
            "/3/0/0",
            0,
            &b"\xff\xfe"[..],
            "text: not UTF-8 (at byte 0)",
        ),
        (
            "a number that is none",
            "/42771/0/1",
            0,
            b"12x",
            "text: a value of the wrong type (at byte 0)",
        ),
        (
            "a number that does not fit",
            "/42771/0/1",
            0,
            b"99999999999999999999",
            "text: a value of the wrong type (at byte 0)",
        ),
        (
            "TLV that is longer than it says",
            "/3/0",
            TLV,
            b"\xc8\x00\x14short",
            "tlv: the payload ends early (at byte 0)",
        ),
        (
            "TLV with a length of 16 MiB",
            "/3/0",
            TLV,
            b"\xd8\x00\xff\xff\xff",
            "tlv: the payload ends early (at byte 0)",
        ),
        (
            "TLV whose text is not UTF-8",
            "/3/0",
            TLV,
            b"\xc2\x00\xff\xfe",
            "tlv: not UTF-8 (at byte 0)",
        ),
        (
            "TLV with an integer of three bytes",
            "/3/0",
            TLV,
            b"\xc3\x09\x01\x02\x03",
            "tlv: a value of the wrong length (at byte 0)",
        ),
        (
            "SenML CBOR with a negative length",
            "/3/0",
            SENML_CBOR,
            b"\x81\xa1\x00\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
            "senml-cbor: the payload ends early (at byte 12)",
        ),
        (
            "SenML CBOR of 2^64 items",
            "/3/0",
            SENML_CBOR,
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
            "senml-cbor: the payload ends early (at byte 9)",
        ),
        (
            "SenML CBOR that nests",
            "/3/0",
            SENML_CBOR,
            &deep,
            "senml-cbor: a value of the wrong type (at byte 2)",
        ),
        (
            "SenML CBOR of another device's node",
            "/3/0",
            SENML_CBOR,
            b"\x81\xa2\x00\x66/4/0/0\x02\x01",
            "senml-cbor: a node outside the requested one (at byte 1)",
        ),
        (
            "SenML JSON that nests",
            "/3/0",
            SENML_JSON,
            &[b'['; 1000],
            "senml-json: a value of the wrong type (at byte 1)",
        ),
        (
            "SenML JSON that is cut off",
            "/3/0",
            SENML_JSON,
            br#"[{"n":"/3/0/9","v":"#,
            "senml-json: the payload ends early (at byte 19)",
        ),
        (
            "LwM2M CBOR that nests",
            "/3/0",
            LWM2M_CBOR,
            &deep,
            "lwm2m-cbor: a value of the wrong type (at byte 1)",
        ),
        (
            "a format that nobody knows",
            "/3/0",
            65000,
            b"x",
            "65000: unsupported content format (at byte 0)",
        ),
        (
            "TLV with a resource instance twice",
            "/3/0",
            TLV,
            b"\x86\x07\x41\x00\x05\x41\x00\x06",
            "tlv: /3/0/7/0 is given twice",
        ),
        (
            "TLV with a resource twice",
            "/3/0",
            TLV,
            b"\xc1\x09\x05\xc1\x0a\x01\xc1\x09\x06",
            "tlv: /3/0/9 is given twice",
        ),
        (
            "SenML CBOR with a resource instance twice",
            "/3/0",
            SENML_CBOR,
            b"\x82\xa2\x00\x68/3/0/7/0\x02\x05\xa2\x00\x68/3/0/7/0\x02\x06",
            "senml-cbor: /3/0/7/0 is given twice",
        ),
        (
            "SenML JSON with a resource instance twice",
            "/3/0/7",
            SENML_JSON,
            br#"[{"n":"/3/0/7/0","v":5},{"n":"/3/0/7/1","v":5},{"n":"/3/0/7/0","v":6}]"#,
            "senml-json: /3/0/7/0 is given twice",
        ),
        (
            "LwM2M CBOR with a resource instance twice",
            "/3/0",
            LWM2M_CBOR,
            b"\xa1\x83\x03\x00\x07\xa2\x00\x05\x00\x06",
            "lwm2m-cbor: given twice (at byte 9)",
        ),
        (
            "SenML CBOR with a name of five numbers",
            "/3/0",
            SENML_CBOR,
            b"\x81\xa2\x00\x6a/3/0/7/0/1\x02\x05",
            "senml-cbor: a name that is not a path: more than four numbers (at byte 1)",
        ),
        (
            "SenML JSON with a name of 900 digits",
            "/3/0",
            SENML_JSON,
            long_name.as_bytes(),
            "senml-json: a name that is not a path: a number above 65534 (at byte 1)",
        ),
        (
            "LwM2M CBOR with a path of five numbers",
            "/3/0",
            LWM2M_CBOR,
            b"\xa1\x85\x03\x00\x07\x00\x01\x05",
            "lwm2m-cbor: a level that cannot stand here (at byte 7)",
        ),
        (
            "LwM2M CBOR with an identifier of 17 bits",
            "/3/0",
            LWM2M_CBOR,
            b"\xa1\x83\x03\x00\x1a\x00\x01\x00\x00\x05",
            "lwm2m-cbor: an identifier above 65534 (at byte 9)",
        ),
    ] {
        let payload = payload.to_vec();
        let (router, _device) = with(move |_| Some(Reply::bytes(format, &payload))).await;
        let problem = Call::get(&url(path)).send(&router).await.problem();
        assert_eq!(problem.kind, ProblemKind::BadAnswer, "{name}: {problem:?}");
        let detail = format!("The answer of the device for {path} is not understood: {why}.");
        assert_eq!(problem.detail, detail, "{name}");
    }
}

#[tokio::test]
async fn a_value_that_json_cannot_say_is_text() {
    // A float that is NaN in TLV.
    let nan = b"\xe8\x16\x44\x08\x7f\xf8\x00\x00\x00\x00\x00\x00";
    let (router, _device) = with(|_| Some(Reply::bytes(TLV, nan))).await;
    let read = Call::get(&url("/3303/0/5700")).send(&router).await.json();
    assert_eq!(read["records"][0]["value"], "NaN", "{read}");
}

#[tokio::test]
async fn the_type_is_that_of_the_version_that_the_device_has() {
    let (router, mut device) = with(|_| Some(Reply::code(Code::CHANGED))).await;
    let newer = include_str!("pump.xml")
        .replace("1.1</ObjectV", "2.0</ObjectV")
        .replace("42771:1.1", "42771:2.0")
        .replace("Integer", "String");
    let upload = Call::new(Method::POST, "/api/v1/objects").body("text/xml", newer);
    assert_eq!(upload.send(&router).await.status, StatusCode::CREATED);
    let call = Call::new(Method::PUT, &url("/42771/0/1")).json(&json!({"value": 300}));
    let answer = call.send(&router).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    let asked = device.asked.recv().await.expect("a request");
    assert_eq!(
        (asked.format, asked.payload.as_slice()),
        (
            Some(SENML_CBOR),
            &b"\x81\xa2\x21\x6a/42771/0/1\x02\x19\x01\x2c"[..]
        )
    );
}
