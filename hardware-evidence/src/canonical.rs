//! The one spelling of each value, so that programs in any language and on any system digest the
//! same bytes.
//!
//! Only ASCII letters change case: rules for other letters differ between languages and versions of
//! Unicode.

/// Separates the fields of values that have several.
pub(crate) const FIELD_SEPARATOR: char = '|';

/// The raw value of [`BoardModel`](crate::ComponentKind::BoardModel) from its two fields.
#[must_use]
pub fn board_model(manufacturer: &str, product: &str) -> String {
    joined(&[manufacturer, product])
}

/// The raw value of [`Cpu`](crate::ComponentKind::Cpu) from its four fields; family and model are
/// decimal numbers.
#[must_use]
pub fn cpu(vendor: &str, family: &str, model: &str, brand: &str) -> String {
    joined(&[vendor, family, model, brand])
}

/// The raw value of [`Gpu`](crate::ComponentKind::Gpu) from PCI vendor and device id in
/// hexadecimal, with or without `0x`.
#[must_use]
pub fn gpu(vendor: &str, device: &str) -> String {
    format!("{}:{}", trim(vendor), trim(device))
}

/// Text: control characters and runs of spaces become one space, ASCII letters become lower-case,
/// and spaces at both ends and dots at the end go away. At most `chars_max` characters are kept.
pub(crate) fn text(raw: &str, chars_max: usize) -> String {
    let mut normal = String::new();
    let words = raw.split(|c: char| c <= ' ' || c == '\u{7f}' || c == '\u{a0}');
    for word in words.filter(|word| !word.is_empty()) {
        if !normal.is_empty() {
            normal.push(' ');
        }
        normal.push_str(&word.to_ascii_lowercase());
    }
    let kept: String = normal.chars().take(chars_max).collect();
    kept.trim_end_matches(['.', ' ']).to_owned()
}

/// The fields of a raw value with exactly `count` of them; missing ones are empty and surplus
/// separators belong to the last.
pub(crate) fn fields(raw: &str, count: usize) -> Vec<&str> {
    let mut fields: Vec<&str> = raw.splitn(count, FIELD_SEPARATOR).collect();
    fields.resize(count, "");
    fields
}

/// A UUID in lower-case with hyphens: the smaller one of the value and its twin, whose first three
/// fields have the other byte order. Systems disagree on that order, and on one computer both
/// spellings occur.
pub(crate) fn system_uuid(raw: &str) -> Option<String> {
    let value = hex_bytes::<16>(raw)?;
    let [a, b, c, d, e, f, g, h, rest @ ..] = value;
    let [i, j, k, l, m, n, o, p] = rest;
    let twin = [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p];
    Some(hyphenated(value.min(twin)))
}

/// A UUID in lower-case with hyphens, in the byte order in which it is written.
pub(crate) fn uuid_as_written(raw: &str) -> Option<String> {
    hex_bytes::<16>(raw).map(hyphenated)
}

/// A network address as six lower-case pairs of hexadecimal digits with colons.
pub(crate) fn mac(raw: &str) -> Option<String> {
    let bytes = hex_bytes::<6>(raw)?;
    Some(bytes.map(|byte| format!("{byte:02x}")).join(":"))
}

/// A SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256_hex(raw: &str) -> Option<String> {
    let bytes = hex_bytes::<32>(raw)?;
    Some(bytes.map(|byte| format!("{byte:02x}")).concat())
}

