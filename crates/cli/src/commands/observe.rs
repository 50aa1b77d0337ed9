//! `dunlin observe`.

use dunlin_model::Path;
use dunlin_server::api::{
    EventKind, NotificationAttributes, ObservationList, ObservationStarted, Record, Timestamp,
};
use ureq::http::Method;

use super::{describe, show};
use crate::clean::clean;
use crate::client::{Client, Route};
use crate::dictionary::Dictionary;
use crate::failure::Failure;
use crate::patience::Patience;
use crate::stream::Watch;
use crate::terminal::Output;
use crate::{moment, name};

/// Shows values as they change, until Ctrl-C
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The device sends the values by itself. An observation that this command has started ends with it, unless --keep is given; \
one that was there before stays.

Examples:
  dunlin observe urn:dev:1 temperature.sensor_value
  dunlin observe urn:dev:1 temperature.sensor_value --pmin 10 --pmax 300
  dunlin observe urn:dev:1 /3303/0/5700 --count 5 --json")]
pub(crate) struct Arguments {
    /// The endpoint name of the device
    endpoint: String,
    /// What to observe: `temperature.sensor_value`, or /3303/0/5700
    path: String,
    /// At least so many seconds between two notifications
    #[arg(long, value_name = "SECONDS")]
    pmin: Option<u32>,
    /// At most so many seconds between two notifications
    #[arg(long, value_name = "SECONDS")]
    pmax: Option<u32>,
    /// Tell when the value crosses this upper limit
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    gt: Option<f64>,
    /// Tell when the value crosses this lower limit
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    lt: Option<f64>,
    /// Tell when the value changes by at least this much
    #[arg(long, value_name = "NUMBER")]
    st: Option<f64>,
    /// Ends after so many lots of values, the first included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Leaves the observation running at the end
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    patience: Patience,
}

pub(crate) fn run(arguments: &Arguments, client: &Client, output: Output) -> Result<(), Failure> {
    let dictionary = Dictionary::of(client, &arguments.endpoint);
    let path = name::resolve(&arguments.path, &dictionary)?;
    let attributes = NotificationAttributes {
        pmin: arguments.pmin,
        pmax: arguments.pmax,
        gt: arguments.gt,
        lt: arguments.lt,
        st: arguments.st,
        ..NotificationAttributes::default()
    };
    let observed = client
        .get(&Route::observations(&arguments.endpoint))?
        .parse::<ObservationList>()?;
    let ours = !observed
        .observations
        .iter()
        .any(|observation| observation.path == path.to_string());
    // Listening comes before asking, so that no value falls between the two.
    let events = client.events(Some(&arguments.endpoint))?;
    let route = Route::node(&arguments.endpoint, "observations", path)
        .with_timeout(arguments.patience.timeout);
    let started = client
        .call(Method::PUT, &route, Some(&attributes))?
        .parse::<ObservationStarted>()?;
    // From here on Ctrl-C ends the observation too; before, it ends the wait for a device that does not answer.
    let watch = Watch::new(events)?;
    if !output.json {
        let label = dictionary
            .label(path)
            .map(|label| format!(" ({label})"))
            .unwrap_or_default();
        eprintln!(
            "Observing {path}{label} of {}; Ctrl-C ends.",
            clean(&arguments.endpoint)
        );
    }
    let mut left = arguments.count;
    let mut enough = || {
        left = left.map(|left| left.saturating_sub(1));
        left == Some(0)
    };
    let show = |at, records: &[Record]| print(path, at, records, &dictionary, output);
    show(Timestamp::now(), &started.records);
    let ended = if enough() {
        Ok(())
    } else {
        watch.each(|received| {
            let event = &received.event;
            let mine = event.path.as_deref() == Some(started.observation.path.as_str());
            match event.kind {
                EventKind::Notification if mine => {
                    show(event.at, &event.records);
                    Ok(!enough())
                }
                EventKind::ObservationEnded if mine => Err(Failure::new(format!(
                    "The observation has ended: {}.",
                    clean(
                        event
                            .reason
                            .as_deref()
                            .unwrap_or("the manager does not say why")
                    )
                ))),
                EventKind::Deregistered | EventKind::Expired => {
                    Err(Failure::new("The device has left the manager.")
                        .remedy("`dunlin events` shows when it comes back."))
                }
                EventKind::Missed => {
                    eprintln!(
                        "{} events were missed: this command is too slow.",
                        event.count.unwrap_or_default()
                    );
                    Ok(true)
                }
                _ => Ok(true),
            }
        })
    };
    if ours && !arguments.keep && ended.is_ok() {
        client.call(Method::DELETE, &route, None::<&()>)?;
    }
    ended
}

/// Writes the values: alone if it is the observed resource itself, with their paths otherwise.
fn print(
    path: Path,
    at: Timestamp,
    records: &[Record],
    dictionary: &Dictionary<'_>,
    output: Output,
) {
    if output.json {
        output.json(&serde_json::json!({ "path": path.to_string(), "at": at, "records": records }));
        return;
    }
    let time = output.dim(&moment::time_of_day(at));
    for record in records {
        output.line(format!(
            "{time}  {}",
            text(path, record, records, dictionary, output)
        ));
    }
}

fn text(
    path: Path,
    record: &Record,
    all: &[Record],
    dictionary: &Dictionary<'_>,
    output: Output,
) -> String {
    let (name, unit) = describe(record, all, dictionary);
    let value = show(&record.value, record.kind);
    let value = if unit.is_empty() {
        value
    } else {
        format!("{value} {}", output.dim(&unit))
    };
    if record.path == path.to_string() {
        value
    } else {
        format!("{}  {}  {value}", clean(&record.path), clean(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_what_the_caller_did_not() {
        let records: Vec<Record> = serde_json::from_value(serde_json::json!([
            {"path": "/3303/0/5700", "type": "float", "value": 21.5},
            {"path": "/3303/0/5701", "type": "string", "value": "Cel"},
        ]))
        .expect("records");
        let line = |path: &str, all: &[Record]| {
            let path = path.parse::<Path>().expect("a path");
            text(
                path,
                &records[0],
                all,
                &Dictionary::built_in(),
                Output::plain(),
            )
        };
        assert_eq!(line("/3303/0/5700", &records[..1]), "21.5");
        assert_eq!(
            line("/3303/0", &records),
            "/3303/0/5700  Sensor Value  21.5 Cel"
        );
    }
}
