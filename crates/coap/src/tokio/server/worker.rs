//! One socket of a server and all that belongs to its peers.

use core::future::Future;
use core::hash::BuildHasher;
use core::net::{IpAddr, SocketAddr};
use core::panic::AssertUnwindSafe;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::boxed::Box;
use std::collections::{HashMap, VecDeque};
use std::hash::RandomState;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use tokio::sync::mpsc;
use tokio::time::Sleep;

use super::Order;
use super::limits::Limits;
use super::notifier::Changes;
use super::route::Answering;
use super::service::{Exchange, Outcome, Reply, Service};
use super::uploads::busy;
use super::validation::Validation;
use super::watchers::{Due, Watchers};
use crate::observe::{self, SequenceNumber};
use crate::time::Instant;
use crate::tokio::clock::{Clock, duration};
use crate::tokio::confirmables::{self, Confirmables};
use crate::tokio::ids::Sequences;
use crate::tokio::response::Response;
use crate::tokio::udp::{Datagram, Inbox, Outbox, Socket};
use crate::{
    Code, DuplicateWindow, Kind, Message, MessageBuilder, MessageId, ParseError, ParseErrorKind,
    Seen, Token, Transmission, Type, empty_ack, reset,
};

/// Bytes of answers that are sent together.
const OUTBOX: usize = 256 * 1024;

/// The room that must be left for one answer.
const RESERVE: usize = 8 * 1024;

/// How many receives are made before other things get their turn.
const BATCHES: usize = 16;

/// One socket and its peers, as a task of its own.
pub(super) struct Worker {
    socket: Socket,
    inbox: Inbox,
    core: Core,
    orders: mpsc::UnboundedReceiver<Order>,
    done: mpsc::Receiver<(u64, Response)>,
    timer: Pin<Box<Sleep>>,
    /// For when the timer is set.
    armed: Option<Instant>,
    /// Once it is set nothing new is taken, and at that time all ends.
    stop_at: Option<Instant>,
}

/// All but the socket.
struct Core {
    clock: Clock,
    now: Instant,
    limits: Limits,
    service: Service,
    outbox: Outbox,
    hasher: RandomState,
    window: DuplicateWindow<Vec<u8>, Vec<u32>>,
    ids: Sequences,
    tasks: HashMap<u64, Task>,
    numbered: u64,
    report: mpsc::Sender<(u64, Response)>,
    validation: Option<Validation>,
    watchers: Watchers,
    changes: Arc<Changes>,
    /// When which task's request is acknowledged, if it still is not; in this order, as all wait for the same time.
    acknowledge: VecDeque<(Instant, u64)>,
    confirmables: Confirmables<Sent>,
    /// Whether no request is taken any more.
    stopping: bool,
}

/// A request whose handler is at work.
struct Task {
    purpose: Purpose,
    exchange: Exchange,
    arrived: Instant,
}

/// What a handler's response is for.
enum Purpose {
    Answer {
        from: Origin,
        acknowledged: bool,
        /// The request, where it registers an observer once it is answered.
        request: Option<Box<[u8]>>,
    },
    Notify(Due),
}

/// What a Confirmable message is.
#[derive(Clone, Copy)]
enum Sent {
    Response,
    /// A notification, with the token of its observation.
    Notification(Token),
}

/// What an answer takes from its request.
#[derive(Clone)]
struct Origin {
    peer: SocketAddr,
    key: u64,
    local: Option<IpAddr>,
    message_type: Type,
    id: MessageId,
    token: AnyToken,
    /// The greatest response in bytes, until the address is validated.
    limit: Option<usize>,
}

/// A token, which may be longer than eight bytes (RFC 8974 §2).
#[derive(Clone)]
enum AnyToken {
    Short(Token),
    Long(Box<[u8]>),
}

