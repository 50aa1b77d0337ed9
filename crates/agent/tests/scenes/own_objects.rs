//! Objects that do not come with the agent, derived as a device would: those of the ETS' cases 1200 to 1250 and 1900 to 2001.

use dunlin_agent::heapless::{String, Vec};
use dunlin_agent::model::{ObjectLink, Value};
use dunlin_agent::objects::{ApnConnectionProfile, Device, Security, Server};
use dunlin_agent::{
    Arguments, Code, Config, Error, Event, Execute, Instances, Object, Objects, ResourceInstances,
    Time,
};
use dunlin_coap::{OptionNumber, Token};

use crate::bench::{Bench, Received};
use crate::bootstrap::tlv;

/// Object 10, LwM2M Cellular Connectivity.
#[derive(Default, Object)]
#[object(id = 10, version = "1.1", single)]
struct CellularConnectivity {
    #[resource(4, read, write, type = integer, unit = "s")]
    psm_timer: Option<u32>,
    #[resource(5, read, write, type = integer, unit = "s")]
    active_timer: Option<u32>,
    #[resource(8, read, write)]
    edrx_wb_s1: Option<Vec<u8, 4>>,
    #[resource(9, read, write)]
    edrx_nb_s1: Option<Vec<u8, 4>>,
    #[resource(11, read, mandatory)]
    profiles: ResourceInstances<ObjectLink, 2>,
    #[resource(13, read, write, type = unsigned, range = 0..=255)]
    power_saving: Option<u8>,
    #[resource(14, read, write, type = unsigned, range = 0..=255)]
    release_assistance: Option<u8>,
}

/// Object 19, Binary App Data Container.
#[derive(Default, Object)]
#[object(id = 19, version = "1.0", create)]
struct BinaryAppDataContainer {
    #[resource(0, read, write, mandatory)]
    data: ResourceInstances<Vec<u8, 32>, 2>,
    #[resource(2, read, write)]
    created: Option<Time>,
    #[resource(3, read, write)]
    description: Option<String<32>>,
}

/// Object 20, Event Log.
#[derive(Default, Object)]
#[object(id = 20, version = "2.1", create)]
struct EventLog {
    #[resource(4010, read, write, type = integer, range = 0..=255)]
    class: Option<u8>,
    #[resource(4011, execute = begin)]
    start: Execute,
    #[resource(4012, execute = end)]
    stop: Execute,
    /// Bit 0: running; bit 1: there is data.
    #[resource(4013, read, type = integer)]
    status: u8,
    #[resource(4014, read, mandatory)]
    data: Vec<u8, 32>,
}

impl EventLog {
    fn begin(&mut self, arguments: &Arguments<'_>) -> Result<(), Error> {
        if self.class.is_none() {
            return Err(Error::NotAllowed);
        }
        if !arguments.has(0) {
            self.data.clear();
        }
        self.status = 3;
        Ok(())
    }

    fn end(&mut self, arguments: &Arguments<'_>) -> Result<(), Error> {
        if self.status & 1 == 0 {
            return Err(Error::NotAllowed);
        }
        if arguments.has(0) {
            self.data.clear();
        }
        self.status = 2;
        Ok(())
    }
}

#[derive(Objects)]
struct Modem {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
    cellular: CellularConnectivity,
    profiles: Instances<ApnConnectionProfile, 2>,
    containers: Instances<BinaryAppDataContainer, 2>,
    log: Instances<EventLog, 1>,
}

