//! What can go wrong, and the exit code that tells a script which sort it was.

use std::path::PathBuf;

use hardware_evidence::EvidenceError;
use installer_client::{
    ActivateError, ConnectError, Failure, FailureKind, ProfileError, ReceiptFault, RecordedError,
    StateError, TermsError,
};
use product_key::ProductKeyError;
use receipt::{KeyError, ReceiptError};

/// Wrong usage or a local fault.
pub(crate) const EXIT_LOCAL: u8 = 1;
/// The service refused, or a receipt proves nothing.
pub(crate) const EXIT_REFUSED: u8 = 2;
/// The service cannot be reached, did not answer, or is broken.
pub(crate) const EXIT_UNAVAILABLE: u8 = 3;

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The command line does not make sense together.
    #[error("{0}")]
    Usage(String),
    /// The product key is no product key.
    #[error(transparent)]
    ProductKey(#[from] ProductKeyError),
    /// A file cannot be read.
    #[error("cannot read {path}: {error}")]
    File { path: PathBuf, error: std::io::Error },
    /// Nothing can be written to standard output.
    #[error("cannot write: {0}")]
    Output(std::io::Error),
    /// There is no way to the service.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A recorded profile is malformed.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// A file is no recorded computer, or none that can be compared.
    #[error("{path}: {fault}")]
    Recorded { path: PathBuf, fault: RecordedError },
    /// A profile is at odds with itself.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The state folder cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The operating system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The salt is not what this program can use.
    #[error("{0}")]
    Terms(String),
    /// The answer cannot be shown as JSON.
    #[error("cannot show the answer as JSON: {0}")]
    Json(String),
    /// What should be a public key is none.
    #[error(transparent)]
    TrustedKey(#[from] KeyError),
    /// A file cannot be written.
    #[error("cannot write {path}: {error}")]
    Keep { path: PathBuf, error: std::io::Error },
    /// A receipt or a head proves nothing, or not what it should.
    #[error("{message}")]
    Unproven {
        /// The stable name.
        reason: &'static str,
        message: String,
    },
    /// The service refused, or did not answer.
    #[error("{failure}")]
    Call {
        failure: Box<Failure>,
        /// What to do with what was left behind, if anything was.
        hint: Option<String>,
    },
}

impl CliError {
    /// The exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Call { failure, .. } => match failure.kind {
                FailureKind::Refused => EXIT_REFUSED,
                FailureKind::Unavailable | FailureKind::Broken => EXIT_UNAVAILABLE,
            },
            Self::Unproven { .. } => EXIT_REFUSED,
            Self::Usage(_)
            | Self::ProductKey(_)
            | Self::TrustedKey(_)
            | Self::File { .. }
            | Self::Keep { .. }
            | Self::Output(_)
            | Self::Connect(_)
            | Self::Profile(_)
            | Self::Recorded { .. }
            | Self::Evidence(_)
            | Self::State(_)
            | Self::Random(_)
            | Self::Terms(_)
            | Self::Json(_) => EXIT_LOCAL,
        }
    }

    /// Tells the person what to do with what a failed call left behind.
    pub(crate) fn hint(self, text: impl FnOnce(&Failure) -> Option<String>) -> Self {
        match self {
            Self::Call { failure, .. } => {
                let hint = text(&failure);
                Self::Call { failure, hint }
            }
            other => other,
        }
    }
}

impl From<Box<Failure>> for CliError {
    fn from(failure: Box<Failure>) -> Self {
        Self::Call { failure, hint: None }
    }
}

impl From<ReceiptError> for CliError {
    fn from(error: ReceiptError) -> Self {
        Self::Unproven { reason: error.name(), message: error.to_string() }
    }
}

impl From<ReceiptFault> for CliError {
    fn from(fault: ReceiptFault) -> Self {
        Self::Unproven { reason: fault.name(), message: fault.to_string() }
    }
}

impl From<TermsError> for CliError {
    fn from(error: TermsError) -> Self {
        match error {
            TermsError::Call(failure) => failure.into(),
            TermsError::Recipe { .. } | TermsError::Salt(_) => Self::Terms(error.to_string()),
        }
    }
}

impl From<ActivateError> for CliError {
    fn from(error: ActivateError) -> Self {
        match error {
            ActivateError::Terms(error) => error.into(),
            ActivateError::Evidence(error) => error.into(),
            ActivateError::Random(error) => error.into(),
            ActivateError::State(error) => error.into(),
            ActivateError::Call(failure) => failure.into(),
            ActivateError::Receipt(fault) => fault.into(),
        }
    }
}
