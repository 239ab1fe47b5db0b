//! Language tags and texts in several languages: who asks for nl-NL gets nl-NL, else nl, else en.

use std::collections::BTreeMap;

use thiserror::Error;

/// Most characters of a language tag.
pub const LANGUAGE_TAG_CHARS_MAX: usize = 35;

/// The language that every text has.
pub const LANGUAGE_OF_LAST_RESORT: &str = "en";

/// Why a text is not a language tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a language tag looks like \"nl\", \"nl-NL\" or \"zh-Hans-CN\" (BCP 47)")]
pub struct LanguageError;

/// A BCP 47 tag of language, optional script and optional region, in its canonical case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanguageTag(String);

impl LanguageTag {
    /// Takes a tag in any case; `nl-nl` becomes `nl-NL`.
    pub fn parse(text: &str) -> Result<Self, LanguageError> {
        if text.len() > LANGUAGE_TAG_CHARS_MAX {
            return Err(LanguageError);
        }
        let mut parts = text.split('-').peekable();
        let language = parts.next().ok_or(LanguageError)?;
        if !(2..=3).contains(&language.len()) || !all_letters(language) {
            return Err(LanguageError);
        }
        let mut tag = language.to_ascii_lowercase();
        if let Some(script) = parts.next_if(|part| part.len() == 4 && all_letters(part)) {
            tag.push('-');
            for (index, letter) in script.chars().enumerate() {
                let upper = index == 0;
                tag.push(if upper {
                    letter.to_ascii_uppercase()
                } else {
                    letter.to_ascii_lowercase()
                });
            }
        }
        if let Some(region) = parts.next_if(|part| is_region(part)) {
            tag.push('-');
            tag.push_str(&region.to_ascii_uppercase());
        }
        if parts.next().is_some() { Err(LanguageError) } else { Ok(Self(tag)) }
    }

    /// English, the language of last resort.
    pub fn english() -> Self {
        Self(LANGUAGE_OF_LAST_RESORT.to_owned())
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag itself, then each shorter form of it: `nl-NL`, `nl`.
    pub fn ancestry(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.0.as_str()), |tag| {
            tag.rsplit_once('-').map(|(head, _)| head)
        })
    }
}

impl std::fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn all_letters(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphabetic())
}

fn is_region(part: &str) -> bool {
    (part.len() == 2 && all_letters(part))
        || (part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit()))
}

/// One thing in several languages, English always among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Localised<T> {
    english_tag: LanguageTag,
    english: T,
    others: BTreeMap<LanguageTag, T>,
}

impl<T> Localised<T> {
    /// Starts with the English form.
    pub fn new(english: T) -> Self {
        Self { english_tag: LanguageTag::english(), english, others: BTreeMap::new() }
    }

    /// Adds or replaces a language.
    pub fn insert(&mut self, language: LanguageTag, value: T) {
        if language == self.english_tag {
            self.english = value;
        } else {
            self.others.insert(language, value);
        }
    }

    /// The form nearest to the wanted language, and which language that is.
    pub fn pick(&self, wanted: &LanguageTag) -> (&LanguageTag, &T) {
        wanted
            .ancestry()
            .find_map(|tag| self.others.iter().find(|(language, _)| language.as_str() == tag))
            .unwrap_or((&self.english_tag, &self.english))
    }

    /// The English form.
    pub fn english(&self) -> &T {
        &self.english
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> LanguageTag {
        LanguageTag::parse(text).expect("a valid tag")
    }

    #[test]
    fn tags_take_their_canonical_case() {
        for (given, canonical) in [
            ("nl", "nl"),
            ("NL-nl", "nl-NL"),
            ("zh-hANS-cn", "zh-Hans-CN"),
            ("sr-latn", "sr-Latn"),
            ("es-419", "es-419"),
        ] {
            assert_eq!(tag(given).as_str(), canonical);
        }
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        let long = "nl-".repeat(20);
        for bad in
            ["", "n", "dutch", "nl_NL", "nl-", "-nl", "nl-NLD1", "nl-NL-x-y", "n1", "ñl", &long]
        {
            assert_eq!(LanguageTag::parse(bad), Err(LanguageError), "{bad}");
        }
    }

    #[test]
    fn languages_fall_back_to_the_shorter_tag_and_then_to_english() {
        let mut text = Localised::new("english");
        text.insert(tag("nl"), "dutch");
        text.insert(tag("pt-BR"), "brazilian");
        for (wanted, served, value) in [
            ("nl-NL", "nl", "dutch"),
            ("nl-BE", "nl", "dutch"),
            ("nl", "nl", "dutch"),
            ("pt-BR", "pt-BR", "brazilian"),
            ("pt", "en", "english"),
            ("en-US", "en", "english"),
            ("de-DE", "en", "english"),
        ] {
            let (language, found) = text.pick(&tag(wanted));
            assert_eq!((language.as_str(), *found), (served, value), "{wanted}");
        }
    }

    #[test]
    fn english_is_replaced_not_doubled() {
        let mut text = Localised::new("old");
        text.insert(tag("en"), "new");
        assert_eq!(text.english(), &"new");
        assert_eq!(text.pick(&tag("en-GB")), (&tag("en"), &"new"));
    }
}
