//! The path of a value in the file, such as `providers[0].apiKey`.

use std::fmt;

/// The most characters of one key that a message shows.
const MAX_SHOWN: usize = 64;

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

/// Returns a name from the file fit for one line of a message.
pub(crate) fn shown(name: &str) -> String {
    let mut text: String = name.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect();
    if name.chars().nth(MAX_SHOWN).is_some() {
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
        assert_eq!(shown(&"x".repeat(99)).chars().count(), 65);
    }
}
