//! Computers in files: profiles, what `benefitsctl hardware show` printed, and output of tools.

use hardware_evidence::{
    AbsentReason, ComponentKind, DeploymentSalt, Digest, Evidence, EvidenceError, Finding,
};
use serde_json::Value;

use crate::collect::transcript;
use crate::{AppleOutput, CimOutput, Collector as _, DmidecodeOutput, Profile, ProfileError};

/// A computer that was recorded, with its values or with their digests alone.
#[derive(Debug, Clone)]
pub enum RecordedComputer {
    /// Values, of which digests can be made with any salt.
    Values(Profile),
    /// Digests that were made before.
    Digests {
        /// [`DeploymentSalt::id`] of the salt, if it was recorded.
        salt_id: Option<String>,
        /// What was found.
        evidence: Evidence,
    },
}

/// Why a file is no recorded computer, or cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    /// JSON of another form.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// A kind or digest that does not exist.
    #[error("{kind}: {fault}")]
    Kind {
        /// The kind, as it is written there.
        kind: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Neither JSON nor output of a tool that is known.
    #[error(
        "neither a profile, nor output of `hardware show --json`, dmidecode, Get-CimInstance, \
         system_profiler or ioreg: no record was found"
    )]
    Unknown,
    /// Kinds without digests or values.
    #[error(
        "it says which kinds are present and has no digests of them: record it with --salt-file, \
         --activation-endpoint or --raw"
    )]
    NoDigests,
    /// Digests cannot be made again with another salt.
    #[error("one computer is recorded as digests: give the salt that made them with --salt-file")]
    SaltMissing,
    /// Digests of two salts say nothing of each other.
    #[error("the digests were made with another salt ({recorded}) than {expected}")]
    OtherSalt {
        /// The id of the salt that made them.
        recorded: String,
        /// The id of the salt that was expected.
        expected: String,
    },
    /// A profile is at odds with itself.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
}

/// What `hardware show --json` prints, as far as it is read again.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownComputer {
    salt_id: Option<String>,
    kinds: Vec<ShownKind>,
}

#[derive(serde::Deserialize)]
struct ShownKind {
    kind: String,
    state: String,
    reason: Option<String>,
    digests: Option<Vec<String>>,
    raw: Option<Vec<String>>,
}

impl RecordedComputer {
    /// Reads a file, whatever of the known forms it has.
    ///
    /// # Errors
    ///
    /// JSON of an unknown form or with unknown kinds, or a text in which no record is found.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordedError> {
        let text = transcript::text(bytes);
        if !text.trim_start().starts_with(['{', '[']) {
            return of_text(bytes, &text).map(Self::Values);
        }
        // Several documents after each other, as CIM may be recorded, are none to this parser.
        let value: Result<Value, _> = serde_json::from_str(&text);
        let instances = || CimOutput::new(bytes).ok().filter(|output| output.instances() > 0);
        let has = |wanted: fn(&str) -> bool| {
            value
                .as_ref()
                .ok()
                .and_then(Value::as_object)
                .is_some_and(|names| names.keys().any(|name| wanted(name)))
        };
        if has(|name| name == "kinds") {
            let shown = value.and_then(serde_json::from_value).map_err(ProfileError::from)?;
            return Self::of_shown(shown);
        }
        if has(|name| name.starts_with("SP") && name.ends_with("DataType")) {
            let output = AppleOutput::new(Some(bytes), None).map_err(|_| RecordedError::Unknown)?;
            return Ok(Self::Values(output.collect()));
        }
        if !has(|name| name == "values")
            && let Some(output) = instances()
        {
            return Ok(Self::Values(output.collect()));
        }
        Ok(Self::Values(Profile::from_json(&text)?))
    }

    /// The evidence under a salt; without one, digests as they were recorded.
    ///
    /// # Errors
    ///
    /// Digests that were made with another salt, or values at odds with each other.
    pub fn evidence(&self, salt: &DeploymentSalt) -> Result<Evidence, RecordedError> {
        match self {
            Self::Values(profile) => Ok(profile.evidence(salt)?),
            Self::Digests { salt_id: Some(recorded), .. } if *recorded != salt.id() => {
                Err(RecordedError::OtherSalt { recorded: recorded.clone(), expected: salt.id() })
            }
            Self::Digests { evidence, .. } => Ok(evidence.clone()),
        }
    }

    /// The evidence of two computers, comparable: under the salt that is given, else as recorded,
    /// else under any.
    ///
    /// # Errors
    ///
    /// Digests of two salts, or of an unknown one beside values.
    pub fn comparable(
        &self,
        other: &Self,
        salt: Option<&DeploymentSalt>,
    ) -> Result<(Evidence, Evidence), RecordedError> {
        if let Some(salt) = salt {
            return Ok((self.evidence(salt)?, other.evidence(salt)?));
        }
        let unsalted = DeploymentSalt::new([0; DeploymentSalt::BYTES]);
        match (self, other) {
            (Self::Values(one), Self::Values(two)) => {
                Ok((one.evidence(&unsalted)?, two.evidence(&unsalted)?))
            }
            (
                Self::Digests { salt_id: one, evidence },
                Self::Digests { salt_id: two, evidence: other },
            ) => match (one, two) {
                (Some(one), Some(two)) if one != two => {
                    Err(RecordedError::OtherSalt { recorded: two.clone(), expected: one.clone() })
                }
                _ => Ok((evidence.clone(), other.clone())),
            },
            (Self::Values(values), Self::Digests { evidence, .. })
                if evidence.components().is_empty() =>
            {
                Ok((values.evidence(&unsalted)?, evidence.clone()))
            }
            (Self::Digests { evidence, .. }, Self::Values(values))
                if evidence.components().is_empty() =>
            {
                Ok((evidence.clone(), values.evidence(&unsalted)?))
            }
            _ => Err(RecordedError::SaltMissing),
        }
    }

    fn of_shown(shown: ShownComputer) -> Result<Self, RecordedError> {
        let present = || shown.kinds.iter().filter(|kind| kind.state == "present");
        let has_raw = |kind: &ShownKind| kind.raw.as_ref().is_some_and(|raw| !raw.is_empty());
        if shown.kinds.iter().any(has_raw) && present().all(has_raw) {
            return values(&shown.kinds);
        }
        if !present().all(|kind| kind.digests.is_some()) {
            return Err(RecordedError::NoDigests);
        }
        let findings: Result<Vec<_>, _> = shown.kinds.iter().map(finding).collect();
        Ok(Self::Digests { salt_id: shown.salt_id, evidence: Evidence::of_findings(findings?) })
    }
}

