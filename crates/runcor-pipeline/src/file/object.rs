//! A map of a flow file, its keys checked, its values read by type.

use runcor_core::Schema;
use serde_json::Value;

use super::keys::{Field, Shape};
use super::nearest::nearest;
use super::report::Report;
use super::yaml::{Key, Node, Yaml};

/// A map whose keys are all known.
#[derive(Debug)]
pub(crate) struct Object<'n> {
    node: &'n Node,
    path: String,
    fields: Vec<(&'static Field, &'n Node)>,
}

/// Which keys a map may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys<'k> {
    /// The known ones.
    pub(crate) known: &'k [&'static [Field]],
    /// Those that are planned.
    pub(crate) later: &'static [&'static str],
    /// Whether keys that are not known are mistakes.
    pub(crate) strict: bool,
}

impl Keys<'_> {
    fn find(&self, key: &str) -> Option<&'static Field> {
        self.known
            .iter()
            .copied()
            .flatten()
            .find(|field| field.name == key || field.aliases.contains(&key))
    }

    fn complain(&self, key: &Key, path: &str, report: &mut Report) {
        if self.later.contains(&key.text.as_str()) {
            return report.add(key.at, path, "is not part of this version yet");
        }
        let names = self.known.iter().copied().flatten().map(|field| field.name);
        let hint = match nearest(&key.text, names.clone()) {
            Some(name) => format!("did you mean {name:?}?"),
            None => format!("known keys: {}", names.collect::<Vec<_>>().join(", ")),
        };
        report.add(key.at, path, format!("unknown key; {hint}"));
    }
}

impl<'n> Object<'n> {
    /// Reads a map; nothing when the node is no map.
    pub(crate) fn read(
        node: &'n Node,
        path: &str,
        keys: Keys<'_>,
        report: &mut Report,
    ) -> Option<Self> {
        let Yaml::Map(entries) = &node.value else {
            report.expected("a map", node, path);
            return None;
        };
        let mut object = Self { node, path: path.to_owned(), fields: Vec::new() };
        for (key, value) in entries {
            let place = object.place(&key.text);
            match keys.find(&key.text) {
                None if keys.strict => keys.complain(key, &place, report),
                None => {}
                Some(field) if object.get(field.name).is_some() => {
                    let message = format!("is another spelling of {:?}; keep one", field.name);
                    report.add(key.at, &place, message);
                }
                Some(field) => object.fields.push((field, value)),
            }
        }
        Some(object)
    }

    /// Reports the required keys that are missing.
    pub(crate) fn require(&self, fields: &[&'static [Field]], report: &mut Report) {
        for field in fields.iter().copied().flatten().filter(|field| field.required) {
            if self.get(field.name).is_none() {
                report.add(self.node.at, &self.path, format!("needs the key {:?}", field.name));
            }
        }
    }

    /// Reports it unless exactly one of the sets of keys is there as a whole.
    pub(crate) fn choose(&self, either: &[&[&'static str]], report: &mut Report) {
        let begun = |set: &&&[&str]| set.iter().any(|key| self.get(key).is_some());
        let sets: Vec<_> = either.iter().filter(begun).copied().collect();
        let words = |set: &[&str]| {
            set.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(" and ")
        };
        match sets.as_slice() {
            _ if either.is_empty() => {}
            [] => {
                let all: Vec<_> = either.iter().map(|set| words(set)).collect();
                let message = format!("needs {}", all.join(", or "));
                report.add(self.node.at, &self.path, message);
            }
            [set] => {
                for key in set.iter().filter(|key| self.get(key).is_none()) {
                    report.add(self.node.at, &self.path, format!("needs the key {key:?}"));
                }
            }
            [first, rest @ ..] => {
                for key in rest.iter().copied().flatten().filter(|key| self.get(key).is_some()) {
                    let at = self.get(key).and_then(|node| node.at);
                    let message = format!("can't stand beside {}; keep one", words(first));
                    report.add(at, &self.place(key), message);
                }
            }
        }
    }

    /// Returns the value behind a key, if it is there and not null.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        self.fields
            .iter()
            .find(|(field, node)| field.name == name && !matches!(node.value, Yaml::Null))
            .map(|(_, node)| *node)
    }

    /// Returns the place of a key in the document.
    pub(crate) fn place(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Reads a text that is not blank.
    pub(crate) fn text(&self, name: &str, report: &mut Report) -> Option<&'n str> {
        let node = self.get(name)?;
        match &node.value {
            Yaml::Text(text) if text.trim().is_empty() => {
                report.add(node.at, &self.place(name), "must not be empty");
                None
            }
            Yaml::Text(text) => Some(text),
            Yaml::Number(_) | Yaml::Bool(_) => {
                report.add(node.at, &self.place(name), "must be a text; put it into quotes");
                None
            }
            Yaml::Null | Yaml::List(_) | Yaml::Map(_) => {
                report.expected("a text", node, &self.place(name));
                None
            }
        }
    }

    /// Reads a whole number within the limits of its table entry.
    pub(crate) fn whole(&self, name: &str, report: &mut Report) -> Option<u64> {
        let (field, node) = self.fields.iter().find(|(field, _)| field.name == name)?;
        let Shape::Whole(least, most) = field.shape else { return None };
        let number = match &node.value {
            Yaml::Null => return None,
            Yaml::Number(number) => {
                number.as_u64().filter(|number| (least..=most).contains(number))
            }
            _ => None,
        };
        if number.is_none() {
            let message = format!("must be a whole number from {least} to {most}");
            report.add(node.at, &self.place(name), message);
        }
        number
    }

    /// Reads a number within the limits of its table entry.
    pub(crate) fn decimal(&self, name: &str, report: &mut Report) -> Option<f64> {
        let (field, node) = self.fields.iter().find(|(field, _)| field.name == name)?;
        let Shape::Decimal(least, most) = field.shape else { return None };
        let number = match &node.value {
            Yaml::Null => return None,
            Yaml::Number(number) => {
                number.as_f64().filter(|number| (least..=most).contains(number))
            }
            _ => None,
        };
        if number.is_none() {
            let message = format!("must be a number from {least} to {most}");
            report.add(node.at, &self.place(name), message);
        }
        number
    }

    /// Reads true or false.
    pub(crate) fn truth(&self, name: &str, report: &mut Report) -> Option<bool> {
        let node = self.get(name)?;
        if let Yaml::Bool(truth) = node.value {
            return Some(truth);
        }
        report.expected("true or false", node, &self.place(name));
        None
    }

    /// Reads one of the given words.
    pub(crate) fn word(
        &self,
        name: &str,
        words: &'static [&'static str],
        report: &mut Report,
    ) -> Option<&'static str> {
        let node = self.get(name)?;
        let Yaml::Text(text) = &node.value else {
            report.expected(&format!("one of {}", words.join(", ")), node, &self.place(name));
            return None;
        };
        let found = words.iter().copied().find(|word| word == text);
        if found.is_none() {
            let hint = match nearest(text, words.iter().copied()) {
                Some(word) => format!("; did you mean {word:?}?"),
                None => String::new(),
            };
            let message = format!("must be one of {}{hint}", words.join(", "));
            report.add(node.at, &self.place(name), message);
        }
        found
    }

    /// Reads a JSON Schema that compiles.
    pub(crate) fn json_schema(&self, name: &str, report: &mut Report) -> Option<Value> {
        let node = self.get(name)?;
        let schema = node.to_json();
        match Schema::compile(&schema) {
            Ok(_) => Some(schema),
            Err(error) => {
                report.add(node.at, &self.place(name), error.to_string());
                None
            }
        }
    }
}
