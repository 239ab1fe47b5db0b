//! A ledger in a folder with a history that its tests know.

use std::path::Path;
use std::sync::Arc;

use activation_service::ports::{KeyRef, Ledger, Randomness};
use activation_service::storage::journal::{ChainId, Options};
use activation_service::storage::journaled::{JournaledLedger, JournaledOptions, MemoryBounds};
use activation_service::storage::sled::SledOptions;
use receipt::SigningKey;

use crate::keys::{activate, change, key_id, limit, register, release, terms};

pub(crate) const SEED: [u8; 32] = [7; 32];
/// Keys, and computers of each; key 3 has many.
pub(crate) const KEYS: u8 = 5;
/// Computers that were counted, on all keys.
pub(crate) const COUNTS: u64 = 4 * 8 + 40;
/// Each key is registered; key 5 is updated after that, and gives up four counts at last.
pub(crate) const EVENTS: u64 = KEYS as u64 + COUNTS + 5;

pub(crate) struct Counted(std::sync::atomic::AtomicU64);

impl Randomness for Counted {
    fn id_bytes(&self) -> [u8; 16] {
        let number = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes
    }
}

pub(crate) fn counted() -> Counted {
    Counted(std::sync::atomic::AtomicU64::new(1))
}

pub(crate) fn options(chain: u8) -> JournaledOptions {
    // Small segments, so that the story needs more than one.
    let journal =
        Options { segment_bytes: 32 << 10, reserve_bytes: 32 << 10, ..Options::default() };
    JournaledOptions {
        journal,
        sled: SledOptions::default(),
        signing_key: SigningKey::from_seed(&SEED),
        new_chain: ChainId([chain; 16]),
        memory: MemoryBounds::default(),
    }
}

pub(crate) fn open(folder: &Path) -> JournaledLedger {
    JournaledLedger::open(folder, options(3), Arc::new(counted())).expect("opens")
}

/// A ledger with a history, closed in good order.
pub(crate) async fn filled(folder: &Path) {
    let ledger = open(folder);
    for key in 1..=KEYS {
        let registered = change(None, &register(key, terms(1_000)));
        ledger.commit(vec![registered]).await.expect("answers");
        for computer in 1..=if key == 3 { 40 } else { 8 } {
            let loaded = ledger.load(KeyRef::Id(key_id(key)), None).await.expect("answers");
            let account = loaded.expect("known").account;
            let next = change(Some(&account), &activate(computer, computer));
            ledger.commit(vec![next]).await.expect("answers");
        }
    }
    for command in [limit(900), release(5), release(6), release(7), release(8)] {
        let loaded = ledger.load(KeyRef::Id(key_id(5)), None).await.expect("answers");
        let next = change(Some(&loaded.expect("known").account), &command);
        ledger.commit(vec![next]).await.expect("answers");
    }
    close(ledger, folder);
}

/// sled's own threads hold the folder a moment after it was dropped.
pub(crate) fn close(ledger: JournaledLedger, folder: &Path) {
    drop(ledger);
    let file = std::fs::File::open(folder.join("sled/db")).expect("the file");
    file.lock().and_then(|()| file.unlock()).expect("free in the end");
}