/// Output that is no JSON.
fn of_text(bytes: &[u8], text: &str) -> Result<Profile, RecordedError> {
    if text.contains("+-o ") && text.contains("<class ") {
        let output = AppleOutput::new(None, Some(bytes)).map_err(|_| RecordedError::Unknown)?;
        return Ok(output.collect());
    }
    let output = DmidecodeOutput::new(bytes);
    match output.records() {
        0 => Err(RecordedError::Unknown),
        _ => Ok(output.collect()),
    }
}

fn kind_of(shown: &ShownKind) -> Result<ComponentKind, RecordedError> {
    let fault = || RecordedError::Kind { kind: shown.kind.clone(), fault: "no such kind" };
    ComponentKind::from_name(&shown.kind).ok_or_else(fault)
}

/// Values that were recorded with `--raw`.
fn values(kinds: &[ShownKind]) -> Result<RecordedComputer, RecordedError> {
    let mut profile = Profile::new();
    for shown in kinds {
        let kind = kind_of(shown)?;
        for raw in shown.raw.iter().flatten() {
            profile.add(kind, raw.clone());
        }
        profile.absent(kind, reason(shown));
    }
    Ok(RecordedComputer::Values(profile))
}

fn finding(shown: &ShownKind) -> Result<(ComponentKind, Finding), RecordedError> {
    let kind = kind_of(shown)?;
    let fault = |fault| RecordedError::Kind { kind: shown.kind.clone(), fault };
    let finding = match shown.state.as_str() {
        "absent" => Finding::Absent(reason(shown)),
        "junk" => Finding::Junk,
        "present" => {
            let digests: Option<Vec<Digest>> =
                shown.digests.iter().flatten().map(|hex| Digest::from_hex(hex)).collect();
            let digests = digests.ok_or_else(|| fault("a digest has 32 hexadecimal digits"))?;
            match digests.len() {
                1 => {}
                0 => return Err(fault("it is present and has no digest")),
                _ if kind.is_set() => {}
                _ => return Err(fault("this kind has one digest")),
            }
            Finding::Present(digests)
        }
        _ => return Err(fault("the state is present, junk or absent")),
    };
    Ok((kind, finding))
}

