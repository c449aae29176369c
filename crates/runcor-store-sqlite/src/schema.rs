//! The tables, and the numbered steps that lead from one version of them to the next.

use fail::fail_point;
use runcor_core::StoreError;
use rusqlite::Connection;

use crate::error::Error;

/// Marks a file as ours: `runc` in ASCII.
pub(crate) const APPLICATION_ID: i32 = 0x7275_6e63;

/// The steps: the first makes version 1 of an empty file, each next one a version of the one before.
///
/// A step that was released is never changed; a new one is added at the end.
const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2, VERSION_3];

const VERSION_1: &str = include_str!("schema/version_1.sql");
const VERSION_2: &str = include_str!("schema/version_2.sql");
const VERSION_3: &str = include_str!("schema/version_3.sql");

/// Checks that the database is ours, or empty, and not newer than this program.
pub(crate) fn check(conn: &Connection, path: &str) -> Result<(), Error> {
    let application: i32 = pragma(conn, "application_id")?;
    let version: i64 = pragma(conn, "user_version")?;
    if application == APPLICATION_ID {
        return refuse_newer(version, latest(MIGRATIONS), path).map_err(Error::from);
    }
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == 0 && version == 0 && tables == 0 {
        return Ok(());
    }
    let message =
        format!("{path} is the database of another program; move it away or choose another path");
    Err(StoreError::Corrupt { message }.into())
}

/// Brings the database to the newest version, each step in a transaction of its own.
pub(crate) fn migrate(conn: &Connection) -> Result<(), Error> {
    run(conn, MIGRATIONS)
}

fn run(conn: &Connection, migrations: &[&str]) -> Result<(), Error> {
    let version: i64 = pragma(conn, "user_version")?;
    let done = usize::try_from(version).unwrap_or(0);
    for (number, step) in migrations.iter().enumerate().skip(done) {
        let number = number + 1;
        let marks =
            format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number};");
        fail_point!("migrate.before_step");
        let outcome = conn.execute_batch(&format!("BEGIN IMMEDIATE; {step} {marks} COMMIT;"));
        fail_point!("migrate.after_step");
        if let Err(error) = outcome {
            // It fails only when SQLite has rolled back by itself.
            let _ = conn.execute_batch("ROLLBACK");
            return Err(error.into());
        }
        if done > 0 {
            tracing::info!(version = number, "the database was brought to a newer version");
        }
    }
    Ok(())
}

/// Returns the version of the tables.
pub(crate) fn version(conn: &Connection) -> Result<i64, Error> {
    Ok(pragma(conn, "user_version")?)
}

/// Returns the newest version of the tables that there is.
pub(crate) fn newest() -> i64 {
    latest(MIGRATIONS)
}

fn refuse_newer(version: i64, latest: i64, path: &str) -> Result<(), StoreError> {
    if version <= latest {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        message: format!(
            "{path} has version {version} and this program knows up to {latest}; use a newer runcor"
        ),
    })
}

fn latest(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

fn pragma<T: rusqlite::types::FromSql>(conn: &Connection, name: &str) -> rusqlite::Result<T> {
    conn.pragma_query_value(None, name, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEXT: &str = "CREATE TABLE notes (text TEXT) STRICT; INSERT INTO notes VALUES ('new');";

    fn notes(conn: &Connection) -> rusqlite::Result<i64> {
        conn.query_row("SELECT count(*) FROM notes", [], |row| row.get(0))
    }

    #[test]
    fn an_older_version_is_brought_up_step_by_step_and_only_once() {
        let conn = Connection::open_in_memory().unwrap();
        run(&conn, &[VERSION_1]).unwrap();
        conn.execute_batch("INSERT INTO counters VALUES ('kept', 1)").unwrap();
        for _ in 0..2 {
            run(&conn, &[VERSION_1, NEXT]).unwrap();
            assert_eq!(pragma::<i64>(&conn, "user_version").unwrap(), 2);
            assert_eq!(notes(&conn).unwrap(), 1);
        }
        let kept: i64 = conn.query_row("SELECT value FROM counters", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 1);
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before() {
        let conn = Connection::open_in_memory().unwrap();
        run(&conn, &[VERSION_1]).unwrap();
        assert!(run(&conn, &[VERSION_1, "CREATE TABLE a (x); nonsense;"]).is_err());
        assert_eq!(pragma::<i64>(&conn, "user_version").unwrap(), 1);
        assert!(conn.is_autocommit());
        run(&conn, &[VERSION_1, NEXT]).unwrap();
        assert_eq!(notes(&conn).unwrap(), 1);
    }

    #[test]
    fn a_newer_version_and_a_foreign_database_are_refused() {
        let conn = Connection::open_in_memory().unwrap();
        check(&conn, "a.db").unwrap();
        run(&conn, &[VERSION_1, VERSION_2, VERSION_3, NEXT]).unwrap();
        let newer = check(&conn, "a.db").unwrap_err().to_string();
        assert!(newer.contains("version 4") && newer.contains("newer runcor"), "{newer}");

        let foreign = Connection::open_in_memory().unwrap();
        foreign.execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert!(check(&foreign, "b.db").unwrap_err().to_string().contains("another program"));
    }
}