impl Worker {
    pub(super) fn new(
        socket: Socket,
        service: Service,
        limits: Limits,
        orders: mpsc::UnboundedReceiver<Order>,
        changes: Arc<Changes>,
    ) -> Self {
        let (report, done) = mpsc::channel(limits.tasks.max(1));
        let clock = Clock::start();
        let lifetime = limits.parameters.exchange_lifetime();
        // An answer is rarely shorter than 32 bytes with its header in the window.
        let index = vec![0; (limits.duplicates / 32).max(2)];
        let ring = vec![0; limits.duplicates];
        Self {
            inbox: Inbox::new(&socket, quinn_udp::BATCH_SIZE),
            socket,
            core: Core {
                clock,
                now: clock.now(),
                limits,
                service,
                outbox: Outbox::new(OUTBOX),
                hasher: RandomState::new(),
                window: DuplicateWindow::new(ring, index, lifetime, rand::random()),
                ids: Sequences::new(lifetime),
                tasks: HashMap::new(),
                numbered: 0,
                report,
                validation: limits.validate.then(Validation::new),
                watchers: Watchers::new(limits.observers),
                changes,
                acknowledge: VecDeque::new(),
                confirmables: Confirmables::new(),
                stopping: false,
            },
            orders,
            done,
            timer: Box::pin(tokio::time::sleep(core::time::Duration::ZERO)),
            armed: Some(Instant::ZERO),
            stop_at: None,
        }
    }

    /// Serves until told to stop.
    pub(super) async fn run(mut self) {
        core::future::poll_fn(|context| self.poll(context)).await;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.core.now = self.core.clock.now();
        // What waits for the kernel goes first; an error of the socket is no reason to end.
        let _ = ready!(self.core.outbox.poll_flush(context, &self.socket));
        while let Poll::Ready(Some((number, response))) = self.done.poll_recv(context) {
            self.core.finish(number, response);
            ready!(self.make_room(context));
        }
        while let Poll::Ready(order) = self.orders.poll_recv(context) {
            match order {
                Some(order) => self.order(order),
                // The server was dropped.
                None => return Poll::Ready(()),
            }
            ready!(self.make_room(context));
        }
        ready!(self.poll_batches(context));
        while let Some(changed) = self.core.changes.take(context) {
            self.core.watchers.changed(self.core.now, &changed);
        }
        self.core.on_time();
        let _ = ready!(self.core.outbox.poll_flush(context, &self.socket));
        while self.core.notify() {
            let _ = ready!(self.core.outbox.poll_flush(context, &self.socket));
        }
        if self
            .stop_at
            .is_some_and(|end| end <= self.core.now || self.core.is_idle())
        {
            return Poll::Ready(());
        }
        self.poll_timer(context);
        Poll::Pending
    }

    /// Receives and answers; pending while the kernel takes no more answers.
    fn poll_batches(&mut self, context: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BATCHES {
            while let Some(datagram) = self.inbox.next() {
                self.core.take(&datagram);
                if self.core.outbox.remaining() < RESERVE {
                    let _ = ready!(self.core.outbox.poll_flush(context, &self.socket));
                }
            }
            let _ = ready!(self.core.outbox.poll_flush(context, &self.socket));
            match self.socket.poll_receive(context, &mut self.inbox) {
                // An error to something that was sent; the next receive is another matter.
                Poll::Ready(_) => self.core.now = self.core.clock.now(),
                Poll::Pending => return Poll::Ready(()),
            }
        }
        context.waker().wake_by_ref();
        Poll::Ready(())
    }

    fn make_room(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.core.outbox.remaining() < RESERVE {
            let _ = ready!(self.core.outbox.poll_flush(context, &self.socket));
        }
        Poll::Ready(())
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Stop(patience) => {
                self.stop_at = Some(self.core.now.saturating_add(duration(patience)));
                self.core.stopping = true;
            }
        }
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) {
        let mut next = self.core.next_timeout();
        if let Some(end) = self.stop_at {
            next = Some(next.map_or(end, |next| next.min(end)));
        }
        let Some(next) = next else {
            return;
        };
        // A timer that rings too early is set again then: most are never needed.
        if self.armed.is_none_or(|armed| next < armed) {
            self.armed = Some(next);
            self.timer.as_mut().reset(self.core.clock.ring(next));
        }
        if self.timer.as_mut().poll(context).is_ready() {
            self.armed = None;
            context.waker().wake_by_ref();
        }
    }
}

