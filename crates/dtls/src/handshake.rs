//! Handshake messages: their headers, and how they are cut into fragments and put together (RFC 6347 §4.2).

#[cfg(feature = "client")]
pub(crate) mod client;
pub(crate) mod extensions;
pub(crate) mod flight;
pub(crate) mod hello;
pub(crate) mod inbox;
#[cfg(feature = "_ecdhe")]
pub(crate) mod keys;
#[cfg(feature = "server")]
pub(crate) mod server;
pub(crate) mod state;

use crate::error::Malformed;
use crate::reader::Reader;

/// Bytes of a handshake message's header.
pub(crate) const HEADER_LEN: usize = 12;

/// The types of handshake messages (RFC 6347 §4.3.2, RFC 5246 §7.4).
pub(crate) mod kind {
    pub(crate) const HELLO_REQUEST: u8 = 0;
    pub(crate) const CLIENT_HELLO: u8 = 1;
    pub(crate) const SERVER_HELLO: u8 = 2;
    pub(crate) const HELLO_VERIFY_REQUEST: u8 = 3;
    pub(crate) const NEW_SESSION_TICKET: u8 = 4;
    pub(crate) const CERTIFICATE: u8 = 11;
    pub(crate) const SERVER_KEY_EXCHANGE: u8 = 12;
    pub(crate) const CERTIFICATE_REQUEST: u8 = 13;
    pub(crate) const SERVER_HELLO_DONE: u8 = 14;
    pub(crate) const CERTIFICATE_VERIFY: u8 = 15;
    pub(crate) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(crate) const FINISHED: u8 = 20;
}

/// A part of a handshake message.
#[derive(Clone, Copy)]
pub(crate) struct Fragment<'a> {
    pub(crate) kind: u8,
    /// The length of the whole message.
    pub(crate) len: usize,
    pub(crate) sequence: u16,
    pub(crate) offset: usize,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// Reads the next fragment of a record.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let kind = reader.u8()?;
        let len = reader.u24()?;
        let sequence = reader.u16()?;
        let offset = reader.u24()?;
        let fragment_len = reader.u24()?;
        let bytes = reader.take(fragment_len)?;
        if offset.saturating_add(fragment_len) > len {
            return Err(Malformed);
        }
        Ok(Self {
            kind,
            len,
            sequence,
            offset,
            bytes,
        })
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.bytes.len() == self.len
    }
}

/// The header of a message or of a part of one.
pub(crate) fn header(
    kind: u8,
    len: usize,
    sequence: u16,
    offset: usize,
    part: usize,
) -> [u8; HEADER_LEN] {
    let [.., l2, l1, l0] = len.to_be_bytes();
    let [s1, s0] = sequence.to_be_bytes();
    let [.., o2, o1, o0] = offset.to_be_bytes();
    let [.., p2, p1, p0] = part.to_be_bytes();
    [kind, l2, l1, l0, s1, s0, o2, o1, o0, p2, p1, p0]
}
