//! Steps that wait: for a resume, an instant, an approval, another flow.

use runcor_core::FlowName;

use super::reader::Reader;
use super::step_keys::ON_REJECT;
use super::yaml::Yaml;
use crate::expression::Mapping;
use crate::instant::instant;
use crate::spec::{Action, ApprovalSpec, CallSpec, OnReject, SleepSpec, WaitSpec};

impl Reader<'_, '_> {
    pub(crate) fn wait(&mut self) -> Action {
        let reason = self.object.text("reason", self.report).map(|text| text.trim().to_owned());
        let data = self.mapping("data");
        Action::Wait(WaitSpec { reason, data, timeout: self.duration("timeout") })
    }

    pub(crate) fn sleep(&mut self) -> Option<Action> {
        let duration = self.duration("for");
        let until = self.until();
        let sleep = duration.map(SleepSpec::For).or_else(|| until.map(SleepSpec::Until))?;
        Some(Action::Sleep(sleep))
    }

    /// Reads a path to an instant, or an instant.
    fn until(&mut self) -> Option<Mapping> {
        let node = self.object.get("until")?;
        let is_path = matches!(&node.value, Yaml::Text(text) if text.starts_with('$'));
        if !is_path && instant(&node.to_json()).is_none() {
            self.mistake_at(
                "until",
                "must be a path to an instant, or one such as 2026-12-24T18:00:00Z",
            );
            return None;
        }
        self.mapping("until")
    }

    pub(crate) fn approval(&mut self) -> Option<Action> {
        let action = self.object.text("action", self.report).map(|text| text.trim().to_owned());
        let subject = self.mapping("subject");
        let within = self.duration("within");
        let on_reject = match self.object.word("on_reject", ON_REJECT, self.report) {
            Some("continue") => OnReject::Continue,
            Some("stop") => OnReject::Stop,
            _ => OnReject::Fail,
        };
        let approval = ApprovalSpec { action: action?, subject: subject?, within, on_reject };
        Some(Action::Approval(approval))
    }

    pub(crate) fn call(&mut self) -> Option<Action> {
        let input = self.mapping("input");
        let text = self.object.text("flow", self.report)?;
        let flow =
            FlowName::new(text).map_err(|error| self.mistake_at("flow", error.to_string())).ok()?;
        Some(Action::Call(CallSpec { flow, input }))
    }
}
