//! An association: the keys that a handshake agreed on, and what protects records with them.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::aead::EXPLICIT_NONCE_LEN;
use crate::alert::{Alert, Level};
use crate::cid::ConnectionId;
use crate::error::{Dropped, ProtectError};
use crate::prf::{MasterSecret, prf};
use crate::record::{ContentType, Datagram, HEADER_LEN, MAX_PLAINTEXT, Record};
use crate::suite::CipherSuite;
use crate::window::ReplayWindow;

/// The first sequence number that there is none of (RFC 6347 §4.1).
pub(crate) const SEQUENCE_END: u64 = 1 << 48;

/// Which side of the handshake an endpoint was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Role {
    /// The one who began it.
    Client,
    /// The one who answered.
    Server,
}

/// An established association: all that is needed to send and to receive, in about 160 bytes.
///
/// There is no clock in it and nothing to poll; it may rest as long as its owner likes, be [exported](Self::export) and
/// [imported](Self::import) elsewhere. Its keys are wiped when it is dropped.
pub struct Association {
    pub(crate) suite: CipherSuite,
    pub(crate) role: Role,
    pub(crate) epoch: u16,
    /// The most bytes of plaintext that the peer takes in a record.
    pub(crate) limit: u16,
    pub(crate) keys: Keys,
    pub(crate) write_next: u64,
    /// One more than the last sequence number that may be used.
    pub(crate) write_end: u64,
    pub(crate) window: ReplayWindow,
    pub(crate) own_id: ConnectionId,
    pub(crate) peer_id: ConnectionId,
}

/// Keys and implicit nonces of both directions (RFC 5246 §6.3).
pub(crate) struct Keys {
    pub(crate) write_key: [u8; 16],
    pub(crate) read_key: [u8; 16],
    pub(crate) write_iv: [u8; 4],
    pub(crate) read_iv: [u8; 4],
}

impl Keys {
    pub(crate) fn wipe(&mut self) {
        self.write_key.zeroize();
        self.read_key.zeroize();
        self.write_iv.zeroize();
        self.read_iv.zeroize();
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl ZeroizeOnDrop for Keys {}

/// A genuine record.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// What it carries.
    pub content: Content<'a>,
    /// Whether it is the newest of all so far: if it came from another address than before, the peer may have moved
    /// there (RFC 9146 §6).
    pub is_newest: bool,
}

/// What a genuine record carries.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content<'a> {
    /// What the peer's owner sent.
    Data(&'a mut [u8]),
    /// An alert; the association is over when it is fatal or [`Alert::CLOSE_NOTIFY`].
    Alert(Level, Alert),
    /// A part of a handshake: the peer repeats its last flight, or asks for a renegotiation, which is refused.
    Handshake(&'a mut [u8]),
    /// Something else, to be ignored.
    Other,
}

impl Association {
    /// Derives the keys of an association (RFC 5246 §6.3).
    pub(crate) fn new(
        suite: CipherSuite,
        role: Role,
        master: &MasterSecret,
        client_random: &[u8; 32],
        server_random: &[u8; 32],
    ) -> Self {
        let mut block = [0; 40];
        prf(
            master.as_ref(),
            b"key expansion",
            &[server_random, client_random],
            &mut block,
        );
        let mut keys = Keys {
            write_key: [0; 16],
            read_key: [0; 16],
            write_iv: [0; 4],
            read_iv: [0; 4],
        };
        let Keys {
            write_key,
            read_key,
            write_iv,
            read_iv,
        } = &mut keys;
        let parts: [&mut [u8]; 4] = match role {
            Role::Client => [write_key, read_key, write_iv, read_iv],
            Role::Server => [read_key, write_key, read_iv, write_iv],
        };
        let mut bytes = block.iter();
        for to in parts.into_iter().flatten() {
            *to = bytes.next().copied().unwrap_or_default();
        }
        block.zeroize();
        Self {
            suite,
            role,
            epoch: 1,
            limit: u16::try_from(MAX_PLAINTEXT).unwrap_or(u16::MAX),
            keys,
            write_next: 0,
            write_end: SEQUENCE_END,
            window: ReplayWindow::NEW,
            own_id: ConnectionId::EMPTY,
            peer_id: ConnectionId::EMPTY,
        }
    }

    /// The cipher suite that was agreed on.
    pub const fn suite(&self) -> CipherSuite {
        self.suite
    }

    /// Which side of the handshake this one was.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The connection id in records that arrive; empty where they have none.
    pub const fn own_connection_id(&self) -> &ConnectionId {
        &self.own_id
    }

    /// The connection id in records that are sent; empty where they have none.
    pub const fn peer_connection_id(&self) -> &ConnectionId {
        &self.peer_id
    }

    /// The most bytes of data in one record: what the peer takes (RFC 6066 §4, RFC 8449).
    pub fn max_data_len(&self) -> usize {
        let hidden_type = usize::from(!self.peer_id.is_empty());
        usize::from(self.limit).saturating_sub(hidden_type)
    }

    /// Bytes that a record has in front of the data.
    pub fn overhead_before(&self) -> usize {
        HEADER_LEN
            .saturating_add(self.peer_id.len())
            .saturating_add(EXPLICIT_NONCE_LEN)
    }

    /// Bytes that a record has in front of the data and behind it, together.
    pub fn overhead(&self) -> usize {
        let hidden_type = usize::from(!self.peer_id.is_empty());
        self.overhead_before()
            .saturating_add(hidden_type)
            .saturating_add(self.suite.aead().tag_len())
    }

    /// How many records may still be sent before the next [export](Self::export).
    pub const fn remaining(&self) -> u64 {
        self.write_end.saturating_sub(self.write_next)
    }

    /// Writes a record with `data` to `buffer` and gives it.
    ///
    /// # Errors
    ///
    /// [`ProtectError`]; nothing is used up by a failure.
    pub fn protect<'b>(
        &mut self,
        data: &[u8],
        buffer: &'b mut [u8],
    ) -> Result<&'b mut [u8], ProtectError> {
        self.protect_as(ContentType::APPLICATION_DATA, data, buffer)
    }

