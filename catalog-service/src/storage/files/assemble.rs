//! Puts the files together: reads each of them, follows every reference, and builds the content.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::family::{self, FamilyDraft};
use super::faults::Faults;
use super::folder::{FamilyFolder, Folder};
use super::offer;
use super::product::{self, ProductDraft};
use super::resolve;
use super::walkthrough::{self, WalkthroughDraft};
use crate::domain::content::Content;
use crate::domain::id::{FamilyId, OfferId, ProductId};
use crate::domain::language::LanguageTag;

/// What was read before references are followed.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    families: BTreeMap<FamilyId, FamilyDraft>,
    products: BTreeMap<ProductId, ProductDraft>,
    /// Every product that has a file, and its family: also those whose file has faults.
    known: BTreeMap<ProductId, FamilyId>,
    walkthroughs: BTreeMap<FamilyId, Vec<WalkthroughDraft>>,
}

impl Drafts {
    /// The family of a product that has a file.
    pub(super) fn family_of(&self, product: &ProductId) -> Option<&str> {
        self.known.get(product).map(FamilyId::as_str)
    }

    /// Whether the product has a file.
    pub(super) fn knows_product(&self, product: &ProductId) -> bool {
        self.known.contains_key(product)
    }

    /// A product whose file could be read.
    pub(super) fn product(&self, product: &ProductId) -> Option<&ProductDraft> {
        self.products.get(product)
    }

    /// The languages of all families.
    pub(super) fn languages(&self) -> BTreeSet<LanguageTag> {
        self.families.values().flat_map(|draft| draft.languages.iter().cloned()).collect()
    }
}

/// Reads the files, follows the references and builds the content, noting every fault.
pub(super) fn assemble(folder: &Folder, faults: &mut Faults) -> Content {
    if folder.families.is_empty() {
        faults.add(&PathBuf::from("."), 1, "the folder holds no family of products");
    }
    let mut drafts = Drafts::default();
    for (name, family) in &folder.families {
        read_family(name, family, &mut drafts, faults);
    }
    let mut offers = Vec::new();
    for source in &folder.offers {
        match OfferId::parse(source.stem()) {
            Ok(id) => offers.extend(offer::read(id, source, &drafts, faults)),
            Err(error) => faults.add(&source.path, 1, format!("the file name: {error}")),
        }
    }
    for (family, walkthroughs) in &drafts.walkthroughs {
        for walkthrough in walkthroughs {
            check_place(walkthrough, family, &drafts, faults);
        }
    }
    let mut products = Vec::new();
    for draft in drafts.products.values() {
        let mut product = draft.product.clone();
        product.managed_by = managers(draft, &drafts, faults);
        if let Some(family) = drafts.families.get(&product.family) {
            let titles = resolve::Titles::of(draft, &product.managed_by, &drafts);
            let walkthroughs = drafts.walkthroughs.get(&product.family);
            product.walkthroughs = resolve::walkthroughs(
                draft,
                family,
                walkthroughs.map(Vec::as_slice).unwrap_or_default(),
                &titles,
                faults,
            );
        }
        products.push(product);
    }
    let families = drafts.families.into_values().map(|draft| draft.family).collect();
    Content::new(families, products, offers, folder.fingerprint)
}

fn read_family(name: &str, folder: &FamilyFolder, drafts: &mut Drafts, faults: &mut Faults) {
    let id = match FamilyId::parse(name) {
        Ok(id) => id,
        Err(error) => {
            let message = format!("the name of the folder: {error}");
            return faults.add(&PathBuf::from(name), 1, message);
        }
    };
    let file = PathBuf::from(name).join("family.toml");
    let draft = match &folder.family {
        Some(source) => family::read(id.clone(), source, faults),
        None => {
            faults.add(&file, 1, "is missing: every family has this file");
            FamilyDraft::unknown(id.clone())
        }
    };
    for source in &folder.products {
        let product_id = match ProductId::parse(source.stem()) {
            Ok(product_id) => product_id,
            Err(error) => {
                faults.add(&source.path, 1, format!("the file name: {error}"));
                continue;
            }
        };
        let read = product::read(product_id.clone(), &draft, source, faults);
        match drafts.known.get(&product_id) {
            Some(other) => {
                let message = format!("family `{other}` has a product of this name already");
                faults.add(&source.path, 1, message);
            }
            None => {
                drafts.known.insert(product_id.clone(), id.clone());
                drafts.products.extend(read.map(|read| (product_id, read)));
            }
        }
    }
    let walkthroughs = folder.install.iter().filter_map(|file| walkthrough::read(file, faults));
    drafts.walkthroughs.insert(id.clone(), walkthroughs.collect());
    drafts.families.insert(id, draft);
}

/// Tells a walkthrough that no product would ever show.
fn check_place(
    walkthrough: &WalkthroughDraft,
    family: &FamilyId,
    drafts: &Drafts,
    faults: &mut Faults,
) {
    let languages = drafts.families.get(family).map(|draft| draft.languages.as_slice());
    let languages = languages.unwrap_or_default();
    if !languages.is_empty() && !languages.contains(&walkthrough.language) {
        let message =
            format!("`{}` is not one of the languages of the family", walkthrough.language);
        faults.add(&walkthrough.file, 1, message);
    }
    let platform = walkthrough.platform;
    let Some(name) = &walkthrough.product else {
        let mut products = drafts.products.values();
        let of_family = |draft: &ProductDraft| draft.product.family == *family;
        if !products.any(|draft| of_family(draft) && draft.product.platforms.contains(&platform)) {
            let message = format!("no product of the family is for `{}`", platform.as_str());
            faults.add(&walkthrough.file, 1, message);
        }
        return;
    };
    let product = ProductId::parse(name).ok().filter(|id| drafts.known.get(id) == Some(family));
    let Some(product) = product else {
        let message = format!("the family has no product `{name}`");
        return faults.add(&walkthrough.file, 1, message);
    };
    let Some(draft) = drafts.products.get(&product) else { return };
    if !draft.product.platforms.contains(&platform) {
        let message = format!("`{name}` is not for `{}`", platform.as_str());
        faults.add(&walkthrough.file, 1, message);
    }
    if let Some(version) = &walkthrough.version
        && !draft.product.versions.iter().any(|known| known.id == *version)
    {
        faults.add(&walkthrough.file, 1, format!("`{name}` has no version `{version}`"));
    }
}

/// The products that manage this one: they exist, and they can be installed themselves (R9).
fn managers(draft: &ProductDraft, drafts: &Drafts, faults: &mut Faults) -> Vec<ProductId> {
    let mut managers = Vec::new();
    for entry in &draft.managed_by {
        let id = ProductId::parse(&entry.value).ok().filter(|id| drafts.knows_product(id));
        let Some(id) = id else {
            let message = format!("`managed_by`: there is no product `{}`", entry.value);
            faults.add(&draft.file, entry.line, message);
            continue;
        };
        let manager = drafts.product(&id);
        if manager.is_some_and(|manager| !manager.product.downloadable) {
            let message =
                format!("`managed_by`: `{id}` cannot be installed, so it manages nothing");
            faults.add(&draft.file, entry.line, message);
        }
        managers.push(id);
    }
    managers
}
