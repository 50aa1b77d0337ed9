//! A Linux machine reports its temperature to an LwM2M server:
//!
//!     cargo run --example sensor --features agent-std -- coap://localhost:5683
//!
//! prints `Registered { server: 1 }` and what the server does from then on. Ctrl-C ends it.

use std::{env, error::Error, fs, ops::ControlFlow};

use dunlin::agent::objects::{Device, Security, Server, Temperature};
use dunlin::agent::{Agent, Config, Event, objects};
use rand::rngs::StdRng;

struct Sensor {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
    temperature: Temperature,
}

objects!(Sensor { security, server, device, temperature });

fn main() -> Result<(), Box<dyn Error>> {
    let uri = env::args().nth(1).unwrap_or("coap://localhost:5683".into());
    let sensor = Sensor {
        security: Security::no_sec(1, &uri)?,
        server: Server::single(1, 300),
        device: Device::new("Dunlin", "Linux sensor", "1"),
        temperature: Temperature::new("Cel"),
    };
    let agent = Agent::new(sensor, Config::new("urn:dev:os:32473-sensor"), rand::make_rng::<StdRng>());
    dunlin::agent::std::run(agent, |agent, event| {
        // Thousandths of a degree; a virtual machine has no such file.
        let text = fs::read_to_string("/sys/class/thermal/thermal_zone0/temp");
        let celsius = text.ok().and_then(|text| text.trim().parse::<f64>().ok()).map_or(20.0, |value| value / 1000.0);
        agent.set(|sensor| sensor.temperature.measure(celsius));
        event.inspect(|event| println!("{event:?}"));
        if event == Some(Event::Reboot) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(())
}
