//! A device that sleeps most of the time, in queue mode: it wakes, tells what it has measured, stays awake for what the
//! server has kept for it, and sleeps again.
//!
//!     cargo run --example sleepy --features agent-std -- coap://127.0.0.1:5683
//!
//! prints `Registered { server: 1 }`, `asleep for 5 s` and `awake`, and so on. Ctrl-C ends it.

use core::{error::Error, net::SocketAddr, time::Duration as Time};
use std::net::UdpSocket;
use std::{env, thread, time};

use dunlin::agent::objects::{Device, Security, Server, Temperature};
use dunlin::agent::{Agent, Config, Duration, Instant, Objects, Output, Parameters};
use rand::rngs::StdRng;

/// How long it sleeps. A real device may do so for a day; then a lifetime of two is a good one.
const SLEEP: Time = Time::from_secs(5);

#[derive(Objects)]
struct Node {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
    temperature: Temperature,
}

fn main() -> Result<(), Box<dyn Error>> {
    let uri = env::args().nth(1).unwrap_or("coap://127.0.0.1:5683".into());
    let server: SocketAddr = uri.trim_start_matches("coap://").parse()?;
    let node = Node {
        security: Security::no_sec(1, &uri)?,
        server: Server::single(1, 300),
        device: Device::new("Dunlin", "Sleepy sensor", "1"),
        temperature: Temperature::new("Cel"),
    };
    // Whoever repeats little need not stay awake for long: 5 s here, 93 s with what RFC 7252 has.
    let mut parameters = Parameters::DEFAULT;
    (parameters.ack_timeout, parameters.max_retransmit) = (Duration::from_secs(1), 1);
    let config = Config::new("urn:dev:os:32473-sleepy").queue_mode();
    let rng: StdRng = rand::make_rng();
    let mut agent = Agent::new(node, config.parameters(parameters), rng);

    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let start = time::Instant::now();
    // The clock goes on while the device sleeps.
    let now = || Instant::from_millis(u64::try_from(start.elapsed().as_millis()).unwrap_or(0));
    let mut buffer = [0; 1152];
    agent.connect(now(), 1, server)?;
    loop {
        agent.handle_timeout(now());
        loop {
            match agent.poll_output(&mut buffer) {
                Output::Transmit { to, bytes } => drop(socket.send_to(bytes, to)?),
                Output::Event(event) => println!("{event:?}"),
                _ => break,
            }
        }
        let awake_until = agent.awake_until().unwrap_or(now());
        if agent.is_registered(1) && awake_until <= now() {
            println!("asleep for {} s", SLEEP.as_secs());
            thread::sleep(SLEEP);
            println!("awake");
            agent.set(|node| node.temperature.measure(20.0 + SLEEP.as_secs_f64()));
            // The Update tells the server that it is there.
            agent.update(1);
            continue;
        }
        let due = agent.next_timeout().unwrap_or(awake_until);
        let due = due.min(awake_until.max(now()));
        let wait = (due - now()).as_millis().clamp(1, 1000);
        socket.set_read_timeout(Some(Time::from_millis(wait)))?;
        if let Ok((length, peer)) = socket.recv_from(&mut buffer) {
            agent.handle_input(now(), peer, &buffer[..length]);
        }
    }
}
