//! Values as they are typed on the command line.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dunlin_model::{ObjectId, ObjectLink, Path};
use dunlin_server::api::{DataType, WriteRecord};
use jiff::Timestamp;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::dictionary::Dictionary;
use crate::failure::Failure;
use crate::name;

/// Reads a value of the given type, as the API takes it.
pub(crate) fn value(text: &str, kind: DataType) -> Result<Value, Failure> {
    let bad = |example: &str| {
        Failure::usage(format!("`{text}` is no {kind}.")).remedy(format!("Write it as {example}."))
    };
    match kind {
        DataType::String | DataType::Corelnk => Ok(Value::from(text)),
        DataType::Integer => text
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| bad("a whole number such as -40")),
        DataType::Unsigned => text
            .parse::<u64>()
            .map(Value::from)
            .map_err(|_| bad("a whole number such as 40")),
        DataType::Float => text
            .parse::<f64>()
            .map(float)
            .map_err(|_| bad("a number such as 21.5")),
        DataType::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "on" | "yes" => Ok(Value::from(true)),
            "false" | "0" | "off" | "no" => Ok(Value::from(false)),
            _ => Err(bad("true or false")),
        },
        DataType::Time => match (text, text.parse::<i64>(), text.parse::<Timestamp>()) {
            ("now", ..) => Ok(Value::from(Timestamp::now().as_second())),
            (_, Ok(seconds), _) => Ok(Value::from(seconds)),
            (_, _, Ok(time)) => Ok(Value::from(time.as_second())),
            _ => Err(bad(
                "seconds since 1970, as 2026-11-22T18:00:00Z, or as now",
            )),
        },
        DataType::Opaque => opaque(text),
        DataType::Objlnk => match text.parse::<ObjectLink>() {
            Ok(_) => Ok(Value::from(text)),
            Err(_) => Err(bad("object:instance, such as 3:0")),
        },
        DataType::None => Err(Failure::usage(
            "The resource has no value to write; it can only be executed.",
        )
        .remedy("Use `dunlin execute` instead.")),
    }
}

/// Guesses the type of a value whose resource nobody knows.
pub(crate) fn guess(text: &str) -> (Value, DataType) {
    [DataType::Integer, DataType::Float]
        .into_iter()
        .find_map(|kind| Some((value(text, kind).ok()?, kind)))
        .or_else(|| {
            matches!(text, "true" | "false")
                .then(|| (Value::from(text == "true"), DataType::Boolean))
        })
        .unwrap_or_else(|| (Value::from(text), DataType::String))
}

/// Reads a value for `path`: by the type that was asked for, else by the registry's, else by a guess. The second result is
/// the type, where the manager needs to be told.
pub(crate) fn value_for(
    path: Path,
    text: &str,
    asked: Option<DataType>,
    dictionary: &Dictionary<'_>,
) -> Result<(Value, Option<DataType>), Failure> {
    let known = dictionary.resource(path).map(|resource| resource.kind);
    match (asked, known) {
        (Some(asked), _) => Ok((value(text, asked)?, Some(asked))),
        (None, Some(known)) => Ok((value(text, known)?, None)),
        (None, None) => {
            let (value, kind) = guess(text);
            Ok((value, Some(kind)))
        }
    }
}

/// Reads `RESOURCE=VALUE` or `RESOURCE.INSTANCE=VALUE` for an instance of `object`, as a record relative to the instance.
pub(crate) fn record(
    object: ObjectId,
    text: &str,
    dictionary: &Dictionary<'_>,
) -> Result<WriteRecord, Failure> {
    let (resource, value) = text.split_once('=').ok_or_else(|| {
        Failure::usage(format!("`{text}` has no `=`."))
            .remedy("Give each resource as RESOURCE=VALUE, such as sensor_units=Cel or 5701=Cel.")
    })?;
    let (resource, instance) = match resource.split_once(['.', '/']) {
        Some((resource, instance)) => {
            let number = instance
                .parse::<u16>()
                .ok()
                .filter(|number| *number < dunlin_model::MAX_ID);
            let number = number.ok_or_else(|| {
                Failure::usage(format!(
                    "`{instance}` is no resource instance from 0 to 65534."
                ))
            })?;
            (resource, Some(number))
        }
        None => (resource, None),
    };
    let resource = name::resource_id(object, resource, dictionary)?;
    // The type does not depend on the instance.
    let path = Path::object(object)
        .child(0)
        .and_then(|path| path.child(resource.get()))
        .unwrap_or(Path::ROOT);
    let (value, kind) = value_for(path, value, None, dictionary)?;
    let path = instance.map_or_else(
        || resource.to_string(),
        |instance| format!("{resource}/{instance}"),
    );
    Ok(WriteRecord { path, value, kind })
}

/// JSON has no word for what is not finite, so the API takes these as text.
fn float(number: f64) -> Value {
    if number.is_finite() {
        Value::from(number)
    } else if number.is_nan() {
        Value::from("NaN")
    } else {
        Value::from(if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        })
    }
}

fn opaque(text: &str) -> Result<Value, Failure> {
    bytes(text).map(|bytes| Value::from(BASE64.encode(&*bytes)))
}

