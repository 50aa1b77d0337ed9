//! What goes out, and when.

use core::hash::Hash;

use super::core::Core;
use super::exchange::{Exchange, Phase, Task, set_message_id};
use super::server::{put, set_uint};
use super::splice::set_option;
use super::{Event, ExchangeId, Failure, Output, Transmit};
use crate::block::Outgoing;
use crate::observe::DEREGISTER;
use crate::options::PAYLOAD_MARKER;
use crate::pacing::Probing;
use crate::time::Instant;
use crate::{Code, Message, OptionNumber, Retry, Transmission, Type};

impl<P: Copy + Eq + Hash> Core<'_, P> {
    /// The next thing to do for the exchanges: what has failed, then what is due.
    pub(super) fn poll_exchanges<'b>(&mut self, buffer: &'b mut [u8]) -> Output<'b, P> {
        if let Some(event) = self.poll_event() {
            return Output::Event(event);
        }
        while let Some((index, exchange)) = self.next_due() {
            if let Task::Upload(sender) = exchange.task {
                let Outgoing { offset, len, .. } = sender.current();
                return Output::Part {
                    exchange: exchange.id,
                    offset,
                    len,
                };
            }
            if let Task::Notify = exchange.task
                && let Some(notification) = self.newer_notification(index)
            {
                return Output::Notify(notification);
            }
            let written = self.render(index, &exchange, buffer);
            if let Task::Respond = exchange.task
                && !self.is_confirmable(index, &exchange)
            {
                // Nobody acknowledges it.
                self.free(index);
            }
            if let Some(len) = written {
                return transmit(exchange.peer, buffer, len);
            }
            self.fail(index, Failure::NoSpace);
            if let Some(event) = self.poll_event() {
                return Output::Event(event);
            }
        }
        if let Some(notification) = self.next_notification() {
            return Output::Notify(notification);
        }
        Output::Idle
    }

    fn poll_event(&mut self) -> Option<Event> {
        for index in 0..self.exchanges.len() {
            let Some(Some(exchange)) = self.exchanges.get_mut(index) else {
                continue;
            };
            let (id, told) = (exchange.id, exchange.told());
            match exchange.phase {
                Phase::Over(failure) => {
                    self.free(index);
                    if told == id {
                        return Some(Event::Failed {
                            exchange: id,
                            failure,
                        });
                    }
                    return Some(Event::Incomplete { exchange: told });
                }
                Phase::Observing if exchange.due => {
                    exchange.due = false;
                    return Some(Event::Incomplete { exchange: id });
                }
                _ => {}
            }
        }
        None
    }

    /// Takes an exchange whose message is to be sent now, first those that are to be sent again.
    fn next_due(&mut self) -> Option<(usize, Exchange<P>)> {
        let again = self.exchanges.iter().position(
            |slot| matches!(slot, Some(exchange) if exchange.phase == Phase::Sent && exchange.due),
        );
        let index = match again {
            Some(index) => index,
            None => self.next_queued().inspect(|index| self.start(*index))?,
        };
        let exchange = self.exchanges.get_mut(index)?.as_mut()?;
        exchange.due = false;
        Some((index, *exchange))
    }

    /// The exchange that has waited longest of those that NSTART allows to begin (RFC 7252 §4.7).
    fn next_queued(&self) -> Option<usize> {
        let last = self.state.serial;
        let queued = self
            .exchanges
            .iter()
            .enumerate()
            .filter_map(|(index, slot)| {
                let exchange = slot.as_ref()?;
                let ready = exchange.phase == Phase::Queued && self.may_start(exchange.peer);
                ready.then_some((last.wrapping_sub(exchange.id.0), index))
            });
        queued.max().map(|(_, index)| index)
    }

    fn may_start(&self, peer: P) -> bool {
        let exchanges = self.exchanges.iter().enumerate();
        let outstanding = exchanges.filter(|(index, slot)| {
            slot.as_ref().is_some_and(|exchange| {
                exchange.peer == peer
                    && exchange.phase == Phase::Sent
                    && self
                        .probed_until(*index, exchange)
                        .is_none_or(|until| self.state.now < until)
            })
        });
        let nstart = self.parameters(peer).nstart.max(1);
        outstanding.count() < usize::from(nstart)
    }

    /// Until when a Non-confirmable request counts as outstanding, so that a silent peer gets no more than
    /// `PROBING_RATE` (RFC 7252 §4.7). `None` for what is Confirmable.
    fn probed_until(&self, index: usize, exchange: &Exchange<P>) -> Option<Instant> {
        if self.is_confirmable(index, exchange) {
            return None;
        }
        let mut probing = Probing::NEW;
        let parameters = self.parameters(exchange.peer);
        probing.on_sent(exchange.timer.started(), exchange.len.into(), parameters);
        Some(probing.ready_at())
    }

    /// Gives a message its id and starts its timer.
    fn start(&mut self, index: usize) {
        let id = self.state.ids.next();
        set_message_id(self.slots.at(index), id);
        let Some(Some(mut exchange)) = self.exchanges.get(index).copied() else {
            return;
        };
        exchange.timer = if self.is_confirmable(index, &exchange) {
            self.start_timer(exchange.peer)
        } else {
            let patience = self.parameters(exchange.peer).max_rtt();
            Transmission::once(self.state.now, patience)
        };
        exchange.phase = Phase::Sent;
        if let Some(slot) = self.exchanges.get_mut(index) {
            *slot = Some(exchange);
        }
    }

    fn is_confirmable(&self, index: usize, exchange: &Exchange<P>) -> bool {
        let message = self.slots.message(index, exchange.len);
        message
            .first()
            .is_some_and(|first| Type::from_bits(first >> 4) == Type::Confirmable)
    }

    /// Writes the message of an exchange as it is to be sent, the same each time.
    fn render(&self, index: usize, exchange: &Exchange<P>, buffer: &mut [u8]) -> Option<usize> {
        let message = self.slots.message(index, exchange.len);
        let mut len = put(message, buffer)?;
        match exchange.task {
            Task::Download { next, .. } => {
                len = self.without_payload(index, exchange, len);
                len = set_uint(buffer, len, OptionNumber::BLOCK2, next.to_uint())?;
            }
            Task::Upload(sender) => {
                let part = sender.current();
                if let Some(block) = part.block {
                    len = set_uint(buffer, len, OptionNumber::BLOCK1, block.to_uint())?;
                    if block.number() == 0 {
                        let size = u32::try_from(sender.len()).ok()?;
                        len = set_uint(buffer, len, OptionNumber::SIZE1, size)?;
                    }
                }
            }
            Task::Deregister => len = set_uint(buffer, len, OptionNumber::OBSERVE, DEREGISTER)?,
            Task::Request | Task::Observe(_) | Task::Respond | Task::Notify => {}
        }
        if exchange.echo > 0 {
            let end = exchange.len.saturating_add(u16::from(exchange.echo));
            let both = self.slots.message(index, end);
            let echo = both.get(message.len()..)?;
            len = set_option(buffer, len, OptionNumber::ECHO, Some(echo))?;
        }
        Some(len)
    }

    /// A request for a later block has no payload (RFC 7959 §3.3), except that it is what a FETCH asks with.
    fn without_payload(&self, index: usize, exchange: &Exchange<P>, len: usize) -> usize {
        match Message::parse(self.slots.message(index, exchange.len)) {
            Ok(message) if message.code() != Code::FETCH && !message.payload().is_empty() => len
                .saturating_sub(message.payload().len())
                .saturating_sub(1),
            _ => len,
        }
    }

    /// Writes the beginning of a part of an upload; gives where its payload goes.
    pub(super) fn begin_part(
        &self,
        id: ExchangeId,
        buffer: &mut [u8],
    ) -> Option<(P, Outgoing, usize)> {
        let index = self.find(id)?;
        let exchange = self.exchanges.get(index)?.as_ref()?;
        let Task::Upload(sender) = exchange.task else {
            return None;
        };
        if exchange.phase != Phase::Sent {
            return None;
        }
        let part = sender.current();
        let mut len = self.render(index, exchange, buffer)?;
        if part.len > 0 {
            *buffer.get_mut(len)? = PAYLOAD_MARKER;
            len = len.saturating_add(1);
        }
        Some((exchange.peer, part, len))
    }

    /// When the clock is to be told next.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let open = self.exchanges.iter().flatten();
        open.filter(|exchange| exchange.is_open())
            .map(|exchange| exchange.timer.deadline())
            .chain(self.observers.next_timeout_after(self.state.now))
            .chain(self.next_probe())
            .min()
    }

    /// When a request may follow a Non-confirmable one that is not answered.
    fn next_probe(&self) -> Option<Instant> {
        let mut exchanges = self.exchanges.iter().flatten();
        if !exchanges.any(|exchange| exchange.phase == Phase::Queued) {
            return None;
        }
        let exchanges = self.exchanges.iter().enumerate();
        exchanges
            .filter_map(|(index, slot)| {
                let exchange = slot.as_ref().filter(|slot| slot.phase == Phase::Sent)?;
                self.probed_until(index, exchange)
            })
            .filter(|until| *until > self.state.now)
            .min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.clock(now);
        let now = self.state.now;
        for index in 0..self.exchanges.len() {
            let Some(Some(Exchange { peer, .. })) = self.exchanges.get(index).copied() else {
                continue;
            };
            let parameters = *self.parameters(peer);
            let Some(Some(exchange)) = self.exchanges.get_mut(index) else {
                continue;
            };
            if !exchange.is_open() || !exchange.timer.is_due(now) {
                continue;
            }
            if exchange.phase == Phase::Observing {
                exchange.phase = Phase::Queued;
                continue;
            }
            match exchange.timer.on_timeout(now, &parameters) {
                Retry::Again => exchange.due = true,
                Retry::GiveUp => self.fail(index, Failure::TimedOut),
            }
        }
    }
}

pub(super) fn transmit<P>(to: P, buffer: &[u8], len: usize) -> Output<'_, P> {
    Output::Transmit(Transmit {
        to,
        bytes: buffer.get(..len).unwrap_or_default(),
    })
}
