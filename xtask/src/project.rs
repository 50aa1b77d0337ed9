//! Where the project's things are, and how to run a program.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The crates that must build without `std` and without an allocator.
pub(crate) const CORE: [&str; 8] = [
    "dunlin-time",
    "dunlin-model",
    "dunlin-codec",
    "dunlin-coap",
    "dunlin-dtls",
    "dunlin-lwm2m",
    "dunlin-agent",
    "dunlin-agent-embassy",
];

/// The root of the repository.
///
/// As cargo tells it at run time: clones that share a target directory share this program too, whichever built it.
pub(crate) fn root() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
    });
    FOLDER.parent().expect("xtask lies in the repository")
}

/// The folder of installed tools, which outlives a clone: `$HOME/.cache/dunlin`.
pub(crate) fn cache() -> Result<PathBuf> {
    let home = env::var_os("HOME").context("HOME is not set")?;
    Ok(PathBuf::from(home).join(".cache/dunlin"))
}

/// Cargo, as it started this program.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a program to its end; an exit status other than 0 is an error that names it.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| missing(command))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a program and gives what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| missing(command))?;
    if !output.status.success() {
        bail!("{} ended with {}", shown(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("{} printed bytes that are not UTF-8", shown(command)))
}

/// What Cargo knows of the workspace, without its dependencies.
pub(crate) fn metadata() -> Result<Value> {
    let text = output(cargo().args([
        "metadata",
        "--format-version",
        "1",
        "--no-deps",
        "--offline",
    ]))?;
    Ok(serde_json::from_str(&text)?)
}

/// Cargo's target folder for this build.
pub(crate) fn target() -> Result<PathBuf> {
    let metadata = metadata()?;
    let folder = metadata["target_directory"]
        .as_str()
        .context("cargo metadata names no target_directory")?;
    Ok(PathBuf::from(folder))
}

/// Builds the `dunlin` program in release mode and gives its path.
pub(crate) fn program() -> Result<PathBuf> {
    run(cargo().args(["build", "--release", "--package", "dunlin-cli"]))?;
    Ok(target()?.join("release/dunlin"))
}

/// Builds the examples `coap_client` and `coap_server` and gives their paths.
pub(crate) fn coap_examples() -> Result<(PathBuf, PathBuf)> {
    run(cargo().args([
        "build",
        "--package",
        "dunlin",
        "--features",
        "coap-tokio",
        "--example",
        "coap_client",
        "--example",
        "coap_server",
    ]))?;
    let folder = target()?.join("debug/examples");
    Ok((folder.join("coap_client"), folder.join("coap_server")))
}

/// Builds the examples `dtls_client` and `dtls_server` and gives their paths.
pub(crate) fn dtls_examples() -> Result<(PathBuf, PathBuf)> {
    run(cargo().args([
        "build",
        "--package",
        "dunlin-dtls",
        "--all-features",
        "--example",
        "dtls_client",
        "--example",
        "dtls_server",
    ]))?;
    let folder = target()?.join("debug/examples");
    Ok((folder.join("dtls_client"), folder.join("dtls_server")))
}

/// A Python interpreter in which `tests/interop/requirements.txt` is installed.
pub(crate) fn python() -> Result<PathBuf> {
    let venv = cache()?.join("venv");
    let python = venv.join("bin/python");
    let wanted = root().join("tests/interop/requirements.txt");
    let installed = venv.join("requirements.txt");
    if same(&wanted, &installed) {
        return Ok(python);
    }
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&venv))?;
    run(Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ])
        .arg(&wanted))?;
    std::fs::copy(&wanted, &installed)?;
    Ok(python)
}

/// A folder in which the packages of `tests/interop/package-lock.json` are installed by npm.
pub(crate) fn node_modules() -> Result<PathBuf> {
    let folder = cache()?.join("node");
    let lock = root().join("tests/interop/package-lock.json");
    let installed = folder.join("installed-lock.json");
    if !same(&lock, &installed) {
        std::fs::create_dir_all(&folder)?;
        std::fs::copy(&lock, folder.join("package-lock.json"))?;
        std::fs::copy(
            root().join("tests/interop/package.json"),
            folder.join("package.json"),
        )?;
        run(Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(&folder))?;
        std::fs::copy(&lock, &installed)?;
    }
    Ok(folder.join("node_modules"))
}

fn same(one: &Path, other: &Path) -> bool {
    match (std::fs::read(one), std::fs::read(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn missing(command: &Command) -> String {
    format!(
        "cannot start {}; `.ci/run` installs what is missing",
        command.get_program().to_string_lossy()
    )
}

fn shown(command: &Command) -> String {
    core::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
