//! Commands to a scripted device, over HTTP.

use axum::Router;
use axum::http::{Method, StatusCode};
use dunlin_coap::Code;
use dunlin_manager::Manager;
use dunlin_server::Server;
use dunlin_server::api::{DeviceDetail, DeviceList, ProblemKind};
use serde_json::json;

use crate::device::{Device, Reply, TLV};
use crate::support::{Call, manager};

const LINKS: &str = "</>;ct=\"11542\",</1/0>,</3/0>,</3303/0>";

/// A manager, its router, and a device named `urn:dev:1` with a script.
async fn with(
    script: impl Fn(&str) -> Option<Reply> + Send + 'static,
) -> (Manager, Router, Device) {
    let manager = manager().await;
    let device = Device::register(&manager, "urn:dev:1", LINKS, script).await;
    let router = Server::builder(manager.clone()).router();
    (manager, router, device)
}

fn url(rest: &str) -> String {
    format!("/api/v1/devices/urn:dev:1{rest}")
}

#[tokio::test]
async fn lists_and_describes_devices() {
    let (manager, router, _device) = with(|_| None).await;
    let _other = Device::register(&manager, "urn:dev:2", LINKS, |_| None).await;

    let list: DeviceList =
        serde_json::from_value(Call::get("/api/v1/devices").send(&router).await.json())
            .expect("a list");
    assert_eq!(list.total, 2);
    assert_eq!(list.devices[0].endpoint, "urn:dev:1");
    assert_eq!(list.devices[0].lifetime_seconds, 300);
    assert!(list.devices[0].address.starts_with("127.0.0.1:"));

    let page = Call::get("/api/v1/devices?limit=1&offset=1")
        .send(&router)
        .await
        .json();
    assert_eq!(
        (page["total"].as_u64(), &page["devices"][0]["endpoint"]),
        (Some(2), &json!("urn:dev:2"))
    );
    let found = Call::get("/api/v1/devices?q=dev:2")
        .send(&router)
        .await
        .json();
    assert_eq!(
        (
            found["total"].as_u64(),
            found["devices"].as_array().map(Vec::len)
        ),
        (Some(1), Some(1))
    );
    for query in ["limit=x", "colour=red", "offset=-1"] {
        let answer = Call::get(&format!("/api/v1/devices?{query}"))
            .send(&router)
            .await;
        assert_eq!(answer.problem().kind, ProblemKind::BadRequest, "{query}");
    }

    let answer = Call::get(&url("")).send(&router).await;
    let detail: DeviceDetail = serde_json::from_value(answer.json()).expect("a device");
    let ids: Vec<_> = detail.objects.iter().map(|object| object.id).collect();
    assert_eq!(ids, [1, 3, 3303]);
    assert_eq!(detail.objects[2].name.as_deref(), Some("Temperature"));
    let value = detail.objects[2].instances[0]
        .resources
        .iter()
        .find(|resource| resource.id == 5700)
        .expect("5700");
    assert_eq!((value.units.as_deref(), value.value.as_ref()), (None, None));
    assert!(detail.observations.is_empty());
}

