//! The task that owns a client's connection over a reliable transport (RFC 8323).

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::boxed::Box;
use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Sleep;

use super::driver::{Inbound, Order, Outbound, Reply};
use crate::reliable::Settings;
use crate::tokio::Error;
use crate::tokio::stream::{
    CLOSING, End, Link, OPENING, Outbox, Refused, Role, SETTINGS, Session, after,
};
use crate::{Code, Message, Token};

/// After this time without a request or an observation the connection is released.
const IDLE: Duration = Duration::from_mins(1);

/// How long the last responses may take after a Release.
const LAST: Duration = Duration::from_secs(30);

/// The driver of all requests over one connection.
pub(super) struct StreamDriver {
    session: Session,
    core: Core,
    orders: mpsc::UnboundedReceiver<Order>,
    /// To be told what the peer can take.
    opened: Option<oneshot::Sender<Settings>>,
    timer: Pin<Box<Sleep>>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// The peer's CSM has not come.
    Opening,
    Open,
    /// Open, and nobody waits for anything.
    Idle,
    /// One side sent a Release: the last responses are waited for.
    Released,
    Ending,
}

#[derive(Default)]
struct Core {
    exchanges: HashMap<Token, Reply>,
}

impl StreamDriver {
    /// A driver, and what tells that the connection is open.
    pub(super) fn new(
        link: Link,
        orders: mpsc::UnboundedReceiver<Order>,
    ) -> (Self, oneshot::Receiver<Settings>) {
        let (opened, open) = oneshot::channel();
        let driver = Self {
            session: Session::new(link, SETTINGS),
            core: Core::default(),
            orders,
            opened: Some(opened),
            timer: Box::pin(tokio::time::sleep(OPENING)),
            phase: Phase::Opening,
        };
        (driver, open)
    }

    /// Works until the connection has ended.
    pub(super) async fn run(mut self) {
        let end = core::future::poll_fn(|context| self.poll(context)).await;
        self.core.fail(Some(&end));
        // Who comes now connects anew; these came too late to be sent.
        self.orders.close();
        while let Some(order) = self.orders.recv().await {
            if let Order::Request(outbound) = order {
                outbound.reply.fail(error(Some(&end)));
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<End> {
        loop {
            match self.orders.poll_recv(context) {
                Poll::Ready(Some(Order::Request(outbound))) => self.request(outbound),
                Poll::Ready(Some(Order::Forget(_, token))) => {
                    self.core.exchanges.remove(&token);
                }
                Poll::Ready(None) => {
                    if self.phase < Phase::Released {
                        // All handles are gone, and with them all who wait.
                        self.core.exchanges.clear();
                        self.release();
                    }
                    break;
                }
                Poll::Pending => break,
            }
        }
        loop {
            if let Poll::Ready(end) = self.session.poll(context, &mut self.core) {
                return Poll::Ready(end);
            }
            self.advance();
            if self.phase == Phase::Open || self.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            match self.phase {
                Phase::Opening => self.session.abort("no CSM"),
                Phase::Idle => self.release(),
                // Long enough.
                _ => return Poll::Ready(End::Closed),
            }
        }
    }

    /// Goes to the phase that the connection is in.
    fn advance(&mut self) {
        let connection = self.session.connection();
        let phase = if self.session.is_ending() {
            Phase::Ending
        } else if !connection.takes_requests() {
            Phase::Released
        } else if !connection.is_open() {
            Phase::Opening
        } else if self.core.exchanges.is_empty() {
            Phase::Idle
        } else {
            Phase::Open
        };
        if connection.is_open()
            && let Some(opened) = self.opened.take()
        {
            // Who has asked for the connection may be gone.
            let _ = opened.send(*connection.peer());
        }
        if phase == self.phase {
            return;
        }
        self.phase = phase;
        let patience = match phase {
            Phase::Idle => IDLE,
            Phase::Released => LAST,
            _ => CLOSING,
        };
        self.timer.as_mut().reset(after(patience));
        if phase >= Phase::Released {
            // Who comes now connects anew.
            self.orders.close();
        }
        if phase == Phase::Ending {
            self.core.fail(self.session.end());
        }
    }

    /// Tells the peer that no more requests come, and lets it close (RFC 8323 §5.5).
    fn release(&mut self) {
        self.session.outbox().release();
        self.advance();
    }

    /// Sends a request that was written for a datagram.
    fn request(&mut self, outbound: Outbound) {
        let Ok(message) = Message::parse(&outbound.bytes) else {
            return outbound.reply.fail(Error::Closed);
        };
        let token = message.token();
        let sent = self.session.outbox().message(
            message.code(),
            token.as_bytes(),
            outbound.bytes.len(),
            |builder| {
                builder
                    .copy_options(&message, &[])
                    .payload(message.payload());
            },
        );
        match sent {
            Ok(()) => {
                self.core.exchanges.insert(token, outbound.reply);
            }
            Err(Refused::Build(error)) => outbound.reply.fail(error.into()),
            // The connection ends; a new one would take it.
            Err(Refused::Send) => outbound.reply.fail(Error::Disconnected),
        }
    }
}

impl Core {
    /// Tells all who wait that the connection ends.
    fn fail(&mut self, end: Option<&End>) {
        for (_, reply) in self.exchanges.drain() {
            reply.fail(error(end));
        }
    }
}

fn error(end: Option<&End>) -> Error {
    match end {
        Some(End::Io(error)) => Error::Io(error.kind().into()),
        Some(End::Failed(failure)) => Error::Protocol(*failure),
        _ => Error::Disconnected,
    }
}

impl Role for Core {
    fn request(&mut self, outbox: &mut Outbox, message: &Message<'_>) {
        // There is no server here (RFC 8323 §3.3).
        let _ = outbox.message(Code::NOT_IMPLEMENTED, message.token_bytes(), 0, |_| {});
    }

    fn response(&mut self, message: &Message<'_>) {
        let token = message.token();
        let Some(reply) = self.exchanges.remove(&token) else {
            // Perhaps a notification that crossed the end of its observation: no reason to abort (RFC 8323 §7.2).
            return;
        };
        let inbound = Inbound::reliable(message);
        match reply {
            Reply::One(sender) => drop(sender.send(Ok(inbound))),
            Reply::Many(mailbox) => {
                mailbox.push(Ok(inbound));
                // Notifications come in their order, and the number means nothing (RFC 8323 §7.1).
                let goes_on = message.code().is_success()
                    && message
                        .values(crate::OptionNumber::OBSERVE)
                        .next()
                        .is_some();
                if goes_on {
                    self.exchanges.insert(token, Reply::Many(mailbox));
                } else {
                    mailbox.close();
                }
            }
            Reply::Nobody => {}
        }
    }

    fn takes_more(&self) -> bool {
        true
    }

    fn last_request(&self) -> u64 {
        0
    }

    fn is_done(&self, _: u64) -> bool {
        // Each is refused at once.
        true
    }

    fn may_close(&self) -> bool {
        // An observation has no last response.
        let waits = |reply: &Reply| matches!(reply, Reply::One(_));
        !self.exchanges.values().any(waits)
    }
}
