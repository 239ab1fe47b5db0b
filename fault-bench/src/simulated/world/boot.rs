//! One life of a process: who goes on, who goes away, and how it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use activation_service::app::{App, Background, ProofTerms};
use activation_service::ports::Ledger as _;
use activation_service::storage::journaled::JournaledLedger;
use anyhow::{Context as _, Result, bail, ensure};
use hardware_evidence::DeploymentSalt;

use super::asks::{Ask, Sending, Told, peppers, send};
use super::computers::{SALT, policy};
use super::gates::{Gated, Gates};
use super::shape::pick;
use super::{End, Known, Sent, World};

/// More steps than anything takes: whoever is not answered then never will be.
const STEPS_MAX: u64 = 50_000;
/// The clock goes on by at most so much between two steps.
const TICK_MS_MAX: u64 = 50;
const DAY_MS: i64 = 86_400_000;

/// A call on its way.
struct Call {
    sent: usize,
    sending: Sending,
    woken: Arc<Flag>,
}

/// Says that a call may go on.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A running service.
struct Boot<'a> {
    world: &'a mut World,
    app: Arc<App>,
    engine: &'a JournaledLedger,
    gates: Gates,
    calls: Vec<Call>,
}

/// Who goes on.
enum Turn {
    Call(usize),
    Gate(u64),
}

impl World {
    /// Runs a service among requests and all that the shape holds, until something ends it.
    pub(super) fn amid(&mut self) -> Result<(JournaledLedger, End)> {
        self.boot(self.shape.gates_open_percent, None)
    }

    /// Runs a service in peace until these requests are answered, and stops it in good order.
    pub(super) fn settle(&mut self, asks: Vec<usize>) -> Result<()> {
        let ended = self.boot(self.shape.gates_open_percent, Some(asks))?;
        self.end(ended);
        Ok(())
    }

    /// Ends a process.
    pub(super) fn end(&mut self, (engine, end): (JournaledLedger, End)) {
        match end {
            End::Stop => drop(engine),
            End::Kill | End::Cut => engine.abandon(),
        }
        self.end_of_nobody(end);
    }

    fn boot(
        &mut self,
        gates_open_percent: u64,
        asks: Option<Vec<usize>>,
    ) -> Result<(JournaledLedger, End)> {
        let engine = Arc::new(self.open()?);
        let gates = Gates::new(self.dice.roll(), gates_open_percent);
        // Without timers and sockets a runtime of one thread does the same each time.
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let end = runtime.block_on(async {
            let gated = Arc::new(Gated { engine: Arc::clone(&engine), gates: gates.clone() });
            let proofs = ProofTerms { proofs: Some(gated.clone()), receipt_keys: Vec::new() };
            let (clock, randomness) = (Arc::clone(&self.clock), Arc::clone(&self.randomness));
            let salt = DeploymentSalt::new(SALT);
            let (app, background) =
                App::start(gated, clock, randomness, policy(), peppers(), salt, proofs);
            let (app, calls) = (Arc::new(app), Vec::new());
            let mut boot = Boot { world: self, app, engine: &engine, gates, calls };
            let end = match asks {
                None => boot.amid().await?,
                Some(asks) => boot.settle(asks).await?,
            };
            if end == End::Stop {
                boot.stop(background).await?;
            }
            anyhow::Ok(end)
        })?;
        // Every task of the service ends with its runtime.
        drop(runtime);
        let engine = Arc::into_inner(engine).context("something still holds the engine")?;
        Ok((engine, end))
    }
}

