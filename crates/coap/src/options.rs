//! The options of a message as they lie in its bytes (RFC 7252 §3.1).

use core::iter::FusedIterator;

use crate::OptionNumber;
use crate::message::ParseErrorKind;

/// Marks the end of the options and the start of the payload.
pub(crate) const PAYLOAD_MARKER: u8 = 0xff;

/// What stands at the beginning of some bytes of options.
pub(crate) enum Step<'a> {
    Option {
        number: u16,
        value: &'a [u8],
        rest: &'a [u8],
    },
    /// The payload marker and after it the payload.
    Payload(&'a [u8]),
    End,
}

/// Reads one option that follows an option of number `previous`.
#[inline]
pub(crate) fn step(previous: u16, bytes: &[u8]) -> Result<Step<'_>, ParseErrorKind> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(Step::End);
    };
    if first == PAYLOAD_MARKER {
        return Ok(Step::Payload(rest));
    }
    let (delta, rest) = match first >> 4 {
        15 => return Err(ParseErrorKind::ReservedOptionDelta),
        nibble => extended(nibble, rest)?,
    };
    let (len, rest) = match first & 0x0f {
        15 => return Err(ParseErrorKind::ReservedOptionLength),
        nibble => extended(nibble, rest)?,
    };
    let number = u16::try_from(u32::from(previous).wrapping_add(delta))
        .map_err(|_| ParseErrorKind::OptionNumberTooLarge)?;
    let (value, rest) = usize::try_from(len)
        .ok()
        .and_then(|len| rest.split_at_checked(len))
        .ok_or(ParseErrorKind::TruncatedOption)?;
    Ok(Step::Option {
        number,
        value,
        rest,
    })
}

/// Reads the extension of a delta or length nibble below 15.
#[inline]
fn extended(nibble: u8, rest: &[u8]) -> Result<(u32, &[u8]), ParseErrorKind> {
    match nibble {
        13 => match rest.split_first() {
            Some((&byte, rest)) => Ok((u32::from(byte).wrapping_add(13), rest)),
            None => Err(ParseErrorKind::TruncatedOption),
        },
        14 => match rest.split_first_chunk() {
            Some((&chunk, rest)) => {
                Ok((u32::from(u16::from_be_bytes(chunk)).wrapping_add(269), rest))
            }
            None => Err(ParseErrorKind::TruncatedOption),
        },
        _ => Ok((u32::from(nibble), rest)),
    }
}

/// The options of a message in their order: an iterator of number and value.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    previous: u16,
    bytes: &'a [u8],
}

impl<'a> Options<'a> {
    /// Takes bytes that were walked once without an error.
    #[inline]
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { previous: 0, bytes }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (OptionNumber, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let Ok(Step::Option {
            number,
            value,
            rest,
        }) = step(self.previous, self.bytes)
        else {
            return None;
        };
        self.previous = number;
        self.bytes = rest;
        Some((OptionNumber(number), value))
    }
}

impl FusedIterator for Options<'_> {}

/// The values of one option of a message, such as the segments of its path.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    options: Options<'a>,
    number: OptionNumber,
}

impl<'a> Values<'a> {
    #[inline]
    pub(crate) const fn new(options: Options<'a>, number: OptionNumber) -> Self {
        Self { options, number }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let (number, value) = self.options.next()?;
            if number == self.number {
                return Some(value);
            }
            if number > self.number {
                self.options = Options::default();
                return None;
            }
        }
    }
}

impl FusedIterator for Values<'_> {}

/// The integer that a value of format uint means; leading zero bytes are allowed (RFC 7252 §3.2).
///
/// `None` when it does not fit.
#[inline]
pub fn decode_uint(value: &[u8]) -> Option<u32> {
    match *value {
        [] => Some(0),
        [a] => Some(u32::from(a)),
        [a, b] => Some(u32::from_be_bytes([0, 0, a, b])),
        [a, b, c] => Some(u32::from_be_bytes([0, a, b, c])),
        [a, b, c, d] => Some(u32::from_be_bytes([a, b, c, d])),
        [0, ref rest @ ..] => decode_long_uint(rest),
        _ => None,
    }
}

/// Decodes four bytes or more.
fn decode_long_uint(value: &[u8]) -> Option<u32> {
    let (zeros, last) = value.split_last_chunk()?;
    zeros
        .iter()
        .all(|byte| *byte == 0)
        .then(|| u32::from_be_bytes(*last))
}
