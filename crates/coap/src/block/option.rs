//! The value of a Block1, Block2, Q-Block1 or Q-Block2 option (RFC 7959 §2.2, RFC 8323 §6, RFC 9177 §4.2).

use core::fmt;

use crate::{Message, OptionNumber, SHORT_WAYS, decode_uint};

/// One block of a body: its number, its size and whether more follow (RFC 7959 §2.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "u32", try_from = "u32")
)]
pub struct Block {
    // num << 4 | more << 3 | szx, the same integer as on the wire: at most 24 bits.
    value: u32,
}

/// The size of a block: a power of two from 16 to 1024 bytes (RFC 7959 §2.2), or BERT (RFC 8323 §6).
///
/// The order is that of negotiation: [`Bert`](BlockSize::Bert) is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum BlockSize {
    /// 16 bytes (SZX 0).
    B16 = 0,
    /// 32 bytes (SZX 1).
    B32 = 1,
    /// 64 bytes (SZX 2).
    B64 = 2,
    /// 128 bytes (SZX 3).
    B128 = 3,
    /// 256 bytes (SZX 4).
    B256 = 4,
    /// 512 bytes (SZX 5).
    B512 = 5,
    /// 1024 bytes (SZX 6).
    B1024 = 6,
    /// Several blocks of 1024 bytes in one message (SZX 7): on reliable transports only, where both sides have
    /// announced block-wise transfer and messages above 1152 bytes (RFC 8323 §5.3.2, §6).
    Bert = 7,
}

/// Why a value is not a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BlockError {
    /// SZX 7 where BERT is not possible, which must lead to 4.00 Bad Request in a request (RFC 7959 §2.2).
    ReservedSize,
    /// More than three bytes: to be treated like an unknown critical option, 4.02 Bad Option (RFC 7252 §5.4.3).
    Length,
}

impl BlockSize {
    /// The smallest, 16 bytes.
    pub const MIN: Self = Self::B16;
    /// The greatest that may stand in a datagram, 1024 bytes.
    pub const MAX: Self = Self::B1024;

    /// The size of the exponent field `szx`; `None` for 7, which is reserved in datagrams, and above.
    #[inline]
    pub const fn from_szx(szx: u8) -> Option<Self> {
        Some(match szx {
            0 => Self::B16,
            1 => Self::B32,
            2 => Self::B64,
            3 => Self::B128,
            4 => Self::B256,
            5 => Self::B512,
            6 => Self::B1024,
            _ => return None,
        })
    }

    /// The greatest size of at most `bytes` bytes; `None` below 16.
    #[inline]
    pub const fn at_most(bytes: usize) -> Option<Self> {
        Some(match bytes {
            0..16 => return None,
            16..32 => Self::B16,
            32..64 => Self::B32,
            64..128 => Self::B64,
            128..256 => Self::B128,
            256..512 => Self::B256,
            512..1024 => Self::B512,
            _ => Self::B1024,
        })
    }

    /// The exponent field, 0 to 7.
    #[inline]
    pub const fn szx(self) -> u8 {
        self as u8
    }

    /// The size in bytes of what is numbered: 1024 with BERT, where a payload has one or more of them.
    #[inline]
    pub const fn bytes(self) -> usize {
        1 << self.shift()
    }

    /// The binary logarithm of the size.
    #[inline]
    pub(crate) const fn shift(self) -> u32 {
        match self {
            Self::Bert => 10,
            other => (other.szx() as u32).wrapping_add(4),
        }
    }

    /// How many blocks a body of `len` bytes has; an empty one has one, which is empty.
    pub const fn blocks(self, len: u32) -> u32 {
        let count = len.div_ceil(1 << self.shift());
        if count == 0 { 1 } else { count }
    }

    /// The greatest payload of one message in blocks of this size where a payload may have `limit` bytes: a block, or
    /// with BERT as many as fit, but at least one.
    pub(crate) fn payload(self, limit: usize) -> usize {
        match self {
            Self::Bert => limit.max(1024) & !1023,
            other => other.bytes(),
        }
    }

    /// Whether a payload of `len` bytes may stand in a message after which more follow: the size of a block, with BERT
    /// a multiple of it (RFC 7959 §2.3, RFC 8323 §6).
    pub(crate) const fn fills(self, len: usize) -> bool {
        match self {
            Self::Bert => len > 0 && len.is_multiple_of(1024),
            other => len == other.bytes(),
        }
    }
}

