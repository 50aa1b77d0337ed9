//! What the tests of all formats share, and what all formats have in common.

extern crate std;

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use dunlin_model::{Path, Value, ValueType, objects};
use dunlin_testkit::{hex, shared};
use proptest::prelude::*;

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

/// A value of the Device object that is of the resource's type, or of a type that can become it, or of neither.
fn device_value() -> impl Strategy<Value = (u16, Option<u16>, Value<'static>)> {
    let number = prop_oneof![
        any::<i8>().prop_map(i64::from),
        any::<i16>().prop_map(i64::from),
        any::<i64>(),
    ];
    let value = prop_oneof![
        4 => number.prop_map(Value::Integer),
        1 => any::<u64>().prop_map(Value::Unsigned),
        1 => (-1000_i16..1000).prop_map(|number| Value::Float(f64::from(number) / 8.0)),
        1 => any::<i8>().prop_map(|number| Value::Single(f32::from(number) / 10.0)),
        1 => any::<bool>().prop_map(Value::Boolean),
        1 => prop::sample::select(vec![
            Value::Opaque(b""),
            Value::Opaque(b"\x00\xff"),
            Value::Time(1_700_000_000),
            Value::Objlnk(dunlin_model::ObjectLink::new(3303, 0)),
        ]),
        4 => prop::sample::select(vec!["", "a", "Dunlin", "pl\u{f6}tzlich", "\"quoted\"", "twenty-four characters.."])
            .prop_map(Value::String),
    ];
    (0_u16..16, prop::option::weighted(0.2, 0_u16..3), value)
}

/// An identifier near one that has another number of bytes or digits than the next.
fn identifier() -> impl Strategy<Value = u16> {
    let near = prop::sample::select(vec![0_u16, 9, 23, 99, 255, 999, 9999, 65533]);
    (near, 0_u16..2).prop_map(|(near, by)| near + by)
}

/// An integer, or the length of a text.
fn short_value() -> impl Strategy<Value = Result<i64, usize>> {
    let numbers = vec![
        0,
        23,
        24,
        127,
        128,
        255,
        256,
        32_767,
        32_768,
        65_535,
        65_536,
        1 << 31,
        1 << 32,
    ];
    let number = (prop::sample::select(numbers), any::<bool>());
    prop_oneof![
        number.prop_map(|(number, minus)| Ok(if minus { -number } else { number })),
        (0_usize..40).prop_map(Err),
    ]
}

/// A NaN is not equal to itself, so its place is taken by another value.
fn comparable(
    next: Option<Result<Record<'_>, DecodeError>>,
) -> Option<Result<Record<'_>, DecodeError>> {
    next.map(|result| {
        result.map(|record| match record.value {
            Value::Float(number) if number.is_nan() => Record {
                value: Value::String("NaN"),
                ..record
            },
            _ => record,
        })
    })
}

