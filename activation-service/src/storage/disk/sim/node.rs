//! One simulated file: what programs see, what the platter holds, and what lies between.

use std::collections::BTreeMap;

use super::crash::Survival;
use super::dice::Dice;

/// One file.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// What programs see: the page cache.
    seen: Vec<u8>,
    /// What a power cut leaves for certain.
    durable: Vec<u8>,
    /// Written since the last sync, in order.
    pending: Vec<Pending>,
    /// Which open file holds the lock.
    pub(super) locked_by: Option<u64>,
}

#[derive(Debug)]
struct Pending {
    offset: usize,
    bytes: Vec<u8>,
}

impl Node {
    pub(super) fn seen(&self) -> &[u8] {
        &self.seen
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        put(&mut self.seen, offset, bytes);
        self.pending.push(Pending { offset, bytes: bytes.to_vec() });
    }

    pub(super) fn sync(&mut self) {
        for write in self.pending.drain(..) {
            put(&mut self.durable, write.offset, &write.bytes);
        }
    }

    /// A sync that fails: some sectors reach the platter, and the others are forgotten although
    /// programs go on seeing them, as Linux does it.
    pub(super) fn fail_sync(&mut self, dice: &mut Dice, sector: usize) {
        let survival = Survival::draw(dice);
        self.settle(dice, sector, survival);
    }

    /// The power goes out.
    pub(super) fn crash(&mut self, dice: &mut Dice, sector: usize, survival: Survival) {
        self.settle(dice, sector, survival);
        self.seen = self.durable.clone();
        self.locked_by = None;
    }

    /// Rot, or a hand from outside: the bytes change everywhere.
    pub(super) fn tamper(&mut self, change: impl FnOnce(&mut Vec<u8>)) {
        self.sync();
        change(&mut self.durable);
        self.seen = self.durable.clone();
    }

    /// Every sector ends as one of the contents that it had since the last sync.
    fn settle(&mut self, dice: &mut Dice, sector: usize, survival: Survival) {
        let mut versions: BTreeMap<usize, Vec<(usize, Vec<u8>)>> = BTreeMap::new();
        for write in self.pending.drain(..) {
            let mut offset = write.offset;
            let mut rest = write.bytes.as_slice();
            while !rest.is_empty() {
                let in_sector = sector - offset % sector;
                let (piece, later) = rest.split_at(in_sector.min(rest.len()));
                versions.entry(offset / sector).or_default().push((offset, piece.to_vec()));
                offset += piece.len();
                rest = later;
            }
        }
        let count = versions.len();
        for (index, (_, writes)) in versions.into_iter().enumerate() {
            let kept = survival.kept(dice, index, count, writes.len());
            for (offset, bytes) in writes.into_iter().take(kept) {
                put(&mut self.durable, offset, &bytes);
            }
        }
    }
}

fn put(into: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset.saturating_add(bytes.len());
    if into.len() < end {
        into.resize(end, 0);
    }
    if let Some(target) = into.get_mut(offset..end) {
        target.copy_from_slice(bytes);
    }
}
