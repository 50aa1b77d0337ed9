extern crate std;

use std::format;
use std::vec;
use std::vec::Vec;

use dunlin_model::{ObjectLink, PathErrorKind, Value, ValueType, objects};
use dunlin_testkit::{hex, shared};
use serde_json::Value as Json;

use crate::tests::{Table, decode, encode, fault, path, record};
use crate::{ContentFormat, DecodeErrorKind, Decoder, EncodeError, Record, Untyped};

const CBOR: ContentFormat = ContentFormat::SENML_CBOR;

/// Whether `value` is what a resolved record in the vectors says.
fn is(value: &Value<'_>, resolved: &Json) -> bool {
    if let Some(text) = resolved["vs"].as_str() {
        *value == Value::String(text)
    } else if let Some(truth) = resolved["vb"].as_bool() {
        *value == Value::Boolean(truth)
    } else if let Some(number) = resolved["v"].as_i64() {
        *value == Value::Integer(number)
    } else {
        *value == Value::Float(resolved["v"].as_f64().unwrap())
    }
}

#[test]
fn examples_of_lwm2m() {
    let Some(file) = shared("vectors/senml-oma.json") else {
        return;
    };
    for vector in file["cbor"].as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        let bytes = hex(vector["hex"].as_str().unwrap());
        let records = decode(CBOR, "/", &bytes, &Untyped).unwrap();
        let resolved = vector["resolved"].as_array().unwrap();
        assert_eq!(records.len(), resolved.len(), "{id}");
        for (record, resolved) in records.iter().zip(resolved) {
            assert_eq!(
                record.path,
                path(resolved["path"].as_str().unwrap()),
                "{id}"
            );
            assert!(is(&record.value, resolved), "{id}: {record:?}");
        }
        let base = if id == "ets-257" { "/" } else { "/3/0" };
        assert_eq!(encode(CBOR, base, &records).unwrap(), bytes, "{id}");
    }
}

#[test]
fn example_of_the_rfc() {
    let Some(file) = shared("vectors/senml-rfc8428.json") else {
        return;
    };
    let vectors = file["vectors"].as_array().unwrap();
    let vector = vectors
        .iter()
        .find(|vector| vector["id"] == "6-cbor")
        .unwrap();
    let bytes = hex(vector["cbor"].as_str().unwrap());
    // Its names are no paths.
    let fault = fault(CBOR, "/", &bytes, &Untyped);
    assert_eq!(fault, Some(DecodeErrorKind::Name(PathErrorKind::NoSlash)));
    // With paths in their places it says the same.
    let bytes = replaced(
        &bytes,
        b"\x78\x1burn:dev:ow:10e2073a0108006:",
        b"\x68/3303/0/",
    );
    let bytes = replaced(&bytes, b"\x67voltage", b"\x645700");
    let bytes = replaced(&bytes, b"\x67current", b"\x645701");
    let records = decode(CBOR, "/3303", &bytes, &Untyped).unwrap();
    let resolved = vector["resolved"].as_array().unwrap();
    assert_eq!(records.len(), resolved.len());
    for (record, resolved) in records.iter().zip(resolved) {
        let name = resolved["n"].as_str().unwrap();
        let id = if name.ends_with("voltage") {
            5700
        } else {
            5701
        };
        assert_eq!(record.path, path("/3303/0").child(id).unwrap());
        assert_eq!(record.time, resolved["t"].as_f64());
        assert_eq!(record.value, Value::Float(resolved["v"].as_f64().unwrap()));
    }
}

/// `bytes` with `new` in place of `old`, which is in it.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    let mut found = false;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(old) {
            out.extend(new);
            (rest, found) = (after, true);
        } else {
            out.push(rest[0]);
            rest = &rest[1..];
        }
    }
    assert!(found);
    out
}

/// `[{n: "/1/0/1", v: <hex>}]`
fn with_value(value: &str) -> Vec<u8> {
    [hex("81a200662f312f302f3102"), hex(value)].concat()
}

