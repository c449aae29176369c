//! Memories, evaluations and flags: readable, counted, and found by what they say.

use rusqlite::Connection;

use super::report::Report;
use crate::decode::{self, FLAG_COLUMNS, MEMORY_COLUMNS};
use crate::error::Error;

pub(super) fn check(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    memories(conn, report)?;
    spaces(conn, report)?;
    evaluations(conn, report)?;
    flags(conn, report)
}

fn memories(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    let mut statement = conn.prepare(&format!(
        "SELECT {MEMORY_COLUMNS}, version > (SELECT coalesce(max(value), 0) FROM counters \
         WHERE name = 'writing') AS is_new, \
         NOT EXISTS (SELECT 1 FROM memory_spaces WHERE memory_spaces.number = space) AS strays \
         FROM memories"
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        report.checked.memories += 1;
        let place = format!("entry {} of a memory", row.get::<_, i64>(0)?);
        if let Err(error) = decode::memory(row) {
            report.find("memories-can-be-read", &place, error.to_string());
        }
        report.find_all(
            "memories-are-whole",
            &place,
            [
                (row.get("is_new")?, "its version was not given out yet"),
                (row.get("strays")?, "its memory is not there"),
            ],
        );
    }
    Ok(())
}

fn spaces(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    let mut statement = conn.prepare(
        "SELECT number, scope, entries, (SELECT count(*) FROM memories WHERE space = \
         memory_spaces.number) FROM memory_spaces",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let place = format!("memory {}", row.get::<_, i64>(0)?);
        let scope: String = row.get(1)?;
        let (entries, counted): (i64, i64) = (row.get(2)?, row.get(3)?);
        let is_known = ["tool", "user", "session"].contains(&scope.as_str());
        report.find_all(
            "memories-are-whole",
            &place,
            [
                (!is_known, "there is no such scope"),
                (entries != counted, "it has another number of keys"),
                (counted == 0, "it has no keys"),
            ],
        );
    }
    Ok(())
}

fn evaluations(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    let mut statement =
        conn.prepare("SELECT number, body, id, flow, tenant, at FROM evaluations")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let place = format!("evaluation {}", row.get::<_, i64>(0)?);
        let found = match decode::evaluation(row) {
            Ok(found) => found,
            Err(error) => {
                report.find("quality-can-be-read", &place, error.to_string());
                continue;
            }
        };
        let columns = (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
        let derived: (Vec<u8>, String, String, i64) = (
            found.execution_id.as_bytes().to_vec(),
            found.flow_name.into(),
            found.tenant_id.map(String::from).unwrap_or_default(),
            found.timestamp.as_millis(),
        );
        if columns != derived {
            report.find("columns-agree", &place, "it is found by something that it does not say");
        }
    }
    Ok(())
}

fn flags(conn: &Connection, report: &mut Report) -> Result<(), Error> {
    let mut statement = conn.prepare(&format!("SELECT number, {FLAG_COLUMNS} FROM flags"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(error) = decode::flag(row) {
            let place = format!("flag {}", row.get::<_, i64>(0)?);
            report.find("quality-can-be-read", &place, error.to_string());
        }
    }
    Ok(())
}
