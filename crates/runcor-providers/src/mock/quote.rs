//! Quotes the input, so that a run without a key shows real content.

use std::borrow::Cow;

/// Longer prompts are shown by their beginning and their end.
const MAX_PROMPT: usize = 2000;
const HEAD: usize = 1200;
const TAIL: usize = 400;

/// The most characters that a field of generated data quotes.
const MAX_EXCERPT: usize = 120;

/// Puts the prompt into the template's first `{prompt}`.
pub(super) fn fill(template: &str, prompt: &str) -> String {
    match template.split_once("{prompt}") {
        Some((before, after)) => [before, &readable(prompt), after].concat(),
        None => template.to_owned(),
    }
}

fn readable(prompt: &str) -> Cow<'_, str> {
    // A character has at least one byte, so a short text needs no counting.
    if prompt.len() <= MAX_PROMPT {
        return Cow::Borrowed(prompt);
    }
    let count = prompt.chars().count();
    if count <= MAX_PROMPT {
        return Cow::Borrowed(prompt);
    }
    let at = |index: usize| prompt.char_indices().nth(index).map_or(prompt.len(), |(at, _)| at);
    let head = prompt.get(..at(HEAD)).unwrap_or_default();
    let tail = prompt.get(at(count - TAIL)..).unwrap_or_default();
    Cow::Owned(format!("{head} [… {} more characters …] {tail}", count - HEAD - TAIL))
}

/// The beginning of the prompt on one line.
pub(super) fn excerpt(prompt: &str) -> String {
    let mut line = String::new();
    for word in prompt.split_whitespace() {
        let gap = usize::from(!line.is_empty());
        let left = MAX_EXCERPT.saturating_sub(line.chars().count() + gap);
        if word.chars().count() > left {
            line.extend(line.is_empty().then(|| word.chars().take(left)).into_iter().flatten());
            line.push('…');
            break;
        }
        line.extend((gap == 1).then_some(' '));
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_place_is_filled_and_nothing_in_the_prompt_is_special() {
        assert_eq!(fill("a {prompt} b {prompt}", "$& {prompt}"), "a $& {prompt} b {prompt}");
        assert_eq!(fill("no place", "x"), "no place");
    }

    #[test]
    fn long_prompts_are_shown_by_their_ends() {
        let prompt = format!("BEGIN {} END", "ä".repeat(10_000));
        let text = fill("{prompt}", &prompt);
        assert!(text.starts_with("BEGIN") && text.ends_with("END"));
        assert!(text.contains("[… 8410 more characters …]"), "{text}");
        assert_eq!(fill("{prompt}", &"ä".repeat(2000)).chars().count(), 2000);
    }

    #[test]
    fn an_excerpt_is_one_line_of_whole_words() {
        assert_eq!(excerpt(" two\n\n words "), "two words");
        assert!(excerpt(&"word ".repeat(100)).chars().count() <= MAX_EXCERPT + 1);
        assert_eq!(excerpt(&"x".repeat(500)).chars().count(), MAX_EXCERPT + 1);
    }
}
