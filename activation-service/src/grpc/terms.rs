//! Terms of a key on the wire: product, owner, platforms, limit, counting mode, links, suspension.

use proto::activation::v1 as pb;
use tonic::codegen::http::Uri;

use super::fields::{Fields, Why};
use crate::domain::terms::{
    CountingMode, LIMIT_MAX, Platform, Platforms, RELEASES_MAX, Suspension,
};

const PRODUCTS: &str = "products/";
/// Most characters of a product's id.
const PRODUCT_ID_CHARS_MAX: usize = 128;
/// Most characters of a help link.
const HELP_URI_CHARS_MAX: usize = 512;
/// Most platforms in a list; more cannot be without doubles.
const PLATFORMS_MAX: usize = 16;

pub(super) fn product(fields: &mut Fields, field: &str, name: String) -> Option<String> {
    if name.is_empty() {
        return fields.bad(field, Why::Required, "name a product, `products/{product}`");
    }
    let id = name.strip_prefix(PRODUCTS).unwrap_or_default();
    if id.len() > PRODUCT_ID_CHARS_MAX {
        let description = format!("its id is longer than {PRODUCT_ID_CHARS_MAX} characters");
        return fields.bad(field, Why::TooLong, description);
    }
    let known = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if id.is_empty() || !id.bytes().all(known) {
        return fields.bad(
            field,
            Why::Malformed,
            "a name reads `products/{product}` with lower-case letters, digits and dashes",
        );
    }
    Some(name)
}

pub(super) fn platform(fields: &mut Fields, field: &str, number: i32) -> Option<Platform> {
    match pb::Platform::try_from(number) {
        Ok(pb::Platform::Windows) => Some(Platform::Windows),
        Ok(pb::Platform::Macos) => Some(Platform::MacOs),
        Ok(pb::Platform::Linux) => Some(Platform::Linux),
        Ok(pb::Platform::Unspecified) => fields.bad(field, Why::Required, "name a platform"),
        Err(_) => fields.bad(field, Why::UnknownValue, format!("{number} is no platform")),
    }
}

pub(super) fn platforms(fields: &mut Fields, field: &str, numbers: &[i32]) -> Option<Platforms> {
    fields.bounded(field, numbers.len(), PLATFORMS_MAX, "platforms")?;
    let mut named = Some(Platforms::ALL);
    let mut seen: Vec<Platform> = Vec::new();
    for (index, number) in numbers.iter().enumerate() {
        let at = format!("{field}[{index}]");
        let platform = match platform(fields, &at, *number) {
            Some(platform) if seen.contains(&platform) => {
                fields.bad(at, Why::Duplicate, format!("{platform} is named twice"))
            }
            other => other,
        };
        seen.extend(platform);
        named = named.zip(platform).map(|(platforms, platform)| platforms.with(platform));
    }
    named
}

pub(super) fn platform_number(platform: Platform) -> i32 {
    match platform {
        Platform::Windows => pb::Platform::Windows,
        Platform::MacOs => pb::Platform::Macos,
        Platform::Linux => pb::Platform::Linux,
    }
    .into()
}

pub(super) fn counting_mode(fields: &mut Fields, field: &str, number: i32) -> Option<CountingMode> {
    match pb::CountingMode::try_from(number) {
        Ok(pb::CountingMode::Unspecified | pb::CountingMode::HardwareTolerant) => {
            Some(CountingMode::HardwareTolerant)
        }
        Ok(pb::CountingMode::EveryActivation) => Some(CountingMode::EveryActivation),
        Err(_) => fields.bad(field, Why::UnknownValue, format!("{number} is no counting mode")),
    }
}

pub(super) fn counting_mode_number(mode: CountingMode) -> i32 {
    match mode {
        CountingMode::HardwareTolerant => pb::CountingMode::HardwareTolerant,
        CountingMode::EveryActivation => pb::CountingMode::EveryActivation,
    }
    .into()
}

/// The releases that a policy allows, within their bound.
pub(super) fn releases_max(
    fields: &mut Fields,
    field: &str,
    policy: Option<&pb::ReleasePolicy>,
) -> Option<u32> {
    let releases_max = policy.map_or(0, |policy| policy.releases_max);
    if releases_max > RELEASES_MAX {
        let words = format!("at most {RELEASES_MAX} releases");
        return fields.bad(format!("{field}.releases_max"), Why::OutOfRange, words);
    }
    Some(releases_max)
}

