//! What devices are told to do.

use core::time::Duration;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use dunlin_manager::{ContentFormat, Manager, Request, Timestamp, WriteValue};
use dunlin_model::{InstanceId, Level, Path, ValueType};
use serde::Deserialize;
use utoipa::openapi::{RefOr, Response};
use utoipa::{IntoParams, IntoResponses};

use super::document::problem;
use crate::api::{
    AttributeChanges, CreateRequest, Created, DiscoverResponse, ExecuteRequest, Format, Link,
    Problem, ProblemKind, ReadResponse, WriteRequest,
};
use crate::convert;
use crate::extract::{Body, OptionalBody, Parameters, Segments};
use crate::problem::IntoProblem as _;

/// The longest time that a caller may let a command wait, in seconds.
const LONGEST_TIMEOUT: u32 = 3600;

/// How a command is carried out.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CommandQuery {
    /// How many seconds the command may take in all, also while it waits for a sleeping device; if not given, as the server
    /// is configured (60).
    #[param(minimum = 1, maximum = 3600, example = 60)]
    pub(crate) timeout: Option<u32>,
}

/// How a read is carried out.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadQuery {
    /// How many seconds the command may take in all, also while it waits for a sleeping device; if not given, as the server
    /// is configured (60).
    #[param(minimum = 1, maximum = 3600, example = 60)]
    pub(crate) timeout: Option<u32>,
    /// The payload format to ask for; if not given, one that the device announced.
    #[param(inline)]
    pub(crate) format: Option<Format>,
}

/// The parameters in the path of a command.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct Target {
    /// The endpoint name, percent-encoded.
    #[param(example = "urn:imei:490154203237518")]
    pub(crate) endpoint: String,
    /// The path at the device: up to four numbers, with slashes between them.
    #[param(example = "3303/0/5700")]
    pub(crate) path: String,
}

/// What any command may answer when it fails.
pub(crate) struct CommandProblems;

impl IntoResponses for CommandProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [
            (
                "400",
                "The request, the path or a value is not understood; nothing was sent",
            ),
            ("404", "The device has never registered"),
            ("413", "The body is too large"),
            ("415", "The body is not JSON"),
            (
                "502",
                "The device refused, with its CoAP code in `code`, or its answer is not understood",
            ),
            (
                "503",
                "The device is not connected, or the manager or its store cannot take the command",
            ),
            ("504", "The device did not answer in time"),
        ]
        .map(|(status, text)| (status.to_owned(), RefOr::T(problem(text))))
        .into()
    }
}

/// Sends a request with the caller's timeout.
pub(crate) async fn send<T: Send + 'static>(
    request: Request<T>,
    timeout: Option<u32>,
) -> Result<T, Problem> {
    let request = match self::timeout(timeout)? {
        Some(timeout) => request.timeout(timeout),
        None => request,
    };
    Ok(request.await?)
}

/// The caller's timeout, if it is one.
pub(crate) fn timeout(seconds: Option<u32>) -> Result<Option<Duration>, Problem> {
    match seconds {
        None => Ok(None),
        Some(seconds) if (1..=LONGEST_TIMEOUT).contains(&seconds) => {
            Ok(Some(Duration::from_secs(seconds.into())))
        }
        Some(seconds) => Err(ProblemKind::BadRequest
            .problem(format!("A timeout of {seconds} s is not possible."))
            .remedy(format!(
                "Give a timeout from 1 to {LONGEST_TIMEOUT} seconds."
            ))),
    }
}

/// Read values
///
/// Reads an object, an instance, a resource or a resource instance from the device now.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{endpoint}/resources/{*path}",
    operation_id = "read",
    tag = "commands",
    params(Target, ReadQuery),
    responses((status = 200, description = "What the device answered", body = ReadResponse), CommandProblems)
)]
pub(crate) async fn read(
    State(manager): State<Manager>,
    Segments(target): Segments<Target>,
    Parameters(query): Parameters<ReadQuery>,
) -> Result<Json<ReadResponse>, Problem> {
    let path = convert::path(&target.path)?;
    let mut request = manager.device(target.endpoint).read(path);
    if let Some(format) = query.format {
        request = request.format(match format {
            Format::Text => ContentFormat::TEXT,
            Format::Opaque => ContentFormat::OPAQUE,
            Format::Tlv => ContentFormat::TLV,
            Format::SenmlCbor => ContentFormat::SENML_CBOR,
        });
    }
    let records = send(request, query.timeout).await?;
    Ok(Json(ReadResponse {
        path: path.to_string(),
        records: records.iter().map(convert::record).collect(),
        read_at: convert::timestamp(Timestamp::now()),
    }))
}

