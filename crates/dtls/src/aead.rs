//! Protection of one record's bytes, in place: AES-128-CCM with 8 bytes of tag (RFC 6655 §3) and AES-128-GCM (RFC 5288
//! §3).
//!
//! Keys are kept as 16 bytes and expanded for each record: an association that rests takes little memory.

use aes::Aes128Enc;
#[cfg(feature = "gcm")]
use aes_gcm::AesGcm;
#[cfg(any(feature = "ccm8", feature = "gcm"))]
use aes_gcm_or_ccm::{AeadInOut, KeyInit};
#[cfg(feature = "ccm8")]
use ccm::{Ccm, consts::U8};

use crate::suite::Aead;

#[cfg(all(feature = "gcm", not(feature = "ccm8")))]
use aes_gcm as aes_gcm_or_ccm;
#[cfg(feature = "ccm8")]
use ccm as aes_gcm_or_ccm;

#[cfg(feature = "ccm8")]
type Ccm8 = Ccm<Aes128Enc, U8, ccm::consts::U12>;
#[cfg(feature = "gcm")]
type Gcm = AesGcm<Aes128Enc, aes_gcm::aes::cipher::consts::U12>;

/// Bytes of the nonce that travel in each record (RFC 6655 §3, RFC 5288 §3).
pub(crate) const EXPLICIT_NONCE_LEN: usize = 8;

impl Aead {
    /// Bytes of the tag.
    pub(crate) const fn tag_len(self) -> usize {
        match self {
            Self::Ccm8 => 8,
            Self::Gcm => 16,
        }
    }

    /// Encrypts `data` and writes the tag to `tag`, which has [`Aead::tag_len`] bytes. False when it cannot be done.
    pub(crate) fn seal(
        self,
        key: &[u8; 16],
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
        tag: &mut [u8],
    ) -> bool {
        match self {
            #[cfg(feature = "ccm8")]
            Self::Ccm8 => put(
                tag,
                Ccm8::new(key.into()).encrypt_inout_detached(nonce.into(), associated, data.into()),
            ),
            #[cfg(feature = "gcm")]
            Self::Gcm => put(
                tag,
                Gcm::new(key.into()).encrypt_inout_detached(nonce.into(), associated, data.into()),
            ),
            #[allow(unreachable_patterns, reason = "each suite is a feature")]
            _ => false,
        }
    }

    /// Decrypts `data` if `tag` fits; what `data` holds is not to be looked at when it does not.
    pub(crate) fn open(
        self,
        key: &[u8; 16],
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8],
    ) -> bool {
        match self {
            #[cfg(feature = "ccm8")]
            Self::Ccm8 => tag.try_into().is_ok_and(|tag| {
                Ccm8::new(key.into())
                    .decrypt_inout_detached(nonce.into(), associated, data.into(), tag)
                    .is_ok()
            }),
            #[cfg(feature = "gcm")]
            Self::Gcm => tag.try_into().is_ok_and(|tag| {
                Gcm::new(key.into())
                    .decrypt_inout_detached(nonce.into(), associated, data.into(), tag)
                    .is_ok()
            }),
            #[allow(unreachable_patterns, reason = "each suite is a feature")]
            _ => false,
        }
    }
}

fn put<T: AsRef<[u8]>, E>(to: &mut [u8], tag: Result<T, E>) -> bool {
    match tag {
        Ok(tag) if tag.as_ref().len() == to.len() => {
            to.copy_from_slice(tag.as_ref());
            true
        }
        _ => false,
    }
}
