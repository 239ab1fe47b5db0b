//! A tiny content for tests: one server in two versions, its CAL, and two offers.

use crate::domain::content::Content;
use crate::domain::enrolment::{Enrolment, Term};
use crate::domain::id::{EnrolmentId, FamilyId, OfferId, ProductId};
use crate::domain::instruction::{Step, Walkthrough, Walkthroughs};
use crate::domain::language::{LanguageTag, Localised};
use crate::domain::offer::{CountingMode, Grant, LicenceQuantity, Offer};
use crate::domain::product::{
    Architecture, Build, DownloadFile, Edition, EditionLanguage, Family, Platform, Product,
    ProductTexts, Version,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub(crate) fn content() -> Content {
    let family = Family {
        id: FamilyId::parse("servers").expect("an id"),
        title: Localised::new("Servers".to_owned()),
    };
    let offers = vec![
        offer("maps-core", ("MAPS", "Core"), CountingMode::HardwareTolerant, &["server", "cal"]),
        offer("competency", ("Competency", "Data"), CountingMode::EveryActivation, &["server"]),
    ];
    Content::new(vec![family], vec![server(), cal()], offers, [7; 32])
}

pub(crate) fn enrolment(
    id: &str,
    offer: &str,
    start_day: i64,
    end_day: i64,
    provisioned: bool,
) -> Enrolment {
    Enrolment {
        id: EnrolmentId::parse(id).expect("an id"),
        offer: OfferId::parse(offer).expect("an id"),
        term: Term { start_ms: start_day * DAY_MS, end_ms: end_day * DAY_MS, provisioned },
    }
}

pub(crate) fn server() -> Product {
    let mut walkthroughs = Walkthroughs::default();
    for version in ["2022", "2019"] {
        walkthroughs.insert(version, Platform::Windows, walkthrough());
    }
    Product {
        key_required: true,
        activation_required: true,
        downloadable: true,
        versions: vec![version("2022"), version("2019")],
        walkthroughs,
        ..cal_named("server", "Server", "De server")
    }
}

pub(crate) fn cal() -> Product {
    cal_named("cal", "Server CAL", "Server-CAL")
}

fn cal_named(id: &str, english: &str, dutch: &str) -> Product {
    let text = |title: &str| ProductTexts { title: title.to_owned(), ..ProductTexts::default() };
    let mut texts = Localised::new(text(english));
    texts.insert(LanguageTag::parse("nl").expect("a tag"), text(dutch));
    let mut walkthroughs = Walkthroughs::default();
    walkthroughs.insert("", Platform::Windows, walkthrough());
    Product {
        id: ProductId::parse(id).expect("an id"),
        family: FamilyId::parse("servers").expect("an id"),
        texts,
        key_required: false,
        activation_required: false,
        downloadable: false,
        managed_by: vec![],
        platforms: vec![Platform::Windows],
        versions: vec![],
        files_sample: true,
        walkthroughs,
    }
}

fn walkthrough() -> Localised<Walkthrough> {
    let text = |word: &str| Walkthrough {
        steps: std::array::from_fn(|_| Step { title: word.to_owned(), markdown: word.to_owned() }),
        system_requirements: word.to_owned(),
        regional_limits: String::new(),
    };
    let mut texts = Localised::new(text("step"));
    texts.insert(LanguageTag::parse("nl").expect("a tag"), text("stap"));
    texts
}

fn version(id: &str) -> Version {
    let edition = |name: &str| Edition {
        id: name.to_owned(),
        title: name.to_owned(),
        languages: ["en-US", "nl-NL"].map(language).to_vec(),
    };
    Version {
        id: id.to_owned(),
        title: format!("Version {id}"),
        editions: vec![edition("standard"), edition("datacenter")],
    }
}

fn language(tag: &str) -> EditionLanguage {
    let file = DownloadFile {
        file_name: format!("server-{tag}.iso"),
        uri: format!("https://downloads.example.com/server-{tag}.iso"),
        size_bytes: 1,
        sha256: "0".repeat(64),
    };
    EditionLanguage {
        language: LanguageTag::parse(tag).expect("a tag"),
        builds: vec![Build { architecture: Architecture::X64, files: vec![file] }],
    }
}

fn offer(id: &str, source: (&str, &str), counting_mode: CountingMode, products: &[&str]) -> Offer {
    Offer {
        id: OfferId::parse(id).expect("an id"),
        title: Localised::new(id.to_owned()),
        program: source.0.to_owned(),
        specialisation: source.1.to_owned(),
        counting_mode,
        grants: products.iter().map(|product| grant(product)).collect(),
    }
}

fn grant(product: &str) -> Grant {
    Grant {
        product: ProductId::parse(product).expect("an id"),
        licence_quantity: LicenceQuantity {
            value: 10,
            unit: "licence".to_owned(),
            printed: "10".to_owned(),
        },
        activation_limit: if product == "cal" { 0 } else { 5 },
        activation_limit_sample: true,
    }
}
