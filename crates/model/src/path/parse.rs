//! Reading a path from text, in one or more pieces.

use super::{Level, Path, PathError, PathErrorKind};
use crate::MAX_ID;

/// Reads a [`Path`] from text that comes in pieces.
///
/// SenML splits a name into a base name and a name (RFC 8428 §4.5.1); feeding both gives the path of their
/// concatenation, and a copy of the parser keeps the base for the next name.
///
/// ```
/// use dunlin_model::{Path, PathParser};
///
/// let mut base = PathParser::new();
/// base.feed("/3/0/")?;
/// let mut name = base;
/// name.feed("9")?;
/// assert_eq!(name.finish()?, Path::try_from((3, 0, 9))?);
/// # Ok::<(), dunlin_model::PathError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathParser {
    /// The segments before the one that is being read.
    path: Path,
    /// The segment that is being read.
    number: u16,
    at: usize,
    state: State,
    /// The node whose instance the number 65535 stands for.
    request: Path,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first byte.
    #[default]
    Start,
    /// After a slash.
    Slash,
    /// Inside a segment.
    Digits,
}

impl PathParser {
    /// Makes a parser that has read nothing.
    pub const fn new() -> Self {
        Self {
            path: Path::ROOT,
            number: 0,
            at: 0,
            state: State::Start,
            request: Path::ROOT,
        }
    }

    /// Makes a parser for the names in a request of `node`: the instance 65535 of its object is the instance of `node`,
    /// as in a Create that leaves the choice of the instance to the device.
    ///
    /// Where `node` has no instance, such a name is [`PathErrorKind::NoInstance`].
    pub const fn in_request(node: Path) -> Self {
        Self {
            request: node,
            ..Self::new()
        }
    }

    /// Reads the next piece.
    ///
    /// # Errors
    /// Whatever makes every continuation wrong, with its offset over all pieces. The parser is of no use afterwards.
    #[inline]
    pub fn feed(&mut self, text: &str) -> Result<(), PathError> {
        self.feed_bytes(text.as_bytes())
    }

    /// Reads the next piece of a text that was not looked at before; what is no UTF-8 is no path either.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub fn feed_bytes(&mut self, text: &[u8]) -> Result<(), PathError> {
        for (index, byte) in text.iter().enumerate() {
            self.step(*byte).map_err(|kind| PathError {
                kind,
                at: self.at.saturating_add(index),
            })?;
        }
        self.at = self.at.saturating_add(text.len());
        Ok(())
    }

    #[inline]
    fn step(&mut self, byte: u8) -> Result<(), PathErrorKind> {
        let digit = u16::from(byte.wrapping_sub(b'0'));
        self.state = match self.state {
            State::Start => match byte {
                b'/' => State::Slash,
                _ => return Err(PathErrorKind::NoSlash),
            },
            State::Slash => match digit {
                0..=9 if self.path.level() == Level::ResourceInstance => {
                    return Err(PathErrorKind::TooDeep);
                }
                0..=9 => {
                    self.number = digit;
                    State::Digits
                }
                _ if byte == b'/' => return Err(PathErrorKind::EmptySegment),
                _ => return Err(PathErrorKind::NotANumber),
            },
            State::Digits => match digit {
                0..=9 if self.number == 0 => return Err(PathErrorKind::LeadingZero),
                0..=9 => {
                    let number = u32::from(self.number)
                        .wrapping_mul(10)
                        .wrapping_add(digit.into());
                    self.number = match u16::try_from(number) {
                        Ok(number) if number != MAX_ID || self.is_chosen() => number,
                        _ => return Err(PathErrorKind::TooLarge),
                    };
                    State::Digits
                }
                _ if byte == b'/' => {
                    self.path = self.child()?;
                    State::Slash
                }
                _ => return Err(PathErrorKind::NotANumber),
            },
        };
        Ok(())
    }

    /// Whether the number may be 65535.
    fn is_chosen(&self) -> bool {
        self.path.level() == Level::Object && self.path.contains(&self.request)
    }

    /// The node that the segment which was read ends.
    #[inline]
    fn child(&self) -> Result<Path, PathErrorKind> {
        if self.number == MAX_ID {
            let instance = self.request.truncate(Level::Instance);
            return if instance.level() == Level::Instance {
                Ok(instance)
            } else {
                Err(PathErrorKind::NoInstance)
            };
        }
        self.path.child(self.number).ok_or(PathErrorKind::TooDeep)
    }

    /// Tells whether nothing has been read.
    pub const fn is_empty(&self) -> bool {
        self.at == 0
    }

    /// Tells whether the last byte read was a slash, so that a number may follow.
    pub fn ends_with_slash(&self) -> bool {
        self.state == State::Slash
    }

    /// Gives the path that was read.
    ///
    /// # Errors
    /// [`PathErrorKind::NoSlash`] if nothing was read, [`PathErrorKind::EmptySegment`] after a slash at the end.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub fn finish(self) -> Result<Path, PathError> {
        match self.state {
            State::Start => Err(PathError {
                kind: PathErrorKind::NoSlash,
                at: 0,
            }),
            State::Slash if self.path == Path::ROOT => Ok(Path::ROOT),
            State::Slash => Err(PathError {
                kind: PathErrorKind::EmptySegment,
                at: self.at,
            }),
            State::Digits => self.child().map_err(|kind| PathError { kind, at: self.at }),
        }
    }
}
