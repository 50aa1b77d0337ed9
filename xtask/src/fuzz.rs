//! `cargo xtask fuzz`: every target of `fuzz/` for a while.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::project;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The whole time, shared by the targets.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Begins with this seed, so that a run can be done again; else with one that libFuzzer draws and prints.
    #[arg(long)]
    seed: Option<u32>,
    /// Runs one target only.
    #[arg(long, value_name = "TARGET")]
    only: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let list = project::output(cargo_fuzz().arg("list"))
        .context("`cargo install cargo-fuzz` gives this command")?;
    let targets: Vec<&str> = list
        .lines()
        .filter(|target| arguments.only.as_deref().is_none_or(|only| only == *target))
        .collect();
    if targets.is_empty() {
        bail!("fuzz/Cargo.toml has no such target");
    }
    let share = (arguments.seconds / targets.len() as u64).max(1);
    for target in targets {
        println!("{target}: {share} s");
        // New inputs go to a scratch corpus: the committed one grows by choice, not by every run.
        let scratch = project::target()?.join("fuzz-corpus").join(target);
        fs::create_dir_all(&scratch)?;
        let committed = project::root().join("fuzz/corpus").join(target);
        fs::create_dir_all(&committed)?;
        project::run(
            cargo_fuzz()
                .args(["run", target])
                .args([scratch, committed])
                .args(["--", "-max_len=4096", "-timeout=10", "-print_final_stats=1"])
                .arg(format!("-max_total_time={share}"))
                // libFuzzer draws one for 0.
                .arg(format!("-seed={}", arguments.seed.unwrap_or(0))),
        )?;
    }
    Ok(())
}

/// `cargo fuzz` with a compiler that takes its flags: a nightly one where there is one.
fn cargo_fuzz() -> Command {
    let nightly = Command::new("rustup")
        .args(["run", "nightly", "rustc", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    let mut command = Command::new("cargo");
    command.current_dir(project::root());
    // This program was started by a cargo that pinned its own toolchain for its children.
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    if nightly {
        command.arg("+nightly");
    } else {
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    command.arg("fuzz");
    command
}
