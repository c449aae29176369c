//! Meeting a place in the journal: what is remembered there, and whether it still fits.

use serde_json::Value;

use super::context::FlowContext;
use super::definition::Divergence;
use super::error::FlowError;
use super::hash::RequestHash;
use super::journal::{JournalEntry, JournalKind, Outcome, Spend, StepFailure};
use super::path::{Loan, Place};
use super::wait::{Suspension, WaitKind, WaitSignal};
use crate::error::{Error, ErrorCode, Result};
use crate::store::Op;
use crate::time::Timestamp;

/// A place in the journal that the handler has come to.
#[derive(Debug, Clone)]
pub(crate) struct Met {
    ctx: FlowContext,
    place: Place,
    path: String,
    kind: JournalKind,
    request: Option<RequestHash>,
    /// What stands there already and fits.
    found: Option<JournalEntry>,
    note: Option<Value>,
}

impl FlowContext {
    /// Comes to the next place of a name and looks what stands there.
    pub(crate) async fn meet(
        &self,
        name: &str,
        kind: JournalKind,
        request: Option<RequestHash>,
    ) -> Result<Met> {
        self.meet_with(name, kind, request, self.on_divergence()).await
    }

    /// As [`meet`](Self::meet), with a rule of its own for what no longer fits.
    pub(crate) async fn meet_with(
        &self,
        name: &str,
        kind: JournalKind,
        request: Option<RequestHash>,
        divergence: Divergence,
    ) -> Result<Met> {
        let place = self.counts().meet(name, request);
        let path = place.path();
        let mut met =
            Met { ctx: self.clone(), place, path, kind, request, found: None, note: None };
        match self.journal().find(&met.path).await? {
            Some(entry) if met.fits(&entry) => met.found = Some(entry),
            Some(entry) => match divergence {
                Divergence::Fail => return Err(met.diverged(&entry)),
                // It is rare, and would make the futures of all steps larger.
                Divergence::Rerun => Box::pin(met.clear(entry)).await?,
            },
            None => {}
        }
        Ok(met)
    }
}

impl Met {
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Returns what an unanswered entry has noted.
    pub(crate) fn note(&self) -> Option<&Value> {
        self.note.as_ref().or_else(|| self.found.as_ref()?.note.as_ref())
    }

    pub(crate) fn with_note(mut self, note: Value) -> Self {
        self.note = Some(note);
        self
    }

    /// Returns the value that is remembered here, or the failure as an error.
    pub(crate) fn remembered(&self) -> Result<Option<Value>, FlowError> {
        match self.found.as_ref().and_then(JournalEntry::outcome) {
            Some(Outcome::Done(value)) => Ok(Some(value.clone())),
            Some(Outcome::Failed(failure)) => Err(FlowError::remembered(failure)),
            _ => Ok(None),
        }
    }

    /// Returns whether it was begun before, and nobody knows what came of it.
    pub(crate) fn is_unsure(&self) -> bool {
        self.found.as_ref().is_some_and(|entry| entry.answer.is_none())
    }

    /// Returns the entry that says that it begins now.
    pub(crate) fn intent(&self) -> JournalEntry {
        JournalEntry {
            request: self.request,
            attempts: self.found.as_ref().map_or(0, |entry| entry.attempts).saturating_add(1),
            note: self.note().cloned(),
            ..JournalEntry::intent(&self.path, self.kind, self.ctx.now())
        }
    }

    /// Returns the pause of a wait that stands here, begun now or earlier.
    pub(crate) fn pause(&self, kind: WaitKind, signal: WaitSignal) -> Suspension {
        let (since, intents) = match &self.found {
            Some(entry) => (entry.begun, Vec::new()),
            None => (self.ctx.now(), vec![self.intent()]),
        };
        Suspension {
            kind,
            signal,
            path: Some(self.path.clone()),
            since: Some(since),
            intents,
            ..Suspension::default()
        }
    }

