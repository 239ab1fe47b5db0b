//! The one table reason → code → worth retrying → next step; docs/errors-catalog.md says the same
//! to callers.

use std::time::Duration;

use chassis::status::{Fault, Language};
use tonic::{Code, Status};

use super::call::Links;
use crate::app::AppError;
use crate::domain::error::{BadField, Refusal};
use crate::ports::{StoreError, VaultError};

/// The domain of every ErrorInfo of this service.
pub const DOMAIN: &str = "benefits.catalog.v1";

/// When to ask again for a key that is being provisioned.
const PROVISIONING_RETRY: Duration = Duration::from_secs(5);
/// When to ask again after a fault that passes.
const FAULT_RETRY: Duration = Duration::from_secs(2);
/// When to ask again after others changed the same row.
const CONTENTION_RETRY: Duration = Duration::from_millis(200);

/// Where the reader goes next (R11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// To the page that manages benefits and offers.
    ManageBenefits,
    /// To a technical-support incident.
    Support,
}

/// A row of the table.
struct Row {
    code: Code,
    reason: &'static str,
    retry: Option<Duration>,
    next: Next,
    english: &'static str,
    dutch: &'static str,
}

const fn row(
    reason: &'static str,
    code: Code,
    next: Next,
    english: &'static str,
    dutch: &'static str,
) -> Row {
    Row { code, reason, retry: None, next, english, dutch }
}

const fn retried(row: Row, after: Duration) -> Row {
    Row { retry: Some(after), ..row }
}

const FIELD_INVALID: Row = row(
    "FIELD_INVALID",
    Code::InvalidArgument,
    Next::Support,
    "The request has fields that cannot be used; each of them is named.",
    "Het verzoek bevat velden die niet bruikbaar zijn; ze zijn elk genoemd.",
);
const NOT_ASSOCIATED: Row = row(
    "NOT_ASSOCIATED",
    Code::PermissionDenied,
    Next::ManageBenefits,
    "Your account is not associated with this partner. Ask the partner's global admin to add it.",
    "Uw account is niet gekoppeld aan deze partner. Vraag de globale beheerder van de partner om \
     dit te doen.",
);
const BENEFIT_NOT_FOUND: Row = row(
    "BENEFIT_NOT_FOUND",
    Code::NotFound,
    Next::ManageBenefits,
    "The partner has no such benefit, or its enrolment is not active. See which benefits and \
     offers there are.",
    "De partner heeft dit voordeel niet, of de inschrijving is niet actief. Bekijk welke \
     voordelen en aanbiedingen er zijn.",
);
const PRODUCT_NOT_FOUND: Row = row(
    "PRODUCT_NOT_FOUND",
    Code::NotFound,
    Next::ManageBenefits,
    "The catalog has no such product.",
    "De catalogus kent dit product niet.",
);
const PARTNER_NOT_FOUND: Row = row(
    "PARTNER_NOT_FOUND",
    Code::NotFound,
    Next::Support,
    "There is no such partner. Create it with UpsertPartner first.",
    "Deze partner bestaat niet. Maak de partner eerst aan met UpsertPartner.",
);
const OFFER_NOT_FOUND: Row = row(
    "OFFER_NOT_FOUND",
    Code::NotFound,
    Next::Support,
    "The catalog has no such offer. ListOffers names those it has.",
    "De catalogus kent deze aanbieding niet. ListOffers noemt de aanbiedingen die er zijn.",
);
const NOT_DOWNLOADABLE: Row = row(
    "NOT_DOWNLOADABLE",
    Code::FailedPrecondition,
    Next::ManageBenefits,
    "This product cannot be downloaded; no further details available. Its activation is managed \
     on the server product itself.",
    "Dit product kan niet worden gedownload; er zijn geen verdere details beschikbaar. De \
     activering wordt beheerd op het serverproduct zelf.",
);
const KEY_NOT_REQUIRED: Row = row(
    "KEY_NOT_REQUIRED",
    Code::FailedPrecondition,
    Next::ManageBenefits,
    "This product needs no product key.",
    "Dit product heeft geen productcode nodig.",
);
const KEY_NOT_ASSIGNED: Row = row(
    "KEY_NOT_ASSIGNED",
    Code::FailedPrecondition,
    Next::Support,
    "No product key has been assigned to this benefit yet. If it takes longer than a day, open a \
     support incident.",
    "Aan dit voordeel is nog geen productcode toegewezen. Duurt het langer dan een dag, open dan \
     een ondersteuningsincident.",
);
const KEY_PROVISIONING: Row = retried(
    row(
        "KEY_PROVISIONING",
        Code::Unavailable,
        Next::Support,
        "The product key is being made ready. Try again in a moment; it can take up to 24 hours.",
        "De productcode wordt gereedgemaakt. Probeer het zo dadelijk opnieuw; dit kan tot 24 uur \
         duren.",
    ),
    PROVISIONING_RETRY,
);
const KEY_ALREADY_ASSIGNED: Row = row(
    "KEY_ALREADY_ASSIGNED",
    Code::AlreadyExists,
    Next::Support,
    "A benefit has another key already, or a key belongs to another benefit. Nothing was imported.",
    "Een voordeel heeft al een andere code, of een code hoort bij een ander voordeel. Er is niets \
     geïmporteerd.",
);
const CONTENT_INVALID: Row = row(
    "CONTENT_INVALID",
    Code::FailedPrecondition,
    Next::Support,
    "The content has faults; the old content is still served. Each fault is named with file and \
     line.",
    "De inhoud bevat fouten; de oude inhoud blijft in gebruik. Elke fout is genoemd met bestand \
     en regel.",
);
const STORE_UNAVAILABLE: Row = retried(
    row(
        "STORE_UNAVAILABLE",
        Code::Unavailable,
        Next::Support,
        "The service cannot reach its store at the moment. Send the same request again.",
        "De dienst kan op dit moment niet bij zijn gegevens. Verstuur hetzelfde verzoek opnieuw.",
    ),
    FAULT_RETRY,
);
const CONTENDED: Row = retried(
    row(
        "CONTENDED",
        Code::Aborted,
        Next::Support,
        "Others changed the same thing at the same time. Send the same request again.",
        "Anderen wijzigden tegelijk hetzelfde. Verstuur hetzelfde verzoek opnieuw.",
    ),
    CONTENTION_RETRY,
);
const INTERNAL_FAULT: Row = row(
    "INTERNAL_FAULT",
    Code::Internal,
    Next::Support,
    "Something is wrong within the service; an operator has to look at it.",
    "Er is iets mis binnen de dienst; een beheerder moet ernaar kijken.",
);

