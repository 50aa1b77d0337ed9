extern crate std;

use std::vec::Vec;

use dunlin_model::{Value, objects};
use dunlin_testkit::{hex, shared};
use serde_json::Value as Json;

use crate::tests::{decode, encode, fault, path, record};
use crate::{ContentFormat, DecodeErrorKind, Decoder, EncodeError, Record, Untyped};

const CBOR: ContentFormat = ContentFormat::LWM2M_CBOR;

/// Whether `value` is what the vectors say, where bytes are shown in hexadecimal.
fn is(value: &Value<'_>, json: &Json) -> bool {
    match value {
        Value::None => json.is_null(),
        Value::String(text) => json.as_str() == Some(text),
        Value::Opaque(bytes) => json.as_str().is_some_and(|text| hex(text) == *bytes),
        Value::Boolean(truth) => json.as_bool() == Some(*truth),
        Value::Integer(number) | Value::Time(number) => json.as_i64() == Some(*number),
        Value::Unsigned(number) => json.as_u64() == Some(*number),
        Value::Float(_) | Value::Single(_) => json.as_f64() == value.as_f64(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn examples_of_the_specification() {
    let Some(file) = shared("vectors/lwm2m-cbor-oma.json") else {
        return;
    };
    let mut seen = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        // Looked at below.
        if id.starts_with("gateway") || id == "create-2-no-instance" {
            continue;
        }
        let bytes = hex(vector["hex"].as_str().unwrap());
        let base = vector["request_path"].as_str().unwrap();
        let records = decode(CBOR, base, &bytes, &Untyped).unwrap();
        check(&records, &vector["nodes"], id);
        match encode(CBOR, base, &records) {
            Ok(encoded) => {
                assert_eq!(
                    decode(CBOR, base, &encoded, &Untyped).unwrap(),
                    records,
                    "{id}"
                );
                // The others group their keys in another way, which a decoder must take all the same.
                let grouped = ["read-3-0-0-nested", "create-2-instance-5"];
                if !grouped.contains(&id) {
                    assert_eq!(encoded, bytes, "{id}");
                }
            }
            Err(error) => {
                assert_eq!(
                    (id, error),
                    ("read-composite-response", EncodeError::OutOfOrder)
                );
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 7);
    for vector in file["derived"].as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        let bytes = hex(vector["hex"].as_str().unwrap());
        let records = decode(CBOR, "/", &bytes, &Untyped).unwrap();
        check(&records, &vector["nodes"], id);
        let [Record { path, .. }] = records[..] else {
            panic!("{id}")
        };
        let mut buffer = [0; 64];
        let mut encoder = crate::Encoder::new(CBOR, path, &mut buffer);
        encoder.push(&records[0]).unwrap();
        let length = encoder.finish().unwrap();
        assert_eq!(
            buffer[..length] == bytes,
            vector["decode_only"] != true,
            "{id}"
        );
    }
}

fn check(records: &[Record<'_>], nodes: &Json, id: &str) {
    let nodes = nodes.as_array().unwrap();
    assert_eq!(records.len(), nodes.len(), "{id}");
    for (record, node) in records.iter().zip(nodes) {
        assert_eq!(record.path, path(node["path"].as_str().unwrap()), "{id}");
        assert!(is(&record.value, &node["value"]), "{id}: {record:?}");
    }
}

#[test]
fn a_create_may_leave_the_choice_of_the_instance() {
    // {[2, 65535]: {0: 5, [2, 102]: 0}}
    let bytes = hex("a1 82 02 19ffff a2 00 05 82 02 1866 00");
    assert_eq!(
        fault(CBOR, "/2", &bytes, &Untyped),
        Some(DecodeErrorKind::MissingInstance)
    );
    assert_eq!(
        decode(CBOR, "/2/7", &bytes, &Untyped).unwrap(),
        [
            record("/2/7/0", Value::Integer(5)),
            record("/2/7/2/102", Value::Integer(0))
        ]
    );
    assert_eq!(
        fault(CBOR, "/3", &bytes, &Untyped),
        Some(DecodeErrorKind::Identifier)
    );
}

#[test]
fn the_prefix_of_a_device_behind_a_gateway_is_taken_off() {
    // {["d01", 3, 0]: {9: 100}, 1: {0: {1: 60}}}
    let bytes = hex("a2 83 63643031 03 00 a1 09 1864 01 a1 00 a1 01 183c");
    let prefixed = |prefix| {
        let decoder = Decoder::new(CBOR, path("/"), &bytes, &Untyped, &mut []).unwrap();
        decoder
            .alternate_path(prefix)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.kind)
    };
    assert_eq!(
        prefixed("/d01"),
        Ok([
            record("/3/0/9", Value::Integer(100)),
            record("/1/0/1", Value::Integer(60))
        ]
        .into())
    );
    assert_eq!(prefixed("/d02"), Err(DecodeErrorKind::Outside));
    assert_eq!(prefixed(""), Err(DecodeErrorKind::Outside));
}

#[test]
fn other_payloads_are_refused() {
    use DecodeErrorKind::*;
    for (bytes, kind, offset) in [
        ("", End, 0),
        ("a0", Malformed, 1),
        ("bfff", Malformed, 2),
        ("80", Type, 1),
        ("bb ffffffffffffffff", End, 9),
        ("a1 83030009 01 00", Trailing, 6),
        ("a1 83030009", End, 5),
        ("a2 83030009 01", End, 6),
        ("bf 83030009 01", End, 6),
        ("a1 20 01", Type, 2),
        ("a1 6133 01", Type, 2),
        ("a1 80 01", Malformed, 2),
        ("a1 9fff 01", Malformed, 3),
        ("a1 8320000901", Type, 3),
        ("a1 85 03 00 09 00 00 01", Nesting, 7),
        ("a1 84 03 00 07 00 a1 00 01", Nesting, 7),
        ("a1 83 03 00 19ffff 01", Identifier, 7),
        ("a1 83 03 00 1a00010000 01", Identifier, 9),
        ("a1 83 03 01 09 01", Outside, 5),
        ("a1 04 a1 00 a1 09 01", Outside, 2),
        ("a1 82 03 00 01", Type, 4),
        ("a1 83 03 00 09 6131", Type, 7),
        ("a1 82 03 00 a2 09 01 09 02", Duplicate, 8),
        ("a1 83 03 00 09 81 01", Type, 6),
        ("a1 83 03 00 00 61ff", Utf8, 7),
        ("a1 83 03 00 00 7f6161ff", Unsupported, 6),
    ] {
        let error = decode(CBOR, "/3/0", &hex(bytes), &objects::CORE).unwrap_err();
        assert_eq!((error.kind, error.offset), (kind, offset), "{bytes}");
    }
}

#[test]
fn nodes_without_values() {
    let instance = [record("/3303/1", Value::None)];
    for (base, bytes) in [
        ("/3303/1", "a1 82190ce701 a0"),
        ("/3303", "a1 190ce7 a1 01 a0"),
        ("/", "a1 190ce7 a1 01 a0"),
    ] {
        assert_eq!(encode(CBOR, base, &instance).unwrap(), hex(bytes));
        assert_eq!(decode(CBOR, base, &hex(bytes), &Untyped).unwrap(), instance);
    }
    // An empty map says the same in either length.
    let open = hex("bf 820300 bf ff ff");
    let instance = [record("/3/0", Value::None)];
    assert_eq!(decode(CBOR, "/3/0", &open, &Untyped).unwrap(), instance);
    // An object without instances.
    assert_eq!(encode(CBOR, "/3303", &[]).unwrap(), hex("a1 190ce7 a0"));
    assert_eq!(
        decode(CBOR, "/3303", &hex("a1 190ce7 a0"), &Untyped).unwrap(),
        []
    );
    assert_eq!(encode(CBOR, "/", &[]), Err(EncodeError::Empty));
    // A multiple resource without instances.
    let resource = [record("/3/0/7", Value::None)];
    assert_eq!(
        encode(CBOR, "/3/0", &resource).unwrap(),
        hex("a1 820300 a1 07 f6")
    );
    for bytes in [
        "a1 820300 a1 07 f6",
        "a1 820300 a1 07 a0",
        "a1 820300 a1 07 bfff",
    ] {
        assert_eq!(
            decode(CBOR, "/3/0", &hex(bytes), &Untyped).unwrap(),
            resource
        );
    }
}

#[test]
fn maps_of_many_entries_need_a_longer_head() {
    for (count, head) in [(23, "b7"), (24, "b818"), (255, "b8ff"), (256, "b90100")] {
        let records: Vec<_> = (0..count)
            .map(|id| Record::new(path("/3/0").child(id).unwrap(), Value::Integer(0)))
            .collect();
        let bytes = encode(CBOR, "/3/0", &records).unwrap();
        assert!(bytes[4..].starts_with(&hex(head)), "{count}");
        assert_eq!(decode(CBOR, "/3/0", &bytes, &Untyped).unwrap(), records);
    }
}

#[test]
fn a_value_has_no_nodes_below_it() {
    for records in [
        [
            record("/3/0/7", Value::Integer(1)),
            record("/3/0/7/0", Value::Integer(1)),
        ],
        [
            record("/3/0/7", Value::Integer(1)),
            record("/3/0/7", Value::Integer(1)),
        ],
        [
            record("/3/0/9", Value::Integer(1)),
            record("/3/0/7", Value::Integer(1)),
        ],
    ] {
        assert_eq!(encode(CBOR, "/3/0", &records), Err(EncodeError::OutOfOrder));
    }
    assert_eq!(
        encode(CBOR, "/3", &[record("/3/0", Value::Integer(1))]),
        Err(EncodeError::NotRepresentable)
    );
}
