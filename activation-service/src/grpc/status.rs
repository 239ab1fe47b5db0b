//! THE table: each refusal with its reason, code, whether a retry is worth it, and the next step.
//!
//! docs/errors-activation.md repeats it for callers; a test keeps the two alike. The words are in
//! `wording.rs`.

use std::time::Duration;

use chassis::status::{Fault, Language};
use tonic::{Code, Status};

use super::fields::FieldFaults;
use super::time::timestamp;
use super::wording;
use crate::app::{AppError, RegistrationFault};
use crate::domain::error::{Refusal, Shortage};
use crate::domain::matching::KindVerdict;

/// Domain of ErrorInfo.
pub(crate) const DOMAIN: &str = "benefits.activation.v1";

/// Why a call has no answer, as far as the wire cares.
#[derive(Clone, Debug)]
pub(super) enum WireError {
    /// The request cannot be read.
    Fields(FieldFaults),
    /// The source failed too often.
    RateLimited {
        /// How long it must wait.
        retry_delay: Duration,
    },
    /// The use case has no answer.
    App(AppError),
}

impl From<FieldFaults> for WireError {
    fn from(faults: FieldFaults) -> Self {
        Self::Fields(faults)
    }
}

impl From<AppError> for WireError {
    fn from(error: AppError) -> Self {
        Self::App(error)
    }
}

/// Where a link of a refusal leads (R11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    ManageBenefits,
    SupportIncident,
}

/// Whether the same request may succeed later without anyone changing anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    No,
    /// After about this delay, told as RetryInfo.
    AfterMs(u64),
    /// When the source has waited for its failures; the error knows how long that is.
    WhenAdmitted,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) reason: &'static str,
    pub(super) code: Code,
    pub(super) retry: Retry,
    pub(super) next: Next,
}

/// How the answer is worded for one caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speech<'a> {
    pub(super) language: Language,
    pub(super) help_base_uri: &'a str,
    /// Least points of evidence under the policy in force.
    pub(super) points_min: u32,
}

macro_rules! table {
    ($($case:ident: $reason:literal, $code:ident, $retry:expr, $next:ident;)+) => {
        /// A row by its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Case { $($case),+ }

        impl Case {
            /// Every row.
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$case),+];

            pub(super) const fn row(self) -> Row {
                match self {
                    $(Self::$case => Row {
                        reason: $reason,
                        code: Code::$code,
                        retry: $retry,
                        next: Next::$next,
                    }),+
                }
            }
        }
    };
}

table! {
    FieldInvalid: "FIELD_INVALID", InvalidArgument, Retry::No, SupportIncident;
    RequestIdReused: "REQUEST_ID_REUSED", InvalidArgument, Retry::No, SupportIncident;
    KeyNotUsable: "KEY_NOT_USABLE", NotFound, Retry::No, ManageBenefits;
    Suspended: "KEY_SUSPENDED", FailedPrecondition, Retry::No, ManageBenefits;
    PlatformNotAllowed: "PLATFORM_NOT_ALLOWED", FailedPrecondition, Retry::No, ManageBenefits;
    InsufficientEvidence: "INSUFFICIENT_EVIDENCE", FailedPrecondition, Retry::No, SupportIncident;
    ActivateByPassed: "ACTIVATE_BY_PASSED", FailedPrecondition, Retry::No, ManageBenefits;
    LimitReached: "ACTIVATION_LIMIT_REACHED", FailedPrecondition, Retry::No, ManageBenefits;
    ActivationNotFound: "ACTIVATION_NOT_FOUND", NotFound, Retry::No, ManageBenefits;
    ActivationReleased: "ACTIVATION_RELEASED", FailedPrecondition, Retry::No, ManageBenefits;
    ReleaseNotAllowed: "RELEASE_NOT_ALLOWED", FailedPrecondition, Retry::No, SupportIncident;
    ReleaseLimitReached: "RELEASE_LIMIT_REACHED", FailedPrecondition, Retry::No, SupportIncident;
    EvidenceNotMatching: "EVIDENCE_NOT_MATCHING", FailedPrecondition, Retry::No, ManageBenefits;
    KeyNotFound: "KEY_NOT_FOUND", NotFound, Retry::No, ManageBenefits;
    NoLedgerHead: "NO_LEDGER_HEAD", FailedPrecondition, Retry::No, SupportIncident;
    AlreadyRegistered: "KEY_ALREADY_REGISTERED", AlreadyExists, Retry::No, SupportIncident;
    FieldNotPermitted: "FIELD_NOT_PERMITTED", PermissionDenied, Retry::No, SupportIncident;
    RateLimited: "RATE_LIMITED", ResourceExhausted, Retry::WhenAdmitted, SupportIncident;
    Overloaded: "OVERLOADED", ResourceExhausted, Retry::AfterMs(200), SupportIncident;
    Contended: "KEY_BUSY", Aborted, Retry::AfterMs(100), SupportIncident;
    DiskFull: "DISK_FULL", Unavailable, Retry::AfterMs(2_000), SupportIncident;
    Unavailable: "LEDGER_UNAVAILABLE", Unavailable, Retry::AfterMs(1_000), SupportIncident;
}

