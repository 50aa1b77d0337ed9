//! A manager, a simulated device and every client command, over real sockets.

mod support;

use support::{Program, Serve, run};

#[test]
fn a_device_is_listed_and_takes_every_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let serve = Serve::start(folder, &[]);
    let agent = serve.agent(folder, "urn:dev:os:32473-1");
    let device = "urn:dev:os:32473-1";
    let client = |arguments: &[&str]| serve.client(folder, arguments);
    let read = |path: &str| client(&["read", device, path]).json()["records"][0]["value"].clone();

    let list = client(&["devices"]).json();
    assert_eq!(list["total"], 1);
    assert_eq!(list["devices"][0]["endpoint"], device);
    assert_eq!(list["devices"][0]["state"], "registered");
    assert_eq!(client(&["devices", "nobody"]).json()["total"], 0);

    assert!(
        read("device.battery_level")
            .as_i64()
            .is_some_and(|level| (0..=100).contains(&level))
    );
    assert_eq!(read("/3/0/0"), "Dunlin");
    for format in ["tlv", "senml-cbor", "text"] {
        let answer = client(&["read", device, "device.manufacturer", "--format", format]).json();
        assert_eq!(answer["records"][0]["value"], "Dunlin", "{format}");
    }
    assert!(
        client(&["read", device, "device"]).json()["records"]
            .as_array()
            .is_some_and(|records| records.len() > 5)
    );

    client(&["write", device, "device.timezone", "Europe/Lisbon"]).succeeded();
    assert_eq!(read("device.timezone"), "Europe/Lisbon");
    client(&[
        "write",
        device,
        "server.0",
        "--partial",
        "default_minimum_period=1",
        "default_maximum_period=20",
    ])
    .succeeded();
    assert_eq!(read("server.default_maximum_period"), 20);
    client(&["write", device, "server.lifetime", "120"]).succeeded();
    support::eventually("the new lifetime", || {
        (client(&["devices"]).json()["devices"][0]["lifetime_seconds"] == 120).then_some(())
    });

    client(&[
        "execute",
        device,
        "temperature.reset_min_and_max_measured_values",
    ])
    .succeeded();
    agent.json(|line| line["event"] == "executed");

    let created = client(&["create", device, "temperature.2"]).json();
    assert_eq!(created["path"], "/3303/2");
    client(&["read", device, "temperature.2.sensor_value"]).succeeded();
    client(&["delete", device, "temperature.2"]).succeeded();
    client(&["read", device, "temperature.2"]).failed(1, &["4.04"]);

    client(&[
        "attributes",
        device,
        "temperature.sensor_value",
        "pmin=1",
        "pmax=30",
    ])
    .succeeded();
    let links = client(&["discover", device, "temperature.0"]).json();
    let attributes = links["links"]
        .as_array()
        .expect("links")
        .iter()
        .find(|link| link["path"] == "/3303/0/5700");
    assert_eq!(
        attributes.expect("the sensor value")["attributes"]["pmax"],
        "30",
        "{links}"
    );

    let detail = client(&["device", device]).json();
    let objects: Vec<_> = detail["objects"]
        .as_array()
        .expect("objects")
        .iter()
        .map(|object| object["id"].clone())
        .collect();
    assert_eq!(objects, [1, 3, 3303]);

    agent.interrupt().succeeded();
    support::eventually("the device to leave", || {
        (client(&["devices"]).json()["devices"][0]["state"] == "offline").then_some(())
    });
    serve.program.interrupt().succeeded();
}

