//! Values of a TOML table by their type; what is not as it should be is noted with its path.

use toml::{Table, Value};

use crate::domain::policy::PolicyFault;

/// What was found wrong so far.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) faults: Vec<PolicyFault>,
}

impl Fields {
    pub(super) fn fault(&mut self, field: impl Into<String>, what: impl Into<String>) {
        self.faults.push(PolicyFault::new(field, what));
    }

    /// Notes every key that is not one of `known`.
    pub(super) fn only(&mut self, table: &Table, at: &str, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            self.fault(path(at, key), format!("unknown; known are {}", known.join(", ")));
        }
    }

    pub(super) fn table<'a>(&mut self, table: &'a Table, at: &str, key: &str) -> Option<&'a Table> {
        self.value(table, at, key, "a table", Value::as_table)
    }

    pub(super) fn text(&mut self, table: &Table, at: &str, key: &str) -> Option<String> {
        self.value(table, at, key, "a text", Value::as_str).map(str::to_owned)
    }

    pub(super) fn flag(&mut self, table: &Table, at: &str, key: &str) -> Option<bool> {
        self.value(table, at, key, "true or false", Value::as_bool)
    }

    pub(super) fn number(&mut self, table: &Table, at: &str, key: &str) -> Option<u32> {
        let read = |value: &Value| value.as_integer().and_then(|number| number.try_into().ok());
        self.value(table, at, key, "a whole number, not below zero", read)
    }

    pub(super) fn texts(&mut self, table: &Table, at: &str, key: &str) -> Vec<String> {
        let all = |value: &Value| {
            let texts = value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>()
        };
        self.value(table, at, key, "a list of texts", all).unwrap_or_default()
    }

    /// The tables of a list that may be missing.
    pub(super) fn tables<'a>(&mut self, table: &'a Table, key: &str) -> Vec<&'a Table> {
        if !table.contains_key(key) {
            return Vec::new();
        }
        let all = |value: &'a Value| {
            value.as_array()?.iter().map(Value::as_table).collect::<Option<Vec<_>>>()
        };
        self.value(table, "", key, "tables, each under [[junk]]", all).unwrap_or_default()
    }

    fn value<'a, T>(
        &mut self,
        table: &'a Table,
        at: &str,
        key: &str,
        what: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = table.get(key) else {
            self.fault(path(at, key), format!("missing; it is {what}"));
            return None;
        };
        let found = read(value);
        if found.is_none() {
            self.fault(path(at, key), format!("it must be {what}"));
        }
        found
    }
}

fn path(at: &str, key: &str) -> String {
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}
