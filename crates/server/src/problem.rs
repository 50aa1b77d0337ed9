//! From failures to `application/problem+json`.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::api::{Problem, ProblemKind};

/// The media type of problems (RFC 9457 §3).
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// Makes problems of a kind.
pub(crate) trait IntoProblem {
    /// A problem with this sentence about what happened.
    fn problem(self, detail: impl Into<String>) -> Problem;
}

impl IntoProblem for ProblemKind {
    fn problem(self, detail: impl Into<String>) -> Problem {
        let (status, title, remedy) = self.parts();
        Problem {
            kind: self,
            title: title.into(),
            status: status.as_u16(),
            detail: detail.into(),
            remedy: remedy.into(),
            code: None,
            line: None,
            column: None,
        }
    }
}

impl ProblemKind {
    /// Status, title and the remedy that helps when the failure itself suggests no better one.
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadRequest => (
                StatusCode::BAD_REQUEST,
                "Bad request",
                "See /api/openapi.json for what the route takes.",
            ),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "Not authorised",
                "Send the API token.",
            ),
            Self::ForeignOrigin => (
                StatusCode::FORBIDDEN,
                "Foreign origin",
                "Open the portal itself.",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Not found",
                "See /api/openapi.json for the routes.",
            ),
            Self::NotRegistered => (
                StatusCode::NOT_FOUND,
                "Not registered",
                "Check the endpoint name, and that the device can reach the manager.",
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "Method not allowed",
                "See /api/openapi.json for the route's methods.",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "Too large",
                "Send less in one request.",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Unsupported media type",
                "Send JSON with the header `Content-Type: application/json`.",
            ),
            Self::RefusedByDevice => (
                StatusCode::BAD_GATEWAY,
                "Refused by the device",
                "The code says what the device did not like.",
            ),
            Self::BadAnswer => (
                StatusCode::BAD_GATEWAY,
                "Answer not understood",
                "Read in another format, or report the device to its maker.",
            ),
            Self::NotConnected => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Not connected",
                "Try again when the device has registered or updated.",
            ),
            Self::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Overloaded",
                "Try again in a moment.",
            ),
            Self::StoreFailed => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Store failed",
                "Check that the data folder is writable and its disk not full.",
            ),
            Self::TimedOut => (
                StatusCode::GATEWAY_TIMEOUT,
                "Timed out",
                "The device may sleep or be out of reach; try again when it was seen.",
            ),
            Self::Internal | Self::Other => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal error",
                "See the server's log.",
            ),
        }
    }
}

impl Problem {
    /// Replaces the remedy.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Adds the CoAP code of the device's answer.
    pub(crate) fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Adds the place in an uploaded file.
    pub(crate) const fn at(mut self, line: u32, column: u32) -> Self {
        self.line = Some(line);
        self.column = Some(column);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let challenge = self.kind == ProblemKind::Unauthorized;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if challenge {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"dunlin\""),
            );
        }
        response
    }
}
