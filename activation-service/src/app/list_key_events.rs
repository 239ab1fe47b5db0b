//! ListKeyEvents: the recorded history of a key, paged, without scanning anything else.

use super::{App, AppError, Caller};
use crate::domain::ids::KeyId;
use crate::ports::{Recorded, Span};

/// A page of the history.
#[derive(Clone, Debug)]
pub struct EventsPage {
    /// The events.
    pub events: Vec<Recorded>,
    /// Version of the last event shown, if there are more.
    pub next: Option<u64>,
    /// The position that the answer contains.
    pub as_of_sequence: u64,
}

impl App {
    /// A part of the history of a key that the caller may see.
    pub async fn list_key_events(
        &self,
        caller: &Caller,
        key_id: KeyId,
        span: Span,
    ) -> Result<EventsPage, AppError> {
        self.visible(caller, key_id).await?;
        let one_more = Span { most: span.most.saturating_add(1), ..span };
        let (mut events, as_of_sequence) = self.ledger.events(key_id, one_more).await?;
        let more = events.len() > span.most;
        events.truncate(span.most);
        let next = events.last().filter(|_| more).map(|last| last.event.version);
        Ok(EventsPage { events, next, as_of_sequence })
    }
}
