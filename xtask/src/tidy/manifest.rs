//! Enough of TOML to read our manifests line by line, with line numbers.
//!
//! Cargo has accepted the files already; what matters here is how a line is
//! written (inherited, commented), which cargo doesn't tell.

/// A manifest as a list of keys.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    /// Every `key = value`, in order.
    pub(crate) entries: Vec<Entry>,
}

/// One `key = value`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The table that it stands in.
    pub(crate) section: String,
    /// The key, dots included.
    pub(crate) key: String,
    /// The value's first line.
    pub(crate) value: String,
    /// The line, counted from one.
    pub(crate) line: usize,
    /// Whether a `##` comment stands right before it.
    pub(crate) documented: bool,
}

impl Manifest {
    /// Reads a manifest.
    pub(crate) fn parse(text: &str) -> Self {
        let mut entries = Vec::new();
        let (mut section, mut documented, mut depth) = (String::new(), false, 0_i32);
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if depth > 0 {
                depth += nesting(line);
            } else if line.starts_with("##") {
                documented = true;
            } else if line.is_empty() || line.starts_with('#') {
                documented = false;
            } else if let Some(name) = line.strip_prefix('[') {
                section = name.trim_matches(['[', ']', ' ']).to_owned();
                documented = false;
            } else if let Some((key, value)) = line.split_once('=') {
                depth = nesting(value).max(0);
                entries.push(Entry {
                    section: section.clone(),
                    key: key.trim().trim_matches('"').to_owned(),
                    value: value.trim().to_owned(),
                    line: at + 1,
                    documented,
                });
                documented = false;
            }
        }
        Self { entries }
    }

    /// Returns the keys of one table.
    pub(crate) fn section<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.section == name)
    }

    /// Returns whether a table takes that key from the workspace.
    pub(crate) fn inherits(&self, section: &str, key: &str) -> bool {
        self.section(section).any(|entry| {
            entry.key.strip_suffix(".workspace") == Some(key) && entry.value == "true"
                || entry.key == key && entry.value.contains("workspace = true")
        })
    }

    /// Returns the packages that are taken from the workspace's table of dependencies.
    pub(crate) fn inherited_dependencies(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| {
            let (_, table) = entry.section.rsplit_once('.').unwrap_or(("", &entry.section));
            if table.ends_with("dependencies") {
                let shared = entry.value.contains("workspace = true").then_some(entry.key.as_str());
                return entry.key.strip_suffix(".workspace").or(shared);
            }
            let of_table = entry.section.contains("dependencies.") && entry.key == "workspace";
            of_table.then_some(table)
        })
    }
}

/// Returns how many brackets a line leaves open.
fn nesting(line: &str) -> i32 {
    let (mut depth, mut quoted) = (0, false);
    for sign in line.chars() {
        match sign {
            '"' => quoted = !quoted,
            '#' if !quoted => break,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    depth
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
[package]
name = "a" # its name
version.workspace = true
edition = { workspace = true }

[features]
## Speaks HTTP.
http = [
  "dep:hyper", # = not a key
]
mock = []

[dependencies]
serde.workspace = true
tokio = { workspace = true, optional = true }
own = "1"

[dev-dependencies.tempfile]
workspace = true

[target.'cfg(unix)'.dependencies]
libc.workspace = true
"#;

    #[test]
    fn keys_are_found_with_section_line_and_comment() {
        let manifest = Manifest::parse(TEXT);
        let features: Vec<_> = manifest
            .section("features")
            .map(|entry| (entry.key.as_str(), entry.line, entry.documented))
            .collect();
        assert_eq!(features, [("http", 9, true), ("mock", 12, false)]);
    }

    #[test]
    fn both_spellings_of_inheritance_count() {
        let manifest = Manifest::parse(TEXT);
        assert!(manifest.inherits("package", "version"));
        assert!(manifest.inherits("package", "edition"));
        assert!(!manifest.inherits("package", "license"));
    }

    #[test]
    fn dependencies_on_the_workspace_are_found_in_every_spelling() {
        let manifest = Manifest::parse(TEXT);
        let names: Vec<_> = manifest.inherited_dependencies().collect();
        assert_eq!(names, ["serde", "tokio", "tempfile", "libc"]);
    }
}
