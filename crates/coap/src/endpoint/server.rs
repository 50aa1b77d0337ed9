//! The server's side: requests in, responses out.

use core::hash::Hash;

use super::core::{Content, Core, Reply};
use super::splice::set_option;
use super::{Input, Request};
use crate::block::{Block, BlockSize};
use crate::duplicates::Key;
use crate::no_response::NoResponse;
use crate::observe::Action;
use crate::request::unknown_critical;
use crate::{
    BuildError, Code, Message, MessageBuilder, MessageId, OptionNumber, Seen, Token, Type,
    empty_ack, reset,
};

/// The most bytes of an option's integer.
const MAX_UINT: usize = 4;

impl<P: Copy + Eq + Hash> Core<'_, P> {
    /// Takes a request: the owner sees it once only.
    pub(super) fn accept<'a>(&mut self, peer: P, message: Message<'a>, len: usize) -> Input<'a, P> {
        let key = self.key(peer);
        let id = message.id();
        let entry = Key { peer: key, id };
        match self.window.check(self.state.now, entry) {
            Seen::New => {}
            Seen::InProgress => return Input::Nothing,
            Seen::Answered(_) => {
                self.state.reply(peer, id, Content::Replay);
                return Input::Nothing;
            }
        }
        let confirmable = message.message_type() == Type::Confirmable;
        if let Some(bad) = unknown_critical(&message, self.state.config.known) {
            // A Non-confirmable one is rejected in silence (RFC 7252 §5.4.1).
            if confirmable {
                let content = Content::BadOption(message.token(), bad.number.0);
                self.state.reply(peer, id, content);
            }
            return Input::Nothing;
        }
        if !confirmable {
            // It gets no answer that could be repeated.
            self.window.begin(self.state.now, entry);
        }
        Input::Request(Request {
            peer,
            key,
            message,
            len,
            resource: None,
        })
    }

    /// Completes a response that is written to `buffer`, and remembers it; gives its length, `None` for silence.
    pub(super) fn finish_response(
        &mut self,
        request: &Request<'_, P>,
        code: Code,
        buffer: &mut [u8],
        header: (Type, MessageId),
        written: Result<usize, BuildError>,
    ) -> Option<usize> {
        let terms = Terms::of(request);
        let block_size = self.state.config.block_size;
        let written =
            written.and_then(|len| terms.acknowledge_block(code, block_size, buffer, len));
        let len = match written {
            Ok(len) => len,
            Err(error) => failure(header, request.token(), error, buffer)?,
        };
        let confirmable = request.message_type() == Type::Confirmable;
        let len = match (terms.is_silent(code), confirmable) {
            (false, _) => len,
            (true, true) => put(&empty_ack(request.id()), buffer)?,
            (true, false) => return None,
        };
        if confirmable {
            self.remember(request, buffer.get(..len)?);
        }
        Some(len)
    }

    /// Tells a Confirmable request that its response comes separately.
    pub(super) fn acknowledge_request(&mut self, request: &Request<'_, P>) {
        self.remember(request, &empty_ack(request.id()));
        let acknowledgement = Content::Acknowledgement;
        self.state
            .reply(request.peer, request.id(), acknowledgement);
    }

    /// Keeps what a Confirmable request was answered for its duplicates.
    fn remember(&mut self, request: &Request<'_, P>, answer: &[u8]) {
        let key = Key {
            peer: request.key,
            id: request.id(),
        };
        let now = self.state.now;
        let kept = self.window.answered(now, key, answer).is_ok();
        if !kept && matches!(request.code(), Code::POST | Code::PATCH) {
            // These must not be executed twice: a duplicate gets silence. All others may (RFC 7252 §4.5, §5.1).
            let _ = self.window.answered(now, key, &[]);
        }
    }

    /// Does what a request wants of the list of observers, and adds the option that tells of it.
    pub(super) fn enlist_request(
        &mut self,
        request: &Request<'_, P>,
        code: Code,
        buffer: &mut [u8],
        written: Result<usize, BuildError>,
    ) -> Result<usize, BuildError> {
        let Some(wish) = wish(request) else {
            return written;
        };
        let len = written?;
        match self.enlist(request.peer, request.token(), wish, code) {
            Some(number) => {
                set_uint(buffer, len, OptionNumber::OBSERVE, number).ok_or(BuildError::NoSpace)
            }
            None => Ok(len),
        }
    }

    /// Completes the response to a request that was put off, in its slot.
    pub(super) fn annotate_later(
        &mut self,
        index: usize,
        deferred: &Deferred<P>,
        code: Code,
        mut len: usize,
    ) -> Result<usize, BuildError> {
        let terms = deferred.terms;
        if let Some(wish) = deferred.wish
            && let Some(number) = self.enlist(deferred.peer, deferred.token, wish, code)
        {
            let slot = self.slots.at(index);
            len = set_uint(slot, len, OptionNumber::OBSERVE, number).ok_or(BuildError::NoSpace)?;
        }
        terms.acknowledge_block(
            code,
            self.state.config.block_size,
            self.slots.at(index),
            len,
        )
    }

    /// Writes a short answer of the message layer.
    pub(super) fn write_reply(&mut self, reply: Reply<P>, buffer: &mut [u8]) -> Option<usize> {
        match reply.content {
            Content::Acknowledgement => put(&empty_ack(reply.id), buffer),
            Content::Reset => put(&reset(reply.id), buffer),
            Content::Replay => {
                let key = Key {
                    peer: self.key(reply.to),
                    id: reply.id,
                };
                match self.window.check(self.state.now, key) {
                    Seen::Answered(answer) if !answer.is_empty() => put(answer, buffer),
                    _ => None,
                }
            }
            Content::BadOption(token, number) => {
                let mut digits = [0; 5];
                let (ack, code) = (Type::Acknowledgement, Code::BAD_OPTION);
                MessageBuilder::new(buffer, ack, code, reply.id, token)
                    .payload(decimal(number, &mut digits))
                    .finish()
                    .ok()
                    .map(<[u8]>::len)
            }
        }
    }
}

