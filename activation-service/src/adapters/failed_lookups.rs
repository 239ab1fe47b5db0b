//! Charges failed look-ups to their source, and raises alarms; memory is bounded, and no key is
//! locked out.
//!
//! A source has a bucket of tokens that only failures take from. Calls in flight together may
//! overdraw it; the debt is waited for, so that a parallel attack gains nothing over time.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::use_alarm::Minute;
use crate::config::FailedLookups;
use crate::domain::ids::KeyId;
use crate::ports::LookupGuard;

const MINUTE: Duration = Duration::from_secs(60);
/// Bits of an IPv6 address that one customer of a provider usually has below his prefix.
const IPV6_HOST_BITS: u32 = 64;

/// Watches failed look-ups by source, and uses by key.
pub struct LookupWatch {
    limits: FailedLookups,
    origin: Instant,
    /// When each source will have its full bucket again.
    full_at: Cache<IpAddr, Arc<Mutex<Duration>>>,
    keys: Cache<KeyId, Arc<Mutex<Minute>>>,
    failures: Mutex<Minute>,
}

impl LookupWatch {
    /// Watches from now on.
    #[must_use]
    pub fn new(limits: FailedLookups) -> Self {
        // The least recently seen give way: a newcomer must be charged, however busy the others
        // are.
        let full_at = Cache::builder()
            .max_capacity(limits.sources_max)
            .eviction_policy(EvictionPolicy::lru())
            .build();
        let keys = Cache::builder()
            .max_capacity(limits.keys_max)
            .eviction_policy(EvictionPolicy::lru())
            .build();
        let failures = Mutex::new(Minute::default());
        Self { limits, origin: Instant::now(), full_at, keys, failures }
    }

    /// Time in which one token comes back.
    fn interval(&self) -> Duration {
        MINUTE / self.limits.per_minute.max(1)
    }

    fn admit_at(&self, source: IpAddr, now: Duration) -> Result<(), Duration> {
        let Some(full_at) = self.full_at.get(&prefix(source)) else { return Ok(()) };
        let full_at = *full_at.lock().unwrap_or_else(PoisonError::into_inner);
        // One token is there once less than burst - 1 are missing.
        let spare = self.interval() * self.limits.burst.saturating_sub(1);
        let wait = full_at.saturating_sub(spare).saturating_sub(now);
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    fn charge_at(&self, source: IpAddr, now: Duration) {
        let full_at = self.full_at.get_with(prefix(source), Arc::default);
        let mut full_at = full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let debt_max =
            Duration::from_millis(self.limits.penalty_ms_max) + self.interval() * self.limits.burst;
        *full_at = (now.max(*full_at) + self.interval()).min(now + debt_max);
    }
}

impl LookupGuard for LookupWatch {
    fn admit(&self, source: IpAddr) -> Result<(), Duration> {
        let admitted = self.admit_at(source, self.origin.elapsed());
        if admitted.is_err() {
            metrics::counter!("activation_rate_limited_total").increment(1);
        }
        admitted
    }

    fn failed(&self, source: IpAddr) {
        let now = self.origin.elapsed();
        self.charge_at(source, now);
        metrics::counter!("activation_failed_lookups_total").increment(1);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.exceeds(now, self.limits.alarm_failures_per_minute) {
            metrics::counter!("activation_failed_lookup_alarms_total").increment(1);
            tracing::warn!(
                per_minute = self.limits.alarm_failures_per_minute,
                "more failed look-ups than usual, from all sources together"
            );
        }
    }

    fn used(&self, key: KeyId) {
        let minute = self.keys.get_with(key, Arc::default);
        let mut minute = minute.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.exceeds(self.origin.elapsed(), self.limits.alarm_key_uses_per_minute) {
            metrics::counter!("activation_key_use_alarms_total").increment(1);
            tracing::warn!(
                key_id = %key,
                per_minute = self.limits.alarm_key_uses_per_minute,
                "a key is used more often than usual: it may have leaked"
            );
        }
    }
}

/// The source that is charged: an IPv4 address, or the network of an IPv6 address.
fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = address.to_bits() >> IPV6_HOST_BITS << IPV6_HOST_BITS;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn source(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn watch() -> LookupWatch {
        LookupWatch::new(FailedLookups::default())
    }

    #[test]
    fn five_failures_at_once_then_ten_a_minute() {
        let (watch, guesser) = (watch(), source("192.0.2.1"));
        for _ in 0..5 {
            assert_eq!(watch.admit_at(guesser, seconds(0)), Ok(()));
            watch.charge_at(guesser, seconds(0));
        }
        assert_eq!(watch.admit_at(guesser, seconds(0)), Err(seconds(6)));
        assert_eq!(watch.admit_at(guesser, seconds(6)), Ok(()));
        watch.charge_at(guesser, seconds(6));
        assert_eq!(watch.admit_at(guesser, seconds(6)), Err(seconds(6)));
        assert_eq!(watch.admit_at(guesser, seconds(600)), Ok(()));
        assert_eq!(watch.admit_at(source("192.0.2.2"), seconds(0)), Ok(()), "another source");
    }

    #[test]
    fn guesses_in_parallel_are_waited_for_up_to_a_bound() {
        let (watch, guesser) = (watch(), source("192.0.2.1"));
        for _ in 0..65 {
            watch.charge_at(guesser, seconds(0));
        }
        assert_eq!(watch.admit_at(guesser, seconds(0)), Err(seconds(61 * 6)));
        for _ in 0..100_000 {
            watch.charge_at(guesser, seconds(0));
        }
        let longest = Duration::from_millis(FailedLookups::default().penalty_ms_max) + seconds(6);
        assert_eq!(watch.admit_at(guesser, seconds(0)), Err(longest));
    }

    #[test]
    fn a_source_is_an_ipv4_address_or_a_network_of_64_bits() {
        assert_eq!(prefix(source("2001:db8:1:2:3::4")), source("2001:db8:1:2::"));
        assert_ne!(prefix(source("2001:db8:1:3::4")), source("2001:db8:1:2::"));
        assert_eq!(prefix(source("::ffff:192.0.2.1")), source("192.0.2.1"));
    }

    #[test]
    fn the_number_of_sources_is_bounded_and_newcomers_are_charged() {
        let limits = FailedLookups { sources_max: 100, burst: 1, ..FailedLookups::default() };
        let watch = LookupWatch::new(limits);
        for number in 0..10_000_u32 {
            watch.charge_at(IpAddr::V4(number.into()), seconds(0));
        }
        watch.full_at.run_pending_tasks();
        assert!(watch.full_at.entry_count() <= 100);
        assert!(watch.admit_at(IpAddr::V4(9_999.into()), seconds(0)).is_err());
    }
}
