//! A device that knows nothing but a Bootstrap-Server: it fetches its accounts there, keeps them, and goes on with them and
//! its registration after every restart and power cut.
//!
//!     cargo run --example bootstrap --features agent-storage -- coap://127.0.0.1:5685 bootstrap.state
//!
//! prints `Bootstrapped` and `Registered { server: 1 }` the first time, and `Updated { server: 1 }` from then on; kill it in
//! between. Without the file it begins anew.

use core::{error::Error, net::SocketAddr, ops::ControlFlow};
use std::env;

use dunlin::agent::objects::{Device, Security, SecurityAccount, Server};
use dunlin::agent::storage::{Blocking, FileFlash, Kept, Storage};
use dunlin::agent::{Agent, Config, Event, Objects};
use rand::rngs::StdRng;

#[derive(Objects)]
struct Node {
    security: Security<2>,
    server: Server<1>,
    device: Device<'static>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let uri = env::args().nth(1).unwrap_or("coap://127.0.0.1:5685".into());
    let file = env::args().nth(2).unwrap_or("bootstrap.state".into());
    let mut security = Security::new();
    let _ = security.insert(0, SecurityAccount::no_sec_bootstrap(&uri)?);
    let node = Node {
        security,
        server: Server::new(),
        device: Device::new("Dunlin", "Bootstrapped device", "1"),
    };
    let rng: StdRng = rand::make_rng();
    let config = Config::new("urn:dev:os:32473-bootstrap");
    let agent: Agent<'_, Node, SocketAddr, StdRng> = Agent::new(node, config, rng);

    // 32 KiB for the records, 16 KiB for the log. On a microcontroller this is a part of its flash.
    let flash = Blocking(FileFlash::open(file, 0xc000)?);
    let storage: Storage<_> = Storage::new(flash, 0..0x8000, 0x8000..0xc000)?;
    let mut kept = Kept::new(agent, storage)?;
    kept.entries(|entry| println!("before: {:?}", entry.happening))?;
    dunlin::agent::std::run(kept, |kept, event| {
        event.inspect(|event| println!("{event:?}"));
        if let Some(error) = kept.error() {
            eprintln!("nothing is stored: {error}");
        }
        if event == Some(Event::FactoryReset) {
            let _ = kept.forget();
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(())
}
