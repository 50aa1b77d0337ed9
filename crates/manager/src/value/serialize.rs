//! How values are written with `serde` and read again.

use core::fmt;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dunlin_model::Path;
use serde::de::{Deserializer, Error, IgnoredAny, Unexpected, Visitor};
use serde::ser::Serializer;

use super::{OwnedValue, Record};

/// Writes what prints as text as text.
pub(crate) fn as_text<T: fmt::Display, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(super) fn as_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64.encode(bytes))
}

pub(super) fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    struct Base64;

    impl Visitor<'_> for Base64 {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("base64 with padding")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
            // The text is not shown: it may be a key.
            BASE64.decode(text).map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Base64)
}

/// Reads what a float is called that no number of JSON names.
fn not_finite(name: &str) -> Option<f64> {
    match name {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn name_of(number: f64) -> Option<&'static str> {
    match number {
        _ if number.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
pub(super) fn as_float<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match name_of(*number) {
        Some(name) => serializer.serialize_str(name),
        None => serializer.serialize_f64(*number),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
pub(super) fn as_single<S: Serializer>(number: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    match name_of((*number).into()) {
        Some(name) => serializer.serialize_str(name),
        None => serializer.serialize_f32(*number),
    }
}

pub(super) fn from_float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    struct Float;

    impl Visitor<'_> for Float {
        type Value = f64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number, NaN, Infinity or -Infinity")
        }

        fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
            Ok(number)
        }

        #[expect(clippy::cast_precision_loss, reason = "a float is what is asked for")]
        fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
            Ok(number as f64)
        }

        #[expect(clippy::cast_precision_loss, reason = "a float is what is asked for")]
        fn visit_u64<E: Error>(self, number: u64) -> Result<f64, E> {
            Ok(number as f64)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
            not_finite(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
        }
    }

    deserializer.deserialize_any(Float)
}

/// A [`Record`], and whatever is beside its fields.
#[derive(serde::Deserialize)]
pub(super) struct Fields {
    path: Path,
    #[serde(flatten)]
    value: OwnedValue,
    time: Option<f64>,
    #[serde(flatten)]
    #[expect(clippy::zero_sized_map_values, reason = "only the names count")]
    others: BTreeMap<String, IgnoredAny>,
}

impl TryFrom<Fields> for Record {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        if let Some(other) = fields.others.keys().next() {
            return Err(format!(
                "unknown field {other:?}: a record has path, type, value and time"
            ));
        }
        Ok(Self {
            path: fields.path,
            value: fields.value,
            time: fields.time,
        })
    }
}

#[cfg(test)]
mod tests {
    use dunlin_model::ObjectLink;
    use proptest::prelude::*;

    use super::*;
    use crate::Records;

    fn value() -> impl Strategy<Value = OwnedValue> {
        prop_oneof![
            Just(OwnedValue::None),
            any::<String>().prop_map(OwnedValue::String),
            any::<i64>().prop_map(OwnedValue::Integer),
            any::<u64>().prop_map(OwnedValue::Unsigned),
            proptest::num::f64::NORMAL.prop_map(OwnedValue::Float),
            proptest::num::f32::NORMAL.prop_map(OwnedValue::Single),
            any::<bool>().prop_map(OwnedValue::Boolean),
            any::<Vec<u8>>().prop_map(OwnedValue::Opaque),
            any::<i64>().prop_map(OwnedValue::Time),
            any::<(u16, u16)>().prop_map(|(object, instance)| OwnedValue::Objlnk(ObjectLink::new(
                object, instance
            ))),
            any::<String>().prop_map(OwnedValue::Corelnk),
        ]
    }

    /// What a value comes back as: a number of 32 bits as the float that its digits say.
    fn written(value: OwnedValue) -> OwnedValue {
        match value {
            OwnedValue::Single(number) => {
                let digits = serde_json::to_string(&number).unwrap();
                assert_eq!(digits.parse(), Ok(number));
                OwnedValue::Float(digits.parse().unwrap())
            }
            value => value,
        }
    }

    fn path() -> impl Strategy<Value = Path> {
        proptest::collection::vec(0..u16::MAX, 0..=4)
            .prop_map(|numbers| Path::try_from(&numbers[..]).unwrap())
    }

