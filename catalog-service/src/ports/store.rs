//! What the store promises: memberships, product keys, and the outbox.

use async_trait::async_trait;
use thiserror::Error;

use crate::domain::enrolment::Enrolment;
use crate::domain::id::PartnerId;
use crate::domain::key::{AssignedKey, KeyTerms, Reveal, StuckReason, Suspension};
use crate::domain::name::{BenefitName, EnrolmentName, Handle};

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// The store cannot be reached or written; nothing of the request was kept, or it is unknown
    /// whether it was.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// A row is not what this program writes.
    #[error("the store holds a row that cannot be read: {0}")]
    Corrupt(String),
}

/// A partner as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerRow {
    /// Its id.
    pub id: PartnerId,
    /// Its display name.
    pub display_name: String,
}

/// An enrolment as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentRow {
    /// The partner.
    pub partner: PartnerId,
    /// The enrolment.
    pub enrolment: Enrolment,
    /// Whether its keys were last told to be suspended.
    pub keys_suspended: bool,
    /// When time alone changes its state next.
    pub next_change_ms: Option<i64>,
    /// Counts the writes of this row, from 1; 0 means that it does not exist yet.
    pub revision: u64,
}

/// Whether a write that expected a revision took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// It did, durably.
    Stored,
    /// The row has another revision: read it again and decide again.
    Stale,
}

/// A state of the store. Where two marks are equal, nothing was committed between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Which watch over the store saw it; what one watch saw says nothing to another.
    pub watch: u64,
    /// What it saw.
    pub version: i64,
}

/// Tells whether anything was written, by this process or by another, so that what was read before
/// can be told from what is there.
#[async_trait]
pub trait Changes: Send + Sync {
    /// The mark of the store. It is taken after the call is made: whatever was committed before,
    /// the mark is another one than any that was given before that commit.
    async fn mark(&self) -> Result<Mark, StoreError>;
}

/// Partners and their enrolments. All writes are durable on return.
#[async_trait]
pub trait Memberships: Send + Sync {
    /// A partner.
    async fn partner(&self, id: &PartnerId) -> Result<Option<PartnerRow>, StoreError>;

    /// Creates a partner or changes its display name.
    async fn put_partner(&self, partner: &PartnerRow, now_ms: i64) -> Result<(), StoreError>;

    /// The enrolments of a partner by id.
    async fn enrolments(&self, partner: &PartnerId) -> Result<Vec<EnrolmentRow>, StoreError>;

    /// One enrolment.
    async fn enrolment(&self, name: &EnrolmentName) -> Result<Option<EnrolmentRow>, StoreError>;

    /// Writes the row if the stored one still has `row.revision`, and in the same transaction gives
    /// every key of the enrolment whose wanted suspension differs from `row.keys_suspended` the
    /// next generation with the new one.
    async fn put_enrolment(
        &self,
        row: &EnrolmentRow,
        now_ms: i64,
    ) -> Result<PutOutcome, StoreError>;

    /// At most `limit` enrolments whose next change is at or before `now_ms`, or whose keys are
    /// suspended though they are not over (the clock was ahead for a while); the longest due first.
    async fn due_enrolments(
        &self,
        now_ms: i64,
        limit: u32,
    ) -> Result<Vec<EnrolmentRow>, StoreError>;

    /// The earliest next change of all enrolments.
    async fn next_change_ms(&self) -> Result<Option<i64>, StoreError>;
}

/// A key as it lies in the store: encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// Which encryption key opens it.
    pub encryption_key_id: String,
    /// The nonce, random, used once.
    pub nonce: Vec<u8>,
    /// Ciphertext and tag.
    pub ciphertext: Vec<u8>,
}

impl std::fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedKey(under {})", self.encryption_key_id)
    }
}

/// A key to record.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its new handle.
    pub key_id: Handle,
    /// The benefit it is for.
    pub benefit: BenefitName,
    /// The key, encrypted.
    pub sealed: SealedKey,
    /// The keyed digest by which the same key is recognised.
    pub digest: [u8; 32],
    /// Whether the key was issued for this request instead of given in it.
    pub issued: bool,
    /// The terms to register it with.
    pub terms: KeyTerms,
    /// False for products that are not activated: such a key is never registered (R5).
    pub to_register: bool,
}

/// What became of one key to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordOutcome {
    /// It is recorded and, if it is to be registered, in the outbox.
    Recorded(AssignedKey),
    /// The benefit has this very key already (or, for an issued one, has an issued one already).
    AlreadyThere(AssignedKey),
    /// The benefit has another key or other terms, or the key belongs to another benefit.
    Taken,
}

