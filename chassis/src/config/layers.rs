//! Builds the tree of settings layer by layer, each leaf with the place it came from.

use std::path::Path;

use ::config::{Map, Value, ValueKind};
use serde::Serialize;

use super::{ConfigError, table};

/// Largest settings file that is read.
const FILE_BYTES_MAX: usize = 1 << 20;
/// Suffix of the sibling key that names a file holding a secret.
const FILE_SUFFIX: &str = "_file";

pub(super) fn defaults<T: Serialize>(default: &T) -> Result<Value, ConfigError> {
    let json = serde_json::to_value(default).map_err(|e| ConfigError::Unwritable(e.to_string()))?;
    Ok(from_json(json, &"default".to_owned()))
}

pub(super) fn file(path: &Path) -> Result<Value, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
    let not_toml = |message: String| ConfigError::NotToml { path: path.to_owned(), message };
    if text.len() > FILE_BYTES_MAX {
        return Err(not_toml(format!("it is longer than {FILE_BYTES_MAX} bytes")));
    }
    let parsed: toml::Table = toml::from_str(&text).map_err(|e| not_toml(e.to_string()))?;
    let json = serde_json::to_value(parsed).map_err(|e| not_toml(e.to_string()))?;
    Ok(from_json(json, &format!("file {}", path.display())))
}

/// A tree that holds one value; text that reads as a TOML list or map becomes one, all else stays
/// text and is read as the field's type wants it.
pub(super) fn leaf(path: &[&str], text: &str, origin: &str) -> Value {
    let origin = origin.to_owned();
    let structured = text.trim_start().starts_with(['[', '{']);
    let parsed = structured
        .then(|| toml::from_str::<toml::Table>(&format!("value = {text}")).ok())
        .flatten()
        .and_then(|table| serde_json::to_value(table.get("value")?).ok());
    let value = match parsed {
        Some(json) => from_json(json, &origin),
        None => Value::new(Some(&origin), text),
    };
    path.iter().rev().fold(value, |inner, key| {
        let table = Map::from_iter([((*key).to_owned(), inner)]);
        Value::new(Some(&origin), ValueKind::Table(table))
    })
}

/// Lays `over` upon `under`: maps are merged, all else is replaced. Giving a secret as a value
/// takes the place of a lower layer's file and the other way round.
pub(super) fn merge(under: &mut Value, over: Value) {
    let (Some(under_table), ValueKind::Table(over_table)) = (table(under), &over.kind) else {
        *under = over;
        return;
    };
    for (key, value) in over_table.clone() {
        let twin = match key.strip_suffix(FILE_SUFFIX) {
            Some(base) => base.to_owned(),
            None => format!("{key}{FILE_SUFFIX}"),
        };
        let replaced = under_table.get(&twin).is_some_and(|twin| twin.origin() != Some("default"));
        if replaced && !matches!(value.kind, ValueKind::Table(_)) {
            under_table.remove(&twin);
        }
        match under_table.get_mut(&key) {
            Some(existing) => merge(existing, value),
            None => {
                under_table.insert(key, value);
            }
        }
    }
}

/// Turns an unknown `x_file = "path"` into `x = { file = "path" }`, which only a secret can read;
/// `message` is the refusal, which names the fields that would be known.
pub(super) fn secret_from_file(tree: &mut Value, path: &[String], message: &str) -> bool {
    let Some((last, parents)) = path.split_last() else { return false };
    let Some(base) = last.strip_suffix(FILE_SUFFIX) else { return false };
    let known = message.split_once("expected").map_or("", |(_, known)| known);
    if !known.contains(&format!("`{base}`")) {
        return false;
    }
    let Some(siblings) = find(tree, parents).and_then(table) else { return false };
    let taken = siblings.get(base).is_some_and(|value| !matches!(value.kind, ValueKind::Nil));
    if taken {
        return false;
    }
    let Some(named) = siblings.remove(last) else { return false };
    let origin = named.origin().map(str::to_owned);
    let file = Map::from_iter([("file".to_owned(), named)]);
    siblings.insert(base.to_owned(), Value::new(origin.as_ref(), ValueKind::Table(file)));
    true
}

pub(super) fn remove(tree: &mut Value, path: &[String]) -> Option<Value> {
    let (last, parents) = path.split_last()?;
    table(find(tree, parents)?)?.remove(last)
}

fn find<'a>(tree: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(tree, |value, key| table(value)?.get_mut(key))
}

fn from_json(json: serde_json::Value, origin: &String) -> Value {
    use serde_json::Value as Json;
    let kind = match json {
        Json::Null => ValueKind::Nil,
        Json::Bool(value) => ValueKind::Boolean(value),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => ValueKind::I64(value),
            (None, Some(value)) => ValueKind::U64(value),
            (None, None) => ValueKind::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(value) => ValueKind::String(value),
        Json::Array(values) => {
            ValueKind::Array(values.into_iter().map(|v| from_json(v, origin)).collect())
        }
        Json::Object(fields) => ValueKind::Table(
            fields.into_iter().map(|(key, value)| (key, from_json(value, origin))).collect(),
        ),
    };
    Value::new(Some(origin), kind)
}
