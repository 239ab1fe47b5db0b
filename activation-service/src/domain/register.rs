//! Registering: a key becomes known once, and the same registration again changes nothing.

use super::account::Account;
use super::command::{Answer, Context, Decision, Register, next_event};
use super::error::Refusal;
use super::event::{Body, Change, Event};
use super::terms::Suspension;

/// Decides a registration.
#[must_use]
pub fn decide(context: Context<'_>, command: &Register) -> Decision {
    match (context.account, context.lookup_owner) {
        (Some(account), owner) if owner.is_none_or(|owner| owner == command.key_id) => {
            again(account, command)
        }
        (_, Some(_)) => refuse(vec!["product_key"]),
        (_, None) => first(command),
    }
}

fn first(command: &Register) -> Decision {
    let Some(lookup) = command.lookups.first() else { return refuse(vec!["product_key"]) };
    let event = Event {
        key_id: command.key_id,
        version: 1,
        shown_ms: command.origin.time_ms,
        origin: command.origin.clone(),
        request: None,
        body: Body::Registered {
            terms: Box::new(command.terms.clone()),
            suspension: command.suspension,
            lookup: *lookup,
        },
    };
    Decision { events: vec![event], result: Ok(Answer::Key) }
}

fn again(account: &Account, command: &Register) -> Decision {
    let head = &account.head;
    let mut fields = Vec::new();
    if !command.lookups.iter().any(|lookup| head.lookups.contains(lookup)) {
        fields.push("product_key");
    }
    // An administrator may have changed the terms since: the repeat is compared with what was
    // registered.
    if command.terms.fingerprint() != head.registered_terms {
        match command.terms.differing(&head.terms) {
            differing if differing.is_empty() => fields.push("terms"),
            differing => fields.extend(differing),
        }
    }
    if !fields.is_empty() {
        return refuse(fields);
    }
    let mut changes = Vec::new();
    changes.extend(suspension(head.suspension, command.suspension));
    let newest = command.lookups.first().filter(|lookup| !head.lookups.contains(lookup));
    changes.extend(newest.map(|lookup| Change::Lookup(*lookup)));
    let mut decision = Decision::answer(Answer::Key);
    if !changes.is_empty() {
        let body = Body::Updated { changes };
        decision.events.push(next_event(account, &command.origin, None, body));
    }
    decision
}

/// The change to a later generation; an earlier one comes from a late message and is ignored.
pub(super) fn suspension(recorded: Suspension, asked: Suspension) -> Option<Change> {
    (asked.generation > recorded.generation).then_some(Change::Suspension(recorded, asked))
}

const fn refuse(fields: Vec<&'static str>) -> Decision {
    Decision::refuse(Refusal::AlreadyRegistered { fields })
}

#[cfg(test)]
mod tests;
