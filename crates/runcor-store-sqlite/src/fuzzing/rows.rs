//! Rows of any columns, made by SQLite itself.
//!
//! A line is a row, tabs stand between its columns, and the first byte of a
//! column is its type: `i` a whole number, `r` another number, `t` a text, `b`
//! bytes, `x` bytes in hexadecimal; anything else, and a column that is
//! missing, is NULL.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, ToSql, params_from_iter};

enum Column<'a> {
    Bytes(Vec<u8>),
    Borrowed(ValueRef<'a>),
}

/// Gives every row to `see`, each with that many columns.
#[expect(clippy::unwrap_used, reason = "a database in memory that reads nothing does not fail")]
pub(super) fn each_row(data: &[u8], width: usize, mut see: impl FnMut(&Row<'_>)) {
    thread_local! {
        static MEMORY: Connection = Connection::open_in_memory().unwrap();
    }
    let marks = vec!["?"; width].join(", ");
    MEMORY.with(|conn| {
        let mut statement = conn.prepare_cached(&format!("SELECT {marks}")).unwrap();
        for line in data.split(|byte| *byte == b'\n') {
            let columns = line.split(|byte| *byte == b'\t').map(Column::read);
            let missing = std::iter::repeat_with(|| Column::Borrowed(ValueRef::Null));
            let columns = params_from_iter(columns.chain(missing).take(width));
            if let Some(row) = statement.query(columns).unwrap().next().unwrap() {
                see(row);
            }
        }
    });
}

impl<'a> Column<'a> {
    fn read(text: &'a [u8]) -> Self {
        let (kind, text) = text.split_first().unwrap_or((&0, &[]));
        let number = str::from_utf8(text).unwrap_or_default();
        Self::Borrowed(match kind {
            b'i' => ValueRef::Integer(number.parse().unwrap_or_default()),
            b'r' => ValueRef::Real(number.parse().unwrap_or_default()),
            b't' => ValueRef::Text(text),
            b'b' => ValueRef::Blob(text),
            b'x' => return Self::Bytes(text.chunks(2).map(byte).collect()),
            _ => ValueRef::Null,
        })
    }
}

fn byte(digits: &[u8]) -> u8 {
    str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

impl ToSql for Column<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Borrowed(value) => *value,
        }))
    }
}
