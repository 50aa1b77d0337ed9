//! How much may go to an address that was not validated (RFC 7252 §11.3, RFC 9175 §2.4 and §2.6).

/// By how much what is sent may exceed what was received.
const FACTOR: usize = 3;

/// The headers of Ethernet, IPv6 and UDP, which count on both ways (RFC 9175 §2.4 item 3).
const LOWER_HEADERS: usize = 14 + 40 + 8;

/// The longest response in bytes to any request of an address that was not validated (RFC 9175 §2.4 item 3).
pub const UNVALIDATED_RESPONSE: usize = unvalidated_response(4);

/// The longest response in bytes to a request of this length whose sender's address was not validated, so that three
/// times what was received is not exceeded: 136 for a request of 4 bytes (RFC 9175 §2.4 item 3).
///
/// A longer one is replaced by a 4.01 with an Echo option, or served in blocks that fit. The response goes in an
/// Acknowledgement or a Non-confirmable message, as a retransmission would exceed it.
pub const fn unvalidated_response(request_len: usize) -> usize {
    request_len
        .saturating_add(LOWER_HEADERS)
        .saturating_mul(FACTOR)
        .saturating_sub(LOWER_HEADERS)
}

/// Counts what goes to and comes from one address that was not validated, for servers that keep such a state: never
/// three times more out than in (RFC 9175 §2.4 item 3).
///
/// Drop it once the address was validated: by an Echo value, by a handshake of DTLS, or by an Acknowledgement that an
/// attacker elsewhere could not have guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Amplification {
    /// How many bytes may still be sent, lower headers included.
    credit: u32,
}

impl Amplification {
    /// Nothing was received.
    pub const NEW: Self = Self { credit: 0 };

    /// A datagram of `len` bytes was received.
    pub fn on_received(&mut self, len: usize) {
        let bytes = len.saturating_add(LOWER_HEADERS).saturating_mul(FACTOR);
        self.credit = self.credit.saturating_add(saturate(bytes));
    }

    /// How long a datagram may be that is sent now; `None` for not even an empty one.
    pub fn allowance(&self) -> Option<usize> {
        usize::try_from(self.credit)
            .unwrap_or(usize::MAX)
            .checked_sub(LOWER_HEADERS)
    }

    /// A datagram of `len` bytes is to be sent: false, and not counted, when it would be too much.
    #[must_use]
    pub fn spend(&mut self, len: usize) -> bool {
        let bytes = saturate(len.saturating_add(LOWER_HEADERS));
        match self.credit.checked_sub(bytes) {
            Some(credit) => {
                self.credit = credit;
                true
            }
            None => false,
        }
    }
}

fn saturate(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
