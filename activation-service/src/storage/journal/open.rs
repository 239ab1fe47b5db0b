//! Opening: the chain is checked, the tail is found, and what an unclean stop left is made safe.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain::{Chain, Contents, judge};
use super::error::{Error, Flaw};
use super::marker::{self, Marker};
use super::reader::Shelf;
use super::reserve::Reserve;
use super::scan::WINDOW_BYTES;
use super::segment::{
    self, Blank, Header, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES, blank_path,
    segment_path,
};
use super::{ChainId, Checkpoint, HeadOf, Journal, NO_HEAD, Options};
#[cfg(not(test))]
use crate::mutants::{self, Mutant};
use crate::storage::disk::{Disk, DiskErrorKind, DiskFile};

/// Which journal the caller expects in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This one; a folder without any gets it.
    NewOr(ChainId),
    /// This one.
    Chain(ChainId),
    /// Any that is there.
    Any,
}

/// An open journal and how it was found.
pub struct Opened {
    /// The journal.
    pub journal: Journal,
    /// How it was found.
    pub recovered: Recovered,
}

/// What the mark of a clean close said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Closed in good order, and nothing has changed since.
    Clean,
    /// There was none: a new journal, or an unclean stop.
    Missing,
    /// It could not be read; treated as an unclean stop.
    Damaged,
    /// It was of an earlier close; treated as an unclean stop.
    Stale,
}

/// What opening found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// True if there was no journal before.
    pub is_new: bool,
    /// What the mark of a clean close said.
    pub mark: Mark,
    /// How many segments there are.
    pub segments: u32,
    /// How many frames were checked.
    pub frames_checked: u64,
    /// What ended the frames; [`Flaw::Blank`] unless something was cut.
    pub tail_flaw: Flaw,
    /// True if something that was never synced was cut off behind the last whole frame.
    pub is_cut: bool,
    /// Whole frames behind a torn one, cut off with it.
    pub frames_cut: u64,
    /// Bytes of the last segment that were copied and synced again; 0 after a clean close.
    pub copied_bytes: u64,
    /// Erasures that were cut short and are finished now.
    pub erasures_finished: u64,
    /// True if the space held back had to be given away for the copy.
    pub is_reserve_spent: bool,
    /// Where the journal ends.
    pub end: Checkpoint,
}

impl Journal {
    /// Opens the journal in a folder, or makes one. Nothing is changed before all is checked.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        expected: Expected,
        head_of: HeadOf,
        options: &Options,
    ) -> Result<Opened, Error> {
        let sizes = SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX;
        if !sizes.contains(&options.segment_bytes) || !options.segment_bytes.is_multiple_of(4096) {
            return Err(Error::Refused("the segment size is out of bounds"));
        }
        let opening = Opening { disk, folder: folder.to_owned(), head_of, options: *options };
        opening.run(expected)
    }
}

struct Opening {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    head_of: HeadOf,
    options: Options,
}

impl Opening {
    fn run(&self, expected: Expected) -> Result<Opened, Error> {
        let Some(known) = self.options.known.iter().flatten().next() else {
            return self.find(expected);
        };
        // No new journal holds what someone remembers, so none is made.
        match self.find(Expected::Chain(known.chain)) {
            Err(Error::Missing(_)) => {
                let (chain, known) = (known.chain, known.sequence);
                Err(Error::BehindKnown { chain, known, holds: 0 })
            }
            found => found,
        }
    }

    fn find(&self, expected: Expected) -> Result<Opened, Error> {
        if matches!(expected, Expected::NewOr(_)) {
            self.disk.create_folder(&self.folder)?;
            self.disk.sync_dir(self.folder.parent().unwrap_or(Path::new("")))?;
        }
        let lock = self.lock(expected)?;
        let names = self.disk.list(&self.folder)?;
        let chain = Chain { disk: self.disk.as_ref(), folder: &self.folder, head_of: self.head_of };
        let mut headers = chain.headers(&names)?;
        let marker = marker::read(self.disk.as_ref(), &self.folder)?;
        let is_new = headers.is_empty();
        if is_new {
            let Expected::NewOr(new) = expected else {
                return Err(Error::Missing(self.folder.clone()));
            };
            if marker != Marker::Missing {
                // A journal was closed here once, so this is no new folder.
                return Err(Error::MissingSegment { number: 1 });
            }
            headers.push(self.create(new)?);
        }
        self.check_chain(expected, headers.first())?;
        let closed = self.options.is_clean_close_trusted.then(|| marker.closed_at(&headers));
        let contents = chain.follow(headers, self.options.verified.or(closed.flatten()))?;
        for known in self.options.known.iter().flatten() {
            chain.holds(&contents, *known)?;
        }
        let mark = judge(&marker, &contents)?;
        for name in names.iter().filter(|name| segment::is_unfinished(name)) {
            match self.disk.remove(&self.folder.join(name)) {
                // The first segment of a new journal was made under such a name just now.
                Err(error) if error.is_not_found() => {}
                removed => removed?,
            }
        }
        self.settle(lock, contents, marker, mark, is_new)
    }

