//! The known word that a mistyped one most likely means.

/// Returns the known word nearest to `word`, if one is near enough to suggest.
pub(crate) fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    // Words that are this long are no typing mistakes, and the distance is quadratic.
    if word.len() > 64 {
        return None;
    }
    let word = plain(word);
    let most = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (distance(&word, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn plain(word: &str) -> String {
    word.chars().filter(|char| !matches!(char, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// The number of insertions, deletions, substitutions and swaps of neighbours between two words.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    let at = |rows: &[Vec<usize>], row: usize, column: usize| {
        rows.get(row).and_then(|row| row.get(column)).copied().unwrap_or(usize::MAX / 2)
    };
    for (i, one) in left.iter().enumerate() {
        rows.push(vec![i + 1]);
        for (j, other) in right.iter().enumerate() {
            let mut best = at(&rows, i, j) + usize::from(one != other);
            best = best.min(at(&rows, i, j + 1) + 1).min(at(&rows, i + 1, j) + 1);
            let swapped =
                i > 0 && j > 0 && left.get(i - 1) == Some(other) && right.get(j - 1) == Some(one);
            if swapped {
                best = best.min(at(&rows, i - 1, j - 1) + 1);
            }
            rows.last_mut().into_iter().for_each(|row| row.push(best));
        }
    }
    at(&rows, left.len(), right.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_is_matched_and_a_foreign_one_is_not() {
        let known = ["input_schema", "model", "steps", "when"];
        assert_eq!(nearest("inputSchema", known), Some("input_schema"));
        assert_eq!(nearest("input_shema", known), Some("input_schema"));
        assert_eq!(nearest("modle", known), Some("model"));
        assert_eq!(nearest("step", known), Some("steps"));
        assert_eq!(nearest("banana", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest(&"x".repeat(1000), known), None);
    }

    #[test]
    fn the_distance_is_that_of_levenshtein_with_swaps() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "same"), 0);
        assert_eq!(distance("agnet", "agent"), 1);
    }
}
