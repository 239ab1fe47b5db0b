//! The sequential specification of a key, one action after the other, with a way back.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::history::{Action, Answer, No, Start, View};

/// A key in the course of the search.
#[derive(Debug)]
pub(super) struct Machine {
    core: Core,
    /// The count that a computer holds.
    held: HashMap<u64, Held>,
    /// The computer of each activation that was ever told, and whether it still holds its count.
    activations: HashMap<u128, (u64, bool)>,
    /// What each request id recorded.
    recorded: HashMap<u128, (Action, Answer)>,
    /// The recorded answers that clients were told at any time of the history.
    foretold: HashMap<u128, Answer>,
}

/// What changes with every step, small enough to be kept for the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Core {
    version: u64,
    used: u32,
    limit: u32,
    suspended: bool,
    generation: u64,
    blocked: bool,
    /// The reasons that were recorded as refused since the last count, a bit each.
    refused: u8,
    /// Every entry of the tables hashed, all of them joined by exclusive or.
    tables: u128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Held {
    /// Account version of the event that made the count.
    number: u64,
    /// Its activation; none while nobody was told.
    activation: Option<u128>,
}

/// What an action does here and what it answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) answer: Answer,
    change: Change,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    None,
    /// A new count of the computer.
    Count(u64, Held),
    /// The activation of the computer's count becomes known.
    Name(u64, u128),
    /// The computer's count goes.
    GiveUp(u64, u128),
    Limit(u32),
    Suspension(bool, u64),
    Blocked(bool),
    Refusal(No),
}

/// The way back from a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undo {
    core: Core,
    computer: Option<(u64, Option<Held>)>,
    activation: Option<(u128, Option<(u64, bool)>)>,
    request: Option<u128>,
}

impl Step {
    /// True if the key stands afterwards as it did before.
    pub(super) fn is_idle(&self) -> bool {
        self.change == Change::None
    }

    /// True if all it does is to record a refusal.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self.change, Change::Refusal(_))
    }
}

impl Machine {
    /// A key before its history. Of a request that was answered as recorded, `foretold` is the
    /// answer: an answer once given is never another, so a step that records another is none.
    pub(super) fn new(start: Start, foretold: HashMap<u128, Answer>) -> Self {
        let core = Core {
            version: start.version,
            used: 0,
            limit: start.limit,
            suspended: false,
            generation: 0,
            blocked: false,
            refused: 0,
            tables: 0,
        };
        let (held, activations, recorded) = Default::default();
        Self { core, held, activations, recorded, foretold }
    }

    /// What the action does now, if that agrees with what the client was told.
    pub(super) fn step(&self, action: Action, told: Answer) -> Option<Step> {
        let step = match action {
            Action::Activate { request, .. } | Action::Release { request, .. }
                if self.recorded.contains_key(&request) =>
            {
                self.repeat(action, request)
            }
            Action::Activate { computer, request } => self.activate(computer, request, told)?,
            Action::Release { activation, .. } => self.release(activation),
            Action::SetLimit(limit) => self.set(limit != self.core.limit, Change::Limit(limit)),
            Action::SetSuspension { suspended, generation } => {
                let newer = generation > self.core.generation;
                self.set(newer, Change::Suspension(suspended, generation))
            }
            Action::SetBlocked(blocked) => {
                self.set(blocked != self.core.blocked, Change::Blocked(blocked))
            }
            Action::Read => self.set(false, Change::None),
        };
        let foretold = match action {
            Action::Activate { request, .. } | Action::Release { request, .. }
                if records(&step.answer) =>
            {
                self.foretold.get(&request).copied()
            }
            _ => None,
        };
        let agrees = agree(step.answer, told);
        (agrees && foretold.is_none_or(|foretold| agree(step.answer, foretold))).then_some(step)
    }

