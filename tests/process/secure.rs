//! Devices over DTLS, against the real program.

mod support;

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashSet;
use std::net::UdpSocket;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, Token, Type};
use dunlin_dtls::{
    CertificateTypes, Config, Connection, Credentials, Datagram, Event, Output, Presented,
    PrivateKey, PskKey, Session,
};
use dunlin_time::Instant;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use support::{Serve, run};

/// What a device proves itself by.
enum Proof {
    Psk(Vec<u8>, Vec<u8>),
    Key(PrivateKey),
}

impl Credentials for Proof {
    type Peer = [u8; 91];

    fn own_psk(&self) -> Option<(&[u8], PskKey)> {
        match self {
            Self::Psk(identity, key) => Some((identity, PskKey::new(key)?)),
            Self::Key(_) => None,
        }
    }

    fn private_key(&self) -> Option<&PrivateKey> {
        match self {
            Self::Psk(..) => None,
            Self::Key(key) => Some(key),
        }
    }

    fn own_types(&self) -> CertificateTypes {
        CertificateTypes {
            raw_public_key: matches!(self, Self::Key(_)),
            x509: false,
        }
    }

    fn peer_types(&self) -> CertificateTypes {
        self.own_types()
    }

    fn verify(&mut self, presented: Presented<'_>) -> Result<Self::Peer, dunlin_dtls::Alert> {
        match presented {
            Presented::RawPublicKey(key) => Ok(key.to_spki()),
            _ => Err(dunlin_dtls::Alert::CERTIFICATE_UNKNOWN),
        }
    }
}

/// A device that answers nothing but what the test lets it.
struct Node {
    connection: Connection<[u8; 91], 1024, 1024>,
    proof: Proof,
    rng: StdRng,
    socket: UdpSocket,
    server: SocketAddr,
    begin: std::time::Instant,
    location: Vec<String>,
    number: u16,
    /// Epochs and numbers of the records that came, which are what their nonces are made of (RFC 6655 §3).
    numbers: HashSet<[u8; 8]>,
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    // Short, so that what is lost under load is sent again.
    let patience = Duration::from_millis(500);
    socket.set_read_timeout(Some(patience)).expect("a timeout");
    socket
}

impl Node {
    /// A handshake that succeeds, or does not.
    fn connect(server: &str, proof: Proof) -> Option<Self> {
        Self::resume(server, proof, None)
    }

    /// The same, with a session of before.
    fn resume(server: &str, proof: Proof, session: Option<Session>) -> Option<Self> {
        let mut node = Self {
            connection: Connection::client(Config {
                initial_timeout: dunlin_time::Duration::from_secs(1),
                ..Config::DEFAULT
            }),
            proof,
            rng: rand::make_rng(),
            socket: socket(),
            server: server.parse().expect("an address"),
            begin: std::time::Instant::now(),
            location: Vec::new(),
            number: 0,
            numbers: HashSet::new(),
        };
        let now = node.now();
        node.connection
            .connect(now, session, &mut node.proof, &mut node.rng);
        while !node.connection.is_established() {
            if !node.poll() {
                return None;
            }
            node.receive();
        }
        assert!(node.poll());
        Some(node)
    }

    fn now(&self) -> Instant {
        let millis = self.begin.elapsed().as_millis();
        Instant::from_millis(u64::try_from(millis).expect("a short test"))
    }

    /// Sends what is to be sent; whether the connection still lives.
    fn poll(&mut self) -> bool {
        let now = self.now();
        self.connection.handle_timeout(now);
        let mut buffer = [0; 1500];
        loop {
            match self.connection.poll_output(&mut buffer) {
                Output::Transmit(datagram) => {
                    self.socket.send_to(datagram, self.server).expect("sent");
                }
                Output::Event(Event::Failed(_)) => return false,
                Output::Event(_) => {}
                Output::Idle => return true,
            }
        }
    }

