//! The task that owns a client's socket.

use core::future::Future;
use core::hash::BuildHasher;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::boxed::Box;
use std::collections::{HashMap, VecDeque};
use std::hash::RandomState;
use std::vec;
use std::vec::Vec;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Sleep;

use super::mailbox::Mailbox;
use crate::observe::{Freshness, SequenceNumber};
use crate::pacing::Outstanding;
use crate::time::Instant;
use crate::tokio::Error;
use crate::tokio::clock::Clock;
use crate::tokio::confirmables::{Confirmables, Due};
use crate::tokio::ids::Sequences;
use crate::tokio::stream::as_datagram;
use crate::tokio::udp::{Inbox, Outbox, Socket};
use crate::{
    DuplicateWindow, Kind, Message, MessageId, Parameters, Seen, Token, Transmission, Type,
    empty_ack, reset,
};

/// Bytes that are sent together.
const OUTBOX: usize = 128 * 1024;

/// The room that must be left for one message: what a datagram can have.
const RESERVE: usize = 65_536;

/// How many receives are made at once.
const BATCH: usize = 8;

/// The memory for the Acknowledgements of separate responses: some 3,000 of them.
const DUPLICATES: usize = 64 * 1024;

/// A message that was received.
#[derive(Clone, Debug)]
pub(crate) struct Inbound {
    bytes: Vec<u8>,
}

/// What the driver is told.
pub(super) enum Order {
    /// To make a request.
    Request(Outbound),
    /// Nobody waits for the response any more.
    Forget(SocketAddr, Token),
}

/// A request ready to be sent, but for its message id.
pub(super) struct Outbound {
    pub(super) peer: SocketAddr,
    pub(super) token: Token,
    pub(super) confirmable: bool,
    pub(super) bytes: Vec<u8>,
    pub(super) reply: Reply,
}

/// Who waits for a response.
pub(super) enum Reply {
    /// For one.
    One(oneshot::Sender<Result<Inbound, Error>>),
    /// For notifications.
    Many(Mailbox),
    /// Nobody: the request is made for its effect.
    Nobody,
}

impl Inbound {
    /// A message that came over a reliable transport.
    pub(super) fn reliable(message: &Message<'_>) -> Self {
        Self {
            bytes: as_datagram(message),
        }
    }

    /// The message.
    pub(crate) fn message(&self) -> Result<Message<'_>, Error> {
        // It was parsed before it came here.
        Message::parse(&self.bytes).map_err(|_| Error::Reset)
    }
}

/// The driver of all requests over one socket.
pub(super) struct Driver {
    socket: Socket,
    inbox: Inbox,
    core: Core,
    orders: mpsc::UnboundedReceiver<Order>,
    timer: Pin<Box<Sleep>>,
    armed: Option<Instant>,
}

struct Core {
    clock: Clock,
    now: Instant,
    parameters: Parameters,
    outbox: Outbox,
    hasher: RandomState,
    /// What separate responses were answered.
    window: DuplicateWindow<Vec<u8>, Vec<u32>>,
    ids: Sequences,
    exchanges: HashMap<(SocketAddr, Token), Exchange>,
    confirmables: Confirmables<Token>,
    /// Peers with something outstanding.
    peers: HashMap<SocketAddr, Peer>,
    /// Requests that wait for a message id, and when there is one.
    starved: VecDeque<(Instant, Outbound)>,
}

/// A request whose response is expected.
struct Exchange {
    reply: Reply,
    /// The id of the request while it is not acknowledged.
    id: Option<MessageId>,
    freshness: Option<Freshness>,
}

/// What is outstanding with one peer (RFC 7252 §4.7).
#[derive(Default)]
struct Peer {
    outstanding: Outstanding,
    waiting: VecDeque<Outbound>,
}

impl Reply {
    fn is_gone(&self) -> bool {
        match self {
            Self::One(sender) => sender.is_closed(),
            Self::Many(_) | Self::Nobody => false,
        }
    }

    pub(super) fn fail(self, error: Error) {
        match self {
            // Who has waited may be gone.
            Self::One(sender) => drop(sender.send(Err(error))),
            Self::Many(mailbox) => {
                mailbox.push(Err(error));
                mailbox.close();
            }
            Self::Nobody => {}
        }
    }
}

