//! How a record is protected and taken: header, nonce and what is authenticated beside the text (RFC 5246 §6.2.3.3,
//! RFC 6347 §4.1.2, RFC 9146 §4 and §5.3).

use crate::aead::{Cipher, EXPLICIT_NONCE_LEN};
use crate::alert::Level;
use crate::association::{Association, Content, Opened, SEQUENCE_END};
use crate::cid::ConnectionId;
use crate::error::{Dropped, ProtectError};
use crate::record::{ContentType, MAX_PLAINTEXT, Record, VERSION, number};

impl Association {
    /// Makes a record of what stands in `buffer`, with a key that is made ready for this record alone.
    pub(crate) fn seal<'b>(
        &mut self,
        content_type: ContentType,
        buffer: &'b mut [u8],
        len: usize,
    ) -> Result<&'b mut [u8], ProtectError> {
        self.may_send(len)?;
        let cipher = self.suite.aead().cipher(&self.keys.write_key);
        let cipher = cipher.ok_or(ProtectError::NotConnected)?;
        self.seal_with(&cipher, content_type, buffer, len)
    }

    /// Takes a record, with a key that is made ready for this record alone.
    pub(crate) fn open<'a>(&mut self, record: Record<'a>) -> Result<Opened<'a>, Dropped> {
        self.may_open(&record)?;
        let cipher = self.suite.aead().cipher(&self.keys.read_key);
        let cipher = cipher.ok_or(Dropped::NotAuthentic)?;
        self.open_with(&cipher, record)
    }

    /// Whether a record with so many bytes of data may be sent.
    pub(crate) fn may_send(&self, len: usize) -> Result<(), ProtectError> {
        let limit = self.max_data_len();
        if len > limit {
            return Err(ProtectError::TooLong { limit });
        }
        if self.write_next >= self.write_end {
            return Err(if self.write_end >= SEQUENCE_END {
                ProtectError::SequenceExhausted
            } else {
                ProtectError::ReservationUsedUp
            });
        }
        Ok(())
    }

    /// Makes a record that [may be sent](Self::may_send), with the key for writing made ready.
    #[expect(
        clippy::inline_always,
        reason = "calls are a tenth of what a short record costs"
    )]
    #[inline(always)]
    pub(crate) fn seal_with<'b>(
        &mut self,
        cipher: &Cipher,
        content_type: ContentType,
        buffer: &'b mut [u8],
        len: usize,
    ) -> Result<&'b mut [u8], ProtectError> {
        let total = self.overhead().saturating_add(len);
        let too_small = ProtectError::BufferTooSmall { needed: total };
        let record = buffer.get_mut(..total).ok_or(too_small)?;
        let id = self.peer_id.as_bytes();
        let hides_type = !id.is_empty();
        let outer = if hides_type {
            ContentType::TLS12_CID
        } else {
            content_type
        };
        let inner = len.saturating_add(usize::from(hides_type));
        let fragment = total
            .saturating_sub(self.overhead_before())
            .saturating_add(EXPLICIT_NONCE_LEN);
        let number = number(self.epoch, self.write_next);
        // Byte by byte the header is as dear as the cipher's first block.
        let [major, minor] = VERSION;
        let (front, rest) = record.split_first_chunk_mut().ok_or(too_small)?;
        *front = [outer.0, major, minor];
        let (place, mut rest) = rest.split_first_chunk_mut().ok_or(too_small)?;
        *place = number;
        if hides_type {
            let (place, behind) = rest.split_at_mut_checked(id.len()).ok_or(too_small)?;
            place.copy_from_slice(id);
            rest = behind;
        }
        let (length, rest) = rest.split_first_chunk_mut().ok_or(too_small)?;
        *length = u16::try_from(fragment).unwrap_or(u16::MAX).to_be_bytes();
        let (explicit, rest) = rest.split_first_chunk_mut().ok_or(too_small)?;
        *explicit = number;
        let (text, tag) = rest.split_at_mut_checked(inner).ok_or(too_small)?;
        if hides_type && let Some(last) = text.last_mut() {
            *last = content_type.0;
        }
        let nonce = nonce(self.keys.write_iv, number);
        let associated = Associated::new(outer, number, &self.peer_id, inner);
        // The number counts as used whatever comes of it: a nonce never serves twice.
        self.write_next = self.write_next.saturating_add(1);
        if !cipher.seal(&nonce, associated.as_bytes(), text, tag) {
            return Err(ProtectError::NotConnected);
        }
        Ok(record)
    }

    /// Whether a record may be one of this association that was not received yet: all that can be said without its key.
    #[inline]
    pub(crate) fn may_open(&self, record: &Record<'_>) -> Result<(), Dropped> {
        if record.epoch() != self.epoch {
            return Err(Dropped::WrongEpoch);
        }
        if record.version != VERSION {
            return Err(Dropped::NotARecord);
        }
        // With a connection id every record has it, and without one none has (RFC 9146 §4).
        let has_id = record.content_type == ContentType::TLS12_CID;
        if has_id == self.own_id.is_empty()
            || has_id && record.connection_id != self.own_id.as_bytes()
        {
            return Err(Dropped::WrongConnectionId);
        }
        if !self.window.may_accept(record.sequence()) {
            return Err(Dropped::Replayed);
        }
        Ok(())
    }

    /// Takes a record that [may be one of ours](Self::may_open), with the key for reading made ready.
    #[expect(
        clippy::inline_always,
        reason = "calls are a tenth of what a short record costs"
    )]
    #[inline(always)]
    pub(crate) fn open_with<'a>(
        &mut self,
        cipher: &Cipher,
        record: Record<'a>,
    ) -> Result<Opened<'a>, Dropped> {
        let (has_id, sequence) = (
            record.content_type == ContentType::TLS12_CID,
            record.sequence(),
        );
        let outer = record.content_type;
        let text = self.decrypt(cipher, record)?;
        let (content_type, data) = if has_id {
            strip_padding(text).ok_or(Dropped::NotAuthentic)?
        } else {
            (outer, text)
        };
        let is_newest = self.window.accept(sequence);
        let content = match content_type {
            ContentType::APPLICATION_DATA => Content::Data(data),
            ContentType::HANDSHAKE => Content::Handshake(data),
            ContentType::ALERT => match Level::read(data) {
                Some((level, alert)) => Content::Alert(level, alert),
                None => Content::Other,
            },
            _ => Content::Other,
        };
        Ok(Opened { content, is_newest })
    }

    /// The text of a record, if it is authentic.
    #[expect(
        clippy::inline_always,
        reason = "calls are a tenth of what a short record costs"
    )]
    #[inline(always)]
    fn decrypt<'a>(&self, cipher: &Cipher, record: Record<'a>) -> Result<&'a mut [u8], Dropped> {
        let has_id = record.content_type == ContentType::TLS12_CID;
        let (explicit, protected) = record
            .fragment
            .split_first_chunk_mut::<EXPLICIT_NONCE_LEN>()
            .ok_or(Dropped::NotAuthentic)?;
        let inner = protected
            .len()
            .checked_sub(self.suite.aead().tag_len())
            .ok_or(Dropped::NotAuthentic)?;
        if inner > MAX_PLAINTEXT.saturating_add(usize::from(has_id)) {
            return Err(Dropped::TooLong);
        }
        let (text, tag) = protected
            .split_at_mut_checked(inner)
            .ok_or(Dropped::NotAuthentic)?;
        let nonce = nonce(self.keys.read_iv, *explicit);
        let number = record.number.to_be_bytes();
        let associated = Associated::new(record.content_type, number, &self.own_id, inner);
        if !cipher.open(&nonce, associated.as_bytes(), text, tag) {
            return Err(Dropped::NotAuthentic);
        }
        Ok(text)
    }
}