fn row_of(error: &AppError) -> &'static Row {
    match error {
        AppError::Refused(refusal) => row_of_refusal(refusal),
        AppError::Store(StoreError::Unavailable(_)) | AppError::Random(_) => &STORE_UNAVAILABLE,
        AppError::Store(StoreError::Corrupt(_)) => &INTERNAL_FAULT,
        AppError::Vault(VaultError::KeyMissing | VaultError::Tampered | VaultError::Seal) => {
            &INTERNAL_FAULT
        }
        AppError::Contended => &CONTENDED,
    }
}

fn row_of_refusal(refusal: &Refusal) -> &'static Row {
    match refusal {
        Refusal::FieldInvalid(_) => &FIELD_INVALID,
        Refusal::NotAssociated => &NOT_ASSOCIATED,
        Refusal::BenefitNotFound(_) => &BENEFIT_NOT_FOUND,
        Refusal::ProductNotFound => &PRODUCT_NOT_FOUND,
        Refusal::PartnerNotFound => &PARTNER_NOT_FOUND,
        Refusal::OfferNotFound => &OFFER_NOT_FOUND,
        Refusal::NotDownloadable(_) => &NOT_DOWNLOADABLE,
        Refusal::KeyNotRequired(_) => &KEY_NOT_REQUIRED,
        Refusal::KeyNotAssigned => &KEY_NOT_ASSIGNED,
        Refusal::KeyProvisioning => &KEY_PROVISIONING,
        Refusal::KeyAlreadyAssigned(_) => &KEY_ALREADY_ASSIGNED,
        Refusal::ContentInvalid(_) => &CONTENT_INVALID,
    }
}

