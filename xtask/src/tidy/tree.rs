//! The files that the rules look at, read once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::manifest::Manifest;
use crate::metadata::Member;

/// The checkout as the rules see it.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// The directory of the root manifest.
    pub(crate) root: PathBuf,
    /// The packages.
    pub(crate) members: Vec<Member>,
    /// Every Rust file of the packages and examples.
    pub(crate) sources: Vec<Text>,
}

/// A file and its text.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    /// The path, relative to the root.
    pub(crate) path: PathBuf,
    /// The content.
    pub(crate) text: String,
}

impl Tree {
    /// Reads the Rust files under the directories that have some.
    pub(crate) fn read(root: &Path, members: Vec<Member>) -> Result<Self> {
        let mut sources = Vec::new();
        for dir in ["crates", "examples", "xtask"] {
            files(root, &root.join(dir), "rs", &mut sources)?;
        }
        Ok(Self { root: root.to_path_buf(), members, sources })
    }

    /// Returns the text of a file, or nothing when it is not there.
    pub(crate) fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok()
    }

    /// Returns a member's manifest.
    pub(crate) fn manifest(&self, member: &Member) -> Manifest {
        Manifest::parse(&self.text(member.manifest()).unwrap_or_default())
    }

    /// Returns the Rust files under a member's directory.
    pub(crate) fn sources_of(&self, member: &Member) -> impl Iterator<Item = &Text> {
        let dir = member.dir.clone();
        self.sources.iter().filter(move |source| source.path.starts_with(&dir))
    }

    /// Returns every file of that kind under a directory of the checkout.
    pub(crate) fn files(&self, dir: &str, extension: &str) -> Vec<Text> {
        let mut found = Vec::new();
        // A directory that can't be read has no files for a rule to look at.
        let _ = files(&self.root, &self.root.join(dir), extension, &mut found);
        found
    }
}

fn files(root: &Path, dir: &Path, extension: &str, found: &mut Vec<Text>) -> Result<()> {
    if !dir.is_dir() {
        return Ok(());
    }
    let mut entries: Vec<_> = fs::read_dir(dir)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if name != "target" && !name.as_encoded_bytes().starts_with(b".") {
                files(root, &path, extension, found)?;
            }
        } else if path.extension().is_some_and(|is| is == extension) {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("can't read {}", path.display()))?;
            found.push(Text { path: path.strip_prefix(root)?.to_path_buf(), text });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;

    #[test]
    fn rust_files_are_found_at_any_depth_but_not_under_target() {
        let fixture = Fixture::new()
            .file("crates/a/src/lib.rs", "")
            .file("crates/a/tests/it/main.rs", "")
            .file("crates/a/target/x.rs", "")
            .file("docs/notes.rs", "");
        let tree = fixture.tree();
        let paths: Vec<_> = tree.sources.iter().map(|s| s.path.display().to_string()).collect();
        assert_eq!(paths, ["crates/a/src/lib.rs", "crates/a/tests/it/main.rs"]);
    }
}
