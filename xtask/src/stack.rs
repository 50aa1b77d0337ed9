//! `cargo xtask stack`: how deep the agent's stack is on a Cortex-M3.
//!
//! Each image that `cargo xtask size` measures is built once more with a scripted server in place of its drivers, and run
//! in QEMU; the one with DTLS has it at the other end of its UART, so that the server's own depth is not in it. The memory is painted before the first instruction; what is no longer painted at the end, above the static
//! memory, has been the stack. That each answer is right is checked by the script, so that nothing needed is left out of
//! those images.
//!
//! `xtask/stacks.json` keeps what was agreed on: a depth that has grown by more than 3 % fails. `--bless` writes it anew.

mod wired;

use core::time::Duration;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::firmware::{self, Program};
use crate::project;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Prints one JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// Writes the depths to `xtask/stacks.json` in place of comparing them.
    #[arg(long)]
    bless: bool,
}

/// The RAM of the board (`examples/firmware/memory.x`).
const RAM: u64 = 0x2000_0000;
const RAM_LEN: u64 = 64 * 1024;

const PAINT: u8 = 0xa5;

/// How much a depth may grow unseen, in percent.
const GROWTH: u64 = 3;

/// How long an image may run.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Serialize, Deserialize)]
struct Depth {
    stack: String,
    bytes: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let baseline = project::root().join("xtask/stacks.json");
    let agreed: Vec<Depth> = fs::read_to_string(&baseline)
        .unwrap_or_default()
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .context("xtask/stacks.json has a depth a line")?;
    let (mut lines, mut grown) = (String::new(), Vec::new());
    for (name, program, features) in [
        ("agent/minimal", "scripted", "minimal"),
        ("agent/plain", "scripted", "plain"),
        ("agent/mid", "scripted", "mid"),
        ("agent/full", "scripted", "full"),
        ("agent/psk", "wired", "wired"),
    ] {
        let image = firmware::build(&Program {
            name: program,
            features,
            profile: "size",
        })?;
        let bytes = measure(&image).with_context(|| format!("{name} failed in QEMU"))?;
        let depth = Depth {
            stack: name.to_owned(),
            bytes,
        };
        let line = serde_json::to_string(&depth)?;
        if arguments.json {
            println!("{line}");
        } else {
            println!("{name:<18} {bytes:>6} bytes of stack");
        }
        lines.push_str(&line);
        lines.push('\n');
        match agreed.iter().find(|agreed| agreed.stack == name) {
            Some(agreed) if bytes * 100 > agreed.bytes * (100 + GROWTH) => {
                grown.push(format!(
                    "{name}: the stack has grown from {} to {bytes}",
                    agreed.bytes
                ));
            }
            Some(_) => {}
            None => grown.push(format!("{name} has no depth in xtask/stacks.json")),
        }
    }
    if arguments.bless {
        fs::write(baseline, lines)?;
    } else if !grown.is_empty() {
        bail!("{}", grown.join("; "));
    }
    Ok(())
}

/// Runs an image and gives the depth of its stack.
fn measure(image: &Path) -> Result<u64> {
    // The path of a socket is to be short.
    let folder = std::env::temp_dir().join(format!("dunlin-stack-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let depth = run_painted(image, &folder);
    fs::remove_dir_all(&folder)?;
    depth
}

fn run_painted(image: &Path, folder: &Path) -> Result<u64> {
    let (paint, dump, monitor) = (
        folder.join("paint"),
        folder.join("dump"),
        folder.join("monitor"),
    );
    // Behind the static memory, which QEMU fills from the image.
    let start = symbol(image, "__sheap")?;
    let wired = image.ends_with("wired");
    let uart = TcpListener::bind("127.0.0.1:0")?;
    let serial = if wired {
        format!("tcp:{}", uart.local_addr()?)
    } else {
        "none".to_owned()
    };
    let len = usize::try_from((RAM + RAM_LEN).saturating_sub(start))?;
    fs::write(&paint, vec![PAINT; len])?;
    let mut qemu = Qemu(
        Command::new("qemu-system-arm")
            .args(["-cpu", "cortex-m3", "-machine", "lm3s6965evb"])
            .args(["-display", "none", "-serial", &serial])
            .args(["-semihosting-config", "enable=on,target=native"])
            .args([
                "-monitor",
                &format!("unix:{},server,nowait", monitor.display()),
            ])
            .args([
                "-device",
                &format!(
                    "loader,file={},addr={start:#x},force-raw=on",
                    paint.display()
                ),
            ])
            .arg("-kernel")
            .arg(image)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("qemu-system-arm is in the Debian package of that name")?,
    );
    if wired {
        let (line, _) = uart.accept()?;
        line.set_read_timeout(Some(PATIENCE))?;
        wired::play(line)?;
    }
    qemu.wait_until_done()?;
    let mut stream = UnixStream::connect(&monitor)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    writeln!(
        stream,
        "pmemsave {start:#x} {len:#x} \"{}\"",
        dump.display()
    )?;
    writeln!(stream, "quit")?;
    qemu.0.wait()?;
    let memory = fs::read(&dump)?;
    ensure!(memory.len() == len, "the memory was not saved");
    let untouched = memory.iter().take_while(|byte| **byte == PAINT).count();
    ensure!(untouched < len, "there was no stack at all");
    ensure!(untouched > 0, "the stack has met the static memory");
    Ok((len - untouched) as u64)
}

/// A process that ends with its owner.
struct Qemu(Child);

impl Qemu {
    /// Waits for the last line of the script. Semihosting writes to standard error or output, by version.
    fn wait_until_done(&mut self) -> Result<()> {
        let (sender, lines) = std::sync::mpsc::channel();
        let out = self
            .0
            .stdout
            .take()
            .map(|out| Box::new(out) as Box<dyn std::io::Read + Send>);
        let err = self
            .0
            .stderr
            .take()
            .map(|err| Box::new(err) as Box<dyn std::io::Read + Send>);
        for source in [out, err].into_iter().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(source).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        drop(sender);
        let end = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        while let Ok(line) = lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if line.contains("all went well") {
                return Ok(());
            }
            said.push(line);
        }
        bail!("it said: {}", said.join("; "))
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The address of a symbol of an image.
fn symbol(image: &Path, name: &str) -> Result<u64> {
    let table = project::output(Command::new("arm-none-eabi-nm").arg(image))?;
    let line = table
        .lines()
        .find(|line| line.ends_with(&format!(" {name}")))
        .with_context(|| format!("the image has no {name}"))?;
    let digits = line.split_whitespace().next().unwrap_or_default();
    Ok(u64::from_str_radix(digits, 16)?)
}
