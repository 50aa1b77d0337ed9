extern crate std;

use std::vec::Vec;

use dunlin_model::{Path, Value, objects};
use dunlin_testkit::{hex, shared};

use super::*;
use crate::tests::{Table, decode, encode, fault, is, kind, path, record};
use crate::writer::Writer;
use crate::{ContentFormat, DecodeErrorKind, EncodeError, Record, Untyped};

const TLV: ContentFormat = ContentFormat::TLV;

#[test]
fn examples_of_the_specification() {
    let Some(file) = shared("vectors/tlv-oma.json") else {
        return;
    };
    let mut seen = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        let bytes = hex(vector["hex"].as_str().unwrap());
        if vector["malformed"] == true {
            assert!(decode(TLV, "/1", &bytes, &Untyped).is_err(), "{id}");
            continue;
        }
        let (Some(base), Some(nodes)) =
            (vector["request_path"].as_str(), vector["nodes"].as_array())
        else {
            continue;
        };
        let types = Table(
            nodes
                .iter()
                .map(|node| {
                    (
                        path(node["path"].as_str().unwrap()),
                        kind(node["type"].as_str().unwrap()),
                    )
                })
                .collect::<Vec<_>>(),
        );
        // The type of a multiple resource is asked for once, at the resource.
        let types = Table(
            types
                .0
                .into_iter()
                .map(|(node, kind)| (node.truncate(dunlin_model::Level::Resource), kind))
                .collect(),
        );
        let records =
            decode(TLV, base, &bytes, &types).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(records.len(), nodes.len(), "{id}");
        for (record, node) in records.iter().zip(nodes) {
            assert_eq!(record.path, path(node["path"].as_str().unwrap()), "{id}");
            assert!(
                is(
                    &record.value,
                    kind(node["type"].as_str().unwrap()),
                    &node["value"]
                ),
                "{id}: {record:?}"
            );
        }
        assert_eq!(encode(TLV, base, &records).unwrap(), bytes, "{id}");
        if let Some(printed) = vector["printed_hex"].as_str() {
            assert!(
                decode(TLV, base, &hex(printed), &types).is_err(),
                "{id} as printed"
            );
        }
        seen += 1;
    }
    assert!(seen >= 10, "only {seen} examples");
}

#[test]
fn object_instances_of_wakaama() {
    let Some(file) = shared("vectors/tlv-oma.json") else {
        return;
    };
    let find = |id: &str| {
        let vectors = file["vectors"].as_array().unwrap();
        hex(
            vectors.iter().find(|vector| vector["id"] == id).unwrap()["hex"]
                .as_str()
                .unwrap(),
        )
    };
    let bytes = find("wakaama-oi");
    let records = decode(TLV, "/31", &bytes, &Untyped).unwrap();
    assert_eq!(
        records,
        [
            record("/31/10/1", Value::Opaque(&[0x14])),
            record("/31/11/1", Value::Opaque(&[0x15])),
            record("/31/12/1", Value::Opaque(&[0x16])),
        ]
    );
    let bytes = find("wakaama-dev");
    let records = decode(TLV, "/3/0", &bytes, &objects::CORE).unwrap();
    assert_eq!(records.last(), Some(&record("/3/0/15", Value::String("U"))));
}