impl Core {
    /// Whether nothing is under way.
    fn is_idle(&self) -> bool {
        self.tasks.is_empty() && self.confirmables.is_empty()
    }

    fn next_timeout(&self) -> Option<Instant> {
        let acknowledge = self.acknowledge.front().map(|(instant, _)| *instant);
        let times = [
            acknowledge,
            self.confirmables.next_timeout(),
            self.watchers.next_timeout().filter(|_| self.may_notify()),
            self.service.next_timeout(),
        ];
        times.into_iter().flatten().min()
    }

    /// Does what the time has come for.
    fn on_time(&mut self) {
        let now = self.now;
        while let Some((instant, number)) = self.acknowledge.front().copied()
            && instant <= now
        {
            self.acknowledge.pop_front();
            self.acknowledge(number);
        }
        while self.outbox.remaining() >= RESERVE
            && let Some(due) = self.confirmables.due(now, &self.limits.parameters)
        {
            match due {
                confirmables::Due::Again(peer, id) => {
                    if !self.supersede(peer, id)
                        && let Some((local, bytes)) = self.confirmables.bytes(peer, id)
                    {
                        self.outbox.push(peer, local, bytes);
                    }
                }
                confirmables::Due::GivenUp(_, Sent::Response) => {}
                confirmables::Due::GivenUp(peer, Sent::Notification(token)) => {
                    self.watchers.remove(&peer, token);
                }
            }
        }
        self.service.expire(now);
    }

    /// Takes a datagram.
    fn take(&mut self, datagram: &Datagram<'_>) {
        let (peer, local) = (datagram.peer, datagram.local);
        let message = match parse(datagram.bytes) {
            Ok(message) => message,
            Err(error) => {
                if let Some(reset) = error.reset() {
                    self.outbox.push(peer, local, &reset);
                }
                return;
            }
        };
        let id = message.id();
        match message.kind() {
            Kind::Request => self.request(datagram, &message),
            Kind::Acknowledgement => {
                if let Some((_, Sent::Notification(_))) = self.confirmables.remove(peer, id) {
                    self.watchers.acknowledged(self.now, &peer, id);
                }
            }
            Kind::Reset => {
                self.confirmables.remove(peer, id);
                self.watchers.reset(&peer, id);
            }
            // Nobody here has asked for a response (RFC 7252 §4.2).
            Kind::Ping | Kind::Response | Kind::Invalid => {
                if message.message_type() == Type::Confirmable {
                    self.outbox.push(peer, local, &reset(id));
                }
            }
        }
    }

    fn request(&mut self, datagram: &Datagram<'_>, message: &Message<'_>) {
        let mut from = Origin {
            peer: datagram.peer,
            key: self.hasher.hash_one(datagram.peer),
            local: datagram.local,
            message_type: message.message_type(),
            id: message.id(),
            token: match Token::new(message.token_bytes()) {
                Some(token) => AnyToken::Short(token),
                None => AnyToken::Long(message.token_bytes().into()),
            },
            limit: None,
        };
        match self.window.check(self.now, from.key, from.id) {
            Seen::New => {}
            Seen::InProgress => return,
            Seen::Answered(answer) => {
                // A Non-confirmable duplicate has no answer to be repeated (RFC 7252 §4.5).
                if !answer.is_empty() {
                    self.outbox.push(from.peer, from.local, answer);
                }
                return;
            }
        }
        if let Some(validation) = &self.validation {
            let len = datagram.bytes.len();
            from.limit = validation.limit(self.now, from.peer, message, len);
            if from.limit.is_some() && !matches!(message.code(), Code::GET | Code::FETCH) {
                let challenge = validation.challenge(self.now, from.peer);
                return self.answer(&from, &Exchange::default(), challenge);
            }
        }
        if self.stopping {
            return self.answer(&from, &Exchange::default(), busy());
        }
        if message.observe() == Some(observe::DEREGISTER) {
            self.watchers.remove(&from.peer, message.token());
        }
        let (outcome, exchange) = self.service.handle(self.now, from.peer, message);
        match outcome {
            Outcome::Ready(response) if exchange.observes.is_none() => {
                self.answer(&from, &exchange, response);
            }
            Outcome::Ready(response) => {
                self.register_and_answer(&from, exchange, datagram.bytes, response);
            }
            Outcome::Later(future) => {
                if self.tasks.len() >= self.limits.tasks {
                    return self.answer(&from, &exchange, busy());
                }
                self.window.begin(self.now, from.key, from.id);
                let purpose = Purpose::Answer {
                    from,
                    acknowledged: false,
                    request: exchange.observes.map(|_| datagram.bytes.into()),
                };
                self.start(purpose, exchange, future);
            }
        }
    }

