//! The parts of an agent as views, so that what works on them is compiled once whatever the capacities are.

use dunlin_coap::time::Instant;
use dunlin_coap::{Code, Kind, Message, MessageId, MessageIds, Token, Type};
use heapless::Deque;
use rand_core::Rng;

use crate::attributes::Attached;
use crate::bootstrap::Bootstrap;
use crate::composite::Lists;
use crate::event::count;
use crate::features::OBSERVE;
use crate::history::History;
use crate::observation::Observation;
use crate::registration::Slot;
use crate::replay::Replay;
use crate::reply::{Body, Reply};
use crate::upload::Upload;
use crate::{Config, Counters, Event, Objects, Output};

/// How many answers may wait to be fetched.
const REPLIES: usize = 4;

/// How many events may wait to be fetched.
const EVENTS: usize = 8;

/// What an agent keeps beside its objects and tables.
pub(crate) struct State<P> {
    /// The time of the last input or timeout: the agent has no other clock.
    pub(crate) now: Instant,
    /// When the last message was sent.
    pub(crate) sent_at: Instant,
    /// Objects or wishes have changed since the clock was last told: what follows waits for the true time.
    pub(crate) changed: bool,
    pub(crate) ids: MessageIds,
    pub(crate) replies: Deque<Reply<P>, REPLIES>,
    pub(crate) events: Deque<Event, EVENTS>,
    pub(crate) counters: Counters,
    /// The Bootstrap-Server, once the owner has said where it is.
    pub(crate) bootstrap: Option<Bootstrap<P>>,
    /// A Bootstrap-Server has begun to change accounts and has not come to an end.
    pub(crate) half_done: bool,
    /// There has been a bootstrap since the last registration.
    pub(crate) bootstraps: bool,
    /// The lists of nodes of composite operations.
    pub(crate) lists: Lists,
    /// What servers out of reach have not been told.
    pub(crate) history: History,
    /// The long request that is being received in blocks.
    pub(crate) upload: Option<Upload>,
}

impl<P> State<P> {
    pub(crate) fn new(random: u16) -> Self {
        Self {
            now: Instant::ZERO,
            sent_at: Instant::ZERO,
            changed: false,
            ids: MessageIds::new(random),
            replies: Deque::new(),
            events: Deque::new(),
            counters: Counters::default(),
            bootstrap: None,
            half_done: false,
            bootstraps: false,
            lists: Lists::new(),
            history: History::new(),
            upload: None,
        }
    }

    /// Tells the owner of an event; the oldest gives way when there is no room.
    pub(crate) fn tell(&mut self, event: Event) {
        crate::trace::event(&event);
        if self.events.is_full() {
            self.events.pop_front();
            count(&mut self.counters.lost_events);
        }
        let _ = self.events.push_back(event);
    }

    /// Whether the answer to request `id` of `server` waits to be fetched.
    pub(crate) fn answers(&self, server: usize, id: MessageId) -> bool {
        (0..self.replies.len())
            .filter_map(|index| self.replies.get(index))
            .any(|reply| reply.server == Some(server) && reply.id == id)
    }

    /// Queues an answer. Without room it is dropped: the peer asks again.
    pub(crate) fn reply(&mut self, reply: Reply<P>) {
        if self.replies.push_back(reply).is_err() {
            count(&mut self.counters.dropped);
        }
    }
}

/// An agent taken apart.
pub(crate) struct Core<'c, P> {
    pub(crate) objects: &'c mut dyn Objects,
    pub(crate) rng: &'c mut dyn Rng,
    pub(crate) config: &'c Config<'c>,
    pub(crate) state: &'c mut State<P>,
    pub(crate) servers: &'c mut [Option<Slot<P>>],
    pub(crate) observations: &'c mut [Option<Observation>],
    pub(crate) attributes: &'c mut [Option<Attached>],
    pub(crate) upload: &'c mut [u8],
    pub(crate) replay: &'c mut Replay<[u8]>,
    #[cfg(feature = "fallback")]
    pub(crate) fallback: crate::fallback::Room<'c>,
}

