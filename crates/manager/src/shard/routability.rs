//! What an association may send to an address that it has moved to before it is certain that the device is there.
//!
//! Whoever stands on the way may give a genuine record another source address and be quicker than the record itself. The
//! address of an association follows the newest record (RFC 9146 §6), and so would all that is sent then: a flood for
//! whoever has the address. So no more than three times what came from there goes there (RFC 9175 §2.4 item 3), until the
//! device has answered a ping from there. One is sent only when something has to wait for it: for the answers to most
//! requests there is room, and a device behind a NAT, which moves whenever it wakes, need not be up any longer.

use dunlin_coap::echo::Amplification;
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{Kind, Message, MessageId};

use super::Shard;
use super::secure::Place;
use crate::AssociationId;

/// The bytes of a ping (RFC 7252 §4.3).
const PING: usize = 4;

/// When another ping may follow one that was not answered: as the first retransmission of CoAP.
const AGAIN: Duration = Duration::from_secs(3);

/// An address that is not proved.
#[derive(Debug)]
pub(super) struct Unproved {
    /// The last address that was: it is where the device is sought after a restart.
    pub(super) home: Place,
    allowed: Amplification,
    ping: Option<(MessageId, Instant)>,
}

/// What is to be done with a record for an address that is not proved.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is room for it.
    Send,
    /// It waits until the address is proved, and the device is to be pinged for that.
    Ping,
    /// It waits until the address is proved.
    Wait,
}

impl Unproved {
    pub(super) fn new(home: Place) -> Self {
        Self {
            home,
            allowed: Amplification::NEW,
            ping: None,
        }
    }

    /// A genuine datagram came from the address.
    pub(super) fn received(&mut self, len: usize) {
        self.allowed.on_received(len);
    }

    /// Counts a record with so many bytes of data, if it may go; there is always room left for a ping.
    pub(super) fn judge(&mut self, now: Instant, data: usize, overhead: usize) -> Verdict {
        let (record, ping) = (data.saturating_add(overhead), PING.saturating_add(overhead));
        let mut rest = self.allowed;
        if rest.spend(record) && rest.spend(ping) {
            let _ = self.allowed.spend(record);
            return Verdict::Send;
        }
        let is_recent = self
            .ping
            .is_some_and(|(_, at)| now.saturating_duration_since(at) < AGAIN);
        if !is_recent && self.allowed.spend(ping) {
            Verdict::Ping
        } else {
            Verdict::Wait
        }
    }

    /// Whether a message from the address shows that the ping arrived there.
    fn is_proved_by(&self, message: &[u8]) -> bool {
        let Some((id, _)) = self.ping else {
            return false;
        };
        Message::parse(message)
            .is_ok_and(|message| message.kind() == Kind::Reset && message.id() == id)
    }
}

impl Shard {
    /// Pings a device at an address that is not proved, on account of what came from there.
    pub(super) fn ping(&mut self, now: Instant, id: AssociationId) {
        let Some(peer) = self.secure.peer(id) else {
            return;
        };
        let message_id = self.own_message_id(peer);
        let [high, low] = message_id.0.to_be_bytes();
        if let Some(unproved) = self.secure.unproved(id) {
            unproved.ping = Some((message_id, now));
        }
        self.transmit_now(id, &[0x40, 0, high, low]);
    }

    /// Looks whether a message that came from the present address of an association proves that the device is there; true
    /// if that was all that it is for.
    pub(super) fn proves_address(&mut self, id: AssociationId, message: &[u8]) -> bool {
        let unproved = self.secure.unproved(id);
        if !unproved.is_some_and(|unproved| unproved.is_proved_by(message)) {
            return false;
        }
        self.secure.proved(id);
        self.persist_window(self.clock.0, id);
        self.transmit_held(id);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_times_what_came_goes_out_and_the_last_of_it_is_a_ping() {
        let at = |seconds| Instant::from_secs(seconds);
        let mut unproved = Unproved::new((0, ([192, 0, 2, 1], 1).into()));
        assert_eq!(unproved.judge(at(0), 0, 36), Verdict::Wait);
        // With the headers below: 300 bytes came, 900 may go.
        unproved.received(300 - 62);
        assert_eq!(unproved.judge(at(0), 400 - 62 - 36, 36), Verdict::Send);
        assert_eq!(unproved.judge(at(0), 400 - 62 - 36, 36), Verdict::Ping);
        assert_eq!(unproved.judge(at(0), 250 - 62 - 36, 36), Verdict::Send);
        unproved.ping = Some((MessageId(7), at(0)));
        // 148 are left: enough for another ping, but not so soon.
        assert_eq!(unproved.judge(at(2), 400, 36), Verdict::Wait);
        assert_eq!(unproved.judge(at(3), 400, 36), Verdict::Ping);
        unproved.ping = Some((MessageId(8), at(3)));
        assert_eq!(unproved.judge(at(9), 400, 36), Verdict::Wait);
        assert!(unproved.is_proved_by(&[0x70, 0, 0, 8]));
        for other in [[0x70, 0, 0, 7], [0x60, 0, 0, 8], [0x40, 0, 0, 8]] {
            assert!(!unproved.is_proved_by(&other));
        }
    }
}
