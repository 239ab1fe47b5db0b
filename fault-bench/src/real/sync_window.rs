//! The bug 'sync window of 2,000': many torn images of one power cut, of which some must be such
//! that the books do not survive them.

use std::sync::atomic::{AtomicU64, Ordering};

use activation_service::mutants::Mutant;
use anyhow::{Context as _, Result, ensure};
use product_key::ProductKey;
use proto::activation::v1 as act;
use system_tests::{Activation, Dice, Person};

use super::asking::{Told, ask};
use super::stage::Stage;
use super::trace::Loss;
use super::world;
use crate::campaign::Promise;
use crate::mutants::Trial;
use crate::mutated_service;

/// Who registers keys at once.
const REGISTRARS: u64 = 4;
/// Keys of one request.
const BATCH_KEYS: usize = 50;
/// Requests after which the power goes, and up to how many more; beyond a segment of sled.
const BATCHES: u64 = 40;
const BATCHES_MORE: usize = 20;
/// Images of the one cut that are tried.
const IMAGES: u64 = 8;
/// Most names of one look-up.
const NAMES_MAX: usize = 500;

/// The trial.
pub(super) fn trial() -> Trial {
    let play = |seed, is_mutated: bool| {
        world::play(run(seed, is_mutated.then_some(Mutant::WideSyncWindow)))
    };
    Trial { name: "sync window of 2,000", promise: Promise::P3, seeds: &[1, 2, 3, 4], play }
}

async fn run(seed: u64, mutant: Option<Mutant>) -> Result<()> {
    let dice = Dice::new(seed);
    let mut stage = Stage::begin_with(mutated_service::process(mutant)?).await?;
    let batches = BATCHES + dice.apart(0).below(BATCHES_MORE) as u64;
    let (done, mut registering) = (AtomicU64::new(0), Vec::new());
    for number in 1..=REGISTRARS {
        let client = stage.world.activation(&Person::catalog())?;
        registering.push(register(client, dice.apart(number), &done, batches));
    }
    let names = futures_util::future::try_join_all(registering).await?.concat();
    stage.shim.cut()?;
    stage.kill()?;
    let torn = (0..IMAGES).map(|image| {
        let loss = if image % 2 == 0 { Loss::Torn(512) } else { Loss::Torn(4096) };
        stage.ledger_image(loss, &dice.apart(100 + image))
    });
    let images = torn.collect::<Result<Vec<_>>>()?;
    stage.shim.restore()?;
    for (number, image) in images.into_iter().enumerate() {
        stage.start_ledger_on(image)?;
        let checked = check(&stage, &names).await;
        checked.with_context(|| format!("image {number} of {IMAGES}"))?;
        stage.kill()?;
    }
    Ok(())
}

/// Registers keys until so many requests of all were answered; gives the names of the keys.
async fn register(
    mut client: Activation,
    mut dice: Dice,
    done: &AtomicU64,
    batches: u64,
) -> Result<Vec<String>> {
    let mut names = Vec::new();
    while done.fetch_add(1, Ordering::Relaxed) < batches {
        let keys = (0..BATCH_KEYS).map(|_| registration(&mut dice));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let request = act::BatchRegisterKeysRequest { keys };
        match ask("BatchRegisterKeys", client.batch_register_keys(request)).await? {
            Told::Answer(answer) => names.extend(answer.keys.into_iter().map(|key| key.name)),
            told => ensure!(told.is_known(), "a registration without an answer"),
        }
    }
    Ok(names)
}

fn registration(dice: &mut Dice) -> Result<act::KeyRegistration> {
    let id = dice.id();
    let random = id.first_chunk().context("14 bytes")?;
    Ok(act::KeyRegistration {
        key_id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
        product_key: ProductKey::issue(random).grouped().to_string(),
        owner: "contoso".to_owned(),
        product: "products/windows-server-2019-standard".to_owned(),
        help_uri: "https://help.example/manage-benefits".to_owned(),
        limit: 5,
        ..Default::default()
    })
}

/// Every key is there, and the books that were found are in use.
async fn check(stage: &Stage, names: &[String]) -> Result<()> {
    let mut client = stage.world.activation(&Person::ops_read())?;
    for names in names.chunks(NAMES_MAX) {
        let request = act::BatchGetKeyUsageRequest { names: names.to_vec() };
        let found = client.batch_get_key_usage(request).await?.into_inner();
        ensure!(found.missing_names.is_empty(), "lost: {:?}", found.missing_names);
    }
    stage.check_logs(&["panicked", "set aside"], &[])
}
