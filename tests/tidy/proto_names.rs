//! How messages, fields and enums of our schemas are named.

use prost_reflect::{EnumDescriptor, MessageDescriptor};

use crate::proto::{Lint, file_of};

pub(crate) const LAW: &str = "names in schemas follow buf's STANDARD rules";

pub(crate) fn check_message(lint: &mut Lint, message: &MessageDescriptor) {
    let file = message.parent_file();
    lint.commented(&file, message.path(), message.name());
    if !is_pascal(message.name()) {
        let remedy = format!("message `{}` is PascalCase", message.name());
        lint.fault(&file, message.path(), LAW, remedy);
    }
    for field in message.fields() {
        lint.commented(&file, field.path(), field.name());
        if !is_lower_snake(field.name()) {
            let remedy = format!("field `{}` is lower_snake_case", field.name());
            lint.fault(&file, field.path(), LAW, remedy);
        }
        if field.is_required() {
            lint.fault(&file, field.path(), LAW, "no field is required");
        }
    }
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        lint.commented(&file, oneof.path(), oneof.name());
        if !is_lower_snake(oneof.name()) {
            let remedy = format!("oneof `{}` is lower_snake_case", oneof.name());
            lint.fault(&file, oneof.path(), LAW, remedy);
        }
    }
}

pub(crate) fn check_enum(lint: &mut Lint, item: &EnumDescriptor) {
    let file = file_of(item);
    lint.commented(&file, item.path(), item.name());
    if !is_pascal(item.name()) {
        lint.fault(&file, item.path(), LAW, format!("enum `{}` is PascalCase", item.name()));
    }
    let prefix = format!("{}_", upper_snake(item.name()));
    let raw = item.enum_descriptor_proto();
    if raw.options.as_ref().is_some_and(|options| options.allow_alias()) {
        lint.fault(&file, item.path(), LAW, "no two values of an enum share a number");
    }
    for (index, value) in item.values().enumerate() {
        lint.commented(&file, value.path(), value.name());
        let name = value.name();
        let is_upper =
            name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if !is_upper || !name.starts_with(&prefix) {
            let remedy = format!("value `{name}` is called {prefix}…");
            lint.fault(&file, value.path(), LAW, remedy);
        }
        let is_first = index == 0;
        if is_first && (value.number() != 0 || !name.ends_with("_UNSPECIFIED")) {
            let remedy = format!("the first value of an enum is {prefix}UNSPECIFIED = 0");
            lint.fault(&file, value.path(), LAW, remedy);
        }
    }
}

pub(crate) fn is_pascal(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

pub(crate) fn is_lower_snake(name: &str) -> bool {
    let parts_are_words = name.split('_').all(|part| !part.is_empty());
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && parts_are_words
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// `TeaKind` → `TEA_KIND`.
fn upper_snake(name: &str) -> String {
    crate::rpcs::snake_case(name).to_uppercase()
}

#[test]
fn names_are_told_apart() {
    assert!(is_pascal("TeaKind") && !is_pascal("teaKind") && !is_pascal("Tea_Kind"));
    assert!(is_lower_snake("page_token2") && !is_lower_snake("pageToken"));
    assert!(!is_lower_snake("page__token") && !is_lower_snake("_page"));
    assert_eq!(upper_snake("TeaKind"), "TEA_KIND");
}
