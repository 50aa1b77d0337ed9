//! Reading ranges as people have written them into the registry.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::Range;
use crate::{Owned, ValueType};

/// The text is no range that can be checked, such as `8 bit`, or none for the type.
///
/// The registry's field is free text; a resource with such a range takes every value of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseRangeError;

impl fmt::Display for ParseRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a range of values such as 0..100, 0,1,2 or 1-255 bytes")
    }
}

impl core::error::Error for ParseRangeError {}

impl Range<Owned> {
    /// Reads the registry's `RangeEnumeration` of a resource of type `kind`.
    ///
    /// All of these forms are in use: `0..100`, `1...15`, `1-255`, `[1:4]`, `0,1,2`, `0..247, 255`, `10 or 26 Bytes`,
    /// `16-32-48 bytes`. A single number is the largest Integer (`255`) or the longest String, and the length of an
    /// Opaque.
    ///
    /// ```
    /// use dunlin_model::{Range, Value, ValueType};
    ///
    /// let range = Range::parse("0..3, 99", ValueType::Integer)?;
    /// assert!(range.contains(&Value::Integer(99)));
    /// assert_eq!(range.to_string(), "0..3,99");
    /// # Ok::<(), dunlin_model::ParseRangeError>(())
    /// ```
    ///
    /// # Errors
    /// [`ParseRangeError`].
    pub fn parse(text: &str, kind: ValueType) -> Result<Self, ParseRangeError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::Any);
        }
        let range = match kind {
            ValueType::Integer | ValueType::Unsigned | ValueType::Time => whole(text),
            ValueType::Float => pair(text).map(|(min, max)| Self::Float(min, max)),
            ValueType::String | ValueType::Corelnk | ValueType::Opaque => lengths(text, kind),
            ValueType::None | ValueType::Boolean | ValueType::Objlnk => None,
        };
        range
            .filter(|range| range.suits(kind))
            .ok_or(ParseRangeError)
    }
}

fn whole(text: &str) -> Option<Range<Owned>> {
    let ranges: Option<Vec<(i64, i64)>> = text.split(',').map(pair_or_one).collect();
    match ranges?.as_slice() {
        [(min, max)] if min == max => Some(Range::Integer(0, *max)),
        [(min, max)] => Some(Range::Integer(*min, *max)),
        ranges => Some(Range::Integers(ranges.into())),
    }
}

fn lengths(text: &str, kind: ValueType) -> Option<Range<Owned>> {
    let text = ["bytes", "Bytes"]
        .iter()
        .find_map(|unit| text.strip_suffix(unit))
        .unwrap_or(text)
        .trim();
    if let Some((min, max)) = pair(text) {
        return Some(Range::Length(min, max));
    }
    let single = |lengths: Vec<u32>| match (lengths.as_slice(), kind) {
        ([length], ValueType::String | ValueType::Corelnk) => Range::Length(0, *length),
        (lengths, _) => Range::Lengths(lengths.into()),
    };
    let list: Option<Vec<u32>> = if text.contains(" or ") {
        text.split(" or ").map(number).collect()
    } else {
        text.split([',', '-']).map(number).collect()
    };
    list.map(single)
}

fn pair_or_one<T: FromStr + Copy + PartialOrd>(text: &str) -> Option<(T, T)> {
    pair(text).or_else(|| number(text).map(|one| (one, one)))
}

/// Two numbers with `...`, `..`, `:` or `-` between them, the first being less.
fn pair<T: FromStr + PartialOrd>(text: &str) -> Option<(T, T)> {
    let text = text.trim();
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let (min, max) = match inner {
        Some(inner) => inner.split_once(':')?,
        None => text
            .split_once("...")
            .or_else(|| text.split_once(".."))
            .or_else(|| text.split_once('-'))?,
    };
    let (min, max) = (number(min)?, number(max)?);
    (min < max).then_some((min, max))
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    let text = text.trim();
    // The numbers of Rust know more forms: a plus sign, `inf`, `1e3`.
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    if text.bytes().all(plain) {
        text.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn reads_every_form_of_the_registry() {
        use ValueType::*;
        for (text, kind, printed) in [
            ("", Integer, ""),
            ("0..100", Integer, "0..100"),
            ("-110..-48", Integer, "-110..-48"),
            ("0-255", Unsigned, "0..255"),
            ("1...63", Integer, "1..63"),
            ("[1:4]", Integer, "1..4"),
            ("0,1,2", Integer, "0,1,2"),
            ("0..247, 255", Integer, "0..247,255"),
            ("5, 10, 15, 20", Integer, "5,10,15,20"),
            ("255", Integer, "0..255"),
            ("0..9223372036854775807", Integer, "0..9223372036854775807"),
            ("-100.0..100.0", Float, "-100..100"),
            ("-1..1", Float, "-1..1"),
            ("0..255 bytes", String, "0..255"),
            ("1..32 Bytes", String, "1..32"),
            ("0-255 bytes", String, "0..255"),
            ("64", String, "0..64"),
            ("12 Bytes", String, "0..12"),
            ("6", Opaque, "6"),
            ("6 bytes", Opaque, "6"),
            ("10 or 26 Bytes", String, "10,26"),
            ("0 or 26 Bytes", String, "0,26"),
            ("16-32-48 bytes", Opaque, "16,32,48"),
            ("16,32,48", Opaque, "16,32,48"),
        ] {
            let range = Range::parse(text, kind);
            assert_eq!(
                range.map(|range| range.to_string()),
                Ok(printed.to_string()),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_range_for_the_type() {
        use ValueType::*;
        for (text, kind) in [
            ("16-bit", Integer),
            ("8 bit", Opaque),
            ("8-Bits", Integer),
            ("2 Instances", Integer),
            ("1 bytes", Integer),
            ("ON;OFF", Float),
            ("<7 to >12.5", Integer),
            ("0: RELEASED\n1: PRESSED", Unsigned),
            ("The possible values are those listed", String),
            ("0..1", Boolean),
            ("5..1", Integer),
            ("-5..-1", String),
            ("0..inf", Float),
            ("0..+1", Integer),
        ] {
            assert_eq!(Range::parse(text, kind), Err(ParseRangeError), "{text}");
        }
    }
}
