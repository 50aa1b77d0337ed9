//! Finds records by their key: open addressing with linear probing over numbers, without marks for deleted entries.

use super::Key;

/// A slot without entry.
pub(super) const EMPTY: u32 = 0;

/// Slots hold the offset of a record plus one.
pub(super) struct Index<'a> {
    slots: &'a mut [u32],
    seed: u64,
}

impl<'a> Index<'a> {
    pub(super) fn new(slots: &'a mut [u32], seed: u64) -> Self {
        // The number of slots is multiplied with 32 bits of a hash.
        let len = slots
            .len()
            .min(usize::try_from(u32::MAX).unwrap_or(usize::MAX));
        Self {
            slots: slots.get_mut(..len).unwrap_or_default(),
            seed,
        }
    }

    /// How many entries there may be: three quarters of the slots, so that probing stays short and ends.
    pub(super) fn max_entries(&self) -> usize {
        let len = self.slots.len();
        len.saturating_sub((len / 4).max(1))
    }

    /// The slots and offsets where `key` may be.
    pub(super) fn probe(&self, key: Key) -> impl Iterator<Item = (usize, usize)> + '_ {
        let home = self.home(key);
        let (before, after) = self.slots.split_at_checked(home).unwrap_or_default();
        let after = after.iter().enumerate();
        let after = after.map(move |(i, slot)| (home.saturating_add(i), *slot));
        after
            .chain(before.iter().copied().enumerate())
            .take_while(|(_, slot)| *slot != EMPTY)
            .filter_map(|(i, slot)| Some((i, usize::try_from(slot.checked_sub(1)?).ok()?)))
    }

    /// Puts in a key that is not there; false when no slot is empty.
    pub(super) fn insert(&mut self, key: Key, offset: usize) -> bool {
        let Some(value) = u32::try_from(offset)
            .ok()
            .and_then(|offset| offset.checked_add(1))
        else {
            return false;
        };
        let mut i = self.home(key);
        for _ in 0..self.slots.len() {
            match self.slots.get_mut(i) {
                Some(slot) if *slot == EMPTY => {
                    *slot = value;
                    return true;
                }
                _ => i = self.after(i),
            }
        }
        false
    }

    /// Empties a slot and moves entries behind it back, so that all are still found from their home; `key_at` gives
    /// the key of the record at an offset.
    pub(super) fn remove(&mut self, slot: usize, key_at: impl Fn(usize) -> Option<Key>) {
        let mut hole = slot;
        let mut i = self.after(slot);
        for _ in 0..self.slots.len() {
            let value = self.slots.get(i).copied().unwrap_or(EMPTY);
            let Some(offset) = value.checked_sub(1) else {
                break;
            };
            let home = usize::try_from(offset)
                .ok()
                .and_then(&key_at)
                .map_or(i, |key| self.home(key));
            if self.distance(home, i) >= self.distance(hole, i) {
                self.set(hole, value);
                hole = i;
            }
            i = self.after(i);
        }
        self.set(hole, EMPTY);
    }

    fn set(&mut self, i: usize, value: u32) {
        if let Some(slot) = self.slots.get_mut(i) {
            *slot = value;
        }
    }

    fn after(&self, i: usize) -> usize {
        match i.saturating_add(1) {
            next if next < self.slots.len() => next,
            _ => 0,
        }
    }

    /// How far `to` lies behind `from`, going round.
    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from {
            to.saturating_sub(from)
        } else {
            to.saturating_add(self.slots.len()).saturating_sub(from)
        }
    }

    /// Where probing for `key` begins.
    fn home(&self, key: Key) -> usize {
        let mixed = fold(key.peer ^ self.seed, 0x9e37_79b9_7f4a_7c15);
        let mixed = fold(
            mixed ^ u64::from(key.id.0),
            self.seed | 0xa076_1d64_78bd_642f,
        );
        let hash = u128::from(mixed >> 32);
        let len = u128::try_from(self.slots.len()).unwrap_or(0);
        usize::try_from(hash.saturating_mul(len) >> 32).unwrap_or(0)
    }
}

/// Both halves of a product, combined: every bit of the factors counts.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a).wrapping_mul(u128::from(b));
    let high = u64::try_from(product >> 64).unwrap_or(0);
    let low = u64::try_from(product & u128::from(u64::MAX)).unwrap_or(0);
    high ^ low
}

#[cfg(test)]
impl Index<'_> {
    pub(super) fn filled(&self) -> usize {
        self.slots.iter().filter(|slot| **slot != EMPTY).count()
    }
}
