//! `sized` with DTLS around the agent: what an agent costs that talks to its server with a pre-shared key.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m_rt::entry;
use dunlin_agent::objects::{Device, Security, SecurityMode, Server};
use dunlin_agent::{Agent, Config, Instant, Output, Secure};
use dunlin_firmware::{ENDPOINT, Generator, SERVER};
use heapless::Vec;
use protected::{IDENTITY, KEY, Node, Secured};

#[path = "../protected.rs"]
mod protected;

#[entry]
fn main() -> ! {
    // Static, as a device would have it, so that the RAM is counted.
    // A vector without elements has no initial value that would take flash.
    static mut AGENT: Vec<Secured, 1> = Vec::new();
    static mut BUFFER: [u8; 1200] = [0; 1200];

    // Each `black_box` stands for a driver: the compiler knows nothing of what it gives or takes.
    let mut node = Node {
        security: Security::no_sec(SERVER, black_box("coaps://192.0.2.1")).unwrap_or_default(),
        server: Server::single(SERVER, 300),
        device: Device::new("Dunlin", "LM3S6965", "1"),
    };
    if let Some(account) = node.security.get_mut(0) {
        account.mode = SecurityMode::PreSharedKey;
        let _ = account.identity.extend_from_slice(black_box(IDENTITY));
        let _ = account.secret_key.extend_from_slice(black_box(KEY));
    }
    let generator = Generator::new(black_box(1));
    let agent = Agent::with_capacity(node, Config::new(ENDPOINT), generator);
    let _ = AGENT.push(Secure::new(agent));
    let Some(agent) = AGENT.first_mut() else {
        loop {
            cortex_m::asm::bkpt();
        }
    };
    let mut connected = agent.connect(black_box(Instant::ZERO), SERVER, 0).is_ok();
    loop {
        let now: Instant = black_box(Instant::ZERO);
        let received: usize = black_box(0);
        if let Some(datagram) = BUFFER.get_mut(..received) {
            agent.handle_input(now, black_box(0), datagram);
        }
        agent
            .agent_mut()
            .set(|node| node.device.battery_level = Some(black_box(80)));
        if black_box(false) {
            agent.agent_mut().update(SERVER);
        }
        if black_box(false) {
            agent.agent_mut().deregister(SERVER);
        }
        agent.handle_timeout(now);
        loop {
            match agent.poll_output(BUFFER) {
                Output::Transmit { to, bytes } => drop(black_box((to, bytes))),
                Output::Event(event) => drop(black_box(event)),
                _ => break,
            }
        }
        connected &= black_box(agent.next_timeout()).is_some();
        black_box(connected);
    }
}

/// Nothing of the agent panics; `cargo xtask size` counts what could.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        cortex_m::asm::bkpt();
    }
}
