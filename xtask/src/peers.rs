//! The foreign DTLS peers that are compiled here, for `cargo xtask interop`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::project;

/// The crate whose package contains the source of mbed TLS 3.6.
const SOURCE: &str = "mbedtls-rs-sys";

/// Builds `mbedtls_peer.c` with Debian's mbed TLS.
pub(crate) fn mbedtls() -> Result<PathBuf> {
    let program = folder()?.join("mbedtls_peer");
    project::run(compiler().arg("-o").arg(&program).arg(peer()).args([
        "-lmbedtls",
        "-lmbedx509",
        "-lmbedcrypto",
    ]))?;
    Ok(program)
}

/// Builds `mbedtls_peer.c` with mbed TLS 3.6, which has the connection ids of RFC 9146.
pub(crate) fn mbedtls_cid() -> Result<PathBuf> {
    let source = mbedtls_source()?;
    let library = mbedtls_library(&source)?;
    let program = folder()?.join("mbedtls_cid_peer");
    project::run(
        compiler()
            .arg("-I")
            .arg(source.join("include"))
            .arg("-o")
            .arg(&program)
            .arg(peer())
            .arg(library),
    )?;
    Ok(program)
}

/// Where Cargo has unpacked the source.
fn mbedtls_source() -> Result<PathBuf> {
    let text = project::output(
        project::cargo()
            .args(["metadata", "--locked", "--format-version", "1"])
            .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
            .arg("--manifest-path")
            .arg(project::root().join("tests/interop/dtls/mbedtls-source/Cargo.toml")),
    )?;
    let metadata: Value = serde_json::from_str(&text)?;
    let manifest = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == SOURCE)
        .and_then(|package| package["manifest_path"].as_str())
        .with_context(|| format!("cargo metadata names no {SOURCE}"))?;
    Ok(Path::new(manifest).with_file_name("mbedtls"))
}

/// The library, compiled once for each version into the cache.
fn mbedtls_library(source: &Path) -> Result<PathBuf> {
    let version = source
        .parent()
        .and_then(Path::file_name)
        .context("the source lies in its crate")?;
    let folder = project::cache()?.join("mbedtls").join(version);
    let library = folder.join("libmbedtls.a");
    if library.exists() {
        return Ok(library);
    }
    fs::create_dir_all(&folder)?;
    let sources = files(&source.join("library"), "c")?;
    project::run(
        Command::new("cc")
            .args(["-O1", "-w", "-c", "-I"])
            .arg(source.join("include"))
            .arg("-I")
            .arg(source.join("library"))
            .args(
                ["everest/include", "everest/include/everest", "p256-m"]
                    .map(|part| format!("-I{}", source.join("3rdparty").join(part).display())),
            )
            .args(sources)
            .current_dir(&folder),
    )?;
    // The library appears when it is whole.
    let unfinished = folder.join("unfinished.a");
    project::run(
        Command::new("ar")
            .arg("rcs")
            .arg(&unfinished)
            .args(files(&folder, "o")?),
    )?;
    fs::rename(unfinished, &library)?;
    Ok(library)
}

fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn compiler() -> Command {
    let mut command = Command::new("cc");
    command.args(["-O1", "-Wall", "-Wextra"]);
    command
}

fn peer() -> PathBuf {
    project::root().join("tests/interop/dtls/mbedtls_peer.c")
}

fn folder() -> Result<PathBuf> {
    let folder = project::target()?.join("peers");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
