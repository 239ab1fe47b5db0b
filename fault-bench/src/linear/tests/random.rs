//! Histories of many clients on a key that keeps its word, and the same with one false answer.

use std::collections::BTreeMap;

use system_tests::{Dice, seed_from_environment};

use crate::linear::{Action, Answer, Fault, History, No, Operation, Start, View, check};

/// Correct histories that are made, each also with a false answer.
const HISTORIES: u64 = 20;
const CLIENTS: usize = 8;
const STEPS: usize = 60;
/// Configurations that a correct history of that size may need, on average.
const CONFIGURATIONS_MAX: usize = 10 * CLIENTS * STEPS;

/// A key that does one thing after the other, written the plainest way.
struct Plain {
    version: u64,
    limit: u32,
    computers: BTreeMap<u64, (u128, u64)>,
    activations: BTreeMap<u128, u64>,
    recorded: BTreeMap<u128, (Action, Answer)>,
    limit_refused: bool,
    release_refused: bool,
}

impl Plain {
    fn used(&self) -> u32 {
        u32::try_from(self.computers.len()).unwrap()
    }

    fn act(&mut self, action: Action) -> Answer {
        if let Action::Activate { request, .. } | Action::Release { request, .. } = action
            && let Some((before, answer)) = self.recorded.get(&request)
        {
            return if *before == action { *answer } else { Answer::Refused(No::RequestIdReused) };
        }
        match action {
            Action::Activate { computer, request } => self.activate(action, computer, request),
            Action::Release { activation, request } => self.release(action, activation, request),
            Action::SetLimit(limit) => {
                self.version += u64::from(limit != self.limit);
                self.limit = limit;
                self.view()
            }
            _ => self.view(),
        }
    }

    fn view(&self) -> Answer {
        let (used, limit, version) = (self.used(), self.limit, Some(self.version));
        Answer::Key(View { used, limit, suspended: false, blocked: false, version })
    }

    fn activate(&mut self, action: Action, computer: u64, request: u128) -> Answer {
        let limit = self.limit;
        if let Some((activation, count)) = self.computers.get(&computer).copied() {
            let (used, proof) = (self.used(), Some(count));
            return Answer::Granted { counted: false, activation, used, limit, proof };
        }
        if self.used() >= limit {
            self.version += u64::from(!self.limit_refused);
            self.limit_refused = true;
            return Answer::Refused(No::LimitReached);
        }
        self.version += 1;
        (self.limit_refused, self.release_refused) = (false, false);
        let activation = u128::from(self.version) << 64 | request;
        self.computers.insert(computer, (activation, self.version));
        self.activations.insert(activation, computer);
        let (used, proof) = (self.used(), Some(self.version));
        let answer = Answer::Granted { counted: true, activation, used, limit, proof };
        self.recorded.insert(request, (action, answer));
        answer
    }

    fn release(&mut self, action: Action, activation: u128, request: u128) -> Answer {
        let Some(computer) = self.activations.get(&activation) else {
            return Answer::Refused(No::ActivationNotFound);
        };
        let Some((_, count)) = self.computers.get(computer).filter(|held| held.0 == activation)
        else {
            self.version += u64::from(!self.release_refused);
            self.release_refused = true;
            return Answer::Refused(No::ActivationReleased);
        };
        let count = *count;
        self.computers.remove(&computer.clone());
        self.version += 1;
        let (used, limit, proof) = (self.used(), self.limit, Some(self.version));
        let answer = Answer::Released { count, used, limit, proof };
        self.recorded.insert(request, (action, answer));
        answer
    }
}

/// A client: what it called and whether that has happened.
#[derive(Clone, Copy, Default)]
struct Client {
    call: Option<(usize, Option<Answer>)>,
    steps: usize,
    again: Option<Action>,
}

/// What clients on one key see. Some answers get lost; their requests are sent again, and what
/// happens of the lost calls happens at any later time. A last look ends it.
fn play(seed: u64) -> History {
    let mut dice = Dice::new(seed);
    let start = Start { limit: 6, version: 1 };
    let mut key = Plain {
        version: 1,
        limit: 6,
        computers: BTreeMap::new(),
        activations: BTreeMap::new(),
        recorded: BTreeMap::new(),
        limit_refused: false,
        release_refused: false,
    };
    let (mut clients, mut operations, mut late) = ([Client::default(); CLIENTS], vec![], vec![]);
    let (mut clock, mut known, mut sent) = (0_u64, vec![0_u128], vec![]);
    while clients.iter().any(|client| client.steps < STEPS || client.call.is_some()) {
        clock += 1;
        if dice.below(40) == 0 && !late.is_empty() {
            let at = dice.below(late.len());
            key.act(late.swap_remove(at));
        }
        let client = &mut clients[dice.below(CLIENTS)];
        match client.call {
            None if client.steps < STEPS => {
                let new = action(&mut dice, clock, &known, &sent);
                let action = client.again.take().unwrap_or(new);
                sent.push(action);
                client.call = Some((operations.len(), None));
                client.steps += 1;
                let (returned, answer) = (None, Answer::Unknown);
                operations.push(Operation { called: clock, returned, action, answer });
            }
            None => {}
            Some((place, None)) => {
                let action = operations[place].action;
                if dice.below(20) > 0 {
                    client.call = Some((place, Some(key.act(action))));
                    continue;
                }
                late.push(action);
                (client.call, client.again) = (None, Some(action));
            }
            Some((place, Some(answer))) => {
                client.call = None;
                if dice.below(20) == 0 {
                    client.again = Some(operations[place].action);
                    continue;
                }
                if let Answer::Granted { activation, .. } = answer {
                    known.push(activation);
                }
                (operations[place].returned, operations[place].answer) = (Some(clock), answer);
            }
        }
    }
    let (called, returned, action, answer) =
        (clock + 1, Some(clock + 2), Action::Read, key.act(Action::Read));
    operations.push(Operation { called, returned, action, answer });
    History { start, operations }
}

