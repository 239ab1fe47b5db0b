//! What v1 of the schemas promises, and that it holds.
//!
//! `golden.txt` has a line for each field, enum value and method that was ever released. New ones
//! are added by `EXTEND=1 cargo test --package system-tests --test compat`, which never removes a
//! line; a line that no longer holds is a break, for which a v2 is the way.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use prost_reflect::{Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor};
use prost_reflect::{Kind, MessageDescriptor};

fn golden_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("compat").join("golden.txt")
}

/// One line for each promise of the schemas.
fn promises(pool: &DescriptorPool) -> BTreeSet<String> {
    let ours = |package: &str| package.starts_with("benefits.");
    let messages = pool.all_messages().filter(|message| ours(message.package_name()));
    let mut lines: BTreeSet<String> = messages.flat_map(|message| of_message(&message)).collect();
    let enums = pool.all_enums().filter(|found| ours(found.package_name()));
    lines.extend(enums.flat_map(|found| of_enum(&found)));
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let stream = |is: bool| if is { "stream " } else { "" };
        lines.insert(format!(
            "rpc /{}/{} ({}{}) returns ({}{})",
            method.parent_service().full_name(),
            method.name(),
            stream(method.is_client_streaming()),
            method.input().full_name(),
            stream(method.is_server_streaming()),
            method.output().full_name(),
        ));
    }
    lines
}

fn of_message(message: &MessageDescriptor) -> Vec<String> {
    let line = |field: FieldDescriptor| {
        let many = match field.cardinality() {
            Cardinality::Repeated => "repeated ",
            _ if field.supports_presence() && !matches!(field.kind(), Kind::Message(_)) => {
                "optional "
            }
            _ => "",
        };
        let kind = match field.kind() {
            Kind::Message(message) => message.full_name().to_owned(),
            Kind::Enum(found) => found.full_name().to_owned(),
            scalar => format!("{scalar:?}"),
        };
        let (number, name) = (field.number(), field.name());
        format!("field {} {number} {many}{kind} {name}", message.full_name())
    };
    message.fields().map(line).collect()
}

fn of_enum(found: &EnumDescriptor) -> Vec<String> {
    let line = |value: prost_reflect::EnumValueDescriptor| {
        format!("value {} {} {}", found.full_name(), value.number(), value.name())
    };
    found.values().map(line).collect()
}

/// What the golden file promises and the schemas no longer hold; and what they hold that is not
/// promised yet.
fn compare(golden: &str, now: &BTreeSet<String>) -> (Vec<String>, Vec<String>) {
    let promised: BTreeSet<&str> =
        golden.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let broken = promised.iter().filter(|line| !now.contains(**line));
    let new = now.iter().filter(|line| !promised.contains(line.as_str()));
    (broken.map(|line| (*line).to_owned()).collect(), new.cloned().collect())
}

#[test]
fn nothing_that_v1_had_is_taken_away_or_used_anew() -> Result<()> {
    let now = promises(&DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET)?);
    let file = golden_file();
    let golden = fs::read_to_string(&file).unwrap_or_default();
    let (broken, new) = compare(&golden, &now);
    assert!(broken.is_empty(), "v1 is broken, and with it old programs:\n{}", broken.join("\n"));
    if std::env::var_os("EXTEND").is_some() {
        let header = "# What v1 of the schemas promises; see promises.rs. Lines are added, never \
                      taken away.\n";
        let lines: Vec<_> = now.into_iter().collect();
        fs::write(&file, format!("{header}{}\n", lines.join("\n")))?;
        return Ok(());
    }
    assert!(
        new.is_empty(),
        "new in the schemas; `EXTEND=1 cargo test --package system-tests --test compat` makes it \
         a promise:\n{}",
        new.join("\n")
    );
    Ok(())
}

#[test]
fn a_break_is_noticed() -> Result<()> {
    let now = promises(&DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET)?);
    for gone in [
        "field benefits.activation.v1.ActivateRequest 7 string licence",
        "field benefits.activation.v1.ActivateRequest 1 bytes product_key",
        "value benefits.activation.v1.Platform 3 PLATFORM_BSD",
        "rpc /benefits.activation.v1.ActivationService/Guess (a) returns (b)",
    ] {
        assert_eq!(compare(gone, &now).0, [gone]);
    }
    let field = "field benefits.activation.v1.ActivateRequest 1 string product_key";
    let (broken, new) = compare(field, &now);
    assert!(broken.is_empty() && new.len() == now.len() - 1);
    Ok(())
}