/// A device has 0.1 as a number of 32 bits. It is shown so, whatever format it comes in, when it comes and later.
#[tokio::test]
async fn a_number_of_32_bits_is_shown_with_its_own_digits() {
    for (format, payload) in [
        (TLV, &b"\xe4\x16\x44\x3d\xcc\xcc\xcd"[..]),
        (60, b"\xfa\x3d\xcc\xcc\xcd"),
        (112, b"\x81\xa2\0\x6c/3303/0/5700\x02\xfa\x3d\xcc\xcc\xcd"),
        (
            11544,
            b"\xa1\x83\x19\x0c\xe7\0\x19\x16\x44\xfa\x3d\xcc\xcc\xcd",
        ),
        (0, b"0.1"),
        (110, br#"[{"n":"/3303/0/5700","v":0.1}]"#),
    ] {
        let (_manager, router, _device) = with(move |what| match what {
            "GET /3303/0/5700" => Some(Reply::bytes(format, payload)),
            _ => Some(Reply::code(Code::NOT_FOUND)),
        })
        .await;
        let answer = Call::get(&url("/resources/3303/0/5700"))
            .send(&router)
            .await
            .json();
        let record = &answer["records"][0];
        assert_eq!(record["value"].to_string(), "0.1", "{format}: {answer}");
        assert_eq!(record["type"], "float", "{format}");
        let detail = Call::get(&url("")).send(&router).await.json();
        let resources = &detail["objects"][2]["instances"][0]["resources"];
        let known = resources.as_array().expect("a list");
        let known = known.iter().find(|resource| resource["id"] == 5700);
        assert_eq!(known.expect("5700")["value"].to_string(), "0.1", "{detail}");
    }
}

#[tokio::test]
async fn reads_and_remembers() {
    let (_manager, router, mut device) = with(|what| match what {
        "GET /3303/0/5700" => Some(Reply::text("21.5")),
        // Manufacturer "Dunlin" and two voltages.
        "GET /3/0" => Some(Reply::bytes(
            TLV,
            b"\xc6\x00Dunlin\x88\x07\x08\x42\x00\x0e\xd8\x42\x01\x13\x88",
        )),
        _ => Some(Reply::code(Code::NOT_FOUND)),
    })
    .await;
    let answer = Call::get(&url("/resources/3303/0/5700?format=text"))
        .send(&router)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let body = answer.json();
    assert_eq!(body["path"], "/3303/0/5700");
    assert_eq!(
        body["records"],
        json!([{ "path": "/3303/0/5700", "type": "float", "value": 21.5 }])
    );
    assert!(
        body["read_at"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z'))
    );
    assert_eq!(
        device.asked.recv().await.expect("a request").accept,
        Some(0)
    );

    let records = Call::get(&url("/resources/3/0")).send(&router).await.json()["records"].clone();
    assert_eq!(
        records[0],
        json!({ "path": "/3/0/0", "type": "string", "value": "Dunlin" })
    );
    assert_eq!(
        records[2],
        json!({ "path": "/3/0/7/1", "type": "integer", "value": 5000 })
    );

    let detail = Call::get(&url("")).send(&router).await.json();
    let resources = detail["objects"][1]["instances"][0]["resources"]
        .as_array()
        .expect("resources")
        .clone();
    let find = |id: u16| {
        resources
            .iter()
            .find(|resource| resource["id"] == id)
            .expect("the resource")
            .clone()
    };
    assert_eq!(find(0)["value"], "Dunlin");
    assert_eq!(
        find(7)["values"],
        json!([{ "id": 0, "value": 3800 }, { "id": 1, "value": 5000 }])
    );
    assert!(find(0)["updated_at"].is_string() && find(1).get("updated_at").is_none());

    let page = Call::get("/devices/urn:dev:1").send(&router).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text.contains("data-path=\"/3303/0/5700\""),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("Dunlin")
            && page.text.contains("21.5")
            && page.text.contains("id=\"chart\"")
    );
    let list = Call::get("/").send(&router).await;
    assert!(
        list.text.contains("data-endpoint=\"urn:dev:1\""),
        "{}",
        list.text
    );
}

#[tokio::test]
async fn a_refusal_tells_the_code_and_a_remedy() {
    let (_manager, router, _device) = with(|_| Some(Reply::code(Code::METHOD_NOT_ALLOWED))).await;
    let answer = Call::get(&url("/resources/3/0/4")).send(&router).await;
    let problem = answer.problem();
    assert_eq!(
        (problem.kind, problem.status),
        (ProblemKind::RefusedByDevice, 502)
    );
    assert_eq!(problem.code.as_deref(), Some("4.05"));
    assert!(
        problem.detail.contains("/3/0/4") && problem.detail.contains("Method Not Allowed"),
        "{problem}"
    );
    assert!(problem.remedy.contains("operation"), "{problem}");
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let (_manager, router, _device) = with(|_| None).await;
    let answer = Call::get(&url("/resources/3/0/0?timeout=1"))
        .send(&router)
        .await;
    let problem = answer.problem();
    assert_eq!((problem.kind, problem.status), (ProblemKind::TimedOut, 504));
    for timeout in ["0", "3601", "-1", "x"] {
        let answer = Call::get(&url(&format!("/resources/3/0/0?timeout={timeout}")))
            .send(&router)
            .await;
        assert_eq!(answer.problem().kind, ProblemKind::BadRequest, "{timeout}");
    }
}

#[tokio::test]
async fn devices_that_are_not_there() {
    let (_manager, router, device) = with(|_| None).await;
    for rest in ["", "/resources/3/0/0", "/discover/3", "/observations"] {
        let answer = Call::get(&format!("/api/v1/devices/nobody{rest}"))
            .send(&router)
            .await;
        assert_eq!(answer.problem().kind, ProblemKind::NotRegistered, "{rest}");
    }
    device.leave().await;
    let answer = Call::get(&url("/resources/3/0/0")).send(&router).await;
    assert_eq!(answer.problem().kind, ProblemKind::NotConnected);
    assert_eq!(
        Call::get(&url("")).send(&router).await.json()["state"],
        "offline"
    );
}

#[tokio::test]
async fn writes_replace_and_update() {
    let (_manager, router, mut device) = with(|_| Some(Reply::code(Code::CHANGED))).await;
    let put = |body| Call::new(Method::PUT, &url("/resources/3/0/14")).json(&body);
    let answer = put(json!({ "value": "+01:00" })).send(&router).await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (StatusCode::NO_CONTENT, "")
    );
    let asked = device.asked.recv().await.expect("a request");
    assert_eq!(asked.what, "PUT /3/0/14");
    assert!(asked.payload.ends_with(b"+01:00"), "{asked:?}");

    let records = json!({ "records": [{ "path": "14", "value": "+02:00" }, { "path": "/3/0/15", "value": "Europe/Lisbon" }] });
    let patch = Call::new(Method::PATCH, &url("/resources/3/0")).json(&records);
    assert_eq!(patch.send(&router).await.status, StatusCode::NO_CONTENT);
    let asked = device.asked.recv().await.expect("a request");
    assert_eq!(asked.what, "POST /3/0");
    assert!(
        asked
            .payload
            .windows(13)
            .any(|part| part == b"Europe/Lisbon"),
        "{asked:?}"
    );

    for body in [
        json!({}),
        json!({ "value": "x", "records": [] }),
        json!({ "value": 5 }),
        json!({ "vallue": "x" }),
        json!([]),
        json!({ "records": [{ "path": "/4/0/0", "value": 1 }] }),
    ] {
        let answer = put(body.clone()).send(&router).await;
        assert_eq!(answer.problem().kind, ProblemKind::BadRequest, "{body}");
    }
    assert!(device.asked.try_recv().is_err(), "nothing of this is sent");
}

