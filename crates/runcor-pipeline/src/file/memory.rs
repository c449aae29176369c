//! Memory steps: what is looked up or changed, and what belongs to it.

use super::reader::Reader;
use super::step_keys::SCOPES;
use super::yaml::Yaml;
use crate::expression::Mapping;
use crate::spec::{Action, MemoryAct, MemoryScope, MemorySpec};

/// What may be done, each with the keys that may stand beside it.
const ACTS: &[(&str, &[&str])] = &[
    ("get", &[]),
    ("set", &["value", "ttl"]),
    ("delete", &[]),
    ("list", &[]),
    ("add", &["by"]),
    ("append", &["value", "keep"]),
];

impl Reader<'_, '_> {
    pub(crate) fn memory(&mut self) -> Option<Action> {
        let scope = match self.object.word("scope", SCOPES, self.report) {
            Some("user") => MemoryScope::User,
            Some("session") => MemoryScope::Session,
            _ => MemoryScope::Tool,
        };
        let value = self.mapping("value");
        let by = self.amount();
        let ttl = self.duration("ttl");
        let keep = self.object.whole("keep", self.report);
        let keep = keep.and_then(|keep| usize::try_from(keep).ok());
        let mut keys = ACTS.iter().map(|(act, beside)| (*act, *beside, self.memory_key(act)));
        let keys: Vec<_> = keys.by_ref().collect();
        let (act, beside, key) = keys.into_iter().find(|(_, _, key)| key.is_some())?;
        self.refuse_beside(act, beside);
        let act = match act {
            "get" => MemoryAct::Get,
            "set" => MemoryAct::Set { value: self.needed(act, value)?, ttl },
            "delete" => MemoryAct::Delete,
            "list" => MemoryAct::List,
            "add" => MemoryAct::Add(by),
            _ => MemoryAct::Append { value: self.needed(act, value)?, keep },
        };
        Some(Action::Memory(Box::new(MemorySpec { scope, key: key?, act })))
    }

    /// Reads a key: a text, a path, or a list of them.
    fn memory_key(&mut self, act: &str) -> Option<Mapping> {
        let node = self.object.get(act)?;
        let is_part = |value: &Yaml| matches!(value, Yaml::Text(_) | Yaml::Number(_));
        let is_key = match &node.value {
            Yaml::List(parts) => !parts.is_empty() && parts.iter().all(|part| is_part(&part.value)),
            value => is_part(value),
        };
        if !is_key {
            self.mistake_at(act, "must be a text, a path, or a list of them");
        }
        self.mapping(act)
    }

    /// Reads a number or a path to one.
    fn amount(&mut self) -> Option<Mapping> {
        let node = self.object.get("by")?;
        let is_amount = match &node.value {
            Yaml::Number(_) => true,
            Yaml::Text(text) => text.starts_with('$') && !text.starts_with("$$"),
            _ => false,
        };
        if !is_amount {
            self.mistake_at("by", "must be a number, or a path to one");
        }
        self.mapping("by")
    }

    fn refuse_beside(&mut self, act: &str, allowed: &[&str]) {
        for key in ["value", "ttl", "by", "keep"] {
            if self.object.get(key).is_some() && !allowed.contains(&key) {
                self.mistake_at(key, format!("does not belong beside {act:?}"));
            }
        }
    }

    fn needed(&mut self, act: &str, value: Option<Mapping>) -> Option<Mapping> {
        if value.is_none() {
            self.mistake_at(act, "needs the key \"value\" beside it");
        }
        value
    }
}
