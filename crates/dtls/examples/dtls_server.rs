//! A DTLS server for many clients: answers each record with the same bytes.
//!
//! ```text
//! cargo run -p dunlin-dtls --all-features --example dtls_server -- 127.0.0.1:5684 --psk urn:dev:1 0123456789abcdef
//! ```
//!
//! It prints `listening ADDRESS`, and with the client's address `established …`, `failed …`, `received …`, `moved …` and
//! `closed`. With `--manual` it sends what its standard input says, lines of an address and data, instead of the same
//! bytes.

mod common;

use core::net::SocketAddr;
use std::collections::HashMap;
use std::io::{BufRead, ErrorKind};
use std::net::UdpSocket;
use std::sync::mpsc;

use anyhow::Result;
use clap::Parser;
use common::{Connection, Options, Owner, agreed};
use dunlin_dtls::trust::Role;
use dunlin_dtls::{
    Acceptor, Config, ConnectionId, Content, ContentType, Datagram, Event, Greeting, Output,
    TicketKeys,
};
use dunlin_time::Duration;
use rand::RngExt;

#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    address: SocketAddr,
    #[command(flatten)]
    options: Options,
    /// Gives each client a connection id of so many bytes, to put into its records.
    #[arg(long, default_value_t = 0)]
    cid: usize,
    /// Keeps sessions, to be resumed by their ids.
    #[arg(long)]
    sessions: bool,
    /// Gives session tickets.
    #[arg(long)]
    tickets: bool,
    /// Sends lines of the standard input (an address, a space, data) instead of answering by itself.
    #[arg(long)]
    manual: bool,
}

/// How long a key for tickets serves.
const DAY: Duration = Duration::from_secs(86_400);

struct Server {
    arguments: Arguments,
    owner: Owner,
    config: Config,
    acceptor: Acceptor,
    socket: UdpSocket,
    connections: HashMap<SocketAddr, Connection>,
    /// Where the client with a connection id is.
    ids: HashMap<ConnectionId, SocketAddr>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut owner = arguments.options.owner(Role::Client)?;
    owner.keeps_sessions = arguments.sessions;
    owner.tickets = arguments
        .tickets
        .then(|| TicketKeys::new(owner.watch.now(), DAY, &mut rand::rng()));
    let socket = UdpSocket::bind(arguments.address)?;
    socket.set_read_timeout(Some(core::time::Duration::from_millis(10)))?;
    println!("listening {}", socket.local_addr()?);
    let mut server = Server {
        config: arguments.options.config()?,
        acceptor: Acceptor::new(&mut rand::rng()),
        arguments,
        owner,
        socket,
        connections: HashMap::new(),
        ids: HashMap::new(),
    };
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let mut buffer = [0; 1 << 14];
    loop {
        match server.socket.recv_from(&mut buffer) {
            Ok((len, from)) => server.received(from, &mut buffer[..len]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            // A client has gone.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
            Err(error) => return Err(error.into()),
        }
        server.timeouts();
        for line in lines.try_iter() {
            if let Some((to, data)) = line.split_once(' ') {
                let data = server.arguments.options.data(data)?;
                server.send(to.parse()?, &data);
            }
        }
    }
}

impl Server {
    fn received(&mut self, from: SocketAddr, bytes: &mut [u8]) {
        // A record with a connection id belongs to its client wherever it comes from (RFC 9146 §6).
        let header = Datagram::new(bytes).peek(self.arguments.cid);
        if let Ok(header) = header
            && header.content_type == ContentType::TLS12_CID
            && let Some(&known) = self.ids.get(&header.connection_id)
            && known != from
        {
            return self.received_elsewhere(known, from, bytes);
        }
        let mut answer = [0; Acceptor::ANSWER_LEN];
        let address = from.to_string();
        let now = self.owner.watch.now();
        let greeting = self
            .acceptor
            .handle_input(now, address.as_bytes(), bytes, &mut answer);
        match greeting {
            Greeting::Verify(answer) => return drop(self.socket.send_to(answer, from)),
            Greeting::Accepted(random) => {
                let is_known = self
                    .connections
                    .get(&from)
                    .is_some_and(|connection| *connection.client_random() == random);
                if !is_known {
                    let connection = self.accept(from);
                    self.connections.insert(from, connection);
                }
            }
            Greeting::Other => {}
        }
        let Some(connection) = self.connections.get_mut(&from) else {
            return;
        };
        let mut datagram = Datagram::new(bytes);
        let mut received = Vec::new();
        while let Some(data) =
            connection.handle_input(now, &mut datagram, &mut self.owner, &mut rand::rng())
        {
            received.push(data.to_vec());
        }
        self.poll(from);
        for data in received {
            self.handle(from, &data);
        }
    }

