//! One file on the disk: what is flushed, and what may or may not have got there.

use std::collections::BTreeMap;

use super::random::Random;

/// What the kernel writes at once and forgets at once.
const PAGE: usize = 4096;

/// What a power cut may leave of the writes that were not flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// None of them.
    Nothing,
    /// All of them.
    Everything,
    /// The first ones; the last of these is torn at sectors of this size.
    First(usize),
    /// Each sector of this size as it was at some moment.
    Sectors(usize),
    /// Some of them, whole.
    Some,
    /// Some of them, and rubbish where others were to be.
    Rubbish,
}

/// A file.
#[derive(Debug, Clone, Default)]
pub(crate) struct File {
    /// What stands on the disk for sure.
    flushed: Vec<u8>,
    /// What every process sees.
    seen: Vec<u8>,
    /// What was done since the last flush, in order.
    pending: Vec<Change>,
    /// Pages that a failed flush has marked as clean: a later flush does not write them.
    doubtful: BTreeMap<usize, Vec<u8>>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

impl File {
    /// A file that has long been on the disk.
    pub(crate) fn with(bytes: Vec<u8>) -> Self {
        Self { flushed: bytes.clone(), seen: bytes, ..Self::default() }
    }

    pub(crate) fn seen(&self) -> &[u8] {
        &self.seen
    }

    pub(crate) fn write(&mut self, at: u64, bytes: Vec<u8>) {
        let at = usize::try_from(at).unwrap();
        put(&mut self.seen, at, &bytes);
        self.pending.push(Change::Write { at, bytes });
    }

    pub(crate) fn set_length(&mut self, length: u64) {
        let length = usize::try_from(length).unwrap();
        self.seen.resize(length, 0);
        self.pending.push(Change::Length(length));
    }

    /// A flush that went well: all pages that were written since the last one are on the disk.
    pub(crate) fn flush(&mut self) {
        let pages = self.written_pages();
        self.flushed.resize(self.seen.len(), 0);
        for page in pages {
            self.doubtful.remove(&page);
            put(&mut self.flushed, page * PAGE, slice(&self.seen, page * PAGE, PAGE));
        }
    }

    /// A flush that failed: the kernel takes the pages for clean, and nobody knows where they are.
    pub(crate) fn fail_flush(&mut self) {
        for page in self.written_pages() {
            self.doubtful.insert(page, slice(&self.seen, page * PAGE, PAGE).to_vec());
        }
    }

    /// Empties the list of changes and returns the pages that they wrote.
    fn written_pages(&mut self) -> Vec<usize> {
        let mut pages = Vec::new();
        for change in std::mem::take(&mut self.pending) {
            match change {
                Change::Write { at, bytes } => {
                    pages.extend(at / PAGE..=(at + bytes.len().max(1) - 1) / PAGE);
                }
                // The page that is cut is written anew; what was beyond it is gone.
                Change::Length(length) => {
                    pages.push(length / PAGE);
                    self.flushed.truncate(length);
                    self.doubtful.retain(|page, _| page * PAGE < length);
                }
            }
        }
        pages.retain(|page| page * PAGE < self.seen.len());
        pages.sort_unstable();
        pages.dedup();
        pages
    }

    /// Returns the file as a power cut may leave it.
    pub(crate) fn after_power_cut(&self, left: Left, random: &mut Random) -> Vec<u8> {
        if left == Left::Everything {
            return self.seen.clone();
        }
        let mut bytes = self.flushed.clone();
        for (page, content) in &self.doubtful {
            if left != Left::Nothing && random.once_in(2) {
                put(&mut bytes, page * PAGE, content);
            }
        }
        let mut length = bytes.len();
        // The length is kept apart from the data, and may be that of any moment.
        let lengths = random.below(self.pending.len() + 1);
        let mut moments = Moments::new(left, self.pending.len(), random);
        for (number, change) in self.pending.iter().enumerate() {
            match change {
                Change::Write { at, bytes: data } => {
                    moments.write(number, *at, data, &mut bytes, random);
                    if moments.keeps_length(number, lengths) {
                        length = length.max(at + data.len());
                    }
                }
                Change::Length(to) if moments.keeps_length(number, lengths) => {
                    length = *to;
                    let end = bytes.len();
                    bytes.get_mut(*to.min(&end)..).unwrap().fill(0);
                }
                Change::Length(_) => {}
            }
        }
        bytes.resize(length, 0);
        bytes
    }
}

/// Which of the changes a power cut leaves.
struct Moments {
    left: Left,
    count: usize,
    /// The moment of the whole file, where it has one.
    file: usize,
    /// The moment of each sector.
    sectors: BTreeMap<usize, usize>,
    /// Whether sectors are old or new, nothing between.
    extreme: bool,
}

impl Moments {
    fn new(left: Left, count: usize, random: &mut Random) -> Self {
        let file = random.below(count + 1);
        Self { left, count, file, sectors: BTreeMap::new(), extreme: random.once_in(2) }
    }

    fn keeps_length(&self, number: usize, lengths: usize) -> bool {
        match self.left {
            Left::Nothing => false,
            Left::Everything => true,
            Left::First(_) => number < self.file,
            Left::Sectors(_) | Left::Some | Left::Rubbish => number < lengths,
        }
    }

    fn write(
        &mut self,
        number: usize,
        at: usize,
        data: &[u8],
        to: &mut Vec<u8>,
        random: &mut Random,
    ) {
        match self.left {
            Left::Nothing => {}
            Left::Everything => put(to, at, data),
            Left::First(_) if number + 1 < self.file => put(to, at, data),
            Left::First(sector) if number + 1 == self.file => {
                in_sectors(at, data, sector, |_, at, part| {
                    if random.once_in(2) {
                        put(to, at, part);
                    }
                });
            }
            Left::First(_) => {}
            Left::Sectors(size) => in_sectors(at, data, size, |sector, at, part| {
                if number < self.moment(sector, random) {
                    put(to, at, part);
                }
            }),
            Left::Some if random.once_in(2) => put(to, at, data),
            Left::Some => {}
            Left::Rubbish => in_sectors(at, data, 512, |_, at, part| match random.below(3) {
                0 => {}
                1 => put(to, at, part),
                _ => {
                    let mut rubbish = part.to_vec();
                    random.fill(&mut rubbish);
                    put(to, at, &rubbish);
                }
            }),
        }
    }

    fn moment(&mut self, sector: usize, random: &mut Random) -> usize {
        let (count, extreme) = (self.count, self.extreme);
        *self.sectors.entry(sector).or_insert_with(|| match extreme {
            true => count * random.below(2),
            false => random.below(count + 1),
        })
    }
}

/// Calls for each part of a write that falls into one sector.
fn in_sectors(at: usize, data: &[u8], size: usize, mut each: impl FnMut(usize, usize, &[u8])) {
    let mut done = 0;
    while done < data.len() {
        let here = at + done;
        let part = slice(data, done, size - here % size);
        each(here / size, here, part);
        done += part.len();
    }
}

/// Writes into bytes, which grow with zeros where needed.
fn put(bytes: &mut Vec<u8>, at: usize, data: &[u8]) {
    if bytes.len() < at + data.len() {
        bytes.resize(at + data.len(), 0);
    }
    bytes.get_mut(at..at + data.len()).unwrap().copy_from_slice(data);
}

/// Returns at most `length` bytes from `at` on.
fn slice(bytes: &[u8], at: usize, length: usize) -> &[u8] {
    bytes.get(at..bytes.len().min(at + length)).unwrap()
}
