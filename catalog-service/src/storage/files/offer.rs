//! Reads `offers/<offer>.toml`: what an offer grants, in licences and in activations (F4, R10).

use std::collections::{BTreeMap, BTreeSet};

use super::assemble::Drafts;
use super::family::{in_languages, localised};
use super::faults::Faults;
use super::folder::SourceFile;
use super::product::ProductDraft;
use super::section::{self, LINE_CHARS_MAX, Located, Section, TEXT_CHARS_MAX};
use crate::domain::id::{OfferId, ProductId};
use crate::domain::language::{LanguageTag, Localised};
use crate::domain::offer::{CountingMode, Grant, LicenceQuantity, Offer};

/// What licences are counted in.
const UNITS: [&str; 4] = ["licence", "core", "user", UNIT_CAL];
/// The unit of client access licences, and of nothing else.
const UNIT_CAL: &str = "CAL";
/// Most licences of a grant.
const LICENCES_MAX: u64 = 1_000_000;
/// Most activations of a key, as the activation service accepts them.
const ACTIVATION_LIMIT_MAX: u64 = 1_000_000;

/// Reads the file of the offer with this id.
pub(super) fn read(
    id: OfferId,
    source: &SourceFile,
    drafts: &Drafts,
    faults: &mut Faults,
) -> Option<Offer> {
    section::read_file(source, faults, |root, faults| {
        let title = title(root, drafts, faults);
        let program = root.text("program", LINE_CHARS_MAX, faults);
        let specialisation = root.text("specialisation", LINE_CHARS_MAX, faults);
        let counting_mode = counting_mode(root, faults);
        let mut reasons = Reasons::read(root, faults);
        let mut grants: Vec<Grant> = Vec::new();
        let sections = root.sections("grants", faults);
        if sections.is_empty() {
            root.fault(faults, root.line_of("grants"), "an offer grants at least one product");
        }
        for mut section in sections {
            let grant = grant(&mut section, drafts, &mut reasons, faults);
            if let Some(grant) = grant {
                if grants.iter().any(|known| known.product == grant.product) {
                    let message = format!("`{}` is granted twice", grant.product);
                    section.fault(faults, section.line_of("product"), message);
                }
                grants.push(grant);
            }
            section.finish(faults);
        }
        reasons.tell_unused(root, faults);
        Some(Offer {
            id,
            title: title?,
            program: program?,
            specialisation: specialisation?,
            counting_mode: counting_mode?,
            grants,
        })
    })
}

fn title(
    root: &mut Section<'_>,
    drafts: &Drafts,
    faults: &mut Faults,
) -> Option<Localised<String>> {
    let section = root.section("text", faults)?;
    let languages: Vec<LanguageTag> = drafts.languages().into_iter().collect();
    let mut titles = BTreeMap::new();
    for (language, mut text) in in_languages(section, &languages, faults) {
        if let Some(title) = text.text("title", LINE_CHARS_MAX, faults) {
            titles.insert(language, title);
        }
        text.finish(faults);
    }
    localised(titles)
}

fn counting_mode(root: &mut Section<'_>, faults: &mut Faults) -> Option<CountingMode> {
    let text = root.text("counting_mode", LINE_CHARS_MAX, faults)?;
    let mode = CountingMode::parse(&text);
    if mode.is_none() {
        let known = CountingMode::ALL.map(CountingMode::as_str).join(", ");
        let message = format!("no counting mode is called `{text}`; known: {known}");
        root.fault(faults, root.line_of("counting_mode"), message);
    }
    mode
}

fn grant(
    section: &mut Section<'_>,
    drafts: &Drafts,
    reasons: &mut Reasons,
    faults: &mut Faults,
) -> Option<Grant> {
    let name = section.text("product", LINE_CHARS_MAX, faults);
    let quantity = licence_quantity(section, faults);
    let limit = section.has("activation_limit").then(|| activation_limit(section, faults));
    let name = name?;
    let Some(id) = ProductId::parse(&name).ok().filter(|id| drafts.knows_product(id)) else {
        let message = format!("there is no product `{name}`");
        section.fault(faults, section.line_of("product"), message);
        return None;
    };
    // A product whose own file has faults is known and has no draft; nothing more can be said about
    // it.
    let Some(draft) = drafts.product(&id) else {
        reasons.use_for(drafts.family_of(&id).unwrap_or_default());
        return None;
    };
    reasons.use_for(draft.product.family.as_str());
    let (quantity, limit) = (quantity?, limit.map_or(Some(None), |limit| limit.map(Some))?);
    check(section, draft, &quantity, limit.as_ref(), reasons, faults);
    Some(Grant {
        product: id,
        licence_quantity: quantity,
        activation_limit: limit.as_ref().map_or(0, |limit| limit.value),
        activation_limit_sample: limit.as_ref().is_some_and(|limit| limit.sample),
    })
}