#[tokio::test]
async fn executes_creates_and_deletes() {
    let (_manager, router, mut device) = with(|what| match what {
        "POST /3303" => Some(Reply::created(&["3303", "7"])),
        "DELETE /3303/0" => Some(Reply::code(Code::DELETED)),
        _ => Some(Reply::code(Code::CHANGED)),
    })
    .await;
    let execute = || Call::new(Method::POST, &url("/execute/3/0/4"));
    assert_eq!(execute().send(&router).await.status, StatusCode::NO_CONTENT);
    assert_eq!(device.asked.recv().await.expect("a request").payload, b"");
    let answer = execute()
        .json(&json!({ "arguments": "0,2='10.3'" }))
        .send(&router)
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    assert_eq!(
        device.asked.recv().await.expect("a request").payload,
        b"0,2='10.3'"
    );
    let answer = execute()
        .json(&json!({ "arguments": "a b" }))
        .send(&router)
        .await;
    assert_eq!(answer.problem().kind, ProblemKind::BadRequest);

    let create = |body| Call::new(Method::POST, &url("/resources/3303")).json(&body);
    let answer = create(json!({ "records": [{ "path": "5750", "value": "Kitchen" }] }))
        .send(&router)
        .await;
    assert_eq!(
        (answer.status, answer.json()),
        (StatusCode::CREATED, json!({ "path": "/3303/7" }))
    );
    assert_eq!(
        answer.header("location"),
        "/api/v1/devices/urn:dev:1/resources/3303/7"
    );
    let asked = device.asked.recv().await.expect("a request");
    assert_eq!(asked.what, "POST /3303");
    assert!(
        asked.payload.windows(7).any(|part| part == b"Kitchen"),
        "{asked:?}"
    );
    let answer = create(json!({ "instance": 65535 })).send(&router).await;
    assert_eq!(answer.problem().kind, ProblemKind::BadRequest);
    let answer = Call::new(Method::POST, &url("/resources/3303/0/5700"))
        .send(&router)
        .await;
    assert_eq!(answer.problem().kind, ProblemKind::BadRequest);

    let delete = Call::new(Method::DELETE, &url("/resources/3303/0"));
    assert_eq!(delete.send(&router).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        device.asked.recv().await.expect("a request").what,
        "DELETE /3303/0"
    );
}

