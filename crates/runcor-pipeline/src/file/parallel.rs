//! Parallel steps: named branches, or the same steps for each item of a list.

use super::reader::Reader;
use super::scope::Around;
use super::step::{Steps, is_name, read_list};
use super::yaml::{Key, Node, Yaml};
use crate::spec::{Action, Branches, ParallelSpec};

/// How many branches of its own a step may have.
const MAX_BRANCHES: usize = 100;
/// How deep parallel steps may nest.
const MAX_DEPTH: usize = 4;
/// How many branches are under way at once unless the file says otherwise.
const AT_ONCE: usize = 16;

impl<'n> Reader<'_, 'n> {
    pub(crate) fn parallel(&mut self) -> Option<Action> {
        let at_once = self.object.whole("at_once", self.report);
        let at_once = at_once.and_then(|most| usize::try_from(most).ok()).unwrap_or(AT_ONCE);
        if self.scope.depth() >= MAX_DEPTH {
            self.mistake_at("kind", format!("parallel steps nest at most {MAX_DEPTH} deep"));
            return None;
        }
        let items = self.mapping("for_each");
        let steps = self.object.get("steps").map(|node| self.list("steps", node, true));
        let named = self.named();
        let each = items.zip(steps).map(|(items, steps)| Branches::Each { items, steps });
        let branches = named.map(Branches::Named).or(each)?;
        Some(Action::Parallel(ParallelSpec { at_once, branches }))
    }

    fn named(&mut self) -> Option<Vec<(String, Steps)>> {
        let node = self.object.get("branches")?;
        let place = self.object.place("branches");
        let Yaml::Map(entries) = &node.value else {
            self.report.expected("a map of names and lists of steps", node, &place);
            return None;
        };
        if entries.is_empty() || entries.len() > MAX_BRANCHES {
            self.report.add(node.at, &place, format!("needs 1 to {MAX_BRANCHES} branches"));
            return None;
        }
        Some(entries.iter().map(|(key, steps)| self.branch(key, steps)).collect())
    }

    fn branch(&mut self, key: &Key, steps: &'n Node) -> (String, Steps) {
        if !is_name(&key.text) {
            let message = "a branch is named as a step is: 1 to 64 letters, digits, _ and -, \
                           beginning with a letter or _";
            let place = format!("{}.{}", self.object.place("branches"), key.text);
            self.report.add(key.at, &place, message);
        }
        let place = format!("branches.{}", key.text);
        (key.text.clone(), self.list(&place, steps, false))
    }

    /// Reads the steps of a branch.
    fn list(&mut self, place: &str, node: &'n Node, is_of_items: bool) -> Steps {
        let place = self.object.place(place);
        if matches!(&node.value, Yaml::List(items) if items.is_empty()) {
            self.report.add(node.at, &place, "needs at least one step");
        }
        let around =
            if is_of_items { Around::Item(&self.scope) } else { Around::Branch(&self.scope) };
        read_list(node, &place, around, self.report)
    }
}
