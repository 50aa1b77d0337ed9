//! Takes a body whose blocks come in sets.

use super::window::{Inserted, Window};
use super::{
    BodyOf, Delivery, MISSING_BLOCKS, MissingBlocks, QBlockError, QBlockParameters, QBlockPoll,
    request::not_mixed,
};
use crate::block::sender::as_usize;
use crate::block::{Block, BlockSize, Tag};
use crate::time::{Duration, Instant};
use crate::{Code, Message, MessageBuilder, OptionNumber};

/// Takes a body whose blocks come in sets, in any order, and tells what to ask for: a request's on a server
/// (Q-Block1), a response's on a client (Q-Block2).
///
/// It keeps which blocks have arrived, not the body: the owner stores each payload at the offset that it is told. A
/// window of at least `32 * (WORDS - 1) + 1` blocks from the first missing one on is kept; what arrives beyond it
/// counts as lost, and is asked for when its turn comes.
///
/// On a server, one is kept for each [`TransferKey`](crate::block::TransferKey) of a peer, in which the Request-Tag is,
/// until [`QBlockPoll::GiveUp`]: after the body is complete too, so that a block that comes once more is answered as it
/// was the first time (RFC 9177 §4.3).
///
/// ```text
///           first block                last missing block
///  empty ─────────────────► partial ────────────────────────► complete
///             ▲  another body │ nothing for too long              │
///             └───────────────┤                                   │
///                             └──► given up ◄─────────────────────┘
/// ```
#[derive(Clone, Debug)]
pub struct QBlockReceiver<const WORDS: usize = 4> {
    body: Option<Partial<WORDS>>,
    /// The body before this one, whose blocks may still be under way.
    stale: Option<Tag>,
    of: BodyOf,
    delivery: Delivery,
}

#[derive(Clone, Debug)]
struct Partial<const WORDS: usize> {
    len: u32,
    arrived: Window<WORDS>,
    /// The greatest number seen.
    highest: u32,
    tag: Tag,
    content_format: Option<u16>,
    size: BlockSize,
    /// How often missing blocks were asked for since the last block arrived.
    asked: u8,
    /// The set in which a block showed that earlier ones are missing.
    asked_in: u32,
    /// How many sets were confirmed.
    confirmed: u32,
    last: Instant,
    due: Instant,
    pending: Option<QBlockAsk>,
    complete: bool,
}

/// A block that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct QBlockReceived {
    /// Where in the body the payload is to be stored; `None` when it is there already, or must come again.
    pub offset: Option<usize>,
    /// The length of the whole body in bytes.
    pub body_len: usize,
    /// This is the first block of a body: on a client, forget what was stored of another.
    pub begins: bool,
    /// The body is complete. On a server, carry the request out if `offset` is given, and repeat its response
    /// otherwise.
    pub complete: bool,
}

/// What to tell the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum QBlockAsk {
    /// Everything before this block has arrived: a 2.31 Continue, or a request to go on with it.
    Continue(u32),
    /// Blocks before this one are missing: a 4.08 Request Entity Incomplete, or a request for them.
    Missing(u32),
}

impl QBlockAsk {
    /// The code of the response with which a server says so.
    pub const fn code(self) -> Code {
        match self {
            Self::Continue(_) => Code::CONTINUE,
            Self::Missing(_) => Code::REQUEST_ENTITY_INCOMPLETE,
        }
    }
}

impl<const WORDS: usize> QBlockReceiver<WORDS> {
    /// A receiver of one body after the other.
    pub const fn new(of: BodyOf, delivery: Delivery) -> Self {
        Self {
            body: None,
            stale: None,
            of,
            delivery,
        }
    }

    /// Whether a body has begun and is not complete.
    pub const fn is_receiving(&self) -> bool {
        matches!(&self.body, Some(body) if !body.complete)
    }

    /// The tag of the body: Request-Tag or `ETag`.
    pub fn tag(&self) -> Option<Tag> {
        self.body.as_ref().map(|body| body.tag)
    }

