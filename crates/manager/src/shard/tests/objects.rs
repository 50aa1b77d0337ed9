//! Objects that are loaded from the registry's XML.

use super::*;
use crate::{
    Administration, ObjectSource, OwnedValue, Record, Registry, Version, WriteMode, WriteValue,
};

const TLV: (OptionNumber, &[u8]) = (OptionNumber::CONTENT_FORMAT, &[0x2d, 0x16]);
const XML: &str = include_str!("../../registry/tests/good.xml");

impl Bench {
    pub(super) fn administer(&mut self, order: Administration) {
        self.next_command += 1;
        let id = CommandId(self.next_command);
        self.shard.handle_administration(self.now, id, order);
        self.drain();
    }

    /// Keeps the objects of `xml`; what came of it is the next result.
    fn keep(&mut self, xml: &str) {
        let objects = Registry::read_xml("test.xml", xml.as_bytes()).unwrap();
        self.administer(Administration::KeepObjects {
            objects: objects.into_iter().map(Into::into).collect(),
            xml: xml.into(),
        });
    }

    /// The kind of /42770/0/2 in the version, and where the object is from.
    fn known(&self, version: Version) -> Option<(crate::ValueType, ObjectSource)> {
        let object = self
            .shard
            .registry()
            .get(42770.try_into().unwrap(), version)?;
        let (level, _) = object.resource(2.try_into().unwrap())?;
        Some((level.kind, object.source))
    }
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
    for xml in [XML, &older] {
        bench.keep(xml);
        assert_eq!(bench.result(), Ok(Outcome::Done));
    }
    assert_eq!(level(&mut bench, "new", 1), OwnedValue::Unsigned(200));
    assert_eq!(level(&mut bench, "old", 2), OwnedValue::Integer(-56));
}

#[test]
fn a_value_that_does_not_fit_is_refused_with_what_would() {
    let mut bench = Bench::new();
    bench.keep(XML);
    assert_eq!(bench.result(), Ok(Outcome::Done));
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

const NEW: Version = Version::new(2, 1);
const STORED: Option<(crate::ValueType, ObjectSource)> =
    Some((crate::ValueType::Unsigned, ObjectSource::Store));

#[test]
fn an_object_is_known_when_it_is_stored_and_after_a_restart() {
    let mut bench = Bench::new();
    bench.storage = Storage::Waits;
    bench.keep(XML);
    assert!(bench.completed.is_empty() && bench.known(NEW).is_none());
    bench.tell_store(Storage::Works);
    bench.drain();
    assert_eq!(bench.result(), Ok(Outcome::Done));
    assert_eq!(bench.known(NEW), STORED);
    assert_eq!(bench.restart().known(NEW), STORED);
}

#[test]
fn an_object_that_is_not_stored_is_not_known() {
    let mut bench = Bench::new();
    bench.storage = Storage::Fails;
    bench.keep(XML);
    let error = bench.result().unwrap_err();
    assert!(matches!(error, CommandError::StoreFailed { .. }), "{error}");
    assert_eq!(bench.known(NEW), None);
}

#[test]
fn an_object_that_is_forgotten_uncovers_the_one_below() {
    let mut config = Config::default();
    let below = XML.replace("Unsigned Integer", "Integer");
    config
        .registry
        .load_xml("below.xml", below.as_bytes())
        .unwrap();
    let mut bench = Bench::with(config);
    let below = Some((crate::ValueType::Integer, ObjectSource::File));
    assert_eq!(bench.known(NEW), below);
    bench.keep(XML);
    assert_eq!(bench.result(), Ok(Outcome::Done));
    assert_eq!(bench.known(NEW), STORED);
    let forget = Administration::ForgetObject {
        id: 42770.try_into().unwrap(),
        version: NEW,
    };
    bench.administer(forget.clone());
    assert_eq!(bench.result(), Ok(Outcome::Done));
    assert_eq!(bench.known(NEW), below);
    bench.administer(forget);
    let error = bench.result().unwrap_err().to_string();
    assert!(error.contains("42770 in version 2.1"), "{error}");
    assert_eq!(bench.restart().known(NEW), None);
}

#[test]
fn only_so_many_objects_are_kept() {
    let mut bench = Bench::with(Config {
        max_stored_objects: 1,
        ..Config::default()
    });
    // The same once more is no other.
    for _ in 0..2 {
        bench.keep(XML);
        assert_eq!(bench.result(), Ok(Outcome::Done));
    }
    bench.keep(&XML.replace("2.1<", "2.2<"));
    let error = bench.result().unwrap_err().to_string();
    assert!(error.contains("1 object definitions at most"), "{error}");
}