/// Write
///
/// Writes a resource or an instance; what the request does not give of an instance or of a resource with instances goes.
#[utoipa::path(
    put,
    path = "/api/v1/devices/{endpoint}/resources/{*path}",
    operation_id = "write",
    tag = "commands",
    params(Target, CommandQuery),
    request_body = WriteRequest,
    responses((status = 204, description = "The device has written it"), CommandProblems)
)]
pub(crate) async fn write(
    State(manager): State<Manager>,
    Segments(target): Segments<Target>,
    Parameters(query): Parameters<CommandQuery>,
    Body(body): Body<WriteRequest>,
) -> Result<StatusCode, Problem> {
    let path = convert::path(&target.path)?;
    let value = written(types(&manager, &target.endpoint).await, path, &body)?;
    send(
        manager.device(target.endpoint).write(path, value),
        query.timeout,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Write partially
///
/// Writes resources of an instance, or instances of a resource; what the request does not give stays as it is.
#[utoipa::path(
    patch,
    path = "/api/v1/devices/{endpoint}/resources/{*path}",
    operation_id = "write_partially",
    tag = "commands",
    params(Target, CommandQuery),
    request_body = WriteRequest,
    responses((status = 204, description = "The device has written it"), CommandProblems)
)]
pub(crate) async fn update(
    State(manager): State<Manager>,
    Segments(target): Segments<Target>,
    Parameters(query): Parameters<CommandQuery>,
    Body(body): Body<WriteRequest>,
) -> Result<StatusCode, Problem> {
    let path = convert::path(&target.path)?;
    let value = written(types(&manager, &target.endpoint).await, path, &body)?;
    send(
        manager.device(target.endpoint).write_partial(path, value),
        query.timeout,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The types of the resources of a device, in the versions that it has.
async fn types(manager: &Manager, endpoint: &str) -> impl Fn(Path) -> Option<ValueType> {
    let registry = manager.registry();
    // An unknown device is told by the command itself.
    let device = manager.device(endpoint).info().await.ok();
    move |path| {
        let resource = match &device {
            Some(device) => registry.of(&device.registration).resource(&path),
            None => registry.resource(&path),
        };
        resource.map(|resource| resource.kind)
    }
}

fn written(
    types: impl Fn(Path) -> Option<ValueType>,
    path: Path,
    body: &WriteRequest,
) -> Result<WriteValue, Problem> {
    match (&body.value, &body.records) {
        (Some(value), None) => Ok(WriteValue::One(convert::write_value(
            types, path, value, body.kind,
        )?)),
        (None, Some(records)) => Ok(WriteValue::Records(convert::write_records(
            types, path, records,
        )?)),
        (Some(_), Some(_)) => Err(ProblemKind::BadRequest
            .problem("The body has both `value` and `records`.")
            .remedy("Give `value` for one resource, or `records` for several.")),
        (None, None) => Err(ProblemKind::BadRequest
            .problem("The body has neither `value` nor `records`.")
            .remedy("Give `value` for one resource, or `records` for several.")),
    }
}

/// Create an instance
///
/// The path is that of an object. Without an instance id the device picks one.
#[utoipa::path(
    post,
    path = "/api/v1/devices/{endpoint}/resources/{*path}",
    operation_id = "create",
    tag = "commands",
    params(Target, CommandQuery),
    request_body = CreateRequest,
    responses(
        (status = 201, description = "The new instance", body = Created,
            headers(("location" = String, description = "The URL of the new instance"))),
        CommandProblems
    )
)]
pub(crate) async fn create(
    State(manager): State<Manager>,
    Segments(target): Segments<Target>,
    Parameters(query): Parameters<CommandQuery>,
    OptionalBody(body): OptionalBody<CreateRequest>,
) -> Result<impl IntoResponse, Problem> {
    let path = convert::path(&target.path)?;
    let (Level::Object, Some(object)) = (path.level(), path.object_id()) else {
        return Err(ProblemKind::BadRequest
            .problem(format!("{path} is not an object."))
            .remedy("Name an object such as /3303, and the instance in the body."));
    };
    let instance = match body.instance.map(InstanceId::try_from) {
        None => None,
        Some(Ok(instance)) => Some(instance),
        Some(Err(_)) => {
            return Err(ProblemKind::BadRequest
                .problem("The instance id 65535 is reserved.")
                .remedy("Give an instance id from 0 to 65534, or none."));
        }
    };
    // Where the device picks the instance, the records are written under any.
    let base = Path::instance(object, instance.unwrap_or(InstanceId::of::<0>()));
    let records =
        convert::write_records(types(&manager, &target.endpoint).await, base, &body.records)?;
    let device = manager.device(target.endpoint.as_str());
    let request = match instance {
        Some(_) => device.create(base, records),
        None => device.create(path, records),
    };
    let created = send(request, query.timeout).await?;
    let location = format!(
        "/api/v1/devices/{}/resources{created}",
        crate::portal::encoded(&target.endpoint)
    );
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(Created {
            path: created.to_string(),
        }),
    ))
}

