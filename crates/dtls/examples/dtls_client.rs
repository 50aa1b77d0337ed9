//! A DTLS client: sends each line of its standard input as a record and prints what it receives.
//!
//! ```text
//! cargo run -p dunlin-dtls --all-features --example dtls_client -- 127.0.0.1:5684 --psk urn:dev:1 0123456789abcdef
//! ```
//!
//! It prints `established …` or `failed …`, then `received …` for each record, and `closed`. The lines `/rebind` (go on
//! from another port), `/resume` (close and handshake again with the session) and `/close` are orders.

mod common;

use core::net::SocketAddr;
use std::io::{BufRead, ErrorKind};
use std::net::UdpSocket;
use std::sync::mpsc::{self, Receiver, TryRecvError};

use anyhow::Result;
use clap::Parser;
use common::{Connection, Options, Owner, agreed, from_hex};
use dunlin_dtls::trust::Role;
use dunlin_dtls::{ConnectionId, Datagram, Event, Output, Session};

#[derive(Parser)]
struct Arguments {
    /// The server.
    server: SocketAddr,
    #[command(flatten)]
    options: Options,
    /// The server's name, to ask for.
    #[arg(long)]
    name: Option<String>,
    /// The connection id that the server is to put into its records, in hexadecimal digits; by default an empty one.
    #[arg(long)]
    cid: Option<String>,
}

struct Client {
    arguments: Arguments,
    owner: Owner,
    connection: Connection,
    socket: UdpSocket,
    is_over: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut owner = arguments.options.owner(Role::Server)?;
    owner.server_name.clone_from(&arguments.name);
    let mut config = arguments.options.config()?;
    if let Some(digits) = &arguments.cid {
        config.connection_id = ConnectionId::new(&from_hex(digits)?);
    }
    let mut client = Client {
        connection: Connection::client(config),
        socket: socket(arguments.server)?,
        arguments,
        owner,
        is_over: false,
    };
    client.connect(None);
    let lines = lines();
    while !client.is_over {
        client.turn(&lines)?;
    }
    Ok(())
}

/// A new port each time. It is waited for a moment only, so that there is time for the other things.
fn socket(server: SocketAddr) -> Result<UdpSocket> {
    let any = if server.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(core::time::Duration::from_millis(10)))?;
    Ok(socket)
}

fn lines() -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

impl Client {
    fn connect(&mut self, session: Option<Session>) {
        let now = self.owner.watch.now();
        self.connection
            .connect(now, session, &mut self.owner, &mut rand::rng());
    }

    /// One turn: what arrived, the time, a line to send, what there is to do.
    fn turn(&mut self, lines: &Receiver<String>) -> Result<()> {
        let mut buffer = [0; 1 << 14];
        match self.socket.recv(&mut buffer) {
            Ok(len) => {
                let mut datagram = Datagram::new(&mut buffer[..len]);
                let now = self.owner.watch.now();
                while let Some(data) = self.connection.handle_input(
                    now,
                    &mut datagram,
                    &mut self.owner,
                    &mut rand::rng(),
                ) {
                    println!("received {}", self.arguments.options.shown(data));
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            // Nobody listens yet: as good as a lost datagram.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
            Err(error) => return Err(error.into()),
        }
        self.connection.handle_timeout(self.owner.watch.now());
        if self.connection.is_established() {
            match lines.try_recv() {
                Ok(line) => self.order(&line)?,
                Err(TryRecvError::Disconnected) => self.order("/close")?,
                Err(TryRecvError::Empty) => {}
            }
        }
        self.poll()
    }

    fn poll(&mut self) -> Result<()> {
        let mut buffer = [0; 1 << 14];
        loop {
            match self.connection.poll_output(&mut buffer) {
                // What cannot be sent is lost, as it may be on its way.
                Output::Transmit(bytes) => drop(self.socket.send(bytes)),
                Output::Event(Event::Established) => {
                    println!("established {}", agreed(&mut self.connection));
                }
                Output::Event(Event::Failed(failure)) => {
                    println!("failed {failure}");
                    self.is_over = true;
                }
                Output::Event(Event::Closed) => {
                    println!("closed");
                    self.is_over = true;
                }
                Output::Event(_) => {}
                Output::Idle => return Ok(()),
            }
        }
    }

    fn order(&mut self, line: &str) -> Result<()> {
        match line {
            "/rebind" => self.socket = socket(self.arguments.server)?,
            "/resume" => {
                let session = self.connection.session();
                self.connection.close();
                self.poll()?;
                self.socket = socket(self.arguments.server)?;
                self.connect(session);
            }
            "/close" => {
                self.connection.close();
                self.poll()?;
                println!("closed");
                self.is_over = true;
            }
            line => {
                let mut buffer = [0; 1 << 14];
                let data = self.arguments.options.data(line)?;
                match self.connection.send(&data, &mut buffer) {
                    Ok(record) => drop(self.socket.send(record)),
                    Err(error) => println!("unsent {error}"),
                }
            }
        }
        Ok(())
    }
}
