//! Token, session, Host and Origin.

use axum::http::header::{
    AUTHORIZATION, COOKIE, HOST, HeaderName, LOCATION, ORIGIN, SET_COOKIE, WWW_AUTHENTICATE,
};
use axum::http::{Method, StatusCode};
use dunlin_server::api::ProblemKind;

use crate::support::{Call, TOKEN, closed, open};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn without_a_token_only_loopback_names_are_served() {
    let router = open().await;
    for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
        let answer = Call::get("/api/v1/devices")
            .header(HOST, host)
            .send(&router)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{host}");
    }
    for uri in [
        "/api/v1/devices",
        "/",
        "/metrics",
        "/healthz",
        "/static/portal.css",
        "/api/openapi.json",
    ] {
        let answer = Call::get(uri)
            .header(HOST, "rebound.example:8080")
            .send(&router)
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{uri}");
        assert_eq!(answer.problem().kind, ProblemKind::ForeignOrigin);
    }
    let answer = Call::get("/api/v1/devices")
        .without(HOST)
        .send(&router)
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn foreign_pages_are_refused_with_and_without_token() {
    for router in [open().await, closed().await] {
        for origin in ["http://evil.example", "null", "http://127.0.0.1:9999"] {
            let call = Call::get("/api/v1/devices")
                .token(TOKEN)
                .header(ORIGIN, origin);
            assert_eq!(
                call.send(&router).await.problem().kind,
                ProblemKind::ForeignOrigin,
                "{origin}"
            );
        }
        for site in ["cross-site", "same-site"] {
            let call = Call::get("/api/v1/devices/x/resources/3/0/0")
                .token(TOKEN)
                .header(FETCH_SITE, site);
            assert_eq!(
                call.send(&router).await.status,
                StatusCode::FORBIDDEN,
                "{site}"
            );
        }
        let own = Call::get("/api/v1/devices")
            .token(TOKEN)
            .header(ORIGIN, "http://127.0.0.1:8080");
        assert_eq!(
            own.header(FETCH_SITE, "same-origin")
                .send(&router)
                .await
                .status,
            StatusCode::OK
        );
        // Following a link from elsewhere to a page is no attack.
        let link = Call::get("/").token(TOKEN).header(FETCH_SITE, "cross-site");
        assert_eq!(link.send(&router).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn with_a_token_everything_but_health_login_and_files_needs_it() {
    let router = closed().await;
    for uri in [
        "/api/v1/devices",
        "/api/v1/events",
        "/api/openapi.json",
        "/metrics",
        "/api/nothing",
        "/nothing",
    ] {
        let answer = Call::get(uri).send(&router).await;
        assert_eq!(answer.problem().kind, ProblemKind::Unauthorized, "{uri}");
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.header(WWW_AUTHENTICATE).starts_with("Bearer"));
    }
    for uri in ["/", "/devices/urn:x"] {
        let answer = Call::get(uri).send(&router).await;
        assert_eq!(
            (answer.status, answer.header(LOCATION)),
            (StatusCode::SEE_OTHER, "/login"),
            "{uri}"
        );
    }
    for uri in ["/healthz", "/login", "/static/portal.css"] {
        // Under any name: the server is for others too.
        let answer = Call::get(uri)
            .header(HOST, "fleet.example")
            .send(&router)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{uri}");
    }
    assert_eq!(
        Call::get("/api/v1/devices")
            .token(TOKEN)
            .send(&router)
            .await
            .status,
        StatusCode::OK
    );
    for authorization in ["Bearer ", "Bearer wrong", "Basic Zm9vOmJhcg==", TOKEN, ""] {
        let answer = Call::get("/api/v1/devices")
            .header(AUTHORIZATION, authorization)
            .send(&router)
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization}");
    }
    let query = Call::get(&format!("/api/v1/devices?token={TOKEN}"))
        .send(&router)
        .await;
    assert_eq!(query.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_login_page_opens_a_session() {
    let router = closed().await;
    let post = |token: &str| Call::new(Method::POST, "/login").body(FORM, format!("token={token}"));

    let wrong = post("wrong").send(&router).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text.contains("role=\"alert\"") && !wrong.headers.contains_key(SET_COOKIE));
    assert_eq!(
        Call::new(Method::POST, "/login").send(&router).await.status,
        StatusCode::UNAUTHORIZED
    );
    let foreign = post(TOKEN)
        .header(ORIGIN, "http://evil.example")
        .send(&router)
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);

    let right = post(TOKEN)
        .header(ORIGIN, "http://127.0.0.1:8080")
        .send(&router)
        .await;
    assert_eq!(
        (right.status, right.header(LOCATION)),
        (StatusCode::SEE_OTHER, "/")
    );
    let cookie = right.header(SET_COOKIE);
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains(TOKEN) && !cookie.contains("Secure"));
    let proxied = post(TOKEN)
        .header(ORIGIN, "https://127.0.0.1:8080")
        .send(&router)
        .await;
    assert!(proxied.header(SET_COOKIE).ends_with("; Secure"));
    let session = cookie.split(';').next().expect("the pair");

    let page = Call::get("/")
        .header(COOKIE, &format!("other=1; {session}"))
        .send(&router)
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("action=\"/logout\""));
    let api = Call::get("/api/v1/devices")
        .header(COOKIE, session)
        .send(&router)
        .await;
    assert_eq!(api.status, StatusCode::OK);
    let forged = Call::get("/api/v1/devices")
        .header(COOKIE, "dunlin_session=guess")
        .send(&router)
        .await;
    assert_eq!(forged.status, StatusCode::UNAUTHORIZED);

    let out = Call::new(Method::POST, "/logout")
        .header(COOKIE, session)
        .send(&router)
        .await;
    assert_eq!(
        (out.status, out.header(LOCATION)),
        (StatusCode::SEE_OTHER, "/login")
    );
    assert!(out.header(SET_COOKIE).contains("Max-Age=0"));
    let after = Call::get("/api/v1/devices")
        .header(COOKIE, session)
        .send(&router)
        .await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn without_a_token_there_is_no_login() {
    let router = open().await;
    for call in [
        Call::get("/login"),
        Call::new(Method::POST, "/login").body(FORM, format!("token={TOKEN}")),
    ] {
        let answer = call.send(&router).await;
        assert_eq!(
            (answer.status, answer.header(LOCATION)),
            (StatusCode::SEE_OTHER, "/")
        );
        assert!(!answer.headers.contains_key(SET_COOKIE));
    }
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let router = open().await;
    for uri in [
        "/",
        "/api/v1/devices",
        "/static/device.js",
        "/healthz",
        "/nothing",
        "/api/nothing",
        "/devices/nobody",
    ] {
        let answer = Call::get(uri).send(&router).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("script-src 'self'"),
            "{uri}"
        );
        assert!(!policy.contains("unsafe"), "{uri}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{uri}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{uri}");
        assert!(!answer.header("cache-control").is_empty(), "{uri}");
    }
}
