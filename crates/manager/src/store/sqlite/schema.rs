//! The tables, and how older files get them.

use rusqlite::{Connection, OptionalExtension as _};

use super::Problem;

/// The newest version of the tables.
pub(super) const VERSION: u32 = 1;

/// What brings a file from version n - 1 to version n, for n from 1.
const MIGRATIONS: [&str; VERSION as usize] = ["
    CREATE TABLE device (
        id            INTEGER PRIMARY KEY,
        endpoint      TEXT    NOT NULL UNIQUE,
        registered    INTEGER NOT NULL,
        location      INTEGER NOT NULL,
        listener      INTEGER NOT NULL,
        address       TEXT    NOT NULL,
        lifetime      INTEGER NOT NULL,
        version       TEXT    NOT NULL,
        binding       TEXT    NOT NULL,
        queue_mode    INTEGER NOT NULL,
        sms           TEXT,
        links         TEXT    NOT NULL,
        registered_at INTEGER NOT NULL,
        updated_at    INTEGER NOT NULL,
        last_seen     INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE observation (
        device     INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
        path       TEXT    NOT NULL,
        token      BLOB    NOT NULL,
        format     INTEGER,
        pmin       INTEGER,
        pmax       INTEGER,
        gt         REAL,
        lt         REAL,
        st         REAL,
        started_at INTEGER NOT NULL,
        PRIMARY KEY (device, path)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE value (
        device     INTEGER NOT NULL REFERENCES device (id) ON DELETE CASCADE,
        path       TEXT    NOT NULL,
        type       TEXT    NOT NULL,
        value      ANY     NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (device, path)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE probe (bytes BLOB NOT NULL) STRICT;
"];

/// Brings a new or older file to [`VERSION`].
pub(super) fn migrate(connection: &Connection) -> Result<(), Problem> {
    let tables: u32 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let ours: Option<String> = connection
        .query_row(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'",
            [],
            |row| row.get(0),
        )
        .optional()?;
    if ours.is_none() {
        if tables > 0 {
            return Err(Problem::Foreign);
        }
        connection.execute_batch(
            "CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT; INSERT INTO schema_version VALUES (0);",
        )?;
    }
    let found: u32 =
        connection.query_row("SELECT version FROM schema_version", [], |row| row.get(0))?;
    if found > VERSION {
        return Err(Problem::NewerSchema(found));
    }
    for migration in MIGRATIONS.iter().skip(found as usize) {
        connection.execute_batch(migration)?;
    }
    connection.execute("UPDATE schema_version SET version = ?1", [VERSION])?;
    Ok(())
}
