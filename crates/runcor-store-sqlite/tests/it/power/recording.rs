//! What one process did to its files, and the contents that its database had in turn.

use std::collections::{HashMap, HashSet};

use runcor_core::ExecutionId;
use runcor_store_sqlite::SqliteConfig;

use super::check::{Bench, Content, Facts};
use super::disk::{Disk, Files};
use super::layer;
use super::log::{self, Event};

/// All that happened, from some files on.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) start: Start,
    pub(crate) events: Vec<Event>,
}

/// What a process begins with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Start {
    pub(crate) files: Files,
    /// What earlier processes may have deleted.
    pub(crate) deletes: HashSet<ExecutionId>,
}

impl Recording {
    /// Runs tests under the layer, over these files: a process each, one after the other.
    pub(crate) fn of(tests: &[&str], start: Start, env: &[(&str, String)]) -> Self {
        let (home, aside) = (Bench::new(), Bench::new());
        home.put(&start.files);
        let log = aside.dir().join("log");
        for (number, test) in tests.iter().enumerate() {
            layer::run(test, number, home.dir(), &log, env);
        }
        let recording = Self { start, events: log::read(&log) };
        let mut disk = Disk::with(recording.start.files.clone());
        recording.events.iter().for_each(|event| disk.apply(event));
        assert!(disk.seen() == home.files(), "the layer has missed something");
        recording
    }

    /// Returns what this process and earlier ones may have deleted.
    pub(crate) fn deletes(&self) -> HashSet<ExecutionId> {
        let own = self.events.iter().filter_map(deleted_by);
        self.start.deletes.iter().copied().chain(own).collect()
    }

    /// Returns how often a file was flushed before, between and after the marks.
    pub(crate) fn flushes_between_marks(&self, of: &str) -> Vec<usize> {
        let mut counts = vec![0];
        let mut names: HashMap<i32, &str> = HashMap::new();
        for event in &self.events {
            match event {
                Event::Open { fd, name, .. } => drop(names.insert(*fd, name)),
                Event::Mark(_) => counts.push(0),
                Event::Sync { fd, .. } if names.get(fd) == Some(&of) => {
                    *counts.last_mut().unwrap() += 1;
                }
                _ => {}
            }
        }
        counts
    }

    /// Returns the moments after which the database may hold something else.
    fn moments(&self) -> Vec<usize> {
        let mut moments = vec![0];
        let mut names: HashMap<i32, &str> = HashMap::new();
        let mut commits = false;
        for (number, event) in self.events.iter().enumerate() {
            match event {
                Event::Open { fd, name, .. } => drop(names.insert(*fd, name)),
                Event::Write { fd, at, bytes }
                    if names.get(fd).is_some_and(|name| name.ends_with("-wal")) =>
                {
                    if commits {
                        moments.push(number + 1);
                    }
                    // The head of a page in the log; the last one of a transaction tells the size.
                    let ends = bytes.get(4..8).is_some_and(|size| size != [0; 4]);
                    commits = *at > 0 && bytes.len() == 24 && ends;
                }
                Event::Sync { .. } => moments.push(number),
                Event::Unlink { .. } | Event::Rename { .. } => moments.push(number + 1),
                _ => {}
            }
        }
        moments.push(self.events.len());
        moments
    }

    /// Opens the database as it was at every moment, power on, and reads what it held.
    pub(crate) fn history(&self, config: &SqliteConfig, bench: &Bench) -> Result<History, String> {
        let mut disk = Disk::with(self.start.files.clone());
        let mut history = History::default();
        let mut deletes = self.start.deletes.clone();
        let mut done = 0;
        for moment in self.moments() {
            for event in self.events.get(done.min(moment)..moment).unwrap() {
                disk.apply(event);
                deletes.extend(deleted_by(event));
            }
            done = done.max(moment);
            let files = disk.seen();
            if history.is_known(&files) {
                continue;
            }
            bench.put(&files);
            let (content, facts) = bench
                .open_and_compare(config, &deletes)
                .map_err(|what| format!("with the power on, at {moment}: {what}"))?;
            // The last page of a transaction may stand in its place before it is written,
            // left by one that was taken back.
            history.add(moment.saturating_sub(1), files, content, facts);
        }
        history.hear(&self.events);
        Ok(history)
    }
}

fn deleted_by(event: &Event) -> Option<ExecutionId> {
    let Event::Mark(text) = event else { return None };
    text.strip_prefix("deletes ").map(|id| id.parse().unwrap())
}

/// The contents that a database had in turn.
#[derive(Debug, Default)]
pub(crate) struct History {
    contents: Vec<(usize, Content)>,
    last_files: Files,
    last_facts: Facts,
    /// From which content on a fact holds.
    since: HashMap<(ExecutionId, u64, usize), usize>,
    gone_since: HashMap<ExecutionId, usize>,
    /// From which moment on the content with this number, or a later one, must be there.
    floors: Vec<(usize, usize)>,
}

impl History {
    fn is_known(&self, files: &Files) -> bool {
        !self.contents.is_empty() && self.last_files == *files
    }

    fn add(&mut self, moment: usize, files: Files, content: Content, facts: Facts) {
        self.last_files = files;
        if self.contents.last().is_some_and(|(_, last)| *last == content) {
            return;
        }
        let number = self.contents.len();
        for (id, (version, entries)) in &facts {
            self.since.entry((*id, *version, *entries)).or_insert(number);
        }
        for id in self.last_facts.keys().filter(|id| !facts.contains_key(id)) {
            self.gone_since.insert(*id, number);
        }
        self.last_facts = facts;
        self.contents.push((moment, content));
    }

    /// Finds out from when on what the process has told must be there.
    fn hear(&mut self, events: &[Event]) {
        let mut floor = 0;
        for (number, event) in events.iter().enumerate() {
            let Event::Mark(text) = event else { continue };
            for line in text.lines() {
                floor = floor.max(self.first_with(line));
            }
            self.floors.push((number + 1, floor));
        }
    }

    /// Returns the number of the first content in which what was told holds.
    fn first_with(&self, line: &str) -> usize {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            [""] | ["deletes", _] => 0,
            ["deleted", id] => *self.gone_since.get(&id.parse().unwrap()).unwrap(),
            ["has", id, version, entries] => {
                let (version, entries) = (version.parse().unwrap(), entries.parse().unwrap());
                *self.since.get(&(id.parse().unwrap(), version, entries)).unwrap()
            }
            _ => panic!("the process told {line:?}"),
        }
    }

    /// Returns how many transactions there were.
    pub(crate) fn commits(&self) -> usize {
        self.contents.len() - 1
    }

    /// Returns the number of the content that, or a later one of which, must be there.
    pub(crate) fn floor(&self, moment: usize) -> usize {
        let told = self.floors.iter().take_while(|(told, _)| *told <= moment);
        told.last().map_or(0, |(_, floor)| *floor)
    }

    /// Returns the number of the newest content up to a moment.
    pub(crate) fn newest(&self, moment: usize) -> usize {
        self.contents.iter().take_while(|(since, _)| *since <= moment).count() - 1
    }

    /// Returns which of the contents up to a moment it is.
    pub(crate) fn find(&self, content: Content, moment: usize) -> Option<usize> {
        let known = self.contents.get(..=self.newest(moment)).unwrap();
        known.iter().rposition(|(_, known)| *known == content)
    }
}
