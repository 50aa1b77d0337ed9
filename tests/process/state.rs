//! A device that is killed without warning and started again, with what it has kept.

mod support;

use core::net::SocketAddr;
use std::collections::{HashMap, HashSet};
use std::net::UdpSocket;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use support::{Program, Serve, run};

/// Starts the device with a folder for its state.
fn device(folder: &Path, uri: &str, more: &[&str]) -> Program {
    let mut arguments = vec![
        "agent",
        "--json",
        "--server",
        uri,
        "--endpoint",
        "urn:dev:pilot",
        "--interval",
        "0.3",
        "--state",
        "devices",
    ];
    arguments.extend(more);
    Program::start(folder, &arguments)
}

/// Waits until the device's first word about its registration, which is to be that it has renewed it.
#[track_caller]
fn goes_on(device: &Program) {
    let first = device.json(|line| {
        let event = line["event"].as_str().unwrap_or_default();
        event.contains("regist") || event == "updated"
    });
    assert_eq!(first["event"], "updated", "{:?}", device.lines());
}

/// Whether values of the device keep coming. The manager may renew the observation of a device that has another address.
#[track_caller]
fn is_heard(serve: &Serve, folder: &Path) {
    let arguments = [
        "events",
        "--json",
        "--api",
        &serve.api,
        "--endpoint",
        "urn:dev:pilot",
        "--count",
        "4",
    ];
    let events = Program::start(folder, &arguments).wait();
    events.succeeded();
    let is = |event: &String, kind: &str| event.contains(&format!(r#""type":"{kind}""#));
    let expected = ["notification", "updated", "observation_started"];
    let known = |event| expected.iter().any(|kind| is(event, kind));
    assert!(events.out.iter().all(known), "{events:?}");
    assert!(events.out.iter().any(|event| is(event, "notification")));
}

fn observe(serve: &Serve, folder: &Path) {
    let path = "temperature.sensor_value";
    let arguments = ["observe", "urn:dev:pilot", path, "--count", "1", "--keep"];
    serve.client(folder, &arguments).succeeded();
}

#[test]
fn a_device_goes_on_after_kill_without_registering_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let serve = Serve::start(folder, &[]);
    let uri = format!("coap://{}", serve.coap);
    let agent = device(folder, &uri, &[]);
    agent.json(|line| line["event"] == "registered");
    observe(&serve, folder);
    let write = ["write", "urn:dev:pilot", "server.lifetime", "400"];
    serve.client(folder, &write).succeeded();
    agent.json(|line| line["event"] == "updated");
    // No two processes have the device at a time.
    device(folder, &uri, &[])
        .wait()
        .failed(1, &["Another process", "--endpoint"]);
    agent.kill();

    let agent = device(folder, &uri, &[]);
    goes_on(&agent);
    is_heard(&serve, folder);
    // What the server wrote outlives the command line.
    let read = ["read", "urn:dev:pilot", "server.lifetime"];
    assert_eq!(
        serve.client(folder, &read).json()["records"][0]["value"],
        400
    );
    assert!(
        serve.metric("dunlin_registered_total") < 1.5,
        "one registration"
    );
    // Whoever leaves in order has nothing to go on with.
    agent.interrupt().succeeded();
    let agent = device(folder, &uri, &[]);
    agent.json(|line| line["event"] == "registered");
    // With another server on the command line it is another account: nothing of the old one is of use there.
    agent.kill();
    let other = tempfile::tempdir().expect("a folder");
    let other = Serve::start(other.path(), &[]);
    let agent = device(folder, &format!("coap://{}", other.coap), &[]);
    agent.json(|line| line["event"] == "registered");
    agent.interrupt().succeeded();
    // The file is for its owner alone, and what is no state is refused.
    let file = folder.join("devices").join("urn:dev:pilot.state");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file)
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
    std::fs::write(&file, vec![0; 100_000]).expect("writable");
    device(folder, &uri, &[])
        .wait()
        .failed(1, &["urn:dev:pilot.state", "Remove the file"]);
    run(folder, &["agent", "--state", "devices"]).failed(2, &["--endpoint"]);
}

