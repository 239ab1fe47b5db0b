//! The form of a product key: normalising, check symbols, issuing; pure.
//!
//! Keys that we issue are `SB1`, 22 random symbols of Crockford's base 32 (110 bits) and 3 check
//! symbols, shown in groups of five: `SB1XX-XXXXX-XXXXX-XXXXX-XXXXX-XXX`. Keys of other vendors are
//! accepted as they are. The secret never leaves a [`ProductKey`] by accident: it has no `Display`,
//! its `Debug` is redacted, and its memory is cleared when it is dropped.

mod check;

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// Most characters that a person or program may hand in, spaces and dashes included.
pub const INPUT_CHARS_MAX: usize = 128;
/// Fewest letters and digits of a key.
pub const KEY_CHARS_MIN: usize = 10;
/// Most letters and digits of a key.
pub const KEY_CHARS_MAX: usize = 64;
/// What every key that we issue begins with.
pub const PREFIX: &str = "SB1";

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM_SYMBOLS: usize = 22;
const OURS_CHARS: usize = PREFIX.len() + RANDOM_SYMBOLS + check::CHECK_SYMBOLS;
const GROUP_CHARS: usize = 5;

/// A well-formed product key in its one normal form.
#[derive(Clone)]
pub struct ProductKey(Zeroizing<String>);

/// Why a text is not a product key. No variant holds any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProductKeyError {
    /// Nothing is left after spaces and dashes are taken out.
    #[error("the product key is empty")]
    Empty,
    /// More characters than anyone types.
    #[error("the product key is longer than {INPUT_CHARS_MAX} characters")]
    InputTooLong,
    /// Tabs, line ends and other characters that cannot be seen.
    #[error("the product key contains a control character")]
    ControlCharacter,
    /// Something else than letters A to Z, digits, spaces and dashes.
    #[error("the product key contains a character that is no letter A-Z, digit, space or dash")]
    ForeignCharacter,
    /// Too few or too many letters and digits.
    #[error("the product key does not have {KEY_CHARS_MIN} to {KEY_CHARS_MAX} letters and digits")]
    Length,
    /// It has the form of a key that we issue, but its check symbols do not fit.
    #[error("the product key has a typing mistake: its check symbols do not fit")]
    Mistyped,
}

impl ProductKey {
    /// Reads a key as a person typed it: case, spaces and dashes do not matter, and in keys that we
    /// issued neither does the difference of O and 0, or of I, L and 1.
    ///
    /// # Errors
    ///
    /// The first fault found, in the order of [`ProductKeyError`]'s variants as far as they apply.
    pub fn parse(text: &str) -> Result<Self, ProductKeyError> {
        if text.chars().take(INPUT_CHARS_MAX + 1).count() > INPUT_CHARS_MAX {
            return Err(ProductKeyError::InputTooLong);
        }
        // The capacity is set once: a growing string would leave copies of the key behind in freed
        // memory.
        let mut key = Zeroizing::new(String::with_capacity(INPUT_CHARS_MAX));
        for character in text.chars() {
            if character.is_control() {
                return Err(ProductKeyError::ControlCharacter);
            }
            if is_separator(character) {
                continue;
            }
            if !character.is_ascii_alphanumeric() {
                return Err(ProductKeyError::ForeignCharacter);
            }
            key.push(character.to_ascii_uppercase());
        }
        if key.is_empty() {
            return Err(ProductKeyError::Empty);
        }
        if !(KEY_CHARS_MIN..=KEY_CHARS_MAX).contains(&key.len()) {
            return Err(ProductKeyError::Length);
        }
        match read_as_ours(&key) {
            Some(ours) if checks(&ours) => Ok(Self(ours)),
            Some(_) => Err(ProductKeyError::Mistyped),
            None => Ok(Self(key)),
        }
    }

    /// Makes a key of our own form from 14 random bytes, of which 110 bits are used.
    #[must_use]
    pub fn issue(random: &[u8; 14]) -> Self {
        let mut key = Zeroizing::new(String::with_capacity(OURS_CHARS));
        key.push_str(PREFIX);
        let mut bits = Zeroizing::new(0_u128);
        for byte in random {
            *bits = (*bits << 8) | u128::from(*byte);
        }
        for place in 0..RANDOM_SYMBOLS {
            key.push(letter(u8::try_from((*bits >> (5 * place)) & 31).unwrap_or(0)));
        }
        for symbol in check::check_symbols(values(&key)) {
            key.push(letter(symbol));
        }
        Self(key)
    }

