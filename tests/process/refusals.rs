//! What `dunlin serve` refuses at its start: a clear sentence that names the place and the flag, and an exit code.

mod support;

use std::fs;
use std::net::{TcpListener, UdpSocket};

use support::{Program, Serve, run};

#[test]
fn a_taken_port_is_named_with_its_flag() {
    let folder = tempfile::tempdir().expect("a folder");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let taken = udp.local_addr().expect("an address");
    let ended = run(
        folder.path(),
        &[
            "serve",
            "--coap",
            &taken.to_string(),
            "--http",
            "127.0.0.1:0",
        ],
    );
    ended.failed(1, &[&taken.port().to_string(), "in use", "--coap"]);

    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = tcp.local_addr().expect("an address");
    let ended = run(
        folder.path(),
        &[
            "serve",
            "--coap",
            "127.0.0.1:0",
            "--http",
            &taken.to_string(),
        ],
    );
    ended.failed(1, &[&taken.port().to_string(), "in use", "--http"]);
}

#[test]
fn a_data_folder_that_cannot_be_is_named_with_its_flag() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("file"), "not a folder").expect("writable");
    for data in ["file", "file/below"] {
        let ended = run(
            folder.path(),
            &[
                "serve",
                "--coap",
                "127.0.0.1:0",
                "--http",
                "127.0.0.1:0",
                "--data",
                data,
            ],
        );
        ended.failed(1, &[data, "--data"]);
    }
    // A folder in the place of the database: what a user without the right to write would also meet there.
    fs::create_dir_all(folder.path().join("odd/dunlin.db")).expect("writable");
    let ended = run(
        folder.path(),
        &[
            "serve",
            "--coap",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--data",
            "odd",
        ],
    );
    ended.failed(1, &["odd", "--data"]);
}

#[test]
fn two_managers_do_not_share_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let serve = Serve::start(folder.path(), &[]);
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
    ended.failed(1, &["Another dunlin", "data", "--data"]);
    serve.program.interrupt().succeeded();
    let again = Serve::start(folder.path(), &[]);
    again.program.interrupt().succeeded();
}

#[test]
fn a_file_that_is_no_database_is_not_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("data")).expect("writable");
    let database = folder.path().join("data/dunlin.db");
    let text = "this is somebody's letter, not a database\n".repeat(100);
    fs::write(&database, &text).expect("writable");
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
    ended.failed(1, &["dunlin.db", "--data"]);
    assert_eq!(fs::read_to_string(&database).expect("still there"), text);
}

#[test]
fn a_wrong_configuration_names_the_key() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(
        folder.path().join("dunlin.toml"),
        "[http]\nlistten = \"127.0.0.1:0\"\n",
    )
    .expect("writable");
    run(folder.path(), &["serve"]).failed(1, &["listten", "dunlin.toml", "--print-config"]);
    run(folder.path(), &["serve", "--config", "missing.toml"]).failed(1, &["missing.toml"]);
    run(folder.path(), &["serve", "--http", "here"]).failed(2, &["--http"]);
    let folder = tempfile::tempdir().expect("a folder");
    run(
        folder.path(),
        &["serve", "--coap", "coaps+tcp://127.0.0.1:5684"],
    )
    .failed(2, &["coaps+tcp"]);
}

#[test]
fn the_printed_configuration_is_one_that_it_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let printed = run(folder.path(), &["serve", "--print-config"]);
    printed.succeeded();
    let text = printed
        .out
        .join("\n")
        .replace("0.0.0.0:5683", "127.0.0.1:0")
        .replace("0.0.0.0:5684", "127.0.0.1:0")
        .replace("127.0.0.1:8080", "127.0.0.1:0");
    fs::write(folder.path().join("dunlin.toml"), text).expect("writable");
    let serve = Program::start(folder.path(), &["serve", "--json"]);
    serve.json(|line| line.get("http").is_some());
    serve.interrupt().succeeded();
    assert!(folder.path().join("dunlin-data").is_dir());
}

#[test]
fn an_open_address_needs_a_token_that_is_shown_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = || {
        let program = Program::start(
            folder.path(),
            &[
                "serve",
                "--json",
                "--coap",
                "127.0.0.1:0",
                "--http",
                "0.0.0.0:0",
                "--data",
                "data",
            ],
        );
        let ready = program.json(|line| line.get("http").is_some());
        let port = ready["http"]
            .as_str()
            .and_then(|http| http.rsplit_once(':'))
            .expect("a port")
            .1
            .to_owned();
        (
            program,
            format!("http://127.0.0.1:{port}"),
            ready["token"].as_str().map(str::to_owned),
        )
    };
    let (program, api, token) = start();
    let token = token.expect("made at the first start");
    run(folder.path(), &["devices", "--api", &api]).failed(1, &["DUNLIN_API_TOKEN"]);
    run(
        folder.path(),
        &[
            "devices",
            "--api",
            &api,
            "--token",
            "-wrong-wrong-wrong-wrong",
        ],
    )
    .failed(1, &["token"]);
    run(
        folder.path(),
        &["devices", "--api", &api, "--token", &token],
    )
    .succeeded();
    program.interrupt().succeeded();

    let (program, api, none) = start();
    assert_eq!(none, None, "it is shown once");
    run(
        folder.path(),
        &["devices", "--api", &api, "--token", &token],
    )
    .succeeded();
    let kept = fs::read_to_string(folder.path().join("data/api-token.sha256")).expect("the hash");
    assert!(!kept.contains(&token));
    program.interrupt().succeeded();
}

#[test]
fn without_a_place_for_the_token_it_does_not_open() {
    let folder = tempfile::tempdir().expect("a folder");
    // What stands in the way of the hash cannot be replaced by it.
    fs::create_dir_all(folder.path().join("data/api-token.new")).expect("writable");
    let ended = run(
        folder.path(),
        &[
            "serve",
            "--coap",
            "127.0.0.1:0",
            "--http",
            "0.0.0.0:0",
            "--data",
            "data",
        ],
    );
    ended.failed(1, &["token", "DUNLIN_HTTP_TOKEN", "--http"]);
}