    /// What has arrived, if something does.
    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut buffer = [0; 1500];
        let length = self.socket.recv(&mut buffer).ok()?;
        self.record(&buffer[..length]);
        let now = self.now();
        let mut datagram = Datagram::new(&mut buffer[..length]);
        let data =
            self.connection
                .handle_input(now, &mut datagram, &mut self.proof, &mut self.rng)?;
        Some(data.to_vec())
    }

    /// Remembers the numbers of protected records, none of which comes twice: the devices here have no connection ids, and
    /// what they get over the loopback comes once.
    fn record(&mut self, datagram: &[u8]) {
        let mut rest = datagram;
        while let Some((header, behind)) = rest.split_first_chunk::<13>() {
            let number = *header[3..].first_chunk().expect("8 bytes");
            if header[4] != 0 {
                assert!(self.numbers.insert(number), "a nonce serves twice");
            }
            let length = u16::from_be_bytes([header[11], header[12]]);
            rest = behind.get(usize::from(length)..).unwrap_or_default();
        }
    }

    fn send(&mut self, message: &[u8]) {
        let mut buffer = [0; 1500];
        let record = self
            .connection
            .send(message, &mut buffer)
            .expect("a record");
        self.socket.send_to(record, self.server).expect("sent");
    }

    /// Sends a request until it is answered.
    fn request(&mut self, path: &[String], query: &[&str], payload: &str) -> Code {
        self.number += 1;
        let id = MessageId(self.number);
        let mut buffer = [0; 300];
        let mut message =
            MessageBuilder::new(&mut buffer, Type::Confirmable, Code::POST, id, Token::EMPTY);
        message.path(path.iter().map(String::as_bytes));
        if !payload.is_empty() {
            message.content_format(40);
        }
        message.query(query.iter().copied());
        let message = message
            .payload(payload.as_bytes())
            .finish()
            .expect("a message");
        let begin = std::time::Instant::now();
        while begin.elapsed() < support::DEADLINE {
            self.send(message);
            while let Some(answer) = self.receive() {
                let answer = Message::parse(&answer).expect("a message");
                if answer.id() == id {
                    if answer.code() == Code::CREATED {
                        self.location = answer
                            .location_path()
                            .map(|part| String::from_utf8(part.to_vec()).expect("text"))
                            .collect();
                    }
                    return answer.code();
                }
            }
        }
        panic!("no answer");
    }

    fn register(&mut self, query: &[&str]) -> Code {
        let mut all = vec!["lt=300", "lwm2m=1.1", "b=U"];
        all.extend(query);
        self.request(&["rd".to_owned()], &all, "</1/0>,</3/0>")
    }

    fn update(&mut self) -> Code {
        let location = self.location.clone();
        self.request(&location, &[], "")
    }

    /// Answers the next request with a text.
    fn answer(&mut self, text: &str) -> String {
        let begin = std::time::Instant::now();
        while begin.elapsed() < support::DEADLINE {
            let Some(request) = self.receive() else {
                continue;
            };
            let request = Message::parse(&request).expect("a message");
            if !request.code().is_request() {
                continue;
            }
            let mut buffer = [0; 300];
            let mut message = MessageBuilder::new(
                &mut buffer,
                Type::Acknowledgement,
                Code::CONTENT,
                request.id(),
                request.token(),
            );
            message.content_format(0);
            let answer = message
                .payload(text.as_bytes())
                .finish()
                .expect("a message");
            let path: Vec<_> = request
                .uri_path()
                .map(|part| String::from_utf8_lossy(part).into_owned())
                .collect();
            self.send(answer);
            return path.join("/");
        }
        panic!("nothing was asked");
    }
}

/// A key as `dunlin security add` shows it.
fn psk(identity: &str, made: &Value) -> Proof {
    let text = made["key"].as_str().expect("a key");
    let digits = text.strip_prefix("hex:").expect("digits");
    let key = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits"))
        .collect();
    Proof::Psk(identity.into(), key)
}

fn start(folder: &std::path::Path, coap: &str, coaps: &str, http: &str) -> (Serve, String) {
    let coaps = format!("coaps://{coaps}");
    let serve = Serve::start_on(folder, coap, http, &["--coap", &coaps, "--log", "trace"]);
    let ready = serve.program.json(|line| line.get("coaps").is_some());
    let coaps = ready["coaps"][0].as_str().expect("an address").to_owned();
    (serve, coaps)
}

