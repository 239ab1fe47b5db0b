//! What the checker finds, with file and line, and what it makes of content without faults.

use std::fs;
use std::path::{Path, PathBuf};

use super::check;
use crate::domain::choice::{Wanted, choose, choose_instructions};
use crate::domain::content::Content;
use crate::domain::id::{OfferId, ProductId};
use crate::domain::language::LanguageTag;
use crate::domain::offer::CountingMode;
use crate::domain::product::{Platform, Product};

mod faulty;

fn crate_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The content that is delivered with the service.
fn delivered() -> Content {
    check(&crate_folder("catalog")).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

fn product<'c>(content: &'c Content, id: &str) -> &'c Product {
    content.product(&ProductId::parse(id).expect("an id")).unwrap_or_else(|| panic!("no {id}"))
}

fn tag(text: &str) -> LanguageTag {
    LanguageTag::parse(text).expect("a language tag")
}

#[test]
fn every_on_premises_row_of_the_vendors_list_is_granted_by_maps_core() {
    let content = delivered();
    let offer = content.offer(&OfferId::parse("maps-core").expect("an id")).expect("maps-core");
    let mut rows = csv::Reader::from_path(crate_folder("tests/data/action-pack-benefits.csv"))
        .expect("the list of the vendor");
    let mut granted = 0;
    for row in rows.records() {
        let row = row.expect("a row");
        if &row[2] != "On-premises" {
            continue;
        }
        let (title, printed) = (&row[1], &row[3]);
        let grant = offer
            .grants
            .iter()
            .find(|grant| product(&content, grant.product.as_str()).texts.english().title == *title)
            .unwrap_or_else(|| panic!("maps-core does not grant `{title}`"));
        assert_eq!(grant.licence_quantity.printed, *printed, "{title}");
        let value = printed.parse().unwrap_or(1);
        assert_eq!(grant.licence_quantity.value, value, "{title}");
        let unit = match title {
            title if title.contains("CAL") => "CAL",
            title if title.to_lowercase().contains("(per core)") => "core",
            _ => "licence",
        };
        assert_eq!(grant.licence_quantity.unit, unit, "{title}");
        granted += 1;
    }
    assert_eq!(granted, 32, "on-premises rows of the list");
    assert_eq!(offer.grants.len(), granted, "maps-core grants these and no others");
    assert_eq!(offer.source(), "MAPS - Core");
    assert_eq!(offer.counting_mode, CountingMode::HardwareTolerant);
}

#[test]
fn r5_activation_is_required_for_windows_and_office_alone() {
    let content = delivered();
    for product in content.products().values() {
        let family = product.family.as_str();
        let activated = ["windows-server", "windows-client", "office"].contains(&family);
        assert_eq!(product.activation_required, activated, "{}", product.id);
    }
    let without = |product: &&Product| !product.key_required && product.downloadable;
    assert!(content.products().values().filter(without).count() >= 3, "some need no key at all");
}

#[test]
fn f4_limits_are_marked_as_samples_and_products_without_activation_have_none() {
    let content = delivered();
    for offer in content.offers().values() {
        for grant in &offer.grants {
            let activated = product(&content, grant.product.as_str()).activation_required;
            assert_eq!(grant.activation_limit > 0, activated, "{}", grant.product);
            assert_eq!(grant.activation_limit_sample, activated, "{}", grant.product);
        }
    }
}

#[test]
fn f5_one_offer_counts_every_activation() {
    let content = delivered();
    let mut offers = content.offers().values();
    let offer = offers.find(|offer| offer.counting_mode == CountingMode::EveryActivation);
    let grants = &offer.expect("a competency-style offer").grants;
    assert!(grants.len() >= 5);
    assert!(grants.iter().any(|grant| grant.activation_limit > 0));
}

#[test]
fn r9_cals_are_not_downloadable_and_name_the_server_that_manages_them() {
    let content = delivered();
    let cals: Vec<&Product> =
        content.products().values().filter(|product| !product.downloadable).collect();
    assert_eq!(cals.len(), 5);
    for cal in cals {
        assert!(!cal.key_required && !cal.activation_required && !cal.managed_by.is_empty());
        for (language, note) in
            [("en", "No further details available"), ("nl", "Geen verdere details beschikbaar")]
        {
            let (served, texts) = cal.texts.pick(&tag(language));
            assert_eq!(served.as_str(), language);
            assert!(texts.not_downloadable_note.starts_with(note), "{}", cal.id);
        }
        let shown = choose_instructions(cal, "", None, &tag("nl-NL")).expect("instructions");
        let manager = &product(&content, cal.managed_by[0].as_str()).texts.pick(&tag("nl")).1.title;
        assert!(shown.walkthrough.steps[2].markdown.contains(manager.as_str()), "{}", cal.id);
    }
}

