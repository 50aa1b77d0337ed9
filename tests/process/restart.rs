//! A manager that is killed without warning and started again.

mod support;

use support::{Program, Serve, eventually};

/// The devices do not notice: they are listed, answer, and their values keep coming, without registering again.
#[test]
fn devices_stay_usable_after_kill_without_registering_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let serve = Serve::start(folder, &[]);
    let agent = serve.agent(folder, "pilot");
    serve
        .client(
            folder,
            &[
                "observe",
                "pilot",
                "temperature.sensor_value",
                "--count",
                "1",
                "--keep",
            ],
        )
        .succeeded();
    let (coap, http) = (serve.coap.clone(), serve.http.clone());
    serve.program.kill();

    let serve = Serve::start_on(folder, &coap, &http, &[]);
    let list = serve.client(folder, &["devices"]).json();
    assert_eq!(list["devices"][0]["endpoint"], "pilot");
    assert_eq!(list["devices"][0]["state"], "registered");
    let level = serve
        .client(folder, &["read", "pilot", "device.battery_level"])
        .json();
    assert!(level["records"][0]["value"].is_number(), "{level}");
    let detail = serve.client(folder, &["device", "pilot"]).json();
    assert_eq!(
        detail["observations"][0]["path"], "/3303/0/5700",
        "{detail}"
    );
    // Values keep coming, and they are the device's news, not memories: two with different times.
    let events = Program::start(
        folder,
        &[
            "events",
            "--json",
            "--api",
            &serve.api,
            "--endpoint",
            "pilot",
            "--count",
            "2",
        ],
    );
    let events = events.wait();
    events.succeeded();
    assert!(
        events
            .out
            .iter()
            .all(|event| event.contains(r#""notification""#)),
        "{events:?}"
    );
    serve
        .client(
            folder,
            &["write", "pilot", "device.timezone", "Europe/Lisbon"],
        )
        .succeeded();
    assert!(
        serve.metric("dunlin_registered_total") < 0.5,
        "nobody registered at the new process"
    );
    // The device's own account of it: one registration, before the kill.
    let registrations = agent
        .lines()
        .iter()
        .filter(|line| line.contains(r#""event":"registered""#))
        .count();
    assert_eq!(registrations, 1, "{:?}", agent.lines());
    assert!(
        !agent.lines().iter().any(|line| line.contains("unobserved")),
        "{:?}",
        agent.lines()
    );
    agent.interrupt().succeeded();
    eventually("the device to leave", || {
        (serve.client(folder, &["devices"]).json()["devices"][0]["state"] == "offline")
            .then_some(())
    });
}

/// An orderly end keeps everything as well.
#[test]
fn an_orderly_end_keeps_what_is_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let serve = Serve::start(folder, &[]);
    let agent = serve.agent(folder, "pilot");
    serve
        .client(folder, &["read", "pilot", "device.manufacturer"])
        .succeeded();
    serve.program.signal("TERM");
    serve.program.wait().succeeded();
    agent.kill();

    let serve = Serve::start(folder, &[]);
    let detail = serve.client(folder, &["device", "pilot"]).json();
    let known = detail.to_string();
    assert!(known.contains(r#""value":"Dunlin""#), "{known}");
}
