//! What a proof looks at in every frame: its leaves, its head and what signed it, and that it
//! follows the frame before it and is the one that anchors and books know.

use receipt::{GENESIS, SignedHead, TrustedKeys, verify_chain};

use super::super::super::batch::parts::{CheckedEvent, checked};
use super::super::super::books::Applied;
use super::super::ranges::Range;
use super::super::remake::Opened;
use super::{Trust, Verified};
use crate::storage::journal::{Frame, NO_HEAD, View};

/// A frame by itself, looked at by any thread.
pub(super) struct Checked {
    opened: Opened,
    first_sequence: u64,
    event_count: u32,
    /// None if the frame cannot be read.
    head: Option<SignedHead>,
    /// Private parts that were erased.
    erased: u64,
    /// What is wrong with it, in words.
    faults: Vec<String>,
    /// False if not every event could be read.
    is_whole: bool,
}

impl Checked {
    /// Checks a frame, and keeps the events of a range.
    pub(super) fn of(frame: &Frame, keys: &TrustedKeys, range: Range) -> Self {
        let mut it = Self {
            opened: Opened::of(frame, Vec::new()),
            first_sequence: frame.first_sequence,
            event_count: frame.event_count,
            head: None,
            erased: 0,
            faults: Vec::new(),
            is_whole: true,
        };
        match checked(&frame.body, &frame.erasable) {
            Ok((head, events)) => {
                it.head = Some(head);
                if let Err(error) = head.verify(keys) {
                    it.faults.push(error.to_string());
                }
                for (event, sequence) in events.into_iter().zip(head.head().first_sequence..) {
                    it.event(event, sequence, range);
                }
            }
            Err(error) => {
                it.faults.push(error.to_string());
                it.is_whole = false;
            }
        }
        it
    }

    fn event(&mut self, CheckedEvent { event, is_erased }: CheckedEvent, at: u64, range: Range) {
        self.erased += u64::from(is_erased);
        match event {
            Ok(event) if range.holds(event.key_id) => self.opened.events.push((at, event)),
            Ok(_) => {}
            Err(error) => {
                self.faults.push(format!("event {at}: {error}"));
                self.is_whole = false;
            }
        }
    }
}

/// The frames one after the other.
pub(super) struct Chain<'a> {
    pub(super) view: &'a View,
    pub(super) trust: Trust<'a>,
    applied: Option<Applied>,
    previous: Option<SignedHead>,
    /// Position of the last event that was come by.
    pub(super) reached: u64,
    /// False once an event could not be read.
    pub(super) is_whole: bool,
}

impl<'a> Chain<'a> {
    pub(super) const fn new(view: &'a View, trust: Trust<'a>, applied: Option<Applied>) -> Self {
        Self { view, trust, applied, previous: None, reached: 0, is_whole: true }
    }

    /// Takes the next frame, and gives its events on while all could be read.
    pub(super) fn take(&mut self, checked: Checked, found: &mut Verified) -> Option<Opened> {
        let location = checked.opened.location;
        found.frames += 1;
        found.erased += checked.erased;
        for what in &checked.faults {
            found.fault(|| format!("journal, {location}: {what}"));
        }
        self.reached = checked.opened.reached;
        self.is_whole &= checked.is_whole;
        if let Some(head) = checked.head {
            self.head(&checked, &head, found);
            self.previous = Some(head);
        }
        self.is_whole.then_some(checked.opened)
    }

    /// What can only be said at the end of a journal of so many events.
    pub(super) fn end(&self, total: u64, found: &mut Verified) {
        self.anchors_are_of_it(total, found);
        self.books_are_of_it(total, found);
    }

    fn head(&self, frame: &Checked, head: &SignedHead, found: &mut Verified) {
        let location = frame.opened.location;
        let mut fault = |what: String| {
            found.fault(|| format!("journal, {location}: {what}"));
        };
        match &self.previous {
            Some(previous) => {
                if let Err(error) = verify_chain(previous, head) {
                    fault(error.to_string());
                }
            }
            None if head.head().previous != GENESIS => fault("no head begins the chain".to_owned()),
            None => {}
        }
        let stated = head.head();
        if stated.chain_id != self.view.chain.0
            || stated.first_sequence != frame.first_sequence
            || stated.leaf_count != u64::from(frame.event_count)
        {
            fault("the head is not that of its frame".to_owned());
        }
        for known in self.trust.known.iter().flatten() {
            // A batch is recorded as a whole, so only its end can be remembered.
            let is_under = (stated.first_sequence..=stated.last_sequence).contains(&known.sequence);
            if is_under && head.hash() != known.head {
                fault("the anchor names another head here: the history was replaced".to_owned());
            }
        }
        // The books name the last head that they hold whole.
        let Some(applied) = self.applied else { return };
        let last = stated.last_sequence;
        let expected = match applied.sequence {
            sequence if sequence == last => head.hash(),
            sequence if sequence < last && sequence >= stated.first_sequence => stated.previous,
            _ => return,
        };
        if applied.head != expected {
            fault("the books were applied from another chain".to_owned());
        }
    }

    fn anchors_are_of_it(&self, total: u64, found: &mut Verified) {
        for known in self.trust.known.iter().flatten() {
            let (chain, sequence) = (known.chain, known.sequence);
            if chain != self.view.chain {
                found.fault(|| format!("the anchor is of chain {chain}"));
            } else if sequence > total {
                found.fault(|| {
                    format!("the anchor names event {sequence}, and the journal holds {total}")
                });
            }
        }
    }

    fn books_are_of_it(&self, total: u64, found: &mut Verified) {
        let Some(applied) = self.applied else { return };
        if applied.sequence > total {
            let held = applied.sequence;
            found.fault(|| format!("the books hold {held} events and the journal {total}"));
        }
        if applied.sequence == 0 && applied.head != NO_HEAD {
            found.fault(|| "the books name a head and hold no events".to_owned());
        }
    }
}
