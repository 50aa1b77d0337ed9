//! The runners over real sockets: plain, over DTLS, and with a bootstrap in front.
#![cfg(all(
    feature = "std",
    feature = "derive",
    feature = "psk",
    feature = "bootstrap"
))]

mod servers;
#[cfg(feature = "tls")]
mod streams;
#[cfg(feature = "tls")]
mod tls;

use core::net::SocketAddr;
use core::ops::ControlFlow;

use dunlin_agent::objects::{Device, Security, SecurityAccount, Server};
use dunlin_agent::{Agent, Config, Event, Failure, Objects, Secure, SecurityFailure};
use rand::rngs::StdRng;

#[derive(Objects)]
struct Node {
    security: Security<2>,
    server: Server<1>,
    device: Device<'static>,
}

type Plain = Agent<'static, Node, SocketAddr, StdRng>;

/// An agent with this account, and with one of the Server object if it is a server's.
fn agent(account: SecurityAccount) -> Plain {
    let server = if account.bootstrap {
        Server::new()
    } else {
        Server::single(1, 300)
    };
    let mut security = Security::new();
    security.insert(0, account).unwrap();
    let node = Node {
        security,
        server,
        device: Device::new("Dunlin", "Sockets", "1"),
    };
    Agent::new(node, Config::new("sockets"), rand::make_rng())
}

/// One that bootstraps at the server with this address.
fn blank(address: SocketAddr) -> Plain {
    agent(SecurityAccount::no_sec_bootstrap(&format!("coap://{address}")).unwrap())
}

/// One that reaches the server with this address over DTLS.
fn secured(address: SocketAddr) -> Secure<'static, Node, SocketAddr, StdRng, 1024> {
    let uri = format!("coaps://{address}");
    Secure::new(agent(
        SecurityAccount::psk(1, &uri, servers::IDENTITY, servers::KEY).unwrap(),
    ))
}

/// Until the first registration.
fn until_registered<A>(_: &mut A, event: Option<Event>) -> ControlFlow<()> {
    match event {
        Some(Event::Registered { server: 1 }) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    }
}

#[test]
fn registers_over_coaps_and_leaves() {
    let (address, server) = servers::secure();
    dunlin_agent::std::run(secured(address), server.watched(until_registered)).unwrap();
    assert_eq!(server.join(), ["0.02 /rd", "0.04 /rd/7"]);
}

#[test]
fn bootstraps_and_registers_where_it_was_told_to() {
    let (address, server) = servers::plain();
    let (start, bootstrap) = servers::bootstrap(format!("coap://{address}"));
    let mut bootstrapped = false;
    let turn = |agent: &mut Plain, event| {
        if event == Some(Event::Bootstrapped) {
            bootstrapped = true;
            assert_eq!(agent.accounts().count(), 1);
        }
        until_registered(agent, event)
    };
    dunlin_agent::std::run(blank(start), server.watched(bootstrap.watched(turn))).unwrap();
    assert!(bootstrapped);
    bootstrap.join();
    assert_eq!(server.join(), ["0.02 /rd", "0.04 /rd/7"]);
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn on_tokio_it_is_the_same() {
    let (address, server) = servers::secure();
    let run = dunlin_agent::tokio::run(secured(address), server.watched(until_registered));
    run.await.unwrap();
    assert_eq!(server.join(), ["0.02 /rd", "0.04 /rd/7"]);

    let (address, server) = servers::plain();
    let (start, bootstrap) = servers::bootstrap(format!("coap://localhost:{}", address.port()));
    let turn = server.watched(bootstrap.watched(until_registered));
    let run = dunlin_agent::tokio::run(blank(start), turn);
    run.await.unwrap();
    bootstrap.join();
    assert_eq!(server.join(), ["0.02 /rd", "0.04 /rd/7"]);
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn two_agents_share_a_thread_and_a_third_is_dropped() {
    let (one, first) = servers::plain();
    let (two, second) = servers::secure();
    let account = SecurityAccount::no_sec(1, &format!("coap://{one}")).unwrap();
    let never = |_: &mut Plain, _: Option<Event>| ControlFlow::Continue(());
    // Nobody answers there.
    let nowhere = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent = SecurityAccount::no_sec(1, &format!("coap://{}", nowhere.local_addr().unwrap()));
    tokio::select! {
        ended = dunlin_agent::tokio::run(agent(silent.unwrap()), never) => panic!("{ended:?}"),
        (one, two) = async {
            tokio::join!(
                dunlin_agent::tokio::run(agent(account), first.watched(until_registered)),
                dunlin_agent::tokio::run(secured(two), second.watched(until_registered))
            )
        } => {
            one.unwrap();
            two.unwrap();
        }
    }
    for server in [first, second] {
        assert_eq!(server.join(), ["0.02 /rd", "0.04 /rd/7"]);
    }
}

#[test]
fn a_wrong_key_is_told_and_tried_again_later() {
    let (address, server) = servers::secure();
    let uri = format!("coaps://{address}");
    let account = SecurityAccount::psk(1, &uri, servers::IDENTITY, b"another one of 16").unwrap();
    let agent: Secure<'_, _, _, _, 1024> = Secure::new(agent(account));
    let mut failed = None;
    let turn = server.watched(|_: &mut _, event| {
        if let Some(Event::RegistrationFailed { reason, .. }) = event {
            failed = Some(reason);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    dunlin_agent::std::run(agent, turn).unwrap();
    let alert = Failure::Security(SecurityFailure::Alerted(51));
    assert_eq!(failed, Some(alert), "decrypt_error");
}
