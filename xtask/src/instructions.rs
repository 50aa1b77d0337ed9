//! `cargo xtask instructions`: counts under callgrind what one operation needs.
//!
//! Unlike times, the counts hardly depend on what else the machine does. What is counted is in `benches/instructions`,
//! built as in a release; valgrind is Debian's package of that name.

use core::fmt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::project;

/// How often each case runs; its first run, which is dearer where something is looked up once, hardly shows.
const TIMES: u64 = 1000;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Counts only the cases whose names begin so, such as `coap/parse`; those of DTLS are counted when they are asked for.
    #[arg(long, value_name = "PREFIX", default_value = "")]
    only: String,
    /// Prints one JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// Fails when a case needs more than its goal.
    #[arg(long)]
    check: bool,
    /// How much more than its goal passes the check, in percent: another processor's `memcpy` counts differently.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, requires = "check")]
    tolerance: u64,
}

/// The compiler with which the goals were set, as the workspace's `rust-version` says.
const COMPILER: &str = env!("CARGO_PKG_RUST_VERSION");

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let compiler = project::output(Command::new("rustc").arg("--version"))?;
    if !is_compiler(&compiler, COMPILER) {
        eprintln!(
            "{}: the goals were set with rustc {COMPILER}, and another makes other code",
            compiler.trim()
        );
    }
    let mut build = project::cargo();
    build.args([
        "build",
        "--quiet",
        "--release",
        "--package",
        "dunlin-instructions",
    ]);
    // A program with the cases of DTLS is laid out otherwise, which moves the other figures by some percent.
    if arguments.only.starts_with("dtls") {
        build.args(["--features", "dtls"]);
    }
    project::run(&mut build)?;
    let program = project::target()?.join("release/dunlin-instructions");

    let mut above = Vec::new();
    for case in project::output(&mut Command::new(&program))?.lines() {
        let (name, goal) = case
            .split_once(' ')
            .context("a case is a name and a goal")?;
        if !name.starts_with(&arguments.only) {
            continue;
        }
        let line = Line {
            instructions: name,
            ours: count(
                Command::new("valgrind")
                    .args([
                        "--tool=callgrind",
                        "--callgrind-out-file=/dev/null",
                        "--toggle-collect=*::measured*",
                    ])
                    .arg(&program)
                    .args([name, &TIMES.to_string()]),
            )?,
            goal: goal.parse().ok(),
        };
        if arguments.json {
            println!("{}", serde_json::to_string(&line)?);
        } else {
            println!("{line}");
        }
        if line
            .goal
            .is_some_and(|goal| is_above(line.ours, goal, arguments.tolerance))
        {
            above.push(name.to_owned());
        }
    }
    if arguments.check && !above.is_empty() {
        bail!("more instructions than the goal: {}", above.join(", "));
    }
    Ok(())
}

/// Whether `rustc --version` tells of a release of `version`: `rustc 1.95.0 (59807616e 2026-04-14)` of `1.95`.
fn is_compiler(told: &str, version: &str) -> bool {
    told.strip_prefix("rustc ")
        .and_then(|told| told.strip_prefix(version))
        .is_some_and(|rest| rest.starts_with(['.', ' ']))
}

/// Whether a figure is above its goal by more than some percent.
fn is_above(ours: u64, goal: u64, percent: u64) -> bool {
    ours.saturating_mul(100) > goal.saturating_mul(percent.saturating_add(100))
}

/// The instructions of one run of a case: callgrind says `Collected : 137000`.
fn count(command: &mut Command) -> Result<u64> {
    let output = command
        .stdout(Stdio::null())
        .output()
        .context("cannot start valgrind; `.ci/run` installs what is missing")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = collected(&text).filter(|_| output.status.success());
    collected.with_context(|| format!("callgrind ended with {}:\n{text}", output.status))
}

fn collected(text: &str) -> Option<u64> {
    let (_, figure) = text.split_once("Collected : ")?;
    let figure: u64 = figure.lines().next()?.trim().parse().ok()?;
    // Nothing collected means that the function was not found.
    (figure > 0).then_some(figure.div_ceil(TIMES))
}

#[derive(Serialize, Debug, PartialEq)]
struct Line<'a> {
    instructions: &'a str,
    ours: u64,
    goal: Option<u64>,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<36} {:>7} instructions", self.instructions, self.ours)?;
        match self.goal {
            Some(goal) => write!(f, "   goal {goal}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callgrind_says() {
        let text = "==7== Events    : Ir\n==7== Collected : 137999\n==7== \n";
        assert_eq!(collected(text), Some(138));
        assert_eq!(collected("==7== Collected : 0\n"), None);
        assert_eq!(collected("==7== no such program"), None);
    }

    #[test]
    fn a_goal_may_be_missed_by_the_tolerance() {
        assert!(is_above(151, 150, 0) && !is_above(150, 150, 0));
        assert!(is_above(1031, 1000, 3) && !is_above(1030, 1000, 3));
    }

    #[test]
    fn another_compiler_is_noticed() {
        let told = "rustc 1.95.0 (59807616e 2026-04-14)\n";
        assert!(is_compiler(told, "1.95") && is_compiler(told, "1.95.0"));
        assert!(!is_compiler(told, "1.9") && !is_compiler(told, "1.96"));
    }

    #[test]
    fn one_object_a_line() {
        let line = Line {
            instructions: "coap/parse/get",
            ours: 137,
            goal: Some(150),
        };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"instructions":"coap/parse/get","ours":137,"goal":150}"#
        );
        let text = "coap/parse/get                           137 instructions   goal 150";
        assert_eq!(line.to_string(), text);
    }
}
