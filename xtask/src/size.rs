//! `cargo xtask size`: what the agent costs on a Cortex-M3, and a CoAP endpoint alone.
//!
//! The agent's images differ in the features they are built with (`examples/firmware/Cargo.toml`); all are built with
//! `opt-level = "z"`, fat LTO, abort on panic and no logs, and their `main` calls all that an application would.
//!
//! `image` is the flash the linked program takes (code, constants and the initial values of variables), `ram` its
//! static memory without the stack, `panics` the calls of `core`'s panic functions left in its code.
//!
//! `xtask/sizes.json` keeps the figures that were agreed on: one that has grown by more than 3 %, or a panic more, fails.
//! `--bless` writes it anew; the change of that file is where growth is looked at.
//!
//! Only `core`'s own conversion of numbers to text and back may hold such calls, on paths that its authors hold to be
//! unreachable; anywhere else one is a failure of this command.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::firmware::{self, Program};
use crate::{project, thumb};

#[derive(clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct Arguments {
    /// Prints one JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// Also lists the functions that call a panic function, with the number of their calls.
    #[arg(long, conflicts_with = "json")]
    panics: bool,
    /// Measures the payload formats, each alone, in place of those programs.
    #[arg(long, conflicts_with = "panics")]
    formats: bool,
    /// Measures only the programs whose names begin so, such as `dtls`.
    #[arg(long, value_name = "PREFIX", default_value = "", conflicts_with_all = ["bless", "formats"])]
    only: String,
    /// Measures those programs without frame pointers, which the target has by default and C compilers leave out: what to
    /// compare with theirs.
    #[arg(long, conflicts_with_all = ["bless", "formats"])]
    lean: bool,
    /// Writes the figures to `xtask/sizes.json` in place of comparing them.
    #[arg(long)]
    bless: bool,
}

/// The measured programs: the name of the figure and the firmware's program.
const IMAGES: [(&str, Program); 8] = [
    ("empty/plain", Program::named("empty")),
    ("coap/get-responder", Program::named("responder")),
    ("dtls/psk-client", Program::named("secure")),
    ("agent/minimal", agent("minimal")),
    ("agent/plain", agent("plain")),
    ("agent/mid", agent("mid")),
    ("agent/full", agent("full")),
    (
        "agent/psk",
        Program {
            name: "secured",
            ..agent("psk")
        },
    ),
];

const fn agent(features: &'static str) -> Program {
    Program {
        name: "sized",
        features,
        profile: "size",
    }
}

/// Images of which the calls are counted and may not become more: they have DTLS in them, which still has some.
const MAY_PANIC: [&str; 2] = ["dtls/psk-client", "agent/psk"];

/// How much a figure may grow unseen, in percent.
const GROWTH: u64 = 3;

#[derive(Serialize, Deserialize)]
struct Figure {
    size: String,
    image: u64,
    ram: u64,
    panics: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.formats {
        return crate::formats::run(arguments.json);
    }
    let baseline = project::root().join("xtask/sizes.json");
    let agreed: Vec<Figure> = fs::read_to_string(&baseline)
        .unwrap_or_default()
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .context("xtask/sizes.json has a figure a line")?;
    let (mut lines, mut grown) = (String::new(), Vec::new());
    let target = if arguments.lean {
        thumb::without_frame_pointers()?.display().to_string()
    } else {
        thumb::TARGET.to_owned()
    };
    let wanted = |(size, _): &(&str, Program)| size.starts_with(&arguments.only);
    for (size, program) in IMAGES.into_iter().filter(wanted) {
        let path = firmware::build_for(&target, &program)?;
        let (image, ram) = sections(&path)?;
        let disassembly = disassembly(&path)?;
        let callers = panic_callers(&disassembly);
        let ours: Vec<&str> = callers
            .keys()
            .copied()
            .filter(|caller| !converts_numbers(caller))
            .collect();
        if !ours.is_empty() && !MAY_PANIC.contains(&size) {
            bail!("{size} can panic, in: {}", ours.join(", "));
        }
        let figure = Figure {
            size: size.to_owned(),
            image,
            ram,
            panics: callers.values().sum(),
        };
        let line = serde_json::to_string(&figure)?;
        lines.push_str(&line);
        lines.push('\n');
        match agreed.iter().find(|agreed| agreed.size == size) {
            Some(agreed) => grown.extend(figure.growth(agreed)),
            None => grown.push(format!("{size} has no figure in xtask/sizes.json")),
        }
        if arguments.json {
            println!("{line}");
            continue;
        }
        println!(
            "{size:<18} {image:>7} bytes of flash   {ram:>6} bytes of RAM   {} panic calls",
            figure.panics
        );
        if arguments.panics {
            for (caller, calls) in callers {
                println!("    {calls:>3}  {caller}");
            }
        }
    }
    if arguments.bless {
        fs::write(baseline, lines)?;
    } else if !grown.is_empty() {
        bail!("{}", grown.join("; "));
    }
    Ok(())
}

