//! Resource names with or without their prefix, and enumerations and times as people read them.

/// `productKeys/{id}` from either form.
pub(crate) fn key(name: &str) -> String {
    prefixed("productKeys/", name)
}

/// `products/{id}` from either form.
pub(crate) fn product(name: &str) -> String {
    prefixed("products/", name)
}

/// `partners/{id}` from either form.
pub(crate) fn partner(name: &str) -> String {
    prefixed("partners/", name)
}

/// The value of an enumeration without the prefix that all its values have.
pub(crate) fn value(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_owned()
}

/// A time as RFC 3339, or a dash.
pub(crate) fn time(time: Option<impl ToString>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

/// A text, or a dash in place of nothing.
pub(crate) fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

/// Yes or no.
pub(crate) fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

fn prefixed(prefix: &str, name: &str) -> String {
    if name.starts_with(prefix) { name.to_owned() } else { format!("{prefix}{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_may_be_left_out() {
        assert_eq!(key("ab12"), "productKeys/ab12");
        assert_eq!(key("productKeys/ab12"), "productKeys/ab12");
        assert_eq!(product("office"), "products/office");
        assert_eq!(partner("contoso"), "partners/contoso");
    }
}
