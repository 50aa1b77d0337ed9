//! An object of one's own: a thermostat that servers set and switch, and that refuses what makes no sense.
//!
//!     cargo run --example custom_object --features agent-std -- coap://127.0.0.1:5683
//!
//! prints `Registered { server: 1 }`; then `dunlin write … /32769/0/1 25` prints `thermostat 0 heats to 25 °C`. Ctrl-C ends it.

use core::{error::Error, ops::ControlFlow};
use std::env;

use dunlin::agent::model::Value;
use dunlin::agent::objects::{Device, Security, Server};
use dunlin::agent::{
    Agent, Arguments, Config, Event, Execute, Instances, Object, Objects, heapless,
};
use rand::rngs::StdRng;

/// A thermostat. Servers may make more of them, as many as there is room for.
#[derive(Object, Default)]
#[object(id = 32769, version = "1.0", create)]
struct Thermostat {
    /// Where it hangs.
    #[resource(0, read, write, length = 1..=16)]
    room: heapless::String<16>,
    /// What it is to keep.
    #[resource(1, read, write, unit = "Cel", range = 5.0..=30.0, check = in_steps)]
    target: f64,
    /// The boost, whose minutes are the argument `0='15'`.
    #[resource(2, execute = boost)]
    boost: Execute,
    /// What is measured, if anything.
    #[resource(3, read, unit = "Cel")]
    measured: Option<f32>,
    /// No resource: the program's own.
    minutes: u32,
}

impl Thermostat {
    /// Half degrees are all that it knows, and while it boosts it takes none.
    fn in_steps(&self, value: &Value<'_>) -> Result<(), dunlin::agent::Error> {
        let degrees = value.as_f64().unwrap_or_default();
        match (degrees * 2.0).fract() == 0.0 {
            _ if self.minutes > 0 => Err(dunlin::agent::Error::NotAllowed),
            true => Ok(()),
            false => Err(dunlin::agent::Error::BadValue),
        }
    }

    fn boost(&mut self, arguments: &Arguments<'_>) -> Result<(), dunlin::agent::Error> {
        let minutes = arguments.iter().next().and_then(|argument| argument.value);
        let minutes = minutes.map_or(Some(15), |text| text.parse().ok());
        self.minutes = minutes.ok_or(dunlin::agent::Error::BadValue)?;
        Ok(())
    }
}

#[derive(Objects)]
struct Node {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
    thermostats: Instances<Thermostat, 4>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let uri = env::args().nth(1).unwrap_or("coap://127.0.0.1:5683".into());
    let node = Node {
        security: Security::no_sec(1, &uri)?,
        server: Server::single(1, 300),
        device: Device::new("Dunlin", "Thermostat", "1"),
        thermostats: [Thermostat {
            room: "hall".try_into()?,
            target: 20.0,
            ..Thermostat::default()
        }]
        .into(),
    };
    let rng: StdRng = rand::make_rng();
    let agent = Agent::new(node, Config::new("urn:dev:os:32473-thermostat"), rng);
    dunlin::agent::std::run(agent, |agent, event| {
        event.inspect(|event| println!("{event:?}"));
        if let Some(Event::Written { .. } | Event::Executed { .. }) = event {
            for (id, one) in agent.objects().thermostats.iter() {
                let Thermostat {
                    target, minutes, ..
                } = one;
                println!("thermostat {id} heats to {target} °C, and more for {minutes} minutes");
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(())
}
