//! Puts a body together from its blocks.

use core::fmt;

use super::{Block, BlockError, BlockOptions, BlockSize, Tag};
use crate::copy::copy;
use crate::{Code, Message, OptionNumber};

/// Puts a body together from blocks that arrive in order: a request's body on a server (Block1), a response's on a
/// client (Block2).
///
/// It keeps the place in the body, not the body: the owner stores each payload at the offset that it is told, in a
/// buffer or a flash memory. Which requests belong together is the owner's to tell, by their peer and
/// [`TransferKey`](super::TransferKey), and so is the time after which a body that does not go on is given up, at
/// least `EXCHANGE_LIFETIME` where possible (RFC 7959 §2.5).
///
/// Where blocks of at most [`BlockSize::Bert`] are wanted, SZX 7 is understood and payloads may have several blocks
/// (RFC 8323 §6).
///
/// ```text
///            block 0                      last block
///  idle ───────────────► receiving n ───────────────► idle
///            ▲  block 0, from the start again │
///            └────────────────────────────────┘   any failure ──► idle
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockReceiver {
    state: Option<Progress>,
}

#[derive(Clone, Copy, Debug)]
struct Progress {
    /// Bytes of the body that have arrived; the next block begins here.
    received: u32,
    /// Where the last block began, which a client may send again.
    last: u32,
    content_format: Option<u16>,
    etag: Option<Tag>,
}

/// A block that arrived in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Received {
    /// Where in the body the payload is to be stored.
    pub offset: usize,
    /// The length of the payload.
    pub len: usize,
    /// What comes next.
    pub next: Next,
}

/// What to do after a block was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Next {
    /// The body is complete. On a server the final response carries this Block1 option, if any (RFC 7959 §2.3).
    Complete(Option<Block>),
    /// More is to come. A server answers 2.31 Continue with this Block1 option; a client asks on with this Block2
    /// option.
    More(Block),
}

/// Why a block was not accepted. The receiver has forgotten the body; it begins again at block 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ReceiveError {
    /// The option itself is malformed.
    Option(BlockError),
    /// The block is not the next one, or has another Content-Format than those before it (RFC 7959 §2.9.2).
    Incomplete,
    /// The body is longer than the owner can take (RFC 7959 §2.9.3).
    TooLarge,
    /// More is said to follow, but the payload has not the size of a block (RFC 7959 §2.3).
    PayloadSize,
    /// The blocks of a response are of different versions of the resource (RFC 7959 §2.4): ask again from block 0.
    EtagChanged,
}

impl BlockReceiver {
    /// A receiver that waits for block 0.
    pub const fn new() -> Self {
        Self { state: None }
    }

    /// Whether a body has begun and is not complete.
    pub const fn is_receiving(&self) -> bool {
        self.state.is_some()
    }

    /// How many bytes of the body have arrived.
    pub const fn received(&self) -> usize {
        match self.state {
            Some(progress) => progress.received as usize,
            None => 0,
        }
    }

    /// Forgets the body.
    pub const fn reset(&mut self) {
        self.state = None;
    }

    /// Takes a request with or without a Block1 option, on a server.
    ///
    /// `capacity` is the greatest body in bytes, `preferred` the greatest block that the server wants. Block 0 begins
    /// anew, whatever was there before (RFC 7959 §2.5). The last block may come again.
    ///
    /// # Errors
    ///
    /// Every [`ReceiveError`] but [`EtagChanged`](ReceiveError::EtagChanged); [`ReceiveError::code`] is the answer.
    pub fn request(
        &mut self,
        message: &Message<'_>,
        capacity: usize,
        preferred: BlockSize,
    ) -> Result<Received, ReceiveError> {
        let result = self.try_request(message, capacity, preferred);
        self.settle(result)
    }

