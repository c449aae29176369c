//! Looks of characters that are taken for others, and those that nobody sees.

/// Returns what a character is taken for; `None` for one that has no width.
///
/// Full-width letters and signs are their ASCII kin, decimal digits of common
/// scripts are digits, and every space and dash of one character is ` ` or `-`.
pub(in crate::guardrail) fn fold(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c);
    }
    let code = u32::from(c);
    Some(match code {
        0xAD
        | 0x34F
        | 0x61C
        | 0x180E
        | 0x200B..=0x200F
        | 0x202A..=0x202E
        | 0x2060..=0x206F
        | 0xFE00..=0xFE0F
        | 0xFEFF => return None,
        0xA0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000 => ' ',
        0x2010..=0x2015 | 0x2212 | 0xFE58 | 0xFE63 => '-',
        0xFF01..=0xFF5E => shifted(code - 0xFF01, '!'),
        0x660..=0x669 => shifted(code - 0x660, '0'),
        0x6F0..=0x6F9 => shifted(code - 0x6F0, '0'),
        0x966..=0x96F => shifted(code - 0x966, '0'),
        0x9E6..=0x9EF => shifted(code - 0x9E6, '0'),
        0xE50..=0xE59 => shifted(code - 0xE50, '0'),
        0x1D7CE..=0x1D7FF => shifted((code - 0x1D7CE) % 10, '0'),
        _ => c,
    })
}

fn shifted(offset: u32, from: char) -> char {
    char::from_u32(u32::from(from) + offset).unwrap_or(from)
}

/// Returns a whole text as it is taken.
pub(in crate::guardrail) fn folded(text: &str) -> String {
    text.chars().filter_map(fold).collect()
}

/// A text as it is taken, and where each of its bytes came from.
#[derive(Debug, Clone, Default)]
pub(super) struct Folding {
    pub(super) text: String,
    /// For each byte of `text` the place of its character in the original, and then the end.
    pub(super) origin: Vec<usize>,
}

impl Folding {
    pub(super) fn fill(&mut self, original: &str) {
        self.text.clear();
        self.origin.clear();
        for (at, c) in original.char_indices() {
            let Some(c) = fold(c) else { continue };
            self.text.push(c);
            self.origin.resize(self.text.len(), at);
        }
        self.origin.push(original.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_spaces_and_dashes_of_other_scripts_are_taken_for_ascii() {
        assert_eq!(folded("４１\u{200b}١१\u{a0}\u{2013}Ａ𝟗é"), "4111 -A9é");
    }

    #[test]
    fn each_byte_knows_its_origin() {
        let mut folding = Folding::default();
        folding.fill("a\u{200b}４é");
        assert_eq!(folding.text, "a4é");
        assert_eq!(folding.origin, [0, 4, 7, 7, 9]);
    }
}