    /// Forgets the body.
    pub fn reset(&mut self) {
        self.body = None;
        self.stale = None;
    }

    /// The option with which a client asks for a body in blocks of at most `size`: Q-Block2 `0/1/size`
    /// (RFC 9177 §4.4).
    pub const fn whole(size: BlockSize) -> Block {
        match Block::new(0, true, size) {
            Some(block) => block,
            None => Block::first(size),
        }
    }

    /// Takes a message with a block.
    ///
    /// `capacity` is the greatest body in bytes. On a client, a block with a new `ETag` begins another body.
    ///
    /// # Errors
    ///
    /// Every [`QBlockError`] but [`QBlockError::Order`]. Nothing has changed then; a server answers with
    /// [`QBlockError::code`].
    pub fn take(
        &mut self,
        now: Instant,
        message: &Message<'_>,
        capacity: usize,
        parameters: &QBlockParameters,
    ) -> Result<QBlockReceived, QBlockError> {
        let found = Found::in_message(message, self.of)?;
        if usize::try_from(found.len).map_or(true, |len| len > capacity) {
            return Err(QBlockError::TooLarge);
        }
        let begins = self.body.as_ref().is_none_or(|body| body.tag != found.tag);
        if begins {
            if self.is_stale(found.tag) {
                return Err(QBlockError::Stale);
            }
            self.stale = self.tag();
            self.body = Some(Partial::new(now, &found));
        }
        let delivery = self.delivery;
        let body = self.body.as_mut().ok_or(QBlockError::Absent)?;
        if (body.len, body.size, body.content_format)
            != (found.len, found.block.size(), found.content_format)
        {
            return Err(QBlockError::Inconsistent);
        }
        let new = body.insert(now, found.block.number(), delivery, parameters);
        Ok(QBlockReceived {
            offset: new.then(|| as_usize(found.block.offset())),
            body_len: as_usize(body.len),
            begins,
            complete: body.complete,
        })
    }

    /// Whether a block with this tag is a straggler of the body before. Once missing blocks were asked for in vain it
    /// counts as an answer: the resource may have changed back.
    fn is_stale(&self, tag: Tag) -> bool {
        self.stale == Some(tag) && self.body.as_ref().is_some_and(|body| body.asked == 0)
    }

    /// What to send at `now`, or until when to wait.
    pub fn poll(&mut self, now: Instant, parameters: &QBlockParameters) -> QBlockPoll<QBlockAsk> {
        let (of, delivery) = (self.of, self.delivery);
        let Some(body) = &mut self.body else {
            return QBlockPoll::Wait(Instant::MAX);
        };
        match body.pending.take() {
            // What was missing has come in the meantime.
            Some(QBlockAsk::Missing(limit)) if body.arrived.first_absent() >= limit => {}
            Some(ask) => return QBlockPoll::Send(ask),
            None => {}
        }
        let end = body.last.saturating_add(parameters.non_partial_timeout());
        // A server that gets Confirmable blocks has nothing to ask for: its client sees what is lost (RFC 9177 §5).
        let asks =
            !body.complete && (delivery == Delivery::NonConfirmable || of == BodyOf::Response);
        let exhausted = asks && now >= body.due && body.asked >= parameters.non_max_retransmit;
        if now >= end || exhausted {
            self.body = None;
            self.stale = None;
            return QBlockPoll::GiveUp;
        }
        if !asks {
            return QBlockPoll::Wait(end);
        }
        if now < body.due {
            return QBlockPoll::Wait(body.due.min(end));
        }
        body.asked = body.asked.saturating_add(1);
        body.due = now.saturating_add(body.wait(delivery, parameters));
        // The set in which the first missing block is, or the last one of which something is known.
        let from = body.arrived.first_absent().max(body.highest);
        let set = parameters.set_of(from).saturating_add(1);
        let limit = parameters.first_of(set).min(body.blocks());
        QBlockPoll::Send(QBlockAsk::Missing(limit))
    }

