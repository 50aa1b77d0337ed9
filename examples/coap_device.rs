//! A device serves its uptime over plain CoAP, to be asked for and observed:
//!
//!     cargo run --example coap_device -- 127.0.0.1:5683
//!
//! prints `serving coap://127.0.0.1:5683/uptime`, which `coap-client -s 60 coap://127.0.0.1/uptime` observes. Ctrl-C
//! ends it.

use core::error::Error;
use core::net::SocketAddr;
use std::net::UdpSocket;
use std::{env, time};

use dunlin::coap::endpoint::{Input, Output, Transmit};
use dunlin::coap::time::{Duration, Instant};
use dunlin::coap::{Code, Endpoint};
use rand::rngs::StdRng;

/// The number by which the endpoint knows the only resource.
const UPTIME: u32 = 0;

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or("127.0.0.1:5683".into());
    let socket = UdpSocket::bind(address)?;
    println!("serving coap://{}/uptime", socket.local_addr()?);

    let rng: StdRng = rand::make_rng();
    let mut endpoint = Endpoint::<SocketAddr, _>::new(rng);
    let (mut datagram, mut buffer) = ([0; 1500], [0; 1500]);
    let (start, mut told) = (time::Instant::now(), Instant::ZERO);
    loop {
        socket.set_read_timeout(Some(time::Duration::from_millis(250)))?;
        let received = socket.recv_from(&mut datagram);
        let now = Instant::ZERO + Duration::from(start.elapsed());
        let uptime = format!("{} s", now.as_secs());

        if let Ok((len, peer)) = received
            && let Input::Request(request) = endpoint.handle_input(now, peer, &datagram[..len])
        {
            let request = request.observable(UPTIME);
            let is_known = request.uri_path().eq([b"uptime"]) && request.code() == Code::GET;
            let code = if is_known {
                Code::CONTENT
            } else {
                Code::NOT_FOUND
            };
            let payload = if is_known { uptime.as_bytes() } else { b"" };
            let answer = endpoint.respond(now, &request, code, &mut buffer, |response| {
                response.payload(payload)
            });
            if let Some(Transmit { to, bytes }) = answer {
                socket.send_to(bytes, to)?;
            }
        }
        if now - told >= Duration::from_secs(5) {
            endpoint.changed(now, UPTIME);
            told = now;
        }
        endpoint.handle_timeout(now);
        loop {
            let transmit = match endpoint.poll_output(&mut buffer) {
                Output::Transmit(transmit) => Some(transmit),
                Output::Notify(to) => {
                    endpoint.notification(now, &to, Code::CONTENT, &mut buffer, |message| {
                        message.payload(uptime.as_bytes())
                    })
                }
                Output::Idle => break,
                _ => None,
            };
            if let Some(Transmit { to, bytes }) = transmit {
                socket.send_to(bytes, to)?;
            }
        }
    }
}
