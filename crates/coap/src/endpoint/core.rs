//! The parts of an endpoint as views, so that what works on them is compiled once whatever the capacities are.

use core::hash::Hash;

use heapless::Deque;
use rand_core::Rng;

use super::Config;
use super::exchange::Exchange;
use super::key::peer_key;
use super::peers::Peer;
use crate::duplicates::View;
use crate::observe::{Observer, Observers};
use crate::time::Instant;
use crate::{Kind, Message, MessageId, MessageIds, Token, Type};

/// How many short answers may wait for a poll. One input or call makes one at most.
const REPLIES: usize = 4;

/// What an endpoint keeps beside its tables.
pub(super) struct State<P> {
    pub(super) config: Config,
    /// The time of the last call that told it.
    pub(super) now: Instant,
    pub(super) ids: MessageIds,
    /// The number of the last exchange.
    pub(super) serial: u16,
    /// Makes the peers' numbers secret.
    pub(super) seed: u64,
    /// Whose turn it is among the observers.
    pub(super) turn: usize,
    pub(super) replies: Deque<Reply<P>, REPLIES>,
}

/// A short answer of the message layer that waits to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply<P> {
    pub(super) to: P,
    pub(super) id: MessageId,
    pub(super) content: Content,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    /// An Empty Acknowledgement.
    Acknowledgement,
    Reset,
    /// What a duplicate got before.
    Replay,
    /// 4.02 Bad Option with the number of the option as text.
    BadOption(Token, u16),
}

/// The messages of the exchanges, each in a slot.
pub(super) struct Slots<'c> {
    pub(super) bytes: &'c mut [u8],
    /// The size of a slot.
    pub(super) size: usize,
}

/// An endpoint taken apart.
pub(super) struct Core<'c, P> {
    pub(super) state: &'c mut State<P>,
    pub(super) rng: &'c mut dyn Rng,
    pub(super) exchanges: &'c mut [Option<Exchange<P>>],
    pub(super) slots: Slots<'c>,
    pub(super) peers: &'c mut [Option<Peer<P>>],
    pub(super) observers: Observers<P, u32, &'c mut [Option<Observer<P, u32>>]>,
    pub(super) window: View<'c>,
}

impl<P> State<P> {
    pub(super) fn new(config: Config, random: u64) -> Self {
        let [a, b, c, d, ..] = random.to_le_bytes();
        Self {
            config,
            now: Instant::ZERO,
            ids: MessageIds::new(u16::from_le_bytes([a, b])),
            serial: u16::from_le_bytes([c, d]),
            seed: random,
            turn: 0,
            replies: Deque::new(),
        }
    }

    /// Queues a short answer. Without room it is dropped: the peer asks again.
    pub(super) fn reply(&mut self, to: P, id: MessageId, content: Content) {
        let _ = self.replies.push_back(Reply { to, id, content });
    }
}

impl Slots<'_> {
    pub(super) fn at(&mut self, index: usize) -> &mut [u8] {
        let start = index.saturating_mul(self.size);
        self.bytes
            .get_mut(start..)
            .and_then(|rest| rest.get_mut(..self.size))
            .unwrap_or_default()
    }

    /// Copies what begins a slot into another; gives its length.
    pub(super) fn copy(&mut self, from: usize, to: usize, len: usize) -> Option<usize> {
        let (from, to) = (from.checked_mul(self.size)?, to.checked_mul(self.size)?);
        let (low, high) = (from.min(to), from.max(to));
        let (first, second) = self.bytes.split_at_mut_checked(high)?;
        let first = first.get_mut(low..)?.get_mut(..len)?;
        let second = second.get_mut(..len)?;
        if from < to {
            second.copy_from_slice(first);
        } else {
            first.copy_from_slice(second);
        }
        Some(len)
    }

    pub(super) fn message(&self, index: usize, len: u16) -> &[u8] {
        let start = index.saturating_mul(self.size);
        self.bytes
            .get(start..)
            .and_then(|rest| rest.get(..usize::from(len)))
            .unwrap_or_default()
    }
}

impl<P: Copy + Eq + Hash> Core<'_, P> {
    pub(super) fn key(&self, peer: P) -> u64 {
        peer_key(&peer, self.state.seed)
    }

    pub(super) fn clock(&mut self, now: Instant) {
        self.state.now = self.state.now.max(now);
    }

    /// Reads a datagram, and rejects what is none; gives the message where it means something.
    #[inline]
    pub(super) fn read<'a>(
        &mut self,
        now: Instant,
        peer: P,
        bytes: &'a [u8],
    ) -> Option<Message<'a>> {
        self.clock(now);
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(error) => {
                if let (Some(Type::Confirmable), Some(id)) = (error.message_type(), error.id()) {
                    self.state.reply(peer, id, Content::Reset);
                }
                return None;
            }
        };
        if matches!(message.kind(), Kind::Ping | Kind::Invalid) {
            if message.message_type() == Type::Confirmable {
                self.state.reply(peer, message.id(), Content::Reset);
            }
            return None;
        }
        Some(message)
    }

    /// Rejects a response that nobody waits for. A Reset also ends an observation that is not ours (RFC 7641 §3.6).
    pub(super) fn reject(&mut self, peer: P, message: &Message<'_>) {
        let wanted = match message.message_type() {
            Type::Confirmable => true,
            Type::NonConfirmable => message.observe().is_some(),
            _ => false,
        };
        if wanted {
            self.state.reply(peer, message.id(), Content::Reset);
        }
    }

    /// Writes the next short answer.
    pub(super) fn poll_reply(&mut self, buffer: &mut [u8]) -> Option<(P, usize)> {
        while let Some(reply) = self.state.replies.pop_front() {
            if let Some(len) = self.write_reply(reply, buffer) {
                return Some((reply.to, len));
            }
        }
        None
    }
}