#[test]
fn numbers_of_cbor() {
    let Some(file) = shared("vectors/cbor-rfc8949.json") else {
        return;
    };
    let mut numbers = 0;
    for row in file["vectors"].as_array().unwrap() {
        let (diagnostic, bytes) = (
            row["diag"].as_str().unwrap(),
            with_value(row["hex"].as_str().unwrap()),
        );
        let result = decode(CBOR, "/1/0", &bytes, &Untyped);
        let Ok(expected) = diagnostic.parse::<f64>() else {
            let time = diagnostic.starts_with("1(");
            assert_eq!(result.is_ok(), time, "{diagnostic}");
            continue;
        };
        // Outside 64 bits.
        if diagnostic.len() > 19
            && (diagnostic.starts_with('-') || diagnostic == "18446744073709551616")
        {
            assert!(result.is_err(), "{diagnostic}");
            continue;
        }
        let value = result.unwrap()[0].value;
        let number = match value {
            Value::Float(number) => number,
            Value::Single(number) => number.into(),
            Value::Integer(number) => {
                assert_eq!(format!("{number}"), diagnostic);
                continue;
            }
            Value::Unsigned(number) => {
                assert_eq!(format!("{number}"), diagnostic);
                continue;
            }
            other => panic!("{diagnostic}: {other:?}"),
        };
        assert!(
            number.to_bits() == expected.to_bits() || number.is_nan() && expected.is_nan(),
            "{diagnostic}"
        );
        // Shortest floats are those of the table, but for the longer forms of the infinities and of NaN.
        if number.is_finite() {
            let encoded = encode(CBOR, "/", &[record("/1/0/1", value)]).unwrap();
            assert!(encoded.ends_with(&bytes[11..]), "{diagnostic}");
        }
        numbers += 1;
    }
    assert!(numbers > 15, "only {numbers} floats");
}

#[test]
fn decimal_fractions_and_times() {
    let types = Table(vec![(path("/1/0/1"), ValueType::Float)]);
    // 27315 × 10^-2, RFC 8949 §3.4.4.
    let bytes = with_value("c48221196ab3");
    assert_eq!(
        decode(CBOR, "/1", &bytes, &types).unwrap()[0].value,
        Value::Float(273.15)
    );
    for (value, expected) in [
        ("c482010d", None),
        ("c48301020d", Some(DecodeErrorKind::Malformed)),
        ("c49f010dff", Some(DecodeErrorKind::Unsupported)),
        ("c482190fff0d", Some(DecodeErrorKind::Malformed)),
        ("c4821a0fffffff0d", Some(DecodeErrorKind::Malformed)),
        ("c48221", Some(DecodeErrorKind::End)),
        ("c0743230", Some(DecodeErrorKind::Unsupported)),
        ("c1c101", Some(DecodeErrorKind::Type)),
    ] {
        assert_eq!(
            fault(CBOR, "/1", &with_value(value), &types),
            expected,
            "{value}"
        );
    }
    let time = with_value("c11a514b67b0");
    assert_eq!(
        decode(CBOR, "/1", &time, &Untyped).unwrap()[0].value,
        Value::Time(1_363_896_240)
    );
}

#[test]
fn the_type_of_the_resource_decides() {
    use DecodeErrorKind::Type;
    for (kind, value, expected) in [
        (ValueType::Integer, "f94e40", Ok(Value::Integer(25))),
        (ValueType::Integer, "f94e48", Err(Type)),
        (ValueType::Float, "1819", Ok(Value::Float(25.0))),
        (ValueType::Float, "1bffffffffffffffff", Err(Type)),
        (
            ValueType::Unsigned,
            "1bffffffffffffffff",
            Ok(Value::Unsigned(u64::MAX)),
        ),
        (ValueType::Integer, "1bffffffffffffffff", Err(Type)),
        (ValueType::Unsigned, "20", Err(Type)),
        (
            ValueType::Time,
            "1a5182428f",
            Ok(Value::Time(1_367_491_215)),
        ),
        (ValueType::Boolean, "01", Err(Type)),
        (ValueType::String, "01", Err(Type)),
    ] {
        let types = Table(vec![(path("/1/0/1"), kind)]);
        let bytes = with_value(value);
        let result = decode(CBOR, "/1", &bytes, &types)
            .map(|records| records[0].value)
            .map_err(|error| error.kind);
        assert_eq!(result, expected, "{kind} {value}");
    }
}

#[test]
fn lengths_may_be_left_open() {
    let open = hex("9f bf 21 65 2f332f302f 00 61 39 02 1864 ff bf 00 62 3230 02 04 ff ff");
    let closed = hex("82 a3 21 65 2f332f302f 00 61 39 02 1864 a2 00 62 3230 02 04");
    let records = decode(CBOR, "/3/0", &open, &objects::CORE).unwrap();
    assert_eq!(
        records,
        [
            record("/3/0/9", Value::Integer(100)),
            record("/3/0/20", Value::Integer(4))
        ]
    );
    assert_eq!(
        records,
        decode(CBOR, "/3/0", &closed, &objects::CORE).unwrap()
    );
    for cut in 0..open.len() {
        assert_eq!(
            fault(CBOR, "/3/0", &open[..cut], &objects::CORE),
            Some(DecodeErrorKind::End),
            "{cut}"
        );
    }
    for cut in 0..closed.len() {
        assert_eq!(
            fault(CBOR, "/3/0", &closed[..cut], &objects::CORE),
            Some(DecodeErrorKind::End),
            "{cut}"
        );
    }
}

