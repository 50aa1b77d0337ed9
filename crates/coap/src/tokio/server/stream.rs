//! Serves one connection over a reliable transport (RFC 8323).

mod watchers;

use core::future::Future;
use core::net::SocketAddr;
use core::panic::AssertUnwindSafe;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::boxed::Box;
use std::collections::HashMap;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::vec::Vec;

use tokio::sync::mpsc;
use tokio::time::Sleep;

use super::limits::Limits;
use super::listener::{Shared, stopped};
use super::notifier::Changes;
use super::route::Answering;
use super::service::{Exchange, Outcome, Service};
use super::uploads::busy;
use super::worker::Report;
use crate::block::BlockSize;
use crate::observe::{self, SequenceNumber};
use crate::reliable::Settings;
use crate::tokio::Response;
use crate::tokio::clock::Clock;
use watchers::Watchers;

use crate::tokio::stream::{CLOSING, Link, OPENING, Outbox, Role, SETTINGS, Session, after};
use crate::{Code, Message};

/// What the options of a response with a BERT block may need beside it.
const OVERHEAD: u32 = 256;

/// How many observers there may be on one connection.
const WATCHERS: usize = 256;

/// The greatest payload of a BERT block, however much the peer takes: it stands before all that follows.
const MOST: u32 = 64 * 1024;

/// One connection and what is under way on it.
pub(super) struct StreamWorker {
    session: Session,
    core: Core,
    done: mpsc::Receiver<(u64, Response)>,
    changes: Arc<Changes>,
    timer: Pin<Box<Sleep>>,
    /// When the connection is given up.
    deadline: Option<tokio::time::Instant>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The peer's CSM has not come.
    Opening,
    Open,
    /// We sent a Release.
    Released,
    Ending,
}

struct Core {
    clock: Clock,
    peer: SocketAddr,
    limits: Limits,
    service: Service,
    tasks: HashMap<u64, Task>,
    numbered: u64,
    /// How many of the tasks are not notifications.
    requests: usize,
    report: mpsc::Sender<(u64, Response)>,
    watchers: Watchers,
    notified: SequenceNumber,
}

/// A request whose handler is at work.
struct Task {
    token: Vec<u8>,
    exchange: Exchange,
    purpose: Purpose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Answer,
    Notify,
}

/// Serves a connection until it ends or the server does.
pub(super) async fn serve(link: Link, peer: SocketAddr, shared: Shared) {
    let Shared {
        router,
        limits,
        mut stop,
        notifier,
        ..
    } = shared;
    // Each request and each observer has a handler at work at most.
    let most = limits.stream_requests.saturating_add(WATCHERS);
    let (report, done) = mpsc::channel(most);
    let mut worker = StreamWorker {
        session: Session::new(link, SETTINGS),
        core: Core {
            clock: Clock::start(),
            peer,
            service: Service::new(router, limits),
            limits,
            tasks: HashMap::new(),
            numbered: 0,
            requests: 0,
            report,
            watchers: Watchers::new(limits.observers.min(WATCHERS)),
            notified: SequenceNumber::new(0),
        },
        done,
        changes: notifier.subscribe(),
        timer: Box::pin(tokio::time::sleep(OPENING)),
        deadline: Some(after(OPENING)),
        phase: Phase::Opening,
    };
    let patience = tokio::select! {
        () = core::future::poll_fn(|context| worker.poll(context)) => return,
        patience = stopped(&mut stop) => patience,
    };
    worker.release(patience.unwrap_or(CLOSING));
    core::future::poll_fn(|context| worker.poll(context)).await;
}

impl StreamWorker {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(Some((number, response))) = self.done.poll_recv(context) {
            self.core.finish(self.session.outbox(), number, response);
        }
        // What the peer does not read yet may change again.
        while !self.session.outbox().is_full()
            && let Some(changed) = self.changes.take(context)
        {
            self.core.watchers.changed(&changed);
            self.core.notify(self.session.outbox());
        }
        if self.session.poll(context, &mut self.core).is_ready() {
            return Poll::Ready(());
        }
        self.core.service.expire(self.core.clock.now());
        self.advance();
        self.poll_timer(context)
    }

    /// Tells the peer that the server ends: what is under way is answered, then the peer closes.
    fn release(&mut self, patience: Duration) {
        self.session.outbox().release();
        self.phase = Phase::Released;
        self.deadline = Some(after(patience));
    }

    fn advance(&mut self) {
        let connection = self.session.connection();
        if self.phase == Phase::Opening && connection.is_open() {
            self.phase = Phase::Open;
            self.deadline = None;
        }
        if self.session.is_ending() && self.phase != Phase::Ending {
            self.phase = Phase::Ending;
            self.deadline = Some(after(CLOSING));
        }
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let expiry = self.core.service.next_timeout();
        let expiry = expiry.map(|instant| self.core.clock.ring(instant));
        let Some(next) = [self.deadline, expiry].into_iter().flatten().min() else {
            return Poll::Pending;
        };
        if self.timer.deadline() != next {
            self.timer.as_mut().reset(next);
        }
        if self.timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        if self.deadline.is_none_or(|deadline| deadline > next) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.phase {
            Phase::Opening => {
                self.session.abort("no CSM");
                context.waker().wake_by_ref();
                self.advance();
                Poll::Pending
            }
            // Long enough.
            _ => Poll::Ready(()),
        }
    }
}

