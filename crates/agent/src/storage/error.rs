//! What a store cannot do.

use core::fmt;

use crate::keep::{ImportError, Key};

/// What a [`Storage`](super::Storage) cannot do. `E` is the error of the flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StorageError<E> {
    /// The ranges do not consist of whole pages, two for the records and one for the log at least, or overlap.
    Ranges,
    /// The flash has failed.
    Flash(E),
    /// All that is to be kept is more than the range holds.
    Full,
    /// What stands in the flash is no storage, or is damaged: it is to be [erased](super::Storage::erase).
    Damaged,
    /// A record does not fit into the buffer of this storage, or into a page.
    TooLong(Key),
    /// A record is not for this device: [`forget`](super::Storage::forget) lets it begin anew.
    Record(Key, ImportError),
}

impl<E: fmt::Debug> fmt::Display for StorageError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ranges => f.write_str("the ranges are not whole pages, two and one at least"),
            Self::Flash(error) => write!(f, "the flash has failed: {error:?}"),
            Self::Full => f.write_str("what is to be kept is more than the flash holds"),
            Self::Damaged => f.write_str("what is in the flash is no storage, or is damaged"),
            Self::TooLong(key) => write!(f, "the record {key:?} is too long"),
            Self::Record(key, error) => write!(f, "the record {key:?} is refused: {error}"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for StorageError<E> {}

/// What has gone wrong below.
pub(super) fn failure<E>(error: sequential_storage::Error<E>, key: Key) -> StorageError<E> {
    use sequential_storage::Error;
    match error {
        Error::Storage { value } => StorageError::Flash(value),
        Error::FullStorage => StorageError::Full,
        Error::BufferTooBig | Error::BufferTooSmall(_) | Error::ItemTooBig => {
            StorageError::TooLong(key)
        }
        _ => StorageError::Damaged,
    }
}
