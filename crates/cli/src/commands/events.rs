//! `dunlin events`.

use dunlin_server::api::{Event, EventKind};

use super::{describe, show};
use crate::clean::clean;
use crate::client::{Client, Received};
use crate::dictionary::Dictionary;
use crate::failure::Failure;
use crate::moment;
use crate::stream::Watch;
use crate::terminal::Output;

/// Shows what happens at the devices as it happens, until Ctrl-C
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dunlin events                        Of all devices
  dunlin events --endpoint urn:dev:1   Of one device
  dunlin events --json --count 10      Ten events, one JSON object a line")]
pub(crate) struct Arguments {
    /// Only events of this device
    #[arg(long, value_name = "NAME")]
    endpoint: Option<String>,
    /// Ends after so many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

pub(crate) fn run(arguments: &Arguments, client: &Client, output: Output) -> Result<(), Failure> {
    let dictionary = Dictionary::newest(client);
    let watch = Watch::new(client.events(arguments.endpoint.as_deref())?)?;
    if !output.json {
        eprintln!(
            "Waiting for events of the manager at {}; Ctrl-C ends.",
            client.url()
        );
    }
    let mut left = arguments.count;
    watch.each(|received| {
        print(&received, &dictionary, output);
        left = left.map(|left| left.saturating_sub(1));
        Ok(left != Some(0))
    })
}

/// Writes an event on one line.
fn print(received: &Received, dictionary: &Dictionary<'_>, output: Output) {
    if output.json {
        output.line(&received.json);
    } else {
        output.line(line(&received.event, dictionary, output));
    }
}

/// An event on one line: time, device, what happened.
fn line(event: &Event, dictionary: &Dictionary<'_>, output: Output) -> String {
    let time = output.dim(&moment::time_of_day(event.at));
    let endpoint = clean(event.endpoint.as_deref().unwrap_or("manager"));
    let what = match event.kind {
        EventKind::Registered => output.good("registered"),
        EventKind::Notification => {
            let values: Vec<_> = event
                .records
                .iter()
                .map(|record| {
                    let (_, unit) = describe(record, &event.records, dictionary);
                    let value = show(&record.value, record.kind);
                    format!("{} = {value} {}", clean(&record.path), output.dim(&unit))
                        .trim_end()
                        .to_owned()
                })
                .collect();
            return format!("{time}  {endpoint}  {}", values.join(", "));
        }
        kind => kind.name().replace('_', " "),
    };
    let mut line = format!("{time}  {endpoint}  {what}");
    if let Some(path) = &event.path {
        line = format!("{line} {}", clean(path));
    }
    if let Some(count) = event.count {
        line = format!("{line} {count}");
    }
    if let Some(reason) = &event.reason {
        line = format!("{line}: {}", clean(reason));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_is_one_line() {
        let line = |event| {
            let event: Event = serde_json::from_value(event).expect("an event");
            line(&event, &Dictionary::built_in(), Output::plain())
                .split_once("  ")
                .expect("a time")
                .1
                .to_owned()
        };
        let at = "2026-11-22T18:00:00Z";
        assert_eq!(
            line(json!({"type": "registered", "endpoint": "a", "at": at})),
            "a  registered"
        );
        assert_eq!(
            line(
                json!({"type": "notification", "endpoint": "a", "at": at, "path": "/3/0/9",
                        "records": [{"path": "/3/0/9", "type": "integer", "value": 87}]})
            ),
            "a  /3/0/9 = 87 /100"
        );
        assert_eq!(
            line(
                json!({"type": "observation_ended", "endpoint": "a", "at": at, "path": "/3", "reason": "cancelled"})
            ),
            "a  observation ended /3: cancelled"
        );
        assert_eq!(
            line(json!({"type": "missed", "at": at, "count": 7})),
            "manager  missed 7"
        );
    }
}
