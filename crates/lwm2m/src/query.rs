//! `name=value` items of Uri-Query options, and decimal numbers in them.

use dunlin_coap::Message;

use crate::RequestError;

/// The Uri-Query options of `message` as (name, value) pairs; an item without `=` has no value.
pub(crate) fn items<'a>(
    message: &Message<'a>,
) -> impl Iterator<Item = Result<(&'a str, Option<&'a str>), RequestError>> {
    message.uri_query().map(|item| {
        let text = core::str::from_utf8(item)
            .map_err(|_| RequestError::bad_request("a query is not UTF-8"))?;
        Ok(match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        })
    })
}

/// A number of plain decimal digits: no sign, no blank, and nothing left over.
pub(crate) fn decimal(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Text put together in a fixed buffer, for option values that are made of parts.
pub(crate) struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; N],
            length: 0,
        }
    }

    /// Appends `part`, or gives `None` when there is no room for all of it.
    pub(crate) fn push(&mut self, part: &[u8]) -> Option<()> {
        let end = self.length.checked_add(part.len())?;
        // Not `copy_from_slice`, whose panic stays in an image that is compiled for size.
        let room = self.bytes.get_mut(self.length..end)?;
        for (place, byte) in room.iter_mut().zip(part) {
            *place = *byte;
        }
        self.length = end;
        Some(())
    }

    pub(crate) fn push_decimal(&mut self, number: u32) -> Option<()> {
        self.push(dunlin_model::decimal::short_digits_of(number, &mut [0; 10]))
    }

    /// Appends `number` without exponent.
    pub(crate) fn push_number(&mut self, number: f64) -> Option<()> {
        let mut text = [0; 327];
        let length = dunlin_model::decimal::print(number, &mut text)?;
        self.push(text.get(..length)?)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_and_printed_exactly() {
        for (text, number) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("4294967295", Some(u32::MAX)),
        ] {
            assert_eq!(decimal(text), number);
        }
        for text in ["", "-1", "+1", " 1", "1 ", "4294967296", "1.0"] {
            assert_eq!(decimal(text), None, "{text:?}");
        }
        for (number, text) in [(0, "0"), (9, "9"), (10, "10"), (u32::MAX, "4294967295")] {
            let mut out = Text::<10>::new();
            out.push_decimal(number).unwrap();
            assert_eq!(out.as_bytes(), text.as_bytes());
        }
    }

    #[test]
    fn a_part_that_does_not_fit_changes_nothing() {
        let mut out = Text::<3>::new();
        out.push(b"ab").unwrap();
        assert!(out.push(b"cd").is_none());
        assert_eq!(out.as_bytes(), b"ab");
    }
}
