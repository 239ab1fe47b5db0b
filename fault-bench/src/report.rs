//! The figures as JSON for machines and as lines for people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::campaign::{Promise, Side};

/// The whole answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Injections and violations of each promise.
    pub(crate) promises: BTreeMap<Promise, Figures>,
    /// The promise that caught each deliberate bug; `null` if none did.
    pub(crate) mutants: BTreeMap<String, Option<Promise>>,
    /// The first seed.
    pub(crate) seed: u64,
    /// How long it took.
    pub(crate) seconds: f64,
    /// True if every campaign ran as many seeds as asked for, and every deliberate bug was tried.
    pub(crate) complete: bool,
    /// Each campaign by itself.
    pub(crate) campaigns: Vec<Line>,
    /// What was broken, with how to have it again.
    pub(crate) violations: Vec<Violation>,
}

/// The figures of one promise.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Injections on the real binaries.
    pub(crate) real: u64,
    /// Injections in simulation.
    pub(crate) simulated: u64,
    /// Runs in which it was broken.
    pub(crate) violations: u64,
}

/// The figures of one campaign.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) promise: Promise,
    pub(crate) side: Side,
    pub(crate) about: String,
    pub(crate) runs: u64,
    pub(crate) asked: u64,
    pub(crate) injected: u64,
    pub(crate) seconds: f64,
}

/// A broken promise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Violation {
    pub(crate) promise: Promise,
    pub(crate) side: Side,
    pub(crate) seed: u64,
    pub(crate) why: String,
}

impl Report {
    /// Nothing was broken, nothing was left out, and every deliberate bug was noticed.
    pub(crate) fn is_good(&self) -> bool {
        self.complete
            && self.violations.is_empty()
            && self.mutants.values().all(|caught| caught.is_some())
    }

    pub(crate) fn figures(&mut self, promise: Promise) -> &mut Figures {
        self.promises.entry(promise).or_default()
    }

    /// Adds injections.
    pub(crate) fn add(&mut self, promise: Promise, side: Side, injected: u64) {
        let figures = self.figures(promise);
        match side {
            Side::Simulated => figures.simulated += injected,
            Side::Real => figures.real += injected,
        }
    }
}
