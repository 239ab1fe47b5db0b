//! Messages made from what the domain and the use cases know; written by hand, used by more than
//! one call.

use prost_types::Timestamp;
use proto::catalog::v1 as pb;

use crate::app::get_install_instructions::InstructionsView;
use crate::app::view::{BenefitView, Usage};
use crate::domain::benefit::KeyState;
use crate::domain::enrolment::EnrolmentState;
use crate::domain::language::LanguageTag;
use crate::domain::name::EnrolmentName;
use crate::domain::offer::{CountingMode, LicenceQuantity, Offer};
use crate::domain::product::{Platform, Product, Version};

pub(super) fn time(at_ms: i64) -> Timestamp {
    // Below a second, so it fits.
    let nanos = i32::try_from(at_ms.rem_euclid(1000)).unwrap_or(0).saturating_mul(1_000_000);
    Timestamp { seconds: at_ms.div_euclid(1000), nanos }
}

pub(super) fn product(product: &Product, reader: &LanguageTag) -> pb::Product {
    let (language, texts) = product.texts.pick(reader);
    pb::Product {
        name: format!("products/{}", product.id),
        title: texts.title.clone(),
        family: product.family.to_string(),
        description: texts.description.clone(),
        key_required: product.key_required,
        activation_required: product.activation_required,
        downloadable: product.downloadable,
        not_downloadable_note: texts.not_downloadable_note.clone(),
        managed_by: product.managed_by.iter().map(|id| format!("products/{id}")).collect(),
        platforms: product.platforms.iter().map(|name| platform(*name) as i32).collect(),
        versions: product.versions.iter().map(version).collect(),
        note: texts.note.clone(),
        language_code: language.to_string(),
    }
}

pub(super) fn version(version: &Version) -> pb::ProductVersion {
    let editions = version.editions.iter().map(|edition| pb::ProductEdition {
        edition: edition.id.clone(),
        title: edition.title.clone(),
        languages: edition
            .languages
            .iter()
            .map(|language| pb::EditionLanguage {
                language_code: language.language.to_string(),
                architectures: language
                    .builds
                    .iter()
                    .map(|build| build.architecture.as_str().to_owned())
                    .collect(),
            })
            .collect(),
    });
    pb::ProductVersion {
        version: version.id.clone(),
        title: version.title.clone(),
        editions: editions.collect(),
    }
}

pub(super) fn offer(offer: &Offer, reader: &LanguageTag) -> pb::Offer {
    let (_, title) = offer.title.pick(reader);
    let grants = offer.grants.iter().map(|grant| pb::OfferGrant {
        product: format!("products/{}", grant.product),
        licence_quantity: Some(licence_quantity(&grant.licence_quantity)),
        activation_limit: grant.activation_limit,
        activation_limit_sample: grant.activation_limit_sample,
    });
    pb::Offer {
        name: format!("offers/{}", offer.id),
        title: title.clone(),
        program: offer.program.clone(),
        specialisation: offer.specialisation.clone(),
        counting_mode: counting_mode(offer.counting_mode) as i32,
        grants: grants.collect(),
    }
}

pub(super) fn instructions(view: InstructionsView) -> pb::InstallInstructions {
    let steps = view.walkthrough.steps.into_iter().zip(1..).map(|(step, number)| {
        pb::InstructionStep { number, title: step.title, markdown: step.markdown }
    });
    pb::InstallInstructions {
        steps: steps.collect(),
        system_requirements: view.walkthrough.system_requirements,
        regional_limits: view.walkthrough.regional_limits,
        language_code: view.language.to_string(),
        platform: platform(view.platform) as i32,
        version: view.version,
    }
}

pub(super) fn benefit(view: BenefitView) -> pb::Benefit {
    let enrolment =
        EnrolmentName { partner: view.name.partner.clone(), enrolment: view.enrolment.clone() };
    pb::Benefit {
        name: view.name.to_string(),
        title: view.title,
        product: format!("products/{}", view.name.product),
        family: view.family.to_string(),
        source: view.source,
        offer: format!("offers/{}", view.offer),
        enrolment: enrolment.to_string(),
        licence_quantity: Some(licence_quantity(&view.licence_quantity)),
        activation_limit: view.activation_limit,
        activation_limit_sample: view.activation_limit_sample,
        counting_mode: counting_mode(view.counting_mode) as i32,
        enrolment_state: enrolment_state(view.enrolment_state) as i32,
        activate_by_time: Some(time(view.activate_by_ms)),
        key_required: view.key_required,
        activation_required: view.activation_required,
        downloadable: view.downloadable,
        not_downloadable_note: view.not_downloadable_note,
        key_state: key_state(view.key_state) as i32,
        product_key_name: view.key_id.map_or_else(String::new, |id| format!("productKeys/{id}")),
        first_viewed_time: view.first_viewed_ms.map(time),
        usage: Some(usage(view.usage)),
        language_code: view.language.to_string(),
    }
}

pub(super) fn usage(usage: Usage) -> pb::BenefitUsage {
    let state = |state: pb::UsageState| pb::BenefitUsage {
        state: state as i32,
        ..pb::BenefitUsage::default()
    };
    match usage {
        Usage::NotApplicable => state(pb::UsageState::NotApplicable),
        Usage::Unavailable { as_of_ms } => pb::BenefitUsage {
            as_of_time: Some(time(as_of_ms)),
            ..state(pb::UsageState::Unavailable)
        },
        Usage::Available { used, limit, remaining, as_of_ms } => pb::BenefitUsage {
            state: pb::UsageState::Available as i32,
            used,
            limit,
            remaining,
            as_of_time: Some(time(as_of_ms)),
        },
    }
}

fn licence_quantity(quantity: &LicenceQuantity) -> pb::LicenceQuantity {
    pb::LicenceQuantity {
        value: quantity.value,
        unit: quantity.unit.clone(),
        printed: quantity.printed.clone(),
    }
}

fn platform(platform: Platform) -> pb::Platform {
    match platform {
        Platform::Windows => pb::Platform::Windows,
        Platform::Macos => pb::Platform::Macos,
        Platform::Linux => pb::Platform::Linux,
    }
}

fn counting_mode(mode: CountingMode) -> pb::CountingMode {
    match mode {
        CountingMode::HardwareTolerant => pb::CountingMode::HardwareTolerant,
        CountingMode::EveryActivation => pb::CountingMode::EveryActivation,
    }
}

pub(super) fn enrolment_state(state: EnrolmentState) -> pb::EnrolmentState {
    match state {
        EnrolmentState::Provisioning => pb::EnrolmentState::Provisioning,
        EnrolmentState::Active => pb::EnrolmentState::Active,
        EnrolmentState::RenewalGrace => pb::EnrolmentState::RenewalGrace,
        EnrolmentState::Expired => pb::EnrolmentState::Expired,
    }
}

pub(super) fn key_state(state: KeyState) -> pb::BenefitKeyState {
    match state {
        KeyState::NotRequired => pb::BenefitKeyState::NotRequired,
        KeyState::NotAssigned => pb::BenefitKeyState::NotAssigned,
        KeyState::Provisioning => pb::BenefitKeyState::Provisioning,
        KeyState::Ready => pb::BenefitKeyState::Ready,
        KeyState::Suspended => pb::BenefitKeyState::Suspended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_and_after_1970_keep_their_milliseconds() {
        for (at_ms, seconds, nanos) in
            [(0, 0, 0), (1_500, 1, 500_000_000), (-1, -1, 999_000_000), (-1_000, -1, 0)]
        {
            assert_eq!(time(at_ms), Timestamp { seconds, nanos });
        }
    }
}
