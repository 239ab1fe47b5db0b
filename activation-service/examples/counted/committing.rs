//! Commits decided activations in batches: encoded, sealed, signed, appended to a journal in memory
//! and made visible; sled has them later.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use activation_service::domain::account::Account;
use activation_service::domain::command::Command;
use activation_service::domain::policy::Policy;
use activation_service::ports::{Change, Committed, Ledger, Randomness};
use activation_service::storage::disk::SimDisk;
use activation_service::storage::journal::{ChainId, Options};
use activation_service::storage::journaled::{
    Ground, JournaledLedger, JournaledOptions, MemoryBounds,
};
use activation_service::storage::sled::SledOptions;
use futures_util::FutureExt as _;
use hardware_evidence::{DeploymentSalt, JunkDigests};
use receipt::SigningKey;

use crate::Work;
use crate::deciding::{activate, computer, decided, register};

/// Events of a batch; a batch under load has between ten and a hundred.
pub(crate) const BATCH: u32 = 32;
/// What heads are signed with.
pub(crate) const SEED: [u8; 32] = [7; 32];
/// No segment ends in the middle of a count.
const SEGMENT_BYTES: u64 = 16 << 20;

/// Ids that count up, so that each run has the same.
#[derive(Default)]
pub(crate) struct Counting(AtomicU64);

impl Randomness for Counting {
    fn id_bytes(&self) -> [u8; 16] {
        let mut bytes = [0xaa; 16];
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.iter_mut().zip(number).for_each(|(to, from)| *to = from);
        bytes
    }
}

/// A ledger that does everything on the thread of its caller, its journal in memory.
pub(crate) fn ledger(folder: &Path) -> JournaledLedger {
    let ground = Ground::folder(folder, SledOptions::default());
    let (disk, journal) = (Arc::new(SimDisk::new(1)), "journal".into());
    let ground = Ground { disk, journal, shelf: ground.shelf };
    let options = JournaledOptions {
        journal: Options {
            segment_bytes: SEGMENT_BYTES,
            reserve_bytes: SEGMENT_BYTES,
            ..Options::default()
        },
        sled: SledOptions::default(),
        signing_key: SigningKey::from_seed(&SEED),
        new_chain: ChainId([3; 16]),
        memory: MemoryBounds::default(),
    };
    JournaledLedger::open_by_hand(&ground, options, Arc::new(Counting::default())).expect("opens")
}

/// The change that a command makes of an account.
fn change(policy: &Policy, account: Option<&Account>, command: &Command) -> Change {
    let decision = decided(policy, account, command);
    let after = decision.applied(account).expect("it fits").expect("a key");
    let expected_version = account.map_or(0, |account| account.head.version);
    Change { expected_version, events: decision.events, account: Arc::new(after) }
}

/// The proofs of changes that must all be taken.
pub(crate) fn commit(ledger: &JournaledLedger, changes: Vec<Change>) -> Vec<Arc<[u8]>> {
    let committed = ledger.commit(changes).now_or_never().expect("by hand").expect("it answers");
    let proof = |committed: Committed| match committed {
        Committed::Committed { proofs, .. } => proofs,
        other => panic!("{other:?}"),
    };
    committed.into_iter().flat_map(proof).collect()
}

/// A batch of registrations, and batches of new computers on those keys.
pub(crate) fn batches(rounds: u32) -> Vec<Vec<Change>> {
    let policy = Policy::hw_v1(JunkDigests::new(&DeploymentSalt::new([3; 32])));
    let mut batches = vec![Vec::new()];
    let mut accounts = Vec::new();
    for number in 0..BATCH {
        let change = change(&policy, None, &register(number));
        accounts.push(Arc::clone(&change.account));
        batches.first_mut().expect("one").push(change);
    }
    for round in 0..rounds {
        let mut batch = Vec::new();
        for (account, number) in accounts.iter_mut().zip(round * BATCH..) {
            let command = activate(number, &computer(number, &[]));
            let change = change(&policy, Some(account), &command);
            *account = Arc::clone(&change.account);
            batch.push(change);
        }
        batches.push(batch);
    }
    batches
}

/// So many batches.
pub(crate) fn work(rounds: u32) -> Work {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = ledger(folder.path());
    let mut batches = batches(rounds + 1).into_iter();
    // The registrations, and one batch that no one counts.
    for batch in batches.by_ref().take(2) {
        commit(&ledger, batch);
    }
    let run = move || {
        // Held until the end, as the files of the books are.
        let _folder = &folder;
        for batch in batches.by_ref() {
            black_box(commit(&ledger, batch));
        }
    };
    Work { operations: u64::from(rounds * BATCH), run: Box::new(run) }
}
