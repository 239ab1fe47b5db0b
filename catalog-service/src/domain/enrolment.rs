//! Where an enrolment stands at a moment (F8), and when that changes next.

use super::id::{EnrolmentId, OfferId};

/// The renewal window after the end, in which benefits stay: 30 days.
pub const RENEWAL_GRACE_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// A partner's membership through one offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Its id, unique within the partner.
    pub id: EnrolmentId,
    /// The offer.
    pub offer: OfferId,
    /// Its times.
    pub term: Term,
}

/// The times of an enrolment, in milliseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// When it begins.
    pub start_ms: i64,
    /// When it ends; the renewal grace follows.
    pub end_ms: i64,
    /// Whether its benefits are provisioned.
    pub provisioned: bool,
}

/// Where an enrolment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EnrolmentState {
    /// Before its start, or not provisioned yet; benefits are not listed.
    Provisioning,
    /// In force.
    Active,
    /// Past its end, within the renewal grace; benefits stay.
    RenewalGrace,
    /// Past its grace; benefits are gone and keys suspended.
    Expired,
}

impl EnrolmentState {
    /// All states.
    pub const ALL: [Self; 4] =
        [Self::Provisioning, Self::Active, Self::RenewalGrace, Self::Expired];

    /// Its name in filters, as in the API without its prefix.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Active => "ACTIVE",
            Self::RenewalGrace => "RENEWAL_GRACE",
            Self::Expired => "EXPIRED",
        }
    }

    /// Whether the benefits of the enrolment are listed.
    pub fn shows_benefits(self) -> bool {
        matches!(self, Self::Active | Self::RenewalGrace)
    }

    /// Whether the keys of the enrolment are suspended.
    pub fn suspends_keys(self) -> bool {
        matches!(self, Self::Expired)
    }
}

impl Term {
    /// Where the enrolment stands. Moments belong to what begins in them: at `end_ms` the grace has
    /// begun.
    pub fn state_at(&self, now_ms: i64) -> EnrolmentState {
        if now_ms >= self.activate_by_ms() {
            EnrolmentState::Expired
        } else if !self.provisioned || now_ms < self.start_ms {
            EnrolmentState::Provisioning
        } else if now_ms < self.end_ms {
            EnrolmentState::Active
        } else {
            EnrolmentState::RenewalGrace
        }
    }

    /// The first moment after `now_ms` at which time alone gives it another state; none once it is
    /// expired.
    pub fn next_change_ms(&self, now_ms: i64) -> Option<i64> {
        match self.state_at(now_ms) {
            EnrolmentState::Expired => None,
            // A start at or after the end leads straight into the grace, and one after that is
            // never reached.
            EnrolmentState::Provisioning if self.provisioned => {
                Some(self.start_ms.min(self.activate_by_ms()))
            }
            EnrolmentState::Provisioning | EnrolmentState::RenewalGrace => {
                Some(self.activate_by_ms())
            }
            EnrolmentState::Active => Some(self.end_ms),
        }
    }

    /// The last moment to activate: the end of the grace.
    pub fn activate_by_ms(&self) -> i64 {
        self.end_ms.saturating_add(RENEWAL_GRACE_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::EnrolmentState::{Active, Expired, Provisioning, RenewalGrace};
    use super::*;

    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    const YEAR: Term = Term { start_ms: 10 * DAY_MS, end_ms: 375 * DAY_MS, provisioned: true };

    #[test]
    fn f8_a_year_and_thirty_days_of_grace() {
        for (day, state, next_day) in [
            (0, Provisioning, Some(10)),
            (10, Active, Some(375)),
            (374, Active, Some(375)),
            (375, RenewalGrace, Some(405)),
            (404, RenewalGrace, Some(405)),
            (405, Expired, None),
        ] {
            let now_ms = day * DAY_MS;
            assert_eq!(YEAR.state_at(now_ms), state, "day {day}");
            assert_eq!(YEAR.next_change_ms(now_ms), next_day.map(|day| day * DAY_MS), "day {day}");
        }
        assert_eq!(YEAR.state_at(405 * DAY_MS - 1), RenewalGrace);
        assert_eq!(YEAR.activate_by_ms(), 405 * DAY_MS);
    }

    #[test]
    fn f8_without_provisioning_nothing_becomes_active() {
        let waiting = Term { provisioned: false, ..YEAR };
        assert_eq!(waiting.state_at(11 * DAY_MS), Provisioning);
        assert_eq!(waiting.next_change_ms(11 * DAY_MS), Some(405 * DAY_MS));
        assert_eq!(waiting.state_at(405 * DAY_MS), Expired);
    }

    #[test]
    fn f8_benefits_stay_in_the_grace_and_keys_are_suspended_after_it() {
        assert!(RenewalGrace.shows_benefits() && !RenewalGrace.suspends_keys());
        assert!(!Expired.shows_benefits() && Expired.suspends_keys());
        assert!(!Provisioning.shows_benefits() && !Provisioning.suspends_keys());
    }

    #[test]
    fn the_next_change_is_the_first_moment_with_another_state() {
        let moments = [i64::MIN, -1, 0, 1, 50, RENEWAL_GRACE_MS, i64::MAX];
        for start_ms in moments {
            for end_ms in moments {
                for provisioned in [false, true] {
                    let term = Term { start_ms, end_ms, provisioned };
                    for now_ms in moments {
                        if let Some(next_ms) = term.next_change_ms(now_ms) {
                            assert!(next_ms > now_ms, "{term:?} at {now_ms}");
                            assert_ne!(term.state_at(next_ms), term.state_at(now_ms), "{term:?}");
                            assert_eq!(
                                term.state_at(next_ms - 1),
                                term.state_at(now_ms),
                                "{term:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}
