//! The server's side of observations (RFC 7641 §4).

use core::hash::Hash;

use super::core::Core;
use super::exchange::{Phase, Task, message_id, set_message_id};
use super::peers::parameters_in;
use super::server::{put, set_uint};
use crate::observe::{Action, Notification};
use crate::time::Instant;
use crate::{BuildError, Code, Message, MessageBuilder, OptionNumber, Token, Transmission, Type};

impl<P: Copy + Eq + Hash> Core<'_, P> {
    /// Does what a request wants of the list of observers once its response has this code; gives the number for the
    /// response's Observe option.
    pub(super) fn enlist(
        &mut self,
        peer: P,
        token: Token,
        (action, resource): (Action, u32),
        code: Code,
    ) -> Option<u32> {
        self.drop_notification(peer, token);
        if action == Action::Register && code.is_success() {
            let now = self.state.now;
            let registered = self.observers.register(now, peer, token, resource);
            return registered.ok().map(|registered| registered.number.get());
        }
        self.observers.remove(&peer, token);
        None
    }

    /// Puts an end to a notification under way that no longer counts.
    fn drop_notification(&mut self, peer: P, token: Token) {
        for index in 0..self.exchanges.len() {
            let Some(Some(exchange)) = self.exchanges.get(index) else {
                continue;
            };
            if matches!(exchange.task, Task::Notify)
                && exchange.peer == peer
                && self.token_of(index) == token
            {
                self.free(index);
            }
        }
    }

    fn token_of(&self, index: usize) -> Token {
        let Some(Some(exchange)) = self.exchanges.get(index) else {
            return Token::EMPTY;
        };
        let message = self.slots.message(index, exchange.len);
        Message::parse(message).map_or(Token::EMPTY, |message| message.token())
    }

    /// Takes the next notification that the owner is to write.
    pub(super) fn next_notification(&mut self) -> Option<Notification<P, u32>> {
        // A Confirmable one needs a place from which it is sent again.
        let index = self.vacant().ok()?;
        let policy = self.state.config.notify;
        let (exchanges, ids) = (&*self.exchanges, &mut self.state.ids);
        let (peers, parameters) = (&*self.peers, &self.state.config.parameters);
        let may_send = |peer: &P, outstanding: usize| {
            let nstart = parameters_in(peers, peer).unwrap_or(parameters).nstart;
            let requests = exchanges.iter().flatten().filter(|exchange| {
                exchange.peer == *peer
                    && exchange.phase == Phase::Sent
                    && !matches!(exchange.task, Task::Notify)
            });
            requests.count().saturating_add(outstanding) < usize::from(nstart.max(1))
        };
        let notification =
            self.observers
                .poll(self.state.now, may_send, |_| policy, || ids.next())?;
        self.state.turn = self.observers.turn();
        if notification.message_type == Type::Confirmable {
            self.expect_acknowledgement(index, &notification);
        }
        Some(notification)
    }

    /// Takes the exchange of a Confirmable notification, which the owner may write or not.
    fn expect_acknowledgement(&mut self, index: usize, notification: &Notification<P, u32>) {
        let slot = self.slots.at(index);
        let (con, token) = (Type::Confirmable, notification.token);
        // Enough to know its Acknowledgement.
        let header = MessageBuilder::new(slot, con, Code::CONTENT, notification.id, token).finish();
        let len = header.map_or(0, <[u8]>::len);
        self.open(index, notification.peer, len, Task::Notify);
        let patience = self.parameters(notification.peer).max_transmit_wait();
        if let Some(Some(exchange)) = self.exchanges.get_mut(index) {
            exchange.phase = Phase::Sent;
            exchange.timer = Transmission::once(self.state.now, patience);
        }
    }

    /// What to send in place of a notification that is to be sent again, if there is something newer.
    pub(super) fn newer_notification(&mut self, index: usize) -> Option<Notification<P, u32>> {
        let exchange = self.exchanges.get(index)?.as_ref()?;
        let old = message_id(self.slots.message(index, exchange.len));
        let (now, ids) = (self.state.now, &mut self.state.ids);
        let notification = self
            .observers
            .supersede(now, &exchange.peer, old, || ids.next())?;
        set_message_id(self.slots.at(index), notification.id);
        Some(notification)
    }

    /// Completes a notification that is written to `buffer`; gives its length.
    pub(super) fn finish_notification(
        &mut self,
        notification: &Notification<P, u32>,
        code: Code,
        buffer: &mut [u8],
        written: Result<usize, BuildError>,
    ) -> Option<usize> {
        let number = notification.number.get();
        let written = written.and_then(|len| {
            if !code.is_success() {
                return Ok(len);
            }
            set_uint(buffer, len, OptionNumber::OBSERVE, number).ok_or(BuildError::NoSpace)
        });
        let header = (notification.message_type, notification.id);
        let len = match written {
            Ok(len) => len,
            Err(error) => super::server::failure(header, notification.token, error, buffer)?,
        };
        if written.is_err() || !code.is_success() {
            // An error ends the observation (RFC 7641 §4.2).
            self.observers
                .remove(&notification.peer, notification.token);
        }
        if notification.message_type == Type::Confirmable {
            self.keep(notification, buffer.get(..len)?);
        }
        Some(len)
    }

    /// Keeps a Confirmable notification for its retransmission, if it fits.
    fn keep(&mut self, notification: &Notification<P, u32>, message: &[u8]) {
        let under_way = self.by_id(notification.peer, notification.id, |phase| {
            phase == Phase::Sent
        });
        let Some(index) = under_way else {
            return;
        };
        let Some(len) = put(message, self.slots.at(index)) else {
            return;
        };
        let timer = self.start_timer(notification.peer);
        if let Some(Some(exchange)) = self.exchanges.get_mut(index) {
            exchange.len = u16::try_from(len).unwrap_or(u16::MAX);
            // Where it takes the place of an older one, the timer goes on (RFC 7641 §4.5.2).
            if exchange.timer.retransmitted() == u8::MAX {
                exchange.timer = timer;
            }
        }
    }

    /// A notification was not acknowledged: the client is gone (RFC 7641 §4.5).
    pub(super) fn notification_failed(&mut self, index: usize) {
        if let Some(Some(exchange)) = self.exchanges.get(index) {
            let id = message_id(self.slots.message(index, exchange.len));
            self.observers.timed_out(&exchange.peer, id);
        }
        self.free(index);
    }

    pub(super) fn notification_acknowledged(&mut self, index: usize, now: Instant) {
        if let Some(Some(exchange)) = self.exchanges.get(index) {
            let id = message_id(self.slots.message(index, exchange.len));
            self.observers.acknowledged(now, &exchange.peer, id);
        }
        self.free(index);
    }
}