    /// The missing blocks that an [`ask`](QBlockAsk::Missing) is about, at most `MAX_PAYLOADS`, rising.
    pub fn missing(
        &self,
        ask: QBlockAsk,
        parameters: &QBlockParameters,
    ) -> impl Iterator<Item = u32> + '_ {
        let limit = match ask {
            QBlockAsk::Missing(limit) => limit,
            QBlockAsk::Continue(_) => 0,
        };
        let (first, body) = match &self.body {
            Some(body) => (body.arrived.clone().first_absent(), Some(body)),
            None => (limit, None),
        };
        // One window at most lies between the first and the last that is known.
        let window = u32::try_from(WORDS).unwrap_or(u32::MAX).saturating_mul(32);
        (first..limit.min(first.saturating_add(window)))
            .filter(move |number| body.is_some_and(|body| !body.arrived.contains(*number)))
            .take(usize::from(parameters.max_payloads.max(1)))
    }

    /// Writes what an ask says. On a server, the rest of a response with [`QBlockAsk::code`], whose options so far must
    /// have numbers of at most 12: Q-Block1, or Content-Format and payload. On a client, the Q-Block2 options of a
    /// request, whose options so far must have numbers of at most 31.
    pub fn write(
        &self,
        ask: QBlockAsk,
        parameters: &QBlockParameters,
        builder: &mut MessageBuilder<'_>,
    ) {
        let Some(body) = &self.body else { return };
        let block = |number, more| Block::new(number, more, body.size).map_or(0, Block::to_uint);
        match (self.of, ask) {
            (BodyOf::Request, QBlockAsk::Continue(next)) => {
                let value = block(next.saturating_sub(1), true);
                builder.uint(OptionNumber::Q_BLOCK1, value);
            }
            (BodyOf::Request, QBlockAsk::Missing(_)) => {
                builder.content_format(MISSING_BLOCKS);
                let missing = self.missing(ask, parameters);
                let len = MissingBlocks::write(missing, builder.payload_buffer());
                builder.payload_len(len);
            }
            (BodyOf::Response, QBlockAsk::Continue(next)) => {
                builder.uint(OptionNumber::Q_BLOCK2, block(next, true));
            }
            (BodyOf::Response, QBlockAsk::Missing(limit)) => {
                let mut end = 0;
                for number in self.missing(ask, parameters) {
                    if number < end {
                        continue;
                    }
                    let rest = body.run_to_the_end(number, limit, parameters);
                    if let Some(last) = rest {
                        end = last;
                    }
                    builder.uint(OptionNumber::Q_BLOCK2, block(number, rest.is_some()));
                }
            }
        }
    }
}

impl<const WORDS: usize> Partial<WORDS> {
    fn new(now: Instant, found: &Found) -> Self {
        Self {
            len: found.len,
            arrived: Window::new(),
            highest: 0,
            tag: found.tag,
            content_format: found.content_format,
            size: found.block.size(),
            asked: 0,
            asked_in: 0,
            confirmed: 0,
            last: now,
            due: Instant::MAX,
            pending: None,
            complete: false,
        }
    }

    const fn blocks(&self) -> u32 {
        self.size.blocks(self.len)
    }

    /// Marks a block: whether it is to be stored.
    fn insert(
        &mut self,
        now: Instant,
        number: u32,
        delivery: Delivery,
        parameters: &QBlockParameters,
    ) -> bool {
        let before = self.arrived.first_absent();
        let inserted = if number < before {
            Inserted::Already
        } else {
            self.arrived.insert(number)
        };
        self.highest = self.highest.max(number);
        self.last = now;
        let absent = self.arrived.first_absent();
        self.complete = absent >= self.blocks();
        if inserted == Inserted::New {
            self.asked = 0;
        }
        if inserted == Inserted::New || self.due == Instant::MAX {
            self.due = now.saturating_add(self.wait(delivery, parameters));
        }
        if self.complete {
            self.pending = None;
        } else if delivery == Delivery::NonConfirmable {
            self.look(number, inserted, absent, parameters);
        }
        inserted == Inserted::New
    }

