//! The Certificate message with X.509 certificates (RFC 5246 §7.4.2).

use core::fmt;

/// The most certificates in a chain that are looked at. RFC 7925 §4.4.4 asks for three and leaves more to the device.
pub const MAX_CHAIN_LEN: usize = 8;

/// The certificates that a peer presents, its own first, each with the key that signed the one before it.
///
/// It is a view of the message's body, whose lengths were checked when it was made; the certificates were not.
#[derive(Clone, Copy)]
pub struct Chain<'a>(&'a [u8]);

/// The body of a Certificate message is malformed: lengths that do not fit, or a certificate without a byte, or more
/// than [`MAX_CHAIN_LEN`] of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MalformedChain;

impl fmt::Display for MalformedChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a malformed list of certificates")
    }
}

impl core::error::Error for MalformedChain {}

impl<'a> Chain<'a> {
    /// The chain in the body of a Certificate message (RFC 5246 §7.4.2). A client without a certificate sends an empty
    /// one.
    ///
    /// # Errors
    ///
    /// [`MalformedChain`].
    pub fn parse(body: &'a [u8]) -> Result<Self, MalformedChain> {
        let (list, []) = opaque(body).ok_or(MalformedChain)? else {
            return Err(MalformedChain);
        };
        let mut rest = list;
        for _ in 0..MAX_CHAIN_LEN {
            if rest.is_empty() {
                break;
            }
            let (certificate, after) = opaque(rest).ok_or(MalformedChain)?;
            if certificate.is_empty() {
                return Err(MalformedChain);
            }
            rest = after;
        }
        if rest.is_empty() {
            Ok(Self(list))
        } else {
            Err(MalformedChain)
        }
    }

    /// Writes the body of a Certificate message with `certificates` (DER, the own one first) into `buffer`, and gives
    /// what was written.
    ///
    /// `None` when the buffer is too small: it takes 3 bytes, and 3 more than its DER for each certificate.
    pub fn write<'b>(certificates: &[&[u8]], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let mut at = 3_usize;
        for certificate in certificates {
            let after_len = at.checked_add(3)?;
            let end = after_len.checked_add(certificate.len())?;
            buffer
                .get_mut(at..after_len)?
                .copy_from_slice(&u24(certificate.len())?);
            buffer.get_mut(after_len..end)?.copy_from_slice(certificate);
            at = end;
        }
        let list = u24(at.checked_sub(3)?)?;
        buffer.get_mut(..3)?.copy_from_slice(&list);
        buffer.get(..at)
    }

    /// The certificates (DER), the peer's own first.
    pub fn certificates(&self) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        Certificates(self.0)
    }

    /// The peer's own certificate (DER).
    pub fn end_entity(&self) -> Option<&'a [u8]> {
        self.certificates().next()
    }

    /// Whether there is no certificate.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many certificates there are: at most [`MAX_CHAIN_LEN`].
    pub fn len(&self) -> usize {
        self.certificates().count()
    }
}

impl fmt::Debug for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain of {}", self.len())
    }
}

#[derive(Clone)]
struct Certificates<'a>(&'a [u8]);

impl<'a> Iterator for Certificates<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let (certificate, rest) = opaque(self.0)?;
        self.0 = rest;
        Some(certificate)
    }
}

/// A vector with a length of three bytes, and what follows it.
fn opaque(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[a, b, c], rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?)
}

/// A length as three bytes.
fn u24(len: usize) -> Option<[u8; 3]> {
    match u32::try_from(len).ok()?.to_be_bytes() {
        [0, a, b, c] => Some([a, b, c]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn what_is_written_is_read() {
        let long = [7; 300];
        let certificates: [&[u8]; 3] = [&[1], &[2, 3], &long];
        let mut buffer = [0; 400];
        let body = Chain::write(&certificates, &mut buffer).unwrap();
        assert_eq!(body[..8], [0, 1, 0x38, 0, 0, 1, 1, 0]);
        let chain = Chain::parse(body).unwrap();
        assert_eq!(chain.certificates().collect::<Vec<_>>(), certificates);
        assert_eq!(chain.end_entity(), Some(certificates[0]));
        assert_eq!(chain.len(), 3);

        let needed = body.len();
        assert!(Chain::write(&certificates, &mut vec![0; needed]).is_some());
        assert!(Chain::write(&certificates, &mut vec![0; needed - 1]).is_none());
        assert!(Chain::write(&[], &mut [0; 2]).is_none());
    }

    #[test]
    fn a_client_may_have_no_certificate() {
        let mut buffer = [9; 3];
        let body = Chain::write(&[], &mut buffer).unwrap();
        assert_eq!(body, [0, 0, 0]);
        let chain = Chain::parse(body).unwrap();
        assert!(chain.is_empty());
        assert_eq!(chain.end_entity(), None);
    }

    #[test]
    fn lengths_must_fit() {
        for body in [
            &[][..],
            &[0, 0],
            &[0, 0, 1],
            &[0, 0, 0, 0],
            &[0, 0, 2, 0, 0],
            &[0, 0, 3, 0, 0, 0],
            &[0, 0, 4, 0, 0, 2, 1],
            &[0, 0, 5, 0, 0, 1, 1, 0],
            &[1, 0, 4, 0, 0, 1, 1],
        ] {
            assert_eq!(Chain::parse(body).err(), Some(MalformedChain), "{body:?}");
        }
        let mut buffer = [0; 64];
        let most = Chain::write(&[&[1][..]; MAX_CHAIN_LEN], &mut buffer).unwrap();
        assert!(Chain::parse(most).is_ok());
        let more = Chain::write(&[&[1][..]; MAX_CHAIN_LEN + 1], &mut buffer).unwrap();
        assert!(Chain::parse(more).is_err());
    }
}
