//! A journal that is written, stopped and cut off, beside what it must still hold afterwards.

use super::super::{Checkpoint, Entry, Error, Frame, FrameParts, Journal, Location, Options};
use super::{head_of, open};
use crate::storage::disk::SimDisk;
use crate::storage::disk::sim::{Calls, Dice, Fault, FaultKind, TornSize};

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Append,
    Sync,
    Erase,
    MakeRoom,
    /// Closed in good order and opened again.
    Close,
    /// The process dies and starts again.
    Kill,
    /// The power goes out and comes back.
    Crash,
}

/// What is known of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Erasure {
    No,
    /// It was asked for and not answered.
    Perhaps,
    Yes,
}

#[derive(Clone, Debug)]
struct Written {
    location: Location,
    first_sequence: u64,
    event_count: u32,
    body: Vec<u8>,
    entries: Vec<(Vec<u8>, Erasure)>,
}

/// What happened, for the figures.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) opened: u64,
    pub(super) frames: u64,
    pub(super) unsynced_kept: u64,
    pub(super) unsynced_lost: u64,
    pub(super) torn: u64,
    pub(super) erased: u64,
    pub(super) segments: u64,
}

pub(super) struct Story {
    pub(super) disk: SimDisk,
    pub(super) tally: Tally,
    dice: Dice,
    torn: TornSize,
    options: Options,
    journal: Option<Journal>,
    /// What was answered as durable.
    acked: Vec<Written>,
    /// What was appended since.
    waiting: Vec<Written>,
}