/// Delete an instance
#[utoipa::path(
    delete,
    path = "/api/v1/devices/{endpoint}/resources/{*path}",
    operation_id = "delete",
    tag = "commands",
    params(Target, CommandQuery),
    responses((status = 204, description = "The device has deleted it"), CommandProblems)
)]
pub(crate) async fn delete(
    State(manager): State<Manager>,
    Segments(target): Segments<Target>,
    Parameters(query): Parameters<CommandQuery>,
) -> Result<StatusCode, Problem> {
    let path = convert::path(&target.path)?;
    send(manager.device(target.endpoint).delete(path), query.timeout).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Execute a resource
#[utoipa::path(
    post,
    path = "/api/v1/devices/{endpoint}/execute/{*path}",
    operation_id = "execute",
    tag = "commands",
    params(Target, CommandQuery),
    request_body(content = Option<ExecuteRequest>, description = "The arguments; no body if there are none"),
    responses((status = 204, description = "The device has accepted it"), CommandProblems)
)]
pub(crate) async fn execute(
    State(manager): State<Manager>,
    Segments(target): Segments<Target>,
    Parameters(query): Parameters<CommandQuery>,
    OptionalBody(body): OptionalBody<ExecuteRequest>,
) -> Result<StatusCode, Problem> {
    let path = convert::path(&target.path)?;
    let arguments = body.arguments.unwrap_or_default();
    send(
        manager.device(target.endpoint).execute(path, arguments),
        query.timeout,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Discover
///
/// Lists what the device has at and below a path, with the attributes attached there.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{endpoint}/discover/{*path}",
    operation_id = "discover",
    tag = "commands",
    params(Target, CommandQuery),
    responses((status = 200, description = "What the device answered", body = DiscoverResponse), CommandProblems)
)]
pub(crate) async fn discover(
    State(manager): State<Manager>,
    Segments(target): Segments<Target>,
    Parameters(query): Parameters<CommandQuery>,
) -> Result<Json<DiscoverResponse>, Problem> {
    let path = convert::path(&target.path)?;
    let links = send(
        manager.device(target.endpoint).discover(path),
        query.timeout,
    )
    .await?;
    let links = links
        .into_iter()
        .map(|link| Link {
            path: link.path.to_string(),
            attributes: link
                .attributes
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        })
        .collect();
    Ok(Json(DiscoverResponse { links }))
}

/// Attach notification attributes
///
/// A number sets an attribute, `null` removes it, and what is not given stays as it is.
#[utoipa::path(
    put,
    path = "/api/v1/devices/{endpoint}/attributes/{*path}",
    operation_id = "write_attributes",
    tag = "commands",
    params(Target, CommandQuery),
    request_body = AttributeChanges,
    responses((status = 204, description = "The device has attached them"), CommandProblems)
)]
pub(crate) async fn write_attributes(
    State(manager): State<Manager>,
    Segments(target): Segments<Target>,
    Parameters(query): Parameters<CommandQuery>,
    Body(body): Body<AttributeChanges>,
) -> Result<StatusCode, Problem> {
    let path = convert::path(&target.path)?;
    if body.is_empty() {
        return Err(ProblemKind::BadRequest
            .problem("The body has no attribute.")
            .remedy(
                "Give at least one of pmin, pmax, gt, lt, st, epmin, epmax, edge, con and hqmax.",
            ));
    }
    let changes = convert::attribute_changes(&body)?;
    send(
        manager
            .device(target.endpoint)
            .write_attributes(path, changes),
        query.timeout,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
