//! Every recorded request sent again after the last start, several times at once.

use std::fmt::Debug;

use anyhow::{Context as _, Result, ensure};
use tokio::task::JoinSet;

use super::actors::unexpected;
use super::book::{Beat, Book, Recorded, insist};
use crate::person::Person;
use crate::world::{Activation, World};

/// How often each request is sent again.
const REPEATS: usize = 3;
/// Connections that the repeats share.
const CONNECTIONS: usize = 4;

/// Sends them; each answer must be the one that was given, to the last byte of its receipt. Gives
/// the number of repeats.
pub(super) async fn repeat(world: &World, book: &Book, beat: &Beat) -> Result<usize> {
    let mut lanes = Vec::new();
    for _ in 0..CONNECTIONS {
        let installer = world.activation(&Person::installer())?;
        lanes.push((installer, world.activation(&Person::ops_admin())?));
    }
    let mut running = JoinSet::new();
    for (recorded, (installer, operator)) in book.recorded().zip(lanes.iter().cycle()) {
        for _ in 0..REPEATS {
            let (beat, recorded) = (Beat::clone(beat), recorded.clone());
            running.spawn(again(beat, recorded, installer.clone(), operator.clone()));
        }
    }
    let repeats = running.len();
    while let Some(repeated) = running.join_next().await {
        repeated.context("a repeat")??;
    }
    Ok(repeats)
}

async fn again(
    beat: Beat,
    recorded: Recorded,
    installer: Activation,
    operator: Activation,
) -> Result<()> {
    match recorded {
        Recorded::Counted(request, before) => {
            let answer = insist(&beat, "a repeated activation", || {
                let (mut client, request) = (installer.clone(), request.clone());
                async move { client.activate(request).await }
            });
            same(&before, &answer.await?.map_err(unexpected)?)
        }
        Recorded::Released(request, before) => {
            let answer = insist(&beat, "a repeated release", || {
                let (mut client, request) = (operator.clone(), request.clone());
                async move { client.release_activation(request).await }
            });
            same(&before, &answer.await?.map_err(unexpected)?)
        }
    }
}

fn same<T: PartialEq + Debug>(before: &T, now: &T) -> Result<()> {
    ensure!(before == now, "answered {before:?} and, when it was sent again, {now:?}");
    Ok(())
}
