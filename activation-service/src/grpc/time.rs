//! Moments on the wire and inside: google.protobuf.Timestamp and milliseconds since 1970 UTC.

use prost_types::Timestamp;

use super::fields::{Fields, Why};

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the range of the wire type.
const SECONDS_MIN: i64 = -62_135_596_800;
const SECONDS_MAX: i64 = 253_402_300_799;
const NANOS_MAX: i32 = 999_999_999;

pub(super) fn timestamp(time_ms: i64) -> Timestamp {
    let nanos = i32::try_from(time_ms.rem_euclid(1_000) * 1_000_000).unwrap_or_default();
    Timestamp { seconds: time_ms.div_euclid(1_000), nanos }
}

/// The moment in milliseconds; what is finer is cut off.
pub(super) fn moment(fields: &mut Fields, field: &str, time: Timestamp) -> Option<i64> {
    if !(SECONDS_MIN..=SECONDS_MAX).contains(&time.seconds) {
        return fields.bad(field, Why::OutOfRange, "seconds lie outside the years 1 to 9999");
    }
    if !(0..=NANOS_MAX).contains(&time.nanos) {
        return fields.bad(field, Why::OutOfRange, "nanos must be 0 to 999,999,999");
    }
    Some(time.seconds * 1_000 + i64::from(time.nanos) / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_go_both_ways_and_stay_in_range() {
        for time_ms in [0, 1, -1, 1_700_000_000_123, SECONDS_MIN * 1_000, SECONDS_MAX * 1_000] {
            let mut fields = Fields::default();
            assert_eq!(moment(&mut fields, "t", timestamp(time_ms)), Some(time_ms));
        }
        let bad = [
            (SECONDS_MAX + 1, 0),
            (SECONDS_MIN - 1, 0),
            (0, -1),
            (0, NANOS_MAX + 1),
            (i64::MAX, 0),
            (i64::MIN, 0),
        ];
        for (seconds, nanos) in bad {
            let mut fields = Fields::default();
            assert_eq!(moment(&mut fields, "t", Timestamp { seconds, nanos }), None);
        }
    }
}
