//! `dunlin devices`.

use comfy_table::{Attribute, Cell, Color};
use dunlin_server::api::{DeviceList, DeviceState, DeviceSummary, Timestamp};

use crate::clean::clean;
use crate::client::{Client, Route};
use crate::failure::Failure;
use crate::moment;
use crate::terminal::Output;

/// Lists the devices that the manager knows
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dunlin devices                 All, in the order of their names
  dunlin devices imei            Those with `imei` in their name
  dunlin devices --json          As JSON, for a script")]
pub(crate) struct Arguments {
    /// Only devices whose endpoint name contains this text
    query: Option<String>,
    /// How many to list at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// How many to leave out before the first
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u64,
}

pub(crate) fn run(arguments: &Arguments, client: &Client, output: Output) -> Result<(), Failure> {
    let route = Route::devices()
        .query("q", arguments.query.as_ref())
        .query("limit", Some(arguments.limit))
        .query("offset", (arguments.offset > 0).then_some(arguments.offset));
    let answer = client.get(&route)?;
    if output.json {
        output.line(answer.json());
        return Ok(());
    }
    let list: DeviceList = answer.parse()?;
    if list.devices.is_empty() {
        output.line(match (&arguments.query, arguments.offset) {
            (Some(query), 0) => format!("No device has `{query}` in its name."),
            (_, 0) => {
                "No device has registered yet. `dunlin agent` starts a simulated one.".to_owned()
            }
            _ => format!("There are only {} devices.", list.total),
        });
        return Ok(());
    }
    output.print(&table(&list.devices, Timestamp::now(), output));
    let shown = list.devices.len() as u64;
    if shown < list.total {
        let next = arguments.offset + shown;
        output.line(format!(
            "\n{shown} of {}; more with --offset {next} or --limit N",
            list.total
        ));
    }
    Ok(())
}

fn table(devices: &[DeviceSummary], now: Timestamp, output: Output) -> comfy_table::Table {
    let mut table = output.table(&[
        "ENDPOINT",
        "STATE",
        "LAST SEEN",
        "ADDRESS",
        "LIFETIME>",
        "LWM2M",
    ]);
    for device in devices {
        table.add_row([
            Cell::new(clean(&device.endpoint)),
            state(device.state),
            Cell::new(moment::relative(device.last_seen_at, now)),
            Cell::new(&device.address),
            Cell::new(if device.lifetime_seconds == 0 {
                "unlimited".into()
            } else {
                moment::seconds(device.lifetime_seconds)
            }),
            Cell::new(clean(&device.lwm2m_version)),
        ]);
    }
    table
}

/// The state of a device; the table leaves colours out where they are not wanted.
fn state(state: DeviceState) -> Cell {
    match state {
        DeviceState::Registered => Cell::new("registered").fg(Color::Green),
        DeviceState::Asleep => Cell::new("asleep").fg(Color::Blue),
        DeviceState::Offline => Cell::new("offline").add_attribute(Attribute::Dim),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::trimmed;
    use serde_json::json;

    #[test]
    fn a_row_for_each_device() {
        let device = |endpoint: &str, state: &str, lifetime: u64| {
            serde_json::from_value::<DeviceSummary>(json!({
                "endpoint": endpoint, "state": state, "address": "127.0.0.1:50001", "lwm2m_version": "1.1", "binding": "U",
                "queue_mode": false, "lifetime_seconds": lifetime, "registered_at": "2026-11-22T18:00:00Z",
                "updated_at": "2026-11-22T18:00:00Z", "last_seen_at": "2026-11-22T18:00:00Z", "commands_waiting": 0,
            }))
            .expect("a device")
        };
        let devices = [
            device("urn:dev:1", "registered", 300),
            device("a\u{1b}", "offline", 0),
        ];
        let now = "2026-11-22T18:00:05Z".parse().expect("a time");
        assert_eq!(
            trimmed(&table(&devices, now, Output::plain())),
            "ENDPOINT   STATE       LAST SEEN  ADDRESS           LIFETIME  LWM2M\n\
             urn:dev:1  registered  5 s ago    127.0.0.1:50001      5 min  1.1\n\
             a\u{fffd}         offline     5 s ago    127.0.0.1:50001  unlimited  1.1"
        );
    }
}
