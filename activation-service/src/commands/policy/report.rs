//! What the `policy` commands tell, for people and as JSON.

use serde::Serialize;

use crate::adapters::policy_file::fingerprint;
use crate::domain::policy::Rules;
use crate::domain::popularity::{COUNTED_MAX, Popular, SETS_USUAL_MAX};
use crate::domain::replay::{Differing, Replay};

/// A policy that can be used.
pub(super) fn good(rules: &Rules) -> String {
    let (version, fingerprint) = (&rules.version, fingerprint(rules));
    let demoted = rules.demoted.len();
    format!("{version} can be used: {demoted} demoted values, fingerprint {fingerprint}")
}

/// Values that many computers share.
#[derive(Serialize)]
pub(super) struct Suggested<'a> {
    policy_version: &'a str,
    /// How many there are, told or not.
    values: usize,
    told: Vec<Value>,
}

#[derive(Serialize)]
struct Value {
    kind: &'static str,
    digest: String,
    sets: usize,
    computers: usize,
}

impl<'a> Suggested<'a> {
    pub(super) fn of(policy_version: &'a str, popular: &[Popular], most: usize) -> Self {
        let told = popular.iter().take(most).map(|it| Value {
            kind: it.kind.name(),
            digest: it.digest.to_hex(),
            sets: it.sets,
            computers: it.computers,
        });
        Self { policy_version, values: popular.len(), told: told.collect() }
    }

    pub(super) fn text(&self) -> String {
        let version = self.policy_version;
        if self.values == 0 {
            return format!(
                "no value that {version} does not know for junk was seen with more than \
                 {SETS_USUAL_MAX} different sets of other anchors"
            );
        }
        let mut lines =
            vec![format!("{:<15}{:<34}{:>6}{:>11}", "kind", "digest", "sets", "computers")];
        for Value { kind, digest, sets, computers } in &self.told {
            let (sets, computers) = (counted(*sets), counted(*computers));
            lines.push(format!("{kind:<15}{digest:<34}{sets:>6}{computers:>11}"));
        }
        let untold = self.values - self.told.len();
        if untold > 0 {
            lines.push(format!("and {untold} more"));
        }
        lines.push(String::new());
        lines.push(
            "# A value of few computers is more likely a part that outlived others: leave"
                .to_owned(),
        );
        lines.push(
            "# it out. Put the rest at the end of your policy, under a version of its own."
                .to_owned(),
        );
        for Value { kind, digest, sets, computers } in &self.told {
            let seen = format!("{} sets, {} computers", counted(*sets), counted(*computers));
            lines.push(format!("\n[[junk]] # {seen}\nkind = \"{kind}\"\ndigest = \"{digest}\""));
        }
        lines.join("\n")
    }
}

/// Counting ends at a bound.
fn counted(number: usize) -> String {
    if number < COUNTED_MAX { number.to_string() } else { format!("{number}+") }
}

/// What a replay came to.
#[derive(Serialize)]
pub(super) struct Replayed<'a> {
    policy_version: &'a str,
    keys: u64,
    events: u64,
    decisions: u64,
    unchanged: u64,
    changed: u64,
    erased: u64,
    totals: Vec<Total>,
    changes: Vec<Change<'a>>,
}

#[derive(Serialize)]
struct Total {
    from: &'static str,
    to: &'static str,
    decisions: u64,
}

#[derive(Serialize)]
struct Change<'a> {
    key_id: String,
    account_version: u64,
    decided_by: &'a str,
    from: &'static str,
    to: &'static str,
    another_computer: bool,
}

impl<'a> Replayed<'a> {
    pub(super) fn of(policy_version: &'a str, replay: &Replay, differing: &'a [Differing]) -> Self {
        let totals = replay.totals.iter();
        let total = |((from, to), decisions): (&(&'static str, &'static str), &u64)| Total {
            from,
            to,
            decisions: *decisions,
        };
        let change = |it: &'a Differing| Change {
            key_id: it.key_id.to_string(),
            account_version: it.version,
            decided_by: &it.policy_version,
            from: it.was.name(),
            to: it.would_be.name(),
            another_computer: it.is_of_another_computer(),
        };
        Self {
            policy_version,
            keys: replay.keys,
            events: replay.events,
            decisions: replay.decisions,
            unchanged: replay.decisions - replay.differing,
            changed: replay.differing,
            erased: replay.erased,
            totals: totals.map(total).collect(),
            changes: differing.iter().map(change).collect(),
        }
    }

    pub(super) fn text(&self) -> String {
        let Self { policy_version, keys, events, decisions, unchanged, changed, .. } = self;
        let mut lines = vec![format!(
            "{keys} keys with {events} events: of {decisions} decisions {policy_version} leaves \
             {unchanged} as they are and changes {changed}"
        )];
        if self.erased > 0 {
            lines.push(format!("{} rest on evidence that was erased", self.erased));
        }
        for Total { from, to, decisions } in &self.totals {
            lines.push(format!("{decisions:>10}  {}", arrow(from, to, from == to)));
        }
        for it in &self.changes {
            let Change { key_id, account_version, decided_by, .. } = it;
            let change = arrow(it.from, it.to, it.another_computer);
            lines.push(format!("key {key_id} event {account_version} ({decided_by}): {change}"));
        }
        let untold = self.changed - self.changes.len() as u64;
        if untold > 0 {
            lines.push(format!("and {untold} more"));
        }
        lines.join("\n")
    }
}

fn arrow(from: &str, to: &str, is_another_computer: bool) -> String {
    let another = if is_another_computer { " of another computer" } else { "" };
    format!("{from} -> {to}{another}")
}
