//! What a client found of each kind, with digests in place of values.

use std::collections::BTreeMap;
use std::fmt;

use crate::{ComponentKind, DeploymentSalt, Digest, RECIPE_VERSION, Reading, digest, read};

/// Most digests of a set kind; of more, the smallest are kept so that the choice does not depend on
/// their order.
pub const SET_DIGESTS_MAX: usize = 16;

/// Why nothing is known of a kind, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbsentReason {
    /// The computer does not have it, or the program does not look for it on this system.
    NotFound,
    /// Only an administrator may read it.
    NeedsAdministrator,
    /// The operating system has the place, and nothing stands in it.
    Empty,
    /// It could not be read for another reason.
    Unreadable,
    /// It is there and not a part of this hardware, such as a virtual disk or a removable adapter.
    NotHardware,
    /// Nobody assigned one.
    NotAssigned,
}

/// What was found of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Nothing; it abstains.
    Absent(AbsentReason),
    /// Only placeholders that many computers share; it abstains.
    Junk,
    /// Sorted digests without repetition: one, or up to [`SET_DIGESTS_MAX`] of a set kind.
    Present(Vec<Digest>),
}

/// The digests of one kind, ready for the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// What the digests are of.
    pub kind: ComponentKind,
    /// The recipe that made them.
    pub recipe_version: u8,
    /// Sorted, without repetition.
    pub digests: Vec<Digest>,
}

/// What was found of every kind on one computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    findings: BTreeMap<ComponentKind, Finding>,
}

/// Gathers raw values and keeps their digests only.
#[derive(Debug, Clone)]
pub struct EvidenceBuilder {
    salt: DeploymentSalt,
    findings: BTreeMap<ComponentKind, Finding>,
}

/// Why a value cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// A computer has one component of this kind, and another value was added before.
    #[error("{kind} has one value and another one was given")]
    SecondValue {
        /// The kind.
        kind: ComponentKind,
    },
}

impl EvidenceBuilder {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(salt: DeploymentSalt) -> Self {
        Self { salt, findings: BTreeMap::new() }
    }

    /// Adds a raw value: normalises it, sorts junk out, and keeps its digest.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::SecondValue`] for a kind that is no set and has a different value already.
    pub fn value(&mut self, kind: ComponentKind, raw: &str) -> Result<&mut Self, EvidenceError> {
        let found = match read(kind, raw) {
            Reading::Empty => Finding::Absent(AbsentReason::Empty),
            Reading::Junk => Finding::Junk,
            Reading::Value(value) => Finding::Present(vec![digest(&self.salt, kind, &value)]),
        };
        let known = self.findings.remove(&kind);
        let merged = match (known, found) {
            (None | Some(Finding::Absent(_)), found) => found,
            (Some(Finding::Junk), Finding::Absent(_)) => Finding::Junk,
            (Some(Finding::Junk), found) => found,
            (Some(Finding::Present(digests)), Finding::Present(added)) => {
                let second = digests != added;
                let finding = union(digests, added);
                if second && !kind.is_set() {
                    return Err(EvidenceError::SecondValue { kind });
                }
                finding
            }
            (Some(present @ Finding::Present(_)), _) => present,
        };
        self.findings.insert(kind, merged);
        Ok(self)
    }

    /// Notes why nothing is known of a kind, unless something is.
    pub fn absent(&mut self, kind: ComponentKind, reason: AbsentReason) -> &mut Self {
        self.findings.entry(kind).or_insert(Finding::Absent(reason));
        self
    }

    /// The evidence; kinds that nobody spoke of are absent.
    #[must_use]
    pub fn build(mut self) -> Evidence {
        for kind in ComponentKind::ALL {
            self.absent(kind, AbsentReason::NotFound);
        }
        Evidence { findings: self.findings }
    }
}

impl Evidence {
    /// Evidence that was made elsewhere, for showing and comparing; kinds that are not named are
    /// absent.
    #[must_use]
    pub fn of_findings(findings: impl IntoIterator<Item = (ComponentKind, Finding)>) -> Self {
        let mut known: BTreeMap<ComponentKind, Finding> = ComponentKind::ALL
            .into_iter()
            .map(|kind| (kind, Finding::Absent(AbsentReason::NotFound)))
            .collect();
        for (kind, finding) in findings {
            let finding = match finding {
                Finding::Present(digests) => union(digests, Vec::new()),
                other => other,
            };
            known.insert(kind, finding);
        }
        Self { findings: known }
    }

    /// What was found of one kind.
    #[must_use]
    pub fn finding(&self, kind: ComponentKind) -> &Finding {
        self.findings.get(&kind).unwrap_or(&Finding::Absent(AbsentReason::NotFound))
    }

