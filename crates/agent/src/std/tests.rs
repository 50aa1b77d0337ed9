use core::cell::Cell;
use core::ops::ControlFlow;

use hosted::net::UdpSocket;
use hosted::string::ToString;
use hosted::{format, thread, vec};

use super::{RunError, run};
use crate::objects::{Device, Security, Server};
use crate::{Agent, Config, Event, Objects, hosted};

#[derive(Objects)]
struct Node {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
}

fn agent(uri: &str) -> Agent<'static, Node, hosted::net::SocketAddr, rand::rngs::StdRng> {
    let node = Node {
        security: Security::no_sec(1, uri).unwrap(),
        server: Server::single(1, 300),
        device: Device::new("Dunlin", "Test", "1"),
    };
    Agent::new(node, Config::new("runner"), rand::make_rng())
}

#[test]
fn registers_and_says_farewell() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let uri = format!("coap://{}", socket.local_addr().unwrap());
    let server = thread::spawn(move || {
        let mut methods = vec![];
        for (code, options) in [(0x41, &b"\x82rd\x017"[..]), (0x42, b"")] {
            let mut request = [0; 1500];
            let (_, from) = socket.recv_from(&mut request).unwrap();
            methods.push(request[1]);
            let token = usize::from(request[0] & 15);
            let mut answer = vec![0x60 | request[0] & 15, code, request[2], request[3]];
            answer.extend_from_slice(&request[4..4 + token]);
            answer.extend_from_slice(options);
            socket.send_to(&answer, from).unwrap();
        }
        methods
    });
    let registered = Cell::new(false);
    run(agent(&uri), |_, event| {
        registered.set(registered.get() || event == Some(Event::Registered { server: 1 }));
        if registered.get() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .unwrap();
    // POST, then DELETE.
    assert_eq!(server.join().unwrap(), [2, 4]);
}

#[test]
fn a_uri_that_is_not_coap_is_named() {
    for uri in [
        "coaps://example.com",
        "example.com",
        "coap://",
        "coap://host:port",
        "coap://[::1",
        "coap://a/b",
    ] {
        let error = run(agent(uri), |_, _| ControlFlow::Break(())).unwrap_err();
        assert!(matches!(error, RunError::Uri(_)), "{uri}: {error}");
        assert!(error.to_string().contains(uri));
    }
}

#[test]
fn a_name_without_address_is_no_error() {
    run(agent("coap://name.invalid"), |agent, _| {
        assert!(!agent.is_registered(1));
        ControlFlow::Break(())
    })
    .unwrap();
}
