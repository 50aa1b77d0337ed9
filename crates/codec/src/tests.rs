//! What the tests of all formats share, and what all formats have in common.

extern crate std;

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use dunlin_model::{Path, Value, ValueType, objects};
use dunlin_testkit::{hex, shared};

use crate::{
    ContentFormat, DecodeError, DecodeErrorKind, Decoder, EncodeError, Encoder, Record, Types,
};

/// A table of types.
pub(crate) struct Table(pub(crate) Vec<(Path, ValueType)>);

impl Types for Table {
    fn value_type(&self, path: &Path) -> Option<ValueType> {
        self.0
            .iter()
            .find(|(node, _)| node.contains(path))
            .map(|(_, kind)| *kind)
    }
}

pub(crate) fn path(text: &str) -> Path {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(crate) fn decode<'a>(
    format: ContentFormat,
    base: &str,
    bytes: &'a [u8],
    types: &'a dyn Types,
) -> Result<Vec<Record<'a>>, DecodeError> {
    Decoder::new(format, path(base), bytes, types, &mut [])?.collect()
}

pub(crate) fn fault(
    format: ContentFormat,
    base: &str,
    bytes: &[u8],
    types: &dyn Types,
) -> Option<DecodeErrorKind> {
    decode(format, base, bytes, types)
        .err()
        .map(|error| error.kind)
}

pub(crate) fn encode(
    format: ContentFormat,
    base: &str,
    records: &[Record<'_>],
) -> Result<Vec<u8>, EncodeError> {
    let mut buffer = vec![0; 80_000];
    let mut encoder = Encoder::new(format, path(base), &mut buffer);
    for record in records {
        encoder.push(record)?;
    }
    let length = encoder.finish()?;
    buffer.truncate(length);
    Ok(buffer)
}

pub(crate) fn record<'a>(node: &str, value: Value<'a>) -> Record<'a> {
    Record::new(path(node), value)
}

/// Reads the name of a type in the vectors.
pub(crate) fn kind(name: &str) -> ValueType {
    match name {
        "string" => ValueType::String,
        "integer" => ValueType::Integer,
        "unsigned" => ValueType::Unsigned,
        "float" => ValueType::Float,
        "boolean" => ValueType::Boolean,
        "opaque" => ValueType::Opaque,
        "time" => ValueType::Time,
        "objlnk" => ValueType::Objlnk,
        other => panic!("type {other}"),
    }
}

/// Whether `value` is what the vectors say.
pub(crate) fn is(value: &Value<'_>, kind: ValueType, json: &serde_json::Value) -> bool {
    match kind {
        ValueType::String => *value == Value::String(json.as_str().unwrap()),
        ValueType::Integer => *value == Value::Integer(json.as_i64().unwrap()),
        ValueType::Unsigned => *value == Value::Unsigned(json.as_u64().unwrap()),
        ValueType::Float => *value == Value::Float(json.as_f64().unwrap()),
        ValueType::Boolean => *value == Value::Boolean(json.as_bool().unwrap()),
        ValueType::Opaque => *value == Value::Opaque(&hex(json.as_str().unwrap())),
        ValueType::Time => *value == Value::Time(json.as_i64().unwrap()),
        ValueType::Objlnk => *value == Value::Objlnk(json.as_str().unwrap().parse().unwrap()),
        other => panic!("type {other}"),
    }
}

/// The formats of any number of values.
const MANY: [ContentFormat; 7] = [
    ContentFormat::TLV,
    ContentFormat::LWM2M_JSON,
    ContentFormat::LWM2M_CBOR,
    ContentFormat::SENML_JSON,
    ContentFormat::SENML_CBOR,
    ContentFormat::SENML_ETCH_JSON,
    ContentFormat::SENML_ETCH_CBOR,
];

