//! The endpoint's doors.

use core::hash::Hash;

use rand_core::Rng;

use super::core::{Core, Slots, State};
use super::exchange::{Exchange, Task};
use super::fresh::Freshness;
use super::part::Part;
use super::peers::Peer;
use super::transmit::transmit;
use super::{Config, Deferred, ExchangeId, Input, Output, Request, RequestError, Transmit, Upload};
use crate::block::{BlockSender, Body, Received};
use crate::observe::{Notification, Observer, Observers};
use crate::time::{Duration, Instant};
use crate::{
    BuildError, Code, DuplicateWindow, Kind, MessageBuilder, MessageId, Parameters, Token, Type,
};

/// A whole CoAP endpoint, client and server at once, over datagrams that somebody else carries (RFC 7252).
///
/// No allocator, no clock, no socket: the owner gives datagrams and the time, and takes datagrams and events. It does
/// the whole message layer and what repeats itself above it: it sends again, acknowledges, rejects, tells duplicates
/// and repeats their answers, matches responses, fetches and sends bodies block by block, keeps observations alive.
///
/// After each call that takes `now`, [`poll_output`](Endpoint::poll_output) is to be called until it is
/// [`Output::Idle`], and [`handle_timeout`](Endpoint::handle_timeout) when [`next_timeout`](Endpoint::next_timeout) has
/// come. The crate's first page has an example.
///
/// `P` is a peer's address and `R` a source of random numbers, best one that cannot be predicted, as tokens are drawn
/// from it (RFC 7252 §5.3.1). The numbers are what there is room for:
///
/// - `PEERS`: peers with parameters of their own, and those whose round trip is measured;
/// - `EXCHANGES`: requests, observations and separate responses of our own at the same time;
/// - `OBSERVERS`: observers of our resources; there must be an exchange free when they are notified;
/// - `REPLAY`: answers of up to 48 bytes that are remembered for duplicates; longer ones take the room of several.
///   When there is no room the oldest is forgotten;
/// - `MESSAGE`: bytes of a request's or separate response's message, with its payload.
///
/// A server that asks nothing, defers nothing and is not observed takes 0 `EXCHANGES` and 0 `OBSERVERS`, and one without
/// limit of amplification 0 `PEERS`: the code for them is left out too.
pub struct Endpoint<
    P,
    R,
    const PEERS: usize = 4,
    const EXCHANGES: usize = 4,
    const OBSERVERS: usize = 4,
    const REPLAY: usize = 16,
    const MESSAGE: usize = 256,
> {
    state: State<P>,
    rng: R,
    freshness: Freshness,
    peers: [Option<Peer<P>>; PEERS],
    exchanges: [Option<Exchange<P>>; EXCHANGES],
    messages: [[u8; MESSAGE]; EXCHANGES],
    observers: [Option<Observer<P, u32>>; OBSERVERS],
    window: DuplicateWindow<Blocks<REPLAY>, Pairs<REPLAY>>,
}

/// The ring of the window of duplicates.
struct Blocks<const N: usize>([[u8; 64]; N]);

/// The index of the window of duplicates, of which three quarters may be used.
struct Pairs<const N: usize>([[u32; 2]; N]);

impl<const N: usize> AsMut<[u8]> for Blocks<N> {
    fn as_mut(&mut self) -> &mut [u8] {
        self.0.as_flattened_mut()
    }
}

impl<const N: usize> AsMut<[u32]> for Pairs<N> {
    fn as_mut(&mut self) -> &mut [u32] {
        self.0.as_flattened_mut()
    }
}

/// Writes what belongs between header and end of a message.
///
/// It gives the builder back so that a chain of calls is all it takes: `|message| message.path(["a"])`.
pub trait Write:
    for<'x, 'b> FnOnce(&'x mut MessageBuilder<'b>) -> &'x mut MessageBuilder<'b>
{
}

impl<F: for<'x, 'b> FnOnce(&'x mut MessageBuilder<'b>) -> &'x mut MessageBuilder<'b>> Write for F {}

