//! What a life is made of; its seed draws the rest.

use activation_service::storage::disk::sim::{Dice, TornSize};
use activation_service::storage::journaled::MemoryBounds;

/// What a life is made of. Chances are parts of a thousand of each step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Requests, repeats not counted.
    pub(crate) asks: u64,
    /// Most calls under way.
    pub(crate) at_once: usize,
    /// Keys.
    pub(crate) keys: u8,
    /// Most that a limit is.
    pub(crate) limit_max: u64,
    /// What clients ask for.
    pub(crate) variety: Variety,
    /// How many of a hundred steps of a task follow the step before without a chance for others.
    pub(crate) gates_open_percent: u64,
    /// A request is sent again.
    pub(crate) resend: u64,
    /// A client goes away before its answer.
    pub(crate) leave: u64,
    /// An answer is lost, of a hundred answers.
    pub(crate) lose_percent: u64,
    /// A batch is applied to the books.
    pub(crate) apply: u64,
    /// A fault is planted on the disk of the journal or in the books.
    pub(crate) fault: u64,
    /// The clock jumps, or stands still from then on, or goes on again.
    pub(crate) jump: u64,
    /// Farthest jump either way in days; 0 for a clock that neither jumps nor stands.
    pub(crate) jump_days_max: u64,
    /// How many of a hundred keys have a last moment to activate.
    pub(crate) activate_by_percent: u64,
    /// The process is killed.
    pub(crate) kill: u64,
    /// The power is cut.
    pub(crate) cut: u64,
    /// The service is stopped in good order and started again.
    pub(crate) stop: u64,
    /// How power cuts tear.
    pub(crate) torn: TornSize,
    /// The life ends with a power cut, before everything is looked at.
    pub(crate) last_cut: bool,
    /// How often every request is sent at least.
    pub(crate) sendings_min: u64,
    /// Most bytes of accounts and events that the service keeps.
    pub(crate) memory: MemoryBounds,
    /// The ledger is kept as it was at each stop in good order.
    pub(crate) keeps_older: bool,
    /// Bytes of a segment of the journal.
    pub(crate) segment_bytes: u64,
}

/// What clients ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variety {
    /// Everything.
    All,
    /// What the judge of linearizability knows.
    Plain,
}

impl Shape {
    /// A life of power cuts, which always ends with one.
    pub(crate) fn of_cuts(dice: &mut Dice) -> Self {
        let life = Self { last_cut: true, kill: 3, ..Self::draw(dice) };
        if dice.chance(20) {
            // Much is written before the only cut.
            return Self { cut: 0, kill: 0, stop: 0, fault: 0, asks: 160, apply: 200, ..life };
        }
        Self { cut: 8 + dice.below(16), ..life }
    }

    /// A life in which every request is sent many times: at once, after its answer was lost, and
    /// over kills and cuts.
    pub(crate) fn of_repeats(dice: &mut Dice) -> Self {
        Self {
            asks: 12 + dice.below(12),
            resend: 250,
            leave: 10,
            lose_percent: 30,
            kill: 3,
            cut: 3,
            sendings_min: 10,
            ..Self::draw(dice)
        }
    }

    /// A life with a clock that cannot be trusted.
    pub(crate) fn of_clocks(dice: &mut Dice) -> Self {
        let activate_by_percent = if dice.chance(50) { 60 } else { 0 };
        // Sightings go by the clock, so it changes which call of a disk is the n-th, and a fault
        // there would strike another.
        Self { jump: 80, fault: 0, activate_by_percent, ..Self::draw(dice) }
    }

    /// A life whose clients ask only what the judge of linearizability knows.
    pub(crate) fn of_histories(dice: &mut Dice) -> Self {
        Self {
            variety: Variety::Plain,
            at_once: 3 + usize::try_from(dice.below(6)).unwrap_or(0),
            gates_open_percent: *pick(dice, &[0, 30]).unwrap_or(&0),
            resend: 60,
            leave: 5,
            lose_percent: 10,
            ..Self::draw(dice)
        }
    }

    /// A life with several stops in good order, whose files are kept as they were.
    pub(crate) fn of_damage(dice: &mut Dice) -> Self {
        Self {
            asks: 20 + dice.below(60),
            fault: 0,
            kill: 0,
            cut: 0,
            stop: 15,
            last_cut: false,
            keeps_older: true,
            segment_bytes: 16 << 10,
            ..Self::draw(dice)
        }
    }

    /// The same life for everybody: nothing befalls it by chance.
    pub(crate) fn scripted() -> Self {
        Self {
            asks: 140,
            at_once: 3,
            keys: 2,
            limit_max: 4,
            gates_open_percent: 50,
            resend: 10,
            leave: 0,
            lose_percent: 0,
            apply: 60,
            fault: 0,
            jump: 0,
            kill: 0,
            cut: 0,
            stop: 6,
            last_cut: true,
            segment_bytes: 16 << 10,
            ..Self::draw(&mut Dice::new(0))
        }
    }

    /// An ordinary life.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let torn = if dice.chance(50) { TornSize::Sector512 } else { TornSize::Sector4096 };
        Self {
            asks: 16 + dice.below(32),
            at_once: 2 + usize::try_from(dice.below(7)).unwrap_or(0),
            keys: if dice.chance(70) { 1 } else { 3 },
            limit_max: 1 + dice.below(4),
            variety: Variety::All,
            gates_open_percent: *pick(dice, &[0, 30, 70]).unwrap_or(&0),
            resend: *pick(dice, &[0, 20, 80]).unwrap_or(&0),
            leave: *pick(dice, &[0, 5, 20]).unwrap_or(&0),
            lose_percent: *pick(dice, &[0, 10, 30]).unwrap_or(&0),
            apply: *pick(dice, &[5, 50, 200]).unwrap_or(&0),
            fault: *pick(dice, &[0, 0, 5]).unwrap_or(&0),
            jump: *pick(dice, &[0, 0, 20]).unwrap_or(&0),
            jump_days_max: 400,
            activate_by_percent: 10,
            kill: *pick(dice, &[0, 5, 10]).unwrap_or(&0),
            cut: *pick(dice, &[0, 5, 10]).unwrap_or(&0),
            stop: *pick(dice, &[0, 0, 5]).unwrap_or(&0),
            torn,
            last_cut: dice.chance(50),
            sendings_min: 1,
            memory: MemoryBounds {
                account_cache_bytes: *pick(dice, &[0, 5_000, 1 << 20]).unwrap_or(&0),
                pinned_bytes: *pick(dice, &[20_000, 1 << 20, 1 << 20]).unwrap_or(&0),
            },
            keeps_older: false,
            segment_bytes: if dice.chance(50) { 16 << 10 } else { 32 << 10 },
        }
    }
}

/// One of these; none if there are none.
pub(crate) fn pick<'a, T>(dice: &mut Dice, among: &'a [T]) -> Option<&'a T> {
    let index = usize::try_from(dice.below(among.len() as u64)).unwrap_or(0);
    among.get(index)
}
