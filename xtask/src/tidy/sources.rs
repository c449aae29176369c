//! Rust files: heads, lengths, names, and words that must not stay.

use std::path::Path;

use super::finding::Finding;
use super::tree::{Text, Tree};

/// A file with more lines fails.
const MOST_LINES: usize = 900;

/// A file with more lines, blank lines and documentation aside, is a warning.
const MANY_LINES: usize = 500;

/// Names that say nothing about what is inside.
const VAGUE: [&str; 6] = ["common", "helper", "helpers", "misc", "util", "utils"];

/// Words that mark unfinished work, put together so that this file has none.
const UNFINISHED: [&str; 4] = [
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
];

/// Checks every Rust file.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources
        .iter()
        .flat_map(|source| {
            let mut findings = unfinished(source);
            findings.extend(head(source));
            findings.extend(length(source));
            findings.extend(name(source));
            findings.extend(test_names(source));
            findings.extend(table_of_contents(source));
            findings.extend(example(source));
            findings
        })
        .collect()
}

fn head(source: &Text) -> Option<Finding> {
    // A crate may have its README for its essay.
    let readme = source.path.ends_with("src/lib.rs")
        && source.text.starts_with("#![doc = include_str!(\"../README.md\")]");
    (!source.text.starts_with("//!") && !readme).then(|| {
        let remedy = "say in its first line, after `//!`, what the file is for";
        Finding::new("head", &source.path, "the file does not begin with `//!`", remedy)
    })
}

fn length(source: &Text) -> Option<Finding> {
    let all = source.text.lines().count();
    let code = source
        .text
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.is_empty() && !line.starts_with("///") && !line.starts_with("//!"))
        .count();
    let remedy = "give a state, a message or a type its own file";
    if all > MOST_LINES {
        let what = format!("{all} lines are more than {MOST_LINES}");
        return Some(Finding::new("length", &source.path, what, remedy).at(MOST_LINES + 1));
    }
    (code > MANY_LINES).then(|| {
        let what = format!("{code} lines, documentation aside, are many");
        Finding::new("length", &source.path, what, remedy).warning()
    })
}

fn name(source: &Text) -> Option<Finding> {
    let stem = source.path.file_stem()?.to_str()?;
    let of_module = if stem == "mod" { source.path.parent()?.file_name()?.to_str()? } else { stem };
    VAGUE.contains(&of_module).then(|| {
        let what = format!("{of_module:?} does not say what is inside");
        Finding::new("name", &source.path, what, "name the file after its subject")
    })
}

fn unfinished(source: &Text) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in source.text.lines().enumerate() {
        if let Some(word) = UNFINISHED.into_iter().find(|word| has_word(line, word)) {
            let what = format!("unfinished: {word}");
            let remedy = "finish it, or take it out and open an issue";
            findings.push(Finding::new("unfinished", &source.path, what, remedy).at(at + 1));
        }
    }
    findings
}

/// Returns whether the word stands in the line, not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let part = |sign: Option<char>| sign.is_some_and(|s| s.is_alphanumeric() || s == '_');
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        !part(before) && (word.ends_with('(') || !part(after))
    })
}

fn test_names(source: &Text) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut is_test = false;
    for (at, line) in source.text.lines().enumerate() {
        let line = line.trim_start();
        if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.contains("::test");
            continue;
        }
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        if is_test && function.is_some_and(|name| name.starts_with("test_")) {
            let remedy = "name the test after what it shows, as a sentence";
            let finding =
                Finding::new("test-name", &source.path, "a test's name begins with test_", remedy);
            findings.push(finding.at(at + 1));
        }
        is_test = false;
    }
    findings
}

fn table_of_contents(source: &Text) -> Option<Finding> {
    let library = Path::new("src/lib.rs");
    if !source.path.ends_with(library) || source.path.starts_with("xtask") {
        return None;
    }
    let logic = ["fn ", "pub fn ", "async fn ", "pub async fn ", "impl", "pub struct ", "struct "];
    let at =
        source.text.lines().position(|line| logic.iter().any(|word| line.starts_with(word)))?;
    let remedy = "move it to a module; lib.rs is a table of contents";
    Some(Finding::new("lib", &source.path, "lib.rs holds code", remedy).at(at + 1).warning())
}

