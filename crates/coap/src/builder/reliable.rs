//! Messages for reliable transports: no type, no id, and the length in front (RFC 8323 §3.2).

use super::{BuildError, MessageBuilder, State, token_length};
use crate::Code;
use crate::copy::copy;
use crate::reliable::Framing;

/// What becomes of the beginning of a message on a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    /// Room for the first byte, which has the token's length already, and Extended Length.
    reserved: usize,
    /// Where Len counts from: the first option.
    body: usize,
    /// Writes them. A pointer, so that it is in no image that speaks UDP alone.
    pub(super) write: fn(Self, &mut [u8], usize) -> Option<usize>,
}

/// The greatest lengths of options and payload that are written with 0, 1 and 2 bytes of Extended Length.
const LIMITS: [(usize, usize); 3] = [(0, 12), (1, 268), (2, 65804)];

impl<'b> MessageBuilder<'b> {
    /// Begins a message for a reliable transport (RFC 8323 §3.2, §4.2).
    ///
    /// On a stream the length comes first but is known last: as many bytes as the length of any message in `buffer`
    /// needs are left free in front, and [`finish`](MessageBuilder::finish) writes it there. So nothing is moved, the
    /// payload can be written in place, and the message that `finish` gives may begin up to four bytes into `buffer`.
    /// Whatever fits into `buffer` with its length is written.
    ///
    /// A token of more than eight bytes is for a peer that announced to take it (RFC 8974 §2.2.1); see
    /// [`Connection::message`](crate::reliable::Connection::message), which knows.
    ///
    /// ```
    /// use dunlin_coap::reliable::Framing;
    /// use dunlin_coap::{Code, MessageBuilder};
    ///
    /// let mut buffer = [0; 300];
    /// let message = MessageBuilder::reliable(&mut buffer, Framing::Stream, Code::CONTENT, &[0x71])
    ///     .payload(b"22.5 C")
    ///     .finish()?;
    /// assert_eq!(message, [&[0x71, 0x45, 0x71, 0xff][..], b"22.5 C"].concat());
    /// # Ok::<(), dunlin_coap::BuildError>(())
    /// ```
    pub fn reliable(buffer: &'b mut [u8], framing: Framing, code: Code, token: &[u8]) -> Self {
        let Some((token_length, extension)) = token_length(token) else {
            let mut builder = Self::at_beginning(buffer);
            builder.fail(BuildError::TokenTooLong);
            return builder;
        };
        let mut builder = match framing {
            Framing::Stream => {
                let head = 2_usize
                    .saturating_add(extension.len())
                    .saturating_add(token.len());
                let (extended, end) = extended_length(buffer.len(), head);
                let mut builder = Self::at_beginning(buffer.get_mut(..end).unwrap_or_default());
                builder.write([0; 4].get(..extended).unwrap_or_default());
                builder
            }
            Framing::WebSocket => Self::at_beginning(buffer),
        };
        builder.write(&[token_length]);
        let reserved = builder.len;
        builder.write(&[code.0]);
        builder.write_extension(extension);
        builder.write(token);
        if framing == Framing::Stream {
            builder.lengths = Some(Lengths {
                reserved,
                body: builder.len,
                write: Lengths::write,
            });
        }
        if code.is_empty() && builder.state == State::Options {
            builder.state = if token.is_empty() {
                State::Empty
            } else {
                State::Failed(BuildError::EmptyWithContent)
            };
        }
        builder
    }
}

/// For a buffer of `len` bytes: how many bytes of Extended Length to leave free, and how much of the buffer a message
/// can fill then. `head` is the length of all else before the options.
fn extended_length(len: usize, head: usize) -> (usize, usize) {
    for (extended, limit) in LIMITS {
        // The next longer form is needed only if the buffer holds more in it than this form can tell.
        let longer = if extended < 2 {
            extended.saturating_add(1)
        } else {
            4
        };
        if len.saturating_sub(head).saturating_sub(longer) <= limit {
            let end = head.saturating_add(extended).saturating_add(limit);
            return (extended, len.min(end));
        }
    }
    (4, len)
}

impl Lengths {
    /// Writes Len and Extended Length in front of the message that ends at `end`, and gives its beginning.
    fn write(self, buffer: &mut [u8], end: usize) -> Option<usize> {
        let len = u32::try_from(end.saturating_sub(self.body)).ok()?;
        let extension;
        let (nibble, extension): (u8, &[u8]) = match len {
            0..=12 => (u8::try_from(len).ok()?, &[]),
            13..=268 => (13, &[u8::try_from(len.saturating_sub(13)).ok()?]),
            269..=65804 => {
                extension = len.saturating_sub(269).to_be_bytes();
                (14, extension.get(2..)?)
            }
            65805.. => {
                extension = len.saturating_sub(65805).to_be_bytes();
                (15, &extension)
            }
        };
        let (front, _) = buffer.split_at_mut_checked(self.reserved)?;
        let token_length = *front.last()?;
        let start = front.len().checked_sub(extension.len())?.checked_sub(1)?;
        let (first, rest) = front.get_mut(start..)?.split_first_mut()?;
        copy(rest, extension);
        *first = (nibble << 4) | token_length;
        Some(start)
    }
}
