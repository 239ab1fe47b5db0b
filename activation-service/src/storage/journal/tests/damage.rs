//! Damage to one file at a time: mended to the same frames, or refused by name (P5).

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::super::{Error, Frame, Location, Options};
use super::{append, folder, open, small};
use crate::storage::disk::sim::Dice;
use crate::storage::disk::{Disk as _, SimDisk};

type Files = Vec<(PathBuf, Vec<u8>)>;

/// How many frames each sync makes durable.
const GROUP: usize = 2;

/// A journal with several segments and groups, and copies of its files at an earlier clean close.
struct Specimen {
    disk: SimDisk,
    files: Files,
    earlier: Files,
    frames: Vec<Frame>,
    is_closed: bool,
}

/// What became of a damaged journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Intact,
    Refused,
    /// The last group is gone, as if it had never been synced.
    TailCut,
}

fn options() -> Options {
    Options { reserve_bytes: 8 << 10, ..small() }
}

fn files(disk: &SimDisk) -> Files {
    let names = disk.list(&folder()).expect("listed");
    let paths = names.into_iter().map(|name| folder().join(name));
    paths.map(|path| (path.clone(), disk.image(&path).expect("there"))).collect()
}

fn read(disk: &SimDisk) -> Result<Vec<Frame>, Error> {
    let journal = open(disk, &options())?.journal;
    journal.reader().walk(journal.reader().start()).collect()
}

fn specimen(is_closed: bool) -> Specimen {
    let disk = SimDisk::new(1);
    let mut dice = Dice::new(2);
    let mut earlier = Vec::new();
    for is_first in [true, false] {
        let mut journal = open(&disk, &options()).expect("opens").journal;
        for number in 0..5 {
            let entries = vec![dice.bytes(90), dice.bytes(33)];
            let location = append(&mut journal, &dice.bytes(200 + 100 * number), &entries);
            append(&mut journal, &dice.bytes(150), &[]).expect("appended");
            journal.sync().expect("synced");
            journal.erase(location.expect("appended"), 0).expect("erased");
        }
        if is_first || is_closed {
            journal.close().expect("closed");
        }
        if is_first {
            earlier = files(&disk);
        }
    }
    let disk = disk.fork(3);
    let frames = read(&disk.fork(4)).expect("whole");
    Specimen { files: files(&disk), disk, earlier, frames, is_closed }
}

impl Specimen {
    /// Opens a copy that is damaged in one file, at these bytes.
    fn judge(&self, disk: &SimDisk, path: &Path, at: Range<usize>, what: &str) -> Outcome {
        let before = files(disk);
        let frames = match read(disk) {
            Ok(frames) => frames,
            Err(Error::Disk(error)) => panic!("{what}: refused without a name: {error}"),
            Err(_) => {
                assert_eq!(files(disk), before, "{what}: refused, and changed all the same");
                return Outcome::Refused;
            }
        };
        if frames == self.frames {
            return Outcome::Intact;
        }
        // After an unclean stop the last group may be one that was never synced. Damage that begins
        // before it and takes all of it along looks the same; only an anchor elsewhere tells.
        let last = self.frames[self.frames.len() - GROUP].location;
        let is_tail = path == folder().join(format!("{:08}.seg", last.segment));
        let reaches_it = is_tail && at.end as u64 > last.offset && !self.is_closed;
        assert!(reaches_it, "{what}: {} frames of {}", frames.len(), self.frames.len());
        assert!(self.frames.starts_with(&frames), "{what}: other frames");
        let begins = Location { segment: last.segment, offset: at.start as u64 };
        let before = self.frames.iter().filter(|frame| frame.location <= begins).count();
        let synced = self.frames.len() - GROUP;
        let least = if begins >= last { synced } else { before.saturating_sub(1) };
        assert!(frames.len() >= least, "{what}: {} frames, not {least}", frames.len());
        Outcome::TailCut
    }