impl Figure {
    /// What has grown by too much since `agreed`.
    fn growth(&self, agreed: &Self) -> Vec<String> {
        let size = &self.size;
        let too_much = |now: u64, then: u64| now * 100 > then * (100 + GROWTH);
        let mut grown = Vec::new();
        for (what, now, then) in [
            ("flash", self.image, agreed.image),
            ("RAM", self.ram, agreed.ram),
        ] {
            if too_much(now, then) {
                grown.push(format!("{size}: {what} has grown from {then} to {now}"));
            }
        }
        let (now, then) = (self.panics, agreed.panics);
        if now > then {
            grown.push(format!(
                "{size}: panic calls have grown from {then} to {now}"
            ));
        }
        grown
    }
}

/// Reads `arm-none-eabi-size`: a header line, then text, data and bss. Gives flash and RAM.
pub(crate) fn sections(path: &Path) -> Result<(u64, u64)> {
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
    Ok((text + data, data + bss))
}

/// Whether a function is part of `core`'s conversion between numbers and text.
fn converts_numbers(function: &str) -> bool {
    [
        "core::fmt::",
        "core::num::",
        "core::str::traits::FromStr",
        "::_fmt_inner",
    ]
    .iter()
    .any(|part| function.contains(part))
        && !function.contains("dunlin")
}

pub(crate) fn disassembly(path: &Path) -> Result<String> {
    project::output(
        Command::new("arm-none-eabi-objdump")
            .args(["--disassemble", "--demangle", "--no-show-raw-insn"])
            .arg(path),
    )
}

/// The functions that branch to one of `core`'s panic functions, and how often; panic functions themselves left out.
pub(crate) fn panic_callers(disassembly: &str) -> BTreeMap<&str, usize> {
    let mut callers = BTreeMap::new();
    let mut function = "";
    for line in disassembly.lines() {
        if let Some(name) = line.strip_suffix(">:") {
            function = name.split_once('<').map_or(name, |(_, name)| name);
        } else if branches_to_panic(line) && !is_panic(function) {
            *callers.entry(function).or_default() += 1;
        }
    }
    callers
}

/// Whether an instruction is a branch to the start of a panic function: `  100:\tbl\t200 <core::panicking::panic>`.
fn branches_to_panic(line: &str) -> bool {
    let mut columns = line.splitn(3, '\t');
    let (Some(_), Some(instruction), Some(target)) =
        (columns.next(), columns.next(), columns.next())
    else {
        return false;
    };
    instruction.starts_with('b') && !target.contains("+0x") && is_panic(target)
}

/// The functions of `core` that end in a panic.
fn is_panic(name: &str) -> bool {
    [
        "core::panicking::",
        "slice_index_fail",
        "slice_error_fail",
        "unwrap_failed",
        "expect_failed",
        "len_mismatch_fail",
    ]
    .iter()
    .any(|panic| name.contains(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_calls_are_counted_outside_of_the_panic_functions() {
        let text = "00000100 <main>:\n\
                    \x20    100:\tbl\t200 <core::panicking::panic_fmt>\n\
                    \x20    104:\tbl\t300 <helper>\n\
                    \x20    108:\tb.w\t400 <core::slice::index::slice_index_fail>\n\
                    00000200 <core::panicking::panic_fmt>:\n\
                    \x20    200:\tbl\t210 <core::panicking::panic>\n\
                    00000300 <helper>:\n\
                    \x20    300:\tldr\tr0, [pc, #4] @ (308 <core::panicking::panic+0x8>)\n";
        assert_eq!(panic_callers(text), BTreeMap::from([("main", 2)]));
    }

    #[test]
    fn a_figure_may_grow_by_three_percent_and_no_panic_more() {
        let figure = |image, ram, panics| Figure {
            size: "agent/plain".to_owned(),
            image,
            ram,
            panics,
        };
        let agreed = figure(1000, 100, 1);
        assert!(figure(1030, 103, 1).growth(&agreed).is_empty());
        assert!(figure(10, 10, 0).growth(&agreed).is_empty());
        for (image, ram, panics) in [(1031, 100, 1), (1000, 104, 1), (1000, 100, 2)] {
            assert_eq!(figure(image, ram, panics).growth(&agreed).len(), 1);
        }
    }

    #[test]
    fn only_conversions_of_numbers_in_core_may_call_them() {
        for function in [
            "core::num::imp::flt2dec::round_up",
            "<u64>::_fmt_inner",
            "<f64 as core::str::traits::FromStr>::from_str",
        ] {
            assert!(converts_numbers(function), "{function}");
        }
        for function in [
            "silent::__cortex_m_rt_main",
            "<dunlin_model::path::Path as core::fmt::Display>::fmt",
            "<[u8]>::copy_within::<core::ops::range::Range<usize>>",
        ] {
            assert!(!converts_numbers(function), "{function}");
        }
    }
}
