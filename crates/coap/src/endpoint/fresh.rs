//! Requests that are fresh, from clients that are where they say (RFC 9175 §2).

#[expect(
    deprecated,
    reason = "the keyed hash that core has; what replaced it is in std"
)]
use core::hash::{Hash, Hasher, SipHasher};

use super::Request;
use crate::OptionNumber;
use crate::echo::{ECHO_LEN, EchoIssuer, unvalidated_response};
use crate::time::{Duration, Instant};

/// How old the proof may be that a client is where it says.
const VALIDATED_FOR: Duration = Duration::from_secs(300);

/// Makes and checks Echo values with a MAC of 64 bits: SipHash-2-4 over time and address.
pub(super) struct Freshness {
    key: [u64; 2],
}

impl Freshness {
    pub(super) const fn new(key: [u64; 2]) -> Self {
        Self { key }
    }

    /// A value for a client.
    pub(super) fn issue(&self, now: Instant, peer: &impl Hash) -> [u8; ECHO_LEN] {
        EchoIssuer::new(|time, _: &[u8]| self.mac(time, peer)).issue(now, &[])
    }

    /// Whether a request carries a value that was made for its sender not longer ago than `max_age`.
    pub(super) fn is_fresh<P: Hash>(
        &self,
        now: Instant,
        request: &Request<'_, P>,
        max_age: Duration,
    ) -> bool {
        let Some(value) = request.message.option(OptionNumber::ECHO) else {
            return false;
        };
        let issuer = EchoIssuer::new(|time, _: &[u8]| self.mac(time, &request.peer));
        issuer.check(now, &[], value, max_age).is_ok()
    }

    /// Whether a response of `len` bytes may go to where a request claims to come from (RFC 9175 §2.4 item 3).
    pub(super) fn may_answer<P: Hash>(
        &self,
        now: Instant,
        request: &Request<'_, P>,
        len: usize,
    ) -> bool {
        len <= unvalidated_response(request.len) || self.is_fresh(now, request, VALIDATED_FOR)
    }

    #[expect(deprecated, reason = "see the import")]
    fn mac(&self, time: [u8; 4], peer: &impl Hash) -> [u8; 8] {
        let [first, second] = self.key;
        let mut hasher = SipHasher::new_with_keys(first, second);
        hasher.write(&time);
        peer.hash(&mut hasher);
        hasher.finish().to_be_bytes()
    }
}
