//! Reads `<family>/<product>.toml`: what a product is, what it needs, and what can be downloaded.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::download;
use super::family::{FamilyDraft, in_languages, localised};
use super::faults::Faults;
use super::folder::SourceFile;
use super::section::{self, LINE_CHARS_MAX, Located, Section, TEXT_CHARS_MAX};
use crate::domain::id::ProductId;
use crate::domain::instruction::Walkthroughs;
use crate::domain::language::{LanguageTag, Localised};
use crate::domain::product::{Platform, Product, ProductTexts};

/// A product as its file describes it, before its references are followed.
#[derive(Debug)]
pub(super) struct ProductDraft {
    /// The file.
    pub(super) file: PathBuf,
    /// The product, yet without walkthroughs.
    pub(super) product: Product,
    /// Whether it is a client access licence, so that offers grant it in CALs.
    pub(super) client_access_licence: bool,
    /// The products that manage it, with their lines.
    pub(super) managed_by: Vec<Located<String>>,
}

/// Reads the file of the product with this id.
pub(super) fn read(
    id: ProductId,
    family: &FamilyDraft,
    source: &SourceFile,
    faults: &mut Faults,
) -> Option<ProductDraft> {
    section::read_file(source, faults, |root, faults| {
        let kind = kind(root, faults);
        let downloadable = root.flag("downloadable", faults);
        let key_required = root.flag("key_required", faults);
        let activation_required = root.flag("activation_required", faults);
        let files_sample = root.flag("files_sample", faults);
        let platforms = platforms(root, faults);
        let managed_by = root.texts("managed_by", faults);
        let versions = download::versions(root, faults);
        let texts = texts(root, family, downloadable, faults);
        let product = Product {
            id,
            family: family.family.id.clone(),
            texts: texts?,
            key_required: key_required?,
            activation_required: activation_required?,
            downloadable: downloadable?,
            managed_by: Vec::new(),
            platforms: platforms?,
            versions: versions?,
            files_sample: files_sample?,
            walkthroughs: Walkthroughs::default(),
        };
        let draft = ProductDraft {
            file: source.path.clone(),
            product,
            client_access_licence: kind? == Kind::ClientAccessLicence,
            managed_by: managed_by?,
        };
        check(&draft, root, faults);
        Some(draft)
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Software,
    ClientAccessLicence,
}

fn kind(root: &mut Section<'_>, faults: &mut Faults) -> Option<Kind> {
    match root.text("kind", LINE_CHARS_MAX, faults)?.as_str() {
        "software" => Some(Kind::Software),
        "client-access-licence" => Some(Kind::ClientAccessLicence),
        other => {
            let message =
                format!("`kind` is \"software\" or \"client-access-licence\", not \"{other}\"");
            root.fault(faults, root.line_of("kind"), message);
            None
        }
    }
}

fn platforms(root: &mut Section<'_>, faults: &mut Faults) -> Option<Vec<Platform>> {
    let entries = root.texts("platforms", faults)?;
    let mut platforms = Vec::new();
    for entry in &entries {
        match Platform::parse(&entry.value) {
            Some(platform) if platforms.contains(&platform) => {
                root.fault(faults, entry.line, format!("`{}` occurs twice", entry.value));
            }
            Some(platform) => platforms.push(platform),
            None => {
                let known = Platform::ALL.map(Platform::as_str).join(", ");
                let message = format!("no platform is called `{}`; known: {known}", entry.value);
                root.fault(faults, entry.line, message);
            }
        }
    }
    if entries.is_empty() {
        root.fault(faults, root.line_of("platforms"), "`platforms` must name at least one");
    }
    (!platforms.is_empty()).then_some(platforms)
}

fn texts(
    root: &mut Section<'_>,
    family: &FamilyDraft,
    downloadable: Option<bool>,
    faults: &mut Faults,
) -> Option<Localised<ProductTexts>> {
    let section = root.section("text", faults)?;
    let mut texts = BTreeMap::new();
    for (language, mut text) in in_languages(section, &family.languages, faults) {
        let one = text_of(&mut text, family, &language, downloadable, faults);
        text.finish(faults);
        if let Some(one) = one {
            texts.insert(language, one);
        }
    }
    let notes = texts.values().filter(|text: &&ProductTexts| !text.note.is_empty()).count();
    if notes != 0 && notes != texts.len() {
        root.fault(faults, root.line_of("text"), "`note` is missing in some languages");
    }
    localised(texts)
}

fn text_of(
    text: &mut Section<'_>,
    family: &FamilyDraft,
    language: &LanguageTag,
    downloadable: Option<bool>,
    faults: &mut Faults,
) -> Option<ProductTexts> {
    let title = text.text("title", LINE_CHARS_MAX, faults);
    let description = text.text("description", TEXT_CHARS_MAX, faults);
    let note = text.text_or_empty("note", TEXT_CHARS_MAX, faults);
    let has_own = text.has("not_downloadable_note");
    let own = text.text_or_empty("not_downloadable_note", TEXT_CHARS_MAX, faults);
    // What a family whose file has faults would say is not known; then no note is missed.
    let inherited = match &family.not_downloadable_notes {
        Some(notes) => notes.get(language).cloned(),
        None => Some(String::new()),
    };
    let not_downloadable_note = match (downloadable, has_own) {
        (Some(true), true) => {
            let message = "a product that can be downloaded has no `not_downloadable_note`";
            text.fault(faults, text.line_of("not_downloadable_note"), message);
            None
        }
        (Some(true), false) => Some(String::new()),
        (Some(false), false) if inherited.is_none() => {
            let message = "`not_downloadable_note` is missing, here and in family.toml";
            text.fault(faults, text.line(), message);
            None
        }
        (Some(false), false) => inherited,
        (Some(false), true) | (None, _) => own,
    }?;
    Some(ProductTexts {
        title: title?,
        description: description?,
        note: note?,
        not_downloadable_note,
    })
}

/// What the fields of a product say about each other (R5, R9).
fn check(draft: &ProductDraft, root: &Section<'_>, faults: &mut Faults) {
    let product = &draft.product;
    let mut fault = |field: &str, message: &str| {
        root.fault(faults, root.line_of(field), message);
    };
    if draft.client_access_licence {
        if product.downloadable {
            fault("downloadable", "a client access licence cannot be downloaded");
        }
        if product.key_required {
            fault("key_required", "a client access licence has no product key");
        }
        if product.activation_required {
            fault("activation_required", "a client access licence is not activated itself");
        }
        if draft.managed_by.is_empty() {
            fault("managed_by", "a client access licence names the products that manage it");
        }
    }
    if product.activation_required && !product.key_required {
        fault("key_required", "a product that is activated needs a product key");
    }
    // A licence that claims to be downloadable is told above; that it has no versions is as it
    // should be.
    if product.downloadable && product.versions.is_empty() && !draft.client_access_licence {
        fault("versions", "a product that can be downloaded has at least one version");
    }
    if !product.downloadable && !product.versions.is_empty() {
        fault("versions", "a product that cannot be downloaded has no versions");
    }
}
