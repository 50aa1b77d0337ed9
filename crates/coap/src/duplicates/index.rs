//! Finds records by their key: open addressing with linear probing over numbers, without marks for deleted entries.

use super::Key;

/// A slot without entry.
pub(super) const EMPTY: u32 = 0;

/// How many bits of a slot tell how far it is from its entry's home, where there are as many to spare.
const DISTANCE_BITS: u32 = 6;

/// The slots, each a number of three fields, of which the records' place need not have all bits:
///
/// ```text
/// │ some bits of the hash │ distance from home │ offset of the record + 1 │
/// ```
///
/// The upper two spare looks at records, which lie anywhere in a memory that may be large: an entry of another key is
/// almost always told by them, and to move an entry its record need not be read. The greatest distance stands for
/// itself and all beyond it; those are read from the record.
pub(super) struct Index<'a> {
    slots: &'a mut [u32],
    multiplier: u64,
    offset_bits: u32,
    distance_bits: u32,
}

/// The secret of the hash function: an odd number made of a seed.
pub(super) const fn multiplier(seed: u64) -> u64 {
    (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xa076_1d64_78bd_642f) | 1
}

/// Where probing for a key begins, and the bits of its hash that its slot has.
#[derive(Clone, Copy)]
struct Hash {
    home: usize,
    tag: u64,
}

impl<'a> Index<'a> {
    /// `ring` is the length of the memory in which the records lie.
    pub(super) fn new(slots: &'a mut [u32], multiplier: u64, ring: usize) -> Self {
        // The number of slots is multiplied with 32 bits of a hash.
        let len = slots
            .len()
            .min(usize::try_from(u32::MAX).unwrap_or(usize::MAX));
        let ring = u32::try_from(ring).unwrap_or(u32::MAX);
        let spare = ring.leading_zeros();
        Self {
            slots: slots.get_mut(..len).unwrap_or_default(),
            multiplier,
            offset_bits: u32::BITS.saturating_sub(spare),
            distance_bits: spare.min(DISTANCE_BITS),
        }
    }

    /// How many entries there may be: three quarters of the slots, so that probing stays short and ends.
    pub(super) fn max_entries(&self) -> usize {
        let len = self.slots.len();
        len.saturating_sub((len / 4).max(1))
    }

