//! Whether a ledger bears out receipts: by its newest head, and by the histories of their keys.

use std::collections::BTreeMap;

use hardware_evidence::ComponentKind;
use proto::activation::v1::{KeyEvent, KeyEventType, ListKeyEventsRequest};
use receipt::{
    Event, Leaf, Outcome, Receipt, ReceiptError, SignedHead, TrustedKeys, Verdict, Verified,
};

use crate::{ActivationClient, Failure, FailureKind};

const PAGE_ROWS: i32 = 200;
/// Most pages of a history that are read: four million events of one key.
const PAGES_MAX: usize = 20_000;

/// The events of one key by their account versions.
type History = BTreeMap<u64, KeyEvent>;

/// What is wrong with a receipt, or with the ledger that should bear it out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFinding {
    /// The receipt proves nothing.
    #[error(transparent)]
    Refused(#[from] ReceiptError),
    /// It is of another ledger.
    #[error("it is of another ledger than the one that answers")]
    OtherChain,
    /// The ledger lost its end.
    #[error("it is event {found}, and the ledger ends with {last}: the ledger lost its end")]
    BeyondHead {
        /// The event that the receipt proves.
        found: u64,
        /// The last one of the ledger.
        last: u64,
    },
    /// The ledger told two stories.
    #[error("the ledger has another batch {batch}: it told two stories")]
    Fork {
        /// The batch of the receipt.
        batch: u64,
    },
    /// The history does not show the event.
    #[error("the history that you may see has no such event")]
    EventMissing,
    /// The history shows another event in its place.
    #[error("the history has another {}", .0.join(", "))]
    EventDiffers(Vec<&'static str>),
}

impl AuditFinding {
    /// The stable name; of receipts that prove nothing that of the test vectors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.name(),
            Self::OtherChain => "OTHER_CHAIN",
            Self::BeyondHead { .. } => "BEYOND_HEAD",
            Self::Fork { .. } => "FORK",
            Self::EventMissing => "EVENT_MISSING",
            Self::EventDiffers(_) => "EVENT_DIFFERS",
        }
    }
}

/// What became of one receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// What it proves; none if it proves nothing.
    pub leaf: Option<Leaf>,
    /// What is wrong; none if the ledger bears it out.
    pub finding: Option<AuditFinding>,
}

/// Checks receipts against a head whose signature the caller has checked, and against the histories
/// of their keys as the caller may see them; the answers are in the order given.
///
/// # Errors
///
/// A history cannot be read.
pub async fn audit(
    client: &ActivationClient,
    trusted: &TrustedKeys,
    head: &SignedHead,
    receipts: &[Vec<u8>],
) -> Result<Vec<Audited>, Box<Failure>> {
    let mut audited: Vec<_> = receipts.iter().map(|it| by_itself(it, trusted, head)).collect();
    let mut wanted = BTreeMap::<String, Vec<u64>>::new();
    for leaf in audited.iter().filter_map(|audited| audited.leaf.as_ref()) {
        wanted.entry(key_name(&leaf.key_id)).or_default().push(leaf.account_version);
    }
    let mut histories = BTreeMap::new();
    for (key, versions) in wanted {
        let history = history(client, &key, &versions).await?;
        histories.insert(key, history);
    }
    for Audited { leaf, finding } in &mut audited {
        if let (Some(leaf), None) = (leaf, &finding) {
            *finding = against_history(leaf, histories.get(&key_name(&leaf.key_id)));
        }
    }
    Ok(audited)
}

/// What a receipt and the newest head tell without the history.
fn by_itself(bytes: &[u8], trusted: &TrustedKeys, head: &SignedHead) -> Audited {
    match Receipt::decode(bytes).and_then(|receipt| receipt.verify(trusted)) {
        Err(error) => Audited { leaf: None, finding: Some(error.into()) },
        Ok(verified) => {
            let finding = against_head(&verified, head);
            Audited { leaf: Some(verified.leaf), finding }
        }
    }
}

/// What the newest head says against a receipt. A ledger that was rolled back, or that tells two
/// stories, cannot have both.
fn against_head(verified: &Verified, newest: &SignedHead) -> Option<AuditFinding> {
    let (own, head) = (verified.head.head(), newest.head());
    if own.chain_id != head.chain_id {
        return Some(AuditFinding::OtherChain);
    }
    if own.batch > head.batch || own.last_sequence > head.last_sequence {
        let (found, last) = (verified.leaf.sequence, head.last_sequence);
        return Some(AuditFinding::BeyondHead { found, last });
    }
    let same = own.batch == head.batch;
    let forked = match same {
        true => verified.head != *newest,
        false => own.last_sequence >= head.first_sequence,
    };
    forked.then_some(AuditFinding::Fork { batch: own.batch })
}

/// What the history of its key says against a receipt.
fn against_history(leaf: &Leaf, history: Option<&History>) -> Option<AuditFinding> {
    let Some(event) = history.and_then(|history| history.get(&leaf.account_version)) else {
        return Some(AuditFinding::EventMissing);
    };
    let differing = differences(leaf, event);
    (!differing.is_empty()).then_some(AuditFinding::EventDiffers(differing))
}

