//! Keys as others store and send them: `SubjectPublicKeyInfo` (RFC 5480), PKCS#8 (RFC 5958), SEC 1 (RFC 5915), and
//! the Certificate message of raw public keys (RFC 7250).

use core::fmt;

use zeroize::Zeroizing;

use crate::der::{NotDer, Reader, Tag, whole_octets};
use crate::{InvalidKey, PrivateKey, PublicKey};

/// Bytes of a `SubjectPublicKeyInfo` with a key on P-256.
pub const SPKI_LEN: usize = 91;

/// Bytes of the Certificate message with a raw public key on P-256.
pub const RAW_PUBLIC_KEY_MESSAGE_LEN: usize = 94;

/// id-ecPublicKey, 1.2.840.10045.2.1 (RFC 5480 §2.1.1).
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// secp256r1, 1.2.840.10045.3.1.7 (RFC 5480 §2.1.1.1).
const SECP256R1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// All that stands before the point in a `SubjectPublicKeyInfo` on P-256.
const SPKI_HEAD: [u8; 26] = [
    0x30, 0x59, // SEQUENCE
    0x30, 0x13, // AlgorithmIdentifier
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, // id-ecPublicKey
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, // secp256r1
    0x03, 0x42, 0x00, // BIT STRING of whole bytes
];

/// Why bytes are no key that can be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum KeyError {
    /// Not the DER of such a key, or there is more than the key.
    Malformed,
    /// A key of another kind than elliptic-curve.
    UnsupportedAlgorithm,
    /// A curve other than P-256, which RFC 7925 §4.4 asks for, or none named.
    UnsupportedCurve,
    /// The point is compressed, which RFC 8422 §5.1.2 forbids.
    Compressed,
    /// The point is not on the curve or is infinity, or the secret scalar is out of range.
    OffCurve,
    /// The public key that stands beside a private one does not belong to it.
    Mismatch,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not the DER encoding of a key",
            Self::UnsupportedAlgorithm => "not an elliptic-curve key",
            Self::UnsupportedCurve => "not a key on the curve P-256",
            Self::Compressed => "a compressed point",
            Self::OffCurve => "a point that is not on the curve, or a scalar out of its range",
            Self::Mismatch => "the public key does not belong to the private key",
        })
    }
}

impl core::error::Error for KeyError {}

impl From<NotDer> for KeyError {
    fn from(_: NotDer) -> Self {
        Self::Malformed
    }
}

impl From<InvalidKey> for KeyError {
    fn from(_: InvalidKey) -> Self {
        Self::OffCurve
    }
}

impl PublicKey {
    /// The key in a DER-encoded `SubjectPublicKeyInfo` (RFC 5480 §2), as LwM2M keeps it in /0/x/3 and /0/x/4.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when it is anything but an uncompressed point on P-256 and nothing after it.
    pub fn from_spki(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader::new(bytes);
        let mut info = reader.nested(Tag::SEQUENCE)?;
        reader.finish()?;
        p256(info.nested(Tag::SEQUENCE)?)?;
        let point = info.octets()?;
        info.finish()?;
        match point {
            [4, ..] => Ok(Self::from_point(point)?),
            // RFC 5480 §2.2: 2 and 3 are the compressed forms; SEC 1 §2.3.3: 0 is infinity.
            [2 | 3, ..] => Err(KeyError::Compressed),
            [0] => Err(KeyError::OffCurve),
            _ => Err(KeyError::Malformed),
        }
    }

    /// The key as DER-encoded `SubjectPublicKeyInfo`.
    pub fn to_spki(&self) -> [u8; SPKI_LEN] {
        let mut out = [0; SPKI_LEN];
        let parts = SPKI_HEAD.iter().chain(self.as_point());
        for (to, from) in out.iter_mut().zip(parts) {
            *to = *from;
        }
        out
    }

    /// The key in the body of a Certificate message of type `RawPublicKey` (RFC 7250 §3).
    ///
    /// # Errors
    ///
    /// As [`PublicKey::from_spki`]; [`KeyError::Malformed`] also when the length in front does not fit.
    pub fn from_message(body: &[u8]) -> Result<Self, KeyError> {
        Self::from_spki(raw_public_key(body).ok_or(KeyError::Malformed)?)
    }

    /// The body of a Certificate message of type `RawPublicKey` with this key (RFC 7250 §3).
    pub fn to_message(&self) -> [u8; RAW_PUBLIC_KEY_MESSAGE_LEN] {
        let mut out = [0; RAW_PUBLIC_KEY_MESSAGE_LEN];
        let spki = self.to_spki();
        // 91 bytes follow.
        let parts = [0, 0, 0x5b].iter().chain(&spki);
        for (to, from) in out.iter_mut().zip(parts) {
            *to = *from;
        }
        out
    }
}

