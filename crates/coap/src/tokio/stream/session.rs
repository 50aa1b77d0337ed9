//! One connection: its transport, its signaling and its buffers.

use core::task::{Context, Poll, ready};
use std::collections::VecDeque;
use std::io;
use std::vec;
use std::vec::Vec;

use super::Link;
use crate::reliable::{Connection, Event, Failure, Goodbye, Ping, Settings};
use crate::{BuildError, Code, Message, MessageBuilder};

/// What is read at once where no long message is awaited.
const READ: usize = 4096;

/// When so many bytes wait to be sent, nothing more is taken from a peer that does not read.
const HIGH_WATER: usize = 64 * 1024;

/// How much memory for what is sent is kept where nothing is.
const KEPT: usize = 16 * 1024;

/// How many messages are taken before other tasks have their turn.
const BUDGET: usize = 64;

/// How many Pings may wait for custody.
const PINGS: usize = 8;

/// Room for the options of a message of ordinary size.
const OPTIONS: usize = 1536;

/// What a connection is used for.
pub(crate) trait Role {
    /// Takes a request.
    fn request(&mut self, outbox: &mut Outbox, message: &Message<'_>);

    /// Takes a response.
    fn response(&mut self, message: &Message<'_>);

    /// Whether another request may be taken now. When that changes, the session is polled again.
    fn takes_more(&self) -> bool;

    /// The number of the last request that was taken.
    fn last_request(&self) -> u64;

    /// Whether all requests up to this number are answered.
    fn is_done(&self, last: u64) -> bool;

    /// Whether nothing is lost when the connection is closed, as the peer asks for.
    fn may_close(&self) -> bool {
        self.is_done(self.last_request())
    }
}

/// Why a connection has ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The peer closed it or asked us to, or we did.
    Closed,
    /// The peer sent an Abort.
    Aborted,
    /// The peer broke the protocol, or the owner gave it up.
    Failed(Failure),
    /// The transport failed.
    Io(io::Error),
}

/// A connection that is worked on by polling.
pub(crate) struct Session {
    link: Link,
    inbox: Inbox,
    outbox: Outbox,
    /// Tokens of Pings that ask for custody, and the last requests before them.
    pings: VecDeque<(u64, Vec<u8>)>,
    /// Why the connection ends.
    end: Option<End>,
    closing: bool,
    /// Our side of the transport is shut.
    shut: bool,
}

impl Session {
    /// A connection whose transport is there.
    pub(crate) fn new(link: Link, own: Settings) -> Self {
        let connection = Connection::new(link.framing(), own);
        Self {
            link,
            inbox: Inbox::default(),
            outbox: Outbox::new(connection),
            pings: VecDeque::new(),
            end: None,
            closing: false,
            shut: false,
        }
    }

    /// Where messages are sent.
    pub(crate) const fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// The signaling.
    pub(crate) const fn connection(&self) -> &Connection {
        &self.outbox.connection
    }

    /// Gives the connection up.
    pub(crate) fn abort(&mut self, diagnostic: &'static str) {
        if self.end.is_none() && !self.connection().is_closed() {
            self.outbox.connection.abort(diagnostic);
            self.end = Some(End::Failed(Failure::Owner(diagnostic)));
        }
    }

    /// Why the connection ends, where it is not just closed.
    pub(crate) const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Whether it is to end: who waits for that should not wait for ever.
    pub(crate) const fn is_ending(&self) -> bool {
        self.closing || self.outbox.connection.is_closed()
    }

