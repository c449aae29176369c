//! Campaigns: many processes, many moments, many power cuts, one verdict.

use std::collections::HashMap;
use std::path::Path;

use runcor_store_sqlite::{Durability, SqliteConfig};

use super::check::{Bench, Content};
use super::disk::{Disk, Files};
use super::file::Left;
use super::random::{Random, hash, mixed};
use super::recording::{History, Recording, Start};
use super::work;

/// What is asked of the states after a power cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Campaign {
    pub(crate) seed: u64,
    pub(crate) durability: Durability,
    /// Whether everything that was answered must be there.
    pub(crate) keeps_answers: bool,
    /// What is wrong with the disk.
    pub(crate) disk: DiskIs,
    pub(crate) states: usize,
}

/// What a disk does with flushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiskIs {
    Good,
    /// Some flushes fail.
    Failing,
    /// It says that it has flushed, and has not.
    Lying,
}

/// What came of a campaign.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// States that were judged, and how many of them were opened: others were alike.
    pub(crate) states: usize,
    pub(crate) opened: usize,
    /// Commits of the processes.
    pub(crate) commits: usize,
    /// States in which the newest commits are missing.
    pub(crate) shorter: usize,
    /// What is wrong, with everything that is needed to see it again.
    pub(crate) failures: Vec<String>,
}

impl Verdict {
    fn and(mut self, other: Self) -> Self {
        self.states += other.states;
        self.opened += other.opened;
        self.commits += other.commits;
        self.shorter += other.shorter;
        self.failures.extend(other.failures);
        self
    }
}

/// How many states each recorded process gives.
const STATES_OF_ONE: usize = 100;

impl Campaign {
    /// Runs on two threads.
    pub(crate) fn run(&self) -> Verdict {
        let runs = self.states.div_ceil(STATES_OF_ONE);
        let half = |first: usize| {
            let bench = Bench::new();
            let mut verdict = Verdict::default();
            let mut run = first;
            while run < runs {
                let seed = self.seed.wrapping_add(u64::try_from(run).unwrap());
                verdict = verdict.and(self.chain(seed, &bench));
                run += 2;
            }
            verdict
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(|| half(1));
            half(0).and(other.join().unwrap())
        })
    }

    /// Two processes, the second of which goes on with what a power cut has left of the first.
    fn chain(&self, seed: u64, bench: &Bench) -> Verdict {
        let mut random = Random::new(seed);
        let mut verdict = Verdict::default();
        let mut start = Start::default();
        for _ in 0..2 {
            let seed = random.next();
            let (judged, next) = self.one(seed, start, STATES_OF_ONE / 2, bench);
            verdict = verdict.and(judged);
            match next {
                Some(next) => start = next,
                None => break,
            }
        }
        verdict
    }

    fn one(
        &self,
        seed: u64,
        start: Start,
        states: usize,
        bench: &Bench,
    ) -> (Verdict, Option<Start>) {
        let fails = self.disk == DiskIs::Failing;
        let recording = work::record(seed, self.durability, fails, start);
        let config = work::config(seed, self.durability);
        let mut random = Random::new(seed);
        let last = recording.events.len();
        let mut moments: Vec<_> = (0..states).map(|_| random.below(last + 1)).collect();
        moments.sort_unstable();
        let (verdict, next) = self.judge(seed, &recording, &config, &moments, bench);
        (verdict, next.map(|files| Start { files, deletes: recording.deletes() }))
    }

    /// Cuts the power at these moments; returns one of the states to go on with.
    pub(crate) fn judge(
        &self,
        seed: u64,
        recording: &Recording,
        config: &SqliteConfig,
        moments: &[usize],
        bench: &Bench,
    ) -> (Verdict, Option<Files>) {
        match recording.history(config, bench) {
            Ok(history) => {
                Judge { campaign: self, seed, recording, config, bench, history }.all(moments)
            }
            Err(failure) => {
                let failures = vec![format!("seed {seed}: {failure}")];
                (Verdict { failures, ..Verdict::default() }, None)
            }
        }
    }
}

/// Judges the states that one recorded process may leave.
struct Judge<'a> {
    campaign: &'a Campaign,
    seed: u64,
    recording: &'a Recording,
    config: &'a SqliteConfig,
    bench: &'a Bench,
    history: History,
}

impl Judge<'_> {
    fn all(&self, moments: &[usize]) -> (Verdict, Option<Files>) {
        let random = &mut Random::new(self.seed);
        let mut disk = Disk::with(self.recording.start.files.clone());
        if self.campaign.disk == DiskIs::Lying {
            disk = disk.that_lies();
        }
        let mut verdict = Verdict { commits: self.history.commits(), ..Verdict::default() };
        let mut known = HashMap::new();
        let mut next = None;
        let mut done = 0;
        for (number, moment) in moments.iter().enumerate() {
            let events = self.recording.events.get(done..*moment).unwrap();
            events.iter().for_each(|event| disk.apply(event));
            done = *moment;
            let (left, files) = disk.after_power_cut(random);
            verdict.states += 1;
            let print = fingerprint(&files);
            let found = known.entry(print).or_insert_with(|| {
                verdict.opened += 1;
                self.open(&files, random)
            });
            match self.judge(found, *moment) {
                Ok(is_newest) => verdict.shorter += usize::from(!is_newest),
                Err(what) => {
                    verdict.failures.push(self.describe(number, *moment, left, &files, &what));
                    continue;
                }
            }
            if next.is_none() || random.once_in(1 + moments.len() / 2) {
                next = Some(files);
            }
        }
        (verdict, next)
    }

    /// Says what is wrong, and keeps the files for whoever wants to know why.
    fn describe(
        &self,
        number: usize,
        moment: usize,
        left: Left,
        files: &Files,
        what: &str,
    ) -> String {
        let (seed, of) = (self.seed, self.recording.events.len());
        let text =
            format!("seed {seed}, power cut after event {moment} of {of}, {left:?} left: {what}");
        if self.campaign.disk == DiskIs::Lying || self.campaign.durability == Durability::Memory {
            return text;
        }
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("power-failure-{seed:016x}-{number}"));
        std::fs::create_dir_all(&dir).unwrap();
        for (name, bytes) in files {
            std::fs::write(dir.join(name), bytes).unwrap();
        }
        format!("{text}; the files are in {}", dir.display())
    }

    fn open(&self, files: &Files, random: &mut Random) -> Result<Content, String> {
        self.bench.put(files);
        if random.once_in(2) {
            self.bench.spoil_index(random);
        }
        let content = self.bench.open(self.config)?;
        if random.once_in(8) {
            self.bench.open_and_work(self.config)?;
        }
        Ok(content)
    }

    /// Returns whether nothing is missing of what was written up to the moment.
    fn judge(&self, found: &Result<Content, String>, moment: usize) -> Result<bool, String> {
        let content = found.clone()?;
        let Some(number) = self.history.find(content, moment) else {
            return Err("it holds what it never held before: no prefix of the commits".to_owned());
        };
        let floor = self.history.floor(moment);
        if self.campaign.keeps_answers && number < floor {
            return Err(format!("answered commits are lost: {number} are there, {floor} must be"));
        }
        Ok(number == self.history.newest(moment))
    }
}

fn fingerprint(files: &Files) -> u64 {
    files.iter().fold(0, |sum, (name, bytes)| mixed(mixed(sum, hash(name.as_bytes())), hash(bytes)))
}
