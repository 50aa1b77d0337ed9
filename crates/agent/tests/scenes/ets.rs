//! Cases of the enabler test specification (ETS) 1.2 step by step, on a device with all that its configurations C.1 to C.6,
//! C.12 and C.14 ask for. What the server does is what the ETS prints, wherever it prints bytes.

use dunlin_agent::model::{ObjectDefinition, Path, Value, objects};
use dunlin_agent::objects::{AccessControl, Device, Portfolio, PowerSource, Security, Server};
use dunlin_agent::{Code, Config, ContentFormat, Event, Instances, ObjectType, Objects};
use dunlin_coap::OptionNumber;
use dunlin_codec::{Decoder, Encoder, Record};

use crate::bench::{Bench, Received};

pub(crate) const TEXT: u16 = 0;
const CBOR: u16 = 60;
const SENML_JSON: u16 = 110;
const SENML_CBOR: u16 = 112;
pub(crate) const TLV: u16 = 11542;

#[derive(Objects)]
pub(crate) struct Subject {
    pub(crate) security: Security<2>,
    pub(crate) server: Server<2>,
    access: AccessControl<3>,
    pub(crate) device: Device<'static>,
    portfolio: Instances<Portfolio, 2>,
}

pub(crate) fn subject() -> Subject {
    let mut server = Server::single(1, 86400);
    let account = server.get_mut(0).unwrap();
    account.default_minimum_period = Some(1);
    account.default_maximum_period = Some(10);
    account.disable_timeout = Some(86400);
    account.notification_storing = false;
    let mut device = Device::new("Dunlin", "Subject", "7");
    device.firmware_version = "1.0";
    device.battery_level = Some(0);
    device.current_time = Some(1_000_000_000);
    device.utc_offset = "+01:00".try_into().unwrap();
    device.timezone = "Europe/Lisbon".try_into().unwrap();
    for kind in [1, 2] {
        let (voltage, current) = (0, 0);
        let source = PowerSource {
            kind,
            voltage,
            current,
        };
        device.power_sources.push(source).unwrap();
    }
    let mut portfolio = Portfolio::default();
    for (index, text) in (0..).zip(["one", "two", "three", "four"]) {
        let text = text.try_into().unwrap();
        portfolio.identity.insert(index, text).unwrap();
    }
    Subject {
        security: Security::no_sec(1, "coap://server.example").unwrap(),
        server,
        access: AccessControl::new(),
        device,
        portfolio: [portfolio].into(),
    }
}

pub(crate) type Subjected = Bench<1, Subject>;

pub(crate) fn bench() -> Subjected {
    Bench::registered_with(subject(), Config::new("urn:dev:os:1-7"))
}

const TYPES: [&ObjectDefinition; 4] = [
    &objects::SERVER,
    &objects::ACCESS_CONTROL,
    &objects::DEVICE,
    <Portfolio as ObjectType>::DEFINITION,
];

/// What an answer to a request of `base` tells, as texts.
#[track_caller]
pub(crate) fn told(answer: &Received, base: &str) -> Vec<(String, String)> {
    let message = answer.message();
    assert_eq!(message.code(), Code::CONTENT, "{base}: {}", answer.text());
    let format = ContentFormat(message.content_format().expect("a format"));
    let base: Path = base.parse().unwrap();
    let mut scratch = [0; 256];
    Decoder::new(format, base, message.payload(), &TYPES[..], &mut scratch)
        .unwrap()
        .map(|record| {
            let Record { path, value, .. } = record.unwrap();
            let value = match value {
                Value::String(text) => text.to_owned(),
                Value::Boolean(truth) => truth.to_string(),
                Value::None => String::new(),
                number => number.as_i64().map_or(String::new(), |n| n.to_string()),
            };
            (path.to_string(), value)
        })
        .collect()
}

#[track_caller]
pub(crate) fn get(bench: &mut Subjected, path: &str, accept: u16) -> Vec<(String, String)> {
    let request = bench
        .request(Code::GET, path)
        .uint(OptionNumber::ACCEPT, accept.into());
    let answer = bench.ask(&request);
    assert_eq!(answer.message().content_format(), Some(accept));
    told(&answer, path)
}

/// Whether these nodes have these values, among others.
#[track_caller]
pub(crate) fn holds(all: &[(String, String)], wanted: &[(&str, &str)]) {
    for (path, value) in wanted {
        let found = all.iter().find(|(known, _)| known == path);
        let found = found.map(|(_, value)| value.as_str());
        assert_eq!(found, Some(*value), "{path} of {all:?}");
    }
}

