//! Whether a peer is where it says it is (RFC 9175 §2.4).

use core::hash::{BuildHasher, Hash, Hasher};
use core::net::SocketAddr;
use std::hash::RandomState;

use bytes::Bytes;

use crate::echo::{EchoIssuer, EchoMac, unvalidated_response};
use crate::time::{Duration, Instant};
use crate::tokio::Response;
use crate::{Code, Message, OptionNumber};

/// For how long an address counts as validated.
const MAX_AGE: Duration = Duration::from_secs(10 * 60);

/// Makes and checks Echo values under a key of this run.
pub(super) struct Validation {
    issuer: EchoIssuer<Mac>,
}

/// The standard library's keyed hash: a pseudo-random function of 64 bits, whose key is random and never told.
struct Mac(RandomState);

impl EchoMac for Mac {
    fn mac(&self, time: [u8; 4], address: &[u8]) -> [u8; 8] {
        let mut hasher = self.0.build_hasher();
        time.hash(&mut hasher);
        address.hash(&mut hasher);
        hasher.finish().to_be_bytes()
    }
}

impl Validation {
    pub(super) fn new() -> Self {
        Self {
            issuer: EchoIssuer::new(Mac(RandomState::new())),
        }
    }

    /// The greatest response in bytes to this request; `None` where the address is validated.
    pub(super) fn limit(
        &self,
        now: Instant,
        peer: SocketAddr,
        message: &Message<'_>,
        len: usize,
    ) -> Option<usize> {
        let (address, used) = bytes(peer);
        let address = address.get(..used).unwrap_or_default();
        let checked = self.issuer.check_request(now, address, message, MAX_AGE);
        checked.is_err().then(|| unvalidated_response(len))
    }

    /// Asks for a proof in place of a response.
    pub(super) fn challenge(&self, now: Instant, peer: SocketAddr) -> Response {
        let (address, used) = bytes(peer);
        let value = self
            .issuer
            .issue(now, address.get(..used).unwrap_or_default());
        Response::new(Code::UNAUTHORIZED)
            .with_option(OptionNumber::ECHO, Bytes::copy_from_slice(&value))
    }
}

/// Address and port: the length tells the families apart.
fn bytes(peer: SocketAddr) -> ([u8; 18], usize) {
    let mut bytes = [0; 18];
    let [high, low] = peer.port().to_be_bytes();
    let (v4, v6);
    let octets: &[u8] = match peer.ip() {
        core::net::IpAddr::V4(address) => {
            v4 = address.octets();
            &v4
        }
        core::net::IpAddr::V6(address) => {
            v6 = address.octets();
            &v6
        }
    };
    let all = octets.iter().chain([&high, &low]);
    let mut len = 0_usize;
    for (place, byte) in bytes.iter_mut().zip(all) {
        *place = *byte;
        len = len.saturating_add(1);
    }
    (bytes, len)
}
