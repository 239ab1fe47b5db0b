//! The same operation where others keep counts: find the key, see that the request is new and that
//! an activation is left, record it durably.
//!
//! Each peer is installed from its registry where it is missing, started in a folder of its own,
//! and called by several numbers of callers, of which the best counts. None of them signs anything,
//! compares evidence or gives a receipt, which is all in their favour.

mod etcd;
mod postgres;
mod redis;
mod sealium;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::block_in_place;

use super::{Figures, LIMIT_MAX, Ledger, Settings, new_computers};
use crate::figure::{Bar, Figure, Spread};
use crate::load::closed;
use crate::tellings::Activations;
use etcd::Etcd;
use postgres::Postgres;
use redis::Redis;
use sealium::Sealium;

/// Our callers at once.
const IN_FLIGHT: usize = 128;
/// What our rate should be beside the best of PostgreSQL.
const BAR: Bar = Bar::AtLeast(8.0);
/// Callers of a peer at once, of which the best counts.
const CALLERS: [u32; 4] = [8, 16, 32, 64];

/// Who keeps counts beside us.
enum Peer {
    Postgres(Postgres),
    Etcd(Etcd),
    Redis(Redis),
    Sealium(Sealium),
}

/// A peer's name, and what it does before it answers.
const PEERS: [(&str, &str); 4] = [
    ("postgresql", "row lock; fsync before each commit is answered (as delivered)"),
    ("etcd", "one member; its log synced before each answer (as delivered)"),
    ("redis", "Lua script; appendonly yes, appendfsync always, no snapshots"),
    ("sealium", "SQLite as delivered: rollback journal, synced before each commit is answered"),
];

impl Peer {
    async fn start(name: &str, keys: usize) -> Result<Self> {
        Ok(match name {
            "etcd" => Self::Etcd(Etcd::start().await?),
            "redis" => Self::Redis(block_in_place(Redis::start)?),
            "sealium" => Self::Sealium(block_in_place(Sealium::start)?),
            _ => Self::Postgres(block_in_place(|| Postgres::start(keys))?),
        })
    }

    /// Activations a second.
    async fn measure(&self, keys: usize, callers: u32, length: Duration) -> Result<f64> {
        match self {
            Self::Etcd(etcd) => etcd.measure(keys, callers, length).await,
            Self::Redis(redis) => block_in_place(|| redis.measure(keys, callers, length)),
            Self::Sealium(sealium) => block_in_place(|| sealium.measure(callers, length)),
            Self::Postgres(postgres) => block_in_place(|| postgres.measure(keys, callers, length)),
        }
    }
}

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    let ledger = Ledger::start(settings, settings.keys, LIMIT_MAX).await?;
    let target = ledger.stand.activate()?;
    let (mut figures, mut turns) = (Vec::new(), 1..);
    for (name, durability) in PEERS {
        let peer = Peer::start(name, settings.keys).await.with_context(|| name.to_owned())?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let mut figure = Figure::default();
        for _ in 0..settings.rounds {
            let turn = turns.next().context("a turn")?;
            let load = Activations::new(&ledger.tellings, new_computers(turn)).patient();
            ours.push(closed(&target, Arc::new(load), IN_FLIGHT, settings.length).await?.rate());
            ledger.stand.drain().await?;
            let mut best = 0.0_f64;
            for callers in CALLERS {
                let length = settings.length / CALLERS.len() as u32;
                let rate = peer.measure(settings.keys, callers, length).await;
                let rate = rate.with_context(|| format!("{name}, {callers} callers"))?;
                figure.add(&format!("{name}_per_s_{callers:03}"), rate);
                best = best.max(rate);
            }
            theirs.push(best);
        }
        figure.about =
            format!("{IN_FLIGHT} at once, beside the best of {CALLERS:?} of {name}: {durability}");
        let ratios = ours.iter().zip(&theirs).map(|(our, their)| our / their);
        figure.ratio_to_noop = Spread::of(ratios)?;
        figure.rate = Spread::of(ours)?;
        figure.noop_rate = Spread::of(theirs)?;
        if name == "postgresql" {
            figure = figure.with_bar(BAR);
        }
        figures.push((format!("peers_{name}"), figure));
    }
    ledger.verify(figures).await
}

/// Installs a package of the system where its program is missing.
fn ensure_program(program: &str, package: &str) -> Result<()> {
    if Command::new(program).arg("--version").output().is_ok() {
        return Ok(());
    }
    let install = ["install", "--yes", "--no-install-recommends", package];
    xtask::process::run(Command::new("apt-get").args(install))
        .with_context(|| format!("{program} is needed, of any version"))
}
