//! The pauses between attempts to store what was achieved.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

const FIRST_OF_DAMAGED: Duration = Duration::from_secs(1);
const LONGEST_OF_DAMAGED: Duration = Duration::from_secs(30);

/// Pauses that grow up to a limit.
#[derive(Debug)]
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { next: FIRST, longest: LONGEST }
    }
}

impl Pauses {
    /// Makes the pauses for a damaged store, which hardly gets well in a moment.
    pub(crate) fn long() -> Self {
        Self { next: FIRST_OF_DAMAGED, longest: LONGEST_OF_DAMAGED }
    }

    /// Returns the next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause
    }
}
