//! Rate limits: one sliding window for each key.

use runcor_core::{RateKey, RateTake, RateWindow, StoreError, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::encode::integer;
use crate::error::{Error, damaged};

/// Takes a place in a window; returns the instant of its turn.
pub(crate) fn take(conn: &Connection, wish: &RateTake) -> Result<Timestamp, Error> {
    let RateKey { limit: name, scope, tenant, subject } = &wish.key;
    let tenant = tenant.as_ref().map_or("", |tenant| tenant.as_str());
    let found: Option<(i64, Vec<u8>)> = conn
        .prepare_cached(
            "SELECT number, window FROM rates \
             WHERE subject = ?1 AND name = ?2 AND scope = ?3 AND tenant = ?4",
        )?
        .query_row([subject, name, scope.as_str(), tenant], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let mut window = match &found {
        Some((_, bytes)) => RateWindow::from_bytes(bytes).ok_or_else(|| {
            damaged(&format!("the window of the rate limit {name:?} is not readable"))
        })?,
        None => RateWindow::default(),
    };
    let turn = window.take(wish).map_err(StoreError::RateLimited)?;
    let expires = window.expires(wish.window).map_or(i64::MAX, Timestamp::as_millis);
    let bytes = window.to_bytes();
    match found {
        Some((number, _)) => conn
            .prepare_cached("UPDATE rates SET window = ?2, expires = ?3 WHERE number = ?1")?
            .execute(params![number, bytes, expires])?,
        None => conn
            .prepare_cached(
                "INSERT INTO rates (subject, name, scope, tenant, window, expires) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![subject, name, scope.as_str(), tenant, bytes, expires])?,
    };
    Ok(turn)
}

/// Removes windows that count nothing any more.
pub(crate) fn forget(conn: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    conn.prepare_cached(
        "DELETE FROM rates WHERE number IN (SELECT number FROM rates INDEXED BY rates_expires \
         WHERE expires <= ?1 ORDER BY expires LIMIT ?2)",
    )?
    .execute(params![now.as_millis(), integer(limit)])
}
