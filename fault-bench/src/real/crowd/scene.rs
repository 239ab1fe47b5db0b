//! The service, the wire to it, the keys, and everybody at work until they are done.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use product_key::ProductKey;
use proto::activation::v1 as act;
use receipt::TrustedKeys;
use system_tests::{Computer, Dice, Key, Person, Service, World, WorldOptions};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::transport::Endpoint;

use super::calls::{Lane, number};
use super::client::{Client, Deed};
use super::cutter::Cutter;
use super::kills;
use crate::linear::{Recorder, Start};
use crate::real::world;

/// Connections that the crowd shares.
const LANES: usize = 10;

/// How a crowd behaves.
pub(super) struct Manner {
    pub(super) clients: u64,
    /// What each does.
    pub(super) steps: usize,
    pub(super) keys: u64,
    /// Largest limit of a key at first.
    pub(super) limit_max: u32,
    /// Computers that everybody activates.
    pub(super) computers: u32,
    /// What is done, and how often among all of it.
    pub(super) deeds: &'static [(usize, Deed)],
    /// Whether the service is killed meanwhile.
    pub(super) kills: bool,
}

/// A key and what everybody knows of it.
pub(super) struct Own {
    pub(super) key: Key,
    /// Its number in histories.
    pub(super) id: u128,
    /// Its limit at first.
    pub(super) limit: u32,
    /// Activations that somebody was told of.
    pub(super) activations: Mutex<Vec<String>>,
}

/// How far everybody is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Outcomes that clients know.
    pub(super) answered: u64,
    /// Whether the service can be called.
    pub(super) is_up: bool,
    /// True once nobody calls any more.
    pub(super) is_over: bool,
}

/// What was done to the crowd.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    pub(super) cuts: u64,
    pub(super) kills: u64,
    /// Requests sent at once with another of the same.
    pub(super) duplicates: u64,
    /// Requests sent again after an answer, or for want of one.
    pub(super) again: u64,
}

/// Everything that a crowd needs.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) keys: Arc<Vec<Own>>,
    pub(super) recorder: Recorder,
    cutter: Cutter,
    crowd: Vec<Client>,
    tally: Arc<watch::Sender<Tally>>,
    kills: Option<Dice>,
}

impl Scene {
    /// Starts the service, registers keys and assembles everybody.
    pub(super) async fn begin(manner: &Manner, dice: &Dice) -> Result<Self> {
        let text = str::to_owned;
        let settings = vec![
            // A blocked key is told like an unknown one, and nobody here is a guesser.
            ("failed_lookups.per_minute", text("60000")),
            ("failed_lookups.burst", text("10000")),
            ("telemetry.filter", text("warn")),
        ];
        let options =
            WorldOptions { activation: settings, is_alone: true, ..WorldOptions::default() };
        let world = world::start(world::folder()?, options).await?;
        let cutter = Cutter::start(world.address(Service::Activation)?, dice.apart(1)).await?;
        let mut keys = Vec::new();
        for number in 0..manner.keys {
            keys.push(register(&world, dice.apart(1_000 + number), manner.limit_max).await?);
        }
        let recorder = Recorder::default();
        for own in &keys {
            recorder.begin(own.id, Start { limit: own.limit, version: 1 });
        }
        let (keys, lanes) = (Arc::new(keys), Arc::new(lanes(&world, &cutter)?));
        let evidence = |number| Computer::numbered(number)?.evidence(world.salt());
        let evidence: Vec<_> = (0..manner.computers).map(evidence).collect::<Result<_>>()?;
        let (evidence, trusted) = (Arc::new(evidence), Arc::new(trusted(&world).await?));
        let tally = Arc::new(watch::Sender::new(Tally { is_up: true, ..Tally::default() }));
        let client = |number| Client {
            dice: dice.apart(2_000 + number),
            deeds: manner.deeds,
            steps: manner.steps,
            keys: Arc::clone(&keys),
            lanes: Arc::clone(&lanes),
            evidence: Arc::clone(&evidence),
            trusted: Arc::clone(&trusted),
            recorder: recorder.clone(),
            tally: Arc::clone(&tally),
            sent: Vec::new(),
            faults: Faults::default(),
        };
        let crowd = (0..manner.clients).map(client).collect();
        let kills = manner.kills.then(|| dice.apart(2));
        Ok(Self { world, keys, recorder, cutter, crowd, tally, kills })
    }

    /// Everybody does everything; gives what was done to them.
    pub(super) async fn act(&mut self) -> Result<Faults> {
        let mut acting = JoinSet::new();
        for client in self.crowd.drain(..) {
            acting.spawn(client.act());
        }
        let tally = Arc::clone(&self.tally);
        let ending = tokio::spawn(async move {
            let mut faults = Faults::default();
            let mut told = Ok(());
            while let Some(acted) = acting.join_next().await {
                match acted.context("a client").flatten() {
                    Ok(client) => {
                        faults.duplicates += client.duplicates;
                        faults.again += client.again;
                    }
                    Err(error) => told = told.and(Err(error)),
                }
            }
            tally.send_modify(|tally| tally.is_over = true);
            told.map(|()| faults)
        });
        let mut kills = 0;
        if let Some(dice) = self.kills.take() {
            kills = kills::work(&mut self.world.pair, &self.tally, dice).await?;
        }
        let faults = ending.await.context("the crowd")??;
        Ok(Faults { cuts: self.cutter.cuts(), kills, ..faults })
    }
}

impl Own {
    /// Notes an activation that somebody was told of.
    pub(super) fn note(&self, name: String) {
        self.activations.lock().unwrap_or_else(PoisonError::into_inner).push(name);
    }

    /// One of the activations that somebody was told of.
    pub(super) fn activation(&self, dice: &mut Dice) -> Option<String> {
        let known = self.activations.lock().unwrap_or_else(PoisonError::into_inner);
        dice.one_of(&known).cloned()
    }
}

async fn register(world: &World, mut dice: Dice, limit_max: u32) -> Result<Own> {
    let (key_id, secret) = (dice.id(), dice.id());
    let limit = 1 + u32::try_from(dice.below(limit_max as usize))?;
    let secret = secret.first_chunk().context("14 bytes")?;
    let registration = act::KeyRegistration {
        key_id: key_id.iter().map(|byte| format!("{byte:02x}")).collect(),
        product_key: ProductKey::issue(secret).grouped().to_string(),
        limit,
        ..Default::default()
    };
    let key = world.registered(registration).await?;
    Ok(Own { id: number(&key.name)?, key, limit, activations: Mutex::default() })
}

fn lanes(world: &World, cutter: &Cutter) -> Result<Vec<Lane>> {
    let lane = |_| {
        let channel = Endpoint::from_shared(format!("http://{}", cutter.address))?.connect_lazy();
        let over = |who| world.activation_over(channel.clone(), &who);
        Ok(Lane {
            installer: over(Person::installer())?,
            operator: over(Person::ops_admin())?,
            catalog: over(Person::catalog())?,
        })
    };
    (0..LANES).map(lane).collect()
}

/// The key of receipts, from the file that the service reads it from.
async fn trusted(world: &World) -> Result<TrustedKeys> {
    let mut client = world.activation(&Person::installer())?;
    let terms = client.get_activation_terms(act::GetActivationTermsRequest {}).await?.into_inner();
    Ok(terms.receipt_keys.join("\n").parse()?)
}
