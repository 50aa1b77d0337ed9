//! The tables, and how older files get them.

use rusqlite::{Connection, OptionalExtension as _};

use super::Problem;

/// The newest version of the tables.
pub(super) const VERSION: u32 = 5;

/// What brings a file from version n - 1 to version n, for n from 1.
const MIGRATIONS: [&str; VERSION as usize] = [
    "
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
",
    "
    ALTER TABLE observation ADD COLUMN epmin INTEGER;
    ALTER TABLE observation ADD COLUMN epmax INTEGER;
    ALTER TABLE observation ADD COLUMN edge INTEGER;
    ALTER TABLE observation ADD COLUMN con INTEGER;
    ALTER TABLE observation ADD COLUMN hqmax INTEGER;
",
    "
    CREATE TABLE object (
        id      INTEGER NOT NULL,
        version TEXT    NOT NULL,
        xml     TEXT    NOT NULL,
        PRIMARY KEY (id, version)
    ) STRICT;
",
    "
    CREATE TABLE credential (
        endpoint TEXT NOT NULL,
        kind     TEXT NOT NULL,
        identity BLOB NOT NULL,
        material BLOB,
        PRIMARY KEY (endpoint, kind)
    ) STRICT;
    CREATE TABLE association (
        id       INTEGER PRIMARY KEY,
        endpoint TEXT    NOT NULL,
        listener INTEGER NOT NULL,
        address  TEXT    NOT NULL,
        record   BLOB    NOT NULL
    ) STRICT;
    ALTER TABLE device ADD COLUMN association INTEGER;
",
    "
    CREATE TABLE ticket_keys (
        id     INTEGER PRIMARY KEY CHECK (id = 0),
        record BLOB    NOT NULL
    ) STRICT;
",
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_version_1_keeps_its_observations() {
        let connection = Connection::open_in_memory().expect("memory");
        connection
            .execute_batch(
                "CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT; INSERT INTO schema_version VALUES (1);",
            )
            .and_then(|()| connection.execute_batch(MIGRATIONS[0]))
            .and_then(|()| {
                connection.execute_batch(
                    "INSERT INTO device VALUES (1, 'one', 1, 2, 0, '', 3, '1.1', 'U', 0, NULL, '', 0, 0, 0);
                     INSERT INTO observation VALUES (1, '/3303/0/5700', x'01', 112, 10, 60, NULL, NULL, 0.5, 7);",
                )
            })
            .expect("the tables of version 1");
        assert!(migrate(&connection).is_ok());
        let kept: (u32, f64, Option<bool>) = connection
            .query_row("SELECT pmin, st, con FROM observation", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .expect("the observation");
        assert_eq!(kept, (10, 0.5, None));
    }
}
