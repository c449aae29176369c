//! What a model's name tells about what it takes.

/// Whether the model is a Gemini of the third generation or later.
///
/// From there on tools and JSON answers go together, and the signatures of the
/// model's thoughts must come back with its tool calls.
pub(super) fn is_third_generation(model: &str) -> bool {
    let Some((_, version)) = model.split_once("gemini-") else { return false };
    let digits = version.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse::<u32>().is_ok_and(|major| major >= 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_told_apart() {
        for new in ["gemini-3.5-flash-lite", "models/gemini-4-argon", "gemini-10-x"] {
            assert!(is_third_generation(new), "{new}");
        }
        for old in ["gemini-2.5-flash", "gemini-pro", "gemma-3", "gemini-"] {
            assert!(!is_third_generation(old), "{old}");
        }
    }
}