    /// Writes what came of what stands here, begun at the same instant.
    pub(crate) async fn conclude(self, outcome: Outcome) -> Result<()> {
        let intent = match &self.found {
            Some(entry) => entry.clone(),
            None => self.intent(),
        };
        self.end(intent, outcome, None).await
    }

    /// Writes what came of `intent`.
    pub(crate) async fn end(
        &self,
        intent: JournalEntry,
        outcome: Outcome,
        spend: Option<Spend>,
    ) -> Result<()> {
        self.end_with(intent, outcome, spend, Vec::new()).await
    }

    /// Writes what came of `intent`, together with something else.
    pub(crate) async fn end_with(
        &self,
        intent: JournalEntry,
        outcome: Outcome,
        spend: Option<Spend>,
        with: Vec<Op>,
    ) -> Result<()> {
        let entry = JournalEntry { spend, ..intent.with_outcome(outcome, self.ctx.now()) };
        self.ctx.journal().end(entry, false, with).await
    }

    /// Notes what came of something that changes nothing, to be written with what comes next.
    pub(crate) fn note_end(&self, outcome: Outcome) {
        let entry = self.intent().with_outcome(outcome, self.ctx.now());
        self.ctx.journal().note(Some(entry), Vec::new());
    }

    /// Returns what the answer that is remembered here has cost.
    pub(crate) fn spend(&self) -> Option<&Spend> {
        self.found.as_ref()?.spend.as_ref()
    }

    /// Makes the place free of what has diverged, so that whatever comes now
    /// may be noted there, be it a step, a wait or a call.
    async fn clear(&self, old: JournalEntry) -> Result<()> {
        let free = JournalEntry {
            request: self.request,
            attempts: old.attempts,
            ..JournalEntry::intent(&self.path, self.kind, old.begun)
        };
        let free = free.with_outcome(Outcome::NotDone, self.ctx.now());
        self.ctx.journal().end(free, true, Vec::new()).await
    }

    /// Writes the intent before, or while, anything happens.
    pub(crate) async fn begin(&self, intent: JournalEntry) -> Result<()> {
        self.ctx.journal().begin(intent).await
    }

    /// Leaves the place to whoever meets the name next.
    pub(crate) fn give_back(&self) {
        self.ctx.counts().give_back(&self.place);
    }

    /// Leaves the place to whoever meets the name next, unless it is kept
    /// before the loan is dropped, be it with the future that holds it.
    pub(crate) fn lend(&self) -> Loan<'_> {
        self.ctx.counts().lend(&self.place)
    }

    pub(crate) fn begun(&self) -> Option<Timestamp> {
        self.found.as_ref().map(|entry| entry.begun)
    }

    fn fits(&self, entry: &JournalEntry) -> bool {
        let same_request = match (self.request, entry.request) {
            (Some(now), Some(then)) => now == then,
            _ => true,
        };
        // A question that nobody answered had no effect: another one may take its place.
        let is_open_question = self.kind == JournalKind::Model && entry.answer.is_none();
        entry.kind == self.kind && (same_request || is_open_question)
    }

    fn diverged(&self, entry: &JournalEntry) -> Error {
        let hash = |hash: Option<RequestHash>| {
            hash.map_or_else(|| "no hash".to_owned(), |hash| hash.to_string())
        };
        let message = format!(
            "the flow asks something else at {path} than when it ran before: the journal has a {then_kind} ({then}), the flow now asks for a {now_kind} ({now}); \
             give changed steps new names, or set on_divergence: rerun to run them again",
            path = self.path,
            then_kind = entry.kind.as_str(),
            then = hash(entry.request),
            now_kind = self.kind.as_str(),
            now = hash(self.request),
        );
        let details = serde_json::json!({
            "path": self.path,
            "journal": { "kind": entry.kind, "hash": entry.request },
            "flow": { "kind": self.kind, "hash": self.request },
        });
        Error::new(ErrorCode::JournalDiverged, message).with_details(details)
    }
}

impl FlowError {
    /// Makes the error of a failure that the journal remembers.
    fn remembered(failure: &StepFailure) -> Self {
        Self::with_code(failure.code.clone(), failure.message.clone())
    }
}
