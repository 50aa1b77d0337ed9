//! A manager with its router, and requests to it.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use dunlin_manager::Manager;
use dunlin_server::Server;
use dunlin_server::api::Problem;
use dunlin_server::auth::{ApiToken, TokenHash};
use serde_json::Value as Json;
use tower::ServiceExt as _;

pub(crate) const TOKEN: &str = "correct-horse-battery-staple";

/// A manager on a free port of loopback, with the store in memory.
pub(crate) async fn manager() -> Manager {
    let builder = Manager::builder()
        .listen("coap://127.0.0.1:0")
        .expect("an address");
    builder.start().await.expect("a manager")
}

/// The router of a server without a token.
pub(crate) async fn open() -> Router {
    Server::builder(manager().await).router()
}

/// The router of a server that asks for [`TOKEN`].
pub(crate) async fn closed() -> Router {
    Server::builder(manager().await).token(hash()).router()
}

pub(crate) fn hash() -> TokenHash {
    TokenHash::of(&ApiToken::new(TOKEN).expect("a token"))
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The problem, after checks that it has the form of RFC 9457 and tells something.
    pub(crate) fn problem(&self) -> Problem {
        assert_eq!(
            self.header(header::CONTENT_TYPE),
            "application/problem+json",
            "{self:?}"
        );
        let problem: Problem = serde_json::from_str(&self.text).expect("a problem");
        assert_eq!(problem.status, self.status.as_u16());
        for sentence in [&problem.detail, &problem.remedy] {
            assert!(sentence.ends_with('.') && sentence.len() > 8, "{problem:?}");
        }
        problem
    }
}

/// A request in the making, from a program on the same machine.
pub(crate) struct Call {
    builder: axum::http::request::Builder,
    body: Body,
}

impl Call {
    pub(crate) fn new(method: Method, uri: &str) -> Self {
        let builder = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::HOST, "127.0.0.1:8080");
        Self {
            builder,
            body: Body::empty(),
        }
    }

    pub(crate) fn get(uri: &str) -> Self {
        Self::new(Method::GET, uri)
    }

    pub(crate) fn header(mut self, name: header::HeaderName, value: &str) -> Self {
        let headers = self.builder.headers_mut().expect("a request in the making");
        headers.insert(name, value.parse().expect("a header"));
        self
    }

    pub(crate) fn without(mut self, name: header::HeaderName) -> Self {
        self.builder
            .headers_mut()
            .expect("a request in the making")
            .remove(name);
        self
    }

    pub(crate) fn json(self, body: &Json) -> Self {
        let mut call = self.header(header::CONTENT_TYPE, "application/json");
        call.body = Body::from(body.to_string());
        call
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl Into<Body>) -> Self {
        self = self.header(header::CONTENT_TYPE, media_type);
        self.body = body.into();
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header(header::AUTHORIZATION, &format!("Bearer {token}"))
    }

    pub(crate) fn into_request(self) -> Request<Body> {
        self.builder.body(self.body).expect("a request")
    }

    pub(crate) async fn send(self, router: &Router) -> Answer {
        let response = router
            .clone()
            .oneshot(self.into_request())
            .await
            .expect("infallible");
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.expect("a whole body");
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Answer {
            status: head.status,
            headers: head.headers,
            text,
        }
    }
}
