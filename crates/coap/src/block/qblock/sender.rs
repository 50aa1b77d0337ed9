//! Sends a body in sets of blocks.

use super::window::Window;
use super::{
    BodyOf, Delivery, MISSING_BLOCKS, MissingBlocks, QBlockError, QBlockParameters, QBlockPoll,
    QBlockRequest,
};
use crate::block::sender::{as_usize, numberable};
use crate::block::{Block, BlockSize, Outgoing, SendError};
use crate::time::{Duration, Instant};
use crate::{Code, Message, MessageBuilder, OptionNumber};

/// How often a body is begun again because the server has forgotten it.
const RESTARTS: u8 = 3;

/// Sends a body in blocks, set after set, and again what the other side misses: a request's on a client (Q-Block1), a
/// response's on a server (Q-Block2).
///
/// It keeps the place in the body; the owner keeps the body, and makes messages of the parts that
/// [`poll`](QBlockSender::poll) gives. Of blocks that are missed, a window of `32 * WORDS` numbers is remembered at a
/// time: whatever lies beyond is asked for again.
///
/// ```text
///             poll           set is complete             Continue, or NON_TIMEOUT_RANDOM
///  new ────► sending ──────────────────────────► pause ────────────────────────────────► sending
///               ▲  all is sent                     │
///               │      └─► waiting ─┬─ final response, or nothing asked for NON_PARTIAL_TIMEOUT ─► over
///               │                   │
///               └──── missing ◄─────┴ (from any state: those are sent first)
/// ```
#[derive(Clone, Debug)]
pub struct QBlockSender<const WORDS: usize = 2> {
    len: u32,
    /// The first block that was not sent yet.
    next: u32,
    /// What is to be sent again, and the set of what was last sent again.
    again: Window<WORDS>,
    again_set: Option<u32>,
    /// Before this time no new set begins.
    pause: Instant,
    last_sent: Instant,
    /// `NON_TIMEOUT_RANDOM` in milliseconds.
    delay: u32,
    probes: u8,
    restarts: u8,
    size: BlockSize,
    of: BodyOf,
    delivery: Delivery,
}

/// A block to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct QBlockPart {
    /// Where it lies in the body, and its option.
    pub part: Outgoing,
    /// The block was asked for because it is missing. On a server the response then has the token of the request that
    /// asked, and no Observe option (RFC 9177 §4.5); otherwise it has the token of the request for the body.
    pub again: bool,
    size: u32,
    of: BodyOf,
}

/// What a response means to a client that sends a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum QBlockSent {
    /// It is about the transfer: poll again.
    More,
    /// It is the response to the whole request, a success or not.
    Final,
    /// The server does not know Q-Block (4.02 Bad Option): begin again with Block1 (RFC 9177 §4.1).
    Unsupported,
}

impl<const WORDS: usize> QBlockSender<WORDS> {
    /// Sends a body of `len` bytes in blocks of at most `size`; `random` is any random number, which spreads the time
    /// between the sets.
    ///
    /// # Errors
    ///
    /// [`SendError::TooLong`] when the blocks can not be numbered, and for [`BlockSize::Bert`].
    pub fn new(
        of: BodyOf,
        delivery: Delivery,
        len: usize,
        size: BlockSize,
        parameters: &QBlockParameters,
        random: u32,
    ) -> Result<Self, SendError> {
        let len = numberable(len, size)?;
        if let BlockSize::Bert = size {
            return Err(SendError::TooLong);
        }
        let delay = parameters.non_timeout_random(random).as_millis();
        Ok(Self {
            len,
            next: 0,
            again: Window::new(),
            again_set: None,
            pause: Instant::ZERO,
            last_sent: Instant::ZERO,
            delay: u32::try_from(delay).unwrap_or(u32::MAX),
            probes: 0,
            restarts: 0,
            size,
            of,
            delivery,
        })
    }

    /// The size of the blocks.
    pub const fn size(&self) -> BlockSize {
        self.size
    }

    /// How many blocks there are.
    pub const fn blocks(&self) -> u32 {
        self.size.blocks(self.len)
    }

