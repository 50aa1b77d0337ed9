//! The options of a message as they lie in its bytes (RFC 7252 §3.1).
//!
//! What is called often is inlined on a host; on a device each call would have a copy of its own of it.

use core::iter::FusedIterator;

use crate::parse_error::ParseErrorKind;
use crate::{OptionNumber, SHORT_WAYS};

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

/// The size in bytes, first byte included, of an option whose first byte has delta and length, as all but a few have in
/// practice; 0 for any other, and for the payload marker.
#[cfg_attr(not(target_os = "none"), inline)]
pub(crate) fn small(first: u8) -> usize {
    // Each option is looked at twice, once to check it and once to read it: a wide machine has room for a table, which
    // takes a third of the instructions away; a small one would rather have the 256 bytes.
    #[cfg(target_pointer_width = "64")]
    {
        usize::from(SMALL.get(usize::from(first)).copied().unwrap_or_default())
    }
    #[cfg(not(target_pointer_width = "64"))]
    {
        usize::from(small_size(first))
    }
}

#[cfg(target_pointer_width = "64")]
static SMALL: [u8; 256] = {
    let mut table = [0; 256];
    let mut rest: &mut [u8] = &mut table;
    let mut first = 0_u8;
    while let [size, after @ ..] = rest {
        *size = small_size(first);
        first = first.wrapping_add(1);
        rest = after;
    }
    table
};

const fn small_size(first: u8) -> u8 {
    let len = first & 0x0f;
    if first < 0xd0 && len < 13 {
        len.wrapping_add(1)
    } else {
        0
    }
}

/// Reads the option that begins with the byte `first`, which is not the payload marker, and goes on with
/// `rest`.
pub(crate) fn split_option(first: u8, rest: &[u8]) -> Result<RawOption<'_>, ParseErrorKind> {
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
    /// The number of the option before, in a width that costs no conversion at each step.
    number: u32,
    bytes: &'a [u8],
}

impl<'a> Options<'a> {
    /// Takes bytes that were walked once without an error.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { number: 0, bytes }
    }

    /// The bytes of the options that were not taken yet.
    #[cfg(feature = "tokio")]
    pub(crate) const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (OptionNumber, &'a [u8]);

    #[cfg_attr(not(target_os = "none"), inline)]
    fn next(&mut self) -> Option<Self::Item> {
        let &first = self.bytes.first()?;
        // The bytes were walked once: nothing here fails.
        if !SHORT_WAYS {
            let option = split_option(first, self.bytes.get(1..)?).ok()?;
            self.number = self.number.wrapping_add(option.delta);
            self.bytes = option.rest;
            return Some((OptionNumber(low(self.number)), option.value));
        }
        let size = small(first);
        let (delta, value, rest) = if size == 0 {
            let Extended {
                delta,
                header,
                size,
            } = extended(self.bytes);
            let (option, rest) = self.bytes.split_at_checked(usize::try_from(size).ok()?)?;
            (u32::from(delta), option.get(usize::from(header)..)?, rest)
        } else {
            let (option, rest) = self.bytes.split_at_checked(size)?;
            (u32::from(first >> 4), option.get(1..)?, rest)
        };
        self.number = self.number.wrapping_add(delta);
        self.bytes = rest;
        Some((OptionNumber(low(self.number)), value))
    }
}

/// The low 16 bits, of a number that has no more.
#[cfg_attr(not(target_os = "none"), inline)]
fn low(number: u32) -> u16 {
    u16::try_from(number & 0xffff).unwrap_or_default()
}

/// What the header of an option says: in one register on a wide machine.
struct Extended {
    delta: u16,
    /// The size of the header.
    header: u8,
    /// The size in all.
    size: u32,
}

/// The header of the option that the bytes begin with, which is not small.
#[cold]
#[inline(never)]
fn extended(bytes: &[u8]) -> Extended {
    let read = || {
        let (&first, rest) = bytes.split_first()?;
        let option = split_option(first, rest).ok()?;
        let size = bytes.len().checked_sub(option.rest.len())?;
        let header = size.checked_sub(option.value.len())?;
        Some(Extended {
            delta: u16::try_from(option.delta).ok()?,
            header: u8::try_from(header).ok()?,
            size: u32::try_from(size).ok()?,
        })
    };
    // Longer than what there is: nothing more can be read.
    read().unwrap_or(Extended {
        delta: 0,
        header: 0,
        size: u32::MAX,
    })
}

impl FusedIterator for Options<'_> {}

/// The values of one option of a message, such as the segments of its path.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    options: Options<'a>,
    number: OptionNumber,
}

impl<'a> Values<'a> {
    #[cfg_attr(not(target_os = "none"), inline)]
    pub(crate) const fn new(options: Options<'a>, number: OptionNumber) -> Self {
        Self { options, number }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    #[cfg_attr(not(target_os = "none"), inline)]
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
#[cfg_attr(not(target_os = "none"), inline)]
pub fn decode_uint(value: &[u8]) -> Option<u32> {
    if !SHORT_WAYS {
        return decode_bytewise(value);
    }
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

/// Does what [`decode_uint`] does, in a loop.
fn decode_bytewise(value: &[u8]) -> Option<u32> {
    value.iter().try_fold(0, |number: u32, byte| {
        (number >> 24 == 0).then_some(number << 8 | u32::from(*byte))
    })
}

/// Decodes four bytes or more.
fn decode_long_uint(value: &[u8]) -> Option<u32> {
    let (zeros, last) = value.split_last_chunk()?;
    zeros
        .iter()
        .all(|byte| *byte == 0)
        .then(|| u32::from_be_bytes(*last))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::{Code, Message, MessageBuilder, MessageId, Token, Type};
    use proptest::prelude::*;

    proptest! {
        /// What a device does is what a host does.
        #[test]
        fn both_ways_to_a_uint_agree(value in prop::collection::vec(prop_oneof![Just(0), any::<u8>()], 0..8)) {
            prop_assert_eq!(decode_bytewise(&value), decode_uint(&value));
        }

        /// Each option is also found by what reads any option, as a device reads all.
        #[test]
        fn both_ways_to_an_option_agree(
            values in prop::collection::vec((0..600_u16, prop::collection::vec(any::<u8>(), 0..300)), 0..6),
        ) {
            let mut buffer = [0; 4096];
            let mut builder =
                MessageBuilder::new(&mut buffer, Type::Confirmable, Code::GET, MessageId(1), Token::EMPTY);
            let mut number = 0;
            for (delta, value) in &values {
                number += delta;
                builder.option(OptionNumber(number), value);
            }
            let message = Message::parse(builder.finish().unwrap()).unwrap();
            let mut bytes = message.options().bytes;
            let mut number = 0;
            for (known, value) in message.options() {
                let (first, rest) = bytes.split_first().unwrap();
                let option = split_option(*first, rest).unwrap();
                number += option.delta;
                bytes = option.rest;
                prop_assert_eq!((u32::from(known.0), value), (number, option.value));
            }
            prop_assert!(bytes.is_empty());
        }
    }
}
