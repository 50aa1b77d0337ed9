//! The signaling of one connection: what must be said first, what the peer can take, how it ends (RFC 8323 §5).

#[cfg(test)]
mod tests;

use core::fmt;

use super::signal::{unknown_critical, write_abort};
use super::{
    Abort, FrameError, Framer, Framing, Goodbye, Next, Ping, Release, Settings, parse_websocket,
};
use crate::{Code, Message, MessageBuilder, OptionNumber};

/// How much of the owner's text an Abort has room for.
const MAX_DIAGNOSTIC: usize = 50;

/// What an Abort has beside its text: header of three bytes, Bad-CSM-Option of three, payload marker.
const ABORT_OVERHEAD: usize = 7;

/// One connection over a reliable transport: what was said, and what must be said.
///
/// ```text
///               first message is a CSM                  peer's Release
///   Opening ───────────────────────────► Open ───────────────────────► Released
///      │                                  │                               │
///      └──── any offence, or an Abort ────┴───────────────────────────────┴─────► Closed
/// ```
///
/// It keeps settings and no message: tokens, requests and buffers are the owner's. It needs no clock; how long to wait
/// for a CSM or for a Pong is up to the owner (RFC 8323 §5.4).
///
/// The doors: [`handle_input`](Connection::handle_input) takes what was received,
/// [`poll_output`](Connection::poll_output) gives what the protocol demands to be sent: the CSM at first, an Abort at
/// the end. [`message`](Connection::message) begins whatever else is to be sent. After each call of `handle_input`,
/// poll until there is nothing to send.
///
/// ```
/// use dunlin_coap::Code;
/// use dunlin_coap::reliable::{Connection, Event, Framing, Settings};
///
/// let mut client = Connection::new(Framing::Stream, Settings::BASE);
/// let mut server = Connection::new(Framing::Stream, Settings::BASE.with_max_message_size(4096));
///
/// // Both begin with a CSM, which may be empty; the client goes on with a request at once.
/// let mut buffer = [0; Connection::OUTPUT_LEN];
/// let mut stream = client.poll_output(&mut buffer).unwrap().to_vec();
/// let mut buffer = [0; 64];
/// stream.extend(client.message(&mut buffer, Code::GET, &[0x71])?.path(["temperature"]).finish()?);
/// assert_eq!(stream[..4], [0x00, 0xe1, 0xc1, 0x01]);
///
/// let first = server.handle_input(&stream);
/// assert!(matches!(first.event, Event::Settings));
/// let second = server.handle_input(&stream[first.consumed..]);
/// let Event::Request(request) = second.event else { panic!() };
/// assert!(request.uri_path().eq([b"temperature"]));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Connection {
    framing: Framing,
    state: State,
    own: Settings,
    peer: Settings,
    output: Output,
    /// We sent a Release.
    leaving: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The peer's CSM has not come.
    Opening,
    Open,
    /// The peer sent a Release.
    Released,
    /// An Abort was sent or received.
    Closed,
}

/// What is still to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    /// The CSM.
    Csm,
    /// The CSM, then an Abort: the first message is always a CSM.
    CsmThenAbort(Failure),
    /// An Abort.
    Abort(Failure),
    Nothing,
}

/// What [`Connection::handle_input`] found.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// How many bytes are done with; call again with what comes after. 0 only with [`Event::NeedMore`].
    pub consumed: usize,
    /// What they were.
    pub event: Event<'a>,
}

