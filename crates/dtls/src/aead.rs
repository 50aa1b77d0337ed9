//! Protection of one record's bytes, in place: AES-128-CCM with 8 bytes of tag (RFC 6655 §3) and AES-128-GCM (RFC 5288
//! §3).
//!
//! Keys are kept as 16 bytes, and a [`Cipher`] is made of them for one record or, where there is room, for many: an
//! association that rests takes little memory.

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

/// A key made ready: 176 bytes and more. The primitives wipe it when it is dropped.
pub(crate) enum Cipher {
    #[cfg(feature = "ccm8")]
    Ccm8(Ccm8),
    #[cfg(feature = "gcm")]
    Gcm(Gcm),
}

/// Ccm has nothing beside the block cipher.
const _: () = {
    const fn is_wiped_when_dropped<T: zeroize::ZeroizeOnDrop>() {}
    is_wiped_when_dropped::<Aes128Enc>();
    #[cfg(feature = "gcm")]
    is_wiped_when_dropped::<Gcm>();
};

impl Aead {
    /// Bytes of the tag.
    pub(crate) const fn tag_len(self) -> usize {
        match self {
            Self::Ccm8 => 8,
            Self::Gcm => 16,
        }
    }

    /// Makes a key ready; `None` for what this build does not have.
    pub(crate) fn cipher(self, key: &[u8; 16]) -> Option<Cipher> {
        match self {
            #[cfg(feature = "ccm8")]
            Self::Ccm8 => Some(Cipher::Ccm8(Ccm8::new(key.into()))),
            #[cfg(feature = "gcm")]
            Self::Gcm => Some(Cipher::Gcm(Gcm::new(key.into()))),
            #[allow(unreachable_patterns, reason = "each suite is a feature")]
            _ => None,
        }
    }
}

impl Cipher {
    /// Whether it is of this kind.
    pub(crate) const fn is(&self, aead: Aead) -> bool {
        match *self {
            #[cfg(feature = "ccm8")]
            Self::Ccm8(_) => matches!(aead, Aead::Ccm8),
            #[cfg(feature = "gcm")]
            Self::Gcm(_) => matches!(aead, Aead::Gcm),
        }
    }

    /// Encrypts `data` and writes the tag to `tag`, which has [`Aead::tag_len`] bytes. False when it cannot be done.
    #[expect(
        clippy::inline_always,
        reason = "calls are a tenth of what a short record costs"
    )]
    #[inline(always)]
    pub(crate) fn seal(
        &self,
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
        tag: &mut [u8],
    ) -> bool {
        match *self {
            #[cfg(feature = "ccm8")]
            Self::Ccm8(ref cipher) => put(
                tag,
                cipher.encrypt_inout_detached(nonce.into(), associated, data.into()),
            ),
            #[cfg(feature = "gcm")]
            Self::Gcm(ref cipher) => put(
                tag,
                cipher.encrypt_inout_detached(nonce.into(), associated, data.into()),
            ),
        }
    }

    /// Decrypts `data` if `tag` fits; what `data` holds is not to be looked at when it does not.
    #[expect(
        clippy::inline_always,
        reason = "calls are a tenth of what a short record costs"
    )]
    #[inline(always)]
    pub(crate) fn open(
        &self,
        nonce: &[u8; 12],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8],
    ) -> bool {
        match *self {
            #[cfg(feature = "ccm8")]
            Self::Ccm8(ref cipher) => tag.try_into().is_ok_and(|tag| {
                cipher
                    .decrypt_inout_detached(nonce.into(), associated, data.into(), tag)
                    .is_ok()
            }),
            #[cfg(feature = "gcm")]
            Self::Gcm(ref cipher) => tag.try_into().is_ok_and(|tag| {
                cipher
                    .decrypt_inout_detached(nonce.into(), associated, data.into(), tag)
                    .is_ok()
            }),
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
