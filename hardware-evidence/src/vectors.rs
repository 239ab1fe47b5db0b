//! The published test vectors are what this crate makes, so that authors elsewhere can trust them.

use crate::{
    ComponentKind, DeploymentSalt, Digest, EvidenceBuilder, Finding, Reading, digest, read,
};
use serde_json::Value;

const VECTORS: &str = include_str!("../vectors/recipe-v1.json");
const VECTORS_MIN: usize = 30;

fn part(name: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(file["recipe_version"], u64::from(crate::RECIPE_VERSION));
    file[name].as_array().unwrap().clone()
}

fn vectors() -> Vec<Value> {
    part("vectors")
}

fn salt(vector: &Value) -> DeploymentSalt {
    let hex = vector["salt"].as_str().unwrap();
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    DeploymentSalt::try_from(bytes.as_slice()).unwrap()
}

#[test]
fn every_vector_is_reproduced() {
    let vectors = vectors();
    assert!(vectors.len() >= VECTORS_MIN);
    for vector in &vectors {
        let kind = ComponentKind::from_name(vector["kind"].as_str().unwrap()).unwrap();
        assert_eq!(vector["kind_number"], u64::from(kind.number()));
        match read(kind, vector["raw"].as_str().unwrap()) {
            Reading::Empty => assert_eq!(vector["verdict"], "empty", "{vector}"),
            Reading::Junk => assert_eq!(vector["verdict"], "junk", "{vector}"),
            Reading::Value(value) => {
                assert_eq!(vector["verdict"], "present", "{vector}");
                assert_eq!(vector["normalised"], value.expose(), "{vector}");
                assert_eq!(vector["digest"], digest(&salt(vector), kind, &value).to_hex());
            }
        }
    }
}

#[test]
fn every_kind_has_a_vector_and_a_computer_of_them_is_evidence() {
    let vectors = vectors();
    for kind in ComponentKind::ALL {
        let vector = vectors
            .iter()
            .find(|vector| vector["kind"] == kind.name() && vector["verdict"] == "present")
            .unwrap_or_else(|| panic!("no vector of {kind}"));
        let mut builder = EvidenceBuilder::new(salt(vector));
        builder.value(kind, vector["raw"].as_str().unwrap()).unwrap();
        let evidence = builder.build();
        let (_, finding) = evidence.findings().find(|(found, _)| *found == kind).unwrap();
        let Finding::Present(digests) = finding else { panic!("{kind} is not present") };
        assert_eq!(digests[0].to_hex(), vector["digest"]);
    }
}

/// The components of raw values, as the file has them.
fn components<'a>(vector: &Value, values: impl Iterator<Item = (&'a str, &'a Value)>) -> Value {
    let mut builder = EvidenceBuilder::new(salt(vector));
    for (kind, raws) in values {
        let kind = ComponentKind::from_name(kind).unwrap();
        for raw in raws.as_array().unwrap() {
            builder.value(kind, raw.as_str().unwrap()).unwrap();
        }
    }
    let components = builder.build().components().into_iter().map(|component| {
        serde_json::json!({
            "kind": component.kind.name(),
            "recipe_version": component.recipe_version,
            "digests": component.digests.iter().map(Digest::to_hex).collect::<Vec<_>>(),
        })
    });
    components.collect()
}

#[test]
fn every_set_is_reproduced_in_any_order() {
    for vector in part("sets") {
        let kind = vector["kind"].as_str().unwrap();
        let mut backwards = vector["raws"].clone();
        backwards.as_array_mut().unwrap().reverse();
        for raws in [&vector["raws"], &backwards] {
            let made = components(&vector, [(kind, raws)].into_iter());
            let digests = made[0]["digests"].as_array().cloned().unwrap_or_default();
            assert_eq!(vector["digests"], serde_json::json!(digests), "{kind}");
        }
    }
}

#[test]
fn every_computer_is_reproduced() {
    for vector in part("computers") {
        let values = vector["values"].as_object().unwrap();
        let made = components(&vector, values.iter().map(|(kind, raws)| (kind.as_str(), raws)));
        assert_eq!(vector["components"], made, "{}", vector["about"]);
    }
}
