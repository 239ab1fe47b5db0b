//! Collects everything that is wrong with a request, so that a caller can mend it in one go.

use std::ops::RangeInclusive;

/// Most faults that are kept; the answer names fewer when they do not fit into its headers.
const FAULTS_MAX: usize = 1024;

/// What is wrong with a field, in a word that programs can rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Required,
    TooLong,
    TooMany,
    WrongLength,
    Malformed,
    UnknownValue,
    OutOfRange,
    Duplicate,
    ControlCharacter,
    NotUpdatable,
}

impl Why {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Required => "REQUIRED",
            Self::TooLong => "TOO_LONG",
            Self::TooMany => "TOO_MANY",
            Self::WrongLength => "WRONG_LENGTH",
            Self::Malformed => "MALFORMED",
            Self::UnknownValue => "UNKNOWN_VALUE",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Duplicate => "DUPLICATE",
            Self::ControlCharacter => "CONTROL_CHARACTER",
            Self::NotUpdatable => "NOT_UPDATABLE",
        }
    }
}

/// One bad field; the description never quotes the value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldFault {
    pub(super) field: String,
    pub(super) why: Why,
    pub(super) description: String,
}

/// All bad fields of a request; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldFaults(pub(super) Vec<FieldFault>);

/// The bad fields found so far.
#[derive(Debug, Default)]
pub(super) struct Fields {
    faults: Vec<FieldFault>,
}

impl Fields {
    /// Notes a bad field and gives nothing, for the end of a parser.
    pub(super) fn bad<T>(
        &mut self,
        field: impl Into<String>,
        why: Why,
        description: impl Into<String>,
    ) -> Option<T> {
        if self.faults.len() < FAULTS_MAX {
            let (field, description) = (field.into(), description.into());
            self.faults.push(FieldFault { field, why, description });
        }
        None
    }

    /// The value, if no field was bad. A missing value without a fault would be a fault of ours.
    pub(super) fn finish<T>(mut self, value: Option<T>) -> Result<T, FieldFaults> {
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            Some(_) => Err(FieldFaults(self.faults)),
            None => {
                if self.faults.is_empty() {
                    self.bad::<()>("request", Why::Malformed, "it cannot be read");
                }
                Err(FieldFaults(self.faults))
            }
        }
    }

    /// A text of bounded length without characters that people cannot see.
    pub(super) fn text(
        &mut self,
        field: &str,
        text: String,
        chars: RangeInclusive<usize>,
    ) -> Option<String> {
        // Counting stops at the bound: a longer text is not looked at.
        let count = text.chars().take(chars.end() + 1).count();
        let (least, most) = (chars.start(), chars.end());
        if count > *most {
            return self.bad(field, Why::TooLong, format!("longer than {most} characters"));
        }
        if text.chars().any(is_unseen) {
            return self.bad(field, Why::ControlCharacter, "it contains a control character");
        }
        if count < *least || (*least > 0 && text.trim().is_empty()) {
            return self.bad(field, Why::Required, format!("give {least} to {most} characters"));
        }
        Some(text)
    }

    /// An element of a bounded list, or a fault of the list.
    pub(super) fn bounded(
        &mut self,
        field: &str,
        length: usize,
        most: usize,
        what: &str,
    ) -> Option<()> {
        if length > most {
            let description = format!("{length} {what}; at most {most} are taken");
            return self.bad(field, Why::TooMany, description);
        }
        Some(())
    }
}

/// Control characters, and those that change the order or the lines in which a text is shown.
fn is_unseen(character: char) -> bool {
    let order = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || order || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str, chars: RangeInclusive<usize>) -> Option<Why> {
        let mut fields = Fields::default();
        fields.text("x", text.to_owned(), chars);
        fields.faults.first().map(|fault| fault.why)
    }

    #[test]
    fn texts_are_bounded_in_characters_and_free_of_what_cannot_be_seen() {
        assert_eq!(why("", 0..=3), None);
        assert_eq!(why("éèê", 0..=3), None);
        assert_eq!(why("abcd", 0..=3), Some(Why::TooLong));
        assert_eq!(why("", 1..=3), Some(Why::Required));
        assert_eq!(why("  ", 1..=3), Some(Why::Required));
        for hidden in ["a\nb", "a\0", "\u{202e}a", "\u{feff}", "\u{85}"] {
            assert_eq!(why(hidden, 0..=3), Some(Why::ControlCharacter), "{hidden:?}");
        }
    }

    #[test]
    fn nothing_comes_out_while_a_field_is_bad() {
        let mut fields = Fields::default();
        fields.bad::<()>("a", Why::Required, "x");
        fields.bad::<()>("b", Why::Required, "y");
        assert_eq!(fields.finish(Some(1)).expect_err("two faults").0.len(), 2);
        assert!(Fields::default().finish(None::<()>).is_err());
        assert_eq!(Fields::default().finish(Some(1)), Ok(1));
    }
}