fn example(source: &Text) -> Option<Finding> {
    if !source.path.components().any(|part| part.as_os_str() == "examples") {
        return None;
    }
    let mut head = source.text.lines().take_while(|line| line.starts_with("//!"));
    let told = head.any(|line| line.contains("cargo run"));
    (!told && source.text.contains("fn main(")).then(|| {
        let remedy = "write the command `cargo run …` into its first lines";
        Finding::new("example", &source.path, "the example does not say how to run it", remedy)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Text {
        Text { path: path.into(), text: text.to_owned() }
    }

    #[test]
    fn a_file_begins_with_its_subject() {
        assert!(head(&source("a.rs", "//! A.\n")).is_none());
        assert!(head(&source("a.rs", "use std::fs;\n//! A.\n")).is_some());
        assert!(head(&source("a.rs", "")).is_some());
        let readme = "#![doc = include_str!(\"../README.md\")]\n";
        assert!(head(&source("crates/a/src/lib.rs", readme)).is_none());
        assert!(head(&source("crates/a/src/a.rs", readme)).is_some());
    }

    #[test]
    fn a_long_file_is_a_warning_and_a_very_long_one_an_error() {
        let code = "let a = 1;\n";
        assert!(length(&source("a.rs", &code.repeat(500))).is_none());
        let long = length(&source("a.rs", &code.repeat(501))).unwrap();
        assert!(long.to_string().contains("warning"));
        assert!(length(&source("a.rs", &"/// a\n".repeat(900))).is_none());
        let too_long = length(&source("a.rs", &"/// a\n".repeat(901))).unwrap();
        assert!(!too_long.to_string().contains("warning"));
    }

    #[test]
    fn a_file_is_named_after_its_subject() {
        assert!(name(&source("crates/a/src/queue.rs", "")).is_none());
        assert!(name(&source("crates/a/src/utils.rs", "")).is_some());
        assert!(name(&source("crates/a/tests/it/common/mod.rs", "")).is_some());
    }

    #[test]
    fn marks_of_unfinished_work_are_found_as_whole_words() {
        let text =
            format!("ok\n{}later)\n// {}: a\n// {}\n", UNFINISHED[0], UNFINISHED[2], UNFINISHED[3]);
        let lines: Vec<_> = unfinished(&source("a.rs", &text)).iter().map(|f| f.line).collect();
        assert_eq!(lines, [2, 3, 4]);
        assert!(unfinished(&source("a.rs", "let XXXL = 1; // to do: nothing")).is_empty());
    }

    #[test]
    fn only_tests_are_asked_for_the_prefix() {
        let text = "#[test]\nfn test_a() {}\nfn test_b() {}\n#[tokio::test]\nasync fn test_c() {}\n\
                    #[test]\n#[ignore]\nfn a_sentence() {}\n";
        let lines: Vec<_> = test_names(&source("a.rs", text)).iter().map(|f| f.line).collect();
        assert_eq!(lines, [2, 5]);
    }

    #[test]
    fn code_in_the_root_of_a_library_is_a_warning() {
        let good = "//! A.\n//! fn in_docs() {}\nmod a;\npub use a::A;\n";
        assert!(table_of_contents(&source("crates/a/src/lib.rs", good)).is_none());
        let bad = "//! A.\nmod a;\npub fn f() {}\n";
        let finding = table_of_contents(&source("crates/a/src/lib.rs", bad)).unwrap();
        assert_eq!(finding.line, 3);
        assert!(table_of_contents(&source("crates/a/src/a.rs", bad)).is_none());
    }

    #[test]
    fn an_example_says_how_to_run_it() {
        let good = "//! A.\n//!\n//! `cargo run --example a`\nfn main() {}\n";
        assert!(example(&source("crates/runcor/examples/a.rs", good)).is_none());
        let bad = "//! A.\nfn main() {}\n";
        assert!(example(&source("crates/runcor/examples/a.rs", bad)).is_some());
        assert!(example(&source("crates/runcor/src/main.rs", bad)).is_none());
    }
}
