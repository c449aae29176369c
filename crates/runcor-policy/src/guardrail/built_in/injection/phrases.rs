//! Phrases that command, and what each counts.

use regex_syntax::ParserBuilder;

use crate::guardrail::engine::{Pattern, Patterns, Scanner};

/// A sign, what it counts, and its expression; whitespace stands for any of it.
const PHRASES: [(&str, u32, &str); 15] = [
    (
        "command to ignore instructions",
        10,
        concat!(
            r"(?:ignore|disregard|forget|override|bypass|neglect)(?: [a-z']{1,12}){0,3} ",
            r"(?:previous|prior|above|earlier|preceding|existing|former|initial|original|system)",
            r"(?: [a-z]{1,12}){0,2} ",
            r"(?:instructions?|prompts?|rules?|directions?|directives?|guidelines?|commands?|context)",
        ),
    ),
    (
        "command to ignore instructions",
        10,
        concat!(
            r"(?:ignore|disregard|forget|override|bypass) (?:all|any|every|everything)",
            r"(?: [a-z]{1,12}){0,2} (?:instructions?|prompts?|rules?|guidelines?|before|above)",
        ),
    ),
    (
        "command to ignore instructions",
        8,
        concat!(
            r"(?:ignore|disregard|forget|override) (?:your|the|these|those) ",
            r"(?:instructions?|prompts?|rules?|guidelines?|directives?|training)",
        ),
    ),
    (
        "command not to follow instructions",
        8,
        concat!(
            r"(?:do not|don't|stop|never) (?:follow|following|obey|obeying) (?:your|the|any|all)",
            r"(?: [a-z]{1,12}){0,2} (?:instructions?|rules?|guidelines?|prompts?)",
        ),
    ),
    (
        "question for the system prompt",
        8,
        concat!(
            r"(?:reveal|show|print|repeat|output|display|tell me|give me|leak|expose|dump|translate|summari[sz]e)",
            r"(?: [a-z]{1,12}){0,3} (?:system|hidden|initial|original|secret) (?:prompt|instructions?|message)",
        ),
    ),
    (
        "question for the system prompt",
        6,
        r"(?:what (?:is|are|was|were)|what's) your (?:system|hidden|initial|original|exact) (?:prompt|instructions?)",
    ),
    (
        "question for the system prompt",
        8,
        r"(?:repeat|print|output) (?:everything|all|the text|the words|the content) (?:above|before)",
    ),
    (
        "new role",
        6,
        r"(?:you are|you're|act as|pretend to be|roleplay as) (?:now |a |an )?(?:dan|unrestricted|unfiltered|jailbroken|developer mode|an? ai without|evil|do anything now)",
    ),
    ("new role", 5, r"you are no longer (?:an?|bound|restricted|required)"),
    ("new role", 5, r"(?:new|updated|real) (?:system )?instructions?:"),
    ("jailbreak", 6, r"(?:jailbreak|developer mode (?:enabled|on)|do anything now|god mode)"),
    (
        "marker of a role",
        6,
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id|end_header_id)\|>",
    ),
    (
        "marker of a role",
        6,
        r"(?:\[/?inst\]|<</?sys>>|</?(?:system|assistant)>|### ?(?:system|instruction)s?:)",
    ),
    ("marker of a role", 4, r"begin (?:system|admin|developer) (?:prompt|message|override)"),
    (
        "secrecy from the user",
        5,
        r"(?:do not|don't|never) (?:tell|inform|mention|reveal|show)(?: [a-z]{1,12}){0,3} (?:the )?(?:user|human|anyone)",
    ),
];

pub(super) fn scanner() -> Result<Scanner, String> {
    let mut parsers = ParserBuilder::new();
    parsers.case_insensitive(true).unicode(false);
    let patterns = PHRASES.iter().enumerate().map(|(index, (_, _, expression))| {
        let expression = expression.replace(' ', r"[\s,]{1,4}");
        let hir = parsers.build().parse(&expression).map_err(|error| error.to_string())?;
        Ok(Pattern { at_word: true, ..Pattern::new(&index.to_string(), hir) })
    });
    let patterns = Patterns::build(patterns.collect::<Result<_, String>>()?)?;
    Ok(Scanner::new(vec![Box::new(patterns)], true))
}

/// Returns the name of a sign and what it counts.
pub(super) fn named(label: &str) -> (&'static str, u32) {
    let phrase = label.parse().ok().and_then(|index: usize| PHRASES.get(index));
    phrase.map_or(("phrase too long to tell", 1), |(name, weight, _)| (name, *weight))
}
