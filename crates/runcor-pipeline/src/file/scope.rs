//! What a step may refer to: the document's parts, and the steps before it.

use super::nearest::nearest;
use crate::expression::Reference;
use crate::run::{CONTEXT_KEYS, STEP_ENTRY_KEYS};

/// Where a step stands among the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'s> {
    names: &'s [Option<&'s str>],
    index: usize,
}

impl<'s> Scope<'s> {
    /// The scope of the step at `index`, given the names of all steps.
    pub(crate) fn new(names: &'s [Option<&'s str>], index: usize) -> Self {
        Self { names, index }
    }

    /// Returns the names of the steps before this one.
    pub(crate) fn earlier(&self) -> impl Iterator<Item = &str> {
        self.names.iter().take(self.index).flatten().copied()
    }

    /// Says what is wrong with a reference, if anything.
    pub(crate) fn check(&self, reference: &Reference) -> Option<String> {
        let mut names = reference.names.iter().map(String::as_str);
        let root = names.next()?;
        if !CONTEXT_KEYS.contains(&root) {
            return Some(unknown("$", root, CONTEXT_KEYS));
        }
        let step = names.next().filter(|_| root == "steps")?;
        if !self.earlier().any(|earlier| earlier == step) {
            return Some(self.unreachable(step));
        }
        let entry = names.next().filter(|entry| !STEP_ENTRY_KEYS.contains(entry))?;
        Some(unknown(&format!("$.steps.{step}"), entry, STEP_ENTRY_KEYS))
    }

    fn unreachable(&self, step: &str) -> String {
        match self.names.iter().position(|name| *name == Some(step)) {
            Some(index) if index == self.index => format!("step '{step}' can't refer to itself"),
            Some(_) => format!("step '{step}' comes later"),
            None => match nearest(step, self.earlier()) {
                Some(name) => format!("there is no step '{step}'; did you mean '{name}'?"),
                None => format!("there is no step '{step}'"),
            },
        }
    }
}

fn unknown(parent: &str, name: &str, known: &'static [&'static str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(hint) => format!("{parent} has no {name:?}; did you mean {hint:?}?"),
        None => format!("{parent} has no {name:?}; it has {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str]) -> Option<String> {
        let steps = [Some("first"), None, Some("this"), Some("later")];
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Scope::new(&steps, 2).check(&Reference { names })
    }

    #[test]
    fn parts_of_the_document_and_earlier_steps_may_be_referred_to() {
        for names in [
            &[][..],
            &["input", "anything"],
            &["steps"],
            &["steps", "first"],
            &["steps", "first", "output", "anything"],
            &["run", "id"],
            &["trigger", "payload"],
        ] {
            assert_eq!(check(names), None, "{names:?}");
        }
    }

    #[test]
    fn anything_else_is_told_with_the_reason() {
        for (names, reason) in [
            (&["inputs"][..], "did you mean \"input\"?"),
            (&["zebra"], "it has input, steps, run, trigger"),
            (&["steps", "this"], "can't refer to itself"),
            (&["steps", "later", "output"], "comes later"),
            (&["steps", "frist"], "did you mean 'first'?"),
            (&["steps", "first", "result"], "it has status, output"),
        ] {
            let problem = check(names).unwrap();
            assert!(problem.contains(reason), "{names:?}: {problem}");
        }
    }
}
