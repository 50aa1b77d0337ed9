//! Objects that the program does not have: from a folder, and uploaded to a running manager.

mod support;

use core::ops::ControlFlow;
use std::thread;

use dunlin_agent::objects::{Device, Security, Server};
use dunlin_agent::{Agent, Config, Execute, Object, Objects};
use rand::rngs::StdRng;
use support::{Serve, eventually};

const PUMP: &str = include_str!("../../crates/server/tests/http/pump.xml");

/// What `pump.xml` defines.
#[derive(Object)]
#[object(id = 42771, version = "1.1")]
struct Pump {
    #[resource(0, read)]
    label: &'static str,
    #[resource(1, read, write)]
    power: i64,
    #[resource(2, execute)]
    reset: Execute,
}

#[derive(Objects)]
struct Node {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
    pump: Pump,
}

/// A device with a pump; it runs until the test ends.
fn pump(coap: &str) {
    let node = Node {
        security: Security::no_sec(1, &format!("coap://{coap}")).expect("a URI"),
        server: Server::single(1, 300),
        device: Device::new("Dunlin", "Pump", "1"),
        pump: Pump {
            label: "42",
            power: 500,
            reset: Execute::new(),
        },
    };
    let rng: StdRng = rand::make_rng();
    let agent = Agent::new(node, Config::new("pump"), rng);
    thread::spawn(|| dunlin_agent::std::run(agent, |_, _| ControlFlow::Continue(())));
}

fn registered(serve: &Serve, folder: &std::path::Path) {
    eventually("the pump", || {
        (serve.client(folder, &["devices"]).json()["total"] == 1).then_some(())
    });
}

#[test]
fn an_uploaded_object_is_called_by_its_names_also_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let file = folder.join("pump.xml");
    std::fs::write(&file, PUMP).expect("writable");
    let serve = Serve::start(folder, &[]);
    pump(&serve.coap);
    registered(&serve, folder);
    let client = |arguments: &[&str]| serve.client(folder, arguments);

    // Nobody knows it yet.
    client(&["read", "pump", "heat_pump.power"]).failed(2, &["No object is called `heat_pump`"]);
    client(&["read", "pump", "/42771/0/1"]).succeeded();
    let wrong = folder.join("wrong.xml");
    std::fs::write(&wrong, PUMP.replace("Integer", "Number")).expect("writable");
    client(&["objects", "upload", "wrong.xml"]).failed(1, &["wrong.xml:24:5", "types"]);
    client(&["objects", "upload", "none.xml"]).failed(1, &["none.xml"]);

    let uploaded = client(&["objects", "upload", "pump.xml"]).json();
    assert_eq!(uploaded["objects"][0]["name"], "Heat Pump", "{uploaded}");
    let list = client(&["objects", "list", "pump"]).json();
    assert_eq!(list["total"], 1, "{list}");
    assert_eq!(list["objects"][0]["source"], "upload", "{list}");
    let shown = serve.person(folder, &["objects", "show", "heat_pump"]);
    shown.succeeded();
    assert!(
        shown
            .out
            .iter()
            .any(|line| line.contains("Power") && line.contains("0..3000")),
        "{shown:?}"
    );

    let read = |serve: &Serve| {
        let answer = serve.person(folder, &["read", "pump", "heat_pump.power"]);
        answer.succeeded();
        answer.out.join("\n")
    };
    assert_eq!(read(&serve), "500 W");
    let all = serve.person(folder, &["read", "pump", "/42771/0"]);
    assert!(all.out.iter().any(|line| line.contains("Label")), "{all:?}");
    client(&["write", "pump", "heat_pump.power", "750"]).succeeded();
    assert_eq!(read(&serve), "750 W");
    client(&["write", "pump", "heat_pump.power", "5000"])
        .failed(1, &["(Power) takes 0..3000: 5000 is out of range"]);
    client(&["write", "pump", "heat_pump.power", "much"]).failed(2, &["no integer"]);
    client(&["read", "pump", "heat_pump.powre"]).failed(2, &["Did you mean `power`?"]);
    client(&["execute", "pump", "heat_pump.reset"]).succeeded();
    let observed = serve.person(
        folder,
        &["observe", "pump", "heat_pump.power", "--count", "1"],
    );
    observed.succeeded();
    assert!(observed.out[0].ends_with("750 W"), "{observed:?}");
    assert!(observed.err.contains("(Power)"), "{observed:?}");
    let page = serve.get("/devices/pump");
    assert!(
        page.contains("Heat Pump") && page.contains("Power"),
        "{page}"
    );

    let (coap, http) = (serve.coap.clone(), serve.http.clone());
    serve.program.kill();
    let serve = Serve::start_on(folder, &coap, &http, &[]);
    assert_eq!(read(&serve), "750 W");
    serve
        .client(folder, &["objects", "remove", "42771", "1.1"])
        .succeeded();
    serve
        .client(folder, &["read", "pump", "heat_pump.power"])
        .failed(2, &["No object is called `heat_pump`"]);
}

#[test]
fn names_are_those_of_the_version_that_the_device_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let objects = folder.join("objects");
    std::fs::create_dir(&objects).expect("writable");
    std::fs::write(objects.join("pump.xml"), PUMP).expect("writable");
    // A version that is all different.
    let newer = PUMP
        .replace("1.1</ObjectV", "2.0</ObjectV")
        .replace("42771:1.1", "42771:2.0")
        .replace("Power", "Pressure");
    std::fs::write(objects.join("pump2.xml"), newer).expect("writable");
    let serve = Serve::start(folder, &["--objects", "objects"]);
    pump(&serve.coap);
    registered(&serve, folder);
    let client = |arguments: &[&str]| serve.client(folder, arguments);

    let read = client(&["read", "pump", "heat_pump.power"]).json();
    assert_eq!(read["records"][0]["value"], 500);
    client(&["read", "pump", "heat_pump.pressure"]).failed(2, &["no resource called `pressure`"]);
    let definitions = |arguments: &[&str]| {
        let shown = client(arguments).json();
        shown["definitions"][1]["name"].as_str().map(str::to_owned)
    };
    let newest = definitions(&["objects", "show", "heat_pump"]);
    assert_eq!(newest.as_deref(), Some("Pressure"));
    let of_device = definitions(&["objects", "show", "42771", "--device", "pump"]);
    assert_eq!(of_device.as_deref(), Some("Power"));
    let older = definitions(&["objects", "show", "heat_pump", "1.1"]);
    assert_eq!(older.as_deref(), Some("Power"));
    client(&["objects", "remove", "42771", "1.1"]).failed(1, &["was not uploaded"]);
}