impl Story {
    pub(super) fn begin(seed: u64, torn: TornSize, options: Options) -> Self {
        Self {
            disk: SimDisk::new(seed),
            tally: Tally::default(),
            dice: Dice::new(seed ^ 0x5eed),
            torn,
            options,
            journal: None,
            acked: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// A whole random life.
    pub(super) fn play(
        seed: u64,
        torn: TornSize,
        options: Options,
        steps: u64,
    ) -> Result<Tally, String> {
        let mut story = Self::begin(seed, torn, options);
        story.reopen()?;
        for _ in 0..steps {
            let step = match story.dice.below(100) {
                0..48 => Step::Append,
                48..74 => Step::Sync,
                74..80 => Step::Erase,
                80..84 => Step::MakeRoom,
                84..88 => Step::Close,
                88..92 => Step::Kill,
                92..97 => Step::Crash,
                _ => {
                    story.plant();
                    continue;
                }
            };
            story.step(step).map_err(|why| format!("{step:?}: {why}"))?;
        }
        story.step(Step::Crash)?;
        story.step(Step::Kill)?;
        Ok(story.tally)
    }

    fn plant(&mut self) {
        let kinds = [FaultKind::Io, FaultKind::NoSpace, FaultKind::PowerCut];
        let kind = kinds[self.dice.below(3) as usize];
        let far = if self.dice.chance(50) { 3 } else { 12 };
        let nth = 1 + self.dice.below(far);
        self.disk.plant(Fault { calls: Calls::Changing, nth, kind });
    }

    /// Lets it happen. Errors of the disk are part of the story; broken promises are not.
    pub(super) fn step(&mut self, step: Step) -> Result<(), String> {
        let Some(mut journal) = self.journal.take() else { return self.reopen() };
        let done = match step {
            Step::Append => self.append(&mut journal),
            Step::Sync => self.sync(&mut journal),
            Step::Erase => self.erase(&mut journal),
            Step::MakeRoom => journal.make_room().map(drop),
            Step::Close => match journal.close() {
                Ok(end) => {
                    self.ack(end)?;
                    return self.reopen();
                }
                Err(_) => return self.after_death(),
            },
            Step::Kill => {
                drop(journal);
                return self.reopen();
            }
            Step::Crash => {
                if self.dice.chance(60) {
                    self.cut_power_in(&mut journal);
                }
                drop(journal);
                self.crash();
                return self.reopen();
            }
        };
        match done {
            Ok(()) | Err(Error::DiskFull { .. }) => {
                self.journal = Some(journal);
                Ok(())
            }
            // Failing to read changes nothing.
            Err(Error::Disk(error)) if !Calls::Changing.holds(error.call) => {
                self.journal = Some(journal);
                Ok(())
            }
            Err(error) => {
                self.must_be_poisoned(&mut journal, &error)?;
                drop(journal);
                self.after_death()
            }
        }
    }

    /// The power goes out while what waits is written or synced.
    fn cut_power_in(&mut self, journal: &mut Journal) {
        let nth = 1 + self.dice.below(2);
        self.disk.plant(Fault { calls: Calls::Changing, nth, kind: FaultKind::PowerCut });
        if journal.sync().is_ok() {
            // Nothing was waiting, or this is a mutant.
            self.acked.append(&mut self.waiting);
        }
    }

    fn append(&mut self, journal: &mut Journal) -> Result<(), Error> {
        let tail = journal.tail();
        let longest = if self.dice.chance(10) { 1500 } else { 300 };
        let count = self.dice.below(longest) as usize;
        let body = self.dice.bytes(count);
        let entries: Vec<Vec<u8>> = (0..self.dice.below(4))
            .map(|_| {
                let count = 1 + self.dice.below(600) as usize;
                // Never all zeros, so that an erased entry differs from a present one.
                let mut bytes = self.dice.bytes(count);
                bytes[0] |= 1;
                bytes
            })
            .collect();
        let event_count = 1 + self.dice.below(5) as u32;
        let location = journal.append(&FrameParts {
            first_sequence: tail.sequence,
            event_count,
            previous_head: tail.head,
            body: &body,
            erasable: &entries,
        })?;
        let entries = entries.into_iter().map(|bytes| (bytes, Erasure::No)).collect();
        let first_sequence = tail.sequence;
        self.waiting.push(Written { location, first_sequence, event_count, body, entries });
        Ok(())
    }

    fn sync(&mut self, journal: &mut Journal) -> Result<(), Error> {
        let end = journal.sync()?;
        self.ack(end).map_err(|_| Error::Refused("the end is another"))
    }

    fn ack(&mut self, end: Checkpoint) -> Result<(), String> {
        self.acked.append(&mut self.waiting);
        let next = self.acked.last().map_or(1, |w| w.first_sequence + u64::from(w.event_count));
        if end.sequence == next { Ok(()) } else { Err("synced up to another event".to_owned()) }
    }

    fn erase(&mut self, journal: &mut Journal) -> Result<(), Error> {
        let index = self.dice.below(self.acked.len() as u64) as usize;
        let Some(written) = self.acked.get_mut(index) else { return Ok(()) };
        let entry = self.dice.below(written.entries.len() as u64) as usize;
        let Some((_, erasure)) = written.entries.get_mut(entry) else { return Ok(()) };
        if *erasure == Erasure::No {
            *erasure = Erasure::Perhaps;
        }
        journal.erase(written.location, entry as u32)?;
        *erasure = Erasure::Yes;
        self.tally.erased += 1;
        Ok(())
    }

    fn must_be_poisoned(&self, journal: &mut Journal, error: &Error) -> Result<(), String> {
        if self.disk.faults_struck() == 0 {
            return Err(format!("it failed without a fault: {error}"));
        }
        match journal.sync() {
            Err(Error::Poisoned(_)) => Ok(()),
            answer => Err(format!("after {error} it answered {answer:?}")),
        }
    }

    /// The process has died of an error; the machine may have died with it.
    fn after_death(&mut self) -> Result<(), String> {
        if self.disk.is_powerless() || self.dice.chance(30) {
            self.crash();
        }
        self.reopen()
    }

    fn crash(&mut self) {
        self.disk.crash(self.dice.roll(), self.torn);
    }

    /// Opens it, perhaps with faults at first; without them it must open, and hold what it must.
    pub(super) fn reopen(&mut self) -> Result<(), String> {
        if self.dice.chance(20) {
            self.plant();
            if let Ok(opened) = open(&self.disk, &self.options) {
                drop(opened);
            }
            if self.disk.is_powerless() || self.dice.chance(30) {
                self.crash();
            }
        }
        let opened = match open(&self.disk, &self.options) {
            Ok(opened) => opened,
            Err(first) => {
                if self.disk.faults_struck() == 0 {
                    return Err(format!("it does not open: {first}"));
                }
                if self.disk.is_powerless() {
                    self.crash();
                }
                self.disk.clear_faults();
                open(&self.disk, &self.options)
                    .map_err(|error| format!("it does not open: {error}"))?
            }
        };
        self.tally.opened += 1;
        self.tally.torn += u64::from(opened.recovered.is_cut);
        self.tally.segments = self.tally.segments.max(u64::from(opened.recovered.segments));
        let struck = self.disk.faults_struck();
        let mut verified = self.verify(&opened.journal);
        if self.disk.is_powerless() {
            drop(opened);
            self.crash();
            return self.reopen();
        } else if self.disk.faults_struck() > struck {
            // A read that fails breaks no promise, if it goes well the next time.
            verified = self.verify(&opened.journal);
        }
        verified?;
        self.journal = Some(opened.journal);
        Ok(())
    }

    fn verify(&mut self, journal: &Journal) -> Result<(), String> {
        let reader = journal.reader();
        let frames: Result<Vec<Frame>, Error> = reader.walk(reader.start()).collect();
        let frames = frames.map_err(|error| format!("it cannot be read: {error}"))?;
        if frames.len() < self.acked.len() {
            return Err(format!("{} frames of {} are left", frames.len(), self.acked.len()));
        }
        let extra = frames.len() - self.acked.len();
        if extra > self.waiting.len() {
            return Err(format!("{extra} frames that nobody appended"));
        }
        self.tally.frames += frames.len() as u64;
        self.tally.unsynced_kept += extra as u64;
        self.tally.unsynced_lost += (self.waiting.len() - extra) as u64;
        self.waiting.truncate(extra);
        self.acked.append(&mut self.waiting);
        let mut head = super::super::NO_HEAD;
        for (written, frame) in self.acked.iter_mut().zip(&frames) {
            written.same(frame, head)?;
            head = head_of(&frame.body).map_err(|error| error.to_string())?;
        }
        let end = reader.end();
        let next = frames.last().map_or(1, Frame::next_sequence);
        if (end.sequence, end.head) != (next, head) || end != journal.tail() {
            return Err("the end is another than that of the last frame".to_owned());
        }
        if let Some(frame) = frames.get(self.dice.below(frames.len() as u64) as usize) {
            let again = reader.read(frame.location).map_err(|error| error.to_string())?;
            if again != *frame {
                return Err("a point read gives another frame".to_owned());
            }
        }
        Ok(())
    }
}

impl Written {
    fn same(&mut self, frame: &Frame, previous: [u8; 32]) -> Result<(), String> {
        let is_same = frame.location == self.location
            && frame.first_sequence == self.first_sequence
            && frame.event_count == self.event_count
            && frame.previous_head == previous
            && frame.body == self.body
            && frame.erasable.len() == self.entries.len();
        if !is_same {
            return Err(format!("the frame at {} is another", self.location));
        }
        for ((bytes, erasure), entry) in self.entries.iter_mut().zip(&frame.erasable) {
            match (entry, *erasure) {
                (Entry::Present(found), Erasure::No | Erasure::Perhaps) if found == bytes => {}
                // Once it was seen erased after an opening it stays so.
                (Entry::Erased, Erasure::Yes | Erasure::Perhaps) => *erasure = Erasure::Yes,
                _ => return Err(format!("an entry at {} is neither {erasure:?}", self.location)),
            }
        }
        Ok(())
    }
}
