//! `cargo xtask examples`: builds every example of the root package, lets the devices among them meet the manager among
//! them, and asks the CoAP device something.

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

    println!("example custom_object");
    let uri = format!("coap://{address}");
    let mut thermostat = Running::start(Command::new(programs.join("custom_object")).arg(&uri))?;
    thermostat.line("Registered")?;
    fleet.line("urn:dev:os:32473-thermostat is a Thermostat by Dunlin")?;
    fleet.line("urn:dev:os:32473-thermostat has no thermometer")?;

    println!("example sleepy");
    let mut sleepy = Running::start(Command::new(programs.join("sleepy")).arg(&uri))?;
    sleepy.line("Registered")?;
    sleepy.line("asleep")?;
    sleepy.line("awake")?;
    sleepy.line("Updated")?;

    println!("example two_servers");
    let database = folder.join(format!("guest-{}.db", std::process::id()));
    let mut guest = Running::start(
        Command::new(programs.join("fleet"))
            .arg("coap://127.0.0.1:0")
            .arg(&database),
    )?;
    let line = guest.line("waiting for devices at [")?;
    let other = line
        .split_once('[')
        .and_then(|(_, rest)| rest.strip_suffix(']'))
        .with_context(|| format!("no address in `{line}`"))?;
    let mut shared = Running::start(
        Command::new(programs.join("two_servers"))
            .arg(&uri)
            .arg(format!("coap://{other}")),
    )?;
    shared.line("Registered { server:")?;
    shared.line("Registered { server:")?;
    fleet.line("urn:dev:os:32473-shared is a Shared sensor by Dunlin")?;

    println!("example bootstrap");
    let state = folder.join(format!("bootstrap-{}.state", std::process::id()));
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let start = format!("coap://{}", socket.local_addr()?);
    let mut command = Command::new(programs.join("bootstrap"));
    command.arg(start).arg(&state);
    let mut device = Running::start(&mut command)?;
    bootstrap(&socket, &uri)?;
    device.line("Bootstrapped")?;
    device.line("Registered")?;
    fleet.line("urn:dev:os:32473-bootstrap is a Bootstrapped device by Dunlin")?;
    // Its power is cut, and it goes on: nobody bootstraps it again.
    drop(device);
    let mut device = Running::start(&mut command)?;
    device.line("before: Registered(1)")?;
    device.line("Updated")?;

    println!("example coap_device");
    let mut device = Running::start(Command::new(programs.join("coap_device")).arg("127.0.0.1:0"))?;
    let line = device.line("serving coap://")?;
    let address = line
        .strip_prefix("serving coap://")
        .and_then(|rest| rest.strip_suffix("/uptime"))
        .with_context(|| format!("no address in `{line}`"))?;
    ask_uptime(address)
}

/// Is a Bootstrap-Server to one device, and gives it the account of the server at `uri`: in SenML CBOR.
fn bootstrap(socket: &UdpSocket, uri: &str) -> Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut buffer = [0; 256];
    let (len, device) = socket.recv_from(&mut buffer)?;
    let request = &buffer[..len];
    // A confirmable POST with a token: the Acknowledgement has both its ids.
    let [first, 2, high, low, ..] = *request else {
        bail!("the bootstrap example sent {request:02x?}");
    };
    let token = usize::from(first & 15);
    let mut answer = vec![0x60 | first & 15, 0x44, high, low];
    answer.extend_from_slice(&request[4..4 + token]);
    socket.send_to(&answer, device)?;
    let length = u8::try_from(uri.len())?;
    let security = [
        b"\x84\xa3\x21\x65/0/1/\x00\x610\x03\x78",
        &[length][..],
        uri.as_bytes(),
        b"\xa2\x00\x611\x04\xf4\xa2\x00\x612\x02\x03\xa2\x00\x6210\x02\x01",
    ];
    let server = b"\x84\xa3\x21\x65/1/0/\x00\x610\x02\x01\xa2\x00\x611\x02\x19\x01\x2c\xa2\x00\x616\x04\xf4\xa2\x00\x617\x03\x61U";
    let writes = [
        [
            b"\x40\x03\x00\x01\xb10\x011\x11\x70\xff",
            &security.concat()[..],
        ]
        .concat(),
        [b"\x40\x03\x00\x02\xb11\x010\x11\x70\xff", &server[..]].concat(),
        b"\x40\x02\x00\x03\xb2bs".to_vec(),
    ];
    for write in writes {
        socket.send_to(&write, device)?;
        let len = socket.recv(&mut buffer)?;
        // 2.04 Changed.
        if buffer[..len].get(1) != Some(&0x44) {
            bail!("the bootstrap example answered {:02x?}", &buffer[..len]);
        }
    }
    Ok(())
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
