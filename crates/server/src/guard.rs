//! What a request must show before any handler sees it.
//!
//! - A browser's request from a foreign page is refused (cross-site request forgery), token or not.
//! - Without a token the server listens on loopback only, and the `Host` must name loopback: otherwise a web page could
//!   let its own name point to 127.0.0.1 and read the API as "same origin" (DNS rebinding).
//! - With a token, everything but the health check, the login page and the static files needs it.

use core::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::{HOST, HeaderMap, ORIGIN};
use axum::http::{Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::api::{Problem, ProblemKind};
use crate::auth::Authority;
use crate::problem::IntoProblem as _;

/// The middleware.
pub(crate) async fn guard(
    State(authority): State<Arc<Authority>>,
    request: Request,
    next: Next,
) -> Response {
    if let Err(problem) = check_source(
        &authority,
        request.method(),
        request.uri(),
        request.headers(),
    ) {
        return problem.into_response();
    }
    if !is_public(request.uri().path()) && !authority.admits(request.headers(), Instant::now()) {
        return if wants_page(&request) {
            Redirect::to("/login").into_response()
        } else {
            unauthorized().into_response()
        };
    }
    next.run(request).await
}

/// What may be seen without the token.
fn is_public(path: &str) -> bool {
    path == "/healthz" || path == "/login" || path.starts_with("/static/")
}

/// Whether a person looks at the portal; everything else is a program's request.
fn wants_page(request: &Request) -> bool {
    let path = request.uri().path();
    request.method() == Method::GET && (path == "/" || path.starts_with("/devices/"))
}

fn check_source(
    authority: &Authority,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    let host = host(uri, headers);
    if !authority.asks() && !host.is_some_and(is_loopback_host) {
        return Err(ProblemKind::ForeignOrigin
            .problem("The request's Host does not name this machine's loopback address.")
            .remedy(
                "Use http://127.0.0.1 or http://localhost, or start the server with an API token.",
            ));
    }
    if let Some(origin) = headers.get(ORIGIN)
        && !host
            .zip(origin.to_str().ok())
            .is_some_and(|(host, origin)| is_origin_of(origin, host))
    {
        return Err(foreign());
    }
    // Requests that carry no Origin, such as an image's address, still say where they come from in every current browser.
    let site = headers
        .get("sec-fetch-site")
        .and_then(|value| value.to_str().ok());
    let reads_page = method == Method::GET && !uri.path().starts_with("/api/");
    if matches!(site, Some("cross-site" | "same-site")) && !reads_page {
        return Err(foreign());
    }
    Ok(())
}

fn foreign() -> Problem {
    ProblemKind::ForeignOrigin
        .problem("The request comes from a web page of another origin.")
        .remedy("Open the portal itself, or call the API from a program instead of a page. A reverse proxy must pass the Host header on.")
}

fn unauthorized() -> Problem {
    ProblemKind::Unauthorized
        .problem("The request carries no valid API token.")
        .remedy("Send the header `Authorization: Bearer TOKEN` with the token that the server printed at its first start.")
}

/// The authority that the request is for, with the port.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    match headers.get(HOST) {
        Some(value) => value.to_str().ok(),
        None => uri.authority().map(axum::http::uri::Authority::as_str),
    }
}

/// Whether an authority (`host[:port]`) names loopback.
fn is_loopback_host(authority: &str) -> bool {
    let name = if let Some(rest) = authority.strip_prefix('[') {
        match rest.split_once(']') {
            Some((name, port)) if port.is_empty() || port.starts_with(':') => name,
            _ => return false,
        }
    } else {
        authority
            .split_once(':')
            .map_or(authority, |(name, _)| name)
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether `origin` is the origin of the server itself, seen under the name `host`.
fn is_origin_of(origin: &str, host: &str) -> bool {
    let same = |scheme: &str, port: &str| {
        origin
            .strip_prefix(scheme)
            .is_some_and(|rest| without(rest, port).eq_ignore_ascii_case(without(host, port)))
    };
    same("http://", ":80") || same("https://", ":443")
}

/// An authority without the scheme's default port.
fn without<'a>(authority: &'a str, port: &str) -> &'a str {
    authority.strip_suffix(port).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_hosts() {
        for host in [
            "localhost",
            "localhost:8080",
            "LOCALHOST:1",
            "a.localhost",
            "127.0.0.1",
            "127.0.0.1:8080",
            "127.9.9.9:1",
            "[::1]",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:80",
            "localhost.:80",
        ] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com:8080",
            "127.0.0.1.example.com",
            "192.0.2.1",
            "[::1",
            "[::1]x",
            "[2001:db8::1]:80",
            "::1",
            "0.0.0.0:8080",
            "notlocalhost",
            "localhost@example.com",
        ] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    #[test]
    fn origins() {
        assert!(is_origin_of("http://localhost:8080", "localhost:8080"));
        assert!(is_origin_of("https://Fleet.example", "fleet.example"));
        assert!(is_origin_of("http://fleet.example", "fleet.example:80"));
        for origin in [
            "null",
            "",
            "http://localhost:8081",
            "http://localhost",
            "http://localhost:8080.example",
            "file://",
        ] {
            assert!(!is_origin_of(origin, "localhost:8080"), "{origin}");
        }
    }
}