/// A request whose answer was put off by [`defer`](crate::Endpoint::defer): all that the answer needs of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deferred<P> {
    pub(super) peer: P,
    pub(super) token: Token,
    pub(super) message_type: Type,
    pub(super) terms: Terms,
    wish: Option<(Action, u32)>,
}

impl<P: Copy> Deferred<P> {
    pub(super) fn new(request: &Request<'_, P>) -> Self {
        Self {
            peer: request.peer,
            token: request.token(),
            message_type: request.message_type(),
            terms: Terms::of(request),
            wish: wish(request),
        }
    }

    /// Who asked.
    pub const fn peer(&self) -> P {
        self.peer
    }
}

/// What a request wants of the list of observers, where it may be observed.
fn wish<P>(request: &Request<'_, P>) -> Option<(Action, u32)> {
    let resource = request.resource?;
    // What asks for a later block registers nothing (RFC 7959 §2.6).
    let later = matches!(request.block2(), Ok(Some(block)) if block.number() > 0);
    let action = Action::of(request).filter(|_| !later)?;
    Some((action, resource))
}

/// What a request asks of its response, besides the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    block1: Option<Block>,
    no_response: NoResponse,
}

impl Terms {
    fn of(request: &Message<'_>) -> Self {
        let mut terms = Self {
            block1: None,
            no_response: NoResponse::INTERESTED,
        };
        // One walk for both.
        for (number, value) in request.options() {
            match number {
                OptionNumber::BLOCK1 => terms.block1 = Block::decode(value).ok(),
                OptionNumber::NO_RESPONSE => {
                    terms.no_response = NoResponse::of(request).unwrap_or_default();
                }
                _ => {}
            }
        }
        terms
    }

    /// Whether a response with this code is not wanted.
    pub(super) const fn is_silent(&self, code: Code) -> bool {
        self.no_response.suppresses(code)
    }

    /// Adds the Block1 option that acknowledges a block, or says that it is too large, with its own number
    /// (RFC 7959 §2.3, §2.9).
    fn acknowledge_block(
        &self,
        code: Code,
        block_size: BlockSize,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<usize, BuildError> {
        let acknowledges = code.is_success()
            || matches!(
                code,
                Code::REQUEST_ENTITY_INCOMPLETE | Code::REQUEST_ENTITY_TOO_LARGE
            );
        let Some(block) = self.block1.filter(|_| acknowledges) else {
            return Ok(len);
        };
        let value = block.with_size(block.size().min(block_size)).to_uint();
        set_uint(buffer, len, OptionNumber::BLOCK1, value).ok_or(BuildError::NoSpace)
    }
}

/// Copies a message into the buffer.
pub(super) fn put(message: &[u8], buffer: &mut [u8]) -> Option<usize> {
    buffer.get_mut(..message.len())?.copy_from_slice(message);
    Some(message.len())
}

/// Gives a written message an option with an integer value.
pub(super) fn set_uint(
    buffer: &mut [u8],
    len: usize,
    number: OptionNumber,
    value: u32,
) -> Option<usize> {
    let bytes: [u8; MAX_UINT] = value.to_be_bytes();
    let zeros = usize::try_from(value.leading_zeros() / 8).ok()?;
    set_option(buffer, len, number, Some(bytes.get(zeros..)?))
}

/// What the peer gets where the owner's response could not be written: 5.00 and why, if that fits.
pub(super) fn failure(
    (message_type, id): (Type, MessageId),
    token: Token,
    error: BuildError,
    buffer: &mut [u8],
) -> Option<usize> {
    let why = match error {
        BuildError::NoSpace => "buffer",
        _ => "builder",
    };
    let code = Code::INTERNAL_SERVER_ERROR;
    let full = MessageBuilder::new(&mut *buffer, message_type, code, id, token)
        .payload(why.as_bytes())
        .finish()
        .map(<[u8]>::len);
    full.or_else(|_| {
        MessageBuilder::new(buffer, message_type, code, id, token)
            .finish()
            .map(<[u8]>::len)
    })
    .ok()
}

/// A number in decimal digits.
fn decimal(number: u16, digits: &mut [u8; 5]) -> &[u8] {
    let mut rest = number;
    let mut len = 0_usize;
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.wrapping_add((rest % 10).to_le_bytes()[0]);
        len = len.wrapping_add(1);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    digits
        .get(5_usize.saturating_sub(len)..)
        .unwrap_or_default()
}
