//! Answers to the requests of devices, at once or later.

use dunlin_coap::block::Block;
use dunlin_coap::time::Instant;
use dunlin_coap::{
    Code, Message, MessageBuilder, MessageId, OptionNumber, Retry, Token, Transmission, Type,
    empty_ack,
};
use dunlin_codec::ContentFormat;

use super::timers::Timer;
use super::{Shard, Ticket};
use crate::metrics::RequestKind;
use crate::{Location, Peer};

/// To whom an answer goes, and with what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Requester {
    pub(super) peer: Peer,
    pub(super) confirmable: bool,
    pub(super) id: MessageId,
    pub(super) token: Token,
    pub(super) kind: RequestKind,
    /// Whether the request was acknowledged already, so that its answer is a message of its own.
    pub(super) acknowledged: bool,
}

impl Requester {
    pub(super) fn of(peer: Peer, message: &Message<'_>, kind: RequestKind) -> Self {
        Self {
            peer,
            confirmable: message.message_type() == Type::Confirmable,
            id: message.id(),
            token: message.token(),
            kind,
            acknowledged: false,
        }
    }
}

/// What is answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) code: Code,
    pub(super) location: Option<Location>,
    pub(super) format: Option<ContentFormat>,
    /// Seconds.
    pub(super) max_age: Option<u32>,
    pub(super) block2: Option<Block>,
    pub(super) block1: Option<Block>,
    pub(super) size1: Option<u32>,
    /// The content, or a diagnostic text.
    pub(super) payload: &'a [u8],
}

impl<'a> Answer<'a> {
    pub(super) const fn new(code: Code) -> Self {
        Self {
            code,
            location: None,
            format: None,
            max_age: None,
            block2: None,
            block1: None,
            size1: None,
            payload: &[],
        }
    }

    pub(super) const fn because(code: Code, diagnostic: &'a str) -> Self {
        Self {
            payload: diagnostic.as_bytes(),
            ..Self::new(code)
        }
    }
}

/// A separate answer that waits for its acknowledgement (RFC 7252 §5.2.2).
pub(super) struct SeparateAnswer {
    datagram: Box<[u8]>,
    transmission: Transmission,
}

impl Shard {
    /// Answers a request, and remembers the answer for its duplicates.
    pub(super) fn answer(&mut self, now: Instant, requester: &Requester, answer: &Answer<'_>) {
        self.counters.request(requester.kind, answer.code);
        let separate = requester.acknowledged || !requester.confirmable;
        let (message_type, id) = match (requester.confirmable, requester.acknowledged) {
            (true, false) => (Type::Acknowledgement, requester.id),
            (true, true) => (Type::Confirmable, self.own_message_id(requester.peer)),
            (false, _) => (Type::NonConfirmable, self.own_message_id(requester.peer)),
        };
        let mut buffer = vec![0; 96 + answer.payload.len()];
        let mut builder =
            MessageBuilder::new(&mut buffer, message_type, answer.code, id, requester.token);
        if let Some(location) = answer.location {
            builder.location_path([b"rd".as_slice(), &location.to_text()]);
        }
        if let Some(format) = answer.format {
            builder.content_format(format.0);
        }
        if let Some(seconds) = answer.max_age {
            builder.max_age(seconds);
        }
        if let Some(block) = answer.block2 {
            builder.block2(block);
        }
        if let Some(block) = answer.block1 {
            builder.block1(block);
        }
        if let Some(size) = answer.size1 {
            builder.uint(OptionNumber::SIZE1, size);
        }
        let Ok(datagram) = builder.payload(answer.payload).finish() else {
            // The buffer holds every option that is ever set here.
            tracing::error!(code = %answer.code, "an answer does not fit its buffer");
            return;
        };
        self.transmit(requester.peer, datagram);
        if !separate {
            self.remember(now, requester.peer, requester.id, datagram);
        } else if requester.confirmable {
            let transmission = self.start_transmission(now);
            self.timers.set(
                Timer::Separate(requester.peer, id),
                Some(transmission.deadline()),
            );
            self.separate.insert(
                (requester.peer, id),
                SeparateAnswer {
                    datagram: datagram.into(),
                    transmission,
                },
            );
        } else {
            self.remember(now, requester.peer, requester.id, &[]);
        }
    }

    /// Remembers what a message was answered, for its duplicates.
    pub(super) fn remember(&mut self, now: Instant, peer: Peer, id: MessageId, answer: &[u8]) {
        let key = self.peer_key(peer);
        // An answer longer than the window is not remembered: its request is idempotent, as it only reads.
        let _ = self.duplicates.answered(now, key, id, answer);
    }

    /// Acknowledges a request whose answer still waits for the store, so that the device stops to send it again.
    pub(super) fn acknowledge_waiting(&mut self, now: Instant, ticket: Ticket) {
        let Some(requester) = self.storing.requester(ticket) else {
            return;
        };
        requester.acknowledged = true;
        let (peer, id) = (requester.peer, requester.id);
        self.transmit(peer, &empty_ack(id));
        self.remember(now, peer, id, &empty_ack(id));
    }

    /// Sends a separate answer again, or gives it up.
    pub(super) fn separate_timeout(&mut self, now: Instant, peer: Peer, id: MessageId) {
        let parameters = self.parameters;
        let Some(answer) = self.separate.get_mut(&(peer, id)) else {
            return;
        };
        match answer.transmission.on_timeout(now, &parameters) {
            Retry::Again => {
                let datagram = answer.datagram.clone();
                self.timers.set(
                    Timer::Separate(peer, id),
                    Some(answer.transmission.deadline()),
                );
                self.counters.retransmissions.count();
                self.transmit(peer, &datagram);
            }
            Retry::GiveUp => {
                self.counters.give_ups.count();
                self.separate.remove(&(peer, id));
            }
        }
    }

    /// A separate answer has arrived, or is not wanted.
    pub(super) fn separate_done(&mut self, peer: Peer, id: MessageId) -> bool {
        self.timers.set(Timer::Separate(peer, id), None);
        self.separate.remove(&(peer, id)).is_some()
    }

    /// A message id for a message to `peer` that belongs to no device.
    pub(super) fn own_message_id(&mut self, peer: Peer) -> MessageId {
        let mut id = self.message_ids.next();
        // At most as many turns as messages are open with this one peer.
        while self.in_flight.contains_key(&(peer, id)) || self.separate.contains_key(&(peer, id)) {
            id = self.message_ids.next();
        }
        id
    }
}