    /// What a Non-confirmable block gives reason to say.
    fn look(
        &mut self,
        number: u32,
        inserted: Inserted,
        absent: u32,
        parameters: &QBlockParameters,
    ) {
        let set = parameters.set_of(number);
        let done = parameters.set_of(absent);
        let ends_set = parameters.first_of(set.saturating_add(1)) == number.saturating_add(1);
        if inserted == Inserted::Already {
            // To be answered as it was the first time: the confirmation of the set was lost.
            if ends_set && absent > number && self.highest == number {
                self.pending = Some(QBlockAsk::Continue(parameters.first_of(done)));
            }
        } else if done > self.confirmed && parameters.set_of(self.highest) < done {
            // The sets are complete, and the sender does not go on by itself yet.
            self.confirmed = done;
            self.pending = Some(QBlockAsk::Continue(parameters.first_of(done)));
        } else if set > done && set > self.asked_in {
            // The sender went on: what is missing in the sets before was lost.
            self.asked_in = set;
            self.pending = Some(QBlockAsk::Missing(parameters.first_of(set)));
        }
    }

    fn wait(&self, delivery: Delivery, parameters: &QBlockParameters) -> Duration {
        let wait = parameters.time_to_wait(self.asked);
        match delivery {
            Delivery::Confirmable if wait < parameters.max_transmit_span => {
                parameters.max_transmit_span
            }
            Delivery::Confirmable | Delivery::NonConfirmable => wait,
        }
    }

    /// The end of the set of `number`, where nothing of the set from `number` on has arrived, and it is more than one
    /// block: these can be asked for at once, with the M bit (RFC 9177 §4.4, Figure 10). Not from the beginning of a
    /// set: that means something else.
    fn run_to_the_end(
        &self,
        number: u32,
        limit: u32,
        parameters: &QBlockParameters,
    ) -> Option<u32> {
        let set = parameters.set_of(number);
        let end = parameters.first_of(set.saturating_add(1));
        let end = end.min(self.blocks());
        let absent = |number| !self.arrived.contains(number);
        (number != parameters.first_of(set)
            && end > number.saturating_add(1)
            && end <= limit
            && (number..end).all(absent))
        .then_some(end)
    }
}

/// What a message says of its block and of the body.
struct Found {
    block: Block,
    len: u32,
    tag: Tag,
    content_format: Option<u16>,
}

impl Found {
    fn in_message(message: &Message<'_>, of: BodyOf) -> Result<Self, QBlockError> {
        let (option, size) = match of {
            BodyOf::Request => (OptionNumber::Q_BLOCK1, OptionNumber::SIZE1),
            BodyOf::Response => (OptionNumber::Q_BLOCK2, OptionNumber::SIZE2),
        };
        not_mixed(message)?;
        let mut values = message.values(option);
        let block = Block::decode(values.next().ok_or(QBlockError::Absent)?);
        let block = block.map_err(QBlockError::Option)?;
        if values.next().is_some() {
            return Err(QBlockError::Mixed);
        }
        let tag = match of {
            BodyOf::Request => Tag::of_request(message),
            BodyOf::Response => message.etag().and_then(Tag::new),
        };
        let (Some(len), Some(tag)) = (message.uint(size), tag) else {
            return Err(QBlockError::Undescribed);
        };
        // The size is exact, and so is everything else (RFC 9177 §4.6).
        let blocks = block.size().blocks(len);
        let number = block.number();
        let rest = len.saturating_sub(block.offset());
        let expected = as_usize(rest).min(block.size().bytes());
        if number >= blocks
            || block.more() != (number.saturating_add(1) < blocks)
            || message.payload().len() != expected
        {
            return Err(QBlockError::PayloadSize);
        }
        Ok(Self {
            block,
            len,
            tag,
            content_format: message.content_format(),
        })
    }
}

const _: () = assert!(size_of::<QBlockReceiver>() <= 120);
