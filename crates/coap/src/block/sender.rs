//! Cuts a body into blocks.

use core::fmt;

use super::{Block, BlockError, BlockSize, Outgoing};
use crate::{Code, Message, OptionNumber};

/// How often a body is begun again before a server's 4.08 counts as its answer.
const RESTARTS: u8 = 3;

/// Cuts a body into blocks and sends them in order: a request's body from a client (Block1).
///
/// It keeps the place in the body; the owner keeps the body. A server that answers with Block2 keeps no place at all:
/// see [`Outgoing::requested`].
///
/// ```text
///            2.31, or 2.xx for this block
///              ┌──────────┐
///              ▼          │          final response
///  new ────► part n ──────┴───────────────────────────► done
///              ▲      4.08, 4.13 with a hint │
///              └──────── part 0 ◄────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSender {
    len: u32,
    offset: u32,
    size: BlockSize,
    restarts: u8,
    /// With BERT: how many blocks a payload has.
    run: u16,
}

/// What a response means to the transfer of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Sent {
    /// Send [`BlockSender::current`]: the next part, or the first one again, perhaps in another size.
    More,
    /// This is the response to the whole request, a success or not.
    Final,
}

/// Why a block can not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SendError {
    /// The body has more blocks of this size than can be numbered: 2^20 (RFC 7959 §2.2).
    TooLong,
    /// The block that was asked for begins behind the end of the body.
    OutOfRange,
    /// The response acknowledges another block than the one that was sent.
    WrongBlock,
    /// The option in the response is malformed.
    Option(BlockError),
    /// The body ended earlier than was said, or its part does not fit into the message.
    Shortened,
}

impl BlockSender {
    /// Sends a body of `len` bytes in blocks of at most `size`.
    ///
    /// # Errors
    ///
    /// [`SendError::TooLong`].
    pub fn new(len: usize, size: BlockSize) -> Result<Self, SendError> {
        let len = numberable(len, size)?;
        Ok(Self {
            len,
            offset: 0,
            size,
            restarts: 0,
            run: 1,
        })
    }

    /// With [`BlockSize::Bert`]: as many blocks in one message as fit into `limit` bytes, at least one (RFC 8323 §6).
    #[must_use]
    pub fn payload_limit(mut self, limit: usize) -> Self {
        self.run = u16::try_from(limit >> 10).unwrap_or(u16::MAX).max(1);
        self
    }

    /// The length of the body in bytes.
    pub const fn len(&self) -> usize {
        as_usize(self.len)
    }

    /// Whether the body is empty.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The part to send now, again and again until it is acknowledged.
    ///
    /// A body of no more than one block goes without option, unless blocks were begun.
    pub fn current(&self) -> Outgoing {
        let rest = self.rest();
        let payload = self.payload();
        let more = rest > payload;
        Outgoing {
            offset: as_usize(self.offset),
            len: rest.min(payload),
            block: if self.offset == 0 && !more {
                None
            } else {
                Block::at(self.offset, more, self.size)
            },
        }
    }

    /// Whether the current part is the last one, whose response is that to the whole request.
    pub fn is_last(&self) -> bool {
        self.rest() <= self.payload()
    }

    fn rest(&self) -> usize {
        as_usize(self.len.saturating_sub(self.offset))
    }

    fn payload(&self) -> usize {
        self.size.payload(usize::from(self.run) << 10)
    }

    /// Takes the response to the current part: a success, 4.08 Request Entity Incomplete, after which the body is
    /// begun again a few times, 4.13 Request Entity Too Large, after which a smaller size is tried where that may
    /// help, or any other.
    ///
    /// A success that is not the last one need not be 2.31 Continue: a server that acts on each block answers each
    /// (RFC 7959 §2.3), and the owner sees each response in any case.
    ///
    /// # Errors
    ///
    /// Those of [`acknowledge`](BlockSender::acknowledge), [`SendError::WrongBlock`] also for a 2.31 Continue after
    /// which there is nothing more, and [`SendError::Option`].
    pub fn response(&mut self, message: &Message<'_>) -> Result<Sent, SendError> {
        let block = Block::in_message(message, OptionNumber::BLOCK1, self.size)
            .map_err(SendError::Option)?;
        let more = match message.code() {
            Code::REQUEST_ENTITY_INCOMPLETE => {
                let again = self.current().block.is_some() && self.restarts < RESTARTS;
                if again {
                    self.restarts = self.restarts.saturating_add(1);
                    self.restart();
                }
                again
            }
            Code::REQUEST_ENTITY_TOO_LARGE => {
                let accepted = message.uint(OptionNumber::SIZE1);
                accepted.is_none_or(|most| most >= self.len) && self.shrink_or_cut(block)
            }
            code if code.is_success() => {
                let more = self.acknowledge(block)?;
                if !more && code == Code::CONTINUE {
                    return Err(SendError::WrongBlock);
                }
                more
            }
            _ => false,
        };
        Ok(if more { Sent::More } else { Sent::Final })
    }

