//! What clients did with one key and what they were told.

/// What a client asks of a key. Computers, requests and activations are told apart by numbers
/// that the caller chooses, such as the bytes of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Activate this computer; a repeat has the same request.
    Activate {
        /// The computer.
        computer: u64,
        /// The request id.
        request: u128,
    },
    /// Give up the count of this activation, as an operator.
    Release {
        /// The activation.
        activation: u128,
        /// The request id.
        request: u128,
    },
    /// Set the limit.
    SetLimit(u32),
    /// Suspend or resume; a generation at or below the recorded one changes nothing.
    SetSuspension {
        /// Whether it is suspended.
        suspended: bool,
        /// Counts the changes of whoever sets it.
        generation: u64,
    },
    /// Block or unblock.
    SetBlocked(bool),
    /// Look at the key.
    Read,
}

/// What the client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The computer is activated.
    Granted {
        /// Whether `used` went up for it.
        counted: bool,
        /// The activation.
        activation: u128,
        /// `used` after it.
        used: u32,
        /// The limit in force.
        limit: u32,
        /// The account version of the event that proves it, if the client looked.
        proof: Option<u64>,
    },
    /// The count is given up.
    Released {
        /// The account version of the count.
        count: u64,
        /// `used` after it.
        used: u32,
        /// The limit in force.
        limit: u32,
        /// The account version of the event that proves it, if the client looked.
        proof: Option<u64>,
    },
    /// It was refused for good.
    Refused(No),
    /// The key as it stands, after a look or a change.
    Key(View),
    /// Nothing, or that it is not known: it may have happened, or happen yet.
    Unknown,
}

/// Why it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum No {
    /// The limit is reached.
    LimitReached,
    /// The key is suspended.
    Suspended,
    /// The key is blocked.
    Blocked,
    /// The activation holds no count any more.
    ActivationReleased,
    /// The key has no such activation.
    ActivationNotFound,
    /// The request id recorded something else.
    RequestIdReused,
}

/// A key as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Counts held.
    pub used: u32,
    /// Most of them.
    pub limit: u32,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Whether it is blocked.
    pub blocked: bool,
    /// Its account version, if the client was told it.
    pub version: Option<u64>,
}

/// One call and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// When it was called, on a clock that all clients of the history share.
    pub called: u64,
    /// When it returned; none if it never did.
    pub returned: Option<u64>,
    /// What was asked.
    pub action: Action,
    /// What was told.
    pub answer: Answer,
}

/// How a key stood before the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its limit.
    pub limit: u32,
    /// Its account version; 1 of a key that was just registered.
    pub version: u64,
}

/// All that was done with one key that nobody had used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// How the key stood.
    pub start: Start,
    /// The operations in any order.
    pub operations: Vec<Operation>,
}

impl Operation {
    /// True if the client knows what became of it.
    pub(crate) fn is_answered(&self) -> bool {
        self.returned.is_some() && self.answer != Answer::Unknown
    }
}
