//! The anti-replay window (RFC 6347 §4.1.2.6).

/// Which of the newest 64 sequence numbers have been received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReplayWindow {
    /// One more than the greatest sequence number that was accepted.
    next: u64,
    /// Bit `n`: `next - 1 - n` was accepted.
    seen: u64,
}

impl ReplayWindow {
    pub(crate) const NEW: Self = Self { next: 0, seen: 0 };

    pub(crate) const fn from_parts(next: u64, seen: u64) -> Self {
        Self { next, seen }
    }

    pub(crate) const fn parts(&self) -> (u64, u64) {
        (self.next, self.seen)
    }

    /// Whether a record with this number may be one that was not received yet. Nothing changes, as the record is not yet
    /// known to be genuine.
    pub(crate) fn may_accept(&self, sequence: u64) -> bool {
        if sequence >= self.next {
            return true;
        }
        let age = self.next.wrapping_sub(1).wrapping_sub(sequence);
        age < 64 && self.seen & (1 << (age & 63)) == 0
    }

    /// Remembers the number of a genuine record; whether it is the newest so far.
    pub(crate) fn accept(&mut self, sequence: u64) -> bool {
        if sequence < self.next {
            let age = self.next.wrapping_sub(1).wrapping_sub(sequence);
            if age < 64 {
                self.seen |= 1 << (age & 63);
            }
            return false;
        }
        let ahead = sequence.wrapping_sub(self.next).saturating_add(1);
        self.seen = if ahead < 64 {
            self.seen << (ahead & 63)
        } else {
            0
        } | 1;
        self.next = sequence.saturating_add(1);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_accepted_once() {
        let mut window = ReplayWindow::NEW;
        assert!(window.may_accept(0));
        assert!(window.accept(0));
        assert!(!window.may_accept(0));
        assert!(window.may_accept(1));
    }

    #[test]
    fn what_fell_out_of_the_window_is_refused() {
        let mut window = ReplayWindow::NEW;
        window.accept(100);
        assert!(window.may_accept(37));
        assert!(!window.may_accept(36));
        window.accept(1 << 47);
        assert!(!window.may_accept(100));
    }

    proptest! {
        #[test]
        fn never_twice_and_the_newest_64_always_once(numbers in prop::collection::vec(0_u64..200, 0..300)) {
            let (mut window, mut seen) = (ReplayWindow::NEW, HashSet::new());
            let mut top = None;
            for number in numbers {
                let in_reach = top.is_none_or(|top| number > top || top - number < 64);
                prop_assert_eq!(window.may_accept(number), in_reach && !seen.contains(&number));
                if window.may_accept(number) {
                    prop_assert_eq!(window.accept(number), top.is_none_or(|top| number > top));
                    seen.insert(number);
                    top = top.max(Some(number));
                }
            }
        }
    }
}
