//! Seeded dice: integers only, the same on every machine.

/// The golden ratio as a fraction of 2^64, which spaces the states of SplitMix64.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Parts of a share or a yearly rate: all of them are given per ten thousand.
pub const WHOLE: u64 = 10_000;

/// Parts of the scale of rates.
pub const SCALE_WHOLE: u64 = 1_000;

const MONTHS: u64 = 12;

/// A stream of random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

/// Spreads a number over 64 bits, one to one.
#[must_use]
pub const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

impl Dice {
    /// The dice of one stream under a seed; streams do not depend on each other.
    #[must_use]
    pub const fn new(seed: u64, stream: u64) -> Self {
        Self { state: mix(seed ^ mix(stream.wrapping_add(STEP))) }
    }

    /// The next number.
    pub const fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product is uniform but for less than one part in 2^64 / bound.
        ((self.roll() as u128 * bound as u128) >> 64) as u64
    }

    /// True in `share` of 10,000 cases.
    pub const fn chance(&mut self, share: u32) -> bool {
        self.below(WHOLE) < share as u64
    }

    /// True in a month in which something happens that does so `rate` times a year to 10,000
    /// computers, times `scale` thousandths.
    pub const fn monthly(&mut self, rate: u32, scale: u32) -> bool {
        self.below(WHOLE * SCALE_WHOLE * MONTHS) < rate as u64 * scale as u64
    }

    /// One of some, by weight; the last if the weights are all 0.
    pub fn choose<T: Copy>(&mut self, weighted: &[(u32, T)], otherwise: T) -> T {
        let sum = weighted.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let mut left = self.below(sum);
        for (weight, value) in weighted {
            match left.checked_sub(u64::from(*weight)) {
                Some(rest) => left = rest,
                None => return *value,
            }
        }
        otherwise
    }

    /// One of some, each as likely.
    pub fn pick<T: Copy>(&mut self, values: &[T], otherwise: T) -> T {
        let place = usize::try_from(self.below(values.len() as u64)).unwrap_or_default();
        values.get(place).copied().unwrap_or(otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_stream_others() {
        let rolls = |seed, stream| {
            let mut dice = Dice::new(seed, stream);
            [dice.roll(), dice.roll(), dice.roll()]
        };
        assert_eq!(rolls(1, 2), rolls(1, 2));
        assert_ne!(rolls(1, 2), rolls(1, 3));
        assert_ne!(rolls(1, 2), rolls(2, 2));
    }

    #[test]
    fn shares_and_rates_are_kept() {
        let mut dice = Dice::new(7, 0);
        let hits = (0..100_000).filter(|_| dice.chance(2_500)).count();
        assert!((24_500..25_500).contains(&hits), "{hits} of 100000 at a share of a quarter");
        let months = (0..120_000).filter(|_| dice.monthly(1_200, 2_000)).count();
        assert!((2_200..2_600).contains(&months), "{months} of 2400");
        assert_eq!((0..1_000).filter(|_| dice.chance(0)).count(), 0);
        assert_eq!((0..1_000).filter(|_| dice.monthly(9_999, 0)).count(), 0);
        assert!((0..1_000).all(|_| dice.chance(10_000)));
    }

    #[test]
    fn choices_follow_their_weights() {
        let mut dice = Dice::new(3, 3);
        let many = (0..10_000).filter(|_| dice.choose(&[(1, false), (3, true)], false)).count();
        assert!((7_300..7_700).contains(&many), "{many}");
        assert_eq!(dice.choose(&[(0, 1)], 2), 2);
        assert_eq!(dice.pick(&[], 5), 5);
        assert!([1, 2].contains(&dice.pick(&[1, 2], 5)));
    }
}
