//! What was recorded, read again for those who look at decisions; it changes nothing.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::batch::parts::Part;
use super::export::each_event;
use super::ranges::Histogram;
use super::{Tell, UpkeepError, view};
use crate::domain::event::Event;
use crate::domain::ids::KeyId;
use crate::storage::journal::View;

/// The events of a ledger that no service has open; held, nobody else opens it.
pub struct Recorded {
    view: View,
}

impl Recorded {
    /// Takes the journal of a ledger.
    ///
    /// # Errors
    /// It cannot be read, or another process has it open.
    pub fn open(folder: &Path) -> Result<Self, UpkeepError> {
        Ok(Self { view: view(folder)? })
    }

    /// Hands on every event in the order in which it was recorded.
    ///
    /// # Errors
    /// The journal is damaged.
    pub fn each_event(
        &self,
        task: &'static str,
        tell: &mut Tell<'_>,
        each: &mut dyn FnMut(Event),
    ) -> Result<(), UpkeepError> {
        let mut unreadable = None;
        each_event(self.view.reader(), task, tell, &mut |_, part| match part.event() {
            Ok(event) => each(event),
            Err(error) => unreadable = Some(error),
        })?;
        unreadable.map_or(Ok(()), |error| Err(UpkeepError::Seal(error)))
    }

    /// Hands on the events of one key after the other, in the order of their versions.
    ///
    /// # Errors
    /// The journal is damaged, or `each` finds that it is.
    pub fn each_history(
        &self,
        tell: &mut Tell<'_>,
        each: &mut dyn FnMut(&[Event]) -> Result<(), UpkeepError>,
    ) -> Result<(), UpkeepError> {
        let mut histogram = Histogram::new();
        let reader = self.view.reader();
        each_event(reader, "measuring", tell, &mut |key, part| histogram.add(key, &part))?;
        for range in histogram.ranges() {
            let mut keys: BTreeMap<KeyId, Vec<Part>> = BTreeMap::new();
            each_event(reader, "reading", tell, &mut |key, part| {
                if range.holds(key) {
                    keys.entry(key).or_default().push(part);
                }
            })?;
            for parts in keys.into_values() {
                let events = parts.iter().map(Part::event).collect::<Result<Vec<_>, _>>();
                each(&events.map_err(UpkeepError::Seal)?)?;
            }
        }
        Ok(())
    }
}