#[test]
fn values_stream_until_there_are_enough_and_the_observation_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let serve = Serve::start(folder, &[]);
    let _agent = serve.agent(folder, "pilot");
    let observations = || serve.client(folder, &["device", "pilot"]).json()["observations"].clone();

    let ended = serve.client(
        folder,
        &[
            "observe",
            "pilot",
            "temperature.sensor_value",
            "--count",
            "3",
        ],
    );
    ended.succeeded();
    assert_eq!(ended.out.len(), 3, "{ended:?}");
    assert!(
        ended
            .out
            .iter()
            .all(|line| line.contains(r#""path":"/3303/0/5700""#)),
        "{ended:?}"
    );
    assert_eq!(observations(), serde_json::json!([]));

    serve
        .client(
            folder,
            &[
                "observe",
                "pilot",
                "device.battery_level",
                "--count",
                "1",
                "--keep",
            ],
        )
        .succeeded();
    assert_eq!(observations()[0]["path"], "/3/0/9");
    serve
        .client(folder, &["cancel", "pilot", "device.battery_level"])
        .succeeded();
    assert_eq!(observations(), serde_json::json!([]));

    let watcher = Program::start(
        folder,
        &["observe", "pilot", "/3303/0/5700", "--api", &serve.api],
    );
    watcher.line(|line| {
        line.rsplit(' ')
            .next()
            .is_some_and(|value| value.parse::<f64>().is_ok())
    });
    watcher.interrupt().succeeded();
    assert_eq!(observations(), serde_json::json!([]));
}

#[test]
fn events_come_as_they_happen() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let serve = Serve::start(folder, &[]);
    let events = Program::start(
        folder,
        &[
            "events",
            "--json",
            "--api",
            &serve.api,
            "--endpoint",
            "pilot",
        ],
    );
    // The stream is open when a device that comes later is seen; until then devices come and go. It may open while one
    // is there, and then sees it only go.
    support::eventually("a registration", || {
        serve.agent(folder, "pilot").interrupt().succeeded();
        let registered = |line: &String| line.contains("\"registered\"");
        events.lines().iter().any(registered).then_some(())
    });
    events.json(|event| event["type"] == "registered" && event["endpoint"] == "pilot");
    events.json(|event| event["type"] == "deregistered");
    // A manager that goes is an error to whoever watches it.
    serve.program.signal("TERM");
    serve.program.wait().succeeded();
    events.wait().failed(1, &["closed"]);
}

#[test]
fn for_a_person_there_are_tables_and_sentences() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let serve = Serve::start(folder, &[]);
    let nobody = serve.person(folder, &["devices"]);
    assert!(
        nobody.out[0].contains("No device has registered yet"),
        "{nobody:?}"
    );
    let _agent = serve.agent(folder, "pilot");
    let devices = serve.person(folder, &["devices"]);
    assert!(devices.out[0].starts_with("ENDPOINT  STATE"), "{devices:?}");
    assert!(
        devices.out[1].starts_with("pilot     registered"),
        "{devices:?}"
    );
    let level = serve.person(folder, &["read", "pilot", "device.battery_level"]);
    assert!(level.out[0].ends_with(" /100"), "{level:?}");
    let written = serve.person(folder, &["write", "pilot", "device.utc_offset", "+01:00"]);
    let after = run(
        folder,
        &[
            "write",
            "pilot",
            "device.utc_offset",
            "+01:00",
            "--api",
            &serve.api,
        ],
    );
    assert_eq!(after.out, written.out, "options may stand behind the value");
    assert_eq!(written.out, ["Wrote /3/0/14 (UTC Offset): +01:00."]);
}

#[test]
fn what_goes_wrong_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let serve = Serve::start(folder, &[]);
    let _agent = serve.agent(folder, "pilot");
    let person = |arguments: &[&str]| serve.person(folder, arguments);

    person(&["read", "nobody", "/3"]).failed(1, &["nobody", "dunlin devices"]);
    person(&["write", "pilot", "/3/0/0", "x"]).failed(1, &["4.05", "Method Not Allowed"]);
    person(&["read", "pilot", "device.batery_level"]).failed(2, &["battery_level"]);
    person(&["write", "pilot", "server.lifetime", "long"]).failed(2, &["whole number"]);
    person(&["read", "pilot"]).failed(2, &["PATH", "Usage"]);
    let refused = serve.client(folder, &["write", "pilot", "/3/0/0", "x"]);
    refused.failed(1, &[r#""code":"4.05""#]);

    let gone = serve.api.clone();
    serve.program.interrupt().succeeded();
    run(folder, &["devices", "--api", &gone]).failed(1, &[&gone, "dunlin serve", "--api"]);
}