/// What the peer's bytes mean to the owner.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The message is not complete: nothing can be told before there are this many bytes, counted from the first that
    /// was not consumed.
    NeedMore(usize),
    /// A request, to be answered over the same connection with the same token (RFC 8323 §3.3).
    Request(Message<'a>),
    /// A response.
    ///
    /// When its token is unknown the owner may ignore it or [`abort`](Connection::abort) (RFC 8323 §7.2).
    Response(Message<'a>),
    /// A CSM, which [`Connection::peer`] now shows. The first one opens the connection.
    Settings,
    /// A Ping, to be answered by [`Connection::pong`] as soon as practical or, when it asks for custody, after all
    /// earlier requests are answered (RFC 8323 §5.4).
    Ping(Ping<'a>),
    /// The answer to our Ping with this token.
    Pong(Ping<'a>),
    /// The peer asks us to close the connection after what is open is answered (RFC 8323 §5.5).
    Release(Release<'a>),
    /// The peer closed the connection at once (RFC 8323 §5.6).
    Abort(Abort<'a>),
    /// The peer broke the protocol: send what [`Connection::poll_output`] gives, then close.
    Failed(Failure),
    /// Nothing that matters: an Empty message (RFC 8323 §3.4), a signaling message of a code that this crate does not
    /// know, anything on a closed connection.
    Ignored,
}

/// How the peer broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// What came is no message.
    Frame(FrameError),
    /// The first message is not a CSM (RFC 8323 §3.3).
    MissingCsm,
    /// A CSM has an option that cannot be processed (RFC 8323 §5.6).
    BadCsmOption(u16),
    /// Another signaling message has a critical option, and none is known (RFC 8323 §5.2).
    CriticalOption(u16),
    /// The token of a request is longer than announced (RFC 8974 §2.2.1).
    TokenTooLong,
    /// A code of a reserved class (RFC 7252 §4.2).
    ReservedCode(Code),
    /// What the owner says.
    Owner(&'static str),
}

/// Why a message may not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendError {
    /// The CSM goes first: [`Connection::poll_output`] has it (RFC 8323 §3.3).
    CsmFirst,
    /// One side released the connection: no more requests (RFC 8323 §5.5).
    Released,
    /// The connection is aborted.
    Closed,
    /// The peer does not take tokens of this length in requests (RFC 8974 §2.2.1).
    TokenTooLong,
}

impl Connection {
    /// The size in bytes of a buffer that holds whatever [`poll_output`](Connection::poll_output) gives.
    pub const OUTPUT_LEN: usize = 64;

    /// A connection that was just opened or accepted, whose own end is as `own` says.
    ///
    /// Both ends send their CSM at once: the initiator must not wait, the acceptor need not (RFC 8323 §3.3).
    pub const fn new(framing: Framing, own: Settings) -> Self {
        Self {
            framing,
            state: State::Opening,
            own,
            peer: Settings::BASE,
            output: Output::Csm,
            leaving: false,
        }
    }

    /// Takes the first message of what was received.
    ///
    /// Over a stream, `bytes` is all that was received and not consumed. Over WebSockets it is one binary message.
    pub fn handle_input<'a>(&mut self, bytes: &'a [u8]) -> Input<'a> {
        let all = bytes.len();
        if self.state == State::Closed {
            return Input {
                consumed: all,
                event: Event::Ignored,
            };
        }
        let next = match self.framing {
            Framing::Stream => Framer::new(self.own.max_message_size()).next(bytes),
            Framing::WebSocket if all as u64 > u64::from(self.own.max_message_size()) => {
                Err(FrameError::TooLarge(all as u64))
            }
            Framing::WebSocket => parse_websocket(bytes).map(|message| Next::Message {
                message,
                consumed: all,
            }),
        };
        let (consumed, result) = match next {
            Ok(Next::NeedMore(total)) => {
                return Input {
                    consumed: 0,
                    event: Event::NeedMore(total),
                };
            }
            Ok(Next::Message { message, consumed }) => (consumed, self.take(message)),
            Err(error) => (all, Err(Failure::Frame(error))),
        };
        match result {
            Ok(event) => Input { consumed, event },
            // What comes after an offence is not looked at.
            Err(failure) => {
                self.fail(failure);
                Input {
                    consumed: all,
                    event: Event::Failed(failure),
                }
            }
        }
    }

    fn take<'a>(&mut self, message: Message<'a>) -> Result<Event<'a>, Failure> {
        let code = message.code();
        if code.is_empty() {
            return Ok(Event::Ignored);
        }
        if code == Code::ABORT {
            // Whatever it says, the connection is over; an Abort is not answered with one.
            self.state = State::Closed;
            self.output = Output::Nothing;
            return Ok(Event::Abort(Abort::read(message)));
        }
        if code == Code::CSM {
            let read = self.peer.read(&message);
            read.map_err(|OptionNumber(number)| Failure::BadCsmOption(number))?;
            if self.state == State::Opening {
                self.state = State::Open;
            }
            return Ok(Event::Settings);
        }
        if self.state == State::Opening {
            return Err(Failure::MissingCsm);
        }
        if code.is_request() {
            if message.token_bytes().len() as u64 > u64::from(self.own.extended_token_length()) {
                return Err(Failure::TokenTooLong);
            }
            return Ok(Event::Request(message));
        }
        if code.is_response() {
            return Ok(Event::Response(message));
        }
        if !code.is_signaling() {
            return Err(Failure::ReservedCode(code));
        }
        if let Some(OptionNumber(number)) = unknown_critical(&message) {
            return Err(Failure::CriticalOption(number));
        }
        Ok(match code {
            Code::PING => Event::Ping(Ping::read(&message)),
            Code::PONG => Event::Pong(Ping::read(&message)),
            Code::RELEASE => {
                self.state = State::Released;
                Event::Release(Release::read(message))
            }
            _ => Event::Ignored,
        })
    }

    /// Gives what the protocol demands to be sent: one message, or nothing.
    ///
    /// After an Abort, close the connection.
    pub fn poll_output<'b>(&mut self, buffer: &'b mut [u8; Self::OUTPUT_LEN]) -> Option<&'b [u8]> {
        match self.output {
            Output::Nothing => None,
            Output::Csm | Output::CsmThenAbort(_) => {
                self.output = match self.output {
                    Output::CsmThenAbort(failure) => Output::Abort(failure),
                    _ => Output::Nothing,
                };
                let mut builder = MessageBuilder::reliable(buffer, self.framing, Code::CSM, &[]);
                self.own.write(&mut builder);
                builder.finish().ok()
            }
            Output::Abort(failure) => {
                self.output = Output::Nothing;
                let bad_csm_option = match failure {
                    Failure::BadCsmOption(number) => Some(number),
                    _ => None,
                };
                let buffer = limited(buffer, self.peer);
                let text = failure.diagnostic();
                // A peer that takes very little gets no text.
                let fits = text.len().saturating_add(ABORT_OVERHEAD) <= buffer.len();
                let text = if fits { text } else { "" };
                let mut builder = MessageBuilder::reliable(buffer, self.framing, Code::ABORT, &[]);
                write_abort(&mut builder, bad_csm_option, text);
                builder.finish().ok()
            }
        }
    }

    /// Begins a request or a response in `buffer`, of which no more is used than the peer takes: a message that is too
    /// large for the peer fails with [`BuildError::NoSpace`](crate::BuildError::NoSpace).
    ///
    /// # Errors
    ///
    /// Every [`SendError`].
    pub fn message<'b>(
        &self,
        buffer: &'b mut [u8],
        code: Code,
        token: &[u8],
    ) -> Result<MessageBuilder<'b>, SendError> {
        match self.output {
            Output::Csm | Output::CsmThenAbort(_) => return Err(SendError::CsmFirst),
            Output::Abort(_) => return Err(SendError::Closed),
            Output::Nothing => {}
        }
        if self.state == State::Closed {
            return Err(SendError::Closed);
        }
        if code.is_request() {
            if self.leaving || self.state == State::Released {
                return Err(SendError::Released);
            }
            if token.len() as u64 > u64::from(self.peer.extended_token_length()) {
                return Err(SendError::TokenTooLong);
            }
        }
        let buffer = limited(buffer, self.peer);
        Ok(MessageBuilder::reliable(buffer, self.framing, code, token))
    }

    /// Begins a Ping (RFC 8323 §5.4).
    ///
    /// # Errors
    ///
    /// [`SendError::CsmFirst`] and [`SendError::Closed`].
    pub fn ping<'b>(
        &self,
        buffer: &'b mut [u8],
        ping: Ping<'_>,
    ) -> Result<MessageBuilder<'b>, SendError> {
        let mut builder = self.message(buffer, Code::PING, ping.token)?;
        ping.write(&mut builder);
        Ok(builder)
    }

    /// Begins the Pong that answers `ping`: with its token, and with custody if it asked for that (RFC 8323 §5.4).
    ///
    /// # Errors
    ///
    /// [`SendError::CsmFirst`] and [`SendError::Closed`].
    pub fn pong<'b>(
        &self,
        buffer: &'b mut [u8],
        ping: Ping<'_>,
    ) -> Result<MessageBuilder<'b>, SendError> {
        let mut builder = self.message(buffer, Code::PONG, ping.token)?;
        ping.write(&mut builder);
        Ok(builder)
    }

    /// Begins a Release: no more requests may be sent; the peer will answer what is open and close (RFC 8323 §5.5).
    ///
    /// # Errors
    ///
    /// [`SendError::CsmFirst`] and [`SendError::Closed`].
    pub fn release<'b>(
        &mut self,
        buffer: &'b mut [u8],
        goodbye: &Goodbye<'_>,
    ) -> Result<MessageBuilder<'b>, SendError> {
        let mut builder = self.message(buffer, Code::RELEASE, &[])?;
        goodbye.write(&mut builder);
        self.leaving = true;
        Ok(builder)
    }

    /// Gives the connection up: [`poll_output`](Connection::poll_output) has the Abort, with `diagnostic`, of which 50
    /// bytes are sent at most (RFC 8323 §5.6).
    pub fn abort(&mut self, diagnostic: &'static str) {
        if self.state != State::Closed {
            self.fail(Failure::Owner(diagnostic));
        }
    }

    /// What the peer announced so far.
    #[inline]
    pub const fn peer(&self) -> &Settings {
        &self.peer
    }

    /// What this end announces.
    #[inline]
    pub const fn own(&self) -> &Settings {
        &self.own
    }

    /// How the messages are framed.
    #[inline]
    pub const fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether the peer's CSM has come and nothing ended the connection since.
    #[inline]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open | State::Released)
    }

    /// Whether requests may still be sent: neither side released the connection or aborted it.
    #[inline]
    pub const fn takes_requests(&self) -> bool {
        matches!(self.state, State::Opening | State::Open) && !self.leaving
    }

    /// Whether an Abort was sent or received.
    #[inline]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    fn fail(&mut self, failure: Failure) {
        self.state = State::Closed;
        self.output = match self.output {
            Output::Csm | Output::CsmThenAbort(_) => Output::CsmThenAbort(failure),
            Output::Abort(_) | Output::Nothing => Output::Abort(failure),
        };
    }
}

