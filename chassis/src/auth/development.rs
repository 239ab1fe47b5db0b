//! The development identity: `x-dev-identity: subject=alice;roles=READER,WRITER;tenant=contoso`.

use http::HeaderMap;

use super::{Principal, ROLES_MAX, is_name};

/// The header that states it; believed on plain-text loopback with `development = true` only.
const HEADER: &str = "x-dev-identity";

/// The stated identity; `None` when the header is absent, an error text when it cannot be read.
pub(super) fn stated(
    headers: &HeaderMap,
    everyone: &[&'static str],
) -> Option<Result<Principal, &'static str>> {
    let value = headers.get(HEADER)?;
    let Ok(text) = value.to_str() else { return Some(Err("x-dev-identity is not text")) };
    Some(parse(text, everyone))
}

fn parse(text: &str, everyone: &[&'static str]) -> Result<Principal, &'static str> {
    let (mut subject, mut roles, mut tenant) = (None, Vec::new(), None);
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("subject", name)) if is_name(name) => subject = Some(name.to_owned()),
            Some(("tenant", name)) if is_name(name) => tenant = Some(name.to_owned()),
            Some(("roles", list)) => {
                roles = list.split(',').map(str::trim).filter(|r| !r.is_empty()).collect();
            }
            _ => return Err("x-dev-identity reads subject=NAME;roles=A,B;tenant=NAME"),
        }
    }
    let subject = subject.ok_or("x-dev-identity names no subject")?;
    if roles.len() > ROLES_MAX || !roles.iter().all(|role| is_name(role)) {
        return Err("x-dev-identity has too many or unreadable roles");
    }
    Ok(Principal::new(subject, roles.iter().copied().chain(everyone.iter().copied()), tenant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stated_identity_is_read_or_refused_whole() {
        let alice = parse("subject=alice;roles=A, B;tenant=contoso", &["GUEST"]).expect("it reads");
        assert_eq!((alice.subject(), alice.tenant()), ("alice", Some("contoso")));
        assert_eq!(alice.roles().collect::<Vec<_>>(), ["A", "B", "GUEST"]);
        assert!(parse("subject=bob", &[]).expect("roles may be absent").roles().next().is_none());
        for bad in ["", "roles=A", "subject=", "subject=a;what=b", "alice", "subject=a\u{7}b"] {
            assert!(parse(bad, &[]).is_err(), "{bad}");
        }
    }
}
