//! Use cases, one file an RPC: what each call does, in terms of the domain and the ports only.

mod activate;
mod batch_get_key_usage;
mod batch_register_keys;
mod committer;
mod get_activation_terms;
mod get_key;
mod get_ledger_head;
mod list_activations;
mod list_key_events;
mod preview_activation;
mod release_activation;
mod sightings;
mod update_key;

use std::sync::Arc;

use hardware_evidence::DeploymentSalt;
use thiserror::Error;

pub use activate::{Activated, Activation};
pub use batch_get_key_usage::{KeyUsage, KeyUsages};
pub use batch_register_keys::Registration;
pub use get_activation_terms::ActivationTerms;
pub use get_key::KeyAsOf;
pub use list_activations::{ActivationsPage, ComputerRow};
pub use list_key_events::EventsPage;
pub use preview_activation::Preview;
pub use release_activation::{GivenUp, ReleaseRequest};
pub use update_key::KeyUpdate;

use crate::domain::account::Head;
use crate::domain::error::Refusal;
use crate::domain::event::KEY_HOLDER;
use crate::domain::ids::KeyId;
use crate::domain::policy::Policy;
use crate::domain::product_key::Peppers;
use crate::ports::{Clock, KeyRef, Ledger, LedgerError, Loaded, Proofs, Randomness};
use committer::Committer;
use sightings::Sightings;

/// Who calls, as far as this service cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A caller with a product key alone.
    KeyHolder,
    /// An admin of one owner.
    Owner {
        /// Who.
        subject: String,
        /// The owner.
        owner: String,
    },
    /// The catalog service.
    Catalog {
        /// Its certificate's name.
        subject: String,
    },
    /// An operator who looks.
    OpsRead {
        /// Who.
        subject: String,
    },
    /// An operator who changes things.
    OpsAdmin {
        /// Who.
        subject: String,
    },
}

impl Caller {
    /// How the history names the caller.
    #[must_use]
    pub fn actor(&self) -> &str {
        match self {
            Self::KeyHolder => KEY_HOLDER,
            Self::Owner { subject, .. }
            | Self::Catalog { subject }
            | Self::OpsRead { subject }
            | Self::OpsAdmin { subject } => subject,
        }
    }

    /// True if the caller may see this key.
    #[must_use]
    pub fn may_see(&self, head: &Head) -> bool {
        match self {
            Self::KeyHolder => false,
            Self::Owner { owner, .. } => *owner == head.terms.owner,
            Self::Catalog { .. } | Self::OpsRead { .. } | Self::OpsAdmin { .. } => true,
        }
    }
}

/// Why a use case has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppError {
    /// The domain says no.
    #[error("{refusal}")]
    Refused {
        /// Why.
        refusal: Refusal,
        /// Where the reader goes next, if the key has such a link.
        help_uri: Option<String>,
    },
    /// Some keys of a batch are recorded otherwise; the others are registered.
    #[error("{} keys are registered otherwise", .0.len())]
    AlreadyRegistered(Vec<RegistrationFault>),
    /// The caller's role may not set these fields.
    #[error("fields {0:?} may not be set by this caller")]
    FieldsNotPermitted(Vec<&'static str>),
    /// Nothing is recorded yet, or the engine has no signed chain.
    #[error("the ledger has no signed head")]
    NoLedgerHead,
    /// A page token points at nothing.
    #[error("the page token is of another list")]
    PageTokenInvalid,
    /// More is under way than can be decided or kept for a moment.
    #[error("too many activations are under way")]
    Overloaded,
    /// Others changed the key at each attempt.
    #[error("the key is too busy")]
    Contended,
    /// There is too little space to record anything.
    #[error("too little space is left to record anything")]
    DiskFull,
    /// The ledger is not available, or it is not known whether it recorded.
    #[error("the ledger is not available")]
    Unavailable,
}

/// A key of a batch that is recorded otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationFault {
    /// Its place in the request.
    pub index: usize,
    /// Its id.
    pub key_id: KeyId,
    /// The fields that differ.
    pub fields: Vec<&'static str>,
}

impl AppError {
    fn refused(refusal: Refusal, head: Option<&Head>) -> Self {
        // A caller who cannot use the key must not learn where its owner would go.
        let told = !matches!(refusal, Refusal::KeyNotUsable { .. } | Refusal::KeyNotFound);
        let help = head.map(|head| head.terms.help_uri.clone()).filter(|uri| !uri.is_empty());
        Self::Refused { refusal, help_uri: help.filter(|_| told) }
    }
}

impl From<LedgerError> for AppError {
    fn from(error: LedgerError) -> Self {
        if error == LedgerError::Overloaded {
            return Self::Overloaded;
        }
        tracing::error!(%error, "the ledger gave no answer");
        Self::Unavailable
    }
}

/// Where proofs of answers come from, and the keys they are signed with.
#[derive(Clone, Default)]
pub struct ProofTerms {
    /// Gives the proofs; none with an engine whose events are in no signed chain.
    pub proofs: Option<Arc<dyn Proofs>>,
    /// The public keys as text, to be displayed: an installer pins its own.
    pub receipt_keys: Vec<String>,
}

/// What the use cases work with.
pub struct App {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    policy: Arc<Policy>,
    peppers: Peppers,
    salt: DeploymentSalt,
    committer: Committer,
    sightings: Sightings,
    proof: ProofTerms,
}

/// The background work of an [`App`]; it ends when the app is dropped and everything queued is
/// settled.
pub struct Background {
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Background {
    /// Waits until all queued work is done.
    pub async fn finish(self) {
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a background task panicked");
            }
        }
    }
}

impl App {
    /// Starts the background work; must be called inside a runtime.
    #[must_use]
    pub fn start(
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
        policy: Policy,
        peppers: Peppers,
        salt: DeploymentSalt,
        proof: ProofTerms,
    ) -> (Self, Background) {
        let policy = Arc::new(policy);
        let (committer, committing) = Committer::start(Arc::clone(&ledger), Arc::clone(&policy));
        let (sightings, noting) = Sightings::start(Arc::clone(&ledger));
        let app =
            Self { ledger, clock, randomness, policy, peppers, salt, committer, sightings, proof };
        (app, Background { tasks: vec![committing, noting] })
    }

    /// Succeeds while calls can be answered.
    pub async fn ready(&self) -> Result<(), LedgerError> {
        if !self.committer.is_alive() {
            return Err(LedgerError::Unavailable("the writer is gone".to_owned()));
        }
        self.ledger.ready().await
    }

    /// The proof of a durable event, looked up unless it is at hand; none with an engine that gives
    /// none.
    async fn receipt(
        &self,
        key: KeyId,
        version: u64,
        at_hand: Option<Arc<[u8]>>,
    ) -> Result<Option<Arc<[u8]>>, AppError> {
        let Some(proofs) = self.proof.proofs.as_ref().filter(|_| at_hand.is_none()) else {
            return Ok(at_hand);
        };
        let receipt = proofs.receipt(key, version).await?;
        // An answer without its proof would be taken for one of an engine that gives none.
        let missing = || LedgerError::Corrupt(format!("event {version} of {key} has no receipt"));
        Ok(Some(receipt.ok_or_else(missing)?))
    }

    /// The key with this id, if the caller may see it.
    async fn visible(&self, caller: &Caller, key_id: KeyId) -> Result<Loaded, AppError> {
        let loaded = self.ledger.load(KeyRef::Id(key_id), None).await?;
        loaded
            .filter(|loaded| caller.may_see(&loaded.account.head))
            .ok_or_else(|| AppError::refused(Refusal::KeyNotFound, None))
    }
}
