extern crate std;

use std::string::String;
use std::vec;

use dunlin_model::{ObjectLink, Value, ValueType, objects};
use dunlin_testkit::shared;

use crate::tests::{Table, encode, is, kind, path, record};
use crate::{ContentFormat, DecodeErrorKind, Decoder, EncodeError, Types, Untyped};

/// Decodes `text` as a value of the type `kind` and hands it to `check`.
fn with<R>(
    text: &[u8],
    kind: ValueType,
    check: impl FnOnce(Result<Value<'_>, DecodeErrorKind>) -> R,
) -> R {
    let types = Table(vec![(path("/9/0/7"), kind)]);
    let mut scratch = [0; 64];
    match Decoder::new(
        ContentFormat::TEXT,
        path("/9/0/7"),
        text,
        &types,
        &mut scratch,
    ) {
        Err(error) => check(Err(error.kind)),
        Ok(mut decoder) => {
            let value = decoder.next().unwrap().unwrap().value;
            assert!(decoder.next().is_none());
            check(Ok(value))
        }
    }
}

fn refusal(text: &[u8], kind: ValueType) -> Option<DecodeErrorKind> {
    let mut refusal = None;
    with(text, kind, |value| refusal = value.err());
    refusal
}

#[test]
fn examples_of_the_specification() {
    let Some(file) = shared("vectors/linkformat-oma.json") else {
        return;
    };
    for vector in file["plain_text"].as_array().unwrap() {
        let (kind, text) = (
            kind(vector["type"].as_str().unwrap()),
            vector["text"].as_str().unwrap(),
        );
        with(text.as_bytes(), kind, |value| {
            let value = value.unwrap();
            assert!(is(&value, kind, &vector["value"]), "{text}");
            let encoded =
                encode(ContentFormat::TEXT, "/9/0/7", &[record("/9/0/7", value)]).unwrap();
            assert_eq!(String::from_utf8(encoded).unwrap(), text);
        });
    }
}

#[test]
fn numbers_are_read_strictly() {
    use ValueType::{Boolean, Float, Integer, Objlnk, Time, Unsigned};
    for (kind, text) in [
        (Integer, ""),
        (Integer, "-"),
        (Integer, "+1"),
        (Integer, " 1"),
        (Integer, "1.0"),
        (Integer, "9223372036854775808"),
        (Unsigned, "-1"),
        (Unsigned, "+1"),
        (Unsigned, "18446744073709551616"),
        (Float, ""),
        (Float, "."),
        (Float, ".5"),
        (Float, "5."),
        (Float, "+5"),
        (Float, "1e"),
        (Float, "1e+-5"),
        (Float, "1e999"),
        (Float, "inf"),
        (Float, "NaN"),
        (Float, "1,5"),
        (Float, "--1"),
        (Boolean, "true"),
        (Boolean, "2"),
        (Boolean, ""),
        (Time, "now"),
        (Objlnk, "1"),
    ] {
        assert_eq!(
            refusal(text.as_bytes(), kind),
            Some(DecodeErrorKind::Type),
            "{kind} {text:?}"
        );
    }
    for (text, number) in [
        ("1", 1.0),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        ("1.5E-3", 0.0015),
        ("2e+2", 200.0),
    ] {
        with(text.as_bytes(), Float, |value| {
            assert_eq!(value, Ok(Value::Float(number)), "{text}");
        });
    }
    with(b"66:0", Objlnk, |value| {
        assert_eq!(value, Ok(Value::Objlnk(ObjectLink::new(66, 0))));
    });
}

#[test]
fn floats_print_the_shortest_digits() {
    for (number, text) in [
        (22.5, "22.5"),
        (0.1, "0.1"),
        (-0.000_000_1, "-0.0000001"),
        (1e21, "1000000000000000000000"),
        (100.0, "100"),
    ] {
        let encoded = encode(
            ContentFormat::TEXT,
            "/9/0/7",
            &[record("/9/0/7", Value::Float(number))],
        );
        assert_eq!(String::from_utf8(encoded.unwrap()).unwrap(), text);
    }
    for number in [f64::NAN, f64::INFINITY] {
        let encoded = encode(
            ContentFormat::TEXT,
            "/9/0/7",
            &[record("/9/0/7", Value::Float(number))],
        );
        assert_eq!(encoded, Err(EncodeError::NotRepresentable));
    }
}

#[test]
fn base64_has_padding() {
    for (text, error) in [
        (&b"AQIDBAU"[..], DecodeErrorKind::Base64),
        (b"AQIDBAV=", DecodeErrorKind::Base64),
        (b"AQ-_", DecodeErrorKind::Base64),
        (b"AQID\n", DecodeErrorKind::Base64),
        (b"=", DecodeErrorKind::Base64),
    ] {
        assert_eq!(refusal(text, ValueType::Opaque), Some(error), "{text:?}");
    }
    with(b"", ValueType::Opaque, |value| {
        assert_eq!(value, Ok(Value::Opaque(b"")));
    });
    with(b"AQID", ValueType::Opaque, |value| {
        assert_eq!(value, Ok(Value::Opaque(&[1, 2, 3])));
    });
    let long = [b'A'; 88];
    assert_eq!(
        refusal(&long, ValueType::Opaque),
        Some(DecodeErrorKind::NoSpace)
    );
}

#[test]
fn one_value_has_one_node() {
    let refused = |base: &str, types: &dyn Types| {
        [ContentFormat::TEXT, ContentFormat::OPAQUE].map(|format| {
            Decoder::new(format, path(base), b"", types, &mut [])
                .err()
                .map(|error| error.kind)
        })
    };
    for base in ["/", "/3", "/3/0", "/3/0/6"] {
        assert_eq!(
            refused(base, &objects::CORE),
            [Some(DecodeErrorKind::Base); 2],
            "{base}"
        );
    }
    assert_eq!(refused("/3/0/6", &Untyped), [None; 2]);
    for format in [ContentFormat::TEXT, ContentFormat::OPAQUE] {
        assert_eq!(
            encode(format, "/3/0", &[]),
            Err(EncodeError::NotRepresentable)
        );
        assert_eq!(encode(format, "/3/0/9", &[]), Err(EncodeError::Empty));
        let records = [
            record("/3/0/6/0", Value::Opaque(b"")),
            record("/3/0/6/1", Value::Opaque(b"")),
        ];
        assert_eq!(
            encode(format, "/3/0/6", &records),
            Err(EncodeError::NotRepresentable)
        );
        let twice = [records[0], records[0]];
        assert_eq!(
            encode(format, "/3/0/6/0", &twice),
            Err(EncodeError::NotRepresentable)
        );
        assert_eq!(
            encode(format, "/3/0/9", &[record("/3/0/9", Value::None)]),
            Err(EncodeError::NotRepresentable)
        );
    }
}

#[test]
fn opaque_is_for_opaque() {
    let decode = |base: &str| {
        let decoder = Decoder::new(
            ContentFormat::OPAQUE,
            path(base),
            &[0xff, 0],
            objects::CORE,
            &mut [],
        );
        decoder
            .map(|mut decoder| decoder.next().unwrap().unwrap().value == Value::Opaque(&[0xff, 0]))
    };
    assert_eq!(decode("/0/0/5"), Ok(true));
    assert_eq!(decode("/5/0/0"), Ok(true));
    assert_eq!(
        decode("/3/0/0").map_err(|error| error.kind),
        Err(DecodeErrorKind::Type)
    );
    let bytes = [record("/0/0/5", Value::Opaque(&[0xff, 0]))];
    assert_eq!(
        encode(ContentFormat::OPAQUE, "/0/0/5", &bytes).unwrap(),
        [0xff, 0]
    );
    let text = [record("/0/0/5", Value::String("a"))];
    assert_eq!(
        encode(ContentFormat::OPAQUE, "/0/0/5", &text),
        Err(EncodeError::NotRepresentable)
    );
}

#[test]
fn text_of_an_unknown_resource_is_a_string() {
    let mut decoder = Decoder::new(
        ContentFormat::TEXT,
        path("/9/0/7"),
        b"12",
        &Untyped,
        &mut [],
    )
    .unwrap();
    assert_eq!(
        decoder.next(),
        Some(Ok(record("/9/0/7", Value::String("12"))))
    );
    let error = Decoder::new(
        ContentFormat::TEXT,
        path("/9/0/7"),
        &[0xff],
        &Untyped,
        &mut [],
    )
    .unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::Utf8);
}