    /// Whether every block was sent at least once.
    pub const fn is_sent(&self) -> bool {
        self.next >= self.blocks()
    }

    /// What to send at `now`, or until when to wait.
    ///
    /// Confirmable messages are handed out as long as there are any: call only where `NSTART` allows for one more.
    pub fn poll(&mut self, now: Instant, parameters: &QBlockParameters) -> QBlockPoll<QBlockPart> {
        let paces = self.delivery == Delivery::NonConfirmable;
        if let Some(number) = self.again.first() {
            let set = parameters.set_of(number);
            // What is missing in another set has to wait as another set does (RFC 9177 §7.2).
            if paces && self.again_set.is_some_and(|last| last != set) && now < self.pause {
                return QBlockPoll::Wait(self.pause);
            }
            self.again.remove(number);
            let left = self.again.first();
            if left.map(|number| parameters.set_of(number)) != Some(set) {
                self.rest(now);
            }
            self.again_set = left.map(|_| set);
            return self.part(now, number, true);
        }
        if !self.is_sent() {
            let number = self.next;
            let begins = number > 0 && number == parameters.first_of(parameters.set_of(number));
            if paces && begins && now < self.pause {
                return QBlockPoll::Wait(self.pause);
            }
            self.next = number.saturating_add(1);
            if self.next == parameters.first_of(parameters.set_of(self.next)) {
                self.rest(now);
            }
            return self.part(now, number, false);
        }
        self.wait(now, parameters)
    }

    /// All is sent.
    fn wait(&mut self, now: Instant, parameters: &QBlockParameters) -> QBlockPoll<QBlockPart> {
        if self.delivery == Delivery::Confirmable && self.of == BodyOf::Request {
            // The message layer tells when the last request has failed.
            return QBlockPoll::Wait(Instant::MAX);
        }
        if self.of == BodyOf::Response {
            let end = self
                .last_sent
                .saturating_add(parameters.non_partial_timeout());
            return if now < end {
                QBlockPoll::Wait(end)
            } else {
                QBlockPoll::GiveUp
            };
        }
        // The server asks for what is missing in NON_RECEIVE_TIMEOUT, unless it has got nothing at all or its response
        // was lost: the last block once more makes it respond (RFC 9177 §4.3, on duplicates).
        let wait = parameters.time_to_wait(self.probes.saturating_add(1));
        let due = self.last_sent.saturating_add(wait);
        if now < due {
            return QBlockPoll::Wait(due);
        }
        if self.probes >= parameters.non_max_retransmit {
            return QBlockPoll::GiveUp;
        }
        self.probes = self.probes.saturating_add(1);
        self.part(now, self.blocks().saturating_sub(1), true)
    }

    fn rest(&mut self, now: Instant) {
        self.pause = now.saturating_add(Duration::from_millis(u64::from(self.delay)));
    }

    fn part(&mut self, now: Instant, number: u32, again: bool) -> QBlockPoll<QBlockPart> {
        self.last_sent = now;
        let more = number.saturating_add(1) < self.blocks();
        let Some(block) = Block::new(number, more, self.size) else {
            // No body has more blocks than can be numbered.
            return QBlockPoll::GiveUp;
        };
        let len = self.len.saturating_sub(block.offset());
        let (len, most) = (as_usize(len), self.size.bytes());
        QBlockPoll::Send(QBlockPart {
            part: Outgoing {
                offset: as_usize(block.offset()),
                len: len.min(most),
                block: Some(block),
            },
            again,
            size: self.len,
            of: self.of,
        })
    }

