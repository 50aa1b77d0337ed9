//! Keeps `docs/y4702.md` honest: every requirement and capability of ITU-T Y.4702 has one row, and a row that claims
//! a proof names a test that exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The number of requirements in clause 7.2 of the Recommendation.
const REQUIREMENTS: u32 = 55;
/// The number of capabilities in clause 8.
const CAPABILITIES: u32 = 9;

#[test]
fn every_row_is_there_and_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("docs/y4702.md")).expect("docs/y4702.md is readable");
    let faults = faults(&table, |file| fs::read_to_string(root.join(file)).ok());
    assert!(faults.is_empty(), "docs/y4702.md:\n{}", faults.join("\n"));
}

/// What is wrong with the table; `source` gives the text of a file of the repository.
fn faults(table: &str, source: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut missing: BTreeSet<String> = (1..=REQUIREMENTS)
        .map(|number| number.to_string())
        .chain((1..=CAPABILITIES).map(|number| format!("8.{number}")))
        .collect();
    for line in table.lines() {
        let Some((number, proof)) = row(line) else {
            continue;
        };
        if !missing.remove(number) {
            faults.push(format!(
                "row {number} is doubled or not in the Recommendation"
            ));
        }
        if proof != "open" {
            faults.extend(
                proof
                    .split(',')
                    .filter_map(|name| fault_of_proof(name, &source))
                    .map(|fault| format!("row {number}: {fault}")),
            );
        }
    }
    faults.extend(
        missing
            .iter()
            .map(|number| format!("row {number} is missing")),
    );
    faults
}

/// The first and the last cell of a line of the table; `None` for its headings and for other text.
fn row(line: &str) -> Option<(&str, &str)> {
    let cells = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let (number, rest) = cells.split_once('|')?;
    let (_, proof) = rest.rsplit_once('|')?;
    let number = number.trim();
    number
        .starts_with(|first: char| first.is_ascii_digit())
        .then_some((number, proof.trim()))
}

/// Why `file::function` proves nothing, if so.
fn fault_of_proof(name: &str, source: impl Fn(&str) -> Option<String>) -> Option<String> {
    let name = name.trim().trim_matches('`');
    let Some((file, function)) = name.split_once("::") else {
        return Some(format!("`{name}` is neither `open` nor `file::function`"));
    };
    match source(file) {
        None => Some(format!("there is no file {file}")),
        Some(text) if has_test(&text, function) => None,
        Some(_) => Some(format!("{file} has no test {function} that runs")),
    }
}

/// Whether a source text has a test of that name (Rust or Python's unittest) that is not ignored.
fn has_test(text: &str, function: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(index, line)| {
        if function.starts_with("test_") && line.starts_with(&format!("def {function}(")) {
            return true;
        }
        let signature = line.strip_prefix("async ").unwrap_or(line);
        if !signature.starts_with(&format!("fn {function}(")) {
            return false;
        }
        let attributes = || {
            lines
                .iter()
                .take(index)
                .rev()
                .take_while(|line| line.starts_with("#[") || line.starts_with("///"))
        };
        attributes().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
            && !attributes().any(|line| line.starts_with("#[ignore"))
    })
}

mod the_check_itself {
    use super::*;

    /// A whole table of open rows, with one line changed by the test.
    fn table(change: impl Fn(&str) -> Option<String>) -> String {
        (1..=REQUIREMENTS)
            .map(|number| number.to_string())
            .chain((1..=CAPABILITIES).map(|number| format!("8.{number}")))
            .map(|number| {
                change(&number).unwrap_or_else(|| format!("| {number} | words | open |")) + "\n"
            })
            .collect()
    }

    fn faults_when_row_7_is(line: &str) -> Vec<String> {
        let table = table(|number| (number == "7").then(|| line.to_owned()));
        faults(&table, |file| {
            (file == "tests/storm.rs").then(|| {
                "#[test]\nfn none_is_lost() {}\n#[test]\n#[ignore]\nfn later() {}\nfn helper() {}".to_owned()
            })
        })
    }

    #[test]
    fn takes_open_rows_and_real_tests() {
        assert_eq!(faults_when_row_7_is("| 7 | words | open |"), [""; 0]);
        assert_eq!(
            faults_when_row_7_is("| 7 | words | tests/storm.rs::none_is_lost |"),
            [""; 0]
        );
    }

    #[test]
    fn refuses_missing_and_doubled_rows() {
        assert_eq!(faults_when_row_7_is(""), ["row 7 is missing"]);
        assert_eq!(
            faults_when_row_7_is("| 7 | a | open |\n| 7 | b | open |").len(),
            1
        );
        assert_eq!(
            faults_when_row_7_is("| 7 | a | open |\n| 56 | b | open |").len(),
            1
        );
    }

    #[test]
    fn refuses_proofs_that_are_none() {
        for proof in [
            "",
            "done",
            "tests/storm.rs",
            "tests/storm.rs::gone",
            "tests/storm.rs::helper",
            "tests/storm.rs::later",
            "tests/gone.rs::none_is_lost",
            "tests/storm.rs::none_is_lost, tests/storm.rs::gone",
        ] {
            assert_eq!(
                faults_when_row_7_is(&format!("| 7 | words | {proof} |")).len(),
                1,
                "{proof}"
            );
        }
    }
}
