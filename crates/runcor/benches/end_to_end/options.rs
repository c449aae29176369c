//! What the command line asks for.

use std::path::PathBuf;

use tempfile::TempDir;

/// How much is measured, and what.
pub(crate) struct Options {
    quick: bool,
    /// The parts to run; all when empty.
    parts: Vec<String>,
}

impl Options {
    /// Reads the arguments; what cargo adds (`--bench`) is passed over.
    pub(crate) fn parse(args: impl Iterator<Item = String>) -> Self {
        let (switches, parts): (Vec<_>, Vec<_>) = args.partition(|arg| arg.starts_with('-'));
        Self { quick: switches.iter().any(|switch| switch == "--quick"), parts }
    }

    pub(crate) fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }

    pub(crate) fn is_quick(&self) -> bool {
        self.quick
    }

    /// Chooses between the size of a quick run and that of a full one.
    pub(crate) fn size<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// How often a rate is measured; the best one counts, for whatever else
    /// the machine does can only make it slower.
    pub(crate) fn repeats(&self) -> u64 {
        self.size(2, 5)
    }
}

/// Makes a directory on a real disk: under `RUNCOR_BENCH_DIR`, or in the target directory.
pub(crate) fn directory() -> TempDir {
    let place = std::env::var_os("RUNCOR_BENCH_DIR");
    let place = place.map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    tempfile::tempdir_in(place).expect("a directory to measure in")
}
