//! An event as the history shows it, and `used` and `limit` after each of them.

use hardware_evidence::ComponentKind;
use proto::activation::v1 as pb;

use super::explanation::{explanation, outcome_number};
use super::names::activation_name;
use super::terms::platform_number;
use super::time::timestamp;
use crate::domain::event::{Activated, Body, Change, Client, Released};
use crate::domain::ids::KeyId;
use crate::domain::matching::KindVerdict;
use crate::domain::policy::Rules;
use crate::domain::terms::Suspension;
use crate::ports::Recorded;

/// `used` and `limit` at one point of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) used: u32,
    pub(super) limit: u32,
}

impl Standing {
    /// What an event says itself of the standing after it.
    pub(super) fn told_by(body: &Body) -> Option<Self> {
        match body {
            Body::Registered { terms, .. } => Some(Self { used: 0, limit: terms.limit }),
            Body::Activated(activated) => {
                Some(Self { used: activated.used, limit: activated.limit })
            }
            Body::Released(released) => Some(Self { used: released.used, limit: released.limit }),
            Body::Updated { .. } | Body::Refused { .. } => None,
        }
    }

    /// The standing after an event that was recorded at this one.
    pub(super) fn after(self, body: &Body) -> Self {
        Self::told_by(body).unwrap_or_else(|| match limit_change(body) {
            Some((_, new)) => Self { limit: new, ..self },
            None => self,
        })
    }

    /// The standing before the event that led to this one.
    pub(super) fn before(self, body: &Body) -> Self {
        match body {
            Body::Registered { .. } => Self::default(),
            Body::Activated(activated) if activated.outcome.is_counted() => {
                Self { used: self.used.saturating_sub(1), ..self }
            }
            Body::Released(_) => Self { used: self.used.saturating_add(1), ..self },
            Body::Activated(_) | Body::Updated { .. } | Body::Refused { .. } => {
                Self { limit: limit_change(body).map_or(self.limit, |(old, _)| old), ..self }
            }
        }
    }
}

pub(super) fn key_event(
    rules: &Rules,
    key_id: KeyId,
    recorded: &Recorded,
    standing: Standing,
) -> pb::KeyEvent {
    let event = &recorded.event;
    let mut shown = pb::KeyEvent {
        account_version: event.version,
        sequence: recorded.sequence,
        event_time: Some(timestamp(event.shown_ms)),
        used: standing.used,
        limit: standing.limit,
        request_id: event.request.map(|stamp| stamp.id.0.to_vec().into()).unwrap_or_default(),
        client: client(&event.origin.client),
        actor: event.origin.actor.clone(),
        actor_reason: event.origin.reason.clone(),
        ..pb::KeyEvent::default()
    };
    let kind = match &event.body {
        Body::Registered { .. } => pb::KeyEventType::Registered,
        Body::Activated(activated) => {
            of_activated(rules, &mut shown, key_id, activated);
            type_of(activated)
        }
        Body::Released(Released { activation, .. }) => {
            shown.activation = activation_name(key_id, *activation);
            pb::KeyEventType::Released
        }
        Body::Updated { changes } => {
            shown.changes = changes.iter().map(change).collect();
            pb::KeyEventType::Updated
        }
        Body::Refused { reason, platform } => {
            shown.refusal_reason = reason.name().to_owned();
            shown.platform = platform.map_or(0, platform_number);
            pb::KeyEventType::Refused
        }
    };
    shown.set_type(kind);
    shown
}

fn of_activated(rules: &Rules, shown: &mut pb::KeyEvent, key_id: KeyId, activated: &Activated) {
    shown.outcome = outcome_number(activated.outcome);
    shown.activation = activation_name(key_id, activated.activation);
    shown.explanation = Some(explanation(rules, activated.explanation.clone()));
    shown.platform = platform_number(activated.platform);
    // No activation is granted without evidence, so it was there once.
    shown.evidence_erased = activated.evidence.components().is_empty();
}

/// What an uncounted activation is recorded for, the gravest reason first.
fn type_of(activated: &Activated) -> pb::KeyEventType {
    const OTHER_INSTALL: (ComponentKind, KindVerdict) =
        (ComponentKind::OsInstallId, KindVerdict::Changed);
    let explanation = &activated.explanation;
    if activated.outcome.is_counted() {
        pb::KeyEventType::Counted
    } else if explanation.weak {
        pb::KeyEventType::WeakMatch
    } else if explanation.clone_suspected {
        pb::KeyEventType::CloneSuspected
    } else if explanation.kinds.contains(&OTHER_INSTALL) {
        pb::KeyEventType::Reinstalled
    } else {
        pb::KeyEventType::EvidenceExtended
    }
}

