//! An agent on embassy: executor, clock and network stack, over the board's Ethernet controller, at a server of the host that
//! QEMU runs on. Run by `cargo xtask firmware`, which is that server: it has the sensor read and the device rebooted, at which
//! this ends.
#![no_std]
#![no_main]

mod clock;
mod ethernet;

use core::fmt::Write as _;
use core::net::Ipv4Addr;
use core::ops::ControlFlow;

use cortex_m_semihosting::{debug, hprintln};
use dunlin_agent::Event;
use dunlin_agent_embassy::{Endpoint, RunError, run};
use dunlin_firmware::{FirmwareAgent, agent};
use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_net::driver::HardwareAddress;
use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{Config, Ipv4Cidr, Stack, StackResources, StaticConfigV4};
use embassy_net_driver_channel::{self as channel, driver::LinkState};
use heapless::String;
use static_cell::{ConstStaticCell, StaticCell};
use vcell::VolatileCell;

/// An address that the board's owner has given it.
const ADDRESS: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// In the network that QEMU plays, whose host is 10.0.2.2.
const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

unsafe extern "C" {
    /// Where a factory would write what a device is to know: here QEMU does.
    safe static SERVER_PORT: VolatileCell<u32>;
}

#[embassy_executor::main]
async fn main(_spawner: Spawner) {
    static CHANNEL: ConstStaticCell<channel::State<{ ethernet::MTU }, 2, 2>> =
        ConstStaticCell::new(channel::State::new());
    static RESOURCES: ConstStaticCell<StackResources<2>> =
        ConstStaticCell::new(StackResources::new());
    static URI: StaticCell<String<40>> = StaticCell::new();

    let Some(mut core) = cortex_m::Peripherals::take() else {
        return;
    };
    clock::start(&mut core.SYST);
    ethernet::start(ADDRESS);
    let (mut controller, device) = channel::new(CHANNEL.take(), HardwareAddress::Ethernet(ADDRESS));
    controller.set_link_state(LinkState::Up);
    let config = Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(OWN, 24),
        gateway: Some(HOST),
        dns_servers: heapless::Vec::new(),
    });
    let (stack, mut network) = embassy_net::new(device, config, RESOURCES.take(), 7);
    let uri = URI.init(String::new());
    // It fits.
    let _ = write!(uri, "coap://{HOST}:{}", SERVER_PORT.get());
    hprintln!("an agent on embassy, for {}", uri);
    let below = select(network.run(), ethernet::carry(controller));
    match select(below, live(stack, uri)).await {
        Either::Second(Ok(())) => {
            hprintln!("all went well");
            debug::exit(debug::EXIT_SUCCESS);
        }
        Either::Second(Err(error)) => {
            hprintln!("FAILED: {}", error);
            debug::exit(debug::EXIT_FAILURE);
        }
        Either::First(_) => {}
    }
}

/// Runs the agent until its server asks for a reboot.
async fn live(stack: Stack<'_>, uri: &str) -> Result<(), RunError> {
    static AGENT: StaticCell<FirmwareAgent<Endpoint>> = StaticCell::new();

    let agent = AGENT.init_with(|| agent(7, uri));
    let (mut rx_meta, mut rx) = ([PacketMetadata::EMPTY; 4], [0; 1500]);
    let (mut tx_meta, mut tx) = ([PacketMetadata::EMPTY; 4], [0; 1500]);
    let mut socket = UdpSocket::new(stack, &mut rx_meta, &mut rx, &mut tx_meta, &mut tx);
    socket.bind(5683).map_err(RunError::Bind)?;
    let mut buffer = [0; 1280];
    run(stack, &socket, agent, &mut buffer, |agent, event| {
        agent.set(|node| node.temperature.measure(21.5));
        if let Some(event) = event {
            hprintln!("  event: {:?}", event);
        }
        match event {
            Some(Event::Reboot) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    })
    .await
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    debug::exit(debug::EXIT_FAILURE);
    loop {
        cortex_m::asm::bkpt();
    }
}
