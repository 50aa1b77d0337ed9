//! `dunlin cancel`.

use ureq::http::Method;

use crate::client::{Client, Route};
use crate::dictionary::Dictionary;
use crate::failure::Failure;
use crate::name;
use crate::patience::Patience;
use crate::terminal::Output;

/// Ends an observation
#[derive(Debug, clap::Args)]
#[command(after_help = "\
`dunlin device ENDPOINT` lists the observations of a device.

Example:
  dunlin cancel urn:dev:1 temperature.sensor_value")]
pub(crate) struct Arguments {
    /// The endpoint name of the device
    endpoint: String,
    /// What is observed: `temperature.sensor_value`, or /3303/0/5700
    path: String,
    #[command(flatten)]
    patience: Patience,
}

pub(crate) fn run(arguments: &Arguments, client: &Client, output: Output) -> Result<(), Failure> {
    let dictionary = Dictionary::of(client, &arguments.endpoint);
    let path = name::resolve(&arguments.path, &dictionary)?;
    let route = Route::node(&arguments.endpoint, "observations", path)
        .with_timeout(arguments.patience.timeout);
    let answer = client.call(Method::DELETE, &route, None::<&()>)?;
    output.done(&answer, format!("The observation of {path} has ended."));
    Ok(())
}