impl<P: Copy + Eq> Core<'_, P> {
    /// Tells the time, and looks at what has changed since it was last told.
    pub(crate) fn clock(&mut self, now: Instant) {
        self.state.now = self.state.now.max(now);
        self.review();
    }

    /// Acts on changes of the objects: every observation is to be looked at, and every server whose registration no
    /// longer tells the truth is to get an Update.
    pub(crate) fn review(&mut self) {
        if !core::mem::take(&mut self.state.changed) {
            return;
        }
        for observation in self.observations.iter_mut().filter_map(Option::as_mut) {
            observation.check = true;
        }
        for slot in self.servers.iter_mut().filter_map(Option::as_mut) {
            slot.review(&*self.objects, self.config);
        }
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn handle_input(&mut self, now: Instant, peer: P, bytes: &[u8]) {
        self.clock(now);
        count(&mut self.state.counters.received);
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(error) => {
                count(&mut self.state.counters.malformed);
                crate::trace::malformed(bytes.len());
                if let (Some(Type::Confirmable), Some(id)) = (error.message_type(), error.id()) {
                    self.reset(peer, id);
                }
                return;
            }
        };
        match message.kind() {
            Kind::Request => self.request(peer, &message),
            Kind::Response => self.response(peer, &message),
            Kind::Acknowledgement => self.acknowledged(peer, message.id()),
            Kind::Reset => self.rejected(peer, message.id()),
            Kind::Ping => self.reset(peer, message.id()),
            Kind::Invalid => {
                count(&mut self.state.counters.malformed);
                if message.message_type() == Type::Confirmable {
                    self.reset(peer, message.id());
                }
            }
        }
        self.review();
    }

    /// Rejects a message.
    pub(crate) fn reset(&mut self, peer: P, id: MessageId) {
        self.empty(peer, id, Type::Reset);
    }

    /// Queues an Empty message in answer to message `id`.
    pub(crate) fn empty(&mut self, to: P, id: MessageId, message_type: Type) {
        let body = Body::Nothing;
        self.state.reply(Reply {
            to,
            server: None,
            message_type,
            id,
            token: Token::EMPTY,
            code: Code::EMPTY,
            body,
        });
    }

    /// What is kept for the server at place `index`.
    #[inline(never)]
    pub(crate) fn slot(&self, index: usize) -> Option<&Slot<P>> {
        self.servers.get(index)?.as_ref()
    }

    /// What is kept for the server at place `index`.
    #[inline(never)]
    pub(crate) fn slot_mut(&mut self, index: usize) -> Option<&mut Slot<P>> {
        self.servers.get_mut(index)?.as_mut()
    }

    /// The place of the server at `peer`.
    pub(crate) fn server_at(&self, peer: P) -> Option<usize> {
        self.servers
            .iter()
            .position(|slot| slot.as_ref().is_some_and(|slot| slot.peer == peer))
    }

    /// The next thing to do: answers first, then what is due towards servers, then events.
    pub(crate) fn poll_output<'b>(&mut self, buffer: &'b mut [u8]) -> Output<'b, P> {
        if let Some((to, len)) = self.poll_message(buffer) {
            count(&mut self.state.counters.sent);
            self.state.sent_at = self.state.now;
            return Output::Transmit {
                to,
                bytes: buffer.get(..len).unwrap_or_default(),
            };
        }
        match self.state.events.pop_front() {
            Some(event) => Output::Event(event),
            None => Output::Idle,
        }
    }

    fn poll_message(&mut self, buffer: &mut [u8]) -> Option<(P, usize)> {
        while let Some(reply) = self.state.replies.pop_front() {
            let to = reply.to;
            if let Some(len) = self.write_reply(reply, buffer) {
                return Some((to, len));
            }
        }
        if self.state.changed {
            return None;
        }
        if let Some(sent) = self.poll_bootstrap(buffer) {
            return Some(sent);
        }
        if self.is_bootstrapping() {
            return None;
        }
        for index in 0..self.servers.len() {
            // A request that has failed may make way for another that is due at once: a Register after an Update.
            let sent = self.poll_server(index, buffer);
            if let Some(sent) = sent.or_else(|| self.poll_server(index, buffer)) {
                return Some(sent);
            }
        }
        for index in 0..self.observed() {
            if let Some(sent) = self.poll_observation(index, buffer) {
                return Some(sent);
            }
        }
        None
    }

    /// How many places for observations there are.
    fn observed(&self) -> usize {
        if OBSERVE { self.observations.len() } else { 0 }
    }

    /// When the clock is to be told next.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        if self.state.changed {
            return Some(self.state.now);
        }
        let mut next = self.bootstrap_due();
        if self.is_bootstrapping() {
            return next;
        }
        // One after the other: iterators in a chain take three times the code.
        let mut sooner = |due: Option<Instant>| {
            if due.is_some_and(|due| next.is_none_or(|next| due < next)) {
                next = due;
            }
        };
        for index in 0..self.servers.len() {
            sooner(self.server_due(index));
        }
        for index in 0..self.observed() {
            sooner(self.observation_due(index));
        }
        next
    }
}
