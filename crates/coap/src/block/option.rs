//! The value of a Block1 or Block2 option (RFC 7959 §2.2).

use core::fmt;

/// One block of a body: its number, its size and whether more follow (RFC 7959 §2.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Block {
    // num << 4 | more << 3 | szx, the same integer as on the wire: at most 24 bits.
    value: u32,
}

/// The size of a block: a power of two from 16 to 1024 bytes (RFC 7959 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
}

/// Why a value is not a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BlockError {
    /// SZX 7, which must lead to 4.00 Bad Request in a request (RFC 7959 §2.2).
    ReservedSize,
    /// More than three bytes: to be treated like an unknown critical option, 4.02 Bad Option (RFC 7252 §5.4.3).
    Length,
}

impl BlockSize {
    /// The smallest, 16 bytes.
    pub const MIN: Self = Self::B16;
    /// The greatest, 1024 bytes.
    pub const MAX: Self = Self::B1024;

    /// The size of the exponent field `szx`; `None` for 7, which is reserved, and above.
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

    /// The exponent field, 0 to 6.
    #[inline]
    pub const fn szx(self) -> u8 {
        self as u8
    }

    /// The size in bytes.
    #[inline]
    pub const fn bytes(self) -> usize {
        16 << self.szx()
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
        let shift = (size.szx() as u32).wrapping_add(4);
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

    /// Reads the value of an option.
    ///
    /// # Errors
    ///
    /// [`BlockError::Length`] for more than three bytes, [`BlockError::ReservedSize`] for SZX 7.
    #[inline]
    pub fn decode(value: &[u8]) -> Result<Self, BlockError> {
        let value = match *value {
            [] => 0,
            [a] => u32::from(a),
            [a, b] => u32::from_be_bytes([0, 0, a, b]),
            [a, b, c] => u32::from_be_bytes([0, a, b, c]),
            _ => return Err(BlockError::Length),
        };
        if value & 0b111 == 0b111 {
            return Err(BlockError::ReservedSize);
        }
        Ok(Self { value })
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
            _ => BlockSize::B1024,
        }
    }

    /// Where the block begins in the body, in bytes: below 2^30.
    #[inline]
    pub const fn offset(self) -> u32 {
        self.number() << (self.size().szx() as u32).wrapping_add(4)
    }
}

impl fmt::Display for Block {
    /// `num/m/size` as RFC 7959 §2.3 writes it: `3/1/128`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}",
            self.number(),
            u8::from(self.more()),
            self.size().bytes()
        )
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
    fn sizes() {
        for szx in 0..7 {
            let size = BlockSize::from_szx(szx).unwrap();
            assert_eq!(size.szx(), szx);
            assert_eq!(BlockSize::at_most(size.bytes()), Some(size));
            assert_eq!(BlockSize::at_most(size.bytes() * 2 - 1), Some(size));
        }
        assert_eq!(BlockSize::from_szx(7), None);
        assert_eq!(BlockSize::at_most(15), None);
        assert_eq!(BlockSize::at_most(usize::MAX), Some(BlockSize::B1024));
    }
}
