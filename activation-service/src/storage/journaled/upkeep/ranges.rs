//! Ranges of keys whose events fit into memory together, so that a journal of any length is put
//! into the order of keys by reading it once a range.

use super::super::batch::parts::Part;
use crate::domain::ids::KeyId;

/// Bytes of events that are held at once.
const RANGE_BYTES_MAX: u64 = 256 << 20;
/// What an event takes beside its own bytes, about.
const EVENT_BYTES: u64 = 512;
/// Ranges begin and end with the first two bytes of a key id, which is random.
const PREFIXES: usize = 1 << 16;

/// The keys whose id begins with these two bytes, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u16,
    pub(super) last: u16,
}

impl Range {
    /// So many ranges of equal width that together hold all keys; at least one, and at most one for
    /// each two bytes that an id can begin with. Ids are random, so each holds about as many keys.
    pub(super) fn even(count: u64) -> Vec<Self> {
        let count = count.clamp(1, PREFIXES as u64);
        let begin = |number: u64| number * PREFIXES as u64 / count;
        let range = |number| Self {
            first: u16::try_from(begin(number)).unwrap_or(u16::MAX),
            last: u16::try_from(begin(number + 1) - 1).unwrap_or(u16::MAX),
        };
        (0..count).map(range).collect()
    }

    pub(super) fn holds(self, key: KeyId) -> bool {
        (self.first..=self.last).contains(&prefix(key))
    }
}

/// How many bytes of events there are of which keys.
pub(super) struct Histogram {
    bytes: Vec<u64>,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; PREFIXES] }
    }

    pub(super) fn add(&mut self, key: KeyId, part: &Part) {
        if let Some(bytes) = self.bytes.get_mut(usize::from(prefix(key))) {
            *bytes += part.bytes() as u64 + EVENT_BYTES;
        }
    }

    /// Ranges that together hold all keys.
    pub(super) fn ranges(&self) -> Vec<Range> {
        self.ranges_of(RANGE_BYTES_MAX)
    }

    fn ranges_of(&self, bytes_max: u64) -> Vec<Range> {
        let (mut ranges, mut first, mut held) = (Vec::new(), 0, 0);
        for (prefix, bytes) in (0..=u16::MAX).zip(&self.bytes) {
            if *bytes > 0 && held > 0 && held + bytes > bytes_max {
                ranges.push(Range { first, last: prefix.saturating_sub(1) });
                (first, held) = (prefix, 0);
            }
            held += bytes;
        }
        ranges.push(Range { first, last: u16::MAX });
        ranges
    }
}

fn prefix(key: KeyId) -> u16 {
    key.0.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_ranges_follow_each_other_from_the_first_key_to_the_last() {
        for count in [0, 1, 2, 3, 7, 1_000, 1 << 16, 1 << 20] {
            let ranges = Range::even(count);
            assert_eq!(ranges.len() as u64, count.clamp(1, 1 << 16));
            assert_eq!((ranges[0].first, ranges[ranges.len() - 1].last), (0, u16::MAX));
            assert!(ranges.iter().all(|range| range.first <= range.last));
            assert!(ranges.windows(2).all(|pair| pair[0].last + 1 == pair[1].first));
        }
    }

    #[test]
    fn ranges_hold_every_key_once_and_no_more_than_they_may() {
        let mut histogram = Histogram::new();
        for (prefix, bytes) in [(0, 5), (7, 6), (9, 4), (300, 20), (65_535, 1)] {
            histogram.bytes[prefix] = bytes;
        }
        let ranges = histogram.ranges_of(10);
        let ends: Vec<_> = ranges.iter().map(|range| (range.first, range.last)).collect();
        assert_eq!(ends, [(0, 6), (7, 299), (300, 65_534), (65_535, 65_535)]);
        let key = KeyId([1; 16]);
        assert_eq!(ranges.iter().filter(|range| range.holds(key)).count(), 1);
        assert_eq!(Histogram::new().ranges().len(), 1);
    }
}
