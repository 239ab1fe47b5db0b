//! Plays campaigns seed by seed, then the deliberate bugs, and adds up what was found.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use xtask::output;

use crate::campaign::{Campaign, Told};
use crate::mutants::Trial;
use crate::record::{Record, Run};
use crate::report::{Line, Report, Violation};

/// Most broken promises of one campaign; then it is stopped.
const VIOLATIONS_MAX: usize = 10;
/// How often a long campaign says how far it is.
const PROGRESS_PERIOD: Duration = Duration::from_secs(15);

/// How much is played.
pub(crate) struct Plan {
    /// The first seed of every campaign.
    pub(crate) seed: u64,
    /// Runs of each campaign.
    pub(crate) runs: fn(&Campaign) -> u64,
    /// Runs of each campaign, whatever the plan says.
    pub(crate) runs_override: Option<u64>,
    /// When no further run is begun.
    pub(crate) until: Option<Instant>,
}

impl Plan {
    fn runs_of(&self, campaign: &Campaign) -> u64 {
        self.runs_override.unwrap_or_else(|| (self.runs)(campaign))
    }

    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// Plays all seeds of a campaign that are not on record.
pub(crate) fn play(
    campaign: &Campaign,
    plan: &Plan,
    record: &mut Record,
    report: &mut Report,
) -> Result<()> {
    let (promise, side, asked) = (campaign.promise, campaign.side, plan.runs_of(campaign));
    let mut line = Line {
        promise,
        side,
        about: campaign.about.to_owned(),
        runs: 0,
        asked,
        injected: 0,
        seconds: 0.0,
    };
    let (start, mut told_at) = (Instant::now(), Instant::now());
    report.figures(promise);
    let mut broken = 0;
    for seed in (plan.seed..).take(usize::try_from(asked)?) {
        let run = match record.finished(promise, side, seed) {
            Some(run) => run.clone(),
            None if plan.is_over() || broken >= VIOLATIONS_MAX => break,
            None => {
                let run = once(campaign, seed);
                record.note(&run)?;
                run
            }
        };
        (line.runs, line.injected) = (line.runs + 1, line.injected + run.injected);
        line.seconds += run.seconds;
        report.add(promise, side, run.injected);
        run.also.iter().for_each(|(also, count)| report.add(*also, side, *count));
        if let Some(why) = run.violation {
            broken += 1;
            report.figures(promise).violations += 1;
            output::line(&format!("{promise} {side:?} seed {seed} BROKEN: {why}"));
            report.violations.push(Violation { promise, side, seed, why });
        }
        if told_at.elapsed() >= PROGRESS_PERIOD {
            told_at = Instant::now();
            output::line(&format!("{promise} {side:?}: {} of {asked}", line.runs));
        }
    }
    report.complete &= line.runs == asked;
    output::line(&format!(
        "{promise} {side:?}: {} of {asked} runs, {} injections ({}), {broken} broken, {:.1} s",
        line.runs,
        line.injected,
        campaign.about,
        start.elapsed().as_secs_f64()
    ));
    report.campaigns.push(line);
    Ok(())
}

fn once(campaign: &Campaign, seed: u64) -> Run {
    let start = Instant::now();
    let played = guarded(|| (campaign.play)(seed)).and_then(|told: Told| match told.injected {
        0 => Err(anyhow!("nothing was injected: the run shows nothing")),
        _ => Ok(told),
    });
    let (told, violation) = match played {
        Ok(told) => (told, None),
        Err(error) => (Told::default(), Some(format!("{error:#}"))),
    };
    Run {
        promise: campaign.promise,
        side: campaign.side,
        seed,
        injected: told.injected,
        also: told.also,
        violation,
        seconds: start.elapsed().as_secs_f64(),
    }
}

/// A panic of the code under test is a broken promise like any other.
fn guarded<T>(play: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(play)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(anyhow!("a panic: {}", text.unwrap_or("without words")))
    })
}

/// Tries a deliberate bug on its seeds: one of them must notice it and let the real thing pass.
pub(crate) fn try_mutant(trial: &Trial, report: &mut Report) {
    let caught = trial.seeds.iter().find_map(|seed| {
        let why = guarded(|| (trial.play)(*seed, true)).err()?;
        Some((*seed, why))
    });
    let caught = caught.and_then(|(seed, why)| match guarded(|| (trial.play)(seed, false)) {
        Ok(()) => {
            let (name, promise) = (trial.name, trial.promise);
            output::line(&format!("mutant {name}: caught by {promise}, seed {seed}: {why:#}"));
            Some(promise)
        }
        Err(error) => {
            output::line(&format!("seed {seed} fails without the bug too: {error:#}"));
            None
        }
    });
    if caught.is_none() {
        output::line(&format!("mutant {}: NOT CAUGHT", trial.name));
    }
    report.mutants.insert(trial.name.to_owned(), caught);
}
