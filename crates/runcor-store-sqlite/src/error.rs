//! From SQLite's errors to the store's: what is full, what is away, what is damaged.

use runcor_core::StoreError;
use rusqlite::ErrorCode;

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
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { message },
        Some(ErrorCode::TooBig) => {
            StoreError::Unstorable { message: "a value is larger than a gigabyte".to_owned() }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => damaged(&message),
        Some(ErrorCode::ConstraintViolation | ErrorCode::SchemaChanged) => damaged(&message),
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

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
