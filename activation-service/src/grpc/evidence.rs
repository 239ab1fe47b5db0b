//! Evidence on the wire → evidence of the domain; its shape only, for what it is worth is decided
//! there.

use hardware_evidence::{ComponentKind, Digest};
use proto::activation::v1 as pb;

use super::fields::{Fields, Why};
use crate::domain::evidence::{
    COMPONENTS_MAX, Component, ComponentError, Digests, Evidence, RECIPES_ACCEPTED,
};

pub(super) fn evidence(fields: &mut Fields, wire: Option<pb::Evidence>) -> Option<Evidence> {
    let at = "evidence.components";
    let Some(wire) = wire else {
        return fields.bad("evidence", Why::Required, "send the evidence of the computer");
    };
    if wire.components.is_empty() {
        return fields.bad(at, Why::Required, format!("send 1 to {COMPONENTS_MAX} components"));
    }
    fields.bounded(at, wire.components.len(), COMPONENTS_MAX, "components")?;
    let count = wire.components.len();
    let (mut seen, mut components) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for (index, wire) in wire.components.iter().enumerate() {
        components.extend(component(fields, index, wire, &mut seen));
    }
    // What is wrong with the others is told; without them this is no evidence.
    let components = (components.len() == count).then_some(components);
    match Evidence::new(components?) {
        Ok(evidence) => Some(evidence),
        Err(error) => fields.bad(at, Why::Malformed, error.to_string()),
    }
}

fn component(
    fields: &mut Fields,
    index: usize,
    wire: &pb::EvidenceComponent,
    seen: &mut Vec<(ComponentKind, u32)>,
) -> Option<Component> {
    // Only what is bad needs a name.
    let at = |field: &str| format!("evidence.components[{index}].{field}");
    let kind = match ComponentKind::from_number(wire.kind) {
        // There are a few, so looking at each is the quickest.
        Some(kind) if seen.contains(&(kind, wire.recipe_version)) => fields.bad(
            at("kind"),
            Why::Duplicate,
            format!("{kind} occurs more than once with the same recipe_version"),
        ),
        Some(kind) => {
            seen.push((kind, wire.recipe_version));
            Some(kind)
        }
        None if wire.kind == 0 => fields.bad(at("kind"), Why::Required, "name a kind"),
        None => {
            let description = format!("{} is no kind of component", wire.kind);
            fields.bad(at("kind"), Why::UnknownValue, description)
        }
    };
    let recipe = u8::try_from(wire.recipe_version).ok().filter(|r| RECIPES_ACCEPTED.contains(r));
    let recipe = recipe.or_else(|| {
        let description = ComponentError::Recipe.to_string();
        fields.bad(at("recipe_version"), Why::UnknownValue, description)
    });
    let digests = digests(fields, || at("digests"), &wire.digests);
    let (kind, recipe, digests) = (kind?, recipe?, digests?);
    match Component::reported(kind, recipe, digests) {
        Ok(component) => Some(component),
        Err(error @ ComponentError::Recipe) => {
            fields.bad(at("recipe_version"), Why::UnknownValue, error.to_string())
        }
        Err(error @ (ComponentError::NotOne | ComponentError::SetSize)) => {
            let why = if wire.digests.is_empty() { Why::Required } else { Why::TooMany };
            fields.bad(at("digests"), why, error.to_string())
        }
    }
}

/// The digests, if all have their length; the first that has not is told, for one mistake makes all
/// wrong.
fn digests<B: AsRef<[u8]>>(
    fields: &mut Fields,
    at: impl Fn() -> String,
    wire: &[B],
) -> Option<Digests> {
    let mut digests = Digests::with_capacity(wire.len());
    for (index, bytes) in wire.iter().enumerate() {
        match bytes.as_ref().try_into() {
            Ok(bytes) => digests.push(Digest(bytes)),
            Err(_) => {
                let (length, needed) = (bytes.as_ref().len(), Digest::BYTES);
                let description =
                    format!("digest {index} has {length} bytes; exactly {needed} are needed");
                return fields.bad(at(), Why::WrongLength, description);
            }
        }
    }
    Some(digests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(kind: i32, recipe_version: u32, digests: &[usize]) -> pb::EvidenceComponent {
        let digests = digests.iter().map(|length| vec![7; *length].into()).collect();
        pb::EvidenceComponent { kind, recipe_version, digests }
    }

    fn faults(components: Vec<pb::EvidenceComponent>) -> Vec<(String, Why)> {
        let mut fields = Fields::default();
        let parsed = evidence(&mut fields, Some(pb::Evidence { components }));
        let faults = fields.finish(parsed).err().map(|faults| faults.0).unwrap_or_default();
        faults.into_iter().map(|fault| (fault.field, fault.why)).collect()
    }

    #[test]
    fn every_fault_of_every_component_is_named() {
        let found = faults(vec![
            wire(1, 1, &[16]),
            wire(1, 1, &[16]),
            wire(0, 1, &[16]),
            wire(99, 9, &[15]),
            wire(5, 1, &[]),
            wire(8, 1, &[16; 17]),
            wire(7, 1, &[16, 16]),
        ]);
        let at = |place: &str| format!("evidence.components{place}");
        assert_eq!(
            found,
            [
                (at("[1].kind"), Why::Duplicate),
                (at("[2].kind"), Why::Required),
                (at("[3].kind"), Why::UnknownValue),
                (at("[3].recipe_version"), Why::UnknownValue),
                (at("[3].digests"), Why::WrongLength),
                (at("[4].digests"), Why::Required),
                (at("[5].digests"), Why::TooMany),
                (at("[6].digests"), Why::TooMany),
            ]
        );
    }

    #[test]
    fn no_evidence_and_too_much_are_named() {
        assert_eq!(faults(vec![]), [("evidence.components".to_owned(), Why::Required)]);
        let many = faults(vec![wire(1, 1, &[16]); 33]);
        assert_eq!(many, [("evidence.components".to_owned(), Why::TooMany)]);
        let mut fields = Fields::default();
        assert_eq!(evidence(&mut fields, None), None);
    }

    #[test]
    fn kinds_are_named_alike_inside_and_on_the_wire() {
        for kind in ComponentKind::ALL {
            let wire = pb::ComponentKind::try_from(i32::from(kind.number())).expect("a kind");
            assert_eq!(wire.as_str_name(), format!("COMPONENT_KIND_{kind}"));
        }
        assert!(pb::ComponentKind::try_from(14).is_err(), "a new kind needs a place inside");
    }
}
