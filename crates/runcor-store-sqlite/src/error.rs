//! From SQLite's errors to the store's: what is full, what is away, what is damaged.

use runcor_core::StoreError;
use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

/// Why something failed inside the store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A precondition does not hold, or stored data can't be read; the transaction lives on.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// SQLite failed.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error,
            Error::Sqlite(error) => from_sqlite(&error),
        }
    }
}

/// Says what an error of SQLite means for the caller of the store.
pub(crate) fn from_sqlite(error: &rusqlite::Error) -> StoreError {
    let message = one_line(&error.to_string());
    let extended = error.sqlite_error().map(|error| error.extended_code);
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { message },
        // The index of the log could not grow: so a full disk looks when a file is opened.
        _ if extended == Some(SQLITE_IOERR_SHMSIZE) => {
            StoreError::Full { message: "no room for the index of the log".to_owned() }
        }
        Some(ErrorCode::TooBig) => {
            StoreError::Unstorable { message: "a value is larger than a gigabyte".to_owned() }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => damaged(&message),
        Some(ErrorCode::ConstraintViolation | ErrorCode::SchemaChanged) => damaged(&message),
        Some(ErrorCode::SystemIoFailure) => StoreError::Unavailable {
            message: format!("{message} (SQLite's code {})", extended.unwrap_or_default()),
        },
        Some(_) => StoreError::Unavailable { message },
        // Not SQLite itself but the reading of what it gave: a column that is not what it must be.
        None => damaged(&message),
    }
}

/// Returns whether the file itself failed, after which the connection is not to be believed.
pub(crate) fn is_io_failure(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::InternalMalfunction)
    )
}

/// Says that the file is damaged and what to do about it.
pub(crate) fn damaged(what: &str) -> StoreError {
    StoreError::Corrupt {
        message: format!("{what}; stop the engine, keep a copy of the file and restore a backup"),
    }
}

/// Damage in the way of an operation that has no precondition: the whole transaction is taken back.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Damage(String);

/// Makes an error that ends the transaction and says what is damaged.
pub(crate) fn aborts(what: impl Into<String>) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(Damage(what.into())))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn failure(code: i32) -> StoreError {
        let text = Some("disk I/O error".to_owned());
        from_sqlite(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), text))
    }

    #[test]
    fn an_index_that_can_not_grow_means_a_full_disk() {
        assert!(matches!(failure(SQLITE_IOERR_SHMSIZE), StoreError::Full { .. }));
        assert!(matches!(failure(ffi::SQLITE_FULL), StoreError::Full { .. }));
    }

    #[test]
    fn a_failure_of_the_disk_is_told_with_its_code() {
        let error = failure(ffi::SQLITE_IOERR_FSYNC);
        assert!(matches!(error, StoreError::Unavailable { .. }));
        assert!(error.to_string().contains("disk I/O error (SQLite's code 1034)"), "{error}");
    }
}
