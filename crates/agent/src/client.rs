//! The agent as a client: Register, Update and De-register, and the answers to them (Core 1.2.2 §6.2).

use dunlin_coap::block::{BlockSender, BlockSize};
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{
    Code, Message, MessageBuilder, MessageId, OptionNumber, Retry, Tokens, Transmission, Type,
};
use dunlin_lwm2m::{LwM2mVersion, Register, Update};
use dunlin_model::ResourceId;

use crate::engine::Core;
use crate::event::count;
use crate::exchange::{Exchange, Wait};
use crate::features::{BOOTSTRAP, OBSERVE, ORDER, SEND};
use crate::links::{self, Links};
use crate::registration::{Leave, Location, Registration, Slot, Told, spread};
use crate::reply::join;
use crate::{Error, Event, Failure};

/// Room for header and options of a request, beside the endpoint name.
const HEADER: usize = if cfg!(feature = "echo") { 172 } else { 128 };

/// Max-Age of an answer that has none (RFC 7252 §5.10.5).
const MAX_AGE: u32 = 60;

impl<P: Copy + Eq> Core<'_, P> {
    /// When something is to be done towards a server.
    pub(crate) fn server_due(&self, index: usize) -> Option<Instant> {
        let slot = self.servers.get(index)?.as_ref()?;
        let until = slot.until;
        match slot.state {
            _ if slot.is_away => None,
            Registration::Stopped => None,
            Registration::Waiting if self.has_to_wait(slot) => None,
            Registration::Waiting | Registration::Disabled => Some(until),
            Registration::Registered if OBSERVE && slot.unconfirmed.is_some() => None,
            Registration::Registered if slot.leave.is_some() || SEND && slot.sending.is_some() => {
                Some(self.state.now)
            }
            Registration::Registered if slot.update => Some(until),
            Registration::Registered => slot
                .update_due(&self.config.parameters)
                .map(|due| due.max(until)),
            _ => Some(slot.exchange.deadline()),
        }
    }

    /// Whether a server before this one in the order of priorities (/1/x/13) is still to be registered at: it has not
    /// succeeded, and either has not failed yet or blocks those behind it (/1/x/15) (Core 1.2.2 §6.2.1.2).
    fn has_to_wait(&self, slot: &Slot<P>) -> bool {
        if !ORDER {
            return false;
        }
        let priority = |slot: &Slot<P>| slot.setting(&*self.objects, ResourceId::of::<13>());
        let Some(own) = priority(slot) else {
            return false;
        };
        self.servers.iter().filter_map(Option::as_ref).any(|other| {
            let trying = matches!(
                other.state,
                Registration::Waiting | Registration::Registering
            );
            let blocks = || {
                let blocks = other.read(&*self.objects, ResourceId::of::<15>());
                !other.has_failed(&*self.objects)
                    || blocks.and_then(|value| value.as_bool()) == Some(true)
            };
            trying && priority(other).is_some_and(|priority| priority < own) && blocks()
        })
    }

    /// The registration at a server has come to its end, good or bad: those behind it in the order count the delay before
    /// their first Register from now on (/1/x/14).
    fn let_next_go(&mut self, index: usize) {
        if !ORDER {
            return;
        }
        let (now, objects) = (self.state.now, &*self.objects);
        let priority = |slot: &Slot<P>| slot.setting(objects, ResourceId::of::<13>());
        let own = self.servers.get(index).and_then(Option::as_ref);
        let Some(own) = own.and_then(priority) else {
            return;
        };
        for slot in self.servers.iter_mut().filter_map(Option::as_mut) {
            if slot.is_new() && priority(slot) > Some(own) {
                slot.until = now.saturating_add(slot.first_delay(objects));
            }
        }
    }

    /// Sends what is due towards a server.
    pub(crate) fn poll_server(&mut self, index: usize, buffer: &mut [u8]) -> Option<(P, usize)> {
        let now = self.state.now;
        if self.server_due(index)? > now {
            return None;
        }
        let slot = self.servers.get_mut(index)?.as_mut()?;
        if let Some(exchange) = slot.under_way() {
            let random = self.rng.next_u32();
            let parameters = &self.config.parameters;
            let counters = &mut self.state.counters;
            if exchange.step(now, parameters, random, counters) == Retry::GiveUp {
                self.failed(index, Failure::NoAnswer, None);
                return None;
            }
        } else {
            self.begin(index)?;
        }
        self.send(index, buffer)
    }

    /// Begins the request that is due.
    fn begin(&mut self, index: usize) -> Option<()> {
        let telling = self.slot(index)?.to_tell(&*self.objects, self.config);
        let exchange = self.new_exchange(telling);
        let slot = self.slot_mut(index)?;
        slot.exchange.follow(exchange);
        if matches!(slot.state, Registration::Waiting | Registration::Disabled) {
            slot.state = Registration::Registering;
            slot.unconfirmed = None;
            self.end_send(index, Some(Failure::NoAnswer));
            self.end_observations(index);
        } else if slot.leave.is_some() {
            slot.state = Registration::Deregistering;
        } else if SEND && slot.sending.is_some() {
            slot.state = Registration::Sending;
        } else {
            slot.update = false;
            slot.state = Registration::Updating;
        }
        Some(())
    }

    /// The request under way has had no chance, its server being out of reach: it begins anew, rather than count as
    /// unanswered.
    pub(crate) fn begin_anew(&mut self, index: usize) -> Option<()> {
        let telling = self.slot_mut(index)?.under_way()?.telling;
        let mut exchange = self.new_exchange(telling);
        exchange.wait = Wait::Turn;
        self.slot_mut(index)?.exchange.follow(exchange);
        Some(())
    }

    /// A request whose first message is sent now.
    pub(crate) fn new_exchange(&mut self, telling: Told) -> Exchange {
        let now = self.state.now;
        Exchange {
            id: self.state.ids.next(),
            token: Tokens::default().next(&mut self.rng),
            begun: now,
            wait: Wait::Acknowledgement(Transmission::start(
                now,
                &self.config.parameters,
                self.rng.next_u32(),
            )),
            telling,
            ..Exchange::NONE
        }
    }

    /// Writes the message of the request under way.
    fn send(&mut self, index: usize, buffer: &mut [u8]) -> Option<(P, usize)> {
        let slot = self.slot(index)?;
        let (to, state) = (slot.peer, slot.state);
        let written = if SEND && state == Registration::Sending {
            self.write_send(index, buffer)
        } else {
            self.write_request(index, buffer)
        };
        if let Ok(len) = written {
            Some((to, len))
        } else {
            self.failed(index, Failure::NoSpace, None);
            None
        }
    }

    fn write_request(&mut self, index: usize, buffer: &mut [u8]) -> Result<usize, Error> {
        let slot = self.servers.get_mut(index).and_then(Option::as_mut);
        let slot = slot.ok_or(Error::Failed)?;
        let request = slot.state;
        let (told, version) = (slot.told, slot.version);
        let registers = request == Registration::Registering;
        let profile = slot.profile(self.config).filter(|_| registers);
        let exchange = &mut slot.exchange;
        let telling = exchange.telling;
        let reserved = HEADER.saturating_add(self.config.endpoint.len());
        let with_list = match request {
            Registration::Registering => true,
            Registration::Updating => telling.list != told.list,
            _ => false,
        };
        let mut part = 0..0;
        let mut block = None;
        if with_list {
            let space = buffer.get_mut(reserved..).ok_or(Error::NoSpace)?;
            let covered = profile.map_or(&[][..], |profile| profile.objects);
            let list = |skip, space| {
                links::list(&*self.objects, version, covered, Links::new(skip, space))
            };
            if exchange.blocks.is_none() {
                let fits = BlockSize::at_most(space.len()).ok_or(Error::NoSpace)?;
                let length = list(0, &mut []).total;
                let blocks = BlockSender::new(length, fits.min(self.config.block_size));
                exchange.blocks = Some(blocks.map_err(|_| Error::NoSpace)?);
            }
            let blocks = exchange.blocks.as_ref().ok_or(Error::Failed)?;
            let current = blocks.current();
            let space = space.get_mut(..current.len).ok_or(Error::NoSpace)?;
            part = 0..list(current.offset, space).length;
            block = current.block;
        }
        let (header, rest) = buffer
            .split_at_mut_checked(reserved)
            .ok_or(Error::NoSpace)?;
        let code = if request == Registration::Deregistering {
            Code::DELETE
        } else {
            Code::POST
        };
        let mut builder =
            MessageBuilder::new(header, Type::Confirmable, code, exchange.id, exchange.token);
        match request {
            Registration::Registering => {
                let mut register = Register::new(self.config.endpoint, telling.lifetime, version);
                register.binding = telling.binding;
                register.queue_mode = self.config.queue_mode;
                register.profile_ids = profile.map(|profile| profile.ids);
                register.links = rest.get(part.clone()).unwrap_or_default();
                register.write(&mut builder);
            }
            Registration::Updating => {
                let mut update = Update::default();
                update.lifetime = (telling.lifetime != told.lifetime).then_some(telling.lifetime);
                update.binding = (telling.binding != told.binding).then_some(telling.binding);
                update.write(&mut builder, slot.location.segments(), with_list);
            }
            _ => {
                builder.path(slot.location.segments());
            }
        }
        if let Some(block) = block {
            builder.block1(block);
        }
        #[cfg(feature = "echo")]
        slot.exchange.echo.write(&mut builder);
        let header = builder.finish().map_err(|_| Error::NoSpace)?.len();
        join(buffer, header, reserved, part).ok_or(Error::NoSpace)
    }

    /// A response from `peer`.
    pub(crate) fn response(&mut self, peer: P, message: &Message<'_>) {
        if self.bootstrap_response(peer, message) {
            return;
        }
        let confirmable = message.message_type() == Type::Confirmable;
        let found = self.server_at(peer);
        let slot = found.and_then(|index| self.slot_mut(index));
        let (Some(index), Some(slot)) = (found, slot) else {
            count(&mut self.state.counters.strangers);
            if confirmable {
                self.reset(peer, message.id());
            }
            return;
        };
        let expected = slot.state.is_busy() && slot.exchange.expects(message);
        let repeated = confirmable && slot.last_response == Some(message.id());
        if confirmable {
            if expected {
                slot.last_response = Some(message.id());
            }
            let answer = if expected || repeated {
                Type::Acknowledgement
            } else {
                Type::Reset
            };
            self.empty(peer, message.id(), answer);
        }
        if expected {
            self.answered(index, message);
        }
    }

    /// The answer to the request under way.
    fn answered(&mut self, index: usize, message: &Message<'_>) {
        let now = self.state.now;
        #[cfg(feature = "echo")]
        if self.is_challenged(index, message) {
            return;
        }
        if self.goes_on(index, message) {
            return;
        }
        let Some(slot) = self.servers.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        let server = slot.short_server_id;
        let max_age = message.uint(OptionNumber::MAX_AGE).unwrap_or(MAX_AGE);
        let code = message.code();
        // RFC 7252 §5.9.3.4, RFC 8516 §3.
        let is_busy = matches!(code, Code::SERVICE_UNAVAILABLE | Code::TOO_MANY_REQUESTS);
        let wait = is_busy.then(|| Duration::from_secs(max_age.into()));
        match slot.state {
            Registration::Registering if code == Code::CREATED => {
                let Some(location) = Location::new(message.location_path()) else {
                    self.failed(index, Failure::BadAnswer, None);
                    return;
                };
                slot.location = location;
                slot.update = false;
                slot.succeeded();
                slot.refreshed(now);
                slot.review(&*self.objects, self.config);
                self.state.bootstraps = false;
                self.state.tell(Event::Registered { server });
                self.let_next_go(index);
            }
            Registration::Updating if code == Code::CHANGED => {
                slot.refreshed(now);
                slot.review(&*self.objects, self.config);
                self.state.tell(Event::Updated { server });
            }
            Registration::Updating if is_busy => {
                let delay = spread(wait.unwrap_or(Duration::ZERO), self.rng.next_u32());
                slot.state = Registration::Registered;
                slot.until = now.saturating_add(delay);
                slot.update = true;
            }
            // An older version may do (Transport 1.2.2 §6.4.3): it is tried at once.
            Registration::Registering
                if code == Code::PRECONDITION_FAILED && slot.version > LwM2mVersion::V1_0 =>
            {
                slot.version = match slot.version {
                    LwM2mVersion::V1_2 => LwM2mVersion::V1_1,
                    _ => LwM2mVersion::V1_0,
                };
                slot.wait(now);
            }
            // The Profile ID says nothing to this server (Core 1.2.2 §6.2.1): the list does.
            Registration::Registering
                if code == Code::CONFLICT && slot.profile(self.config).is_some() =>
            {
                slot.needs_list = true;
                slot.wait(now);
            }
            Registration::Deregistering => self.left(index),
            Registration::Sending if code == Code::CHANGED => self.end_send(index, None),
            _ if code.is_success() => self.failed(index, Failure::BadAnswer, None),
            _ => self.failed(index, Failure::Refused(code), wait),
        }
    }

    /// Whether the request is to be sent again, since the server wants to know that it is fresh.
    #[cfg(feature = "echo")]
    fn is_challenged(&mut self, index: usize, message: &Message<'_>) -> bool {
        let token = Tokens::default().next(&mut self.rng);
        let Some(slot) = self.servers.get_mut(index).and_then(Option::as_mut) else {
            return false;
        };
        let challenged = slot.exchange.is_challenged(message);
        if challenged {
            slot.exchange.token = token;
            slot.exchange.again(self.state.ids.next());
        }
        challenged
    }

    /// Takes the answer to a block of the object list; whether the request goes on with another message.
    fn goes_on(&mut self, index: usize, message: &Message<'_>) -> bool {
        let block = message.block1().ok().flatten();
        let Some(slot) = self.servers.get_mut(index).and_then(Option::as_mut) else {
            return false;
        };
        let exchange = &mut slot.exchange;
        let Some(blocks) = &mut exchange.blocks else {
            return false;
        };
        let more = match message.code() {
            Code::CONTINUE => blocks.acknowledge(block) == Ok(true),
            Code::REQUEST_ENTITY_TOO_LARGE => blocks.shrink(block),
            _ => false,
        };
        if more {
            exchange.again(self.state.ids.next());
        }
        more
    }

    /// An Empty Acknowledgement from `peer`.
    pub(crate) fn acknowledged(&mut self, peer: P, id: MessageId) {
        self.bootstrap_control(peer, id, Type::Acknowledgement);
        let Some(index) = self.server_at(peer) else {
            return;
        };
        if self.notification_acknowledged(index, id) {
            return;
        }
        let wait = self.config.parameters.max_transmit_wait();
        let deadline = self.state.now.saturating_add(wait);
        if let Some(exchange) = self.exchange_with(index, id) {
            exchange.acknowledged(deadline);
        }
    }

    /// A Reset from `peer`.
    pub(crate) fn rejected(&mut self, peer: P, id: MessageId) {
        self.bootstrap_control(peer, id, Type::Reset);
        let Some(index) = self.server_at(peer) else {
            return;
        };
        if self.exchange_with(index, id).is_some() {
            self.failed(index, Failure::BadAnswer, None);
        } else {
            self.notification_rejected(index, id);
        }
    }

    fn exchange_with(&mut self, index: usize, id: MessageId) -> Option<&mut Exchange> {
        let exchange = self.slot_mut(index)?.under_way();
        exchange.filter(|exchange| exchange.id == id)
    }

    /// The request under way, if there is one, has failed below CoAP.
    #[cfg(feature = "tcp")]
    pub(crate) fn end_request(&mut self, index: usize, reason: Failure) {
        if self
            .slot_mut(index)
            .is_some_and(|slot| slot.under_way().is_some())
        {
            self.failed(index, reason, None);
        }
    }

    /// The request under way has failed; `wait` is what the server asks for.
    fn failed(&mut self, index: usize, reason: Failure, wait: Option<Duration>) {
        let now = self.state.now;
        let Some(slot) = self.servers.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        match slot.state {
            // Leaving a server that does not know the registration, or does not answer, needs no De-register.
            Registration::Updating if slot.leave.is_some() => self.left(index),
            Registration::Updating => slot.wait(now),
            Registration::Deregistering => self.left(index),
            Registration::Sending => self.end_send(index, Some(reason)),
            _ => {
                let random = self.rng.next_u32();
                let own = slot.back_off(&*self.objects);
                let retry = spread(wait.unwrap_or(own), random);
                slot.wait(now.saturating_add(retry));
                let server = slot.short_server_id;
                // An explicit rejection asks for other accounts at once, unless those of just now are what is rejected.
                let rejected = matches!(reason, Failure::Refused(code) if code.class() == 4)
                    && wait.is_none()
                    && !self.state.bootstraps;
                let bootstrap = BOOTSTRAP && slot.leads_to_bootstrap(&*self.objects, rejected);
                let has_failed = ORDER && slot.has_failed(&*self.objects);
                self.state.tell(Event::RegistrationFailed {
                    server,
                    reason,
                    retry,
                });
                if has_failed {
                    self.let_next_go(index);
                }
                if bootstrap {
                    self.want_bootstrap();
                }
            }
        }
    }

    /// The registration is over.
    fn left(&mut self, index: usize) {
        let now = self.state.now;
        let Some(slot) = self.servers.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        let mut retry = None;
        slot.state = Registration::Stopped;
        if let Some(Leave::For(pause)) = slot.leave.take() {
            slot.state = Registration::Disabled;
            slot.until = now.saturating_add(pause);
            retry = Some(pause);
        }
        slot.told = Told::default();
        let server = slot.short_server_id;
        self.end_send(index, Some(Failure::NoAnswer));
        self.end_observations(index);
        self.state.tell(Event::Deregistered { server, retry });
    }
}
