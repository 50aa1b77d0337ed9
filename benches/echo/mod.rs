//! `coap/echo`: what a request costs a server on the loopback in time of the processor, user and system, beside other
//! servers and beside a loop that answers without looking.
//!
//! Each server is a process of its own and answers GET /echo with "hello"; ours and coap-rs are this program started
//! again. The same generator (`load.c`) asks them in turn, some rounds, and the median is taken. In `coap/echo` 16 peers
//! have 16 requests outstanding each; in `coap/echo/alone` 64 peers have one each, so that no two answers of a batch go
//! to the same peer and can be sent in one call.

use core::time::Duration;
use std::env;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use criterion::Criterion;
use dunlin_coap::tokio::{Response, Server, get_sync};

use crate::external;

/// Which server this program is to be, and on which port.
const SERVER: &str = "DUNLIN_ECHO_SERVER";

const ROUNDS: usize = 5;

const MILLISECONDS: &str = "1500";

/// Name, peers, requests that each has outstanding.
const CASES: [(&str, &str, &str); 2] = [("coap/echo", "16", "16"), ("coap/echo/alone", "64", "1")];

/// Is a server to be measured, if told so; then it does not return.
pub(crate) fn serve_if_told() {
    let Ok(told) = env::var(SERVER) else {
        return;
    };
    let (name, port) = told.split_once(' ').expect("name and port");
    let address = format!("127.0.0.1:{port}");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    match name {
        "dunlin" => runtime.block_on(dunlin(&address)),
        _ => runtime.block_on(coap_rs(&address)),
    }
}

async fn dunlin(address: &str) {
    let server = Server::builder()
        .route("/echo", get_sync(|_| Response::content("hello")))
        .listen(address)
        .await
        .expect("a free port");
    server.run().await;
}

async fn coap_rs(address: &str) {
    let server = coap::Server::new_udp(address).expect("a free port");
    server
        .run(async |mut request: Box<coap_lite::CoapRequest<_>>| {
            if let Some(response) = &mut request.response {
                response.message.payload = b"hello".to_vec();
            }
            request
        })
        .await
        .expect("it runs until it is killed");
}

/// A server that is measured.
struct Peer {
    name: &'static str,
    process: Child,
    port: u16,
}

impl Peer {
    /// `None`, with a printed line, where the program is not installed.
    fn start(name: &'static str) -> Option<Self> {
        let port = UdpSocket::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a free port")
            .port();
        let mut command = match name {
            "libcoap" => {
                let mut command = Command::new("coap-server-notls");
                // One resource may be made, which is /echo.
                command.args(["-d", "1", "-A", "127.0.0.1", "-p", &port.to_string()]);
                command
            }
            "floor" => {
                let mut command = Command::new(compile("floor")?);
                command.arg(port.to_string());
                command
            }
            _ => {
                let mut command = Command::new(env::current_exe().expect("this program"));
                command.env(SERVER, format!("{name} {port}"));
                command
            }
        };
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = match command.spawn() {
            Ok(process) => process,
            Err(error) => {
                println!("skipped: {name}: {error}");
                return None;
            }
        };
        let peer = Self {
            name,
            process,
            port,
        };
        peer.wait();
        Some(peer)
    }

    /// Waits until it answers; at libcoap's this makes /echo too.
    fn wait(&self) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .expect("not zero");
        let method = if self.name == "libcoap" { 3 } else { 1 };
        for id in 0..50 {
            let mut request = b"\x40\x00\x00\x00\xb4echo".to_vec();
            (request[1], request[3]) = (method, id);
            if method == 3 {
                request.extend_from_slice(b"\xffhello");
            }
            let sent = socket.send_to(&request, ("127.0.0.1", self.port));
            if sent.is_ok() && socket.recv(&mut [0; 64]).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{} does not answer", self.name);
    }

    /// The time of the processor that it has used, in microseconds.
    fn used(&self) -> f64 {
        let path = format!("/proc/{}/stat", self.process.id());
        let stat = std::fs::read_to_string(path).expect("it runs");
        // After the name, which is in parentheses: user and system time are the 12th and 13th word.
        let words = stat.rsplit_once(')').expect("a name").1.split_whitespace();
        let ticks: f64 = words
            .skip(11)
            .take(2)
            .map(|word| word.parse::<f64>().expect("a number"))
            .sum();
        // USER_HZ is 100 on every Linux.
        ticks * 10_000.0
    }

    /// Microseconds of the processor for one request.
    fn round(&self, load: &PathBuf, peers: &str, window: &str) -> f64 {
        let before = self.used();
        let output = Command::new(load)
            .args([&self.port.to_string(), peers, window, MILLISECONDS])
            .output()
            .expect("it was built here");
        let used = self.used() - before;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut counts = text.split_whitespace().map(|word| {
            let count: u32 = word.parse().expect("a number");
            f64::from(count)
        });
        let (answers, wrong) = (counts.next(), counts.next());
        let answers = answers.expect("a count of answers");
        assert_eq!(wrong, Some(0.0), "{} answered something else", self.name);
        assert!(answers > 0.0, "{} answered nothing", self.name);
        used / answers
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself, which is as well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Measures all servers; a printed line where there is no compiler for the generator.
pub(crate) fn measure(_: &mut Criterion) {
    if !external::measuring() {
        return;
    }
    let Some(load) = compile("load") else {
        println!("skipped: coap/echo needs `cc`");
        return;
    };
    let names = ["dunlin", "libcoap", "coap-rs", "floor"];
    let servers: Vec<Peer> = names.into_iter().filter_map(Peer::start).collect();
    for (case, peers, window) in CASES {
        let begun = Instant::now();
        let mut figures = vec![Vec::new(); servers.len()];
        for _ in 0..ROUNDS {
            for (server, figures) in servers.iter().zip(&mut figures) {
                figures.push(server.round(&load, peers, window));
            }
        }
        for (server, figures) in servers.iter().zip(&mut figures) {
            figures.sort_by(f64::total_cmp);
            external::report(case, server.name, figures[ROUNDS / 2], "us CPU/request");
        }
        println!("{case}: {ROUNDS} rounds in {:?}", begun.elapsed());
    }
}

/// Compiles a program of this folder.
fn compile(name: &str) -> Option<PathBuf> {
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("echo-{name}"));
    let source = format!("{}/benches/echo/{name}.c", env!("CARGO_MANIFEST_DIR"));
    let status = Command::new("cc")
        .args(["-O2", "-Wall", "-Wextra", "-o"])
        .arg(&program)
        .arg(source)
        .status();
    status
        .is_ok_and(|status| status.success())
        .then_some(program)
}
