//! The star: a subsystem depends on `runcor-core` and on no other subsystem.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::tree::Tree;
use crate::metadata::{DependencyKind, Member};

/// What every crate may depend on.
const CORE: &str = "runcor-core";

/// The crates whose job is to put others together.
const COMPOSERS: [&str; 2] = ["runcor", "runcor-cli"];

/// The folder of crates that stand for applications, and see what applications see.
const APPLICATIONS: &str = "examples/";

/// Where the examples are, which use our crates as people outside do.
const EXAMPLES: &str = "examples";

/// Edges beyond the star: from, to, why it must be.
const EXCEPTIONS: [(&str, &str, &str); 0] = [];

/// Crates whose tests build exactly that many crates of ours, themselves included.
const BUILDS: [(&str, usize); 1] = [("runcor-router", 2)];

/// Checks the direction of dependencies between our crates.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in tree.members.iter().filter(|member| !is_application(member)) {
        findings.extend(edges(member, &EXCEPTIONS));
    }
    findings.extend(unused_exceptions(&tree.members, &EXCEPTIONS));
    for (name, allowed) in BUILDS {
        findings.extend(too_many_builds(&tree.members, name, allowed));
    }
    findings
}

fn is_application(member: &Member) -> bool {
    member.manifest().starts_with(APPLICATIONS)
}

fn edges(member: &Member, exceptions: &[(&str, &str, &str)]) -> Vec<Finding> {
    let from = member.name.as_str();
    let allowed = |to: &str| {
        (to == CORE && from != "xtask")
            || (COMPOSERS.contains(&from) && from != to)
            || member.dir.starts_with(EXAMPLES)
            || exceptions.iter().any(|(a, b, _)| (*a, *b) == (from, to))
    };
    own_dependencies(member)
        .filter(|(kind, to)| *kind != DependencyKind::Dev && !allowed(to))
        .map(|(_, to)| {
            let remedy = if from == "xtask" {
                "the tool must run when our crates don't compile; do without it"
            } else {
                "exchange through a type or trait of runcor-core, or put the two together in a \
                 composer; a true exception goes into EXCEPTIONS of xtask/src/tidy/star.rs with \
                 its reason"
            };
            Finding::new("star", member.manifest(), format!("{from} depends on {to}"), remedy)
        })
        .collect()
}

fn unused_exceptions(members: &[Member], exceptions: &[(&str, &str, &str)]) -> Vec<Finding> {
    let used = |from: &str, to: &str| {
        members.iter().any(|member| {
            member.name == from
                && own_dependencies(member)
                    .any(|(kind, own)| kind != DependencyKind::Dev && own == to)
        })
    };
    exceptions
        .iter()
        .filter(|(from, to, _)| !used(from, to))
        .map(|(from, to, _)| {
            let what = format!("nothing uses the exception {from} → {to}");
            Finding::new("star", "xtask/src/tidy/star.rs", what, "remove it from EXCEPTIONS")
        })
        .collect()
}

fn too_many_builds(members: &[Member], name: &str, allowed: usize) -> Option<Finding> {
    let member = members.iter().find(|member| member.name == name)?;
    let mut built = BTreeSet::from([name]);
    let mut next: Vec<&str> = own_dependencies(member).map(|(_, to)| to).collect();
    while let Some(to) = next.pop() {
        if !built.insert(to) {
            continue;
        }
        let dependency = members.iter().find(|member| member.name == to);
        next.extend(
            dependency
                .into_iter()
                .flat_map(own_dependencies)
                .filter_map(|(kind, to)| (kind != DependencyKind::Dev).then_some(to)),
        );
    }
    (built.len() != allowed).then(|| {
        let names: Vec<_> = built.iter().copied().collect();
        Finding::new(
            "star",
            member.manifest(),
            format!(
                "the tests of {name} build {} of our crates: {}",
                built.len(),
                names.join(", ")
            ),
            format!("{allowed} is the promise; use a fake of its own in place of the dependency"),
        )
    })
}

/// Returns when each of our own crates is needed.
fn own_dependencies(member: &Member) -> impl Iterator<Item = (DependencyKind, &str)> {
    member
        .dependencies
        .iter()
        .filter(|dependency| dependency.internal)
        .map(|dependency| (dependency.kind, dependency.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{dependency, member};
    use super::*;

    #[test]
    fn a_subsystem_may_depend_on_core_and_on_nothing_else_of_ours() {
        assert!(edges(&member("runcor-cost", &["runcor-core"]), &[]).is_empty());
        let wrong = edges(&member("runcor-cost", &["runcor-core", "runcor-router"]), &[]);
        assert_eq!(wrong.len(), 1);
        assert_eq!(wrong[0].what, "runcor-cost depends on runcor-router");
    }

    #[test]
    fn a_dev_dependency_is_free_and_a_build_dependency_is_not() {
        let mut subsystem = member("runcor-cost", &[]);
        subsystem.dependencies = vec![dependency("runcor-testkit", DependencyKind::Dev)];
        assert!(edges(&subsystem, &[]).is_empty());
        subsystem.dependencies = vec![dependency("runcor-testkit", DependencyKind::Build)];
        assert_eq!(edges(&subsystem, &[]).len(), 1);
    }

    #[test]
    fn composers_see_several_subsystems() {
        assert!(edges(&member("runcor", &["runcor-core", "runcor-router"]), &[]).is_empty());
    }

    #[test]
    fn examples_use_whatever_they_show() {
        let mut example = member("router-alone", &["runcor-core", "runcor-router"]);
        assert_eq!(edges(&example, &[]).len(), 1);
        example.dir = "examples/router-alone".into();
        assert!(edges(&example, &[]).is_empty());
    }

    #[test]
    fn the_tool_depends_on_no_crate_of_ours() {
        assert_eq!(edges(&member("xtask", &["runcor-core"]), &[]).len(), 1);
    }

    #[test]
    fn an_exception_allows_its_edge_and_must_be_in_use() {
        let exceptions = [("runcor-a", "runcor-b", "it serves its data")];
        let user = member("runcor-a", &["runcor-b"]);
        assert!(edges(&user, &exceptions).is_empty());
        assert!(unused_exceptions(&[user], &exceptions).is_empty());
        assert_eq!(unused_exceptions(&[member("runcor-a", &[])], &exceptions).len(), 1);
    }

    #[test]
    fn what_the_tests_of_a_crate_build_is_counted_through_all_levels() {
        let core = member("runcor-core", &[]);
        let testkit = member("runcor-testkit", &["runcor-core"]);
        let router = member("runcor-router", &["runcor-core"]);
        let members = [core.clone(), router.clone()];
        assert!(too_many_builds(&members, "runcor-router", 2).is_none());
        let mut heavy = router;
        heavy.dependencies.push(dependency("runcor-testkit", DependencyKind::Dev));
        let finding = too_many_builds(&[core, testkit, heavy], "runcor-router", 2).unwrap();
        assert!(finding.what.contains("build 3 of our crates"), "{finding}");
    }
}
