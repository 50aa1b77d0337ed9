//! A Linux machine reports its temperature to an LwM2M server:
//!
//!     cargo run --example sensor --features agent-std -- coap://localhost:5683
//!
//! prints `Registered { server: 1 }` and what the server does from then on. Ctrl-C ends it.

use core::{error::Error, ops::ControlFlow};
use std::{env, fs};

use dunlin::agent::objects::{Device, Security, Server, Temperature};
use dunlin::agent::{Agent, Config, Event, Objects};

#[derive(Objects)]
struct Node {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
    temperature: Temperature,
}

fn main() -> Result<(), Box<dyn Error>> {
    let uri = env::args().nth(1).unwrap_or("coap://localhost:5683".into());
    let node = Node {
        security: Security::no_sec(1, &uri)?,
        server: Server::single(1, 300),
        device: Device::new("Dunlin", "Linux sensor", "1"),
        temperature: Temperature::new("Cel"),
    };
    let (config, rng) = (Config::new("urn:dev:os:32473-sensor"), rand::make_rng());
    let agent = Agent::<_, _, rand::rngs::StdRng>::new(node, config, rng);
    dunlin::agent::std::run(agent, |agent, event| {
        let file = fs::read_to_string("/sys/class/thermal/thermal_zone0/temp");
        // The machine's temperature in thousandths of a degree; a virtual one has none.
        let millis = file.unwrap_or_default().trim().parse().unwrap_or(20_000.0);
        agent.set(|node| node.temperature.measure(millis / 1000.0));
        event.inspect(|event| println!("{event:?}"));
        match event {
            Some(Event::Reboot) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    })?;
    Ok(())
}
