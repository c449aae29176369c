//! How much text there may be.

/// Finds text that is too long or too short, in characters.
///
/// Of a list or an object all its texts count together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Length {
    pub(in crate::guardrail) min: usize,
    pub(in crate::guardrail) max: Option<usize>,
}

impl Length {
    /// Allows any length, until a limit is set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the fewest characters.
    #[must_use]
    pub fn min(mut self, min: usize) -> Self {
        self.min = min;
        self
    }

    /// Sets the most characters.
    #[must_use]
    pub fn max(mut self, max: usize) -> Self {
        self.max = Some(max);
        self
    }

    pub(in crate::guardrail) fn check(self) -> Result<Self, String> {
        if self.min == 0 && self.max.is_none() {
            return Err("it needs \"min\" or \"max\"".to_owned());
        }
        if self.max.is_some_and(|max| max < self.min) {
            return Err("\"max\" is less than \"min\"".to_owned());
        }
        Ok(self)
    }

    /// Returns how much of a text fits when `taken` characters are there
    /// already, in bytes, and how many characters there are with it.
    pub(in crate::guardrail) fn fit(self, text: &str, taken: usize) -> (usize, usize) {
        let Some(max) = self.max else { return (text.len(), taken + text.chars().count()) };
        let room = max.saturating_sub(taken);
        if text.len() <= room {
            return (text.len(), taken + text.chars().count());
        }
        match text.char_indices().nth(room) {
            Some((end, _)) => (end, max.saturating_add(1)),
            None => (text.len(), taken + text.chars().count()),
        }
    }

    /// Returns what is wrong with so many characters.
    pub(in crate::guardrail) fn problem(self, count: usize) -> Option<String> {
        match self.max {
            Some(max) if count > max => Some(format!("longer than {max} characters")),
            _ if count < self.min => Some(format!("shorter than {} characters", self.min)),
            _ => None,
        }
    }
}
