//! Server-sent events and observations.

use axum::Router;
use axum::body::BodyDataStream;
use axum::http::{Method, StatusCode, header};
use dunlin_coap::Code;
use dunlin_server::Server;
use dunlin_server::api::{Event, EventKind, ProblemKind};
use serde_json::json;
use tokio_stream::StreamExt as _;
use tower::ServiceExt as _;

use crate::device::{Device, Reply};
use crate::support::{Call, manager, open};

const LINKS: &str = "</1/0>,</3/0>,</3303/0>";

/// A stream of events that is read one by one.
struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    async fn open(router: &Router, uri: &str) -> Self {
        let response = router
            .clone()
            .oneshot(Call::get(uri).into_request())
            .await
            .expect("infallible");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "text/event-stream"
        );
        let mut stream = Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        };
        let first = stream.frame().await;
        assert!(first.contains("retry: "), "{first}");
        stream
    }

    /// The next frame that is not a keep-alive.
    async fn frame(&mut self) -> String {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.text = rest;
                return frame;
            }
            let bytes = self.body.next().await.expect("not the end").expect("bytes");
            self.text
                .push_str(core::str::from_utf8(&bytes).expect("text"));
        }
    }

    async fn next(&mut self) -> Event {
        let frame = self.frame().await;
        let field = |name: &str| {
            frame
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let event: Event = serde_json::from_str(field("data").expect("data")).expect("an event");
        assert_eq!(field("event"), Some(event.kind.name()));
        assert!(
            field("id").is_some_and(|id| id.parse::<u64>().is_ok()),
            "{frame}"
        );
        event
    }
}

#[tokio::test]
async fn registrations_are_told_as_they_happen() {
    let manager = manager().await;
    let router = Server::builder(manager.clone()).router();
    let mut all = Stream::open(&router, "/api/v1/events").await;
    let mut second = Stream::open(&router, "/api/v1/events?endpoint=urn:dev:2").await;
    let device = Device::register(&manager, "urn:dev:1", LINKS, |_| None).await;
    let _other = Device::register(&manager, "urn:dev:2", LINKS, |_| None).await;
    device.leave().await;
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let event = all.next().await;
        seen.push((event.kind, event.endpoint.unwrap_or_default()));
    }
    let expected = [
        (EventKind::Registered, "urn:dev:1"),
        (EventKind::Registered, "urn:dev:2"),
        (EventKind::Deregistered, "urn:dev:1"),
    ];
    assert_eq!(
        seen,
        expected.map(|(kind, endpoint)| (kind, endpoint.to_owned()))
    );
    assert_eq!(second.next().await.endpoint.as_deref(), Some("urn:dev:2"));
}

#[tokio::test]
async fn observed_values_arrive_until_the_observation_is_cancelled() {
    let manager = manager().await;
    let router = Server::builder(manager.clone()).router();
    let mut device =
        Device::register(&manager, "urn:dev:1", LINKS, |_| Some(Reply::text("21.5"))).await;
    let mut events = Stream::open(&router, "/api/v1/events").await;
    let url = "/api/v1/devices/urn:dev:1/observations/3303/0/5700";

    let started = Call::new(Method::PUT, url).send(&router).await;
    assert_eq!(started.status, StatusCode::OK, "{started:?}");
    let body = started.json();
    assert_eq!(
        (&body["path"], &body["state"]),
        (&json!("/3303/0/5700"), &json!("active"))
    );
    assert_eq!(
        body["records"],
        json!([{ "path": "/3303/0/5700", "type": "float", "value": 21.5 }])
    );
    let asked = device.asked.recv().await.expect("a request");
    assert_eq!(
        (asked.what.as_str(), asked.observe),
        ("GET /3303/0/5700", Some(0))
    );

    device.notify(asked.token, 2, "22.25").await;
    let notification = loop {
        let event = events.next().await;
        // The first value may be told as a notification too.
        if event.kind == EventKind::Notification && event.records[0].value != json!(21.5) {
            break event;
        }
    };
    assert_eq!(notification.path.as_deref(), Some("/3303/0/5700"));
    assert_eq!(notification.records[0].value, json!(22.25));

    let list = Call::get("/api/v1/devices/urn:dev:1/observations")
        .send(&router)
        .await
        .json();
    assert_eq!(list["observations"][0]["path"], "/3303/0/5700");
    assert!(list["observations"][0]["notified_at"].is_string());
    let detail = Call::get("/api/v1/devices/urn:dev:1")
        .send(&router)
        .await
        .json();
    assert_eq!(detail["observations"].as_array().map(Vec::len), Some(1));
    let page = Call::get("/devices/urn:dev:1").send(&router).await.text;
    assert!(page.contains("aria-pressed=\"true\"") && page.contains("22.25"));

    let cancelled = Call::new(Method::DELETE, url).send(&router).await;
    assert_eq!(cancelled.status, StatusCode::NO_CONTENT, "{cancelled:?}");
    let list = Call::get("/api/v1/devices/urn:dev:1/observations")
        .send(&router)
        .await
        .json();
    assert_eq!(list, json!({ "observations": [] }));
}

#[tokio::test]
async fn attributes_of_an_observation_are_attached_and_shown() {
    let manager = manager().await;
    let router = Server::builder(manager.clone()).router();
    let _device = Device::register(&manager, "urn:dev:1", LINKS, |what| {
        Some(if what.starts_with("PUT") {
            Reply::code(Code::CHANGED)
        } else {
            Reply::text("21.5")
        })
    })
    .await;
    let url = "/api/v1/devices/urn:dev:1/observations/3303/0/5700";
    let body = Call::new(Method::PUT, url)
        .json(&json!({ "pmin": 1, "pmax": 60 }))
        .send(&router)
        .await
        .json();
    assert_eq!(
        body["attributes"],
        json!({ "pmin": 1, "pmax": 60 }),
        "{body}"
    );
}

#[tokio::test]
async fn receivers_are_bounded() {
    let mut limits = dunlin_server::config::Limits::default();
    limits.event_streams = 1;
    let router = Server::builder(manager().await).limits(limits).router();
    let stream = Stream::open(&router, "/api/v1/events").await;
    let answer = Call::get("/api/v1/events").send(&router).await;
    assert_eq!(answer.problem().kind, ProblemKind::Overloaded);
    drop(stream);
    Stream::open(&router, "/api/v1/events").await;
}

#[tokio::test]
async fn a_wrong_query_is_a_problem() {
    let answer = Call::get("/api/v1/events?device=x")
        .send(&open().await)
        .await;
    assert_eq!(answer.problem().kind, ProblemKind::BadRequest);
}
