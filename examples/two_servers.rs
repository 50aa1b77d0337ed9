//! One device, two servers: the owner may do everything, the guest may read the temperature and nothing else.
//!
//!     cargo run --example two_servers --features agent-std -- coap://127.0.0.1:5683 coap://127.0.0.1:5693
//!
//! prints `Registered { server: 1 }` and `Registered { server: 2 }`. What the second server then asks for beyond its
//! rights is answered with 4.01. Ctrl-C ends it.

use core::{error::Error, net::SocketAddr, ops::ControlFlow};
use std::env;

use dunlin::agent::objects::{
    AccessControl, AccessRule, Device, Security, SecurityAccount, Server, ServerAccount,
    Temperature,
};
use dunlin::agent::{Agent, Config, Objects};
use rand::rngs::StdRng;

const OWNER: u16 = 1;
const GUEST: u16 = 2;
/// The rights of an entry: 1 Read, Observe and Write-Attributes, 2 Write, 4 Execute, 8 Delete, 16 Create.
const READ: u8 = 1;

#[derive(Objects)]
struct Node {
    security: Security<2>,
    server: Server<2>,
    access: AccessControl<4>,
    device: Device<'static>,
    temperature: Temperature,
}

fn main() -> Result<(), Box<dyn Error>> {
    let uri = |place, default: &str| env::args().nth(place).unwrap_or(default.into());
    let accounts = [
        (OWNER, uri(1, "coap://127.0.0.1:5683"), 300),
        (GUEST, uri(2, "coap://127.0.0.1:5693"), 600),
    ];
    let (mut security, mut server) = (Security::new(), Server::new());
    for (id, uri, lifetime) in accounts {
        let _ = security.insert(id, SecurityAccount::no_sec(id, &uri)?);
        let _ = server.insert(id, ServerAccount::new(id, lifetime));
    }
    let node = Node {
        security,
        server,
        // Object, instance, owner. An owner needs no entry; whom no rule names has no rights.
        access: [
            AccessRule::new(1, OWNER, OWNER),
            AccessRule::new(1, GUEST, GUEST),
            AccessRule::new(3, 0, OWNER),
            AccessRule::new(3303, 0, OWNER)
                .allow(OWNER, 31)
                .allow(GUEST, READ),
        ]
        .into(),
        device: Device::new("Dunlin", "Shared sensor", "1"),
        temperature: Temperature::new("Cel"),
    };
    let rng: StdRng = rand::make_rng();
    // Two servers, and 16 observations of both together.
    let agent: Agent<'_, Node, SocketAddr, StdRng, 2, 16> =
        Agent::with_capacity(node, Config::new("urn:dev:os:32473-shared"), rng);
    dunlin::agent::std::run(agent, |agent, event| {
        agent.set(|node| node.temperature.measure(21.5));
        event.inspect(|event| println!("{event:?}"));
        ControlFlow::Continue(())
    })?;
    Ok(())
}
