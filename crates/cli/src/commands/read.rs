//! `dunlin read`.

use clap::ValueEnum;
use dunlin_server::api::ReadResponse;

use super::{describe, show};
use crate::clean::clean;
use crate::client::{Client, Route};
use crate::dictionary::Dictionary;
use crate::failure::Failure;
use crate::name;
use crate::patience::Patience;
use crate::terminal::Output;

/// Reads a resource, an instance or an object of a device
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dunlin read urn:dev:1 device.battery_level         One resource, by its name
  dunlin read urn:dev:1 /3/0/9                       The same by its numbers
  dunlin read urn:dev:1 device                       All of the object Device
  dunlin read urn:dev:1 temperature.1.sensor_value   Of the object's second instance")]
pub(crate) struct Arguments {
    /// The endpoint name of the device
    endpoint: String,
    /// What to read: /3/0/9, or `device.battery_level`
    path: String,
    /// The format to ask for [default: the one that suits the device]
    #[arg(long, value_enum)]
    format: Option<Format>,
    #[command(flatten)]
    patience: Patience,
}

/// The formats that a read may ask for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Plain text, one resource only
    Text,
    /// Bytes, one opaque resource only
    Opaque,
    /// OMA TLV
    Tlv,
    /// SenML CBOR
    SenmlCbor,
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Opaque => "opaque",
            Self::Tlv => "tlv",
            Self::SenmlCbor => "senml-cbor",
        }
    }
}

pub(crate) fn run(arguments: &Arguments, client: &Client, output: Output) -> Result<(), Failure> {
    let dictionary = Dictionary::of(client, &arguments.endpoint);
    let path = name::resolve(&arguments.path, &dictionary)?;
    let route = Route::node(&arguments.endpoint, "resources", path)
        .query("format", arguments.format.map(Format::name))
        .with_timeout(arguments.patience.timeout);
    let answer = client.get(&route)?;
    if output.json {
        output.line(answer.json());
        return Ok(());
    }
    let read: ReadResponse = answer.parse()?;
    output.line(text(&read, &dictionary, output));
    Ok(())
}

/// A single value alone, so that it can be used in a script; otherwise a table.
fn text(read: &ReadResponse, dictionary: &Dictionary<'_>, output: Output) -> String {
    match read.records.as_slice() {
        [] => format!("{} is there and empty.", clean(&read.path)),
        [record] if record.path == read.path => {
            let (_, unit) = describe(record, &read.records, dictionary);
            let unit = if unit.is_empty() {
                String::new()
            } else {
                output.dim(&format!(" {unit}"))
            };
            format!("{}{unit}", show(&record.value, record.kind))
        }
        records => {
            let mut table = output.table(&["PATH", "NAME", "VALUE", "UNIT"]);
            for record in records {
                let (name, unit) = describe(record, records, dictionary);
                table.add_row([
                    clean(&record.path),
                    clean(&name),
                    show(&record.value, record.kind),
                    unit,
                ]);
            }
            crate::terminal::trimmed(&table)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(path: &str, records: serde_json::Value) -> String {
        let read = json!({"path": path, "records": records, "read_at": "2026-11-22T18:00:00Z"});
        text(
            &serde_json::from_value(read).expect("an answer"),
            &Dictionary::built_in(),
            Output::plain(),
        )
    }

    #[test]
    fn one_value_stands_alone_and_several_in_a_table() {
        let value = json!([{"path": "/3/0/9", "type": "integer", "value": 87}]);
        assert_eq!(read("/3/0/9", value), "87 /100");
        let values = json!([
            {"path": "/3/0/9", "type": "integer", "value": 87},
            {"path": "/3/0/11/0", "type": "integer", "value": 0},
        ]);
        assert_eq!(
            read("/3/0", values),
            "PATH       NAME           VALUE  UNIT\n\
             /3/0/9     Battery Level  87     /100\n\
             /3/0/11/0  Error Code     0"
        );
        assert_eq!(read("/5", json!([])), "/5 is there and empty.");
    }
}
