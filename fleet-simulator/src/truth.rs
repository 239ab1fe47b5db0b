//! What ought to be counted: truth speaks of things that can be touched, and names no points.
//!
//! *Same* is the same chassis with the same board. *Significant* is another board in the chassis,
//! or another part in three or more of the five classes since the last count. Everything else of a
//! computer that holds a count is unchanged: a new system, new firmware, other serial numbers.
//!
//! 'The last count' is the one that the rule under test made last for this chassis, for a count
//! that it made wrongly is paid for too. A count that it missed is missed once: what was due then
//! is from there on what later activations are compared with, and the chassis *owes* a count until
//! the rule makes one. Such a late count is neither false nor right, and activations in between
//! are no unchanged ones. A refused activation did not take place and changes nothing here.

use std::collections::BTreeMap;

/// In how many classes of parts a change makes a computer significantly changed.
pub const CLASSES_SIGNIFICANT: usize = 3;

/// A thing that was made once; no two things have the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unit(pub u64);

/// The classes of parts that count towards a significant change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartClass {
    /// The disk, or the volume, that holds the operating system.
    OsDisk,
    /// The processor.
    Cpu,
    /// Network adapters that are built in.
    Nic,
    /// Memory modules.
    Ram,
    /// Display adapters.
    Gpu,
}

impl PartClass {
    /// All classes.
    pub const ALL: [Self; 5] = [Self::OsDisk, Self::Cpu, Self::Nic, Self::Ram, Self::Gpu];
}

/// What a computer is made of at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// What the parts are screwed into; of a virtual machine, the definition it runs from.
    pub chassis: Unit,
    /// The board; of a virtual machine, its definition again.
    pub board: Unit,
    /// The units of each class, in the order of [`PartClass::ALL`], each list sorted.
    pub parts: [Vec<Unit>; PartClass::ALL.len()],
}

impl Build {
    /// The classes in which the two have different units.
    pub fn differing(&self, other: &Self) -> impl Iterator<Item = PartClass> {
        let both = self.parts.iter().zip(&other.parts);
        PartClass::ALL.into_iter().zip(both).filter(|(_, (a, b))| a != b).map(|(class, _)| class)
    }
}

/// What truth says of an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A chassis without a count: a count is due.
    New,
    /// Another board, or parts of three classes, since the last count: a count is due.
    Significant,
    /// Nothing is due.
    Unchanged,
}

/// How a rule's answer stands before the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// A count was due and made.
    Counted,
    /// A count was due and not made.
    Missed,
    /// Nothing was due and nothing was counted.
    Free,
    /// Nothing was due, yet it was counted.
    FalseCount,
    /// Nothing new was due, a missed count is still owed, and nothing was counted.
    Owed,
    /// A count that was missed before was made now.
    Late,
}

/// The last count of each chassis of one key.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    last: BTreeMap<Unit, LastCount>,
}

#[derive(Clone, Debug)]
struct LastCount {
    build: Build,
    owed: bool,
}

impl Counts {
    /// Whether a count is due for this computer now.
    #[must_use]
    pub fn verdict(&self, now: &Build) -> Verdict {
        let Some(last) = self.last.get(&now.chassis) else { return Verdict::New };
        let significant = last.build.board != now.board
            || last.build.differing(now).count() >= CLASSES_SIGNIFICANT;
        if significant { Verdict::Significant } else { Verdict::Unchanged }
    }