#[track_caller]
pub(crate) fn send(bench: &mut Subjected, code: Code, path: &str, format: u16, payload: &[u8]) {
    let request = bench.request(code, path).payload(format, payload);
    bench.ask_code(&request, Code::CHANGED);
}

/// The Update that comes next tells this lifetime.
#[track_caller]
fn expect_lifetime(bench: &mut Subjected, lifetime: &str) {
    let update = bench.next();
    assert_eq!(
        (update.code(), update.path().as_str()),
        (Code::POST, "/rd/7")
    );
    assert_eq!(update.query(), [format!("lt={lifetime}")]);
    bench.answer(&update, Code::CHANGED, &[]);
}

pub(crate) fn encode(format: u16, base: &str, values: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut buffer = [0; 512];
    let base = base.parse().unwrap();
    let mut encoder = Encoder::new(ContentFormat(format), base, &mut buffer);
    for (path, value) in values {
        let record = Record::new(path.parse().unwrap(), *value);
        encoder.push(&record).unwrap();
    }
    let length = encoder.finish().unwrap();
    buffer[..length].to_vec()
}

#[track_caller]
pub(crate) fn discover(bench: &mut Subjected, path: &str) -> String {
    let request = bench
        .request(Code::GET, path)
        .uint(OptionNumber::ACCEPT, 40);
    let answer = bench.ask(&request);
    assert_eq!(answer.code(), Code::CONTENT, "{}", answer.text());
    answer.text()
}

#[track_caller]
pub(crate) fn attach(bench: &mut Subjected, path: &str, query: &str) {
    let request = bench.request(Code::PUT, path).query(query);
    bench.ask_code(&request, Code::CHANGED);
}

#[test]
fn ets_201_203_and_211_read_in_plain_text_tlv_and_cbor() {
    let mut bench = bench();
    for (path, text) in [("/3/0/0", "Dunlin"), ("/3/0/1", "Subject"), ("/3/0/2", "7")] {
        assert_eq!(bench.read(path), text);
    }
    let device = [
        ("/3/0/0", "Dunlin"),
        ("/3/0/1", "Subject"),
        ("/3/0/2", "7"),
        ("/3/0/3", "1.0"),
        ("/3/0/11/0", "0"),
        ("/3/0/16", "U"),
    ];
    holds(&get(&mut bench, "/3/0", TLV), &device);
    for (path, bytes) in [
        ("/1/0/0", &b"\x01"[..]),
        ("/1/0/6", b"\xf4"),
        ("/1/0/7", b"aU"),
    ] {
        let request = bench
            .request(Code::GET, path)
            .uint(OptionNumber::ACCEPT, CBOR.into());
        let answer = bench.ask(&request);
        assert_eq!(answer.message().content_format(), Some(CBOR));
        assert_eq!(answer.message().payload(), bytes, "{path}");
    }
}

#[test]
fn ets_205_and_212_write_single_values_in_plain_text_and_cbor() {
    let mut bench = bench();
    let before = get(&mut bench, "/1/0", TLV);
    for (path, text) in [("/1/0/2", "101"), ("/1/0/3", "1010"), ("/1/0/5", "2000")] {
        send(&mut bench, Code::PUT, path, TEXT, text.as_bytes());
    }
    let wanted = [("/1/0/2", "101"), ("/1/0/3", "1010"), ("/1/0/5", "2000")];
    holds(&get(&mut bench, "/1/0", TLV), &wanted);
    for (path, text) in [("/1/0/2", "1"), ("/1/0/3", "10"), ("/1/0/5", "86400")] {
        send(&mut bench, Code::PUT, path, TEXT, text.as_bytes());
    }
    assert_eq!(get(&mut bench, "/1/0", TLV), before);
    for (path, bytes) in [
        ("/1/0/2", &b"\x18\x65"[..]),
        ("/1/0/3", b"\x19\x03\xf2"),
        ("/1/0/6", b"\xf5"),
    ] {
        send(&mut bench, Code::PUT, path, CBOR, bytes);
    }
    let wanted = [("/1/0/2", "101"), ("/1/0/3", "1010"), ("/1/0/6", "true")];
    holds(&get(&mut bench, "/1/0", TLV), &wanted);
}