#[test]
fn f10_office_is_for_windows_alone() {
    let content = delivered();
    let office = product(&content, "office-professional-plus-2019");
    assert_eq!(office.platforms, [Platform::Windows]);
    assert!(choose_instructions(office, "", Some(Platform::Macos), &tag("en")).is_err());
}

#[test]
fn the_rows_that_call_a_client_a_server_keep_their_text_and_say_so() {
    let content = delivered();
    for (id, edition) in [
        ("windows-client-enterprise", "Enterprise"),
        ("windows-client-professional", "Professional"),
    ] {
        let product = product(&content, id);
        let english = product.texts.english();
        let printed = format!("Windows Server 2022 {edition} (Current Branch or LTSC 2019)");
        assert_eq!(
            (english.title.as_str(), product.family.as_str()),
            (&*printed, "windows-client")
        );
        assert!(!english.note.is_empty());
    }
}

#[test]
fn r3_f2_every_product_has_a_pane_of_its_own_in_english_and_dutch() {
    let content = delivered();
    for product in content.products().values() {
        let versions = product.versions.iter().map(|version| version.id.as_str());
        let versions = versions.chain(product.versions.is_empty().then_some(""));
        for (version, platform) in versions.zip(product.platforms.iter().cycle()) {
            for language in ["en", "nl"] {
                let shown = choose_instructions(product, version, Some(*platform), &tag(language))
                    .unwrap_or_else(|error| panic!("{}: {error}", product.id));
                assert_eq!((shown.language.as_str(), shown.version), (language, version));
                let steps = &shown.walkthrough.steps;
                let whole: String = steps.iter().map(|step| step.markdown.as_str()).collect();
                let title = &product.texts.pick(&tag(language)).1.title;
                assert!(whole.contains(title.as_str()), "{} in {language}", product.id);
                assert!(!whole.contains("{{"), "{} in {language}", product.id);
                assert!(!shown.walkthrough.system_requirements.is_empty());
            }
        }
    }
}

#[test]
fn f3_everything_offered_can_be_chosen_and_is_marked_as_sample() {
    let content = delivered();
    for product in content.products().values().filter(|product| product.downloadable) {
        assert!(product.files_sample, "{}", product.id);
        for version in &product.versions {
            for edition in &version.editions {
                for language in &edition.languages {
                    for build in &language.builds {
                        let wanted = Wanted {
                            version: &version.id,
                            edition: &edition.id,
                            software_language: language.language.as_str(),
                            architecture: build.architecture.as_str(),
                        };
                        let choice = choose(product, &wanted, &tag("en")).expect("a choice");
                        assert_eq!(choice.files, build.files);
                        assert!(choice.files[0].uri.starts_with("https://downloads.example.com/"));
                    }
                }
            }
        }
    }
}

#[test]
fn r3_the_nearest_text_of_each_part_is_shown() {
    let folder = faulty::minimal();
    let install = folder.path().join("servers/install");
    fs::create_dir_all(install.join("server-2019/2019")).expect("a folder");
    let own = "## Own {#introduction}\n\nOf the product, {{version}}.\n";
    fs::write(install.join("server-2019/windows.en.md"), own).expect("a file");
    let newest = "## Needs {#system-requirements}\n\nOf the version.\n";
    fs::write(install.join("server-2019/2019/windows.en.md"), newest).expect("a file");
    let content = check(folder.path()).expect("no faults");
    let shown = choose_instructions(product(&content, "server-2019"), "", None, &tag("en"))
        .expect("instructions");
    assert_eq!(shown.walkthrough.steps[0].title, "Own");
    assert_eq!(shown.walkthrough.steps[0].markdown, "Of the product, Version 2019.");
    assert_eq!(shown.walkthrough.steps[1].markdown, "1. Setup.");
    assert_eq!(shown.walkthrough.system_requirements, "Of the version.");
    assert_eq!(shown.walkthrough.regional_limits, "");
    let dutch = choose_instructions(product(&content, "server-2019"), "", None, &tag("nl"));
    assert_eq!(dutch.expect("instructions").walkthrough.steps[0].markdown, "Server 2019 (NL), nl.");
}

#[test]
fn a_fingerprint_is_that_of_the_content_and_not_of_its_place() {
    let (one, other) = (faulty::minimal(), faulty::minimal());
    let fingerprint = |folder: &Path| *check(folder).expect("no faults").fingerprint();
    assert_eq!(fingerprint(one.path()), fingerprint(other.path()));
    let family = other.path().join("servers/family.toml");
    let text = fs::read_to_string(&family).expect("a file");
    fs::write(&family, format!("{text}\n")).expect("a file");
    assert_ne!(fingerprint(one.path()), fingerprint(other.path()));
}
