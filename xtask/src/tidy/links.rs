//! Relative links in Markdown: each leads to a file.

use std::path::Path;

use super::finding::Finding;
use super::tree::{Text, Tree};

/// Checks the links of every document.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut documents: Vec<_> =
        ["docs", "crates", "examples"].iter().flat_map(|dir| tree.files(dir, "md")).collect();
    documents.extend(tree.text("README.md").map(|text| Text { path: "README.md".into(), text }));
    documents.iter().flat_map(|document| broken(&tree.root, document)).collect()
}

fn broken(root: &Path, document: &Text) -> Vec<Finding> {
    let dir = root.join(&document.path).parent().map(Path::to_path_buf).unwrap_or_default();
    links(&document.text)
        .filter(|(_, link)| !dir.join(link).exists())
        .map(|(line, link)| {
            let what = format!("the link {link} leads nowhere");
            Finding::new("link", &document.path, what, "repair or remove it").at(line)
        })
        .collect()
}

/// Returns the relative links outside of code blocks, with their lines.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut code = false;
    text.lines()
        .enumerate()
        .filter(move |(_, line)| {
            let fence = line.trim_start().starts_with("```");
            code ^= fence;
            !code && !fence
        })
        .flat_map(|(at, line)| {
            line.split("](").skip(1).filter_map(move |rest| {
                let (link, _) = rest.split_once(')')?;
                let file = link.split('#').next()?;
                let relative = !file.is_empty() && !file.contains(':') && !file.contains(' ');
                relative.then_some((at + 1, file))
            })
        })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;

    #[test]
    fn only_relative_links_outside_of_code_are_followed() {
        let text =
            "[a](a.md#part) [b](https://b.example) [c](#here)\n```\n[d](d.md)\n```\n[e](../e)\n";
        let found: Vec<_> = links(text).collect();
        assert_eq!(found, [(1, "a.md"), (5, "../e")]);
    }

    #[test]
    fn a_link_to_a_missing_file_is_found_with_its_line() {
        let fixture = Fixture::new()
            .file("README.md", "[docs](docs/README.md)\n")
            .file("docs/README.md", "[back](../README.md)\n[lost](lost.md)\n");
        let findings = check(&fixture.tree());
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].line, findings[0].path.to_str()), (2, Some("docs/README.md")));
    }
}