fn bench() -> Bench<1, Modem> {
    let mut cellular = CellularConnectivity {
        psm_timer: Some(3600),
        active_timer: Some(600),
        edrx_wb_s1: Some([0x24].into()),
        edrx_nb_s1: Some([0x25].into()),
        power_saving: Some(3),
        release_assistance: Some(1),
        ..CellularConnectivity::default()
    };
    let link = ObjectLink::new(11, 0);
    cellular.profiles.insert(0, link).unwrap();
    let profile = ApnConnectionProfile {
        name: "first".try_into().unwrap(),
        enabled: Some(true),
        ..ApnConnectionProfile::default()
    };
    let container = |bytes: &[u8]| {
        let mut container = BinaryAppDataContainer::default();
        let bytes = Vec::from_slice(bytes).unwrap();
        container.data.insert(0, bytes).unwrap();
        container
    };
    let log = EventLog {
        class: Some(0),
        status: 3,
        data: Vec::from_slice(b"boot").unwrap(),
        ..EventLog::default()
    };
    Bench::registered_with(
        Modem {
            security: Security::no_sec(1, "coap://server.example").unwrap(),
            server: Server::single(1, 0),
            device: Device::new("Dunlin", "Modem", "7"),
            cellular,
            profiles: [profile].into(),
            containers: [container(b"up"), container(b"down")].into(),
            log: [log].into(),
        },
        Config::new("urn:dev:os:1-7"),
    )
}

#[track_caller]
fn read(bench: &mut Bench<1, Modem>, path: &str) -> std::vec::Vec<u8> {
    let request = bench
        .request(Code::GET, path)
        .uint(OptionNumber::ACCEPT, 11542);
    let answer = bench.ask(&request);
    assert_eq!(answer.code(), Code::CONTENT, "{path}");
    answer.message().payload().to_vec()
}

/// Observes with these attributes, and gives the token.
#[track_caller]
fn observe(bench: &mut Bench<1, Modem>, path: &str, query: &str) -> Token {
    let attributes = bench.request(Code::PUT, path).query(query);
    bench.ask_code(&attributes, Code::CHANGED);
    let request = bench
        .request(Code::GET, path)
        .uint(OptionNumber::OBSERVE, 0);
    let answer = bench.ask(&request);
    assert_eq!(answer.code(), Code::CONTENT);
    assert!(answer.message().observe().is_some());
    request.token
}

#[track_caller]
fn expect_notification(bench: &mut Bench<1, Modem>, token: Token) {
    assert_eq!(bench.next().message().token(), token);
}

#[test]
fn ets_1200_and_1201_read_the_cellular_connectivity() {
    let mut bench = bench();
    let request = bench
        .request(Code::GET, "/10")
        .uint(OptionNumber::ACCEPT, 40);
    let links = bench.ask(&request).text();
    assert!(
        links.starts_with("</10>;ver=1.1,</10/0>,</10/0/4>,"),
        "{links}"
    );
    assert!(links.contains("</10/0/11>;dim=1"), "{links}");
    let values = [
        ("/10/0/4", Value::Integer(3600)),
        ("/10/0/5", Value::Integer(600)),
        ("/10/0/8", Value::Opaque(&[0x24])),
        ("/10/0/9", Value::Opaque(&[0x25])),
        ("/10/0/11/0", Value::Objlnk(ObjectLink::new(11, 0))),
        ("/10/0/13", Value::Unsigned(3)),
        ("/10/0/14", Value::Unsigned(1)),
    ];
    assert_eq!(read(&mut bench, "/10/0"), tlv("/10/0", &values));
}

#[test]
fn ets_1202_sets_the_release_assistance() {
    let mut bench = bench();
    // Misprinted in the ETS, as resource 13.
    let write = bench
        .request(Code::PUT, "/10/0/14")
        .payload(11542, b"\xc1\x0e\x02");
    bench.ask_code(&write, Code::CHANGED);
    assert_eq!(bench.read("/10/0/14"), "2");
}

#[test]
fn ets_1203_and_1204_observe_power_saving_and_timers() {
    let mut bench = bench();
    let saving = observe(&mut bench, "/10/0/13", "pmin=2&pmax=10");
    let timer = observe(&mut bench, "/10/0/4", "pmin=2");
    bench.set(|node| {
        node.cellular.power_saving = Some(1);
        node.cellular.psm_timer = Some(60);
    });
    bench.seconds(1);
    bench.expect_silence();
    bench.seconds(1);
    expect_notification(&mut bench, saving);
    expect_notification(&mut bench, timer);
    bench.seconds(9);
    bench.expect_silence();
    bench.seconds(1);
    expect_notification(&mut bench, saving);
    let write = bench.request(Code::PUT, "/10/0/4").payload(0, b"120");
    bench.ask_code(&write, Code::CHANGED);
    expect_notification(&mut bench, timer);
}

