//! One drain of the queue: many jobs, one transaction, one flush, then the answers.

use fail::fail_point;
use runcor_core::{EventFeed, StoreError};
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::checkpoint::Checkpointer;
use crate::config::Durability;
use crate::connection::Place;
use crate::counters::Counters;
use crate::error::{Error, from_sqlite, is_io_failure};
use crate::job::{Job, Outcome, Taken};
use crate::ledger::Books;
use crate::readers::Readers;
use crate::statistics::SqliteStatistics;
use crate::{apply, claim, event};

/// The most jobs of one transaction.
const MOST_JOBS: usize = 512;

/// The writer's desk: the only writing connection and what belongs to it.
#[derive(Debug)]
pub(crate) struct Desk {
    place: Place,
    feed: EventFeed,
    readers: Readers,
    /// `None` after a failure of the file, until it could be opened again.
    session: Option<Session>,
    /// Whether the log may hold what is answered and not on the disk.
    in_doubt: bool,
    checkpointer: Checkpointer,
    statistics: SqliteStatistics,
}

/// A connection, the numbers that were read over it, and the books of its transactions.
#[derive(Debug)]
struct Session {
    conn: Connection,
    counters: Counters,
    books: Books,
}

/// Why a transaction did not come about.
enum Failure {
    /// There is no connection; nothing was done.
    Away(StoreError),
    /// A statement failed before the commit.
    Statement(rusqlite::Error),
    /// The commit failed: it is not known whether it is on the disk.
    Commit(rusqlite::Error),
}

impl Desk {
    /// Takes over a new connection and ends the leases of earlier processes:
    /// the lock of the file proves that all of them are dead.
    pub(crate) fn new(
        place: Place,
        feed: EventFeed,
        conn: Connection,
        readers: Readers,
    ) -> Result<Self, StoreError> {
        let prepare = || -> rusqlite::Result<Counters> {
            conn.execute("DELETE FROM leases", [])?;
            Counters::load(&conn)
        };
        let counters = prepare().map_err(|error| from_sqlite(&error))?;
        let session = Some(Session { conn, counters, books: Books::default() });
        let checkpointer = Checkpointer::new(place.config.log_bytes);
        let statistics = SqliteStatistics::default();
        Ok(Self { place, feed, readers, session, in_doubt: false, checkpointer, statistics })
    }

    /// Returns what counts the work.
    pub(crate) fn statistics(&self) -> SqliteStatistics {
        self.statistics.clone()
    }

    /// Writes a job and whatever else is queued, and answers everybody.
    pub(crate) fn serve(&mut self, first: Job, more: impl FnMut() -> Option<Job>) {
        let mut taken = vec![Taken::new(first)];
        match self.transaction(&mut taken, more) {
            Ok(()) => self.finish(taken),
            Err(Failure::Statement(error)) if taken.len() > 1 && !is_io_failure(&error) => {
                // One job spoils the transaction of all: each gets its own.
                self.roll_back(&error);
                taken.into_iter().for_each(|taken| self.serve_alone(taken));
            }
            Err(failure) => self.refuse(taken, failure),
        }
    }

    fn serve_alone(&mut self, taken: Taken) {
        let mut taken = vec![Taken { outcome: None, ..taken }];
        match self.transaction(&mut taken, || None) {
            Ok(()) => self.finish(taken),
            Err(failure) => self.refuse(taken, failure),
        }
    }

    fn transaction(
        &mut self,
        taken: &mut Vec<Taken>,
        mut more: impl FnMut() -> Option<Job>,
    ) -> Result<(), Failure> {
        let retention = self.place.config.event_retention;
        let Session { conn, counters, books } = self.session().map_err(Failure::Away)?;
        let before = *counters;
        let mut write = || -> rusqlite::Result<()> {
            run(conn, "BEGIN IMMEDIATE")?;
            let mut next = 0;
            while let Some(this) = taken.get_mut(next) {
                this.outcome = Some(work(conn, &this.job, counters, books)?);
                next += 1;
                if next == taken.len() && next < MOST_JOBS {
                    taken.extend(more().map(Taken::new));
                }
            }
            event::prune(conn, retention, counters)?;
            books.save(conn)?;
            counters.save(conn)
        };
        let written = write().map_err(Failure::Statement);
        fail_point!("sqlite.before_commit");
        let committed = written.and_then(|()| run(conn, "COMMIT").map_err(Failure::Commit));
        fail_point!("sqlite.after_commit_before_answer");
        if committed.is_err() {
            *counters = before;
            books.forget();
        }
        committed
    }