/// The real type of a record with connection id and what stands before it; padding follows it (RFC 9146 §4).
pub(crate) fn strip_padding(text: &mut [u8]) -> Option<(ContentType, &mut [u8])> {
    let at = text.iter().rposition(|byte| *byte != 0)?;
    let (data, behind) = text.split_at_mut_checked(at)?;
    Some((ContentType(*behind.first()?), data))
}

/// The implicit part and the explicit one (RFC 6655 §3, RFC 5288 §3).
///
/// It is put together as numbers, as the cipher reads its first eight bytes at once.
fn nonce(implicit: [u8; 4], explicit: [u8; 8]) -> [u8; 12] {
    let number = u64::from_be_bytes(explicit);
    let front = u64::from(u32::from_be_bytes(implicit)) << 32 | number >> 32;
    let mut nonce = [0; 12];
    if let Some((first, last)) = nonce.split_first_chunk_mut() {
        *first = front.to_be_bytes();
        if let (Some(to), Some(from)) = (last.first_chunk_mut::<4>(), explicit.last_chunk()) {
            *to = *from;
        }
    }
    nonce
}

/// What is authenticated beside the text.
enum Associated {
    /// RFC 5246 §6.2.3.3.
    Plain([u8; 13]),
    /// RFC 9146 §5.3, and how many bytes of it there are.
    WithId([u8; 23 + ConnectionId::MAX_LEN], usize),
}

impl Associated {
    fn new(
        content_type: ContentType,
        number: [u8; 8],
        connection_id: &ConnectionId,
        inner_len: usize,
    ) -> Self {
        let [n0, n1, n2, n3, n4, n5, n6, n7] = number;
        let [major, minor] = VERSION;
        let [l1, l0] = u16::try_from(inner_len).unwrap_or(u16::MAX).to_be_bytes();
        let own = content_type.0;
        if content_type != ContentType::TLS12_CID {
            return Self::Plain([n0, n1, n2, n3, n4, n5, n6, n7, own, major, minor, l1, l0]);
        }
        let (id, id_len) = (connection_id.as_bytes(), connection_id.len);
        let mut bytes = [0; 23 + ConnectionId::MAX_LEN];
        let mut used = 0;
        if let Some((front, rest)) = bytes.split_first_chunk_mut()
            && let Some((place, rest)) = rest.split_at_mut_checked(id.len())
            && let Some((length, rest)) = rest.split_first_chunk_mut()
        {
            *front = [
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, own, id_len, own, major, minor, n0,
                n1, n2, n3, n4, n5, n6, n7,
            ];
            place.copy_from_slice(id);
            *length = [l1, l0];
            used = (23_usize + ConnectionId::MAX_LEN).saturating_sub(rest.len());
        }
        Self::WithId(bytes, used)
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::WithId(bytes, used) => bytes.get(..*used).unwrap_or_default(),
        }
    }
}
