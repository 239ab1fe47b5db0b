//! What searches, filters and orders find and refuse.

use super::super::benefit::{samples, visible};
use super::*;

fn reader(tag: &str) -> LanguageTag {
    LanguageTag::parse(tag).expect("a valid tag")
}

/// Ids of the rows that the filter lets pass.
fn passing(filter: &str) -> Vec<String> {
    let content = samples::content();
    let enrolments = [
        samples::enrolment("a", "maps-core", 0, 100, true),
        samples::enrolment("b", "competency", -50, -1, true),
    ];
    let filter = Filter::parse(filter).expect("a valid filter");
    visible(&content, &enrolments, 0)
        .iter()
        .filter(|row| filter.passes(row))
        .map(|row| row.id.to_string())
        .collect()
}

#[test]
fn f1_every_field_can_be_asked_for() {
    for (filter, rows) in [
        ("", vec!["a.server", "a.cal", "b.server"]),
        ("family = \"servers\"", vec!["a.server", "a.cal", "b.server"]),
        ("family != \"servers\"", vec![]),
        ("offer = maps-core", vec!["a.server", "a.cal"]),
        ("offer = \"offers/maps-core\"", vec!["a.server", "a.cal"]),
        ("product=cal", vec!["a.cal"]),
        ("product=products/cal", vec!["a.cal"]),
        ("source = \"MAPS - Core\"", vec!["a.server", "a.cal"]),
        ("downloadable = true", vec!["a.server", "b.server"]),
        ("downloadable != true", vec!["a.cal"]),
        ("key_required = false", vec!["a.cal"]),
        ("activation_required = \"true\"", vec!["a.server", "b.server"]),
        ("enrolment_state = RENEWAL_GRACE", vec!["b.server"]),
        ("enrolment_state = ENROLMENT_STATE_ACTIVE", vec!["a.server", "a.cal"]),
        ("key_state = NOT_ASSIGNED", vec!["a.server", "b.server"]),
        ("key_state != \"BENEFIT_KEY_STATE_NOT_ASSIGNED\"", vec!["a.cal"]),
        ("  offer=maps-core   AND downloadable=true  ", vec!["a.server"]),
        ("source = \"a \\\"quoted\\\" \\\\ name\"", vec![]),
    ] {
        assert_eq!(passing(filter), rows, "{filter}");
    }
}

#[test]
fn a_bad_filter_says_where_and_what_was_expected() {
    for (filter, position, expected) in [
        ("colour = red", 1, "one of the fields family"),
        ("family ~ x", 8, "= or !="),
        ("family !", 8, "= or !="),
        ("family =", 9, "a value"),
        ("family = \"x", 12, "a closing \""),
        ("family = \"\\n\"", 12, "after a backslash"),
        ("downloadable = maybe", 16, "one of true, false"),
        ("enrolment_state = \"LOST\"", 19, "one of PROVISIONING, ACTIVE"),
        ("key_state = ready", 13, "one of NOT_REQUIRED"),
        ("family = x OR family = y", 12, "AND"),
        ("family = x AND ", 16, "one of the fields"),
        ("family = é & x", 12, "AND"),
    ] {
        match Filter::parse(filter) {
            Err(QueryError::Expected { position: at, expected: what }) => {
                assert_eq!(at, position, "{filter}");
                assert!(what.contains(expected), "{filter}: {what}");
            }
            other => panic!("{filter}: {other:?}"),
        }
    }
}

#[test]
fn a_filter_is_bounded() {
    let long = "x".repeat(FILTER_CHARS_MAX + 1);
    assert_eq!(Filter::parse(&long), Err(QueryError::TooLong { chars_max: FILTER_CHARS_MAX }));
    let terms = vec!["family = x"; FILTER_TERMS_MAX + 1].join(" AND ");
    assert_eq!(Filter::parse(&terms), Err(QueryError::TooManyTerms));
    assert!(Filter::parse(&vec!["family = x"; FILTER_TERMS_MAX].join(" AND ")).is_ok());
    assert!(matches!(
        Search::parse(&"x".repeat(SEARCH_CHARS_MAX + 1)),
        Err(QueryError::TooLong { chars_max: SEARCH_CHARS_MAX })
    ));
}

#[test]
fn f1_a_search_wants_every_word_in_any_case_and_in_the_readers_language() {
    let content = samples::content();
    let enrolment = samples::enrolment("a", "maps-core", 0, 100, true);
    let rows = visible(&content, &[enrolment], 0);
    let found = |search: &str, language: &str| -> Vec<&str> {
        let search = Search::parse(search).expect("a valid search");
        rows.iter()
            .filter(|row| search.finds(row, &reader(language)))
            .map(|row| row.product.id.as_str())
            .collect()
    };
    assert_eq!(found("", "en"), ["server", "cal"]);
    assert_eq!(found("SERVER core", "en"), ["server", "cal"]);
    assert_eq!(found("server cal", "en"), ["cal"]);
    assert_eq!(found("de maps", "nl-NL"), ["server"]);
    assert!(found("server competency", "en").is_empty());
}

#[test]
fn f1_orders_are_total_and_may_descend() {
    let content = samples::content();
    let enrolments = [
        samples::enrolment("b", "maps-core", 0, 100, true),
        samples::enrolment("a", "maps-core", 0, 50, true),
    ];
    let sorted = |order: &str| -> Vec<String> {
        let mut rows = visible(&content, &enrolments, 0);
        Order::parse(order).expect("a valid order").sort(&mut rows, &reader("en"));
        rows.iter().map(|row| row.id.to_string()).collect()
    };
    assert_eq!(sorted(""), ["a.server", "b.server", "a.cal", "b.cal"]);
    assert_eq!(sorted("title desc"), ["a.cal", "b.cal", "a.server", "b.server"]);
    assert_eq!(sorted("product"), ["a.cal", "b.cal", "a.server", "b.server"]);
    assert_eq!(sorted("source"), ["a.cal", "a.server", "b.cal", "b.server"]);
    assert_eq!(sorted("activate_by_time desc"), ["b.cal", "b.server", "a.cal", "a.server"]);
    assert_eq!(sorted("activation_limit asc"), ["a.cal", "b.cal", "a.server", "b.server"]);
    for bad in ["name", "title down", "title desc desc", "title,product"] {
        assert!(Order::parse(bad).is_err(), "{bad}");
    }
}