    /// Receives and sends all that can be; ready at the end of the connection.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, role: &mut impl Role) -> Poll<End> {
        match self.poll_io(context, role) {
            Poll::Ready(Ok(())) => Poll::Ready(self.end.take().unwrap_or(End::Closed)),
            Poll::Ready(Err(error)) => Poll::Ready(self.end.take().unwrap_or(End::Io(error))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_io(&mut self, context: &mut Context<'_>, role: &mut impl Role) -> Poll<io::Result<()>> {
        let mut budget = BUDGET;
        loop {
            self.signal();
            let mut waits = true;
            while !self.closing && budget > 0 && !self.outbox.is_full() {
                if !role.takes_more() {
                    break;
                }
                if !self.take(role) {
                    waits = false;
                    break;
                }
                budget = budget.saturating_sub(1);
            }
            while let Some((last, token)) = self.pings.front()
                && role.is_done(*last)
            {
                self.outbox.pong(token, true);
                self.pings.pop_front();
            }
            // The peer's Release (RFC 8323 §5.5).
            self.closing |= self.outbox.released && role.may_close();
            self.signal();
            let flushed = self.link.poll_send(context, &mut self.outbox)?;
            if self.closing || self.connection().is_closed() {
                ready!(flushed);
                return self.poll_close(context);
            }
            if budget == 0 {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if waits {
                if role.takes_more() && !self.outbox.is_full() {
                    continue;
                }
                // The peer's turn to read, or the role's to answer: both wake us.
                return Poll::Pending;
            }
            match ready!(self.link.poll_receive(context, &mut self.inbox)) {
                Ok(true) => {}
                Ok(false) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    self.abort("message greater than announced");
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Ends the transport. What the peer has sent meanwhile is taken and thrown away until it ends too: to leave it
    /// there would reset the connection under what we sent last.
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.shut {
            ready!(self.link.poll_close(context))?;
            self.shut = true;
        }
        loop {
            self.inbox.clear();
            if !ready!(self.link.poll_receive(context, &mut self.inbox))? {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Sends what the protocol demands.
    fn signal(&mut self) {
        let mut buffer = [0; Connection::OUTPUT_LEN];
        while let Some(bytes) = self.outbox.connection.poll_output(&mut buffer) {
            self.outbox.push(bytes);
        }
    }

    /// Takes one message; false when there is none.
    fn take(&mut self, role: &mut impl Role) -> bool {
        if self.inbox.is_empty() {
            return false;
        }
        let input = self.outbox.connection.handle_input(self.inbox.bytes());
        let consumed = input.consumed;
        match input.event {
            Event::NeedMore(total) => {
                self.inbox.need(total);
                return false;
            }
            Event::Request(message) => role.request(&mut self.outbox, &message),
            Event::Response(message) => role.response(&message),
            Event::Ping(ping) if ping.custody => {
                if self.pings.len() < PINGS {
                    let ping = (role.last_request(), ping.token.to_vec());
                    self.pings.push_back(ping);
                } else {
                    self.outbox.pong(ping.token, false);
                }
            }
            Event::Ping(ping) => self.outbox.pong(ping.token, false),
            Event::Release(_) => self.outbox.released = true,
            Event::Abort(_) => self.end = Some(End::Aborted),
            Event::Failed(failure) => self.end = Some(End::Failed(failure)),
            _ => {}
        }
        self.inbox.consume(consumed);
        true
    }
}

/// What was received and not yet taken.
#[derive(Default)]
pub(crate) struct Inbox {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    needed: usize,
}

impl Inbox {
    fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether nothing is there.
    pub(crate) const fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// How many bytes the first message has, of which the limit was checked.
    const fn need(&mut self, total: usize) {
        self.needed = total;
    }

    /// Room for what comes next: at least for the rest of the first message.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
        }
        // It grows to what we have announced at most.
        let size = self.needed.max(READ);
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// So many bytes were put into the space.
    pub(crate) fn commit(&mut self, len: usize) {
        self.end = self.end.saturating_add(len).min(self.buffer.len());
    }

    fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
        self.needed = 0;
    }

    /// Puts a whole message in, where nothing is.
    #[cfg(feature = "websocket")]
    pub(crate) fn put(&mut self, message: &[u8]) {
        self.needed = message.len();
        if let Some(space) = self.space().get_mut(..message.len()) {
            space.copy_from_slice(message);
            self.commit(message.len());
        }
    }

    fn consume(&mut self, len: usize) {
        self.start = self.start.saturating_add(len).min(self.end);
        self.needed = 0;
        if self.is_empty() {
            self.start = 0;
            self.end = 0;
        }
    }
}

/// Messages that wait to be sent.
pub(crate) struct Outbox {
    connection: Connection,
    buffer: Vec<u8>,
    /// How much of it was sent.
    at: usize,
    /// Where the messages end; only WebSockets look at it.
    ends: VecDeque<usize>,
    /// Where messages are written, whose length is known at their end.
    scratch: Vec<u8>,
    /// The peer sent a Release.
    released: bool,
}

impl Outbox {
    const fn new(connection: Connection) -> Self {
        Self {
            connection,
            buffer: Vec::new(),
            at: 0,
            ends: VecDeque::new(),
            scratch: Vec::new(),
            released: false,
        }
    }

    /// The signaling.
    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Writes a message whose payload has `payload` bytes at most.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::message`] and of the builder; nothing is sent then.
    pub(crate) fn message(
        &mut self,
        code: Code,
        token: &[u8],
        payload: usize,
        mut write: impl FnMut(&mut MessageBuilder<'_>),
    ) -> Result<(), Refused> {
        let most = usize::try_from(self.connection.peer().max_message_size()).unwrap_or(usize::MAX);
        let mut room = OPTIONS.saturating_add(token.len()).saturating_add(payload);
        let mut scratch = core::mem::take(&mut self.scratch);
        let result = loop {
            if scratch.len() < room {
                scratch.resize(room, 0);
            }
            let Ok(mut builder) = self.connection.message(&mut scratch, code, token) else {
                break Err(Refused::Send);
            };
            write(&mut builder);
            match builder.finish() {
                Ok(bytes) => {
                    self.push(bytes);
                    break Ok(());
                }
                // Unusually long options.
                Err(BuildError::NoSpace) if room < most => room = most,
                Err(error) => break Err(Refused::Build(error)),
            }
        };
        if scratch.len() <= KEPT {
            self.scratch = scratch;
        }
        result
    }

    /// Writes the answer to a Ping.
    fn pong(&mut self, token: &[u8], custody: bool) {
        let mut buffer = vec![0; token.len().saturating_add(16)];
        let ping = Ping { token, custody };
        if let Ok(mut builder) = self.connection.pong(&mut buffer, ping)
            && let Ok(bytes) = builder.finish()
        {
            self.push(bytes);
        }
    }

    /// Writes a Release.
    pub(crate) fn release(&mut self) {
        let mut buffer = [0; 32];
        if let Ok(mut builder) = self.connection.release(&mut buffer, &Goodbye::default())
            && let Ok(bytes) = builder.finish()
        {
            self.push(bytes);
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        self.ends.push_back(self.buffer.len());
    }

    /// Whether nothing waits.
    pub(crate) const fn is_empty(&self) -> bool {
        self.at >= self.buffer.len()
    }

    /// Whether so much waits that nothing should be added that can wait itself.
    pub(crate) fn is_full(&self) -> bool {
        self.len() > HIGH_WATER
    }

    fn len(&self) -> usize {
        self.buffer.len().saturating_sub(self.at)
    }

    /// What waits.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    /// The first message that waits.
    #[cfg(feature = "websocket")]
    pub(crate) fn first(&self) -> Option<&[u8]> {
        self.buffer.get(self.at..*self.ends.front()?)
    }

    /// So many bytes were sent.
    pub(crate) fn sent(&mut self, len: usize) {
        self.at = self.at.saturating_add(len);
        while self.ends.front().is_some_and(|end| *end <= self.at) {
            self.ends.pop_front();
        }
        if self.is_empty() {
            self.at = 0;
            self.buffer.clear();
            self.buffer.shrink_to(KEPT);
        } else if self.at > HIGH_WATER {
            self.buffer.drain(..self.at);
            for end in &mut self.ends {
                *end = end.saturating_sub(self.at);
            }
            self.at = 0;
        }
    }
}

/// Why a message was not written.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The connection takes no such message any more.
    Send,
    /// It cannot be written, or is too large for the peer.
    Build(BuildError),
}