/// What becomes of a byte: any other, or one near it, such as the identifier of the record before.
fn change() -> impl Strategy<Value = Result<u8, i8>> {
    prop_oneof![any::<u8>().prop_map(Ok), (-3_i8..=3).prop_map(Err)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// The short ways of the decoders give what the long ones give, for good payloads and broken ones.
    #[test]
    fn the_short_way_is_the_long_way(
        format in prop::sample::select(MANY[..5].to_vec()),
        base in prop::sample::select(vec!["/3", "/3/0", "/3/0", "/3/0", "/3/0/6", "/3/0/0", "/3/0/6/0", "/3/1", "/5"]),
        values in prop::collection::vec(device_value(), 0..12),
        changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 0..3),
        open in any::<bool>(),
        typed in any::<bool>(),
    ) {
        let types: &dyn Types = if typed { &objects::CORE } else { &crate::Untyped };
        let mut records: Vec<_> = values
            .iter()
            .map(|(resource, instance, value)| {
                let node = path("/3/0").child(*resource).unwrap();
                let node = instance.map_or(node, |instance| node.child(instance).unwrap());
                Record::new(node, *value)
            })
            .collect();
        records.sort_by_key(|record| record.path);
        records.dedup_by_key(|record| record.path.truncate(dunlin_model::Level::Resource));
        let Ok(mut bytes) = encode(format, "/3/0", &records) else {
            return Ok(());
        };
        if open && format == ContentFormat::LWM2M_CBOR {
            // The outermost map, whose length is left open.
            bytes[0] = 0xbf;
            bytes.push(0xff);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte.unwrap_or_else(|by| bytes[place].wrapping_add_signed(by));
        }
        let (mut one, mut other) = ([0; 512], [0; 512]);
        let short = Decoder::new(format, path(base), &bytes, types, &mut one);
        let long = Decoder::new(format, path(base), &bytes, types, &mut other);
        let (Ok(mut short), Ok(mut long)) = (short, long) else {
            return Ok(());
        };
        loop {
            let next = short.next();
            prop_assert_eq!(comparable(next), comparable(long.next_the_long_way()));
            if next.is_none() {
                break;
            }
        }
        // The end stays the end.
        prop_assert_eq!(short.next(), None);
        prop_assert_eq!(long.next_the_long_way(), None);
    }

    /// So do those of the encoders, with identifiers and texts of every length that they treat in its own way.
    #[test]
    fn the_short_way_to_write_takes_any_identifier(
        format in prop::sample::select(MANY[..5].to_vec()),
        base in prop::sample::select(vec!["/3", "/3/0", "/3/0", "/9999/9", "/10000/10", "/65534/65534"]),
        values in prop::collection::vec((identifier(), prop::option::of(identifier()), short_value()), 0..30),
    ) {
        let instance = match base {
            "/3" => path("/3/0"),
            base => path(base),
        };
        let texts: Vec<_> = (0..40).map(|length| "x".repeat(length)).collect();
        let mut records: Vec<_> = values
            .iter()
            .map(|(resource, index, value)| {
                let node = instance.child(*resource).unwrap();
                let node = index.map_or(node, |index| node.child(index).unwrap());
                let value = match value {
                    Ok(number) => Value::Integer(*number),
                    Err(length) => Value::String(&texts[*length]),
                };
                Record::new(node, value)
            })
            .collect();
        records.sort_by_key(|record| record.path);
        records.dedup_by_key(|record| record.path);
        let write = |short: bool| {
            let mut buffer = vec![0; 4096];
            let mut encoder = Encoder::new(format, path(base), &mut buffer);
            records.iter().try_for_each(|record| {
                if short { encoder.push(record) } else { encoder.push_the_long_way(record) }
            })?;
            let length = encoder.finish()?;
            buffer.truncate(length);
            Ok::<_, EncodeError>(buffer)
        };
        prop_assert_eq!(write(true), write(false));
    }

    /// The same for records in order and not, in buffers too small and in parts.
    #[test]
    fn the_short_way_to_write_is_the_long_way(
        format in prop::sample::select(MANY[..5].to_vec()),
        base in prop::sample::select(vec!["/", "/3", "/3/0", "/3/0", "/3/0/6"]),
        values in prop::collection::vec((device_value(), 0_u16..2, prop::bool::weighted(0.1)), 0..12),
        in_order in prop::bool::weighted(0.9),
        room in prop_oneof![Just(512), 0_usize..100],
        skip in prop::option::weighted(0.3, 0_usize..100),
    ) {
        let mut records: Vec<_> = values
            .iter()
            .map(|((resource, instance, value), object_instance, timed)| {
                let node = path("/3").child(*object_instance).unwrap().child(*resource).unwrap();
                let node = instance.map_or(node, |instance| node.child(instance).unwrap());
                Record { path: node, value: *value, time: timed.then_some(1.5) }
            })
            .collect();
        if in_order {
            records.sort_by_key(|record| record.path);
            records.dedup_by_key(|record| record.path);
        }
        let write = |short: bool| -> Result<Vec<u8>, EncodeError> {
            let mut buffer = vec![0; room];
            let all = |encoder: &mut Encoder<'_>| records.iter().try_for_each(|record| {
                if short { encoder.push(record) } else { encoder.push_the_long_way(record) }
            });
            let length = if let Some(skip) = skip {
                crate::encode_part(format, path(base), skip, &mut buffer, all)?.length
            } else {
                let mut encoder = Encoder::new(format, path(base), &mut buffer);
                all(&mut encoder)?;
                encoder.finish()?
            };
            buffer.truncate(length);
            Ok(buffer)
        };
        prop_assert_eq!(
            write(true),
            write(false)
        );
    }
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
