//! An agent with every door in use, and nothing else: its size is the agent's cost, for the features it is built with.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m_rt::entry;
use dunlin_agent::objects::{Device, Security, Server};
use dunlin_agent::{Agent, Config, Instant, Output};
use dunlin_firmware::{ENDPOINT, Generator, SERVER};
use static_cell::StaticCell;
use subject::{Node, Sized};

#[path = "../subject.rs"]
mod subject;

#[entry]
fn main() -> ! {
    // Static, as a device would have it, so that the RAM is counted.
    static AGENT: StaticCell<Sized> = StaticCell::new();
    static mut BUFFER: [u8; 512] = [0; 512];

    // Each `black_box` stands for a driver: the compiler knows nothing of what it gives or takes.
    let node = Node {
        security: Security::no_sec(SERVER, black_box("coap://192.0.2.1")).unwrap_or_default(),
        server: Server::single(SERVER, 300),
        device: Device::new("Dunlin", "LM3S6965", "1"),
    };
    let generator = Generator::new(black_box(1));
    let Some(agent) = AGENT.try_init_with(|| Agent::with_capacity(node, Config::new(ENDPOINT), generator)) else {
        loop {
            cortex_m::asm::bkpt();
        }
    };
    let mut connected = agent.connect(black_box(Instant::ZERO), SERVER, 0).is_ok();
    loop {
        let now: Instant = black_box(Instant::ZERO);
        let received: usize = black_box(0);
        if let Some(datagram) = BUFFER.get(..received) {
            agent.handle_input(now, black_box(0), datagram);
        }
        agent.set(|node| node.device.battery_level = Some(black_box(80)));
        if black_box(false) {
            agent.update(SERVER);
        }
        if black_box(false) {
            agent.deregister(SERVER);
        }
        #[cfg(feature = "mid")]
        if black_box(false) {
            agent.bootstrap(now, black_box(1));
            let path = dunlin_agent::model::Path::ROOT;
            connected &= agent.send(SERVER, black_box(&[path])).is_ok();
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

/// Nothing here panics; `cargo xtask size` counts what could.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        cortex_m::asm::bkpt();
    }
}
