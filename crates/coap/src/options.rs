//! The options of a message as they lie in its bytes (RFC 7252 §3.1).

use core::iter::FusedIterator;

use crate::OptionNumber;
use crate::parse_error::ParseErrorKind;

/// Marks the end of the options and the start of the payload.
pub(crate) const PAYLOAD_MARKER: u8 = 0xff;

/// One option as it lies in the bytes.
pub(crate) struct RawOption<'a> {
    /// By how much its number is above that of the option before it: at most 65804.
    pub(crate) delta: u32,
    pub(crate) value: &'a [u8],
    /// What follows it.
    pub(crate) rest: &'a [u8],
}

/// Delta and length of an option whose first byte has both, as all but a few have in practice.
#[inline]
pub(crate) fn small(first: u8) -> Option<(u8, usize)> {
    let len = first & 0x0f;
    (first < 0xd0 && len < 13).then_some((first >> 4, usize::from(len)))
}

/// Reads the option that begins with the byte `first`, which is neither small nor the payload marker, and goes on
/// with `rest`.
pub(crate) fn split_extended(first: u8, rest: &[u8]) -> Result<RawOption<'_>, ParseErrorKind> {
    let (delta, len) = (first >> 4, first & 0x0f);
    if delta == 15 {
        return Err(ParseErrorKind::ReservedOptionDelta);
    }
    if len == 15 {
        return Err(ParseErrorKind::ReservedOptionLength);
    }
    let (delta, rest) = extension(delta, rest)?;
    let (len, rest) = extension(len, rest)?;
    let (value, rest) = usize::try_from(len)
        .ok()
        .and_then(|len| rest.split_at_checked(len))
        .ok_or(ParseErrorKind::TruncatedOption)?;
    Ok(RawOption { delta, value, rest })
}

/// Reads the extension of a delta or length nibble below 15: the value that both mean, and what follows.
pub(crate) fn extension(nibble: u8, rest: &[u8]) -> Result<(u32, &[u8]), ParseErrorKind> {
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

    /// The bytes of the options that were not taken yet.
    #[cfg(feature = "tokio")]
    pub(crate) const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (OptionNumber, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (&first, rest) = self.bytes.split_first()?;
        // The bytes were walked once: nothing here fails.
        let (delta, value, rest) = if let Some((delta, len)) = small(first) {
            let (value, rest) = rest.split_at_checked(len)?;
            (u16::from(delta), value, rest)
        } else {
            let option = split_extended(first, rest).ok()?;
            (u16::try_from(option.delta).ok()?, option.value, option.rest)
        };
        self.previous = self.previous.wrapping_add(delta);
        self.bytes = rest;
        Some((OptionNumber(self.previous), value))
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