impl Case {
    /// The row of an error.
    pub(super) const fn of(error: &WireError) -> Self {
        match error {
            WireError::Fields(_) => Self::FieldInvalid,
            WireError::RateLimited { .. } => Self::RateLimited,
            WireError::App(error) => match error {
                AppError::Refused { refusal, .. } => Self::of_refusal(refusal),
                AppError::AlreadyRegistered(_) => Self::AlreadyRegistered,
                AppError::FieldsNotPermitted(_) => Self::FieldNotPermitted,
                AppError::NoLedgerHead => Self::NoLedgerHead,
                AppError::PageTokenInvalid => Self::FieldInvalid,
                AppError::Overloaded => Self::Overloaded,
                AppError::Contended => Self::Contended,
                AppError::DiskFull => Self::DiskFull,
                AppError::Unavailable => Self::Unavailable,
            },
        }
    }

    const fn of_refusal(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::KeyNotUsable { .. } => Self::KeyNotUsable,
            Refusal::KeyNotFound => Self::KeyNotFound,
            Refusal::Suspended => Self::Suspended,
            Refusal::PlatformNotAllowed { .. } => Self::PlatformNotAllowed,
            Refusal::InsufficientEvidence(_) => Self::InsufficientEvidence,
            Refusal::ActivateByPassed { .. } => Self::ActivateByPassed,
            Refusal::LimitReached { .. } => Self::LimitReached,
            Refusal::RequestIdReused => Self::RequestIdReused,
            Refusal::ActivationNotFound => Self::ActivationNotFound,
            Refusal::ActivationReleased => Self::ActivationReleased,
            Refusal::ReleaseNotAllowed => Self::ReleaseNotAllowed,
            Refusal::ReleaseLimitReached { .. } => Self::ReleaseLimitReached,
            Refusal::EvidenceNotMatching => Self::EvidenceNotMatching,
            Refusal::AlreadyRegistered { .. } => Self::AlreadyRegistered,
        }
    }
}

/// The status of an error, worded for one caller.
pub(super) fn status(error: &WireError, speech: Speech<'_>) -> Status {
    let row = Case::of(error).row();
    let words = wording::of(error, speech.points_min);
    let mut fault = Fault::new(row.code, row.reason, words.message.clone())
        .localized(words.english, words.dutch);
    if row.code == Code::FailedPrecondition {
        fault = fault.precondition(row.reason, "activation", words.message);
    }
    if let Some(delay) = retry_delay(row.retry, error) {
        fault = fault.retry_after(delay);
    }
    let fault = detailed(fault, error, speech.points_min);
    let (label, url) = help(error, row.next, speech);
    fault.help(label, url).into_status(DOMAIN, speech.language)
}

fn retry_delay(retry: Retry, error: &WireError) -> Option<Duration> {
    match (retry, error) {
        (Retry::No, _) => None,
        (Retry::AfterMs(delay_ms), _) => Some(Duration::from_millis(delay_ms)),
        (Retry::WhenAdmitted, WireError::RateLimited { retry_delay }) => Some(*retry_delay),
        (Retry::WhenAdmitted, WireError::Fields(_) | WireError::App(_)) => None,
    }
}

