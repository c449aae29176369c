//! Whose models a name belongs to, where the name tells.

/// A vendor whose models have names that tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Anthropic,
    Google,
    OpenAi,
}

impl Family {
    /// Finds the vendor of a model by how its name begins.
    pub(crate) fn of(model: &str) -> Option<Self> {
        let name = model.strip_prefix("models/").unwrap_or(model);
        let begins = |beginnings: &[&str]| beginnings.iter().any(|with| name.starts_with(with));
        if begins(&["claude-"]) {
            Some(Self::Anthropic)
        } else if begins(&["gemini-", "gemma-"]) {
            Some(Self::Google)
        } else if begins(&["gpt-", "chatgpt-", "codex-", "ft:gpt-"]) || is_o_series(name) {
            Some(Self::OpenAi)
        } else {
            None
        }
    }
}

/// OpenAI names its models for reasoning `o1`, `o3-mini` and so on.
fn is_o_series(name: &str) -> bool {
    let digits = name.strip_prefix('o').unwrap_or_default();
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < digits.len() && (rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_whose_models_they_are_or_nothing() {
        for (family, names) in [
            (Some(Family::Anthropic), ["claude-opus-5-5", "claude-3-5-haiku-20241022"]),
            (Some(Family::Google), ["gemini-3.5-flash-lite", "models/gemma-3"]),
            (Some(Family::OpenAi), ["gpt-6-luna", "o3-mini"]),
            (Some(Family::OpenAi), ["o1", "ft:gpt-4o:acme"]),
            (None, ["llama3.2", "olmo-2"]),
            (None, ["o", "anthropic.claude-sonnet-5-5"]),
        ] {
            for name in names {
                assert_eq!(Family::of(name), family, "{name}");
            }
        }
    }
}
