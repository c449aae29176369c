//! The reader of one step: what several kinds have in common, and conditions.

use std::time::Duration;

use super::duration;
use super::object::Object;
use super::report::Report;
use super::scope::Scope;
use super::yaml::{Node, Yaml};
use crate::expression::{Condition, Mapping, Path, See};
use crate::spec::Action;

/// Reads what belongs to one kind of step.
pub(crate) struct Reader<'r, 'n> {
    pub(crate) object: &'r Object<'n>,
    pub(crate) scope: Scope<'r>,
    pub(crate) report: &'r mut Report,
}

impl See for Reader<'_, '_> {
    fn path(&mut self, node: &Node, place: &str, path: &Path) {
        for message in path.references().iter().filter_map(|found| self.scope.check(found)) {
            self.report.add(node.at, place, message);
        }
    }

    fn mistake(&mut self, node: &Node, place: &str, mistake: String) {
        self.report.add(node.at, place, mistake);
    }
}

impl Reader<'_, '_> {
    /// Reads a mapping, if the key is there.
    pub(crate) fn mapping(&mut self, key: &str) -> Option<Mapping> {
        let node = self.object.get(key)?;
        Some(Mapping::read(node, &self.object.place(key), self))
    }

    /// Notes a mistake in the value of a key.
    pub(crate) fn mistake_at(&mut self, key: &str, message: impl Into<String>) {
        let at = self.object.get(key).and_then(|node| node.at);
        self.report.add(at, &self.object.place(key), message);
    }

    /// Reads a duration, if the key is there.
    pub(crate) fn duration(&mut self, key: &str) -> Option<Duration> {
        let node = self.object.get(key)?;
        let text = match &node.value {
            Yaml::Text(text) => text,
            // It has no unit, as the message says.
            _ => "",
        };
        duration::parse(text).map_err(|message| self.mistake_at(key, message)).ok()
    }

    /// Reads the condition of a condition step.
    pub(crate) fn condition(&mut self) -> Option<Action> {
        let node = self.object.get("when")?;
        let place = self.object.place("when");
        let nodes: Vec<&Node> = match &node.value {
            Yaml::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        let listed = matches!(node.value, Yaml::List(_));
        let place_of =
            |index: usize| if listed { format!("{place}[{index}]") } else { place.clone() };
        let texts = self.texts(&nodes, place_of)?;
        match Condition::parse(&texts) {
            Ok(condition) => {
                for (index, path) in condition.paths() {
                    self.path(nodes.get(index).copied().unwrap_or(node), &place_of(index), path);
                }
                Some(Action::Condition(condition))
            }
            Err(mistakes) => {
                for (index, mistake) in mistakes {
                    let at = nodes.get(index).copied().unwrap_or(node).at;
                    self.report.add(at, &place_of(index), mistake);
                }
                None
            }
        }
    }

    fn texts<'t>(
        &mut self,
        nodes: &[&'t Node],
        place_of: impl Fn(usize) -> String,
    ) -> Option<Vec<&'t str>> {
        let mut texts = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            match &node.value {
                Yaml::Text(text) => texts.push(text.as_str()),
                _ => self.report.expected("a condition as text", node, &place_of(index)),
            }
        }
        (texts.len() == nodes.len()).then_some(texts)
    }
}
