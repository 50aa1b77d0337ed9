//! Ciphers that stay ready from record to record.

use core::fmt;

use zeroize::Zeroizing;

use crate::aead::Cipher;
use crate::alert::{Alert, Level};
use crate::association::{Association, Opened};
use crate::error::{Dropped, ProtectError};
use crate::record::{ContentType, Datagram, Record};
use crate::suite::Aead;

/// Room for the keys of an [`Association`] as the ciphers want them, so that they need not be expanded for each record
/// anew: see [`Association::with`].
///
/// It is no part of the association, which is to rest in little room: an owner has as many of these as associations are
/// busy at a time. It serves the association that used it last; for another it is filled anew. It is wiped when dropped.
#[derive(Default)]
pub struct Ciphers {
    write: Slot,
    read: Slot,
}

/// A key made ready, and which one it is.
#[derive(Default)]
struct Slot {
    key: Zeroizing<[u8; 16]>,
    cipher: Option<Cipher>,
}

impl Slot {
    #[inline]
    fn get(&mut self, aead: Aead, key: &[u8; 16]) -> Option<&Cipher> {
        // As numbers, so that it takes the same time wherever they differ.
        let is_same = u128::from_ne_bytes(*self.key) == u128::from_ne_bytes(*key);
        if !(is_same && self.cipher.as_ref().is_some_and(|cipher| cipher.is(aead))) {
            self.fill(aead, key);
        }
        self.cipher.as_ref()
    }

    #[cold]
    fn fill(&mut self, aead: Aead, key: &[u8; 16]) {
        self.cipher = aead.cipher(key);
        *self.key = *key;
    }
}

impl Ciphers {
    /// Room in which nothing is yet.
    pub fn new() -> Self {
        Self::default()
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        let slots = [&self.write, &self.read];
        let mut slots = slots.into_iter();
        slots.all(|slot| *slot.key == [0; 16] && slot.cipher.is_none())
    }
}

impl fmt::Debug for Ciphers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ciphers")
    }
}

/// An [`Association`] with [`Ciphers`] that stay ready from one record to the next. It does what the association does.
#[derive(Debug)]
pub struct Live<'l> {
    association: &'l mut Association,
    ciphers: &'l mut Ciphers,
}

impl Association {
    /// The association with room for its ciphers, which spares each record but the first the expansion of its key: more
    /// than half of what a short one costs where AES is an instruction.
    pub const fn with<'l>(&'l mut self, ciphers: &'l mut Ciphers) -> Live<'l> {
        Live {
            association: self,
            ciphers,
        }
    }
}

impl Live<'_> {
    /// As [`Association::protect`].
    ///
    /// # Errors
    ///
    /// [`ProtectError`]; nothing is used up by a failure.
    pub fn protect<'b>(
        &mut self,
        data: &[u8],
        buffer: &'b mut [u8],
    ) -> Result<&'b mut [u8], ProtectError> {
        self.association.place(data, buffer)?;
        self.seal(ContentType::APPLICATION_DATA, buffer, data.len())
    }

    /// As [`Association::protect_in_place`].
    ///
    /// # Errors
    ///
    /// [`ProtectError`]; nothing is used up by a failure.
    pub fn protect_in_place<'b>(
        &mut self,
        buffer: &'b mut [u8],
        len: usize,
    ) -> Result<&'b mut [u8], ProtectError> {
        self.seal(ContentType::APPLICATION_DATA, buffer, len)
    }

    /// As [`Association::close`].
    ///
    /// # Errors
    ///
    /// [`ProtectError`].
    pub fn close<'b>(&mut self, buffer: &'b mut [u8]) -> Result<&'b mut [u8], ProtectError> {
        let alert = [Level::Warning.number(), Alert::CLOSE_NOTIFY.0];
        self.association.place(&alert, buffer)?;
        self.seal(ContentType::ALERT, buffer, alert.len())
    }

    /// As [`Association::unprotect`].
    ///
    /// # Errors
    ///
    /// [`Dropped`]: the record is to be ignored.
    #[expect(
        clippy::inline_always,
        reason = "calls are a tenth of what a short record costs"
    )]
    #[inline(always)]
    pub(crate) fn unprotect<'a>(&mut self, record: Record<'a>) -> Result<Opened<'a>, Dropped> {
        self.association.may_open(&record)?;
        let aead = self.association.suite.aead();
        let key = &self.association.keys.read_key;
        let cipher = self.ciphers.read.get(aead, key);
        self.association
            .open_with(cipher.ok_or(Dropped::NotAuthentic)?, record)
    }

    /// As [`Association::next`].
    pub fn next<'a>(&mut self, datagram: &mut Datagram<'a>) -> Option<Opened<'a>> {
        // Nearly always the first record is genuine.
        let record = datagram.next(self.association.own_id.len())?;
        match self.unprotect(record) {
            Ok(opened) => Some(opened),
            Err(_) => self.next_of_rest(datagram),
        }
    }

    #[cold]
    fn next_of_rest<'a>(&mut self, datagram: &mut Datagram<'a>) -> Option<Opened<'a>> {
        while let Some(record) = datagram.next(self.association.own_id.len()) {
            if let Ok(opened) = self.unprotect(record) {
                return Some(opened);
            }
        }
        None
    }

    fn seal<'b>(
        &mut self,
        content_type: ContentType,
        buffer: &'b mut [u8],
        len: usize,
    ) -> Result<&'b mut [u8], ProtectError> {
        self.association.may_send(len)?;
        let aead = self.association.suite.aead();
        let key = &self.association.keys.write_key;
        let cipher = self.ciphers.write.get(aead, key);
        self.association.seal_with(
            cipher.ok_or(ProtectError::NotConnected)?,
            content_type,
            buffer,
            len,
        )
    }
}
