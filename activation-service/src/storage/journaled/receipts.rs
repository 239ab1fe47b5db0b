//! Receipts that were asked for lately: an unchanged computer gets that of its count each time, and
//! making it anew takes reading and hashing a whole frame.
//!
//! A receipt never changes, so what is kept here is never wrong, whatever becomes of the books.

use std::mem::size_of;
use std::sync::Arc;

use moka::sync::Cache;

use crate::domain::ids::KeyId;

/// Most bytes of receipts that are kept.
const BYTES_MAX: u64 = 32 * 1024 * 1024;
/// What an entry takes beside the receipt, roughly: its place in the table and in two lists.
const ENTRY_BYTES: usize = 4 * size_of::<((KeyId, u64), Arc<[u8]>)>();

/// Receipts by key and version of the event.
pub(super) struct Receipts(Cache<(KeyId, u64), Arc<[u8]>>);

impl Default for Receipts {
    fn default() -> Self {
        let weight = |_: &(KeyId, u64), receipt: &Arc<[u8]>| {
            u32::try_from(receipt.len() + ENTRY_BYTES).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().weigher(weight).max_capacity(BYTES_MAX).build())
    }
}

impl Receipts {
    /// The receipt of an event, if it is kept.
    pub(super) fn get(&self, key: KeyId, version: u64) -> Option<Arc<[u8]>> {
        self.0.get(&(key, version))
    }

    /// Keeps a receipt.
    pub(super) fn add(&self, key: KeyId, version: u64, receipt: Arc<[u8]>) {
        self.0.insert((key, version), receipt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_kept_by_event_and_bounded_in_bytes() {
        let (receipts, key) = (Receipts::default(), KeyId([1; 16]));
        let receipt = |number: u64| -> Arc<[u8]> { number.to_be_bytes().repeat(128).into() };
        receipts.add(key, 0, receipt(0));
        assert_eq!(receipts.get(key, 0), Some(receipt(0)));
        assert_eq!(receipts.get(key, 1), None, "another event");
        assert_eq!(receipts.get(KeyId([2; 16]), 0), None, "of another key");
        for number in 1..3 * BYTES_MAX / 1024 {
            receipts.add(key, number, receipt(number));
        }
        receipts.0.run_pending_tasks();
        assert!(receipts.0.weighted_size() <= BYTES_MAX);
        assert!(receipts.0.entry_count() > 1_000);
    }
}
