//! `cargo xtask firmware`: builds `examples/firmware` and runs it in QEMU.

use std::path::PathBuf;
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
    let image = build("talking")?;
    // An image that hangs is a failure, not a hanging build.
    project::run(
        Command::new("timeout")
            .args(["60", "qemu-system-arm"])
            .args(QEMU)
            .arg(image),
    )
    .context("the firmware image failed in QEMU (Debian package qemu-system-arm)")
}

/// Builds one of the firmware's programs and gives the path of its ELF file.
pub(crate) fn build(program: &str) -> Result<PathBuf> {
    let folder = project::root().join("examples/firmware");
    project::run(
        thumb::build()?
            .args(["--quiet", "--bin", program])
            .current_dir(&folder),
    )?;
    Ok(thumb::target()?
        .join(thumb::TARGET)
        .join("release")
        .join(program))
}
