extern crate std;

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use dunlin_model::Value;
use proptest::prelude::*;

use super::*;
use crate::writer::Writer;

fn encoded(value: &Value<'_>) -> Vec<u8> {
    let mut buffer = vec![0; 1024];
    let mut writer = Writer::new(&mut buffer);
    put_value(&mut writer, value).unwrap();
    writer.into_written().unwrap().into()
}

proptest! {
    #[test]
    fn numbers_are_those_of_ciborium(number in any::<i64>(), shift in 0..64_u32, bits in any::<u64>()) {
        for (ours, theirs) in [
            (Value::Integer(number >> shift), ciborium::Value::Integer((number >> shift).into())),
            (Value::Unsigned(bits >> shift), ciborium::Value::Integer((bits >> shift).into())),
            (Value::Float(f64::from_bits(bits)), ciborium::Value::Float(f64::from_bits(bits))),
        ] {
            let bytes = encoded(&ours);
            let mut expected = Vec::new();
            ciborium::into_writer(&theirs, &mut expected).unwrap();
            if ours.as_f64().is_some_and(f64::is_nan) {
                prop_assert_eq!(&bytes[..], b"\xf9\x7e\0");
                continue;
            }
            prop_assert_eq!(&bytes, &expected);
            let mut reader = Reader::new(&bytes);
            let value = reader.value().unwrap();
            prop_assert!(reader.is_empty());
            prop_assert_eq!(value.convert(ours.kind()), Some(ours));
        }
    }

    #[test]
    fn what_is_read_is_what_ciborium_reads(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
        let mut reader = Reader::new(&bytes);
        let Ok(value) = reader.value() else {
            return Ok(());
        };
        let read = &bytes[..reader.offset()];
        let theirs: ciborium::Value = ciborium::from_reader(read).unwrap();
        // Tags become types here.
        let theirs = match theirs {
            ciborium::Value::Tag(1, inner) => *inner,
            ciborium::Value::Tag(..) => return Ok(()),
            theirs => theirs,
        };
        let same = match value {
            Value::None => theirs.is_null(),
            Value::Integer(number) | Value::Time(number) => theirs.as_integer() == Some(number.into()),
            Value::Unsigned(number) => theirs.as_integer() == Some(number.into()),
            Value::Single(number) => theirs.as_float().is_some_and(|theirs| {
                theirs.to_bits() == f64::from(number).to_bits() || theirs.is_nan() && number.is_nan()
            }),
            Value::Float(number) => theirs.as_float().is_some_and(|theirs| {
                theirs.to_bits() == number.to_bits() || theirs.is_nan() && number.is_nan()
            }),
            Value::Boolean(truth) => theirs.as_bool() == Some(truth),
            Value::String(text) => theirs.as_text() == Some(text),
            Value::Opaque(bytes) => theirs.as_bytes().map(Vec::as_slice) == Some(bytes),
            other => panic!("{other:?}"),
        };
        prop_assert!(same, "{}", format!("{value:?} {theirs:?}"));
    }

    /// An older second opinion, both on what is written and on what is read.
    #[test]
    fn what_is_written_and_read_is_what_serde_cbor_reads(
        number in any::<i64>(),
        shift in 0..64_u32,
        bits in any::<u64>(),
        text in any::<String>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..12),
    ) {
        for value in [
            Value::Integer(number >> shift),
            Value::Unsigned(bits >> shift),
            Value::Float(f64::from_bits(bits)),
            Value::Boolean(number > 0),
            Value::String(&text),
            Value::Opaque(text.as_bytes()),
            Value::None,
        ] {
            let bytes = encoded(&value);
            prop_assert!(is_read_by_serde_cbor(&value, &bytes), "{}", format!("{value:?} {bytes:02x?}"));
        }
        let mut reader = Reader::new(&bytes);
        if let Ok(value) = reader.value() {
            let read = &bytes[..reader.offset()];
            // A time, which others do not tell from a number, and a decimal fraction, which they do not compute.
            if !matches!(read, [0xc0..=0xdb, ..]) {
                prop_assert!(is_read_by_serde_cbor(&value, read), "{}", format!("{value:?} {read:02x?}"));
            }
        }
    }
}

fn is_read_by_serde_cbor(value: &Value<'_>, bytes: &[u8]) -> bool {
    use serde_cbor::Value as Theirs;
    match (value, serde_cbor::from_slice(bytes).unwrap()) {
        (Value::None, Theirs::Null) => true,
        (Value::Integer(number), Theirs::Integer(theirs)) => theirs == i128::from(*number),
        (Value::Unsigned(number), Theirs::Integer(theirs)) => theirs == i128::from(*number),
        (Value::Float(number), Theirs::Float(theirs)) => {
            theirs.to_bits() == number.to_bits() || theirs.is_nan() && number.is_nan()
        }
        (Value::Single(number), Theirs::Float(theirs)) => {
            theirs.to_bits() == f64::from(*number).to_bits() || theirs.is_nan() && number.is_nan()
        }
        (Value::Boolean(truth), Theirs::Bool(theirs)) => theirs == *truth,
        (Value::String(text), Theirs::Text(theirs)) => theirs == *text,
        (Value::Opaque(bytes), Theirs::Bytes(theirs)) => theirs == *bytes,
        _ => false,
    }
}

#[test]
fn heads_are_well_formed() {
    use crate::DecodeErrorKind::{End, Malformed, Type, Unsupported, Utf8};
    for (bytes, kind) in [
        (&b""[..], End),
        (b"\x18", End),
        (b"\x1b\0\0\0", End),
        (b"\x62a", End),
        (b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff", End),
        (b"\x1c", Malformed),
        (b"\x1f", Malformed),
        (b"\x3f", Malformed),
        (b"\xdf", Malformed),
        (b"\xf8\x10", Malformed),
        (b"\xff", Type),
        (b"\x80", Type),
        (b"\xa0", Type),
        (b"\xe0", Type),
        (b"\xf7", Type),
        (b"\xf8\xff", Type),
        (b"\x7f\x61a\xff", Unsupported),
        (b"\x5f\x41a\xff", Unsupported),
        (b"\xc0\x61a", Unsupported),
        (b"\x3b\x80\0\0\0\0\0\0\0", Unsupported),
        (b"\x61\xff", Utf8),
    ] {
        assert_eq!(Reader::new(bytes).value(), Err(kind), "{bytes:02x?}");
    }
}