#[test]
fn devices_with_keys_are_let_in_and_nobody_else_takes_their_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let (serve, coaps) = start(folder, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0");
    let client = |arguments: &[&str]| serve.client(folder, arguments);
    let made = client(&["security", "add", "pilot", "--psk-identity", "who"]).json();
    let secret = made["key"].as_str().expect("a key").replace("hex:", "");
    assert_eq!(secret.len(), 32);
    let private = PrivateKey::generate(&mut rand::make_rng::<StdRng>()).expect("a key");
    std::fs::write(folder.join("public.der"), private.public_key().to_spki()).expect("writable");
    client(&["security", "add", "raw", "--rpk", "public.der"]).succeeded();
    client(&["security", "add", "x", "--rpk", "public.der"])
        .failed(1, &["“raw” has this public key"]);
    client(&[
        "security",
        "add",
        "x",
        "--psk-identity",
        "y",
        "--psk",
        "hex:00",
    ])
    .failed(1, &["16 to 64"]);
    client(&["security", "add", "x"]).failed(2, &["--psk-identity"]);
    let list = client(&["security", "list"]).json();
    assert_eq!(list["total"], 2);
    assert_eq!(
        list["credentials"][0],
        json!({"endpoint": "pilot", "kind": "psk", "identity": "who"})
    );

    // The name comes with the key, and no other can be had with it.
    let mut pilot = Node::connect(&coaps, psk("who", &made)).expect("let in");
    assert_eq!(pilot.register(&["ep=raw"]), Code::FORBIDDEN);
    assert_eq!(pilot.register(&["ep=nobody"]), Code::FORBIDDEN);
    assert_eq!(pilot.register(&[]), Code::CREATED);
    let shown = client(&["devices"]).json();
    assert_eq!(shown["devices"][0]["endpoint"], "pilot");
    assert_eq!(shown["devices"][0]["secure"], true);
    // An unknown identity, and a wrong key.
    assert!(Node::connect(&coaps, Proof::Psk(b"stranger".to_vec(), vec![7; 16])).is_none());
    assert!(Node::connect(&coaps, Proof::Psk(b"who".to_vec(), vec![7; 16])).is_none());

    // Without security the name is refused: the program's own agent cannot have it.
    let uri = format!("coap://{}", serve.coap);
    let agent = support::Program::start(
        folder,
        &["agent", "--json", "--server", &uri, "--endpoint", "pilot"],
    );
    agent.json(|line| line.to_string().contains("4.03"));
    drop(agent);

    // With a raw public key; the device knows the manager by its own.
    let mut raw = Node::connect(&coaps, Proof::Key(private)).expect("let in");
    let known = list["server_public_key"].as_str().expect("a key");
    let seen = raw.connection.peer().expect("proven").to_vec();
    assert_eq!(BASE64.encode(seen), known);
    assert_eq!(raw.register(&["ep=raw"]), Code::CREATED);

    let api = serve.api.clone();
    let reading = std::thread::spawn({
        let folder = folder.to_owned();
        move || {
            run(
                &folder,
                &[
                    "--api",
                    &api,
                    "--json",
                    "read",
                    "pilot",
                    "device.manufacturer",
                ],
            )
        }
    });
    assert_eq!(pilot.answer("Dunlin"), "3/0/0");
    let read = reading.join().expect("no panic").json();
    assert_eq!(read["records"][0]["value"], "Dunlin");

    client(&["security", "remove", "pilot", "psk"]).succeeded();
    assert!(Node::connect(&coaps, psk("who", &made)).is_none());
    assert!(serve.metric("dunlin_dtls_associations") > 0.5);
    // Nothing was told to the log, however talkative.
    let ended = serve.program.interrupt();
    let told = format!("{}{}", ended.out.join(""), ended.err).to_lowercase();
    assert!(ended.err.len() > 100, "a talkative log");
    assert!(!told.contains(&secret), "the log has the key");
}