impl<
    P: Copy + Eq + Hash,
    R: Rng,
    const PEERS: usize,
    const EXCHANGES: usize,
    const OBSERVERS: usize,
    const REPLAY: usize,
    const MESSAGE: usize,
> Endpoint<P, R, PEERS, EXCHANGES, OBSERVERS, REPLAY, MESSAGE>
{
    /// An endpoint with [`Config::DEFAULT`].
    pub fn new(rng: R) -> Self {
        Self::with_config(rng, Config::DEFAULT)
    }

    /// An endpoint that does as it is told.
    pub fn with_config(mut rng: R, config: Config) -> Self {
        let lifetime = config.parameters.exchange_lifetime();
        let (ring, index) = (Blocks([[0; 64]; REPLAY]), Pairs([[0; 2]; REPLAY]));
        Self {
            state: State::new(config, rng.next_u64()),
            window: DuplicateWindow::new(ring, index, lifetime, rng.next_u64()),
            freshness: Freshness::new([rng.next_u64(), rng.next_u64()]),
            rng,
            peers: [const { None }; PEERS],
            exchanges: [const { None }; EXCHANGES],
            messages: [[0; MESSAGE]; EXCHANGES],
            observers: [const { None }; OBSERVERS],
        }
    }

    #[inline]
    fn core(&mut self) -> Core<'_, P> {
        let turn = self.state.turn;
        Core {
            observers: Observers::resumed(&mut self.observers, turn),
            state: &mut self.state,
            rng: &mut self.rng,
            peers: &mut self.peers,
            exchanges: &mut self.exchanges,
            slots: Slots {
                bytes: self.messages.as_flattened_mut(),
                size: MESSAGE,
            },
            window: self.window.view(),
        }
    }

    /// Takes a datagram from `peer` and tells what it meant.
    pub fn handle_input<'a>(&mut self, now: Instant, peer: P, bytes: &'a [u8]) -> Input<'a, P> {
        let mut core = self.core();
        let Some(message) = core.read(now, peer, bytes) else {
            return Input::Nothing;
        };
        // What there is no room for costs no code either.
        match message.kind() {
            Kind::Request => return core.accept(peer, message, bytes.len()),
            Kind::Response if EXCHANGES > 0 => return core.response(peer, message),
            Kind::Acknowledgement if EXCHANGES > 0 => core.acknowledged(peer, message.id()),
            Kind::Reset if EXCHANGES > 0 => core.rejected(peer, message.id()),
            _ => core.reject(peer, &message),
        }
        Input::Nothing
    }

    /// The next thing to do; the datagram is written to `buffer`, which should have room for the greatest message.
    ///
    /// Its answer changes after every call that takes `now`.
    pub fn poll_output<'b>(&mut self, buffer: &'b mut [u8]) -> Output<'b, P> {
        let mut core = self.core();
        match core.poll_reply(buffer) {
            Some((to, len)) => transmit(to, buffer, len),
            None if EXCHANGES > 0 => core.poll_exchanges(buffer),
            None => Output::Idle,
        }
    }

    /// When [`handle_timeout`](Endpoint::handle_timeout) is to be called; asked after each call that takes `now`.
    pub fn next_timeout(&mut self) -> Option<Instant> {
        self.core().next_timeout()
    }

    /// Tells the time.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.core().handle_timeout(now);
    }

    /// Answers a request: the datagram is written to `buffer` and is to be sent at once. `None` is silence.
    ///
    /// The answer goes into the Acknowledgement of a Confirmable request, and into a Non-confirmable message for a
    /// Non-confirmable one. It is remembered and repeated when a duplicate of the request arrives. Added by itself:
    /// the Block1 option that acknowledges a block. Held back: what a No-Response option does not want (RFC 7967).
    /// What cannot be written becomes 5.00 Internal Server Error.
    pub fn respond<'b>(
        &mut self,
        now: Instant,
        request: &Request<'_, P>,
        code: Code,
        buffer: &'b mut [u8],
        write: impl Write,
    ) -> Option<Transmit<'b, P>> {
        self.state.now = self.state.now.max(now);
        let (message_type, id) = match request.message_type() {
            Type::Confirmable => (Type::Acknowledgement, request.id()),
            _ => (Type::NonConfirmable, self.state.ids.next()),
        };
        let written = write_message(buffer, message_type, code, id, request.token(), write);
        if PEERS > 0
            && self.state.config.limit_amplification
            && code != Code::UNAUTHORIZED
            && matches!(request.code(), Code::GET | Code::FETCH)
            && written.is_ok_and(|len| !self.freshness.may_answer(self.state.now, request, len))
        {
            return self.challenge(now, request, buffer);
        }
        let mut core = self.core();
        let written = if OBSERVERS > 0 {
            core.enlist_request(request, code, buffer, written)
        } else {
            written
        };
        let len = core.finish_response(request, code, buffer, (message_type, id), written)?;
        let bytes = buffer.get(..len)?;
        Some(Transmit {
            to: request.peer,
            bytes,
        })
    }

    /// Asks the sender of a request to show that the request is fresh and that it is where it says: answers 4.01 with an
    /// Echo value, with which the request comes again (RFC 9175 §2.3).
    ///
    /// Not to be acted upon: neither this request nor one whose effect matters, before it [is fresh](Endpoint::is_fresh).
    pub fn challenge<'b>(
        &mut self,
        now: Instant,
        request: &Request<'_, P>,
        buffer: &'b mut [u8],
    ) -> Option<Transmit<'b, P>> {
        let value = self.freshness.issue(self.state.now.max(now), &request.peer);
        let code = Code::UNAUTHORIZED;
        self.respond(now, request, code, buffer, |response| response.echo(&value))
    }

    /// Whether a request carries an Echo value of ours that its sender got not longer ago than `max_age`: it was sent
    /// since then, from where it says (RFC 9175 §2.3).
    pub fn is_fresh(&self, now: Instant, request: &Request<'_, P>, max_age: Duration) -> bool {
        let now = self.state.now.max(now);
        self.freshness.is_fresh(now, request, max_age)
    }

    /// Gives a peer transmission parameters of its own, or with `None` the general ones again; false when there is no
    /// room. Messages that are under way keep their timeout.
    ///
    /// `EXCHANGE_LIFETIME`, for which duplicates are remembered, is that of the general ones.
    pub fn set_parameters(&mut self, peer: P, parameters: Option<Parameters>) -> bool {
        self.core().set_parameters(peer, parameters)
    }

    /// Puts the answer to a request off: the request is acknowledged, and so is every duplicate.
    pub fn defer(&mut self, now: Instant, request: &Request<'_, P>) -> Deferred<P> {
        self.state.now = self.state.now.max(now);
        if request.message_type() == Type::Confirmable {
            self.core().acknowledge_request(request);
        }
        Deferred::new(request)
    }

    /// Answers a request with a body of any length: with the block of it that was asked for, and with the first where
    /// it is too long for one message (RFC 7959 §2.4). Nothing is kept between two blocks.
    ///
    /// `write` adds options up to Max-Age; an `ETag` belongs there if the body can change. Else as
    /// [`respond`](Endpoint::respond).
    pub fn respond_body<'b>(
        &mut self,
        now: Instant,
        request: &Request<'_, P>,
        code: Code,
        body: &mut (impl Body + ?Sized),
        buffer: &'b mut [u8],
        write: impl Write,
    ) -> Option<Transmit<'b, P>> {
        let size = self.state.config.block_size;
        match Part::of(body, request, size) {
            Ok(part) => self.respond(now, request, code, buffer, |builder| {
                part.write(body, write(builder))
            }),
            Err(code) => self.respond(now, request, code, buffer, |builder| builder),
        }
    }

    /// Takes a request as a part of an upload: its payload belongs at the offset that is given. It is to be stored, then
    /// answered: with 2.31 Continue as long as the body is not [complete](Received::is_complete).
    ///
    /// `upload` keeps the place in one body at a time, `capacity` is the greatest body in bytes. Nothing of the body is
    /// kept here. A request without blocks is a complete body too.
    ///
    /// # Errors
    ///
    /// The code with which to answer: 4.08 for a block out of place, 4.13 for too long a body, 5.03 while the upload of
    /// another goes on, 4.00 and 4.02 for nonsense (RFC 7959 §2.9).
    pub fn receive(
        &mut self,
        now: Instant,
        request: &Request<'_, P>,
        upload: &mut Upload<P>,
        capacity: usize,
    ) -> Result<Received, Code> {
        let now = self.state.now.max(now);
        upload.take(now, request, capacity, self.state.seed, &self.state.config)
    }

    /// Tells that a resource has changed that may be observed: [`poll_output`](Endpoint::poll_output) asks for the
    /// notifications.
    pub fn changed(&mut self, now: Instant, resource: u32) {
        let mut core = self.core();
        core.clock(now);
        core.observers.changed(|observed| *observed == resource);
    }

    /// Whether anybody observes a resource.
    pub fn is_observed(&self, resource: u32) -> bool {
        let mut observers = self.observers.iter().flatten();
        observers.any(|observer| *observer.resource() == resource)
    }

    /// Writes a notification after [`Output::Notify`]: the same as the answer to a GET (RFC 7641 §4.2). The datagram is
    /// to be sent at once.
    ///
    /// A code that is no success, or a message that cannot be written, ends the observation. A Confirmable notification
    /// of more than `MESSAGE` bytes is not sent again when it is lost.
    pub fn notification<'b>(
        &mut self,
        now: Instant,
        notification: &Notification<P, u32>,
        code: Code,
        buffer: &'b mut [u8],
        write: impl Write,
    ) -> Option<Transmit<'b, P>> {
        let Notification {
            peer,
            token,
            message_type,
            id,
            ..
        } = *notification;
        let written = write_message(buffer, message_type, code, id, token, write);
        let mut core = self.core();
        core.clock(now);
        let len = core.finish_notification(notification, code, buffer, written)?;
        Some(Transmit {
            to: peer,
            bytes: buffer.get(..len)?,
        })
    }

    /// Writes a notification with a body of any length: its first block, after which the observer asks for the rest
    /// (RFC 7959 §2.6). Otherwise as [`notification`](Endpoint::notification).
    pub fn notification_body<'b>(
        &mut self,
        now: Instant,
        notification: &Notification<P, u32>,
        code: Code,
        body: &mut (impl Body + ?Sized),
        buffer: &'b mut [u8],
        write: impl Write,
    ) -> Option<Transmit<'b, P>> {
        let size = self.state.config.block_size;
        match Part::first(body, size) {
            Ok(part) => self.notification(now, notification, code, buffer, |builder| {
                part.write(body, write(builder))
            }),
            Err(code) => self.notification(now, notification, code, buffer, |builder| builder),
        }
    }

    /// Answers a request that was put off, in a message of its own; Confirmable where the request was.
    ///
    /// It is sent by the next polls, again and again until it is acknowledged. `None` where a No-Response option wants
    /// no such response.
    ///
    /// # Errors
    ///
    /// [`RequestError::Full`] and [`RequestError::Build`].
    pub fn respond_later(
        &mut self,
        now: Instant,
        deferred: &Deferred<P>,
        code: Code,
        write: impl Write,
    ) -> Result<Option<ExchangeId>, RequestError> {
        let mut core = self.core();
        core.clock(now);
        if deferred.terms.is_silent(code) {
            return Ok(None);
        }
        let index = core.vacant()?;
        let slot = core.slots.at(index);
        let id = MessageId(0);
        let len = write_message(slot, deferred.message_type, code, id, deferred.token, write)?;
        let len = core.annotate_later(index, deferred, code, len)?;
        Ok(Some(core.open(index, deferred.peer, len, Task::Respond)))
    }

    /// Sends a Confirmable request: `write` adds options and payload.
    ///
    /// The response comes as [`Input::Response`]; a body in blocks as several of them, each further block being asked
    /// for by the endpoint. With an Observe option of 0 the request registers an observation: its responses come as
    /// [`Input::Notification`], and it is registered anew when the last of them is no longer fresh.
    ///
    /// # Errors
    ///
    /// [`RequestError::Full`] and [`RequestError::Build`].
    pub fn request(
        &mut self,
        now: Instant,
        peer: P,
        code: Code,
        write: impl Write,
    ) -> Result<ExchangeId, RequestError> {
        self.ask(now, peer, (Type::Confirmable, code), None, write)
    }

    /// Sends a Non-confirmable request: once, and the response may be lost too.
    ///
    /// # Errors
    ///
    /// As [`request`](Endpoint::request).
    pub fn request_non(
        &mut self,
        now: Instant,
        peer: P,
        code: Code,
        write: impl Write,
    ) -> Result<ExchangeId, RequestError> {
        self.ask(now, peer, (Type::NonConfirmable, code), None, write)
    }

    /// Sends a request with a body of `len` bytes, block by block (RFC 7959 §2.3); `write` adds the options.
    ///
    /// The body stays with the owner, who is asked for each part with [`Output::Part`], again for each
    /// retransmission.
    ///
    /// # Errors
    ///
    /// Every [`RequestError`].
    pub fn upload(
        &mut self,
        now: Instant,
        peer: P,
        code: Code,
        len: usize,
        write: impl Write,
    ) -> Result<ExchangeId, RequestError> {
        let size = self.state.config.block_size;
        let sender = BlockSender::new(len, size).map_err(|_| RequestError::TooLong)?;
        self.ask(now, peer, (Type::Confirmable, code), Some(sender), write)
    }

    fn ask(
        &mut self,
        now: Instant,
        peer: P,
        (message_type, code): (Type, Code),
        body: Option<BlockSender>,
        write: impl Write,
    ) -> Result<ExchangeId, RequestError> {
        let mut core = self.core();
        core.clock(now);
        let index = core.vacant()?;
        let token = Token::from(core.token());
        let slot = core.slots.at(index);
        let len = write_message(slot, message_type, code, MessageId(0), token, write)?;
        let task = match body {
            Some(sender) => Task::Upload(sender),
            None => core.task(index, len),
        };
        Ok(core.open(index, peer, len, task))
    }

    /// Sends a part of an upload's body after [`Output::Part`]: `fill` gets the space for it.
    ///
    /// `None` when that part is no longer wanted, or `buffer` is too small.
    pub fn part<'b>(
        &mut self,
        exchange: ExchangeId,
        buffer: &'b mut [u8],
        fill: impl FnOnce(&mut [u8]),
    ) -> Option<Transmit<'b, P>> {
        let (to, part, start) = self.core().begin_part(exchange, buffer)?;
        let end = start.checked_add(part.len)?;
        fill(buffer.get_mut(start..end)?);
        let bytes = buffer.get(..end)?;
        Some(Transmit { to, bytes })
    }

    /// Ends an exchange of ours whose outcome no longer matters; an observation by telling the server
    /// (RFC 7641 §3.6).
    pub fn cancel(&mut self, now: Instant, exchange: ExchangeId) {
        let mut core = self.core();
        core.clock(now);
        core.cancel(exchange);
    }
}

/// Writes a whole message.
fn write_message(
    buffer: &mut [u8],
    message_type: Type,
    code: Code,
    id: MessageId,
    token: Token,
    write: impl Write,
) -> Result<usize, BuildError> {
    let mut builder = MessageBuilder::new(buffer, message_type, code, id, token);
    write(&mut builder);
    builder.finish().map(<[u8]>::len)
}
