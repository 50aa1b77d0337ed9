//! `dunlin objects`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use dunlin_server::api::{
    ObjectDetail, ObjectList, ObjectSource, ObjectSummary, ObjectsUploaded, ResourceDefinition,
};
use serde_json::{Value, json};
use ureq::http::Method;

use crate::clean::clean;
use crate::client::{Client, Route};
use crate::failure::Failure;
use crate::terminal::{Output, trimmed};

/// Shows what objects the manager knows, and teaches it more
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With the definition of an object its resources have names, types and ranges, here and in the portal.

Examples:
  dunlin objects list                  All that is known
  dunlin objects list temp             What is called so
  dunlin objects show temperature      The resources of an object; also by its number
  dunlin objects upload 3303.xml       A file of the OMA registry: https://github.com/OpenMobileAlliance/lwm2m-registry
  dunlin objects remove 3303 1.1       What was uploaded")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What to do with the registry.
#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the objects that are known, each version by itself
    #[command(after_help = "Example:\n  dunlin objects list temp")]
    List {
        /// Only the object with this number, or objects whose name has this text in it
        text: Option<String>,
    },
    /// Shows the resources of an object
    #[command(after_help = "Example:\n  dunlin objects show temperature")]
    Show {
        /// The number or the name
        object: String,
        /// The version [default: the newest]
        version: Option<String>,
        /// The version that this device has
        #[arg(long, value_name = "ENDPOINT", conflicts_with = "version")]
        device: Option<String>,
    },
    /// Gives the manager definitions; they are known at once, and after a restart
    #[command(after_help = "Example:\n  dunlin objects upload 3303.xml 3304.xml")]
    Upload {
        /// XML files as the OMA registry has them
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Takes an uploaded definition away
    #[command(after_help = "Example:\n  dunlin objects remove 3303 1.1")]
    Remove {
        /// The number
        object: u16,
        /// The version
        version: String,
    },
}

/// How many objects are asked for at once.
const PAGE: usize = 1000;

pub(crate) fn run(arguments: &Arguments, client: &Client, output: Output) -> Result<(), Failure> {
    match &arguments.command {
        Command::List { text } => list(text.as_deref(), client, output),
        Command::Show {
            object,
            version,
            device,
        } => {
            let route = match version {
                Some(version) => Route::object_version(&number(object, client)?, version),
                None => Route::object(object).query("endpoint", device.as_deref()),
            };
            let answer = client.get(&route)?;
            if output.json {
                output.line(answer.json());
            } else {
                show(&answer.parse()?, output);
            }
            Ok(())
        }
        Command::Upload { files } => upload(files, client, output),
        Command::Remove { object, version } => {
            let route = Route::object_version(&object.to_string(), version);
            let answer = client.call(Method::DELETE, &route, None::<&()>)?;
            output.done(
                &answer,
                format!("Removed object {object} {}.", clean(version)),
            );
            Ok(())
        }
    }
}

/// The number of an object that may be named.
fn number(object: &str, client: &Client) -> Result<String, Failure> {
    if object.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(object.to_owned());
    }
    let found: ObjectDetail = client.get(&Route::object(object))?.parse()?;
    Ok(found.summary.id.to_string())
}

fn list(text: Option<&str>, client: &Client, output: Output) -> Result<(), Failure> {
    let mut objects: Vec<ObjectSummary> = Vec::new();
    loop {
        let route = Route::objects()
            .query("q", text)
            .query("limit", Some(PAGE))
            .query("offset", Some(objects.len()));
        let page: ObjectList = client.get(&route)?.parse()?;
        let (total, empty) = (page.total, page.objects.is_empty());
        objects.extend(page.objects);
        if empty || objects.len() as u64 >= total {
            break;
        }
    }
    if output.json {
        output.json(&json!({"objects": objects, "total": objects.len()}));
    } else if objects.is_empty() {
        output.line("No object is called so; `dunlin objects upload` adds definitions.");
    } else {
        output.print(&table(&objects, output));
    }
    Ok(())
}

fn table(objects: &[ObjectSummary], output: Output) -> comfy_table::Table {
    let mut table = output.table(&["ID>", "NAME", "VERSION", "RESOURCES>", "FROM"]);
    for object in objects {
        table.add_row([
            object.id.to_string(),
            clean(&object.name),
            clean(&object.version),
            object.resources.to_string(),
            source(object.source).to_owned(),
        ]);
    }
    table
}

const fn source(source: ObjectSource) -> &'static str {
    match source {
        ObjectSource::BuiltIn => "program",
        ObjectSource::File => "folder",
        ObjectSource::Upload => "upload",
        _ => "",
    }
}

fn show(object: &ObjectDetail, output: Output) {
    let summary = &object.summary;
    let title = format!(
        "/{} {} {}",
        summary.id,
        clean(&summary.name),
        clean(&summary.version)
    );
    output.line(output.bold(&title));
    if let Some(first) = object
        .description
        .as_deref()
        .and_then(|text| text.lines().find(|line| !line.is_empty()))
    {
        output.line(format!("  {}", clean(first)));
    }
    output.line(trimmed(&resources(&object.definitions, output)));
}

fn resources(definitions: &[ResourceDefinition], output: Output) -> comfy_table::Table {
    let mut table = output.table(&["ID>", "NAME", "OPS", "TYPE", "RANGE", "UNIT"]);
    for resource in definitions {
        let mut kind = match resource.kind.name() {
            "none" => String::new(),
            name => name.to_owned(),
        };
        if resource.multiple {
            kind.push_str("[]");
        }
        table.add_row([
            resource.id.to_string(),
            clean(&resource.name),
            clean(&resource.operations),
            kind,
            clean(resource.range.as_deref().unwrap_or_default()),
            clean(resource.units.as_deref().unwrap_or_default()),
        ]);
    }
    table
}

/// Uploads files one by one; the first that is refused ends it.
fn upload(files: &[PathBuf], client: &Client, output: Output) -> Result<(), Failure> {
    let mut all: Vec<Value> = Vec::new();
    for file in files {
        let xml = fs::read(file)
            .map_err(|error| Failure::new(format!("Cannot read {}: {error}.", file.display())))?;
        let route = Route::objects().query("name", Some(name_of(file)));
        let answer = client.send_xml(&route, xml)?;
        let uploaded: ObjectsUploaded = answer.parse()?;
        for object in uploaded.objects {
            if output.json {
                all.push(json!(object));
            } else {
                output.line(format!(
                    "Uploaded object {} {}, {}.",
                    object.id,
                    clean(&object.version),
                    clean(&object.name)
                ));
            }
        }
    }
    if output.json {
        output.json(&json!({"objects": all}));
    }
    Ok(())
}

fn name_of(file: &Path) -> String {
    file.file_name()
        .unwrap_or(file.as_os_str())
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_a_table() {
        let definitions: Vec<ResourceDefinition> = serde_json::from_value(json!([
            {"id": 1, "name": "Power", "operations": "RW", "type": "integer", "multiple": false, "mandatory": true,
             "units": "W", "range": "0..3000"},
            {"id": 20, "name": "Reset", "operations": "E", "type": "none", "multiple": false, "mandatory": false},
            {"id": 21, "name": "Errors", "operations": "R", "type": "string", "multiple": true, "mandatory": false},
        ]))
        .expect("definitions");
        assert_eq!(
            trimmed(&resources(&definitions, Output::plain())),
            "ID  NAME    OPS  TYPE      RANGE    UNIT\n\
             \u{20}1  Power   RW   integer   0..3000  W\n\
             20  Reset   E\n\
             21  Errors  R    string[]"
        );
    }
}