/// As much of `buffer` as a message to this peer may fill.
fn limited(buffer: &mut [u8], peer: Settings) -> &mut [u8] {
    let max = usize::try_from(peer.max_message_size()).unwrap_or(usize::MAX);
    let len = buffer.len().min(max);
    buffer.get_mut(..len).unwrap_or_default()
}

impl Failure {
    /// The text for people in the Abort: 50 bytes at most.
    fn diagnostic(self) -> &'static str {
        match self {
            Self::Frame(FrameError::TooLarge(_)) => "message greater than announced",
            Self::Frame(FrameError::LengthNotZero) => "Len is not 0 over WebSockets",
            Self::Frame(FrameError::Malformed(_)) => "malformed message",
            Self::MissingCsm => "the first message is not a CSM",
            Self::BadCsmOption(_) => "CSM option cannot be processed",
            Self::CriticalOption(_) => "unknown critical signaling option",
            Self::TokenTooLong => "token longer than announced",
            Self::ReservedCode(_) => "code of a reserved class",
            Self::Owner(text) => text
                .get(..text.floor_char_boundary(MAX_DIAGNOSTIC))
                .unwrap_or_default(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(error) => error.fmt(f),
            Self::BadCsmOption(number) => write!(f, "CSM option {number} cannot be processed"),
            Self::CriticalOption(number) => {
                write!(f, "unknown critical signaling option {number}")
            }
            Self::ReservedCode(code) => write!(f, "code {code} is of a reserved class"),
            Self::Owner(text) => f.write_str(text),
            _ => f.write_str(self.diagnostic()),
        }
    }
}

impl core::error::Error for Failure {}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CsmFirst => "the CSM goes first",
            Self::Released => "the connection is released",
            Self::Closed => "the connection is aborted",
            Self::TokenTooLong => "the peer does not take tokens of this length",
        })
    }
}

impl core::error::Error for SendError {}
