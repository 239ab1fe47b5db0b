//! Resolves what a reader chose in the pane (F3), from version to architecture and platform.

use thiserror::Error;

use super::instruction::Walkthrough;
use super::language::LanguageTag;
use super::product::{
    Architecture, Build, DownloadFile, Edition, EditionLanguage, Platform, Product, Version,
};

/// What the reader asked for; an empty text leaves the choice to us.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Version id.
    pub version: &'a str,
    /// Edition id.
    pub edition: &'a str,
    /// Language tag of the software.
    pub software_language: &'a str,
    /// Architecture name.
    pub architecture: &'a str,
}

/// What the reader gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice<'c> {
    /// The version.
    pub version: &'c Version,
    /// The edition of it.
    pub edition: &'c Edition,
    /// The language of the software.
    pub software_language: &'c LanguageTag,
    /// The architecture.
    pub architecture: Architecture,
    /// The files to download.
    pub files: &'c [DownloadFile],
}

/// Instructions together with what they were chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChosenInstructions<'c> {
    /// The walkthrough.
    pub walkthrough: &'c Walkthrough,
    /// The language of its texts.
    pub language: &'c LanguageTag,
    /// The platform.
    pub platform: Platform,
    /// The version; "" for a product without versions.
    pub version: &'c str,
}

/// The field of a choice that cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChoiceField {
    /// The version.
    Version,
    /// The edition.
    Edition,
    /// The language of the software.
    SoftwareLanguage,
    /// The architecture.
    Architecture,
    /// The platform of the instructions.
    Platform,
}

impl ChoiceField {
    /// The field of the request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Edition => "edition",
            Self::SoftwareLanguage => "software_language_code",
            Self::Architecture => "architecture",
            Self::Platform => "platform",
        }
    }
}

/// Why a choice cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChoiceError {
    /// There is nothing to download (R9).
    #[error("the product cannot be downloaded")]
    NotDownloadable,
    /// The product, or what was chosen before this field, does not come in it.
    #[error("{}: not available; choose one of: {}", field.as_str(), allowed.join(", "))]
    Unavailable {
        /// The field.
        field: ChoiceField,
        /// What may be chosen instead, given the fields before it.
        allowed: Vec<String>,
    },
}

/// Resolves the files. The language of the software is, if left open, the reader's if there is one,
/// else the first.
pub fn choose<'c>(
    product: &'c Product,
    wanted: &Wanted<'_>,
    reader: &LanguageTag,
) -> Result<Choice<'c>, ChoiceError> {
    if !product.downloadable {
        return Err(ChoiceError::NotDownloadable);
    }
    let version = choose_version(product, wanted.version)?.ok_or(ChoiceError::NotDownloadable)?;
    let edition =
        one_of(&version.editions, wanted.edition, ChoiceField::Edition, |edition| &edition.id)?;
    let language = choose_language(edition, wanted.software_language, reader)?;
    let build = one_of(
        &language.builds,
        wanted.architecture,
        ChoiceField::Architecture,
        |build: &Build| build.architecture.as_str(),
    )?;
    Ok(Choice {
        version,
        edition,
        software_language: &language.language,
        architecture: build.architecture,
        files: &build.files,
    })
}

/// Resolves the walkthrough. A platform is one of the product's; the first of them if left open.
pub fn choose_instructions<'c>(
    product: &'c Product,
    version: &str,
    platform: Option<Platform>,
    reader: &LanguageTag,
) -> Result<ChosenInstructions<'c>, ChoiceError> {
    let version = choose_version(product, version)?.map_or("", |version| version.id.as_str());
    let unavailable = || ChoiceError::Unavailable {
        field: ChoiceField::Platform,
        allowed: product.platforms.iter().map(|known| known.as_str().to_owned()).collect(),
    };
    let platform =
        platform.or_else(|| product.platforms.first().copied()).ok_or_else(unavailable)?;
    let texts = product.walkthroughs.get(version, platform).ok_or_else(unavailable)?;
    let (language, walkthrough) = texts.pick(reader);
    Ok(ChosenInstructions { walkthrough, language, platform, version })
}

/// The version wanted, else the newest; none for a product without versions.
fn choose_version<'c>(
    product: &'c Product,
    wanted: &str,
) -> Result<Option<&'c Version>, ChoiceError> {
    if product.versions.is_empty() && wanted.is_empty() {
        return Ok(None);
    }
    one_of(&product.versions, wanted, ChoiceField::Version, |version| &version.id).map(Some)
}

