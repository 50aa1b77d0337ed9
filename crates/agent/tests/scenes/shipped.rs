//! The objects that come with the agent, each as a device has it. Numbers are those of the ETS 1.2.

use dunlin_agent::model::Value;
use dunlin_agent::objects::{
    ApnConnectionProfile, BearerSelection, ConnectivityMonitoring, ConnectivityStatistics, Device,
    Location, Portfolio, Security, Server,
};
use dunlin_agent::{Code, Config, Event, Instances, Instant, Objects, Time};
use dunlin_coap::{OptionNumber, Token, Type};
use dunlin_testkit::hex;

use crate::bench::{Bench, Received};
use crate::bootstrap::tlv;

#[derive(Objects)]
struct Station {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
    connectivity: ConnectivityMonitoring,
    location: Location,
    statistics: ConnectivityStatistics,
    profiles: Instances<ApnConnectionProfile, 2>,
    bearers: BearerSelection,
    portfolio: Instances<Portfolio, 2>,
}

/// A device with what the configurations C.5, C.7, C.9, C.10 and C.12 ask for.
fn bench() -> Bench<1, Station> {
    let mut connectivity = ConnectivityMonitoring {
        network_bearer: 21,
        signal_strength: -62,
        ..ConnectivityMonitoring::default()
    };
    connectivity.available_bearers.insert(0, 21).unwrap();
    let address = "192.0.2.7".try_into().unwrap();
    connectivity.addresses.insert(0, address).unwrap();
    let mut portfolio = Portfolio::default();
    for (index, text) in (0..).zip(["Host Device ID #1", "Host Device Manufacturer #1"]) {
        let text = text.try_into().unwrap();
        portfolio.identity.insert(index, text).unwrap();
    }
    let mut device = Device::new("Dunlin", "Station", "7");
    device.firmware_version = "1.0";
    Bench::registered_with(
        Station {
            security: Security::no_sec(1, "coap://server.example").unwrap(),
            server: Server::single(1, 0),
            device,
            connectivity,
            location: Location {
                latitude: 43.5723,
                longitude: 153.2176,
                altitude: Some(140.0),
                radius: Some(100.0),
                velocity: Some(hex("20000030000a14").as_slice().try_into().unwrap()),
                timestamp: Time(1_367_491_215),
                speed: Some(3.0),
            },
            statistics: ConnectivityStatistics::default(),
            profiles: Instances::new(),
            bearers: BearerSelection::default(),
            portfolio: [portfolio].into(),
        },
        Config::new("urn:dev:os:1-7"),
    )
}

/// Reads in TLV.
#[track_caller]
fn read(bench: &mut Bench<1, Station>, path: &str) -> Vec<u8> {
    let request = bench
        .request(Code::GET, path)
        .uint(OptionNumber::ACCEPT, 11542);
    let answer = bench.ask(&request);
    assert_eq!(answer.code(), Code::CONTENT, "{path}");
    answer.message().payload().to_vec()
}

#[track_caller]
fn discover(bench: &mut Bench<1, Station>, path: &str) -> String {
    let request = bench
        .request(Code::GET, path)
        .uint(OptionNumber::ACCEPT, 40);
    let answer = bench.ask(&request);
    assert_eq!(answer.code(), Code::CONTENT, "{path}");
    answer.text()
}

#[track_caller]
fn execute(bench: &mut Bench<1, Station>, path: &str) {
    let request = bench.request(Code::POST, path);
    bench.ask_code(&request, Code::CHANGED);
    let path = path.parse().unwrap();
    bench.expect_event(Event::Executed { path });
}

/// Observes with `pmin=2&pmax=10`, and gives the token.
#[track_caller]
fn observe(bench: &mut Bench<1, Station>, path: &str) -> Token {
    let attributes = bench.request(Code::PUT, path).query("pmin=2&pmax=10");
    bench.ask_code(&attributes, Code::CHANGED);
    let request = bench
        .request(Code::GET, path)
        .uint(OptionNumber::OBSERVE, 0)
        .uint(OptionNumber::ACCEPT, 11542);
    let answer = bench.ask(&request);
    assert_eq!(answer.code(), Code::CONTENT);
    assert!(answer.message().observe().is_some());
    bench.expect_event(Event::Observed {
        path: path.parse().unwrap(),
    });
    request.token
}

