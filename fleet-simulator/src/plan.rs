//! What a run is played with.

use crate::rates::Rates;
use crate::shares::Shares;

/// Everything that decides how lives go.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many computers there are at any time.
    pub computers: u64,
    /// For how many years.
    pub years: u32,
    /// The seed of all dice.
    pub seed: u64,
    /// How often what happens.
    pub rates: Rates,
    /// What part is awkward.
    pub shares: Shares,
}
