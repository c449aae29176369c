//! The names of all steps of a file, before anything else is read.

use std::collections::HashSet;

use super::report::Report;
use super::yaml::{Node, Yaml};

/// How many steps a flow may have, those in branches included.
const MAX_STEPS: usize = 1000;

/// The names of all steps of a flow file, wherever they stand.
#[derive(Debug, Default)]
pub(crate) struct Names<'n> {
    known: HashSet<&'n str>,
    count: usize,
}

impl<'n> Names<'n> {
    /// Collects the names of a list of steps; two equal ones are a mistake.
    ///
    /// Returns nothing when there are too many steps.
    pub(crate) fn collect(node: &'n Node, path: &str, report: &mut Report) -> Option<Self> {
        let mut names = Self::default();
        names.visit_list(node, path, report);
        if names.count > MAX_STEPS {
            report.add(node.at, path, format!("a flow has at most {MAX_STEPS} steps"));
            return None;
        }
        Some(names)
    }

    /// Returns whether any step has this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.known.contains(name)
    }

    fn visit_list(&mut self, node: &'n Node, path: &str, report: &mut Report) {
        let Yaml::List(items) = &node.value else { return };
        for (index, item) in items.iter().enumerate() {
            self.visit(item, &format!("{path}[{index}]"), report);
        }
    }

    fn visit(&mut self, node: &'n Node, path: &str, report: &mut Report) {
        let Yaml::Map(entries) = &node.value else { return };
        self.count += 1;
        for (key, value) in entries {
            let place = format!("{path}.{}", key.text);
            match (key.text.as_str(), &value.value) {
                ("name", Yaml::Text(name)) if !self.known.insert(name) => {
                    report.add(value.at, &place, format!("two steps have the name {name:?}"));
                }
                ("steps", Yaml::List(_)) => self.visit_list(value, &place, report),
                ("branches", Yaml::Map(branches)) => {
                    for (branch, steps) in branches {
                        self.visit_list(steps, &format!("{place}.{}", branch.text), report);
                    }
                }
                _ => {}
            }
        }
    }
}

/// The name of a step before anything is checked.
pub(crate) fn name_of(node: &Node) -> Option<&str> {
    let Yaml::Map(entries) = &node.value else { return None };
    entries.iter().find_map(|(key, node)| match &node.value {
        Yaml::Text(name) if key.text == "name" => Some(name.as_str()),
        _ => None,
    })
}
