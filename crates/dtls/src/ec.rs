//! The curve P-256: ephemeral key agreement (RFC 8422 §5.4) and ECDSA with SHA-256.
//!
//! All that touches the curve stands in this file; the arithmetic is RustCrypto's.

use core::fmt;

use ecdsa::hazmat::sign_prehashed_rfc6979;
use p256::NistP256;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{DerSignature, VerifyingKey};
use p256::elliptic_curve::sec1::ToSec1Point;
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of an uncompressed point: 4, x, y (RFC 8422 §5.4.1).
pub const POINT_LEN: usize = 65;

/// The most bytes that a DER-encoded ECDSA signature has on this curve.
pub(crate) const SIGNATURE_LEN: usize = 72;

/// A public key on P-256, as the 65 bytes of an uncompressed point: 4, x, y.
///
/// It was checked to be on the curve when it was made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; POINT_LEN]);

/// A private key on P-256. It is wiped when dropped and never printed.
#[derive(Clone)]
pub struct PrivateKey(p256::SecretKey);

/// A key is no key on P-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a key on the curve P-256")
    }
}

impl core::error::Error for InvalidKey {}

impl PublicKey {
    /// The key whose uncompressed point is `bytes`.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] when the bytes are no uncompressed point on the curve (RFC 8422 §5.11), or the point at infinity.
    pub fn from_point(bytes: &[u8]) -> Result<Self, InvalidKey> {
        let point: [u8; POINT_LEN] = bytes.try_into().map_err(|_| InvalidKey)?;
        parse(&point)?;
        Ok(Self(point))
    }

    /// The uncompressed point.
    pub fn as_point(&self) -> &[u8; POINT_LEN] {
        &self.0
    }

    /// Whether `signature` (DER) is this key's over the SHA-256 hash `hash`.
    pub(crate) fn verify(&self, hash: &[u8; 32], signature: &[u8]) -> bool {
        let Ok(key) = parse(&self.0) else {
            return false;
        };
        let Ok(signature) = DerSignature::try_from(signature) else {
            return false;
        };
        VerifyingKey::from(key)
            .verify_prehash(hash, &signature)
            .is_ok()
    }
}

impl fmt::Debug for PublicKey {
    /// The first four bytes of x, enough to tell keys apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(")?;
        for byte in self.0.iter().skip(1).take(4) {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("…)")
    }
}

impl PrivateKey {
    /// The key whose secret scalar is `bytes`, big-endian.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] when it is zero or not below the order of the curve.
    pub fn from_scalar(bytes: &[u8; 32]) -> Result<Self, InvalidKey> {
        p256::SecretKey::from_slice(bytes)
            .map(Self)
            .map_err(|_| InvalidKey)
    }

    /// A new key.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] when the generator gives no usable number, which one that deserves its name never does.
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Result<Self, InvalidKey> {
        let mut scalar = Zeroizing::new([0; 32]);
        for _ in 0..8 {
            rng.fill_bytes(scalar.as_mut());
            if let Ok(key) = Self::from_scalar(&scalar) {
                return Ok(key);
            }
        }
        Err(InvalidKey)
    }

    /// The secret scalar, big-endian: to be stored where only its owner reads it.
    pub fn to_scalar(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The public key that belongs to it.
    pub fn public_key(&self) -> PublicKey {
        let encoded = self.0.public_key().to_sec1_point(false);
        // An uncompressed point of this curve always has 65 bytes.
        let mut point = [0; POINT_LEN];
        for (to, from) in point.iter_mut().zip(encoded.as_bytes()) {
            *to = *from;
        }
        PublicKey(point)
    }

    /// The x coordinate of the shared point (RFC 8422 §5.10).
    pub(crate) fn agree(&self, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, InvalidKey> {
        let shared = self.0.diffie_hellman(&parse(&peer.0)?);
        Ok(Zeroizing::new((*shared.raw_secret_bytes()).into()))
    }

    /// Signs a SHA-256 hash by RFC 6979; gives the signature in DER and its length.
    pub(crate) fn sign(&self, hash: &[u8; 32]) -> Option<([u8; SIGNATURE_LEN], usize)> {
        // A `SigningKey` would reckon the public key first, which costs as much as the signature.
        let scalar = Zeroizing::new(self.0.to_nonzero_scalar());
        let (signature, _) = sign_prehashed_rfc6979::<NistP256, Sha256>(&scalar, hash, &[]);
        let signature = signature.to_der();
        let bytes = signature.as_bytes();
        let mut out = [0; SIGNATURE_LEN];
        out.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some((out, bytes.len()))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}

fn parse(point: &[u8; POINT_LEN]) -> Result<p256::PublicKey, InvalidKey> {
    // Only the uncompressed form is allowed (RFC 8422 §5.1.2).
    if point.first() != Some(&4) {
        return Err(InvalidKey);
    }
    p256::PublicKey::from_sec1_bytes(point).map_err(|_| InvalidKey)
}
