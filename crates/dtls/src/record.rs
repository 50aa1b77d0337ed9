//! Records on the wire (RFC 6347 §4.1, RFC 9146 §4).

use crate::cid::ConnectionId;
use crate::error::Dropped;

/// DTLS 1.2 on the wire.
pub(crate) const VERSION: [u8; 2] = [0xfe, 0xfd];

/// Bytes of a record's header without connection id.
pub(crate) const HEADER_LEN: usize = 13;

/// The most bytes of plaintext in a record (RFC 5246 §6.2.1).
pub(crate) const MAX_PLAINTEXT: usize = 1 << 14;

/// What a record carries. The number is the one on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ContentType(pub u8);

impl ContentType {
    /// A change of keys, which the epoch says too.
    pub const CHANGE_CIPHER_SPEC: Self = Self(20);
    /// An alert.
    pub const ALERT: Self = Self(21);
    /// A part of a handshake.
    pub const HANDSHAKE: Self = Self(22);
    /// What the owner sends.
    pub const APPLICATION_DATA: Self = Self(23);
    /// A protected record with a connection id, whose own type is hidden (RFC 9146 §4).
    pub const TLS12_CID: Self = Self(25);
}

/// What the header of a record says. Nothing of it is known to be genuine before the record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHeader {
    /// What the record carries.
    pub content_type: ContentType,
    /// The epoch: 0 before keys are agreed on, 1 after that.
    pub epoch: u16,
    /// The number within the epoch, below 2^48.
    pub sequence: u64,
    /// The connection id of the receiver, empty where the record has none.
    pub connection_id: ConnectionId,
}

/// A record of a datagram, which lies where it arrived.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) content_type: ContentType,
    pub(crate) version: [u8; 2],
    /// Epoch and sequence number, as they stand in the header.
    pub(crate) number: u64,
    /// The connection id, empty where the record has none.
    pub(crate) connection_id: &'a [u8],
    /// The fragment: plaintext in epoch 0, else nonce, ciphertext and tag.
    pub(crate) fragment: &'a mut [u8],
}

impl Record<'_> {
    pub(crate) fn epoch(&self) -> u16 {
        u16::try_from(self.number >> 48).unwrap_or(u16::MAX)
    }

    pub(crate) const fn sequence(&self) -> u64 {
        self.number & 0xffff_ffff_ffff
    }
}

/// A received datagram, of which the engines take record after record and decrypt each in place.
#[derive(Debug)]
pub struct Datagram<'a> {
    rest: &'a mut [u8],
}

impl<'a> Datagram<'a> {
    /// A datagram as it arrived.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether all of it was taken.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes that were not taken yet.
    pub fn bytes(&self) -> &[u8] {
        self.rest
    }

    /// The header of the next record, for an owner who looks for the association that it belongs to.
    ///
    /// `connection_id_len` is how many bytes the receiver's own connection ids have: records do not say it.
    ///
    /// # Errors
    ///
    /// [`Dropped::NotARecord`].
    pub fn peek(&self, connection_id_len: usize) -> Result<RecordHeader, Dropped> {
        let (header, id_len, _) = parse(self.rest, connection_id_len)?;
        let behind = self.rest.get(ID_START..).unwrap_or_default();
        let id = behind.get(..id_len);
        Ok(RecordHeader {
            content_type: header.content_type,
            epoch: u16::try_from(header.number >> 48).unwrap_or(u16::MAX),
            sequence: header.number & 0xffff_ffff_ffff,
            connection_id: ConnectionId::new(id.unwrap_or_default()).ok_or(Dropped::NotARecord)?,
        })
    }

    /// Takes the next record. `None` at the end; what is no record ends the datagram, since where it ends is unknown.
    #[inline]
    pub(crate) fn next(&mut self, connection_id_len: usize) -> Option<Record<'a>> {
        let bytes = core::mem::take(&mut self.rest);
        let (header, id_len, len) = parse(bytes, connection_id_len).ok()?;
        let (_, behind) = bytes.split_at_mut_checked(ID_START)?;
        let (connection_id, behind) = behind.split_at_mut_checked(id_len)?;
        let (_, behind) = behind.split_at_mut_checked(LENGTH_LEN)?;
        let (fragment, rest) = behind.split_at_mut_checked(len)?;
        self.rest = rest;
        Some(Record {
            content_type: header.content_type,
            version: header.version,
            number: header.number,
            connection_id,
            fragment,
        })
    }
}

/// Where the connection id stands in a header.
const ID_START: usize = 11;

