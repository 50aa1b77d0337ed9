//! Percent-encoded components and their decoding (RFC 3986 §2.1).

use core::fmt;
use core::iter::FusedIterator;

use super::MAX_COMPONENT_LEN;
use crate::{MessageBuilder, OptionNumber};

/// A host, a segment or an argument as the URI has it, decoded on the way out.
///
/// Equality compares what is decoded.
#[derive(Clone, Copy)]
pub struct Encoded<'a> {
    /// Each `%` is followed by two hexadecimal digits.
    text: &'a str,
    /// Whether letters are lower-cased, those that are percent-encoded excepted (RFC 7252 §6.4 step 5).
    lower_case: bool,
}

impl<'a> Encoded<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            text,
            lower_case: false,
        }
    }

    pub(super) const fn lower_case(text: &'a str) -> Self {
        Self {
            text,
            lower_case: true,
        }
    }

    /// The text in the URI, not decoded.
    pub const fn as_encoded(&self) -> &'a str {
        self.text
    }

    /// The decoded bytes: at most 255 of UTF-8.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + Clone + use<'a> {
        Decode {
            bytes: self.text.as_bytes(),
            lower_case: self.lower_case,
        }
    }

    /// Decodes into a buffer that holds every component.
    pub fn decode<'b>(&self, buffer: &'b mut [u8; MAX_COMPONENT_LEN]) -> &'b str {
        // The parser has checked length and UTF-8.
        self.try_decode(buffer)
            .and_then(|bytes| core::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }

    /// `None` when longer than the buffer.
    pub(super) fn try_decode<'b>(
        &self,
        buffer: &'b mut [u8; MAX_COMPONENT_LEN],
    ) -> Option<&'b [u8]> {
        let mut len = 0_usize;
        for byte in self.bytes() {
            *buffer.get_mut(len)? = byte;
            len = len.saturating_add(1);
        }
        buffer.get(..len)
    }

    pub(super) fn write(&self, message: &mut MessageBuilder<'_>, number: OptionNumber) {
        message.option(number, self.decode(&mut [0; MAX_COMPONENT_LEN]).as_bytes());
    }

    fn is(&self, decoded: &str) -> bool {
        self.bytes().eq(decoded.bytes())
    }
}

impl PartialEq for Encoded<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for Encoded<'_> {}

impl PartialEq<str> for Encoded<'_> {
    fn eq(&self, other: &str) -> bool {
        self.is(other)
    }
}

impl PartialEq<&str> for Encoded<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.is(other)
    }
}

impl fmt::Display for Encoded<'_> {
    /// The decoded text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.decode(&mut [0; MAX_COMPONENT_LEN]))
    }
}

impl fmt::Debug for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.decode(&mut [0; MAX_COMPONENT_LEN]), f)
    }
}

#[derive(Clone)]
struct Decode<'a> {
    bytes: &'a [u8],
    lower_case: bool,
}

impl Iterator for Decode<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if let [b'%', high, low, rest @ ..] = self.bytes {
            self.bytes = rest;
            return Some((hex(*high) << 4) | hex(*low));
        }
        let (byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(if self.lower_case {
            byte.to_ascii_lowercase()
        } else {
            *byte
        })
    }
}

/// The value of a hexadecimal digit.
fn hex(digit: u8) -> u8 {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
        .unwrap_or(0)
}

/// The segments of a path, without dot segments.
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    /// What follows the slash after the last segment that was given.
    rest: Option<&'a str>,
    has_dots: bool,
}

impl<'a> Segments<'a> {
    /// The segments of a path that is empty or begins with a slash.
    pub(super) fn new(path: &'a str) -> Self {
        let rest = path.strip_prefix('/');
        let mut segments = Self {
            rest,
            has_dots: rest
                .is_some_and(|rest| rest.split('/').any(|segment| Dots::of(segment).is_some())),
        };
        // A single slash is no segment, also where it is what dot segments leave (RFC 7252 §6.4 step 8).
        let mut ahead = segments.clone();
        if ahead.next().is_some_and(|first| first.is("")) && ahead.next().is_none() {
            segments.rest = None;
        }
        segments
    }

    /// The next segment that no dot segment after it removes (RFC 3986 §5.2.4).
    fn resolved(&self) -> Option<(&'a str, Option<&'a str>)> {
        // How many segments stand after those that were given: the answer is the last that became the first of them.
        let mut depth = 0_usize;
        let mut found = None;
        let mut next = self.rest;
        while let Some(rest) = next {
            let (segment, after) = split(rest);
            next = after;
            let dots = Dots::of(segment);
            if dots == Some(Dots::Parent) {
                depth = depth.saturating_sub(1);
            }
            let segment = match dots {
                None => segment,
                // A dot segment at the end leaves its slash.
                Some(_) if after.is_none() => "",
                Some(_) => continue,
            };
            if depth == 0 {
                found = Some((segment, after));
            }
            depth = depth.saturating_add(1);
        }
        // Where the last that was found is removed again, so is all that follows it.
        if depth == 0 { None } else { found }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Encoded<'a>;

    fn next(&mut self) -> Option<Encoded<'a>> {
        let (segment, rest) = if self.has_dots {
            self.resolved()?
        } else {
            split(self.rest?)
        };
        self.rest = rest;
        Some(Encoded::new(segment))
    }
}

impl FusedIterator for Segments<'_> {}

fn split(path: &str) -> (&str, Option<&str>) {
    match path.split_once('/') {
        Some((segment, rest)) => (segment, Some(rest)),
        None => (path, None),
    }
}

/// A dot segment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dots {
    /// `.`
    Current,
    /// `..`
    Parent,
}

impl Dots {
    fn of(segment: &str) -> Option<Self> {
        // Two percent-encoded dots take six characters.
        if segment.len() > 6 {
            None
        } else if Encoded::new(segment).is(".") {
            Some(Self::Current)
        } else if Encoded::new(segment).is("..") {
            Some(Self::Parent)
        } else {
            None
        }
    }
}

/// The arguments of a query.
#[derive(Clone, Debug)]
pub struct Arguments<'a> {
    rest: Option<&'a str>,
}

impl<'a> Arguments<'a> {
    pub(super) const fn new(query: Option<&'a str>) -> Self {
        Self { rest: query }
    }
}

impl<'a> Iterator for Arguments<'a> {
    type Item = Encoded<'a>;

    fn next(&mut self) -> Option<Encoded<'a>> {
        let rest = self.rest?;
        let (argument, rest) = match rest.split_once('&') {
            Some((argument, rest)) => (argument, Some(rest)),
            None => (rest, None),
        };
        self.rest = rest;
        Some(Encoded::new(argument))
    }
}

impl FusedIterator for Arguments<'_> {}
