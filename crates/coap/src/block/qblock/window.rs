//! A set of block numbers near each other.

/// Marks blocks in a window of `32 * WORDS` numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window<const WORDS: usize> {
    /// The number of the first bit: a multiple of 32.
    start: u32,
    words: [u32; WORDS],
}

/// What became of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inserted {
    New,
    Already,
    /// It lies outside of the window.
    Outside,
}

impl<const WORDS: usize> Window<WORDS> {
    /// An empty window that begins at the number 0.
    pub(super) const fn new() -> Self {
        Self {
            start: 0,
            words: [0; WORDS],
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Empties the window and moves it to where `number` is.
    pub(super) fn move_to(&mut self, number: u32) {
        *self = Self {
            start: number & !31,
            ..Self::new()
        };
    }

    pub(super) fn insert(&mut self, number: u32) -> Inserted {
        match self.bit(number) {
            Some((word, bit)) if *word & bit == 0 => {
                *word |= bit;
                Inserted::New
            }
            Some(_) => Inserted::Already,
            None => Inserted::Outside,
        }
    }

    pub(super) fn remove(&mut self, number: u32) {
        if let Some((word, bit)) = self.bit(number) {
            *word &= !bit;
        }
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        // A copy is cheaper than the same arithmetic once more for a shared reference.
        let mut copy = *self;
        copy.bit(number).is_some_and(|(word, bit)| *word & bit != 0)
    }

    /// The least number that is in it.
    pub(super) fn first(&self) -> Option<u32> {
        let mut number = self.start;
        for word in &self.words {
            if *word != 0 {
                return Some(number.saturating_add(word.trailing_zeros()));
            }
            number = number.saturating_add(32);
        }
        None
    }

    /// The least number of the window that is not in it, after moving the window on over words that are full.
    pub(super) fn first_absent(&mut self) -> u32 {
        while self.words.first() == Some(&u32::MAX) {
            self.words.rotate_left(1);
            if let Some(last) = self.words.last_mut() {
                *last = 0;
            }
            self.start = self.start.saturating_add(32);
        }
        let ones = self.words.first().map_or(0, |word| word.trailing_ones());
        self.start.saturating_add(ones)
    }

    fn bit(&mut self, number: u32) -> Option<(&mut u32, u32)> {
        let offset = number.checked_sub(self.start)?;
        let index = usize::try_from(offset / 32).ok()?;
        Some((self.words.get_mut(index)?, 1 << (offset % 32)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_moves_over_what_is_full() {
        let mut window = Window::<2>::new();
        assert_eq!(window.insert(64), Inserted::Outside);
        for number in 1..40 {
            assert_eq!(window.insert(number), Inserted::New);
            assert_eq!(window.insert(number), Inserted::Already);
        }
        assert_eq!(window.first_absent(), 0);
        assert_eq!(window.first(), Some(1));
        window.insert(0);
        assert_eq!(window.first_absent(), 40);
        assert_eq!(window.insert(95), Inserted::New);
        assert_eq!(window.insert(96), Inserted::Outside);
        assert_eq!(window.insert(31), Inserted::Outside, "behind the window");
        assert!(window.contains(95) && window.contains(39) && !window.contains(40));
        window.remove(95);
        assert!(!window.contains(95));
        window.move_to(1000);
        assert!(window.is_empty());
        assert_eq!(window.insert(991), Inserted::Outside);
        assert_eq!(window.insert(992), Inserted::New);
    }
}
