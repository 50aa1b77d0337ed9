//! Figures that criterion did not measure: a peer in another language, a server in a process of its own.
//!
//! The convention is in `benches/README.md`.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Whether the benchmarks are to be measured, and not only to be tried once as by `cargo test --benches`.
pub(crate) fn measuring() -> bool {
    env::args().any(|argument| argument == "--bench")
}

/// Contributes a figure to the comparison `bench`: `function` is `dunlin` for ours, else the peer's name.
///
/// Less is better, as with the unit `ns`, unless `unit` is one of something each second, such as `requests/s` or
/// `requests/CPU-s`.
pub(crate) fn report(bench: &str, function: &str, figure: f64, unit: &str) {
    println!("{bench}/{function}: {figure} {unit}");
    let Some(results) = env::var_os("CRITERION_HOME") else {
        return;
    };
    let path = Path::new(&results).join("external.jsonl");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .expect("the folder of the results is there");
    writeln!(
        file,
        r#"{{"bench":"{bench}","function":"{function}","figure":{figure},"unit":"{unit}"}}"#
    )
    .expect("and has room");
}
