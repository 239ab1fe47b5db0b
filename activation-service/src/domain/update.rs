//! Updating: terms and standing change by recorded events, and only where they differ.

use super::account::Account;
use super::command::{Answer, Decision, Settings, Update, next_event};
use super::event::{Body, Change};
use super::register::suspension;

/// Decides an update of a known key; whether the caller may make it was checked before.
#[must_use]
pub fn decide(account: &Account, command: &Update) -> Decision {
    let changes = changes(account, &command.settings);
    let mut decision = Decision::answer(Answer::Key);
    if !changes.is_empty() {
        let body = Body::Updated { changes };
        decision.events.push(next_event(account, &command.origin, None, body));
    }
    decision
}

fn changes(account: &Account, settings: &Settings) -> Vec<Change> {
    let (head, terms) = (&account.head, &account.head.terms);
    let all = [
        differs(terms.limit, settings.limit).map(|(old, new)| Change::Limit(old, new)),
        differs(head.blocked, settings.blocked).map(|(old, new)| Change::Blocked(old, new)),
        differs(terms.platforms, settings.platforms).map(|(old, new)| Change::Platforms(old, new)),
        differs(terms.releases_max, settings.releases_max)
            .map(|(old, new)| Change::ReleasesMax(old, new)),
        differs(terms.activate_by_ms, settings.activate_by_ms)
            .map(|(old, new)| Change::ActivateBy(old, new)),
        differs(terms.help_uri.clone(), settings.help_uri.clone())
            .map(|(old, new)| Change::HelpUri(old, new)),
        differs(terms.handle_allowed, settings.handle_allowed)
            .map(|(old, new)| Change::HandleAllowed(old, new)),
        settings.suspension.and_then(|asked| suspension(head.suspension, asked)),
    ];
    all.into_iter().flatten().collect()
}

fn differs<T: PartialEq>(old: T, new: Option<T>) -> Option<(T, T)> {
    new.filter(|new| *new != old).map(|new| (old, new))
}
