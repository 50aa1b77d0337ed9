//! `dunlin write`.

use clap::ValueEnum;
use dunlin_model::Level;
use dunlin_server::api::{DataType, WriteRequest};
use ureq::http::Method;

use crate::client::{Client, Route};
use crate::dictionary::Dictionary;
use crate::failure::Failure;
use crate::patience::Patience;
use crate::terminal::Output;
use crate::{input, name};

/// Writes a resource, or several of an instance
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The type of the value is the registry's; beyond the registry it is guessed from the text, or given with --type. Times may be \
`now` or 2026-11-22T18:00:00Z, bytes base64, hex:01af or @FILE, and links to objects 3:0.

Examples:
  dunlin write urn:dev:1 server.lifetime 300
  dunlin write urn:dev:1 device.timezone Europe/Lisbon
  dunlin write urn:dev:1 server.0 --partial default_minimum_period=1 default_maximum_period=60")]
pub(crate) struct Arguments {
    /// The endpoint name of the device
    endpoint: String,
    /// What to write: /1/0/1, or server.lifetime; an instance such as server.0 takes RESOURCE=VALUE
    path: String,
    /// The value, or for an instance one or more RESOURCE=VALUE
    #[arg(required = true, allow_negative_numbers = true)]
    value: Vec<String>,
    /// Leaves what is not given as it is, instead of removing it
    #[arg(long)]
    partial: bool,
    /// The type of the value, if the registry does not know the resource
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: Option<Kind>,
    #[command(flatten)]
    patience: Patience,
}

/// The types that a value may have.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    String,
    Integer,
    Unsigned,
    Float,
    Boolean,
    Opaque,
    Time,
    Objlnk,
    Corelnk,
}

impl From<Kind> for DataType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::String => Self::String,
            Kind::Integer => Self::Integer,
            Kind::Unsigned => Self::Unsigned,
            Kind::Float => Self::Float,
            Kind::Boolean => Self::Boolean,
            Kind::Opaque => Self::Opaque,
            Kind::Time => Self::Time,
            Kind::Objlnk => Self::Objlnk,
            Kind::Corelnk => Self::Corelnk,
        }
    }
}

pub(crate) fn run(arguments: &Arguments, client: &Client, output: Output) -> Result<(), Failure> {
    let dictionary = Dictionary::of(client, &arguments.endpoint);
    let path = name::resolve(&arguments.path, &dictionary)?;
    let request = request(
        path,
        &arguments.value,
        arguments.kind.map(DataType::from),
        &dictionary,
    )?;
    let route = Route::node(&arguments.endpoint, "resources", path)
        .with_timeout(arguments.patience.timeout);
    let method = if arguments.partial {
        Method::PATCH
    } else {
        Method::PUT
    };
    let answer = client.call(method, &route, Some(&request))?;
    let name = dictionary
        .label(path)
        .map(|name| format!(" ({name})"))
        .unwrap_or_default();
    output.done(
        &answer,
        format!("Wrote {path}{name}: {}.", arguments.value.join(", ")),
    );
    Ok(())
}

/// What to send for the values of the command line.
fn request(
    path: dunlin_model::Path,
    values: &[String],
    kind: Option<DataType>,
    dictionary: &Dictionary<'_>,
) -> Result<WriteRequest, Failure> {
    match (path.level(), path.object_id(), values) {
        (Level::Instance, Some(object), values) => Ok(WriteRequest {
            records: Some(values.iter().map(|text| input::record(object, text, dictionary)).collect::<Result<_, _>>()?),
            ..WriteRequest::default()
        }),
        (Level::Resource | Level::ResourceInstance, _, [value]) => {
            let (value, kind) = input::value_for(path, value, kind, dictionary)?;
            Ok(WriteRequest { value: Some(value), kind, ..WriteRequest::default() })
        }
        (Level::Resource | Level::ResourceInstance, ..) => Err(Failure::usage(format!("{path} takes one value."))
            .remedy("Put a value with blanks in quotes; write several resources with the path of their instance.")),
        _ => Err(Failure::usage(format!("{path} cannot be written as a whole.")).remedy(
            "Name a resource such as server.lifetime, or an instance such as server.0 with RESOURCE=VALUE.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(path: &str, values: &[&str]) -> Result<serde_json::Value, Failure> {
        let dictionary = Dictionary::built_in();
        let values: Vec<_> = values.iter().map(|value| (*value).to_owned()).collect();
        let request = super::request(
            name::resolve(path, &dictionary)?,
            &values,
            None,
            &dictionary,
        )?;
        Ok(serde_json::to_value(request).expect("JSON"))
    }

    #[test]
    fn the_body_follows_the_path() {
        assert_eq!(
            request("server.lifetime", &["300"]),
            Ok(json!({"value": 300}))
        );
        assert_eq!(
            request("/9999/0/1", &["on"]),
            Ok(json!({"value": "on", "type": "string"}))
        );
        assert_eq!(
            request("server.0", &["lifetime=300", "3=60"]),
            Ok(json!({"records": [{"path": "1", "value": 300}, {"path": "3", "value": 60}]}))
        );
        assert!(request("server.lifetime", &["300", "400"]).is_err());
        assert!(request("server", &["lifetime=300"]).is_err());
        assert!(request("/", &["1"]).is_err());
    }
}