#[test]
fn after_a_kill_the_next_record_of_a_thousand_devices_is_accepted_and_no_nonce_serves_twice() {
    const DEVICES: u32 = 1000;
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let (serve, coaps) = start(folder, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0");
    let mut nodes: Vec<_> = (0..DEVICES)
        .map(|number| {
            let (endpoint, identity) = (format!("device-{number}"), format!("who-{number}"));
            let key = format!("sixteen secrets {number}").into_bytes();
            let credential = json!({"identity": identity, "key": BASE64.encode(&key)});
            serve.put(&format!("/api/v1/security/{endpoint}/psk"), &credential);
            let proof = Proof::Psk(identity.into_bytes(), key);
            let mut node = Node::connect(&coaps, proof).expect("let in");
            assert_eq!(node.register(&[]), Code::CREATED);
            node
        })
        .collect();
    let (coap, http) = (serve.coap.clone(), serve.http.clone());
    serve.program.kill();

    let mut serve = start(folder, &coap, &coaps, &http).0;
    for round in 0..2 {
        let there = serve.metric("dunlin_dtls_associations");
        assert!((there - f64::from(DEVICES)).abs() < 0.5, "{there}");
        for (number, node) in nodes.iter_mut().enumerate() {
            if number % 2 == round {
                // It wakes up behind another address.
                node.socket = socket();
            }
            assert_eq!(node.update(), Code::CHANGED);
        }
        assert!(
            serve.metric("dunlin_registered_total") < 0.5,
            "nobody registered again"
        );
        assert!(serve.metric("dunlin_dtls_handshakes_total{outcome=\"ok\"}") < 0.5);
        // An address that was not proved is not kept: who had moved before the second kill has moved once more.
        let moved = serve.metric("dunlin_dtls_associations_moved_total");
        let expected = if round == 0 { DEVICES / 2 } else { DEVICES };
        assert!((moved - f64::from(expected)).abs() < 0.5, "{moved}");
        if round == 0 {
            serve.program.kill();
            serve = start(folder, &coap, &coaps, &http).0;
        }
    }
    let records: usize = nodes.iter().map(|node| node.numbers.len()).sum();
    println!("{records} records of the manager, each with a number of its own");
    let api = serve.api.clone();
    let reading = std::thread::spawn({
        let folder = folder.to_owned();
        move || {
            run(
                &folder,
                &[
                    "--api",
                    &api,
                    "--json",
                    "read",
                    "device-0",
                    "device.manufacturer",
                ],
            )
        }
    });
    assert_eq!(nodes[0].answer("Dunlin"), "3/0/0");
    let read = reading.join().expect("no panic").json();
    assert_eq!(read["records"][0]["value"], "Dunlin");
}

#[test]
fn a_session_is_resumed_after_a_kill_while_the_device_has_the_same_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let (serve, coaps) = start(folder, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0");
    let add = |serve: &Serve, key: &str| {
        let arguments = [
            "security",
            "add",
            "pilot",
            "--psk-identity",
            "who",
            "--psk",
            key,
        ];
        serve.client(folder, &arguments).succeeded();
    };
    let key = "hex:000102030405060708090a0b0c0d0e0f";
    let proof = || Proof::Psk(b"who".to_vec(), (0..16).collect());
    add(&serve, key);
    let mut node = Node::connect(&coaps, proof()).expect("let in");
    let session = node.connection.session().expect("a session");
    // What is answered is stored, and with it what came before.
    assert_eq!(node.register(&[]), Code::CREATED);
    let (coap, http) = (serve.coap.clone(), serve.http.clone());
    serve.program.kill();

    let (serve, _) = start(folder, &coap, &coaps, &http);
    let resume = || Node::resume(&coaps, proof(), Some(session.clone())).expect("let in");
    let mut node = resume();
    assert!(node.connection.is_resumed());
    assert_eq!(node.register(&[]), Code::CREATED);
    assert!((serve.metric("dunlin_dtls_handshakes_resumed_total") - 1.0).abs() < 0.5);
    // Who has another key than the one that the session began with has to show it.
    add(&serve, "hex:ff0102030405060708090a0b0c0d0e0f");
    add(&serve, key);
    assert!(resume().connection.is_resumed());
    add(&serve, "hex:ff0102030405060708090a0b0c0d0e0f");
    assert!(Node::resume(&coaps, proof(), Some(session.clone())).is_none());
}

#[test]
fn the_programs_own_agent_is_let_in_by_its_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let (serve, coaps) = start(folder, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0");
    let client = |arguments: &[&str]| serve.client(folder, arguments);
    let uri = format!("coaps://{coaps}");
    let made = client(&["security", "add", "psk", "--psk-identity", "who"]).json();
    let psk = made["key"].as_str().expect("a key");
    let private = PrivateKey::generate(&mut rand::make_rng::<StdRng>()).expect("a key");
    std::fs::write(folder.join("device.key"), *private.to_scalar()).expect("writable");
    std::fs::write(folder.join("public.der"), private.public_key().to_spki()).expect("writable");
    client(&["security", "add", "raw", "--rpk", "public.der"]).succeeded();
    let list = client(&["security", "list"]).json();
    let server_key = list["server_public_key"].as_str().expect("a key");
    let stranger = BASE64.encode(private.public_key().to_spki());

    let agent = |endpoint: &str, more: &[&str]| {
        let mut arguments = vec!["agent", "--json", "--server", &uri, "--endpoint", endpoint];
        arguments.extend(more);
        support::Program::start(folder, &arguments)
    };
    let agents = [
        agent("psk", &["--psk-identity", "who", "--psk", psk]),
        agent("raw", &["--rpk", "device.key", "--server-key", server_key]),
    ];
    for agent in &agents {
        agent.json(|line| line["event"] == "registered");
    }
    for endpoint in ["psk", "raw"] {
        let read = client(&["read", endpoint, "device.manufacturer"]).json();
        assert_eq!(read["records"][0]["value"], "Dunlin");
        client(&["write", endpoint, "device.timezone", "Europe/Lisbon"]).succeeded();
        let observed = client(&[
            "observe",
            endpoint,
            "temperature.sensor_value",
            "--count",
            "2",
        ]);
        assert_eq!(observed.out.len(), 2, "{observed:?}");
        assert_eq!(client(&["device", endpoint]).json()["secure"], true);
    }
    // Neither with another key, nor at a manager that is another one.
    let failed = |agent: support::Program, words: &str| {
        agent.json(|line| {
            line["event"] == "registration_failed" && line.to_string().contains(words)
        });
    };
    let other = "hex:000102030405060708090a0b0c0d0e0f";
    failed(
        agent("raw", &["--psk-identity", "who", "--psk", other]),
        "decrypt_error; the manager may not know the device's key",
    );
    failed(
        agent("raw", &["--rpk", "device.key", "--server-key", &stranger]),
        "certificate or key is not what the account asks for",
    );
    // With the key of one device the name of another is refused.
    let thief = agent("raw", &["--psk-identity", "who", "--psk", psk]);
    thief.json(|line| line.to_string().contains("4.03"));
    for agent in agents {
        agent.interrupt();
    }
}

/// A file of the test PKI in PEM.
fn pem(folder: &std::path::Path, name: &str, label: &str, parts: &[&[u8]]) {
    let blocks = parts.iter().map(|part| {
        let body = BASE64.encode(part);
        let lines: Vec<_> = body
            .as_bytes()
            .chunks(64)
            .map(|line| str::from_utf8(line).expect("base64"))
            .collect();
        let body = lines.join("\n");
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    });
    let text: String = blocks.collect();
    std::fs::write(folder.join(name), text).expect("writable");
}

macro_rules! pki {
    ($name:literal) => {
        include_bytes!(concat!("../../crates/dtls/tests/pki/", $name)).as_slice()
    };
}

#[test]
fn the_programs_own_agent_is_let_in_by_its_certificate() {
    // The common name of the certificate of the client.
    const NAME: &str = "0123456789ABCDEF";
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let certificate = "CERTIFICATE";
    let chain = [pki!("server.der"), pki!("intermediate.der")];
    pem(folder, "server.pem", certificate, &chain);
    pem(folder, "server-alone.pem", certificate, &chain[..1]);
    pem(folder, "server.key", "PRIVATE KEY", &[pki!("server.pkcs8")]);
    pem(folder, "client.pem", certificate, &[pki!("client.der")]);
    pem(folder, "client.key", "PRIVATE KEY", &[pki!("client.pkcs8")]);
    pem(folder, "ca.pem", certificate, &[pki!("intermediate.der")]);
    pem(folder, "other.pem", certificate, &[pki!("impostor.der")]);
    let config = "[coap]\nprivate_key = \"server.key\"\ncertificates = \"server.pem\"\n";
    std::fs::write(folder.join("dunlin.toml"), config).expect("writable");
    let serve = Serve::start_on(
        folder,
        "127.0.0.1:0",
        "127.0.0.1:0",
        &["--config", "dunlin.toml", "--coap", "coaps://127.0.0.1:0"],
    );
    let ready = serve.program.json(|line| line.get("coaps").is_some());
    let uri = format!(
        "coaps://{}",
        ready["coaps"][0].as_str().expect("an address")
    );
    let client = |arguments: &[&str]| serve.client(folder, arguments);
    client(&["security", "add", "pinned", "--x509", "client.pem"]).succeeded();
    client(&["security", "add", NAME, "--x509-ca", "ca.pem"]).succeeded();

    let own = ["--cert", "client.pem", "--key", "client.key"];
    let arguments = |endpoint: &'static str, more: &[&'static str]| {
        let mut arguments = vec!["agent", "--json", "--server", &uri, "--endpoint", endpoint];
        arguments.extend(own);
        if !more.contains(&"--server-name") {
            arguments.extend(["--server-name", "server.example.com"]);
        }
        arguments.extend(more);
        support::Program::start(folder, &arguments)
    };
    let works = |endpoint: &'static str, more: &[&'static str]| {
        let agent = arguments(endpoint, more);
        agent.json(|line| line["event"] == "registered");
        let read = client(&["read", endpoint, "device.manufacturer"]).json();
        assert_eq!(read["records"][0]["value"], "Dunlin");
        assert_eq!(client(&["device", endpoint]).json()["secure"], true);
        agent.interrupt();
    };
    // By the manager's own certificate, and by the authority that it leads to.
    works("pinned", &["--server-cert", "server-alone.pem"]);
    works("pinned", &["--ca", "ca.pem"]);
    // A manager that is known by another certificate is none.
    let fails = |more: &[&'static str]| {
        let agent = arguments("pinned", more);
        agent.json(|line| {
            let words = "certificate or key is not what the account asks for";
            line["event"] == "registration_failed" && line.to_string().contains(words)
        });
    };
    fails(&["--ca", "other.pem"]);
    fails(&["--server-cert", "client.pem"]);
    // So is one whose certificate bears another name.
    fails(&["--ca", "ca.pem", "--server-name", "other.example.com"]);
    // Over TLS too it is told what is wrong with a server: this one breaks off.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let broken = format!("coaps+tcp://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut hello = [0; 4096];
            let _ = std::io::Read::read(&mut stream.expect("a connection"), &mut hello);
        }
    });
    let mut all = vec!["agent", "--json", "--server", &broken, "--ca", "ca.pem"];
    all.extend(own);
    all.extend(["--server-name", "server.example.com"]);
    support::Program::start(folder, &all).json(|line| {
        let words = "the server has ended the secure connection";
        line["event"] == "registration_failed" && line.to_string().contains(words)
    });
    // The certificate is one device's; without its pin it is whose name it bears.
    arguments(NAME, &["--ca", "ca.pem"]).json(|line| line.to_string().contains("4.03"));
    client(&["security", "remove", "pinned", "x509"]).succeeded();
    works(NAME, &["--ca", "ca.pem"]);

    // What does not fit is said before anything is sent.
    let refused = |more: &[&str], code: i32, words: &[&str]| {
        let mut all = vec!["agent", "--server", &uri];
        all.extend(more);
        run(folder, &all).failed(code, words);
    };
    refused(&own, 2, &["--ca FILE", "--server-cert FILE"]);
    refused(&["--cert", "client.pem", "--ca", "ca.pem"], 2, &["--key"]);
    let wrong = [
        "--cert",
        "client.pem",
        "--key",
        "server.key",
        "--ca",
        "ca.pem",
    ];
    refused(&wrong, 1, &["client.pem and server.key", "private key"]);
    let none = [
        "--cert",
        "client.key",
        "--key",
        "client.key",
        "--ca",
        "ca.pem",
    ];
    refused(&none, 1, &["client.key has no certificate"]);
    let absent = [
        "--cert",
        "absent.pem",
        "--key",
        "client.key",
        "--ca",
        "ca.pem",
    ];
    refused(&absent, 1, &["Cannot read absent.pem"]);
}
