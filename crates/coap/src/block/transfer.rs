//! A request and its response on a client, either or both of them in blocks.

use core::fmt;

use super::{
    Block, BlockOptions, BlockReceiver, BlockSender, BlockSize, Next, Outgoing, ReceiveError,
    Received, SendError, Sent,
};
use crate::{Code, Message};

/// How often a response is begun again because the resource changed.
const RESTARTS: u8 = 3;

/// One operation of a client, whose request and response may both be long (RFC 7959 §2.7): it tells which requests to
/// make, one after the other, and where the payloads of the responses belong.
///
/// The owner keeps the body of the request and stores that of the response, gives each request a new token, and sends
/// them as it sends any other. The same options stand in all of them (a Request-Tag too: RFC 9175 §3.4), but for
/// those of [`TransferRequest::options`] and those that belong in the first only.
///
/// For the rest of a large notification, give the notification to [`response`](Transfer::response) of a new transfer
/// without body (RFC 7959 §2.6).
///
/// ```text
///           Step::Send            final response           Step::Content, more
///            ┌─────┐                                            ┌─────┐
///            ▼     │                                            ▼     │
///  new ───► request's body ──────────────────────────────► response's body ───► Step::Content, complete
///            ▲     └─► Step::Refused                            │     └─► Step::Refused
///            └──────────────────── Step::Restart ◄──────────────┘
/// ```
///
/// ```
/// use dunlin_coap::block::{BlockSize, Step, Transfer};
/// use dunlin_coap::{Code, Message, MessageBuilder, MessageId, Token, Type};
///
/// let mut transfer = Transfer::new(Code::GET, 0, BlockSize::MAX, BlockSize::MAX)?;
/// let mut body = Vec::new();
/// # let mut server = dunlin_coap::block::FromFn(Some(2000), |_, space: &mut [u8]| { space.fill(7); space.len() });
/// # let mut answer = |request: &Message<'_>| -> Result<Vec<u8>, Box<dyn core::error::Error>> {
/// #     let options = dunlin_coap::block::BlockOptions::read(request, BlockSize::MAX)?;
/// #     let part = dunlin_coap::block::Outgoing::from_body(&mut server, options.block2, BlockSize::MAX, 1024)?;
/// #     let mut buffer = [0; 1152];
/// #     let (id, token) = (request.id(), request.token());
/// #     let mut m = MessageBuilder::new(&mut buffer, Type::Acknowledgement, Code::CONTENT, id, token);
/// #     part.response_options(Some(2000), &options).write(&mut m);
/// #     part.write(&mut server, &mut m)?;
/// #     Ok(m.finish()?.to_vec())
/// # };
/// for number in 1.. {
///     let mut buffer = [0; 64];
///     let token = Token::from([0, 0, 0, number]);
///     let id = MessageId(number.into());
///     let mut request = MessageBuilder::new(&mut buffer, Type::Confirmable, Code::GET, id, token);
///     request.path(["firmware"]);
///     transfer.request().options.write(&mut request);
///     let response = answer(&Message::parse(request.finish()?)?)?;
///     let response = Message::parse(&response)?;
///     match transfer.response(&response, 4096)? {
///         Step::Content(received) => {
///             body.resize(received.end(), 0);
///             assert!(received.store(response.payload(), &mut body));
///             if received.is_complete() {
///                 break;
///             }
///         }
///         other => panic!("{other:?}"),
///     }
/// }
/// assert_eq!(body, [7; 2000]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Transfer {
    sender: BlockSender,
    receiver: BlockReceiver,
    /// What to ask for next; in the first request the size that is wanted.
    next: Option<Block>,
    method: Code,
    preferred: BlockSize,
    ask_size: bool,
    restarts: u8,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The body of the request is sent.
    Request,
    /// More of the body of the response is asked for.
    Response,
}

/// What the next request of a [`Transfer`] carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TransferRequest {
    /// The options of block-wise transfer.
    pub options: BlockOptions,
    /// The part of the request's body that is the payload.
    pub part: Outgoing,
    /// Whether nothing went before it: only then may If-None-Match stand in the request, and Observe where the request
    /// has no long body (RFC 7959 §2.6, §2.10).
    pub first: bool,
}

/// What a response means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Step {
    /// Make the next request.
    Send,
    /// The resource changed on the way: forget what was stored of the response's body and make the next request, which
    /// begins anew.
    Restart,
    /// Store the payload; unless the body is complete, make the next request.
    Content(Received),
    /// The operation has ended with this response, which is no success; its payload is a diagnostic.
    Refused,
}

