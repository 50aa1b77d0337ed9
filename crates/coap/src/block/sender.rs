//! Cuts a body into blocks.

use core::fmt;

use super::{Block, BlockSize};
use crate::Code;

/// Cuts a body into blocks and sends them in order: a request's body from a client (Block1).
///
/// It keeps the place in the body; the owner keeps the body. A server that answers with Block2 keeps no place at all:
/// see [`Outgoing::requested`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSender {
    len: u32,
    offset: u32,
    size: BlockSize,
}

/// A part of a body to be sent, and the option that describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where in the body the part begins.
    pub offset: usize,
    /// The length of the part in bytes.
    pub len: usize,
    /// The Block1 or Block2 option; `None` where the body is sent whole and nobody asked for blocks.
    pub block: Option<Block>,
}

/// Why a block can not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendError {
    /// The body has more blocks of this size than can be numbered: 2^20 (RFC 7959 §2.2).
    TooLong,
    /// The block that was asked for begins behind the end of the body.
    OutOfRange,
    /// The response acknowledges another block than the one that was sent.
    WrongBlock,
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
        })
    }

    /// The part to send now, again and again until it is acknowledged.
    ///
    /// A body of no more than one block goes without option, unless blocks were begun.
    pub fn current(&self) -> Outgoing {
        let rest = self.len.saturating_sub(self.offset);
        let more = as_usize(rest) > self.size.bytes();
        Outgoing {
            offset: as_usize(self.offset),
            len: as_usize(rest).min(self.size.bytes()),
            block: if self.offset == 0 && !more {
                None
            } else {
                Block::at(self.offset, more, self.size)
            },
        }
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
}

impl Outgoing {
    /// The part of a body of `len` bytes that answers a request with this Block2 option, or without one.
    ///
    /// The blocks have the size that was asked for or `preferred`, whichever is smaller (RFC 7959 §2.4). A body of no
    /// more than one block goes without option where none was asked for.
    ///
    /// # Errors
    ///
    /// [`SendError::OutOfRange`], to be answered with [`SendError::code`], and [`SendError::TooLong`].
    pub fn requested(
        len: usize,
        request: Option<Block>,
        preferred: BlockSize,
    ) -> Result<Self, SendError> {
        let size = request.map_or(preferred, |block| block.size().min(preferred));
        let offset = request.map_or(0, Block::offset);
        let total = numberable(len, size)?;
        if offset > 0 && offset >= total {
            return Err(SendError::OutOfRange);
        }
        let rest = as_usize(total.saturating_sub(offset));
        let more = rest > size.bytes();
        Ok(Self {
            offset: as_usize(offset),
            len: rest.min(size.bytes()),
            block: if request.is_none() && !more {
                None
            } else {
                Block::at(offset, more, size)
            },
        })
    }

    /// The bytes to send; empty where `body` is shorter than was said.
    pub fn of<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        body.get(self.offset..)
            .and_then(|rest| rest.get(..self.len))
            .unwrap_or_default()
    }

    /// Where in the body the part ends.
    pub const fn end(&self) -> usize {
        self.offset.saturating_add(self.len)
    }
}

impl SendError {
    /// The response code with which a server refuses a request.
    pub const fn code(self) -> Code {
        match self {
            Self::OutOfRange | Self::WrongBlock => Code::BAD_REQUEST,
            Self::TooLong => Code::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The length, if all blocks of such a body have a number.
fn numberable(len: usize, size: BlockSize) -> Result<u32, SendError> {
    let most = size
        .bytes()
        .saturating_mul(as_usize(Block::MAX_NUMBER).saturating_add(1));
    if len > most {
        return Err(SendError::TooLong);
    }
    u32::try_from(len).map_err(|_| SendError::TooLong)
}

/// Widens where addresses have 32 bits or more.
const fn as_usize(value: u32) -> usize {
    value as usize
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "body has too many blocks",
            Self::OutOfRange => "block is behind the end of the body",
            Self::WrongBlock => "another block was acknowledged",
        })
    }
}

impl core::error::Error for SendError {}