/// `productKeys/{key_id}`.
fn key_name(key_id: &[u8]) -> String {
    format!("productKeys/{}", hex(key_id))
}

/// The wanted events of a key; none of a key that the caller may not see.
async fn history(
    client: &ActivationClient,
    key: &str,
    versions: &[u64],
) -> Result<History, Box<Failure>> {
    let last = versions.iter().copied().max().unwrap_or(0);
    let mut request = ListKeyEventsRequest {
        parent: key.to_owned(),
        page_size: PAGE_ROWS,
        ..ListKeyEventsRequest::default()
    };
    let mut found = History::new();
    for _ in 0..PAGES_MAX {
        let page = match client.key_events(request.clone()).await {
            Err(failure)
                if failure.kind == FailureKind::Refused && failure.reason == "KEY_NOT_FOUND" =>
            {
                return Ok(found);
            }
            page => page?,
        };
        let reached = page.events.last().is_none_or(|event| event.account_version >= last);
        let wanted = page.events.into_iter().filter(|it| versions.contains(&it.account_version));
        found.extend(wanted.map(|event| (event.account_version, event)));
        if reached || page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(found)
}

/// The fields in which an event of a history is not what a leaf says.
fn differences(leaf: &Leaf, event: &KeyEvent) -> Vec<&'static str> {
    let time_ms = event.event_time.map(|time| {
        time.seconds.saturating_mul(1_000).saturating_add(i64::from(time.nanos / 1_000_000))
    });
    let client = event.client.clone().unwrap_or_default();
    let mut same = vec![
        ("sequence", event.sequence == leaf.sequence),
        ("time", time_ms == Some(leaf.shown_ms)),
        ("actor", event.actor == leaf.actor),
        ("actor's reason", event.actor_reason == leaf.reason),
        ("client", (&client.name, &client.version) == (&leaf.client.name, &leaf.client.version)),
        ("request", leaf.request_id.as_ref().map_or(&[][..], |id| id) == &event.request_id[..]),
        ("type", event.r#type() == type_of(&leaf.event)),
    ];
    match &leaf.event {
        Event::Registered(it) => same.push(("limit", event.limit == it.limit)),
        Event::Activated(it) => same.extend(of_activated(leaf, it, event)),
        Event::Released(it) => same.extend([
            ("activation", event.activation == activation_name(leaf, &it.activation_id)),
            ("used", event.used == it.used),
            ("limit", event.limit == it.limit),
        ]),
        Event::Updated(changes) => {
            same.push(("number of changes", event.changes.len() == changes.len()));
        }
        Event::Refused(it) => same.extend([
            ("reason", event.refusal_reason == it.reason.name()),
            ("platform", event.platform == it.platform.map_or(0, |it| it.number().into())),
        ]),
    }
    same.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect()
}

fn of_activated(
    leaf: &Leaf,
    it: &receipt::Activated,
    event: &KeyEvent,
) -> [(&'static str, bool); 11] {
    let told = event.explanation.clone().unwrap_or_default();
    let mut kinds: Vec<_> = told.kinds.iter().map(|kind| (kind.kind, kind.verdict)).collect();
    kinds.sort_unstable();
    let proved = it.kinds.iter().map(|(kind, verdict)| (i32::from(*kind), verdict.number().into()));
    [
        ("outcome", event.outcome == i32::from(it.outcome.number())),
        ("activation", event.activation == activation_name(leaf, &it.activation_id)),
        ("platform", event.platform == i32::from(it.platform.number())),
        ("used", event.used == it.used),
        ("limit", event.limit == it.limit),
        ("policy", told.policy_version == it.policy_version),
        ("score", told.score == it.score),
        ("threshold", told.threshold == it.threshold),
        ("kinds", kinds == proved.collect::<Vec<(i32, i32)>>()),
        ("weakness", told.weak == it.weak),
        ("suspicion of a clone", told.clone_suspected == it.clone_suspected),
    ]
}

fn type_of(event: &Event) -> KeyEventType {
    const OTHER_INSTALL: (u8, Verdict) = (ComponentKind::OsInstallId.number(), Verdict::Changed);
    match event {
        Event::Registered(_) => KeyEventType::Registered,
        Event::Activated(it) if it.outcome != Outcome::NotCountedSameComputer => {
            KeyEventType::Counted
        }
        Event::Activated(it) if it.weak => KeyEventType::WeakMatch,
        Event::Activated(it) if it.clone_suspected => KeyEventType::CloneSuspected,
        Event::Activated(it) if it.kinds.contains(&OTHER_INSTALL) => KeyEventType::Reinstalled,
        Event::Activated(_) => KeyEventType::EvidenceExtended,
        Event::Released(_) => KeyEventType::Released,
        Event::Updated(_) => KeyEventType::Updated,
        Event::Refused(_) => KeyEventType::Refused,
    }
}

fn activation_name(leaf: &Leaf, activation_id: &[u8]) -> String {
    format!("{}/activations/{}", key_name(&leaf.key_id), hex(activation_id))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
