//! P8: what the clients of a life saw of each key, given to the judge of linearizability.

use activation_service::app::AppError;
use activation_service::domain::account::Head;
use activation_service::domain::error::{Reason, Refusal};
use activation_service::storage::disk::sim::Dice;
use anyhow::{Context as _, Result, bail};

use super::truth;
use super::world::{Ask, Sent, Shape, Told as Heard, World};
use crate::campaign::Told;
use crate::linear::{Action, Answer, History, No, Operation, Start, View, check};

/// Plays a seed and judges the history of each of its keys.
pub(super) fn play(seed: u64) -> Result<Told> {
    let world = World::live(seed, Shape::of_histories(&mut Dice::new(seed)))?;
    truth::judge(&world)?;
    let mut histories = 0;
    for key in 0..world.shape.keys {
        let Some(history) = history(&world, key)? else { continue };
        check(&history).with_context(|| format!("key {key}"))?;
        histories += 1;
    }
    Ok(Told::of(histories))
}

/// The history of a key from its registration on; none if nobody was told that it is there.
fn history(world: &World, key: u8) -> Result<Option<History>> {
    let mut start = None;
    let mut operations = Vec::new();
    for sent in &world.sent {
        let ask = world.asks.get(sent.ask).context("a sending of nothing")?;
        if ask.key() != Some(key) {
            continue;
        }
        if let Ask::Register { terms, .. } = ask {
            let is_told = matches!(&sent.told, Some((_, Heard::Key(_))));
            start = start.or(is_told.then_some(Start { limit: terms.limit, version: 1 }));
        }
        operations.extend(operation(ask, sent)?);
    }
    Ok(start.map(|start| History { start, operations }))
}

/// A sending as an operation; none if it was sent to a key that was not there yet, or did nothing.
fn operation(ask: &Ask, sent: &Sent) -> Result<Option<Operation>> {
    let number = u128::from_be_bytes;
    let action = match ask {
        Ask::Activate { computer, request, .. } => {
            Action::Activate { computer: *computer, request: number(request.0) }
        }
        Ask::Release { activation, request, .. } => {
            Action::Release { activation: number(activation.0), request: number(request.0) }
        }
        Ask::Update { settings, .. } => match (settings.limit, settings.blocked) {
            (Some(limit), None) => Action::SetLimit(limit),
            (None, Some(blocked)) => Action::SetBlocked(blocked),
            _ => bail!("the judge does not know this change"),
        },
        Ask::Suspend { suspension, .. } => Action::SetSuspension {
            suspended: suspension.suspended,
            generation: suspension.generation,
        },
        // A repeated registration changes nothing and tells how the key stands.
        Ask::Register { .. } | Ask::GetKey { .. } => Action::Read,
        _ => return Ok(None),
    };
    let called = sent.began;
    let Some((at, heard)) = &sent.told else {
        return Ok(Some(Operation { called, returned: None, action, answer: Answer::Unknown }));
    };
    let answer = match heard {
        Heard::Activated(it) => Answer::Granted {
            counted: it.granted.outcome.is_counted(),
            activation: number(it.granted.activation.0),
            used: it.granted.used,
            limit: it.granted.limit,
            proof: Some(it.granted.proof),
        },
        Heard::GivenUp(it) => Answer::Released {
            count: it.released.count,
            used: it.released.used,
            limit: it.released.limit,
            proof: None,
        },
        Heard::Key(head) => Answer::Key(view(head)),
        Heard::No(AppError::Unavailable) => Answer::Unknown,
        Heard::No(AppError::Refused { refusal, .. }) => match refused(refusal)? {
            Some(no) => Answer::Refused(no),
            None => return Ok(None),
        },
        // Nothing was done.
        Heard::No(AppError::Overloaded | AppError::Contended | AppError::DiskFull) => {
            return Ok(None);
        }
        _ => bail!("the judge does not know this answer"),
    };
    let returned = (answer != Answer::Unknown).then_some(*at);
    Ok(Some(Operation { called, returned, action, answer }))
}

/// Why it was refused; none if the key was not there yet.
fn refused(refusal: &Refusal) -> Result<Option<No>> {
    Ok(Some(match refusal {
        Refusal::LimitReached { .. } => No::LimitReached,
        Refusal::Suspended => No::Suspended,
        Refusal::KeyNotUsable { cause: Some(Reason::Blocked) } => No::Blocked,
        Refusal::ActivationReleased => No::ActivationReleased,
        Refusal::ActivationNotFound => No::ActivationNotFound,
        Refusal::RequestIdReused => No::RequestIdReused,
        Refusal::KeyNotUsable { cause: None } | Refusal::KeyNotFound => return Ok(None),
        _ => bail!("the judge does not know this refusal"),
    }))
}

fn view(head: &Head) -> View {
    View {
        used: head.used,
        limit: head.terms.limit,
        suspended: head.suspension.suspended,
        blocked: head.blocked,
        version: Some(head.version),
    }
}
