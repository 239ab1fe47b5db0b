//! The random handles of keys, computers and requests: 16 bytes, written as 32 lower-case hex
//! digits.

use std::fmt;

/// Bytes of every id.
pub const ID_BYTES: usize = 16;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; ID_BYTES]);

        impl $name {
            /// Reads 32 lower-case hex digits.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                parse_hex(text).map(Self)
            }

            /// Writes the digits behind a text.
            pub fn push_to(&self, text: &mut String) {
                text.push_str(hex(&self.0, &mut [0; ID_BYTES * 2]));
            }

            /// Takes exactly 16 bytes.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(hex(&self.0, &mut [0; ID_BYTES * 2]))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

id!(
    /// The handle of a product key; never derived from the key and never changed.
    KeyId
);
id!(
    /// The handle of a computer of a key; it stays through significant changes.
    ActivationId
);
id!(
    /// The handle of one request, chosen by the caller and scoped to the key.
    RequestId
);

/// The bytes as digits in the buffer. One text is written instead of thirty-two: the names of keys
/// are in every answer.
fn hex<'b>(bytes: &[u8; ID_BYTES], buffer: &'b mut [u8; ID_BYTES * 2]) -> &'b str {
    for (pair, byte) in buffer.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
    }
    // Digits are ASCII, so this cannot fail.
    std::str::from_utf8(buffer).unwrap_or_default()
}

const fn digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + nibble - 10,
    }
}

fn parse_hex(text: &str) -> Option<[u8; ID_BYTES]> {
    let digits = text.as_bytes();
    if digits.len() != ID_BYTES * 2 {
        return None;
    }
    let mut bytes = [0; ID_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = nibble(high)? << 4 | nibble(low)?;
    }
    Some(bytes)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_what_it_writes_and_nothing_else() {
        let id = KeyId([0xa5; 16]);
        assert_eq!(KeyId::parse(&id.to_string()), Some(id));
        for bad in ["", "a5", &"A5".repeat(16), &"g0".repeat(16), &"a5".repeat(17)] {
            assert_eq!(KeyId::parse(bad), None, "{bad}");
        }
    }
}
