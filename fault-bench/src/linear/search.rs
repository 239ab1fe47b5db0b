//! The search for an order of the operations that the machine agrees with.

use std::collections::HashMap;
use std::fmt::Write as _;

use thiserror::Error;

use super::history::{Action, Answer, History, Operation, View};
use super::machine::{Machine, Step, Undo, records};

/// Most configurations that are looked at before the search gives up. A history of eight clients
/// that is right needs about as many as it has operations, at times some thousands.
pub const CONFIGURATIONS_MAX: usize = 200_000;
/// Most operations that a fault names.
const NAMED_MAX: usize = 8;

/// Why a history is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// There is no such order: the clients saw what cannot be.
    #[error("not linearizable: {0}")]
    Rejected(String),
    /// It is not known whether there is one; never a sign that all is well.
    #[error("undecided after {0} configurations: {1}")]
    Undecided(usize, String),
    /// An operation returned before it was called.
    #[error("no history: an operation returns at {returned}, called at {called}")]
    Backwards {
        /// Its call.
        called: u64,
        /// Its return.
        returned: u64,
    },
}

/// Looks for an order of the operations; gives the number of configurations that were looked at.
///
/// # Errors
/// There is none, or it was not found within [`CONFIGURATIONS_MAX`].
pub fn check(history: &History) -> Result<usize, Fault> {
    check_within(history, CONFIGURATIONS_MAX)
}

/// As [`check`], with another bound.
pub(super) fn check_within(history: &History, configurations_max: usize) -> Result<usize, Fault> {
    let mut operations = Vec::new();
    for operation in &history.operations {
        let called = operation.called;
        if let Some(returned) = operation.returned.filter(|returned| *returned <= called) {
            return Err(Fault::Backwards { called, returned });
        }
        // Whoever looked and saw nothing changed nothing.
        if operation.is_answered() || operation.action != Action::Read {
            operations.push(*operation);
        }
    }
    operations.sort_by_key(|operation| operation.called);
    let foretold = operations.iter().filter(|o| o.is_answered() && records(&o.answer));
    let foretold = foretold.filter_map(|o| Some((request(o.action)?, o.answer))).collect();
    let machine = Machine::new(history.start, foretold);
    Search::new(operations, machine).run(configurations_max)
}

fn request(action: Action) -> Option<u128> {
    match action {
        Action::Activate { request, .. } | Action::Release { request, .. } => Some(request),
        _ => None,
    }
}

/// True if an operation with this answer that moves nothing now would move nothing later either.
/// A refusal is not of that kind: after the next count it is an event again.
fn stays_idle(operation: &Operation) -> bool {
    match operation.answer {
        Answer::Granted { .. } | Answer::Released { .. } => true,
        // Versions do not come again, so at this one it is idle or nowhere.
        Answer::Key(view) => operation.action == Action::Read || view.version.is_some(),
        Answer::Refused(_) | Answer::Unknown => false,
    }
}

/// A set of operations, a bit each.
type Set = Box<[u64]>;

/// The configurations that led nowhere, or that the way goes through.
#[derive(Default)]
struct Seen {
    /// By answered operations taken and the fingerprint of the machine: the other ones taken.
    sets: HashMap<(Set, u128), Vec<Set>>,
    count: usize,
}

impl Seen {
    /// Notes a configuration, unless one was there that could do all that this one can: the same,
    /// or one that spent fewer of the operations whose answers nobody knows.
    fn is_new(&mut self, taken: &Set, answered: &Set, fingerprint: u128) -> bool {
        let masked = |mask: &dyn Fn(u64) -> u64| {
            let words = taken.iter().zip(answered);
            words.map(|(taken, answered)| taken & mask(*answered)).collect::<Set>()
        };
        let spent = masked(&|answered| !answered);
        let sets = self.sets.entry((masked(&|answered| answered), fingerprint)).or_default();
        let is_within = |set: &Set| set.iter().zip(&spent).all(|(set, spent)| set & !spent == 0);
        if sets.iter().any(is_within) {
            return false;
        }
        sets.push(spent);
        self.count += 1;
        true
    }
}

