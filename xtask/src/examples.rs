//! `cargo xtask examples`: each example of the root package, run to its end.

use anyhow::{Context, Result};

use crate::project;

pub(crate) fn run() -> Result<()> {
    let metadata = project::metadata()?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    for package in packages
        .iter()
        .filter(|package| package["name"] == "dunlin")
    {
        let targets = package["targets"]
            .as_array()
            .context("a package has no targets")?;
        for target in targets
            .iter()
            .filter(|target| target["kind"][0] == "example")
        {
            let name = target["name"].as_str().context("an example has no name")?;
            println!("example {name}");
            project::run(project::cargo().args([
                "run",
                "--quiet",
                "--all-features",
                "--package",
                "dunlin",
                "--example",
                name,
            ]))?;
        }
    }
    Ok(())
}
