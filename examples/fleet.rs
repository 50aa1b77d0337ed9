//! A manager in forty lines: it reads every device that registers and prints its temperature, if it has one, as it changes.
//!
//!     cargo run --example fleet --features manager
//!     cargo run --example sensor --features agent-std -- coap://127.0.0.1:5683      # in another terminal
//!
//! prints `urn:dev:os:32473-sensor is a Linux sensor by Dunlin` and then its values. Another address and another file
//! for the database can follow as arguments. Ctrl-C ends it.

use core::error::Error;

use dunlin::manager::{CommandError, Device, Event, Manager, Sqlite, device};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let uri = arguments.next().unwrap_or("coap://127.0.0.1:5683".into());
    let database = arguments.next().unwrap_or("fleet.db".into());
    let manager = Manager::builder()
        .listen(&uri)?
        .store(Sqlite::open(database)?)
        .start()
        .await?;
    println!("waiting for devices at {:?}", manager.local_addresses());

    let mut events = manager.events();
    while let Some(event) = events.next().await {
        match event {
            Event::Registered(device) => {
                // Each device has a task of its own, so that a slow one keeps nobody waiting.
                tokio::spawn(async move {
                    if let Err(error) = welcome(&device).await {
                        eprintln!("{}: {error}", device.endpoint());
                    }
                });
            }
            other => println!("{other:?}"),
        }
    }
    Ok(())
}

async fn welcome(device: &Device) -> Result<(), CommandError> {
    let model = device.read(device::MODEL_NUMBER).await?;
    let maker = device.read(device::MANUFACTURER).await?;
    println!("{} is a {model} by {maker}", device.endpoint());

    let registration = device.info().await?.registration;
    let mut links = registration.links.iter();
    if !links.any(|link| link.path.to_string() == "/3303/0") {
        println!("{} has no thermometer", device.endpoint());
        return Ok(());
    }
    let mut heat = device.observe((3303, 0, 5700)).pmin(1).pmax(300).await?;
    while let Some(notification) = heat.next().await {
        println!("{}: {:?}", device.endpoint(), notification.records.value());
    }
    Ok(())
}