/// What the product says about its grant.
fn check(
    section: &Section<'_>,
    draft: &ProductDraft,
    quantity: &LicenceQuantity,
    limit: Option<&ActivationLimit>,
    reasons: &Reasons,
    faults: &mut Faults,
) {
    let family = draft.product.family.as_str();
    let limit_line = section.line_of("activation_limit");
    match (draft.product.activation_required, limit) {
        (true, None) => {
            let message = "`activation_limit` is missing: the product must be activated";
            section.fault(faults, section.line(), message);
        }
        (false, Some(_)) => {
            let message = "the product is not activated, so it has no `activation_limit`";
            section.fault(faults, limit_line, message);
        }
        (true, Some(limit)) if limit.sample && !reasons.has(family) => {
            let message = format!(
                "a sample limit needs a reason: `{family}` is missing in `activation_limit_reasons`"
            );
            section.fault(faults, limit_line, message);
        }
        (true, Some(_)) | (false, None) => {}
    }
    if draft.client_access_licence != (quantity.unit == UNIT_CAL) {
        let message = "the unit \"CAL\" is for client access licences, and for them alone";
        section.fault(faults, section.line_of("licence_quantity"), message);
    }
}

fn licence_quantity(section: &mut Section<'_>, faults: &mut Faults) -> Option<LicenceQuantity> {
    let mut quantity = section.section("licence_quantity", faults)?;
    let value = quantity.number("value", 1..=LICENCES_MAX, faults);
    let unit = quantity.text("unit", LINE_CHARS_MAX, faults);
    let printed = quantity.text("printed", LINE_CHARS_MAX, faults);
    if let Some(unit) = &unit
        && !UNITS.contains(&unit.as_str())
    {
        let message = format!("no unit is called `{unit}`; known: {}", UNITS.join(", "));
        quantity.fault(faults, quantity.line_of("unit"), message);
    }
    quantity.finish(faults);
    Some(LicenceQuantity { value: u32::try_from(value?).ok()?, unit: unit?, printed: printed? })
}

#[derive(Debug)]
struct ActivationLimit {
    value: u32,
    sample: bool,
}

fn activation_limit(section: &mut Section<'_>, faults: &mut Faults) -> Option<ActivationLimit> {
    let mut limit = section.section("activation_limit", faults)?;
    let value = limit.number("value", 1..=ACTIVATION_LIMIT_MAX, faults);
    let sample = limit.flag("sample", faults);
    limit.finish(faults);
    Some(ActivationLimit { value: u32::try_from(value?).ok()?, sample: sample? })
}

/// Why the sample limits of a family are what they are.
#[derive(Debug, Default)]
struct Reasons {
    families: Vec<Located<String>>,
    used: BTreeSet<String>,
}

impl Reasons {
    fn read(root: &mut Section<'_>, faults: &mut Faults) -> Self {
        if !root.has("activation_limit_reasons") {
            // Asked for all the same, so that its name is listed among the known fields.
            let _ = root.text_or_empty("activation_limit_reasons", TEXT_CHARS_MAX, faults);
            return Self::default();
        }
        let Some(section) = root.section("activation_limit_reasons", faults) else {
            return Self::default();
        };
        let families = section.names();
        for family in &families {
            section.text_by_name(&family.value, TEXT_CHARS_MAX, faults);
        }
        Self { families, used: BTreeSet::new() }
    }

    fn has(&self, family: &str) -> bool {
        self.families.iter().any(|known| known.value == family)
    }

    fn use_for(&mut self, family: &str) {
        self.used.insert(family.to_owned());
    }

    fn tell_unused(&self, root: &Section<'_>, faults: &mut Faults) {
        for family in self.families.iter().filter(|family| !self.used.contains(&family.value)) {
            let message = format!("the offer grants nothing of family `{}`", family.value);
            root.fault(faults, family.line, message);
        }
    }
}
