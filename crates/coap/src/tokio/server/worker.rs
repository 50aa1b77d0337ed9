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
use std::vec;
use std::vec::Vec;

use tokio::sync::mpsc;
use tokio::time::Sleep;

use super::Order;
use super::limits::Limits;
use super::route::Answering;
use super::service::{Exchange, Outcome, Reply, Service};
use super::uploads::busy;
use crate::time::Instant;
use crate::tokio::clock::{Clock, duration};
use crate::tokio::confirmables::{Confirmables, Due};
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
    /// When which task's request is acknowledged, if it still is not; in this order, as all wait for the same time.
    acknowledge: VecDeque<(Instant, u64)>,
    confirmables: Confirmables<()>,
    /// Whether no request is taken any more.
    stopping: bool,
}

/// A request whose handler is at work.
struct Task {
    from: Origin,
    exchange: Exchange,
    acknowledged: bool,
    arrived: Instant,
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
        self.core.on_time();
        let _ = ready!(self.core.outbox.poll_flush(context, &self.socket));
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
                Due::Again(peer, local, bytes) => self.outbox.push(peer, local, bytes),
                Due::GivenUp(_, ()) => {}
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
            Kind::Acknowledgement | Kind::Reset => {
                self.confirmables.remove(peer, id);
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
        let from = Origin {
            peer: datagram.peer,
            key: self.hasher.hash_one(datagram.peer),
            local: datagram.local,
            message_type: message.message_type(),
            id: message.id(),
            token: match Token::new(message.token_bytes()) {
                Some(token) => AnyToken::Short(token),
                None => AnyToken::Long(message.token_bytes().into()),
            },
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
        if self.stopping {
            return self.answer(&from, &Exchange::default(), busy());
        }
        let (outcome, exchange) = self.service.handle(self.now, from.peer, message);
        match outcome {
            Outcome::Ready(response) => self.answer(&from, &exchange, response),
            Outcome::Later(future) => self.start(from, exchange, future),
        }
    }

    /// Lets a handler work; many are ready at once.
    fn start(&mut self, from: Origin, exchange: Exchange, mut future: Answering) {
        if self.tasks.len() >= self.limits.tasks {
            return self.answer(&from, &exchange, busy());
        }
        // Tasks of the runtime poll it later; now nobody is to be woken.
        let mut context = Context::from_waker(core::task::Waker::noop());
        let first = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        match first {
            Ok(Poll::Ready(response)) => return self.answer(&from, &exchange, response),
            Err(_) => {
                let response = Response::new(Code::INTERNAL_SERVER_ERROR);
                return self.answer(&from, &exchange, response);
            }
            Ok(Poll::Pending) => {}
        }
        self.window.begin(self.now, from.key, from.id);
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
        self.tasks.insert(
            number,
            Task {
                from,
                exchange,
                acknowledged: false,
                arrived: self.now,
            },
        );
    }

    /// Acknowledges the request of a handler that takes its time.
    fn acknowledge(&mut self, number: u64) {
        let Some(task) = self.tasks.get_mut(&number) else {
            return;
        };
        let from = &task.from;
        if from.message_type == Type::Confirmable && !task.acknowledged {
            task.acknowledged = true;
            let bytes = empty_ack(from.id);
            self.outbox.push(from.peer, from.local, &bytes);
            // Four bytes are never too long.
            let _ = self.window.answered(self.now, from.key, from.id, &bytes);
        }
    }

    /// Answers the request of a handler that has ended.
    fn finish(&mut self, number: u64, response: Response) {
        let Some(task) = self.tasks.remove(&number) else {
            return;
        };
        let from = &task.from;
        if !task.acknowledged {
            self.answer(from, &task.exchange, response);
        } else if self.now.saturating_duration_since(task.arrived)
            <= self.limits.parameters.exchange_lifetime()
        {
            self.send(from, &task.exchange, response);
        }
        while let Some((_, number)) = self.acknowledge.front()
            && !self.tasks.contains_key(number)
        {
            self.acknowledge.pop_front();
        }
    }

    /// Sends a response in the Acknowledgement, or in a Non-confirmable message where the request was one.
    fn answer(&mut self, from: &Origin, exchange: &Exchange, response: Response) {
        let reply = self.service.reply(exchange, response);
        let confirmable = from.message_type == Type::Confirmable;
        let (message_type, id) = if confirmable {
            (Type::Acknowledgement, from.id)
        } else {
            (
                Type::NonConfirmable,
                self.ids.next_of_any(self.now, from.key),
            )
        };
        let space = self.outbox.space();
        let len = write(space, message_type, id, &from.token, &reply);
        let bytes = self.outbox.commit(from.peer, from.local, len);
        let remembered = if confirmable { bytes } else { &[] };
        if self
            .window
            .answered(self.now, from.key, from.id, remembered)
            .is_err()
        {
            // Better no second answer than a second effect.
            let _ = self.window.answered(self.now, from.key, from.id, &[]);
        }
    }

    /// Sends a separate response (RFC 7252 §5.2.2).
    fn send(&mut self, from: &Origin, exchange: &Exchange, response: Response) {
        let reply = self.service.reply(exchange, response);
        let id = self.ids.next_of_any(self.now, from.key);
        let space = self.outbox.space();
        let len = write(space, Type::Confirmable, id, &from.token, &reply);
        let bytes = self.outbox.commit(from.peer, from.local, len);
        if self.confirmables.len() < self.limits.outgoing {
            let transmission =
                Transmission::start(self.now, &self.limits.parameters, rand::random());
            let way = (from.peer, from.local);
            self.confirmables
                .insert(transmission, way, id, bytes.to_vec(), ());
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