/// The fields that the refusal names; each carries the reason of the refusal.
fn bad_fields(error: &AppError) -> &[BadField] {
    let AppError::Refused(refusal) = error else { return &[] };
    match refusal {
        Refusal::FieldInvalid(fields)
        | Refusal::BenefitNotFound(fields)
        | Refusal::KeyNotRequired(fields)
        | Refusal::KeyAlreadyAssigned(fields)
        | Refusal::ContentInvalid(fields) => fields,
        Refusal::NotAssociated
        | Refusal::ProductNotFound
        | Refusal::PartnerNotFound
        | Refusal::OfferNotFound
        | Refusal::NotDownloadable(_)
        | Refusal::KeyNotAssigned
        | Refusal::KeyProvisioning => &[],
    }
}

/// The status of an error, in the language of the caller. Causes within the service stay in the
/// log.
pub(super) fn status(error: &AppError, language: Language, links: &Links) -> Status {
    let row = row_of(error);
    if !matches!(error, AppError::Refused(_)) {
        tracing::error!(reason = row.reason, %error, "a call failed");
    }
    let mut fault = Fault::new(row.code, row.reason, row.english).localized(row.english, row.dutch);
    for field in bad_fields(error) {
        fault = fault.bad_field(&field.field, row.reason, &field.description);
    }
    if let AppError::Refused(Refusal::NotDownloadable(elsewhere)) = error {
        let subject = elsewhere.managed_by.join(", ");
        fault = fault.precondition(row.reason, subject, &elsewhere.note);
    } else if row.code == Code::FailedPrecondition {
        fault = fault.precondition(row.reason, "", row.english);
    }
    if let Some(after) = row.retry {
        fault = fault.retry_after(after);
    }
    let (english, dutch, link) = match row.next {
        Next::ManageBenefits => {
            ("Manage benefits and offers", "Voordelen en aanbiedingen beheren", &links.manage_uri)
        }
        Next::Support => (
            "Open a technical-support incident",
            "Een incident voor technische ondersteuning openen",
            &links.support_uri,
        ),
    };
    let description = if language == Language::Nl { dutch } else { english };
    fault.help(description, link).into_status(DOMAIN, language)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [&Row; 15] = [
        &FIELD_INVALID,
        &NOT_ASSOCIATED,
        &BENEFIT_NOT_FOUND,
        &PRODUCT_NOT_FOUND,
        &PARTNER_NOT_FOUND,
        &OFFER_NOT_FOUND,
        &NOT_DOWNLOADABLE,
        &KEY_NOT_REQUIRED,
        &KEY_NOT_ASSIGNED,
        &KEY_PROVISIONING,
        &KEY_ALREADY_ASSIGNED,
        &CONTENT_INVALID,
        &STORE_UNAVAILABLE,
        &CONTENDED,
        &INTERNAL_FAULT,
    ];

    #[test]
    fn the_document_says_what_the_table_says() {
        let document = include_str!("../../../docs/errors-catalog.md");
        for row in ROWS {
            let code = format!("{:?}", row.code)
                .chars()
                .enumerate()
                .flat_map(|(place, letter)| {
                    let gap = (letter.is_uppercase() && place > 0).then_some('_');
                    gap.into_iter().chain(std::iter::once(letter.to_ascii_uppercase()))
                })
                .collect::<String>();
            let retry = if row.retry.is_some() { "yes" } else { "no" };
            let next = match row.next {
                Next::ManageBenefits => "manage benefits",
                Next::Support => "support incident",
            };
            let line = format!("| {} | {code} | {retry} | {next} |", row.reason);
            assert!(document.contains(&line), "docs/errors-catalog.md lacks: {line}");
        }
    }

    #[test]
    fn r11_only_what_can_pass_is_worth_retrying() {
        for row in ROWS {
            let passes = matches!(row.code, Code::Unavailable | Code::Aborted);
            assert_eq!(row.retry.is_some(), passes, "{}", row.reason);
            assert!(!row.english.is_empty() && row.english != row.dutch, "{}", row.reason);
        }
    }
}