/// Product keys and their reveals. All writes are durable on return.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The keys of all benefits of a partner.
    async fn keys_of(&self, partner: &PartnerId) -> Result<Vec<AssignedKey>, StoreError>;

    /// The key of a benefit with its ciphertext.
    async fn key_for(
        &self,
        benefit: &BenefitName,
    ) -> Result<Option<(AssignedKey, SealedKey)>, StoreError>;

    /// Records the keys and their outbox rows in one transaction, or none of them if one is `Taken`
    /// or `commit` is false. A key that is stuck and was never registered gives way to another one
    /// of the same benefit; importing the same one again has it tried again. Suspension is that of
    /// the enrolment in the same transaction.
    async fn record_keys(
        &self,
        keys: &[NewKey],
        now_ms: i64,
        commit: bool,
    ) -> Result<Vec<RecordOutcome>, StoreError>;

    /// Records a reveal. Exactly one reveal of a key is its first, however many come at once. None
    /// if the key is no longer there.
    async fn record_reveal(&self, reveal: &NewReveal) -> Result<Option<AssignedKey>, StoreError>;

    /// At most `limit` reveals of a partner, newest first, after the one that `after` names.
    async fn reveals(
        &self,
        partner: &PartnerId,
        after: Option<&RevealCursor>,
        limit: u32,
    ) -> Result<Vec<Reveal>, StoreError>;

    /// Every id of an encryption key that some stored key needs.
    async fn encryption_key_ids(&self) -> Result<Vec<String>, StoreError>;
}

/// A reveal to record.
#[derive(Debug, Clone)]
pub struct NewReveal {
    /// Its new handle.
    pub id: Handle,
    /// The key.
    pub key_id: Handle,
    /// The benefit.
    pub benefit: BenefitName,
    /// Who.
    pub subject: String,
    /// When.
    pub at_ms: i64,
}

/// A place in the list of reveals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevealCursor {
    /// When the last reveal of the page was.
    pub at_ms: i64,
    /// Its handle.
    pub id: Handle,
}

/// What the activation service should know of a key and does not yet.
#[derive(Debug, Clone)]
pub struct Undelivered {
    /// The key.
    pub key_id: Handle,
    /// The benefit; its partner is the owner.
    pub benefit: BenefitName,
    /// The key, encrypted.
    pub sealed: SealedKey,
    /// The terms to register it with.
    pub terms: KeyTerms,
    /// What it should know.
    pub wanted: Suspension,
    /// Whether the key is registered, so that only the suspension is to be told.
    pub registered: bool,
    /// Attempts since it was last known.
    pub attempts: u32,
}

/// How the outbox stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxStats {
    /// Rows to deliver.
    pub pending: u64,
    /// Rows that need help.
    pub stuck: u64,
    /// Since when the oldest of both waits.
    pub oldest_unsent_ms: Option<i64>,
    /// When the next row is due.
    pub next_attempt_ms: Option<i64>,
}

/// One row a key with the latest state that the activation service should know.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// At most `limit` rows to deliver whose next attempt is due, the longest waiting first. An
    /// attempt beyond the horizon was postponed by a clock that was ahead, and is due as well.
    async fn due(
        &self,
        now_ms: i64,
        horizon_ms: i64,
        limit: u32,
    ) -> Result<Vec<Undelivered>, StoreError>;

    /// The activation service knows this of the key. A row that wants more by now stays due.
    async fn known(&self, key_id: &Handle, known: Suspension) -> Result<(), StoreError>;

    /// The attempts failed; each key is due again at its time.
    async fn postpone(&self, retries: &[(Handle, i64)]) -> Result<(), StoreError>;

    /// No attempt can succeed; the row waits for help and raises the alarm.
    async fn stuck(&self, key_id: &Handle, reason: StuckReason) -> Result<(), StoreError>;

    /// The activation service does not know the key (any more): register it again.
    async fn forget(&self, key_id: &Handle, now_ms: i64) -> Result<(), StoreError>;

    /// The activation service is ahead: what is wanted gets a generation above `generation`.
    async fn overtake(
        &self,
        key_id: &Handle,
        generation: u64,
        now_ms: i64,
    ) -> Result<(), StoreError>;

    /// How it stands.
    async fn stats(&self) -> Result<OutboxStats, StoreError>;
}
