//! `cargo xtask browser`: the portal in headless Chromium, while the demo runs.

use std::process::Command;

use anyhow::Result;

use crate::project;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Also writes the README's picture, docs/portal.png.
    #[arg(long)]
    screenshot: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let program = project::program()?;
    let mut command = Command::new(project::python()?);
    command
        .args([
            "-m",
            "unittest",
            "discover",
            "--verbose",
            "--start-directory",
            "tests/browser",
        ])
        .current_dir(project::root())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("DUNLIN", program);
    if arguments.screenshot {
        command.env("SCREENSHOT", project::root().join("docs/portal.png"));
    }
    project::run(&mut command)
}
