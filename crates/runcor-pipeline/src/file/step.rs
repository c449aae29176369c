//! The steps of a flow file: their kinds and names.

use super::names::{Names, name_of};
use super::nearest::nearest;
use super::object::{Keys, Object};
use super::reader::Reader;
use super::report::Report;
use super::scope::{Around, Scope};
use super::step_keys::{KINDS, Kind, LATER_KINDS, LATER_STEP, STEP};
use super::yaml::{Node, Yaml};
use crate::spec::StepSpec;

pub(crate) type Steps = Vec<StepSpec>;

/// The longest name of a step, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Reads the steps of a flow.
pub(crate) fn read_steps(node: &Node, path: &str, report: &mut Report) -> Steps {
    match Names::collect(node, path, report) {
        Some(all) => read_list(node, path, Around::Flow(&all), report),
        None => Steps::new(),
    }
}

/// Reads a list of steps.
pub(crate) fn read_list(node: &Node, path: &str, around: Around<'_>, report: &mut Report) -> Steps {
    let Yaml::List(items) = &node.value else {
        report.expected("a list of steps", node, path);
        return Steps::new();
    };
    let names: Vec<Option<&str>> = items.iter().map(name_of).collect();
    let mut steps = Steps::new();
    for (index, item) in items.iter().enumerate() {
        let scope = Scope::new(around, &names, index);
        steps.extend(read_step(item, &format!("{path}[{index}]"), scope, report));
    }
    steps
}

fn read_step(node: &Node, path: &str, scope: Scope<'_>, report: &mut Report) -> Option<StepSpec> {
    let kind = read_kind(node, path, report);
    let mut known: Vec<_> = vec![STEP];
    known.extend(kind.iter().flat_map(|kind| kind.tables.iter().copied()));
    // Without a kind nobody knows which keys belong to the step.
    let keys = Keys { known: &known, later: LATER_STEP, strict: kind.is_some() };
    let object = Object::read(node, path, keys, report)?;
    object.require(&known, report);
    let name = read_name(&object, report);
    let kind = kind?;
    object.choose(kind.either, report);
    let mut reader = Reader { object: &object, scope, report };
    let action = match kind.name {
        "agent" => reader.agent(),
        "webhook" => reader.webhook()?,
        "wait" => reader.wait(),
        "sleep" => reader.sleep()?,
        "approval" => reader.approval()?,
        "call" => reader.call()?,
        "memory" => reader.memory()?,
        "parallel" => reader.parallel()?,
        _ => reader.condition()?,
    };
    Some(StepSpec { name: name?.to_owned(), action })
}

fn read_kind(node: &Node, path: &str, report: &mut Report) -> Option<&'static Kind> {
    let keys = Keys { known: &[STEP], later: &[], strict: false };
    // The map itself is read again with the keys of its kind, which reports what is wrong with it.
    let object = Object::read(node, path, keys, &mut Report::new(""))?;
    let word = object.text("kind", report)?;
    let known = KINDS.iter().find(|kind| kind.name == word);
    if known.is_none() {
        let names = || KINDS.iter().map(|kind| kind.name);
        let all = names().collect::<Vec<_>>().join(", ");
        let message = if LATER_KINDS.contains(&word) {
            format!("kind {word:?} is not part of this version yet; the kinds are {all}")
        } else if let Some(name) = nearest(word, names()) {
            format!("unknown kind {word:?}; did you mean {name:?}?")
        } else {
            format!("unknown kind {word:?}; the kinds are {all}")
        };
        report.add(object.get("kind").and_then(|node| node.at), &object.place("kind"), message);
    }
    known
}

fn read_name<'n>(object: &Object<'n>, report: &mut Report) -> Option<&'n str> {
    let name = object.text("name", report)?;
    if !is_name(name) {
        let at = object.get("name").and_then(|node| node.at);
        let message =
            "a step's name has 1 to 64 letters, digits, _ and -, and begins with a letter or _";
        report.add(at, &object.place("name"), message);
        return None;
    }
    Some(name)
}

/// Returns whether a step or a branch may be called so.
pub(crate) fn is_name(name: &str) -> bool {
    let begins = |char: char| char.is_ascii_alphabetic() || char == '_';
    let goes_on = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-');
    name.len() <= MAX_NAME_BYTES && name.starts_with(begins) && name.chars().all(goes_on)
}
