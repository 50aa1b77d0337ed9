//! Writes a message once into the caller's buffer.

#[cfg(test)]
mod tests;

use core::fmt;

use crate::block::Block;
use crate::options::PAYLOAD_MARKER;
use crate::{Code, MessageId, OptionNumber, Token, Type};

/// Writes a message into a buffer: header and token at once, then options in ascending order, then the payload.
///
/// The methods chain. The first error sticks: whatever comes after it writes nothing, and
/// [`finish`](MessageBuilder::finish) reports it.
///
/// ```
/// use dunlin_coap::{Code, MessageBuilder, MessageId, OptionNumber, Token, Type};
///
/// let mut buffer = [0; 64];
/// let message = MessageBuilder::new(
///     &mut buffer,
///     Type::Confirmable,
///     Code::GET,
///     MessageId(0x1234),
///     Token::from([1, 2, 3, 4]),
/// )
/// .path(["3", "0"])
/// .uint(OptionNumber::ACCEPT, 112)
/// .finish()?;
/// assert_eq!(message.len(), 14);
/// # Ok::<(), dunlin_coap::BuildError>(())
/// ```
#[derive(Debug)]
pub struct MessageBuilder<'b> {
    buffer: &'b mut [u8],
    /// How much of `buffer` is written.
    len: usize,
    /// The number of the last option.
    previous: u16,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Options may follow, then a payload.
    Options,
    /// An Empty message: nothing may follow.
    Empty,
    /// The payload begins at this offset, one after the marker.
    Payload(usize),
    /// The payload is written: nothing may follow.
    Done,
    Failed(BuildError),
}

/// Why a message was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BuildError {
    /// The buffer is too small.
    NoSpace,
    /// An option has a smaller number than the one before it, or comes after the payload.
    OutOfOrder,
    /// An option's value is longer than 65804 bytes, the greatest length that can be written (RFC 7252 §3.1).
    ValueTooLong,
    /// A token, an option or a payload in an Empty message (RFC 7252 §4.1).
    EmptyWithContent,
    /// The payload is longer than the space that was offered for it, or was given twice.
    PayloadLength,
}

impl<'b> MessageBuilder<'b> {
    /// Begins a message at the beginning of `buffer`.
    pub fn new(
        buffer: &'b mut [u8],
        message_type: Type,
        code: Code,
        id: MessageId,
        token: Token,
    ) -> Self {
        let mut builder = Self {
            buffer,
            len: 0,
            previous: 0,
            state: State::Options,
        };
        let [high, low] = id.0.to_be_bytes();
        let first = 0x40 | ((message_type as u8) << 4) | token.length_field();
        builder.write(&[first, code.0, high, low]);
        builder.write(token.as_bytes());
        if code.is_empty() && builder.state == State::Options {
            builder.state = if token.is_empty() {
                State::Empty
            } else {
                State::Failed(BuildError::EmptyWithContent)
            };
        }
        builder
    }

    /// Adds an option with this value.
    #[inline]
    pub fn option(&mut self, number: OptionNumber, value: &[u8]) -> &mut Self {
        if let Some(space) = self.small_option(number, value.len()) {
            space.copy_from_slice(value);
        } else {
            self.any_option(number, &[value]);
        }
        self
    }

    /// Adds an option whose value is the concatenation of `parts`, such as `["lt=", "300"]`.
    pub fn option_parts(&mut self, number: OptionNumber, parts: &[&[u8]]) -> &mut Self {
        self.any_option(number, parts);
        self
    }

    /// Adds an option with an integer value in as few bytes as possible: none for 0 (RFC 7252 §3.2).
    pub fn uint(&mut self, number: OptionNumber, value: u32) -> &mut Self {
        let bytes = value.to_be_bytes();
        let zeros = usize::try_from(value.leading_zeros() / 8).unwrap_or(0);
        self.option(number, bytes.get(zeros..).unwrap_or_default())
    }

    /// Adds an option without value.
    pub fn empty(&mut self, number: OptionNumber) -> &mut Self {
        self.option(number, &[])
    }

    /// Adds a Uri-Path option for each segment.
    pub fn path<S: AsRef<[u8]>>(&mut self, segments: impl IntoIterator<Item = S>) -> &mut Self {
        self.repeated(OptionNumber::URI_PATH, segments)
    }

