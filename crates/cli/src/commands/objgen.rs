//! `dunlin objgen`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dunlin_manager::Registry;

use crate::failure::Failure;
use crate::generate;
use crate::terminal::Output;

/// Writes Rust for a device's firmware from object definitions of the OMA registry
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each object becomes a struct with #[derive(Object)] of dunlin-agent, with the registry's words as documentation. Texts, \
bytes and multiple resources get room as the definition allows, or some: change what your device needs otherwise.

Examples:
  dunlin objgen 3303.xml
  dunlin objgen 3303.xml --output src/temperature.rs
  dunlin objgen objects/*.xml --output src/objects")]
pub(crate) struct Arguments {
    /// Definitions as the registry has them: XML with `LWM2M` outermost
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The file to write, or a folder that is there for one file each [default: print]
    #[arg(long, short, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let mut objects = Vec::new();
    for file in &arguments.files {
        let loaded = Registry::default().load_file(file).map_err(|error| {
            Failure::new(format!("{error}.")).remedy(
                "Give XML files of the OMA registry: https://github.com/OpenMobileAlliance/lwm2m-registry",
            )
        })?;
        objects.extend(loaded);
    }
    let mut written = BTreeSet::new();
    match arguments.output.as_deref() {
        Some(folder) if folder.is_dir() => {
            for object in &objects {
                let mut name = generate::file_name(object);
                if !written.insert(name.clone()) {
                    let definition = &object.definition;
                    let version = definition.version;
                    name = format!(
                        "{name}_{}_{}_{}",
                        definition.id, version.major, version.minor
                    );
                    written.insert(name.clone());
                }
                write(&folder.join(format!("{name}.rs")), &generate::file(object))?;
            }
        }
        Some(file) => {
            let text: Vec<_> = objects
                .iter()
                .map(|object| generate::file(object))
                .collect();
            if text.len() > 1 {
                return Err(
                    Failure::usage("Several objects do not go into one file.").remedy(format!(
                        "Make the folder {} first, or give one definition.",
                        file.display()
                    )),
                );
            }
            write(file, &text.concat())?;
        }
        None => {
            for object in &objects {
                output.line(generate::file(object).trim_end());
            }
        }
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text)
        .map_err(|error| Failure::new(format!("Cannot write {}: {error}.", file.display())))
}