    /// Makes the `len` bytes that stand in `buffer` behind [`overhead_before`](Self::overhead_before) bytes into a record,
    /// in place, and gives it.
    ///
    /// # Errors
    ///
    /// [`ProtectError`]; nothing is used up by a failure.
    pub fn protect_in_place<'b>(
        &mut self,
        buffer: &'b mut [u8],
        len: usize,
    ) -> Result<&'b mut [u8], ProtectError> {
        self.seal(ContentType::APPLICATION_DATA, buffer, len)
    }

    /// Writes a record of any type.
    pub(crate) fn protect_as<'b>(
        &mut self,
        content_type: ContentType,
        data: &[u8],
        buffer: &'b mut [u8],
    ) -> Result<&'b mut [u8], ProtectError> {
        self.place(data, buffer)?;
        self.seal(content_type, buffer, data.len())
    }

    /// Puts data where [`seal`](Self::seal) wants them.
    pub(crate) fn place(&self, data: &[u8], buffer: &mut [u8]) -> Result<(), ProtectError> {
        let start = self.overhead_before();
        let needed = self.overhead().saturating_add(data.len());
        buffer
            .get_mut(start..)
            .and_then(|rest| rest.get_mut(..data.len()))
            .ok_or(ProtectError::BufferTooSmall { needed })?
            .copy_from_slice(data);
        Ok(())
    }

    /// A `close_notify` alert as a record: the last thing to send.
    ///
    /// # Errors
    ///
    /// [`ProtectError`].
    pub fn close<'b>(&mut self, buffer: &'b mut [u8]) -> Result<&'b mut [u8], ProtectError> {
        let alert = [Level::Warning.number(), Alert::CLOSE_NOTIFY.0];
        self.protect_as(ContentType::ALERT, &alert, buffer)
    }

    /// Takes a record of the association's epoch and gives what it carries, decrypted in place.
    ///
    /// # Errors
    ///
    /// [`Dropped`]: the record is to be ignored.
    pub(crate) fn unprotect<'a>(&mut self, record: Record<'a>) -> Result<Opened<'a>, Dropped> {
        self.open(record)
    }

    /// Takes the next record of a datagram that is this association's, verified and opened; `None` at
    /// its end. Records that do not belong to it are passed over.
    pub fn next<'a>(&mut self, datagram: &mut Datagram<'a>) -> Option<Opened<'a>> {
        while let Some(record) = datagram.next(self.own_id.len()) {
            if let Ok(opened) = self.unprotect(record) {
                return Some(opened);
            }
        }
        None
    }
}

impl fmt::Debug for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Association")
            .field("suite", &self.suite)
            .field("role", &self.role)
            .field("own_connection_id", &self.own_id)
            .field("peer_connection_id", &self.peer_id)
            .field("written", &self.write_next)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
