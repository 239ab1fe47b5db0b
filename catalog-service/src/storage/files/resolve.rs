//! Resolves the walkthrough of each version and platform: the nearest text of every part, with its
//! names filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::assemble::Drafts;
use super::family::{FamilyDraft, localised};
use super::faults::Faults;
use super::product::ProductDraft;
use super::walkthrough::{Part, PartText, WalkthroughDraft};
use crate::domain::id::ProductId;
use crate::domain::instruction::{STEP_COUNT, Step, Walkthrough, Walkthroughs};
use crate::domain::language::LanguageTag;
use crate::domain::product::{Platform, Version};

/// The parts that are the steps, in their order.
const STEPS: [Part; STEP_COUNT] =
    [Part::Introduction, Part::ActivationWalkthrough, Part::ActivateBenefits];

/// Names that walkthroughs mention: titles of the product and of those that manage it.
pub(super) struct Titles<'d> {
    product: &'d ProductDraft,
    managers: Vec<&'d ProductDraft>,
}

impl<'d> Titles<'d> {
    /// The names for a product.
    pub(super) fn of(
        product: &'d ProductDraft,
        managers: &[ProductId],
        drafts: &'d Drafts,
    ) -> Self {
        Self { product, managers: managers.iter().filter_map(|id| drafts.product(id)).collect() }
    }

    /// What stands for a placeholder; none if this product has no such name.
    fn fill(
        &self,
        name: &str,
        version: Option<&Version>,
        language: &LanguageTag,
    ) -> Option<String> {
        let title = |draft: &ProductDraft| draft.product.texts.pick(language).1.title.clone();
        match name {
            "product" => Some(title(self.product)),
            "version" => version.map(|version| version.title.clone()),
            "managed_by" if !self.managers.is_empty() => {
                Some(self.managers.iter().map(|draft| title(draft)).collect::<Vec<_>>().join(", "))
            }
            _ => None,
        }
    }
}

/// All walkthroughs of a product.
pub(super) fn walkthroughs(
    draft: &ProductDraft,
    family: &FamilyDraft,
    files: &[WalkthroughDraft],
    titles: &Titles<'_>,
    faults: &mut Faults,
) -> Walkthroughs {
    let versions = &draft.product.versions;
    let mut versions: Vec<Option<&Version>> = versions.iter().map(Some).collect();
    if versions.is_empty() {
        versions.push(None);
    }
    let mut walkthroughs = Walkthroughs::default();
    for version in versions {
        for &platform in &draft.product.platforms {
            let mut texts = BTreeMap::new();
            for language in &family.languages {
                let place = Place { draft, version, platform, language };
                if let Some(text) = place.walkthrough(files, titles, faults) {
                    texts.insert(language.clone(), text);
                }
            }
            if let Some(texts) = localised(texts) {
                let version = version.map_or("", |version| version.id.as_str());
                walkthroughs.insert(version, platform, texts);
            }
        }
    }
    walkthroughs
}

/// What a walkthrough is looked for.
struct Place<'d> {
    draft: &'d ProductDraft,
    version: Option<&'d Version>,
    platform: Platform,
    language: &'d LanguageTag,
}

impl Place<'_> {
    fn walkthrough(
        &self,
        files: &[WalkthroughDraft],
        titles: &Titles<'_>,
        faults: &mut Faults,
    ) -> Option<Walkthrough> {
        let nearest = self.nearest(files);
        let mut parts = BTreeMap::new();
        for part in Part::ALL {
            let found = nearest.iter().find_map(|file| Some((*file, file.parts.get(&part)?)));
            match found {
                Some((file, text)) => {
                    parts.insert(part, self.filled(file, text, titles, faults));
                }
                None => self.tell_missing(part, &nearest, faults),
            }
        }
        let mut step = |part: Part| parts.remove(&part);
        let [first, second, third] = STEPS.map(&mut step);
        let system_requirements = step(Part::SystemRequirements)?.markdown;
        let regional_limits = step(Part::RegionalLimits)?.markdown;
        Some(Walkthrough { steps: [first?, second?, third?], system_requirements, regional_limits })
    }

    /// The files for this place, the nearest first: of the version, of the product, of the family.
    fn nearest<'f>(&self, files: &'f [WalkthroughDraft]) -> Vec<&'f WalkthroughDraft> {
        let id = self.draft.product.id.as_str();
        let version = self.version.map(|version| version.id.as_str());
        let mut nearest: Vec<&WalkthroughDraft> = files
            .iter()
            .filter(|file| file.platform == self.platform && file.language == *self.language)
            .filter(|file| file.product.as_deref().is_none_or(|product| product == id))
            .filter(|file| file.version.is_none() || file.version.as_deref() == version)
            .collect();
        nearest.sort_by_key(|file| (file.version.is_none(), file.product.is_none()));
        nearest
    }

    fn tell_missing(&self, part: Part, nearest: &[&WalkthroughDraft], faults: &mut Faults) {
        let name = format!("{}.{}.md", self.platform.as_str(), self.language);
        let file = PathBuf::from(self.draft.product.family.as_str()).join("install").join(name);
        let message = if nearest.is_empty() {
            let platform = self.platform.as_str();
            format!("is missing: the family has products for `{platform}`")
        } else {
            format!("the heading with {{#{}}} is missing", part.mark())
        };
        faults.add(&file, 1, message);
    }

    /// The part with every `{{name}}` replaced.
    fn filled(
        &self,
        file: &WalkthroughDraft,
        text: &PartText,
        titles: &Titles<'_>,
        faults: &mut Faults,
    ) -> Step {
        let mut fill = |template: &str, first_line: usize| {
            let mut filled = String::with_capacity(template.len());
            let mut rest = template;
            let mut told = BTreeSet::new();
            while let Some((before, after)) = rest.split_once("{{") {
                filled.push_str(before);
                let (name, after) = after.split_once("}}").unwrap_or((after, ""));
                match titles.fill(name.trim(), self.version, self.language) {
                    Some(title) => filled.push_str(&title),
                    None if told.insert(name.to_owned()) => {
                        let done = template.len().saturating_sub(rest.len() - before.len());
                        let above = template.get(..done).unwrap_or_default();
                        let line = first_line.saturating_add(above.matches('\n').count());
                        let name: String = name.chars().take(20).collect();
                        let message = format!(
                            "`{{{{{name}}}}}` stands for nothing here; product, version (where \
                             there are versions) and managed_by (where there is one) do"
                        );
                        faults.add(&file.file, line, message);
                    }
                    None => {}
                }
                rest = after;
            }
            filled.push_str(rest);
            filled
        };
        Step {
            title: fill(&text.title, text.heading_line),
            markdown: fill(&text.markdown, text.line),
        }
    }
}
