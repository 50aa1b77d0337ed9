//! The runner between two stacks that a wire in memory connects; the clock is that of the host.

use core::net::Ipv4Addr;
use core::ops::ControlFlow;

use dunlin_agent::objects::{Device, Security, Server};
use dunlin_agent::{Agent, Code, Config, Event, Objects};
use dunlin_agent_embassy::{Endpoint, RunError, run};
use dunlin_coap::{Message, MessageBuilder, Type};
use embassy_futures::block_on;
use embassy_futures::join::join;
use embassy_futures::select::{Either3, select, select3};
use embassy_net::driver::HardwareAddress;
use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{Ipv4Cidr, Stack, StackResources, StaticConfigV4};
use embassy_net_driver_channel as channel;
use rand::SeedableRng;
use rand::rngs::SmallRng;

const MTU: usize = 1514;

#[derive(Objects)]
struct Node {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
}

fn agent(uri: &str) -> Agent<'static, Node, Endpoint, SmallRng> {
    let node = Node {
        security: Security::no_sec(1, uri).unwrap(),
        server: Server::single(1, 300),
        device: Device::new("Dunlin", "Embassy", "1"),
    };
    Agent::new(node, Config::new("embassy"), SmallRng::seed_from_u64(1))
}

fn config(last: u8) -> embassy_net::Config {
    embassy_net::Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(Ipv4Addr::new(10, 0, 0, last), 24),
        gateway: None,
        dns_servers: heapless::Vec::new(),
    })
}

/// Carries what one stack sends to the other.
async fn wire(mut from: channel::TxRunner<'_, MTU>, mut to: channel::RxRunner<'_, MTU>) {
    loop {
        let sent = from.tx_buf().await;
        let len = sent.len();
        to.rx_buf().await[..len].copy_from_slice(sent);
        to.rx_done(len);
        from.tx_done();
    }
}

/// A server that accepts a registration and lets the device go; gives the codes of what it was asked.
async fn serve(stack: Stack<'_>) -> Vec<Code> {
    let (mut rx_meta, mut rx) = ([PacketMetadata::EMPTY; 4], [0; 1500]);
    let (mut tx_meta, mut tx) = ([PacketMetadata::EMPTY; 4], [0; 1500]);
    let mut socket = UdpSocket::new(stack, &mut rx_meta, &mut rx, &mut tx_meta, &mut tx);
    socket.bind(5683).unwrap();
    let mut asked = Vec::new();
    let mut buffer = [0; 1500];
    while asked.last() != Some(&Code::DELETE) {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let request = Message::parse(&buffer[..length]).unwrap();
        asked.push(request.code());
        let mut space = [0; 64];
        let code = match request.code() {
            Code::POST => Code::CREATED,
            _ => Code::DELETED,
        };
        let (id, token) = (request.id(), request.token());
        let mut builder = MessageBuilder::new(&mut space, Type::Acknowledgement, code, id, token);
        if code == Code::CREATED {
            builder.location_path(["rd", "7"]);
        }
        let answer = builder.finish().unwrap();
        socket.send_to(answer, from.endpoint).await.unwrap();
    }
    // A socket that is dropped takes what is not sent yet with it.
    socket.flush().await;
    asked
}

/// Runs an agent until it is registered.
async fn live(stack: Stack<'_>, uri: &str) -> Result<(), RunError> {
    let (mut rx_meta, mut rx) = ([PacketMetadata::EMPTY; 4], [0; 1500]);
    let (mut tx_meta, mut tx) = ([PacketMetadata::EMPTY; 4], [0; 1500]);
    let mut socket = UdpSocket::new(stack, &mut rx_meta, &mut rx, &mut tx_meta, &mut tx);
    socket.bind(5683).map_err(RunError::Bind)?;
    let mut buffer = [0; 1280];
    run(
        stack,
        &socket,
        &mut agent(uri),
        &mut buffer,
        |_, event| match event {
            Some(Event::Registered { server: 1 }) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        },
    )
    .await
}

#[test]
fn registers_and_says_farewell() {
    let mut states = [const { channel::State::<MTU, 2, 2>::new() }; 2];
    let [near, far] = &mut states;
    let (near, near_device) = channel::new(near, HardwareAddress::Ip);
    let (far, far_device) = channel::new(far, HardwareAddress::Ip);
    let (near_state, near_rx, near_tx) = near.split();
    let (far_state, far_rx, far_tx) = far.split();
    near_state.set_link_state(channel::driver::LinkState::Up);
    far_state.set_link_state(channel::driver::LinkState::Up);
    let (mut near_memory, mut far_memory) =
        (StackResources::<2>::new(), StackResources::<2>::new());
    let (stack, mut near_net) = embassy_net::new(near_device, config(1), &mut near_memory, 1);
    let (server, mut far_net) = embassy_net::new(far_device, config(2), &mut far_memory, 2);
    let network = async {
        join(
            select(near_net.run(), far_net.run()),
            select(wire(near_tx, far_rx), wire(far_tx, near_rx)),
        )
        .await
    };
    let play = async {
        assert_eq!(live(stack, "coap://").await, Err(RunError::Uri(Some(1))));
        assert_eq!(
            live(stack, "coaps://10.0.0.2").await,
            Err(RunError::Uri(Some(1)))
        );
        Box::pin(join(live(stack, "coap://10.0.0.2"), serve(server))).await
    };
    // Less than it waits for the last answer.
    let patience = embassy_time::Timer::after_secs(4);
    match block_on(select3(network, play, patience)) {
        Either3::Second((ended, asked)) => {
            assert_eq!(ended, Ok(()));
            assert_eq!(asked, [Code::POST, Code::DELETE]);
        }
        _ => panic!("it takes too long"),
    }
}
