//! Project automation: `cargo xtask --help`.
//!
//! Each module is one command. A command that needs a tool beside Rust says which Debian package or registry has it;
//! `.ci/run` installs them all.

mod bench;
mod browser;
mod demo;
mod examples;
mod features;
mod firmware;
mod formats;
mod fuzz;
mod instructions;
mod interop;
mod peers;
mod project;
mod size;
mod stack;
mod thumb;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Builds, measures and checks Dunlin.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures our code beside its peers (see benches/README.md).
    Bench(bench::Arguments),
    /// Counts the instructions of single operations under callgrind (see benches/README.md).
    Instructions(instructions::Arguments),
    /// Prints the size of the firmware images: flash, RAM and panic calls.
    Size(size::Arguments),
    /// Measures how deep the agent's stack is, in QEMU.
    Stack(stack::Arguments),
    /// Runs foreign LwM2M, CoAP and DTLS programs against ours.
    Interop(interop::Arguments),
    /// Drives the portal in headless Chromium while the demo runs.
    Browser(browser::Arguments),
    /// Fuzzes every target for a while, from the committed corpora.
    Fuzz(fuzz::Arguments),
    /// Checks each feature of each crate alone.
    Features,
    /// Builds the core for a Cortex-M3 and links each crate without an allocator.
    NoStd,
    /// Builds the firmware image and runs it in QEMU.
    Firmware,
    /// Runs the demo and checks its summary.
    Demo(demo::Arguments),
    /// Runs every example.
    Examples,
    /// Runs all that the project's CI runs, in its order.
    Ci,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    match Arguments::parse().command {
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Instructions(arguments) => instructions::run(&arguments),
        Command::Size(arguments) => size::run(&arguments),
        Command::Stack(arguments) => stack::run(&arguments),
        Command::Interop(arguments) => interop::run(&arguments),
        Command::Browser(arguments) => browser::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Features => features::run(),
        Command::NoStd => thumb::run(),
        Command::Firmware => firmware::run(),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Examples => examples::run(),
        Command::Ci => project::run(&mut std::process::Command::new(
            project::root().join(".ci/run"),
        )),
    }
}
