//! The error codes: each has a section in the documentation that says what to do.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::tree::Tree;

const CODES: &str = "crates/runcor-core/src/error.rs";
const PAGE: &str = "docs/errors.md";

/// The words that each section must contain.
const PARTS: [&str; 2] = ["**Why:**", "**What to do:**"];

/// Compares the list of codes with the page that explains them.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(code) = tree.text(CODES) else { return Vec::new() };
    compare(&code, &tree.text(PAGE).unwrap_or_default())
}

fn compare(code: &str, page: &str) -> Vec<Finding> {
    let (codes, sections) = (codes(code), sections(page));
    let mut findings = Vec::new();
    for (name, line) in &codes {
        match sections.get(name) {
            None => {
                let what = format!("{name} is not explained");
                let remedy = format!("add a section `### {name}` to {PAGE}");
                findings.push(Finding::new("error-code", CODES, what, remedy).at(*line));
            }
            Some((line, body)) => {
                for part in PARTS.into_iter().filter(|part| !body.contains(part)) {
                    let what = format!("the section of {name} has no {part}");
                    findings.push(Finding::new("error-code", PAGE, what, "write it").at(*line));
                }
            }
        }
    }
    for (name, (line, _)) in sections.iter().filter(|(name, _)| !codes.contains_key(*name)) {
        let what = format!("{name} is explained, but there is no such code");
        findings.push(Finding::new("error-code", PAGE, what, "remove the section").at(*line));
    }
    findings
}

/// Returns the wire texts `Name = "TEXT",` and their lines.
fn codes(code: &str) -> BTreeMap<&str, usize> {
    let list = code.lines().enumerate().skip_while(|(_, line)| *line != "codes! {");
    list.take_while(|(_, line)| *line != "}")
        .filter_map(|(at, line)| {
            let (_, text) = line.trim().strip_suffix("\",")?.split_once(" = \"")?;
            Some((text, at + 1))
        })
        .collect()
}

/// Returns the sections `### TEXT` with their lines and bodies.
fn sections(page: &str) -> BTreeMap<&str, (usize, String)> {
    let mut sections = BTreeMap::new();
    let mut current = None;
    for (at, line) in page.lines().enumerate() {
        if line.starts_with('#') {
            current = line.strip_prefix("### ").map(str::trim);
            if let Some(name) = current {
                sections.insert(name, (at + 1, String::new()));
            }
        } else if let Some((_, body)) = current.and_then(|name| sections.get_mut(name)) {
            body.push_str(line);
            body.push('\n');
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "x! { A = \"NOT_ONE\", }\ncodes! {\n    /// A.\n    A = \"A_CODE\",\n    B = \"B_CODE\",\n}\n";
    const BODY: &str = "It broke. **Why:** it does. **What to do:** repair it.";

    fn whats(page: &str) -> Vec<String> {
        compare(CODE, page).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_page_with_every_code_is_in_order() {
        assert_eq!(whats(&format!("### A_CODE\n{BODY}\n### B_CODE\n{BODY}\n")), [""; 0]);
    }

    #[test]
    fn missing_and_superfluous_sections_are_found() {
        let page = format!("### A_CODE\n{BODY}\n## Others\n### C_CODE\n{BODY}\n");
        assert_eq!(
            whats(&page),
            ["B_CODE is not explained", "C_CODE is explained, but there is no such code"]
        );
    }

    #[test]
    fn a_section_says_why_and_what_to_do() {
        let page = format!("### A_CODE\nIt broke.\n### B_CODE\n{BODY}\n");
        assert_eq!(whats(&page).len(), 2);
    }
}
