//! `cargo xtask bench`: runs the programs of `benches/` and pairs our figures with the peers'.

use core::fmt;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

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

    let mut figures = read(&results)?;
    read_external(&results, &mut figures)?;
    for line in compare(&figures) {
        if arguments.json {
            println!("{}", serde_json::to_string(&line)?);
        } else {
            println!("{line}");
        }
    }
    Ok(())
}

/// The figures of a run: group → function → figure.
type Figures = BTreeMap<String, BTreeMap<String, Figure>>;

#[derive(Clone, Debug)]
struct Figure {
    value: f64,
    unit: String,
}

impl Figure {
    /// Whether more is better: a unit of something each second, or each second of the processor.
    fn is_rate(&self) -> bool {
        self.unit.ends_with("/s") || self.unit.ends_with("/CPU-s")
    }
}

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
                figures.entry(group.to_owned()).or_default().insert(
                    function.to_owned(),
                    Figure {
                        value: nanoseconds,
                        unit: "ns".to_owned(),
                    },
                );
            }
        }
    }
    Ok(figures)
}

/// Reads what the benchmarks measured without criterion: `external.jsonl`, one object a line.
fn read_external(results: &Path, figures: &mut Figures) -> Result<()> {
    let path = results.join("external.jsonl");
    if !path.exists() {
        return Ok(());
    }
    for line in fs::read_to_string(&path)?.lines() {
        #[derive(serde::Deserialize)]
        struct Line {
            bench: String,
            function: String,
            figure: f64,
            unit: String,
        }
        let line: Line =
            serde_json::from_str(line).with_context(|| format!("{}: {line}", path.display()))?;
        figures.entry(line.bench).or_default().insert(
            line.function,
            Figure {
                value: line.figure,
                unit: line.unit,
            },
        );
    }
    Ok(())
}

/// One line: our figure, and a peer's beside it where there is one.
#[derive(Serialize, Debug, PartialEq)]
struct Comparison<'a> {
    bench: &'a str,
    ours: f64,
    peer: Option<&'a str>,
    theirs: Option<f64>,
    unit: &'a str,
    /// Above 1 where ours is better.
    ratio: Option<f64>,
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<36} {:>10.1} {}", self.bench, self.ours, self.unit)?;
        if let (Some(peer), Some(theirs), Some(ratio)) = (self.peer, self.theirs, self.ratio) {
            write!(f, "   {peer} {theirs:.1} {}   {ratio:.2} times", self.unit)?;
        }
        Ok(())
    }
}

/// One line for each pair of ours and a peer's function.
fn compare(figures: &Figures) -> Vec<Comparison<'_>> {
    let mut lines = Vec::new();
    for (bench, functions) in figures {
        let Some(ours) = functions.get(OURS) else {
            continue;
        };
        let alone = Comparison {
            bench,
            ours: rounded(ours.value),
            peer: None,
            theirs: None,
            unit: &ours.unit,
            ratio: None,
        };
        let before = lines.len();
        // Figures of different units cannot be compared.
        let peers = functions
            .iter()
            .filter(|(name, theirs)| *name != OURS && theirs.unit == ours.unit);
        for (peer, theirs) in peers {
            let ratio = if ours.is_rate() {
                ours.value / theirs.value
            } else {
                theirs.value / ours.value
            };
            lines.push(Comparison {
                peer: Some(peer),
                theirs: Some(rounded(theirs.value)),
                ratio: Some(rounded(ratio)),
                ..alone
            });
        }
        if lines.len() == before {
            lines.push(alone);
        }
    }
    lines
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

    fn figures(of: &[(&str, &str, f64, &str)]) -> Figures {
        let mut figures = Figures::new();
        for &(group, function, value, unit) in of {
            figures
                .entry(group.into())
                .or_default()
                .insert(function.into(), figure(value, unit));
        }
        figures
    }

    fn figure(value: f64, unit: &str) -> Figure {
        let unit = unit.to_owned();
        Figure { value, unit }
    }

    #[test]
    fn of_a_rate_more_is_better() {
        let figures = figures(&[
            ("coap/echo", "dunlin", 300.0, "requests/s"),
            ("coap/echo", "libcoap", 100.0, "requests/s"),
            ("coap/echo", "odd", 100.0, "ns"),
        ]);
        let [line] = &compare(&figures)[..] else {
            panic!("one peer has our unit")
        };
        assert_eq!((line.ratio, line.unit), (Some(3.0), "requests/s"));
    }

    #[test]
    fn a_pair_has_a_ratio_above_one_when_ours_is_faster() {
        let figures = figures(&[
            ("coap/parse/get", "dunlin", 41.0, "ns"),
            ("coap/parse/get", "coap-lite", 410.0, "ns"),
        ]);
        let [line] = &compare(&figures)[..] else {
            panic!("one pair is one line")
        };
        assert_eq!(
            serde_json::to_string(line).unwrap(),
            r#"{"bench":"coap/parse/get","ours":41.0,"peer":"coap-lite","theirs":410.0,"unit":"ns","ratio":10.0}"#
        );
    }

    #[test]
    fn a_figure_without_peer_has_nulls_and_a_peer_without_ours_is_left_out() {
        let figures = figures(&[
            ("codec/a/b", "dunlin", 5.0, "ns"),
            ("codec/c/d", "other", 7.0, "ns"),
        ]);
        let [line] = &compare(&figures)[..] else {
            panic!("one figure is one line")
        };
        assert_eq!(
            serde_json::to_string(line).unwrap(),
            r#"{"bench":"codec/a/b","ours":5.0,"peer":null,"theirs":null,"unit":"ns","ratio":null}"#
        );
    }
}