/// Reads bytes: `hex:01af`, base64, or `@FILE`. What is wrong is not repeated, as it may be a secret.
pub(crate) fn bytes(text: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let bytes = if let Some(file) = text.strip_prefix('@') {
        std::fs::read(file)
            .map_err(|error| Failure::new(format!("Cannot read `{file}`: {error}.")))?
    } else if let Some(digits) = text.strip_prefix("hex:") {
        hex(digits).ok_or_else(|| {
            Failure::usage("What follows `hex:` is no even number of hexadecimal digits.")
                .remedy("Write bytes as base64 (Aa8=), as hex:01af, or as @FILE.")
        })?
    } else {
        BASE64.decode(text).map_err(|_| {
            Failure::usage("The bytes are no base64 with padding.")
                .remedy("Write bytes as base64 (Aa8=), as hex:01af, or as @FILE.")
        })?
    };
    Ok(Zeroizing::new(bytes))
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = digits
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    pairs.remainder().is_empty().then(|| {
        pairs
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value_for(
        path: Path,
        text: &str,
        asked: Option<DataType>,
    ) -> Result<(Value, Option<DataType>), Failure> {
        super::value_for(path, text, asked, &Dictionary::built_in())
    }

    fn record(object: ObjectId, text: &str) -> Result<WriteRecord, Failure> {
        super::record(object, text, &Dictionary::built_in())
    }
    use serde_json::json;

    #[test]
    fn values_of_every_type() {
        use DataType as T;
        for (kind, text, expected) in [
            (T::String, "12", json!("12")),
            (T::Integer, "-40", json!(-40)),
            (T::Unsigned, "18446744073709551615", json!(u64::MAX)),
            (T::Float, "21.5", json!(21.5)),
            (T::Float, "1e3", json!(1000.0)),
            (T::Float, "NaN", json!("NaN")),
            (T::Float, "-inf", json!("-Infinity")),
            (T::Boolean, "Off", json!(false)),
            (T::Boolean, "1", json!(true)),
            (T::Time, "1700000000", json!(1_700_000_000)),
            (T::Time, "2023-11-14T22:13:20Z", json!(1_700_000_000)),
            (T::Opaque, "hex:01aF", json!("Aa8=")),
            (T::Opaque, "hex:", json!("")),
            (T::Opaque, "Aa8=", json!("Aa8=")),
            (T::Objlnk, "3:0", json!("3:0")),
            (T::Corelnk, "</3/0>", json!("</3/0>")),
        ] {
            assert_eq!(value(text, kind), Ok(expected), "{kind} {text}");
        }
        assert!(value("now", T::Time).is_ok_and(|now| now.as_i64() > Some(1_700_000_000)));
    }

    #[test]
    fn what_is_not_of_the_type_is_a_usage_error_with_an_example() {
        use DataType as T;
        for (kind, text) in [
            (T::Integer, "4.5"),
            (T::Integer, ""),
            (T::Unsigned, "-1"),
            (T::Float, "warm"),
            (T::Boolean, "maybe"),
            (T::Time, "yesterday"),
            (T::Opaque, "hex:0"),
            (T::Opaque, "hex:zz"),
            (T::Opaque, "Aa8"),
            (T::Objlnk, "3/0"),
            (T::None, ""),
        ] {
            let failure = value(text, kind).expect_err(text);
            assert!(failure.usage && failure.remedy.is_some(), "{kind} {text}");
        }
        assert!(
            !value("@/no/such/file", T::Opaque)
                .expect_err("no file")
                .usage
        );
    }

    #[test]
    fn the_registry_knows_the_type_and_a_guess_helps_beyond_it() {
        let path = |text: &str| text.parse::<Path>().expect("a path");
        assert_eq!(
            value_for(path("/1/0/1"), "300", None),
            Ok((json!(300), None))
        );
        assert!(value_for(path("/1/0/1"), "long", None).is_err());
        assert_eq!(
            value_for(path("/9999/0/1"), "300", None),
            Ok((json!(300), Some(DataType::Integer)))
        );
        assert_eq!(
            value_for(path("/9999/0/1"), "3.5", None),
            Ok((json!(3.5), Some(DataType::Float)))
        );
        assert_eq!(
            value_for(path("/9999/0/1"), "true", None),
            Ok((json!(true), Some(DataType::Boolean)))
        );
        assert_eq!(
            value_for(path("/9999/0/1"), "on", None),
            Ok((json!("on"), Some(DataType::String)))
        );
        assert_eq!(
            value_for(path("/9999/0/1"), "1", Some(DataType::String)),
            Ok((json!("1"), Some(DataType::String)))
        );
    }

    #[test]
    fn records_are_relative_to_the_instance() {
        let temperature = ObjectId::of::<3303>();
        assert_eq!(
            record(temperature, "sensor_units=Cel=1"),
            Ok(WriteRecord {
                path: "5701".into(),
                value: json!("Cel=1"),
                kind: None
            })
        );
        assert_eq!(
            record(ObjectId::of::<3>(), "error_code.2=5").map(|record| record.path),
            Ok("11/2".into())
        );
        assert!(record(temperature, "sensor_units").is_err());
        assert!(record(temperature, "5701.x=1").is_err());
    }
}
