//! The disk under the log: its files, its one directory, and what a power cut leaves of them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::file::{File, Left};
use super::log::Event;
use super::random::Random;

/// The files of a directory by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Reads the files of a directory, those excepted that a power cut makes meaningless.
pub(crate) fn files_in(dir: &Path) -> Files {
    let mut files = Files::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_passing =
            [".lock", "-shm", "marks", "control"].iter().any(|end| name.ends_with(end));
        if !is_passing {
            files.insert(name.clone(), std::fs::read(dir.join(name)).unwrap());
        }
    }
    files
}

/// A disk with one directory.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    files: Vec<File>,
    names: BTreeMap<String, Name>,
    open: HashMap<i32, Opened>,
    keeps_promises: bool,
}

#[derive(Debug, Clone, Copy)]
enum Opened {
    Directory,
    File(usize),
}

/// Which file a name stands for: for sure, and since the directory was last flushed.
#[derive(Debug, Clone, Default)]
struct Name {
    flushed: Option<usize>,
    since: Vec<Option<usize>>,
}

impl Name {
    fn seen(&self) -> Option<usize> {
        self.since.last().copied().unwrap_or(self.flushed)
    }

    fn after_power_cut(&self, left: Left, random: &mut Random) -> Option<usize> {
        let moment = match left {
            Left::Nothing => 0,
            Left::Everything => self.since.len(),
            _ => random.below(self.since.len() + 1),
        };
        match moment.checked_sub(1) {
            Some(number) => *self.since.get(number).unwrap(),
            None => self.flushed,
        }
    }
}

impl Disk {
    /// A disk on which these files have long been.
    pub(crate) fn with(files: Files) -> Self {
        let mut disk = Self {
            files: Vec::new(),
            names: BTreeMap::new(),
            open: HashMap::new(),
            keeps_promises: true,
        };
        for (name, bytes) in files {
            let flushed = Some(disk.files.len());
            disk.files.push(File::with(bytes));
            disk.names.insert(name, Name { flushed, since: Vec::new() });
        }
        disk
    }

    /// A disk that says that it has flushed, and has not.
    pub(crate) fn that_lies(mut self) -> Self {
        self.keeps_promises = false;
        self
    }

    /// Does what the log says.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Open { fd, name, created } => self.open(*fd, name, *created),
            Event::Close { fd } => {
                self.open.remove(fd);
            }
            Event::Write { fd, at, bytes } => self.file(*fd).write(*at, bytes.clone()),
            Event::SetLength { fd, length } => self.file(*fd).set_length(*length),
            Event::Sync { fd, failed } if self.keeps_promises => self.sync(*fd, *failed),
            Event::Sync { .. } | Event::Mark(_) => {}
            Event::Unlink { name } => self.name(name, None),
            Event::Rename { from, to } => {
                let file = self.names.get(from).and_then(Name::seen);
                self.name(from, None);
                self.name(to, file);
            }
        }
    }

    fn open(&mut self, fd: i32, name: &str, created: bool) {
        let opened = match self.names.get(name).and_then(Name::seen) {
            _ if name.is_empty() => Opened::Directory,
            Some(file) if !created => Opened::File(file),
            _ => {
                self.files.push(File::default());
                let file = self.files.len() - 1;
                self.name(name, Some(file));
                Opened::File(file)
            }
        };
        self.open.insert(fd, opened);
    }

    fn name(&mut self, name: &str, file: Option<usize>) {
        self.names.entry(name.to_owned()).or_default().since.push(file);
    }

    fn file(&mut self, fd: i32) -> &mut File {
        match self.open.get(&fd) {
            Some(Opened::File(file)) => self.files.get_mut(*file).unwrap(),
            other => panic!("{fd} is {other:?}"),
        }
    }

    fn sync(&mut self, fd: i32, failed: bool) {
        match self.open.get(&fd).unwrap() {
            Opened::File(_) if failed => self.file(fd).fail_flush(),
            Opened::File(_) => self.file(fd).flush(),
            Opened::Directory if failed => {}
            Opened::Directory => {
                for name in self.names.values_mut() {
                    name.flushed = name.seen();
                    name.since.clear();
                }
            }
        }
    }

    /// Returns what processes see.
    pub(crate) fn seen(&self) -> Files {
        let seen = self.names.iter().filter_map(|(name, stands)| Some((name, stands.seen()?)));
        seen.map(|(name, file)| (name.clone(), self.files.get(file).unwrap().seen().to_vec()))
            .collect()
    }

    /// Returns what a power cut leaves.
    pub(crate) fn after_power_cut(&self, random: &mut Random) -> (Left, Files) {
        let mut files = Files::new();
        let left = choose(random);
        for (name, stands) in &self.names {
            if let Some(file) = stands.after_power_cut(left, random) {
                let file = self.files.get(file).unwrap();
                // Each file may have fared differently.
                let here = if random.once_in(3) { choose(random) } else { left };
                files.insert(name.clone(), file.after_power_cut(here, random));
            }
        }
        (left, files)
    }
}

fn choose(random: &mut Random) -> Left {
    match random.below(16) {
        0 => Left::Nothing,
        1 => Left::Everything,
        2..=3 => Left::First(512),
        4..=5 => Left::First(4096),
        6..=8 => Left::Sectors(512),
        9..=10 => Left::Sectors(4096),
        11..=13 => Left::Some,
        _ => Left::Rubbish,
    }
}
