//! `dunlin objgen`: what it writes compiles, for every object of the registry.

use core::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const DUNLIN: &str = env!("CARGO_BIN_EXE_dunlin");

fn xml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            path.extension().is_some_and(|extension| extension == "xml")
                && stem.is_some_and(|stem| stem.bytes().all(|byte| byte.is_ascii_digit()))
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_object_of_the_registry_compiles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let objects = root.join("../shared/oma/objects");
    if !objects.exists() {
        println!("skipped: ../shared/oma/objects is not here");
        return;
    }
    let files = xml_files(&objects);
    assert!(files.len() > 240, "{}", files.len());

    // A crate of its own, without std, beside the other products of the build.
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated-objects");
    let source = package.join("src");
    let _ = fs::remove_dir_all(&source);
    fs::create_dir_all(&source).expect("writable");
    let status = Command::new(DUNLIN)
        .arg("objgen")
        .args(&files)
        .arg("--output")
        .arg(&source)
        .status()
        .expect("the program runs");
    assert!(status.success());
    let mut library = String::from("#![no_std]\n#![deny(warnings, missing_docs)]\n//! Objects.\n");
    let mut count = 0;
    for entry in fs::read_dir(&source).expect("readable") {
        let name = entry.expect("readable").file_name();
        let name = name.to_str().expect("ASCII").trim_end_matches(".rs");
        writeln!(library, "pub mod {name};").expect("memory");
        count += 1;
    }
    assert_eq!(count, files.len());
    fs::write(source.join("lib.rs"), library).expect("writable");
    let agent = root.join("crates/agent");
    let agent = agent.canonicalize().expect("the agent is there");
    fs::write(
        package.join("Cargo.toml"),
        format!(
            "[package]\nname = \"generated-objects\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\ndunlin-agent = {{ path = {agent:?} }}\n"
        ),
    )
    .expect("writable");
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).expect("the lock file is there");

    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["check", "--quiet", "--offline"])
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    let start: String = errors.chars().take(4000).collect();
    assert!(output.status.success(), "{start}");
}

#[test]
fn prints_one_and_refuses_what_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let bad = folder.path().join("bad.xml");
    fs::write(&bad, "<LWM2M>\n<Object/>\n</LWM2M>").expect("writable");
    let output = Command::new(DUNLIN)
        .arg("objgen")
        .arg(&bad)
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("bad.xml:2:1: `Object` has no `ObjectID`"),
        "{text}"
    );
}