#[test]
fn benchmark_messages_say_the_same_and_are_canonical() {
    let Some(messages) = shared("vectors/bench-messages.json") else {
        return;
    };
    let find = |name: &str| {
        let messages = messages["messages"].as_array().unwrap();
        let message = messages
            .iter()
            .find(|message| message["name"] == name)
            .unwrap();
        hex(message["hex"].as_str().unwrap())
    };
    let (tlv, senml) = (find("tlv20"), find("senml-cbor20"));
    let from_tlv = decode(ContentFormat::TLV, "/3/0", &tlv, &objects::CORE).unwrap();
    let from_senml = decode(ContentFormat::SENML_CBOR, "/3/0", &senml, &objects::CORE).unwrap();
    assert_eq!(from_tlv.len(), 20);
    assert_eq!(from_tlv, from_senml);
    assert_eq!(
        encode(ContentFormat::TLV, "/3/0", &from_senml).unwrap(),
        tlv
    );
    assert_eq!(
        encode(ContentFormat::SENML_CBOR, "/3/0", &from_tlv).unwrap(),
        senml
    );
    // The same in LwM2M CBOR, whose message leaves all lengths open.
    let open = find("lwm2m-cbor20");
    let from_open = decode(ContentFormat::LWM2M_CBOR, "/3/0", &open, &objects::CORE).unwrap();
    assert_eq!(from_open, from_tlv);
    for format in [
        ContentFormat::LWM2M_CBOR,
        ContentFormat::SENML_JSON,
        ContentFormat::LWM2M_JSON,
    ] {
        let bytes = encode(format, "/3/0", &from_tlv).unwrap();
        assert_eq!(
            decode(format, "/3/0", &bytes, &objects::CORE).unwrap(),
            from_tlv
        );
        assert!(format != ContentFormat::LWM2M_CBOR || bytes.len() < open.len());
    }
    let tlv = find("tlv16");
    let records = decode(ContentFormat::TLV, "/3/0", &tlv, &objects::CORE).unwrap();
    assert_eq!(records.len(), 16);
    assert_eq!(encode(ContentFormat::TLV, "/3/0", &records).unwrap(), tlv);
}

#[test]
fn formats_not_implemented_are_refused() {
    for format in [ContentFormat::LINK_FORMAT, ContentFormat(9999)] {
        assert!(!format.is_supported());
        assert_eq!(
            fault(format, "/3", b"", &objects::CORE),
            Some(DecodeErrorKind::UnsupportedFormat)
        );
        assert_eq!(
            encode(format, "/3", &[]),
            Err(EncodeError::UnsupportedFormat)
        );
    }
}