/// Bytes of the length behind it.
const LENGTH_LEN: usize = 2;

/// What of a header has a fixed place.
#[derive(Clone, Copy)]
struct Front {
    content_type: ContentType,
    version: [u8; 2],
    number: u64,
}

/// The header, and how long connection id and fragment are; all of it lies within `bytes`.
#[inline]
fn parse(bytes: &[u8], connection_id_len: usize) -> Result<(Front, usize, usize), Dropped> {
    let (front, behind) = bytes.split_first_chunk().ok_or(Dropped::NotARecord)?;
    let [content_type, major, minor] = *front;
    let (number, behind) = behind.split_first_chunk().ok_or(Dropped::NotARecord)?;
    // The first ClientHello may say 1.0; what else there is belongs to another protocol (RFC 6347 §4.2.1).
    if major != 0xfe || !(20..=25).contains(&content_type) {
        return Err(Dropped::NotARecord);
    }
    let front = Front {
        content_type: ContentType(content_type),
        version: [major, minor],
        number: u64::from_be_bytes(*number),
    };
    let id_len = if front.content_type == ContentType::TLS12_CID {
        connection_id_len
    } else {
        0
    };
    let behind = behind.get(id_len..).ok_or(Dropped::NotARecord)?;
    let (len, fragment) = behind.split_first_chunk().ok_or(Dropped::NotARecord)?;
    let len = usize::from(u16::from_be_bytes(*len));
    if len > fragment.len() {
        return Err(Dropped::NotARecord);
    }
    Ok((front, id_len, len))
}

/// Epoch and sequence number as they stand in the header and in the nonce.
pub(crate) fn number(epoch: u16, sequence: u64) -> [u8; 8] {
    (u64::from(epoch) << 48 | sequence & 0xffff_ffff_ffff).to_be_bytes()
}

/// Writes a record of epoch 0; gives its length, `None` when it does not fit.
pub(crate) fn write_plain(
    buffer: &mut [u8],
    content_type: ContentType,
    sequence: u64,
    parts: &[&[u8]],
) -> Option<usize> {
    let mut writer = crate::writer::Writer::new(buffer);
    writer.u8(content_type.0);
    writer.put(&VERSION);
    writer.put(&number(0, sequence));
    let body = writer.open(2);
    for part in parts {
        writer.put(part);
    }
    writer.close(body);
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_a_datagram_one_by_one() {
        let mut buffer = [0; 64];
        let first = write_plain(&mut buffer, ContentType::ALERT, 5, &[&[2, 40]]).unwrap();
        let second = write_plain(
            &mut buffer[first..],
            ContentType::HANDSHAKE,
            6,
            &[b"ab", b"c"],
        )
        .unwrap();
        let mut datagram = Datagram::new(&mut buffer[..first + second]);
        let record = datagram.next(8).unwrap();
        assert_eq!(record.content_type, ContentType::ALERT);
        assert_eq!((record.epoch(), record.sequence()), (0, 5));
        assert_eq!(record.fragment, [2, 40]);
        let record = datagram.next(8).unwrap();
        assert_eq!(record.sequence(), 6);
        assert_eq!(record.fragment, b"abc");
        assert!(datagram.is_empty());
        assert!(datagram.next(8).is_none());
    }

    #[test]
    fn a_connection_id_stands_before_the_length() {
        let mut bytes = [
            25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0xaa, 0xbb, 0, 1, 0x77,
        ];
        let header = Datagram::new(&mut bytes).peek(2).unwrap();
        assert_eq!(header.connection_id.as_bytes(), [0xaa, 0xbb]);
        assert_eq!((header.epoch, header.sequence), (1, 9));
        let record = Datagram::new(&mut bytes).next(2).unwrap();
        assert_eq!(record.fragment, [0x77]);
        assert_eq!(record.connection_id, [0xaa, 0xbb]);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let good = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7];
        let refused = |change: &dyn Fn(&mut [u8; 14]) -> usize| {
            let mut bytes = good;
            let len = change(&mut bytes);
            Datagram::new(&mut bytes[..len]).peek(0).is_err()
        };
        assert!(!refused(&|_| 14));
        for len in 0..14 {
            assert!(refused(&|_| len), "cut to {len}");
        }
        assert!(refused(&|bytes| {
            bytes[0] = 19;
            14
        }));
        assert!(refused(&|bytes| {
            bytes[1] = 3;
            14
        }));
        assert!(refused(&|bytes| {
            bytes[12] = 2;
            14
        }));
    }
}