#[test]
fn headers_of_every_shape() {
    let Some(file) = shared("vectors/tlv-oma.json") else {
        return;
    };
    for shape in file["header_shapes"].as_array().unwrap() {
        let kind = match shape["kind"].as_str().unwrap() {
            "oi" => Kind::ObjectInstance,
            "ri" => Kind::ResourceInstance,
            "mr" => Kind::MultipleResource,
            _ => Kind::Resource,
        };
        let id = u16::try_from(shape["id"].as_u64().unwrap()).unwrap();
        let length = usize::try_from(shape["length"].as_u64().unwrap()).unwrap();
        let expected = hex(shape["header_hex"].as_str().unwrap());
        let header = encode::header(kind, id, length).unwrap();
        assert_eq!(header.to_bytes()[..header.len_bytes()], expected, "{shape}");
        let mut buffer = [0; 8];
        let mut writer = Writer::new(&mut buffer);
        encode::put_header_by_parts(&mut writer, kind, id, length).unwrap();
        assert_eq!(writer.into_written(), Ok(expected.as_slice()), "{shape}");

        let mut bytes = expected;
        bytes.resize(bytes.len() + length, 0x55);
        bytes.push(0xff);
        let (tlv, content, rest) = decode::read(&bytes).unwrap();
        assert_eq!(
            (tlv.kind, tlv.id, tlv.value.len(), content.len(), rest),
            (kind, id, length, length + 1, &[0xff][..]),
            "{shape}"
        );
        bytes.truncate(bytes.len() - 2);
        if length > 0 {
            assert!(decode::read(&bytes).is_none());
        }
    }
    assert!(encode::header(Kind::Resource, 0, 0xff_ffff).is_ok());
    assert_eq!(
        encode::header(Kind::Resource, 0, 0x100_0000).err(),
        Some(EncodeError::NotRepresentable)
    );
    let mut writer = Writer::new(&mut []);
    assert_eq!(
        encode::put_header_by_parts(&mut writer, Kind::Resource, 0, 0x100_0000),
        Err(EncodeError::NotRepresentable)
    );
}

fn header_of(id: u16, length: usize) -> Vec<u8> {
    let header = encode::header(Kind::Resource, id, length).unwrap();
    header.to_bytes()[..header.len_bytes()].into()
}

#[test]
fn values_of_every_type() {
    let Some(file) = shared("vectors/tlv-oma.json") else {
        return;
    };
    for vector in file["values"].as_array().unwrap() {
        let kind = kind(vector["type"].as_str().unwrap());
        let value = hex(vector["hex"].as_str().unwrap());
        let bytes = [header_of(7, value.len()).as_slice(), &value].concat();
        let types = Table([(path("/9/0/7"), kind)].to_vec());
        let records = decode(TLV, "/9/0", &bytes, &types).unwrap();
        assert!(
            matches!(&records[..], [record] if is(&record.value, kind, &vector["value"])),
            "{vector}"
        );
        assert_eq!(encode(TLV, "/9/0", &records).unwrap(), bytes, "{vector}");
    }
}

#[test]
fn the_request_decides_about_wrappers() {
    let value = Value::Integer(100);
    let level = [record("/3/0/9", value)];
    for (base, bytes) in [
        ("/3", "03 00 c10964"),
        ("/3/0", "c10964"),
        ("/3/0/9", "c10964"),
    ] {
        assert_eq!(
            decode(TLV, base, &hex(bytes), &objects::CORE).unwrap(),
            level,
            "{base}"
        );
        assert_eq!(encode(TLV, base, &level).unwrap(), hex(bytes), "{base}");
    }
    // An instance may come in its wrapper.
    assert_eq!(
        decode(TLV, "/3/0", &hex("03 00 c10964"), &objects::CORE).unwrap(),
        level
    );

    let array = [record("/3/0/6/1", Value::Integer(5))];
    for (base, bytes) in [
        ("/3/0", "83 06 410105"),
        ("/3/0/6", "83 06 410105"),
        ("/3/0/6/1", "410105"),
    ] {
        assert_eq!(
            decode(TLV, base, &hex(bytes), &objects::CORE).unwrap(),
            array,
            "{base}"
        );
        assert_eq!(encode(TLV, base, &array).unwrap(), hex(bytes), "{base}");
    }
    // A resource instance may come in its array.
    assert_eq!(
        decode(TLV, "/3/0/6/1", &hex("83 06 410105"), &objects::CORE).unwrap(),
        array
    );
}

