//! The list of devices.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::{Frame, encoded, failed, render, text};
use crate::api::{DeviceSummary, Problem};
use crate::extract::Parameters;
use crate::routes::device::{ListQuery, find};
use crate::state::Shared;

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    frame: Frame,
    query: String,
    rows: Vec<Row>,
    total: u64,
    first: usize,
    limit: usize,
    offset: usize,
    previous: Option<String>,
    next: Option<String>,
    listeners: Vec<String>,
}

struct Row {
    device: DeviceSummary,
    url: String,
}

impl Row {
    fn lifetime(&self) -> String {
        match self.device.lifetime_seconds {
            0 => "unlimited".into(),
            seconds => text::duration(seconds),
        }
    }
}

/// The list of devices
#[utoipa::path(
    get,
    path = "/",
    operation_id = "page_devices",
    tag = "portal",
    params(ListQuery),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 303, description = "To `/login`: there is no session"),
    )
)]
pub(crate) async fn page(
    State(shared): State<Shared>,
    query: Result<Parameters<ListQuery>, Problem>,
) -> Response {
    let frame = Frame::of(&shared);
    let query = match query {
        Ok(Parameters(query)) => query,
        Err(problem) => return failed(frame, &problem),
    };
    let list = match find(&shared.manager, &query).await {
        Ok(list) => list,
        Err(problem) => return failed(frame, &problem),
    };
    let (offset, limit) = (query.offset, query.limit());
    let link = |offset: usize| {
        let search = if query.q.is_empty() {
            String::new()
        } else {
            format!("q={}&", encoded(&query.q))
        };
        format!("/?{search}limit={limit}&offset={offset}")
    };
    let end = offset.saturating_add(list.devices.len());
    let more = u64::try_from(end).is_ok_and(|end| end < list.total) && !list.devices.is_empty();
    render(&ListPage {
        frame,
        first: offset.saturating_add(1),
        limit,
        offset,
        previous: (offset > 0).then(|| link(offset.saturating_sub(limit))),
        next: more.then(|| link(end)),
        total: list.total,
        rows: list
            .devices
            .into_iter()
            .map(|device| Row {
                url: encoded(&device.endpoint),
                device,
            })
            .collect(),
        query: query.q,
        listeners: shared
            .manager
            .local_addresses()
            .iter()
            .map(|address| format!("coap://{address}"))
            .collect(),
    })
}
