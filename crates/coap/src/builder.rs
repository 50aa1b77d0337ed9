//! Writes a message once into the caller's buffer.
//!
//! What is called often is inlined on a host; on a device each call would have a copy of its own of it.

mod reliable;
#[cfg(test)]
mod tests;
mod typed;

use core::fmt;

use crate::copy::copy;
use crate::options::PAYLOAD_MARKER;
use crate::{Code, Message, MessageId, OptionNumber, SHORT_WAYS, Token, Type};

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
///
/// # The order of options
///
/// Nothing is sorted here: an option whose number is below that of the one before is
/// [`BuildError::OutOfOrder`], which names both. The methods are listed, and to be called, in this order:
///
/// | | | | |
/// |-|-|-|-|
/// | 1 If-Match | 9 OSCORE | 19 Q-Block1 | 35 Proxy-Uri |
/// | 3 Uri-Host | 11 Uri-Path | 20 Location-Query | 39 Proxy-Scheme |
/// | 4 `ETag` | 12 Content-Format | 21 EDHOC | 60 Size1 |
/// | 5 If-None-Match | 14 Max-Age | 23 Block2 | 252 Echo |
/// | 6 Observe | 15 Uri-Query | 27 Block1 | 258 No-Response |
/// | 7 Uri-Port | 16 Hop-Limit | 28 Size2 | 292 Request-Tag |
/// | 8 Location-Path | 17 Accept | 31 Q-Block2 | |
#[derive(Debug)]
pub struct MessageBuilder<'b> {
    buffer: &'b mut [u8],
    /// How much of `buffer` is written.
    len: usize,
    /// The number of the last option.
    previous: u16,
    state: State,
    /// On a stream: where the length goes at the end.
    lengths: Option<reliable::Lengths>,
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
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum BuildError {
    /// The buffer is too small.
    NoSpace,
    /// An option has a smaller number than the one before it: options are written in the order of their numbers
    /// (RFC 7252 §3.1), which [`MessageBuilder`] lists.
    OutOfOrder {
        /// The option that was written before.
        previous: OptionNumber,
        /// The option that came too late.
        number: OptionNumber,
    },
    /// An option comes after the payload.
    OptionAfterPayload(OptionNumber),
    /// A token is longer than 65804 bytes (RFC 8974 §2.1), or stands for one that was not known here
    /// ([`Token::EXTENDED`]).
    TokenTooLong,
    /// An option's value is longer than 65804 bytes, the greatest length that can be written (RFC 7252 §3.1).
    ValueTooLong,
    /// A token, an option or a payload in an Empty message (RFC 7252 §4.1).
    EmptyWithContent,
    /// The payload is longer than the space that was offered for it, or was given twice.
    PayloadLength,
}