impl Block {
    /// The greatest block number: 20 bits.
    pub const MAX_NUMBER: u32 = 0xf_ffff;

    /// Block `number` of blocks of `size`, which is followed by another when `more`.
    ///
    /// `None` when `number` is above [`Block::MAX_NUMBER`].
    #[inline]
    pub const fn new(number: u32, more: bool, size: BlockSize) -> Option<Self> {
        if number > Self::MAX_NUMBER {
            return None;
        }
        Some(Self {
            value: (number << 4) | ((more as u32) << 3) | size.szx() as u32,
        })
    }

    /// The first block with `more` false: what a client sends to ask for blocks of `size` (RFC 7959 §2.4).
    #[inline]
    pub const fn first(size: BlockSize) -> Self {
        Self {
            value: size.szx() as u32,
        }
    }

    /// The block of `size` that begins `offset` bytes into the body.
    ///
    /// `None` when no block begins there, or its number is above [`Block::MAX_NUMBER`].
    #[inline]
    pub const fn at(offset: u32, more: bool, size: BlockSize) -> Option<Self> {
        let shift = size.shift();
        let number = offset >> shift;
        if number << shift != offset {
            return None;
        }
        Self::new(number, more, size)
    }

    /// The same number with another size: how a server tells the size that it prefers (RFC 7959 §2.3).
    #[inline]
    #[must_use]
    pub const fn with_size(self, size: BlockSize) -> Self {
        Self {
            value: (self.value & !0b111) | size.szx() as u32,
        }
    }

    /// The same without the M bit.
    #[inline]
    #[must_use]
    pub(crate) const fn without_more(self) -> Self {
        Self {
            value: self.value & !0b1000,
        }
    }

    /// Reads the value of an option in a datagram.
    ///
    /// # Errors
    ///
    /// [`BlockError::Length`] for more than three bytes, [`BlockError::ReservedSize`] for SZX 7.
    #[inline]
    pub fn decode(value: &[u8]) -> Result<Self, BlockError> {
        let block = Self::decode_bert(value)?;
        if let BlockSize::Bert = block.size() {
            return Err(BlockError::ReservedSize);
        }
        Ok(block)
    }

    /// Reads the value of an option on a reliable transport where BERT was negotiated (RFC 8323 §6).
    ///
    /// # Errors
    ///
    /// [`BlockError::Length`] for more than three bytes.
    #[inline]
    pub fn decode_bert(value: &[u8]) -> Result<Self, BlockError> {
        if !SHORT_WAYS {
            if value.len() > 3 {
                return Err(BlockError::Length);
            }
            let value = decode_uint(value).ok_or(BlockError::Length)?;
            return Ok(Self { value });
        }
        let value = match *value {
            [] => 0,
            [a] => u32::from(a),
            [a, b] => u32::from_be_bytes([0, 0, a, b]),
            [a, b, c] => u32::from_be_bytes([0, a, b, c]),
            _ => return Err(BlockError::Length),
        };
        Ok(Self { value })
    }

    /// The first option `number` of `message` as a block; SZX 7 is allowed where `largest` is [`BlockSize::Bert`].
    ///
    /// # Errors
    ///
    /// Those of [`Block::decode`].
    #[inline]
    pub fn in_message(
        message: &Message<'_>,
        number: OptionNumber,
        largest: BlockSize,
    ) -> Result<Option<Self>, BlockError> {
        let decode = match largest {
            BlockSize::Bert => Self::decode_bert,
            _ => Self::decode,
        };
        message.values(number).next().map(decode).transpose()
    }

    /// The integer that stands in the option.
    #[inline]
    pub const fn to_uint(self) -> u32 {
        self.value
    }

    /// The number of the block, from 0.
    #[inline]
    pub const fn number(self) -> u32 {
        self.value >> 4
    }

    /// Whether more blocks follow. In a request's Block2 it means nothing and is false.
    #[inline]
    pub const fn more(self) -> bool {
        self.value & 0b1000 != 0
    }

    /// The size of the blocks.
    #[inline]
    pub const fn size(self) -> BlockSize {
        match self.value & 0b111 {
            0 => BlockSize::B16,
            1 => BlockSize::B32,
            2 => BlockSize::B64,
            3 => BlockSize::B128,
            4 => BlockSize::B256,
            5 => BlockSize::B512,
            6 => BlockSize::B1024,
            _ => BlockSize::Bert,
        }
    }

