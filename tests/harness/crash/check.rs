//! Whether what was acknowledged is there, once, and catalog and ledger agree.

use anyhow::{Result, ensure};
use proto::activation::v1::{KeyEventType, ListActivationsRequest};
use proto::catalog::v1::{BenefitKeyState as KeyState, ListKeyRevealsRequest};

use super::book::Book;
use crate::person::Person;
use crate::story::{Key, Partner};
use crate::waiting::eventually;
use crate::world::{Service, World};

/// Compares what was acknowledged with what is there.
pub(super) async fn check(world: &World, book: &Book) -> Result<()> {
    for (key, benefit) in book.keys() {
        // What was left to tell when the catalog died is told after its start.
        let found = world.until_key_is(&book.partner, benefit, KeyState::Ready).await?;
        check_ledger(world, book, key).await?;
        ensure!(found.product_key_name == key.name, "the import: {found:?}");
        ensure!(found.first_viewed_time.is_some(), "F7: {found:?}");
        let used = world.key(&key.name).await?.used;
        eventually("catalog and ledger agree", async || {
            let usage = world.benefit(&book.partner, benefit).await?.usage.unwrap_or_default();
            Ok((usage.used == used && usage.as_of_time.is_some()).then_some(()))
        })
        .await?;
    }
    check_reveals(world, &book.partner, book).await?;
    eventually("the outbox is empty", async || {
        let page = world.metrics(Service::Catalog).await?;
        let is_zero = |name: &str| page.lines().any(|line| line == format!("{name} 0"));
        Ok((is_zero("catalog_outbox_pending") && is_zero("catalog_outbox_stuck")).then_some(()))
    })
    .await
}

async fn check_ledger(world: &World, book: &Book, key: &Key) -> Result<()> {
    let found = world.key(&key.name).await?;
    let (counted, released) = (book.counted(&key.name), book.released(&key.name));
    let held = counted.len() - released.len();
    ensure!(found.used as usize == held, "used {} of {held} acknowledged", found.used);
    ensure!(!found.suspension.unwrap_or_default().suspended, "the last renewal arrived");

    let events = world.history(&key.name).await?;
    let versions = events.iter().map(|event| event.account_version);
    ensure!(versions.eq(1..=events.len() as u64), "the history has a gap");
    let ids = |wanted| {
        let mut ids: Vec<_> = events
            .iter()
            .filter(|event| event.r#type() == wanted)
            .map(|event| event.request_id.clone())
            .collect();
        ids.sort_unstable();
        ids
    };
    ensure!(ids(KeyEventType::Counted) == counted, "each acknowledged request is counted once");
    ensure!(ids(KeyEventType::Released) == released, "each acknowledged release is there once");

    let request =
        ListActivationsRequest { parent: key.name.clone(), page_size: 200, ..Default::default() };
    let list = world.activation(&Person::ops_read())?.list_activations(request).await?;
    let counts = list.into_inner().activations.into_iter().flat_map(|computer| computer.counts);
    ensure!(counts.filter(|count| !count.released).count() == held, "counts held by computers");
    Ok(())
}

async fn check_reveals(world: &World, partner: &Partner, book: &Book) -> Result<()> {
    let mut request =
        ListKeyRevealsRequest { parent: partner.name(), page_size: 200, ..Default::default() };
    let mut client = world.catalog(&Person::ops_read())?;
    let (mut names, mut firsts) = (Vec::new(), 0);
    loop {
        let page = client.list_key_reveals(request.clone()).await?.into_inner();
        firsts += page.reveals.iter().filter(|reveal| reveal.first).count();
        names.extend(page.reveals.into_iter().map(|reveal| reveal.name));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let lost = book.reveals.iter().find(|name| !names.contains(name));
    ensure!(lost.is_none(), "F7: a reveal was acknowledged and is not on record: {lost:?}");
    ensure!(firsts == book.keys().count(), "F7: one first reveal a key, not {firsts}");
    Ok(())
}
