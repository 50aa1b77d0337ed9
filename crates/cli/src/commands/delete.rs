//! `dunlin delete`.

use ureq::http::Method;

use crate::client::{Client, Route};
use crate::dictionary::Dictionary;
use crate::failure::Failure;
use crate::name;
use crate::patience::Patience;
use crate::terminal::Output;

/// Deletes an instance of an object
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  dunlin delete urn:dev:1 temperature.1")]
pub(crate) struct Arguments {
    /// The endpoint name of the device
    endpoint: String,
    /// The instance: temperature.1, or /3303/1
    path: String,
    #[command(flatten)]
    patience: Patience,
}

pub(crate) fn run(arguments: &Arguments, client: &Client, output: Output) -> Result<(), Failure> {
    let dictionary = Dictionary::of(client, &arguments.endpoint);
    let path = name::resolve(&arguments.path, &dictionary)?;
    let route = Route::node(&arguments.endpoint, "resources", path)
        .with_timeout(arguments.patience.timeout);
    let answer = client.call(Method::DELETE, &route, None::<&()>)?;
    output.done(&answer, format!("Deleted {path}."));
    Ok(())
}
