//! The features of the facade: each is documented and does something.

use super::finding::Finding;
use super::tree::Tree;

const FACADE: &str = "runcor";

/// Checks the facade's table of features.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(facade) = tree.members.iter().find(|member| member.name == FACADE) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for entry in tree.manifest(facade).section("features") {
        let feature = entry.key.as_str();
        if !entry.documented && feature != "default" {
            let what = format!("the feature {feature} has no comment");
            let remedy = "write a line `## …` above it that says what it brings";
            let finding = Finding::new("feature", facade.manifest(), what, remedy);
            findings.push(finding.at(entry.line));
        }
        let enables = facade.features.get(feature).is_some_and(|enables| !enables.is_empty());
        let switch = format!("feature = \"{feature}\"");
        let switched = tree.sources_of(facade).any(|source| source.text.contains(&switch));
        if !enables && !switched && feature != "default" {
            let what = format!("the feature {feature} does nothing");
            let remedy = "let it enable something, or remove it";
            let finding = Finding::new("feature", facade.manifest(), what, remedy);
            findings.push(finding.at(entry.line));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, member};
    use super::*;

    fn findings(manifest: &str, lib: &str) -> Vec<String> {
        let mut facade = member("runcor", &[]);
        for name in ["default", "http", "mock"] {
            facade.features.insert(name.to_owned(), Vec::new());
        }
        facade.features.insert("http".to_owned(), vec!["dep:runcor-http".to_owned()]);
        let fixture = Fixture::new()
            .file("crates/runcor/Cargo.toml", manifest)
            .file("crates/runcor/src/lib.rs", lib)
            .member(facade);
        check(&fixture.tree()).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_documented_feature_that_does_something_is_in_order() {
        let manifest = "[features]\ndefault = []\n## Server.\nhttp = [\"dep:runcor-http\"]\n\
                        ## Fake.\nmock = []\n";
        assert_eq!(findings(manifest, "#[cfg(feature = \"mock\")]\nmod mock;"), [""; 0]);
    }

    #[test]
    fn a_feature_without_comment_or_without_effect_is_found() {
        let manifest = "[features]\nhttp = [\"dep:runcor-http\"]\n## Fake.\nmock = []\n";
        assert_eq!(
            findings(manifest, ""),
            ["the feature http has no comment", "the feature mock does nothing"]
        );
    }
}
