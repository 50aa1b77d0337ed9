//! What LwM2M keeps of a server's key or certificate: itself or a hash of it (LwM2M 1.2 objects 0, resources 4 and 13).

use core::fmt;

use sha2::{Digest, Sha256};
#[cfg(feature = "sha512")]
use sha2::{Sha384, Sha512};

use crate::PublicKey;

/// How a pin is kept: /0/x/13 (Matching Type), as RFC 6698 §2.1.3 has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum MatchingType {
    /// 0: as it is. The default, and all that LwM2M 1.0 knows.
    #[default]
    Exact,
    /// 1: its SHA-256 hash.
    Sha256,
    /// 2: its SHA-384 hash.
    #[cfg(feature = "sha512")]
    Sha384,
    /// 3: its SHA-512 hash.
    #[cfg(feature = "sha512")]
    Sha512,
}

/// A number is no value of the resource that it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UnknownNumber(pub u8);

impl fmt::Display for UnknownNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has no meaning here", self.0)
    }
}

impl core::error::Error for UnknownNumber {}

impl TryFrom<u8> for MatchingType {
    type Error = UnknownNumber;

    /// The meaning of /0/x/13; 2 and 3 have one with the feature `sha512`.
    fn try_from(number: u8) -> Result<Self, UnknownNumber> {
        Ok(match number {
            0 => Self::Exact,
            1 => Self::Sha256,
            #[cfg(feature = "sha512")]
            2 => Self::Sha384,
            #[cfg(feature = "sha512")]
            3 => Self::Sha512,
            _ => return Err(UnknownNumber(number)),
        })
    }
}

/// A certificate or public key that is known beforehand: /0/x/4 (Server Public Key) with /0/x/13.
///
/// The same bytes may be of a certificate or of its public key: RFC 6698 §2.1.2 has a selector for that and LwM2M has
/// none, so a certificate fits when either of the two does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pin<'a> {
    matching: MatchingType,
    data: &'a [u8],
}

/// A pin can never match: it is empty, or not as long as its hash is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InvalidPin;

impl fmt::Display for InvalidPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pin of the wrong length")
    }
}

impl core::error::Error for InvalidPin {}

impl<'a> Pin<'a> {
    /// The pin `data`: the DER of a certificate or of a `SubjectPublicKeyInfo`, or its hash of 32, 48 or 64 bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidPin`] when `data` is empty or has another length than such a hash.
    pub fn new(matching: MatchingType, data: &'a [u8]) -> Result<Self, InvalidPin> {
        let fits = match matching {
            MatchingType::Exact => !data.is_empty(),
            MatchingType::Sha256 => data.len() == 32,
            #[cfg(feature = "sha512")]
            MatchingType::Sha384 => data.len() == 48,
            #[cfg(feature = "sha512")]
            MatchingType::Sha512 => data.len() == 64,
        };
        if fits {
            Ok(Self { matching, data })
        } else {
            Err(InvalidPin)
        }
    }

    /// Whether it is the pin of the raw public key `key`.
    pub fn matches_key(&self, key: &PublicKey) -> bool {
        self.matches(&key.to_spki())
    }

    /// Whether it is the pin of `der`, a certificate or a `SubjectPublicKeyInfo`.
    pub fn matches(&self, der: &[u8]) -> bool {
        match self.matching {
            MatchingType::Exact => self.data == der,
            MatchingType::Sha256 => self.data == Sha256::digest(der).as_slice(),
            #[cfg(feature = "sha512")]
            MatchingType::Sha384 => self.data == Sha384::digest(der).as_slice(),
            #[cfg(feature = "sha512")]
            MatchingType::Sha512 => self.data == Sha512::digest(der).as_slice(),
        }
    }

    /// The pinned DER itself, where it is kept as it is.
    #[cfg(feature = "x509")]
    pub(crate) fn exact(&self) -> Option<&'a [u8]> {
        (self.matching == MatchingType::Exact).then_some(self.data)
    }
}

impl fmt::Debug for Pin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({:?}, {} bytes)", self.matching, self.data.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PrivateKey;

    #[test]
    fn a_key_is_pinned_in_four_ways() {
        let key = PrivateKey::from_scalar(&[7; 32]).unwrap().public_key();
        let other = PrivateKey::from_scalar(&[8; 32]).unwrap().public_key();
        let spki = key.to_spki();
        for (number, data) in [
            (0, &spki[..]),
            (1, &Sha256::digest(spki)),
            #[cfg(feature = "sha512")]
            (2, &Sha384::digest(spki)),
            #[cfg(feature = "sha512")]
            (3, &Sha512::digest(spki)),
        ] {
            let matching = MatchingType::try_from(number).unwrap();
            let pin = Pin::new(matching, data).unwrap();
            assert!(pin.matches_key(&key), "{matching:?}");
            assert!(!pin.matches_key(&other), "{matching:?}");
            assert_eq!(Pin::new(matching, &[]), Err(InvalidPin));
            if number > 0 {
                assert_eq!(Pin::new(matching, &data[1..]), Err(InvalidPin));
            }
        }
        assert_eq!(MatchingType::try_from(4), Err(UnknownNumber(4)));
    }
}
