//! An association in use: its ciphers stay ready from record to record.

use core::fmt;

use crate::aead::Cipher;
use crate::alert::{Alert, Level};
use crate::association::{Association, Opened};
use crate::error::{Dropped, ProtectError};
use crate::export::Exported;
use crate::record::{ContentType, Datagram, Record};

/// An [`Association`] whose ciphers stay ready from one record to the next, which spares each record the expansion of its
/// key: a fifth of what a short record costs on a Cortex-M, half of it and more where AES is an instruction.
///
/// It takes the room of the expanded keys, 700 bytes on a Cortex-M and twice as much or more elsewhere, from the first
/// record of each direction on: so it is for an association that many records go over soon. The keys are wiped when it is
/// dropped or [rests](Self::rest).
pub struct LiveAssociation {
    association: Association,
    write: Option<Cipher>,
    read: Option<Cipher>,
}

impl Association {
    /// Keeps its ciphers ready from the next record on.
    pub const fn wake(self) -> LiveAssociation {
        LiveAssociation {
            association: self,
            write: None,
            read: None,
        }
    }
}

impl LiveAssociation {
    /// Gives the association back as it is now, without its ciphers.
    pub fn rest(self) -> Association {
        self.association
    }

    /// The association, to be asked.
    pub const fn association(&self) -> &Association {
        &self.association
    }

    /// As [`Association::export`].
    pub fn export(&mut self, ahead: u32) -> Exported {
        self.association.export(ahead)
    }

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
    pub fn unprotect<'a>(&mut self, record: Record<'a>) -> Result<Opened<'a>, Dropped> {
        self.association.may_open(&record)?;
        if self.read.is_none() {
            self.read = self
                .association
                .suite
                .aead()
                .cipher(&self.association.keys.read_key);
        }
        let cipher = self.read.as_ref().ok_or(Dropped::NotAuthentic)?;
        self.association.open_with(cipher, record)
    }

    /// As [`Association::next`].
    pub fn next<'a>(&mut self, datagram: &mut Datagram<'a>) -> Option<Opened<'a>> {
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
        if self.write.is_none() {
            self.write = self
                .association
                .suite
                .aead()
                .cipher(&self.association.keys.write_key);
        }
        let cipher = self.write.as_ref().ok_or(ProtectError::NotConnected)?;
        self.association
            .seal_with(cipher, content_type, buffer, len)
    }
}

impl fmt::Debug for LiveAssociation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.association.fmt(f)
    }
}
