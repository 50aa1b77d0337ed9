//! A store in one SQLite file.

use std::path::{Path as FilePath, PathBuf};

use super::{Change, Snapshot, Store, StoreError};

/// Keeps everything in one `SQLite` file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
}

/// How a [`Sqlite`] store is opened.
#[derive(Debug, Clone, Default)]
pub struct SqliteOptions {
    max_bytes: Option<u64>,
}

impl Sqlite {
    /// Opens the file at `path`, and makes it where it is missing.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    pub fn open(path: impl AsRef<FilePath>) -> Result<Self, StoreError> {
        Self::options().open(path)
    }

    /// Options that differ from the defaults.
    pub fn options() -> SqliteOptions {
        SqliteOptions::default()
    }
}

impl SqliteOptions {
    /// The largest size of the file.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Opens the file at `path`, and makes it where it is missing.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    pub fn open(self, path: impl AsRef<FilePath>) -> Result<Sqlite, StoreError> {
        Ok(Sqlite {
            path: path.as_ref().to_owned(),
        })
    }
}

impl Store for Sqlite {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        Err(StoreError::Other(format!(
            "{} cannot be read yet",
            self.path.display()
        )))
    }

    fn commit(&mut self, _changes: &[Change]) -> Result<(), StoreError> {
        Err(StoreError::Other(format!(
            "{} cannot be written yet",
            self.path.display()
        )))
    }
}