fn choose_language<'c>(
    edition: &'c Edition,
    wanted: &str,
    reader: &LanguageTag,
) -> Result<&'c EditionLanguage, ChoiceError> {
    let name = |language: &'c EditionLanguage| language.language.as_str();
    if !wanted.is_empty() {
        // Any case will do, for a tag is the same tag in any case.
        let tag = LanguageTag::parse(wanted).map_or(wanted.to_owned(), |tag| tag.to_string());
        return one_of(&edition.languages, &tag, ChoiceField::SoftwareLanguage, name);
    }
    let exact = edition.languages.iter().find(|language| language.language == *reader);
    let related = || edition.languages.iter().find(|language| speaks(&language.language, reader));
    match exact.or_else(related) {
        Some(language) => Ok(language),
        None => one_of(&edition.languages, "", ChoiceField::SoftwareLanguage, name),
    }
}

/// Whether software in this language suits the reader: nl-NL suits nl and nl-BE.
fn speaks(software: &LanguageTag, reader: &LanguageTag) -> bool {
    software.ancestry().last() == reader.ancestry().last()
}

/// The entry of that name, or the first if the name is empty.
fn one_of<'c, T>(
    entries: &'c [T],
    wanted: &str,
    field: ChoiceField,
    name: impl Fn(&'c T) -> &'c str,
) -> Result<&'c T, ChoiceError> {
    let found = if wanted.is_empty() {
        entries.first()
    } else {
        entries.iter().find(|entry| name(entry) == wanted)
    };
    found.ok_or_else(|| ChoiceError::Unavailable {
        field,
        allowed: entries.iter().map(|entry| name(entry).to_owned()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::benefit::samples;
    use super::*;

    fn reader(tag: &str) -> LanguageTag {
        LanguageTag::parse(tag).expect("a valid tag")
    }

    #[test]
    fn f3_what_is_left_open_takes_the_first_value_and_the_readers_language() {
        let product = samples::server();
        for (tag, language) in [
            ("nl-NL", "nl-NL"),
            ("nl", "nl-NL"),
            ("nl-BE", "nl-NL"),
            ("fr", "en-US"),
            ("en", "en-US"),
        ] {
            let choice = choose(&product, &Wanted::default(), &reader(tag)).expect("a choice");
            assert_eq!(choice.software_language.as_str(), language, "{tag}");
            assert_eq!(
                (choice.version.id.as_str(), choice.edition.id.as_str()),
                ("2022", "standard")
            );
            assert_eq!((choice.architecture, choice.files.len()), (Architecture::X64, 1));
        }
    }

    #[test]
    fn f3_each_field_that_does_not_exist_is_named_with_what_may_be_chosen() {
        let product = samples::server();
        let cases: [(Wanted<'_>, ChoiceField, &[&str]); 4] = [
            (
                Wanted { version: "2003", ..Wanted::default() },
                ChoiceField::Version,
                &["2022", "2019"],
            ),
            (
                Wanted { edition: "home", ..Wanted::default() },
                ChoiceField::Edition,
                &["standard", "datacenter"],
            ),
            (
                Wanted { software_language: "fr-FR", ..Wanted::default() },
                ChoiceField::SoftwareLanguage,
                &["en-US", "nl-NL"],
            ),
            (
                Wanted { architecture: "x86", ..Wanted::default() },
                ChoiceField::Architecture,
                &["x64"],
            ),
        ];
        for (wanted, field, allowed) in cases {
            let allowed = allowed.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(
                choose(&product, &wanted, &reader("en")),
                Err(ChoiceError::Unavailable { field, allowed })
            );
        }
    }

    #[test]
    fn a_language_tag_may_be_in_any_case() {
        let product = samples::server();
        let wanted = Wanted { software_language: "NL-nl", ..Wanted::default() };
        let choice = choose(&product, &wanted, &reader("en")).expect("a choice");
        assert_eq!(choice.software_language.as_str(), "nl-NL");
    }

    #[test]
    fn r9_a_cal_cannot_be_downloaded_but_has_instructions() {
        let cal = samples::cal();
        assert_eq!(
            choose(&cal, &Wanted::default(), &reader("nl")),
            Err(ChoiceError::NotDownloadable)
        );
        let chosen = choose_instructions(&cal, "", None, &reader("nl-NL")).expect("instructions");
        assert_eq!((chosen.version, chosen.language.as_str()), ("", "nl"));
    }

    #[test]
    fn r3_instructions_follow_version_and_platform() {
        let product = samples::server();
        let chosen = choose_instructions(&product, "2019", Some(Platform::Windows), &reader("en"))
            .expect("instructions");
        assert_eq!(chosen.version, "2019");
        let other = choose_instructions(&product, "", Some(Platform::Macos), &reader("en"));
        assert_eq!(
            other,
            Err(ChoiceError::Unavailable {
                field: ChoiceField::Platform,
                allowed: vec!["windows".to_owned()]
            })
        );
        let version = choose_instructions(&product, "1.0", None, &reader("en"));
        assert!(matches!(
            version,
            Err(ChoiceError::Unavailable { field: ChoiceField::Version, .. })
        ));
    }
}
