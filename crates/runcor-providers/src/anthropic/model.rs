//! What a model's name tells about what it takes.

/// The version in a name such as `claude-sonnet-4-6` or `claude-3-5-haiku-20241022`.
fn version(model: &str) -> Option<(u32, u32)> {
    let (_, name) = model.split_once("claude-")?;
    let mut parts = name.split('-').skip_while(|part| number(part).is_none()).map(number);
    let major = parts.next()??;
    Some((major, parts.next().flatten().unwrap_or(0)))
}

/// A part of a version; what has more digits is a date.
fn number(part: &str) -> Option<u32> {
    if part.len() <= 2 { part.parse().ok() } else { None }
}

/// Whether the model answers a sampling temperature with HTTP 400.
///
/// That began with Claude Opus 4.7 and holds for all models since.
pub(super) fn refuses_temperature(model: &str) -> bool {
    version(model).is_some_and(|version| version >= (4, 7))
}

/// Whether the model may refuse to be forced to a tool, since it always thinks.
pub(super) fn refuses_forced_tools(model: &str) -> bool {
    version(model).is_some_and(|version| version >= (5, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_names_old_and_new() {
        for (model, expected) in [
            ("claude-sonnet-4-5-20250929", Some((4, 5))),
            ("claude-sonnet-4-20250514", Some((4, 0))),
            ("claude-3-5-haiku-20241022", Some((3, 5))),
            ("claude-opus-5", Some((5, 0))),
            ("anthropic.claude-sonnet-5-5", Some((5, 5))),
            ("claude-mythos-preview", None),
            ("llama3.2", None),
        ] {
            assert_eq!(version(model), expected, "{model}");
        }
        assert!(refuses_temperature("claude-opus-4-7") && !refuses_temperature("claude-opus-4-6"));
    }
}
