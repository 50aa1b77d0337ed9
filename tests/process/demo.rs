//! `dunlin demo` as a newcomer and a script run it.

mod support;

use serde_json::Value;
use std::process::Command;

use support::{Program, run};

#[test]
fn ends_by_itself_and_every_device_was_heard_and_read() {
    ends_well(&[]);
}

#[test]
fn every_device_is_heard_and_read_over_dtls_too() {
    ends_well(&["--secure"]);
}

fn ends_well(more: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut arguments = vec![
        "demo",
        "--devices",
        "10",
        "--seconds",
        "5",
        "--json",
        "--http",
        "127.0.0.1:0",
        "--coap",
        "127.0.0.1:0",
    ];
    arguments.extend(more);
    let ended = run(folder.path(), &arguments);
    ended.succeeded();
    let lines: Vec<Value> = ended
        .out
        .iter()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect();
    let [ready, .., sums] = lines.as_slice() else {
        panic!("{ended:?}")
    };
    assert!(
        ready["http"]
            .as_str()
            .is_some_and(|http| http.starts_with("127.0.0.1:")),
        "{ready}"
    );
    let number = |name: &str| {
        sums[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name} in {sums}"))
    };
    assert_eq!(
        (number("devices"), number("registered"), number("errors")),
        (10, 10, 0),
        "{ended:?}"
    );
    // Three objects of every device.
    assert!(number("reads_ok") >= 30, "{sums}");
    assert!(number("notifications") >= 10, "{sums}");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        0,
        "it leaves nothing behind"
    );
}

#[test]
fn shows_where_to_look_and_commands_that_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = Program::start(
        folder.path(),
        &[
            "demo",
            "--devices",
            "3",
            "--http",
            "127.0.0.1:0",
            "--coap",
            "127.0.0.1:0",
        ],
    );
    demo.line(|line| line.contains("Portal") && line.contains("http://127.0.0.1:"));
    demo.line(|line| line.ends_with("demo-1  registered"));
    // As a newcomer would: each command into another shell, in the same folder.
    for (start, end) in [
        ("devices", ""),
        ("device demo-1", ""),
        ("read demo-1", "/100"),
        ("write demo-1", "Europe/Lisbon."),
        ("execute demo-1", "(Reboot)."),
    ] {
        let line = demo.line(|line| {
            line.contains(&format!("dunlin {start} ")) && !line.trim_start().starts_with('#')
        });
        let command = line.split('#').next().expect("a command");
        let copied = Command::new("sh")
            .current_dir(folder.path())
            .args(["-c", command])
            .output()
            .expect("a shell");
        let out = String::from_utf8_lossy(&copied.stdout);
        assert!(
            copied.status.success() && out.trim().ends_with(end),
            "{command}: {copied:?}"
        );
    }
    demo.line(|line| line.ends_with("demo-1  registered again"));
    let ended = demo.interrupt();
    ended.succeeded();
    assert!(
        ended
            .out
            .iter()
            .any(|line| line.starts_with("3 of 3 devices registered")),
        "{ended:?}"
    );
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = || {
        Program::start(
            folder.path(),
            &["demo", "--devices", "2", "--seconds", "3", "--json"],
        )
    };
    let (one, other) = (start(), start());
    for ended in [one.wait(), other.wait()] {
        ended.succeeded();
        assert!(
            ended
                .out
                .last()
                .is_some_and(|line| line.contains(r#""registered":2"#)),
            "{ended:?}"
        );
    }
}