    /// Publishes and answers; only then looks after the log, so that nobody waits for that.
    fn finish(&mut self, mut taken: Vec<Taken>) {
        let jobs = taken.len();
        let bytes = taken.iter().map(Taken::bytes).sum();
        self.statistics.note(taken.iter().filter(|taken| taken.has_written()).count());
        taken.iter_mut().for_each(|taken| taken.publish(&self.feed));
        taken.into_iter().for_each(Taken::answer);
        self.look_after_log(|checkpointer, conn| checkpointer.after_commit(conn, jobs, bytes));
    }

    fn refuse(&mut self, taken: Vec<Taken>, failure: Failure) {
        let error = match failure {
            Failure::Away(error) => error,
            Failure::Statement(error) | Failure::Commit(error) => {
                self.roll_back(&error);
                from_sqlite(&error)
            }
        };
        tracing::warn!(%error, batches = taken.len(), "a transaction failed");
        if matches!(error, StoreError::Full { .. }) {
            // What stands in the file already frees its place in the log.
            self.do_chores();
        }
        taken.into_iter().for_each(|taken| taken.fail(error.clone()));
    }

    /// Takes the transaction back. After a failure of the file the connection
    /// is given up: what a failed flush has lost, a second flush does not find.
    ///
    /// The pages of the transaction may stand in the log for all that. The index
    /// of the log, which the readers keep, ends before them, and the next
    /// transaction takes their place.
    fn roll_back(&mut self, error: &rusqlite::Error) {
        match &self.session {
            Some(_) if is_io_failure(error) => self.give_up(),
            Some(session) if !session.conn.is_autocommit() => {
                if let Err(error) = run(&session.conn, "ROLLBACK") {
                    tracing::warn!(%error, "a transaction can't be taken back");
                    self.give_up();
                }
            }
            _ => {}
        }
    }

    /// Closes the connection, and keeps it from touching the file on the way.
    fn give_up(&mut self) {
        if let Some(Session { conn, .. }) = self.session.take() {
            let kept = conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            if let Err(error) = kept {
                tracing::warn!(%error, "the connection may make a checkpoint while it closes");
            }
        }
    }

    fn reopen(&mut self) -> Result<Connection, StoreError> {
        // Without readers the log is read anew, and with it what a failed flush has lost.
        if !self.in_doubt && self.readers.are_open() {
            return self.place.reopen();
        }
        let conn = self.readers.while_away(&self.place, || self.place.reopen_in_doubt())?;
        self.in_doubt = false;
        Ok(conn)
    }

    fn session(&mut self) -> Result<&mut Session, StoreError> {
        let session = match self.session.take() {
            Some(session) => session,
            None => {
                let conn = self.reopen()?;
                let counters = Counters::load(&conn).map_err(|error| from_sqlite(&error))?;
                tracing::info!("the database was opened again");
                Session { conn, counters, books: Books::default() }
            }
        };
        Ok(self.session.insert(session))
    }

    /// Returns whether idle time is of use.
    pub(crate) fn has_chores(&self) -> bool {
        self.session.is_some() && self.checkpointer.is_behind()
    }

    /// Uses an idle moment to bring the log into the file.
    pub(crate) fn do_chores(&mut self) {
        self.look_after_log(Checkpointer::when_idle);
    }

    /// Brings the whole log into the file and closes the connection.
    pub(crate) fn close(mut self) {
        // The log can be removed only when nobody reads any more.
        self.readers.shut();
        self.look_after_log(Checkpointer::at_the_end);
        if let Some(Session { conn, .. }) = self.session.take()
            && let Err((_, error)) = conn.close()
        {
            tracing::warn!(%error, "the database was not closed cleanly");
        }
    }

    fn look_after_log(&mut self, work: impl FnOnce(&mut Checkpointer, &Connection) -> bool) {
        let Some(session) = &self.session else { return };
        if !work(&mut self.checkpointer, &session.conn) {
            // Where every commit is flushed before it is answered, the log is on the disk.
            self.in_doubt |= self.place.config.durability != Durability::Full;
            self.give_up();
        }
    }
}

