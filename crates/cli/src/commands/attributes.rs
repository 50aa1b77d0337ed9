//! `dunlin attributes`.

use ureq::http::Method;

use super::{list_attributes, notification_attributes};
use crate::client::{Client, Route};
use crate::dictionary::Dictionary;
use crate::failure::Failure;
use crate::name;
use crate::patience::Patience;
use crate::terminal::Output;

/// Attaches notification attributes to a node: when the device tells of a change
#[derive(Debug, clap::Args)]
#[command(after_help = "\
pmin and pmax are the shortest and the longest time between two notifications in seconds, gt and lt limits whose crossing \
is told, st the smallest step that is. What is not given stays as it is. `dunlin discover` shows what is attached.

Examples:
  dunlin attributes urn:dev:1 temperature.sensor_value pmin=10 pmax=300
  dunlin attributes urn:dev:1 temperature.sensor_value gt=30 lt=5 st=0.5")]
pub(crate) struct Arguments {
    /// The endpoint name of the device
    endpoint: String,
    /// Where to attach them: `temperature.sensor_value`, or /3303/0/5700
    path: String,
    /// The attributes: pmin=SECONDS pmax=SECONDS gt=NUMBER lt=NUMBER st=NUMBER, epmin, epmax, edge, con, hqmax
    #[arg(required = true)]
    attributes: Vec<String>,
    #[command(flatten)]
    patience: Patience,
}

pub(crate) fn run(arguments: &Arguments, client: &Client, output: Output) -> Result<(), Failure> {
    let dictionary = Dictionary::of(client, &arguments.endpoint);
    let path = name::resolve(&arguments.path, &dictionary)?;
    let attributes = notification_attributes(arguments.attributes.iter().map(String::as_str))?;
    let route = Route::node(&arguments.endpoint, "attributes", path)
        .with_timeout(arguments.patience.timeout);
    let answer = client.call(Method::PUT, &route, Some(&attributes))?;
    output.done(
        &answer,
        format!("Attached {} to {path}.", list_attributes(&attributes)),
    );
    Ok(())
}