    fn record() -> impl Strategy<Value = Record> {
        (path(), value(), proptest::option::of(-1e9..1e10)).prop_map(|(path, value, time)| Record {
            path,
            value,
            time,
        })
    }

    proptest! {
        #[test]
        fn values_come_back(value in value()) {
            let json = serde_json::to_string(&value).unwrap();
            let back: OwnedValue = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(back.kind(), value.kind());
            prop_assert_eq!(back, written(value));
        }

        #[test]
        fn records_come_back(records in proptest::collection::vec(record(), 0..4)) {
            let records = Records::from(records);
            let json = serde_json::to_string(&records).unwrap();
            let back: Records = serde_json::from_str(&json).unwrap();
            // By way of a tree, where fields have another order.
            let tree: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(&serde_json::from_value::<Records>(tree).unwrap(), &back);
            let written: Vec<_> = records
                .into_iter()
                .map(|record| Record { value: written(record.value), ..record })
                .collect();
            prop_assert_eq!(back.into_vec(), written);
        }
    }

    #[test]
    fn records_are_read_as_they_are_shown() {
        for json in [
            r#"{"path":"/3/0/9","type":"integer","value":99}"#,
            r#"{"path":"/3303/0/5700","type":"float","value":0.1,"time":1700000000.5}"#,
            r#"{"path":"/5/0/0","type":"opaque","value":"AAEC"}"#,
            r#"{"path":"/0/0/10","type":"objlnk","value":"66:0"}"#,
            r#"{"path":"/3303/0","type":"none"}"#,
            r#"{"path":"/3303/0/5700","type":"float","value":"NaN"}"#,
            r#"{"path":"/3303/0/5700","type":"float","value":"-Infinity"}"#,
        ] {
            let record: Record = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&record).unwrap(), json);
        }
        assert_eq!(
            serde_json::to_string(&OwnedValue::Single(f32::INFINITY)).unwrap(),
            r#"{"type":"float","value":"Infinity"}"#
        );
        // The value before its type, and a whole number for a float.
        let record: Record =
            serde_json::from_str(r#"{"value":21,"type":"float","path":"/3303/0/5700"}"#).unwrap();
        assert!(matches!(record.value, OwnedValue::Float(21.0)));
    }

    #[test]
    fn what_is_no_record_says_why() {
        for (json, why) in [
            (r#"{"type":"integer","value":1}"#, "missing field `path`"),
            (
                r#"{"path":"3","type":"none"}"#,
                "a path starts with a slash (at 0)",
            ),
            (r#"{"path":"/3","value":1}"#, "missing field `type`"),
            (r#"{"path":"/3","type":"integer"}"#, "missing field `value`"),
            (
                r#"{"path":"/3","type":"int","value":1}"#,
                "unknown variant `int`",
            ),
            (
                r#"{"path":"/3","type":"integer","value":1.5}"#,
                "floating point `1.5`, expected i64",
            ),
            (
                r#"{"path":"/3","type":"unsigned","value":-1}"#,
                "integer `-1`, expected u64",
            ),
            (
                r#"{"path":"/3","type":"float","value":null}"#,
                "expected a number, NaN",
            ),
            (
                r#"{"path":"/3","type":"opaque","value":"AA"}"#,
                "Invalid padding",
            ),
            (
                r#"{"path":"/3","type":"opaque","value":[0]}"#,
                "expected base64 with padding",
            ),
            (
                r#"{"path":"/3","type":"objlnk","value":"66"}"#,
                "object link",
            ),
            (
                r#"{"path":"/3","type":"none","unit":"s"}"#,
                "unknown field \"unit\"",
            ),
            (
                r#"{"path":"/3","path":"/4","type":"none"}"#,
                "duplicate field `path`",
            ),
            (
                r#"{"path":"/3","type":"integer","value":1,"value":2}"#,
                "duplicate field `value`",
            ),
        ] {
            let error = serde_json::from_str::<Record>(json)
                .unwrap_err()
                .to_string();
            assert!(error.contains(why), "{json}: {error}");
        }
        let stray = serde_json::from_str::<OwnedValue>(r#"{"type":"none","unit":"s"}"#);
        let error = stray.unwrap_err().to_string();
        assert!(error.contains("\"unit\""), "{error}");
    }
}
