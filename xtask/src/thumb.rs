//! `cargo xtask no-std`: the core for `thumbv7m-none-eabi`, and each of its crates linked without an allocator.
//!
//! The rustup toolchain has no standard library for that target, so `core` is built from source, by Debian's
//! `rustc-web` with `rust-web-src`, and linked by the toolchain's own `rust-lld`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::project;

/// The target: a Cortex-M3.
pub(crate) const TARGET: &str = "thumbv7m-none-eabi";

/// Ciphers and hashes in the smaller of their two forms, which loop where the other is unrolled: what a firmware chooses
/// that has more time than flash. They are crates of others, which have no features for it.
const SMALL: &str = r#"--cfg aes_backend_soft="compact" --cfg sha2_backend_soft="compact""#;

pub(crate) fn run() -> Result<()> {
    let mut build = build("release")?;
    for package in project::CORE {
        build.args(["--package", package]);
    }
    project::run(&mut build)?;
    for package in project::CORE {
        link(package)?;
        println!("{package}: links without an allocator");
    }
    Ok(())
}

/// The compiler.
fn rustc() -> Result<String> {
    Ok(
        project::output(Command::new("dpkg").args(["-L", "rustc-web"]))
            .context("the Debian package rustc-web is not installed")?
            .lines()
            .find(|line| line.ends_with("bin/rustc"))
            .context("the Debian package rustc-web has no rustc")?
            .to_owned(),
    )
}

/// `cargo build` for the target with one of the profiles, in the repository's root.
pub(crate) fn build(profile: &str) -> Result<Command> {
    build_for(TARGET, profile)
}

/// The same target without frame pointers, which it has by default and other compilers leave out: a file for
/// [`build_for`].
pub(crate) fn without_frame_pointers() -> Result<PathBuf> {
    let specification = project::output(
        Command::new(rustc()?)
            .env("RUSTC_BOOTSTRAP", "1")
            .args(["-Zunstable-options", "--print", "target-spec-json"])
            .args(["--target", TARGET]),
    )?;
    let with = r#""frame-pointer": "always""#;
    ensure!(
        specification.contains(with),
        "the target has no frame pointers to leave out"
    );
    let path = target()?.join("thumbv7m-lean.json");
    fs::create_dir_all(target()?)?;
    fs::write(
        &path,
        specification.replace(with, r#""frame-pointer": "may-omit""#),
    )?;
    Ok(path)
}

/// `cargo build` for a target, by its name or its file.
pub(crate) fn build_for(target_name: &str, profile: &str) -> Result<Command> {
    let rustc = rustc()?;
    let sysroot = project::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let linker =
        Path::new(sysroot.trim()).join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld");
    let mut command = project::cargo();
    command
        .env("RUSTC", rustc)
        .env("RUSTC_BOOTSTRAP", "1")
        .env(
            "RUSTFLAGS",
            format!("-Clinker={} {SMALL}", linker.display()),
        )
        .env("CARGO_TARGET_DIR", target()?)
        .args(["build", "--profile", profile, "--target", target_name])
        .args([
            "-Zbuild-std=core,compiler_builtins",
            "-Zbuild-std-features=compiler-builtins-mem",
        ]);
    if target_name != TARGET {
        command.arg("-Zjson-target-spec");
    }
    Ok(command)
}

/// The target folder of these builds; apart from the host's, since the compiler is another.
pub(crate) fn target() -> Result<PathBuf> {
    Ok(project::target()?.join("thumb"))
}

/// Links one crate into a static library of a `no_std` program: a dependency that needs `alloc` fails here.
fn link(package: &str) -> Result<()> {
    let folder = project::target()?.join("thumb-links").join(package);
    fs::create_dir_all(folder.join("src"))?;
    let manifest = folder.join("Cargo.toml");
    let crate_folder = project::root()
        .join("crates")
        .join(package.strip_prefix("dunlin-").unwrap_or(package));
    // What a crate links only on demand.
    let features = match package {
        "dunlin-agent" => "[\"storage\"]",
        "dunlin-agent-embassy" => "[\"bootstrap\"]",
        _ => "[]",
    };
    fs::write(
        &manifest,
        format!(
            "[package]\nname = \"link-{package}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [lib]\ncrate-type = [\"staticlib\"]\n\n\
             [dependencies]\n{package} = {{ path = \"{}\", default-features = false, features = {features} }}\n\n\
             [profile.release]\npanic = \"abort\"\n\n[workspace]\n",
            crate_folder.display()
        ),
    )?;
    fs::write(
        folder.join("src/lib.rs"),
        format!(
            "#![no_std]\npub extern crate {};\n\n#[panic_handler]\n\
             fn panic(_: &core::panic::PanicInfo<'_>) -> ! {{\n    loop {{}}\n}}\n",
            package.replace('-', "_")
        ),
    )?;
    // The same versions as the workspace; Cargo drops what the crate does not need.
    fs::copy(
        project::root().join("Cargo.lock"),
        folder.join("Cargo.lock"),
    )?;
    project::run(
        build("release")?
            .arg("--quiet")
            .arg("--manifest-path")
            .arg(manifest),
    )
}
