//! The command line.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::client::Client;
use crate::commands::{
    agent, attributes, cancel, create, delete, demo, device, devices, discover, events, execute,
    objects, objgen, observe, read, security, serve, write,
};
use crate::failure::Failure;

/// LwM2M device management: a manager, simulated devices, and commands for both.
#[derive(Debug, Parser)]
#[command(
    name = "dunlin",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  dunlin demo                                        A manager with simulated devices
  dunlin serve                                       A manager for real devices
  dunlin devices                                     Who is registered
  dunlin read urn:dev:1 device.battery_level         Ask a device; names or numbers (/3/0/9)
  dunlin observe urn:dev:1 temperature.sensor_value  See values as they change

`dunlin COMMAND --help` tells more, each with an example."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) api: ApiOptions,
    /// Prints JSON for scripts instead of text
    #[arg(long, global = true, display_order = 900)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How the client commands reach the manager.
#[derive(Debug, Args)]
pub(crate) struct ApiOptions {
    /// The manager's API
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "DUNLIN_API",
        default_value = "http://127.0.0.1:8080",
        hide_env_values = true,
        help_heading = "Options of the client commands"
    )]
    api: String,
    /// The API token, if the manager asks for one; rather give it in the variable
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = "DUNLIN_API_TOKEN",
        // A token may begin with a minus.
        allow_hyphen_values = true,
        hide_env_values = true,
        help_heading = "Options of the client commands"
    )]
    token: Option<String>,
}

impl ApiOptions {
    /// A client for this API.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::new(
            &self.api,
            self.token.clone().filter(|token| !token.is_empty()),
        )
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::Arguments),
    Serve(serve::Arguments),
    Agent(agent::Arguments),
    Devices(devices::Arguments),
    Device(device::Arguments),
    Read(read::Arguments),
    Write(write::Arguments),
    Execute(execute::Arguments),
    Create(create::Arguments),
    Delete(delete::Arguments),
    Discover(discover::Arguments),
    Attributes(attributes::Arguments),
    Observe(observe::Arguments),
    Cancel(cancel::Arguments),
    Events(events::Arguments),
    Objects(objects::Arguments),
    Security(security::Arguments),
    Objgen(objgen::Arguments),
}

/// The commands that have no use for the options of clients.
const NO_CLIENTS: [&str; 4] = ["demo", "serve", "agent", "objgen"];

impl Cli {
    /// The command line, with the options of clients shown only where they do something.
    fn definition() -> clap::Command {
        let mut command = Self::command();
        // Hands the global options down.
        command.build();
        NO_CLIENTS.iter().fold(command, |command, name| {
            command.mut_subcommand(name, |sub| {
                sub.mut_args(|arg| {
                    let hidden = ["api", "token"].contains(&arg.get_id().as_str());
                    if hidden { arg.hide(true) } else { arg }
                })
            })
        })
    }

    /// Reads the command line; clap prints help and usage errors itself.
    pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let matches = Self::definition().try_get_matches_from(arguments)?;
        let cli = Self::from_arg_matches(&matches)?;
        if let Some((name, sub)) = matches.subcommand()
            && NO_CLIENTS.contains(&name)
            && let Some(option) = ["api", "token"]
                .into_iter()
                .find(|option| given(sub, option))
        {
            let hint = match (name, option) {
                ("serve", "token") => {
                    "; the server's own token is DUNLIN_HTTP_TOKEN or http.token of its configuration"
                }
                ("serve" | "demo", _) => "; where it listens is --http and --coap",
                _ => "; the agent's manager is --server",
            };
            let message = format!(
                "--{option} is an option of the client commands, not of `dunlin {name}`{hint}\n"
            );
            return Err(Self::command().error(clap::error::ErrorKind::ArgumentConflict, message));
        }
        Ok(cli)
    }
}

fn given(matches: &ArgMatches, option: &str) -> bool {
    matches.value_source(option) == Some(ValueSource::CommandLine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        Cli::read(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_teaches_with_an_example() {
        for command in Cli::definition().get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            let name = command.get_name();
            assert!(help.contains("Example"), "{name}");
            assert!(help.contains(&format!("dunlin {name}")), "{name}");
            assert_eq!(
                help.contains("--token"),
                !NO_CLIENTS.contains(&name),
                "{name}"
            );
        }
    }

    #[test]
    fn global_options_stand_on_both_sides_of_the_command() {
        assert!(read("dunlin --json devices").is_ok_and(|cli| cli.json));
        assert!(read("dunlin devices --json --api http://127.0.0.1:1").is_ok_and(|cli| cli.json));
    }

    #[test]
    fn options_of_clients_are_refused_where_they_would_do_nothing() {
        for line in [
            "dunlin serve --token 0123456789abcdef",
            "dunlin --api http://127.0.0.1:1 demo",
            "dunlin agent --token x",
        ] {
            let error = read(line).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