    /// Where the block begins in the body, in bytes: below 2^30.
    #[inline]
    pub const fn offset(self) -> u32 {
        self.number() << self.size().shift()
    }
}

impl From<Block> for u32 {
    fn from(block: Block) -> Self {
        block.value
    }
}

impl TryFrom<u32> for Block {
    type Error = BlockError;

    /// The block of the integer in an option; SZX 7 is BERT.
    fn try_from(value: u32) -> Result<Self, BlockError> {
        if value > 0x00ff_ffff {
            return Err(BlockError::Length);
        }
        Ok(Self { value })
    }
}

impl fmt::Display for Block {
    /// `num/m/size` as RFC 7959 §2.3 and RFC 8323 §6 write it: `3/1/128`, `3/1/BERT`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.number(), u8::from(self.more()))?;
        match self.size() {
            BlockSize::Bert => f.write_str("BERT"),
            size => size.bytes().fmt(f),
        }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedSize => "block size exponent 7 is reserved",
            Self::Length => "block option longer than three bytes",
        })
    }
}

impl core::error::Error for BlockError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_value() {
        // 33/0/32 and 59/1/128 are the examples of RFC 7959 §2.3.
        let block = Block::new(33, false, BlockSize::B32).unwrap();
        assert_eq!(std::format!("{block}"), "33/0/32");
        assert_eq!(block.to_uint(), 0x211);
        assert_eq!(block.offset(), 1056);
        let block = Block::new(59, true, BlockSize::B128).unwrap();
        assert_eq!(std::format!("{block}"), "59/1/128");
        assert_eq!(Block::decode(&[0x03, 0xbb]), Ok(block));
        assert_eq!(Block::decode(&[0, 0x03, 0xbb]), Ok(block));
        assert_eq!(Block::decode(&[]), Ok(Block::first(BlockSize::B16)));
        let last = Block::new(Block::MAX_NUMBER, true, BlockSize::B1024).unwrap();
        assert_eq!(last.offset(), 0x3fff_fc00);
        assert_eq!(Block::decode(&[0xff, 0xff, 0xfe]), Ok(last));
    }

    #[test]
    fn what_is_not_a_block() {
        assert_eq!(Block::decode(&[7]), Err(BlockError::ReservedSize));
        assert_eq!(
            Block::decode(&[0xff, 0xff, 0xff]),
            Err(BlockError::ReservedSize)
        );
        assert_eq!(Block::decode(&[0, 0, 0, 0]), Err(BlockError::Length));
        assert_eq!(
            Block::new(Block::MAX_NUMBER + 1, false, BlockSize::B16),
            None
        );
    }

    #[test]
    fn bert_counts_in_blocks_of_1024() {
        let block = Block::decode_bert(&[0x3f]).unwrap();
        assert_eq!(std::format!("{block}"), "3/1/BERT");
        assert_eq!((block.offset(), block.size()), (3072, BlockSize::Bert));
        assert_eq!(Block::at(3072, true, BlockSize::Bert), Some(block));
        assert_eq!(Block::try_from(u32::from(block)), Ok(block));
        assert_eq!(Block::try_from(1 << 24), Err(BlockError::Length));
        assert!(BlockSize::Bert > BlockSize::MAX);
        assert_eq!(BlockSize::Bert.payload(8191), 7168);
        assert_eq!(BlockSize::Bert.payload(0), 1024);
        assert!(BlockSize::Bert.fills(2048));
        assert!(!BlockSize::Bert.fills(0) && !BlockSize::Bert.fills(1500));
    }

    #[test]
    fn sizes() {
        for szx in 0..7 {
            let size = BlockSize::from_szx(szx).unwrap();
            assert_eq!(size.szx(), szx);
            assert_eq!(BlockSize::at_most(size.bytes()), Some(size));
            assert_eq!(BlockSize::at_most(size.bytes() * 2 - 1), Some(size));
        }
        assert_eq!(BlockSize::from_szx(7), None);
        assert_eq!(BlockSize::B16.blocks(0), 1);
        assert_eq!(BlockSize::B16.blocks(16), 1);
        assert_eq!(BlockSize::Bert.blocks(1025), 2);
        assert_eq!(BlockSize::at_most(15), None);
        assert_eq!(BlockSize::at_most(usize::MAX), Some(BlockSize::B1024));
    }
}
