//! Sending a request again: how often, after how long, and after which failures.

use std::future::Future;
use std::time::Duration;

use tonic::{Response, Status};

use crate::Failure;

/// How often and how fast a request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Most attempts, the first one included.
    pub attempts_max: u32,
    /// Longest wait after the first attempt; it doubles with each further one.
    pub delay_ms_first: u64,
    /// Longest wait that doubling leads to.
    pub delay_ms_max: u64,
    /// Longest wait that a service may ask for; if it asks for more, the caller is told and may
    /// come back.
    pub advised_delay_ms_max: u64,
    /// Longest time of one attempt.
    pub call_timeout_ms: u64,
}

impl RetryPolicy {
    /// For an installer, where a person would rather wait than start again.
    #[must_use]
    pub const fn installer() -> Self {
        Self {
            attempts_max: 6,
            delay_ms_first: 250,
            delay_ms_max: 8_000,
            advised_delay_ms_max: 30_000,
            call_timeout_ms: 10_000,
        }
    }

    /// For a person at a terminal, who wants to know soon.
    #[must_use]
    pub const fn interactive() -> Self {
        Self {
            attempts_max: 3,
            delay_ms_first: 200,
            delay_ms_max: 1_000,
            advised_delay_ms_max: 2_000,
            call_timeout_ms: 10_000,
        }
    }

    /// For calls that must not be repeated.
    #[must_use]
    pub const fn once(self) -> Self {
        Self { attempts_max: 1, ..self }
    }

    /// The longest time of one attempt.
    #[must_use]
    pub const fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }

    /// How long to wait after a failed attempt, the first being 1; nothing if it was the last. The
    /// wait is spread over its upper half, so that clients that failed together do not come back
    /// together.
    fn delay_ms(&self, attempt: u32, failure: &Failure, random: u64) -> Option<u64> {
        if attempt >= self.attempts_max || !failure.is_retryable() {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(32);
        let longest = self.delay_ms_first.saturating_mul(1 << doublings).min(self.delay_ms_max);
        let half = longest / 2;
        let spread = longest - half;
        let own = half + random.checked_rem(spread.saturating_add(1)).unwrap_or(0);
        let advised = failure.retry_after.unwrap_or_default().as_millis();
        let advised = u64::try_from(advised).unwrap_or(u64::MAX);
        (advised <= self.advised_delay_ms_max).then(|| own.max(advised))
    }
}

/// Calls until an answer, a refusal, or the end of the attempts.
///
/// # Errors
///
/// The last failure.
pub async fn call<T, F>(
    policy: &RetryPolicy,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Box<Failure>>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    let mut number = 1;
    loop {
        let failure = match attempt().await {
            Ok(response) => return Ok(response.into_inner()),
            Err(status) => Failure::from_status(&status),
        };
        let Some(delay_ms) = policy.delay_ms(number, &failure, random()) else {
            return Err(Box::new(failure));
        };
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        number += 1;
    }
}

/// Spreads waits; without randomness they are merely not spread.
fn random() -> u64 {
    getrandom::u64().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts_max: 5,
        delay_ms_first: 100,
        delay_ms_max: 300,
        advised_delay_ms_max: 1_000,
        call_timeout_ms: 1_000,
    };

    fn failure(code: Code, retry_after_ms: Option<u64>) -> Failure {
        let mut failure = Failure::from_status(&Status::new(code, "x"));
        failure.retry_after = retry_after_ms.map(Duration::from_millis);
        failure
    }

    #[test]
    fn waits_double_up_to_their_bound_and_end() {
        let lost = failure(Code::Unavailable, None);
        for (attempt, longest) in [(1, 100), (2, 200), (3, 300), (4, 300)] {
            for random in [0, 1, 49, 50, 51, 12_345, u64::MAX] {
                let delay = POLICY.delay_ms(attempt, &lost, random).unwrap();
                assert!((longest / 2..=longest).contains(&delay), "{attempt}: {delay}");
            }
        }
        assert_eq!(POLICY.delay_ms(5, &lost, 0), None);
        assert_eq!(POLICY.delay_ms(u32::MAX, &lost, 0), None);
        assert_eq!(POLICY.once().delay_ms(1, &lost, 0), None);
    }

    #[test]
    fn advice_is_followed_up_to_its_bound() {
        let busy = failure(Code::ResourceExhausted, Some(700));
        assert_eq!(POLICY.delay_ms(1, &busy, 0), Some(700));
        let later = failure(Code::Unavailable, Some(1_001));
        assert_eq!(POLICY.delay_ms(1, &later, 0), None);
    }

    #[test]
    fn refusals_are_final() {
        for code in [Code::FailedPrecondition, Code::NotFound, Code::Internal, Code::Unknown] {
            assert_eq!(POLICY.delay_ms(1, &failure(code, Some(1)), 0), None);
        }
    }
}
