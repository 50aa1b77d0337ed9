//! The `dunlin` program: a manager (`serve`), simulated devices (`agent`), both together to look around (`demo`), and
//! commands that speak to a manager's HTTP API.

mod arguments;
mod clean;
mod client;
mod commands;
mod dictionary;
mod failure;
mod generate;
mod host;
mod identity;
mod input;
mod logging;
mod moment;
mod name;
mod patience;
mod simulation;
mod stop;
mod stream;
mod terminal;
mod token;

use std::process::ExitCode;

use crate::arguments::{Cli, Command};
use crate::commands::{
    agent, attributes, cancel, create, delete, demo, device, devices, discover, events, execute,
    objects, objgen, observe, read, security, serve, write,
};
use crate::failure::Failure;
use crate::terminal::Output;

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and the version are "errors" for clap too, with the status 0.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let json = cli.json;
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::report(&failure, json);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let output = Output::new(cli.json);
    match &cli.command {
        Command::Demo(arguments) => demo::run(arguments, output),
        Command::Serve(arguments) => serve::run(arguments, output),
        Command::Agent(arguments) => agent::run(arguments, output),
        Command::Devices(arguments) => devices::run(arguments, &cli.api.client()?, output),
        Command::Device(arguments) => device::run(arguments, &cli.api.client()?, output),
        Command::Read(arguments) => read::run(arguments, &cli.api.client()?, output),
        Command::Write(arguments) => write::run(arguments, &cli.api.client()?, output),
        Command::Execute(arguments) => execute::run(arguments, &cli.api.client()?, output),
        Command::Create(arguments) => create::run(arguments, &cli.api.client()?, output),
        Command::Delete(arguments) => delete::run(arguments, &cli.api.client()?, output),
        Command::Discover(arguments) => discover::run(arguments, &cli.api.client()?, output),
        Command::Attributes(arguments) => attributes::run(arguments, &cli.api.client()?, output),
        Command::Observe(arguments) => observe::run(arguments, &cli.api.client()?, output),
        Command::Cancel(arguments) => cancel::run(arguments, &cli.api.client()?, output),
        Command::Events(arguments) => events::run(arguments, &cli.api.client()?, output),
        Command::Objects(arguments) => objects::run(arguments, &cli.api.client()?, output),
        Command::Security(arguments) => security::run(arguments, &cli.api.client()?, output),
        Command::Objgen(arguments) => objgen::run(arguments, output),
    }
}
