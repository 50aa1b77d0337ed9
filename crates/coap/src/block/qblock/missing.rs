//! The payload that lists missing blocks: application/missing-blocks+cbor-seq (RFC 9177 §5).

use core::fmt;
use core::iter::FusedIterator;

use crate::block::Block;

/// The Content-Format application/missing-blocks+cbor-seq (RFC 9177 §12.3).
pub const MISSING_BLOCKS: u16 = 272;

/// A list of missing blocks: a CBOR sequence of unsigned integers, checked whole by
/// [`parse`](MissingBlocks::parse) (RFC 9177 §5, RFC 8742).
///
/// ```
/// use dunlin_coap::block::qblock::MissingBlocks;
///
/// let mut payload = [0; 16];
/// let len = MissingBlocks::write([1, 9, 300], &mut payload);
/// assert_eq!(payload[..len], [0x01, 0x09, 0x19, 0x01, 0x2c]);
/// assert!(MissingBlocks::parse(&payload[..len])?.eq([1, 9, 300]));
/// # Ok::<(), dunlin_coap::block::qblock::MalformedMissingBlocks>(())
/// ```
#[derive(Clone, Debug)]
pub struct MissingBlocks<'a> {
    rest: &'a [u8],
    previous: Option<u32>,
}

/// A payload that is not a list of missing blocks; the response that carries it is to be ignored (RFC 9177 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedMissingBlocks;

impl<'a> MissingBlocks<'a> {
    /// Reads a payload: one or more unsigned integers that never fall. Iterating leaves out what occurs again.
    ///
    /// # Errors
    ///
    /// [`MalformedMissingBlocks`] for anything else, and for numbers that no block has.
    pub fn parse(payload: &'a [u8]) -> Result<Self, MalformedMissingBlocks> {
        let mut rest = payload;
        let mut least = 0;
        while !rest.is_empty() {
            let (number, after) = number(rest).ok_or(MalformedMissingBlocks)?;
            if number < least || number > Block::MAX_NUMBER {
                return Err(MalformedMissingBlocks);
            }
            (least, rest) = (number, after);
        }
        if payload.is_empty() {
            return Err(MalformedMissingBlocks);
        }
        Ok(Self {
            rest: payload,
            previous: None,
        })
    }

    /// Writes as many of `blocks`, which must rise, as fit into `space`: how many bytes.
    pub fn write(blocks: impl IntoIterator<Item = u32>, space: &mut [u8]) -> usize {
        let mut len = 0_usize;
        for block in blocks {
            let [a, b, c, d] = block.to_be_bytes();
            let bytes: &[u8] = match block {
                0..24 => &[d],
                24..0x100 => &[0x18, d],
                0x100..0x1_0000 => &[0x19, c, d],
                _ => &[0x1a, a, b, c, d],
            };
            let place = space
                .get_mut(len..)
                .and_then(|rest| rest.get_mut(..bytes.len()));
            let Some(place) = place else { break };
            place.copy_from_slice(bytes);
            len = len.saturating_add(bytes.len());
        }
        len
    }
}

/// Reads one unsigned integer of CBOR, of any width (RFC 8949 §3.1).
fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let width = match first {
        0..24 => return Some((u32::from(first), rest)),
        0x18 => 1,
        0x19 => 2,
        0x1a => 4,
        0x1b => 8,
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(width)?;
    Some((crate::decode_uint(value)?, rest))
}

impl Iterator for MissingBlocks<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            let (number, rest) = number(self.rest)?;
            self.rest = rest;
            if self.previous.replace(number) != Some(number) {
                return Some(number);
            }
        }
    }
}

impl FusedIterator for MissingBlocks<'_> {}

impl fmt::Display for MalformedMissingBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a list of missing blocks")
    }
}

impl core::error::Error for MalformedMissingBlocks {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn numbers_of_every_width() {
        let numbers = [0, 23, 24, 255, 256, 65_535, 65_536, Block::MAX_NUMBER];
        let mut space = [0; 64];
        let len = MissingBlocks::write(numbers, &mut space);
        assert_eq!(len, 1 + 1 + 2 + 2 + 3 + 3 + 5 + 5);
        let read: Vec<_> = MissingBlocks::parse(&space[..len]).unwrap().collect();
        assert_eq!(read, numbers);
        // What does not fit is left out, whole.
        assert_eq!(MissingBlocks::write([1, 300, 2], &mut space[..3]), 1);
        // Wider than needed, and twice the same: RFC 9177 §5 has the client ignore duplicates.
        let wide = [0x18, 1, 0x1b, 0, 0, 0, 0, 0, 0, 0, 1, 2];
        assert!(MissingBlocks::parse(&wide).unwrap().eq([1, 2]));
    }

    #[test]
    fn what_is_not_a_list() {
        for bytes in [
            &[][..],
            &[9, 1],
            &[0x18],
            &[0x19, 1],
            &[0x82, 1, 2],
            &[0x20],
            &[0x1a, 0, 0x10, 0, 0],
            &[0x1b, 1, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert!(MissingBlocks::parse(bytes).is_err(), "{bytes:?}");
        }
    }
}