impl Boot<'_> {
    async fn amid(&mut self) -> Result<End> {
        for _ in 0..STEPS_MAX {
            if let Some(end) = self.ended().await? {
                return Ok(end);
            }
            self.step().await?;
        }
        bail!("the calls of a process are never all answered")
    }

    /// Why the process ends now, if it does.
    async fn ended(&mut self) -> Result<Option<End>> {
        let world = &mut *self.world;
        if world.disk.is_powerless() {
            return Ok(Some(End::Cut));
        }
        if let Err(error) = self.engine.ready().await {
            let struck = world.disk.faults_struck() + world.shelf.faults_struck();
            ensure!(struck > 0, "it stopped without a fault: {error}");
            // It may mend itself, and whoever looks after it starts it again some time.
            if world.dice.chance(5) {
                let end = if world.dice.chance(30) { End::Cut } else { End::Kill };
                return Ok(Some(end));
            }
            if world.dice.chance(10) {
                self.engine.apply_one();
            }
        }
        let is_over = world.asks.len() as u64 >= world.shape.asks && self.calls.is_empty();
        Ok(is_over.then_some(End::Stop).or_else(|| self.drawn_end()))
    }

    fn drawn_end(&mut self) -> Option<End> {
        let (shape, roll) = (self.world.shape, self.world.dice.below(1000));
        if roll < shape.kill {
            Some(End::Kill)
        } else if roll < shape.kill + shape.cut {
            // Often the power goes while something is written.
            if self.world.dice.chance(50) {
                self.world.plant_cut();
                return None;
            }
            Some(End::Cut)
        } else {
            // A stop in good order first answers what is under way; `stop` does that.
            (roll < shape.kill + shape.cut + shape.stop).then_some(End::Stop)
        }
    }

    async fn step(&mut self) -> Result<()> {
        let (shape, roll) = (self.world.shape, self.world.dice.below(1000));
        let chances = [shape.resend, shape.leave, shape.apply, shape.fault, shape.jump];
        let mut bound = 0;
        let drawn = chances.iter().position(|chance| {
            bound += chance;
            roll < bound
        });
        match drawn {
            Some(0) if self.has_room() && !self.world.asks.is_empty() => self.resend(),
            Some(1) => self.leave(),
            Some(2) => {
                self.engine.apply_one();
            }
            Some(3) => self.world.plant_fault(),
            Some(4) => self.world.jump(),
            _ => {
                let is_new = self.world.dice.chance(25) || self.calls.is_empty();
                let is_left = (self.world.asks.len() as u64) < shape.asks;
                let unregistered = self.world.unregistered();
                if is_new && is_left && self.has_room() {
                    if let Some(place) = unregistered.filter(|_| self.world.dice.chance(80)) {
                        self.world.tally.repeats += 1;
                        self.send(place);
                        return Ok(());
                    }
                    let ask = self.world.next_ask()?;
                    self.world.asks.push(ask);
                    self.send(self.world.asks.len() - 1);
                } else {
                    self.go_on().await?;
                }
            }
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.calls.len() < self.world.shape.at_once
    }

    fn resend(&mut self) {
        let place = self.world.dice.below(self.world.asks.len() as u64);
        self.world.tally.repeats += 1;
        self.send(usize::try_from(place).unwrap_or(0));
    }

    fn send(&mut self, place: usize) {
        let Some(ask) = self.world.asks.get(place) else { return };
        let sending = send(Arc::clone(&self.app), ask.clone());
        let began = self.world.moment();
        let sent = self.world.sent.len();
        self.world.sent.push(Sent { ask: place, began, told: None });
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        self.calls.push(Call { sent, sending, woken });
    }

    /// A client goes away; what it asked for may happen all the same.
    fn leave(&mut self) {
        if !self.calls.is_empty() {
            let place = self.world.dice.below(self.calls.len() as u64);
            drop(self.calls.swap_remove(usize::try_from(place).unwrap_or(0)));
            self.world.tally.left += 1;
        }
    }

    /// Lets one of those who can go on go on; false if nobody can.
    async fn go_on(&mut self) -> Result<bool> {
        let woken = |(place, call): (usize, &Call)| {
            call.woken.0.load(Ordering::Relaxed).then_some(Turn::Call(place))
        };
        let mut turns: Vec<Turn> = self.calls.iter().enumerate().filter_map(woken).collect();
        turns.extend(self.gates.standing().into_iter().map(Turn::Gate));
        match pick(&mut self.world.dice, &turns) {
            Some(Turn::Call(place)) => self.poll(*place),
            Some(Turn::Gate(number)) => self.gates.let_go(*number),
            None => {
                ensure!(self.calls.is_empty(), "calls wait for nothing: they hang");
                return Ok(false);
            }
        }
        self.world.pass_time();
        // The service's own tasks go on as far as they can.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        Ok(true)
    }

    fn poll(&mut self, place: usize) {
        let Some(call) = self.calls.get_mut(place) else { return };
        call.woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&call.woken));
        let Poll::Ready(told) = call.sending.as_mut().poll(&mut Context::from_waker(&waker)) else {
            return;
        };
        let sent = self.calls.swap_remove(place).sent;
        self.world.note(sent, told);
    }

    async fn settle(&mut self, mut asks: Vec<usize>) -> Result<End> {
        asks.reverse();
        for _ in 0..STEPS_MAX {
            if self.has_room()
                && let Some(ask) = asks.pop()
            {
                self.send(ask);
            }
            let is_idle = !self.go_on().await?;
            if is_idle && asks.is_empty() && !self.engine.apply_one() {
                return Ok(End::Stop);
            }
        }
        bail!("the calls of a process in peace are never all answered")
    }

    /// Answers what is under way, then ends the service's tasks.
    async fn stop(mut self, background: Background) -> Result<()> {
        for _ in 0..STEPS_MAX {
            if !self.go_on().await? {
                break;
            }
        }
        ensure!(self.calls.is_empty(), "a service that drains never answers");
        self.gates.open();
        drop(self.app);
        background.finish().await;
        Ok(())
    }
}

impl World {
    fn moment(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    fn pass_time(&mut self) {
        let ms = i64::try_from(self.dice.below(TICK_MS_MAX)).unwrap_or(0);
        if !self.clock_stands {
            self.clock.advance(ms);
        }
    }

    fn jump(&mut self) {
        let part = self.dice.below(2001);
        let toggles = self.dice.chance(25);
        if self.shape.jump_days_max == 0 {
            return;
        }
        self.tally.jumps += 1;
        self.clock_stands ^= toggles;
        // From as far back as it goes to as far ahead.
        let days = i64::try_from(self.shape.jump_days_max).unwrap_or(0);
        let part = i64::try_from(part).unwrap_or(0) - 1000;
        self.clock.advance(days * DAY_MS / 1000 * part);
    }

    /// Notes an answer, unless it is lost on its way.
    fn note(&mut self, sent: usize, told: Told) {
        if self.dice.chance(self.shape.lose_percent) {
            self.tally.lost += 1;
            return;
        }
        let at = self.moment();
        let Some(sent) = self.sent.get_mut(sent) else { return };
        if let (Some(Ask::Activate { key, computer, .. }), Told::Activated(activated)) =
            (self.asks.get(sent.ask), &told)
        {
            let activation = activated.granted.activation;
            self.known.push(Known { key: *key, computer: *computer, activation });
        }
        sent.told = Some((at, told));
    }
}