pub(super) fn limit(fields: &mut Fields, field: &str, limit: u32) -> Option<u32> {
    if limit > LIMIT_MAX {
        return fields.bad(field, Why::OutOfRange, format!("0 to {LIMIT_MAX} are taken"));
    }
    Some(limit)
}

/// An https link to a host; empty for no link.
pub(super) fn help_uri(fields: &mut Fields, field: &str, uri: String) -> Option<String> {
    let uri = fields.text(field, uri, 0..=HELP_URI_CHARS_MAX)?;
    if uri.is_empty() {
        return Some(uri);
    }
    // A name before the host would show people another place than the one they are led to.
    let leads_on = uri.bytes().all(|byte| byte.is_ascii_graphic())
        && uri.starts_with("https://")
        && uri.parse::<Uri>().is_ok_and(|parsed| {
            parsed.authority().is_some_and(|to| !to.as_str().contains('@'))
                && parsed.host().is_some_and(|host| !host.is_empty())
        });
    if !leads_on {
        return fields.bad(field, Why::Malformed, "it must be an https link to a host");
    }
    Some(uri)
}

pub(super) fn suspension(wire: Option<&pb::Suspension>) -> Suspension {
    wire.map_or(Suspension::default(), |wire| Suspension {
        suspended: wire.suspended,
        generation: wire.generation,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whys<T>(parse: impl FnOnce(&mut Fields) -> Option<T>) -> Vec<(String, Why)> {
        let mut fields = Fields::default();
        let value = parse(&mut fields);
        let faults = fields.finish(value).err().map(|faults| faults.0).unwrap_or_default();
        faults.into_iter().map(|fault| (fault.field, fault.why)).collect()
    }

    #[test]
    fn product_names_have_one_form() {
        let why = |name: &str| whys(|f| product(f, "p", name.to_owned())).pop().map(|(_, w)| w);
        assert_eq!(why("products/windows-server-2022"), None);
        assert_eq!(why(""), Some(Why::Required));
        assert_eq!(why(&format!("products/{}", "a".repeat(129))), Some(Why::TooLong));
        for bad in ["products/", "products/Windows", "products/a/b", "a", "products/a\n"] {
            assert_eq!(why(bad), Some(Why::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn f10_each_bad_platform_of_a_list_is_named() {
        assert_eq!(whys(|f| platforms(f, "platforms", &[])), []);
        assert_eq!(whys(|f| platforms(f, "platforms", &[1, 3])), []);
        let bad = whys(|f| platforms(f, "platforms", &[1, 0, 1, 99]));
        let at = |index| format!("platforms[{index}]");
        assert_eq!(
            bad,
            [(at(1), Why::Required), (at(2), Why::Duplicate), (at(3), Why::UnknownValue)]
        );
        assert_eq!(whys(|f| platforms(f, "p", &[1; 17])), [("p".to_owned(), Why::TooMany)]);
    }

    #[test]
    fn help_links_lead_to_a_host_over_https() {
        let ok = |uri: &str| whys(|f| help_uri(f, "help_uri", uri.to_owned())).is_empty();
        assert!(ok("") && ok("https://help.example/keys?id=1#top"));
        for bad in [
            "http://help.example",
            "https://",
            "https:///x",
            "https://bank.example@evil.example/",
            "https://a b",
            "javascript:alert(1)",
            "https://é.example",
        ] {
            assert!(!ok(bad), "{bad}");
        }
        assert!(!ok(&format!("https://help.example/{}", "x".repeat(500))));
    }

    #[test]
    fn limits_and_modes_have_their_bounds() {
        assert_eq!(whys(|f| limit(f, "limit", 1_000_000)), []);
        assert_eq!(whys(|f| limit(f, "limit", 1_000_001))[0].1, Why::OutOfRange);
        assert_eq!(whys(|f| counting_mode(f, "m", 3))[0].1, Why::UnknownValue);
        assert_eq!(whys(|f| counting_mode(f, "m", 0)), []);
    }
}