    /// Takes a step that was found for this action.
    pub(super) fn take(&mut self, action: Action, step: Step) -> Undo {
        let mut undo = Undo { core: self.core, computer: None, activation: None, request: None };
        if step.change == Change::None {
            return undo;
        }
        // Only a name that becomes known is no event of the account.
        self.core.version += u64::from(!matches!(step.change, Change::Name(..)));
        match step.change {
            Change::None => {}
            Change::Count(computer, held) => {
                (self.core.used, self.core.refused) = (self.core.used + 1, 0);
                self.hold(&mut undo, computer, Some(held));
                if let Some(activation) = held.activation {
                    self.name(&mut undo, activation, (computer, true));
                }
            }
            Change::Name(computer, activation) => {
                let number = self.held.get(&computer).map_or(0, |held| held.number);
                let held = Held { number, activation: Some(activation) };
                self.hold(&mut undo, computer, Some(held));
                self.name(&mut undo, activation, (computer, true));
            }
            Change::GiveUp(computer, activation) => {
                self.core.used -= 1;
                self.hold(&mut undo, computer, None);
                self.name(&mut undo, activation, (computer, false));
            }
            Change::Limit(limit) => self.core.limit = limit,
            Change::Suspension(suspended, generation) => {
                (self.core.suspended, self.core.generation) = (suspended, generation);
            }
            Change::Blocked(blocked) => self.core.blocked = blocked,
            Change::Refusal(no) => self.core.refused |= bit(no),
        }
        if let Action::Activate { request, .. } | Action::Release { request, .. } = action
            && records(&step.answer)
        {
            self.recorded.insert(request, (action, step.answer));
            self.core.tables ^= fingerprint(&(request, action, step.answer));
            undo.request = Some(request);
        }
        undo
    }

    /// Takes the last step back.
    pub(super) fn undo(&mut self, undo: Undo) {
        self.core = undo.core;
        if let Some((computer, before)) = undo.computer {
            put(&mut self.held, computer, before);
        }
        if let Some((activation, before)) = undo.activation {
            put(&mut self.activations, activation, before);
        }
        if let Some(request) = undo.request {
            self.recorded.remove(&request);
        }
    }

    /// A fingerprint of how the key stands.
    pub(super) fn fingerprint(&self) -> u128 {
        fingerprint(&self.core)
    }

    /// The account version.
    pub(super) fn version(&self) -> u64 {
        self.core.version
    }

    /// True if the request is on record.
    pub(super) fn has_recorded(&self, request: u128) -> bool {
        self.recorded.contains_key(&request)
    }

    /// How the key stands, as a client would see it.
    pub(super) fn view(&self) -> View {
        let Core { version, used, limit, suspended, blocked, .. } = self.core;
        View { used, limit, suspended, blocked, version: Some(version) }
    }

    fn set(&self, changes: bool, change: Change) -> Step {
        if !changes {
            return Step { answer: Answer::Key(self.view()), change: Change::None };
        }
        let mut view = View { version: Some(self.core.version + 1), ..self.view() };
        match change {
            Change::Limit(limit) => view.limit = limit,
            Change::Suspension(suspended, _) => view.suspended = suspended,
            Change::Blocked(blocked) => view.blocked = blocked,
            _ => {}
        }
        Step { answer: Answer::Key(view), change }
    }

    fn refuse(&self, no: No) -> Step {
        // The first refusal of a reason since the last count is an event.
        let is_new = bit(no) != 0 && self.core.refused & bit(no) == 0;
        let change = if is_new { Change::Refusal(no) } else { Change::None };
        Step { answer: Answer::Refused(no), change }
    }

    fn repeat(&self, action: Action, request: u128) -> Step {
        let answer = match self.recorded.get(&request) {
            Some((before, answer)) if *before == action => *answer,
            _ => Answer::Refused(No::RequestIdReused),
        };
        Step { answer, change: Change::None }
    }