    /// A client has moved, if the record is genuine and the newest.
    fn received_elsewhere(&mut self, known: SocketAddr, from: SocketAddr, bytes: &mut [u8]) {
        let Some(association) = self
            .connections
            .get_mut(&known)
            .and_then(Connection::association)
        else {
            return;
        };
        let mut datagram = Datagram::new(bytes);
        let mut at = known;
        let mut received = Vec::new();
        while let Some(opened) = association.next(&mut datagram) {
            if opened.is_newest {
                at = from;
            }
            if let Content::Data(data) = opened.content {
                received.push(data.to_vec());
            }
        }
        if at == from
            && let Some(connection) = self.connections.remove(&known)
        {
            println!("moved {known} {from}");
            self.connections.insert(from, connection);
            for address in self.ids.values_mut().filter(|address| **address == known) {
                *address = from;
            }
        }
        for data in received {
            self.handle(at, &data);
        }
    }

    fn accept(&mut self, from: SocketAddr) -> Connection {
        let mut config = self.config;
        if self.arguments.cid > 0 {
            let mut id = vec![0; self.arguments.cid];
            rand::rng().fill(&mut id[..]);
            config.connection_id = ConnectionId::new(&id);
            self.ids.extend(config.connection_id.map(|id| (id, from)));
        }
        Connection::server(config)
    }

    fn handle(&mut self, from: SocketAddr, data: &[u8]) {
        println!("received {from} {}", self.arguments.options.shown(data));
        if !self.arguments.manual {
            self.send(from, data);
        }
    }

    fn send(&mut self, to: SocketAddr, data: &[u8]) {
        let mut buffer = [0; 1 << 14];
        if let Some(connection) = self.connections.get_mut(&to) {
            match connection.send(data, &mut buffer) {
                Ok(record) => drop(self.socket.send_to(record, to)),
                Err(error) => println!("unsent {to} {error}"),
            }
        }
    }

    fn poll(&mut self, peer: SocketAddr) {
        let Some(connection) = self.connections.get_mut(&peer) else {
            return;
        };
        let mut buffer = [0; 1 << 14];
        loop {
            match connection.poll_output(&mut buffer) {
                Output::Transmit(bytes) => drop(self.socket.send_to(bytes, peer)),
                Output::Event(Event::Established) => {
                    let agreed = agreed(connection);
                    let name = connection.peer().map_or("nobody", String::as_str);
                    println!("established {peer} {agreed} peer {name}");
                }
                Output::Event(Event::Failed(failure)) => println!("failed {peer} {failure}"),
                Output::Event(Event::Closed) => println!("closed {peer}"),
                Output::Event(_) => {}
                Output::Idle => break,
            }
        }
        if connection.is_over() {
            self.connections.remove(&peer);
            self.ids.retain(|_, address| *address != peer);
        }
    }

    fn timeouts(&mut self) {
        let now = self.owner.watch.now();
        let due: Vec<_> = self
            .connections
            .iter_mut()
            .filter(|(_, connection)| connection.next_timeout().is_some_and(|due| due <= now))
            .map(|(peer, connection)| {
                connection.handle_timeout(now);
                *peer
            })
            .collect();
        for peer in due {
            self.poll(peer);
        }
    }
}
