//! Tests of pages as bytes.

use std::collections::HashMap;

use super::*;
use crate::app::view::Usage;
use crate::domain::key::KeyCounts;
use crate::ports::UsageReading;

fn handle(number: u8) -> Handle {
    Handle::from_random([number; 16])
}

fn benefit(title: &str, usage: Usage) -> pb::Benefit {
    pb::Benefit {
        name: format!("partners/p/benefits/e.{title}"),
        title: title.to_owned(),
        licence_quantity: Some(pb::LicenceQuantity { value: 3, ..Default::default() }),
        activate_by_time: Some(message::time(-1)),
        usage: Some(message::usage(usage)),
        language_code: "nl".to_owned(),
        ..pb::Benefit::default()
    }
}

/// Three rows: counted, not counted, counted.
fn answer(usages: [Usage; 2]) -> pb::ListBenefitsResponse {
    let [first, last] = usages;
    pb::ListBenefitsResponse {
        benefits: vec![
            benefit(&"x".repeat(300), first),
            benefit("b", Usage::NotApplicable),
            benefit("", last),
        ],
        next_page_token: "token".to_owned(),
        state: 2,
        total_size: 300,
        ..pb::ListBenefitsResponse::default()
    }
}

fn listed(reading: Option<UsageReading>) -> Listed {
    let open = Usage::Unavailable { as_of_ms: 1 };
    let partner = PartnerId::parse("p").expect("an id");
    let counted = [handle(1), handle(2)].into();
    let page = ShownPage::new(partner, Stamp::of_no_moment(), counted, answer([open, open]));
    Listed { page: Arc::new(page), usage: UsageOfKeys::read(reading, 77) }
}

#[test]
fn the_bytes_are_those_that_the_generated_code_writes() {
    let most = KeyCounts { used: u32::MAX, limit: u32::MAX, remaining: u32::MAX };
    let none = KeyCounts { used: 0, limit: 0, remaining: 0 };
    for (counts, as_of_ms) in [(most, i64::MIN / 2), (none, 0), (most, 253_402_300_799_999)] {
        let known = HashMap::from([(handle(2), counts)]);
        let reading = UsageReading { counts: Arc::new(known), as_of_ms };
        let listed = listed(Some(reading));
        let KeyCounts { used, limit, remaining } = counts;
        let usages = [
            Usage::Unavailable { as_of_ms },
            Usage::Available { used, limit, remaining, as_of_ms },
        ];
        assert_eq!(bytes(&listed), answer(usages).encode_to_vec());
        assert!(bytes(&listed).len() <= listed.bytes_max());
        assert_eq!(listed.message().expect("it reads"), answer(usages));
    }
    let usages = [Usage::Unavailable { as_of_ms: 77 }; 2];
    assert_eq!(bytes(&listed(None)), answer(usages).encode_to_vec());
}

fn bytes(listed: &Listed) -> Vec<u8> {
    let mut bytes = Vec::new();
    listed.encode(&mut bytes);
    bytes
}

#[test]
fn a_page_is_kept_for_its_request_and_its_language() {
    let pages = Pages::default();
    let request = || pb::ListBenefitsRequest { search: "x".to_owned(), ..Default::default() };
    let named = || pb::ListBenefitsRequest { language_code: "en".to_owned(), ..request() };
    pages.keep(PageKey::of(request(), Language::Nl), Arc::clone(&listed(None).page));
    pages.keep(PageKey::of(named(), Language::Nl), Arc::clone(&listed(None).page));
    assert!(pages.get(&PageKey::of(request(), Language::Nl)).is_some());
    assert!(pages.get(&PageKey::of(request(), Language::En)).is_none());
    assert!(pages.get(&PageKey::of(named(), Language::En)).is_some(), "it names its own");
    assert!(pages.get(&PageKey::of(Default::default(), Language::Nl)).is_none());
}

#[test]
fn pages_are_bounded_in_bytes() {
    let pages = Pages::default();
    let page = listed(None).page;
    let each = (page.text_bytes + ENTRY_BYTES) as u64;
    let more = i32::try_from(BYTES_MAX / each * 2).expect("a few thousand");
    for page_size in 0..more {
        let request = pb::ListBenefitsRequest { page_size, ..Default::default() };
        pages.keep(PageKey::of(request, Language::En), Arc::clone(&page));
    }
    pages.kept.run_pending_tasks();
    assert!(pages.kept.weighted_size() <= BYTES_MAX);
    assert!(pages.kept.entry_count() > 1_000);
}

#[tokio::test]
async fn a_page_is_made_by_one_at_a_time() {
    use futures_util::FutureExt as _;
    let (pages, key) = (Pages::default(), || PageKey::of(Default::default(), Language::En));
    let turn = pages.turn(&key()).await.expect("a place");
    assert!(pages.turn(&key()).now_or_never().is_none(), "somebody makes it");
    drop(turn);
    assert!(pages.turn(&key()).now_or_never().is_some());
}
