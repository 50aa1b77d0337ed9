//! Objects that are loaded from the registry's XML.

use super::*;
use crate::{OwnedValue, Record, Registry, WriteMode, WriteValue};

const TLV: (OptionNumber, &[u8]) = (OptionNumber::CONTENT_FORMAT, &[0x2d, 0x16]);
const XML: &str = include_str!("../../registry/tests/good.xml");

fn registry(xml: &[&str]) -> Registry {
    let mut registry = Registry::new();
    for xml in xml {
        registry.load_xml("test.xml", xml.as_bytes()).unwrap();
    }
    registry
}

/// Reads /42770/0/2/0 of a device that answers with the byte 200 in TLV.
fn level(bench: &mut Bench, endpoint: &str, last: u8) -> OwnedValue {
    bench.read(endpoint, "/42770/0/2/0");
    let request = bench.next_to(peer(last));
    let payload = [0x83, 2, 0x41, 0, 200];
    bench.input(
        peer(last),
        &reply(&request, Code::CONTENT, &[TLV], &payload),
    );
    match bench.result() {
        Ok(Outcome::Records(records)) => records[0].value.clone(),
        other => panic!("{other:?}"),
    }
}

fn refusal(bench: &mut Bench, target: &str, value: impl Into<OwnedValue>) -> String {
    let action = Action::Write {
        path: path(target),
        mode: WriteMode::Replace,
        value: WriteValue::One(value.into()),
    };
    bench.command("a", action);
    match bench.result() {
        Err(CommandError::Invalid { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_have_the_types_of_the_version_that_the_device_announced() {
    let older = XML
        .replace("2.1<", "1.0<")
        .replace("Unsigned Integer", "Integer");
    let mut bench = Bench::new();
    bench.registered(
        "new",
        1,
        &["lwm2m=1.1"],
        "</3/0>,</42770>;ver=2.1,</42770/0>",
    );
    bench.registered("old", 2, &["lwm2m=1.1"], "</3/0>,</42770/0>");
    // Of an object that nobody knows a value is bytes.
    assert_eq!(level(&mut bench, "new", 1), OwnedValue::Opaque(vec![200]));
    // From here on it is known, while the devices stay registered.
    bench.shard.set_registry(registry(&[XML, &older]));
    assert_eq!(level(&mut bench, "new", 1), OwnedValue::Unsigned(200));
    assert_eq!(level(&mut bench, "old", 2), OwnedValue::Integer(-56));
}

#[test]
fn a_value_that_does_not_fit_is_refused_with_what_would() {
    let mut bench = Bench::new();
    bench.shard.set_registry(registry(&[XML]));
    bench.registered("a", 1, &["lwm2m=1.1"], "</3/0>,</42770>;ver=2.1,</42770/0>");
    let too_long = refusal(&mut bench, "/42770/0/1", "x".repeat(33));
    assert!(
        too_long.contains("/42770/0/1 (Label) takes 1..32 bytes, and the value has 33"),
        "{too_long}"
    );
    let text = refusal(&mut bench, "/42770/0/2/0", "warm");
    assert!(
        text.contains("(Level) is of type unsigned: “warm” (string)"),
        "{text}"
    );
    let outside = refusal(&mut bench, "/42770/0/2/0", 250_i64);
    assert!(
        outside.contains("takes 0..247,255: 250 is out of range"),
        "{outside}"
    );
    let action = Action::Write {
        path: path("/42770/0"),
        mode: WriteMode::Partial,
        value: WriteValue::Records(vec![
            Record::new(path("/42770/0/1"), "one"),
            Record::new(path("/42770/0/1"), "two"),
        ]),
    };
    bench.command("a", action);
    let twice = bench.result().unwrap_err().to_string();
    assert!(twice.contains("/42770/0/1 is given twice"), "{twice}");
    assert!(bench.silent(), "nothing was sent");
    let nan = refusal(&mut bench, "/3303/0/6050", f64::NAN);
    assert!(nan.contains("NaN"), "{nan}");
}