    /// The slots and offsets where `key` may be.
    #[inline]
    pub(super) fn probe(&self, key: Key) -> Probe<'_> {
        let Hash { home, tag } = self.hash(key);
        Probe {
            slots: self.slots,
            next: home,
            distance: 0,
            most_distance: self.most_distance(),
            offset_bits: self.offset_bits,
            tag: self.tag_bits(tag),
        }
    }

    /// Whether a slot holds the record at `offset`.
    pub(super) fn holds(&self, slot: usize, offset: usize) -> bool {
        let slot = self.slots.get(slot).copied().unwrap_or(EMPTY);
        self.offset(slot) == Some(offset)
    }

    /// Puts in a key that is not there; false when no slot is empty.
    pub(super) fn insert(&mut self, key: Key, offset: usize) -> bool {
        let Some(place) = offset
            .checked_add(1)
            .and_then(|place| u64::try_from(place).ok())
        else {
            return false;
        };
        let Hash { home, tag } = self.hash(key);
        let mut i = home;
        for distance in 0..self.slots.len() {
            let value = self.value(place, distance, tag);
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
            let Some(offset) = self.offset(value) else {
                break;
            };
            let known = self.distance_field(value);
            let distance = if known < self.most_distance() {
                usize::try_from(known).unwrap_or(0)
            } else {
                key_at(offset).map_or(0, |key| self.between(self.hash(key).home, i))
            };
            let step = self.between(hole, i);
            if distance >= step {
                let place = value_bits(u64::from(value), 0, self.offset_bits);
                let moved = self.value(place, distance.saturating_sub(step), self.tag(value));
                self.set(hole, moved);
                hole = i;
            }
            i = self.after(i);
        }
        self.set(hole, EMPTY);
    }

    fn value(&self, place: u64, distance: usize, tag: u64) -> u32 {
        let distance = self.at_most(distance).wrapping_shl(self.offset_bits);
        u32::try_from(place | distance | self.tag_bits(tag)).unwrap_or(EMPTY)
    }

    /// A tag where a slot has it. With 32 bits for the rest there is no tag, and what is shifted is 0.
    #[inline]
    fn tag_bits(&self, tag: u64) -> u64 {
        tag.wrapping_shl(self.offset_bits.saturating_add(self.distance_bits))
    }

    /// The offset in a slot; `None` when it is empty.
    fn offset(&self, slot: u32) -> Option<usize> {
        let place = value_bits(u64::from(slot), 0, self.offset_bits);
        usize::try_from(place.checked_sub(1)?).ok()
    }

    fn distance_field(&self, slot: u32) -> u64 {
        value_bits(u64::from(slot), self.offset_bits, self.distance_bits)
    }

    fn tag(&self, slot: u32) -> u64 {
        let shift = self.offset_bits.saturating_add(self.distance_bits);
        u64::from(slot).wrapping_shr(shift)
    }

    /// The distance that stands for all beyond it too.
    const fn most_distance(&self) -> u64 {
        1_u64.wrapping_shl(self.distance_bits).saturating_sub(1)
    }

    /// A distance as its field has it.
    fn at_most(&self, distance: usize) -> u64 {
        u64::try_from(distance)
            .unwrap_or(u64::MAX)
            .min(self.most_distance())
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
    fn between(&self, from: usize, to: usize) -> usize {
        if to >= from {
            to.saturating_sub(from)
        } else {
            to.saturating_add(self.slots.len()).saturating_sub(from)
        }
    }

    /// Multiply-shift hashing, whose collisions cannot be foreseen as long as the multiplier is secret.
    #[inline]
    fn hash(&self, key: Key) -> Hash {
        let word = key.peer.rotate_left(16) ^ u64::from(key.id.0);
        let mixed = word.wrapping_mul(self.multiplier);
        // 32 bits by 32 bits.
        let slots = u64::try_from(self.slots.len()).unwrap_or(0);
        let home = (mixed >> 32).saturating_mul(slots) >> 32;
        let used = self.offset_bits.saturating_add(self.distance_bits);
        Hash {
            home: usize::try_from(home).unwrap_or(0),
            // The lowest bits do not depend on the peer.
            tag: value_bits(mixed, 16, u32::BITS.saturating_sub(used)),
        }
    }
}

/// Walks from a key's home to the first empty slot and gives those whose upper fields are the key's.
pub(super) struct Probe<'s> {
    slots: &'s [u32],
    next: usize,
    distance: u64,
    most_distance: u64,
    offset_bits: u32,
    tag: u64,
}

impl Iterator for Probe<'_> {
    type Item = (usize, usize);

    #[inline]
    fn next(&mut self) -> Option<(usize, usize)> {
        // Once round at most.
        while self.distance < u64::try_from(self.slots.len()).unwrap_or(u64::MAX) {
            let at = self.next;
            let slot = *self.slots.get(at)?;
            if slot == EMPTY {
                return None;
            }
            let field = self.distance.min(self.most_distance);
            let upper = field.wrapping_shl(self.offset_bits) | self.tag;
            self.distance = self.distance.saturating_add(1);
            self.next = match at.saturating_add(1) {
                next if next < self.slots.len() => next,
                _ => 0,
            };
            let slot = u64::from(slot);
            let place = value_bits(slot, 0, self.offset_bits);
            if slot ^ place == upper {
                return Some((at, usize::try_from(place.checked_sub(1)?).ok()?));
            }
        }
        None
    }
}

/// `count` bits of `value` from bit `from` on; at most 32 of each.
#[inline]
fn value_bits(value: u64, from: u32, count: u32) -> u64 {
    value.wrapping_shr(from) & 1_u64.wrapping_shl(count).saturating_sub(1)
}

#[cfg(test)]
impl Index<'_> {
    /// How many slots are looked at to know whether a key is there.
    pub(super) fn walked(&self, key: Key) -> usize {
        let home = self.hash(key).home;
        let slots = self.slots.iter().cycle().skip(home);
        slots.take_while(|slot| **slot != EMPTY).count()
    }

    pub(super) fn filled(&self) -> usize {
        self.slots.iter().filter(|slot| **slot != EMPTY).count()
    }
}
