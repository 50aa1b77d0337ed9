//! Whether the server works.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dunlin_manager::Manager;

use crate::api::{Health, HealthStatus};

/// Check the health
///
/// Needs no token.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "check_health",
    tag = "server",
    responses(
        (status = 200, description = "All works", body = Health),
        (status = 503, description = "The store does not take changes, or the manager has stopped", body = Health),
    )
)]
pub(crate) async fn health(State(manager): State<Manager>) -> (StatusCode, Json<Health>) {
    let store = !manager.metrics().store.failing;
    let answers = manager.devices().limit(1).await.is_ok();
    let status = |works: bool| {
        if works {
            HealthStatus::Ok
        } else {
            HealthStatus::Failed
        }
    };
    let code = if store && answers {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let health = Health {
        status: status(store && answers),
        store: status(store),
        version: env!("CARGO_PKG_VERSION").into(),
    };
    (code, Json(health))
}
