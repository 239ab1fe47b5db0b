//! From what the client knows to the messages that it sends.

use bytes::Bytes;
use hardware_evidence::Evidence;
use proto::activation::v1::{Evidence as EvidenceMessage, EvidenceComponent, Platform};

/// Bytes of a request id.
pub const REQUEST_ID_BYTES: usize = 16;

/// The evidence as it is sent: present kinds only.
#[must_use]
pub fn evidence_message(evidence: &Evidence) -> EvidenceMessage {
    let components = evidence.components().into_iter().map(|component| EvidenceComponent {
        kind: i32::from(component.kind.number()),
        recipe_version: u32::from(component.recipe_version),
        digests: component.digests.iter().map(|digest| Bytes::copy_from_slice(&digest.0)).collect(),
    });
    EvidenceMessage { components: components.collect() }
}

/// 16 fresh random bytes.
///
/// # Errors
///
/// The operating system gives no random bytes.
pub fn request_id() -> Result<[u8; REQUEST_ID_BYTES], getrandom::Error> {
    let mut id = [0; REQUEST_ID_BYTES];
    getrandom::fill(&mut id)?;
    Ok(id)
}

/// The platform that this program was built for.
#[must_use]
pub const fn this_platform() -> Platform {
    if cfg!(target_os = "windows") {
        Platform::Windows
    } else if cfg!(target_os = "macos") {
        Platform::Macos
    } else {
        Platform::Linux
    }
}

#[cfg(test)]
mod tests {
    use hardware_evidence::ComponentKind;
    use proto::activation::v1::ComponentKind as WireKind;

    #[test]
    fn kinds_have_the_same_numbers_and_names_on_the_wire() {
        for kind in ComponentKind::ALL {
            let wire = WireKind::try_from(i32::from(kind.number())).unwrap();
            assert_eq!(wire.as_str_name(), format!("COMPONENT_KIND_{}", kind.name()));
        }
        let beyond = i32::try_from(ComponentKind::ALL.len()).unwrap() + 1;
        assert!(WireKind::try_from(beyond).is_err());
    }
}