#[test]
fn ets_215_writes_a_tlv_and_restores_it() {
    let mut bench = bench();
    let before = get(&mut bench, "/1/0", TLV);
    let bytes = b"\xc1\x02\x65\xc2\x03\x03\xf2\xc2\x05\x07\xd0\xc1\x06\x01\xc1\x07\x55";
    send(&mut bench, Code::POST, "/1/0", TLV, bytes);
    holds(
        &get(&mut bench, "/1/0", TLV),
        &[
            ("/1/0/2", "101"),
            ("/1/0/3", "1010"),
            ("/1/0/5", "2000"),
            ("/1/0/6", "true"),
            ("/1/0/7", "U"),
        ],
    );
    let bytes = b"\xc1\x02\x01\xc1\x03\x0a\xc4\x05\x00\x01\x51\x80\xc1\x06\x00\xc1\x07\x55";
    send(&mut bench, Code::PUT, "/1/0", TLV, bytes);
    assert_eq!(get(&mut bench, "/1/0", TLV), before);
}

#[test]
fn ets_222_to_225_231_232_and_237_read_at_every_level_and_in_every_format() {
    let mut bench = bench();
    for accept in [TLV, SENML_JSON, SENML_CBOR, 11544] {
        holds(
            &get(&mut bench, "/1", accept),
            &[("/1/0/0", "1"), ("/1/0/7", "U")],
        );
        holds(
            &get(&mut bench, "/3", accept),
            &[("/3/0/0", "Dunlin"), ("/3/0/16", "U")],
        );
        holds(&get(&mut bench, "/3/0", accept), &[("/3/0/11/0", "0")]);
        for (path, value) in [
            ("/1/0/0", "1"),
            ("/1/0/1", "86400"),
            ("/1/0/6", "false"),
            ("/1/0/7", "U"),
            ("/3/0/16", "U"),
            ("/3/0/11/0", "0"),
        ] {
            let only = [(path.to_owned(), value.to_owned())];
            assert_eq!(get(&mut bench, path, accept), only);
        }
    }
    for path in ["/1", "/3"] {
        let answer = bench.get(path);
        assert!(told(&answer, path).len() > 5);
    }
}

#[test]
fn ets_226_and_227_a_lifetime_is_written_read_told_and_restored() {
    let mut bench = bench();
    send(
        &mut bench,
        Code::POST,
        "/1/0",
        TLV,
        b"\xc1\x01\x3d\xc1\x06\x01",
    );
    expect_lifetime(&mut bench, "61");
    holds(
        &get(&mut bench, "/1/0", TLV),
        &[("/1/0/1", "61"), ("/1/0/6", "true")],
    );
    send(
        &mut bench,
        Code::POST,
        "/1/0",
        TLV,
        b"\xc4\x01\x00\x01\x51\x80\xc1\x06\x00",
    );
    expect_lifetime(&mut bench, "86400");
    send(&mut bench, Code::PUT, "/1/0/1", TEXT, b"63");
    expect_lifetime(&mut bench, "63");
    assert_eq!(bench.read("/1/0/1"), "63");
    send(&mut bench, Code::PUT, "/1/0/1", TEXT, b"86400");
    expect_lifetime(&mut bench, "86400");
    assert_eq!(bench.read("/1/0/1"), "86400");
}

