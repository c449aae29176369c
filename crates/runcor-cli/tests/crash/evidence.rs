//! What is kept of a campaign: the folder with the project, and a log of calls and answers.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

/// A log of what the campaign saw, line by line.
pub(crate) struct Evidence {
    log: Mutex<BufWriter<File>>,
}

impl Evidence {
    /// Empties the folder and begins the log in it.
    pub(crate) fn begin(dir: &Path) -> Result<Self> {
        if dir.exists() {
            fs::remove_dir_all(dir).with_context(|| format!("can't empty {}", dir.display()))?;
        }
        fs::create_dir_all(dir).with_context(|| format!("can't make {}", dir.display()))?;
        let log = File::create(dir.join("campaign.log"))?;
        Ok(Self { log: Mutex::new(BufWriter::new(log)) })
    }

    /// Writes one line.
    pub(crate) fn note(&self, kind: &str, what: &dyn Display) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // A campaign goes on without its log; what it finds is printed as well.
        let _ = writeln!(log, "{kind} {what}");
    }

    /// Sees to it that everything is in the file.
    pub(crate) fn flush(&self) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = log.flush();
    }
}