    /// What was found of each kind, by number of the kind; all 13 of them.
    pub fn findings(&self) -> impl Iterator<Item = (ComponentKind, &Finding)> {
        self.findings.iter().map(|(kind, finding)| (*kind, finding))
    }

    /// What is present, by number of the kind, as it is sent.
    #[must_use]
    pub fn components(&self) -> Vec<Component> {
        let present = self.findings.iter().filter_map(|(kind, finding)| match finding {
            Finding::Present(digests) => Some((*kind, digests.clone())),
            Finding::Absent(_) | Finding::Junk => None,
        });
        present
            .map(|(kind, digests)| Component { kind, recipe_version: RECIPE_VERSION, digests })
            .collect()
    }
}

impl AbsentReason {
    /// All reasons.
    pub const ALL: [Self; 6] = [
        Self::NotFound,
        Self::NeedsAdministrator,
        Self::Empty,
        Self::Unreadable,
        Self::NotHardware,
        Self::NotAssigned,
    ];
}

impl fmt::Display for AbsentReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::NotFound => "not found",
            Self::NeedsAdministrator => "only an administrator may read it",
            Self::Empty => "empty",
            Self::Unreadable => "cannot be read",
            Self::NotHardware => "virtual or removable",
            Self::NotAssigned => "none assigned",
        })
    }
}

/// All digests, sorted, without repetition, at most [`SET_DIGESTS_MAX`].
fn union(mut digests: Vec<Digest>, added: Vec<Digest>) -> Finding {
    digests.extend(added);
    digests.sort_unstable();
    digests.dedup();
    digests.truncate(SET_DIGESTS_MAX);
    Finding::Present(digests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder() -> EvidenceBuilder {
        EvidenceBuilder::new(DeploymentSalt::new([1; 32]))
    }

    fn finding(evidence: &Evidence, wanted: ComponentKind) -> Finding {
        evidence.findings().find(|(kind, _)| *kind == wanted).unwrap().1.clone()
    }

    #[test]
    fn every_kind_has_a_finding() {
        let evidence = builder().build();
        assert_eq!(evidence.findings().count(), 13);
        assert!(evidence.components().is_empty());
    }

    #[test]
    fn junk_empty_and_absent_are_told_apart() {
        let mut builder = builder();
        builder.value(ComponentKind::BoardSerial, "Default string").unwrap();
        builder.value(ComponentKind::ChassisSerial, "\n").unwrap();
        builder.absent(ComponentKind::OsDisk, AbsentReason::NeedsAdministrator);
        let evidence = builder.build();
        assert_eq!(finding(&evidence, ComponentKind::BoardSerial), Finding::Junk);
        let empty = Finding::Absent(AbsentReason::Empty);
        assert_eq!(finding(&evidence, ComponentKind::ChassisSerial), empty);
        let denied = Finding::Absent(AbsentReason::NeedsAdministrator);
        assert_eq!(finding(&evidence, ComponentKind::OsDisk), denied);
    }

    #[test]
    fn a_set_keeps_the_16_smallest_in_any_order() {
        let macs: Vec<String> = (0..40).map(|n| format!("a4:bb:6d:00:00:{n:02x}")).collect();
        let (mut up, mut down) = (builder(), builder());
        for mac in &macs {
            up.value(ComponentKind::Nic, mac).unwrap();
        }
        for mac in macs.iter().rev().chain(macs.first()) {
            down.value(ComponentKind::Nic, mac).unwrap();
        }
        let up = finding(&up.build(), ComponentKind::Nic);
        assert_eq!(up, finding(&down.build(), ComponentKind::Nic));
        let Finding::Present(digests) = up else { panic!("no digests") };
        assert_eq!(digests.len(), SET_DIGESTS_MAX);
        assert!(digests.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn junk_in_a_set_is_left_out_and_does_not_hide_values() {
        let mut builder = builder();
        for raw in ["02:42:ac:11:00:02", "a4:bb:6d:00:00:01", "", "ff:ff:ff:ff:ff:ff"] {
            builder.value(ComponentKind::Nic, raw).unwrap();
        }
        let Finding::Present(digests) = finding(&builder.build(), ComponentKind::Nic) else {
            panic!("no digests")
        };
        assert_eq!(digests.len(), 1);
    }

    #[test]
    fn other_kinds_have_one_value() {
        let mut builder = builder();
        builder.value(ComponentKind::OsDisk, "S3Z9NB0K").unwrap();
        builder.value(ComponentKind::OsDisk, " s3z9nb0k ").unwrap();
        let second = builder.value(ComponentKind::OsDisk, "WD-1").map(|_| ());
        assert_eq!(second, Err(EvidenceError::SecondValue { kind: ComponentKind::OsDisk }));
    }
}
