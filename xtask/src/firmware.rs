//! `cargo xtask firmware`: builds two of the programs of `examples/firmware` and runs them in QEMU, and is the server of the one
//! that has a network.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, bail, ensure};

use crate::{project, thumb};

/// QEMU's machine with the board's flash and RAM; the image prints and exits by semihosting.
const QEMU: [&str; 8] = [
    "-cpu",
    "cortex-m3",
    "-machine",
    "lm3s6965evb",
    "-nographic",
    "-semihosting-config",
    "enable=on,target=native",
    "-kernel",
];

/// How long the image may take until its next message.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn run() -> Result<()> {
    let image = build(&Program {
        features: "talking",
        ..Program::named("talking")
    })?;
    emulate(&image, &[])?;
    let image = build(&Program {
        features: "networked",
        ..Program::named("networked")
    })?;
    let server = UdpSocket::bind("127.0.0.1:0")?;
    let port = server.local_addr()?.port();
    let served = thread::spawn(move || serve(&server));
    // What is to lie in the flash is loaded from a file.
    let factory = project::target()?.join("firmware-port");
    fs::write(&factory, u32::from(port).to_le_bytes())?;
    let factory = format!(
        "loader,file={},addr={SERVER_PORT:#x},force-raw=on",
        factory.display()
    );
    let emulated = emulate(
        &image,
        &["-nic", "user,model=stellaris", "-device", &factory],
    );
    let served = served.join();
    served.unwrap_or_else(|_| bail!("the server of the image broke"))?;
    emulated
}

/// Where the image has the port of its server (`examples/firmware/memory.x`).
const SERVER_PORT: u32 = 256 * 1024 - 4;

fn emulate(image: &Path, more: &[&str]) -> Result<()> {
    // An image that hangs is a failure, not a hanging build.
    project::run(
        Command::new("timeout")
            .args(["60", "qemu-system-arm"])
            .args(more)
            .args(QEMU)
            .arg(image),
    )
    .context("the firmware image failed in QEMU (Debian package qemu-system-arm)")
}

/// Is the server of `networked`: takes its registration, reads its sensor, has it reboot, and lets it go.
fn serve(socket: &UdpSocket) -> Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut buffer = [0; 1500];
    let mut receive = || -> Result<(Vec<u8>, SocketAddr)> {
        let (len, device) = socket.recv_from(&mut buffer)?;
        Ok((buffer[..len].to_vec(), device))
    };
    let (register, device) = receive()?;
    ensure!(
        register.windows(3).any(|part| part == b"\xb2rd"),
        "no Register: {register:02x?}"
    );
    // 2.01 with the location rd/1.
    socket.send_to(&acknowledge(&register, 0x41, b"\x82rd\x011")?, device)?;
    // GET /3303/0/5700 in plain text: its acknowledgement has the value.
    socket.send_to(b"\x40\x01\0\x01\xb43303\x010\x045700\x60", device)?;
    let (answer, _) = receive()?;
    ensure!(
        answer.starts_with(b"\x60\x45\0\x01") && answer.ends_with(b"\xff21.5"),
        "no temperature: {answer:02x?}"
    );
    // POST /3/0/4.
    socket.send_to(b"\x40\x02\0\x02\xb13\x010\x014", device)?;
    let (answer, _) = receive()?;
    ensure!(answer == b"\x60\x44\0\x02", "no reboot: {answer:02x?}");
    // DELETE /rd/1.
    let (farewell, _) = receive()?;
    ensure!(
        farewell.get(1) == Some(&4) && farewell.ends_with(b"\xb2rd\x011"),
        "no De-register: {farewell:02x?}"
    );
    socket.send_to(&acknowledge(&farewell, 0x42, b"")?, device)?;
    Ok(())
}

/// The acknowledgement of a request, with the rest of an answer.
fn acknowledge(request: &[u8], code: u8, rest: &[u8]) -> Result<Vec<u8>> {
    let [first, _, high, low, ..] = *request else {
        bail!("no message: {request:02x?}");
    };
    let token = request.get(4..4 + usize::from(first & 15));
    let token = token.context("a message without its token")?;
    Ok([&[0x60 | first & 15, code, high, low], token, rest].concat())
}

/// One of the firmware's programs, and how to build it.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) features: &'static str,
    pub(crate) profile: &'static str,
}

impl Program {
    /// A program without features, in release mode.
    pub(crate) const fn named(name: &'static str) -> Self {
        Self {
            name,
            features: "",
            profile: "release",
        }
    }
}

/// Builds a program and gives the path of its ELF file.
pub(crate) fn build(program: &Program) -> Result<PathBuf> {
    build_for(thumb::TARGET, program)
}

/// The same for a target, by its name or its file.
pub(crate) fn build_for(target: &str, program: &Program) -> Result<PathBuf> {
    let folder = project::root().join("examples/firmware");
    let name = Path::new(target).file_stem().unwrap_or_default();
    project::run(
        thumb::build_for(target, program.profile)?
            .args(["--quiet", "--bin", program.name])
            .args(["--features", program.features])
            .current_dir(&folder),
    )?;
    Ok(thumb::target()?
        .join(name)
        .join(program.profile)
        .join(program.name))
}
