//! The files of the portal; they are part of the program.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::api::{Problem, ProblemKind};
use crate::extract::Segments;
use crate::problem::IntoProblem as _;

struct Asset {
    name: &'static str,
    media_type: &'static str,
    text: &'static str,
    /// Changes with the text, so that a browser asks again but loads only what is new.
    tag: String,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |name, media_type, text: &'static str| {
        let digest = Sha256::digest(text);
        let tag = digest
            .iter()
            .take(8)
            .fold(String::from("\""), |tag, byte| format!("{tag}{byte:02x}"))
            + "\"";
        Asset {
            name,
            media_type,
            text,
            tag,
        }
    };
    let script = "text/javascript; charset=utf-8";
    vec![
        asset(
            "portal.css",
            "text/css; charset=utf-8",
            include_str!("../../assets/portal.css"),
        ),
        asset(
            "icon.svg",
            "image/svg+xml",
            include_str!("../../assets/icon.svg"),
        ),
        asset("api.js", script, include_str!("../../assets/api.js")),
        asset("text.js", script, include_str!("../../assets/text.js")),
        asset("events.js", script, include_str!("../../assets/events.js")),
        asset("chart.js", script, include_str!("../../assets/chart.js")),
        asset("list.js", script, include_str!("../../assets/list.js")),
        asset("device.js", script, include_str!("../../assets/device.js")),
    ]
});

/// A file of the portal
#[utoipa::path(
    get,
    path = "/static/{name}",
    operation_id = "load_file",
    tag = "portal",
    params(("name" = String, Path, description = "The name of the file", example = "portal.css")),
    responses(
        (status = 200, description = "The file", body = String, content_type = "text/css"),
        (status = 304, description = "The file has not changed"),
        (status = 404, description = "No such file", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn asset(
    Segments(name): Segments<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asset = ASSETS
        .iter()
        .find(|asset| asset.name == name)
        .ok_or_else(|| ProblemKind::NotFound.problem(format!("There is no file {name}.")))?;
    let caching = [(CACHE_CONTROL, "no-cache"), (ETAG, asset.tag.as_str())];
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok());
    if known.is_some_and(|tags| {
        tags.split(',')
            .any(|tag| tag.trim().trim_start_matches("W/") == asset.tag)
    }) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(CONTENT_TYPE, asset.media_type)], asset.text).into_response())
}