    /// Judges a granted activation and takes note of it; a refused one is not told.
    pub fn judge(&mut self, now: &Build, counted: bool) -> Judgement {
        let due = self.verdict(now) != Verdict::Unchanged;
        let owed = self.last.get(&now.chassis).is_some_and(|last| last.owed);
        let judgement = match (due, counted, owed) {
            (true, true, _) => Judgement::Counted,
            (true, false, _) => Judgement::Missed,
            (false, true, true) => Judgement::Late,
            (false, true, false) => Judgement::FalseCount,
            (false, false, true) => Judgement::Owed,
            (false, false, false) => Judgement::Free,
        };
        if due || counted {
            let last = LastCount { build: now.clone(), owed: !counted };
            self.last.insert(now.chassis, last);
        }
        judgement
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build() -> Build {
        Build { chassis: Unit(1), board: Unit(2), parts: [3, 4, 5, 6, 7].map(|n| vec![Unit(n)]) }
    }

    fn with(classes: &[PartClass], number: u64) -> Build {
        let mut build = build();
        for (class, units) in PartClass::ALL.into_iter().zip(&mut build.parts) {
            if classes.contains(&class) {
                *units = vec![Unit(number)];
            }
        }
        build
    }

    fn counted() -> Counts {
        let mut counts = Counts::default();
        assert_eq!(counts.judge(&build(), true), Judgement::Counted);
        counts
    }

    #[test]
    fn a_chassis_without_a_count_is_new_also_around_a_known_board() {
        let counts = counted();
        assert_eq!(Counts::default().verdict(&build()), Verdict::New);
        assert_eq!(counts.verdict(&Build { chassis: Unit(9), ..build() }), Verdict::New);
        assert_eq!(counts.verdict(&build()), Verdict::Unchanged);
    }

    #[test]
    fn another_board_is_significant_and_so_is_the_old_one_put_back() {
        let mut counts = counted();
        let repaired = Build { board: Unit(9), ..build() };
        assert_eq!(counts.verdict(&repaired), Verdict::Significant);
        assert_eq!(counts.judge(&repaired, true), Judgement::Counted);
        assert_eq!(counts.verdict(&repaired), Verdict::Unchanged);
        assert_eq!(counts.verdict(&build()), Verdict::Significant);
    }

    #[test]
    fn parts_of_three_classes_are_significant_whichever_they_are() {
        let counts = counted();
        for classes in 0_u32..1 << PartClass::ALL.len() {
            let chosen: Vec<PartClass> = (0..)
                .zip(PartClass::ALL)
                .filter(|(bit, _)| classes >> bit & 1 == 1)
                .map(|(_, class)| class)
                .collect();
            let expected =
                if chosen.len() >= 3 { Verdict::Significant } else { Verdict::Unchanged };
            assert_eq!(counts.verdict(&with(&chosen, 99)), expected, "{chosen:?}");
        }
    }

    #[test]
    fn a_further_unit_changes_its_class() {
        let mut more = build();
        more.parts[2].push(Unit(50));
        assert_eq!(more.differing(&build()).collect::<Vec<_>>(), [PartClass::Nic]);
    }

    #[test]
    fn changes_add_up_since_the_last_count_also_since_a_false_one() {
        use PartClass as P;
        let mut counts = counted();
        assert_eq!(counts.judge(&with(&[P::OsDisk, P::Cpu], 20), false), Judgement::Free);
        assert_eq!(counts.verdict(&with(&[P::OsDisk, P::Cpu, P::Ram], 20)), Verdict::Significant);
        assert_eq!(counts.judge(&with(&[P::OsDisk, P::Cpu], 20), true), Judgement::FalseCount);
        assert_eq!(counts.verdict(&with(&[P::OsDisk, P::Cpu, P::Ram], 20)), Verdict::Unchanged);
    }

    #[test]
    fn a_count_is_missed_once_and_owed_until_it_is_made() {
        let mut counts = Counts::default();
        assert_eq!(counts.judge(&build(), false), Judgement::Missed);
        assert_eq!(counts.judge(&build(), false), Judgement::Owed);
        assert_eq!(counts.judge(&build(), true), Judgement::Late);
        assert_eq!(counts.judge(&build(), false), Judgement::Free);
        assert_eq!(counts.judge(&build(), true), Judgement::FalseCount);
    }

    #[test]
    fn what_comes_after_a_missed_count_is_due_by_itself() {
        let mut counts = counted();
        let second = Build { board: Unit(9), ..build() };
        let third = Build { board: Unit(10), ..build() };
        assert_eq!(counts.judge(&second, false), Judgement::Missed);
        assert_eq!(counts.judge(&third, false), Judgement::Missed);
        assert_eq!(counts.judge(&third, true), Judgement::Late);
    }
}
