//! `dunlin create`.

use dunlin_model::{Level, Path};
use dunlin_server::api::{CreateRequest, Created};
use ureq::http::Method;

use crate::client::{Client, Route};
use crate::dictionary::Dictionary;
use crate::failure::Failure;
use crate::patience::Patience;
use crate::terminal::Output;
use crate::{input, name};

/// Creates an instance of an object
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dunlin create urn:dev:1 temperature                                 The device chooses the instance
  dunlin create urn:dev:1 temperature.1 application_type=Cellar   Instance 1, with a first value")]
pub(crate) struct Arguments {
    /// The endpoint name of the device
    endpoint: String,
    /// The object, such as temperature or /3303, or the instance to create, such as temperature.1
    path: String,
    /// First values, as RESOURCE=VALUE
    values: Vec<String>,
    #[command(flatten)]
    patience: Patience,
}

pub(crate) fn run(arguments: &Arguments, client: &Client, output: Output) -> Result<(), Failure> {
    let dictionary = Dictionary::of(client, &arguments.endpoint);
    let path = name::resolve(&arguments.path, &dictionary)?;
    let (Some(object), Level::Object | Level::Instance) = (path.object_id(), path.level()) else {
        return Err(Failure::usage(format!("{path} is neither an object nor an instance."))
            .remedy("Name an object such as temperature, or the instance to create such as temperature.1."));
    };
    let records = arguments
        .values
        .iter()
        .map(|text| input::record(object, text, &dictionary))
        .collect::<Result<_, _>>()?;
    let request = CreateRequest {
        instance: path.instance_id().map(dunlin_model::InstanceId::get),
        records,
    };
    let route = Route::node(&arguments.endpoint, "resources", Path::object(object))
        .with_timeout(arguments.patience.timeout);
    let answer = client.call(Method::POST, &route, Some(&request))?;
    if output.json {
        output.line(answer.json());
    } else {
        output.line(format!("Created {}.", answer.parse::<Created>()?.path));
    }
    Ok(())
}
