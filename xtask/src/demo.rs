//! `cargo xtask demo`: the demo as a newcomer runs it, and its summary checked.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::project;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Simulated devices.
    #[arg(long, default_value_t = 50)]
    devices: u64,
    /// How long the demo runs.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let printed = project::output(
        project::cargo()
            .args(["run", "--quiet", "--release", "--", "demo", "--json"])
            .args([
                "--devices".to_owned(),
                arguments.devices.to_string(),
                "--seconds".to_owned(),
                arguments.seconds.to_string(),
            ]),
    )?;
    let last = printed.lines().last().context("the demo printed nothing")?;
    println!("{last}");
    check(last, arguments.devices)
}

/// Every device registered, values flowed both ways, and nothing failed.
fn check(line: &str, devices: u64) -> Result<()> {
    let summary: Value = serde_json::from_str(line).context("the demo's last line is not JSON")?;
    let number = |name: &str| {
        summary[name]
            .as_u64()
            .with_context(|| format!("the summary has no number `{name}`"))
    };
    if number("devices")? != devices || number("registered")? != devices {
        bail!("not every device registered");
    }
    if number("errors")? != 0 {
        bail!("the demo counted errors");
    }
    if number("notifications")? == 0 || number("reads_ok")? == 0 {
        bail!("no value reached the manager");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_summary_without_failures_passes() {
        let line = |registered, notifications, errors| {
            format!(
                r#"{{"devices":5,"registered":{registered},"notifications":{notifications},"reads_ok":5,"errors":{errors}}}"#
            )
        };
        assert!(check(&line(5, 9, 0), 5).is_ok());
        assert!(check(&line(4, 9, 0), 5).is_err());
        assert!(check(&line(5, 0, 0), 5).is_err());
        assert!(check(&line(5, 9, 1), 5).is_err());
        assert!(check("ready", 5).is_err());
    }
}