/// PCI vendor and device id, each four lower-case hexadecimal digits, with a colon between them.
pub(crate) fn pci_ids(raw: &str) -> Option<String> {
    let (vendor, device) = trim(raw).split_once(':')?;
    let id = |text: &str| {
        let lower = text.to_ascii_lowercase();
        let digits = lower.strip_prefix("0x").unwrap_or(&lower);
        let valid =
            (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        valid.then(|| format!("{digits:0>4}"))
    };
    Some(format!("{}:{}", id(vendor)?, id(device)?))
}

/// The exponent of the smallest power of two that is not less than the number of bytes, in decimal
/// digits.
///
/// Firmware and graphics take a share of the memory, so the size that a system reports lies
/// somewhat below what is built in, and rounding up is stable where rounding to the nearest is not.
pub(crate) fn ram_range(raw: &str) -> Option<String> {
    let digits = trim(raw);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let bytes: u64 = digits.parse().ok().filter(|bytes| *bytes > 0)?;
    let exponent = u64::BITS - (bytes - 1).leading_zeros();
    Some(exponent.to_string())
}

/// Without the white space of ASCII at both ends: what else is white space differs between
/// languages.
fn trim(text: &str) -> &str {
    text.trim_matches(['\t', '\n', '\u{b}', '\u{c}', '\r', ' '])
}

fn joined(fields: &[&str]) -> String {
    let separator = FIELD_SEPARATOR.to_string();
    fields
        .iter()
        .map(|field| field.replace(FIELD_SEPARATOR, " "))
        .collect::<Vec<_>>()
        .join(&separator)
}

/// Exactly `N` bytes from hexadecimal digits; spaces, hyphens, colons, dots and braces do not
/// matter.
fn hex_bytes<const N: usize>(raw: &str) -> Option<[u8; N]> {
    let mut bytes = [0_u8; N];
    let mut digits = raw
        .chars()
        .filter(|c| !matches!(c, ' ' | '\t' | '\n' | '\r' | '-' | ':' | '.' | '{' | '}'));
    for byte in &mut bytes {
        let high = digits.next()?.to_digit(16)?;
        let low = digits.next()?.to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    digits.next().is_none().then_some(bytes)
}

fn hyphenated(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_one_spelling() {
        for raw in [
            "ACME  Board Co.",
            "  acme\tboard\u{a0}co...",
            "ACME\0BOARD\r\nCO. . ",
            "Acme Board Co",
        ] {
            assert_eq!(text(raw, 256), "acme board co");
        }
        assert_eq!(text("ÉCRAN Ü", 256), "Écran Ü");
        assert_eq!(text(". . .", 256), "");
        assert_eq!(text("abc.def", 4), "abc");
    }

    #[test]
    fn both_byte_orders_of_a_uuid_are_one_value() {
        let value = system_uuid("4C4C4544-0042-3510-8056-B4C04F564A32");
        assert_eq!(value, system_uuid("44454c4c-4200-1035-8056-b4c04f564a32"));
        assert_eq!(value.as_deref(), Some("44454c4c-4200-1035-8056-b4c04f564a32"));
        assert_eq!(system_uuid("{4c4c45440042351080 56b4c04f564a32}"), value);
        for raw in [
            "",
            "2",
            "Not Settable",
            "4c4c4544-0042-3510-8056-b4c04f564a3",
            "zz4c4544-0042-3510-8056-b4c04f564a32",
        ] {
            assert_eq!(system_uuid(raw), None);
        }
    }

    #[test]
    fn addresses_and_ids_have_one_spelling() {
        for raw in ["A4-BB-6D-01-02-03", "a4:bb:6d:01:02:03", "a4bb.6d01.0203", " a4bb6d010203\n"] {
            assert_eq!(mac(raw).as_deref(), Some("a4:bb:6d:01:02:03"));
        }
        assert_eq!(mac("a4:bb:6d:01:02"), None);
        assert_eq!(mac("a4:bb:6d:01:02:03:04:05"), None);
        assert_eq!(pci_ids(&gpu("0x10DE\n", "0x1f02")).as_deref(), Some("10de:1f02"));
        assert_eq!(pci_ids("10de"), None);
        assert_eq!(pci_ids("10de:123456"), None);
    }

    #[test]
    fn memory_is_rounded_up_to_a_power_of_two() {
        let gib = 1_u64 << 30;
        for (bytes, exponent) in [
            (1, "0"),
            (2, "1"),
            (16 * gib, "34"),
            (16 * gib - 600_000_000, "34"),
            (16 * gib + 1, "35"),
            (u64::MAX, "64"),
        ] {
            assert_eq!(ram_range(&bytes.to_string()).as_deref(), Some(exponent));
        }
        for raw in ["", "0", "-1", "+5", "16 GiB", "99999999999999999999999"] {
            assert_eq!(ram_range(raw), None);
        }
    }

    #[test]
    fn separators_inside_fields_cannot_forge_fields() {
        assert_eq!(board_model("a|b", "c"), "a b|c");
        assert_eq!(fields("a|b|c", 2), ["a", "b|c"]);
        assert_eq!(fields("a", 4), ["a", "", "", ""]);
    }
}