/// Epoch and number of each protected record of a device, and the addresses that they came from.
type Notes = (Vec<[u8; 8]>, HashSet<SocketAddr>);

/// Carries datagrams between devices and a server, from a socket of its own for each address, and notes what the devices
/// send.
struct Relay {
    address: SocketAddr,
    records: Arc<Mutex<Notes>>,
}

impl Relay {
    fn start(server: SocketAddr) -> Self {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").expect("a socket"));
        let address = socket.local_addr().expect("an address");
        let records = Arc::new(Mutex::new(Notes::default()));
        let notes = Arc::clone(&records);
        thread::spawn(move || {
            let mut ways: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
            let mut buffer = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let bytes = &buffer[..length];
                let mut noted = notes.lock().expect("not poisoned");
                noted.1.insert(from);
                noted.0.extend(numbers(bytes));
                drop(noted);
                let way = ways.entry(from).or_insert_with(|| {
                    let way = Arc::new(UdpSocket::bind("127.0.0.1:0").expect("a socket"));
                    way.connect(server).expect("a way");
                    let (back, device) = (Arc::clone(&way), Arc::clone(&socket));
                    thread::spawn(move || {
                        let mut buffer = [0; 2048];
                        while let Ok(length) = back.recv(&mut buffer) {
                            let _ = device.send_to(&buffer[..length], from);
                        }
                    });
                    way
                });
                let _ = way.send(bytes);
            }
        });
        Self { address, records }
    }
}

/// Epoch and number of the protected records in a datagram (RFC 6347 §4.1), those with a connection id included (RFC 9146
/// §4), whose length only the server knows: they are alone in their datagram here.
fn numbers(mut bytes: &[u8]) -> Vec<[u8; 8]> {
    let mut found = Vec::new();
    while let Some(header) = bytes.first_chunk::<11>() {
        let number: [u8; 8] = header[3..].try_into().expect("eight bytes");
        if number[..2] != [0, 0] {
            found.push(number);
        }
        let Some(length) = bytes.get(11..13).filter(|_| header[0] != 25) else {
            break;
        };
        let end = 13 + usize::from(u16::from_be_bytes([length[0], length[1]]));
        bytes = bytes.get(end..).unwrap_or_default();
    }
    found
}

#[test]
fn an_association_goes_on_after_kill_and_no_nonce_serves_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let serve = Serve::start(folder, &["--coap", "coaps://127.0.0.1:0"]);
    let ready = serve.program.json(|line| line.get("coaps").is_some());
    let secure = ready["coaps"][0].as_str().expect("an address");
    let key = "hex:00112233445566778899aabbccddeeff";
    let credential = [
        "security",
        "add",
        "urn:dev:pilot",
        "--psk-identity",
        "pilot",
        "--psk",
        key,
    ];
    serve.client(folder, &credential).succeeded();
    let relay = Relay::start(secure.parse().expect("an address"));
    let uri = format!("coaps://{}", relay.address);
    let proof = ["--psk-identity", "pilot", "--psk", key];
    let agent = device(folder, &uri, &proof);
    agent.json(|line| line["event"] == "registered");
    observe(&serve, folder);
    agent.kill();
    for _ in 0..3 {
        let agent = device(folder, &uri, &proof);
        goes_on(&agent);
        is_heard(&serve, folder);
        agent.kill();
    }
    let noted = relay.records.lock().expect("not poisoned");
    let (numbers, addresses) = &*noted;
    assert_eq!(addresses.len(), 4, "each process has a socket of its own");
    let distinct: HashSet<_> = numbers.iter().collect();
    assert_eq!(
        distinct.len(),
        numbers.len(),
        "a nonce is a number, and serves once"
    );
    assert!(numbers.len() > 10, "{}", numbers.len());
    assert!(
        serve.metric("dunlin_registered_total") < 1.5,
        "one registration"
    );
}
