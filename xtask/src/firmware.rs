//! `cargo xtask firmware`: builds `examples/firmware` and runs it in QEMU.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{project, thumb};

/// QEMU's machine with the board's flash and RAM; the image prints and exits by semihosting.
const QEMU: [&str; 8] = [
    "-cpu",
    "cortex-m3",
    "-machine",
    "lm3s6965evb",
    "-nographic",
    "-semihosting-config",
    "enable=on,target=native",
    "-kernel",
];

pub(crate) fn run() -> Result<()> {
    let image = build(&Program {
        features: "talking",
        ..Program::named("talking")
    })?;
    // An image that hangs is a failure, not a hanging build.
    project::run(
        Command::new("timeout")
            .args(["60", "qemu-system-arm"])
            .args(QEMU)
            .arg(image),
    )
    .context("the firmware image failed in QEMU (Debian package qemu-system-arm)")
}

/// One of the firmware's programs, and how to build it.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) features: &'static str,
    pub(crate) profile: &'static str,
}

impl Program {
    /// A program without features, in release mode.
    pub(crate) const fn named(name: &'static str) -> Self {
        Self {
            name,
            features: "",
            profile: "release",
        }
    }
}

/// Builds a program and gives the path of its ELF file.
pub(crate) fn build(program: &Program) -> Result<PathBuf> {
    build_for(thumb::TARGET, program)
}

/// The same for a target, by its name or its file.
pub(crate) fn build_for(target: &str, program: &Program) -> Result<PathBuf> {
    let folder = project::root().join("examples/firmware");
    let name = Path::new(target).file_stem().unwrap_or_default();
    project::run(
        thumb::build_for(target, program.profile)?
            .args(["--quiet", "--bin", program.name])
            .args(["--features", program.features])
            .current_dir(&folder),
    )?;
    Ok(thumb::target()?
        .join(name)
        .join(program.profile)
        .join(program.name))
}