#[test]
fn what_lies_outside_the_request_is_refused() {
    use DecodeErrorKind::*;
    for (base, bytes, kind) in [
        ("/", "", Base),
        ("/3", "c10964", MissingInstance),
        ("/3", "83 06 410105", MissingInstance),
        ("/3", "410105", Nesting),
        ("/3/0", "03 01 c10964", Outside),
        ("/3/0", "410105", Nesting),
        ("/3/0", "05 00 03 00 c10964", Nesting),
        ("/3/0", "02 00 00 00", Nesting),
        ("/3/0", "88 06 05 83 06 410105", Nesting),
        ("/3/0", "83 06 c10105", Nesting),
        ("/3/0/9", "03 00 c10964", Nesting),
        ("/3/0/9", "c10a64", Outside),
        ("/3/0/6", "410105", Nesting),
        ("/3/0/6/1", "410005", Outside),
        ("/3/0/6/1", "83 07 410105", Outside),
        ("/3/0/6/1", "85 06 83 06 410105", Nesting),
        ("/3/0/6/1", "c10105", Nesting),
        ("/3/0", "e1 ffff 64", Identifier),
    ] {
        assert_eq!(
            fault(TLV, base, &hex(bytes), &objects::CORE),
            Some(kind),
            "{base} {bytes}"
        );
    }
}

#[test]
fn values_must_fit_their_type() {
    use DecodeErrorKind::*;
    for (bytes, kind) in [
        ("c009", Length),
        ("c309000001", Length),
        ("c8090900000000000000000a", Length),
        ("c101ff", Utf8),
        ("c0 0d", Length),
    ] {
        assert_eq!(
            fault(TLV, "/3/0", &hex(bytes), &objects::CORE),
            Some(kind),
            "{bytes}"
        );
    }
    assert_eq!(
        fault(TLV, "/1/0", &hex("c10602"), &objects::CORE),
        Some(Type)
    );
    assert_eq!(
        fault(TLV, "/1/0", &hex("c2060001"), &objects::CORE),
        Some(Length)
    );
    assert_eq!(
        fault(TLV, "/1/0", &hex("c30a010203"), &objects::CORE),
        Some(Length)
    );
    assert_eq!(
        fault(TLV, "/3303/0", &hex("e316440000 00"), &objects::CORE),
        Some(Length)
    );
}

#[test]
fn every_cut_is_noticed() {
    let records = [
        record("/3/0/0", Value::String("a manufacturer")),
        record("/3/0/7/0", Value::Integer(3800)),
        record("/3/0/7/1", Value::Integer(5000)),
        record("/3/0/13", Value::Time(1_367_491_215)),
    ];
    let whole = encode(TLV, "/3", &records).unwrap();
    for cut in 1..whole.len() {
        let error = decode(TLV, "/3", &whole[..cut], &objects::CORE).unwrap_err();
        assert_eq!(
            (error.kind, error.offset),
            (DecodeErrorKind::End, 0),
            "{cut}"
        );
    }
}

#[test]
fn errors_tell_their_offset() {
    let bytes = hex("03 00 c10964 09 01 07 c1096483060207");
    let error = decode(TLV, "/3", &bytes[..], &objects::CORE).unwrap_err();
    assert_eq!((error.kind, error.offset), (DecodeErrorKind::End, 11));
    let bytes = hex("08 01 0a c10964 85 06 c1 00 64 41 01");
    let error = decode(TLV, "/3", &bytes[..], &objects::CORE).unwrap_err();
    assert_eq!((error.kind, error.offset), (DecodeErrorKind::Nesting, 8));
}

#[test]
fn lengths_may_be_longer_than_needed() {
    for bytes in [
        "c80901 64",
        "d0090001 64",
        "d809000001 64",
        "e1000964",
        "f8000900000164",
        "cf0901 64",
    ] {
        let records = [record("/3/0/9", Value::Integer(100))];
        assert_eq!(
            decode(TLV, "/3/0", &hex(bytes), &objects::CORE).unwrap(),
            records,
            "{bytes}"
        );
    }
}