fn help(error: &WireError, next: Next, speech: Speech<'_>) -> (&'static str, String) {
    if let WireError::App(AppError::Refused { help_uri: Some(uri), .. }) = error {
        return (wording::key_link(speech.language), uri.clone());
    }
    let path = match next {
        Next::ManageBenefits => "manage-benefits",
        Next::SupportIncident => "support-incidents",
    };
    (wording::link(next, speech.language), format!("{}/{path}", speech.help_base_uri))
}

/// What programs need beyond the reason.
fn detailed(fault: Fault, error: &WireError, points_min: u32) -> Fault {
    match error {
        WireError::Fields(FieldFaults(faults)) => faults.iter().fold(fault, |fault, bad| {
            fault.bad_field(bad.field.as_str(), bad.why.name(), bad.description.as_str())
        }),
        WireError::RateLimited { .. } => fault,
        WireError::App(error) => match error {
            AppError::Refused { refusal, .. } => of_refusal(fault, refusal, points_min),
            AppError::AlreadyRegistered(faults) => faults.iter().fold(fault, differing),
            AppError::FieldsNotPermitted(fields) => fields.iter().fold(fault, |fault, field| {
                fault.bad_field(
                    "update_mask",
                    "NOT_PERMITTED",
                    format!("this caller's role may not set `{field}`"),
                )
            }),
            AppError::PageTokenInvalid => {
                fault.bad_field("page_token", "MALFORMED", "the page token is of another list")
            }
            AppError::NoLedgerHead
            | AppError::Overloaded
            | AppError::Contended
            | AppError::DiskFull
            | AppError::Unavailable => fault,
        },
    }
}

fn of_refusal(fault: Fault, refusal: &Refusal, points_min: u32) -> Fault {
    match refusal {
        Refusal::PlatformNotAllowed { allowed } => {
            let names: Vec<_> = allowed.iter().map(|platform| platform.to_string()).collect();
            fault.metadata("platforms", names.join(","))
        }
        Refusal::InsufficientEvidence(shortage) => of_shortage(fault, shortage, points_min),
        Refusal::ActivateByPassed { activate_by_ms } => {
            fault.metadata("activate_by_time", timestamp(*activate_by_ms).to_string())
        }
        Refusal::LimitReached { used, limit } => fault
            .metadata("used", used.to_string())
            .metadata("limit", limit.to_string())
            .metadata("remaining", limit.saturating_sub(*used).to_string()),
        Refusal::ReleaseLimitReached { releases_max } => {
            fault.metadata("releases_max", releases_max.to_string())
        }
        // Nothing more may be told of these, or there is nothing more to tell.
        Refusal::KeyNotUsable { .. }
        | Refusal::KeyNotFound
        | Refusal::Suspended
        | Refusal::RequestIdReused
        | Refusal::ActivationNotFound
        | Refusal::ActivationReleased
        | Refusal::ReleaseNotAllowed
        | Refusal::EvidenceNotMatching
        | Refusal::AlreadyRegistered { .. } => fault,
    }
}

fn of_shortage(fault: Fault, shortage: &Shortage, points_min: u32) -> Fault {
    let of = |wanted: KindVerdict| {
        let kinds = shortage.kinds.iter().filter(|(_, verdict)| *verdict == wanted);
        kinds.map(|(kind, _)| kind.name()).collect::<Vec<_>>().join(",")
    };
    fault
        .metadata("points", shortage.points.to_string())
        .metadata("points_min", points_min.to_string())
        .metadata("has_anchor", shortage.has_anchor.to_string())
        .metadata("below_floor", shortage.below_floor.to_string())
        .metadata("absent", of(KindVerdict::Absent))
        .metadata("junk", of(KindVerdict::Junk))
}

fn differing(fault: Fault, registration: &RegistrationFault) -> Fault {
    let RegistrationFault { index, key_id, fields } = registration;
    fields.iter().fold(fault, |fault, field| {
        fault.bad_field(
            format!("keys[{index}].{field}"),
            "DIFFERS",
            format!("recorded otherwise, or under another id than {key_id}"),
        )
    })
}

#[cfg(test)]
mod tests;
