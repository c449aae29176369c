//! The path of a value in the file, such as `providers[0].apiKey`.

use std::fmt;

/// The most characters of a key that a message shows.
const MAX_KEY: usize = 32;

/// The most characters of a variable's name that a message shows.
const MAX_VARIABLE: usize = 128;

/// A path, kept on the stack of the walk that it describes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Path<'a> {
    /// The whole file.
    Root,
    /// The value of a key.
    Key(&'a Self, &'a str),
    /// An item of a list.
    Index(&'a Self, usize),
}

impl<'a> Path<'a> {
    pub(crate) const fn key(&'a self, key: &'a str) -> Self {
        Self::Key(self, key)
    }

    pub(crate) const fn index(&'a self, index: usize) -> Self {
        Self::Index(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, key) => f.write_str(&shown(key)),
            Self::Key(parent, key) => write!(f, "{parent}.{}", shown(key)),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Returns a key of the file fit for one line of a message.
///
/// Where a space after the colon was forgotten, the value is part of the key
/// and may be a secret; so what follows a colon is left out, and long keys are
/// cut short.
pub(crate) fn shown(key: &str) -> String {
    match key.split_once(':') {
        Some((before, _)) => format!("{}:…", shortened(before, MAX_KEY)),
        None => shortened(key, MAX_KEY),
    }
}

/// Returns the name of a variable fit for one line of a message.
pub(crate) fn shown_variable(name: &str) -> String {
    shortened(name, MAX_VARIABLE)
}

fn shortened(name: &str, most: usize) -> String {
    let is_long = name.chars().nth(most).is_some();
    let kept = if is_long { most / 2 } else { most };
    let mut text: String = name.chars().take(kept).flat_map(char::escape_debug).collect();
    if is_long {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_like_the_way_to_the_value() {
        let list = Path::Root.key("providers");
        let item = list.index(0);
        assert_eq!(item.key("apiKey").to_string(), "providers[0].apiKey");
        assert_eq!(Path::Root.to_string(), "");
    }

    #[test]
    fn a_name_in_a_message_is_short_and_has_no_control_characters() {
        assert_eq!(shown("a\nb"), "a\\nb");
        assert_eq!(shown(&"x".repeat(99)).chars().count(), 17);
        assert_eq!(shown_variable(&"X".repeat(99)).len(), 99);
    }

    #[test]
    fn a_value_that_became_part_of_a_key_is_not_shown() {
        assert_eq!(shown("apiKey:hush"), "apiKey:…");
    }
}
