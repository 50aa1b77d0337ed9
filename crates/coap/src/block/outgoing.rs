//! A part of a body that is to be sent.

use super::sender::{as_usize, numberable};
use super::{Block, BlockOptions, BlockSize, Body, SendError};
use crate::MessageBuilder;

/// A part of a body to be sent, and the option that describes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Outgoing {
    /// Where in the body the part begins.
    pub offset: usize,
    /// The length of the part in bytes; where the length of the body is not known and no more follows, it may turn
    /// out shorter.
    pub len: usize,
    /// The Block1 or Block2 option; `None` where the body is sent whole and nobody asked for blocks.
    pub block: Option<Block>,
}

impl Outgoing {
    /// The part of a body of `len` bytes that answers a request with this Block2 option, or without one.
    ///
    /// The blocks have the size that was asked for or `preferred`, whichever is smaller (RFC 7959 §2.4). A body of no
    /// more than one block goes without option where none was asked for. Nothing is kept: each request is answered for
    /// itself.
    ///
    /// # Errors
    ///
    /// [`SendError::OutOfRange`], to be answered with [`SendError::code`], and [`SendError::TooLong`].
    pub fn requested(
        len: usize,
        request: Option<Block>,
        preferred: BlockSize,
    ) -> Result<Self, SendError> {
        Self::requested_within(len, request, preferred, 0)
    }

    /// Like [`requested`](Outgoing::requested) where a payload has at most `limit` bytes: with
    /// [`BlockSize::Bert`] that many blocks of 1024 bytes are sent as fit, at least one (RFC 8323 §6). Other sizes do
    /// not look at `limit`.
    ///
    /// # Errors
    ///
    /// Those of [`requested`](Outgoing::requested).
    pub fn requested_within(
        len: usize,
        request: Option<Block>,
        preferred: BlockSize,
        limit: usize,
    ) -> Result<Self, SendError> {
        let size = request.map_or(preferred, |block| block.size().min(preferred));
        let offset = request.map_or(0, Block::offset);
        let total = numberable(len, size)?;
        if offset > 0 && offset >= total {
            return Err(SendError::OutOfRange);
        }
        let rest = as_usize(total.saturating_sub(offset));
        let payload = size.payload(limit);
        Ok(Self {
            offset: as_usize(offset),
            len: rest.min(payload),
            block: option(request, offset, rest > payload, size),
        })
    }

    /// Like [`requested_within`](Outgoing::requested_within) for a body that need not lie in memory nor have a known
    /// length: then up to two single bytes of it are read.
    ///
    /// # Errors
    ///
    /// Those of [`requested`](Outgoing::requested).
    pub fn from_body<B: Body + ?Sized>(
        body: &mut B,
        request: Option<Block>,
        preferred: BlockSize,
        limit: usize,
    ) -> Result<Self, SendError> {
        if let Some(len) = body.len() {
            return Self::requested_within(len, request, preferred, limit);
        }
        let size = request.map_or(preferred, |block| block.size().min(preferred));
        let offset = request.map_or(0, Block::offset);
        let len = size.payload(limit);
        let mut goes_on_at = |offset| body.read(offset, &mut [0]) > 0;
        let end = as_usize(offset)
            .checked_add(len)
            .ok_or(SendError::TooLong)?;
        let more = goes_on_at(end);
        if !more && offset > 0 && !goes_on_at(as_usize(offset)) {
            return Err(SendError::OutOfRange);
        }
        if more {
            // The next block needs a number too.
            numberable(end.saturating_add(1), size)?;
        }
        Ok(Self {
            offset: as_usize(offset),
            len,
            block: option(request, offset, more, size),
        })
    }

    /// The bytes to send; empty where `body` is shorter than was said.
    pub fn of<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        body.get(self.offset..)
            .and_then(|rest| rest.get(..self.len))
            .unwrap_or_default()
    }

    /// Reads the part straight into the payload of a message whose options are written.
    ///
    /// # Errors
    ///
    /// [`SendError::Shortened`] when there is less than was said, or the message has too little space.
    pub fn write<B: Body + ?Sized>(
        &self,
        body: &mut B,
        builder: &mut MessageBuilder<'_>,
    ) -> Result<(), SendError> {
        let space = builder.payload_buffer();
        let room = space.len().min(self.len);
        let space = space.get_mut(..room).unwrap_or_default();
        let read = body.read(self.offset, space).min(space.len());
        let more = self.block.is_some_and(Block::more);
        let expected = match body.len() {
            Some(_) => read == self.len,
            None if more => read == self.len,
            None => room == self.len || read < room,
        };
        builder.payload_len(read);
        if expected {
            Ok(())
        } else {
            Err(SendError::Shortened)
        }
    }

    /// The options of the response that carries this part as an answer to a request with the options `request`.
    ///
    /// Size2 is there where it was asked for, and in the first of several blocks, if the length of the body is known
    /// (RFC 7959 §4). Block1 and Size1 are left to whoever took the request's body.
    pub fn response_options(&self, len: Option<usize>, request: &BlockOptions) -> BlockOptions {
        let begins = self.offset == 0 && self.block.is_some_and(Block::more);
        let asked = request.size2.is_some();
        BlockOptions {
            block2: self.block,
            size2: len
                .filter(|_| begins || asked)
                .map(|len| u32::try_from(len).unwrap_or(u32::MAX)),
            ..BlockOptions::default()
        }
    }

    /// Where in the body the part ends.
    pub const fn end(&self) -> usize {
        self.offset.saturating_add(self.len)
    }
}

/// The option of a part: none where the whole body goes unasked.
fn option(request: Option<Block>, offset: u32, more: bool, size: BlockSize) -> Option<Block> {
    if request.is_none() && !more {
        None
    } else {
        Block::at(offset, more, size)
    }
}
