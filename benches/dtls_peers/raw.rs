//! The primitives alone: AES-128-CCM-8 by `ccm` and AES-128-GCM by `aes-gcm`, in place, with the additional data of a
//! record (RFC 5246 §6.2.3.3).

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::Aes128;
use aes_gcm::{Aes128Gcm, Nonce};
use ccm::Ccm;
use ccm::consts::{U8, U12};

use crate::handshakes::{Cipher, PSK};

/// Epoch and sequence number, type, version, length.
const ADDITIONAL: [u8; 13] = [0, 1, 0, 0, 0, 0, 0, 7, 23, 254, 253, 0, 64];

/// A cipher with its key made ready: what an association would have to keep.
pub(crate) enum Raw {
    Ccm8(Box<Ccm<Aes128, U8, U12>>),
    Gcm(Box<Aes128Gcm>),
}

impl Raw {
    pub(crate) fn new(cipher: Cipher) -> Self {
        match cipher {
            Cipher::Ccm8 => Self::Ccm8(Box::new(Ccm::new(&PSK.into()))),
            Cipher::Gcm => Self::Gcm(Box::new(Aes128Gcm::new(&PSK.into()))),
        }
    }

    pub(crate) const fn tag_len(&self) -> usize {
        match self {
            Self::Ccm8(_) => 8,
            Self::Gcm(_) => 16,
        }
    }

    /// Encrypts all but the place of the tag, which is behind the text.
    pub(crate) fn seal(&self, buffer: &mut [u8]) {
        let nonce = Nonce::from([9; 12]);
        let (text, tag) = buffer.split_at_mut(buffer.len() - self.tag_len());
        match self {
            Self::Ccm8(cipher) => {
                let made = cipher.encrypt_inout_detached(&nonce, &ADDITIONAL, text.into());
                tag.copy_from_slice(&made.expect("short enough"));
            }
            Self::Gcm(cipher) => {
                let made = cipher.encrypt_inout_detached(&nonce, &ADDITIONAL, text.into());
                tag.copy_from_slice(&made.expect("short enough"));
            }
        }
    }

    /// Decrypts what [`seal`](Self::seal) made.
    pub(crate) fn open(&self, buffer: &mut [u8]) {
        let nonce = Nonce::from([9; 12]);
        let (text, tag) = buffer.split_at_mut(buffer.len() - self.tag_len());
        match self {
            Self::Ccm8(cipher) => {
                let tag = (&*tag).try_into().expect("its length");
                cipher.decrypt_inout_detached(&nonce, &ADDITIONAL, text.into(), tag)
            }
            Self::Gcm(cipher) => {
                let tag = (&*tag).try_into().expect("its length");
                cipher.decrypt_inout_detached(&nonce, &ADDITIONAL, text.into(), tag)
            }
        }
        .expect("authentic");
    }
}