#[tokio::test]
async fn discovers_and_attaches_attributes() {
    let (_manager, router, mut device) = with(|what| match what {
        "GET /3303/0" => Some(Reply::links(
            "</3303/0>;pmin=10,</3303/0/5700>;gt=30.5,</3303/0/5605>",
        )),
        _ => Some(Reply::code(Code::CHANGED)),
    })
    .await;
    let links = Call::get(&url("/discover/3303/0"))
        .send(&router)
        .await
        .json()["links"]
        .clone();
    assert_eq!(
        links[0],
        json!({ "path": "/3303/0", "attributes": { "pmin": "10" } })
    );
    assert_eq!(
        links[1],
        json!({ "path": "/3303/0/5605", "attributes": {} })
    );
    assert_eq!(
        device.asked.recv().await.expect("a request").accept,
        Some(40)
    );

    let put = |body| Call::new(Method::PUT, &url("/attributes/3303/0/5700")).json(&body);
    assert_eq!(
        put(json!({ "pmin": 5, "gt": 30.5, "st": null }))
            .send(&router)
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    let asked = device.asked.recv().await.expect("a request");
    assert_eq!(
        (asked.what.as_str(), asked.payload.len()),
        ("PUT /3303/0/5700", 0)
    );
    for part in ["pmin=5", "gt=30.5", "st"] {
        assert!(asked.query.iter().any(|query| query == part), "{asked:?}");
    }
    for body in [
        json!({}),
        json!({ "pmin": -1 }),
        json!({ "pmim": 1 }),
        json!({ "lt": 9, "gt": 1 }),
    ] {
        assert_eq!(
            put(body.clone()).send(&router).await.problem().kind,
            ProblemKind::BadRequest,
            "{body}"
        );
    }
}

#[tokio::test]
async fn bodies_are_bounded_and_must_be_json() {
    let (manager, _, _device) = with(|_| Some(Reply::code(Code::CHANGED))).await;
    let mut limits = dunlin_server::config::Limits::default();
    limits.http_body_bytes = 200;
    let router = Server::builder(manager).limits(limits).router();
    let put = || Call::new(Method::PUT, &url("/resources/3/0/14"));
    let answer = put()
        .json(&json!({ "value": "x".repeat(300) }))
        .send(&router)
        .await;
    assert_eq!(answer.problem().kind, ProblemKind::TooLarge);
    let answer = put()
        .body("text/plain", "{\"value\":\"x\"}")
        .send(&router)
        .await;
    assert_eq!(answer.problem().kind, ProblemKind::UnsupportedMediaType);
    for text in ["", "{", "{\"value\":", "\u{0}", "[[[[[[[["] {
        let answer = put().body("application/json", text).send(&router).await;
        assert_eq!(answer.problem().kind, ProblemKind::BadRequest, "{text:?}");
    }
    for path in ["3/0/x", "3//0", "65535", "3/0/1/2/3", "%FF", "-1"] {
        let answer = Call::get(&url(&format!("/resources/{path}")))
            .send(&router)
            .await;
        assert_eq!(answer.problem().kind, ProblemKind::BadRequest, "{path}");
    }
}

#[tokio::test]
async fn a_hostile_endpoint_name_stays_text() {
    let manager = manager().await;
    let name = "</title><script>alert(1)</script>\"'&%/../é";
    let _device = Device::register(&manager, name, LINKS, |_| {
        Some(Reply::text("<img src=x onerror=alert(1)>"))
    })
    .await;
    let router = Server::builder(manager).router();
    let list = Call::get("/").send(&router).await.text;
    let start = list.find("href=\"/devices/").expect("a link") + 6;
    let link = list[start..].split('"').next().expect("a link");
    let detail = link.replace("/devices/", "/api/v1/devices/");
    let read = Call::get(&format!("{detail}/resources/3/0/0"))
        .send(&router)
        .await;
    assert_eq!(
        read.json()["records"][0]["value"],
        "<img src=x onerror=alert(1)>"
    );
    assert_eq!(
        Call::get(&detail).send(&router).await.json()["endpoint"],
        name
    );
    let page = Call::get(link).send(&router).await;
    assert_eq!(page.status, StatusCode::OK, "{link}");
    for text in [&list, &page.text] {
        assert!(text.contains("alert(1)"), "the name is shown");
        for bad in ["<script>", "</title><", "<img src=x", "\"'&%"] {
            assert!(!text.contains(bad), "{bad}");
        }
    }
}

#[tokio::test]
async fn metrics_and_health_tell_of_the_manager() {
    let (_manager, router, device) = with(|_| Some(Reply::code(Code::NOT_FOUND))).await;
    let _ = Call::get(&url("/resources/3/0/0")).send(&router).await;
    let metrics = Call::get("/metrics").send(&router).await;
    assert_eq!(metrics.status, StatusCode::OK);
    for line in [
        "dunlin_devices 1",
        "dunlin_registrations 1",
        "dunlin_registered_total 1",
        "dunlin_commands_total{operation=\"Read\",outcome=\"refused\"} 1",
        "dunlin_coap_requests_total{kind=\"register\",code=\"2.01\"} 1",
        "dunlin_coap_malformed_total{reason=\"header\"} 0",
        "dunlin_store_failing 0",
    ] {
        assert!(
            metrics.text.lines().any(|found| found == line),
            "{line}\n{}",
            metrics.text
        );
    }
    assert!(metrics.text.ends_with("# EOF\n"));
    let health = Call::get("/healthz").send(&router).await;
    assert_eq!(
        (health.status, &health.json()["store"]),
        (StatusCode::OK, &json!("ok"))
    );
    drop(device);
}
