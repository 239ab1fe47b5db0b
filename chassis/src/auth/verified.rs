//! Tokens that were verified lately: a user's calls bring the same one again and again, and to
//! verify its signature costs more than many an answer.
//!
//! Keys and rules are pinned for the life of the process, so a good signature stays good. What time
//! can change is looked at each time. A refused token is never kept.

use jsonwebtoken::get_current_timestamp;
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};

use super::Principal;
use super::token::LEEWAY_SECONDS;

/// Most tokens that are kept. Each is found by its digest, and takes no more than the token did.
const TOKENS_MAX: u64 = 4_096;

/// Verified tokens by their digest: the tokens themselves are not kept.
pub(super) struct Verified(Cache<[u8; 32], Entry>);

#[derive(Clone)]
struct Entry {
    principal: Principal,
    validity: Validity,
}

/// When a token is valid, in seconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    /// Its `nbf`.
    pub(super) from: u64,
    /// Its `exp`.
    pub(super) until: u64,
}

impl Default for Verified {
    fn default() -> Self {
        Self(Cache::new(TOKENS_MAX))
    }
}

impl Verified {
    /// The user of a token that was verified before and is valid now.
    pub(super) fn principal(&self, token: &str) -> Option<Principal> {
        let entry = self.0.get(&digest(token))?;
        entry.validity.holds_at(get_current_timestamp()).then_some(entry.principal)
    }

    /// Keeps a token that was verified.
    pub(super) fn keep(&self, token: &str, principal: Principal, validity: Validity) {
        self.0.insert(digest(token), Entry { principal, validity });
    }
}

impl Validity {
    /// As a token is looked at when it is verified.
    fn holds_at(self, now: u64) -> bool {
        self.until.saturating_add(LEEWAY_SECONDS) >= now
            && self.from <= now.saturating_add(LEEWAY_SECONDS)
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Principal {
        Principal::new("alice", ["READER"], None)
    }

    #[test]
    fn a_kept_token_ends_when_it_would_have_ended_anyway() {
        let validity = Validity { from: 1_000, until: 2_000 };
        for (now, is_valid) in [(969, false), (970, true), (2_030, true), (2_031, false)] {
            assert_eq!(validity.holds_at(now), is_valid, "{now}");
        }
        let always = Validity { from: 0, until: u64::MAX };
        assert!(always.holds_at(0) && always.holds_at(u64::MAX));
    }

    #[test]
    fn an_expired_token_is_not_believed_although_it_was_verified() {
        let (verified, now) = (Verified::default(), get_current_timestamp());
        let past = Validity { from: 0, until: now - LEEWAY_SECONDS - 1 };
        let present = Validity { from: 0, until: now + 3_600 };
        verified.keep("a.b.c", alice(), present);
        verified.keep("a.b.d", alice(), past);
        assert_eq!(verified.principal("a.b.c").expect("kept").subject(), "alice");
        assert!(verified.principal("a.b.d").is_none(), "it has expired since");
        assert!(verified.principal("a.b.e").is_none(), "another token");
    }

    #[test]
    fn the_number_of_tokens_is_bounded() {
        let verified = Verified::default();
        for number in 0..3 * TOKENS_MAX {
            let validity = Validity { from: 0, until: u64::MAX };
            verified.keep(&number.to_string(), alice(), validity);
        }
        verified.0.run_pending_tasks();
        assert!(verified.0.entry_count() <= TOKENS_MAX);
    }
}
