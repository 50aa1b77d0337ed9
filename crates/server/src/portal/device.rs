//! The page of one device.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::{Frame, encoded, failed, render, text};
use crate::api::{
    DataType, DeviceDetail, DeviceSummary, InstanceNode, Observation, ObservationState, Problem,
    ResourceNode,
};
use crate::extract::Segments;
use crate::routes::device::describe;
use crate::state::Shared;

#[derive(Template)]
#[template(path = "device.html")]
struct DevicePage {
    frame: Frame,
    device: DeviceSummary,
    api: String,
    objects: Vec<Object>,
    observations: Vec<Observation>,
}

struct Object {
    path: String,
    name: String,
    version: Option<String>,
    multiple: bool,
    observed: bool,
    /// Whether its resources are shown at first: not those of the objects about servers and rights.
    open: bool,
    instances: Vec<Instance>,
}

struct Instance {
    id: u16,
    path: String,
    observed: bool,
    /// How many resources are hidden at first.
    hidden: usize,
    resources: Vec<Resource>,
}

impl Instance {
    fn new(path: String, node: InstanceNode, observations: &[Observation]) -> Self {
        let mut resources: Vec<_> = node
            .resources
            .into_iter()
            .map(|resource| Resource::new(resource, observations))
            .collect();
        // Where values are known, a resource without one is probably not on the device.
        let any_known = resources.iter().any(Resource::is_known);
        for resource in &mut resources {
            resource.minor = any_known
                && !resource.is_known()
                && !resource.node.mandatory
                && resource.node.operations.is_some()
                && resource.can_read();
        }
        Self {
            id: node.id,
            observed: is_observed(observations, &path),
            hidden: resources.iter().filter(|resource| resource.minor).count(),
            resources,
            path,
        }
    }
}

struct Resource {
    node: ResourceNode,
    name: String,
    value: String,
    /// Values of a resource with instances: id and text.
    values: Vec<(u16, String)>,
    observed: bool,
    /// Whether it is hidden at first.
    minor: bool,
}

impl Resource {
    fn new(node: ResourceNode, observations: &[Observation]) -> Self {
        let kind = node.kind;
        Self {
            name: node
                .name
                .clone()
                .unwrap_or_else(|| format!("Resource {}", node.id)),
            value: node
                .value
                .as_ref()
                .map(|value| text::value(value, kind))
                .unwrap_or_default(),
            values: node
                .values
                .iter()
                .flatten()
                .map(|instance| (instance.id, text::value(&instance.value, kind)))
                .collect(),
            observed: is_observed(observations, &node.path),
            minor: false,
            node,
        }
    }

    /// Whether the operations have this letter; where they are not known, everything may be tried.
    fn allows(&self, letter: char) -> bool {
        self.node
            .operations
            .as_ref()
            .is_none_or(|operations| operations.contains(letter))
    }

    fn can_read(&self) -> bool {
        self.allows('R')
    }

    /// Writing instances of a resource one by one is not on this page.
    fn can_write(&self) -> bool {
        self.allows('W') && !self.node.multiple
    }

    fn can_execute(&self) -> bool {
        self.allows('E')
    }

    fn is_known(&self) -> bool {
        self.node.updated_at.is_some()
    }

    fn kind(&self) -> &'static str {
        self.node.kind.map_or("", DataType::name)
    }
}

impl DevicePage {
    fn new(frame: Frame, detail: DeviceDetail) -> Self {
        let observations = detail.observations;
        let objects = detail
            .objects
            .into_iter()
            .map(|object| {
                let path = format!("/{}", object.id);
                let instances = object
                    .instances
                    .into_iter()
                    .map(|instance| {
                        let path = format!("{path}/{}", instance.id);
                        Instance::new(path, instance, &observations)
                    })
                    .collect();
                Object {
                    name: object
                        .name
                        .unwrap_or_else(|| format!("Object {}", object.id)),
                    version: object.version,
                    multiple: object.multiple,
                    open: object.id >= 3,
                    observed: is_observed(&observations, &path),
                    instances,
                    path,
                }
            })
            .collect();
        Self {
            frame,
            api: format!("/api/v1/devices/{}", encoded(&detail.summary.endpoint)),
            device: detail.summary,
            objects,
            observations,
        }
    }

    fn lifetime(&self) -> String {
        match self.device.lifetime_seconds {
            0 => "unlimited".into(),
            seconds => text::duration(seconds),
        }
    }
}

fn is_observed(observations: &[Observation], path: &str) -> bool {
    observations
        .iter()
        .any(|observation| observation.path == path)
}

fn is_pending(observation: &Observation) -> bool {
    observation.state == ObservationState::Pending
}

/// The page of a device
#[utoipa::path(
    get,
    path = "/devices/{endpoint}",
    operation_id = "page_device",
    tag = "portal",
    params(("endpoint" = String, Path, description = "The endpoint name, percent-encoded", example = "urn:imei:490154203237518")),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 303, description = "To `/login`: there is no session"),
        (status = 404, description = "A page that says so: no such device", body = String, content_type = "text/html"),
    )
)]
pub(crate) async fn page(
    State(shared): State<Shared>,
    endpoint: Result<Segments<String>, Problem>,
) -> Response {
    let frame = Frame::of(&shared);
    let endpoint = match endpoint {
        Ok(Segments(endpoint)) => endpoint,
        Err(problem) => return failed(frame, &problem),
    };
    match describe(&shared.manager, endpoint).await {
        Ok(detail) => render(&DevicePage::new(frame, detail)),
        Err(problem) => failed(frame, &problem),
    }
}
