//! The portal: pages for people. They are rendered here and can be read without JavaScript; with it they are live and have
//! buttons, which use the same API as everybody else.

pub(crate) mod assets;
pub(crate) mod device;
pub(crate) mod list;
pub(crate) mod login;

mod text;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::api::{Problem, ProblemKind};
use crate::problem::IntoProblem as _;
use crate::state::Shared;

/// What may stand in a segment of a path as it is (RFC 3986 §3.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');

/// Text as one segment of a URL's path, or as a value in its query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// What every page shows.
#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    /// Whether there is a session to end.
    can_log_out: bool,
}

impl Frame {
    fn of(shared: &Shared) -> Self {
        Self {
            can_log_out: shared.authority.asks(),
        }
    }
}

/// A page that tells what went wrong.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    frame: Frame,
    problem: &'a Problem,
}

fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The page for a problem, with its status.
fn failed(frame: Frame, problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, render(&ProblemPage { frame, problem })).into_response()
}

/// The page for an address that there is not.
pub(crate) fn not_found(path: &str) -> Response {
    let problem = ProblemKind::NotFound
        .problem(format!("There is no page {path}."))
        .remedy("Go to the list of devices.");
    failed(Frame::default(), &problem)
}
