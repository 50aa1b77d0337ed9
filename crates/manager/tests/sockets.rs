//! A manager on real sockets, and a device of a few lines at the other side.

use core::future::IntoFuture as _;
use core::net::SocketAddr;
use core::time::Duration;
use std::net::UdpSocket;

use dunlin_coap::{Code, Message, MessageBuilder, MessageId, Token, Type};
use dunlin_manager::{
    CommandError, Config, DeviceState, Event, Events, Manager, ObjectLink, Path, Sqlite,
    StartError, device,
};

/// A device that answers what it is asked by a function.
struct Peer {
    socket: UdpSocket,
    manager: SocketAddr,
    next_id: u16,
    location: Vec<String>,
    /// The token of the observation that the manager asked for.
    observed: Option<Token>,
}

struct Request {
    code: Code,
    path: String,
    observe: Option<u32>,
    id: MessageId,
    token: Token,
}

impl Peer {
    fn new(manager: &Manager) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let manager = manager.local_addresses()[0];
        Self {
            socket,
            manager,
            next_id: 1,
            location: Vec::new(),
            observed: None,
        }
    }

    fn receive(&self) -> Vec<u8> {
        let mut buffer = [0; 2048];
        let (length, _) = self.socket.recv_from(&mut buffer).unwrap();
        buffer[..length].to_vec()
    }

    fn send(&self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.manager).unwrap();
    }

    fn register(&mut self, endpoint: &str) -> Code {
        let mut buffer = [0; 512];
        self.next_id += 1;
        let ep = format!("ep={endpoint}");
        let mut builder = MessageBuilder::new(
            &mut buffer,
            Type::Confirmable,
            Code::POST,
            MessageId(self.next_id),
            Token::EMPTY,
        );
        builder
            .path(["rd"])
            .content_format(40)
            .query([ep.as_str(), "lt=300", "lwm2m=1.1"]);
        self.send(
            builder
                .payload(b"</1/0>,</3/0>,</3303/0>")
                .finish()
                .unwrap(),
        );
        let answer = self.receive();
        let message = Message::parse(&answer).unwrap();
        let segment = |segment: &[u8]| String::from_utf8(segment.to_vec()).unwrap();
        self.location = message.location_path().map(segment).collect();
        message.code()
    }

    fn update(&mut self) -> Code {
        let mut buffer = [0; 256];
        self.next_id += 1;
        let mut builder = MessageBuilder::new(
            &mut buffer,
            Type::Confirmable,
            Code::POST,
            MessageId(self.next_id),
            Token::EMPTY,
        );
        self.send(builder.path(&self.location).finish().unwrap());
        Message::parse(&self.receive()).unwrap().code()
    }

    fn request(&mut self) -> Request {
        let datagram = self.receive();
        let message = Message::parse(&datagram).unwrap();
        let path = message.uri_path().fold(String::new(), |path, segment| {
            path + "/" + str::from_utf8(segment).unwrap()
        });
        let request = Request {
            code: message.code(),
            path,
            observe: message.observe(),
            id: message.id(),
            token: message.token(),
        };
        if request.observe == Some(0) {
            self.observed = Some(request.token);
        }
        request
    }

    fn answer(&self, request: &Request, code: Code, text: &str) {
        let mut buffer = [0; 256];
        let mut builder = MessageBuilder::new(
            &mut buffer,
            Type::Acknowledgement,
            code,
            request.id,
            request.token,
        );
        if request.observe == Some(0) {
            builder.observe(1);
        }
        if !text.is_empty() {
            builder.content_format(0);
        }
        self.send(builder.payload(text.as_bytes()).finish().unwrap());
    }

    /// Answers the next request for `path`.
    fn serve(&mut self, path: &str, code: Code, text: &str) {
        let request = self.request();
        assert_eq!(request.path, path);
        self.answer(&request, code, text);
    }

    fn notify(&mut self, number: u32, text: &str) -> Vec<u8> {
        let mut buffer = [0; 256];
        self.next_id += 1;
        let token = self.observed.unwrap();
        let mut builder = MessageBuilder::new(
            &mut buffer,
            Type::Confirmable,
            Code::CONTENT,
            MessageId(self.next_id),
            token,
        );
        self.send(
            builder
                .observe(number)
                .content_format(0)
                .payload(text.as_bytes())
                .finish()
                .unwrap(),
        );
        self.receive()
    }
}

/// Lets a device do something while the manager runs.
async fn with<T: Send + 'static>(
    mut peer: Peer,
    work: impl FnOnce(&mut Peer) -> T + Send + 'static,
) -> (Peer, T) {
    tokio::task::spawn_blocking(move || {
        let result = work(&mut peer);
        (peer, result)
    })
    .await
    .unwrap()
}

async fn registered(events: &mut Events) -> dunlin_manager::Device {
    loop {
        if let Some(Event::Registered(device)) = events.next().await {
            return device;
        }
    }
}