impl<'b> MessageBuilder<'b> {
    /// Begins a message at the beginning of `buffer`.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub fn new(
        buffer: &'b mut [u8],
        message_type: Type,
        code: Code,
        id: MessageId,
        token: Token,
    ) -> Self {
        // Nearly always there is space for the longest token: then header and token are two writes of a known size.
        let len = token.len();
        if SHORT_WAYS
            && len <= Token::MAX_LEN
            && !code.is_empty()
            && let Some((header, rest)) = buffer.split_first_chunk_mut()
            && let Some(space) = rest.first_chunk_mut()
        {
            let [high, low] = id.0.to_be_bytes();
            let first = 0x40 | ((message_type as u8) << 4) | token.length_field();
            *header = [first, code.0, high, low];
            *space = token.padded();
            let mut builder = Self::at_beginning(buffer);
            builder.len = len.saturating_add(4);
            return builder;
        }
        let mut builder = Self::at_beginning(buffer);
        if token.is_extended() {
            builder.fail(BuildError::TokenTooLong);
        }
        let length = (token.length_field(), Extension::NONE);
        builder.begin(message_type, code, id, length, token.as_bytes());
        builder
    }

    /// Begins a message with a token of up to 65804 bytes at the beginning of `buffer` (RFC 8974 §2.1).
    ///
    /// Up to eight bytes this is the same as [`new`](MessageBuilder::new). A longer token is for a server that takes it,
    /// which a Confirmable request finds out, and for the answer to a request that had it (RFC 8974 §2.2.2).
    pub fn new_extended(
        buffer: &'b mut [u8],
        message_type: Type,
        code: Code,
        id: MessageId,
        token: &[u8],
    ) -> Self {
        let mut builder = Self::at_beginning(buffer);
        let Some(length) = token_length(token) else {
            builder.fail(BuildError::TokenTooLong);
            return builder;
        };
        builder.begin(message_type, code, id, length, token);
        builder
    }

    /// Writes the header, and the token with its length.
    #[cfg_attr(not(target_os = "none"), inline)]
    fn begin(
        &mut self,
        message_type: Type,
        code: Code,
        id: MessageId,
        (length, extension): (u8, Extension),
        token: &[u8],
    ) {
        let [high, low] = id.0.to_be_bytes();
        let first = 0x40 | ((message_type as u8) << 4) | length;
        self.write(&[first, code.0, high, low]);
        self.write_extension(extension);
        self.write(token);
        if code.is_empty() && self.state == State::Options {
            self.state = if token.is_empty() {
                State::Empty
            } else {
                State::Failed(BuildError::EmptyWithContent)
            };
        }
    }

    #[cfg_attr(not(target_os = "none"), inline)]
    fn at_beginning(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            len: 0,
            previous: 0,
            state: State::Options,
            lengths: None,
        }
    }

    /// Adds an option with this value.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub fn option(&mut self, number: OptionNumber, value: &[u8]) -> &mut Self {
        if SHORT_WAYS && let Some(space) = self.small_option(number, value.len(), value.len()) {
            copy(space, value);
        } else {
            self.any_option(number, value);
        }
        self
    }

    /// Adds an option whose value is the concatenation of `parts`, such as `["lt=", "300"]`.
    pub fn option_parts(&mut self, number: OptionNumber, parts: &[&[u8]]) -> &mut Self {
        let len = parts
            .iter()
            .fold(0_usize, |len, part| len.saturating_add(part.len()));
        self.option_header(number, len);
        for part in parts {
            self.write(part);
        }
        self
    }

    /// Adds an option with an integer value in as few bytes as possible: none for 0 (RFC 7252 §3.2).
    #[cfg_attr(not(target_os = "none"), inline)]
    pub fn uint(&mut self, number: OptionNumber, value: u32) -> &mut Self {
        let zeros = value.leading_zeros() / 8;
        let len = usize::try_from(4_u32.saturating_sub(zeros)).unwrap_or(0);
        // The bytes that count come first; what follows them is written over.
        let bytes = value
            .checked_shl(zeros.saturating_mul(8))
            .unwrap_or(0)
            .to_be_bytes();
        if SHORT_WAYS
            && let Some(space) = self.small_option(number, len, bytes.len())
            && let Ok(space) = space.try_into()
        {
            let space: &mut [u8; 4] = space;
            *space = bytes;
        } else {
            self.any_option(number, bytes.get(..len).unwrap_or_default());
        }
        self
    }

    /// Adds an option without value.
    pub fn empty(&mut self, number: OptionNumber) -> &mut Self {
        self.option(number, &[])
    }

    /// Adds the options of `message`, but in place of those whose numbers `replace` has, what it says: another value, or
    /// nothing (`None`). A number that the message has not is added; one that stands several times has several values.
    ///
    /// This is how a request is repeated for the next block, or sent on by a proxy:
    ///
    /// ```
    /// use dunlin_coap::block::{Block, BlockSize};
    /// use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
    ///
    /// let (mut first, mut second) = ([0; 64], [0; 64]);
    /// let first = MessageBuilder::new(&mut first, Type::Confirmable, Code::GET, MessageId(1), Token::EMPTY)
    ///     .observe(0)
    ///     .path(["a"])
    ///     .accept(60)
    ///     .finish()?;
    /// let first = Message::parse(first)?;
    /// let second = MessageBuilder::new(&mut second, Type::Confirmable, Code::GET, MessageId(2), Token::from([2; 4]))
    ///     .copy_options(&first, &[(OptionNumber::OBSERVE, None), (OptionNumber::BLOCK2, Some(&[0x16]))])
    ///     .finish()?;
    /// let second = Message::parse(second)?;
    /// assert_eq!(second.observe(), None);
    /// assert!(second.uri_path().eq([b"a"]));
    /// assert_eq!(second.accept(), Some(60));
    /// assert_eq!(second.block2()?, Block::new(1, false, BlockSize::B1024));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// The numbers in `replace` ascend, or the error is [`BuildError::OutOfOrder`].
    pub fn copy_options(
        &mut self,
        message: &Message<'_>,
        replace: &[(OptionNumber, Option<&[u8]>)],
    ) -> &mut Self {
        let mut replace = replace.iter().copied().peekable();
        let mut last = None;
        for (number, value) in message.options() {
            while let Some((ours, value)) = replace.next_if(|(ours, _)| *ours <= number) {
                self.replacement(&mut last, ours, value);
            }
            if last != Some(number) {
                self.option(number, value);
            }
        }
        for (ours, value) in replace {
            self.replacement(&mut last, ours, value);
        }
        self
    }

    /// Adds one option of `copy_options`'s list, of which `last` was the one before.
    fn replacement(
        &mut self,
        last: &mut Option<OptionNumber>,
        number: OptionNumber,
        value: Option<&[u8]>,
    ) {
        if let Some(previous) = last.replace(number)
            && number < previous
        {
            self.fail(BuildError::OutOfOrder { previous, number });
        }
        if let Some(value) = value {
            self.option(number, value);
        }
    }

    /// Adds the payload; an empty one is none.
    #[cfg_attr(not(target_os = "none"), inline)]
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
    #[cfg_attr(not(target_os = "none"), inline)]
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
        let start = match self.lengths {
            None => 0,
            Some(lengths) => {
                (lengths.write)(lengths, buffer, self.len).ok_or(BuildError::NoSpace)?
            }
        };
        buffer.get(start..self.len).ok_or(BuildError::NoSpace)
    }

    /// Puts an error into the message, which `finish` reports unless another came first.
    pub(crate) fn fail(&mut self, error: BuildError) {
        if !matches!(self.state, State::Failed(_)) {
            self.state = State::Failed(error);
        }
    }

    #[cfg_attr(not(target_os = "none"), inline)]
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

    /// Writes the header of an option that needs no extension, as all but a few do in practice, and gives `room` bytes
    /// for its value, of which `len` count as written. `None`, and nothing written, for any other, where there is not as
    /// much room, and where anything is wrong.
    #[cfg_attr(not(target_os = "none"), inline)]
    fn small_option(&mut self, number: OptionNumber, len: usize, room: usize) -> Option<&mut [u8]> {
        let delta = u8::try_from(number.0.checked_sub(self.previous)?).ok()?;
        let small_len = u8::try_from(len).ok()?;
        if !matches!(self.state, State::Options) || delta > 12 || small_len > 12 {
            return None;
        }
        let (first, rest) = self.buffer.get_mut(self.len..)?.split_first_mut()?;
        let space = rest.get_mut(..room)?;
        *first = (delta << 4) | small_len;
        self.len = self.len.saturating_add(1).saturating_add(len);
        self.previous = number.0;
        Some(space)
    }

    /// Writes any option, or finds what is wrong.
    #[inline(never)]
    fn any_option(&mut self, number: OptionNumber, value: &[u8]) {
        self.option_header(number, value.len());
        self.write(value);
    }

    /// Writes the header of an option with a value of `len` bytes, or finds what is wrong.
    fn option_header(&mut self, number: OptionNumber, len: usize) {
        match self.state {
            State::Options => {}
            State::Empty => return self.fail(BuildError::EmptyWithContent),
            State::Payload(_) | State::Done => {
                return self.fail(BuildError::OptionAfterPayload(number));
            }
            State::Failed(_) => return,
        }
        let Some(delta) = number.0.checked_sub(self.previous) else {
            let previous = OptionNumber(self.previous);
            return self.fail(BuildError::OutOfOrder { previous, number });
        };
        let (Some((delta, delta_extension)), Some((len, len_extension))) = (
            nibble(u32::from(delta)),
            u32::try_from(len).ok().and_then(nibble),
        ) else {
            return self.fail(BuildError::ValueTooLong);
        };
        self.write(&[(delta << 4) | len]);
        self.write_extension(delta_extension);
        self.write_extension(len_extension);
        self.previous = number.0;
    }

    #[cfg_attr(not(target_os = "none"), inline)]
    fn write_extension(&mut self, extension: Extension) {
        let Extension { word, len } = extension;
        let bytes = word.get(2_usize.wrapping_sub(len)..);
        self.write(bytes.unwrap_or_default());
    }

    #[cfg_attr(not(target_os = "none"), inline)]
    fn write(&mut self, bytes: &[u8]) {
        if let State::Failed(_) = self.state {
            return;
        }
        let space = self
            .buffer
            .get_mut(self.len..)
            .and_then(|rest| rest.get_mut(..bytes.len()));
        match space {
            Some(space) => {
                copy(space, bytes);
                self.len = self.len.saturating_add(bytes.len());
            }
            None => self.fail(BuildError::NoSpace),
        }
    }
}

