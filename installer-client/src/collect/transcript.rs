//! The text of a recorded tool's output, whatever wrote it to a file.

/// The output as text: UTF-16 with a byte order mark (as a shell of Windows redirects it), else
/// UTF-8, in which every other byte becomes the replacement character.
pub(crate) fn text(bytes: &[u8]) -> String {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok().map(unit));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_of_a_shell_is_text() {
        for bytes in [
            &b"a\xc3\xa9"[..],
            b"\xef\xbb\xbfa\xc3\xa9",
            b"\xff\xfea\0\xe9\0",
            b"\xfe\xff\0a\0\xe9",
            b"\xff\xfea\0\xe9\0\x01",
        ] {
            assert_eq!(text(bytes), "aé");
        }
        assert_eq!(text(b"a\xff\xc3"), "a\u{fffd}\u{fffd}");
        assert_eq!(text(b"\xff\xfe\x00\xd8"), "\u{fffd}");
        assert_eq!(text(b""), "");
    }
}