    /// The secret in its normal form: what is digested, compared, encrypted and sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the key has the form of those that we issue.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.0.len() == OURS_CHARS && self.0.starts_with(PREFIX)
    }

    /// The secret in groups of five characters, for people.
    #[must_use]
    pub fn grouped(&self) -> Zeroizing<String> {
        let mut shown = Zeroizing::new(String::with_capacity(2 * KEY_CHARS_MAX));
        for (place, character) in self.0.chars().enumerate() {
            if place > 0 && place % GROUP_CHARS == 0 {
                shown.push('-');
            }
            shown.push(character);
        }
        shown
    }
}

impl fmt::Debug for ProductKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ProductKey(redacted)")
    }
}

impl Zeroize for ProductKey {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

/// Spaces and dashes of all scripts, and the invisible ones that copying from a page or mail brings
/// along.
fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '-' | '\u{ad}'
                | '\u{2010}'..='\u{2015}'
                | '\u{2043}'
                | '\u{207b}'
                | '\u{2212}'
                | '\u{fe58}'
                | '\u{fe63}'
                | '\u{ff0d}'
                | '\u{200b}'..='\u{200d}'
                | '\u{2060}'
                | '\u{feff}'
        )
}

/// The key with look-alikes replaced if that gives our prefix and length, else nothing: another
/// vendor's O is no 0.
fn read_as_ours(key: &str) -> Option<Zeroizing<String>> {
    if key.len() != OURS_CHARS {
        return None;
    }
    let mut ours = Zeroizing::new(String::with_capacity(OURS_CHARS));
    for character in key.chars() {
        ours.push(match character {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        });
    }
    ours.starts_with(PREFIX).then_some(ours)
}

/// Whether all symbols are of the alphabet and the check symbols fit the others.
fn checks(ours: &str) -> bool {
    if values(ours).count() != OURS_CHARS {
        return false;
    }
    let sent = values(ours).skip(OURS_CHARS - check::CHECK_SYMBOLS);
    let body = values(ours).take(OURS_CHARS - check::CHECK_SYMBOLS);
    check::check_symbols(body).into_iter().eq(sent)
}

/// The values of the symbols that belong to the alphabet.
fn values(symbols: &str) -> impl Iterator<Item = u8> {
    symbols.bytes().filter_map(|symbol| {
        let place = ALPHABET.iter().position(|letter| *letter == symbol)?;
        u8::try_from(place).ok()
    })
}