#[test]
fn what_is_no_pack_is_refused() {
    use DecodeErrorKind::*;
    let name = "00 66 2f332f302f39";
    for (bytes, kind) in [
        ("", End),
        ("a0", Type),
        ("81 80", Type),
        ("80 00", Trailing),
        ("9f ff 00", Trailing),
        ("82 a0", Malformed),
        ("ff", Type),
        ("9c", Malformed),
        ("9b ffffffffffffffff", End),
        ("81 bb ffffffffffffffff", End),
        (&format!("81 a2 {name} {name}"), Duplicate),
        (&format!("81 a3 {name} 02 01 02 01"), Duplicate),
        (&format!("81 a3 {name} 02 01 03 61 31"), Duplicate),
        (&format!("81 a3 {name} 02 01 63766c6f 63 313a31"), Duplicate),
        // sum, base sum
        (&format!("81 a2 {name} 05 01"), Unsupported),
        (&format!("81 a3 {name} 02 01 25 01"), Unsupported),
        // no such label
        (&format!("81 a3 {name} 02 01 09 01"), Malformed),
        (&format!("81 a3 {name} 02 01 26 01"), Malformed),
        (&format!("81 a3 {name} 02 01 187f 01"), Malformed),
        (&format!("81 a3 {name} 02 01 1903e8 01"), Malformed),
        (&format!("81 a3 {name} 02 01 41 00 01"), Type),
        // a label that must be understood, and one that need not
        (&format!("81 a3 {name} 02 01 62785f 01"), Unsupported),
        (&format!("81 a3 {name} 02 01 6178 80"), Type),
        // a version to come
        (&format!("81 a3 {name} 02 01 20 0b"), Version),
        (&format!("81 a2 {name} 02 f6"), Type),
        (&format!("81 a2 {name} 02 ff"), Type),
        (&format!("81 a2 {name} 02 1c"), Malformed),
        // text in chunks
        (&format!("81 a2 {name} 03 7f 61 61 ff"), Unsupported),
        (&format!("81 a2 {name} 03 61 ff"), Utf8),
        (&format!("81 a2 {name} 04 f6"), Type),
        (&format!("81 a2 {name} 08 61 61"), Type),
        (&format!("81 a2 {name} 63766c6f 61 31"), Type),
        (&format!("81 a2 {name} 06 f97e00"), Type),
        (
            "81 a2 00 66 2f332f302f2f 02 01",
            Name(PathErrorKind::EmptySegment),
        ),
        (
            "81 a2 00 65 2f332f302f 02 01",
            Name(PathErrorKind::EmptySegment),
        ),
        ("81 a2 00 61 39 02 01", Name(PathErrorKind::NoSlash)),
        ("81 a2 00 64 2f332f30 02 01", Type),
        ("81 a2 00 66 2f332f312f39 02 01", Outside),
    ] {
        let bytes = hex(bytes);
        let result = decode(CBOR, "/3/0", &bytes, &Untyped).map_err(|error| error.kind);
        assert_eq!(result, Err(kind), "{bytes:02x?}");
    }
    for known in [
        "01 61 73",
        "07 01",
        "20 0a",
        "23 61 73",
        "6178 f4",
        "6178 f6",
        "6178 40",
        "6178 60",
        "6178 c101",
    ] {
        let bytes = hex(&format!("81 a3 {name} 02 01 {known}"));
        assert_eq!(
            decode(CBOR, "/3/0", &bytes, &Untyped).unwrap(),
            [record("/3/0/9", Value::Integer(1))],
            "{known}"
        );
    }
}

#[test]
fn values_of_every_type_come_back() {
    let records = [
        record("/9/0/0", Value::String("ü")),
        record("/9/0/1", Value::Integer(i64::MIN)),
        record("/9/0/2", Value::Unsigned(u64::MAX)),
        record("/9/0/3", Value::Float(0.1)),
        record("/9/0/4", Value::Boolean(true)),
        record("/9/0/5", Value::Opaque(&[0, 255])),
        record("/9/0/6", Value::Time(-1)),
        record("/9/0/7", Value::Objlnk(ObjectLink::NULL)),
        record("/9/0/8", Value::Corelnk("</1>")),
    ];
    let types = Table(
        records
            .iter()
            .map(|record| (record.path, record.value.kind()))
            .collect(),
    );
    let bytes = encode(CBOR, "/9/0", &records).unwrap();
    assert_eq!(decode(CBOR, "/9/0", &bytes, &types).unwrap(), records);
}

