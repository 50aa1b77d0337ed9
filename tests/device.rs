//! One device and one manager over real sockets and a real database: everything that either asks of the other.

use core::net::SocketAddr;
use core::ops::ControlFlow;
use core::time::Duration;
use std::net::UdpSocket;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Instant;

use dunlin_agent::objects::{Device as DeviceObject, Security, Server, Temperature};
use dunlin_agent::{Agent, BlockSize, Config, Instances, Objects};
use dunlin_manager::{
    Attributes, Code, CommandError, ContentFormat, Event, Manager, Metrics, OwnedValue, Path,
    Record, Sqlite, device,
};
use rand::rngs::StdRng;

const ENDPOINT: &str = "urn:dev:os:32473-whole-path";

/// Longer than anything here takes on the slowest machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Objects)]
struct Node {
    security: Security<1>,
    server: Server<1>,
    device: DeviceObject<'static>,
    temperature: Instances<Temperature, 4>,
}

/// What a test tells the program of a device.
enum Order {
    Measure(f64),
    Stop,
}

/// A device in a thread of its own, run by the agent's blocking runner.
struct Simulated {
    orders: mpsc::Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Simulated {
    fn start(server: SocketAddr, config: Config<'static>) -> Self {
        let (orders, inbox) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut temperature = Instances::default();
            assert!(temperature.insert(0, Temperature::new("Cel")).is_ok());
            let node = Node {
                security: Security::no_sec(1, &format!("coap://{server}")).unwrap(),
                server: Server::single(1, 300),
                device: DeviceObject::new("Dunlin", "Whole Path", "7"),
                temperature,
            };
            let rng: StdRng = rand::make_rng();
            let agent = Agent::new(node, config, rng);
            dunlin_agent::std::run(agent, |agent, _| {
                for order in inbox.try_iter() {
                    match order {
                        Order::Measure(value) => agent.set(|node| {
                            node.temperature.get_mut(0).unwrap().measure(value);
                        }),
                        Order::Stop => return ControlFlow::Break(()),
                    }
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        });
        Self {
            orders,
            thread: Some(thread),
        }
    }

    fn measure(&self, value: f64) {
        self.orders.send(Order::Measure(value)).unwrap();
    }

    /// Lets the device leave in good order.
    fn stop(mut self) {
        self.orders.send(Order::Stop).unwrap();
        self.thread.take().unwrap().join().unwrap();
    }
}

async fn manager_at(file: &std::path::Path, address: &str) -> Manager {
    Manager::builder()
        .listen(&format!("coap://{address}"))
        .unwrap()
        .store(Sqlite::open(file).unwrap())
        .start()
        .await
        .unwrap()
}

async fn next_event(events: &mut dunlin_manager::Events, wanted: impl Fn(&Event) -> bool) -> Event {
    tokio::time::timeout(PATIENCE, async {
        loop {
            let event = events.next().await.expect("the manager runs");
            if wanted(&event) {
                return event;
            }
        }
    })
    .await
    .expect("the event comes")
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !done().await {
        assert!(start.elapsed() < PATIENCE, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn refused(error: &CommandError) -> Option<Code> {
    match error {
        CommandError::Refused { code, .. } => Some(*code),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_registers_reports_and_takes_orders() {
    let folder = tempfile::tempdir().unwrap();
    let manager = manager_at(&folder.path().join("fleet.db"), "127.0.0.1:0").await;
    let mut events = manager.events();
    let simulated = Simulated::start(manager.local_addresses()[0], Config::new(ENDPOINT));
    simulated.measure(20.5);

    let Event::Registered(device) =
        next_event(&mut events, |event| matches!(event, Event::Registered(_))).await
    else {
        unreachable!()
    };
    assert_eq!(device.endpoint(), ENDPOINT);

    // Read: a typed resource, plain numbers, an instance, in every format that both sides have.
    assert_eq!(device.read(device::MANUFACTURER).await.unwrap(), "Dunlin");
    for format in [
        ContentFormat::TEXT,
        ContentFormat::TLV,
        ContentFormat::SENML_CBOR,
    ] {
        let value = device.read((3303, 0, 5700)).format(format).await.unwrap();
        assert_eq!(value.value().unwrap().as_f64(), Some(20.5), "{format}");
    }
    let instance = device.read("/3303/0").await.unwrap();
    assert_eq!(
        instance.get(Path::try_from((3303, 0, 5701)).unwrap()),
        Some(&OwnedValue::from("Cel"))
    );
    let object = device.read((3303,)).await.unwrap();
    assert!(object.into_vec().len() >= 4);

    // What is not there and what is not allowed says so, by the device's own code.
    assert_eq!(
        refused(&device.read((3303, 9)).await.unwrap_err()),
        Some(Code::NOT_FOUND)
    );
    assert_eq!(
        refused(&device.read((3, 0, 4)).await.unwrap_err()),
        Some(Code::METHOD_NOT_ALLOWED)
    );
    assert_eq!(
        refused(&device.read((0,)).await.unwrap_err()),
        Some(Code::UNAUTHORIZED)
    );
    assert_eq!(
        refused(&device.write((3, 0, 0), "Someone else").await.unwrap_err()),
        Some(Code::METHOD_NOT_ALLOWED)
    );

    // Write, and see it.
    device.write((3, 0, 15), "Europe/Lisbon").await.unwrap();
    assert_eq!(
        device.read(device::TIMEZONE).await.unwrap(),
        "Europe/Lisbon"
    );

    // Execute: reset the extremes.
    simulated.measure(30.5);
    simulated.measure(25.0);
    until("the device has measured", async || {
        device
            .read((3303, 0, 5700))
            .await
            .unwrap()
            .value()
            .unwrap()
            .as_f64()
            == Some(25.0)
    })
    .await;
    assert_eq!(
        device
            .read((3303, 0, 5602))
            .await
            .unwrap()
            .value()
            .unwrap()
            .as_f64(),
        Some(30.5)
    );
    device.execute((3303, 0, 5605), "").await.unwrap();
    assert_eq!(
        device
            .read((3303, 0, 5602))
            .await
            .unwrap()
            .value()
            .unwrap()
            .as_f64(),
        Some(25.0)
    );

    // Discover with what Write-Attributes attached.
    device
        .write_attributes(
            (3303, 0, 5700),
            Attributes {
                pmin: Some(0),
                pmax: Some(60),
                ..Attributes::NONE
            },
        )
        .await
        .unwrap();
    let links = device.discover((3303,)).await.unwrap();
    let value = links
        .iter()
        .find(|link| link.path == Path::try_from((3303, 0, 5700)).unwrap())
        .unwrap();
    assert_eq!(value.attributes.get("pmax").map(AsRef::as_ref), Some("60"));

    // Observe: the value of the answer, then each change.
    let mut heat = device.observe((3303, 0, 5700)).await.unwrap();
    simulated.measure(26.25);
    let notification = tokio::time::timeout(PATIENCE, async {
        loop {
            let notification = heat.next().await.expect("the observation runs");
            if notification.records.value().unwrap().as_f64() == Some(26.25) {
                return notification;
            }
        }
    })
    .await
    .unwrap();
    assert_eq!(notification.device.endpoint(), ENDPOINT);
    assert_eq!(device.observations().await.unwrap().len(), 1);
    device.cancel((3303, 0, 5700)).await.unwrap();
    assert_eq!(device.observations().await.unwrap().len(), 0);

    // Create and Delete; each brings an Update with the new object list.
    let path = device.create((3303,), Vec::<Record>::new()).await.unwrap();
    assert_eq!(path.object_id().unwrap().get(), 3303);
    next_event(&mut events, |event| matches!(event, Event::Updated(_))).await;
    let listed = async |path: Path| {
        device
            .info()
            .await
            .unwrap()
            .registration
            .links
            .iter()
            .any(|link| link.path == path)
    };
    until("the new instance is listed", async || listed(path).await).await;
    device.delete(path).await.unwrap();
    until("the old instance is gone", async || !listed(path).await).await;
    assert_eq!(
        refused(&device.delete((3, 0)).await.unwrap_err()),
        Some(Code::METHOD_NOT_ALLOWED)
    );

    // De-register.
    simulated.stop();
    next_event(&mut events, |event| matches!(event, Event::Deregistered(_))).await;
    assert!(matches!(
        device.read((3, 0)).await,
        Err(CommandError::NotConnected { .. })
    ));
    manager.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_longer_than_a_block_comes_and_goes_in_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let manager = manager_at(&folder.path().join("fleet.db"), "127.0.0.1:0").await;
    let mut events = manager.events();
    let config = Config::new(ENDPOINT).block_size(BlockSize::MIN);
    let simulated = Simulated::start(manager.local_addresses()[0], config);
    // The object list alone takes several blocks of 16 bytes.
    next_event(&mut events, |event| matches!(event, Event::Registered(_))).await;
    let device = manager.device(ENDPOINT);
    assert!(device.info().await.unwrap().registration.links.len() >= 3);

    let before = manager.metrics();
    let records = device.read((3, 0)).await.unwrap();
    assert_eq!(
        records.get("/3/0/0".parse().unwrap()),
        Some(&OwnedValue::from("Dunlin"))
    );
    assert_eq!(
        records.get("/3/0/1".parse().unwrap()),
        Some(&OwnedValue::from("Whole Path"))
    );
    assert!(
        manager.metrics().datagrams_in - before.datagrams_in >= 3,
        "it came in several datagrams"
    );

    // Longer than the agent takes: refused with the protocol's own code, not cut.
    let too_long = device
        .write((3, 0, 15), "x".repeat(5000))
        .await
        .unwrap_err();
    assert_eq!(refused(&too_long), Some(Code::REQUEST_ENTITY_TOO_LARGE));
    simulated.stop();
    manager.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_garbage_is_counted_and_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let manager = manager_at(&folder.path().join("fleet.db"), "127.0.0.1:0").await;
    let mut events = manager.events();
    let address = manager.local_addresses()[0];
    let simulated = Simulated::start(address, Config::new(ENDPOINT));
    next_event(&mut events, |event| matches!(event, Event::Registered(_))).await;

    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = |bytes: &[u8]| {
        socket.send_to(bytes, address).unwrap();
    };
    send(&[]); // nothing at all
    send(&[0x40]); // truncated header
    send(&[0x80, 1, 0, 1]); // version 2
    send(&[0x49, 1, 0, 2]); // token length 9
    send(&[0x50, 1, 0, 3, 0xff]); // NON, payload marker without payload
    send(&[0x40, 1, 0, 4, 0xdd]); // option that ends too soon
    send(&[0x41, 0, 0, 5, 7]); // Empty with a token
    send(&vec![0x55; 60_000]); // oversized
    send(&[0x60, 0x45, 0xab, 0xcd]); // an answer to nothing
    send(&[0x70, 0, 0xab, 0xcd]); // a Reset of nothing
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    for length in 0..400_usize {
        let bytes: Vec<u8> = (0..length % 80)
            .map(|_| {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                noise.to_le_bytes()[3]
            })
            .collect();
        send(&bytes);
    }
    // A malformed Confirmable message is rejected with a Reset (RFC 7252 §4.2).
    let mut answer = [0; 64];
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = loop {
        let (length, _) = socket.recv_from(&mut answer).unwrap();
        if answer[..length] == [0x70, 0, 0, 4] {
            break length;
        }
    };
    assert_eq!(length, 4);

    let malformed = |metrics: &Metrics| {
        metrics
            .malformed
            .iter()
            .map(|count| count.count)
            .sum::<u64>()
    };
    until("the noise is counted", async || {
        malformed(&manager.metrics()) > 6
    })
    .await;
    assert_eq!(
        manager
            .device(ENDPOINT)
            .read(device::MANUFACTURER)
            .await
            .unwrap(),
        "Dunlin"
    );
    simulated.stop();
    manager.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_that_comes_back_finds_its_devices_where_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.db");
    let manager = manager_at(&file, "127.0.0.1:0").await;
    let mut events = manager.events();
    let address = manager.local_addresses()[0];
    let simulated = Simulated::start(address, Config::new(ENDPOINT));
    simulated.measure(1.5);
    next_event(&mut events, |event| matches!(event, Event::Registered(_))).await;
    manager
        .device(ENDPOINT)
        .observe((3303, 0, 5700))
        .await
        .unwrap();
    manager.shutdown().await;

    let manager = manager_at(&file, &address.to_string()).await;
    let mut events = manager.events();
    let device = manager.device(ENDPOINT);
    assert_eq!(device.read(device::MANUFACTURER).await.unwrap(), "Dunlin");
    simulated.measure(2.5);
    let delivered = |event: &Event| matches!(event, Event::Notification(n) if n.records.value().unwrap().as_f64() == Some(2.5));
    next_event(&mut events, delivered).await;
    assert_eq!(
        manager.metrics().registered,
        0,
        "nobody has registered again"
    );
    simulated.stop();
    manager.shutdown().await;
}
