//! An endpoint that speaks in datagrams, on a connection over a reliable transport.

#[cfg(test)]
mod tests;

use super::{Connection, Event, Failure, Framing, Settings};
use crate::copy::copy;
use crate::header::{MessageId, Token, Type, empty_ack};
use crate::{Code, Message};

/// How many requests are remembered until they are answered; of more, the oldest is forgotten, and its response comes as
/// one that is separate.
const OPEN: usize = 8;

/// Carries the messages of an endpoint that was made for datagrams (RFC 7252) over a byte stream (RFC 8323 §3).
///
/// Only the header differs: type and message id are of UDP, the length is of the stream; token, options and payload are the
/// same bytes. What the types mean is done here, so that the endpoint works as it does over a network that loses nothing:
///
/// | the endpoint sends | over the stream goes | the endpoint gets |
/// |---|---|---|
/// | a confirmable request | the request, once on each connection | the response in an Acknowledgement |
/// | a confirmable response | the response | an empty Acknowledgement at once |
/// | an Acknowledgement with a response, anything non-confirmable | the message | |
/// | an empty Acknowledgement, a Reset | nothing | |
///
/// What comes as a request goes to the endpoint as a confirmable one with a fresh message id. When the connection is lost,
/// make a new one with [`next_id`](Self::next_id) of the old: the endpoint sends again by itself what was not answered.
///
/// ```
/// use dunlin_coap::MessageId;
/// use dunlin_coap::reliable::{Bridge, Settings};
///
/// let mut bridge = Bridge::new(Settings::BASE, MessageId(0));
/// let mut buffer = [0; 64];
/// // Both ends begin with a CSM.
/// assert_eq!(bridge.poll_output(&mut buffer), Some(&[0x00, 0xe1][..]));
/// // CON GET /a with id 0x1234 and token 71: over the stream without type and id, but with the length of the option.
/// let sent = bridge.send(&[0x41, 0x01, 0x12, 0x34, 0x71, 0xb1, b'a'], &mut buffer);
/// assert_eq!(sent.bytes, [0x21, 0x01, 0x71, 0xb1, b'a']);
/// ```
#[derive(Clone, Debug)]
pub struct Bridge {
    connection: Connection,
    next_id: MessageId,
    /// The requests that wait for their responses, from the newest.
    open: [Option<(MessageId, Token)>; OPEN],
}

/// What becomes of a datagram that the endpoint sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent<'b> {
    /// What is to be written to the stream, if anything.
    pub bytes: &'b [u8],
    /// A datagram that the endpoint gets.
    pub acknowledgement: Option<[u8; 4]>,
}

