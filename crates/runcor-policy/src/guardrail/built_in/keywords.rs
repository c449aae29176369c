//! Words and phrases that must not occur.

use regex_automata::util::primitives::StateID;
use regex_syntax::ParserBuilder;

use crate::guardrail::engine::{
    Automaton, Detector, Found, Head, Kind, More, Place, Scanner, folded,
};

/// The most keywords of one guardrail, and the most bytes of one.
const MAX_KEYWORDS: usize = 2000;
const MAX_KEYWORD: usize = 256;

/// Finds words and phrases, whether in capitals or not.
///
/// Characters of full width and characters without width don't hide them.
#[derive(Debug, Clone, Default)]
pub struct Keywords {
    words: Vec<String>,
    whole_words: bool,
}

impl Keywords {
    /// Looks for these words, also inside of other words.
    #[must_use]
    pub fn new(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { words: words.into_iter().map(Into::into).collect(), whole_words: false }
    }

    /// Finds them only where no letter or digit comes before or after.
    #[must_use]
    pub fn whole_words(mut self, whole: bool) -> Self {
        self.whole_words = whole;
        self
    }

    pub(in crate::guardrail) fn scanner(&self) -> Result<Scanner, String> {
        if self.words.is_empty() || self.words.len() > MAX_KEYWORDS {
            return Err(format!("it needs 1 to {MAX_KEYWORDS} keywords"));
        }
        let mut parsers = ParserBuilder::new();
        parsers.case_insensitive(true);
        let expressions = self.words.iter().enumerate().map(|(index, word)| {
            let word = folded(word.trim());
            if word.is_empty() || word.len() > MAX_KEYWORD {
                return Err(format!("keyword {} must have 1 to {MAX_KEYWORD} bytes", index + 1));
            }
            parsers.build().parse(&regex_syntax::escape(&word)).map_err(|error| error.to_string())
        });
        let expressions = expressions.collect::<Result<Vec<_>, _>>()?;
        let longest = expressions.iter().filter_map(|it| it.properties().maximum_len()).max();
        let words = Words {
            automaton: Automaton::build(&expressions, Kind::All)?,
            longest: longest.unwrap_or(MAX_KEYWORD) + 5,
            whole: self.whole_words,
        };
        Ok(Scanner::new(vec![Box::new(words)], true))
    }
}

#[derive(Debug)]
struct Words {
    automaton: Automaton,
    longest: usize,
    whole: bool,
}

impl Detector for Words {
    fn head(&self) -> Head {
        self.automaton.head()
    }

    fn look(&self, place: &Place<'_>) -> Result<Option<Found>, More> {
        if self.whole && place.before.is_some_and(char::is_alphanumeric) {
            return Ok(None);
        }
        let mut end = Ok(None);
        let walk = self.automaton.walk(place, |_, at| match self.ends(place, at) {
            Ok(true) => end = Ok(Some(at)),
            Ok(false) => {}
            Err(more) => end = Err(more),
        });
        walk.settled()?;
        Ok(end?.map(Found::whole))
    }

    fn go_on(&self, _: StateID, _: u8) -> Option<StateID> {
        None
    }

    fn longest(&self) -> Option<usize> {
        Some(self.longest)
    }

    fn label(&self, _: usize) -> &str {
        "keyword"
    }
}

impl Words {
    /// Returns whether a word may end at a place.
    fn ends(&self, place: &Place<'_>, at: usize) -> Result<bool, More> {
        if !self.whole || place.at(at)?.is_none() {
            return Ok(true);
        }
        // A text always has whole characters, but a view of it may be cut.
        let rest = place.text.get(at..).unwrap_or_default();
        let next = rest.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
        Ok(!next.is_some_and(char::is_alphanumeric))
    }
}
