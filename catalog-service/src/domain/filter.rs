//! Search, filter and order of a list of benefits (F1): parsed once, then asked of each row.

use std::cmp::Ordering;

use thiserror::Error;

use super::benefit::{Benefit, KeyState};
use super::enrolment::EnrolmentState;
use super::language::LanguageTag;

/// Most characters of a search.
pub const SEARCH_CHARS_MAX: usize = 256;
/// Most characters of a filter.
pub const FILTER_CHARS_MAX: usize = 1024;
/// Most comparisons of a filter.
pub const FILTER_TERMS_MAX: usize = 16;

/// Why a search, filter or order cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueryError {
    /// It is too long.
    #[error("at most {chars_max} characters")]
    TooLong {
        /// Most characters.
        chars_max: usize,
    },
    /// The filter has too many comparisons.
    #[error("at most {FILTER_TERMS_MAX} comparisons")]
    TooManyTerms,
    /// Something else was expected at this place.
    #[error("at character {position}: expected {expected}")]
    Expected {
        /// The character, the first being 1.
        position: usize,
        /// What may stand there.
        expected: String,
    },
}

/// Words that must all occur in title, product or source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search(Vec<String>);

impl Search {
    /// Reads the words; an empty search finds everything.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        within(text, SEARCH_CHARS_MAX)?;
        Ok(Self(text.split_whitespace().map(str::to_lowercase).collect()))
    }

    /// Whether the row has every word, in whatever case.
    pub fn finds(&self, row: &Benefit<'_>, reader: &LanguageTag) -> bool {
        let (_, title) = row.title(reader);
        let haystack =
            format!("{title}\n{}\n{}", row.product.id, row.offer.source()).to_lowercase();
        self.0.iter().all(|word| haystack.contains(word))
    }
}

/// What a filter can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Family,
    Offer,
    Product,
    Source,
    EnrolmentState,
    KeyState,
    Downloadable,
    KeyRequired,
    ActivationRequired,
}

impl Field {
    const ALL: [(&'static str, Self); 9] = [
        ("family", Self::Family),
        ("offer", Self::Offer),
        ("product", Self::Product),
        ("source", Self::Source),
        ("enrolment_state", Self::EnrolmentState),
        ("key_state", Self::KeyState),
        ("downloadable", Self::Downloadable),
        ("key_required", Self::KeyRequired),
        ("activation_required", Self::ActivationRequired),
    ];

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    }
}

/// What a comparison asks. Names of resources and enums are read with and without their prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Question {
    Family(String),
    Offer(String),
    Product(String),
    Source(String),
    EnrolmentState(EnrolmentState),
    KeyState(KeyState),
    Downloadable(bool),
    KeyRequired(bool),
    ActivationRequired(bool),
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    question: Question,
    equal: bool,
}

/// Comparisons that must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter(Vec<Term>);

impl Filter {
    /// Reads `field = "value" AND field != true …`; an empty filter lets everything pass.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        within(text, FILTER_CHARS_MAX)?;
        let mut reader = Reader { chars: text.chars().collect(), at: 0 };
        let mut terms = Vec::new();
        reader.skip_spaces();
        while !reader.at_end() {
            if terms.len() == FILTER_TERMS_MAX {
                return Err(QueryError::TooManyTerms);
            }
            if !terms.is_empty() {
                reader.read_and()?;
            }
            terms.push(reader.read_term()?);
            reader.skip_spaces();
        }
        Ok(Self(terms))
    }

    /// Whether every comparison holds for the row.
    pub fn passes(&self, row: &Benefit<'_>) -> bool {
        self.0.iter().all(|term| holds(&term.question, row) == term.equal)
    }
}

fn holds(question: &Question, row: &Benefit<'_>) -> bool {
    let product = row.product;
    match question {
        Question::Family(family) => product.family.as_str() == family,
        Question::Offer(offer) => row.offer.id.as_str() == offer,
        Question::Product(id) => product.id.as_str() == id,
        Question::Source(source) => row.offer.source() == *source,
        Question::EnrolmentState(state) => row.enrolment_state == *state,
        Question::KeyState(state) => row.key_state == *state,
        Question::Downloadable(flag) => product.downloadable == *flag,
        Question::KeyRequired(flag) => product.key_required == *flag,
        Question::ActivationRequired(flag) => product.activation_required == *flag,
    }
}