#[test]
fn links_may_be_null_in_hexadecimal() {
    let bytes = hex("81 a2 00 67 2f36362f312f32 63766c6f 69 464646463a46464646");
    let records = [record("/66/1/2", Value::Objlnk(ObjectLink::NULL))];
    assert_eq!(decode(CBOR, "/66", &bytes, &Untyped).unwrap(), records);
    assert_eq!(
        encode(CBOR, "/66", &records).unwrap(),
        hex("81a321642f36362f0063312f3263766c6f6b36353533353a3635353335")
    );
}

#[test]
fn many_records_need_a_longer_header() {
    for (count, header) in [(23, "97"), (24, "9818"), (255, "98ff"), (256, "990100")] {
        let records: Vec<_> = (0..count)
            .map(|id| Record::new(path("/3/0").child(id).unwrap(), Value::Integer(0)))
            .collect();
        let bytes = encode(CBOR, "/3/0", &records).unwrap();
        assert!(bytes.starts_with(&hex(header)), "{count}");
        assert_eq!(decode(CBOR, "/3/0", &bytes, &Untyped).unwrap(), records);
    }
}

#[test]
fn not_a_number_has_one_form() {
    for nan in [
        "f97e00",
        "f97e01",
        "fa7fc00000",
        "fb7ff8000000000000",
        "fbfff8000000000001",
    ] {
        let bytes = with_value(nan);
        let records = decode(CBOR, "/1", &bytes, &Untyped).unwrap();
        let number = records[0].value.as_f64();
        assert!(number.is_some_and(f64::is_nan), "{nan}");
        let encoded = encode(CBOR, "/", &records).unwrap();
        assert!(encoded.ends_with(&hex("02 f97e00")), "{nan}");
    }
}

#[test]
fn the_root_comes_first() {
    let records = [
        record("/3/0/9", Value::Integer(1)),
        record("/", Value::None),
    ];
    assert_eq!(encode(CBOR, "/", &records), Err(EncodeError::OutOfOrder));
}

#[test]
fn a_patch_pack_takes_away() {
    // RFC 8790 §3.2, with a path that LwM2M has.
    let json = br#"[{"bn":"/3311/0/","n":"5850/0","v":null},{"n":"5851","v":3}]"#;
    let cbor = hex("82 a3 21 68 2f333331312f302f 00 66 353835302f30 02 f6 a2 00 64 35383531 02 03");
    let records = [
        record("/3311/0/5850/0", Value::None),
        record("/3311/0/5851", Value::Integer(3)),
    ];
    for (etch, plain, bytes) in [
        (
            ContentFormat::SENML_ETCH_JSON,
            ContentFormat::SENML_JSON,
            &json[..],
        ),
        (ContentFormat::SENML_ETCH_CBOR, CBOR, &cbor),
    ] {
        assert_eq!(decode(etch, "/", bytes, &Untyped).unwrap(), records);
        assert_eq!(
            fault(plain, "/", bytes, &Untyped),
            Some(DecodeErrorKind::Type)
        );
        let mut buffer = [0; 128];
        let mut encoder = crate::Encoder::new(etch, path("/3311/0"), &mut buffer).removes();
        records
            .iter()
            .try_for_each(|record| encoder.push(record))
            .unwrap();
        let length = encoder.finish().unwrap();
        assert_eq!(&buffer[..length], bytes);
    }
}

#[test]
fn a_create_may_leave_the_choice_of_the_instance() {
    let json = br#"[{"bn":"/2/65535/","n":"0","v":5},{"n":"2/102","v":0}]"#;
    assert_eq!(
        fault(ContentFormat::SENML_JSON, "/2", json, &Untyped),
        Some(DecodeErrorKind::MissingInstance)
    );
    assert_eq!(
        decode(ContentFormat::SENML_JSON, "/2/7", json, &Untyped).unwrap(),
        [
            record("/2/7/0", Value::Integer(5)),
            record("/2/7/2/102", Value::Integer(0))
        ]
    );
    assert_eq!(
        fault(ContentFormat::SENML_JSON, "/3", json, &Untyped),
        Some(DecodeErrorKind::Name(PathErrorKind::TooLarge))
    );
}

mod bases;
mod json;
