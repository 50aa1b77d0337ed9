//! Extractors whose rejections are problems.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::api::{Problem, ProblemKind};
use crate::problem::IntoProblem as _;

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(rejected(&rejection)),
        }
    }
}

/// A JSON body that may be left out.
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let has_type = request.headers().contains_key(CONTENT_TYPE);
        if !has_type && axum::body::HttpBody::is_end_stream(request.body()) {
            return Ok(Self(T::default()));
        }
        Body::from_request(request, state)
            .await
            .map(|Body(body)| Self(body))
    }
}

/// A body of XML.
pub(crate) struct Xml(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Xml {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media_type = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok()?.split(';').next())
            .map(|media_type| media_type.trim().to_ascii_lowercase());
        if !matches!(media_type.as_deref(), Some("application/xml" | "text/xml")) {
            return Err(ProblemKind::UnsupportedMediaType
                .problem("The body is not XML.")
                .remedy("Send the file with the header `Content-Type: application/xml`."));
        }
        match Bytes::from_request(request, state).await {
            Ok(body) => Ok(Self(body)),
            Err(rejection) => {
                let kind = match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => ProblemKind::TooLarge,
                    _ => ProblemKind::BadRequest,
                };
                Err(kind.problem(sentence(&rejection.body_text())))
            }
        }
    }
}

fn rejected(rejection: &JsonRejection) -> Problem {
    let kind = match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ProblemKind::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ProblemKind::UnsupportedMediaType,
        _ => ProblemKind::BadRequest,
    };
    kind.problem(sentence(&rejection.body_text()))
}

/// The parts of the path, percent-decoded.
pub(crate) struct Segments<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(rejection) => {
                Err(ProblemKind::BadRequest.problem(sentence(&rejection.body_text())))
            }
        }
    }
}

/// The query.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                Err(ProblemKind::BadRequest.problem(sentence(&rejection.body_text())))
            }
        }
    }
}

/// The text with a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut text = text.trim().to_owned();
    if let Some(first) = text.get(..1) {
        let upper = first.to_ascii_uppercase();
        text.replace_range(..1, &upper);
    }
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}
