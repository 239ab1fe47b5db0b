//! What `ledger stat` and `ledger verify` tell, for people.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use crate::storage::journaled::upkeep::{Rebuilt, Stat, Verified};

pub(super) fn stat(stat: &Stat) -> String {
    let mut lines = Lines::default();
    lines.add("folder", stat.folder.display());
    lines.add("chain", &stat.chain_id);
    lines.add("segments", stat.segments);
    lines.add("frames", stat.frames);
    lines.add("events", stat.events);
    lines.add("last sequence", stat.last_sequence);
    lines.add("head", &stat.head_hash);
    for key in &stat.signing_key_ids {
        lines.add("signing key", key);
    }
    lines.add("erased parts", stat.erased);
    lines.add("closed in order", if stat.is_clean { "yes" } else { "no" });
    let torn = "torn: something that was never durable lies behind the last frame";
    lines.add("tail", if stat.has_torn_tail { torn } else { "whole" });
    match &stat.books {
        Some(rows) => {
            lines.add("applied sequence", rows.applied_sequence);
            lines.add("keys", rows.keys);
            lines.add("counts", rows.counts);
            lines.add("event rows", rows.events);
        }
        None => lines.add("books", "none: the next start makes them"),
    }
    let bytes = &stat.bytes;
    lines.add("bytes of segments", bytes.segments);
    lines.add("bytes of reserve", bytes.reserve);
    lines.add("bytes of journal, other", bytes.journal_other);
    lines.add("bytes of books", bytes.books);
    lines.add("bytes of other files", bytes.other);
    lines.0.join("\n")
}

pub(super) fn good(found: &Verified) -> String {
    let Verified { chain_id, frames, events, accounts, .. } = found;
    let mut text = format!(
        "chain {chain_id} is whole: {frames} frames with {events} events; {accounts} accounts are \
         what their events make"
    );
    if found.erased > 0 {
        text.push_str(&format!("; {} private parts are erased", found.erased));
    }
    if found.applied_sequence < found.events {
        let lacking = found.events - found.applied_sequence;
        text.push_str(&format!("; {lacking} events are applied at the next start"));
    }
    text
}

/// The two lines of phases have one form, which programs read too.
pub(super) fn rebuilt(done: &Rebuilt) -> String {
    let Rebuilt { events, accounts, checking, applying, set_aside } = done;
    let aside = set_aside.as_deref().map(Path::display);
    let aside = aside.map_or_else(String::new, |aside| format!("; the old books are in {aside}"));
    let phase = |name: &str, took: &Duration| {
        format!("{name}: {events} events in {:.3} s", took.as_secs_f64())
    };
    let (checking, applying) = (phase("checking", checking), phase("applying", applying));
    format!(
        "applied {events} events{aside}\n{checking}, {accounts} accounts made in memory\n\
         {applying}, written to new books"
    )
}

pub(super) fn faults(found: &Verified) -> String {
    let count = found.faults_count;
    let mut lines = vec![format!("{count} {}", if count == 1 { "fault" } else { "faults" })];
    lines.extend(found.faults.iter().cloned());
    let untold = found.faults_count.saturating_sub(found.faults.len() as u64);
    if untold > 0 {
        lines.push(format!("and {untold} more"));
    }
    lines.join("\n")
}

#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, name: &str, value: impl Display) {
        self.0.push(format!("{name:<24}{value}"));
    }
}
