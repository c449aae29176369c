//! Forks: a new execution that takes over what an old one did before a place in its journal.

use std::sync::Arc;

use runcor_core::{
    Batch, Error, ErrorCode, Execution, ExecutionId, ExecutionSpec, Fork, ForkOrigin,
    IdempotencyKey, JournalEntry, Op, Outcome, Result, Timeline,
};
use serde_json::{Value, json};

use crate::operations::not_found;
use crate::policy::Allowed;
use crate::shared::Shared;

impl Shared {
    pub(crate) async fn timeline(&self, id: ExecutionId) -> Result<Timeline> {
        let execution = self.execution(id).await?;
        Ok(Timeline::of(execution, self.store.journal(id).await?))
    }

    pub(crate) async fn journal_value(&self, id: ExecutionId, path: &str) -> Result<Value> {
        self.execution(id).await?;
        let value = self.store.journal_value(id, path).await?;
        value.ok_or_else(|| {
            let message = format!("execution {id} has no result at {path:?}");
            Error::new(ErrorCode::EntryNotFound, message)
        })
    }

    pub(crate) async fn fork(
        self: &Arc<Self>,
        id: ExecutionId,
        fork: Fork,
        allowed: Allowed,
    ) -> Result<Execution> {
        self.check_ready()?;
        let original = self.execution(id).await?;
        let flow = self.registry.active(original.spec.flow.as_str())?;
        let journal = self.store.journal(id).await?;
        let position = position(id, &journal, fork.at.as_deref())?;
        let at = journal.get(position).map(|entry| entry.path.clone()).unwrap_or_default();
        let has_other_input = fork.input.is_some();
        let spec = self.fork_spec(&original, fork, at.clone())?;
        flow.check_input(&spec.input)?;
        let mut entries = taken_over(journal, position, &at);
        for entry in &mut entries {
            self.load(id, entry).await?;
            if has_other_input {
                // What was asked before may depend on the old input; it is reused all the same.
                entry.request = None;
            }
        }
        let seed = Batch::new().with(Op::Seed { id: spec.id, entries });
        Ok(self.enqueue(spec, allowed, seed).await?.execution)
    }

    fn fork_spec(&self, original: &Execution, fork: Fork, at: String) -> Result<ExecutionSpec> {
        let now = self.now();
        let (of, id) = (original.id(), ExecutionId::mint(now));
        let key = fork.idempotency_key.unwrap_or_else(|| format!("fork:{of}:{id}"));
        let key = IdempotencyKey::new(key).map_err(|error| {
            Error::new(ErrorCode::ValidationError, error.to_string())
                .with_details(json!({ "field": "idempotencyKey", "reason": "invalid" }))
        })?;
        let old = &*original.spec;
        Ok(ExecutionSpec {
            id,
            idempotency_key: key,
            input: fork.input.unwrap_or_else(|| old.input.clone()),
            replay_of: None,
            parent: None,
            fork: Some(Box::new(ForkOrigin { of, at, changes: fork.changes })),
            queued_at: now,
            ..old.clone()
        })
    }

    /// Brings a result that is kept apart.
    async fn load(&self, id: ExecutionId, entry: &mut JournalEntry) -> Result<()> {
        if let Some(answer) = &mut entry.answer
            && matches!(answer.outcome, Outcome::Spilled { .. })
        {
            let value = self.store.journal_value(id, &entry.path).await?;
            // It may have been removed since its journal was read.
            answer.outcome = Outcome::Done(value.ok_or_else(|| not_found(id))?);
        }
        Ok(())
    }
}

/// Finds the place from which on everything is done anew; without a wish, the beginning.
fn position(id: ExecutionId, journal: &[JournalEntry], at: Option<&str>) -> Result<usize> {
    let Some(at) = at else { return Ok(0) };
    let by_path = journal.iter().position(|entry| entry.path == at);
    let by_number = || at.parse::<usize>().ok()?.checked_sub(1).filter(|at| *at < journal.len());
    by_path.or_else(by_number).ok_or_else(|| {
        let known: Vec<_> = journal.iter().take(20).map(|entry| entry.path.as_str()).collect();
        let message = if known.is_empty() {
            format!("execution {id} has done nothing yet, so there is no {at:?} to fork it at")
        } else {
            format!("execution {id} has nothing at {at:?}; it has {}", known.join(", "))
        };
        Error::new(ErrorCode::EntryNotFound, message)
    })
}

/// Returns what a fork takes over: everything answered before the place, but
/// nothing that the place lies in or that lies in it.
fn taken_over(journal: Vec<JournalEntry>, position: usize, at: &str) -> Vec<JournalEntry> {
    let contains = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
    };
    let before = journal.into_iter().take(position);
    let reused = before.filter(|entry| {
        entry.outcome().is_some() && !contains(&entry.path, at) && !contains(at, &entry.path)
    });
    reused.map(|entry| JournalEntry { reused: true, ..entry }).collect()
}

#[cfg(test)]
mod tests {
    use runcor_core::{JournalKind, Timestamp};

    use super::*;

    fn done(path: &str) -> JournalEntry {
        JournalEntry::done(path, JournalKind::Step, json!(1), Timestamp::from_millis(1))
    }

    #[test]
    fn a_fork_takes_over_what_was_answered_before_its_place() {
        let open = JournalEntry::intent("b#1", JournalKind::Step, Timestamp::from_millis(1));
        let journal = vec![done("a#1"), open, done("c#1"), done("d#1")];
        let taken = taken_over(journal, 2, "c#1");
        assert_eq!(taken, [JournalEntry { reused: true, ..done("a#1") }]);
    }

    #[test]
    fn a_fork_inside_a_step_runs_that_step_again() {
        let journal = vec![done("a#1"), done("s#1"), done("s#1/x#1"), done("s#1/y#1")];
        let paths: Vec<_> = taken_over(journal, 3, "s#1/y#1").into_iter().map(|e| e.path).collect();
        assert_eq!(paths, ["a#1", "s#1/x#1"]);
        let journal = vec![done("s#1/x#1"), done("s#1")];
        assert!(taken_over(journal, 1, "s#1").is_empty());
    }

    #[test]
    fn a_place_is_named_by_its_path_or_its_number() {
        let id = ExecutionId::mint(Timestamp::from_millis(1));
        let journal = [done("a#1"), done("2")];
        assert_eq!(position(id, &journal, None).unwrap(), 0);
        assert_eq!(position(id, &journal, Some("a#1")).unwrap(), 0);
        assert_eq!(position(id, &journal, Some("2")).unwrap(), 1);
        for wrong in ["0", "3", "b#1"] {
            let error = position(id, &journal, Some(wrong)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::EntryNotFound, "{wrong}");
        }
    }
}
