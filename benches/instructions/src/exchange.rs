//! A complete exchange on a server: a request of the shared vectors is read, looked up among the duplicates, answered
//! and the answer remembered.

use core::convert::Infallible;
use core::hint::black_box;
use core::net::SocketAddr;

use dunlin_coap::endpoint::Input;
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{Code, Endpoint};
use rand_core::TryRng;

use crate::{Case, measured, messages};

pub(crate) const CASES: &[Case] = &[Case {
    name: "coap/exchange",
    goal: None,
    run: exchange,
}];

/// Numbers for what is drawn once.
struct Fixed;

impl TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0x9e37_79b9)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0x9e37_79b9_7f4a_7c15)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(0x9e);
        Ok(())
    }
}

fn exchange(times: u32) {
    let mut endpoint = Endpoint::<SocketAddr, Fixed>::new(Fixed);
    let mut cases = messages::cases().into_iter();
    let (_, mut request) = cases
        .find(|(case, _)| *case == "get")
        .expect("the shared vectors are there");
    let mut buffer = [0; 128];
    let mut now = Instant::from_secs(1);
    for id in 0..times {
        let [.., high, low] = id.to_be_bytes();
        request[2..4].copy_from_slice(&[high, low]);
        // Every answer is forgotten in its time.
        now += Duration::from_secs(30);
        let peer = SocketAddr::from(([192, 0, 2, 1], 5683));
        let (request, buffer, peer) = black_box((&request[..], &mut buffer[..], peer));
        let len = measured(|| {
            let Input::Request(request) = endpoint.handle_input(now, peer, request) else {
                return 0;
            };
            let answer = endpoint.respond(now, &request, Code::CONTENT, buffer, |response| {
                response.content_format(0).payload(b"22.3 C")
            });
            answer.map_or(0, |answer| answer.bytes.len())
        });
        assert_ne!(black_box(len), 0);
    }
}
