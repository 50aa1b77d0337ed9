//! The primitives alone: AES-128-CCM-8 by `ccm` and AES-128-GCM by `aes-gcm`, in place, with the additional data of a
//! record (RFC 5246 §6.2.3.3).
//!
//! They do what no record can do without: the text is copied to where it is encrypted, as it is by those who protect a
//! record, and nonce and additional data are not known when the program is compiled. Were they, the compiler would make a
//! copy of the cipher for this one record, which is a quarter quicker than the cipher is for anyone else. Header, nonce,
//! additional data and the check for replays are what a record costs on top, and are not here.

use core::hint::black_box;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::Aes128Enc;
use aes_gcm::{AesGcm, Nonce};
use ccm::Ccm;
use ccm::consts::{U8, U12};

use crate::handshakes::{Cipher, PSK};

/// Epoch and sequence number, type, version, length.
const ADDITIONAL: [u8; 13] = [0, 1, 0, 0, 0, 0, 0, 7, 23, 254, 253, 0, 64];

/// A cipher with its key made ready: what an association would have to keep.
pub(crate) enum Raw {
    Ccm8(Box<Ccm<Aes128Enc, U8, U12>>),
    Gcm(Box<AesGcm<Aes128Enc, U12>>),
}

impl Raw {
    pub(crate) fn new(cipher: Cipher) -> Self {
        match cipher {
            Cipher::Ccm8 => Self::Ccm8(Box::new(Ccm::new(&PSK.into()))),
            Cipher::Gcm => Self::Gcm(Box::new(AesGcm::new(&PSK.into()))),
        }
    }

    pub(crate) const fn tag_len(&self) -> usize {
        match self {
            Self::Ccm8(_) => 8,
            Self::Gcm(_) => 16,
        }
    }

    /// Encrypts a text into `buffer` and puts the tag behind it; their length.
    pub(crate) fn seal(&self, data: &[u8], buffer: &mut [u8]) -> usize {
        let nonce = black_box(Nonce::from([9; 12]));
        let additional = black_box(ADDITIONAL.as_slice());
        let length = data.len() + self.tag_len();
        let (text, tag) = buffer[..length].split_at_mut(data.len());
        text.copy_from_slice(data);
        match self {
            Self::Ccm8(cipher) => {
                let made = cipher.encrypt_inout_detached(&nonce, additional, text.into());
                tag.copy_from_slice(&made.expect("short enough"));
            }
            Self::Gcm(cipher) => {
                let made = cipher.encrypt_inout_detached(&nonce, additional, text.into());
                tag.copy_from_slice(&made.expect("short enough"));
            }
        }
        length
    }

    /// Decrypts what [`seal`](Self::seal) made.
    pub(crate) fn open(&self, buffer: &mut [u8]) {
        let nonce = black_box(Nonce::from([9; 12]));
        let additional = black_box(ADDITIONAL.as_slice());
        let (text, tag) = buffer.split_at_mut(buffer.len() - self.tag_len());
        match self {
            Self::Ccm8(cipher) => {
                let tag = (&*tag).try_into().expect("its length");
                cipher.decrypt_inout_detached(&nonce, additional, text.into(), tag)
            }
            Self::Gcm(cipher) => {
                let tag = (&*tag).try_into().expect("its length");
                cipher.decrypt_inout_detached(&nonce, additional, text.into(), tag)
            }
        }
        .expect("authentic");
    }
}
