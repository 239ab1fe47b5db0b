//! Plays the sites of a fleet and puts every activation to every rule.

use std::sync::Arc;

use activation_service::domain::terms::Platform;

use crate::fleet::{Site, sites};
use crate::floor::{Ideal, Seen};
use crate::life::Life;
use crate::plan::Plan;
use crate::reading::{Conditions, read};
use crate::rules::{self, Family, Fault, Policies, Report};
use crate::tally::Figures;
use crate::trial::{Attempts, Trial};

const MONTHS_A_YEAR: u32 = 12;
/// Most threads; more than the machine has do no good.
const THREADS_MAX: usize = 8;

/// What became of everything.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The figures of every rule, in the order of [`rules::all`].
    pub rules: Vec<RuleOutcome>,
    /// What an ideal ledger saw.
    pub seen: Seen,
}

/// What became of one rule.
#[derive(Clone, Debug)]
pub struct RuleOutcome {
    /// Its name.
    pub name: String,
    /// What it stands for.
    pub family: Family,
    /// Its figures.
    pub figures: Figures,
}

/// Plays all sites; the same plan gives the same figures on any number of threads.
///
/// # Errors
/// A mistake in the simulation.
pub fn play(plan: &Plan, policies: &Policies) -> Result<Outcome, Fault> {
    let sites = sites(plan.computers, plan.seed);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    let outcomes = std::thread::scope(|scope| {
        let worker = |first| {
            let own = sites.iter().skip(first).step_by(threads);
            scope.spawn(move || {
                own.map(|site| play_site(*site, plan, policies)).collect::<Result<Vec<_>, _>>()
            })
        };
        let workers: Vec<_> = (0..threads).map(worker).collect();
        workers.into_iter().map(|worker| worker.join().map_err(|_| Fault::Thread)?).collect()
    });
    // Figures are sums, so the order in which sites come together does not show in them.
    let outcomes: Result<Vec<Vec<Outcome>>, Fault> = outcomes;
    let mut all = Outcome::default();
    for outcome in outcomes?.into_iter().flatten() {
        all.merge(outcome);
    }
    if all.rules.is_empty() {
        all.rules = trials(policies)?.into_iter().map(Trial::outcome).collect();
    }
    Ok(all)
}

impl Outcome {
    fn merge(&mut self, other: Self) {
        if self.rules.is_empty() {
            self.rules = other.rules;
        } else {
            for (own, other) in self.rules.iter_mut().zip(other.rules) {
                own.figures.merge(other.figures);
            }
        }
        self.seen.merge(other.seen);
    }
}

fn trials(policies: &Policies) -> Result<Vec<Trial>, Fault> {
    let rules = rules::all(policies)?.into_iter();
    Ok(rules.map(|(name, family, rule)| Trial::new(name, family, rule)).collect())
}

fn play_site(site: Site, plan: &Plan, policies: &Policies) -> Result<Outcome, Fault> {
    let mut life = Life::new(site, plan);
    let mut test =
        Test { trials: trials(policies)?, ideal: Ideal::new(Arc::clone(&policies.product)) };
    for place in 0..life.computers.len() {
        test.activate(&mut life, place)?;
    }
    for month in 1..=plan.years * MONTHS_A_YEAR {
        for place in life.month(month, plan) {
            test.activate(&mut life, place)?;
        }
    }
    Ok(Outcome {
        rules: test.trials.into_iter().map(Trial::outcome).collect(),
        seen: test.ideal.seen(),
    })
}

/// Everything that sees the activations of a site.
struct Test {
    trials: Vec<Trial>,
    ideal: Ideal,
}

impl Test {
    fn activate(&mut self, life: &mut Life, place: usize) -> Result<(), Fault> {
        let conditions = Conditions::of(life);
        let platform = if life.maker.linux { Platform::Linux } else { Platform::Windows };
        let Some(computer) = life.computers.get(place) else { return Ok(()) };
        let first = Report::new(read(computer, &conditions), platform)?;
        let better = conditions.as_administrator();
        let second = Report::new(read(computer, &better), platform)?;
        let attempts = Attempts {
            fleet: life.maker.fleet,
            computer,
            build: computer.build(),
            second: (second.reading != first.reading).then_some((second, better)),
            first: (first, conditions),
        };
        for trial in &mut self.trials {
            let granted = trial.put(&attempts)?;
            // The floor is that of what our rule goes by, whichever of the reports that is.
            if trial.family == Family::Product
                && let Some(evidence) = granted.and_then(|report| report.evidence.as_ref())
            {
                self.ideal.note(&attempts.build, evidence);
            }
        }
        Ok(())
    }
}
