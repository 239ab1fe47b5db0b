//! The table is what the docs say, and every refusal leads on in both languages without a secret.

use std::collections::BTreeSet;

use hardware_evidence::ComponentKind;
use tonic_types::StatusExt as _;

use super::*;
use crate::domain::error::Reason;
use crate::domain::ids::KeyId;
use crate::domain::terms::{Platform, Platforms};
use crate::grpc::fields::{FieldFault, Why};

const DOC: &str = include_str!("../../../../docs/errors-activation.md");
const BASE: &str = "https://help.test";

fn speech(language: Language) -> Speech<'static> {
    Speech { language, help_base_uri: BASE, points_min: 30 }
}

fn refused(refusal: Refusal) -> WireError {
    WireError::App(AppError::Refused { refusal, help_uri: None })
}

/// At least one error of every row.
fn samples() -> Vec<WireError> {
    let shortage = |below_floor| Shortage {
        points: 12,
        has_anchor: false,
        kinds: vec![
            (ComponentKind::OsDisk, KindVerdict::Absent),
            (ComponentKind::Nic, KindVerdict::Absent),
            (ComponentKind::Cpu, KindVerdict::Junk),
        ],
        below_floor,
    };
    let bad = FieldFault {
        field: "product_key".to_owned(),
        why: Why::Malformed,
        description: "mistyped".to_owned(),
    };
    let differs =
        RegistrationFault { index: 3, key_id: KeyId([1; 16]), fields: vec!["limit", "owner"] };
    let mut samples = vec![
        WireError::Fields(FieldFaults(vec![bad])),
        WireError::RateLimited { retry_delay: Duration::from_secs(6) },
    ];
    let of_app = [
        AppError::AlreadyRegistered(vec![differs]),
        AppError::FieldsNotPermitted(vec!["limit"]),
        AppError::NoLedgerHead,
        AppError::PageTokenInvalid,
        AppError::Overloaded,
        AppError::Contended,
        AppError::DiskFull,
        AppError::Unavailable,
    ];
    samples.extend(of_app.into_iter().map(WireError::App));
    let refusals = [
        Refusal::KeyNotUsable { cause: None },
        Refusal::KeyNotFound,
        Refusal::Suspended,
        Refusal::PlatformNotAllowed { allowed: Platforms::ALL.with(Platform::Windows) },
        Refusal::InsufficientEvidence(shortage(false)),
        Refusal::InsufficientEvidence(shortage(true)),
        Refusal::ActivateByPassed { activate_by_ms: 0 },
        Refusal::LimitReached { used: 6, limit: 5 },
        Refusal::RequestIdReused,
        Refusal::ActivationNotFound,
        Refusal::ActivationReleased,
        Refusal::ReleaseNotAllowed,
        Refusal::ReleaseLimitReached { releases_max: 2 },
        Refusal::EvidenceNotMatching,
        Refusal::AlreadyRegistered { fields: vec!["limit"] },
    ];
    samples.extend(refusals.into_iter().map(refused));
    samples
}

#[test]
fn the_table_is_what_the_docs_say() {
    let documented: Vec<Vec<&str>> = DOC
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| reason"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).take(4).collect())
        .collect();
    let of_code: Vec<Vec<&str>> = Case::ALL
        .iter()
        .map(|case| {
            let row = case.row();
            let retry = if row.retry == Retry::No { "no" } else { "yes" };
            let next = match row.next {
                Next::ManageBenefits => "manage benefits",
                Next::SupportIncident => "support incident",
            };
            vec![row.reason, code_name(row.code), retry, next]
        })
        .collect();
    assert_eq!(documented, of_code);
}

#[test]
fn r11_every_refusal_has_a_reason_and_leads_on_in_both_languages() {
    let mut told = BTreeSet::new();
    for error in samples() {
        let row = Case::of(&error).row();
        told.insert(row.reason);
        let mut texts = Vec::new();
        for language in [Language::En, Language::Nl] {
            let status = status(&error, speech(language));
            assert_eq!(status.code(), row.code);
            let details = status.get_error_details();
            let info = details.error_info().expect("ErrorInfo");
            assert_eq!((info.reason.as_str(), info.domain.as_str()), (row.reason, DOMAIN));
            let link = &details.help().expect("Help").links[0];
            assert!(link.url.starts_with(BASE) && !link.description.is_empty());
            let text = details.localized_message().expect("LocalizedMessage");
            assert_eq!(text.locale, language.tag());
            texts.push(text.message.clone());
            assert_eq!(details.retry_info().is_some(), row.retry != Retry::No, "{}", row.reason);
            let precondition = details.precondition_failure().is_some();
            assert_eq!(precondition, row.code == Code::FailedPrecondition, "{}", row.reason);
        }
        assert_ne!(texts[0], texts[1], "{} is not translated", row.reason);
        assert!(texts.iter().all(|text| text.ends_with('.')), "{texts:?}");
    }
    let all: BTreeSet<_> = Case::ALL.iter().map(|case| case.row().reason).collect();
    assert_eq!(told, all);
    assert_eq!(all.len(), Case::ALL.len(), "a reason stands twice");
}

#[test]
fn codes_that_invite_a_retry_are_those_with_a_delay() {
    for case in Case::ALL {
        let row = case.row();
        let transient =
            matches!(row.code, Code::Unavailable | Code::ResourceExhausted | Code::Aborted);
        assert_eq!(row.retry != Retry::No, transient, "{}", row.reason);
    }
}

#[test]
fn an_unusable_key_is_refused_alike_whatever_the_cause() {
    for language in [Language::En, Language::Nl] {
        let of = |cause| status(&refused(Refusal::KeyNotUsable { cause }), speech(language));
        let unknown = of(None);
        for cause in [Reason::Blocked, Reason::OtherProduct] {
            let other = of(Some(cause));
            assert_eq!(other.message(), unknown.message());
            assert_eq!(other.details(), unknown.details());
        }
    }
}

#[test]
fn figures_are_told_to_programs() {
    let info = |error: &WireError| {
        let status = status(error, speech(Language::En));
        status.get_error_details().error_info().expect("ErrorInfo").metadata.clone()
    };
    let limit = info(&refused(Refusal::LimitReached { used: 6, limit: 5 }));
    assert_eq!((&*limit["used"], &*limit["limit"], &*limit["remaining"]), ("6", "5", "0"));
    let short = samples().into_iter().find(|e| Case::of(e) == Case::InsufficientEvidence);
    let short = info(&short.expect("a sample"));
    assert_eq!((&*short["absent"], &*short["junk"]), ("OS_DISK,NIC", "CPU"));
    assert_eq!((&*short["points"], &*short["points_min"]), ("12", "30"));
    let platform = Refusal::PlatformNotAllowed { allowed: Platforms::ALL.with(Platform::Linux) };
    assert_eq!(info(&refused(platform))["platforms"], "LINUX");
}

#[test]
fn the_link_of_the_key_comes_before_ours() {
    let help_uri = Some("https://benefits.test/keys".to_owned());
    let refusal = Refusal::LimitReached { used: 5, limit: 5 };
    let error = WireError::App(AppError::Refused { refusal, help_uri });
    let status = status(&error, speech(Language::Nl));
    let details = status.get_error_details();
    let link = &details.help().expect("Help").links[0];
    assert_eq!(link.url, "https://benefits.test/keys");
    assert_eq!(link.description, "Over deze productcode");
}

fn code_name(code: Code) -> &'static str {
    match code {
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::NotFound => "NOT_FOUND",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::Aborted => "ABORTED",
        Code::Unavailable => "UNAVAILABLE",
        _ => "ANOTHER",
    }
}
