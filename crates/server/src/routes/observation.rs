//! Observations: values that devices send by themselves.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dunlin_manager::Manager;

use super::command::{CommandProblems, CommandQuery, Target, send, timeout};
use crate::api::{NotificationAttributes, ObservationList, ObservationStarted, Problem};
use crate::convert;
use crate::extract::{OptionalBody, Parameters, Segments};

/// List the observations of a device
#[utoipa::path(
    get,
    path = "/api/v1/devices/{endpoint}/observations",
    operation_id = "list_observations",
    tag = "observations",
    params(("endpoint" = String, Path, description = "The endpoint name, percent-encoded", example = "urn:imei:490154203237518")),
    responses(
        (status = 200, description = "The observations", body = ObservationList),
        (status = 404, description = "No such device", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The manager is stopping", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(manager): State<Manager>,
    Segments(endpoint): Segments<String>,
) -> Result<Json<ObservationList>, Problem> {
    let observations = manager.device(endpoint).observations().await?;
    Ok(Json(ObservationList {
        observations: observations.iter().map(convert::observation).collect(),
    }))
}

/// Start an observation
///
/// The manager keeps it up over restarts and new registrations until it is cancelled. Its values come as events. A path that
/// is observed already gets the attributes anew.
#[utoipa::path(
    put,
    path = "/api/v1/devices/{endpoint}/observations/{*path}",
    operation_id = "observe",
    tag = "observations",
    params(Target, CommandQuery),
    request_body(content = Option<NotificationAttributes>, description = "When to notify; no body for the device's defaults"),
    responses((status = 200, description = "The observation and the first values", body = ObservationStarted), CommandProblems)
)]
pub(crate) async fn start(
    State(manager): State<Manager>,
    Segments(target): Segments<Target>,
    Parameters(query): Parameters<CommandQuery>,
    OptionalBody(body): OptionalBody<NotificationAttributes>,
) -> Result<Json<ObservationStarted>, Problem> {
    let path = convert::path(&target.path)?;
    let mut request = manager
        .device(target.endpoint)
        .observe(path)
        .attributes(convert::attributes(&body));
    if let Some(timeout) = timeout(query.timeout)? {
        request = request.timeout(timeout);
    }
    let observation = request.await?;
    Ok(Json(ObservationStarted {
        observation: convert::observation(observation.info()),
        records: observation.first().iter().map(convert::record).collect(),
    }))
}

/// Cancel an observation
#[utoipa::path(
    delete,
    path = "/api/v1/devices/{endpoint}/observations/{*path}",
    operation_id = "cancel_observation",
    tag = "observations",
    params(Target, CommandQuery),
    responses((status = 204, description = "The path is not observed any more"), CommandProblems)
)]
pub(crate) async fn cancel(
    State(manager): State<Manager>,
    Segments(target): Segments<Target>,
    Parameters(query): Parameters<CommandQuery>,
) -> Result<StatusCode, Problem> {
    let path = convert::path(&target.path)?;
    send(manager.device(target.endpoint).cancel(path), query.timeout).await?;
    Ok(StatusCode::NO_CONTENT)
}