    /// Lets a handler work; many are ready at once.
    fn start(&mut self, purpose: Purpose, exchange: Exchange, mut future: Answering) {
        let task = Task {
            purpose,
            exchange,
            arrived: self.now,
        };
        // Tasks of the runtime poll it later; now nobody is to be woken.
        let mut context = Context::from_waker(core::task::Waker::noop());
        let first = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        match first {
            Ok(Poll::Ready(response)) => return self.done(task, response),
            Err(_) => return self.done(task, Response::new(Code::INTERNAL_SERVER_ERROR)),
            Ok(Poll::Pending) => {}
        }
        self.numbered = self.numbered.wrapping_add(1);
        let number = self.numbered;
        let mut report = Report {
            number,
            done: self.report.clone(),
            response: Response::new(Code::INTERNAL_SERVER_ERROR),
        };
        let patience = self.limits.handler_timeout;
        tokio::spawn(async move {
            let answer = tokio::time::timeout(patience, future).await;
            report.answered(answer.unwrap_or_else(|_| busy()));
        });
        let at = self
            .now
            .saturating_add(duration(self.limits.acknowledge_after));
        self.acknowledge.push_back((at, number));
        self.tasks.insert(number, task);
    }

    /// Acknowledges the request of a handler that takes its time.
    fn acknowledge(&mut self, number: u64) {
        if let Some(task) = self.tasks.get_mut(&number)
            && let Purpose::Answer {
                from, acknowledged, ..
            } = &mut task.purpose
            && from.message_type == Type::Confirmable
            && !*acknowledged
        {
            *acknowledged = true;
            let bytes = empty_ack(from.id);
            self.outbox.push(from.peer, from.local, &bytes);
            // Four bytes are never too long.
            let _ = self.window.answered(self.now, from.key, from.id, &bytes);
        }
    }

    /// Takes the response of a handler that has worked for itself.
    fn finish(&mut self, number: u64, response: Response) {
        if let Some(task) = self.tasks.remove(&number) {
            self.done(task, response);
        }
        while let Some((_, number)) = self.acknowledge.front()
            && !self.tasks.contains_key(number)
        {
            self.acknowledge.pop_front();
        }
    }

    /// Sends the response of a handler.
    fn done(&mut self, task: Task, response: Response) {
        let mut exchange = task.exchange;
        match task.purpose {
            Purpose::Notify(due) => self.send_notification(&due, exchange, response),
            Purpose::Answer {
                from,
                acknowledged,
                request,
            } => {
                if let Some(request) = request {
                    self.register(&from, &mut exchange, &request, &response);
                }
                let age = self.now.saturating_duration_since(task.arrived);
                if !acknowledged {
                    self.answer(&from, &exchange, response);
                } else if age <= self.limits.parameters.exchange_lifetime() {
                    self.send(&from, &exchange, response);
                }
            }
        }
    }

    fn register_and_answer(
        &mut self,
        from: &Origin,
        mut exchange: Exchange,
        request: &[u8],
        response: Response,
    ) {
        self.register(from, &mut exchange, request, &response);
        self.answer(from, &exchange, response);
    }

