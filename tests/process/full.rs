//! A manager whose database cannot grow any more.

mod support;

use core::net::SocketAddr;
use std::fs;
use std::net::UdpSocket;

use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
use support::{DEADLINE, Program, Serve, run};

/// Registers a device with a long list of objects and gives the code of the answer.
fn register(socket: &UdpSocket, server: SocketAddr, number: u16) -> Code {
    let objects: Vec<_> = (0..100)
        .map(|instance| format!("</3303/{instance}>"))
        .collect();
    let mut buffer = [0; 2048];
    let token = Token::new(&number.to_be_bytes()).expect("short");
    let mut builder = MessageBuilder::new(
        &mut buffer,
        Type::Confirmable,
        Code::POST,
        MessageId(number),
        token,
    );
    let endpoint = format!("ep=crowd-{number}");
    builder
        .path(["rd"])
        .content_format(40)
        .query([endpoint.as_str(), "lt=300", "lwm2m=1.1", "b=U"])
        .payload(format!("</1/0>,</3/0>,{}", objects.join(",")).as_bytes());
    let request = builder.finish().expect("it fits").to_vec();
    socket.send_to(&request, server).expect("sent");
    let mut answer = [0; 2048];
    loop {
        // An empty acknowledgement may come first: the answer waits for the disk.
        let (length, _) = socket.recv_from(&mut answer).expect("an answer");
        let message = Message::parse(&answer[..length]).expect("a message");
        if message.token() == token && !message.code().is_empty() {
            assert!(
                message.code() == Code::CREATED || message.option(OptionNumber::MAX_AGE).is_some(),
                "{message:?}"
            );
            return message.code();
        }
    }
}

#[test]
fn a_full_database_refuses_new_devices_and_serves_the_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(
        folder.join("dunlin.toml"),
        "[limits]\ndatabase_bytes = 262144\n",
    )
    .expect("writable");
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

    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let server = serve.coap.parse().expect("an address");
    let refused = (0..1000).find_map(|number| match register(&socket, server, number) {
        Code::CREATED => None,
        code => Some(code),
    });
    assert_eq!(refused, Some(Code::SERVICE_UNAVAILABLE));

    assert!(serve.get("/healthz").starts_with("HTTP/1.1 503"));

    // Who was let in is still there and works.
    let list = serve.client(folder, &["devices", "pilot"]).json();
    assert_eq!(list["devices"][0]["state"], "registered");
    let level = serve
        .client(folder, &["read", "pilot", "device.battery_level"])
        .json();
    assert!(level["records"][0]["value"].is_number(), "{level}");
    serve
        .client(
            folder,
            &["write", "pilot", "device.timezone", "Europe/Lisbon"],
        )
        .succeeded();
    let events = [
        "events",
        "--json",
        "--api",
        &serve.api,
        "--endpoint",
        "pilot",
    ];
    Program::start(folder, &events).json(|event| event["type"] == "notification");
    drop(agent);
    serve.program.interrupt().succeeded();
}

#[test]
fn a_disk_that_is_full_from_the_start_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(
        folder.path().join("dunlin.toml"),
        "[limits]\ndatabase_bytes = 4096\n",
    )
    .expect("writable");
    let ended = run(
        folder.path(),
        &[
            "serve",
            "--coap",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--data",
            "data",
        ],
    );
    ended.failed(1, &["cannot grow", "full", "data/dunlin.db", "--data"]);
}
