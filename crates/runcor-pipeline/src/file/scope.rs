//! What a step may refer to: the document's parts, and the steps before it.

use super::names::Names;
use super::nearest::nearest;
use crate::expression::Reference;
use crate::run::{CONTEXT_KEYS, ITEM_KEYS, STEP_ENTRY_KEYS};

/// Where a step stands among the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'s> {
    /// The names of the list that the step stands in.
    names: &'s [Option<&'s str>],
    index: usize,
    /// The step in a branch of which the list stands.
    outer: Option<&'s Self>,
    /// The names of all steps of the file.
    all: &'s Names<'s>,
    /// What a path may name behind `$`.
    roots: &'static [&'static str],
}

/// What a list of steps stands in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Around<'s> {
    /// The flow whose steps have these names.
    Flow(&'s Names<'s>),
    /// A branch of a step.
    Branch(&'s Scope<'s>),
    /// A branch for each item of a list.
    Item(&'s Scope<'s>),
}

impl<'s> Scope<'s> {
    /// The scope of the step at `index` of a list whose steps have these names.
    pub(crate) fn new(around: Around<'s>, names: &'s [Option<&'s str>], index: usize) -> Self {
        let (outer, all, roots) = match around {
            Around::Flow(all) => (None, all, CONTEXT_KEYS),
            Around::Branch(outer) => (Some(outer), outer.all, outer.roots),
            Around::Item(outer) => (Some(outer), outer.all, ITEM_KEYS),
        };
        Self { names, index, outer, all, roots }
    }

    /// Returns how many steps this one is nested in.
    pub(crate) fn depth(&self) -> usize {
        self.outer.map_or(0, |outer| outer.depth() + 1)
    }

    /// Returns the names of the steps whose outputs this one sees.
    fn visible(&self) -> Vec<&'s str> {
        let mut names = self.outer.map(Self::visible).unwrap_or_default();
        names.extend(self.names.iter().take(self.index).flatten());
        names
    }

    /// Says what is wrong with a reference, if anything.
    pub(crate) fn check(&self, reference: &Reference) -> Option<String> {
        let mut names = reference.names.iter().map(String::as_str);
        let root = names.next()?;
        if !self.roots.contains(&root) {
            return Some(unknown("$", root, self.roots));
        }
        let step = names.next().filter(|_| root == "steps")?;
        if !self.visible().contains(&step) {
            return Some(self.unreachable(step));
        }
        let entry = names.next().filter(|entry| !STEP_ENTRY_KEYS.contains(entry))?;
        Some(unknown(&format!("$.steps.{step}"), entry, STEP_ENTRY_KEYS))
    }

    fn unreachable(&self, step: &str) -> String {
        match self.find(step) {
            Some(Place::Here) => return format!("step '{step}' can't refer to itself"),
            Some(Place::Around) => {
                return format!("step '{step}' has no output before its branches are done");
            }
            Some(Place::Later) => return format!("step '{step}' comes later"),
            None if self.all.has(step) => {
                let hint = "the parallel step around it has its results";
                return format!("step '{step}' stands in a branch; {hint}");
            }
            None => {}
        }
        match nearest(step, self.visible()) {
            Some(name) => format!("there is no step '{step}'; did you mean '{name}'?"),
            None => format!("there is no step '{step}'"),
        }
    }

    /// Finds a step that is not an earlier one in the lists that this step stands in.
    fn find(&self, step: &str) -> Option<Place> {
        match self.names.iter().position(|name| *name == Some(step)) {
            Some(index) if index == self.index => Some(Place::Here),
            Some(_) => Some(Place::Later),
            None => match self.outer?.find(step)? {
                Place::Later => Some(Place::Later),
                Place::Here | Place::Around => Some(Place::Around),
            },
        }
    }
}

/// Where a step stands that can't be referred to.
enum Place {
    Here,
    Around,
    Later,
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

    fn reference(names: &[&str]) -> Reference {
        Reference { names: names.iter().map(|name| (*name).to_owned()).collect() }
    }

    fn check(names: &[&str]) -> Option<String> {
        let steps = [Some("first"), None, Some("this"), Some("later")];
        Scope::new(Around::Flow(&Names::default()), &steps, 2).check(&reference(names))
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
            (&["item"], "it has input, steps, run, trigger"),
            (&["steps", "this"], "can't refer to itself"),
            (&["steps", "later", "output"], "comes later"),
            (&["steps", "frist"], "did you mean 'first'?"),
            (&["steps", "first", "result"], "it has status, output"),
        ] {
            let problem = check(names).unwrap();
            assert!(problem.contains(reason), "{names:?}: {problem}");
        }
    }

    #[test]
    fn a_step_in_a_branch_sees_the_steps_before_its_own_and_before_its_branch() {
        let (outer, inner) = ([Some("first"), Some("fan"), Some("last")], [Some("a"), Some("b")]);
        let all = Names::default();
        let fan = Scope::new(Around::Flow(&all), &outer, 1);
        let scope = Scope::new(Around::Item(&fan), &inner, 1);
        for names in [&["steps", "first"][..], &["steps", "a"], &["item", "x"], &["index"]] {
            assert_eq!(scope.check(&reference(names)), None, "{names:?}");
        }
        for (name, reason) in [
            ("b", "can't refer to itself"),
            ("fan", "has no output before its branches are done"),
            ("last", "comes later"),
            ("frist", "did you mean 'first'?"),
        ] {
            let problem = scope.check(&reference(&["steps", name])).unwrap();
            assert!(problem.contains(reason), "{name}: {problem}");
        }
        assert_eq!(scope.depth(), 1);
    }
}
