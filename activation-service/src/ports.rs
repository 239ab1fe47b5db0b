//! All that this service needs from outside, on one page.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::domain::account::{Account, Head};
use crate::domain::event::Event;
use crate::domain::ids::{ActivationId, KeyId, RequestId};
use crate::domain::product_key::LookupDigest;

/// What a key is asked for by.
#[derive(Clone, Debug)]
pub enum KeyRef {
    /// Its id.
    Id(KeyId),
    /// Digests of the key itself under the active peppers.
    Lookup(Vec<LookupDigest>),
}

/// An account at one moment; it contains every event that was acknowledged before it was asked for.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The account.
    pub account: Arc<Account>,
    /// The event that recorded the request id asked about.
    pub recorded: Option<Arc<Event>>,
    /// The position in the ledger.
    pub as_of_sequence: u64,
}

/// The next events of one key.
#[derive(Clone, Debug)]
pub struct Change {
    /// The account version that they were decided on; 0 for a new key.
    pub expected_version: u64,
    /// The events, at least one, all of one key.
    pub events: Vec<Event>,
    /// The account after them.
    pub account: Arc<Account>,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Durable.
    Committed {
        /// The writer's chain; zeros in engines without one.
        chain_id: [u8; 16],
        /// Position of the last event.
        sequence: u64,
        /// Version of the account after it.
        account_version: u64,
        /// For each event the proof that it is in the chain; none from engines that give none.
        proofs: Vec<Arc<[u8]>>,
    },
    /// The account has another version, or a look-up digest belongs to another key: decide again.
    Conflict,
    /// It may or may not be durable; only the request id tells, later.
    Unknown,
    /// There is too little space to record it; nothing is recorded, and what is recorded is still
    /// given.
    DiskFull,
    /// The engine is behind and takes nothing new for a moment; nothing is recorded.
    Overloaded,
}

/// A recorded event and its position.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Position in the ledger.
    pub sequence: u64,
    /// The event.
    pub event: Arc<Event>,
}

/// A part of the history of a key.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Newest first.
    pub descending: bool,
    /// Only events after this version in that order; none for the start.
    pub after: Option<u64>,
    /// Most events to give.
    pub most: usize,
}

/// The engine cannot answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LedgerError {
    /// Not open, stopped after a fault, or closing; another attempt may find it open.
    #[error("the ledger is not available: {0}")]
    Unavailable(String),
    /// Too much is asked for at once; nothing is recorded, and a later attempt may be taken.
    #[error("the ledger is asked for too much at once")]
    Overloaded,
    /// What is stored contradicts itself.
    #[error("the ledger is damaged: {0}")]
    Corrupt(String),
}

/// The ledger of key and hardware counts.
///
/// Contract of every engine: a change is atomic (account, events, request ids and look-up digest
/// together); it is durable when `Committed` is given; `Conflict` leaves nothing behind; events of
/// one key have versions without a gap; a request id is found as long as its event lives; no call
/// gives data that is not durable. What an engine has in memory it gives at the first poll; the
/// writer counts on that for its speed, not for what it decides.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The account of a key, and the event that recorded `request` if there is one.
    async fn load(
        &self,
        key: KeyRef,
        request: Option<RequestId>,
    ) -> Result<Option<Loaded>, LedgerError>;

    /// The event of a key that recorded a request. Who knows that no event up to version `after`
    /// did says so, and waits for nothing if all later ones are in memory.
    async fn recorded(
        &self,
        key: KeyId,
        request: RequestId,
        after: u64,
    ) -> Result<Option<Arc<Event>>, LedgerError>;

    /// The heads of many keys at one point of the ledger, in the order asked, and that point.
    async fn heads(&self, keys: Vec<KeyId>) -> Result<(Vec<Option<Head>>, u64), LedgerError>;

    /// Commits changes of different keys, each atomically; the answers are in the order given. It
    /// may block the thread that polls it until they are durable.
    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, LedgerError>;

    /// A part of the history of a key, and the point of the ledger it was read at.
    async fn events(&self, key: KeyId, span: Span) -> Result<(Vec<Recorded>, u64), LedgerError>;

    /// Notes that a computer was seen; approximate, may be lost.
    async fn note_seen(&self, key: KeyId, activation: ActivationId, time_ms: i64);

    /// When computers of a key were last noted, in the order asked.
    async fn last_seen(
        &self,
        key: KeyId,
        activations: Vec<ActivationId>,
    ) -> Result<Vec<Option<i64>>, LedgerError>;

    /// Succeeds while the engine can answer.
    async fn ready(&self) -> Result<(), LedgerError>;
}

/// Proofs of what is recorded, from engines whose events are in a signed chain.
#[async_trait]
pub trait Proofs: Send + Sync {
    /// The receipt of an event of a key, the same bytes each time; none if there is no such event.
    async fn receipt(&self, key: KeyId, version: u64) -> Result<Option<Arc<[u8]>>, LedgerError>;

    /// The newest durable head in bytes; none before the first event.
    async fn head(&self) -> Result<Option<Arc<[u8]>>, LedgerError>;
}

/// The wall clock.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970 UTC; it may jump either way.
    fn now_ms(&self) -> i64;
}

/// Random bytes that nobody can guess.
pub trait Randomness: Send + Sync {
    /// Sixteen of them.
    fn id_bytes(&self) -> [u8; 16];
}

/// Watches how product keys are looked up by callers who show little else than a key.
///
/// Contract: only failures use up what a source has; a key is never locked out, whoever asks for
/// it; the memory for sources and keys is bounded.
pub trait LookupGuard: Send + Sync {
    /// Lets a look-up through, or says how long the source must wait after its failures.
    fn admit(&self, source: IpAddr) -> Result<(), Duration>;

    /// Charges the source for a look-up that found no usable key.
    fn failed(&self, source: IpAddr);

    /// Notes that a key was used; a key that is used suspiciously often raises an alarm.
    fn used(&self, key: KeyId);
}