    fn try_request(
        &self,
        message: &Message<'_>,
        capacity: usize,
        preferred: BlockSize,
    ) -> Result<(Received, Progress), ReceiveError> {
        let block = Block::in_message(message, OptionNumber::BLOCK1, preferred)
            .map_err(ReceiveError::Option)?;
        let announced = message.uint(OptionNumber::SIZE1).unwrap_or(0);
        if usize::try_from(announced).unwrap_or(usize::MAX) > capacity {
            return Err(ReceiveError::TooLarge);
        }
        let (mut received, progress) = self.accept(message, block, None, capacity)?;
        received.next = match block {
            None => Next::Complete(None),
            Some(block) => {
                let answer = block.with_size(block.size().min(preferred));
                if block.more() {
                    Next::More(answer)
                } else {
                    Next::Complete(Some(answer))
                }
            }
        };
        Ok((received, progress))
    }

    /// Takes a success response with or without a Block2 option, on a client.
    ///
    /// `capacity` is the greatest body in bytes, `preferred` the greatest block that the client wants. Where blocks
    /// after the first are expected, block 0 is out of place: [`reset`](BlockReceiver::reset) first when a new
    /// notification takes the place of the body that is being fetched.
    ///
    /// # Errors
    ///
    /// Every [`ReceiveError`].
    pub fn response(
        &mut self,
        message: &Message<'_>,
        capacity: usize,
        preferred: BlockSize,
    ) -> Result<Received, ReceiveError> {
        let result = self.try_response(message, capacity, preferred);
        self.settle(result)
    }

    fn try_response(
        &self,
        message: &Message<'_>,
        capacity: usize,
        preferred: BlockSize,
    ) -> Result<(Received, Progress), ReceiveError> {
        let block = Block::in_message(message, OptionNumber::BLOCK2, preferred)
            .map_err(ReceiveError::Option)?;
        let etag = message.etag().and_then(Tag::new);
        if self.is_receiving() && block.is_none_or(|block| block.number() == 0) {
            // Not taken for a new beginning: a peer that sends nothing else would keep us asking for ever.
            return Err(ReceiveError::Incomplete);
        }
        let (mut received, progress) = self.accept(message, block, etag, capacity)?;
        received.next = match block {
            Some(block) if block.more() => {
                // Late negotiation: the next block in the smaller size begins where this one ended.
                let size = block.size().min(preferred);
                let next = Block::at(progress.received, false, size);
                Next::More(next.ok_or(ReceiveError::TooLarge)?)
            }
            _ => Next::Complete(None),
        };
        Ok((received, progress))
    }

    /// Checks place and size of a block.
    fn accept(
        &self,
        message: &Message<'_>,
        block: Option<Block>,
        etag: Option<Tag>,
        capacity: usize,
    ) -> Result<(Received, Progress), ReceiveError> {
        let offset = block.map_or(0, Block::offset);
        let len = message.payload().len();
        if block.is_some_and(|block| block.more() && !block.size().fills(len)) {
            return Err(ReceiveError::PayloadSize);
        }
        let content_format = message.content_format();
        if offset > 0 {
            let progress = self.state.ok_or(ReceiveError::Incomplete)?;
            if progress.etag != etag {
                return Err(ReceiveError::EtagChanged);
            }
            let in_place = offset == progress.received || offset == progress.last;
            if !in_place || progress.content_format != content_format {
                return Err(ReceiveError::Incomplete);
            }
        }
        let place = usize::try_from(offset).map_err(|_| ReceiveError::TooLarge)?;
        let end = place
            .checked_add(len)
            .filter(|end| *end <= capacity)
            .and_then(|end| u32::try_from(end).ok())
            .ok_or(ReceiveError::TooLarge)?;
        let received = Received {
            offset: place,
            len,
            next: Next::Complete(None),
        };
        let progress = Progress {
            received: end,
            last: offset,
            content_format,
            etag,
        };
        Ok((received, progress))
    }

    fn settle(
        &mut self,
        result: Result<(Received, Progress), ReceiveError>,
    ) -> Result<Received, ReceiveError> {
        let (received, progress) = result.inspect_err(|_| self.state = None)?;
        self.state = match received.next {
            Next::More(_) => Some(progress),
            Next::Complete(_) => None,
        };
        Ok(received)
    }
}

