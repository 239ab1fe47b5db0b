//! All that this service needs from outside, as contracts; engines and adapters keep them.

mod store;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use product_key::ProductKey;
use thiserror::Error;

use crate::domain::content::Content;
use crate::domain::id::{PartnerId, ProductId};
use crate::domain::key::{KeyCounts, KeyTerms, StuckReason, Suspension};
use crate::domain::name::{BenefitName, Handle};

pub use store::{
    Changes, EnrolmentRow, Keys, Mark, Memberships, NewKey, NewReveal, Outbox, OutboxStats,
    PartnerRow, PutOutcome, RecordOutcome, RevealCursor, SealedKey, StoreError, Undelivered,
};

/// The time, as data.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970 UTC.
    fn now_ms(&self) -> i64;
}

/// Random bytes that nobody can guess.
pub trait Random: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError>;
}

/// The operating system gave no random bytes.
#[derive(Debug, Error)]
#[error("no random bytes: {0}")]
pub struct RandomError(pub String);

/// A content and its number.
#[derive(Debug, Clone)]
pub struct Published {
    /// Counts the contents served since the start, from 1.
    pub generation: u64,
    /// The content.
    pub content: Arc<Content>,
}

/// A fault of the content folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentFault {
    /// The file, relative to the content folder.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ContentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.message)
    }
}

/// Where the content comes from.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// The content that is served now; a caller keeps it for the length of one request.
    fn current(&self) -> Published;

    /// Reads the content again and, unless it only validates, serves it from now on. Content with a
    /// fault changes nothing, and all its faults are returned.
    async fn reload(&self, validate_only: bool) -> Result<Published, Vec<ContentFault>>;
}

/// Why a key could not be encrypted or decrypted. No variant holds any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VaultError {
    /// The encryption key is not in the key ring.
    #[error("the encryption key of a stored product key is not in the key ring")]
    KeyMissing,
    /// Ciphertext, owner, product or key id are not those that were sealed together.
    #[error("a stored product key does not belong to its row, or was changed")]
    Tampered,
    /// No randomness, or an input of impossible size.
    #[error("a product key could not be encrypted")]
    Seal,
}

/// Encrypts product keys and recognises equal ones.
pub trait Vault: Send + Sync {
    /// Encrypts a key so that it opens only with the same benefit and id.
    fn seal(
        &self,
        benefit: &BenefitName,
        key_id: &Handle,
        key: &ProductKey,
    ) -> Result<SealedKey, VaultError>;

    /// Decrypts a key.
    fn open(
        &self,
        benefit: &BenefitName,
        key_id: &Handle,
        sealed: &SealedKey,
    ) -> Result<ProductKey, VaultError>;

    /// A keyed digest: equal for equal keys, and of no use without the secret.
    fn digest(&self, key: &ProductKey) -> [u8; 32];
}

/// A key to register.
#[derive(Debug)]
pub struct Registration {
    /// Its handle.
    pub key_id: Handle,
    /// The key.
    pub product_key: ProductKey,
    /// The owner.
    pub owner: PartnerId,
    /// The product.
    pub product: ProductId,
    /// The terms.
    pub terms: KeyTerms,
    /// The suspension at registration.
    pub suspension: Suspension,
}

/// What the activation service says of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It knows the key with this suspension.
    Known(Suspension),
    /// It can never know the key so.
    Stuck(StuckReason),
    /// It does not know the key.
    Unknown,
    /// It did not answer, or not now.
    Unavailable,
}

/// The counts of keys at one moment; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReading {
    /// Counts of the keys that it knows; perhaps of more than were asked for.
    pub counts: Arc<HashMap<Handle, KeyCounts>>,
    /// When they were read.
    pub as_of_ms: i64,
}

/// The activation service did not answer in time, or not with what was asked.
#[derive(Debug, Clone, Error)]
#[error("the activation service did not answer: {0}")]
pub struct LedgerError(pub String);

/// The activation service. All calls can be repeated.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Registers keys; one verdict a key, in their order.
    async fn register(&self, keys: Vec<Registration>) -> Vec<Verdict>;

    /// Tells the suspension of registered keys; one verdict a key, in their order.
    async fn suspend(&self, keys: &[(Handle, Suspension)]) -> Vec<Verdict>;

    /// The counts of keys, within the given time. They are read after the call is made, so they
    /// contain every activation that was acknowledged before it.
    async fn usage(
        &self,
        keys: Arc<[Handle]>,
        within: Duration,
    ) -> Result<UsageReading, LedgerError>;
}
