//! What the disk does by itself: writes and flushes, one after the other.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::load::rate;

/// What is written before each flush.
const BLOCK: [u8; 4096] = [7; 4096];
/// How many blocks the file has that is written over.
const BLOCKS: u64 = 1_024;

/// How long the machine rests before a single flush.
const REST: Duration = Duration::from_millis(2);

/// How many blocks a second are written and flushed.
#[derive(Default)]
pub(crate) struct Flushes {
    /// At the end of a file that grows, which flushes the file system's journal too.
    pub(crate) append: f64,
    /// Over what is there, as SQLite does in a log that it uses again.
    pub(crate) overwrite: f64,
}

impl Flushes {
    /// Measures for some time, and keeps the best rates so far.
    pub(crate) fn measure(&mut self, dir: &Path, time: Duration) {
        let mut file = File::create(dir.join("flushes")).expect("a file");
        self.append = self.append.max(flush(&mut file, time, |_| {}));
        while file.stream_position().expect("a position") < BLOCKS * BLOCK.len() as u64 {
            file.write_all(&BLOCK).expect("a write");
        }
        file.sync_all().expect("a flush");
        let again = flush(&mut file, time, |file| {
            let end = file.stream_position().expect("a position");
            if end >= BLOCKS * BLOCK.len() as u64 {
                file.seek(SeekFrom::Start(0)).expect("a seek");
            }
        });
        self.overwrite = self.overwrite.max(again);
    }
}

/// Measures single flushes over what is there, a moment of rest before each.
pub(crate) fn flush_times(dir: &Path, samples: usize) -> Vec<Duration> {
    let mut file = File::create(dir.join("flushes")).expect("a file");
    file.write_all(&BLOCK).expect("a write");
    file.sync_all().expect("a flush");
    let one = |_| {
        std::thread::sleep(REST);
        let began = Instant::now();
        file.seek(SeekFrom::Start(0)).expect("a seek");
        file.write_all(&BLOCK).expect("a write");
        file.sync_data().expect("a flush");
        began.elapsed()
    };
    (0..samples).map(one).collect()
}

fn flush(file: &mut File, time: Duration, prepare: impl Fn(&mut File)) -> f64 {
    let began = Instant::now();
    let mut count = 0;
    while began.elapsed() < time {
        prepare(file);
        file.write_all(&BLOCK).expect("a write");
        file.sync_data().expect("a flush");
        count += 1;
    }
    rate(count, began.elapsed())
}