/// What [`Bridge::handle_input`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Arrived<'b> {
    /// The message is not complete: nothing can be told before there are this many bytes.
    NeedMore(usize),
    /// A datagram for the endpoint.
    Datagram(&'b [u8]),
    /// Something to be written to the stream: a Pong.
    Answer(&'b [u8]),
    /// The peer has said what it can take; the first time the connection is open.
    Settings,
    /// The connection is to be closed, after what [`Bridge::poll_output`] gives: the peer asks for it, has aborted it
    /// (`None`), or broke the protocol.
    Closed(Option<Failure>),
    /// Nothing that matters.
    Nothing,
}

impl Bridge {
    /// A connection that was just opened. `own` says what this end takes, `first` is the id of the first message to the
    /// endpoint.
    pub const fn new(own: Settings, first: MessageId) -> Self {
        Self {
            connection: Connection::new(Framing::Stream, own),
            next_id: first,
            open: [None; OPEN],
        }
    }

    /// The id that the next message to the endpoint has.
    pub const fn next_id(&self) -> MessageId {
        self.next_id
    }

    /// Whether the peer has said what it can take, and nothing ended the connection since.
    pub const fn is_open(&self) -> bool {
        self.connection.is_open()
    }

    /// What the protocol demands to be sent: the CSM at first, an Abort at the end.
    pub fn poll_output<'b>(&mut self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let room: &mut [u8; Connection::OUTPUT_LEN] = buffer.first_chunk_mut()?;
        self.connection.poll_output(room)
    }

    /// Takes a datagram of the endpoint, and makes of it what goes over the stream, in `buffer`, which needs as much room
    /// as the datagram and two bytes. What the peer or the buffer does not take is lost, like what is lost on the way.
    pub fn send<'b>(&mut self, datagram: &[u8], buffer: &'b mut [u8]) -> Sent<'b> {
        let nothing = Sent {
            bytes: &[],
            acknowledgement: None,
        };
        let Ok(message) = Message::parse(datagram) else {
            return nothing;
        };
        let (code, id, token) = (message.code(), message.id(), message.token());
        let confirmable = message.message_type() == Type::Confirmable;
        if !code.is_request() && !code.is_response() {
            return nothing;
        }
        let asks = code.is_request() && confirmable;
        if asks && self.open.contains(&Some((id, token))) {
            return nothing;
        }
        let Some(len) = self.frame(code, token, datagram, buffer) else {
            return nothing;
        };
        if asks {
            self.open.rotate_right(1);
            if let Some(first) = self.open.first_mut() {
                *first = Some((id, token));
            }
        }
        Sent {
            bytes: buffer.get(..len).unwrap_or_default(),
            acknowledgement: (confirmable && !asks).then(|| empty_ack(id)),
        }
    }

    /// Writes the message of a datagram as one of a stream (RFC 8323 §3.2).
    fn frame(&self, code: Code, token: Token, datagram: &[u8], buffer: &mut [u8]) -> Option<usize> {
        // Before its CSM the peer takes what anyone takes.
        let limit = usize::try_from(self.connection.peer().max_message_size()).ok()?;
        if self.connection.is_closed() {
            return None;
        }
        let rest = datagram.get(4..)?;
        let length = rest.len().checked_sub(token.len())?;
        let (nibble, extension) = if let Ok(nibble @ 0..13) = u8::try_from(length) {
            (nibble, None)
        } else if let Ok(byte) = u8::try_from(length.wrapping_sub(13)) {
            (13, Some((byte, None)))
        } else {
            let [high, low] = u16::try_from(length.wrapping_sub(269)).ok()?.to_be_bytes();
            (14, Some((high, Some(low))))
        };
        let head = [
            Some(nibble << 4 | u8::try_from(token.len()).ok()?),
            extension.map(|(first, _)| first),
            extension.and_then(|(_, second)| second),
            Some(code.0),
        ];
        let mut len = 0_usize;
        for byte in head.into_iter().flatten() {
            *buffer.get_mut(len)? = byte;
            len = len.checked_add(1)?;
        }
        let end = len.checked_add(rest.len())?;
        if end > limit {
            return None;
        }
        copy(buffer.get_mut(len..end)?, rest);
        Some(end)
    }

    /// Takes the first message of what was received and not consumed, and makes a datagram of it in `buffer`. Gives how
    /// many bytes are done with beside what they were. A message that `buffer` has no room for is not given: let it have
    /// as much as `own` takes, and two bytes.
    pub fn handle_input<'b>(&mut self, bytes: &[u8], buffer: &'b mut [u8]) -> (usize, Arrived<'b>) {
        let input = self.connection.handle_input(bytes);
        let consumed = input.consumed;
        let (code, token) = match input.event {
            Event::Request(message) | Event::Response(message) => (message.code(), message.token()),
            Event::NeedMore(total) => return (consumed, Arrived::NeedMore(total)),
            Event::Settings => return (consumed, Arrived::Settings),
            Event::Ping(ping) => {
                let pong = self.connection.pong(buffer, ping);
                let pong = pong.ok().and_then(|mut pong| pong.finish().ok());
                return (consumed, pong.map_or(Arrived::Nothing, Arrived::Answer));
            }
            Event::Release(_) | Event::Abort(_) => return (consumed, Arrived::Closed(None)),
            Event::Failed(failure) => return (consumed, Arrived::Closed(Some(failure))),
            Event::Pong(_) | Event::Ignored => return (consumed, Arrived::Nothing),
        };
        let message = bytes.get(..consumed).unwrap_or_default();
        let made = self.datagram(code, token, message, buffer);
        let arrived = made.and_then(|len| buffer.get(..len));
        (
            consumed,
            arrived.map_or(Arrived::Nothing, Arrived::Datagram),
        )
    }

    /// Writes a message of a stream as a datagram (RFC 7252 §3).
    fn datagram(
        &mut self,
        code: Code,
        token: Token,
        message: &[u8],
        buffer: &mut [u8],
    ) -> Option<usize> {
        if token.is_extended() {
            // The endpoint has asked nobody with such a token.
            return None;
        }
        let before = match message.first()? >> 4 {
            13 => 3,
            14 => 4,
            15 => 6,
            _ => 2,
        };
        let rest = message.get(before..)?;
        let asked = if code.is_response() {
            self.open
                .iter_mut()
                .find(|open| open.is_some_and(|(_, asked)| asked == token))
                .and_then(Option::take)
        } else {
            None
        };
        let (kind, MessageId(id)) = if let Some((id, _)) = asked {
            (Type::Acknowledgement, id)
        } else {
            let id = self.next_id;
            self.next_id = MessageId(id.0.wrapping_add(1));
            let kind = if code.is_response() {
                Type::NonConfirmable
            } else {
                Type::Confirmable
            };
            (kind, id)
        };
        let [high, low] = id.to_be_bytes();
        let token_length = u8::try_from(token.len()).ok()?;
        let (head, body) = buffer.split_first_chunk_mut::<4>()?;
        *head = [0x40 | (kind as u8) << 4 | token_length, code.0, high, low];
        copy(body.get_mut(..rest.len())?, rest);
        rest.len().checked_add(4)
    }
}