impl Role for Core {
    fn request(&mut self, outbox: &mut Outbox, message: &Message<'_>) {
        let (size, limit) = blocks(outbox.connection().peer(), self.limits.block_size);
        self.service.set_blocks(size, limit);
        let now = self.clock.now();
        let (outcome, mut exchange) = self.service.handle(now, self.peer, message);
        let token = message.token_bytes();
        if exchange.observes.is_some() && self.watchers.register(message) {
            exchange.observe = Some(self.number());
        } else if message.observe() == Some(observe::DEREGISTER) {
            self.watchers.remove(token);
        }
        match outcome {
            Outcome::Ready(response) => self.answer(outbox, token, &exchange, response),
            Outcome::Later(future) => {
                self.start(outbox, token, exchange, future, Purpose::Answer);
            }
        }
    }

    fn response(&mut self, _: &Message<'_>) {
        // Nobody here has asked for one.
    }

    fn takes_more(&self) -> bool {
        self.requests < self.limits.stream_requests
    }

    fn last_request(&self) -> u64 {
        self.numbered
    }

    fn is_done(&self, last: u64) -> bool {
        let mut tasks = self.tasks.iter();
        !tasks.any(|(number, task)| *number <= last && task.purpose == Purpose::Answer)
    }
}

impl Core {
    /// Lets a handler work; many are ready at once.
    fn start(
        &mut self,
        outbox: &mut Outbox,
        token: &[u8],
        exchange: Exchange,
        mut future: Answering,
        purpose: Purpose,
    ) {
        // Tasks of the runtime poll it later; now nobody is to be woken.
        let mut context = Context::from_waker(core::task::Waker::noop());
        let first = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        match first {
            Ok(Poll::Ready(response)) => return self.answer(outbox, token, &exchange, response),
            Err(_) => {
                let response = Response::new(Code::INTERNAL_SERVER_ERROR);
                return self.answer(outbox, token, &exchange, response);
            }
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
            let response = tokio::time::timeout(patience, future).await;
            report.answered(response.unwrap_or_else(|_| busy()));
        });
        if purpose == Purpose::Answer {
            self.requests = self.requests.saturating_add(1);
        }
        let task = Task {
            token: token.to_vec(),
            exchange,
            purpose,
        };
        self.tasks.insert(number, task);
    }

    /// Answers the request of a handler that has ended.
    fn finish(&mut self, outbox: &mut Outbox, number: u64, response: Response) {
        if let Some(task) = self.tasks.remove(&number) {
            if task.purpose == Purpose::Answer {
                self.requests = self.requests.saturating_sub(1);
            } else if !self.watchers.contains(&task.token) {
                // It has ended meanwhile.
                return;
            }
            self.answer(outbox, &task.token, &task.exchange, response);
            self.notify(outbox);
        }
    }

    /// The next number of a notification. It may be empty and means nothing here (RFC 8323 §7.1), yet there are clients
    /// that look at it as over UDP.
    const fn number(&mut self) -> u32 {
        self.notified = self.notified.next();
        self.notified.get()
    }

    /// Asks the handlers for what observers have not seen.
    fn notify(&mut self, outbox: &mut Outbox) {
        loop {
            let due = self.watchers.due();
            if due.is_empty() {
                return;
            }
            for request in due {
                // It was parsed before it was kept.
                let Ok(message) = Message::parse(&request) else {
                    continue;
                };
                let now = self.clock.now();
                let (outcome, mut exchange) = self.service.handle(now, self.peer, &message);
                exchange.observe = Some(self.number());
                let token = message.token_bytes();
                match outcome {
                    Outcome::Ready(response) => self.answer(outbox, token, &exchange, response),
                    Outcome::Later(future) => {
                        self.start(outbox, token, exchange, future, Purpose::Notify);
                    }
                }
            }
        }
    }

    fn answer(
        &mut self,
        outbox: &mut Outbox,
        token: &[u8],
        exchange: &Exchange,
        response: Response,
    ) {
        let mut exchange = *exchange;
        if exchange.observe.is_some() {
            self.watchers.done(token);
            exchange.observe = exchange.observe.filter(|_| self.watchers.contains(token));
        }
        let reply = self.service.reply(&exchange, response);
        if exchange.observe.is_some() && !reply.code().is_success() {
            // An error is the last notification (RFC 7641 §4.2).
            self.watchers.remove(token);
        }
        // Over a connection there is nothing else to be said (RFC 7967 §2).
        if exchange.unwanted.suppresses(reply.code()) {
            return;
        }
        let sent = outbox.message(reply.code(), token, reply.payload_len(), |builder| {
            reply.write(builder);
        });
        if sent.is_err() {
            // A bare one fits where anything does; a connection that has ended takes none.
            let _ = outbox.message(Code::INTERNAL_SERVER_ERROR, token, 0, |_| {});
        }
    }
}

/// The greatest block for this peer, and with BERT the greatest payload.
fn blocks(peer: &Settings, preferred: BlockSize) -> (BlockSize, usize) {
    let limit = peer.bert_len(OVERHEAD).map_or(0, |len| len.min(MOST));
    if limit > 0 && preferred >= BlockSize::MAX {
        return (BlockSize::Bert, usize::try_from(limit).unwrap_or(0));
    }
    // RFC 7252 §4.6 has 128 bytes for all else.
    let room = peer.max_message_size().saturating_sub(128);
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let size = BlockSize::at_most(room).unwrap_or(BlockSize::MIN);
    (size.min(preferred), 0)
}