impl Received {
    /// Takes a request with or without a Block1 option on a server that acts on each block for itself and keeps
    /// nothing (RFC 7959 §2.3, Figure 8).
    ///
    /// `next` is always [`Next::Complete`]: the response has the code of what was done with this block and the given
    /// Block1 option, whose M bit is unset. `capacity` and `preferred` as in [`BlockReceiver::request`].
    ///
    /// # Errors
    ///
    /// [`ReceiveError::Option`], [`ReceiveError::PayloadSize`] and [`ReceiveError::TooLarge`].
    pub fn alone(
        message: &Message<'_>,
        capacity: usize,
        preferred: BlockSize,
    ) -> Result<Self, ReceiveError> {
        let block = Block::in_message(message, OptionNumber::BLOCK1, preferred)
            .map_err(ReceiveError::Option)?;
        let len = message.payload().len();
        if block.is_some_and(|block| block.more() && !block.size().fills(len)) {
            return Err(ReceiveError::PayloadSize);
        }
        let offset = block.map_or(0, Block::offset);
        let offset = usize::try_from(offset).map_err(|_| ReceiveError::TooLarge)?;
        if offset.checked_add(len).is_none_or(|end| end > capacity) {
            return Err(ReceiveError::TooLarge);
        }
        let answer = block.map(|block| {
            let size = block.size().min(preferred);
            block.without_more().with_size(size)
        });
        Ok(Self {
            offset,
            len,
            next: Next::Complete(answer),
        })
    }

    /// Stores `payload` in `body`; false, and nothing stored, where it does not fit.
    #[must_use]
    pub fn store(&self, payload: &[u8], body: &mut [u8]) -> bool {
        let space = body
            .get_mut(self.offset..)
            .and_then(|rest| rest.get_mut(..payload.len()));
        match space {
            Some(space) => {
                copy(space, payload);
                true
            }
            None => false,
        }
    }

    /// The length of the body once this block is stored.
    pub const fn end(&self) -> usize {
        self.offset.saturating_add(self.len)
    }

    /// Whether the body is complete.
    pub const fn is_complete(&self) -> bool {
        matches!(self.next, Next::Complete(_))
    }
}

impl ReceiveError {
    /// The response code with which a server refuses the request.
    pub const fn code(self) -> Code {
        match self {
            Self::Option(BlockError::Length) => Code::BAD_OPTION,
            Self::Option(BlockError::ReservedSize) | Self::PayloadSize => Code::BAD_REQUEST,
            Self::Incomplete | Self::EtagChanged => Code::REQUEST_ENTITY_INCOMPLETE,
            Self::TooLarge => Code::REQUEST_ENTITY_TOO_LARGE,
        }
    }

    /// The options with which a server refuses `request`: Block1 where the request had it, in a size of at most
    /// `preferred`, which in a 4.13 is a hint to try that size; and in a 4.13 the greatest body that is taken, Size1
    /// (RFC 7959 §2.9.3, §4).
    ///
    /// A request without Block1 gets none: its sender need not know the option.
    pub fn options(
        self,
        request: &Message<'_>,
        capacity: usize,
        preferred: BlockSize,
    ) -> BlockOptions {
        let block1 = Block::in_message(request, OptionNumber::BLOCK1, preferred);
        let block1 = block1.ok().flatten();
        BlockOptions {
            block1: block1.map(|block| block.with_size(block.size().min(preferred))),
            size1: (self == Self::TooLarge).then(|| u32::try_from(capacity).unwrap_or(u32::MAX)),
            ..BlockOptions::default()
        }
    }
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Option(error) => return error.fmt(f),
            Self::Incomplete => "block is not the next one of the body",
            Self::TooLarge => "body is too large",
            Self::PayloadSize => "payload has not the size of a block",
            Self::EtagChanged => "resource changed during the transfer",
        })
    }
}

impl core::error::Error for ReceiveError {}
