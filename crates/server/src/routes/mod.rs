//! All routes. Handlers only translate: HTTP to a call of the manager, and its answer to HTTP.

mod command;
pub(crate) mod device;
mod document;
mod event;
mod health;
mod metrics;
mod object;
mod observation;
mod security;

use core::any::Any;
use core::time::Duration;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::RequestBodyDeadlineLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{Problem, ProblemKind};
use crate::guard::guard;
use crate::portal;
use crate::problem::IntoProblem as _;
use crate::state::Shared;

/// How long the body of a request may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What pages may load: only what this server has, and no script or style within a page.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                              form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Every route with its documentation. No route is added in any other way, so that none is undocumented.
pub(crate) fn documented() -> (Router<Shared>, OpenApi) {
    let (router, document) = OpenApiRouter::with_openapi(document::header())
        .routes(routes!(device::list))
        .routes(routes!(device::detail))
        .routes(routes!(
            command::read,
            command::write,
            command::update,
            command::create,
            command::delete
        ))
        .routes(routes!(command::execute))
        .routes(routes!(command::discover))
        .routes(routes!(command::write_attributes))
        .routes(routes!(observation::list))
        .routes(routes!(observation::start, observation::cancel))
        .routes(routes!(object::list, object::upload))
        .routes(routes!(object::detail))
        .routes(routes!(object::version, object::remove))
        .routes(routes!(security::list))
        .routes(routes!(security::put, security::remove))
        .routes(routes!(event::stream))
        .routes(routes!(document::openapi))
        .routes(routes!(metrics::metrics))
        .routes(routes!(health::health))
        .routes(routes!(portal::list::page))
        .routes(routes!(portal::device::page))
        .routes(routes!(portal::login::page, portal::login::log_in))
        .routes(routes!(portal::login::log_out))
        .routes(routes!(portal::assets::asset))
        .split_for_parts();
    (router, document::finish(document))
}

/// The whole application.
pub(crate) fn router(shared: Shared) -> Router {
    let (router, _) = documented();
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(&shared.authority), guard))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(RequestBodyDeadlineLayer::new(BODY_TIMEOUT))
        .layer(DefaultBodyLimit::max(shared.limits.http_body_bytes))
        .layer(header(CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(X_FRAME_OPTIONS, "DENY"))
        .layer(header(REFERRER_POLICY, "same-origin"))
        .layer(header(
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ))
        .layer(header(
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ))
        .layer(header(CACHE_CONTROL, "no-store"))
        .with_state(shared)
}

async fn not_found(request: Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/") {
        ProblemKind::NotFound
            .problem(format!("There is no route {path}."))
            .into_response()
    } else {
        portal::not_found(path)
    }
}

async fn method_not_allowed(request: Request) -> Problem {
    ProblemKind::MethodNotAllowed.problem(format!(
        "{} does not have the method {}.",
        request.uri().path(),
        request.method()
    ))
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("an HTTP handler panicked");
    ProblemKind::Internal
        .problem("The server made a mistake.")
        .into_response()
}
