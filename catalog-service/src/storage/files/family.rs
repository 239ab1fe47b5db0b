//! Reads `family.toml`: the title of a family, its languages, and texts that its products share.

use std::collections::BTreeMap;

use super::faults::Faults;
use super::folder::SourceFile;
use super::section::{self, LINE_CHARS_MAX, Section, TEXT_CHARS_MAX};
use crate::domain::id::FamilyId;
use crate::domain::language::{LANGUAGE_OF_LAST_RESORT, LanguageTag, Localised};
use crate::domain::product::Family;

/// A family as its file describes it.
#[derive(Debug)]
pub(super) struct FamilyDraft {
    /// The family.
    pub(super) family: Family,
    /// The languages that all texts of the family have, English among them; empty if they are not
    /// known.
    pub(super) languages: Vec<LanguageTag>,
    /// Why products of the family cannot be downloaded, where none says so itself; none if that is
    /// not known.
    pub(super) not_downloadable_notes: Option<BTreeMap<LanguageTag, String>>,
}

impl FamilyDraft {
    /// Stands in for a family whose file has faults, so that its products are checked all the same.
    pub(super) fn unknown(id: FamilyId) -> Self {
        let family = Family { id, title: Localised::new(String::new()) };
        Self { family, languages: Vec::new(), not_downloadable_notes: None }
    }
}

/// Reads the file of the family with this id.
pub(super) fn read(id: FamilyId, source: &SourceFile, faults: &mut Faults) -> FamilyDraft {
    let draft = section::read_file(source, faults, |root, faults| {
        let languages = languages(root, faults);
        let section = root.section("text", faults);
        let languages = languages?;
        let mut titles = BTreeMap::new();
        let mut notes = BTreeMap::new();
        let line = root.line_of("text");
        for (language, mut text) in in_languages(section?, &languages, faults) {
            let title = text.text("title", LINE_CHARS_MAX, faults);
            let note = text.text_or_empty("not_downloadable_note", TEXT_CHARS_MAX, faults);
            text.finish(faults);
            titles.insert(language.clone(), title.unwrap_or_default());
            notes.extend(note.filter(|note| !note.is_empty()).map(|note| (language, note)));
        }
        if !notes.is_empty() && notes.len() != titles.len() {
            root.fault(faults, line, "`not_downloadable_note` is missing in some languages");
        }
        let family = Family { id: id.clone(), title: localised(titles)? };
        let not_downloadable_notes = Some(notes);
        Some(FamilyDraft { family, languages, not_downloadable_notes })
    });
    draft.unwrap_or_else(|| FamilyDraft::unknown(id))
}

fn languages(root: &mut Section<'_>, faults: &mut Faults) -> Option<Vec<LanguageTag>> {
    let mut languages = Vec::new();
    for entry in root.texts("languages", faults)? {
        match LanguageTag::parse(&entry.value).ok().filter(|tag| tag.as_str() == entry.value) {
            Some(tag) if languages.contains(&tag) => {
                root.fault(faults, entry.line, format!("`{tag}` occurs twice"));
            }
            Some(tag) => languages.push(tag),
            None => {
                let message = format!("`{}` is not a language tag (BCP 47)", entry.value);
                root.fault(faults, entry.line, message);
            }
        }
    }
    if !languages.iter().any(|tag| tag.as_str() == LANGUAGE_OF_LAST_RESORT) {
        let line = root.line_of("languages");
        root.fault(faults, line, "`languages` must have \"en\", the language of last resort");
        return None;
    }
    Some(languages)
}

/// The tables of a `text` table in exactly these languages: others are faults, and so are missing
/// ones. No languages at all means that they are not known, and any will do.
pub(super) fn in_languages<'t>(
    texts: Section<'t>,
    languages: &[LanguageTag],
    faults: &mut Faults,
) -> Vec<(LanguageTag, Section<'t>)> {
    let found = texts.by_language(faults);
    for language in languages {
        if !found.iter().any(|(known, _)| known == language) {
            let message = format!("the texts in `{language}` are missing");
            texts.fault(faults, texts.line(), message);
        }
    }
    let (wanted, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|(tag, _)| languages.is_empty() || languages.contains(tag));
    for (language, section) in others {
        let message = format!("`{language}` is not one of the languages of the family");
        section.fault(faults, section.line(), message);
    }
    wanted
}

/// Texts by language, English first; none without English.
pub(super) fn localised<T>(mut texts: BTreeMap<LanguageTag, T>) -> Option<Localised<T>> {
    let mut localised = Localised::new(texts.remove(&LanguageTag::english())?);
    for (language, text) in texts {
        localised.insert(language, text);
    }
    Some(localised)
}
