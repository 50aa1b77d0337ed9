//! A few bytes in a register, on their way into a buffer.

use crate::writer::Writer;
use crate::{EncodeError, SHORT_WAYS};

/// Up to eight bytes. What would be more is lost, so each user says why there are not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Short {
    /// The first byte is the lowest.
    word: u64,
    count: u32,
}

impl Short {
    pub(crate) const EMPTY: Self = Self { word: 0, count: 0 };

    /// One to eight bytes.
    pub(crate) const fn new<const N: usize>(bytes: [u8; N]) -> Self {
        let mut short = Self::EMPTY;
        let mut rest: &[u8] = &bytes;
        while let Some((byte, after)) = rest.split_first() {
            short = short.byte(*byte);
            rest = after;
        }
        short
    }

    pub(crate) const fn len(self) -> u32 {
        self.count
    }

    const fn add(self, word: u64, count: u32) -> Self {
        Self {
            word: self.word | word.wrapping_shl(self.count.wrapping_mul(8)),
            count: self.count.wrapping_add(count),
        }
    }

    /// Adds one byte.
    pub(crate) const fn byte(self, byte: u8) -> Self {
        self.add(byte as u64, 1)
    }

    /// Adds all of `other`.
    pub(crate) const fn join(self, other: Self) -> Self {
        self.add(other.word, other.count)
    }

    /// Adds the two bytes of `number`, the higher first.
    pub(crate) const fn be16(self, number: u16) -> Self {
        self.add(number.swap_bytes() as u64, 2)
    }

    /// Adds the four bytes of `number`, the highest first.
    pub(crate) const fn be32(self, number: u32) -> Self {
        self.add(number.swap_bytes() as u64, 4)
    }

    /// Adds the one to five digits of `number`.
    #[inline]
    pub(crate) fn decimal(self, number: u16) -> Self {
        match number {
            0..=9 => self.add(u64::from(b'0') | u64::from(number), 1),
            10..=99 => self.add(two_digits(number), 2),
            100..=9999 if SHORT_WAYS => self.short_decimal(number),
            _ => self.long_decimal(number),
        }
    }

    /// Adds the one to four digits of `number`, which is below 10,000.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a part of the short ways")]
    pub(crate) fn short_decimal(self, number: u16) -> Self {
        if number < 10 {
            return self.add(u64::from(b'0') | u64::from(number), 1);
        }
        if number < 100 {
            return self.add(two_digits(number), 2);
        }
        let hundreds = number / 100;
        let rest = number.wrapping_sub(hundreds.wrapping_mul(100));
        let digits = two_digits(hundreds) | two_digits(rest) << 16;
        if number < 1000 {
            self.add(digits >> 8, 3)
        } else {
            self.add(digits, 4)
        }
    }

    #[inline(never)]
    fn long_decimal(self, number: u16) -> Self {
        let mut left = u32::from(number);
        let (mut word, mut count) = (0_u64, 0_u32);
        loop {
            let tens = left / 10;
            let digit = left.wrapping_sub(tens.wrapping_mul(10));
            word = word.wrapping_shl(8) | u64::from(b'0') | u64::from(digit);
            count = count.wrapping_add(1);
            left = tens;
            if left == 0 {
                return self.add(word, count);
            }
        }
    }

    pub(crate) const fn word(self) -> u64 {
        self.word
    }

    pub(crate) const fn to_bytes(self) -> [u8; 8] {
        self.word.to_le_bytes()
    }

    /// How many of them count.
    pub(crate) fn len_bytes(self) -> usize {
        usize::try_from(self.count).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn put(self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.put_word(self.word, self.len_bytes())
    }
}

/// The two digits of a number below 100, the first one lowest.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a part of the short ways")]
fn two_digits(number: u16) -> u64 {
    if SHORT_WAYS {
        return PAIRS.get(usize::from(number)).copied().unwrap_or(0).into();
    }
    compute(number).into()
}

/// What [`two_digits`] gives.
static PAIRS: [u16; 100] = {
    let mut pairs = [0; 100];
    let mut rest: &mut [u16] = &mut pairs;
    let mut number = 0;
    while let Some((place, after)) = rest.split_first_mut() {
        *place = compute(number);
        number = number.wrapping_add(1);
        rest = after;
    }
    pairs
};

const fn compute(number: u16) -> u16 {
    // Divided by ten, and exact up to 99.
    let tens = number.wrapping_mul(205) >> 11;
    let ones = number.wrapping_sub(tens.wrapping_mul(10));
    0x3030 | tens | ones << 8
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    #[test]
    fn decimal_digits() {
        for number in 0..=u16::MAX {
            let mut buffer = [0; 8];
            let mut writer = Writer::new(&mut buffer);
            Short::new(*b"n=").decimal(number).put(&mut writer).unwrap();
            assert_eq!(writer.written_from(0), format!("n={number}").as_bytes());
        }
    }

    #[test]
    fn bytes_keep_their_order() {
        let mut buffer = [0; 8];
        let mut writer = Writer::new(&mut buffer);
        let short = Short::new([1]).be16(0x0203).byte(4).be32(0x0506_0708);
        assert_eq!(short.len(), 8);
        short.put(&mut writer).unwrap();
        assert_eq!(writer.written_from(0), [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
