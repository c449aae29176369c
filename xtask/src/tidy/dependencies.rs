//! The table of dependencies in the root manifest: nothing stands there unused.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::manifest::Manifest;
use super::tree::Tree;

/// Checks that some member uses each line of the table, and that none goes past it.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let root = Manifest::parse(&tree.text("Cargo.toml").unwrap_or_default());
    let manifests: Vec<_> =
        tree.members.iter().map(|member| (member, tree.manifest(member))).collect();
    let used: BTreeSet<&str> =
        manifests.iter().flat_map(|(_, manifest)| manifest.inherited_dependencies()).collect();
    root.section("workspace.dependencies")
        .filter(|entry| !used.contains(entry.key.as_str()))
        .map(|entry| {
            let what = format!("no crate uses {}", entry.key);
            let remedy = "remove the line, or use it with `workspace = true`";
            Finding::new("unused-dependency", "Cargo.toml", what, remedy).at(entry.line)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, member};
    use super::*;

    #[test]
    fn a_dependency_that_no_crate_uses_is_found_with_its_line() {
        let fixture = Fixture::new()
            .file("Cargo.toml", "[workspace.dependencies]\nserde = \"1\"\nurl = \"2\"\n")
            .file("crates/a/Cargo.toml", "[dev-dependencies]\nserde.workspace = true\n")
            .member(member("a", &[]));
        let findings = check(&fixture.tree());
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].what.as_str(), findings[0].line), ("no crate uses url", 3));
    }
}