#[tokio::test]
async fn a_device_registers_is_read_written_executed_and_observed() {
    let manager = Manager::builder()
        .listen("coap://127.0.0.1:0")
        .unwrap()
        .start()
        .await
        .unwrap();
    let mut events = manager.events();
    let (peer, code) = with(Peer::new(&manager), |peer| peer.register("urn:dev:1")).await;
    assert_eq!(code, Code::CREATED);
    let device = registered(&mut events).await;
    assert_eq!(device.endpoint(), "urn:dev:1");
    assert_eq!(device.info().await.unwrap().state, DeviceState::Registered);

    let serving = tokio::spawn(with(peer, |peer| {
        peer.serve("/3/0/9", Code::CONTENT, "87");
        peer.serve("/3303/0/5700", Code::CONTENT, "20.5");
        peer.serve("/3/0/14", Code::CHANGED, "");
        peer.serve("/3/0/4", Code::CHANGED, "");
        peer.serve("/3/0/0", Code::METHOD_NOT_ALLOWED, "");
        let request = peer.request();
        assert_eq!(
            (request.code, request.path.as_str()),
            (Code::PUT, "/3303/0/5700")
        );
        peer.answer(&request, Code::CHANGED, "");
        peer.serve("/3303/0/5700", Code::CONTENT, "21");
        peer.notify(2, "22");
        peer.notify(3, "23");
    }));
    let level: i64 = device.read(device::BATTERY_LEVEL).await.unwrap();
    assert_eq!(level, 87);
    let records = device.read((3303, 0, 5700)).await.unwrap();
    assert_eq!(
        records.value().and_then(dunlin_manager::OwnedValue::as_f64),
        Some(20.5)
    );
    device.write(device::UTC_OFFSET, "+01:00").await.unwrap();
    device.execute(device::REBOOT, "").await.unwrap();
    let error = device.write("/3/0/0", "x").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the device refused Write of /3/0/0: 4.05 Method Not Allowed"
    );
    let mut heat = device
        .observe((3303, 0, 5700))
        .pmin(1)
        .pmax(60)
        .await
        .unwrap();
    assert_eq!(
        heat.first()
            .value()
            .and_then(dunlin_manager::OwnedValue::as_f64),
        Some(21.0)
    );
    for expected in [22.0, 23.0] {
        let notification = heat.next().await.unwrap();
        assert_eq!(
            notification
                .records
                .value()
                .and_then(dunlin_manager::OwnedValue::as_f64),
            Some(expected)
        );
    }
    serving.await.unwrap();
    assert_eq!(device.observations().await.unwrap().len(), 1);
    assert_eq!(device.values().await.unwrap().len(), 2);
    let page = manager.devices().containing("dev").limit(10).await.unwrap();
    assert_eq!((page.total, page.devices.len()), (1, 1));
    let metrics = manager.metrics();
    assert_eq!((metrics.registrations, metrics.notifications), (1, 2));

    manager.shutdown().await;
    assert_eq!(device.read((3, 0, 9)).await, Err(CommandError::Stopped));
    assert!(heat.next().await.is_none());
    while let Some(event) = events.next().await {
        assert_ne!(event.name(), "missed");
    }
}

#[tokio::test]
async fn registrations_and_observations_survive_a_kill_and_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.db");
    let start = async |listen: String, file: &std::path::Path| {
        Manager::builder()
            .listen(&listen)
            .unwrap()
            .store(Sqlite::open(file).unwrap())
            .start()
            .await
            .unwrap()
    };
    let manager = start("coap://127.0.0.1:0".to_owned(), &file).await;
    let address = manager.local_addresses()[0];
    let mut events = manager.events();
    let (peer, code) = with(Peer::new(&manager), |peer| peer.register("a")).await;
    assert_eq!(code, Code::CREATED);
    let device = registered(&mut events).await;
    let serving = tokio::spawn(with(peer, |peer| {
        peer.serve("/3303/0/5700", Code::CONTENT, "21");
    }));
    device.observe((3303, 0, 5700)).await.unwrap();
    let (peer, ()) = serving.await.unwrap();

    // What lies on the disk now is what a killed process leaves.
    let left = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), left.path().join(entry.file_name())).unwrap();
    }
    manager.shutdown().await;
    let manager = start(format!("coap://{address}"), &left.path().join("fleet.db")).await;
    let mut events = manager.events();
    let device = manager.device("a");
    assert_eq!(device.observations().await.unwrap().len(), 1);
    let serving = tokio::spawn(with(peer, |peer| {
        // The device notices nothing: its notification is acknowledged, it is read, its location is known.
        assert_eq!(peer.notify(2, "22")[0], 0x60);
        peer.serve("/3/0/9", Code::CONTENT, "87");
        peer.update()
    }));
    let Some(Event::Notification(notification)) = events.next().await else {
        panic!()
    };
    assert_eq!(
        (notification.device.endpoint(), notification.path),
        ("a", Path::try_from((3303, 0, 5700)).unwrap())
    );
    assert_eq!(device.read(device::BATTERY_LEVEL).await.unwrap(), 87);
    let (_, code) = serving.await.unwrap();
    assert_eq!(code, Code::CHANGED);
}

