//! The end of a campaign: everything has to have ended, and nothing may be amiss.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::campaign::{Campaign, Life, PATIENCE};
use crate::chance::Chance;
use crate::oracle::{Cancel, Known, State};

/// How many timelines are looked at.
const TIMELINES: usize = 300;

/// What the list of all executions says.
#[derive(Default)]
struct Listed {
    /// How often each was listed, and its state.
    executions: HashMap<Uuid, (u64, Option<State>)>,
    /// How many there are of each key and flow.
    keys: HashMap<(String, String), u64>,
    /// How many children were called from each place of a parent, and those that were cancelled.
    children: HashMap<(Uuid, String), u64>,
    cancelled: Vec<(Uuid, Uuid)>,
    /// How many replays there are of each.
    replays: HashMap<Uuid, u64>,
}

impl Campaign {
    /// Lets everything end in a process that is not killed, and looks at all of it.
    pub(crate) async fn finish(&mut self) -> Result<()> {
        self.oracle.begin(self.report.cycles + 1);
        let life = self.last_life().await?;
        let mut again = self.load.again(&life.api, &self.oracle);
        while again.join_next().await.is_some() {}
        self.drain(&life).await;
        let listed = self.list(&life).await?;
        self.compare(&listed);
        self.look_at_timelines(&life).await?;
        self.stop(life).await?;
        self.look_into_the_file()?;
        self.verify().await
    }

    /// Answers what waits until nothing is unfinished, as long as there is progress.
    async fn drain(&self, life: &Life) {
        let mut progress = (0, 0, Instant::now());
        loop {
            let (unfinished, events) = {
                let known = self.oracle.known();
                (known.unfinished, known.counts.events)
            };
            if unfinished == 0 {
                return;
            }
            if (unfinished, events) != (progress.0, progress.1) {
                progress = (unfinished, events, Instant::now());
            }
            if progress.2.elapsed() > PATIENCE {
                return self.stuck();
            }
            for id in self.oracle.waiting() {
                life.api.answer(id, 1).await;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn stuck(&self) {
        let known = &mut *self.oracle.known();
        let open = known.executions.iter().filter(|(_, execution)| execution.end.is_none());
        let open: Vec<_> = open.map(|(id, execution)| (*id, execution.state)).collect();
        for (id, state) in open.into_iter().take(20) {
            let what = format!("it does not end: {state:?}, and nothing happens for {PATIENCE:?}");
            known.broken("R1", Some(id), what);
        }
    }

    async fn list(&self, life: &Life) -> Result<Listed> {
        let mut listed = Listed::default();
        let list = life.api.all(|execution| {
            let Some(id) = self.oracle.shown(execution, true) else { return };
            let state = execution["state"].as_str().and_then(State::named);
            let times = listed.executions.entry(id).or_insert((0, state));
            times.0 += 1;
            let text = |key: &str| execution[key].as_str().unwrap_or_default().to_owned();
            if let Some(parent) = execution["parent"]["id"].as_str().and_then(|id| id.parse().ok())
            {
                let path = plain(&execution["parent"]["path"]);
                *listed.children.entry((parent, path)).or_default() += 1;
                if execution["error"]["code"] == "CANCELLED" {
                    listed.cancelled.push((parent, id));
                }
            }
            match execution["replayOf"].as_str().and_then(|id| id.parse().ok()) {
                Some(original) => *listed.replays.entry(original).or_default() += 1,
                None => {
                    let key = (text("idempotencyKey"), text("flowName"));
                    *listed.keys.entry(key).or_default() += 1;
                }
            }
        });
        list.await?;
        Ok(listed)
    }

    /// Compares the list with all that was promised.
    fn compare(&mut self, listed: &Listed) {
        let known = &mut *self.oracle.known();
        let ids: Vec<_> = known.executions.keys().copied().collect();
        for id in ids {
            let problem =
                known.executions.get(&id).and_then(|execution| match listed.executions.get(&id) {
                    None if execution.accepted => Some("it was accepted and is not there"),
                    None => Some("it has called or was announced, and is not there"),
                    Some((1, Some(state))) if *state == execution.state => None,
                    Some((1, _)) => Some("its state is not the one that events told of"),
                    Some(_) => Some("it is listed more than once"),
                });
            if let Some(what) = problem {
                known.broken("R1", Some(id), what.to_owned());
            }
            known.judge(id);
        }
        for ((key, flow), times) in listed.keys.iter().filter(|(_, times)| **times > 1) {
            let what = format!("key {key:?} of flow {flow} stands for {times} executions");
            known.broken("R5", None, what);
        }
        for ((id, path), times) in listed.children.iter().filter(|(_, times)| **times > 1) {
            let what = format!("it has called {times} children from {path:?}");
            known.broken("R3", Some(*id), what);
        }
        for (parent, id) in &listed.cancelled {
            let cancel = known.executions.get(parent).map(|parent| parent.cancel);
            if !matches!(cancel, Some(Cancel::Asked | Cancel::Done)) {
                let what = format!("it is cancelled, and its parent {parent} never was");
                known.broken("R1", Some(*id), what);
            }
        }
        for (id, times) in &listed.replays {
            let asked = known.executions.get(id).map_or(0, |execution| execution.replays);
            if *times > asked {
                let what =
                    format!("it was asked to be replayed {asked} times and was {times} times");
                known.broken("R5", Some(*id), what);
            }
        }
        self.report.count(known, listed.replays.values().sum());
    }

    /// Looks at the timelines of some executions.
    async fn look_at_timelines(&mut self, life: &Life) -> Result<()> {
        let mut chance = Chance::new(self.seed, "timelines", 0);
        let ids: Vec<_> = self.oracle.known().executions.keys().copied().collect();
        for _ in 0..TIMELINES.min(ids.len()) {
            let Some(id) = chance.pick(&ids) else { break };
            let timeline = life.api.timeline(*id).await?;
            self.oracle.recounts(*id, &timeline);
            self.report.timelines += 1;
        }
        Ok(())
    }

    /// Stops the last process in good order.
    async fn stop(&self, mut life: Life) -> Result<()> {
        life.process.signal("TERM").await?;
        let status = timeout(PATIENCE, life.process.end()).await.context("it does not stop")??;
        if !status.success() {
            self.oracle.broken("R10", None, format!("told to stop, it ended with {status}"));
        }
        life.listener.await?;
        Ok(())
    }

    /// Has SQLite check the file.
    fn look_into_the_file(&mut self) -> Result<()> {
        let path = self.project.database();
        self.report.bytes = std::fs::metadata(&path)?.len();
        let conn = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut statement = conn.prepare("PRAGMA integrity_check")?;
        let says: Vec<String> =
            statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        if says != ["ok"] {
            self.oracle.broken("R1", None, format!("integrity_check says {says:?}"));
        }
        Ok(())
    }
}

/// Returns how many executions ended so.
pub(crate) fn ended(known: &Known, wanted: impl Fn(State, Option<&str>) -> bool) -> usize {
    let ends = known.executions.values().filter_map(|execution| execution.end.as_ref());
    ends.filter(|(end, _)| wanted(end.state, end.code.as_deref())).count()
}

/// Writes a value without quotes where it is a text.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