struct Search {
    /// By call.
    operations: Vec<Operation>,
    machine: Machine,
    /// Those with a known answer.
    answered: Set,
    /// What is in the order by now.
    taken: Set,
    /// Answered operations that are not.
    left: usize,
    /// Before this place everything is taken.
    first: usize,
    /// What must be done before the account passes a version, earliest first.
    pins: Vec<Pin>,
    /// Before this place all pins are done.
    pinned: usize,
    seen: Seen,
    /// The longest order found, told for people.
    best: (usize, String),
}

/// What an answer tells of versions: the operation was taken, or the request recorded, when the
/// account stood at this version at the latest. It shows early that an order leads nowhere.
#[derive(Clone, Copy)]
struct Pin {
    version: u64,
    place: usize,
    request: Option<u128>,
}

/// A configuration on the way, with what can come next and how it was reached.
struct Frame {
    next: Vec<Next>,
    from: Option<(usize, Undo)>,
    first: usize,
    pinned: usize,
}

/// An operation that can come next and what it does.
struct Next {
    place: usize,
    operation: Operation,
    step: Step,
}

impl Pin {
    fn of((place, operation): (usize, &Operation)) -> Option<Self> {
        match operation.answer {
            _ if !operation.is_answered() => None,
            Answer::Key(View { version, .. }) => {
                Some(Self { version: version?, place, request: None })
            }
            Answer::Granted { counted: true, proof, .. } | Answer::Released { proof, .. } => {
                // Its own event makes the version.
                let version = proof?.checked_sub(1)?;
                Some(Self { version, place, request: request(operation.action) })
            }
            _ => None,
        }
    }
}

impl Search {
    fn new(operations: Vec<Operation>, machine: Machine) -> Self {
        let taken = vec![0; operations.len().div_ceil(64)].into_boxed_slice();
        let mut answered = taken.clone();
        let known = operations.iter().enumerate().filter(|(_, o)| o.is_answered());
        known.for_each(|(place, _)| put(&mut answered, place, true));
        let left = operations.iter().filter(|operation| operation.is_answered()).count();
        let mut pins: Vec<_> = operations.iter().enumerate().filter_map(Pin::of).collect();
        pins.sort_by_key(|pin| pin.version);
        let (seen, best) = (Seen::default(), (usize::MAX, String::new()));
        Self { operations, machine, answered, taken, left, first: 0, pins, pinned: 0, seen, best }
    }

    fn run(mut self, configurations_max: usize) -> Result<usize, Fault> {
        let mut path = vec![self.frame(None)];
        while self.left > 0 {
            let Some(frame) = path.last_mut() else { return Err(Fault::Rejected(self.best.1)) };
            let Some(next) = frame.next.pop() else {
                // Here it goes no further.
                if self.left < self.best.0 {
                    self.best = (self.left, self.told(&self.open()));
                }
                let from = path.pop().and_then(|frame| frame.from);
                let before = path.last().map(|frame| (frame.first, frame.pinned));
                (self.first, self.pinned) = before.unwrap_or_default();
                if let Some((place, undo)) = from {
                    self.untake(place, undo);
                }
                continue;
            };
            let (place, undo) = (next.place, self.take(&next));
            let fingerprint = self.machine.fingerprint();
            if self.is_late() || !self.seen.is_new(&self.taken, &self.answered, fingerprint) {
                self.untake(place, undo);
                continue;
            }
            if self.seen.count >= configurations_max {
                return Err(Fault::Undecided(configurations_max, self.best.1));
            }
            let frame = self.frame(Some((place, undo)));
            path.push(frame);
        }
        Ok(self.seen.count)
    }

