//! Opaque, signed cursors of lists, bound to the query they continue.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Items of a page when the caller names no number.
pub const PAGE_SIZE_DEFAULT: usize = 50;
/// Most items of a page; a larger wish is lowered to it.
pub const PAGE_SIZE_MAX: usize = 200;
/// Longest cursor that is sealed, in bytes.
pub const CURSOR_BYTES_MAX: usize = 512;

const VERSION: u8 = 1;
const TAG_BYTES: usize = 16;
const TOKEN_CHARS_MAX: usize = (1 + CURSOR_BYTES_MAX + TAG_BYTES).div_ceil(3) * 4;

/// Why a page token is refused; callers are told alike, so that tokens cannot be probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageTokenError {
    /// Not a token of ours, changed, or sealed for another query or under another secret.
    #[error("the page token is not valid for this query; start at the first page")]
    Invalid,
    /// Longer than any token of ours.
    #[error("the page token is too long")]
    TooLong,
}

/// The wish for a page of negative length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("page_size must not be negative")]
pub struct PageSizeError;

/// Seals and opens cursors under one secret.
#[derive(Clone)]
pub struct Sealer {
    mac: Hmac<Sha256>,
}

impl Sealer {
    /// A sealer whose tokens only the same secret opens.
    pub fn new(secret: &[u8]) -> Self {
        // A key of any length is hashed first, so the fixed-size constructor cannot fail.
        use sha2::Digest as _;
        let key = Sha256::digest(secret);
        Self { mac: Hmac::<Sha256>::new(&key_block(&key)) }
    }

    /// The token that continues the query of `query_fingerprint` at `cursor`, which is cut to
    /// [`CURSOR_BYTES_MAX`]: a caller's cursor is made of bounded names and never reaches it.
    pub fn seal(&self, query_fingerprint: &[u8], cursor: &[u8]) -> String {
        let cursor = cursor.get(..CURSOR_BYTES_MAX).unwrap_or(cursor);
        let mut bytes = Vec::with_capacity(1 + cursor.len() + TAG_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(cursor);
        let tag = self.tagged(query_fingerprint, cursor).finalize().into_bytes();
        bytes.extend(tag.iter().take(TAG_BYTES));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor of a token that was sealed for the same query.
    pub fn open(&self, query_fingerprint: &[u8], token: &str) -> Result<Vec<u8>, PageTokenError> {
        if token.len() > TOKEN_CHARS_MAX {
            return Err(PageTokenError::TooLong);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| PageTokenError::Invalid)?;
        let (version, rest) = bytes.split_first().ok_or(PageTokenError::Invalid)?;
        if *version != VERSION || rest.len() < TAG_BYTES {
            return Err(PageTokenError::Invalid);
        }
        let (cursor, tag) = rest.split_at(rest.len() - TAG_BYTES);
        self.tagged(query_fingerprint, cursor)
            .verify_truncated_left(tag)
            .map_err(|_| PageTokenError::Invalid)?;
        Ok(cursor.to_vec())
    }

    /// Lengths stand before the parts, so that no two pairs give the same bytes.
    fn tagged(&self, query_fingerprint: &[u8], cursor: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(&[VERSION]);
        mac.update(&(query_fingerprint.len() as u64).to_be_bytes());
        mac.update(query_fingerprint);
        mac.update(cursor);
        mac
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer([redacted])")
    }
}

/// The number of items for a request's `page_size`: 0 is the default, more than the maximum is
/// lowered.
pub fn page_size(requested: i32) -> Result<usize, PageSizeError> {
    match usize::try_from(requested) {
        Ok(0) => Ok(PAGE_SIZE_DEFAULT),
        Ok(size) => Ok(size.min(PAGE_SIZE_MAX)),
        Err(_) => Err(PageSizeError),
    }
}

/// HMAC takes a key of one block; a digest is shorter and is followed by zeros, as RFC 2104 has it.
fn key_block(digest: &[u8]) -> hmac::digest::Key<Hmac<Sha256>> {
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    for (place, byte) in block.iter_mut().zip(digest) {
        *place = *byte;
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_for_its_query_and_secret_only() {
        let sealer = Sealer::new(b"secret");
        let token = sealer.seal(b"query", b"cursor");
        assert_eq!(sealer.open(b"query", &token), Ok(b"cursor".to_vec()));
        assert_eq!(sealer.open(b"other", &token), Err(PageTokenError::Invalid));
        assert_eq!(Sealer::new(b"x").open(b"query", &token), Err(PageTokenError::Invalid));
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    }

    #[test]
    fn every_changed_character_is_refused() {
        let sealer = Sealer::new(b"secret");
        let token = sealer.seal(b"q", b"abc");
        for index in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert!(sealer.open(b"q", &changed).is_err(), "{index}");
        }
        for token in ["", "AQ", "!!!", &"A".repeat(TOKEN_CHARS_MAX + 1)] {
            assert!(sealer.open(b"q", token).is_err());
        }
    }

    #[test]
    fn the_longest_cursor_comes_back() {
        let sealer = Sealer::new(b"secret");
        let cursor = vec![7; CURSOR_BYTES_MAX];
        assert_eq!(sealer.open(b"q", &sealer.seal(b"q", &cursor)), Ok(cursor));
    }

    #[test]
    fn page_sizes_are_coerced_down_and_never_negative() {
        assert_eq!(page_size(0), Ok(50));
        assert_eq!(page_size(7), Ok(7));
        assert_eq!(page_size(201), Ok(200));
        assert_eq!(page_size(-1), Err(PageSizeError));
    }
}
