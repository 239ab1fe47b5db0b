//! Which call of a simulated disk fails, and how.

use super::super::Call;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// EIO: what was asked for may be done in part.
    Io,
    /// ENOSPC: writes may be done in part, names are not changed.
    NoSpace,
    /// The power goes out during this call: it and every later one fails until the crash.
    PowerCut,
}

/// Which calls a fault counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// Every one.
    Any,
    /// Those that change something: all but reading, listing, opening, measuring, asking for space
    /// and locking.
    Changing,
    /// This one.
    Only(Call),
}

impl Calls {
    /// True if this call is counted.
    #[must_use]
    pub fn holds(self, call: Call) -> bool {
        match self {
            Self::Any => true,
            Self::Changing => !matches!(
                call,
                Call::Read
                    | Call::List
                    | Call::Open
                    | Call::Length
                    | Call::FreeBytes
                    | Call::TryLock
            ),
            Self::Only(only) => only == call,
        }
    }
}

/// The n-th of these calls, counted from when the fault is planted, fails once.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// What is counted.
    pub calls: Calls,
    /// From 1.
    pub nth: u64,
    /// What happens.
    pub kind: FaultKind,
}

/// The planted faults.
#[derive(Debug, Default)]
pub(super) struct Faults {
    planted: Vec<Fault>,
    calls: u64,
    changing_calls: u64,
    struck: u64,
}

impl Faults {
    pub(super) fn plant(&mut self, fault: Fault) {
        self.planted.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.planted.clear();
    }

    pub(super) const fn calls(&self) -> u64 {
        self.calls
    }

    pub(super) const fn changing_calls(&self) -> u64 {
        self.changing_calls
    }

    pub(super) const fn struck(&self) -> u64 {
        self.struck
    }

    /// Counts a call; the fault that strikes it, if one does.
    pub(super) fn count(&mut self, call: Call) -> Option<FaultKind> {
        self.calls += 1;
        self.changing_calls += u64::from(Calls::Changing.holds(call));
        let mut strikes = None;
        self.planted.retain_mut(|fault| {
            if fault.calls.holds(call) {
                fault.nth = fault.nth.saturating_sub(1);
                if fault.nth == 0 {
                    strikes = strikes.or(Some(fault.kind));
                    return false;
                }
            }
            true
        });
        self.struck += u64::from(strikes.is_some());
        strikes
    }
}
