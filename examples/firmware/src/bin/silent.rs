//! The agent with every door in use, and nothing else: its size is the agent's cost.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m_rt::entry;
use dunlin_agent::{Instant, Output};
use dunlin_firmware::{FirmwareAgent, SERVER, agent};

#[entry]
fn main() -> ! {
    // Static, as a device would have it, so that the RAM is counted.
    static mut AGENT: Option<FirmwareAgent> = None;
    static mut BUFFER: [u8; 512] = [0; 512];

    // Each `black_box` stands for a driver: the compiler knows nothing of what it gives or takes.
    let agent = AGENT.insert(agent(black_box(1)));
    let mut connected = agent.connect(black_box(Instant::ZERO), SERVER, 0).is_ok();
    loop {
        let now: Instant = black_box(Instant::ZERO);
        let received: usize = black_box(0);
        if let Some(datagram) = BUFFER.get(..received) {
            agent.handle_input(now, black_box(0), datagram);
        }
        agent.set(|node| node.temperature.measure(black_box(21.5)));
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