    /// Makes an observer of the sender of a request that is answered with success (RFC 7641 §4.1).
    fn register(
        &mut self,
        from: &Origin,
        exchange: &mut Exchange,
        request: &[u8],
        response: &Response,
    ) {
        if let Some(policy) = exchange.observes
            && response.is_success()
            // Notifications must not go to who did not ask for them.
            && from.limit.is_none()
            && let Ok(message) = Message::parse(request)
        {
            let way = (from.peer, from.local);
            let number = self
                .watchers
                .register(self.now, way, &message, request, policy);
            exchange.observe = number.map(SequenceNumber::get);
        }
    }

    /// Sends a response in the Acknowledgement, or in a Non-confirmable message where the request was one.
    fn answer(&mut self, from: &Origin, exchange: &Exchange, response: Response) {
        let confirmable = from.message_type == Type::Confirmable;
        let reply = self.service.reply(exchange, response);
        let remembered = if exchange.unwanted.suppresses(reply.code()) {
            // Only the message is acknowledged (RFC 7967 §2).
            let bytes = &empty_ack(from.id)[..];
            let bytes = if confirmable { bytes } else { &[] };
            if confirmable {
                self.outbox.push(from.peer, from.local, bytes);
            }
            self.window.answered(self.now, from.key, from.id, bytes)
        } else {
            let (message_type, id) = if confirmable {
                (Type::Acknowledgement, from.id)
            } else {
                let id = self.ids.next_of_any(self.now, from.key);
                (Type::NonConfirmable, id)
            };
            let space = self.outbox.space();
            let mut len = write(space, message_type, id, &from.token, &reply);
            if let (Some(limit), Some(validation)) = (from.limit, &self.validation)
                && len > limit
            {
                let challenge = validation.challenge(self.now, from.peer);
                let reply = self.service.reply(&Exchange::default(), challenge);
                len = write(space, message_type, id, &from.token, &reply);
            }
            let bytes = self.outbox.commit(from.peer, from.local, len);
            let bytes = if confirmable { bytes } else { &[] };
            self.window.answered(self.now, from.key, from.id, bytes)
        };
        if remembered.is_err() {
            // Better no second answer than a second effect.
            let _ = self.window.answered(self.now, from.key, from.id, &[]);
        }
    }

    /// Sends a separate response (RFC 7252 §5.2.2).
    fn send(&mut self, from: &Origin, exchange: &Exchange, response: Response) {
        let reply = self.service.reply(exchange, response);
        // A retransmission would go beyond what may be sent (RFC 9175 §2.4).
        if exchange.unwanted.suppresses(reply.code()) || from.limit.is_some() {
            return;
        }
        let id = self.ids.next_of_any(self.now, from.key);
        let space = self.outbox.space();
        let len = write(space, Type::Confirmable, id, &from.token, &reply);
        let bytes = self.outbox.commit(from.peer, from.local, len);
        if self.confirmables.len() < self.limits.outgoing {
            let transmission =
                Transmission::start(self.now, &self.limits.parameters, rand::random());
            let way = (from.peer, from.local);
            self.confirmables
                .insert(transmission, way, id, bytes.to_vec(), Sent::Response);
        }
    }

    /// Whether there is room for a notification and its handler.
    fn may_notify(&self) -> bool {
        !self.stopping
            && self.confirmables.len() < self.limits.outgoing
            && self.tasks.len() < self.limits.tasks
    }

    /// Asks for the next representation that observers are to be told of; false when there is none, or no room.
    fn notify(&mut self) -> bool {
        if !self.may_notify() {
            return false;
        }
        let (ids, hasher, now) = (&mut self.ids, &self.hasher, self.now);
        let nstart = usize::from(self.limits.parameters.nstart.max(1));
        let due = self.watchers.poll(now, nstart, |peer| {
            ids.next_of_any(now, hasher.hash_one(peer))
        });
        let Some(due) = due else {
            return false;
        };
        self.represent(due);
        true
    }