#[test]
fn ets_228_a_resource_instance_is_written_alone() {
    let mut bench = bench();
    send(&mut bench, Code::PUT, "/16/0/0/2", TEXT, b"test");
    assert_eq!(
        get(&mut bench, "/16", TLV),
        [
            ("/16/0/0/0", "one"),
            ("/16/0/0/1", "two"),
            ("/16/0/0/2", "test"),
            ("/16/0/0/3", "four"),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
    );
}

#[test]
fn ets_230_writes_a_lifetime_a_truth_and_resource_instances_in_one_request() {
    let mut bench = bench();
    let payload = encode(
        SENML_CBOR,
        "/",
        &[
            ("/1/0/1", Value::Integer(61)),
            ("/1/0/6", Value::Boolean(true)),
            ("/16/0/0/0", Value::String("aa")),
            ("/16/0/0/1", Value::String("bb")),
            ("/16/0/0/2", Value::String("cc")),
            ("/16/0/0/3", Value::String("dd")),
        ],
    );
    send(&mut bench, Code::IPATCH, "/", SENML_CBOR, &payload);
    expect_lifetime(&mut bench, "61");
    holds(
        &get(&mut bench, "/1/0", TLV),
        &[("/1/0/1", "61"), ("/1/0/6", "true")],
    );
    for (index, text) in ["aa", "bb", "cc", "dd"].into_iter().enumerate() {
        assert_eq!(bench.read(&format!("/16/0/0/{index}")), text);
    }
}

#[test]
fn ets_233_and_234_write_in_senml() {
    for format in [SENML_CBOR, SENML_JSON] {
        let mut bench = bench();
        let values = [
            ("/1/0/1", Value::Integer(61)),
            ("/1/0/6", Value::Boolean(true)),
        ];
        let payload = encode(format, "/1/0", &values);
        send(&mut bench, Code::POST, "/1/0", format, &payload);
        expect_lifetime(&mut bench, "61");
        holds(
            &get(&mut bench, "/1/0", format),
            &[("/1/0/1", "61"), ("/1/0/6", "true")],
        );
        let values = [("/16/0/0/0", Value::String("test_value"))];
        let payload = encode(format, "/16/0/0/0", &values);
        send(&mut bench, Code::PUT, "/16/0/0/0", format, &payload);
        holds(
            &get(&mut bench, "/16", format),
            &[("/16/0/0/0", "test_value"), ("/16/0/0/3", "four")],
        );
        let payload = encode(format, "/1/0/1", &[("/1/0/1", Value::Integer(63))]);
        send(&mut bench, Code::PUT, "/1/0/1", format, &payload);
        expect_lifetime(&mut bench, "63");
        assert_eq!(bench.read("/1/0/1"), "63");
    }
}

#[test]
fn ets_241_a_reboot_ends_in_another_registration() {
    let mut bench = bench();
    let reboot = bench.request(Code::POST, "/3/0/4");
    bench.ask_code(&reboot, Code::CHANGED);
    bench.expect_event(Event::Reboot);
    // Before it goes, the device may say so.
    bench.agent.deregister(1);
    bench.turn();
    let leave = bench.next();
    assert_eq!(
        (leave.code(), leave.path().as_str()),
        (Code::DELETE, "/rd/7")
    );
    bench.answer(&leave, Code::DELETED, &[]);
    let mut again = Bench::<1, Subject>::with(subject(), Config::new("urn:dev:os:1-7"));
    again.connect();
    again.accept_registration();
}

#[test]
fn ets_256_the_short_server_id_is_not_for_servers() {
    let mut bench = bench();
    let write = bench.request(Code::PUT, "/1/0/0").payload(TEXT, b"123");
    bench.ask_code(&write, Code::METHOD_NOT_ALLOWED);
    assert_eq!(bench.read("/1/0/0"), "1");
}

#[test]
fn ets_257_writes_a_period_a_truth_and_the_time() {
    let mut bench = bench();
    let payload = encode(
        SENML_CBOR,
        "/",
        &[
            ("/1/0/2", Value::Integer(101)),
            ("/1/0/6", Value::Boolean(true)),
            ("/3/0/13", Value::Time(0)),
        ],
    );
    send(&mut bench, Code::IPATCH, "/", SENML_CBOR, &payload);
    holds(
        &get(&mut bench, "/1", TLV),
        &[("/1/0/2", "101"), ("/1/0/6", "true")],
    );
    holds(&get(&mut bench, "/3", TLV), &[("/3/0/13", "0")]);
}

#[test]
fn ets_651_writes_time_offset_and_zone_and_restores_them() {
    let mut bench = bench();
    let before = get(&mut bench, "/3/0", TLV);
    let write = |bench: &mut Subjected, time, offset, zone| {
        let payload = encode(
            TLV,
            "/3/0",
            &[
                ("/3/0/13", Value::Time(time)),
                ("/3/0/14", Value::String(offset)),
                ("/3/0/15", Value::String(zone)),
            ],
        );
        send(bench, Code::POST, "/3/0", TLV, &payload);
    };
    write(&mut bench, 1_367_491_215, "+02:00", "Europe/Paris");
    holds(
        &get(&mut bench, "/3/0", TLV),
        &[
            ("/3/0/13", "1367491215"),
            ("/3/0/14", "+02:00"),
            ("/3/0/15", "Europe/Paris"),
        ],
    );
    write(&mut bench, 1_000_000_000, "+01:00", "Europe/Lisbon");
    assert_eq!(get(&mut bench, "/3/0", TLV), before);
}
