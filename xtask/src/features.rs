//! `cargo xtask features`: each feature of each library crate alone, and none at all; and tests of the agent with few.
//!
//! A feature whose name begins with `_` is what others have in common and nothing by itself: it is left out.

use anyhow::{Context, Result};

use crate::project;

pub(crate) fn run() -> Result<()> {
    let metadata = project::metadata()?;
    for package in metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?
    {
        let name = package["name"].as_str().context("a package has no name")?;
        let features = package["features"]
            .as_object()
            .context("a package has no features table")?;
        if features.is_empty() && !project::CORE.contains(&name) {
            continue;
        }
        check(name, None)?;
        let is_public = |feature: &&String| *feature != "default" && !feature.starts_with('_');
        for feature in features.keys().filter(is_public) {
            check(name, Some(feature))?;
        }
    }
    // What no test of the agent itself can be without: those always have its default features.
    project::run(project::cargo().args(["test", "--quiet", "--package", "dunlin-agent-lean"]))
}

fn check(package: &str, feature: Option<&str>) -> Result<()> {
    println!("{package}: {}", feature.unwrap_or("no feature"));
    let mut command = project::cargo();
    command.args([
        "check",
        "--quiet",
        "--no-default-features",
        "--package",
        package,
    ]);
    if let Some(feature) = feature {
        command.args(["--features", feature]);
    }
    project::run(&mut command)
}