    /// Sends something newer in place of a notification that is to be sent again: true when there is.
    fn supersede(&mut self, peer: SocketAddr, old: MessageId) -> bool {
        let (ids, hasher, now) = (&mut self.ids, &self.hasher, self.now);
        let due = self.watchers.supersede(now, &peer, old, || {
            ids.next_of_any(now, hasher.hash_one(peer))
        });
        let Some(due) = due else {
            return false;
        };
        // The timeout and the counter go on (RFC 7641 §4.5.2).
        if let Some((transmission, sent)) = self.confirmables.remove(peer, old) {
            let way = (peer, None);
            self.confirmables
                .insert(transmission, way, due.id, Vec::new(), sent);
        }
        self.represent(due);
        true
    }

    /// Answers a registration anew.
    fn represent(&mut self, due: Due) {
        let Some(watch) = self.watchers.watch(due.resource) else {
            return;
        };
        let request = watch.request.clone();
        let Ok(message) = Message::parse(&request) else {
            return;
        };
        let (outcome, exchange) = self.service.handle(self.now, due.peer, &message);
        match outcome {
            Outcome::Ready(response) => self.send_notification(&due, exchange, response),
            Outcome::Later(future) => self.start(Purpose::Notify(due), exchange, future),
        }
    }

    fn send_notification(&mut self, due: &Due, mut exchange: Exchange, response: Response) {
        let Some(watch) = self.watchers.watch(due.resource) else {
            // It was cancelled while the handler worked.
            self.confirmables.remove(due.peer, due.id);
            return;
        };
        let local = watch.local;
        exchange.observe = Some(due.number.get());
        let reply = self.service.reply(&exchange, response);
        if reply.code().class() != 2 {
            // Without the option, and the last (RFC 7641 §4.2).
            self.watchers.remove(&due.peer, due.token);
        }
        let token = AnyToken::Short(due.token);
        let space = self.outbox.space();
        let len = write(space, due.message_type, due.id, &token, &reply);
        let bytes = self.outbox.commit(due.peer, local, len);
        if due.message_type == Type::Confirmable {
            // In place of one that it supersedes, its transmission goes on.
            let transmission = match self.confirmables.remove(due.peer, due.id) {
                Some((transmission, _)) => transmission,
                None => Transmission::start(self.now, &self.limits.parameters, rand::random()),
            };
            let (way, sent) = ((due.peer, local), Sent::Notification(due.token));
            self.confirmables
                .insert(transmission, way, due.id, bytes.to_vec(), sent);
        }
    }
}

/// Reads a message whose token may be longer than eight bytes; such tokens are rare.
fn parse(bytes: &[u8]) -> Result<Message<'_>, ParseError> {
    match Message::parse(bytes) {
        Err(error) if error.kind() == ParseErrorKind::ReservedTokenLength => {
            Message::parse_extended(bytes)
        }
        result => result,
    }
}

/// Writes a reply into the space and gives its length; a bare 5.00 where it does not fit.
fn write(
    space: &mut [u8],
    message_type: Type,
    id: MessageId,
    token: &AnyToken,
    reply: &Reply,
) -> usize {
    let mut builder = token.begin(space, message_type, reply.code(), id);
    reply.write(&mut builder);
    if let Ok(bytes) = builder.finish() {
        return bytes.len();
    }
    let code = Code::INTERNAL_SERVER_ERROR;
    token
        .begin(space, message_type, code, id)
        .finish()
        .map_or(0, <[u8]>::len)
}

impl AnyToken {
    fn begin<'b>(
        &self,
        space: &'b mut [u8],
        message_type: Type,
        code: Code,
        id: MessageId,
    ) -> MessageBuilder<'b> {
        match self {
            Self::Short(token) => MessageBuilder::new(space, message_type, code, id, *token),
            Self::Long(token) => MessageBuilder::new_extended(space, message_type, code, id, token),
        }
    }
}

/// Tells the worker what a handler has answered, also when it panicked.
pub(super) struct Report {
    pub(super) number: u64,
    pub(super) done: mpsc::Sender<(u64, Response)>,
    pub(super) response: Response,
}

impl Report {
    pub(super) fn answered(&mut self, response: Response) {
        self.response = response;
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let response = core::mem::replace(&mut self.response, Response::new(Code::EMPTY));
        // There is a place for each task; an error means that the worker has ended.
        let _ = self.done.try_send((self.number, response));
    }
}
