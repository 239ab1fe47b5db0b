//! What a refusal says: to developers in English, to people in English and Dutch. Nothing secret.

use chassis::status::Language;

use super::fields::FieldFaults;
use super::status::{Next, WireError};
use super::time::timestamp;
use crate::app::AppError;
use crate::domain::error::{Refusal, Shortage};
use crate::domain::terms::{Platform, Platforms};

/// English and Dutch of the refusals that carry no figures.
type Both = (&'static str, &'static str);

const KEY_NOT_USABLE: Both = (
    "This product key cannot be used here. Check that it is typed in full and belongs to \
     this product.",
    "Deze productcode kan hier niet worden gebruikt. Controleer of de code volledig is \
     ingevoerd en bij dit product hoort.",
);
const KEY_NOT_FOUND: Both = (
    "There is no such product key, or it belongs to another organisation.",
    "Deze productcode bestaat niet of hoort bij een andere organisatie.",
);
const SUSPENDED: Both = (
    "The membership behind this product key is not active. It can be used again after \
     renewal.",
    "Het lidmaatschap waar deze productcode bij hoort, is niet actief. Na verlenging kunt u \
     de code weer gebruiken.",
);
const REQUEST_ID_REUSED: Both = (
    "The program used the number of an earlier request for another one. Start the \
     activation again.",
    "Het programma heeft het nummer van een eerder verzoek opnieuw gebruikt. Start de \
     activering opnieuw.",
);
const ACTIVATION_NOT_FOUND: Both = (
    "This product key has no such activation.",
    "Deze activering hoort niet bij deze productcode.",
);
const ACTIVATION_RELEASED: Both = (
    "This activation was released before. Activate the computer again to use it.",
    "Deze activering is al vrijgegeven. Activeer de computer opnieuw om deze te gebruiken.",
);
const RELEASE_NOT_ALLOWED: Both = (
    "Activations of this product key cannot be released.",
    "Activeringen van deze productcode kunnen niet worden vrijgegeven.",
);
const EVIDENCE_NOT_MATCHING: Both = (
    "Release the activation on the computer that it belongs to, or ask an administrator of \
     your organisation.",
    "Geef de activering vrij op de computer waar deze bij hoort, of vraag het een beheerder \
     van uw organisatie.",
);
const ALREADY_REGISTERED: Both = (
    "The product key is registered already, with other terms or under another id.",
    "De productcode is al geregistreerd, met andere voorwaarden of onder een andere id.",
);

/// The words of one refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// For developers and logs of clients.
    pub(super) message: String,
    /// For the person in front of the client.
    pub(super) english: String,
    /// The same in Dutch.
    pub(super) dutch: String,
}

pub(super) fn of(error: &WireError, points_min: u32) -> Words {
    match error {
        WireError::Fields(faults) => of_fields(faults),
        WireError::RateLimited { retry_delay } => {
            let seconds = retry_delay.as_secs().max(1);
            words(
                "too many look-ups of keys that cannot be used came from this address",
                format!("Too many wrong product keys were tried. Try again in {seconds} s."),
                format!(
                    "Er zijn te veel onjuiste productcodes geprobeerd. Probeer het over \
                     {seconds} s opnieuw."
                ),
            )
        }
        WireError::App(error) => of_app(error, points_min),
    }
}

/// The label of a link to a page of ours.
pub(super) const fn link(next: Next, language: Language) -> &'static str {
    match (next, language) {
        (Next::ManageBenefits, Language::En) => "Manage benefits and offers",
        (Next::ManageBenefits, Language::Nl) => "Voordelen en aanbiedingen beheren",
        (Next::SupportIncident, Language::En) => "Ask for technical support",
        (Next::SupportIncident, Language::Nl) => "Technische ondersteuning vragen",
    }
}

/// The label of the link that the key itself has.
pub(super) const fn key_link(language: Language) -> &'static str {
    match language {
        Language::En => "About this product key",
        Language::Nl => "Over deze productcode",
    }
}

fn words(
    message: impl Into<String>,
    english: impl Into<String>,
    dutch: impl Into<String>,
) -> Words {
    Words { message: message.into(), english: english.into(), dutch: dutch.into() }
}

fn of_fields(FieldFaults(faults): &FieldFaults) -> Words {
    let names: Vec<_> = faults.iter().take(3).map(|fault| fault.field.as_str()).collect();
    let more = if faults.len() > names.len() { " and others" } else { "" };
    let message = format!("the request cannot be used: see {}{more}", names.join(", "));
    // The key is the one field that a person typed.
    if faults.iter().any(|fault| fault.field == "product_key") {
        return words(
            message,
            "The product key is not typed correctly. Compare it with the one you were given.",
            "De productcode is niet goed ingevoerd. Vergelijk die met de code die u hebt gekregen.",
        );
    }
    words(
        message,
        "The program sent a request that the server cannot use. Update the program or ask for \
         support.",
        "Het programma heeft een verzoek verstuurd dat de server niet kan gebruiken. Werk het \
         programma bij of vraag ondersteuning.",
    )
}

