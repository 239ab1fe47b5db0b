//! A call that did not succeed, in the terms of the person or program that called.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tonic::{Code, Status, TimeoutExpired};
use tonic_types::StatusExt as _;

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The service decided against the request; it will decide so again.
    Refused,
    /// The service did not decide, or its answer was lost; the same request may be sent again.
    Unavailable,
    /// Something is broken; neither is promised.
    Broken,
}

/// A link to where to go next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpLink {
    /// What is there.
    pub description: String,
    /// Where it is.
    pub url: String,
}

/// A field of the request that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadField {
    /// Its path.
    pub field: String,
    /// What is wrong, in the caller's language where the service says it so.
    pub description: String,
}

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Whether trying again can help.
    pub kind: FailureKind,
    /// The gRPC code, of faults in transport the one that fits best.
    pub code: Code,
    /// The stable reason, such as `ACTIVATION_LIMIT_REACHED`; empty if the service gave none.
    pub reason: String,
    /// The service that gave the reason; empty if none did.
    pub domain: String,
    /// For people, in their language where the service has it.
    pub message: String,
    /// Where to go next.
    pub help: Vec<HelpLink>,
    /// All bad fields.
    pub bad_fields: Vec<BadField>,
    /// What must be otherwise before the request can succeed.
    pub preconditions: Vec<String>,
    /// How long to wait before trying again.
    pub retry_after: Option<Duration>,
    /// Further facts by name.
    pub facts: BTreeMap<String, String>,
}

impl Failure {
    /// Reads all details of a status.
    #[must_use]
    pub fn from_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let (code, transport) = code_of(status);
        let info = details.error_info();
        let message = details
            .localized_message()
            .map(|localized| localized.message.clone())
            .filter(|message| !message.is_empty())
            .unwrap_or_else(|| status.message().to_owned());
        let fields = details.bad_request().map(|bad| bad.field_violations.as_slice());
        let violations =
            details.precondition_failure().map(|failure| failure.violations.as_slice());
        let links = details.help().map(|help| help.links.as_slice());
        Self {
            kind: if transport { FailureKind::Unavailable } else { kind_of(code) },
            code,
            reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
            domain: info.map(|info| info.domain.clone()).unwrap_or_default(),
            message,
            help: links
                .unwrap_or_default()
                .iter()
                .map(|link| HelpLink {
                    description: link.description.clone(),
                    url: link.url.clone(),
                })
                .collect(),
            bad_fields: fields
                .unwrap_or_default()
                .iter()
                .map(|bad| BadField {
                    field: bad.field.clone(),
                    description: bad
                        .localized_message
                        .as_ref()
                        .map_or_else(|| bad.description.clone(), |text| text.message.clone()),
                })
                .collect(),
            preconditions: violations
                .unwrap_or_default()
                .iter()
                .map(|violation| format!("{}: {}", violation.subject, violation.description))
                .collect(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
            facts: info.map(|info| info.metadata.clone().into_iter().collect()).unwrap_or_default(),
        }
    }

    /// Whether the same request may be sent again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind == FailureKind::Unavailable
    }

    /// Whether `domain` decided the request itself, so that there is nothing to be asked again.
    /// Refusals of the caller come before the request is looked at and decide nothing about it.
    #[must_use]
    pub fn is_decision_of(&self, domain: &str) -> bool {
        let of_caller = matches!(self.code, Code::PermissionDenied | Code::Unauthenticated);
        self.kind == FailureKind::Refused && !of_caller && self.domain == domain
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = if self.reason.is_empty() { "no reason given" } else { &self.reason };
        write!(formatter, "{} ({reason})", self.message)
    }
}

impl std::error::Error for Failure {}

/// The code, and whether the failure arose on the way. Such a status has a source, which none that
/// a service sent has; and a service that is gone in the middle of a call shows as UNKNOWN, a
/// deadline of the client's own as CANCELLED.
fn code_of(status: &Status) -> (Code, bool) {
    let mut source = std::error::Error::source(status);
    if source.is_none() {
        return (status.code(), false);
    }
    while let Some(error) = source {
        if error.is::<TimeoutExpired>() {
            return (Code::DeadlineExceeded, true);
        }
        source = error.source();
    }
    (Code::Unavailable, true)
}

fn kind_of(code: Code) -> FailureKind {
    match code {
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::FailedPrecondition
        | Code::OutOfRange => FailureKind::Refused,
        Code::Unavailable | Code::ResourceExhausted | Code::Aborted | Code::DeadlineExceeded => {
            FailureKind::Unavailable
        }
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => FailureKind::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    #[test]
    fn all_details_are_read() {
        let mut details = ErrorDetails::new();
        details
            .set_error_info(
                "ACTIVATION_LIMIT_REACHED",
                "benefits.activation.v1",
                [("limit".to_owned(), "5".to_owned())],
            )
            .set_localized_message("nl", "Deze sleutel is 5 keer geactiveerd.")
            .add_help_link("Support", "https://example.com/support")
            .add_precondition_failure_violation("LIMIT", "productKeys/1", "5 of 5 are used")
            .set_retry_info(Some(Duration::from_millis(250)));
        details.add_bad_request_violation("request_id", "must have 16 bytes");
        let status = Status::with_error_details(Code::FailedPrecondition, "limit reached", details);
        let failure = Failure::from_status(&status);
        assert_eq!(failure.kind, FailureKind::Refused);
        assert_eq!(failure.reason, "ACTIVATION_LIMIT_REACHED");
        assert_eq!(failure.message, "Deze sleutel is 5 keer geactiveerd.");
        assert_eq!(failure.help.first().unwrap().url, "https://example.com/support");
        assert_eq!(failure.bad_fields.first().unwrap().field, "request_id");
        assert_eq!(failure.retry_after, Some(Duration::from_millis(250)));
        assert_eq!(failure.facts.get("limit").map(String::as_str), Some("5"));
        assert!(failure.is_decision_of("benefits.activation.v1"));
        assert!(!failure.is_decision_of("benefits.catalog.v1"));
    }

    #[test]
    fn only_four_codes_and_faults_on_the_way_are_tried_again() {
        let retried =
            [Code::Unavailable, Code::ResourceExhausted, Code::Aborted, Code::DeadlineExceeded];
        for number in 0..=16 {
            let code = Code::from_i32(number);
            let failure = Failure::from_status(&Status::new(code, "x"));
            assert_eq!(failure.is_retryable(), retried.contains(&code), "{code:?}");
        }
        let lost = Status::from_error(Box::new(std::io::Error::other("broken pipe")));
        assert_eq!(lost.code(), Code::Unknown);
        assert!(Failure::from_status(&lost).is_retryable());
    }

    #[test]
    fn a_refusal_of_the_caller_decides_nothing() {
        let mut details = ErrorDetails::new();
        details.set_error_info("ROLE_MISSING", "benefits.activation.v1", []);
        let status = Status::with_error_details(Code::PermissionDenied, "no role", details);
        assert!(!Failure::from_status(&status).is_decision_of("benefits.activation.v1"));
    }
}