    /// Takes the Block1 option of a success response to the current part and moves on to the next part: true when
    /// there is one.
    ///
    /// A smaller size in the option is used from now on (RFC 7959 §2.3). A success response without the option is the
    /// final one: the server took the whole body or does not want the rest.
    ///
    /// # Errors
    ///
    /// [`SendError::WrongBlock`] when the number is not that of the current part; [`SendError::TooLong`] when the
    /// smaller size makes too many blocks. Nothing has moved then.
    pub fn acknowledge(&mut self, block: Option<Block>) -> Result<bool, SendError> {
        let current = self.current();
        let (Some(sent), Some(block)) = (current.block, block) else {
            return Ok(false);
        };
        if sent.number() != block.number() {
            return Err(SendError::WrongBlock);
        }
        let size = self.size.min(block.size());
        numberable(as_usize(self.len), size)?;
        if !sent.more() {
            return Ok(false);
        }
        self.size = size;
        self.offset = u32::try_from(current.end()).unwrap_or(self.len);
        Ok(true)
    }

    /// Begins again, after 4.08 Request Entity Incomplete.
    pub const fn restart(&mut self) {
        self.offset = 0;
    }

    /// Begins again with a smaller size, after 4.13 Request Entity Too Large with a Block1 option that hints at one
    /// (RFC 7959 §2.9.3): true when it does.
    pub fn shrink(&mut self, block: Option<Block>) -> bool {
        match block {
            Some(block)
                if block.size() < self.size
                    && numberable(as_usize(self.len), block.size()).is_ok() =>
            {
                self.size = block.size();
                self.offset = 0;
                true
            }
            _ => false,
        }
    }

    /// Shrinks, or cuts into blocks what went whole: a 4.13 without option is a hint to try that (RFC 7959 §2.9.3).
    fn shrink_or_cut(&mut self, block: Option<Block>) -> bool {
        if self.shrink(block) {
            return true;
        }
        let whole = self.current().block.is_none();
        let smaller = self.len.checked_sub(1).map(as_usize);
        let smaller = smaller.and_then(BlockSize::at_most);
        whole && self.shrink(smaller.map(Block::first))
    }
}

impl SendError {
    /// The response code with which a server refuses a request.
    pub const fn code(self) -> Code {
        match self {
            Self::Option(BlockError::Length) => Code::BAD_OPTION,
            Self::OutOfRange | Self::WrongBlock | Self::Option(BlockError::ReservedSize) => {
                Code::BAD_REQUEST
            }
            Self::TooLong | Self::Shortened => Code::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The length, if all blocks of such a body have a number.
pub(super) fn numberable(len: usize, size: BlockSize) -> Result<u32, SendError> {
    let most = size
        .bytes()
        .saturating_mul(as_usize(Block::MAX_NUMBER).saturating_add(1));
    if len > most {
        return Err(SendError::TooLong);
    }
    u32::try_from(len).map_err(|_| SendError::TooLong)
}

/// Widens where addresses have 32 bits or more.
pub(super) const fn as_usize(value: u32) -> usize {
    value as usize
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "body has too many blocks",
            Self::OutOfRange => "block is behind the end of the body",
            Self::WrongBlock => "another block was acknowledged",
            Self::Option(error) => return error.fmt(f),
            Self::Shortened => "body is shorter than was said, or does not fit",
        })
    }
}

impl core::error::Error for SendError {}