/// The symbol of a value of 0 to 31.
fn letter(value: u8) -> char {
    ALPHABET.get(usize::from(value)).copied().map_or('0', char::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(seed: u8) -> ProductKey {
        let mut random = [0_u8; 14];
        let mut state = u32::from(seed) + 1;
        for byte in &mut random {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = state.to_be_bytes()[0];
        }
        ProductKey::issue(&random)
    }

    fn verdict(text: &str) -> Result<String, ProductKeyError> {
        ProductKey::parse(text).map(|key| key.expose().to_owned())
    }

    #[test]
    fn issued_keys_have_the_printed_form_and_come_back_from_it() {
        for seed in 0..=255 {
            let key = issued(seed);
            assert!(key.is_ours());
            let shown = key.grouped();
            let groups: Vec<usize> = shown.split('-').map(str::len).collect();
            assert_eq!(groups, [5, 5, 5, 5, 5, 3]);
            assert!(shown.starts_with("SB1"));
            assert_eq!(verdict(&shown).as_deref(), Ok(key.expose()));
            assert_eq!(verdict(key.expose()).as_deref(), Ok(key.expose()), "parsing is idempotent");
        }
    }

    #[test]
    fn issuing_uses_110_bits_and_each_of_them() {
        let zero = ProductKey::issue(&[0; 14]);
        assert_eq!(&zero.expose()[3..25], "0000000000000000000000");
        let mut seen = std::collections::BTreeSet::new();
        for bit in 0..112 {
            let mut random = [0_u8; 14];
            random[13 - bit / 8] = 1 << (bit % 8);
            seen.insert(ProductKey::issue(&random).expose().to_owned());
        }
        // The two highest bits are not used, so both give the key of zero.
        assert_eq!(seen.len(), 111);
    }

    #[test]
    fn every_single_substitution_is_noticed() {
        for seed in 0..32 {
            let key = issued(seed);
            for place in 3..OURS_CHARS {
                for wrong in ALPHABET {
                    let mut text = key.expose().as_bytes().to_vec();
                    if text[place] == *wrong {
                        continue;
                    }
                    text[place] = *wrong;
                    let text = String::from_utf8(text).unwrap();
                    assert_eq!(verdict(&text), Err(ProductKeyError::Mistyped), "place {place}");
                }
            }
        }
    }

    #[test]
    fn every_swap_of_two_symbols_is_noticed_adjacent_or_not() {
        for seed in 0..=255 {
            let key = issued(seed);
            for first in 3..OURS_CHARS {
                for second in first + 1..OURS_CHARS {
                    let mut text = key.expose().as_bytes().to_vec();
                    if text[first] == text[second] {
                        continue;
                    }
                    text.swap(first, second);
                    let text = String::from_utf8(text).unwrap();
                    assert_eq!(verdict(&text), Err(ProductKeyError::Mistyped));
                }
            }
        }
    }

    #[test]
    fn every_pair_of_substitutions_is_noticed() {
        let key = issued(7);
        for first in 3..OURS_CHARS {
            for second in first + 1..OURS_CHARS {
                for one in ALPHABET {
                    for other in ALPHABET {
                        let mut text = key.expose().as_bytes().to_vec();
                        text[first] = *one;
                        text[second] = *other;
                        let same = text == key.expose().as_bytes();
                        let text = String::from_utf8(text).unwrap();
                        assert_eq!(verdict(&text).is_ok(), same);
                    }
                }
            }
        }
    }

    #[test]
    fn case_spaces_dashes_and_look_alikes_do_not_matter() {
        let key = issued(3);
        let shown = key.grouped().to_string();
        let odd = [
            shown.to_lowercase(),
            shown.replace('-', " "),
            shown.replace('-', "\u{2013}"),
            shown.replace('-', "\u{a0}\u{2011}\u{200b}"),
            format!("\u{feff}  {shown} "),
            shown.replace('0', "O").replace('1', "I"),
            shown.replace('0', "o").replace('1', "l"),
        ];
        for text in odd {
            assert_eq!(verdict(&text).as_deref(), Ok(key.expose()), "{}", text.len());
        }
    }

    #[test]
    fn a_symbol_outside_the_alphabet_is_a_typing_mistake() {
        let mut text = issued(9).expose().to_owned();
        text.replace_range(10..11, "U");
        assert_eq!(verdict(&text), Err(ProductKeyError::Mistyped));
    }

    #[test]
    fn keys_of_other_vendors_are_accepted_as_they_are() {
        let other = "vk7jo-il01o-2b9xx-abcde-12345";
        assert_eq!(verdict(other).unwrap(), "VK7JOIL01O2B9XXABCDE12345");
        assert!(!ProductKey::parse(other).unwrap().is_ours());
        // Our length without our prefix, and our prefix without our length.
        assert_eq!(verdict(&"OIL5".repeat(7)).unwrap(), "OIL5".repeat(7));
        assert_eq!(verdict("SB1OIL7777").unwrap(), "SB1OIL7777");
    }

    #[test]
    fn bounds_are_exact() {
        assert_eq!(verdict(&"A".repeat(9)), Err(ProductKeyError::Length));
        assert!(verdict(&"A".repeat(10)).is_ok());
        assert!(verdict(&"A".repeat(64)).is_ok());
        assert_eq!(verdict(&"A".repeat(65)), Err(ProductKeyError::Length));
        assert!(verdict(&format!("{}{}", "A".repeat(20), "\u{2003}".repeat(108))).is_ok());
        let long = format!("{}{}", "A".repeat(20), "\u{2003}".repeat(109));
        assert_eq!(verdict(&long), Err(ProductKeyError::InputTooLong));
        assert_eq!(verdict(&"A".repeat(10_000_000)), Err(ProductKeyError::InputTooLong));
    }

    #[test]
    fn what_is_no_key_is_refused_by_its_kind() {
        for text in ["", "   ", "---", "\u{2014}\u{a0}"] {
            assert_eq!(verdict(text), Err(ProductKeyError::Empty));
        }
        for text in
            ["ABCDEFGHIJ\n", "ABCDE\tFGHIJ", "ABCDE\0FGHIJ", "\u{1b}[31mABCDEFGHIJ", "A\u{85}"]
        {
            assert_eq!(verdict(text), Err(ProductKeyError::ControlCharacter));
        }
        for text in
            ["ABCDE_FGHIJ", "ABCDÉFGHIJK", "ＡBCDEFGHIJK", "ABCDE\u{202e}FGHIJ", "АBCDEFGHIJ"]
        {
            assert_eq!(verdict(text), Err(ProductKeyError::ForeignCharacter));
        }
    }

    #[test]
    fn the_secret_is_in_no_debug_text_and_no_error() {
        let key = issued(5);
        assert_eq!(format!("{key:?}"), "ProductKey(redacted)");
        let mut text = key.expose().to_owned();
        text.replace_range(27..28, if text.ends_with('0') { "1" } else { "0" });
        let error = ProductKey::parse(&text).unwrap_err();
        assert!(!format!("{error:?} {error}").contains(&text[3..8]));
    }
}
