//! What a client asks for with Q-Block2, and what is wrong with messages.

use core::fmt;

use super::QBlockParameters;
use crate::block::{Block, BlockError, BlockSize};
use crate::{Code, Message, OptionNumber, Values};

/// What a request with Q-Block2 options asks a server for (RFC 9177 §4.4).
#[derive(Clone, Debug)]
pub enum QBlockRequest<'a> {
    /// The whole body, in blocks of at most this size.
    Whole(BlockSize),
    /// The sets before this block have arrived; go on with it.
    Continue(Block),
    /// Some blocks once more.
    Missing(RequestedBlocks<'a>),
}

/// The Q-Block2 options of a request, checked: their numbers rise.
#[derive(Clone, Debug)]
pub struct RequestedBlocks<'a>(Values<'a>);

/// What is wrong with a message that has a Q-Block option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum QBlockError {
    /// It has none of the expected options: the body is whole, or in Block1 or Block2.
    Absent,
    /// The option itself is malformed.
    Option(BlockError),
    /// Q-Block and Block options in one message, or more than one where one is allowed (RFC 9177 §4.1).
    Mixed,
    /// The requested numbers do not rise (RFC 9177 §4.4).
    Order,
    /// Size1 and Request-Tag, or Size2 and `ETag`, are missing (RFC 9177 §4.3, §4.4, §4.6).
    Undescribed,
    /// The payload is not what the option and the size of the body say.
    PayloadSize,
    /// The size of the blocks, the size of the body or its Content-Format is not that of the blocks before.
    Inconsistent,
    /// The body is longer than the owner can take.
    TooLarge,
    /// The block belongs to a body whose place another one has taken: to be ignored.
    Stale,
}

impl<'a> QBlockRequest<'a> {
    /// Reads the Q-Block2 options of a request; `None` when there are none.
    ///
    /// # Errors
    ///
    /// [`QBlockError::Option`], [`QBlockError::Mixed`] and [`QBlockError::Order`].
    pub fn read(
        message: &Message<'a>,
        parameters: &QBlockParameters,
    ) -> Result<Option<Self>, QBlockError> {
        not_mixed(message)?;
        let mut values = message.values(OptionNumber::Q_BLOCK2);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let first = Block::decode(value).map_err(QBlockError::Option)?;
        let mut previous = first;
        for value in values {
            let block = Block::decode(value).map_err(QBlockError::Option)?;
            if block.number() <= previous.number() || block.size() != first.size() {
                return Err(QBlockError::Order);
            }
            previous = block;
        }
        let alone = previous == first;
        let begins_set = first.number().checked_rem(parameters.set()) == Some(0);
        Ok(Some(if alone && first.more() && first.number() == 0 {
            Self::Whole(first.size())
        } else if alone && first.more() && begins_set {
            Self::Continue(first)
        } else {
            Self::Missing(RequestedBlocks(message.values(OptionNumber::Q_BLOCK2)))
        }))
    }
}

impl Iterator for RequestedBlocks<'_> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        Block::decode(self.0.next()?).ok()
    }
}

/// That there are no Block options beside the Q-Block options, and one Q-Block1 at most.
pub(super) fn not_mixed(message: &Message<'_>) -> Result<(), QBlockError> {
    let (mut q_block, mut q_block1, mut block) = (false, 0_u8, false);
    for (number, _) in message.options() {
        match number {
            OptionNumber::Q_BLOCK1 => {
                q_block1 = q_block1.saturating_add(1);
                q_block = true;
            }
            OptionNumber::Q_BLOCK2 => q_block = true,
            OptionNumber::BLOCK1 | OptionNumber::BLOCK2 => block = true,
            _ => {}
        }
    }
    if (q_block && block) || q_block1 > 1 {
        return Err(QBlockError::Mixed);
    }
    Ok(())
}

impl QBlockError {
    /// The response code with which a server refuses a request; `None` where it is ignored, or is none of Q-Block.
    pub const fn code(self) -> Option<Code> {
        match self {
            Self::Absent | Self::Stale => None,
            Self::Option(BlockError::Length) | Self::Mixed => Some(Code::BAD_OPTION),
            Self::Option(BlockError::ReservedSize)
            | Self::Order
            | Self::Undescribed
            | Self::PayloadSize => Some(Code::BAD_REQUEST),
            Self::Inconsistent => Some(Code::REQUEST_ENTITY_INCOMPLETE),
            Self::TooLarge => Some(Code::REQUEST_ENTITY_TOO_LARGE),
        }
    }
}

impl fmt::Display for QBlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "no Q-Block option",
            Self::Option(error) => return error.fmt(f),
            Self::Mixed => "Q-Block option with Block options, or repeated",
            Self::Order => "requested blocks are not in ascending order",
            Self::Undescribed => "Q-Block without size and tag of the body",
            Self::PayloadSize => "payload has not the size of its block",
            Self::Inconsistent => "block differs in what all blocks of a body have in common",
            Self::TooLarge => "body is too large",
            Self::Stale => "block of an earlier body",
        })
    }
}

impl core::error::Error for QBlockError {}
