//! `cargo xtask size`: what the agent costs on a Cortex-M3.
//!
//! `image` is the flash the linked program takes (code, constants and the initial values of variables), `ram` its
//! static memory without the stack, `panics` the calls of `core`'s panic functions left in its code.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use crate::{firmware, project};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Prints one JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
}

/// The measured programs: the name of the figure and the firmware's program.
const IMAGES: [(&str, &str); 2] = [("empty/plain", "empty"), ("agent/plain", "silent")];

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    for (name, program) in IMAGES {
        let path = firmware::build(program)?;
        let Sections { image, ram } = sections(&path)?;
        let panics = panic_calls(&disassembly(&path)?);
        if arguments.json {
            println!(
                "{}",
                json!({ "size": name, "image": image, "ram": ram, "panics": panics })
            );
        } else {
            println!(
                "{name:<16} {image:>7} bytes of flash   {ram:>6} bytes of RAM   {panics} panic calls"
            );
        }
    }
    Ok(())
}

struct Sections {
    image: u64,
    ram: u64,
}

/// Reads `arm-none-eabi-size`: a header line, then text, data and bss.
fn sections(path: &Path) -> Result<Sections> {
    let table = project::output(Command::new("arm-none-eabi-size").arg(path))
        .context("arm-none-eabi-size is in the Debian package binutils-arm-none-eabi")?;
    let mut numbers = table
        .lines()
        .nth(1)
        .unwrap_or_default()
        .split_whitespace()
        .map(str::parse::<u64>);
    let mut next = || {
        numbers
            .next()
            .context("arm-none-eabi-size printed no numbers")
    };
    let (text, data, bss) = (next()??, next()??, next()??);
    Ok(Sections {
        image: text + data,
        ram: data + bss,
    })
}

fn disassembly(path: &Path) -> Result<String> {
    project::output(
        Command::new("arm-none-eabi-objdump")
            .args(["--disassemble", "--no-show-raw-insn"])
            .arg(path),
    )
}

/// Counts branches to `core`'s panic functions from outside of themselves.
fn panic_calls(disassembly: &str) -> usize {
    let mut inside = false;
    let mut calls = 0;
    for line in disassembly.lines() {
        if line.ends_with(">:") {
            inside = is_panic(line);
        } else if !inside && (line.contains("\tbl\t") || line.contains("\tb.w\t")) && is_panic(line)
        {
            calls += 1;
        }
    }
    calls
}

/// Names of the functions that end in a panic, as the compiler mangles them.
fn is_panic(line: &str) -> bool {
    [
        "panicking",
        "panic_const",
        "slice_index_fail",
        "slice_error_fail",
        "unwrap_failed",
        "expect_failed",
        "len_mismatch_fail",
    ]
    .iter()
    .any(|name| line.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_calls_are_counted_outside_of_the_panic_functions() {
        let text = "00000100 <main>:\n     100:\tbl\t0x200 <_ZN4core9panicking9panic_fmt17h0E>\n     104:\tbl\t0x300 <helper>\n\
                    00000200 <_ZN4core9panicking9panic_fmt17h0E>:\n     200:\tbl\t0x210 <_ZN4core9panicking5panic17h0E>\n";
        assert_eq!(panic_calls(text), 1);
    }
}
