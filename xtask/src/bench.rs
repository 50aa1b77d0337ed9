//! `cargo xtask bench`: runs the criterion programs of `benches/` and pairs our figures with the peers'.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::project;

/// The name of our own function in a benchmark group.
const OURS: &str = "dunlin";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Runs one group only: the first word of a benchmark's name, such as `coap`.
    #[arg(long, value_name = "GROUP")]
    only: Option<String>,
    /// Prints one JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// Measures each function for this long; more is steadier.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    // A folder of its own, so that a benchmark which no longer exists leaves no figure behind.
    let results = project::target()?.join("xtask-bench");
    if results.exists() {
        fs::remove_dir_all(&results)?;
    }
    fs::create_dir_all(&results)?;

    let mut command = project::cargo();
    command.args(["bench", "--package", "dunlin"]);
    if let Some(group) = &arguments.only {
        command.args(["--bench", group]);
    } else {
        command.arg("--benches");
    }
    command
        .args(["--", "--quiet", "--warm-up-time", "0.5", "--measurement-time"])
        .arg(arguments.seconds.to_string())
        .env("CRITERION_HOME", &results)
        // Criterion's own lines go to the terminal beside ours only when a person reads them.
        .stdout(if arguments.json { std::process::Stdio::null() } else { std::process::Stdio::inherit() });
    project::run(&mut command)?;

    for line in compare(&read(&results)?) {
        if arguments.json {
            println!("{line}");
        } else {
            println!("{}", row(&line));
        }
    }
    Ok(())
}

/// The figures of a run: group → function → nanoseconds.
type Figures = BTreeMap<String, BTreeMap<String, f64>>;

/// Reads what criterion left: `<group>/<function>/new/{benchmark,estimates}.json`.
fn read(results: &Path) -> Result<Figures> {
    let mut figures = Figures::new();
    for group in fs::read_dir(results)? {
        let group = group?.path();
        if !group.is_dir() {
            continue;
        }
        for function in fs::read_dir(&group)? {
            let folder = function?.path().join("new");
            if !folder.is_dir() {
                continue;
            }
            let benchmark = json_file(&folder.join("benchmark.json"))?;
            let estimates = json_file(&folder.join("estimates.json"))?;
            // The slope is the better figure where criterion could fit one.
            let nanoseconds = estimates["slope"]["point_estimate"]
                .as_f64()
                .or_else(|| estimates["mean"]["point_estimate"].as_f64());
            if let (Some(group), Some(function), Some(nanoseconds)) = (
                benchmark["group_id"].as_str(),
                benchmark["function_id"].as_str(),
                nanoseconds,
            ) {
                figures
                    .entry(group.to_owned())
                    .or_default()
                    .insert(function.to_owned(), nanoseconds);
            }
        }
    }
    Ok(figures)
}

/// One object for each pair of ours and a peer's function.
fn compare(figures: &Figures) -> Vec<Value> {
    let mut lines = Vec::new();
    for (group, functions) in figures {
        let Some(&ours) = functions.get(OURS) else {
            continue;
        };
        let peers: Vec<_> = functions.iter().filter(|(name, _)| *name != OURS).collect();
        if peers.is_empty() {
            lines.push(json!({
                "bench": group, "ours": rounded(ours), "peer": null, "theirs": null, "unit": "ns", "ratio": null,
            }));
        }
        for (peer, &theirs) in peers {
            lines.push(json!({
                "bench": group, "ours": rounded(ours), "peer": peer, "theirs": rounded(theirs), "unit": "ns",
                "ratio": rounded(theirs / ours),
            }));
        }
    }
    lines
}

fn row(line: &Value) -> String {
    let name = line["bench"].as_str().unwrap_or_default();
    let ours = line["ours"].as_f64().unwrap_or_default();
    match (
        line["peer"].as_str(),
        line["theirs"].as_f64(),
        line["ratio"].as_f64(),
    ) {
        (Some(peer), Some(theirs), Some(ratio)) => {
            format!("{name:<36} {ours:>10.1} ns   {peer} {theirs:.1} ns   {ratio:.2} times")
        }
        _ => format!("{name:<36} {ours:>10.1} ns"),
    }
}

/// Three significant digits are more than a shared machine can promise.
fn rounded(figure: f64) -> f64 {
    if figure >= 100.0 {
        figure.round()
    } else {
        (figure * 100.0).round() / 100.0
    }
}

fn json_file(path: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(of: &[(&str, &str, f64)]) -> Figures {
        let mut figures = Figures::new();
        for &(group, function, nanoseconds) in of {
            figures
                .entry(group.into())
                .or_default()
                .insert(function.into(), nanoseconds);
        }
        figures
    }

    #[test]
    fn a_pair_has_a_ratio_above_one_when_ours_is_faster() {
        let lines = compare(&figures(&[
            ("coap/parse/get", "dunlin", 41.0),
            ("coap/parse/get", "coap-lite", 410.0),
        ]));
        assert_eq!(
            lines,
            [json!({
                "bench": "coap/parse/get", "ours": 41.0, "peer": "coap-lite", "theirs": 410.0, "unit": "ns",
                "ratio": 10.0,
            })]
        );
    }

    #[test]
    fn a_figure_without_peer_has_nulls_and_a_peer_without_ours_is_left_out() {
        let lines = compare(&figures(&[
            ("codec/a/b", "dunlin", 5.0),
            ("codec/c/d", "other", 7.0),
        ]));
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["bench"], "codec/a/b");
        assert!(lines[0]["ratio"].is_null() && lines[0]["peer"].is_null());
    }
}
