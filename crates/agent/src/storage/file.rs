//! A file as flash.

use core::fmt;

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};
use hosted::fs::{File, OpenOptions};
use hosted::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use hosted::path::Path;

use crate::hosted;

/// Bytes of a page.
const PAGE: usize = 4096;

/// A file that behaves as NOR flash with pages of 4096 bytes: what is written is on the disk when the call returns.
///
/// It is made for its owner alone, where the system knows such a thing, since keys stand in it; and no two processes have
/// it at a time.
pub struct FileFlash {
    file: File,
    capacity: usize,
}

/// A file that is used as flash has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileError {
    /// An address that is no whole word or page, or behind the end.
    Address(NorFlashErrorKind),
    /// The system has refused.
    System(ErrorKind),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(kind) => kind.fmt(f),
            Self::System(kind) => kind.fmt(f),
        }
    }
}

impl core::error::Error for FileError {}

impl NorFlashError for FileError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Address(kind) => *kind,
            Self::System(_) => NorFlashErrorKind::Other,
        }
    }
}

impl From<NorFlashErrorKind> for FileError {
    fn from(kind: NorFlashErrorKind) -> Self {
        Self::Address(kind)
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::System(error.kind())
    }
}

impl FileFlash {
    /// Opens the file, or makes it, as an erased flash of `capacity` bytes; a multiple of 4096.
    ///
    /// # Errors
    ///
    /// What the system says; [`ErrorKind::InvalidInput`] for another capacity, [`ErrorKind::InvalidData`] for a longer
    /// file, and [`ErrorKind::WouldBlock`] when another process has it.
    pub fn open(path: impl AsRef<Path>, capacity: usize) -> io::Result<Self> {
        if capacity == 0 || !capacity.is_multiple_of(PAGE) {
            return Err(ErrorKind::InvalidInput.into());
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        hosted::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.try_lock()?;
        let length = usize::try_from(file.seek(SeekFrom::End(0))?).unwrap_or(usize::MAX);
        // One that is too short was left so when it was made.
        match capacity.checked_sub(length) {
            None => return Err(ErrorKind::InvalidData.into()),
            Some(0) => {}
            Some(missing) => {
                file.write_all(&hosted::vec![0xff; missing])?;
                file.sync_all()?;
            }
        }
        Ok(Self { file, capacity })
    }

    fn put(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FileError> {
        self.file.seek(SeekFrom::Start(offset.into()))?;
        self.file.write_all(bytes)?;
        Ok(self.file.sync_data()?)
    }
}

impl fmt::Debug for FileFlash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileFlash")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

impl ErrorType for FileFlash {
    type Error = FileError;
}

impl ReadNorFlash for FileFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FileError> {
        check_read(self, offset, bytes.len())?;
        self.file.seek(SeekFrom::Start(offset.into()))?;
        Ok(self.file.read_exact(bytes)?)
    }

    fn capacity(&self) -> usize {
        self.capacity
    }
}

impl NorFlash for FileFlash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FileError> {
        check_erase(self, from, to)?;
        let mut page = from;
        while page < to {
            self.put(page, &[0xff; PAGE])?;
            page = page.saturating_add(u32::try_from(PAGE).unwrap_or(u32::MAX));
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FileError> {
        check_write(self, offset, bytes.len())?;
        self.put(offset, bytes)
    }
}
