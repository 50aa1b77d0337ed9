//! The security store.

use axum::Router;
use axum::http::{Method, StatusCode};
use dunlin_manager::{Manager, MemoryStore};
use dunlin_server::Server;
use serde_json::{Value as Json, json};

use crate::support::{Answer, Call, manager, open};

/// Sixteen bytes in base64.
const KEY: &str = "c2l4dGVlbiBzZWNyZXRzIQ==";

async fn put(router: &Router, what: &str, body: &Json) -> Answer {
    let call = Call::new(Method::PUT, &format!("/api/v1/security/{what}")).json(body);
    call.send(router).await
}

async fn list(router: &Router, query: &str) -> Json {
    let answer = Call::get(&format!("/api/v1/security{query}"))
        .send(router)
        .await;
    assert!(!answer.text.contains(KEY), "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn a_secret_goes_in_and_never_comes_out() {
    let router = open().await;
    let body = json!({"identity": "who", "key": KEY});
    let answer = put(&router, "urn:dev:1/psk", &body).await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (StatusCode::NO_CONTENT, "")
    );
    let shown = json!({"endpoint": "urn:dev:1", "kind": "psk", "identity": "who"});
    assert_eq!(
        list(&router, "").await,
        json!({"credentials": [shown], "total": 1})
    );
    assert_eq!(list(&router, "?q=nobody").await["total"], 0);
    // Not the identity of one for another.
    let problem = put(&router, "urn:dev:2/psk", &body).await.problem();
    assert_eq!(problem.status, 400);
    assert!(
        problem.detail.contains("“urn:dev:1” has this PSK identity"),
        "{problem}"
    );
    let remove =
        |what: &str| Call::new(Method::DELETE, &format!("/api/v1/security/{what}")).send(&router);
    assert_eq!(remove("urn:dev:1/rpk").await.problem().status, 400);
    assert_eq!(remove("urn:dev:1/psk").await.status, StatusCode::NO_CONTENT);
    assert_eq!(list(&router, "").await["total"], 0);
}

#[tokio::test]
async fn what_is_no_credential_is_refused_and_not_repeated() {
    let router = open().await;
    for (what, body, status) in [
        (
            "d/psk",
            json!({"identity": "who", "key": "c2hvcnQtc2VjcmV0"}),
            400,
        ),
        (
            "d/psk",
            json!({"identity": "who", "key": "short-secret"}),
            400,
        ),
        (
            "d/psk",
            json!({"identity": "who", "key": ["short-secret"]}),
            400,
        ),
        ("d/psk", json!({"identity": "who"}), 400),
        ("d/psk", json!({"identity": "", "key": KEY}), 400),
        (
            "d/psk",
            json!({"identity": "who", "key": KEY, "public_key": "AA=="}),
            400,
        ),
        ("d/rpk", json!({"public_key": "AAAA"}), 400),
        ("d/rpk", json!({"identity": "who", "key": KEY}), 400),
        ("d/x509", json!({"certificate": "AAAA"}), 400),
        ("d/x509-ca", json!({"authority": "AAAA"}), 400),
        ("d/x509-ca", json!({"certificate": "AAAA"}), 400),
        ("d/oscore", json!({}), 404),
    ] {
        let answer = put(&router, what, &body).await;
        assert_eq!(answer.problem().status, status, "{what} {body}");
        for secret in ["short-secret", "c2hvcnQtc2VjcmV0", KEY] {
            assert!(!answer.text.contains(secret), "{answer:?}");
        }
    }
    let long = format!("{}/psk", "x".repeat(256));
    let problem = put(&router, &long, &json!({"identity": "who", "key": KEY})).await;
    assert_eq!(problem.problem().status, 400);
    assert_eq!(list(&router, "").await["total"], 0);
}

#[tokio::test]
async fn credentials_are_there_after_a_restart_and_refused_when_they_cannot_be_kept() {
    let store = MemoryStore::new();
    let start = || async {
        let builder = Manager::builder()
            .listen("coap://127.0.0.1:0")
            .expect("an address");
        builder
            .store(store.clone())
            .start()
            .await
            .expect("a manager")
    };
    let manager = start().await;
    let router = Server::builder(manager.clone()).router();
    store.fail("the disk is full");
    let body = json!({"identity": "who", "key": KEY});
    assert_eq!(put(&router, "d/psk", &body).await.problem().status, 503);
    assert_eq!(list(&router, "").await["total"], 0);
    store.succeed();
    assert_eq!(
        put(&router, "d/psk", &body).await.status,
        StatusCode::NO_CONTENT
    );
    manager.shutdown().await;
    let router = Server::builder(start().await).router();
    assert_eq!(list(&router, "").await["credentials"][0]["endpoint"], "d");
}

#[tokio::test]
async fn a_name_with_a_credential_is_not_for_those_without() {
    use dunlin_coap::{Code, Message, MessageBuilder, MessageId, Token, Type};
    let manager = manager().await;
    let router = Server::builder(manager.clone()).router();
    let body = json!({"identity": "who", "key": KEY});
    assert_eq!(
        put(&router, "d/psk", &body).await.status,
        StatusCode::NO_CONTENT
    );
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0")
        .await
        .expect("a socket");
    let mut buffer = [0; 200];
    let mut message = MessageBuilder::new(
        &mut buffer,
        Type::Confirmable,
        Code::POST,
        MessageId(1),
        Token::EMPTY,
    );
    message
        .path(["rd"])
        .content_format(40)
        .query(["ep=d", "lt=60", "lwm2m=1.1", "b=U"]);
    let register = message.payload(b"</3/0>").finish().expect("a message");
    socket
        .send_to(register, manager.local_addresses()[0])
        .await
        .expect("sent");
    let mut answer = [0; 200];
    let length = socket.recv(&mut answer).await.expect("an answer");
    let answer = Message::parse(&answer[..length]).expect("a message");
    assert_eq!(answer.code(), Code::FORBIDDEN);
}
