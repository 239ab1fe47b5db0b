//! ListKeyEvents: the history of a key without a gap, each decision explained.

use anyhow::{Context as _, Result};
use proto::activation::v1::{
    ActivationOutcome as Outcome, KeyEventType, ListKeyEventsRequest, Platform,
};
use system_tests::{Computer, DUTCH, Person, World, refusal};
use tonic::Code;

#[tokio::test]
async fn f11_the_history_has_no_gap_and_explains_every_count() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(2).await?;
    let desktop = Computer::recorded()?;
    let request = world.activate_request(&key, &desktop)?;
    world.activation(&Person::installer())?.activate(request.clone()).await?;
    world.activate(&key, &desktop).await?;
    world.activate(&key, &desktop.clone().with_new_board()).await?;
    // The first refusal of a reason is recorded, its repeats are not.
    for number in 1..4 {
        refusal(world.try_activate(&key, &Computer::numbered(number)?).await?)?;
    }
    let events = world.history(&key.name).await?;
    let versions: Vec<_> = events.iter().map(|event| event.account_version).collect();
    assert_eq!(versions, [1, 2, 3, 4], "an owner sees a gap");
    let types: Vec<_> = events.iter().map(|event| event.r#type()).collect();
    use KeyEventType::{Counted, Refused, Registered};
    assert_eq!(types, [Registered, Counted, Counted, Refused]);
    assert_eq!(events[0].actor, "catalog");

    let counted = &events[1];
    assert_eq!((counted.outcome(), counted.used), (Outcome::CountedNewComputer, 1));
    assert_eq!(counted.request_id, request.request_id);
    assert_eq!((&*counted.actor, counted.platform()), ("product-key", Platform::Windows));
    assert_eq!(counted.client.clone().context("a client")?.name, "journey");
    let changed = &events[2];
    assert_eq!((changed.outcome(), changed.limit), (Outcome::CountedSignificantChange, 2));
    assert_eq!(changed.explanation.clone().context("why")?.score, Some(41));
    assert_eq!(events[3].refusal_reason, "ACTIVATION_LIMIT_REACHED");
    assert!(events.is_sorted_by_key(|event| event.sequence));
    Ok(())
}

#[tokio::test]
async fn pages_go_both_ways_and_bad_ones_are_refused() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(9).await?;
    for number in 0..4 {
        world.activate(&key, &Computer::numbered(number)?).await?;
    }
    let mut client = world.activation(&Person::partner_admin("b", "contoso").speaking(DUTCH))?;
    let mut request = ListKeyEventsRequest {
        parent: key.name.clone(),
        page_size: 2,
        order_by: "account_version desc".to_owned(),
        ..Default::default()
    };
    let mut versions = Vec::new();
    for _ in 0..3 {
        let page = client.list_key_events(request.clone()).await?.into_inner();
        versions.extend(page.events.iter().map(|event| event.account_version));
        request.page_token = page.next_page_token;
    }
    assert_eq!(versions, [5, 4, 3, 2, 1]);
    assert_eq!(request.page_token, "");

    request.page_size = -5;
    request.page_token = "AAAA".to_owned();
    request.order_by = "used".to_owned();
    refusal(client.list_key_events(request.clone()).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .in_dutch()?
        .names(&["page_size", "page_token", "order_by"])?;
    let mut stranger = world.activation(&Person::global_admin("bert", "fabrikam"))?;
    let request = ListKeyEventsRequest { parent: key.name, ..Default::default() };
    refusal(stranger.list_key_events(request).await)?.is(Code::NotFound, "KEY_NOT_FOUND")?;
    Ok(())
}
