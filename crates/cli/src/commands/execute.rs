//! `dunlin execute`.

use dunlin_server::api::ExecuteRequest;
use ureq::http::Method;

use crate::client::{Client, Route};
use crate::dictionary::Dictionary;
use crate::failure::Failure;
use crate::name;
use crate::patience::Patience;
use crate::terminal::Output;

/// Executes a resource: reboots a device, resets a counter
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dunlin execute urn:dev:1 device.reboot
  dunlin execute urn:dev:1 temperature.reset_min_and_max_measured_values
  dunlin execute urn:dev:1 /10/0/4 \"0,2='10.3'\"           With arguments")]
pub(crate) struct Arguments {
    /// The endpoint name of the device
    endpoint: String,
    /// What to execute: /3/0/4, or device.reboot
    path: String,
    /// Arguments in the form of LwM2M: digits, each with a value in single quotes if it has one
    #[arg(value_name = "ARGUMENTS")]
    given: Option<String>,
    #[command(flatten)]
    patience: Patience,
}

pub(crate) fn run(arguments: &Arguments, client: &Client, output: Output) -> Result<(), Failure> {
    let dictionary = Dictionary::of(client, &arguments.endpoint);
    let path = name::resolve(&arguments.path, &dictionary)?;
    let route =
        Route::node(&arguments.endpoint, "execute", path).with_timeout(arguments.patience.timeout);
    let answer = client.call(
        Method::POST,
        &route,
        Some(&ExecuteRequest {
            arguments: arguments.given.clone(),
        }),
    )?;
    let name = dictionary
        .label(path)
        .map(|name| format!(" ({name})"))
        .unwrap_or_default();
    output.done(&answer, format!("Executed {path}{name}."));
    Ok(())
}
