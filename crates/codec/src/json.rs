//! JSON (RFC 8259) as far as payloads need it: objects and arrays one token after the other, strings, numbers.
//!
//! Written here: the parsers without allocator that were looked at (`picojson`, `nanojson`) hand numbers of fractions to
//! `core` or lose digits of 64-bit integers, and make an event of each token where a record has eight of them.

use core::str;

use dunlin_model::Value;

use crate::writer::Writer;
use crate::{DecodeErrorKind, EncodeError, number};

type Fallible<T> = Result<T, DecodeErrorKind>;

/// What stands between the quotes of a string, not yet looked at for UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    pub(crate) bytes: &'a [u8],
    /// Whether there are backslashes in it.
    pub(crate) escaped: bool,
}

/// Walks over the tokens of a payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            length: bytes.len(),
        }
    }

    /// How many bytes were read.
    pub(crate) const fn offset(&self) -> usize {
        self.length.saturating_sub(self.rest.len())
    }

    /// Passes over white space and gives the byte that follows.
    #[inline]
    pub(crate) fn peek(&mut self) -> Fallible<u8> {
        loop {
            match self.rest.split_first() {
                Some((b' ' | b'\t' | b'\n' | b'\r', rest)) => self.rest = rest,
                Some((byte, _)) => return Ok(*byte),
                None => return Err(DecodeErrorKind::End),
            }
        }
    }

    /// Takes `bytes`, if they come next, without white space.
    #[inline]
    pub(crate) fn take_bytes<const N: usize>(&mut self, bytes: &[u8; N]) -> bool {
        match self.rest.split_first_chunk() {
            Some((first, rest)) if first == bytes => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes what comes up to the next quote, if there are no backslashes and no control characters in it.
    #[inline]
    pub(crate) fn plain_text(&mut self) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(plain_length(self.rest))?;
        let (b'"', rest) = rest.split_first()? else {
            return None;
        };
        self.rest = rest;
        Some(bytes)
    }

    /// Whether only white space is left.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.peek().is_err()
    }

    #[inline]
    fn next_byte(&mut self) {
        self.rest = self.rest.split_first().map_or(&[], |(_, rest)| rest);
    }

    /// Takes `byte`, if it comes next.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> Fallible<bool> {
        let found = self.peek()? == byte;
        if found {
            self.next_byte();
        }
        Ok(found)
    }

    /// Takes `byte`, which must come next.
    #[inline]
    pub(crate) fn expect(&mut self, byte: u8) -> Fallible<()> {
        if self.take(byte)? {
            Ok(())
        } else {
            Err(DecodeErrorKind::Malformed)
        }
    }

    /// Takes the start of an object or array.
    #[inline]
    pub(crate) fn open(&mut self, byte: u8) -> Fallible<()> {
        if self.take(byte)? {
            return Ok(());
        }
        match self.rest.first() {
            Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                Err(DecodeErrorKind::Type)
            }
            _ => Err(DecodeErrorKind::Malformed),
        }
    }

    /// Takes the comma before another entry, or the end of the object or array; `false` at the end.
    #[inline]
    pub(crate) fn another(&mut self, end: u8) -> Fallible<bool> {
        match self.peek()? {
            b',' => {
                self.next_byte();
                Ok(true)
            }
            byte if byte == end => {
                self.next_byte();
                Ok(false)
            }
            _ => Err(DecodeErrorKind::Malformed),
        }
    }

    /// Reads a string.
    #[inline]
    pub(crate) fn text(&mut self) -> Fallible<Text<'a>> {
        self.open(b'"')?;
        match self.plain_text() {
            Some(bytes) => Ok(Text {
                bytes,
                escaped: false,
            }),
            None => self.escaped_text(),
        }
    }

    /// Reads a string after the opening quote.
    #[cold]
    fn escaped_text(&mut self) -> Fallible<Text<'a>> {
        let start = self.rest;
        loop {
            let (&byte, rest) = self.rest.split_first().ok_or(DecodeErrorKind::End)?;
            match byte {
                b'"' => {
                    let length = start.len().saturating_sub(self.rest.len());
                    self.rest = rest;
                    return Ok(Text {
                        bytes: start.get(..length).unwrap_or_default(),
                        escaped: true,
                    });
                }
                // Which escapes there are is looked at when they are taken away.
                b'\\' => {
                    let (_, rest) = rest.split_first().ok_or(DecodeErrorKind::End)?;
                    self.rest = rest;
                }
                0..b' ' => return Err(DecodeErrorKind::Malformed),
                _ => self.rest = rest,
            }
        }
    }

    /// Reads a whole number of up to nine digits which a comma or the end of an object follows, if that comes next.
    #[inline]
    pub(crate) fn short_integer(&mut self) -> Option<i64> {
        let (negative, mut rest) = match self.rest.split_first()? {
            (b'-', rest) => (true, rest),
            _ => (false, self.rest),
        };
        let (&first, after) = rest.split_first()?;
        let mut number = u32::from(first.wrapping_sub(b'0'));
        // Zero is left to others: it may have a sign, and no digits may follow it.
        if !(1..=9).contains(&number) {
            return None;
        }
        rest = after;
        for _ in 0..8 {
            let (byte, after) = rest.split_first()?;
            let digit = u32::from(byte.wrapping_sub(b'0'));
            if digit > 9 {
                break;
            }
            number = number.wrapping_mul(10).wrapping_add(digit);
            rest = after;
        }
        if !matches!(rest.first(), Some(b',' | b'}')) {
            return None;
        }
        self.rest = rest;
        let number = i64::from(number);
        Some(if negative {
            number.wrapping_neg()
        } else {
            number
        })
    }

    /// Reads a number: an integer if it is written as one and fits 64 bits.
    #[inline]
    pub(crate) fn number(&mut self) -> Fallible<Value<'a>> {
        let first = self.peek()?;
        let negative = first == b'-';
        let start = self.rest;
        if negative {
            self.next_byte();
        }
        let mut number = 0_u64;
        let mut fits = true;
        let mut count = 0_usize;
        let leading_zero = self.rest.first() == Some(&b'0');
        while let Some((byte, rest)) = self.rest.split_first() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            match number
                .checked_mul(10)
                .and_then(|number| number.checked_add(digit.into()))
            {
                Some(more) => number = more,
                None => fits = false,
            }
            count = count.wrapping_add(1);
            self.rest = rest;
        }
        if count == 0 {
            return Err(match self.rest.first() {
                None => DecodeErrorKind::End,
                Some(b'"' | b'[' | b'{' | b't' | b'f' | b'n') if !negative => DecodeErrorKind::Type,
                _ => DecodeErrorKind::Malformed,
            });
        }
        if leading_zero && count > 1 {
            return Err(DecodeErrorKind::Malformed);
        }
        if matches!(self.rest.first(), Some(b'.' | b'e' | b'E')) || !fits {
            return self.float(start);
        }
        match (negative, i64::try_from(number)) {
            (false, Ok(number)) => Ok(Value::Integer(number)),
            (false, Err(_)) => Ok(Value::Unsigned(number)),
            // The zero that is none of the integers.
            (true, Ok(0)) => Ok(Value::Float(-0.0)),
            _ => match 0_i64.checked_sub_unsigned(number) {
                Some(number) => Ok(Value::Integer(number)),
                None => self.float(start),
            },
        }
    }

    /// Reads a number with fraction or exponent, or of too many digits. It starts at `start`.
    fn float(&mut self, start: &'a [u8]) -> Fallible<Value<'a>> {
        let length = start
            .iter()
            .take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .count();
        let (text, rest) = start.split_at_checked(length).ok_or(DecodeErrorKind::End)?;
        self.rest = rest;
        let number = number::parse(text);
        number.map(Value::Float).ok_or(
            if rest.is_empty() && !text.last().is_some_and(u8::is_ascii_digit) {
                DecodeErrorKind::End
            } else {
                DecodeErrorKind::Malformed
            },
        )
    }

    /// Takes a word such as `true`.
    fn word(&mut self, word: &[u8]) -> Fallible<()> {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None if word.starts_with(self.rest) => Err(DecodeErrorKind::End),
            None => Err(DecodeErrorKind::Malformed),
        }
    }

    /// Reads `true` or `false`.
    pub(crate) fn truth(&mut self) -> Fallible<bool> {
        match self.peek()? {
            b't' => self.word(b"true").map(|()| true),
            b'f' => self.word(b"false").map(|()| false),
            b'"' | b'[' | b'{' | b'n' | b'-' | b'0'..=b'9' => Err(DecodeErrorKind::Type),
            _ => Err(DecodeErrorKind::Malformed),
        }
    }

    /// Takes `null`, if it comes next.
    pub(crate) fn take_null(&mut self) -> Fallible<bool> {
        if self.peek()? != b'n' {
            return Ok(false);
        }
        self.word(b"null").map(|()| true)
    }

    /// Passes over the value of a field that is not known: a single number, text, truth, or nothing.
    #[cold]
    pub(crate) fn skip(&mut self) -> Fallible<()> {
        match self.peek()? {
            b'"' => {
                let text = self.text()?;
                str::from_utf8(text.bytes).map_err(|_| DecodeErrorKind::Utf8)?;
                if text.escaped {
                    check(text.bytes)?;
                }
                Ok(())
            }
            b't' | b'f' => self.truth().map(drop),
            b'n' => self.take_null().map(drop),
            _ => self.number().map(drop),
        }
    }
}