    /// Takes a response to one of the requests with Q-Block1 options.
    ///
    /// # Errors
    ///
    /// [`SendError::Option`] for a malformed Q-Block1 option, and for a list of missing blocks that is none: to be
    /// ignored.
    pub fn response(&mut self, response: &Message<'_>) -> Result<QBlockSent, SendError> {
        match response.code() {
            Code::CONTINUE => {
                let block = response.values(OptionNumber::Q_BLOCK1).next();
                let block = block.map(Block::decode).transpose();
                let block = block.map_err(SendError::Option)?;
                let next = block.map_or(self.next, |block| block.number().saturating_add(1));
                self.has(next);
                Ok(QBlockSent::More)
            }
            Code::REQUEST_ENTITY_INCOMPLETE
                if response.content_format() == Some(MISSING_BLOCKS) =>
            {
                let missing = MissingBlocks::parse(response.payload());
                self.missing(missing.map_err(|_| SendError::WrongBlock)?);
                Ok(QBlockSent::More)
            }
            Code::REQUEST_ENTITY_INCOMPLETE if self.restarts < RESTARTS => {
                self.restarts = self.restarts.saturating_add(1);
                self.restart();
                Ok(QBlockSent::More)
            }
            Code::BAD_OPTION => Ok(QBlockSent::Unsupported),
            _ => Ok(QBlockSent::Final),
        }
    }

    /// Takes what a request with Q-Block2 options asks for. A [`QBlockRequest::Whole`] begins again at block 0; so it
    /// is also what makes the body a new one.
    ///
    /// # Errors
    ///
    /// [`QBlockError::Inconsistent`] for blocks of another size.
    pub fn request(
        &mut self,
        request: QBlockRequest<'_>,
        parameters: &QBlockParameters,
    ) -> Result<(), QBlockError> {
        match request {
            QBlockRequest::Whole(_) => self.restart(),
            QBlockRequest::Continue(block) => {
                if block.size() != self.size {
                    return Err(QBlockError::Inconsistent);
                }
                let set = parameters.set_of(block.number());
                let sends_it = !self.is_sent() && parameters.set_of(self.next) == set;
                if block.number() < self.next && !sends_it {
                    // That set was sent, and did not arrive.
                    self.next = block.number();
                }
                self.has(block.number());
            }
            QBlockRequest::Missing(blocks) => {
                let mut checked = blocks.clone();
                if checked.any(|block| block.size() != self.size) {
                    return Err(QBlockError::Inconsistent);
                }
                for block in blocks {
                    let set = parameters.set_of(block.number());
                    let end = if block.more() {
                        parameters.first_of(set.saturating_add(1))
                    } else {
                        block.number().saturating_add(1)
                    };
                    self.missing(block.number()..end);
                }
            }
        }
        Ok(())
    }

    /// Begins again at block 0.
    pub fn restart(&mut self) {
        self.next = 0;
        self.again = Window::new();
        self.again_set = None;
        self.pause = Instant::ZERO;
        self.probes = 0;
    }

    /// The other side has everything before the block `next`.
    fn has(&mut self, next: u32) {
        self.probes = 0;
        if next == self.next {
            self.pause = Instant::ZERO;
        }
        while let Some(number) = self.again.first()
            && number < next
        {
            self.again.remove(number);
        }
    }

    /// The other side misses these blocks. Those that were never sent come in their turn.
    fn missing(&mut self, blocks: impl IntoIterator<Item = u32>) {
        self.probes = 0;
        for number in blocks {
            if number >= self.next {
                break;
            }
            if self.again.is_empty() {
                self.again.move_to(number);
            }
            self.again.insert(number);
        }
    }
}

impl QBlockPart {
    /// Adds the options of the block: Q-Block1 to a request, Q-Block2 and Size2 to a response. The options so far must
    /// have numbers of at most 19 and 28.
    ///
    /// A request also needs [`write_size`](QBlockPart::write_size) and a Request-Tag, a response an `ETag`.
    pub fn write(&self, builder: &mut MessageBuilder<'_>) {
        let value = self.part.block.map_or(0, Block::to_uint);
        match self.of {
            BodyOf::Request => {
                builder.uint(OptionNumber::Q_BLOCK1, value);
            }
            BodyOf::Response => {
                builder.uint(OptionNumber::SIZE2, self.size);
                builder.uint(OptionNumber::Q_BLOCK2, value);
            }
        }
    }

    /// Adds the Size1 option to a request, whose options so far must have numbers of at most 60 (RFC 9177 §4.6).
    pub fn write_size(&self, builder: &mut MessageBuilder<'_>) {
        if self.of == BodyOf::Request {
            builder.uint(OptionNumber::SIZE1, self.size);
        }
    }
}

const _: () = assert!(size_of::<QBlockSender>() <= 64);
