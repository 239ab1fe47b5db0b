//! Reads what can be downloaded of a product: versions, editions, and their files by language and
//! architecture.

use super::faults::Faults;
use super::section::{LINE_CHARS_MAX, Section};
use crate::domain::language::LanguageTag;
use crate::domain::product::{
    Architecture, Build, DownloadFile, Edition, EditionLanguage, Version,
};

/// Most characters of the id of a version or edition.
pub(super) const CHOICE_ID_CHARS_MAX: usize = 32;
/// Most characters of a link.
pub(super) const URI_CHARS_MAX: usize = 512;
/// Most bytes of a download: 1 TiB.
const DOWNLOAD_BYTES_MAX: u64 = 1 << 40;
/// Hex digits of a SHA-256.
const SHA256_HEX_CHARS: usize = 64;

/// The versions of a product, in the order of the file.
pub(super) fn versions(root: &mut Section<'_>, faults: &mut Faults) -> Option<Vec<Version>> {
    let sections = root.sections("versions", faults);
    let wanted = sections.len();
    let mut versions: Vec<Version> = Vec::new();
    for mut section in sections {
        let id = choice_id(&mut section, faults);
        let title = section.text("title", LINE_CHARS_MAX, faults);
        let editions = editions(&mut section, faults);
        if let Some(id) = &id
            && versions.iter().any(|version| version.id == *id)
        {
            section.fault(faults, section.line_of("id"), format!("version `{id}` occurs twice"));
        }
        section.finish(faults);
        if let (Some(id), Some(title), Some(editions)) = (id, title, editions) {
            versions.push(Version { id, title, editions });
        }
    }
    (versions.len() == wanted).then_some(versions)
}

fn editions(version: &mut Section<'_>, faults: &mut Faults) -> Option<Vec<Edition>> {
    let sections = version.sections("editions", faults);
    if sections.is_empty() {
        version.fault(faults, version.line(), "a version has at least one edition");
    }
    let wanted = sections.len();
    let mut editions: Vec<Edition> = Vec::new();
    for mut section in sections {
        let id = choice_id(&mut section, faults);
        let title = section.text("title", LINE_CHARS_MAX, faults);
        let languages = languages(&mut section, faults);
        if let Some(id) = &id
            && editions.iter().any(|edition| edition.id == *id)
        {
            section.fault(faults, section.line_of("id"), format!("edition `{id}` occurs twice"));
        }
        section.finish(faults);
        if let (Some(id), Some(title), Some(languages)) = (id, title, languages) {
            editions.push(Edition { id, title, languages });
        }
    }
    (wanted > 0 && editions.len() == wanted).then_some(editions)
}

fn choice_id(section: &mut Section<'_>, faults: &mut Faults) -> Option<String> {
    let id = section.text("id", CHOICE_ID_CHARS_MAX, faults)?;
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    if id.bytes().all(allowed) {
        return Some(id);
    }
    section.fault(faults, section.line_of("id"), "`id` consists of a-z, 0-9, \"-\" and \".\"");
    None
}

/// The files of an edition, grouped by language and then architecture in the order in which they
/// first occur.
fn languages(edition: &mut Section<'_>, faults: &mut Faults) -> Option<Vec<EditionLanguage>> {
    let sections = edition.sections("files", faults);
    if sections.is_empty() {
        edition.fault(faults, edition.line(), "an edition has at least one file");
    }
    let wanted = sections.len();
    let mut read = 0_usize;
    let mut languages: Vec<EditionLanguage> = Vec::new();
    for mut section in sections {
        let language = software_language(&mut section, faults);
        let architecture = architecture(&mut section, faults);
        let file = file(&mut section, faults);
        if let (Some(language), Some(architecture), Some(file)) = (language, architecture, file)
            && let Some(build) = build_of(&mut languages, language, architecture)
        {
            if build.files.iter().any(|known| known.file_name == file.file_name) {
                let message = format!("file `{}` occurs twice", file.file_name);
                section.fault(faults, section.line_of("file_name"), message);
            }
            build.files.push(file);
            read = read.saturating_add(1);
        }
        section.finish(faults);
    }
    (wanted > 0 && read == wanted).then_some(languages)
}

/// The build of this language and architecture, made if it is not there yet.
fn build_of(
    languages: &mut Vec<EditionLanguage>,
    language: LanguageTag,
    architecture: Architecture,
) -> Option<&mut Build> {
    if !languages.iter().any(|known| known.language == language) {
        languages.push(EditionLanguage { language: language.clone(), builds: Vec::new() });
    }
    let known = languages.iter_mut().find(|known| known.language == language)?;
    if !known.builds.iter().any(|build| build.architecture == architecture) {
        known.builds.push(Build { architecture, files: Vec::new() });
    }
    known.builds.iter_mut().find(|build| build.architecture == architecture)
}

fn software_language(section: &mut Section<'_>, faults: &mut Faults) -> Option<LanguageTag> {
    let text = section.text("language", LINE_CHARS_MAX, faults)?;
    let tag = LanguageTag::parse(&text).ok().filter(|tag| tag.as_str() == text);
    if tag.is_none() {
        let line = section.line_of("language");
        section.fault(faults, line, format!("`{text}` is not a language tag (BCP 47)"));
    }
    tag
}

fn architecture(section: &mut Section<'_>, faults: &mut Faults) -> Option<Architecture> {
    let text = section.text("architecture", LINE_CHARS_MAX, faults)?;
    let architecture = Architecture::parse(&text);
    if architecture.is_none() {
        let known = Architecture::ALL.map(Architecture::as_str).join(", ");
        let line = section.line_of("architecture");
        section.fault(faults, line, format!("no architecture is called `{text}`; known: {known}"));
    }
    architecture
}

fn file(section: &mut Section<'_>, faults: &mut Faults) -> Option<DownloadFile> {
    let file_name = section.text("file_name", LINE_CHARS_MAX, faults);
    let uri = uri(section, faults);
    let size_bytes = section.number("size_bytes", 1..=DOWNLOAD_BYTES_MAX, faults);
    let sha256 = section.text("sha256", LINE_CHARS_MAX, faults);
    if let Some(name) = &file_name
        && name.contains(['/', '\\'])
    {
        section.fault(faults, section.line_of("file_name"), "`file_name` is a name, not a path");
    }
    if let Some(sha256) = &sha256
        && !is_sha256(sha256)
    {
        let message = format!("`sha256` must be {SHA256_HEX_CHARS} lower-case hex digits");
        section.fault(faults, section.line_of("sha256"), message);
    }
    Some(DownloadFile {
        file_name: file_name?,
        uri: uri?,
        size_bytes: size_bytes?,
        sha256: sha256?,
    })
}

fn is_sha256(text: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.len() == SHA256_HEX_CHARS && text.bytes().all(hex)
}

fn uri(section: &mut Section<'_>, faults: &mut Faults) -> Option<String> {
    let uri = section.text("uri", URI_CHARS_MAX, faults)?;
    let host = uri.strip_prefix("https://").and_then(|rest| rest.split('/').next());
    if host.is_some_and(|host| host.contains('.')) && uri.bytes().all(|b| b.is_ascii_graphic()) {
        return Some(uri);
    }
    section.fault(faults, section.line_of("uri"), "`uri` must be an https link to a host");
    None
}
