//! One of the crowd: does what the dice say, sends it several times at once at times, and again
//! until the outcome is known, or gives it up.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures_util::future::try_join_all;
use proto::activation::v1 as act;
use receipt::TrustedKeys;
use system_tests::{Dice, PATIENCE};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::calls::{Lane, Request, id, number, update};
use super::scene::{Faults, Own, Tally};
use crate::linear::{Action, Answer, Recorder};

/// Most requests at once that are the same.
const COPIES_MAX: usize = 3;
/// One in so many requests is sent in copies.
const COPIED: usize = 4;
/// One in so many requests without an outcome is given up.
const GIVEN_UP: usize = 5;
/// How soon a request without an outcome is sent again.
const RETRY_PERIOD: Duration = Duration::from_millis(5);
/// Largest limit that is set.
const LIMIT_MAX: usize = 7;

/// What a client can do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    Activate,
    /// Send an earlier request again.
    Repeat,
    Release,
    SetLimit,
    Suspend,
    Block,
    Read,
}

/// A client with all it needs.
pub(super) struct Client {
    pub(super) dice: Dice,
    pub(super) deeds: &'static [(usize, Deed)],
    pub(super) steps: usize,
    pub(super) keys: Arc<Vec<Own>>,
    pub(super) lanes: Arc<Vec<Lane>>,
    /// By number of the computer.
    pub(super) evidence: Arc<Vec<act::Evidence>>,
    pub(super) trusted: Arc<TrustedKeys>,
    pub(super) recorder: Recorder,
    pub(super) tally: Arc<watch::Sender<Tally>>,
    /// What can be sent again: the place of the key and the rest.
    pub(super) sent: Vec<(usize, Action, Request)>,
    pub(super) faults: Faults,
}

impl Client {
    /// Takes all steps.
    pub(super) async fn act(mut self) -> Result<Faults> {
        for _ in 0..self.steps {
            let place = self.dice.below(self.keys.len());
            let (place, action, request) = self.choose(place)?;
            self.settle(place, action, request).await?;
        }
        Ok(self.faults)
    }

    fn choose(&mut self, place: usize) -> Result<(usize, Action, Request)> {
        let name = self.own(place)?.key.name.clone();
        let limit = u32::try_from(self.dice.below(LIMIT_MAX + 1))?;
        // Mostly usable, or little would happen.
        let is_set = self.dice.one_in(3);
        let key = act::ProductKey { name: name.clone(), ..Default::default() };
        let (action, request) = match self.deed() {
            Deed::Activate => self.activation(place)?,
            Deed::Repeat => match self.dice.one_of(&self.sent).cloned() {
                Some(again) => {
                    self.faults.again += 1;
                    return Ok(again);
                }
                None => self.activation(place)?,
            },
            Deed::Release => self.release(place)?,
            Deed::SetLimit => {
                let request = update("limit", act::ProductKey { limit, ..key });
                (Action::SetLimit(limit), Request::Update(request))
            }
            Deed::Block => {
                let request = update("blocked", act::ProductKey { blocked: is_set, ..key });
                (Action::SetBlocked(is_set), Request::Update(request))
            }
            Deed::Suspend => {
                let (suspended, generation) = (is_set, 1 + self.dice.below(self.steps) as u64);
                let suspension = Some(act::Suspension { suspended, generation });
                let request = update("suspension", act::ProductKey { suspension, ..key });
                (Action::SetSuspension { suspended, generation }, Request::Suspend(request))
            }
            Deed::Read if is_set => (Action::Read, Request::Usage(name)),
            Deed::Read => (Action::Read, Request::Get(name)),
        };
        Ok((place, action, request))
    }

    fn deed(&mut self) -> Deed {
        let all = self.deeds.iter().map(|(weight, _)| weight).sum();
        let mut throw = self.dice.below(all);
        for (weight, deed) in self.deeds {
            match throw.checked_sub(*weight) {
                Some(rest) => throw = rest,
                None => return *deed,
            }
        }
        Deed::Read
    }

    fn activation(&mut self, place: usize) -> Result<(Action, Request)> {
        let computer = self.dice.below(self.evidence.len());
        let request_id = Bytes::copy_from_slice(&self.dice.id());
        let action = Action::Activate { computer: computer as u64, request: id(&request_id)? };
        let key = &self.own(place)?.key;
        let request = Request::Activate(act::ActivateRequest {
            product_key: key.secret.clone(),
            product: key.product.clone(),
            evidence: self.evidence.get(computer).cloned(),
            platform: act::Platform::Windows.into(),
            client: Some(act::ClientInfo { name: "bench".into(), version: "1.0".into() }),
            request_id,
        });
        self.sent.push((place, action, request.clone()));
        Ok((action, request))
    }

    fn release(&mut self, place: usize) -> Result<(Action, Request)> {
        let keys = Arc::clone(&self.keys);
        let own = keys.get(place).context("a key")?;
        let Some(name) = own.activation(&mut self.dice) else { return self.activation(place) };
        let request_id = Bytes::copy_from_slice(&self.dice.id());
        let (activation, request) = (number(&name)?, id(&request_id)?);
        let action = Action::Release { activation, request };
        let request = Request::Release(act::ReleaseActivationRequest {
            name,
            request_id,
            reason: "the bench".to_owned(),
            ..Default::default()
        });
        self.sent.push((place, action, request.clone()));
        Ok((action, request))
    }

    /// Sends a request until its outcome is known, or gives it up.
    async fn settle(&mut self, place: usize, action: Action, request: Request) -> Result<()> {
        let settling = timeout(PATIENCE, self.insist(place, action, request));
        settling.await.with_context(|| format!("{action:?} has no outcome"))?
    }

    async fn insist(&mut self, place: usize, action: Action, request: Request) -> Result<()> {
        let keys = Arc::clone(&self.keys);
        let own = keys.get(place).context("a key")?;
        let mut again = interval(RETRY_PERIOD);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            again.tick().await;
            let mut is_known = false;
            for answer in self.send(own.id, action, &request).await? {
                is_known |= answer != Answer::Unknown;
                if let Answer::Granted { activation, .. } = answer {
                    own.note(format!("{}/activations/{activation:032x}", own.key.name));
                }
            }
            if is_known || self.dice.one_in(GIVEN_UP) {
                return Ok(());
            }
            self.faults.again += 1;
        }
    }

    /// Sends it once, or several times at once.
    async fn send(&mut self, key: u128, action: Action, request: &Request) -> Result<Vec<Answer>> {
        let mut watching = self.tally.subscribe();
        watching.wait_for(|tally| tally.is_up).await?;
        let copies = if self.dice.one_in(COPIED) { 2 + self.dice.below(COPIES_MAX - 1) } else { 1 };
        self.faults.duplicates += copies as u64 - 1;
        let mut calls = Vec::new();
        for _ in 0..copies {
            let lane = self.dice.one_of(&self.lanes).cloned().context("a lane")?;
            let (request, trusted) = (request.clone(), Arc::clone(&self.trusted));
            let (recorder, tally) = (self.recorder.clone(), Arc::clone(&self.tally));
            let call = recorder.call(key, action).context("a history")?;
            calls.push(async move {
                let answer = lane.call(request, &trusted).await?;
                recorder.answer(call, answer);
                if answer != Answer::Unknown {
                    tally.send_modify(|tally| tally.answered += 1);
                }
                anyhow::Ok(answer)
            });
        }
        try_join_all(calls).await
    }

    fn own(&self, place: usize) -> Result<&Own> {
        self.keys.get(place).context("a key")
    }
}
