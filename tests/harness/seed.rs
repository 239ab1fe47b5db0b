//! Randomness that can be had again: a printed seed and what follows from it.

use anyhow::{Context as _, Result};

use crate::computer::scramble;

/// A stream of numbers that one seed determines.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The dice of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: scramble(seed) }
    }

    /// Dice of their own for a part of the story, so that one part does not disturb another.
    #[must_use]
    pub fn apart(&self, part: u64) -> Self {
        Self::new(self.state ^ scramble(part))
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.state)
    }

    /// A number below a bound; zero for a bound of zero.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.number() % bound).unwrap_or(0)
    }

    /// True once in so many throws.
    pub fn one_in(&mut self, throws: usize) -> bool {
        self.below(throws) == 0
    }

    /// One of several.
    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(choices.len()))
    }

    /// 16 bytes, for a request id.
    pub fn id(&mut self) -> [u8; 16] {
        (u128::from(self.number()) << 64 | u128::from(self.number())).to_be_bytes()
    }
}

/// The seed in the variable `SEED`, else a random one; print it, so that a failure can be had
/// again.
///
/// # Errors
/// `SEED` is no number, or the system gives no random bytes.
pub fn seed_from_environment() -> Result<u64> {
    if let Some(text) = std::env::var_os("SEED") {
        return text.to_string_lossy().parse().context("SEED is a number");
    }
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).context("random bytes")?;
    Ok(u64::from_le_bytes(bytes))
}