/// Does one job inside the transaction.
fn work(
    conn: &Connection,
    job: &Job,
    counters: &mut Counters,
    books: &mut Books,
) -> rusqlite::Result<Outcome> {
    let outcome = match job {
        Job::Claim { request, .. } => claim::claim(conn, request).and_then(|claimed| {
            let first_event = event::append(conn, &claimed.events, counters)?;
            Ok(Outcome::Claimed { claimed, first_event })
        }),
        Job::Commit { batch, .. } => {
            let before = (*counters, books.mark());
            // Most batches begin with their only precondition and need no savepoint.
            if batch.may_fail_midway {
                run(conn, "SAVEPOINT batch")?;
            }
            let applied = apply::batch(conn, batch, counters, books);
            if batch.may_fail_midway {
                if matches!(applied, Err(Error::Store(_))) {
                    run(conn, "ROLLBACK TO batch")?;
                    *counters = before.0;
                    books.return_to(before.1);
                }
                if !matches!(applied, Err(Error::Sqlite(_))) {
                    run(conn, "RELEASE batch")?;
                }
            }
            applied.and_then(|receipt| {
                let first_event = event::append(conn, &batch.events, counters)?;
                Ok(Outcome::Applied { receipt, first_event })
            })
        }
    };
    match outcome {
        Ok(outcome) => Ok(outcome),
        Err(Error::Store(refusal)) => Ok(Outcome::Refused(refusal)),
        Err(Error::Sqlite(error)) => Err(error),
    }
}

fn run(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use runcor_core::{Batch, Event};
    use tokio::sync::oneshot;

    use super::*;
    use crate::config::SqliteConfig;
    use crate::encode::Encoder;

    fn desk(dir: &tempfile::TempDir) -> Desk {
        let path = dir.path().join("runcor.db");
        let place = Place { path, config: SqliteConfig::default() };
        let conn = place.open().unwrap();
        let readers = Readers::open(&place).unwrap();
        Desk::new(place, EventFeed::new(), conn, readers).unwrap()
    }

    fn emit(desk: &mut Desk) -> Result<(), StoreError> {
        let batch = Encoder::default().batch(Batch::new().emit_all(vec![Event::Ready])).unwrap();
        let (reply, mut answer) = oneshot::channel();
        desk.serve(Job::Commit { batch, reply }, || None);
        answer.try_recv().unwrap().into_result().map(|_| ())
    }

    fn failure(code: std::ffi::c_int) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)
    }

    #[test]
    fn after_a_failed_flush_the_connection_is_opened_again_and_the_numbers_go_on() {
        let dir = tempfile::tempdir().unwrap();
        let mut desk = desk(&dir);
        emit(&mut desk).unwrap();
        let error = failure(rusqlite::ffi::SQLITE_IOERR_FSYNC);
        desk.refuse(Vec::new(), Failure::Commit(error));
        assert!(desk.session.is_none());
        emit(&mut desk).unwrap();
        assert_eq!(desk.session.as_ref().unwrap().counters.next_event, 3);
        desk.close();
    }

    #[test]
    fn while_the_file_is_away_commits_are_refused_and_then_they_work_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut desk = desk(&dir);
        emit(&mut desk).unwrap();
        desk.session = None;
        let (here, away) = (desk.place.path.clone(), dir.path().join("away"));
        std::fs::rename(&here, &away).unwrap();
        let error = emit(&mut desk).unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }) && error.is_temporary());
        std::fs::rename(&away, &here).unwrap();
        emit(&mut desk).unwrap();
        desk.close();
    }

    #[test]
    fn a_transaction_that_is_given_up_uses_no_number() {
        let dir = tempfile::tempdir().unwrap();
        let mut desk = desk(&dir);
        let conn = &desk.session.as_ref().unwrap().conn;
        conn.execute_batch(
            "CREATE TEMP TRIGGER no BEFORE INSERT ON events BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
        )
        .unwrap();
        assert!(emit(&mut desk).is_err());
        let session = desk.session.as_ref().unwrap();
        assert_eq!(session.counters.next_event, 1);
        session.conn.execute_batch("DROP TRIGGER no").unwrap();
        emit(&mut desk).unwrap();
        desk.close();
    }
}