fn reason(shown: &ShownKind) -> AbsentReason {
    let named = |reason: &AbsentReason| shown.reason.as_deref() == Some(&reason.to_string());
    AbsentReason::ALL.into_iter().find(named).unwrap_or(AbsentReason::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RECORDED_DESKTOP;

    const DUMP: &str = include_str!("../profiles/dmidecode/dell-latitude-7490.txt");

    fn read(text: &str) -> Result<RecordedComputer, RecordedError> {
        RecordedComputer::read(text.as_bytes())
    }

    fn digests(salt_id: &str, digest: &str) -> RecordedComputer {
        let text = format!(
            r#"{{"saltId": "{salt_id}", "kinds": [
                {{"kind": "OS_DISK", "state": "present", "digests": ["{digest}"]}},
                {{"kind": "BOARD_SERIAL", "state": "junk"}},
                {{"kind": "TPM_EK", "state": "absent", "reason": "cannot be read"}}]}}"#
        );
        read(&text).unwrap()
    }

    #[test]
    fn every_form_is_known_by_its_content() {
        assert!(matches!(read(RECORDED_DESKTOP), Ok(RecordedComputer::Values(_))));
        for (text, serial) in [
            (DUMP, "6B5XK12"),
            (include_str!("../profiles/windows/lenovo-thinkpad-t480.json"), "PF1A2B3C"),
            (include_str!("../profiles/macos/intel-system-profiler.json"), "C02D12ABMD6M"),
            (include_str!("../profiles/macos/intel-ioreg.txt"), "C02D12ABMD6M"),
            (include_str!("../profiles/windows/asrock-white-box.json"), "To Be Filled By O.E.M."),
        ] {
            let Ok(RecordedComputer::Values(profile)) = read(text) else { panic!("no values") };
            assert_eq!(profile.raw(ComponentKind::ChassisSerial), [serial]);
        }
        let shown = digests("66687aad", &"ab".repeat(16));
        let RecordedComputer::Digests { salt_id, evidence } = shown else { panic!("no digests") };
        assert_eq!(salt_id.as_deref(), Some("66687aad"));
        assert_eq!(*evidence.finding(ComponentKind::BoardSerial), Finding::Junk);
        let unreadable = Finding::Absent(AbsentReason::Unreadable);
        assert_eq!(*evidence.finding(ComponentKind::TpmEk), unreadable);
        let disk = Finding::Present(vec![Digest([0xab; 16])]);
        assert_eq!(*evidence.finding(ComponentKind::OsDisk), disk);
    }

    #[test]
    fn values_of_raw_output_are_values_again() {
        let text = r#"{"kinds": [{"kind": "OS_DISK", "state": "present", "raw": ["S4EWNX0M9"]},
            {"kind": "BOARD_SERIAL", "state": "junk", "raw": ["None"]}]}"#;
        let RecordedComputer::Values(profile) = read(text).unwrap() else { panic!("no values") };
        assert_eq!(profile.raw(ComponentKind::OsDisk), ["S4EWNX0M9"]);
        assert_eq!(profile.raw(ComponentKind::BoardSerial), ["None"]);
    }

    #[test]
    fn faults_are_told_apart() {
        let present = r#"{"kinds": [{"kind": "OS_DISK", "state": "present"}]}"#;
        assert!(matches!(read(present), Err(RecordedError::NoDigests)));
        assert!(matches!(read("hello"), Err(RecordedError::Unknown)));
        assert!(matches!(read(""), Err(RecordedError::Unknown)));
        assert!(matches!(read("{"), Err(RecordedError::Profile(_))));
        assert!(matches!(read(r#"{"kinds": 1}"#), Err(RecordedError::Profile(_))));
        for kind in [
            r#"{"kind": "TOASTER", "state": "junk"}"#,
            r#"{"kind": "CPU", "state": "odd"}"#,
            r#"{"kind": "CPU", "state": "present", "digests": ["ab"]}"#,
            r#"{"kind": "CPU", "state": "present", "digests": []}"#,
        ] {
            let text = format!(
                r#"{{"kinds": [{kind}, {{"kind": "NIC", "state": "present",
                "digests": ["abababababababababababababababab"]}}]}}"#
            );
            assert!(matches!(read(&text), Err(RecordedError::Kind { .. })), "{kind}");
        }
    }

    #[test]
    fn digests_of_two_salts_are_not_compared() {
        let salt = DeploymentSalt::new([0; 32]);
        let (here, there) =
            (digests("66687aad", &"ab".repeat(16)), digests("1234abcd", &"ab".repeat(16)));
        let values = read(DUMP).unwrap();
        assert!(here.comparable(&here, None).is_ok());
        assert!(here.comparable(&values, Some(&salt)).is_ok());
        assert!(values.comparable(&values, None).is_ok());
        let other = |result| matches!(result, Err(RecordedError::OtherSalt { .. }));
        assert!(other(here.comparable(&there, None)));
        assert!(other(there.comparable(&values, Some(&salt))));
        let nothing = read(r#"{"kinds": [{"kind": "CPU", "state": "junk"}]}"#).unwrap();
        assert!(
            values.comparable(&nothing, None).is_ok() && nothing.comparable(&values, None).is_ok()
        );
        let missing = here.comparable(&values, None);
        assert!(matches!(missing, Err(RecordedError::SaltMissing)));
    }
}
