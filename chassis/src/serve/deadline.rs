//! The deadline of a call: the caller's `grpc-timeout`, bounded by the server's own maximum.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use tokio::time::Instant;
use tonic::Code;

use crate::status::Fault;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
/// The specification allows at most eight digits.
const DIGITS_MAX: usize = 8;

/// When a call must have been answered; found in the request's extensions, to be forwarded
/// downstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline at that moment.
    pub fn new(at: Instant) -> Self {
        Self(at)
    }

    /// The deadline of the call with these extensions.
    pub fn of(extensions: &http::Extensions) -> Option<Self> {
        extensions.get::<Self>().copied()
    }

    /// The moment itself.
    pub fn at(self) -> Instant {
        self.0
    }

    /// What is left of it; zero when it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// The deadline of a call that arrives now, or why its `grpc-timeout` is refused.
pub(super) fn deadline(
    headers: &HeaderMap,
    now: Instant,
    server_max: Duration,
) -> Result<Deadline, Fault> {
    let Some(value) = headers.get(&GRPC_TIMEOUT) else { return Ok(Deadline(now + server_max)) };
    let wished = value.to_str().ok().and_then(parse).ok_or_else(|| {
        Fault::new(
            Code::InvalidArgument,
            "TIMEOUT_MALFORMED",
            "grpc-timeout is one to eight digits and one of H, M, S, m, u, n",
        )
        .localized(
            "The time limit that the program sent cannot be read.",
            "De tijdslimiet die het programma meestuurde is niet leesbaar.",
        )
    })?;
    if wished.is_zero() {
        return Err(exceeded());
    }
    Ok(Deadline(now + wished.min(server_max)))
}

/// The answer once the deadline has passed.
pub(super) fn exceeded() -> Fault {
    Fault::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "the deadline of the call has passed")
        .localized(
            "The answer did not come in time. Send the same request again.",
            "Het antwoord kwam niet op tijd. Verstuur hetzelfde verzoek opnieuw.",
        )
}

fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > DIGITS_MAX || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3_600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(timeout: &str) -> Result<Duration, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT, timeout.parse().expect("a header value"));
        let now = Instant::now();
        let result = deadline(&headers, now, Duration::from_secs(5));
        result.map(|d| d.at() - now).map_err(|fault| fault.reason())
    }

    #[test]
    fn the_smaller_of_the_two_maxima_holds() {
        assert_eq!(of("100m"), Ok(Duration::from_millis(100)));
        assert_eq!(of("99999999H"), Ok(Duration::from_secs(5)));
        assert_eq!(of("7u"), Ok(Duration::from_micros(7)));
    }

    #[test]
    fn expired_and_malformed_timeouts_are_refused_by_type() {
        assert_eq!(of("0n"), Err("DEADLINE_EXCEEDED"));
        for bad in ["", "5", "S", "123456789S", "-1S", "+1S", "1.5S", "5s", "1 S"] {
            assert_eq!(of(bad), Err("TIMEOUT_MALFORMED"), "{bad}");
        }
    }
}
