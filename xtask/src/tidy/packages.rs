//! Manifests: what is inherited, licences, versions; and that no crate is empty.

use super::finding::Finding;
use super::tree::Tree;
use crate::metadata::{DependencyKind, Member};

/// What a package takes from the workspace.
const INHERITED: [&str; 4] = ["version", "edition", "rust-version", "license"];

/// How the description begins that `new-crate` leaves to its user.
const PLACEHOLDER: &str = "\"(Say in ";

/// The licence of everything here.
const LICENSE: &str = "MIT OR Apache-2.0";

/// Checks each package's manifest and that it has something to offer.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in &tree.members {
        findings.extend(inheritance(tree, member));
        findings.extend(license(member));
        findings.extend(publish(tree, member));
        findings.extend(described(tree, member));
        findings.extend(directory(member));
        findings.extend(dev_versions(member));
        findings.extend(empty(tree, member));
    }
    for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
        if tree.text(file).is_none() {
            findings.push(Finding::new("license", file, "the licence's text is missing", "add it"));
        }
    }
    findings
}

fn inheritance(tree: &Tree, member: &Member) -> Vec<Finding> {
    let manifest = tree.manifest(member);
    let wanted = INHERITED.map(|key| ("package", key));
    let mut findings: Vec<_> = wanted
        .into_iter()
        .filter(|(section, key)| !manifest.inherits(section, key))
        .map(|(_, key)| {
            let what = format!("{} does not inherit {key:?}", member.name);
            let remedy = format!("write `{key}.workspace = true` under [package]");
            Finding::new("inherit", member.manifest(), what, remedy)
        })
        .collect();
    let lints = manifest.section("lints").any(|e| e.key == "workspace" && e.value == "true");
    if !lints {
        let what = format!("{} does not take the workspace's lints", member.name);
        let remedy = "write `[lints]` and under it `workspace = true`";
        findings.push(Finding::new("inherit", member.manifest(), what, remedy));
    }
    findings
}

fn license(member: &Member) -> Option<Finding> {
    (member.license.as_deref() != Some(LICENSE)).then(|| {
        let what = format!("the licence of {} is not {LICENSE:?}", member.name);
        Finding::new("license", member.manifest(), what, "inherit it from the workspace")
    })
}

fn publish(tree: &Tree, member: &Member) -> Option<Finding> {
    let manifest = tree.manifest(member);
    let set = manifest
        .section("package")
        .any(|entry| entry.key == "publish" || entry.key == "publish.workspace");
    (!set).then(|| {
        let what = format!("{} does not say whether it is published", member.name);
        Finding::new("publish", member.manifest(), what, "write `publish.workspace = true`")
    })
}

fn described(tree: &Tree, member: &Member) -> Option<Finding> {
    let manifest = tree.manifest(member);
    let told = manifest
        .section("package")
        .any(|entry| entry.key == "description" && !entry.value.starts_with(PLACEHOLDER));
    (!told).then(|| {
        let what = format!("{} has no description", member.name);
        Finding::new("description", member.manifest(), what, "say in one line what it is")
    })
}

fn directory(member: &Member) -> Option<Finding> {
    let same = member.dir.file_name().is_some_and(|dir| dir == member.name.as_str());
    (!same).then(|| {
        let what = format!("{} does not live in a directory of its name", member.name);
        Finding::new("directory", member.manifest(), what, "rename the directory or the package")
    })
}

fn dev_versions(member: &Member) -> Vec<Finding> {
    member
        .dependencies
        .iter()
        .filter(|on| on.internal && on.versioned && on.kind == DependencyKind::Dev)
        .map(|on| {
            let what = format!("the dev-dependency on {} has a version", on.name);
            let remedy = "leave only the path, or publishing in order becomes impossible";
            Finding::new("dev-version", member.manifest(), what, remedy)
        })
        .collect()
}

fn empty(tree: &Tree, member: &Member) -> Option<Finding> {
    let src = member.dir.join("src");
    let mut lines = tree
        .sources_of(member)
        .filter(|source| source.path.starts_with(&src))
        .flat_map(|source| source.text.lines());
    let full = if member.has_target("lib") {
        lines.any(|line| line.trim_start().starts_with("pub "))
    } else {
        lines.filter(|line| !line.trim().is_empty() && !line.starts_with("//")).count() > 3
    };
    (!full).then(|| {
        let what = format!("{} offers nothing", member.name);
        Finding::new("empty", member.manifest(), what, "a crate is born with its first behaviour")
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::fixture::{Fixture, dependency, member};
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\ndescription = \"A\"\nversion.workspace = true\n\
        edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\n\
        publish.workspace = true\n\n[lints]\nworkspace = true\n";

    fn findings(manifest: &str, lib: &str) -> Vec<String> {
        let fixture = Fixture::new()
            .file("LICENSE-MIT", "x")
            .file("LICENSE-APACHE", "x")
            .file("crates/a/Cargo.toml", manifest)
            .file("crates/a/src/lib.rs", lib)
            .member(member("a", &[]));
        check(&fixture.tree()).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_manifest_that_inherits_everything_is_in_order() {
        assert_eq!(findings(GOOD, "//! A.\npub fn a() {}\n"), [""; 0]);
    }

    #[test]
    fn what_is_not_inherited_is_found() {
        let own = GOOD.replace("version.workspace = true\nedition", "version = \"1.0.0\"\nedition");
        assert_eq!(findings(&own, "pub fn a() {}"), ["a does not inherit \"version\""]);
        let no_lints = GOOD.replace("[lints]\nworkspace = true\n", "");
        assert_eq!(findings(&no_lints, "pub fn a() {}").len(), 1);
        let stamped = GOOD.replace("\"A\"", "\"(Say in one line what it is)\"");
        assert_eq!(findings(&stamped, "pub fn a() {}"), ["a has no description"]);
        let no_publish = GOOD.replace("publish.workspace = true\n", "");
        assert_eq!(findings(&no_publish, "pub fn a() {}").len(), 1);
    }

    #[test]
    fn a_library_without_a_public_item_is_empty() {
        assert_eq!(findings(GOOD, "//! A.\nfn a() {}\n"), ["a offers nothing"]);
    }

    #[test]
    fn a_program_that_does_nothing_is_empty() {
        let mut program = member("a", &[]);
        program.targets[0].kind = "bin".to_owned();
        let idle = Fixture::new().file("crates/a/src/main.rs", "//! A.\nfn main() {}\n");
        assert!(empty(&idle.tree(), &program).is_some());
        let main = "//! A.\nfn main() {\n    let a = 1;\n    drop(a);\n}\n";
        let busy = Fixture::new().file("crates/a/src/main.rs", main);
        assert!(empty(&busy.tree(), &program).is_none());
    }

    #[test]
    fn another_licence_and_another_directory_are_found() {
        let mut foreign = member("a", &[]);
        assert!(license(&foreign).is_none() && directory(&foreign).is_none());
        foreign.license = Some("GPL-3.0".to_owned());
        foreign.dir = PathBuf::from("crates/b");
        assert!(license(&foreign).is_some() && directory(&foreign).is_some());
    }

    #[test]
    fn an_internal_dev_dependency_has_no_version() {
        let mut a = member("a", &[]);
        a.dependencies.push(dependency("b", DependencyKind::Dev));
        assert!(dev_versions(&a).is_empty());
        a.dependencies[0].versioned = true;
        assert_eq!(dev_versions(&a).len(), 1);
    }
}
