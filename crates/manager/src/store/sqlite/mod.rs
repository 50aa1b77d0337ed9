//! A store in one SQLite file.

mod rows;
mod schema;

use core::time::Duration;
use std::path::{Path as FilePath, PathBuf};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::{Change, Snapshot, Store, StoreError};

/// Keeps everything in one [SQLite](https://sqlite.org) file.
///
/// The file is in write-ahead mode with full synchronisation, so that a commit outlives the loss of power. It belongs to
/// one process at a time: a second one, another manager or a tool, finds it locked. Two files beside it, `-wal` and
/// sometimes `-journal`, belong to it.
pub struct Sqlite {
    path: PathBuf,
    connection: Connection,
}

/// How a [`Sqlite`] store is opened.
#[derive(Debug, Clone, Default)]
pub struct SqliteOptions {
    max_bytes: Option<u64>,
}

impl Sqlite {
    /// Opens the file at `path`, or makes it. Its folder must exist.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unwritable`], [`StoreError::Locked`], [`StoreError::Full`], [`StoreError::NewerSchema`] and
    /// [`StoreError::Damaged`], each a sentence for the operator.
    pub fn open(path: impl AsRef<FilePath>) -> Result<Self, StoreError> {
        Self::options().open(path)
    }

    /// Options that differ from the defaults.
    pub fn options() -> SqliteOptions {
        SqliteOptions::default()
    }
}

impl SqliteOptions {
    /// The largest size of the file; SQLite rounds it to pages of 4096 bytes. A file that is larger already keeps its size.
    /// The write-ahead log comes on top. Default is no limit.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    ///
    /// As [`Sqlite::open`].
    pub fn open(self, path: impl AsRef<FilePath>) -> Result<Sqlite, StoreError> {
        let path = path.as_ref();
        let mut connection = Connection::open(path).map_err(|error| explain(path, error))?;
        self.prepare(&mut connection, path)
            .map_err(|error| match error {
                Problem::Sqlite(error) => explain(path, error),
                Problem::NewerSchema(found) => StoreError::NewerSchema {
                    path: path.to_owned(),
                    found,
                    supported: schema::VERSION,
                },
                Problem::Foreign => StoreError::Damaged {
                    path: path.to_owned(),
                    reason: "it is a database of another program".to_owned(),
                },
            })?;
        Ok(Sqlite {
            path: path.to_owned(),
            connection,
        })
    }

    fn prepare(&self, connection: &mut Connection, path: &FilePath) -> Result<(), Problem> {
        // A manager that is just ending gives the file free soon.
        connection.busy_timeout(Duration::from_secs(1))?;
        // Exclusive before the first access in write-ahead mode: the file is ours alone and needs no shared memory.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // Keys that are removed leave no trace in the file.
        connection.pragma_update(None, "secure_delete", true)?;
        if let Some(bytes) = self.max_bytes {
            let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            connection.pragma_update(
                None,
                "max_page_count",
                i64::try_from(bytes / u64::from(page.max(1))).unwrap_or(i64::MAX),
            )?;
        }
        // Takes the lock now rather than at the first change.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        schema::migrate(&transaction)?;
        transaction.commit()?;
        tracing::debug!(path = %path.display(), "the store is open");
        Ok(())
    }
}

impl Store for Sqlite {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        rows::load(&self.connection).map_err(|error| explain(&self.path, error))
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let result = (|| {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            for change in changes {
                rows::apply(&transaction, change)?;
            }
            transaction.commit()
        })();
        result.map_err(|error| explain(&self.path, error))
    }
}

impl core::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Sqlite")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// What can go wrong while a file is opened.
enum Problem {
    Sqlite(rusqlite::Error),
    NewerSchema(u32),
    Foreign,
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Says in the operator's terms what SQLite says in its own.
fn explain(path: &FilePath, error: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let reason = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked { path },
        Some(ErrorCode::DiskFull) => StoreError::Full { path },
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            StoreError::Unwritable { path, reason }
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            StoreError::Damaged { path, reason }
        }
        None if !matches!(error, rusqlite::Error::SqliteFailure(..)) => {
            StoreError::Damaged { path, reason }
        }
        _ => StoreError::Other(format!("{}: {reason}", path.display())),
    }
}
