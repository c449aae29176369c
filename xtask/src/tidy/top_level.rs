//! The top level of the checkout: few names, each known.

use std::fs;

use super::finding::Finding;
use super::tree::Tree;

/// What may stand there, beside names that begin with a dot.
const ALLOWED: [&str; 13] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "clippy.toml",
    "crates",
    "deny.toml",
    "docs",
    "examples",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "xtask",
];

/// Where cargo builds; it is not committed.
const BUILDS: &str = "target";

/// Checks the names in the root.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let entries = fs::read_dir(&tree.root).into_iter().flatten().flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names.iter().filter(|name| !allowed(name)).map(|name| unknown(name)).collect()
}

fn allowed(name: &str) -> bool {
    // A database that an example left behind is not committed either.
    let database = name
        .split_once(".db")
        .is_some_and(|(_, rest)| ["", "-wal", "-shm", "-lock"].contains(&rest));
    name.starts_with('.') || name == BUILDS || database || ALLOWED.contains(&name)
}

fn unknown(name: &str) -> Finding {
    let what = format!("{name} does not belong to the top level");
    let remedy = "move it under docs/, crates/, examples/ or a dot directory";
    Finding::new("top-level", name, what, remedy)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;

    #[test]
    fn only_known_names_stand_at_the_top_level() {
        let fixture = Fixture::new()
            .file("Cargo.toml", "")
            .file(".gitignore", "")
            .file("docs/README.md", "")
            .file("runs.db", "")
            .file("runs.db-wal", "")
            .file("runs.dbx", "")
            .file("notes.md", "")
            .file("scripts/run.sh", "");
        let names: Vec<_> =
            check(&fixture.tree()).into_iter().map(|f| f.path.display().to_string()).collect();
        assert_eq!(names, ["notes.md", "runs.dbx", "scripts"]);
    }
}
