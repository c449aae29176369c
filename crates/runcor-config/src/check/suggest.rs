//! The word that was probably meant.

/// The longest word for which a neighbour is looked for.
const MAX_WORD: usize = 64;

/// Returns the candidate nearest to `word`, where one is near enough.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    if word.len() > MAX_WORD {
        return None;
    }
    let word = folded(word);
    let allowed = (word.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &folded(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Counts the edits; the beginning of a word is near to the whole word.
fn distance(word: &str, candidate: &str) -> usize {
    if word.len() >= 3 && candidate.starts_with(word) {
        return 1;
    }
    strsim::osa_distance(word, candidate)
}

/// Takes away case, dashes and underscores: `API_KEY` is meant as `apiKey`.
fn folded(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let keys = ["apiKey", "baseUrl", "priority", "models"];
        assert_eq!(nearest("api_key", keys), Some("apiKey"));
        assert_eq!(nearest("baseURL", keys), Some("baseUrl"));
        assert_eq!(nearest("priorty", keys), Some("priority"));
        assert_eq!(nearest("model", keys), Some("models"));
        assert_eq!(nearest("http", ["httpServer"]), Some("httpServer"));
        assert_eq!(nearest("temperature", keys), None);
        assert_eq!(nearest("", keys), None);
    }
}