/// Lets `seconds` pass one by one, and gives when what came as a notification with this token.
fn notifications(bench: &mut Bench<1, Station>, token: Token, seconds: u64) -> Vec<(u64, Vec<u8>)> {
    let start: Instant = bench.now;
    let mut all = Vec::new();
    for _ in 0..seconds {
        bench.seconds(1);
        while !bench.sent.is_empty() {
            let Received(bytes) = bench.next();
            let message = dunlin_coap::Message::parse(&bytes).unwrap();
            assert_eq!((message.token(), message.code()), (token, Code::CONTENT));
            assert_eq!(message.message_type(), Type::NonConfirmable);
            let at = bench.now.saturating_duration_since(start).as_secs();
            all.push((at, message.payload().to_vec()));
        }
    }
    all
}

/// The TLV of an instance's values.
fn instance(path: &str, values: &[(&str, Value<'_>)]) -> Vec<u8> {
    tlv(path, values)
}

#[test]
fn ets_701_reads_the_connectivity() {
    let mut bench = bench();
    assert_eq!(
        read(&mut bench, "/4/0"),
        instance(
            "/4/0",
            &[
                ("/4/0/0", Value::Integer(21)),
                ("/4/0/1/0", Value::Integer(21)),
                ("/4/0/2", Value::Integer(-62)),
                ("/4/0/4/0", Value::String("192.0.2.7")),
            ]
        )
    );
    // Nothing of it is for servers to write (ETS 705).
    let write = bench.request(Code::PUT, "/4/0/2").payload(0, b"1");
    bench.ask_code(&write, Code::METHOD_NOT_ALLOWED);
}

#[test]
fn ets_710_observes_the_connectivity() {
    let mut bench = bench();
    let token = observe(&mut bench, "/4/0");
    bench.set(|node| node.connectivity.signal_strength = -70);
    let seen = notifications(&mut bench, token, 22);
    let times: Vec<_> = seen.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [2, 12, 22]);
    assert!(seen[0].1.ends_with(&instance(
        "/4/0",
        &[("/4/0/4/0", Value::String("192.0.2.7"))]
    )));
    assert_eq!(bench.read("/4/0/2"), "-70");
}

#[test]
fn ets_801_reads_the_location() {
    let mut bench = bench();
    let seen = read(&mut bench, "/6/0");
    assert_eq!(
        seen,
        instance(
            "/6/0",
            &[
                ("/6/0/0", Value::Float(43.5723)),
                ("/6/0/1", Value::Float(153.2176)),
                ("/6/0/2", Value::Float(140.0)),
                ("/6/0/3", Value::Float(100.0)),
                ("/6/0/4", Value::Opaque(&hex("20000030000a14"))),
                ("/6/0/5", Value::Time(1_367_491_215)),
                ("/6/0/6", Value::Float(3.0)),
            ]
        )
    );
    let write = bench.request(Code::PUT, "/6/0/0").payload(0, b"1");
    bench.ask_code(&write, Code::METHOD_NOT_ALLOWED);
}

#[test]
fn ets_810_observes_the_location() {
    let mut bench = bench();
    let token = observe(&mut bench, "/6/0");
    bench.seconds(5);
    bench.set(|node| node.location.speed = Some(4.5));
    let first = bench.next();
    assert_eq!(first.message().token(), token);
    let times: Vec<_> = notifications(&mut bench, token, 25)
        .iter()
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(times, [10, 20]);
    assert_eq!(bench.read("/6/0/6"), "4.5");
}

#[test]
fn ets_901_counts_from_start_to_stop() {
    let mut bench = bench();
    bench.set(|node| node.statistics.add(5000, 5000));
    execute(&mut bench, "/7/0/6");
    bench.set(|node| node.statistics.add(4000, 2500));
    execute(&mut bench, "/7/0/7");
    bench.set(|node| node.statistics.add(4000, 2500));
    assert_eq!(
        read(&mut bench, "/7/0"),
        instance(
            "/7/0",
            &[
                ("/7/0/2", Value::Integer(4)),
                ("/7/0/3", Value::Integer(2)),
                ("/7/0/8", Value::Integer(0)),
            ]
        )
    );
}

#[test]
fn ets_905_writes_the_period() {
    let mut bench = bench();
    let write = bench.request(Code::PUT, "/7/0/8").payload(0, b"60");
    bench.ask_code(&write, Code::CHANGED);
    assert_eq!(bench.read("/7/0/8"), "60");
}

#[test]
fn ets_910_observes_the_statistics() {
    let mut bench = bench();
    let token = observe(&mut bench, "/7/0");
    execute(&mut bench, "/7/0/6");
    bench.set(|node| node.statistics.add(9000, 1000));
    let seen = notifications(&mut bench, token, 3);
    let values = [
        ("/7/0/2", Value::Integer(9)),
        ("/7/0/3", Value::Integer(1)),
        ("/7/0/8", Value::Integer(0)),
    ];
    assert_eq!(seen, [(2, instance("/7/0", &values))]);
    execute(&mut bench, "/7/0/7");
    let times: Vec<_> = notifications(&mut bench, token, 20)
        .iter()
        .map(|(at, _)| *at)
        .collect();
    // Ten seconds after the one before, which is a second ago: the counters stand still.
    assert_eq!(times, [9, 19]);
}

#[test]
fn a_profile_of_an_apn_is_made_and_enabled() {
    let mut bench = bench();
    let payload = tlv(
        "/11",
        &[
            ("/11/1/0", Value::String("carrier")),
            ("/11/1/1", Value::String("internet.example")),
            ("/11/1/4", Value::Integer(3)),
        ],
    );
    let create = bench.request(Code::POST, "/11").payload(11542, &payload);
    bench.ask_code(&create, Code::CREATED);
    // The Update lists it (ETS 1250).
    let update = bench.next();
    assert_eq!(update.path(), "/rd/7");
    assert!(update.text().contains("</11/1>"), "{}", update.text());
    bench.answer(&update, Code::CHANGED, &[]);
    let write = bench.request(Code::PUT, "/11/1/3").payload(0, b"1");
    bench.ask_code(&write, Code::CHANGED);
    let profile = bench.agent.objects().profiles.get(1).unwrap();
    assert_eq!(
        (profile.enabled, profile.name.as_str()),
        (Some(true), "carrier")
    );
}

#[test]
fn bearers_are_chosen_in_order() {
    let mut bench = bench();
    let values = [
        ("/13/0/0/0", Value::Integer(21)),
        ("/13/0/0/1", Value::Integer(2)),
        ("/13/0/3", Value::Integer(-110)),
    ];
    let payload = tlv("/13/0", &values);
    let write = bench.request(Code::POST, "/13/0").payload(11542, &payload);
    bench.ask_code(&write, Code::CHANGED);
    let bearers = &bench.agent.objects().bearers;
    let preferred: Vec<u8> = bearers
        .preferred
        .iter()
        .map(|(_, bearer)| *bearer)
        .collect();
    assert_eq!((preferred, bearers.lte_rsrp), (vec![21, 2], Some(-110)));
    // The device has changed its bearer, and says where it is now (ETS 1350).
    bench.agent.update(1);
    bench.turn();
    let update = bench.next();
    assert_eq!(
        (update.code(), update.path().as_str()),
        (Code::POST, "/rd/7")
    );
    // A bearer that there is not.
    let wrong = bench.request(Code::PUT, "/13/0/0/0").payload(0, b"101");
    bench.ask_code(&wrong, Code::BAD_REQUEST);
}

#[test]
fn ets_1630_creates_a_portfolio() {
    let mut bench = bench();
    assert!(discover(&mut bench, "/16/0").contains("</16/0/0>;dim=2"));
    // As the ETS has it, but for the type byte of the multiple resource, which is misprinted there.
    let payload = hex(
        "08012e88002b480011486f737420446576696365204944202332480114486f737420446576696365204d6f64656c202332",
    );
    let create = bench.request(Code::POST, "/16").payload(11542, &payload);
    bench.ask_code(&create, Code::CREATED);
    bench.expect_event(Event::Created {
        path: "/16/1".parse().unwrap(),
    });
    let update = bench.next();
    assert!(
        update.text().contains("</16/0>,</16/1>"),
        "{}",
        update.text()
    );
    bench.answer(&update, Code::CHANGED, &[]);
    assert!(discover(&mut bench, "/16/1").contains("</16/1/0>;dim=2"));
    assert_eq!(bench.read("/16/1/0/0"), "Host Device ID #2");
    assert_eq!(bench.read("/16/1/0/1"), "Host Device Model #2");
    assert_eq!(bench.read("/16/0/0/0"), "Host Device ID #1");
    // There is no room for a third.
    let third = bench.request(Code::POST, "/16").payload(11542, b"");
    let answer = bench.ask(&third);
    assert!(!answer.code().is_success());
}

#[test]
fn ets_1635_deletes_the_portfolio() {
    let mut bench = bench();
    let delete = bench.request(Code::DELETE, "/16/0");
    bench.ask_code(&delete, Code::DELETED);
    let update = bench.next();
    let list = update.text();
    assert!(
        list.contains("</16>") && !list.contains("</16/0>"),
        "{list}"
    );
    bench.answer(&update, Code::CHANGED, &[]);
    assert_eq!(discover(&mut bench, "/16"), "</16>");
}