/// What follows a nibble: the last `len` of these bytes.
#[derive(Clone, Copy)]
struct Extension {
    word: [u8; 2],
    len: usize,
}

impl Extension {
    const NONE: Self = Self {
        word: [0; 2],
        len: 0,
    };

    const fn len(self) -> usize {
        self.len
    }
}

/// The TKL field of this token and the extension of its length; `None` above 65804 bytes.
#[cfg_attr(not(target_os = "none"), inline)]
fn token_length(token: &[u8]) -> Option<(u8, Extension)> {
    // Where the nibble is 9 to 12, the length is the nibble, though it needs RFC 8974 all the same.
    u32::try_from(token.len()).ok().and_then(nibble)
}

/// The nibble and the extension of a delta or length; `None` above 65804.
#[cfg_attr(not(target_os = "none"), inline)]
fn nibble(value: u32) -> Option<(u8, Extension)> {
    let (nibble, len, rest) = match value {
        0..=12 => {
            let [small, ..] = value.to_le_bytes();
            (small, 0, 0)
        }
        13..=268 => (13, 1, value.wrapping_sub(13)),
        _ => (14, 2, value.wrapping_sub(269)),
    };
    let word = u16::try_from(rest).ok()?.to_be_bytes();
    Some((nibble, Extension { word, len }))
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSpace => f.write_str("the buffer is too small for the message"),
            Self::OutOfOrder { previous, number } => write!(
                f,
                "option {} ({number}) comes after option {} ({previous}): options are added in the order of their numbers",
                number.0, previous.0
            ),
            Self::OptionAfterPayload(number) => {
                write!(f, "option {} ({number}) comes after the payload", number.0)
            }
            Self::TokenTooLong => f.write_str("the token cannot be written: too long"),
            Self::ValueTooLong => f.write_str("option value longer than 65804 bytes"),
            Self::EmptyWithContent => f.write_str("an Empty message has nothing but a header"),
            Self::PayloadLength => f.write_str("payload longer than its space, or given twice"),
        }
    }
}

impl core::error::Error for BuildError {}
