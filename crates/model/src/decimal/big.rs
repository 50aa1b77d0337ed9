//! Long arithmetic, as little as the conversions need.

use core::cmp::Ordering;

/// A natural number in words that the caller lends, the lowest first. What does not fit in them is lost; the users
/// say why everything fits.
#[derive(Debug)]
pub(super) struct Big<'w> {
    words: &'w mut [u32],
    /// Above these all words are 0.
    used: usize,
}

/// The lower and the upper half.
const fn split(wide: u64) -> (u32, u64) {
    let [a, b, c, d, ..] = wide.to_le_bytes();
    (u32::from_le_bytes([a, b, c, d]), wide >> 32)
}

impl<'w> Big<'w> {
    pub(super) fn new(words: &'w mut [u32], number: u64) -> Self {
        let (low, high) = split(number);
        let mut big = Self { words, used: 0 };
        big.push(low);
        big.push(split(high).0);
        big.trim();
        big
    }

    fn push(&mut self, word: u32) {
        if let Some(place) = self.words.get_mut(self.used) {
            *place = word;
            self.used = self.used.saturating_add(1);
        }
    }

    fn trim(&mut self) {
        while let Some(0) = self.digits().last() {
            self.used = self.used.saturating_sub(1);
        }
    }

    fn digits(&self) -> &[u32] {
        self.words.get(..self.used).unwrap_or_default()
    }

    fn digits_mut(&mut self) -> &mut [u32] {
        self.words.get_mut(..self.used).unwrap_or_default()
    }

    pub(super) fn is_zero(&self) -> bool {
        self.used == 0
    }

    /// How many bits the number has.
    pub(super) fn bits(&self) -> u32 {
        let Some(highest) = self.digits().last() else {
            return 0;
        };
        let below = u32::try_from(self.used)
            .unwrap_or(u32::MAX)
            .saturating_sub(1);
        below
            .saturating_mul(32)
            .saturating_add(32_u32.saturating_sub(highest.leading_zeros()))
    }

    /// Multiplies with `factor` and adds `addend`.
    pub(super) fn scale(&mut self, factor: u32, addend: u32) {
        let mut carry = u64::from(addend);
        for word in self.digits_mut() {
            let (low, high) = split(
                u64::from(*word)
                    .wrapping_mul(factor.into())
                    .wrapping_add(carry),
            );
            (*word, carry) = (low, high);
        }
        if carry > 0 {
            self.push(split(carry).0);
        }
    }

    /// Multiplies with 10 to the power of `exponent`.
    pub(super) fn scale_by_power(&mut self, exponent: u32) {
        for _ in 0..exponent / 9 {
            self.scale(1_000_000_000, 0);
        }
        for _ in 0..exponent % 9 {
            self.scale(10, 0);
        }
    }

    /// Multiplies with 2 to the power of `bits`.
    pub(super) fn shift(&mut self, bits: u32) {
        self.scale(1_u32.wrapping_shl(bits), 0);
        let words = usize::try_from(bits / 32).unwrap_or_default();
        let end = self.used.saturating_add(words).min(self.words.len());
        if words == 0 || self.used == 0 {
            return;
        }
        for to in (0..end).rev() {
            let from = to.checked_sub(words);
            let word = from.and_then(|from| self.words.get(from)).copied();
            if let Some(place) = self.words.get_mut(to) {
                *place = word.unwrap_or_default();
            }
        }
        self.used = end;
    }

    pub(super) fn compare(&self, other: &Big<'_>) -> Ordering {
        self.used
            .cmp(&other.used)
            .then_with(|| self.digits().iter().rev().cmp(other.digits().iter().rev()))
    }

    /// Takes away `other`, which is not greater.
    pub(super) fn subtract(&mut self, other: &Big<'_>) {
        let mut borrow = false;
        let others = other.digits().iter().copied().chain(core::iter::repeat(0));
        for (word, other) in self.digits_mut().iter_mut().zip(others) {
            let (difference, first) = word.overflowing_sub(other);
            let (difference, second) = difference.overflowing_sub(borrow.into());
            (*word, borrow) = (difference, first || second);
        }
        self.trim();
    }

    /// Adds `other`.
    pub(super) fn add(&mut self, other: &Big<'_>) {
        while self.used < other.used.min(self.words.len()) {
            self.push(0);
        }
        let mut carry = false;
        let others = other.digits().iter().copied().chain(core::iter::repeat(0));
        for (word, other) in self.digits_mut().iter_mut().zip(others) {
            let (sum, first) = word.overflowing_add(other);
            let (sum, second) = sum.overflowing_add(carry.into());
            (*word, carry) = (sum, first || second);
        }
        if carry {
            self.push(1);
        }
    }

    /// Becomes `other`.
    pub(super) fn set(&mut self, other: &Big<'_>) {
        self.used = 0;
        for word in other.digits() {
            self.push(*word);
        }
    }
}
