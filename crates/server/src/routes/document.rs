//! The `OpenAPI` document.

use std::sync::OnceLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi,
    OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::api::Problem;
use crate::auth::COOKIE;
use crate::problem::MEDIA_TYPE;

/// The document as JSON.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    operation_id = "show_openapi",
    tag = "server",
    summary = "This document",
    responses((status = 200, description = "The OpenAPI 3.1 document", body = Object, content_type = "application/json"))
)]
pub(crate) async fn openapi() -> impl IntoResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| super::documented().1.to_pretty_json().unwrap_or_default());
    ([(CONTENT_TYPE, "application/json")], text.as_str())
}

/// What the document says of the whole.
pub(super) fn header() -> OpenApi {
    let tag = |name: &str, text: &str| TagBuilder::new().name(name).description(Some(text)).build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Dunlin")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(DESCRIPTION))
                .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
                .contact(Some(ContactBuilder::new().url(Some(env!("CARGO_PKG_REPOSITORY"))).build()))
                .build(),
        )
        .tags(Some([
            tag("devices", "What the manager knows of the devices."),
            tag("commands", "What devices are told to do. A command waits until the device answers or the time is over."),
            tag("observations", "Values that devices send by themselves when they change."),
            tag("objects", "The registry: what objects and resources are called, and which values they have."),
            tag("security", "How devices prove who they are: an endpoint name belongs to its credentials."),
            tag("events", "What happens, as it happens."),
            tag("server", "The server itself."),
            tag("portal", "Pages for people."),
        ]))
        .components(Some(
            ComponentsBuilder::new()
                .schema(Problem::name(), Problem::schema())
                .security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
                .security_scheme(
                    "session",
                    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
                        COOKIE,
                        "The portal's session; see POST /login.",
                    ))),
                )
                .build(),
        ))
        .security(Some([
            SecurityRequirement::new("token", [] as [&str; 0]),
            SecurityRequirement::new("session", [] as [&str; 0]),
            SecurityRequirement::default(),
        ]))
        .build()
}

const DESCRIPTION: &str = "LwM2M device management.\n\n\
    When the server has an API token, every route but `/healthz`, `/login` and `/static` needs the header \
    `Authorization: Bearer TOKEN` or the portal's session cookie. Without a token the server answers on loopback addresses \
    only. Requests of foreign web pages are refused with 403.\n\n\
    Errors have the form of RFC 9457 with a `remedy` beside the `detail`.";

/// Writes wildcards as `OpenAPI` does, and adds what every route may answer.
pub(super) fn finish(mut document: OpenApi) -> OpenApi {
    let paths = core::mem::take(&mut document.paths.paths);
    document.paths.paths = paths
        .into_iter()
        .map(|(path, item)| (path.replace("{*", "{"), item))
        .collect();
    for (path, item) in &mut document.paths.paths {
        let public = path == "/healthz" || path == "/login" || path.starts_with("/static/");
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            if public {
                // One empty requirement: nothing is needed.
                operation.security = Some(vec![SecurityRequirement::default()]);
            }
            let responses = &mut operation.responses.responses;
            let mut add = |status: &str, text: &str| {
                responses
                    .entry(status.to_owned())
                    .or_insert_with(|| RefOr::T(problem(text)));
            };
            if !public && path.starts_with("/api/") || path == "/metrics" {
                add("401", "No token, or not the right one");
            }
            add(
                "403",
                "The request comes from a foreign web page or host name",
            );
        }
    }
    document
}

/// A response with a problem.
pub(super) fn problem(text: &str) -> Response {
    ResponseBuilder::new()
        .description(text)
        .content(
            MEDIA_TYPE,
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name(Problem::name())))
                .build(),
        )
        .build()
}
