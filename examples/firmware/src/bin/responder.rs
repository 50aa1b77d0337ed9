//! A CoAP server with one resource to GET, and nothing else: its size is the endpoint's least cost.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m_rt::entry;
use dunlin_coap::endpoint::{Input, Output, Transmit};
use dunlin_coap::time::Instant;
use dunlin_coap::{Code, Endpoint};
use dunlin_firmware::{Generator, Peer};
use heapless::Vec;

/// No requests of its own, no observers; eight answers are remembered.
type Responder = Endpoint<Peer, Generator, 0, 0, 0, 8, 0>;

#[entry]
fn main() -> ! {
    // Static, as a device would have it, so that the RAM is counted.
    // A vector without elements has no initial value that would take flash.
    static mut ENDPOINT: Vec<Responder, 1> = Vec::new();
    static mut BUFFER: [u8; 128] = [0; 128];
    static mut OUTPUT: [u8; 128] = [0; 128];

    // Each `black_box` stands for a driver: the compiler knows nothing of what it gives or takes.
    let _ = ENDPOINT.push(Responder::new(Generator::new(black_box(1))));
    loop {
        let Some(endpoint) = ENDPOINT.first_mut() else {
            continue;
        };
        let (now, peer): (Instant, Peer) = black_box((Instant::ZERO, 0));
        let received: usize = black_box(0);
        let Some(datagram) = BUFFER.get(..received) else {
            continue;
        };
        if let Input::Request(request) = endpoint.handle_input(now, peer, datagram) {
            let is_known = request.uri_path().eq([b"temperature"]);
            let (code, payload): (Code, &[u8]) = match (is_known, request.code()) {
                (true, Code::GET) => (Code::CONTENT, black_box(b"22.3 C")),
                (true, _) => (Code::METHOD_NOT_ALLOWED, b""),
                (false, _) => (Code::NOT_FOUND, b""),
            };
            let answer = endpoint.respond(now, &request, code, OUTPUT, |response| {
                response.payload(payload)
            });
            if let Some(Transmit { to, bytes }) = answer {
                black_box((to, bytes));
            }
        }
        while let Output::Transmit(Transmit { to, bytes }) = endpoint.poll_output(OUTPUT) {
            black_box((to, bytes));
        }
    }
}

/// Nothing here panics; `cargo xtask size` counts what could.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        cortex_m::asm::bkpt();
    }
}
