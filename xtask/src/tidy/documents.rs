//! The documents that every crate has, and the indexes that name them.

use std::path::Path;

use super::finding::Finding;
use super::tree::Tree;
use crate::metadata::Member;

/// Crates that people take directly; the tool is for nobody outside.
const NO_FACADE_LINE: [&str; 3] = ["runcor", "runcor-cli", "xtask"];

/// How the texts begin that `new-crate` leaves to its user.
const PLACEHOLDER: &str = "(Say in ";

/// The list of crates in reading order.
const CRATES: &str = "crates/README.md";

/// The list of pages.
const PAGES: &str = "docs/README.md";

/// Checks each crate's README and the two indexes.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let crates = tree.members.iter().filter(|member| member.dir.starts_with("crates"));
    let mut findings: Vec<_> = crates.clone().flat_map(|member| readme(tree, member)).collect();
    let index = tree.text(CRATES).unwrap_or_default();
    findings.extend(crates.filter_map(|member| listed(&index, member)));
    findings.extend(unlisted_pages(tree));
    findings
}

fn readme(tree: &Tree, member: &Member) -> Vec<Finding> {
    let path = member.dir.join("README.md");
    let Some(text) = tree.text(&path) else {
        let what = format!("{} has no README.md", member.name);
        let remedy = "say in two sentences what it is, with an example";
        return vec![Finding::new("readme", path, what, remedy)];
    };
    let title = text.lines().next().unwrap_or_default();
    // The line may be wrapped anywhere.
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let facade = NO_FACADE_LINE.contains(&member.name.as_str())
        || words.contains("Most people want the facade `runcor`")
        || words.contains("Most people want the facade [`runcor`]");
    let checks = [
        (
            title == format!("# {}", member.name),
            "the title is not the crate's name",
            "begin with it",
        ),
        (
            text.contains("Working on this crate"),
            "there is no paragraph \"Working on this crate\"",
            "name the test command, the fakes and the contract",
        ),
        (
            facade,
            "it does not point to the facade",
            "write the line: Most people want the facade `runcor`.",
        ),
        (!text.contains(PLACEHOLDER), "a placeholder of the stamp is left", "fill it in"),
    ];
    let broken = checks.into_iter().filter(|(holds, _, _)| !holds);
    broken.map(|(_, what, remedy)| Finding::new("readme", &path, what, remedy)).collect()
}

fn listed(index: &str, member: &Member) -> Option<Finding> {
    let name = format!("`{}`", member.name);
    let told = |line: &str| line.contains(&name) && !line.contains(PLACEHOLDER);
    (!index.lines().any(told)).then(|| {
        let what = format!("{} is not listed", member.name);
        Finding::new("crates-list", CRATES, what, "give it a line of its own, in reading order")
    })
}

fn unlisted_pages(tree: &Tree) -> Vec<Finding> {
    let index = tree.text(PAGES).unwrap_or_default();
    tree.files("docs", "md")
        .into_iter()
        .filter(|page| page.path != Path::new(PAGES))
        .filter(|page| {
            let within = page.path.strip_prefix("docs").unwrap_or(&page.path);
            !index.contains(&format!("({})", within.display()))
        })
        .map(|page| {
            let remedy = format!("link it from {PAGES}");
            Finding::new("docs-list", page.path, "no index leads to this page", remedy)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, member};
    use super::*;

    const GOOD: &str = "# runcor-a\n\nIt is.\n\nMost people want the facade `runcor`.\n\n\
                        ## Working on this crate\n";

    fn findings(fixture: &Fixture) -> Vec<String> {
        check(&fixture.tree()).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_crate_with_its_documents_is_in_order() {
        let fixture = Fixture::new()
            .file("crates/runcor-a/README.md", GOOD)
            .file("crates/README.md", "1. [`runcor-a`](runcor-a): a\n")
            .member(member("runcor-a", &[]));
        assert_eq!(findings(&fixture), [""; 0]);
    }

    #[test]
    fn a_missing_readme_and_a_missing_line_are_found() {
        let fixture = Fixture::new().member(member("runcor-a", &[]));
        assert_eq!(findings(&fixture), ["runcor-a has no README.md", "runcor-a is not listed"]);
    }

    #[test]
    fn each_part_of_a_readme_is_asked_for() {
        let fixture = |text: &str, name: &str| {
            Fixture::new().file(&format!("crates/{name}/README.md"), text).member(member(name, &[]))
        };
        let broken = |text: &str, name: &str| {
            let fixture = fixture(text, name);
            readme(&fixture.tree(), &member(name, &[])).len()
        };
        assert_eq!(broken(GOOD, "runcor-a"), 0);
        assert_eq!(broken(&GOOD.replace("want the", "want\nthe"), "runcor-a"), 0);
        assert_eq!(broken("# other\n", "runcor-a"), 3);
        assert_eq!(broken(&GOOD.replace("It is.", "(Say in one sentence …)"), "runcor-a"), 1);
        assert_eq!(broken("# runcor-cli\n\nWorking on this crate: …\n", "runcor-cli"), 0);
    }

    #[test]
    fn a_line_in_the_list_that_says_nothing_does_not_count() {
        let a = member("runcor-a", &[]);
        assert!(listed("| `runcor-a` | does a |\n", &a).is_none());
        assert!(listed("| `runcor-a` | (Say in one line what it is) |\n", &a).is_some());
        assert!(listed("| `runcor-ab` | does ab |\n", &a).is_some());
    }

    #[test]
    fn a_page_that_no_index_names_is_found() {
        let fixture = Fixture::new()
            .file("docs/README.md", "[errors](errors.md)")
            .file("docs/errors.md", "")
            .file("docs/lost.md", "");
        assert_eq!(findings(&fixture), ["no index leads to this page"]);
    }
}
