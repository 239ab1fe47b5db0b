//! What a run came to: answers over time, latencies, sizes.

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use hdrhistogram::Histogram;

/// Time is cut into slices, to find the best stretch of a run and its longest stall.
const SLICE: Duration = Duration::from_millis(100);
/// Longest latency that is told apart.
const LATENCY_US_MAX: u64 = 60_000_000;
/// Exact digits of latencies.
const DIGITS: u8 = 3;

/// Figures of one connection.
pub struct Tally {
    slices: Vec<u64>,
    late: u64,
    refusals: u64,
    answer_bytes: u64,
    latency: Histogram<u64>,
    refusal_latency: Histogram<u64>,
    sample: Bytes,
}

/// Figures of a run.
pub struct Run {
    /// How long calls were sent.
    pub length: Duration,
    /// Answers within the length.
    pub answered: u64,
    /// All answers, with those to calls that were open at the end.
    pub answered_in_all: u64,
    /// Refusals that were allowed for.
    pub refusals: u64,
    /// Latencies of answers in microseconds.
    pub latency: Histogram<u64>,
    /// Latencies of refusals in microseconds.
    pub refusal_latency: Histogram<u64>,
    /// One of the answers.
    pub sample: Bytes,
    slices: Vec<u64>,
    answer_bytes: u64,
}

fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATENCY_US_MAX, DIGITS)?)
}

fn slices(length: Duration) -> usize {
    usize::try_from(length.as_millis() / SLICE.as_millis()).unwrap_or(usize::MAX).max(1)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Tally {
    /// Nothing yet, of a run of this length.
    ///
    /// # Errors
    /// None with the bounds above.
    pub fn new(length: Duration) -> Result<Self> {
        Ok(Self {
            slices: vec![0; slices(length)],
            late: 0,
            refusals: 0,
            answer_bytes: 0,
            latency: histogram()?,
            refusal_latency: histogram()?,
            sample: Bytes::new(),
        })
    }

    /// Notes an answer that came so long after the start and took so long.
    pub fn answered(&mut self, at: Duration, took: Duration, answer: Bytes) {
        let slice = usize::try_from(at.as_millis() / SLICE.as_millis()).unwrap_or(usize::MAX);
        match self.slices.get_mut(slice) {
            Some(slice) => *slice += 1,
            None => self.late += 1,
        }
        self.latency.saturating_record(micros(took));
        self.answer_bytes += answer.len() as u64;
        self.sample = answer;
    }

    /// Notes a refusal.
    pub fn refused(&mut self, took: Duration) {
        self.refusals += 1;
        self.refusal_latency.saturating_record(micros(took));
    }
}

impl Run {
    /// Nothing yet.
    ///
    /// # Errors
    /// None with the bounds above.
    pub fn new(length: Duration) -> Result<Self> {
        Ok(Self {
            length,
            answered: 0,
            answered_in_all: 0,
            refusals: 0,
            latency: histogram()?,
            refusal_latency: histogram()?,
            sample: Bytes::new(),
            slices: vec![0; slices(length)],
            answer_bytes: 0,
        })
    }

    /// Adds the figures of a connection.
    ///
    /// # Errors
    /// None with the bounds above.
    pub fn add(&mut self, tally: &Tally) -> Result<()> {
        for (mine, theirs) in self.slices.iter_mut().zip(&tally.slices) {
            *mine += theirs;
        }
        let in_time: u64 = tally.slices.iter().sum();
        self.answered += in_time;
        self.answered_in_all += in_time + tally.late;
        self.refusals += tally.refusals;
        self.answer_bytes += tally.answer_bytes;
        self.latency.add(&tally.latency)?;
        self.refusal_latency.add(&tally.refusal_latency)?;
        if !tally.sample.is_empty() {
            self.sample = tally.sample.clone();
        }
        Ok(())
    }

    /// Answers a second over the whole run.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.length.as_secs_f64()
    }

    /// Answers a second over the best stretch of this length, or over the whole of a shorter run.
    #[must_use]
    pub fn best_rate(&self, stretch: Duration) -> f64 {
        let wide = slices(stretch).min(self.slices.len());
        let sums = self.slices.windows(wide).map(|window| window.iter().sum::<u64>());
        let seconds = SLICE.as_secs_f64() * wide as f64;
        sums.max().map_or(0.0, |best| best as f64 / seconds)
    }

    /// The longest time in which nothing was answered, in whole slices.
    #[must_use]
    pub fn longest_stall(&self) -> Duration {
        let (mut longest, mut now) = (0u32, 0u32);
        for slice in &self.slices {
            now = if *slice == 0 { now + 1 } else { 0 };
            longest = longest.max(now);
        }
        SLICE * longest
    }

    /// Bytes of an answer, on average.
    #[must_use]
    pub fn answer_bytes(&self) -> f64 {
        self.answer_bytes as f64 / (self.answered_in_all.max(1)) as f64
    }
}

#[cfg(test)]
mod tests {
    //! Rates, stretches and stalls of runs whose answers are known.

    use super::*;

    fn run(answers_by_slice: &[u64]) -> Run {
        let length = SLICE * u32::try_from(answers_by_slice.len()).expect("a short run");
        let mut tally = Tally::new(length).expect("a tally");
        for (slice, answers) in (0u32..).zip(answers_by_slice) {
            for _ in 0..*answers {
                let took = Duration::from_micros(250);
                tally.answered(SLICE * slice, took, Bytes::from_static(b"four"));
            }
        }
        let mut run = Run::new(length).expect("a run");
        run.add(&tally).expect("equal bounds");
        run
    }

    #[test]
    fn the_best_stretch_is_found_wherever_it_lies() {
        let run = run(&[1, 1, 5, 7, 1, 1, 1, 1, 1, 1]);
        assert!((run.rate() - 20.0).abs() < 1e-9);
        assert!((run.best_rate(SLICE * 2) - 60.0).abs() < 1e-9);
        assert!((run.best_rate(SLICE * 100) - 20.0).abs() < 1e-9);
        assert_eq!(run.latency.value_at_quantile(0.5), 250);
        assert!((run.answer_bytes() - 4.0).abs() < 1e-9);
    }

    #[test]
    fn stalls_are_whole_slices_without_an_answer() {
        assert_eq!(run(&[1, 0, 0, 1, 0]).longest_stall(), SLICE * 2);
        assert_eq!(run(&[1, 1]).longest_stall(), Duration::ZERO);
    }

    #[test]
    fn what_is_answered_after_the_end_is_in_no_rate_and_in_the_sum() {
        let mut tally = Tally::new(SLICE).expect("a tally");
        tally.answered(SLICE * 2, SLICE, Bytes::new());
        let mut run = Run::new(SLICE).expect("a run");
        run.add(&tally).expect("equal bounds");
        assert_eq!((run.answered, run.answered_in_all), (0, 1));
    }
}
