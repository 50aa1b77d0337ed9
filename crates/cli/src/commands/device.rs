//! `dunlin device`.

use dunlin_server::api::{
    DataType, DeviceDetail, DeviceState, ObjectNode, ResourceNode, Timestamp,
};

use super::{list_attributes, show};
use crate::clean::clean;
use crate::client::{Client, Route};
use crate::failure::Failure;
use crate::moment;
use crate::terminal::Output;

/// Shows one device: its registration, its objects with the last known values, its observations
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nothing is sent to the device; `dunlin read` asks it.

Example:
  dunlin device urn:imei:490154203237518")]
pub(crate) struct Arguments {
    /// The endpoint name
    endpoint: String,
    /// Also lists resources that the device need not have and of which no value is known
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(arguments: &Arguments, client: &Client, output: Output) -> Result<(), Failure> {
    let answer = client.get(&Route::device(&arguments.endpoint))?;
    if output.json {
        output.line(answer.json());
        return Ok(());
    }
    let device: DeviceDetail = answer.parse()?;
    let now = Timestamp::now();
    registration(&device, now, output);
    for object in &device.objects {
        output.line("");
        object_table(object, arguments.all, now, output);
    }
    if !device.observations.is_empty() {
        output.line("");
        let mut table = output.table(&["OBSERVED", "ATTRIBUTES", "LAST NOTIFICATION"]);
        for observation in &device.observations {
            let last = observation
                .notified_at
                .map_or_else(|| "none yet".to_owned(), |at| moment::relative(at, now));
            table.add_row([
                observation.path.clone(),
                list_attributes(&observation.attributes),
                last,
            ]);
        }
        output.print(&table);
    }
    Ok(())
}

fn registration(device: &DeviceDetail, now: Timestamp, output: Output) {
    let device = &device.summary;
    let state = match device.state {
        DeviceState::Registered => "registered",
        DeviceState::Asleep => "asleep",
        DeviceState::Offline => "offline",
    };
    let expiry = match (device.state, device.expires_at) {
        (DeviceState::Offline, _) => String::new(),
        (_, Some(at)) => format!(", expires {}", moment::relative(at, now)),
        (_, None) => ", never expires".to_owned(),
    };
    let queue = if device.queue_mode {
        ", queue mode"
    } else {
        ""
    };
    output.line(output.bold(&clean(&device.endpoint)));
    output.line(format!(
        "  {state}, last seen {}, from {}",
        moment::relative(device.last_seen_at, now),
        device.address
    ));
    output.line(format!(
        "  registered {}{expiry}",
        moment::date_and_time(device.registered_at)
    ));
    output.line(format!(
        "  LwM2M {}, binding {}{queue}",
        clean(&device.lwm2m_version),
        clean(&device.binding)
    ));
}

fn object_table(object: &ObjectNode, all: bool, now: Timestamp, output: Output) {
    let name = object
        .name
        .as_deref()
        .unwrap_or("not in the registry of this manager");
    let version = object
        .version
        .as_ref()
        .map(|version| format!(" {}", clean(version)))
        .unwrap_or_default();
    let title = format!("/{} {}{version}", object.id, clean(name));
    output.line(output.bold(&title));
    if object.instances.is_empty() {
        output.line("  no instances");
    }
    let mut hidden = 0_usize;
    let mut table = output.table(&["PATH", "NAME", "OPS", "VALUE", "UNIT", "UPDATED"]);
    for resource in object
        .instances
        .iter()
        .flat_map(|instance| &instance.resources)
    {
        let known = resource.value.is_some() || resource.values.is_some();
        if all || known || resource.mandatory {
            table.add_rows(rows(resource, now));
        } else {
            hidden += 1;
        }
    }
    if !table.is_empty() {
        output.print(&table);
    }
    if hidden > 0 {
        output.line(output.dim(&format!(
            "{hidden} optional resources without a known value; --all lists them"
        )));
    }
}

/// One row for a resource, or for each of its instances.
fn rows(resource: &ResourceNode, now: Timestamp) -> Vec<[String; 6]> {
    let kind = resource.kind.unwrap_or(DataType::String);
    let row = |path: String, value: String| {
        [
            path,
            clean(resource.name.as_deref().unwrap_or_default()),
            resource.operations.clone().unwrap_or_default(),
            value,
            resource.units.clone().unwrap_or_default(),
            resource
                .updated_at
                .map(|at| moment::relative(at, now))
                .unwrap_or_default(),
        ]
    };
    match (&resource.value, &resource.values) {
        (_, Some(values)) => values
            .iter()
            .map(|instance| {
                row(
                    format!("{}/{}", resource.path, instance.id),
                    show(&instance.value, kind),
                )
            })
            .collect(),
        (Some(value), None) => vec![row(resource.path.clone(), show(value, kind))],
        (None, None) => vec![row(resource.path.clone(), String::new())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_multiple_resource_has_a_row_for_each_instance() {
        let resource: ResourceNode = serde_json::from_value(json!({
            "id": 11, "path": "/3/0/11", "name": "Error Code", "operations": "R", "type": "integer", "multiple": true,
            "mandatory": true, "values": [{"id": 0, "value": 1}, {"id": 4, "value": 7}], "updated_at": "2026-11-22T18:00:00Z",
        }))
        .expect("a resource");
        let now = "2026-11-22T18:01:00Z".parse().expect("a time");
        let rows = rows(&resource, now);
        assert_eq!(
            rows[1],
            ["/3/0/11/4", "Error Code", "R", "7", "", "1 min ago"]
        );
        assert_eq!(rows.len(), 2);
    }
}