impl Driver {
    pub(super) fn new(
        socket: Socket,
        parameters: Parameters,
        orders: mpsc::UnboundedReceiver<Order>,
    ) -> Self {
        let clock = Clock::start();
        let lifetime = parameters.exchange_lifetime();
        let ring = vec![0; DUPLICATES];
        let index = vec![0; DUPLICATES / 16];
        Self {
            inbox: Inbox::new(&socket, BATCH),
            socket,
            core: Core {
                clock,
                now: clock.now(),
                parameters,
                outbox: Outbox::new(OUTBOX),
                hasher: RandomState::new(),
                window: DuplicateWindow::new(ring, index, lifetime, rand::random()),
                ids: Sequences::new(lifetime),
                exchanges: HashMap::new(),
                confirmables: Confirmables::new(),
                peers: HashMap::new(),
                starved: VecDeque::new(),
            },
            orders,
            timer: Box::pin(tokio::time::sleep(core::time::Duration::ZERO)),
            armed: Some(Instant::ZERO),
        }
    }

    /// Works until the last handle is gone.
    pub(super) async fn run(mut self) {
        core::future::poll_fn(|context| self.poll(context)).await;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.core.now = self.core.clock.now();
        loop {
            // An error of the socket is the loss of a message.
            let _ = ready!(self.core.outbox.poll_flush(context, &self.socket));
            match self.orders.poll_recv(context) {
                Poll::Ready(Some(order)) => self.core.order(&self.socket, order),
                // All handles are gone, and with them all who wait.
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        loop {
            while let Some(datagram) = self.inbox.next() {
                self.core.take(datagram.peer, datagram.bytes);
                if self.core.outbox.remaining() < RESERVE {
                    let _ = ready!(self.core.outbox.poll_flush(context, &self.socket));
                }
            }
            let _ = ready!(self.core.outbox.poll_flush(context, &self.socket));
            if self
                .socket
                .poll_receive(context, &mut self.inbox)
                .is_pending()
            {
                break;
            }
        }
        self.core.on_time();
        let _ = ready!(self.core.outbox.poll_flush(context, &self.socket));
        self.poll_timer(context);
        Poll::Pending
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) {
        let Some(next) = self.core.next_timeout() else {
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
    fn order(&mut self, socket: &Socket, order: Order) {
        match order {
            Order::Request(mut outbound) => {
                outbound.peer = socket.seen(outbound.peer);
                self.request(outbound);
            }
            Order::Forget(peer, token) => {
                let peer = socket.seen(peer);
                if let Some(exchange) = self.exchanges.remove(&(peer, token)) {
                    self.settle(peer, exchange.id);
                }
            }
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        let starved = self.starved.front().map(|(instant, _)| *instant);
        let confirmables = self.confirmables.next_timeout();
        [starved, confirmables].into_iter().flatten().min()
    }

    fn on_time(&mut self) {
        let now = self.now;
        while self.starved.front().is_some_and(|(free, _)| *free <= now)
            && let Some((_, outbound)) = self.starved.pop_front()
        {
            if !outbound.reply.is_gone() {
                self.send(outbound);
            } else if outbound.confirmable {
                self.release(outbound.peer);
            }
        }
        while self.outbox.remaining() >= RESERVE
            && let Some(due) = self.confirmables.due(now, &self.parameters)
        {
            match due {
                Due::Again(peer, id) => {
                    if let Some((local, bytes)) = self.confirmables.bytes(peer, id) {
                        self.outbox.push(peer, local, bytes);
                    }
                }
                Due::GivenUp(peer, token) => {
                    if let Some(exchange) = self.exchanges.remove(&(peer, token)) {
                        exchange.reply.fail(Error::NoAnswer);
                    }
                    self.release(peer);
                }
            }
        }
    }

    /// Sends a request, or lets it wait until fewer are outstanding.
    fn request(&mut self, outbound: Outbound) {
        if outbound.confirmable {
            let peer = self.peers.entry(outbound.peer).or_default();
            if !peer.outstanding.begin(&self.parameters) {
                peer.waiting.push_back(outbound);
                return;
            }
        }
        self.send(outbound);
    }

    /// Sends a request that has its place among the outstanding.
    fn send(&mut self, mut outbound: Outbound) {
        let peer = outbound.peer;
        let key = (peer, outbound.token);
        let id = match self.ids.next(self.now, self.hasher.hash_one(peer)) {
            Ok(id) => id,
            Err(free) => return self.starved.push_back((free, outbound)),
        };
        if let Some(place) = outbound.bytes.get_mut(2..4) {
            place.copy_from_slice(&id.0.to_be_bytes());
        }
        self.outbox.push(peer, None, &outbound.bytes);
        if outbound.confirmable {
            let transmission = Transmission::start(self.now, &self.parameters, rand::random());
            let (way, token) = ((peer, None), outbound.token);
            self.confirmables
                .insert(transmission, way, id, outbound.bytes, token);
        }
        let exchange = Exchange {
            reply: outbound.reply,
            id: outbound.confirmable.then_some(id),
            freshness: None,
        };
        self.exchanges.insert(key, exchange);
    }

    /// A request is no longer outstanding: the next that waits goes.
    fn release(&mut self, peer: SocketAddr) {
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        while let Some(next) = entry.waiting.pop_front() {
            if !next.reply.is_gone() {
                // It takes the place.
                return self.send(next);
            }
        }
        entry.outstanding.end();
        if entry.outstanding == Outstanding::NONE {
            self.peers.remove(&peer);
        }
    }

    /// Ends the retransmission of a request, if it goes on.
    fn settle(&mut self, peer: SocketAddr, id: Option<MessageId>) {
        if let Some(id) = id
            && self.confirmables.remove(peer, id).is_some()
        {
            self.release(peer);
        }
    }

    /// Takes a datagram.
    fn take(&mut self, peer: SocketAddr, bytes: &[u8]) {
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(error) => {
                if let Some(reset) = error.reset() {
                    self.outbox.push(peer, None, &reset);
                }
                return;
            }
        };
        let id = message.id();
        match message.kind() {
            Kind::Acknowledgement => {
                if let Some((_, token)) = self.confirmables.remove(peer, id) {
                    if let Some(exchange) = self.exchanges.get_mut(&(peer, token)) {
                        exchange.id = None;
                    }
                    self.release(peer);
                }
            }
            Kind::Reset => {
                if let Some((_, token)) = self.confirmables.remove(peer, id) {
                    if let Some(exchange) = self.exchanges.remove(&(peer, token)) {
                        exchange.reply.fail(Error::Reset);
                    }
                    self.release(peer);
                }
            }
            Kind::Response if message.message_type() == Type::Acknowledgement => {
                // Message id and token must both fit (RFC 7252 §5.3.2).
                let exchange = self.exchanges.get(&(peer, message.token()));
                if exchange.is_some_and(|exchange| exchange.id == Some(id)) {
                    self.response(peer, &message, bytes);
                }
            }
            Kind::Response => self.separate(peer, &message, bytes),
            // There is no server here (RFC 7252 §4.2).
            Kind::Request | Kind::Ping | Kind::Invalid => {
                if message.message_type() == Type::Confirmable {
                    self.outbox.push(peer, None, &reset(id));
                }
            }
        }
    }

    /// Takes a response that is a message of its own.
    fn separate(&mut self, peer: SocketAddr, message: &Message<'_>, bytes: &[u8]) {
        let (id, key) = (message.id(), self.hasher.hash_one(peer));
        match self.window.check(self.now, key, id) {
            Seen::New => {}
            Seen::InProgress => return,
            Seen::Answered(answer) => {
                if !answer.is_empty() {
                    self.outbox.push(peer, None, answer);
                }
                return;
            }
        }
        let wanted = self.exchanges.contains_key(&(peer, message.token()));
        let confirmable = message.message_type() == Type::Confirmable;
        let answer = match (wanted, confirmable) {
            (true, true) => &empty_ack(id)[..],
            (true, false) => &[],
            // A Reset of a notification ends the observation, Confirmable or not (RFC 7641 §3.6).
            (false, true) => &reset(id)[..],
            (false, false) if message.observe().is_some() => &reset(id)[..],
            (false, false) => return,
        };
        if !answer.is_empty() {
            self.outbox.push(peer, None, answer);
        }
        // Four bytes are never too long.
        let _ = self.window.answered(self.now, key, id, answer);
        if wanted {
            self.response(peer, message, bytes);
        }
    }

    /// Hands a response to who waits for it.
    fn response(&mut self, peer: SocketAddr, message: &Message<'_>, bytes: &[u8]) {
        let key = (peer, message.token());
        let Some(exchange) = self.exchanges.get_mut(&key) else {
            return;
        };
        let id = exchange.id.take();
        let inbound = Inbound {
            bytes: bytes.to_vec(),
        };
        let number = message.observe().filter(|_| message.code().is_success());
        match (&exchange.reply, number) {
            (Reply::Many(mailbox), Some(number)) => {
                let number = SequenceNumber::new(number);
                let fresh = match &mut exchange.freshness {
                    Some(freshness) => freshness.accept(number, self.now),
                    none => {
                        *none = Some(Freshness::new(number, self.now));
                        true
                    }
                };
                if fresh {
                    mailbox.push(Ok(inbound));
                }
            }
            // The last, or not a notification at all.
            _ => {
                if let Some(exchange) = self.exchanges.remove(&key) {
                    match exchange.reply {
                        Reply::One(sender) => drop(sender.send(Ok(inbound))),
                        Reply::Many(mailbox) => {
                            mailbox.push(Ok(inbound));
                            mailbox.close();
                        }
                        Reply::Nobody => {}
                    }
                }
            }
        }
        self.settle(peer, id);
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        for (_, exchange) in self.exchanges.drain() {
            exchange.reply.fail(Error::Closed);
        }
    }
}