fn of_app(error: &AppError, points_min: u32) -> Words {
    match error {
        AppError::Refused { refusal, .. } => of_refusal(refusal, points_min),
        AppError::AlreadyRegistered(faults) => words(
            format!("{} keys are recorded with other terms or under another id", faults.len()),
            "Some product keys are registered already, with other terms or under another id. All \
             others were registered.",
            "Sommige productcodes zijn al geregistreerd, met andere voorwaarden of onder een \
             andere id. Alle andere zijn geregistreerd.",
        ),
        AppError::FieldsNotPermitted(fields) => words(
            format!("this caller's role may not set {}", fields.join(", ")),
            "Your role does not allow this change.",
            "Met uw rol is deze wijziging niet toegestaan.",
        ),
        AppError::NoLedgerHead => words(
            "nothing is recorded yet, or the storage engine has no signed chain",
            "The ledger has no signed statement to show.",
            "Het register heeft geen ondertekende verklaring om te tonen.",
        ),
        AppError::PageTokenInvalid => words(
            "the page token is of another list",
            "The list has changed. Start again at the first page.",
            "De lijst is gewijzigd. Begin opnieuw bij de eerste pagina.",
        ),
        AppError::Overloaded => words(
            "more activations are under way than the server works on; repeat the same request",
            "The server is busy. Try again in a moment.",
            "De server is druk. Probeer het zo dadelijk opnieuw.",
        ),
        AppError::Contended => words(
            "others changed the key at each attempt; repeat the same request",
            "This product key is being used by many computers at once. Try again in a moment.",
            "Deze productcode wordt door veel computers tegelijk gebruikt. Probeer het zo dadelijk \
             opnieuw.",
        ),
        AppError::DiskFull => words(
            "the ledger has too little space to record anything new; computers that are known and \
             repeats are still answered; repeat the same request",
            "The server cannot count new activations now. Try again later; computers that were \
             activated before stay activated. Nothing was counted.",
            "De server kan nu geen nieuwe activeringen tellen. Probeer het later opnieuw; \
             computers die al waren geactiveerd, blijven geactiveerd. Er is niets geteld.",
        ),
        AppError::Unavailable => words(
            "the ledger cannot answer, or it is not known whether it recorded; repeat the same \
             request",
            "The server cannot answer now. Try again in a moment; nothing is counted twice.",
            "De server kan nu niet antwoorden. Probeer het zo dadelijk opnieuw; er wordt niets \
             dubbel geteld.",
        ),
    }
}

fn of_refusal(refusal: &Refusal, points_min: u32) -> Words {
    let message = refusal.to_string();
    match refusal {
        Refusal::PlatformNotAllowed { allowed } => of_platforms(message, *allowed),
        Refusal::InsufficientEvidence(shortage) => of_shortage(message, shortage, points_min),
        Refusal::ActivateByPassed { activate_by_ms } => {
            let moment = timestamp(*activate_by_ms).to_string();
            let day = moment.split('T').next().unwrap_or_default();
            words(
                message,
                format!("This product key had to be activated by {day}. Nothing was counted."),
                format!("Deze productcode kon tot {day} worden geactiveerd. Er is niets geteld."),
            )
        }
        Refusal::LimitReached { used, limit } => words(
            format!("{message}: {used} of {limit}"),
            format!(
                "This product key has reached its maximum: {used} of {limit} activations are used. \
                 Computers that were activated before stay activated."
            ),
            format!(
                "Deze productcode heeft het maximum bereikt: {used} van {limit} activeringen zijn \
                 gebruikt. Computers die al waren geactiveerd, blijven geactiveerd."
            ),
        ),
        Refusal::ReleaseLimitReached { releases_max } => words(
            format!("{message}: {releases_max}"),
            format!("This product key allows {releases_max} releases, and all have been used."),
            format!("Deze productcode staat {releases_max} keer vrijgeven toe en dat is bereikt."),
        ),
        Refusal::KeyNotUsable { .. } => plain(message, KEY_NOT_USABLE),
        Refusal::KeyNotFound => plain(message, KEY_NOT_FOUND),
        Refusal::Suspended => plain(message, SUSPENDED),
        Refusal::RequestIdReused => plain(message, REQUEST_ID_REUSED),
        Refusal::ActivationNotFound => plain(message, ACTIVATION_NOT_FOUND),
        Refusal::ActivationReleased => plain(message, ACTIVATION_RELEASED),
        Refusal::ReleaseNotAllowed => plain(message, RELEASE_NOT_ALLOWED),
        Refusal::EvidenceNotMatching => plain(message, EVIDENCE_NOT_MATCHING),
        Refusal::AlreadyRegistered { .. } => plain(message, ALREADY_REGISTERED),
    }
}

fn plain(message: String, (english, dutch): Both) -> Words {
    words(message, english, dutch)
}

fn of_platforms(message: String, allowed: Platforms) -> Words {
    let name = |platform: Platform| match platform {
        Platform::Windows => "Windows",
        Platform::MacOs => "macOS",
        Platform::Linux => "Linux",
    };
    let names: Vec<_> = allowed.iter().map(name).collect();
    words(
        message,
        format!("This product key works on {} only. Nothing was counted.", names.join(" and ")),
        format!("Deze productcode werkt alleen op {}. Er is niets geteld.", names.join(" en ")),
    )
}

fn of_shortage(message: String, shortage: &Shortage, points_min: u32) -> Words {
    let Shortage { points, has_anchor, below_floor, .. } = shortage;
    if *below_floor {
        return words(
            format!("{message}: too little can be compared with a known computer"),
            "The program could read too little of this computer's hardware to recognise it. Run it \
             as administrator and try again. Nothing was counted.",
            "Het programma kon te weinig hardware van deze computer lezen om die te herkennen. \
             Voer het uit als administrator en probeer het opnieuw. Er is niets geteld.",
        );
    }
    let anchor = if *has_anchor { "" } else { ", and none of them belongs to one computer" };
    words(
        format!("{message}: {points} of at least {points_min} points{anchor}"),
        "The program could read too little of this computer's hardware. Run it as administrator; \
         on a virtual machine or in a container, ask for a product key that allows an assigned \
         handle. Nothing was counted.",
        "Het programma kon te weinig hardware van deze computer lezen. Voer het uit als \
         administrator; vraag voor een virtuele machine of container een productcode die met een \
         toegewezen kenmerk werkt. Er is niets geteld.",
    )
}