/// Looks at the escapes of a text that is not used.
fn check(bytes: &[u8]) -> Fallible<()> {
    escapes(bytes, &mut |_| Ok(()))
}

/// Writes `bytes` without the backslashes.
pub(crate) fn unescape(bytes: &[u8], writer: &mut Writer<'_>) -> Fallible<()> {
    escapes(bytes, &mut |piece| {
        writer.put(piece).map_err(|_| DecodeErrorKind::NoSpace)
    })
}

/// Hands out `bytes` piece by piece, each escape as what it stands for: RFC 8259 §7.
fn escapes(mut bytes: &[u8], each: &mut dyn FnMut(&[u8]) -> Fallible<()>) -> Fallible<()> {
    loop {
        let plain = bytes.iter().take_while(|byte| **byte != b'\\').count();
        let (piece, rest) = bytes.split_at_checked(plain).unwrap_or_default();
        each(piece)?;
        let [b'\\', escape, rest @ ..] = rest else {
            return Ok(());
        };
        bytes = rest;
        let byte = match escape {
            b'"' | b'\\' | b'/' => *escape,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (character, rest) = unicode(rest)?;
                bytes = rest;
                each(character.encode_utf8(&mut [0; 4]).as_bytes())?;
                continue;
            }
            _ => return Err(DecodeErrorKind::Malformed),
        };
        each(&[byte])?;
    }
}