    /// What can come next; the most promising last.
    fn frame(&mut self, from: Option<(usize, Undo)>) -> Frame {
        while self.first < self.operations.len() && self.has(self.first) {
            self.first += 1;
        }
        while self.pins.get(self.pinned).is_some_and(|pin| self.is_done(pin)) {
            self.pinned += 1;
        }
        let (first, pinned) = (self.first, self.pinned);
        let (mut certain, mut uncertain) = (Vec::<Next>::new(), Vec::<Next>::new());
        let open = self.open();
        for (place, operation) in &open {
            let (place, operation, action) = (*place, *operation, operation.action);
            let is_answered = operation.is_answered();
            let told = if is_answered { operation.answer } else { Answer::Unknown };
            let Some(step) = self.machine.step(action, told) else { continue };
            let next = Next { place, operation, step };
            match (is_answered, step.is_idle()) {
                // It moves nothing, here or later: whatever order there is, it can come first.
                (true, true) if stays_idle(&operation) => {
                    return Frame { next: vec![next], from, first, pinned };
                }
                (true, _) => certain.push(next),
                // It moves nothing and need not be there at all.
                (false, true) => {}
                (false, false) => {
                    // Of several alike one is tried.
                    if !uncertain.iter().any(|other| other.operation.action == action) {
                        uncertain.push(next);
                    }
                }
            }
        }
        // What returns first comes first, and what nobody was told only if nothing else fits.
        certain.sort_by_key(|next| std::cmp::Reverse(next.operation.returned));
        uncertain.reverse();
        uncertain.append(&mut certain);
        Frame { next: uncertain, from, first, pinned }
    }

    /// True if the account has passed a version at which something should have been done.
    fn is_late(&self) -> bool {
        let version = self.machine.version();
        let passed = self.pins.iter().skip(self.pinned).take_while(|pin| pin.version < version);
        passed.into_iter().any(|pin| !self.is_done(pin))
    }

    fn is_done(&self, pin: &Pin) -> bool {
        match pin.request {
            Some(request) => self.machine.has_recorded(request),
            None => self.has(pin.place),
        }
    }

    /// The operations that no other one must come before.
    fn open(&self) -> Vec<(usize, Operation)> {
        let mut open = Vec::new();
        let mut end = u64::MAX;
        for (place, operation) in self.operations.iter().enumerate().skip(self.first) {
            if operation.called > end {
                break;
            }
            if self.has(place) {
                continue;
            }
            if operation.is_answered() {
                end = end.min(operation.returned.unwrap_or(u64::MAX));
            }
            open.push((place, *operation));
        }
        open
    }

    fn take(&mut self, next: &Next) -> Undo {
        self.left -= usize::from(next.operation.is_answered());
        // What nobody was told may have been refused more than once before it happened.
        if next.operation.is_answered() || !next.step.is_refusal() {
            put(&mut self.taken, next.place, true);
        }
        self.machine.take(next.operation.action, next.step)
    }

    fn untake(&mut self, place: usize, undo: Undo) {
        let is_answered = self.operations.get(place).is_some_and(Operation::is_answered);
        self.left += usize::from(is_answered);
        put(&mut self.taken, place, false);
        self.machine.undo(undo);
    }

    fn has(&self, place: usize) -> bool {
        self.taken.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    /// Where the order ends, for people.
    fn told(&self, open: &[(usize, Operation)]) -> String {
        let answered = self.operations.iter().filter(|operation| operation.is_answered()).count();
        let mut told = format!(
            "after {} of {answered} answered operations the key stands at {:?}, and none of these \
             can come next:",
            answered - self.left,
            self.machine.view()
        );
        let answered = open.iter().filter(|(_, operation)| operation.is_answered());
        for (_, Operation { called, returned, action, answer }) in answered.take(NAMED_MAX) {
            let returned = returned.unwrap_or_default();
            let _written = write!(told, " [{called}-{returned}] {action:?} -> {answer:?};");
        }
        told
    }
}

/// Takes a place into a set, or out of it.
fn put(set: &mut Set, place: usize, is_in: bool) {
    if let Some(word) = set.get_mut(place / 64) {
        let bit = 1 << (place % 64);
        *word = if is_in { *word | bit } else { *word & !bit };
    }
}