    fn activate(&self, computer: u64, request: u128, told: Answer) -> Option<Step> {
        let Core { version, used, limit, .. } = self.core;
        if self.core.blocked {
            return Some(self.refuse(No::Blocked));
        }
        if self.core.suspended {
            return Some(self.refuse(No::Suspended));
        }
        // The service chooses the name of a new activation; nobody else may have it.
        let name = match (told, self.foretold.get(&request)) {
            (Answer::Granted { activation, .. }, _) => Some(activation),
            (_, Some(Answer::Granted { activation, .. })) => Some(*activation),
            _ => None,
        };
        let is_taken = name.is_some_and(|name| self.activations.contains_key(&name));
        if let Some(Held { number, activation }) = self.held.get(&computer).copied() {
            let change = match (activation, told) {
                (None, Answer::Granted { activation, .. }) if !is_taken => {
                    Change::Name(computer, activation)
                }
                (None, Answer::Granted { .. }) => return None,
                _ => Change::None,
            };
            let activation = activation.or(name).unwrap_or_default();
            let (counted, proof) = (false, Some(number));
            let answer = Answer::Granted { counted, activation, used, limit, proof };
            return Some(Step { answer, change });
        }
        if used >= limit {
            return Some(self.refuse(No::LimitReached));
        }
        if is_taken {
            return None;
        }
        let held = Held { number: version + 1, activation: name };
        let (counted, activation, proof) = (true, name.unwrap_or_default(), Some(held.number));
        let answer = Answer::Granted { counted, activation, used: used + 1, limit, proof };
        Some(Step { answer, change: Change::Count(computer, held) })
    }

    fn release(&self, activation: u128) -> Step {
        let Some((computer, holds)) = self.activations.get(&activation).copied() else {
            return self.refuse(No::ActivationNotFound);
        };
        let held = self.held.get(&computer).filter(|_| holds);
        let Some(held) = held else { return self.refuse(No::ActivationReleased) };
        let answer = Answer::Released {
            count: held.number,
            used: self.core.used - 1,
            limit: self.core.limit,
            proof: Some(self.core.version + 1),
        };
        Step { answer, change: Change::GiveUp(computer, activation) }
    }

    fn hold(&mut self, undo: &mut Undo, computer: u64, held: Option<Held>) {
        let before = put(&mut self.held, computer, held);
        self.core.tables ^= entry(&("held", computer), before) ^ entry(&("held", computer), held);
        undo.computer = Some((computer, before));
    }

    fn name(&mut self, undo: &mut Undo, activation: u128, state: (u64, bool)) {
        let before = put(&mut self.activations, activation, Some(state));
        let key = ("activation", activation);
        self.core.tables ^= entry(&key, before) ^ entry(&key, Some(state));
        undo.activation = Some((activation, before));
    }
}

/// True if the answer is kept with its request id.
pub(super) fn records(answer: &Answer) -> bool {
    matches!(answer, Answer::Granted { counted: true, .. } | Answer::Released { .. })
}

/// True if a client that was told this can have been given that answer; it may know less.
fn agree(answer: Answer, told: Answer) -> bool {
    let told = match (told, answer) {
        (Answer::Unknown, _) => return true,
        (
            Answer::Granted { counted, activation, used, limit, proof: None },
            Answer::Granted { proof, .. },
        ) => Answer::Granted { counted, activation, used, limit, proof },
        (Answer::Released { count, used, limit, proof: None }, Answer::Released { proof, .. }) => {
            Answer::Released { count, used, limit, proof }
        }
        (Answer::Key(seen), Answer::Key(view)) => {
            Answer::Key(View { version: seen.version.or(view.version), ..seen })
        }
        _ => told,
    };
    answer == told
}

/// The bit of a refusal that is recorded; zero for one that is not.
const fn bit(no: No) -> u8 {
    match no {
        No::LimitReached => 1,
        No::Suspended => 2,
        No::Blocked => 4,
        No::ActivationReleased => 8,
        No::ActivationNotFound | No::RequestIdReused => 0,
    }
}

/// Changes an entry of a table and gives what was there.
fn put<K: Hash + Eq, V>(table: &mut HashMap<K, V>, key: K, value: Option<V>) -> Option<V> {
    match value {
        Some(value) => table.insert(key, value),
        None => table.remove(&key),
    }
}

/// What an entry of a table adds to the fingerprint; nothing if it is not there.
fn entry<V: Hash>(key: &impl Hash, value: Option<V>) -> u128 {
    value.map_or(0, |value| fingerprint(&(key, value)))
}

/// Wide enough that two states of one search never share it by chance.
fn fingerprint(value: &impl Hash) -> u128 {
    let half = |half: u8| {
        let mut hasher = DefaultHasher::new();
        half.hash(&mut hasher);
        value.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}