#[test]
fn ets_1250_a_profile_that_is_enabled_is_among_the_activated() {
    let mut bench = bench();
    let values = [("/11/1/0", Value::String("second"))];
    let payload = tlv("/11", &values);
    let create = bench.request(Code::POST, "/11").payload(11542, &payload);
    bench.ask_code(&create, Code::CREATED);
    let update = bench.next();
    assert!(
        update.text().contains("</11/0>,</11/1>"),
        "{}",
        update.text()
    );
    bench.answer(&update, Code::CHANGED, &[]);
    let write = bench.request(Code::PUT, "/11/1/3").payload(0, b"1");
    bench.ask_code(&write, Code::CHANGED);
    let path = "/11/1/3".parse().unwrap();
    assert!(bench.events.contains(&Event::Written { path }));
    // What the device does about it is to activate the profile.
    bench.set(|node| {
        let profile = node.profiles.get(1).unwrap();
        if profile.enabled == Some(true) {
            let link = ObjectLink::new(11, 1);
            node.cellular.profiles.insert(1, link).unwrap();
        }
    });
    let links = [
        ("/10/0/11/0", Value::Objlnk(ObjectLink::new(11, 0))),
        ("/10/0/11/1", Value::Objlnk(ObjectLink::new(11, 1))),
    ];
    assert_eq!(read(&mut bench, "/10/0/11"), tlv("/10/0/11", &links));
}

#[test]
fn ets_1900_and_1901_carry_the_data_of_an_application() {
    let mut bench = bench();
    let request = bench
        .request(Code::GET, "/19")
        .uint(OptionNumber::ACCEPT, 40);
    let links = bench.ask(&request).text();
    assert_eq!(
        links,
        "</19>,</19/0>,</19/0/0>;dim=1,</19/1>,</19/1/0>;dim=1"
    );
    let token = observe(&mut bench, "/19/0/0", "pmin=300&pmax=3600");
    bench.set(|node| {
        let bytes = Vec::from_slice(b"more").unwrap();
        node.containers
            .get_mut(0)
            .unwrap()
            .data
            .insert(0, bytes)
            .unwrap();
    });
    bench.seconds(299);
    bench.expect_silence();
    bench.seconds(1);
    expect_notification(&mut bench, token);
    bench.seconds(3599);
    bench.expect_silence();
    bench.seconds(1);
    expect_notification(&mut bench, token);
    let data = [("/19/1/0/0", Value::Opaque(b"for the device"))];
    let payload = tlv("/19/1/0", &data);
    let write = bench.request(Code::PUT, "/19/1/0").payload(11542, &payload);
    bench.ask_code(&write, Code::CHANGED);
    assert_eq!(read(&mut bench, "/19/1/0"), payload);
}

#[test]
fn ets_2000_and_2001_start_and_read_the_log() {
    let mut bench = bench();
    // In version 2 of the object it is an Execute; its argument 0 goes on with what there is.
    let start = bench.request(Code::POST, "/20/0/4011").payload(0, b"0");
    bench.ask_code(&start, Code::CHANGED);
    let values = |data: &'static [u8]| {
        [
            ("/20/0/4010", Value::Integer(0)),
            ("/20/0/4013", Value::Integer(3)),
            ("/20/0/4014", Value::Opaque(data)),
        ]
    };
    assert_eq!(read(&mut bench, "/20/0"), tlv("/20/0", &values(b"boot")));
    let start = bench.request(Code::POST, "/20/0/4011");
    bench.ask_code(&start, Code::CHANGED);
    assert_eq!(read(&mut bench, "/20/0"), tlv("/20/0", &values(b"")));
    let stop: Received = {
        let stop = bench.request(Code::POST, "/20/0/4012");
        bench.ask(&stop)
    };
    assert_eq!(stop.code(), Code::CHANGED);
    assert_eq!(bench.read("/20/0/4013"), "2");
    let stop = bench.request(Code::POST, "/20/0/4012");
    bench.ask_code(&stop, Code::METHOD_NOT_ALLOWED);
}