/// Why an operation can not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TransferError {
    /// The body of the request can not be sent.
    Send(SendError),
    /// The body of the response can not be taken.
    Receive(ReceiveError),
}

impl Transfer {
    /// An operation whose request has a body of `len` bytes, sent in blocks of at most `size`; blocks of at most
    /// `preferred` are taken.
    ///
    /// # Errors
    ///
    /// [`SendError::TooLong`].
    pub fn new(
        method: Code,
        len: usize,
        size: BlockSize,
        preferred: BlockSize,
    ) -> Result<Self, SendError> {
        Ok(Self {
            sender: BlockSender::new(len, size)?,
            receiver: BlockReceiver::new(),
            next: None,
            method,
            preferred,
            ask_size: false,
            restarts: 0,
            phase: Phase::Request,
        })
    }

    /// Asks for the preferred size from the first response on, instead of after it (RFC 7959 §2.4, Figure 3).
    #[must_use]
    pub const fn negotiate_early(mut self) -> Self {
        self.next = Some(Block::first(self.preferred));
        self
    }

    /// Asks for the size of the response's body (RFC 7959 §4): [`BlockOptions::size2`] of the response may have it.
    #[must_use]
    pub const fn ask_size(mut self) -> Self {
        self.ask_size = true;
        self
    }

    /// With [`BlockSize::Bert`]: the greatest payload in bytes of a request (RFC 8323 §6).
    #[must_use]
    pub fn payload_limit(mut self, limit: usize) -> Self {
        self.sender = self.sender.payload_limit(limit);
        self
    }

    /// What the next request carries; the same until a response was taken.
    pub fn request(&self) -> TransferRequest {
        if self.phase == Phase::Response {
            return TransferRequest {
                options: BlockOptions {
                    block2: self.next,
                    ..BlockOptions::default()
                },
                part: Outgoing::default(),
                first: false,
            };
        }
        let part = self.sender.current();
        // Before the last part there is no response that this could be about (RFC 7959 §2.3).
        let last = self.sender.is_last();
        let begins = part.offset == 0;
        let announced = part.block.is_some() && begins;
        TransferRequest {
            options: BlockOptions {
                block2: self.next.filter(|_| last),
                block1: part.block,
                size2: (self.ask_size && last).then_some(0),
                size1: announced.then(|| u32::try_from(self.sender.len()).unwrap_or(u32::MAX)),
            },
            part,
            first: begins,
        }
    }

    /// Takes the response to the last request; `capacity` is the greatest body in bytes of a response.
    ///
    /// # Errors
    ///
    /// Every [`TransferError`]: the operation can not go on, and must be begun anew.
    /// [`ReceiveError::EtagChanged`] only where the operation may not be repeated by itself, for it is not safe, or
    /// was repeated some times.
    pub fn response(
        &mut self,
        message: &Message<'_>,
        capacity: usize,
    ) -> Result<Step, TransferError> {
        if self.phase == Phase::Request {
            let sent = self.sender.response(message).map_err(TransferError::Send)?;
            if sent == Sent::More {
                return Ok(Step::Send);
            }
        }
        if !message.code().is_success() {
            let lost = message.code() == Code::REQUEST_ENTITY_INCOMPLETE;
            if self.phase == Phase::Response && lost && self.restart() {
                return Ok(Step::Restart);
            }
            return Ok(Step::Refused);
        }
        match self.receiver.response(message, capacity, self.preferred) {
            Ok(received) => {
                if let Next::More(block) = received.next {
                    self.phase = Phase::Response;
                    self.next = Some(block);
                }
                Ok(Step::Content(received))
            }
            Err(ReceiveError::EtagChanged) if self.restart() => Ok(Step::Restart),
            Err(error) => Err(TransferError::Receive(error)),
        }
    }

    /// Begins anew, keeping the sizes that were found: false where that would do something twice.
    fn restart(&mut self) -> bool {
        let safe = matches!(self.method, Code::GET | Code::FETCH);
        if !safe || self.restarts >= RESTARTS {
            return false;
        }
        self.restarts = self.restarts.saturating_add(1);
        self.receiver.reset();
        self.sender.restart();
        self.next = self.next.map(|block| Block::first(block.size()));
        // Without a body to send, the first request is one for block 0, but not the first of all: it must not
        // register an observation again.
        self.phase = if self.sender.is_empty() {
            Phase::Response
        } else {
            Phase::Request
        };
        true
    }
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(error) => error.fmt(f),
            Self::Receive(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for TransferError {}
