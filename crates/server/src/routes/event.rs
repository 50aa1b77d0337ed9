//! Events as they happen.

use core::convert::Infallible;
use core::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event as Frame, KeepAlive, Sse};
use dunlin_manager::{Event, Events};
use futures_util::stream::{Stream, unfold};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use utoipa::IntoParams;

use crate::api::{self, Problem, ProblemKind};
use crate::convert;
use crate::extract::Parameters;
use crate::problem::IntoProblem as _;
use crate::state::Shared;

/// How long a client waits before it connects again.
const RETRY: Duration = Duration::from_secs(2);

/// Which events to send.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    /// Only events of this device, and those that concern the whole manager.
    #[param(example = "urn:imei:490154203237518")]
    endpoint: Option<String>,
}

/// Follow events
///
/// A stream of server-sent events: `event` is the type of the event, `data` the event as JSON, `id` a number that counts up
/// within the stream. A receiver that is too slow gets `missed` in place of what it missed.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    operation_id = "follow_events",
    tag = "events",
    params(EventQuery),
    responses(
        (status = 200, description = "The events; the schema is that of `data`", body = api::Event, content_type = "text/event-stream"),
        (status = 400, description = "The query is not understood", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many receivers", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn stream(
    State(shared): State<Shared>,
    Parameters(query): Parameters<EventQuery>,
) -> Result<Sse<impl Stream<Item = Result<Frame, Infallible>>>, Problem> {
    let permit = shared.streams.clone().try_acquire_owned().map_err(|_| {
        ProblemKind::Overloaded
            .problem("There are too many receivers of events.")
            .remedy("Close other pages, or let the server have more (limits.event_streams).")
    })?;
    let source = Source {
        events: shared.manager.events(),
        endpoint: query.endpoint,
        stopping: shared.stopping.clone(),
        id: 0,
        _permit: permit,
    };
    let frames = unfold(source, |mut source| async move {
        let frame = source.next().await?;
        Some((Ok(frame), source))
    });
    Ok(Sse::new(frames).keep_alive(KeepAlive::default()))
}

struct Source {
    events: Events,
    endpoint: Option<String>,
    stopping: watch::Receiver<bool>,
    id: u64,
    _permit: OwnedSemaphorePermit,
}

impl Source {
    /// The next frame; `None` when the server or the manager stops.
    async fn next(&mut self) -> Option<Frame> {
        if self.id == 0 {
            // Something to send at once, so that a client knows that it is connected.
            self.id = 1;
            return Some(Frame::default().retry(RETRY).comment("connected"));
        }
        loop {
            let event = tokio::select! {
                event = self.events.next() => event?,
                () = stopped(&mut self.stopping) => return None,
            };
            // Most events of a large fleet are for others: look before translating.
            if !self.wants(&event) {
                continue;
            }
            let Some(event) = convert::event(&event) else {
                continue;
            };
            let frame = Frame::default()
                .event(event.kind.name())
                .id(self.id.to_string());
            self.id = self.id.wrapping_add(1);
            return frame.json_data(&event).ok();
        }
    }

    fn wants(&self, event: &Event) -> bool {
        match (&self.endpoint, event.device()) {
            (Some(wanted), Some(device)) => wanted == device.endpoint(),
            _ => true,
        }
    }
}

/// Returns when the server stops; never, if it is not ours to stop.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|stop| *stop).await.is_err() {
        core::future::pending::<()>().await;
    }
}
