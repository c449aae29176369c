//! Fuzz targets: what holds for every input, however strange. No part of the API.
//!
//! `cargo xtask fuzz` looks for inputs that break them; the tests below run them
//! over the inputs that are kept in `tests/fuzz`.

use crate::findings::Findings;
use crate::interpolate::fill;
use crate::load::parse;
use crate::node::{Content, Node, Place};

/// What stands in the variable that is set; no message may repeat it.
const SECRET: &str = "hush-hush ${N}\nx: [";

fn env(name: &str) -> Option<String> {
    match name {
        "KEY" => Some(SECRET.to_owned()),
        "N" => Some("7".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

/// A file is loaded and can be printed and loaded again, or it is refused with
/// mistakes that lie within it, each on one line and without a value.
pub fn config_file(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let error = match parse(text, &env) {
        Ok(loaded) => {
            let printed = loaded.config.to_masked_yaml();
            let again = parse(&printed, &|_| None);
            let again = again.map(|again| again.config.to_masked_json());
            assert_eq!(again.ok(), Some(loaded.config.to_masked_json()), "{printed}");
            return;
        }
        Err(error) => error,
    };
    assert!(!error.problems().is_empty(), "refused without a reason");
    let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
    for problem in error.problems() {
        let shown = problem.to_string();
        assert_eq!(shown.lines().count(), 1, "{shown:?}");
        assert!(problem.line <= lines, "{shown} of {lines} lines");
        assert!(text.contains("hush-hush") || !shown.contains("hush-hush"), "{shown}");
    }
}

/// A text is filled in once; escaped it comes out as it was.
pub fn interpolation(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    assert_eq!(filled(&text.replace("${", "$${")).as_deref(), Some(text));
    let Some(filled) = filled(text) else { return };
    assert!(text.contains("${") || filled == text, "a text without placeholder changed");
    let named = text.matches("${KEY}").count() + text.matches("${KEY:-").count();
    let own = text.matches("hush-hush").count();
    assert!(filled.matches(SECRET).count() <= named + own, "a value was filled in twice");
}

fn filled(text: &str) -> Option<String> {
    let mut node = Node { place: Place::START, content: Content::Text(text.into()) };
    let mut findings = Findings::default();
    fill(&mut node, &env, &mut findings);
    match (findings.finish(), node.text()) {
        (Ok(_), Some(filled)) => Some(filled.to_owned()),
        (Ok(_), None) => unreachable!("nothing was wrong, and yet there is no text"),
        (Err((problems, _)), _) => {
            let repeats = |message: &str| message.contains("hush-hush");
            assert!(text.contains("hush-hush") || !problems.iter().any(|p| repeats(&p.message)));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use runcor_testkit::replay_inputs;

    const INPUTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz");

    #[test]
    fn files_hold_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/config_file"), super::config_file);
    }

    #[test]
    fn interpolation_holds_for_the_kept_inputs() {
        replay_inputs(format!("{INPUTS}/interpolation"), super::interpolation);
    }
}