    /// Adds a Uri-Query option for each argument.
    pub fn query<S: AsRef<[u8]>>(&mut self, arguments: impl IntoIterator<Item = S>) -> &mut Self {
        self.repeated(OptionNumber::URI_QUERY, arguments)
    }

    /// Adds a Location-Path option for each segment.
    pub fn location_path<S: AsRef<[u8]>>(
        &mut self,
        segments: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        self.repeated(OptionNumber::LOCATION_PATH, segments)
    }

    fn repeated<S: AsRef<[u8]>>(
        &mut self,
        number: OptionNumber,
        values: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        for value in values {
            self.option(number, value.as_ref());
        }
        self
    }

    /// Adds the format of the payload (Content-Format).
    pub fn content_format(&mut self, format: u16) -> &mut Self {
        self.uint(OptionNumber::CONTENT_FORMAT, u32::from(format))
    }

    /// Adds the format wanted of the response (Accept).
    pub fn accept(&mut self, format: u16) -> &mut Self {
        self.uint(OptionNumber::ACCEPT, u32::from(format))
    }

    /// Adds an Observe option; of a sequence number the low 24 bits are written (RFC 7641 §2).
    pub fn observe(&mut self, value: u32) -> &mut Self {
        self.uint(OptionNumber::OBSERVE, value & 0x00ff_ffff)
    }

    /// Adds an `ETag`.
    pub fn etag(&mut self, etag: &[u8]) -> &mut Self {
        self.option(OptionNumber::ETAG, etag)
    }

    /// Adds the time in seconds for which a response is fresh (Max-Age).
    pub fn max_age(&mut self, seconds: u32) -> &mut Self {
        self.uint(OptionNumber::MAX_AGE, seconds)
    }

    /// Adds a Block1 option.
    pub fn block1(&mut self, block: Block) -> &mut Self {
        self.uint(OptionNumber::BLOCK1, block.to_uint())
    }

    /// Adds a Block2 option.
    pub fn block2(&mut self, block: Block) -> &mut Self {
        self.uint(OptionNumber::BLOCK2, block.to_uint())
    }

    /// Adds the payload; an empty one is none.
    pub fn payload(&mut self, payload: &[u8]) -> &mut Self {
        if payload.is_empty() {
            return self;
        }
        self.begin_payload();
        self.write(payload);
        if let State::Payload(_) = self.state {
            self.state = State::Done;
        }
        self
    }

    /// The space that is left for a payload, to be written in place; then call
    /// [`payload_len`](MessageBuilder::payload_len).
    ///
    /// Empty after an error, or when the buffer is full.
    pub fn payload_buffer(&mut self) -> &mut [u8] {
        if !matches!(self.state, State::Payload(_)) {
            // A full buffer is no error as long as nothing is to be written.
            if self.state == State::Options && self.len == self.buffer.len() {
                return &mut [];
            }
            self.begin_payload();
        }
        match self.state {
            State::Payload(start) => self.buffer.get_mut(start..).unwrap_or_default(),
            _ => &mut [],
        }
    }

    /// Tells how many bytes were written at the beginning of [`payload_buffer`](MessageBuilder::payload_buffer); 0
    /// means no payload.
    pub fn payload_len(&mut self, len: usize) -> &mut Self {
        match self.state {
            State::Payload(start) => {
                let end = start.saturating_add(len);
                if end > self.buffer.len() {
                    self.fail(BuildError::PayloadLength);
                } else {
                    self.len = if len == 0 {
                        start.saturating_sub(1)
                    } else {
                        end
                    };
                    self.state = State::Done;
                }
            }
            State::Failed(_) => {}
            State::Options | State::Empty | State::Done => {
                if len > 0 {
                    self.fail(BuildError::PayloadLength);
                }
            }
        }
        self
    }

    /// The space that is left in the buffer, in bytes, of which a payload needs one for its marker; 0 after an error.
    pub fn remaining(&self) -> usize {
        match self.state {
            State::Failed(_) => 0,
            _ => self.buffer.len().saturating_sub(self.len),
        }
    }

