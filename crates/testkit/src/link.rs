//! A network in memory: seeded, so that what it did can be done again.

use core::cmp::Reverse;
use core::ops::Range;
use std::collections::BinaryHeap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What happens to datagrams on their way.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditions {
    /// The probability that a datagram is lost, 0 to 1.
    pub loss: f64,
    /// The probability that a datagram arrives twice, 0 to 1.
    pub duplicate: f64,
    /// How long a datagram travels, in milliseconds. A wide range reorders.
    pub delay: Range<u64>,
}

impl Conditions {
    /// Nothing is lost and everything arrives after 10 ms, in order.
    pub const PERFECT: Self = Self {
        loss: 0.0,
        duplicate: 0.0,
        delay: 10..11,
    };

    /// One in five is lost, one in ten arrives twice, and up to 400 ms of delay reorder them.
    pub const ROUGH: Self = Self {
        loss: 0.2,
        duplicate: 0.1,
        delay: 5..400,
    };
}

/// A datagram that has arrived.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivery<A> {
    /// Who sent it.
    pub from: A,
    /// To whom.
    pub to: A,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Carries datagrams between addresses of type `A` under [`Conditions`]. Time is milliseconds of the caller's clock.
///
/// ```
/// use dunlin_testkit::{Conditions, Link};
///
/// let mut link = Link::new(7, Conditions::PERFECT);
/// link.send(0, "device", "server", b"hello");
/// assert_eq!(link.next_arrival(), Some(10));
/// assert!(link.receive(9).is_none());
/// assert_eq!(link.receive(10).unwrap().bytes, b"hello");
/// ```
#[derive(Debug)]
pub struct Link<A> {
    conditions: Conditions,
    rng: StdRng,
    /// Counts what was sent: datagrams that arrive at the same time arrive in this order.
    sent: u64,
    travelling: BinaryHeap<Reverse<(u64, u64, Delivery<A>)>>,
}

impl<A: Ord + Copy> Link<A> {
    /// Makes a link whose losses and delays follow from `seed`.
    pub fn new(seed: u64, conditions: Conditions) -> Self {
        Self {
            conditions,
            rng: StdRng::seed_from_u64(seed),
            sent: 0,
            travelling: BinaryHeap::new(),
        }
    }

    /// Changes what happens to what is sent from now on.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// Sends a datagram at `now`; it may be lost.
    pub fn send(&mut self, now: u64, from: A, to: A, bytes: &[u8]) {
        if self.rng.random_bool(self.conditions.loss) {
            return;
        }
        let copies = if self.rng.random_bool(self.conditions.duplicate) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let arrival = now + self.rng.random_range(self.conditions.delay.clone());
            self.sent += 1;
            let delivery = Delivery {
                from,
                to,
                bytes: bytes.to_vec(),
            };
            self.travelling
                .push(Reverse((arrival, self.sent, delivery)));
        }
    }

    /// Tells when the next datagram arrives.
    pub fn next_arrival(&self) -> Option<u64> {
        self.travelling
            .peek()
            .map(|Reverse((arrival, ..))| *arrival)
    }

    /// Takes the next datagram that has arrived by `now`.
    pub fn receive(&mut self, now: u64) -> Option<Delivery<A>> {
        if self.next_arrival()? > now {
            return None;
        }
        self.travelling
            .pop()
            .map(|Reverse((.., delivery))| delivery)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64) -> Vec<(u64, u8)> {
        let mut link = Link::new(seed, Conditions::ROUGH);
        for number in 0..200_u8 {
            link.send(u64::from(number), 1, 2, &[number]);
        }
        let mut seen = Vec::new();
        while let Some(at) = link.next_arrival() {
            seen.push((at, link.receive(at).unwrap().bytes[0]));
        }
        seen
    }

    #[test]
    fn the_same_seed_does_the_same_and_another_does_not() {
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn a_rough_link_loses_doubles_and_reorders() {
        let seen = run(3);
        let numbers: Vec<u8> = seen.iter().map(|(_, number)| *number).collect();
        assert!(
            (0..200).any(|number| !numbers.contains(&number)),
            "something is lost"
        );
        assert!(
            (0..200).any(|number| numbers
                .iter()
                .filter(|seen| **seen == number)
                .nth(1)
                .is_some()),
            "something is doubled"
        );
        assert!(
            numbers.windows(2).any(|pair| pair[0] > pair[1]),
            "something is overtaken"
        );
        assert!(
            seen.windows(2).all(|pair| pair[0].0 <= pair[1].0),
            "time never goes back"
        );
    }
}