/// A number of 32 bits has its own digits in text, and the bytes of the same number of 64 bits elsewhere.
#[test]
fn singles_print_as_they_were_given() {
    let node = "/3303/0/5700";
    let single = record(node, Value::from(0.1_f32));
    let double = record(node, Value::Float(0.1_f32.into()));
    let text = |format, record| String::from_utf8(encode(format, node, &[record]).unwrap());
    let is = |text: &str| Ok(String::from(text));
    assert_eq!(text(ContentFormat::TEXT, single), is("0.1"));
    assert_eq!(text(ContentFormat::TEXT, double), is("0.10000000149011612"));
    assert_eq!(
        text(ContentFormat::SENML_JSON, single),
        is(r#"[{"bn":"/3303/0/5700","v":0.1}]"#)
    );
    assert_eq!(
        text(ContentFormat::LWM2M_JSON, single),
        is(r#"{"bn":"/3303/0/5700","e":[{"v":0.1}]}"#)
    );
    for number in [
        0.1_f32,
        -0.0,
        1.5,
        65_504.0,
        1e-40,
        f32::MAX,
        f32::INFINITY,
        f32::NAN,
    ] {
        for format in [
            ContentFormat::CBOR,
            ContentFormat::TLV,
            ContentFormat::SENML_CBOR,
            ContentFormat::LWM2M_CBOR,
        ] {
            assert_eq!(
                encode(format, node, &[record(node, Value::Single(number))]),
                encode(format, node, &[record(node, Value::Float(number.into()))]),
                "{number} in {format}"
            );
        }
    }
    assert_eq!(
        encode(ContentFormat::CBOR, node, &[single]).map(|bytes| bytes.len()),
        Ok(5)
    );
    for format in [ContentFormat::TEXT, ContentFormat::SENML_JSON] {
        let infinite = record(node, Value::Single(f32::INFINITY));
        assert_eq!(
            encode(format, node, &[infinite]),
            Err(EncodeError::NotRepresentable)
        );
    }
}

#[test]
fn an_encoder_keeps_its_first_error() {
    let mut buffer = [0; 4];
    let mut encoder = Encoder::new(ContentFormat::TLV, path("/3/0"), &mut buffer);
    let long = record("/3/0/0", Value::String("Dunlin"));
    assert_eq!(encoder.push(&long), Err(EncodeError::NoSpace));
    assert_eq!(
        encoder.push(&record("/3/0/9", Value::Integer(1))),
        Err(EncodeError::NoSpace)
    );
    assert_eq!(encoder.finish(), Err(EncodeError::NoSpace));

    let mut buffer = [0; 64];
    let mut encoder = Encoder::new(ContentFormat::SENML_CBOR, path("/3/0"), &mut buffer);
    assert_eq!(
        encoder.push(&record("/3/1/0", Value::Integer(1))),
        Err(EncodeError::Outside)
    );
    assert_eq!(encoder.finish(), Err(EncodeError::Outside));
}

#[test]
fn what_is_beside_the_node_of_the_request_is_outside() {
    for (base, nodes) in [
        ("/3/0/6", ["/3/0/6", "/3/0/7"]),
        ("/3/0/6", ["/3/0/6/1", "/3/0/7/1"]),
        ("/3/0/6/1", ["/3/0/6/1", "/3/0/6/2"]),
        ("/3/0", ["/3/0/6", "/3/1/7"]),
    ] {
        let records = nodes.map(|node| record(node, Value::Integer(1)));
        for format in MANY {
            let result = encode(format, base, &records);
            assert_eq!(result, Err(EncodeError::Outside), "{format} of {base}");
        }
    }
}

#[test]
fn every_buffer_too_small_is_an_error() {
    let records = [
        record("/3303/0/5700", Value::Float(21.25)),
        record("/3303/1/5518", Value::Time(1_700_000_000)),
        record(
            "/3303/1/5701",
            Value::String("a unit of more than eight bytes"),
        ),
        record("/3303/1/5800/300", Value::Opaque(&[7; 20])),
    ];
    for format in MANY {
        let whole = encode(format, "/3303", &records).unwrap();
        for size in 0..whole.len() {
            let mut buffer = vec![0; size];
            let mut encoder = Encoder::new(format, path("/3303"), &mut buffer);
            for record in &records {
                let _ = encoder.push(record);
            }
            assert_eq!(
                encoder.finish(),
                Err(EncodeError::NoSpace),
                "{format} in {size} of {}",
                whole.len()
            );
        }
        let mut buffer = vec![0; whole.len()];
        let mut encoder = Encoder::new(format, path("/3303"), &mut buffer);
        records
            .iter()
            .try_for_each(|record| encoder.push(record))
            .unwrap();
        assert_eq!(encoder.finish(), Ok(whole.len()));
        assert_eq!(buffer, whole);
    }
}

#[test]
fn errors_print_what_and_where() {
    let error = decode(ContentFormat::TLV, "/3/0", &hex("c10964c3"), &objects::CORE).unwrap_err();
    assert_eq!(format!("{error}"), "the payload ends early (at byte 3)");
    let mut name = String::new();
    core::fmt::write(&mut name, format_args!("{}", EncodeError::OutOfOrder)).unwrap();
    assert_eq!(name, "records must come in the order of their paths");
}

#[test]
fn relative_times_resolve_against_now() {
    let mut record = record("/3303/0/5700", Value::Float(1.0));
    assert_eq!(record.time_at(2e9), None);
    record.time = Some(-5.0);
    assert_eq!(record.time_at(2e9), Some(1_999_999_995.0));
    record.time = Some(268_435_456.0);
    assert_eq!(record.time_at(2e9), Some(268_435_456.0));
}

/// What comes in 32 bits goes on in text with the digits that it needs there, and in binary as it came.
#[test]
fn a_number_of_32_bits_stays_one() {
    for (format, bytes) in [
        (ContentFormat::TLV, &b"\xe4\x16\x44\x3d\xcc\xcc\xcd"[..]),
        (ContentFormat::CBOR, b"\xfa\x3d\xcc\xcc\xcd"),
        (
            ContentFormat::SENML_CBOR,
            b"\x81\xa2\x21\x6c/3303/0/5700\x02\xfa\x3d\xcc\xcc\xcd",
        ),
        (
            ContentFormat::LWM2M_CBOR,
            b"\xa1\x83\x19\x0c\xe7\0\x19\x16\x44\xfa\x3d\xcc\xcc\xcd",
        ),
    ] {
        let base = path("/3303/0/5700");
        let mut decoder = Decoder::new(format, base, bytes, objects::CORE, &mut []).unwrap();
        let record = decoder.next().unwrap().unwrap();
        assert!(
            matches!(record.value, Value::Single(0.1)),
            "{format}: {record:?}"
        );
        assert_eq!(decoder.next(), None);
        let text = encode(ContentFormat::TEXT, "/3303/0/5700", &[record]).unwrap();
        assert_eq!(text, b"0.1");
        let again = encode(format, "/3303/0/5700", &[record]).unwrap();
        assert_eq!(again, bytes, "{format}");
    }
}

mod short_ways;
