//! A CoAP server with one resource to GET, and nothing else: its size is the endpoint's least cost.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m_rt::entry;
use dunlin_coap::endpoint::{Input, Output, Transmit};
use dunlin_coap::time::Instant;
use dunlin_coap::{Code, Endpoint};
use dunlin_firmware::{Generator, Peer};

/// No requests of its own, no observers; eight answers are remembered.
type Responder = Endpoint<Peer, Generator, 0, 0, 0, 8, 0>;

#[entry]
fn main() -> ! {
    // Static, as a device would have it, so that the RAM is counted.
    static mut ENDPOINT: Option<Responder> = None;
    static mut BUFFER: [u8; 128] = [0; 128];
    static mut OUTPUT: [u8; 128] = [0; 128];

    // Each `black_box` stands for a driver: the compiler knows nothing of what it gives or takes.
    let endpoint = ENDPOINT.insert(Responder::new(Generator::new(black_box(1))));
    loop {
        let (now, peer): (Instant, Peer) = black_box((Instant::ZERO, 0));
        let received: usize = black_box(0);
        let Some(datagram) = BUFFER.get(..received) else {
            continue;
        };
        if let Input::Request(request) = endpoint.handle_input(now, peer, datagram) {
            let is_known = request.uri_path().eq([b"temperature"]);
            let answer = match (is_known, request.code()) {
                (true, Code::GET) => {
                    endpoint.respond(now, &request, Code::CONTENT, OUTPUT, |response| {
                        response.content_format(0).payload(black_box(b"22.3 C"))
                    })
                }
                (known, _) => {
                    let code = if known {
                        Code::METHOD_NOT_ALLOWED
                    } else {
                        Code::NOT_FOUND
                    };
                    endpoint.respond(now, &request, code, OUTPUT, |response| response)
                }
            };
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
