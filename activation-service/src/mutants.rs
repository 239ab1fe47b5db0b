//! Deliberate bugs that the fault bench must notice; without the feature `mutants` there are none.

/// One deliberate bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mutant {
    /// The journal writes and never syncs.
    NoSync = 1,
    /// An answer leaves before the sync that it rests on.
    AnswerBeforeSync,
    /// The limit is checked on an account that is not the newest.
    CheckOutsideDecision,
    /// Request ids are not found again.
    NoRequestId,
    /// Two thousand transactions of sled between two syncs.
    WideSyncWindow,
    /// An account leaves memory before its events are in sled.
    EvictWithoutPin,
    /// A head does not name the head before it.
    ReceiptWithoutChain,
    /// Rows are not checked when they are loaded.
    SkipVerification,
    /// The journal writes on behind a tail that a failed sync may have left.
    TrustTailAfterFailedSync,
}

#[cfg(feature = "mutants")]
static ACTIVE: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Switches one bug on and all others off; none switches all off.
#[cfg(feature = "mutants")]
pub fn switch(mutant: Option<Mutant>) {
    let number = mutant.map_or(0, |mutant| mutant as u8);
    ACTIVE.store(number, std::sync::atomic::Ordering::SeqCst);
}

/// True if this bug is switched on.
#[cfg(feature = "mutants")]
#[must_use]
pub fn is_on(mutant: Mutant) -> bool {
    ACTIVE.load(std::sync::atomic::Ordering::Relaxed) == mutant as u8
}

/// Never: the bugs are not compiled in.
#[cfg(not(feature = "mutants"))]
#[must_use]
pub const fn is_on(_: Mutant) -> bool {
    false
}
