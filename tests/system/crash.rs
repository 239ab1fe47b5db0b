//! Either service is killed at any moment of the walk and started again: nothing acknowledged is
//! lost, nothing is counted twice, catalog and ledger agree.
//!
//! A seed decides who does what, which service dies, and after how many answers. `SEED=… ROUNDS=…`
//! replay a failure or go on for longer.

mod actors;
mod book;
mod killer;

use anyhow::{Context as _, Result, ensure};
use proto::activation::v1::{KeyEventType, ListActivationsRequest};
use proto::catalog::v1::{BenefitKeyState as KeyState, ListKeyRevealsRequest};
use system_tests::{
    Dice, Key, Partner, Person, Service, World, WorldOptions, eventually, seed_from_environment,
};

use actors::Cast;
use book::{Book, Ending};

/// Rounds that CI plays; each in a world of its own.
const ROUNDS: u64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_is_counted_twice() -> Result<()> {
    let seed = seed_from_environment()?;
    let rounds = match std::env::var_os("ROUNDS") {
        Some(text) => text.to_string_lossy().parse().context("ROUNDS is a number")?,
        None => ROUNDS,
    };
    for number in 0..rounds {
        let round = seed.wrapping_add(number);
        let told = play(round).await;
        let told = told.with_context(|| format!("replay with SEED={round} ROUNDS=1"))?;
        println!("SEED={round}: {told}");
    }
    Ok(())
}

async fn play(seed: u64) -> Result<String> {
    let metrics = vec![("metrics.listen", "127.0.0.1:0".to_owned())];
    let options = WorldOptions { catalog: metrics, ..WorldOptions::default() };
    let mut world = World::start_with(options).await?;
    let cast = Cast::assemble(&world)?;
    let beat = cast.beat();
    let dice = Dice::new(seed);
    let (ending, plot) = (Ending(cast.beat()), dice.apart(1));
    let playing = tokio::spawn(async move {
        let _ending = ending;
        cast.play(plot).await
    });
    let kills = killer::work(&mut world.pair, &beat, dice.apart(2)).await?;
    let book = playing.await.context("the actors")??;

    // What is on disk counts, not what the last processes have in mind.
    world.pair.kill_catalog()?;
    world.pair.kill_activation()?;
    world.pair.start_activation()?;
    world.pair.start_catalog()?;
    check(&world, &book).await?;
    ensure!(kills > 0, "nothing was killed");
    Ok(format!("{kills} kills, {book}"))
}

/// Compares what was acknowledged with what is there.
async fn check(world: &World, book: &Book) -> Result<()> {
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
