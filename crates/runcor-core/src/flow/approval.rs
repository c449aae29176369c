//! Approvals: waits for a person who sees exactly what is approved.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::context::FlowContext;
use super::error::FlowError;
use super::hash::RequestHash;
use super::journal::JournalKind;
use super::meet::Met;
use super::wait::{Suspension, WaitKind, WaitSignal};
use crate::error::{Error, ErrorCode};
use crate::time::Timestamp;

/// The name under which approvals are journaled unless they get one.
const APPROVAL: &str = "approval";

/// What is to be approved.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    name: String,
    action: String,
    subject: Value,
    within: Option<Duration>,
}

impl Approval {
    /// Asks to approve `action`, such as `refund`, on exactly this `subject`.
    ///
    /// A subject that is not JSON is shown as `null`.
    #[must_use]
    pub fn of(action: impl Into<String>, subject: &impl Serialize) -> Self {
        let subject = serde_json::to_value(subject).unwrap_or_default();
        Self { name: APPROVAL.to_owned(), action: action.into(), subject, within: None }
    }

    /// Gives the approval a name of its own in the journal and in the timeline.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Lets the approval expire: the execution then fails with `WAIT_TIMEOUT`.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = Some(limit);
        self
    }

    fn request(&self) -> RequestHash {
        RequestHash::of(&json!([self.action, self.subject]))
    }
}

/// What somebody has decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalAnswer {
    /// Whether the action may go ahead.
    pub approved: bool,
    /// Who decided, as the decider says.
    #[serde(default)]
    pub by: Option<String>,
    /// What they have to say.
    #[serde(default)]
    pub note: Option<String>,
    /// When it was decided.
    pub at: Timestamp,
}

/// An approval that was asked for and perhaps not answered yet.
#[derive(Debug)]
pub struct OpenApproval {
    ctx: FlowContext,
    met: Met,
    approval: Approval,
    token: String,
}

impl FlowContext {
    /// Pauses until somebody approves or rejects, and returns what they decided.
    ///
    /// The execution shows the action, its subject and a token in its
    /// `waitData`; only a decision with that token is taken, once. When the
    /// flow later asks to approve something else at this place, the old
    /// decision does not count (`JOURNAL_DIVERGED`).
    ///
    /// # Errors
    /// Returns an error that pauses the flow and that the handler must pass on with `?`.
    pub async fn approval(&self, approval: Approval) -> Result<ApprovalAnswer, FlowError> {
        self.open_approval(approval).await?.answer().await
    }

    /// Opens an approval without waiting for it yet, so that its token can be
    /// sent to whoever is to decide.
    ///
    /// # Errors
    /// Fails when the journal can't be written, or no token can be drawn.
    pub async fn open_approval(&self, approval: Approval) -> Result<OpenApproval, FlowError> {
        let met =
            self.meet(&approval.name, JournalKind::Approval, Some(approval.request())).await?;
        let noted = met.note().and_then(|note| note.get("token")).and_then(Value::as_str);
        let (met, token) = match noted.map(str::to_owned) {
            Some(token) => (met, token),
            None => {
                let token = draw_token()?;
                let met = met.with_note(json!({ "token": token }));
                if met.remembered()?.is_none() {
                    met.begin(met.intent()).await.inspect_err(|_| met.give_back())?;
                }
                (met, token)
            }
        };
        Ok(OpenApproval { ctx: self.clone(), met, approval, token })
    }
}

impl OpenApproval {
    /// Returns the token with which a decision has to come; it is valid once.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Pauses until somebody decides.
    ///
    /// # Errors
    /// As [`FlowContext::approval`].
    #[expect(clippy::unused_async, reason = "every wait is awaited")]
    pub async fn answer(self) -> Result<ApprovalAnswer, FlowError> {
        if let Some(answer) = self.met.remembered()? {
            return serde_json::from_value(answer).map_err(|error| {
                let message =
                    format!("the decision at {} has another shape: {error}", self.met.path());
                Error::new(ErrorCode::InvalidResult, message).into()
            });
        }
        Err(self.ctx.suspend(self.pause()))
    }

    fn pause(&self) -> Suspension {
        let begun = self.met.begun().unwrap_or_else(|| self.ctx.now());
        let expires = self.approval.within.map(|limit| begun.after(limit));
        let mut signal =
            WaitSignal::new(format!("waits for an approval: {}", self.approval.action)).with_data(
                json!({
                    "approval": {
                        "action": self.approval.action,
                        "subject": self.approval.subject,
                        "subjectHash": self.approval.request(),
                        "token": self.token,
                        "expiresAt": expires,
                    }
                }),
            );
        signal.expected_resume_by = expires;
        signal.timeout = self.approval.within;
        let pause = self.met.pause(WaitKind::Approval, signal);
        // The intent is durable since the approval was opened.
        Suspension { intents: Vec::new(), ..pause }
    }
}

/// Draws 128 bits that nobody can guess.
fn draw_token() -> Result<String, FlowError> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|error| {
        let message = format!("the system gives no random numbers for a token: {error}");
        FlowError::from(Error::new(ErrorCode::InternalError, message).retryable(None))
    })?;
    Ok(RequestHash::from_bytes(bits).to_string())
}
