//! A Linux machine reports its temperature to an LwM2M server:
//!
//!     cargo run --example sensor --features agent-std -- coap://localhost:5683
//!
//! prints `Registered { server: 1 }` and what the server does from then on. Ctrl-C ends it.

use core::{error::Error, ops::ControlFlow};
use std::{env, fs};

use dunlin::agent::objects::{Device, Security, Server};
use dunlin::agent::{Agent, Config, Event, Object, Objects};
use rand::rngs::StdRng;

#[derive(Object)]
#[object(id = 3303, version = "1.1")]
struct Temperature {
    #[resource(5700, read, unit = "Cel")]
    value: f64,
    #[resource(5701, read)]
    units: &'static str,
}

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
        temperature: Temperature {
            value: 20.0,
            units: "Cel",
        },
    };
    let rng: StdRng = rand::make_rng();
    let agent = Agent::new(node, Config::new("urn:dev:os:32473-sensor"), rng);
    dunlin::agent::std::run(agent, |agent, event| {
        if let Some(value) = celsius() {
            agent.set(|node| node.temperature.value = value);
        }
        event.inspect(|event| println!("{event:?}"));
        match event {
            Some(Event::Reboot) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    })?;
    Ok(())
}

/// The machine's temperature; a virtual one has none.
fn celsius() -> Option<f64> {
    let text = fs::read_to_string("/sys/class/thermal/thermal_zone0/temp").ok()?;
    Some(text.trim().parse::<f64>().ok()? / 1000.0)
}