fn client(client: &Client) -> Option<pb::ClientInfo> {
    let named = !client.name.is_empty() || !client.version.is_empty();
    named.then(|| pb::ClientInfo { name: client.name.clone(), version: client.version.clone() })
}

fn limit_change(body: &Body) -> Option<(u32, u32)> {
    let Body::Updated { changes } = body else { return None };
    changes.iter().find_map(|change| match change {
        Change::Limit(old, new) => Some((*old, *new)),
        Change::Blocked(..)
        | Change::Platforms(..)
        | Change::ReleasesMax(..)
        | Change::ActivateBy(..)
        | Change::HelpUri(..)
        | Change::HandleAllowed(..)
        | Change::Suspension(..)
        | Change::Lookup(_) => None,
    })
}

/// `field: old -> new`.
fn change(change: &Change) -> String {
    match change {
        Change::Limit(old, new) => format!("limit: {old} -> {new}"),
        Change::Blocked(old, new) => format!("blocked: {old} -> {new}"),
        Change::Platforms(old, new) => format!("platforms: {old} -> {new}"),
        Change::ReleasesMax(old, new) => format!("release_policy: {old} -> {new}"),
        Change::ActivateBy(old, new) => {
            format!("activate_by_time: {} -> {}", moment(*old), moment(*new))
        }
        Change::HelpUri(old, new) => format!("help_uri: {} -> {}", text(old), text(new)),
        Change::HandleAllowed(old, new) => format!("operator_handle_allowed: {old} -> {new}"),
        Change::Suspension(old, new) => {
            format!("suspension: {} -> {}", suspension(*old), suspension(*new))
        }
        Change::Lookup(lookup) => format!("look_up_digest: none -> pepper {}", lookup.pepper.0),
    }
}

fn moment(time_ms: Option<i64>) -> String {
    time_ms.map_or_else(|| "none".to_owned(), |time_ms| timestamp(time_ms).to_string())
}

fn text(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn suspension(suspension: Suspension) -> String {
    let standing = if suspension.suspended { "suspended" } else { "in force" };
    format!("{standing} (generation {})", suspension.generation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::Reason;
    use crate::domain::event::{Explanation, Outcome};
    use crate::domain::evidence::Evidence;
    use crate::domain::ids::ActivationId;
    use crate::domain::terms::Platform;

    fn activated(outcome: Outcome, used: u32, limit: u32) -> Body {
        let explanation = Explanation {
            policy_version: "hw-v1".to_owned(),
            score: None,
            threshold: 60,
            kinds: Vec::new(),
            weak: true,
            clone_suspected: false,
        };
        Body::Activated(Box::new(Activated {
            outcome,
            activation: ActivationId([1; 16]),
            count: 2,
            platform: Platform::Linux,
            used,
            limit,
            explanation,
            evidence: Evidence::default().into(),
        }))
    }

    #[test]
    fn used_and_limit_are_the_same_read_forwards_and_backwards() {
        let refused = Body::Refused { reason: Reason::LimitReached, platform: None };
        let released = Released {
            activation: ActivationId([1; 16]),
            count: 2,
            last: true,
            by_policy: true,
            used: 1,
            limit: 3,
        };
        let history = [
            activated(Outcome::CountedNewComputer, 1, 2),
            activated(Outcome::CountedSignificantChange, 2, 2),
            refused.clone(),
            Body::Updated { changes: vec![Change::Limit(2, 3), Change::Blocked(false, true)] },
            activated(Outcome::NotCountedSameComputer, 2, 3),
            Body::Released(released),
            refused,
        ];
        let mut standing = Standing { used: 0, limit: 2 };
        let mut forwards = vec![standing];
        for body in &history {
            standing = standing.after(body);
            forwards.push(standing);
        }
        assert_eq!(standing, Standing { used: 1, limit: 3 });
        for (body, expected) in history.iter().zip(&forwards).rev() {
            standing = standing.before(body);
            assert_eq!(standing, *expected, "before {body:?}");
        }
    }

    #[test]
    fn changes_read_as_field_old_new() {
        let off = Suspension::default();
        let on = Suspension { suspended: true, generation: 4 };
        assert_eq!(change(&Change::Limit(5, 6)), "limit: 5 -> 6");
        assert_eq!(
            change(&Change::Suspension(off, on)),
            "suspension: in force (generation 0) -> suspended (generation 4)"
        );
        assert_eq!(
            change(&Change::ActivateBy(None, Some(0))),
            "activate_by_time: none -> 1970-01-01T00:00:00Z"
        );
        let link = Change::HelpUri(String::new(), "https://a.example".to_owned());
        assert_eq!(change(&link), "help_uri: none -> https://a.example");
    }
}