    /// Takes the lock, whose file is made only beside segments or in a new folder.
    fn lock(&self, expected: Expected) -> Result<Arc<dyn DiskFile>, Error> {
        let listed = match self.disk.list(&self.folder) {
            Err(error) if error.is_not_found() => return Err(Error::Missing(self.folder.clone())),
            listed => listed?,
        };
        let is_empty = !listed.iter().any(|name| segment::segment_number(name).is_some());
        if is_empty && !matches!(expected, Expected::NewOr(_)) {
            return Err(Error::Missing(self.folder.clone()));
        }
        let path = self.folder.join("lock");
        let file = match self.disk.open(&path) {
            Err(error) if error.is_not_found() => self.disk.create(&path)?,
            opened => opened?,
        };
        match file.try_lock() {
            Err(error) if matches!(error.kind, DiskErrorKind::InUse) => {
                Err(Error::InUse(self.folder.clone()))
            }
            locked => Ok(locked.map(|()| file)?),
        }
    }

    fn check_chain(&self, expected: Expected, first: Option<&Header>) -> Result<(), Error> {
        match (expected, first) {
            (Expected::NewOr(chain) | Expected::Chain(chain), Some(first))
                if chain != first.chain =>
            {
                let (file, found) = (segment_path(&self.folder, 1), first.chain);
                Err(Error::ForeignChain { file, expected: chain, found })
            }
            _ => Ok(()),
        }
    }

    fn create(&self, chain: ChainId) -> Result<Header, Error> {
        let bytes = self.options.segment_bytes;
        let header = Header { number: 1, chain, first_sequence: 1, previous_head: NO_HEAD, bytes };
        let disk = self.disk.as_ref();
        let blank = Blank::allocate(disk, blank_path(&self.folder, 1), bytes)?;
        blank.name(disk, &self.folder, &header, |_| Ok(()))?;
        Ok(header)
    }

    /// Makes safe what was found, and only then lets the journal be used.
    fn settle(
        &self,
        lock: Arc<dyn DiskFile>,
        contents: Contents,
        marker: Marker,
        mark: Mark,
        is_new: bool,
    ) -> Result<Opened, Error> {
        let disk = self.disk.as_ref();
        let mut reserve = Reserve::find(disk, &self.folder, self.options.reserve_bytes)?;
        let end = contents.end;
        let mut is_reserve_spent = false;
        let mut copied_bytes = 0;
        if mark != Mark::Clean && !is_new && !trusts_tail(&self.options) {
            is_reserve_spent = self.copy_tail(&contents, &mut reserve)?;
            copied_bytes = end.location.offset;
        }
        if marker != Marker::Missing {
            marker::remove(disk, &self.folder)?;
        }
        reserve.hold(disk, &self.folder)?;
        let shelf = Shelf::new(
            Arc::clone(&self.disk),
            self.folder.clone(),
            self.head_of,
            contents.headers,
            contents.chain,
            end,
        );
        let mut journal = Journal {
            file: shelf.file(contents.last.number)?,
            shelf: Arc::new(shelf),
            options: self.options,
            header: contents.last,
            tail: end,
            unwritten: Vec::new(),
            next: None,
            reserve,
            stopped: None,
            _lock: lock,
        };
        for (location, entry) in &contents.half_erased {
            journal.erase(*location, *entry)?;
        }
        let recovered = Recovered {
            is_new,
            mark,
            segments: contents.last.number,
            frames_checked: contents.frames,
            tail_flaw: contents.flaw,
            is_cut: contents.is_written_beyond,
            frames_cut: contents.frames_cut,
            copied_bytes,
            erasures_finished: contents.half_erased.len() as u64,
            is_reserve_spent,
            end,
        };
        Ok(Opened { journal, recovered })
    }

    /// Copies the last segment to a new file that takes its place. A sync that failed before the
    /// stop may have left bytes that are seen and not on the disk, and no later sync of the same
    /// file would write them. True if the reserve had to be given away for it.
    fn copy_tail(&self, contents: &Contents, reserve: &mut Reserve) -> Result<bool, Error> {
        let disk = self.disk.as_ref();
        let last = contents.last;
        let allocate = || Blank::allocate(disk, blank_path(&self.folder, last.number), last.bytes);
        let mut is_reserve_spent = false;
        let blank = match allocate() {
            Err(full @ Error::DiskFull { .. }) => {
                if !reserve.release(disk, &self.folder)? {
                    return Err(full);
                }
                is_reserve_spent = true;
                allocate()?
            }
            allocated => allocated?,
        };
        let from = disk.open(&segment_path(&self.folder, last.number))?;
        let end = contents.end.location.offset;
        blank.name(disk, &self.folder, &last, |to| copy(from.as_ref(), to, end))?;
        Ok(is_reserve_spent)
    }
}

#[cfg(test)]
fn trusts_tail(options: &Options) -> bool {
    options.mutant == super::tests::Mutant::TrustsTailAfterFailedSync
}

/// Never: only a mutant does.
#[cfg(not(test))]
fn trusts_tail(_: &Options) -> bool {
    mutants::is_on(Mutant::TrustTailAfterFailedSync)
}

fn copy(from: &dyn DiskFile, to: &dyn DiskFile, end: u64) -> Result<(), Error> {
    let mut offset = SEGMENT_HEADER_BYTES;
    let mut piece = Vec::new();
    while offset < end {
        let left = usize::try_from(end - offset).unwrap_or(usize::MAX);
        piece.resize(left.min(WINDOW_BYTES), 0);
        from.read_at(offset, &mut piece)?;
        to.write_at(offset, &piece)?;
        offset += piece.len() as u64;
    }
    Ok(())
}
