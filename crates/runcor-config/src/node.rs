//! A YAML document as a tree whose every node knows its place.

use std::rc::Rc;

/// A place in the file; lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

/// One value of the document.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) content: Content,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// A text into which variables were filled: a number or a truth value too, where one is wanted.
    Filled(Rc<str>),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something whose mistake is reported already.
    Broken,
}

/// One key of a mapping with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Rc<str>,
    pub(crate) place: Place,
    pub(crate) value: Node,
}

impl Node {
    /// Returns the value of `key`, where this is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Returns the entry of `key`, where this is a mapping that has it.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    /// Returns the entries of a mapping; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// Returns a text.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) | Content::Filled(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a number, also one that the environment gave.
    pub(crate) fn number(&self) -> Option<f64> {
        match &self.content {
            #[expect(clippy::cast_precision_loss, reason = "compared with rough limits only")]
            Content::Int(number) => Some(*number as f64),
            Content::Float(number) => Some(*number),
            Content::Filled(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Returns a truth value, also one that the environment gave.
    pub(crate) fn flag(&self) -> Option<bool> {
        match &self.content {
            Content::Bool(flag) => Some(*flag),
            Content::Filled(text) => text.trim().to_ascii_lowercase().parse().ok(),
            _ => None,
        }
    }

    /// Returns the kind of value in words.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.content {
            Content::Null => "nothing",
            Content::Bool(_) => "true or false",
            Content::Int(_) | Content::Float(_) => "a number",
            Content::Text(_) => "text",
            Content::Filled(_) => "text from the environment",
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
            Content::Broken => "a mistake",
        }
    }

    /// Returns how many levels of lists and mappings there are.
    pub(crate) fn height(&self) -> usize {
        let below = match &self.content {
            Content::List(items) => items.iter().map(Self::height).max(),
            Content::Map(entries) => entries.iter().map(|entry| entry.value.height()).max(),
            _ => return 0,
        };
        1 + below.unwrap_or(0)
    }

    /// Returns how many nodes there are and how many bytes their texts have.
    pub(crate) fn weight(&self) -> (usize, usize) {
        let own = match &self.content {
            Content::Text(text) | Content::Filled(text) => text.len(),
            _ => 0,
        };
        let items = self.items().iter().map(|item| (0, item));
        let values = self.entries().iter().map(|entry| (entry.key.len(), &entry.value));
        items.chain(values).fold((1, own), |(nodes, bytes), (key, child)| {
            let (more_nodes, more_bytes) = child.weight();
            (nodes + more_nodes, bytes + key + more_bytes)
        })
    }
}