fn action(dice: &mut Dice, clock: u64, known: &[u128], sent: &[Action]) -> Action {
    let request = u128::from(clock);
    match dice.below(10) {
        0 => Action::SetLimit(u32::try_from(3 + dice.below(6)).unwrap()),
        1 | 2 => Action::Read,
        3 | 4 => Action::Release { activation: known[dice.below(known.len())], request },
        5 if !sent.is_empty() => sent[dice.below(sent.len())],
        _ => Action::Activate { computer: dice.below(12) as u64, request },
    }
}

/// The lies, each of which no order of the operations can explain.
#[derive(Clone, Copy, Debug)]
enum Lie {
    StaleRead,
    OtherRepeat,
    SameVersionTwice,
    AboveLimit,
    TakenBack,
}

const LIES: [Lie; 5] =
    [Lie::StaleRead, Lie::OtherRepeat, Lie::SameVersionTwice, Lie::AboveLimit, Lie::TakenBack];

/// Makes one answer false; says no if the history has no place for that lie.
fn tell(history: &mut History, lie: Lie, dice: &mut Dice) -> bool {
    let operations = &history.operations;
    let mut falsified = Vec::new();
    for (place, operation) in operations.iter().enumerate() {
        let earlier = || {
            let is_earlier = |o: &&Operation| o.returned.is_some_and(|r| r < operation.called);
            operations.iter().filter(is_earlier)
        };
        let others = || operations.iter().filter(|other| other.action != operation.action);
        let false_answer = match (lie, operation.answer) {
            (Lie::StaleRead, Answer::Key(_)) if operation.action == Action::Read => {
                let seen = earlier().filter_map(version).max();
                others_older(operations, seen)
            }
            (
                Lie::OtherRepeat,
                Answer::Granted { counted: true, activation, used, limit, proof },
            ) => earlier().find(|before| before.answer == operation.answer).map(|_| {
                Answer::Granted { counted: true, activation, used: used ^ 1, limit, proof }
            }),
            (
                Lie::SameVersionTwice,
                Answer::Granted { counted: true, activation, used, limit, .. },
            ) => others().find_map(|other| match other.answer {
                Answer::Granted { counted: true, proof, .. } => {
                    Some(Answer::Granted { counted: true, activation, used, limit, proof })
                }
                _ => None,
            }),
            (Lie::AboveLimit, Answer::Granted { counted: true, activation, limit, proof, .. }) => {
                let used = limit + 1;
                Some(Answer::Granted { counted: true, activation, used, limit, proof })
            }
            (Lie::TakenBack, Answer::Granted { counted: true, .. }) => earlier()
                .find(|before| before.answer == operation.answer)
                .map(|_| Answer::Refused(No::LimitReached)),
            _ => None,
        };
        falsified.extend(false_answer.map(|answer| (place, answer)));
    }
    let Some((place, answer)) = dice.one_of(&falsified).copied() else { return false };
    history.operations[place].answer = answer;
    true
}

fn version(operation: &Operation) -> Option<u64> {
    match operation.answer {
        Answer::Key(view) => view.version,
        _ => None,
    }
}

/// How the key stood before a version that was seen.
fn others_older(operations: &[Operation], seen: Option<u64>) -> Option<Answer> {
    let older = |o: &&Operation| version(o) < seen && version(o).is_some();
    operations.iter().find(older).map(|operation| operation.answer)
}

#[test]
fn what_a_true_key_answers_is_accepted_and_a_lie_is_not() {
    let seed = seed_from_environment().unwrap();
    let (mut told, mut configurations) = ([0_u32; LIES.len()], 0);
    for seed in (0..HISTORIES).map(|number| seed.wrapping_add(number)) {
        println!("SEED={seed}");
        let history = play(seed);
        configurations += check(&history).unwrap();
        for (lie, told) in LIES.into_iter().zip(&mut told) {
            let mut history = history.clone();
            if tell(&mut history, lie, &mut Dice::new(seed)) {
                *told += 1;
                let fault = check(&history);
                assert!(matches!(fault, Err(Fault::Rejected(_))), "{lie:?}: {fault:?}");
            }
        }
    }
    assert!(told.iter().all(|times| *times > 0), "each lie is told: {told:?}");
    let average = configurations / usize::try_from(HISTORIES).unwrap();
    assert!(average <= CONFIGURATIONS_MAX, "{average} configurations");
}
