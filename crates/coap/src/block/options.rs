//! The options of block-wise transfer in one message.

use super::{Block, BlockError, BlockSize};
use crate::{Message, MessageBuilder, OptionNumber};

/// The options of block-wise transfer in one message, for both of its directions.
///
/// Request and response may both be long: a message can have options for both bodies (RFC 7959 §2.7), and they must be
/// written in the order of their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BlockOptions {
    /// Block2: in a response the part of the body that it carries, in a request the part that is wanted.
    pub block2: Option<Block>,
    /// Block1: in a request the part of the body that it carries, in a response the part that is acknowledged.
    pub block1: Option<Block>,
    /// Size2: in a response the size of the body in bytes; 0 in a request asks for it (RFC 7959 §4).
    pub size2: Option<u32>,
    /// Size1: in a request the size of the body in bytes, in a 4.13 response the greatest that is taken (RFC 7959 §4).
    pub size1: Option<u32>,
}

impl BlockOptions {
    /// Reads the options of `message`; SZX 7 is allowed where `largest` is [`BlockSize::Bert`].
    ///
    /// # Errors
    ///
    /// Those of [`Block::decode`], for Block1 and Block2.
    pub fn read(message: &Message<'_>, largest: BlockSize) -> Result<Self, BlockError> {
        Ok(Self {
            block2: Block::in_message(message, OptionNumber::BLOCK2, largest)?,
            block1: Block::in_message(message, OptionNumber::BLOCK1, largest)?,
            size2: message.uint(OptionNumber::SIZE2),
            size1: message.uint(OptionNumber::SIZE1),
        })
    }

    /// Adds the options to a message, whose options so far must have numbers of at most 23, Block2.
    pub fn write(&self, builder: &mut MessageBuilder<'_>) {
        if let Some(block) = self.block2 {
            builder.block2(block);
        }
        if let Some(block) = self.block1 {
            builder.block1(block);
        }
        if let Some(size) = self.size2 {
            builder.uint(OptionNumber::SIZE2, size);
        }
        if let Some(size) = self.size1 {
            builder.uint(OptionNumber::SIZE1, size);
        }
    }

    /// Whether this is a request for a later part of a response: it carries no body of its own (RFC 7959 §2.7).
    pub fn continues_response(&self) -> bool {
        self.block1.is_none() && self.block2.is_some_and(|block| block.number() > 0)
    }
}
