//! The client's side: our requests out, their responses in.

use core::hash::Hash;

use super::core::{Content, Core};
use super::exchange::{Exchange, Phase, Task, has_token, message_id, set_token};
use super::splice::set_option;
use super::{ExchangeId, Failure, Input, RequestError, Response};
use crate::block::{Block, BlockReceiver, BlockSender, Next, ReceiveError, Sent};
use crate::duplicates::Key;
use crate::observe::{Freshness, REGISTER, SequenceNumber};
use crate::request::unknown_critical;
use crate::time::Duration;
use crate::{Code, Message, MessageId, OptionNumber, Seen, Token, Transmission, Type, empty_ack};

/// How often a transfer begins again before it is given up.
const RESTARTS: u8 = 4;

/// A response is fresh for so long when it does not say (RFC 7252 §5.10.5), in seconds.
const DEFAULT_MAX_AGE: u32 = 60;

/// The owner takes a body piece by piece: any size is right.
const ANY_SIZE: usize = u32::MAX as usize;

impl<P: Copy + Eq + Hash> Core<'_, P> {
    /// A free exchange.
    pub(super) fn vacant(&self) -> Result<usize, RequestError> {
        let free = self.exchanges.iter().position(Option::is_none);
        free.ok_or(RequestError::Full)
    }

    /// A random token that no open request has.
    pub(super) fn token(&mut self) -> [u8; 4] {
        let mut random = self.rng.next_u32();
        // As many are taken at most, whatever the source of random numbers gives.
        for _ in 0..self.exchanges.len() {
            let token = Token::from(random.to_le_bytes());
            if (0..self.exchanges.len()).all(|index| !self.has_token(index, &token)) {
                break;
            }
            random = random.wrapping_add(1);
        }
        random.to_le_bytes()
    }

    fn has_token(&self, index: usize, token: &Token) -> bool {
        match self.exchanges.get(index) {
            Some(Some(exchange)) if exchange.is_client() => {
                has_token(self.slots.message(index, exchange.len), token)
            }
            _ => false,
        }
    }

    /// Opens an exchange with the message that is written to its slot.
    pub(super) fn open(&mut self, index: usize, peer: P, len: usize, task: Task) -> ExchangeId {
        let id = self.next_exchange();
        let exchange = Exchange {
            peer,
            timer: Transmission::once(self.state.now, Duration::ZERO),
            task,
            id,
            len: u16::try_from(len).unwrap_or(u16::MAX),
            phase: Phase::Queued,
            due: false,
            echo: 0,
        };
        if let Some(slot) = self.exchanges.get_mut(index) {
            *slot = Some(exchange);
        }
        id
    }

    fn next_exchange(&mut self) -> ExchangeId {
        // As many numbers are taken at most.
        for _ in 0..=self.exchanges.len() {
            self.state.serial = self.state.serial.wrapping_add(1);
            let id = ExchangeId(self.state.serial);
            if self.exchanges.iter().flatten().all(|open| open.id != id) {
                break;
            }
        }
        ExchangeId(self.state.serial)
    }

    /// What the request in a slot begins.
    pub(super) fn task(&mut self, index: usize, len: usize) -> Task {
        let message = self.slots.at(index).get(..len).unwrap_or_default();
        match Message::parse(message).ok().and_then(|m| m.observe()) {
            Some(REGISTER) => Task::Observe(None),
            _ => Task::Request,
        }
    }

    pub(super) fn find(&self, id: ExchangeId) -> Option<usize> {
        self.exchanges
            .iter()
            .position(|exchange| exchange.is_some_and(|exchange| exchange.id == id))
    }

    pub(super) fn free(&mut self, index: usize) {
        if let Some(slot) = self.exchanges.get_mut(index) {
            *slot = None;
        }
    }

    fn put_back(&mut self, index: usize, exchange: Exchange<P>) {
        if let Some(slot) = self.exchanges.get_mut(index) {
            *slot = Some(exchange);
        }
    }

    /// Ends an exchange of ours: an observation by telling the server.
    pub(super) fn cancel(&mut self, id: ExchangeId) {
        self.drop_download_of(id);
        let Some(index) = self.find(id) else {
            return;
        };
        let Some(Some(exchange)) = self.exchanges.get_mut(index) else {
            return;
        };
        match exchange.task {
            Task::Observe(_) if exchange.is_open() => {
                exchange.task = Task::Deregister;
                exchange.phase = Phase::Queued;
                exchange.due = false;
            }
            Task::Deregister => {}
            _ => self.free(index),
        }
    }

    /// Puts an end to the fetching of a notification that is no longer the newest.
    fn drop_download_of(&mut self, observation: ExchangeId) {
        for slot in &mut *self.exchanges {
            if slot.is_some_and(|open| open.id != observation && open.told() == observation) {
                *slot = None;
            }
        }
    }

    /// The exchange whose last message has this id.
    pub(super) fn by_id(
        &self,
        peer: P,
        id: MessageId,
        phases: impl Fn(Phase) -> bool,
    ) -> Option<usize> {
        let mut exchanges = self.exchanges.iter().enumerate();
        exchanges.position(|(index, slot)| {
            slot.as_ref().is_some_and(|exchange| {
                exchange.peer == peer
                    && phases(exchange.phase)
                    && message_id(self.slots.message(index, exchange.len)) == id
            })
        })
    }

    fn by_token(&self, peer: P, token: &Token) -> Option<usize> {
        let mut exchanges = self.exchanges.iter().enumerate();
        exchanges.position(|(index, slot)| {
            slot.as_ref()
                .is_some_and(|exchange| exchange.peer == peer && exchange.is_open())
                && self.has_token(index, token)
        })
    }

    /// Takes an Empty Acknowledgement.
    pub(super) fn acknowledged(&mut self, peer: P, id: MessageId) {
        let Some(index) = self.by_id(peer, id, |phase| phase == Phase::Sent) else {
            return;
        };
        let patience = self.parameters(peer).exchange_lifetime();
        if let Some(Some(exchange)) = self.exchanges.get(index).copied() {
            self.measure(peer, &exchange.timer);
        }
        if let Some(Some(exchange)) = self.exchanges.get_mut(index) {
            match exchange.task {
                Task::Respond => self.free(index),
                Task::Notify => self.notification_acknowledged(index, self.state.now),
                _ => {
                    exchange.phase = Phase::Waiting;
                    exchange.due = false;
                    exchange.timer = Transmission::once(self.state.now, patience);
                }
            }
        }
    }

    /// Takes a Reset.
    pub(super) fn rejected(&mut self, peer: P, id: MessageId) {
        let under_way = |phase| matches!(phase, Phase::Sent | Phase::Waiting);
        if let Some(index) = self.by_id(peer, id, under_way) {
            self.fail(index, Failure::Reset);
        }
        // A notification of either type (RFC 7641 §4.5).
        self.observers.reset(&peer, id);
    }

    pub(super) fn fail(&mut self, index: usize, failure: Failure) {
        if let Some(Some(exchange)) = self.exchanges.get_mut(index) {
            match exchange.task {
                Task::Notify => return self.notification_failed(index),
                _ => exchange.phase = Phase::Over(failure),
            }
            let id = exchange.id;
            // What is fetched for an observation ends with it.
            self.drop_download_of(id);
        }
    }

    /// Takes a response, in an Acknowledgement or in a message of its own.
    pub(super) fn response<'a>(&mut self, peer: P, message: Message<'a>) -> Input<'a, P> {
        let (id, token) = (message.id(), message.token());
        if message.message_type() == Type::Acknowledgement {
            // Both must match (RFC 7252 §5.3.2).
            let found = self.by_id(peer, id, |phase| phase == Phase::Sent);
            return match found.filter(|index| self.has_token(*index, &token)) {
                Some(index) if self.understands(&message) => self.deliver(index, message),
                _ => Input::Nothing,
            };
        }
        let confirmable = message.message_type() == Type::Confirmable;
        let entry = Key {
            peer: self.key(peer),
            id,
        };
        if confirmable && self.window.check(self.state.now, entry) != Seen::New {
            self.state.reply(peer, id, Content::Replay);
            return Input::Nothing;
        }
        let found = self.by_token(peer, &token);
        let Some(index) = found.filter(|_| self.understands(&message)) else {
            self.reject(peer, &message);
            return Input::Nothing;
        };
        if confirmable {
            self.state.reply(peer, id, Content::Acknowledgement);
            // A duplicate is acknowledged too, when the exchange is long over.
            let _ = self.window.answered(self.state.now, entry, &empty_ack(id));
        }
        self.deliver(index, message)
    }

    /// Whether all critical options of a response are known; else it is rejected (RFC 7252 §5.4.1).
    fn understands(&self, message: &Message<'_>) -> bool {
        unknown_critical(message, self.state.config.known).is_none()
    }

    fn deliver<'a>(&mut self, index: usize, message: Message<'a>) -> Input<'a, P> {
        let Some(Some(exchange)) = self.exchanges.get(index).copied() else {
            return Input::Nothing;
        };
        if exchange.phase == Phase::Sent {
            self.measure(exchange.peer, &exchange.timer);
        }
        if message.code() == Code::UNAUTHORIZED && self.keep_echo(index, &exchange, &message) {
            return Input::Nothing;
        }
        match exchange.task {
            Task::Request => {
                if let Ok(Some(block)) = message.block2()
                    && block.number() > 0
                {
                    // The owner asked for this very block.
                    self.free(index);
                    return answer(&exchange, message, to_usize(block.offset()), false);
                }
                self.download(index, exchange, BlockReceiver::new(), message)
            }
            Task::Download { receiver, .. } => self.download(index, exchange, receiver, message),
            Task::Upload(sender) => self.uploaded(index, exchange, sender, message),
            Task::Observe(freshness) => self.notified(index, exchange, freshness, message),
            Task::Deregister => {
                self.free(index);
                Input::Nothing
            }
            Task::Respond | Task::Notify => Input::Nothing,
        }
    }

    /// Takes the response to a request without a body, or to one that is complete.
    fn download<'a>(
        &mut self,
        index: usize,
        mut exchange: Exchange<P>,
        mut receiver: BlockReceiver,
        message: Message<'a>,
    ) -> Input<'a, P> {
        let told = exchange.told();
        let mut restarts = match exchange.task {
            Task::Download { restarts, .. } => restarts,
            _ => RESTARTS,
        };
        let preferred = self.state.config.block_size;
        let safe = matches!(self.method(index), Code::GET | Code::FETCH);
        let may_restart = receiver.is_receiving() && safe && restarts > 0;
        let received = match message.code() {
            // The server has forgotten the body.
            Code::REQUEST_ENTITY_INCOMPLETE if may_restart => Err(ReceiveError::EtagChanged),
            code if !code.is_success() => {
                self.free(index);
                return answer(&exchange, message, 0, false);
            }
            _ => receiver.response(&message, ANY_SIZE, preferred),
        };
        let (input, next) = match received {
            Ok(received) => {
                let Next::More(next) = received.next else {
                    self.free(index);
                    return answer(&exchange, message, received.offset, false);
                };
                (answer(&exchange, message, received.offset, true), next)
            }
            Err(ReceiveError::EtagChanged) if may_restart => {
                restarts = restarts.saturating_sub(1);
                receiver.reset();
                (Input::Nothing, Block::first(preferred))
            }
            Err(error) => {
                self.fail(index, Failure::Blocks(error));
                return Input::Nothing;
            }
        };
        exchange.task = Task::Download {
            receiver,
            next,
            told,
            restarts,
        };
        self.put_back(index, exchange);
        self.repeat(index);
        input
    }

    /// The method of the request in a slot.
    fn method(&self, index: usize) -> Code {
        match self.slots.message(index, 2) {
            [_, code] => Code(*code),
            _ => Code::EMPTY,
        }
    }

    /// Takes the response to one part of an upload.
    fn uploaded<'a>(
        &mut self,
        index: usize,
        mut exchange: Exchange<P>,
        mut sender: BlockSender,
        message: Message<'a>,
    ) -> Input<'a, P> {
        match sender.response(&message) {
            Ok(Sent::More) => {}
            Ok(Sent::Final) => {
                return self.download(index, exchange, BlockReceiver::new(), message);
            }
            Err(error) => {
                self.fail(index, Failure::Upload(error));
                return Input::Nothing;
            }
        }
        exchange.task = Task::Upload(sender);
        self.put_back(index, exchange);
        self.repeat(index);
        Input::Nothing
    }

    /// Takes a notification, or the response that ends an observation.
    fn notified<'a>(
        &mut self,
        index: usize,
        mut exchange: Exchange<P>,
        freshness: Option<Freshness>,
        message: Message<'a>,
    ) -> Input<'a, P> {
        let number = message.observe().filter(|_| message.code().is_success());
        let Some(number) = number.map(SequenceNumber::new) else {
            // No observation, or no longer (RFC 7641 §3.2, §4.2).
            self.drop_download_of(exchange.id);
            exchange.task = Task::Request;
            return self.download(index, exchange, BlockReceiver::new(), message);
        };
        let now = self.state.now;
        let mut freshest = freshness.unwrap_or(Freshness::new(number, now));
        if freshness.is_some() && !freshest.accept(number, now) {
            // Overtaken by a newer one, except that an Acknowledgement answers our last request.
            if message.message_type() != Type::Acknowledgement {
                return Input::Nothing;
            }
            freshest = Freshness::new(number, now);
        }
        self.drop_download_of(exchange.id);
        exchange.task = Task::Observe(Some(freshest));
        exchange.phase = Phase::Observing;
        exchange.due = false;
        exchange.timer = Transmission::once(now, self.patience(&message));
        self.put_back(index, exchange);

        let mut receiver = BlockReceiver::new();
        let preferred = self.state.config.block_size;
        let response = |more| {
            Input::Notification(Response {
                exchange: exchange.id,
                offset: 0,
                more,
                message,
            })
        };
        let Ok(received) = receiver.response(&message, ANY_SIZE, preferred) else {
            self.incomplete(exchange.id);
            return Input::Nothing;
        };
        match received.next {
            Next::Complete(_) => response(false),
            Next::More(next) => {
                if self.fetch_rest(index, &exchange, receiver, next).is_none() {
                    self.incomplete(exchange.id);
                }
                response(true)
            }
        }
    }

    /// How long to wait for the next notification: Max-Age and 5 to 15 seconds (RFC 7641 §3.3.1).
    fn patience(&mut self, message: &Message<'_>) -> Duration {
        let max_age = message.uint(OptionNumber::MAX_AGE);
        let spread = u64::from(self.rng.next_u32()).saturating_mul(10_000) >> 32;
        Duration::from_secs(u64::from(max_age.unwrap_or(DEFAULT_MAX_AGE)))
            .saturating_add(Duration::from_secs(5))
            .saturating_add(Duration::from_millis(spread))
    }

    /// Fetches what follows the first block of a notification, with a token of its own (RFC 7959 §3.4).
    fn fetch_rest(
        &mut self,
        from: usize,
        observation: &Exchange<P>,
        receiver: BlockReceiver,
        next: Block,
    ) -> Option<()> {
        let index = self.vacant().ok()?;
        let token = self.token();
        let len = self.slots.copy(from, index, usize::from(observation.len))?;
        let slot = self.slots.at(index);
        let len = set_option(slot, len, OptionNumber::OBSERVE, None)?;
        set_token(slot, token);
        let task = Task::Download {
            receiver,
            next,
            told: observation.id,
            restarts: RESTARTS,
        };
        self.open(index, observation.peer, len, task);
        Some(())
    }

    /// Has the owner told that the rest of a notification does not come.
    pub(super) fn incomplete(&mut self, observation: ExchangeId) {
        let open = self.exchanges.iter_mut().flatten();
        for exchange in open.filter(|open| open.id == observation) {
            if exchange.phase == Phase::Observing {
                exchange.due = true;
            }
        }
    }

    /// Has the request in a slot sent as a new one.
    fn repeat(&mut self, index: usize) {
        let token = self.token();
        set_token(self.slots.at(index), token);
        if let Some(Some(exchange)) = self.exchanges.get_mut(index) {
            exchange.phase = Phase::Queued;
            exchange.due = false;
        }
    }

    /// Repeats a request with the Echo value that the server wants to see, once (RFC 9175 §2.3).
    fn keep_echo(&mut self, index: usize, exchange: &Exchange<P>, message: &Message<'_>) -> bool {
        let Some(value) = message.option(OptionNumber::ECHO) else {
            return false;
        };
        let behind = usize::from(exchange.len);
        let space = self
            .slots
            .at(index)
            .get_mut(behind..)
            .and_then(|rest| rest.get_mut(..value.len()));
        let (Some(space), Ok(len), 0) = (space, u8::try_from(value.len()), exchange.echo) else {
            return false;
        };
        space.copy_from_slice(value);
        let mut exchange = *exchange;
        exchange.echo = len;
        self.put_back(index, exchange);
        self.repeat(index);
        true
    }
}

/// What the owner sees of a response.
fn answer<'a, P>(
    exchange: &Exchange<P>,
    message: Message<'a>,
    offset: usize,
    more: bool,
) -> Input<'a, P> {
    let response = Response {
        exchange: exchange.told(),
        offset,
        more,
        message,
    };
    if response.exchange == exchange.id {
        Input::Response(response)
    } else {
        Input::Notification(response)
    }
}

/// Widens where addresses have 32 bits or more.
const fn to_usize(value: u32) -> usize {
    value as usize
}
