//! Login and logout.

use std::time::Instant;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::header::{ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Frame, render};
use crate::auth::{COOKIE, Sessions};
use crate::state::Shared;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    failed: bool,
}

/// The form of the login page.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Login {
    /// The API token.
    #[schema(format = Password)]
    token: String,
}

/// The login page
#[utoipa::path(
    get,
    path = "/login",
    operation_id = "page_login",
    tag = "portal",
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 303, description = "To `/`: the server needs no token, or the session is open already"),
    )
)]
pub(crate) async fn page(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if shared.authority.admits(&headers, Instant::now()) {
        return Redirect::to("/").into_response();
    }
    render(&LoginPage {
        frame: Frame::default(),
        failed: false,
    })
}

/// Log in
///
/// Opens a session for the portal; its cookie also opens the API.
#[utoipa::path(
    post,
    path = "/login",
    operation_id = "log_in",
    tag = "portal",
    request_body(content = Login, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "To `/`, with the session's cookie"),
        (status = 401, description = "The login page again: not the right token", body = String, content_type = "text/html"),
    )
)]
pub(crate) async fn log_in(
    State(shared): State<Shared>,
    headers: HeaderMap,
    form: Result<Form<Login>, FormRejection>,
) -> Response {
    if !shared.authority.asks() {
        return Redirect::to("/").into_response();
    }
    let session = form
        .ok()
        .and_then(|Form(login)| shared.authority.log_in(&login.token, Instant::now()));
    if let Some(id) = session {
        let mut cookie = cookie(&id, Sessions::LIFETIME.as_secs());
        // Behind a proxy with TLS the browser says so, and then the cookie stays within TLS.
        if headers
            .get(ORIGIN)
            .is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
        {
            cookie.push_str("; Secure");
        }
        ([(SET_COOKIE, cookie)], Redirect::to("/")).into_response()
    } else {
        tracing::warn!("a login at the portal failed");
        let page = render(&LoginPage {
            frame: Frame::default(),
            failed: true,
        });
        (StatusCode::UNAUTHORIZED, page).into_response()
    }
}

/// Log out
#[utoipa::path(
    post,
    path = "/logout",
    operation_id = "log_out",
    tag = "portal",
    responses((status = 303, description = "To `/login`; the session is closed"))
)]
pub(crate) async fn log_out(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    shared.authority.log_out(&headers);
    ([(SET_COOKIE, cookie("", 0))], Redirect::to("/login")).into_response()
}

fn cookie(id: &str, seconds: u64) -> String {
    format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}")
}