/// Reads the digits after `\u`, and a second escape if the first is half of a pair.
fn unicode(bytes: &[u8]) -> Fallible<(char, &[u8])> {
    let (first, rest) = hexadecimal(bytes)?;
    let (number, rest) = match first {
        0xd800..0xdc00 => {
            let rest = rest.strip_prefix(b"\\u").ok_or(DecodeErrorKind::Utf8)?;
            let (second, rest) = hexadecimal(rest)?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(DecodeErrorKind::Utf8);
            }
            let number = 0x1_0000_u32
                .wrapping_add(first.wrapping_sub(0xd800) << 10)
                .wrapping_add(second.wrapping_sub(0xdc00));
            (number, rest)
        }
        _ => (first, rest),
    };
    let character = char::from_u32(number).ok_or(DecodeErrorKind::Utf8)?;
    Ok((character, rest))
}

fn hexadecimal(bytes: &[u8]) -> Fallible<(u32, &[u8])> {
    let (digits, rest) = bytes
        .split_at_checked(4)
        .ok_or(DecodeErrorKind::Malformed)?;
    let mut number = 0_u32;
    for digit in digits {
        let digit = match digit {
            b'0'..=b'9' => digit.wrapping_sub(b'0'),
            b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
            b'A'..=b'F' => digit.wrapping_sub(b'A').wrapping_add(10),
            _ => return Err(DecodeErrorKind::Malformed),
        };
        number = number << 4 | u32::from(digit);
    }
    Ok((number, rest))
}

/// Writes what stands between the quotes of `text`.
#[inline]
pub(crate) fn put_text(writer: &mut Writer<'_>, text: &str) -> Result<(), EncodeError> {
    let mut bytes = text.as_bytes();
    loop {
        let length = plain_length(bytes);
        let (piece, rest) = bytes.split_at_checked(length).unwrap_or_default();
        writer.put(piece)?;
        let Some((byte, rest)) = rest.split_first() else {
            return Ok(());
        };
        bytes = rest;
        put_escape(writer, *byte)?;
    }
}

/// Whether `text` stands between quotes as it is.
#[inline]
pub(crate) fn is_plain(text: &str) -> bool {
    plain_length(text.as_bytes()) == text.len()
}

/// How many bytes there are before the first control character, quote or backslash.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    /// A byte in each of eight places.
    const fn eight(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    let mut length = 0_usize;
    let mut rest = bytes;
    // Eight at once. The highest bit of a byte tells that it is below another, rightly up to the first that is.
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ eight(b'"');
        let backslash = word ^ eight(b'\\');
        let below = |word: u64, byte: u8| word.wrapping_sub(eight(byte)) & !word;
        let found = (below(word, b' ') | below(quote, 1) | below(backslash, 1)) & eight(0x80);
        if found != 0 {
            // The lowest is the first.
            let before = usize::try_from(found.trailing_zeros() / 8).unwrap_or_default();
            return length.wrapping_add(before);
        }
        length = length.wrapping_add(8);
        rest = after;
    }
    let plain = |byte: &u8| *byte >= b' ' && *byte != b'"' && *byte != b'\\';
    length.wrapping_add(rest.iter().take_while(|byte| plain(byte)).count())
}

#[cold]
fn put_escape(writer: &mut Writer<'_>, byte: u8) -> Result<(), EncodeError> {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            let digit = |nibble: u8| match nibble {
                0..=9 => b'0' | nibble,
                _ => nibble.wrapping_add(b'a'.wrapping_sub(10)),
            };
            writer.put(b"\\u00")?;
            return writer.put(&[digit(byte >> 4), digit(byte & 0x0f)]);
        }
    };
    writer.put(&[b'\\', short])
}

#[cfg(test)]
mod tests;
