//! The raw values of one computer, which stay on it; what leaves are the digests made from them.

use std::collections::BTreeMap;
use std::fmt;

use hardware_evidence::{
    AbsentReason, ComponentKind, DeploymentSalt, Evidence, EvidenceBuilder, EvidenceError, is_junk,
};

/// A full profile with the form of a real desktop computer and invented serials, for demonstrations
/// and tests.
pub const RECORDED_DESKTOP: &str = include_str!("../profiles/recorded-desktop.json");

/// Most values that a profile keeps of one kind.
const VALUES_MAX: usize = 256;

/// Raw values by kind. As secret as serial numbers are: its `Debug` names kinds only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Profile {
    values: BTreeMap<ComponentKind, Vec<String>>,
    absent: BTreeMap<ComponentKind, AbsentReason>,
    hypervisor: Option<&'static str>,
    container: bool,
}

/// Why a recorded profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// It is not an object of kinds with a text or a list of texts each.
    #[error("the profile is no JSON object of kinds and values: {0}")]
    Form(#[from] serde_json::Error),
    /// It names a kind that does not exist.
    #[error("the profile names an unknown kind, {0:?}")]
    UnknownKind(String),
    /// It has several values of a kind that has one.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
}

/// A text, or several for set kinds.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum RecordedValues {
    One(String),
    Several(Vec<String>),
}

/// The file form of a profile.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedProfile {
    /// What the profile is, for readers of the file.
    #[serde(rename = "about")]
    _about: Option<String>,
    values: BTreeMap<String, RecordedValues>,
}

impl Profile {
    /// Nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A recorded profile, `{"about": "…", "values": {"BOARD_SERIAL": "…", "NIC": ["…"]}}`,
    /// with the names of [`ComponentKind::name`].
    ///
    /// # Errors
    ///
    /// Another form, an unknown kind, or several values of a kind that has one.
    pub fn from_json(text: &str) -> Result<Self, ProfileError> {
        let recorded: RecordedProfile = serde_json::from_str(text)?;
        let mut profile = Self::new();
        for (name, values) in recorded.values {
            let kind = ComponentKind::from_name(&name).ok_or(ProfileError::UnknownKind(name))?;
            let values = match values {
                RecordedValues::One(value) => vec![value],
                RecordedValues::Several(values) => values,
            };
            if values.len() > 1 && !kind.is_set() {
                return Err(EvidenceError::SecondValue { kind }.into());
            }
            for value in values {
                profile.add(kind, value);
            }
        }
        Ok(profile)
    }

    /// The same computer with another value, or values of a set kind, in place of the old ones.
    #[must_use]
    pub fn with<S: Into<String>>(
        mut self,
        kind: ComponentKind,
        values: impl IntoIterator<Item = S>,
    ) -> Self {
        self.values.remove(&kind);
        for value in values {
            self.add(kind, value.into());
        }
        self
    }

    /// The same computer of which a kind cannot be read.
    #[must_use]
    pub fn without(mut self, kind: ComponentKind) -> Self {
        self.values.remove(&kind);
        self.absent.insert(kind, AbsentReason::NotFound);
        self
    }

    /// The same computer with a handle that an operator assigned.
    #[must_use]
    pub fn with_operator_handle(self, handle: &str) -> Self {
        self.with(ComponentKind::OperatorHandle, [handle])
    }

    /// The raw values of a kind.
    #[must_use]
    pub fn raw(&self, kind: ComponentKind) -> &[String] {
        self.values.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// The hypervisor or cloud that the computer is a guest of, if its firmware says so.
    #[must_use]
    pub const fn hypervisor(&self) -> Option<&'static str> {
        self.hypervisor
    }

    /// Whether the program saw a container and not a whole computer.
    #[must_use]
    pub const fn is_container(&self) -> bool {
        self.container
    }

    /// The digests of everything, with junk sorted out.
    ///
    /// # Errors
    ///
    /// Several values of a kind that has one.
    pub fn evidence(&self, salt: &DeploymentSalt) -> Result<Evidence, EvidenceError> {
        let mut builder = EvidenceBuilder::new(*salt);
        for (kind, values) in &self.values {
            for value in values {
                builder.value(*kind, value)?;
            }
        }
        for (kind, reason) in &self.absent {
            builder.absent(*kind, *reason);
        }
        Ok(builder.build())
    }

    /// Adds a raw value; of a kind that has one, the last one stays.
    pub(crate) fn add(&mut self, kind: ComponentKind, value: String) {
        let values = self.values.entry(kind).or_default();
        if !kind.is_set() {
            values.clear();
        }
        if values.len() < VALUES_MAX {
            values.push(value);
        }
    }

