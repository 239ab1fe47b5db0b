//! One file between two syncs: what of it is durable, what was done since, and what a power cut
//! makes of that.

use std::collections::BTreeMap;
use std::ops::Range;

use system_tests::Dice;

use super::trace::Loss;

/// A change of a file's bytes or length.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Write(u64, Vec<u8>),
    Zeros(u64, u64),
    Length(u64),
}

/// A file's durable bytes and what no sync has covered yet, each with its place in the trace.
#[derive(Clone, Debug, Default)]
pub(super) struct Unsynced {
    durable: Vec<u8>,
    changes: Vec<(u64, Change)>,
}

impl Change {
    /// The bytes that it touches, if the file is so long.
    fn range(&self, length: usize) -> Range<usize> {
        match self {
            Self::Write(at, bytes) => size(*at)..size(*at).saturating_add(bytes.len()),
            Self::Zeros(at, count) => size(*at)..size(at.saturating_add(*count)),
            Self::Length(cut) => size(*cut)..length.max(size(*cut)),
        }
    }

    /// The length of the file afterwards.
    fn length(&self, before: usize) -> usize {
        match self {
            Self::Length(length) => size(*length),
            other => other.range(before).end.max(before),
        }
    }

    /// Does it to `block`, which begins at `start` of the file.
    fn apply(&self, block: &mut [u8], start: usize) {
        let whole = start..start + block.len();
        let range = self.range(whole.end);
        let (from, to) = (range.start.max(whole.start), range.end.min(whole.end));
        let Some(part) =
            from.checked_sub(start).and_then(|from| block.get_mut(from..to.saturating_sub(start)))
        else {
            return;
        };
        match self {
            Self::Write(at, bytes) => {
                let bytes = bytes.iter().skip(from - size(*at));
                part.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            }
            Self::Zeros(..) | Self::Length(_) => part.fill(0),
        }
    }
}

impl Unsynced {
    /// A file that is durable as it is.
    pub(super) fn of(durable: Vec<u8>) -> Self {
        Self { durable, changes: Vec::new() }
    }

    pub(super) fn push(&mut self, place: u64, change: Change) {
        self.changes.push((place, change));
    }

    fn before(&mut self, upto: u64) -> Vec<Change> {
        let count = self.changes.partition_point(|(place, _)| *place < upto);
        self.changes.drain(..count).map(|(_, change)| change).collect()
    }

    /// A sync that covers all before a place in the trace.
    pub(super) fn sync(&mut self, upto: u64) {
        for change in self.before(upto) {
            let length = change.length(self.durable.len());
            self.durable.resize(length, 0);
            change.apply(&mut self.durable, 0);
        }
    }

    /// A sync that failed: the kernel holds what it covered for clean, so no later sync writes it.
    pub(super) fn abandon(&mut self, upto: u64, loss: Loss, dice: &mut Dice) {
        let changes = self.before(upto);
        self.durable = torn(&self.durable, &changes, loss, dice);
    }

    /// What a power cut leaves.
    pub(super) fn torn(&self, loss: Loss, dice: &mut Dice) -> Vec<u8> {
        let changes: Vec<Change> = self.changes.iter().map(|(_, change)| change.clone()).collect();
        torn(&self.durable, &changes, loss, dice)
    }
}

/// Each block that was touched stands as it did after some of the changes, in their order; length
/// and cuts are of the file as a whole.
fn torn(durable: &[u8], changes: &[Change], loss: Loss, dice: &mut Dice) -> Vec<u8> {
    let Loss::Torn(block_bytes) = loss else { return durable.to_vec() };
    let mut lengths = vec![durable.len()];
    for change in changes {
        lengths.push(change.length(lengths.last().copied().unwrap_or_default()));
    }
    let longest = lengths.iter().copied().max().unwrap_or_default();
    // So many changes of the length got to the disk; a block behind a cut that did cannot be older
    // than it, and behind one that did not cannot be younger.
    let settled = dice.below(lengths.len());
    let mut touching: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, change) in changes.iter().enumerate() {
        let range = change.range(longest);
        for block in range.start / block_bytes..range.end.div_ceil(block_bytes) {
            touching.entry(block).or_default().push(index);
        }
    }
    let mut image = durable.to_vec();
    image.resize(longest, 0);
    for (block, touching) in touching {
        let start = block * block_bytes;
        let end = (start + block_bytes).min(longest);
        let (mut fewest, mut most) = (0, touching.len());
        for (count, index) in touching.iter().enumerate() {
            let is_cut = matches!(changes.get(*index), Some(Change::Length(_)));
            if is_cut && *index < settled {
                fewest = count + 1;
            } else if is_cut && most == touching.len() {
                most = count;
            }
        }
        let survivors = fewest
            + match dice.below(3) {
                0 => 0,
                1 => most.saturating_sub(fewest),
                _ => dice.below(most.saturating_sub(fewest) + 1),
            };
        let Some(bytes) = image.get_mut(start..end) else { continue };
        for index in touching.iter().take(survivors) {
            if let Some(change) = changes.get(*index) {
                change.apply(bytes, start);
            }
        }
    }
    image.truncate(lengths.get(settled).copied().unwrap_or_default());
    image
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