#[tokio::test]
async fn a_full_store_refuses_devices_at_run_time_with_5_03() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::options()
        .max_bytes(96 * 1024)
        .open(folder.path().join("fleet.db"))
        .unwrap();
    let manager = Manager::builder()
        .listen("coap://127.0.0.1:0")
        .unwrap()
        .store(store)
        .start()
        .await
        .unwrap();
    let (peer, accepted) = with(Peer::new(&manager), |peer| {
        for number in 0..5_000 {
            // A name of some length, so that a page holds few.
            let code = peer.register(&format!("urn:dev:os:{number:0>200}"));
            if code != Code::CREATED {
                assert_eq!(code, Code::SERVICE_UNAVAILABLE);
                return number;
            }
        }
        panic!("the limit had no effect")
    })
    .await;
    assert!(accepted > 0);
    let metrics = manager.metrics();
    assert!(metrics.store.failing && metrics.store.failures > 0);
    assert_eq!(metrics.devices, accepted);
    drop(peer);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Manager::builder()
        .listen(&format!("coap://127.0.0.1:{port}"))
        .unwrap()
        .start()
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::PortTaken { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains(&port.to_string()) && text.contains("127.0.0.1"),
        "{text}"
    );
}

#[tokio::test]
async fn ipv6_and_ipv4_reach_the_same_manager() {
    let builder = Manager::builder()
        .listen("coap://127.0.0.1:0")
        .unwrap()
        .listen("coap://[::1]:0")
        .unwrap();
    let Ok(manager) = builder.start().await else {
        println!("skipped: this machine has no IPv6 loopback");
        return;
    };
    let [four, six] = manager.local_addresses() else {
        panic!()
    };
    for (own, to) in [("127.0.0.1:0", four), ("[::1]:0", six)] {
        let socket = UdpSocket::bind(own).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let to = *to;
        let answer = tokio::task::spawn_blocking(move || {
            socket.send_to(&[0x40, 0, 1, 2], to).unwrap();
            let mut buffer = [0; 16];
            let (length, _) = socket.recv_from(&mut buffer).unwrap();
            buffer[..length].to_vec()
        });
        assert_eq!(answer.await.unwrap(), [0x70, 0, 1, 2]);
    }
    assert_eq!(manager.metrics().pings, 2);
}

#[tokio::test]
async fn slow_listeners_are_told_what_they_missed() {
    let mut config = Config::default();
    config.event_buffer = 2;
    let manager = Manager::builder()
        .listen("coap://127.0.0.1:0")
        .unwrap()
        .config(config)
        .start()
        .await
        .unwrap();
    let mut events = manager.events();
    with(Peer::new(&manager), |peer| {
        for number in 0..5 {
            assert_eq!(peer.register(&format!("device-{number}")), Code::CREATED);
        }
    })
    .await;
    assert!(matches!(events.next().await, Some(Event::Missed(3))));
    assert!(matches!(events.next().await, Some(Event::Registered(_))));
}

fn anywhere<T: Send + Sync + Clone + 'static>(_: &T) {}

fn sendable<T: Send>(_: T) {}

#[tokio::test]
async fn handles_may_go_anywhere() {
    let manager = Manager::builder()
        .listen("coap://127.0.0.1:0")
        .unwrap()
        .start()
        .await
        .unwrap();
    let device = manager.device("a");
    anywhere(&manager);
    anywhere(&device);
    anywhere(&Event::Registered(device.clone()));
    sendable(device.read((3, 0)).into_future());
    sendable(device.observe("/3/0/9").into_future());
    sendable(device.write((3, 0, 15), ObjectLink::NULL).into_future());
    let error = device.read((3, 0)).await.unwrap_err();
    assert_eq!(
        error,
        CommandError::UnknownDevice {
            endpoint: "a".into()
        }
    );
    assert!(matches!(
        device.read("3//0").await,
        Err(CommandError::Invalid { .. })
    ));
    assert!(matches!(
        device.read((3, 65535)).await,
        Err(CommandError::Invalid { .. })
    ));
}

#[tokio::test]
async fn a_manager_whose_last_handle_is_dropped_frees_its_port_and_its_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.db");
    let manager = Manager::builder()
        .listen("coap://127.0.0.1:0")
        .unwrap()
        .store(Sqlite::open(&file).unwrap())
        .start()
        .await
        .unwrap();
    let mut events = manager.events();
    let device = manager.device("a");
    drop(manager);
    assert!(events.next().await.is_none());
    assert_eq!(device.info().await, Err(CommandError::Stopped));
    // Waits for the store's thread, which gives the file free.
    drop(Sqlite::open(&file).unwrap());
}
