//! Operating system installations on one count: a reinstallation comes once and stays, two that
//! take turns are perhaps a clone.
//!
//! Only what was recorded is looked at, so a replay suspects the same. What is recorded of a count
//! is each installation when it is first seen, up to a bound; so nobody can fill the ledger with
//! installations, and beyond the bound no suspicion is lost that was raised before.

use hardware_evidence::{ComponentKind, Digest};

use super::account::Count;
use super::evidence::Evidence;
use super::matching::KindVerdict;

/// Most installations that are recorded of a count after that of its baseline.
pub const INSTALLS_MAX: usize = 8;

/// What the installation of a report is to a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Install {
    /// The latest one, or nothing can be said.
    Usual,
    /// One that was never seen here; it is recorded.
    New(Digest),
    /// One that was seen before another: both are in use.
    Again,
}

/// What the installation of a report is to a count that it left unchanged, from how the kinds
/// compared.
#[must_use]
pub fn install(
    count: &Count,
    kinds: &[(ComponentKind, KindVerdict)],
    report: &Evidence,
) -> Install {
    const KIND: ComponentKind = ComponentKind::OsInstallId;
    let verdict = kinds.iter().find(|(kind, _)| *kind == KIND).map(|(_, verdict)| *verdict);
    match verdict {
        Some(KindVerdict::Matched) if !count.installs.is_empty() => Install::Again,
        Some(KindVerdict::Changed) => {
            let Some((shown, _)) = report.common(&count.baseline, KIND).next_back() else {
                return Install::Usual;
            };
            let Some(id) = shown.digests().first() else { return Install::Usual };
            match count.installs.iter().position(|seen| seen == id) {
                Some(place) if place + 1 == count.installs.len() => Install::Usual,
                Some(_) => Install::Again,
                None if count.installs.len() < INSTALLS_MAX => Install::New(*id),
                None => Install::Usual,
            }
        }
        _ => Install::Usual,
    }
}

#[cfg(test)]
mod tests;