    /// Notes why a kind cannot be read; a value, if there is one, outweighs it.
    pub(crate) fn absent(&mut self, kind: ComponentKind, reason: AbsentReason) {
        self.absent.entry(kind).or_insert(reason);
    }

    /// Notes whose guest the computer is.
    pub(crate) const fn set_hypervisor(&mut self, name: &'static str) {
        self.hypervisor = Some(name);
    }

    /// Notes that a container was seen.
    pub(crate) const fn set_container(&mut self) {
        self.container = true;
    }

    /// Takes the first source that says something, else the first that says junk, else the most
    /// telling reason.
    pub(crate) fn first_of<const N: usize>(
        &mut self,
        kind: ComponentKind,
        sources: [Result<String, AbsentReason>; N],
    ) {
        let mut junk = None;
        let mut reason = None;
        for source in sources {
            match source {
                Ok(value) if !is_junk(kind, &value) => return self.add(kind, value),
                Ok(value) => junk = junk.or(Some(value)),
                Err(AbsentReason::NotFound) => {}
                Err(why) => reason = reason.or(Some(why)),
            }
        }
        if let Some(value) = junk {
            self.add(kind, value);
        }
        self.absent(kind, reason.unwrap_or(AbsentReason::NotFound));
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Profile of {:?}", self.values.keys().collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hardware_evidence::{Finding, hw_v1};

    const SALT: DeploymentSalt = DeploymentSalt::new([3; 32]);

    #[test]
    fn the_recorded_desktop_has_every_scored_kind() {
        let profile = Profile::from_json(RECORDED_DESKTOP).unwrap();
        let components = profile.evidence(&SALT).unwrap().components();
        let points: u32 = components.iter().map(|component| hw_v1::points(component.kind)).sum();
        assert_eq!(points, hw_v1::POINTS_SUM);
    }

    #[test]
    fn a_swap_changes_one_kind() {
        let before = Profile::from_json(RECORDED_DESKTOP).unwrap();
        let after = before.clone().with(ComponentKind::OsDisk, ["WD-WX11A22B3344"]);
        let before = before.evidence(&SALT).unwrap();
        let after = after.evidence(&SALT).unwrap();
        let changed: Vec<_> = before
            .findings()
            .zip(after.findings())
            .filter(|(old, new)| old != new)
            .map(|((kind, _), _)| kind)
            .collect();
        assert_eq!(changed, [ComponentKind::OsDisk]);
    }

    #[test]
    fn faults_of_a_recorded_profile_are_told_apart() {
        let unknown = Profile::from_json(r#"{"values": {"TOASTER": "x"}}"#);
        assert!(matches!(unknown, Err(ProfileError::UnknownKind(kind)) if kind == "TOASTER"));
        let twice = Profile::from_json(r#"{"values": {"OS_DISK": ["a", "b"]}}"#);
        assert!(matches!(twice, Err(ProfileError::Evidence(_))));
        assert!(matches!(Profile::from_json("[]"), Err(ProfileError::Form(_))));
        assert!(matches!(Profile::from_json(r#"{"serials": {}}"#), Err(ProfileError::Form(_))));
    }

    #[test]
    fn a_second_source_serves_where_the_first_says_junk_or_nothing() {
        let kind = ComponentKind::ChassisSerial;
        let read = |sources: [Result<&str, AbsentReason>; 2]| {
            let mut profile = Profile::new();
            profile.first_of(kind, sources.map(|source| source.map(str::to_owned)));
            let evidence = profile.evidence(&SALT).unwrap();
            let found = evidence.findings().find(|(found, _)| *found == kind).unwrap().1.clone();
            (profile.raw(kind).first().cloned(), found)
        };
        let denied = Err(AbsentReason::NeedsAdministrator);
        let missing = Err(AbsentReason::NotFound);
        assert_eq!(read([Ok("Default string"), Ok("5CG1234ABC")]).0.as_deref(), Some("5CG1234ABC"));
        assert_eq!(read([denied, Ok("5CG1234ABC")]).0.as_deref(), Some("5CG1234ABC"));
        assert_eq!(read([Ok("None"), missing]).1, Finding::Junk);
        let reason = Finding::Absent(AbsentReason::NeedsAdministrator);
        assert_eq!(read([missing, denied]).1, reason);
        assert_eq!(read([missing, missing]).1, Finding::Absent(AbsentReason::NotFound));
    }

    #[test]
    fn serials_are_in_no_debug_text() {
        let profile = Profile::from_json(RECORDED_DESKTOP).unwrap();
        let text = format!("{profile:?}");
        for kind in ComponentKind::ALL {
            for raw in profile.raw(kind) {
                assert!(!text.contains(raw.as_str()));
            }
        }
    }
}
