//! What the manager knows of the devices.

use axum::Json;
use axum::extract::State;
use dunlin_manager::Manager;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::{DeviceDetail, DeviceList, Problem};
use crate::convert;
use crate::extract::{Parameters, Segments};
use crate::tree;

/// How many devices a page has if the caller does not say.
const PAGE: usize = 100;
/// How many devices a page has at most.
pub(crate) const LARGEST_PAGE: usize = 1000;

/// Which devices to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only devices whose endpoint name contains this text.
    #[serde(default)]
    pub(crate) q: String,
    /// How many devices at most; 100 if not given, never more than 1000.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    pub(crate) limit: Option<usize>,
    /// How many matching devices to leave out before the first.
    #[serde(default)]
    #[param(minimum = 0)]
    pub(crate) offset: usize,
}

impl ListQuery {
    /// How many devices at most.
    pub(crate) fn limit(&self) -> usize {
        self.limit.unwrap_or(PAGE).clamp(1, LARGEST_PAGE)
    }
}

/// The devices that the query wants.
pub(crate) async fn find(manager: &Manager, query: &ListQuery) -> Result<DeviceList, Problem> {
    let page = manager
        .devices()
        .containing(query.q.as_str())
        .limit(query.limit())
        .offset(query.offset)
        .await?;
    Ok(DeviceList {
        devices: page.devices.iter().map(convert::summary).collect(),
        total: u64::try_from(page.total).unwrap_or(u64::MAX),
    })
}

/// All that the manager knows of one device.
pub(crate) async fn describe(manager: &Manager, endpoint: String) -> Result<DeviceDetail, Problem> {
    let device = manager.device(endpoint);
    let info = device.info().await?;
    let values = device.values().await?;
    let observations = device.observations().await?;
    Ok(DeviceDetail {
        summary: convert::summary(&info),
        objects: tree::objects(&manager.registry(), &info.registration, &values),
        observations: observations.iter().map(convert::observation).collect(),
    })
}

/// List devices
///
/// In the order of their endpoint names.
#[utoipa::path(
    get,
    path = "/api/v1/devices",
    operation_id = "list_devices",
    tag = "devices",
    params(ListQuery),
    responses(
        (status = 200, description = "A page of devices", body = DeviceList),
        (status = 400, description = "The query is not understood", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The manager is stopping", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(manager): State<Manager>,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Json<DeviceList>, Problem> {
    Ok(Json(find(&manager, &query).await?))
}

/// Show a device
///
/// Its registration, its objects with the last known values, and its observations. Nothing is sent to the device.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{endpoint}",
    operation_id = "show_device",
    tag = "devices",
    params(("endpoint" = String, Path, description = "The endpoint name, percent-encoded", example = "urn:imei:490154203237518")),
    responses(
        (status = 200, description = "The device", body = DeviceDetail),
        (status = 404, description = "No such device", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The manager is stopping", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn detail(
    State(manager): State<Manager>,
    Segments(endpoint): Segments<String>,
) -> Result<Json<DeviceDetail>, Problem> {
    Ok(Json(describe(&manager, endpoint).await?))
}
