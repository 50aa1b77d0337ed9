//! The agent of `secured`, whose datagrams go over the first UART to `cargo xtask stack` and come from there: how deep its
//! stack is, with a server whose own depth is not in it.
//!
//! The other end says what is to be done: the time in milliseconds (four bytes, the lowest first), what it is (one byte), how
//! many bytes follow (two), and those. Each datagram that is to be sent is told by its length, and then 0.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use dunlin_agent::objects::{Device, Security, SecurityMode, Server};
use dunlin_agent::{Agent, Config, Instant, Output, Secure};
use dunlin_firmware::{ENDPOINT, Generator, SERVER};
use protected::{IDENTITY, KEY, Node, Secured};
use static_cell::StaticCell;
use vcell::VolatileCell;

#[path = "../protected.rs"]
mod protected;

/// A datagram of the server.
const RECEIVED: u8 = 0;
/// Time has passed.
const PASSED: u8 = 1;
/// The battery's level.
const MEASURED: u8 = 2;
/// The device leaves.
const LEAVE: u8 = 3;

#[repr(C)]
struct Uart {
    /// 0x00, UARTDR.
    data: VolatileCell<u32>,
    _errors: [VolatileCell<u32>; 5],
    /// 0x18, UARTFR: bit 4 is that nothing has come, 5 that there is no room.
    flags: VolatileCell<u32>,
}

// The linker script says where it is, and nothing else uses it.
unsafe extern "C" {
    safe static UART: Uart;
}

fn take() -> u8 {
    while UART.flags.get() & 1 << 4 != 0 {}
    UART.data.get() as u8
}

fn give(byte: u8) {
    while UART.flags.get() & 1 << 5 != 0 {}
    UART.data.set(byte.into());
}

#[entry]
fn main() -> ! {
    static mut BUFFER: [u8; 1200] = [0; 1200];

    let Some(agent) = agent() else {
        debug::exit(debug::EXIT_FAILURE);
        loop {
            cortex_m::asm::bkpt();
        }
    };
    let mut connected = false;
    loop {
        let now = u32::from_le_bytes([take(), take(), take(), take()]);
        let now = Instant::from_millis(now.into());
        let what = take();
        let length = usize::from(u16::from_le_bytes([take(), take()]));
        let (datagram, _) = BUFFER.split_at_mut(length.min(1200));
        datagram.iter_mut().for_each(|byte| *byte = take());
        if !connected {
            connected = agent.connect(now, SERVER, 0).is_ok();
        }
        match what {
            RECEIVED => agent.handle_input(now, 0, datagram),
            PASSED => {}
            MEASURED => {
                let level = datagram.first().copied();
                agent
                    .agent_mut()
                    .set(|node| node.device.battery_level = level);
            }
            LEAVE => agent.agent_mut().deregister(SERVER),
            _ => break,
        }
        agent.handle_timeout(now);
        loop {
            match agent.poll_output(BUFFER) {
                Output::Transmit { bytes, .. } => {
                    let length = (bytes.len() as u16).to_le_bytes();
                    length.iter().chain(bytes).copied().for_each(give);
                }
                Output::Event(_) => {}
                _ => break,
            }
        }
        [0, 0].into_iter().for_each(give);
    }
    hprintln!("all went well");
    // The memory is looked at from outside.
    loop {
        cortex_m::asm::wfi();
    }
}

/// Makes the agent, in a function of its own: it is made on the stack, which is free again when the agent works.
#[inline(never)]
fn agent() -> Option<&'static mut Secured> {
    static AGENT: StaticCell<Secured> = StaticCell::new();

    AGENT.try_init_with(|| {
        let mut node = Node {
            security: Security::no_sec(SERVER, "coaps://192.0.2.1").unwrap_or_default(),
            server: Server::single(SERVER, 300),
            device: Device::new("Dunlin", "LM3S6965", "1"),
        };
        if let Some(account) = node.security.get_mut(0) {
            account.mode = SecurityMode::PreSharedKey;
            let _ = account.identity.extend_from_slice(IDENTITY);
            let _ = account.secret_key.extend_from_slice(KEY);
        }
        let config = Config::new(ENDPOINT);
        Secure::new(Agent::with_capacity(node, config, Generator::new(7)))
    })
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    debug::exit(debug::EXIT_FAILURE);
    loop {
        cortex_m::asm::bkpt();
    }
}
