//! One rule under test: asks it, and judges its answers by the truth.

use std::collections::BTreeMap;

use crate::fleet::Fleet;
use crate::hardware::{Computer, Story};
use crate::play::RuleOutcome;
use crate::reading::Conditions;
use crate::rules::{Answer, Family, Fault, Report, Rule};
use crate::tally::Figures;
use crate::truth::{Build, Counts, Judgement, Unit, Verdict};

/// An activation as the computer reports it.
pub struct Attempts<'a> {
    /// Where it is.
    pub fleet: Fleet,
    /// The computer.
    pub computer: &'a Computer,
    /// What truth knows of it.
    pub build: Build,
    /// What the installer reports.
    pub first: (Report, Conditions),
    /// What it reports if it is started again as administrator, after a restart; none where that
    /// shows no more.
    pub second: Option<(Report, Conditions)>,
}

/// A rule under test at one site.
pub struct Trial {
    /// Its name.
    name: String,
    /// What it stands for.
    pub family: Family,
    rule: Box<dyn Rule>,
    truth: Counts,
    /// What had happened to each chassis when a count was due or made last.
    stories: BTreeMap<Unit, Story>,
    figures: Figures,
}

impl Trial {
    /// A fresh rule.
    #[must_use]
    pub fn new(name: String, family: Family, rule: Box<dyn Rule>) -> Self {
        let (truth, stories) = (Counts::default(), BTreeMap::new());
        Self { name, family, rule, truth, stories, figures: Figures::default() }
    }

    /// What became of it.
    #[must_use]
    pub fn outcome(self) -> RuleOutcome {
        RuleOutcome { name: self.name, family: self.family, figures: self.figures }
    }

    /// Puts an activation to the rule, a second time if it refuses the first and there is more to
    /// show; gives the report that was granted.
    ///
    /// # Errors
    /// A mistake in the simulation.
    pub fn put<'a>(&mut self, attempts: &'a Attempts<'_>) -> Result<Option<&'a Report>, Fault> {
        let fleet = attempts.fleet;
        let tally = self.figures.by_fleet.entry(fleet).or_default();
        tally.activations += 1;
        let (mut report, mut conditions) = (&attempts.first.0, &attempts.first.1);
        let mut answer = self.rule.answer(report)?;
        if answer == Answer::Refused {
            tally.refused += 1;
            let mut cause = conditions.unusual().join(" + ");
            if let Some(second) = &attempts.second {
                (report, conditions) = (&second.0, &second.1);
                answer = self.rule.answer(report)?;
            }
            if answer == Answer::Refused {
                tally.refused_for_good += 1;
                cause.push_str(" (for good)");
            }
            *self.figures.refused_causes.entry((fleet, cause)).or_default() += 1;
        }
        if answer == Answer::Refused {
            return Ok(None);
        }
        self.judge(attempts, conditions, answer == Answer::Counted);
        Ok(Some(report))
    }

    fn judge(&mut self, attempts: &Attempts<'_>, conditions: &Conditions, counted: bool) {
        let (fleet, computer) = (attempts.fleet, attempts.computer);
        let verdict = self.truth.verdict(&attempts.build);
        let judgement = self.truth.judge(&attempts.build, counted);
        self.figures.by_fleet.entry(fleet).or_default().add(judgement);
        let causes = match judgement {
            Judgement::FalseCount => Some(&mut self.figures.false_causes),
            Judgement::Missed => Some(&mut self.figures.missed_causes),
            _ => None,
        };
        if self.family != Family::Product {
            return;
        }
        if let Some(causes) = causes {
            let since = match (verdict, self.stories.get(&computer.chassis)) {
                (Verdict::New, _) | (_, None) => vec![computer.origin],
                (_, Some(earlier)) => computer.story.since(earlier),
            };
            let cause = [since, conditions.unusual()].concat().join(" + ");
            *causes.entry((fleet, cause)).or_default() += 1;
        }
        if !matches!(judgement, Judgement::Free | Judgement::Owed) {
            self.stories.insert(computer.chassis, computer.story.clone());
        }
    }
}