    /// Ends the message and gives its bytes.
    ///
    /// # Errors
    ///
    /// The first error of all calls so far. A second call finds no buffer: [`BuildError::NoSpace`].
    pub fn finish(&mut self) -> Result<&'b [u8], BuildError> {
        if let State::Payload(_) = self.state {
            // The space was asked for but never used.
            self.payload_len(0);
        }
        if let State::Failed(error) = self.state {
            return Err(error);
        }
        self.state = State::Failed(BuildError::NoSpace);
        let buffer = core::mem::take(&mut self.buffer);
        buffer.get(..self.len).ok_or(BuildError::NoSpace)
    }

    /// Puts an error into the message, which `finish` reports unless another came first.
    pub(crate) fn fail(&mut self, error: BuildError) {
        if !matches!(self.state, State::Failed(_)) {
            self.state = State::Failed(error);
        }
    }

    fn begin_payload(&mut self) {
        match self.state {
            State::Options => {
                self.write(&[PAYLOAD_MARKER]);
                if self.state == State::Options {
                    self.state = State::Payload(self.len);
                }
            }
            State::Empty => self.fail(BuildError::EmptyWithContent),
            State::Payload(_) | State::Done => self.fail(BuildError::PayloadLength),
            State::Failed(_) => {}
        }
    }

    /// Writes the header of an option that needs no extension, as all but a few do in practice, and gives the space of
    /// its value, which counts as written. `None`, and nothing written, for any other and where anything is wrong.
    #[inline]
    fn small_option(&mut self, number: OptionNumber, len: usize) -> Option<&mut [u8]> {
        let delta = u8::try_from(number.0.checked_sub(self.previous)?).ok()?;
        let small_len = u8::try_from(len).ok()?;
        if self.state != State::Options || delta > 12 || small_len > 12 {
            return None;
        }
        let (first, rest) = self.buffer.get_mut(self.len..)?.split_first_mut()?;
        let (space, _) = rest.split_at_mut_checked(len)?;
        *first = (delta << 4) | small_len;
        self.len = self.len.saturating_add(1).saturating_add(len);
        self.previous = number.0;
        Some(space)
    }

    /// Writes any option, or finds what is wrong.
    fn any_option(&mut self, number: OptionNumber, parts: &[&[u8]]) {
        match self.state {
            State::Options => {}
            State::Empty => return self.fail(BuildError::EmptyWithContent),
            State::Payload(_) | State::Done => return self.fail(BuildError::OutOfOrder),
            State::Failed(_) => return,
        }
        let Some(delta) = number.0.checked_sub(self.previous) else {
            return self.fail(BuildError::OutOfOrder);
        };
        let len = parts
            .iter()
            .fold(0_usize, |len, part| len.saturating_add(part.len()));
        let (Some((delta, delta_extension)), Some((len, len_extension))) = (
            nibble(u32::from(delta)),
            u32::try_from(len).ok().and_then(nibble),
        ) else {
            return self.fail(BuildError::ValueTooLong);
        };
        self.write(&[(delta << 4) | len]);
        self.write_extension(delta_extension);
        self.write_extension(len_extension);
        for part in parts {
            self.write(part);
        }
        self.previous = number.0;
    }

    fn write_extension(&mut self, extension: Extension) {
        match extension {
            Extension::None => {}
            Extension::Byte(byte) => self.write(&[byte]),
            Extension::Word(word) => self.write(&word),
        }
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        if let State::Failed(_) = self.state {
            return;
        }
        let space = self
            .buffer
            .get_mut(self.len..)
            .and_then(|rest| rest.split_at_mut_checked(bytes.len()));
        match space {
            Some((space, _)) => {
                space.copy_from_slice(bytes);
                self.len = self.len.saturating_add(bytes.len());
            }
            None => self.fail(BuildError::NoSpace),
        }
    }
}

#[derive(Clone, Copy)]
enum Extension {
    None,
    Byte(u8),
    Word([u8; 2]),
}

/// The nibble and the extension of a delta or length; `None` above 65804.
#[inline]
fn nibble(value: u32) -> Option<(u8, Extension)> {
    if let Ok(small) = u8::try_from(value)
        && small < 13
    {
        return Some((small, Extension::None));
    }
    if let Ok(byte) = u8::try_from(value.saturating_sub(13)) {
        return Some((13, Extension::Byte(byte)));
    }
    let word = u16::try_from(value.saturating_sub(269)).ok()?;
    Some((14, Extension::Word(word.to_be_bytes())))
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSpace => "the buffer is too small for the message",
            Self::OutOfOrder => "options must be added in ascending order and before the payload",
            Self::ValueTooLong => "option value longer than 65804 bytes",
            Self::EmptyWithContent => "an Empty message has nothing but a header",
            Self::PayloadLength => "payload longer than its space, or given twice",
        })
    }
}

impl core::error::Error for BuildError {}