    fn damaged(
        &self,
        path: &Path,
        at: Range<usize>,
        what: &str,
        change: impl FnOnce(&mut Vec<u8>),
    ) -> Outcome {
        let disk = self.disk.fork(5);
        assert!(disk.tamper(path, change), "{what}: no such file");
        let what = format!("{} {what} at {at:?}", path.display());
        self.judge(&disk, path, at, &what)
    }
}

#[test]
fn p5_no_flipped_bit_is_silent() {
    for is_closed in [true, false] {
        let specimen = specimen(is_closed);
        let mut counts = [0_u64; 3];
        for (path, bytes) in &specimen.files {
            for at in 0..bytes.len() {
                // Long runs of zeros are all alike, so a few of each are enough.
                let near = &bytes[at.saturating_sub(16)..bytes.len().min(at + 16)];
                if near.iter().all(|byte| *byte == 0) && at % 257 != 0 {
                    continue;
                }
                let bit = 1 << (at % 8);
                let flip = |bytes: &mut Vec<u8>| bytes[at] ^= bit;
                let outcome = specimen.damaged(path, at..at + 1, "a flipped bit", flip);
                counts[outcome as usize] += 1;
            }
        }
        println!("closed {is_closed}: intact, refused, tail cut: {counts:?}");
        assert!(counts[0] > 100 && counts[1] > 3_000, "{counts:?}");
        assert_eq!(counts[2] > 0, !is_closed, "{counts:?}");
    }
}

#[test]
fn p5_no_lost_page_or_end_is_silent() {
    for is_closed in [true, false] {
        let specimen = specimen(is_closed);
        for (path, bytes) in &specimen.files {
            for page in [512, 4096] {
                for at in (0..bytes.len()).step_by(page) {
                    let end = bytes.len().min(at + page);
                    let zero = |bytes: &mut Vec<u8>| bytes[at..end].fill(0);
                    specimen.damaged(path, at..end, "a zeroed page", zero);
                    let other = (at + 3 * page) % bytes.len().next_multiple_of(page);
                    if other + page <= bytes.len() && end - at == page && other != at {
                        let swap = |bytes: &mut Vec<u8>| {
                            let held = bytes[at..end].to_vec();
                            bytes.copy_within(other..other + page, at);
                            bytes[other..other + page].copy_from_slice(&held);
                        };
                        let both = at.min(other)..end.max(other + page);
                        specimen.damaged(path, both, "swapped pages", swap);
                    }
                }
            }
            for length in (0..bytes.len()).step_by(61) {
                let cut = |bytes: &mut Vec<u8>| bytes.truncate(length);
                specimen.damaged(path, length..bytes.len(), "a lost end", cut);
            }
            let more = |bytes: &mut Vec<u8>| bytes.extend_from_slice(&[1; 700]);
            specimen.damaged(path, bytes.len()..bytes.len() + 700, "a longer end", more);
        }
    }
}

#[test]
fn p5_no_older_or_missing_file_is_silent_after_a_clean_close() {
    let specimen = specimen(true);
    let mut refused = 0;
    for (path, old) in &specimen.earlier {
        let older = |bytes: &mut Vec<u8>| bytes.clone_from(old);
        let outcome = specimen.damaged(path, 0..0, "an older copy", older);
        refused += u64::from(outcome == Outcome::Refused);
    }
    assert!(refused >= 1, "an older segment is another journal");
    for (path, _) in &specimen.files {
        let disk = specimen.disk.fork(6);
        disk.remove(path).expect("removed");
        let outcome = specimen.judge(&disk, path, 0..0, &format!("{} removed", path.display()));
        let is_segment = path.extension().is_some_and(|ending| ending == "seg");
        assert_eq!(outcome == Outcome::Refused, is_segment, "{} removed", path.display());
    }
}

#[test]
fn p5_a_clean_journal_is_intact_and_stays_so() {
    let specimen = specimen(true);
    let disk = specimen.disk.fork(7);
    for _ in 0..3 {
        assert_eq!(read(&disk).expect("opens"), specimen.frames);
    }
    assert!(specimen.frames.last().expect("some").location.segment >= 2, "several segments");
}
