//! Page tokens from anywhere: only sealed ones open, and only for their own query.

use chassis::page_token::Sealer;

const QUERY: &[u8] = b"productKeys/1 order_by=account_version";

pub(super) fn run(input: &[u8]) {
    let sealer = Sealer::new(b"a secret of sixteen bytes");
    let text = String::from_utf8_lossy(input);
    if let Ok(cursor) = sealer.open(QUERY, &text) {
        assert_eq!(sealer.seal(QUERY, &cursor), text, "a token that nobody sealed opens");
        assert!(sealer.open(b"another query", &text).is_err(), "it opens for another query");
    }
    if input.len() <= 64 {
        let sealed = sealer.seal(QUERY, input);
        assert_eq!(sealer.open(QUERY, &sealed).ok().as_deref(), Some(input), "what was sealed");
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let sealer = Sealer::new(b"a secret of sixteen bytes");
    let sealed = [&b""[..], b"1", b"a cursor"].map(|cursor| sealer.seal(QUERY, cursor));
    sealed.into_iter().map(String::into_bytes).collect()
}
