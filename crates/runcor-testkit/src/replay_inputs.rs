//! Runs a fuzz target without a fuzzer: over kept inputs, and over damage done to them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How many times each input is damaged.
const ROUNDS: usize = 64;

/// Gives `target` every file of `folder`, and each of them damaged in random ways.
///
/// What a fuzzer once found stays in the folder, so that it stays repaired. The
/// damage follows from the file alone: two runs do the same.
///
/// # Panics
/// Panics where `target` does, after it has told the file and the bytes, and
/// when the folder has no file that can be read.
pub fn replay_inputs(folder: impl AsRef<Path>, target: fn(&[u8])) {
    let folder = folder.as_ref();
    let files = files(folder).unwrap_or_default();
    assert!(!files.is_empty(), "{} has no inputs that can be read", folder.display());
    for (path, bytes) in files {
        run(&path, &bytes, target);
        let mut random = Random::of(&bytes);
        for _ in 0..ROUNDS {
            run(&path, &random.damaged(&bytes), target);
        }
    }
}

fn files(folder: &Path) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let bytes = fs::read(&path)?;
        files.push((path, bytes));
    }
    files.sort();
    Ok(files)
}

fn run(path: &Path, bytes: &[u8], target: fn(&[u8])) {
    let telling = Telling { path, bytes };
    target(bytes);
    drop(telling);
}

/// Tells the input when the target panics.
struct Telling<'a> {
    path: &'a Path,
    bytes: &'a [u8],
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("by {}, as: {}", self.path.display(), self.bytes.escape_ascii());
        }
    }
}

/// Small random numbers, the same in every run.
struct Random(u64);

impl Random {
    fn of(bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(88_172_645_463_325_252, |seed, byte| {
            seed.rotate_left(7) ^ (u64::from(*byte) << 1)
        }))
    }

    /// A number below `end`, or 0.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 1).unwrap_or(0).checked_rem(end).unwrap_or(0)
    }

    /// Flips bits, takes pieces out, doubles them or moves them; one to three times.
    fn damaged(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let from = self.below(bytes.len());
            let to = (from + self.below(16)).min(bytes.len());
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (from % 8)),
                1 => drop(bytes.drain(from..to)),
                2 => {
                    let piece = bytes.get(from..to).unwrap_or_default().to_vec();
                    bytes.splice(at..at, piece);
                }
                _ => bytes.truncate(at),
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_input_is_always_damaged_in_the_same_ways() {
        let all = |bytes: &[u8]| -> BTreeSet<Vec<u8>> {
            let mut random = Random::of(bytes);
            (0..ROUNDS).map(|_| random.damaged(bytes)).collect()
        };
        let input = b"$.input.mail exists\n{\"input\":{\"mail\":1}}";
        assert_eq!(all(input), all(input));
        assert!(all(input).len() > ROUNDS / 2, "{:?}", all(input));
        assert_eq!(all(b"").len(), 1);
    }

    #[test]
    #[should_panic(expected = "has no inputs")]
    fn a_folder_without_inputs_is_no_success() {
        replay_inputs("no/such/folder", |_| {});
    }
}
