extern crate std;

use std::string::String;
use std::vec;
use std::vec::Vec;

use dunlin_model::Value;
use proptest::prelude::*;

use super::*;

fn printed(text: &str) -> String {
    let mut buffer = vec![0; 6 * text.len() + 2];
    let mut writer = Writer::new(&mut buffer);
    writer.put(b"\"").unwrap();
    put_text(&mut writer, text).unwrap();
    writer.put(b"\"").unwrap();
    String::from_utf8(writer.into_written().unwrap().into()).unwrap()
}

fn read(json: &[u8]) -> Fallible<Vec<u8>> {
    let mut reader = Reader::new(json);
    let text = reader.text()?;
    if !reader.is_at_end() {
        return Err(DecodeErrorKind::Trailing);
    }
    let mut buffer = vec![0; json.len()];
    let mut writer = Writer::new(&mut buffer);
    unescape(text.bytes, &mut writer)?;
    Ok(writer.into_written().unwrap().into())
}

proptest! {
    #[test]
    fn texts_are_those_of_serde_json(text in any::<String>()) {
        let json = printed(&text);
        prop_assert_eq!(&json, &serde_json::to_string(&text).unwrap());
        prop_assert_eq!(read(json.as_bytes()).unwrap(), text.as_bytes());
    }

    #[test]
    fn strings_are_read_as_serde_json_does(inside in "([a-z\u{e9}\"\u{1}]|\\\\[nrtbfu/\"\\\\x]|\\\\u(00[4-7][0-9]|[dD][89abAB]00|[dD][cdCD]00|12|zzzz)){0,6}") {
        let json = ["\"", &inside, "\""].concat();
        let ours = read(json.as_bytes());
        match serde_json::from_str::<String>(&json) {
            Ok(theirs) => prop_assert_eq!(ours.unwrap(), theirs.into_bytes()),
            Err(_) => prop_assert!(ours.is_err(), "{}", json),
        }
    }

    #[test]
    fn numbers_are_read_as_serde_json_does(text in "-?(0|[0-9]{1,22})(\\.[0-9]{0,20})?([eE][-+]?[0-9]{0,3})?") {
        let mut reader = Reader::new(text.as_bytes());
        let ours = reader.number();
        let whole = reader.is_at_end();
        match serde_json::from_str::<serde_json::Value>(&text) {
            Err(_) => prop_assert!(ours.is_err() || !whole, "{}", text),
            Ok(theirs) => match ours.unwrap() {
                Value::Integer(number) => prop_assert_eq!(theirs.as_i64(), Some(number)),
                Value::Unsigned(number) => prop_assert_eq!(theirs.as_u64(), Some(number)),
                // Rounded to the nearest, which `serde_json` does only with a feature.
                Value::Float(number) => prop_assert_eq!(number.to_bits(), text.parse::<f64>().unwrap().to_bits()),
                other => panic!("{other:?}"),
            },
        }
    }
}

#[test]
fn what_is_no_json() {
    use DecodeErrorKind::{End, Malformed, Type, Utf8};
    for (json, kind) in [
        (&b""[..], End),
        (b"  ", End),
        (b"\"", End),
        (b"\"\\", End),
        (b"\"\\\"", End),
        (b"\"\x01\"", Malformed),
        (b"\"\\u123\"", Malformed),
        (b"\"\\x\"", Malformed),
        (b"\"\\ud800\"", Utf8),
        (b"\"\\udc00\"", Utf8),
        (b"\"\\ud800\\u0041\"", Utf8),
        (b"'a'", Malformed),
        (b"1", Type),
    ] {
        assert_eq!(read(json), Err(kind), "{json:?}");
    }
    for (json, kind) in [
        (&b""[..], End),
        (b"-", End),
        (b"1.", End),
        (b"1e", End),
        (b"1e-", End),
        (b"01", Malformed),
        (b"-01", Malformed),
        (b"+1", Malformed),
        (b".5", Malformed),
        (b"1.e5", Malformed),
        (b"1e999", Malformed),
        (b"NaN", Malformed),
        (b"\"1\"", Type),
        (b"true", Type),
    ] {
        assert_eq!(Reader::new(json).number(), Err(kind), "{json:?}");
    }
    assert_eq!(Reader::new(b"tru").truth(), Err(End));
    assert_eq!(Reader::new(b"trve").truth(), Err(Malformed));
    assert_eq!(Reader::new(b"nul").take_null(), Err(End));
}
