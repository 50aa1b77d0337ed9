//! How values and times are written on pages; `assets/text.js` does the same for values that arrive later.

use serde_json::Value as Json;

use crate::api::{DataType, Timestamp};

/// The longest text of a value that a page shows whole, in characters.
const LONGEST: usize = 200;

/// A moment for people, in UTC.
pub(super) fn moment(time: &Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A moment for programs, in whole milliseconds.
pub(super) fn machine(time: &Timestamp) -> String {
    time.to_string()
}

/// A value for people.
pub(super) fn value(json: &Json, kind: Option<DataType>) -> String {
    match (json, kind) {
        (Json::Number(seconds), Some(DataType::Time)) => {
            let time = seconds
                .as_i64()
                .and_then(|seconds| Timestamp::from_second(seconds).ok());
            time.map_or_else(|| format!("{seconds} s"), |time| moment(&time))
        }
        (Json::String(text), _) => shortened(text),
        (Json::Null, _) => String::new(),
        (other, _) => other.to_string(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A length of time for people, in its two largest units.
pub(super) fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let first = UNITS
        .iter()
        .position(|(size, _)| seconds >= *size)
        .unwrap_or(UNITS.len() - 1);
    let (size, unit) = UNITS[first];
    let mut text = format!("{} {unit}", seconds / size);
    if let Some((small, unit)) = UNITS.get(first + 1)
        && seconds % size >= *small
    {
        text = format!("{text} {} {unit}", seconds % size / small);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (90, "1 min 30 s"),
            (3600, "1 h"),
            (86_400, "1 d"),
            (90_061, "1 d 1 h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn values() {
        assert_eq!(value(&json!(21.5), Some(DataType::Float)), "21.5");
        assert_eq!(
            value(&json!(0), Some(DataType::Time)),
            "1970-01-01 00:00:00 UTC"
        );
        assert_eq!(
            value(&json!(i64::MAX), Some(DataType::Time)),
            format!("{} s", i64::MAX)
        );
        assert_eq!(
            value(&json!("ü".repeat(300)), None).chars().count(),
            LONGEST + 1
        );
        assert_eq!(value(&json!(true), None), "true");
    }
}
