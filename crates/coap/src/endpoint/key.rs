//! An address as a number.

use core::hash::{Hash, Hasher};

/// The number of a peer for the window of duplicates; `seed` is secret, so that nobody finds two peers with the same.
pub(super) fn peer_key(peer: &impl Hash, seed: u64) -> u64 {
    let mut hasher = Mixer(seed);
    peer.hash(&mut hasher);
    hasher.finish()
}

/// Multiplies and folds, eight bytes a time.
struct Mixer(u64);

impl Mixer {
    #[inline]
    fn mix(&mut self, word: u64) {
        let product = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ (product >> 32);
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let rest = rest
            .iter()
            .fold(0, |word, byte| (word << 8) | u64::from(*byte));
        self.mix(rest);
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.mix(u64::from(value));
    }

    #[inline]
    fn write_u16(&mut self, value: u16) {
        self.mix(u64::from(value));
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.mix(u64::from(value));
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }

    #[inline]
    fn write_usize(&mut self, value: usize) {
        self.mix(u64::try_from(value).unwrap_or(u64::MAX));
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::SocketAddr;
    use std::collections::HashSet;

    #[test]
    fn addresses_have_numbers_of_their_own() {
        let mut keys = HashSet::new();
        for host in 0..64_u8 {
            for port in 0..256_u16 {
                let peer = SocketAddr::from(([192, 0, 2, host], port));
                assert!(keys.insert(peer_key(&peer, 7)));
            }
        }
        assert_ne!(peer_key(&1_u8, 1), peer_key(&1_u8, 2));
        assert_eq!(peer_key(&[1_u8; 20], 1), peer_key(&[1_u8; 20], 1));
    }
}
