//! What an installer embeds to activate a computer, and benefitsctl for people.
//!
//! An installer makes a [`Connection`], an [`ActivationClient`] on it, a [`StateDir`], and hands
//! both with an [`Order`] to [`activate()`]. Raw serial numbers stay in the [`Profile`]; what
//! leaves the computer are the digests of [`Profile::evidence`].
//!
//! An installer that ships with the public keys it trusts names them in its [`Order`]; then an
//! answer is taken only with a receipt that proves it. The receipt stays in the state folder with
//! the answer.

mod activate;
mod audit;
mod client;
mod collect;
mod connect;
mod explain;
mod failure;
mod profile;
mod proof;
mod recorded;
mod retry;
mod state;
mod wire;

pub use activate::{ActivateError, Activated, Order, activate};
pub use audit::{AuditFinding, Audited, audit};
pub use client::{ActivationClient, TermsError};
pub use collect::{
    AppleError, AppleOutput, CimError, CimOutput, Collector, DmidecodeOutput, LinuxCollector,
    Placeholder,
};
pub use connect::{
    CallMetadata, CatalogStub, ConnectError, Connection, DevIdentity, MESSAGE_BYTES_MAX,
};
pub use explain::{Explained, OfflineVerdict, explain};
pub use failure::{BadField, Failure, FailureKind, HelpLink};
pub use profile::{Profile, ProfileError, RECORDED_DESKTOP};
pub use proof::{ReceiptFault, check_receipt};
pub use receipt::{TrustedKeys, Verified};
pub use recorded::{RecordedComputer, RecordedError};
pub use retry::{RetryPolicy, call};
pub use state::{PENDING_MAX, StateDir, StateError};
pub use wire::{REQUEST_ID_BYTES, evidence_message, request_id, this_platform};
