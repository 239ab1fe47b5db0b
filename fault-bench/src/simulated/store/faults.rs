//! Which call of a simulated store fails, and how.

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreFaultKind {
    /// An input/output error.
    Io,
    /// No space is left.
    NoSpace,
}

/// Which calls a fault counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreCalls {
    /// Writes, syncs and marks of doubt.
    Changing,
    /// Writes.
    Write,
    /// Syncs.
    Sync,
    /// Marks of doubt.
    Mark,
    /// Openings.
    Open,
}

impl StoreCalls {
    fn holds(self, call: Self) -> bool {
        self == call || (self == Self::Changing && call != Self::Open)
    }
}

/// The n-th of these calls, counted from when the fault is planted, fails once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreFault {
    /// What is counted.
    pub(crate) calls: StoreCalls,
    /// From 1.
    pub(crate) nth: u64,
    /// What happens.
    pub(crate) kind: StoreFaultKind,
}

/// The planted faults.
#[derive(Debug, Default)]
pub(super) struct Faults {
    planted: Vec<StoreFault>,
    changing_calls: u64,
    struck: u64,
}

impl Faults {
    pub(super) fn plant(&mut self, fault: StoreFault) {
        self.planted.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.planted.clear();
    }

    pub(super) const fn changing_calls(&self) -> u64 {
        self.changing_calls
    }

    pub(super) const fn struck(&self) -> u64 {
        self.struck
    }

    /// Counts a call; the fault that strikes it, if one does.
    pub(super) fn count(&mut self, call: StoreCalls) -> Option<StoreFaultKind> {
        self.changing_calls += u64::from(StoreCalls::Changing.holds(call));
        let mut strikes = None;
        self.planted.retain_mut(|fault| {
            if !fault.calls.holds(call) {
                return true;
            }
            fault.nth = fault.nth.saturating_sub(1);
            if fault.nth == 0 {
                strikes = strikes.or(Some(fault.kind));
            }
            fault.nth > 0
        });
        self.struck += u64::from(strikes.is_some());
        strikes
    }
}
