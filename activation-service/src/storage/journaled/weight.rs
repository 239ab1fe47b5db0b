//! How many bytes of memory accounts and events take: estimates that rather say too much.

use std::mem::size_of;
use std::sync::Arc;

use hardware_evidence::Digest;

use crate::domain::account::{Account, Count, Head};
use crate::domain::event::{Body, Change, Event};
use crate::domain::evidence::{Component, Evidence};
use crate::domain::product_key::LookupDigest;
use crate::domain::terms::Terms;

/// What an allocator takes beside each block.
const BLOCK_BYTES: usize = 16;
/// The counters in front of a value that is shared.
const SHARED_BYTES: usize = 16 + BLOCK_BYTES;
/// Places that a list makes room for at first.
const LIST_LENGTH_MIN: usize = 4;
/// What the indices of an account take for each value of a baseline, and for the computer.
const INDEXED_BYTES: usize = 64;
/// The version of the policy that counted, as it is usually long.
const VERSION_BYTES: usize = 16;
/// What the first count of an account takes beside itself: empty places and the top of the trees.
const COUNTS_BYTES: usize = 1_024;

/// A whole account.
pub(super) fn account(account: &Account) -> usize {
    head(&account.head) + counts(account)
}

/// The counts of an account.
pub(super) fn counts(account: &Account) -> usize {
    let installs = |count: &Count| match count.installs.len() {
        0 => 0,
        length => list::<Digest>(length),
    };
    account.counts.iter().map(|count| self::count(&count.baseline) + installs(count)).sum()
}

/// An account without its counts.
pub(super) fn head(head: &Head) -> usize {
    SHARED_BYTES
        + size_of::<Account>()
        + COUNTS_BYTES
        + terms(&head.terms)
        + list::<LookupDigest>(head.lookups.len())
}

/// A count with this baseline, in the account.
pub(super) fn count(baseline: &Evidence) -> usize {
    let values: usize = baseline.components().iter().map(|c| c.digests().len()).sum();
    let policy_version = SHARED_BYTES + VERSION_BYTES;
    size_of::<Count>() + evidence(baseline) + (values + 1) * INDEXED_BYTES + policy_version
}

/// What a count may grow by when a report that left it unchanged is recorded: an installation, and
/// the digests of a newer recipe.
pub(super) fn growth(report: &Evidence) -> usize {
    let same_kind = |pair: &[Component]| matches!(pair, [a, b] if a.kind() == b.kind());
    let has_two_recipes = report.components().windows(2).any(same_kind);
    list::<Digest>(1) + if has_two_recipes { evidence(report) } else { 0 }
}

/// An event, without what it shares with the account that it makes.
pub(super) fn event(event: &Event) -> usize {
    let origin = &event.origin;
    let texts = [&origin.actor, &origin.reason, &origin.client.name, &origin.client.version];
    let texts: usize = texts.into_iter().map(|text| self::text(text)).sum();
    SHARED_BYTES + size_of::<Event>() + texts + body(&event.body)
}

fn body(body: &Body) -> usize {
    match body {
        Body::Registered { terms, .. } => BLOCK_BYTES + size_of::<Terms>() + self::terms(terms),
        Body::Activated(activated) => {
            // The evidence of a count is its baseline too.
            let own =
                if activated.outcome.is_counted() { 0 } else { evidence(&activated.evidence) };
            let kinds = activated.explanation.kinds.len();
            BLOCK_BYTES + size_of_val(activated.as_ref()) + own + kinds * 4 + 2 * BLOCK_BYTES
        }
        Body::Updated { changes } => {
            let texts = changes.iter().map(|change| match change {
                Change::HelpUri(old, new) => text(old) + text(new),
                _ => 0,
            });
            list::<Change>(changes.len()) + texts.sum::<usize>()
        }
        Body::Released(_) | Body::Refused { .. } => 0,
    }
}

fn evidence(evidence: &Evidence) -> usize {
    let components = evidence.components();
    // One digest lies in its component.
    let sets = components.iter().map(|c| c.digests().len()).filter(|digests| *digests > 1);
    let values: usize = sets.map(list::<Digest>).sum();
    SHARED_BYTES
        + size_of::<Arc<Evidence>>()
        + size_of::<Evidence>()
        + list::<Component>(components.len())
        + values
}

fn terms(terms: &Terms) -> usize {
    text(&terms.owner) + text(&terms.product) + text(&terms.help_uri)
}

fn text(text: &str) -> usize {
    if text.is_empty() { 0 } else { text.len() + BLOCK_BYTES }
}

/// A list that grew one by one.
fn list<T>(length: usize) -> usize {
    let places = if length == 0 { 0 } else { length.next_power_of_two().max(LIST_LENGTH_MIN) };
    places * size_of::<T>() + BLOCK_BYTES
}