/// The `SubjectPublicKeyInfo` in the body of a Certificate message of type `RawPublicKey`: one length of three bytes
/// in front of it, and no list (RFC 7250 §3).
pub(crate) fn raw_public_key(body: &[u8]) -> Option<&[u8]> {
    let (&[a, b, c], spki) = body.split_first_chunk()?;
    let len = usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?;
    (len == spki.len()).then_some(spki)
}

impl PrivateKey {
    /// The key in `bytes`, in whichever of these forms they are:
    ///
    /// - DER of PKCS#8 or its successor `OneAsymmetricKey` (RFC 5958), as LwM2M keeps it in /0/x/5;
    /// - DER of `ECPrivateKey` (RFC 5915, SEC 1), which must name its curve;
    /// - 32 bytes: the secret scalar, big-endian.
    ///
    /// When a public key stands beside it, that must be the one that belongs to it.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when it is none of these, or no key on P-256.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        if let Ok(scalar) = <&[u8; 32]>::try_from(bytes) {
            return Ok(Self::from_scalar(scalar)?);
        }
        let mut reader = Reader::new(bytes);
        let mut fields = reader.nested(Tag::SEQUENCE)?;
        reader.finish()?;
        let version = fields.small_integer()?;
        if fields.peek() == Some(Tag::OCTET_STRING) {
            return ec_private_key(version, fields, Curve::Unknown);
        }
        one_asymmetric_key(version, fields)
    }
}

/// Whether the curve was named outside of an `ECPrivateKey`.
#[derive(PartialEq, Eq)]
enum Curve {
    P256,
    Unknown,
}

/// `OneAsymmetricKey` after its version (RFC 5958 §2).
fn one_asymmetric_key(version: u8, mut fields: Reader<'_>) -> Result<PrivateKey, KeyError> {
    // v1(0), and v2(1), which may have a public key.
    if version > 1 {
        return Err(KeyError::Malformed);
    }
    p256(fields.nested(Tag::SEQUENCE)?)?;
    let mut inner = Reader::new(fields.take(Tag::OCTET_STRING)?);
    let mut ec = inner.nested(Tag::SEQUENCE)?;
    inner.finish()?;
    let ec_version = ec.small_integer()?;
    let key = ec_private_key(ec_version, ec, Curve::P256)?;
    // Attributes, which say nothing about the key.
    fields.take_optional(Tag::context(0))?;
    if let Some(public) = fields.take_optional(Tag::context_primitive(1))? {
        if version == 0 {
            return Err(KeyError::Malformed);
        }
        belongs(&key, whole_octets(public)?)?;
    }
    fields.finish()?;
    Ok(key)
}

/// `ECPrivateKey` after its version (RFC 5915 §3).
fn ec_private_key(
    version: u8,
    mut fields: Reader<'_>,
    curve: Curve,
) -> Result<PrivateKey, KeyError> {
    if version != 1 {
        return Err(KeyError::Malformed);
    }
    let secret = fields.take(Tag::OCTET_STRING)?;
    match fields.take_optional(Tag::context(0))? {
        Some(parameters) => named_curve(Reader::new(parameters))?,
        None if curve == Curve::Unknown => return Err(KeyError::UnsupportedCurve),
        None => {}
    }
    let public = fields.take_optional(Tag::context(1))?;
    fields.finish()?;
    // RFC 5915 §3: the octets are as many as the order has.
    let secret: &[u8; 32] = secret.try_into().map_err(|_| KeyError::Malformed)?;
    let key = PrivateKey::from_scalar(&Zeroizing::new(*secret))?;
    if let Some(public) = public {
        let mut public = Reader::new(public);
        belongs(&key, public.octets()?)?;
        public.finish()?;
    }
    Ok(key)
}

/// Whether `point` is the public key of `key`.
fn belongs(key: &PrivateKey, point: &[u8]) -> Result<(), KeyError> {
    if let [2 | 3, ..] = point {
        return Err(KeyError::Compressed);
    }
    if key.public_key().as_point() == point {
        Ok(())
    } else {
        Err(KeyError::Mismatch)
    }
}

/// Whether an `AlgorithmIdentifier` names keys on P-256 (RFC 5480 §2.1.1).
fn p256(mut algorithm: Reader<'_>) -> Result<(), KeyError> {
    if algorithm.oid()? != EC_PUBLIC_KEY {
        return Err(KeyError::UnsupportedAlgorithm);
    }
    named_curve(algorithm)
}

fn named_curve(mut parameters: Reader<'_>) -> Result<(), KeyError> {
    // RFC 5480 §2.1.1: implicitCurve and specifiedCurve must not be used.
    if parameters.peek() != Some(Tag::OID) {
        return Err(KeyError::UnsupportedCurve);
    }
    if parameters.oid()? != SECP256R1 {
        return Err(KeyError::UnsupportedCurve);
    }
    Ok(parameters.finish()?)
}

#[cfg(test)]
mod tests;