/// Walks over the characters of a filter and knows where it is.
struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn at_end(&self) -> bool {
        self.at >= self.chars.len()
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn read_word(&mut self) -> String {
        let mut word = String::new();
        while let Some(letter) = self.peek().filter(|c| c.is_alphanumeric() || "_-./".contains(*c))
        {
            word.push(letter);
            self.at += 1;
        }
        word
    }

    fn read_and(&mut self) -> Result<(), QueryError> {
        let start = self.at;
        if self.read_word() != "AND" {
            return Err(expected(start, "AND".to_owned()));
        }
        self.skip_spaces();
        Ok(())
    }

    fn read_term(&mut self) -> Result<Term, QueryError> {
        let start = self.at;
        let name = self.read_word();
        let field = Field::parse(&name).ok_or_else(|| {
            let names: Vec<&str> = Field::ALL.iter().map(|(name, _)| *name).collect();
            expected(start, format!("one of the fields {}", names.join(", ")))
        })?;
        self.skip_spaces();
        let equal = self.read_operator()?;
        self.skip_spaces();
        let start = self.at;
        let text = self.read_value()?;
        Ok(Term { question: question(field, &text, start)?, equal })
    }

    fn read_operator(&mut self) -> Result<bool, QueryError> {
        let start = self.at;
        let negated = self.peek() == Some('!');
        if negated {
            self.at += 1;
        }
        if self.peek() != Some('=') {
            return Err(expected(start, "= or !=".to_owned()));
        }
        self.at += 1;
        Ok(!negated)
    }

    fn read_value(&mut self) -> Result<String, QueryError> {
        let start = self.at;
        if self.peek() != Some('"') {
            let word = self.read_word();
            return match word.as_str() {
                "" => Err(expected(start, "a value".to_owned())),
                _ => Ok(word),
            };
        }
        self.at += 1;
        let mut text = String::new();
        while let Some(letter) = self.peek() {
            self.at += 1;
            match letter {
                '"' => return Ok(text),
                '\\' => match self.peek() {
                    Some(escaped @ ('"' | '\\')) => {
                        text.push(escaped);
                        self.at += 1;
                    }
                    _ => return Err(expected(self.at, "\" or \\ after a backslash".to_owned())),
                },
                _ => text.push(letter),
            }
        }
        Err(expected(self.at, "a closing \"".to_owned()))
    }
}

fn question(field: Field, text: &str, at: usize) -> Result<Question, QueryError> {
    let flag = || text.parse().map_err(|_| expected(at, "one of true, false".to_owned()));
    Ok(match field {
        Field::Family => Question::Family(text.to_owned()),
        Field::Offer => Question::Offer(without(text, "offers/").to_owned()),
        Field::Product => Question::Product(without(text, "products/").to_owned()),
        Field::Source => Question::Source(text.to_owned()),
        Field::Downloadable => Question::Downloadable(flag()?),
        Field::KeyRequired => Question::KeyRequired(flag()?),
        Field::ActivationRequired => Question::ActivationRequired(flag()?),
        Field::EnrolmentState => {
            let name = without(text, "ENROLMENT_STATE_");
            let state = EnrolmentState::ALL.into_iter().find(|state| state.as_str() == name);
            let names = || EnrolmentState::ALL.map(EnrolmentState::as_str).join(", ");
            Question::EnrolmentState(
                state.ok_or_else(|| expected(at, format!("one of {}", names())))?,
            )
        }
        Field::KeyState => {
            let name = without(text, "BENEFIT_KEY_STATE_");
            let state = KeyState::ALL.into_iter().find(|state| state.as_str() == name);
            let names = || KeyState::ALL.map(KeyState::as_str).join(", ");
            Question::KeyState(state.ok_or_else(|| expected(at, format!("one of {}", names())))?)
        }
    })
}

fn without<'t>(text: &'t str, prefix: &str) -> &'t str {
    text.strip_prefix(prefix).unwrap_or(text)
}

fn expected(at: usize, expected: String) -> QueryError {
    QueryError::Expected { position: at.saturating_add(1), expected }
}

fn within(text: &str, chars_max: usize) -> Result<(), QueryError> {
    if text.chars().count() > chars_max { Err(QueryError::TooLong { chars_max }) } else { Ok(()) }
}

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OrderKey {
    Title,
    Product,
    Source,
    ActivateByTime,
    ActivationLimit,
}

/// The order of a list. Rows that are equal in it follow by id, so that pages never overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    key: OrderKey,
    descending: bool,
}

impl Order {
    const KEYS: [(&'static str, OrderKey); 5] = [
        ("title", OrderKey::Title),
        ("product", OrderKey::Product),
        ("source", OrderKey::Source),
        ("activate_by_time", OrderKey::ActivateByTime),
        ("activation_limit", OrderKey::ActivationLimit),
    ];

    /// Reads `title`, `title desc` …; an empty text means by title.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or("title");
        let names = || Self::KEYS.map(|(name, _)| name).join(", ");
        let key =
            Self::KEYS.iter().find(|(known, _)| *known == name).map(|(_, key)| *key).ok_or_else(
                || expected(0, format!("one of {}, with an optional \" desc\"", names())),
            )?;
        match (words.next(), words.next()) {
            (None, _) => Ok(Self { key, descending: false }),
            (Some("asc"), None) => Ok(Self { key, descending: false }),
            (Some("desc"), None) => Ok(Self { key, descending: true }),
            _ => Err(expected(name.chars().count(), "\" desc\" or nothing".to_owned())),
        }
    }

    /// Sorts the rows as the reader sees their titles.
    pub fn sort(&self, rows: &mut [Benefit<'_>], reader: &LanguageTag) {
        rows.sort_by(|left, right| {
            let ordering = self.compare(left, right, reader);
            let ordering = if self.descending { ordering.reverse() } else { ordering };
            ordering.then_with(|| left.id.cmp(&right.id))
        });
    }

    fn compare(&self, left: &Benefit<'_>, right: &Benefit<'_>, reader: &LanguageTag) -> Ordering {
        let title = |row: &Benefit<'_>| row.title(reader).1.to_lowercase();
        match self.key {
            OrderKey::Title => title(left).cmp(&title(right)),
            OrderKey::Product => left.product.id.cmp(&right.product.id),
            OrderKey::Source => left.offer.source().cmp(&right.offer.source()),
            OrderKey::ActivateByTime => left.activate_by_ms.cmp(&right.activate_by_ms),
            OrderKey::ActivationLimit => {
                left.grant.activation_limit.cmp(&right.grant.activation_limit)
            }
        }
    }
}

#[cfg(test)]
mod tests;
