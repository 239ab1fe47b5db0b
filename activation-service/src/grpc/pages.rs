//! Page sizes and page tokens of the lists, collected with the other faults of a request.

use chassis::page_token::{Sealer, page_size};

use super::fields::{FieldFault, FieldFaults, Fields, Why};

/// Most bytes of a token that are looked at; ours are shorter.
const TOKEN_BYTES_MAX: usize = 1024;

/// The part of a list that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) most: usize,
    /// Where the page before ended; none on the first.
    pub(super) cursor: Option<Vec<u8>>,
}

/// Everything that the pages of one list have in common; a token of one list opens no other.
pub(super) fn query(parts: &[&str]) -> Vec<u8> {
    let mut query = Vec::new();
    for part in parts {
        query.extend_from_slice(&(part.len() as u64).to_be_bytes());
        query.extend_from_slice(part.as_bytes());
    }
    query
}

pub(super) fn part(
    fields: &mut Fields,
    sealer: &Sealer,
    query: &[u8],
    size: i32,
    token: &str,
) -> Option<Part> {
    let most = match page_size(size) {
        Ok(most) => Some(most),
        Err(error) => fields.bad("page_size", Why::OutOfRange, error.to_string()),
    };
    let cursor = cursor(fields, sealer, query, token);
    Some(Part { most: most?, cursor: cursor? })
}

/// The fault of a token whose cursor points at nothing.
pub(super) fn token_fault() -> FieldFaults {
    FieldFaults(vec![FieldFault {
        field: "page_token".to_owned(),
        why: Why::Malformed,
        description: "the page token is not valid for this list; start at the first page"
            .to_owned(),
    }])
}

fn cursor(
    fields: &mut Fields,
    sealer: &Sealer,
    query: &[u8],
    token: &str,
) -> Option<Option<Vec<u8>>> {
    if token.is_empty() {
        return Some(None);
    }
    if token.len() > TOKEN_BYTES_MAX {
        return fields.bad("page_token", Why::TooLong, "the page token is none of ours");
    }
    match sealer.open(query, token) {
        Ok(cursor) => Some(Some(cursor)),
        Err(error) => fields.bad("page_token", Why::Malformed, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_the_list_that_it_is_of_and_no_other() {
        let sealer = Sealer::new(b"secret");
        let (mine, other) = (query(&["ListA", "x"]), query(&["ListA", "", "x"]));
        let token = sealer.seal(&mine, b"7");
        let open = |query: &[u8], size, token: &str| {
            let mut fields = Fields::default();
            let part = part(&mut fields, &sealer, query, size, token);
            fields.finish(part)
        };
        assert_eq!(open(&mine, 0, ""), Ok(Part { most: 50, cursor: None }));
        assert_eq!(open(&mine, 999, &token), Ok(Part { most: 200, cursor: Some(b"7".to_vec()) }));
        assert!(open(&other, 0, &token).is_err());
        let both = open(&mine, -1, "?").expect_err("two faults");
        let fields: Vec<_> = both.0.into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["page_size", "page_token"]);
        assert!(open(&mine, 0, &"A".repeat(2_000)).is_err());
    }
}
