//! A DTLS client with a pre-shared key, and nothing else: its size is what security costs a device.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m_rt::entry;
use dunlin_dtls::time::Instant;
use dunlin_dtls::{Config, Connection, Credentials, Datagram, Output, PskKey};
use dunlin_firmware::Generator;
use heapless::Vec;

type Client = Connection<(), 256, 256>;

struct Device;

impl Credentials for Device {
    type Peer = ();

    fn own_psk(&self) -> Option<(&[u8], PskKey)> {
        let (identity, key) = black_box((&b"urn:dev:1"[..], &b"0123456789abcdef"[..]));
        Some((identity, PskKey::new(key)?))
    }
}

#[entry]
fn main() -> ! {
    // Static, as a device would have it, so that the RAM is counted.
    // A vector without elements has no initial value that would take flash.
    static mut CLIENT: Vec<Client, 1> = Vec::new();
    static mut BUFFER: [u8; 256] = [0; 256];

    // Each `black_box` stands for a driver: the compiler knows nothing of what it gives or takes.
    let mut rng = Generator::new(black_box(1));
    let _ = CLIENT.push(Client::client(Config::DEFAULT));
    loop {
        let Some(client) = CLIENT.first_mut() else {
            continue;
        };
        let now: Instant = black_box(Instant::ZERO);
        if client.is_over() {
            client.connect(now, None, &mut Device, &mut rng);
        }
        let received: usize = black_box(0);
        if let Some(bytes) = BUFFER.get_mut(..received) {
            let mut datagram = Datagram::new(bytes);
            while let Some(data) = client.handle_input(now, &mut datagram, &mut Device, &mut rng) {
                black_box(data);
            }
        }
        client.handle_timeout(now);
        while let Output::Transmit(datagram) = client.poll_output(BUFFER) {
            black_box(datagram);
        }
        if let Ok(record) = client.send(black_box(b"22.3 C"), BUFFER) {
            black_box(record);
        }
        black_box(client.next_timeout());
    }
}

/// Nothing here panics; `cargo xtask size` counts what could.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        cortex_m::asm::bkpt();
    }
}