#[test]
fn nothing_is_said_too() {
    assert_eq!(decode(TLV, "/3303", b"", &objects::CORE).unwrap(), []);
    assert_eq!(encode(TLV, "/3303", &[]).unwrap(), b"");

    let instance = [record("/3303/5", Value::None)];
    assert_eq!(
        decode(TLV, "/3303", &hex("0005"), &objects::CORE).unwrap(),
        instance
    );
    assert_eq!(encode(TLV, "/3303", &instance).unwrap(), hex("0005"));
    assert_eq!(encode(TLV, "/3303/5", &instance).unwrap(), hex("0005"));
    assert_eq!(
        decode(TLV, "/3303/5", &hex("0005"), &objects::CORE).unwrap(),
        instance
    );

    let array = [record("/3/0/6", Value::None)];
    assert_eq!(
        decode(TLV, "/3/0", &hex("8006"), &objects::CORE).unwrap(),
        array
    );
    assert_eq!(encode(TLV, "/3/0", &array).unwrap(), hex("8006"));
    // The array is there and the instance is not.
    assert_eq!(
        decode(TLV, "/3/0/6/1", &hex("8006"), &objects::CORE).unwrap(),
        []
    );
}

#[test]
fn records_come_in_order() {
    let one = Value::Integer(1);
    for (first, second) in [
        ("/3/0/9", "/3/0/8"),
        ("/3/0/9", "/3/0/9"),
        ("/3/1/0", "/3/0/9"),
        ("/3/0/6", "/3/0/6/0"),
        ("/3/0/6/1", "/3/0/6/1"),
        ("/3/0/6/1", "/3/0/6"),
    ] {
        let records = [record(first, one), record(second, one)];
        assert_eq!(
            encode(TLV, "/3", &records),
            Err(EncodeError::OutOfOrder),
            "{first} {second}"
        );
    }
    assert_eq!(
        encode(TLV, "/3", &[record("/3/0", one)]),
        Err(EncodeError::NotRepresentable)
    );
    assert_eq!(
        encode(TLV, "/3", &[record("/3", Value::None)]),
        Err(EncodeError::NotRepresentable)
    );
    assert_eq!(
        encode(TLV, "/3", &[record("/3/0/6/0", Value::None)]),
        Err(EncodeError::NotRepresentable)
    );
    assert_eq!(encode(TLV, "/", &[]), Err(EncodeError::NotRepresentable));
    // An instance that is named first, then filled.
    let records = [record("/3/0", Value::None), record("/3/0/9", one)];
    assert_eq!(encode(TLV, "/3", &records).unwrap(), hex("03 00 c10901"));
}

#[test]
fn containers_of_every_length() {
    for length in [
        0, 1, 4, 5, 7, 8, 200, 250, 255, 256, 300, 65_000, 65_530, 65_536, 70_000,
    ] {
        let bytes = std::vec![0x5a; length];
        let records: Vec<Record<'_>> = [
            record("/500/300/400/0", Value::Opaque(&bytes)),
            record("/500/300/400/1", Value::Opaque(b"")),
            record("/500/300/401", Value::Opaque(b"x")),
            record("/500/301/0", Value::Opaque(b"y")),
        ]
        .to_vec();
        let encoded = encode(TLV, "/500", &records).unwrap();
        assert_eq!(
            decode(TLV, "/500", &encoded, &Untyped).unwrap(),
            records,
            "{length}"
        );
    }
}

#[test]
fn floats_take_four_bytes_when_exact() {
    for (number, length) in [
        (22.5, 4),
        (-0.0, 4),
        (f64::from(f32::MAX), 4),
        (f64::INFINITY, 4),
        (0.1, 8),
        (1e300, 8),
    ] {
        let records = [record("/3303/0/5700", Value::Float(number))];
        let bytes = encode(TLV, "/3303/0", &records).unwrap();
        assert_eq!(
            bytes.len(),
            length + if length > 7 { 4 } else { 3 },
            "{number}"
        );
        let back = decode(TLV, "/3303/0", &bytes, &objects::CORE).unwrap();
        assert!(matches!(back[0].value.as_f64(), Some(back) if back.to_bits() == number.to_bits()));
        assert_eq!(matches!(back[0].value, Value::Single(_)), length == 4);
    }
}

#[test]
fn base_of_every_level_is_a_path() {
    // The decoder never goes up past the object.
    for base in [
        Path::object(dunlin_model::ObjectId::of::<3>()),
        path("/3/0"),
        path("/3/0/1"),
        path("/3/0/1/2"),
    ] {
        assert!(Decoder::new(base, b"", &Untyped).is_ok());
    }
}
