//! `cargo xtask examples`: builds every example of the root package, lets the two that run for ever meet, and asks the
//! third something.

use core::time::Duration;
use std::io::{BufRead as _, BufReader};
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use anyhow::{Context as _, Result, bail};

use crate::project;

/// How long the sensor may take to register at the fleet's manager and be read.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn run() -> Result<()> {
    project::run(project::cargo().args([
        "build",
        "--quiet",
        "--all-features",
        "--package",
        "dunlin",
        "--examples",
    ]))?;
    let programs = project::target()?.join("debug/examples");
    let folder = project::target()?.join("examples-run");
    std::fs::create_dir_all(&folder)?;

    println!("example fleet");
    let database = folder.join(format!("fleet-{}.db", std::process::id()));
    let mut fleet = Running::start(
        Command::new(programs.join("fleet"))
            .arg("coap://127.0.0.1:0")
            .arg(&database),
    )?;
    let line = fleet.line("waiting for devices at [")?;
    let address = line
        .split_once('[')
        .and_then(|(_, rest)| rest.strip_suffix(']'))
        .with_context(|| format!("no address in `{line}`"))?;

    println!("example sensor");
    let mut sensor =
        Running::start(Command::new(programs.join("sensor")).arg(format!("coap://{address}")))?;
    sensor.line("Registered")?;
    fleet.line("urn:dev:os:32473-sensor is a Linux sensor by Dunlin")?;
    fleet.line("ObservationStarted")?;

    println!("example coap_device");
    let mut device = Running::start(Command::new(programs.join("coap_device")).arg("127.0.0.1:0"))?;
    let line = device.line("serving coap://")?;
    let address = line
        .strip_prefix("serving coap://")
        .and_then(|rest| rest.strip_suffix("/uptime"))
        .with_context(|| format!("no address in `{line}`"))?;
    ask_uptime(address)
}

/// Sends a GET and looks for a 2.05 in the Acknowledgement.
fn ask_uptime(address: &str) -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send_to(b"\x40\x01\x12\x34\xb6uptime", address)?;
    let mut answer = [0; 64];
    let len = socket.recv(&mut answer)?;
    let answer = &answer[..len];
    if !answer.starts_with(b"\x60\x45\x12\x34\xff") {
        bail!("coap_device answered {answer:02x?}");
    }
    println!("  {}", String::from_utf8_lossy(&answer[5..]));
    Ok(())
}

/// A program whose output is read line by line; it ends with this value.
struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", command.get_program().display()))?;
        let output = child.stdout.take().context("the output is piped")?;
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                println!("  {line}");
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// Waits for a line that begins with `start`.
    fn line(&mut self, start: &str) -> Result<String> {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.starts_with(start) => return Ok(line),
                Ok(_) => {}
                Err(_) => bail!("the example did not print a line that begins with `{start}`"),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
