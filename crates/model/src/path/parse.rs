//! Reading a path from text, in one or more pieces.

use super::{Path, PathError, PathErrorKind};

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
    /// Complete and begun segments, as [`Path`] keeps them.
    path: Path,
    at: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first byte.
    #[default]
    Start,
    /// After a slash, before the segment with this index.
    Slash(u8),
    /// Inside the segment with this index.
    Digits(u8),
}

impl PathParser {
    /// Makes a parser that has read nothing.
    pub const fn new() -> Self {
        Self {
            path: Path::ROOT,
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
            (State::Start, b'/') => State::Slash(0),
            (State::Start, _) => return Err(PathErrorKind::NoSlash),
            (State::Slash(_), b'/') => return Err(PathErrorKind::EmptySegment),
            (State::Digits(index), b'/') => State::Slash(index.saturating_add(1)),
            (State::Slash(index), b'0'..=b'9') => {
                let kept = self
                    .path
                    .0
                    .get_mut(usize::from(index))
                    .ok_or(PathErrorKind::TooDeep)?;
                *kept = u16::from(byte & 0x0f).saturating_add(1);
                State::Digits(index)
            }
            (State::Digits(index), b'0'..=b'9') => {
                let kept = self
                    .path
                    .0
                    .get_mut(usize::from(index))
                    .ok_or(PathErrorKind::TooDeep)?;
                // Kept as the number + 1: 65534 is the largest that fits.
                let number = kept.saturating_sub(1);
                if number == 0 {
                    return Err(PathErrorKind::LeadingZero);
                }
                *kept = number
                    .checked_mul(10)
                    .and_then(|number| number.checked_add(u16::from(byte & 0x0f)))
                    .and_then(|number| number.checked_add(1))
                    .ok_or(PathErrorKind::TooLarge)?;
                State::Digits(index)
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
        matches!(self.state, State::Slash(_))
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
            State::Slash(0) => Ok(Path::ROOT),
            State::Slash(_) => Err(PathError {
                kind: PathErrorKind::EmptySegment,
                at: self.at,
            }),
            State::Digits(_) => Ok(self.path),
        }
    }
}
