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
        }
    }

    /// Reads the next piece.
    ///
    /// # Errors
    /// Whatever makes every continuation wrong, with its offset over all pieces. The parser is of no use afterwards.
    pub fn feed(&mut self, text: &str) -> Result<(), PathError> {
        for byte in text.bytes() {
            self.step(byte)
                .map_err(|kind| PathError { kind, at: self.at })?;
            self.at = self.at.saturating_add(1);
        }
        Ok(())
    }

    fn step(&mut self, byte: u8) -> Result<(), PathErrorKind> {
        self.state = match (self.state, byte) {
            (State::Start, b'/') => State::Slash,
            (State::Start, _) => return Err(PathErrorKind::NoSlash),
            (State::Slash, b'/') => return Err(PathErrorKind::EmptySegment),
            (State::Digits, b'/') => {
                self.path = self.path.child(self.number).ok_or(PathErrorKind::TooDeep)?;
                State::Slash
            }
            (State::Slash, b'0'..=b'9') => {
                if self.path.level() == Level::ResourceInstance {
                    return Err(PathErrorKind::TooDeep);
                }
                self.number = (byte & 0x0f).into();
                State::Digits
            }
            (State::Digits, b'0'..=b'9') => {
                if self.number == 0 {
                    return Err(PathErrorKind::LeadingZero);
                }
                self.number = self
                    .number
                    .checked_mul(10)
                    .and_then(|number| number.checked_add((byte & 0x0f).into()))
                    .filter(|number| *number != MAX_ID)
                    .ok_or(PathErrorKind::TooLarge)?;
                State::Digits
            }
            _ => return Err(PathErrorKind::NotANumber),
        };
        Ok(())
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
            State::Digits => self.path.child(self.number).ok_or(PathError {
                kind: PathErrorKind::TooDeep,
                at: self.at,
            }),
        }
    }
}
