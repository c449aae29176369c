//! Waiting for an execution until it has ended or waits for somebody.

use std::collections::HashSet;
use std::time::Duration;

use runcor::engine::{Clock, SystemClock};
use serde_json::Value;

use crate::failure::Failure;
use crate::figures;
use crate::summary::text;
use crate::target::Target;
use crate::waiting::{self, Kind};

/// The pauses between two looks at an execution that is waited for.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Who sleeps longer than this is not waited for.
const LONGEST_SLEEP: i64 = 60_000;

/// The code of a failure to see the end in time.
pub(crate) const WAIT_LIMIT: &str = "WAIT_LIMIT";

impl Target {
    /// Waits until an execution has ended or waits for somebody; gives up after `limit`.
    pub(crate) async fn settled(
        &self,
        mut execution: Value,
        limit: Option<Duration>,
    ) -> Result<Value, Failure> {
        let id = text(&execution["id"]).to_owned();
        let looking = async {
            let mut pause = FIRST_PAUSE;
            while !self.is_settled(&execution).await? {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                execution = self.get(&id).await?;
            }
            Ok(execution)
        };
        let Some(limit) = limit else { return looking.await };
        tokio::time::timeout(limit, looking).await.unwrap_or_else(|_| {
            let advice = if self.is_local() {
                "it goes on as soon as this project runs again, as with `runcor dev`".to_owned()
            } else {
                format!("look with `runcor status {id}`")
            };
            Err(Failure::new(WAIT_LIMIT, format!("execution {id} has not ended yet; {advice}")))
        })
    }

    /// Returns whether an execution will not go on by itself soon.
    ///
    /// One that has called others goes on when the first of them ends, so it
    /// is settled when all of them are.
    async fn is_settled(&self, execution: &Value) -> Result<bool, Failure> {
        if matches!(text(&execution["state"]), "complete" | "failed") {
            return Ok(true);
        }
        let mut seen = HashSet::new();
        let mut calls = match stands(execution) {
            Stands::Still => return Ok(true),
            Stands::Moves => return Ok(false),
            Stands::Calls(children) => children,
        };
        while let Some(child) = calls.pop() {
            if !seen.insert(child.clone()) {
                continue;
            }
            match stands(&self.get(&child).await?) {
                Stands::Still => {}
                Stands::Moves => return Ok(false),
                Stands::Calls(children) => calls.extend(children),
            }
        }
        Ok(true)
    }
}

/// Whether an execution moves, or whose end would move it.
enum Stands {
    Still,
    Moves,
    Calls(Vec<String>),
}

fn stands(execution: &Value) -> Stands {
    let wait = &execution["waitContext"];
    match waiting::kind(execution) {
        // One that has ended wakes its caller.
        None => Stands::Moves,
        Some(Kind::Call) => {
            Stands::Calls(waiting::called(wait).into_iter().map(str::to_owned).collect())
        }
        Some(Kind::Sleep) => {
            let left = figures::millis(&wait["wakeAt"]).unwrap_or(i64::MAX);
            let left = left.saturating_sub(SystemClock.now().as_millis());
            if left <= LONGEST_SLEEP { Stands::Moves } else { Stands::Still }
        }
        Some(_) => Stands::Still,
    }
}
