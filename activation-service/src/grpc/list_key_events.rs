//! ListKeyEvents on the wire: parent, order and page → part of the history, events → response.

use chassis::page_token::Sealer;
use proto::activation::v1 as pb;

use super::fields::{FieldFaults, Fields, Why};
use super::key_event::{Standing, key_event};
use super::names::{self, key_name};
use super::pages::{part, query, token_fault};
use crate::app::{App, AppError, Caller, EventsPage};
use crate::domain::ids::KeyId;
use crate::domain::policy::Rules;
use crate::ports::{Recorded, Span};

/// Most times a page is read again because the key changed while it was read.
const READS_MAX: usize = 8;

/// A part of the history of a key.
pub(super) struct Asked {
    key_id: KeyId,
    span: Span,
    /// `used` and `limit` where the page before ended.
    carried: Option<Standing>,
}

/// A page, and `used` and `limit` where it begins.
pub(super) struct Found {
    page: EventsPage,
    start: Standing,
}

pub(super) fn parse(
    sealer: &Sealer,
    wire: &pb::ListKeyEventsRequest,
) -> Result<Asked, FieldFaults> {
    let mut fields = Fields::default();
    let key_id = names::key(&mut fields, "parent", &wire.parent);
    let descending = match wire.order_by.as_str() {
        "" | "account_version" => Some(false),
        "account_version desc" => Some(true),
        _ => fields.bad(
            "order_by",
            Why::UnknownValue,
            "\"account_version\" and \"account_version desc\" are taken",
        ),
    };
    let query = query_of(&wire.parent, descending.unwrap_or_default());
    let part = part(&mut fields, sealer, &query, wire.page_size, &wire.page_token);
    let (key_id, (descending, part)) = fields.finish(key_id.zip(descending.zip(part)))?;
    let cursor = match part.cursor {
        None => None,
        Some(cursor) => Some(read_cursor(&cursor).ok_or_else(token_fault)?),
    };
    let span = Span { descending, after: cursor.map(|(after, _)| after), most: part.most };
    Ok(Asked { key_id, span, carried: cursor.map(|(_, carried)| carried) })
}

/// Reads the page. Events that change no count do not say what `used` is: it is carried from event
/// to event, and on the first page of the newest events it comes from one that says it, or from the
/// key itself.
pub(super) async fn read(app: &App, caller: &Caller, asked: &Asked) -> Result<Found, AppError> {
    for _ in 0..READS_MAX {
        let page = app.list_key_events(caller, asked.key_id, asked.span).await?;
        let start = match asked.carried {
            Some(carried) => Some(carried),
            None if !asked.span.descending => Some(Standing::default()),
            None => newest(app, caller, asked.key_id, &page.events).await?,
        };
        if let Some(start) = start {
            return Ok(Found { page, start });
        }
    }
    Err(AppError::Contended)
}

pub(super) fn respond(
    rules: &Rules,
    sealer: &Sealer,
    asked: &Asked,
    found: Found,
) -> pb::ListKeyEventsResponse {
    let Found { page, start } = found;
    let Asked { key_id, span, .. } = *asked;
    let mut standing = start;
    let mut events = Vec::with_capacity(page.events.len());
    for recorded in &page.events {
        if !span.descending {
            standing = standing.after(&recorded.event.body);
        }
        events.push(key_event(rules, key_id, recorded, standing));
        if span.descending {
            standing = standing.before(&recorded.event.body);
        }
    }
    let query = query_of(&key_name(key_id), span.descending);
    let next = page.next.map(|next| sealer.seal(&query, &write_cursor(next, standing)));
    pb::ListKeyEventsResponse {
        events,
        next_page_token: next.unwrap_or_default(),
        as_of_sequence: page.as_of_sequence,
    }
}

/// The standing after the newest event; none if the key has changed since the page was read.
async fn newest(
    app: &App,
    caller: &Caller,
    key_id: KeyId,
    newest_first: &[Recorded],
) -> Result<Option<Standing>, AppError> {
    let telling = newest_first.iter().position(|r| Standing::told_by(&r.event.body).is_some());
    if let Some(place) = telling {
        let told = newest_first.iter().take(place + 1).rev();
        return Ok(Some(told.fold(Standing::default(), |s, r| s.after(&r.event.body))));
    }
    let head = app.get_key(caller, key_id).await?.head;
    let same = newest_first.first().is_none_or(|newest| newest.event.version == head.version);
    Ok(same.then_some(Standing { used: head.used, limit: head.terms.limit }))
}

fn query_of(parent: &str, descending: bool) -> Vec<u8> {
    query(&["ListKeyEvents", parent, if descending { "desc" } else { "asc" }])
}

fn write_cursor(after: u64, standing: Standing) -> Vec<u8> {
    let mut cursor = after.to_be_bytes().to_vec();
    cursor.extend(standing.used.to_be_bytes());
    cursor.extend(standing.limit.to_be_bytes());
    cursor
}

fn read_cursor(cursor: &[u8]) -> Option<(u64, Standing)> {
    let (after, rest) = cursor.split_first_chunk::<8>()?;
    let (used, rest) = rest.split_first_chunk::<4>()?;
    let limit = rest.try_into().ok()?;
    let standing = Standing { used: u32::from_be_bytes(*used), limit: u32::from_be_bytes(limit) };
    Some((u64::from_be_bytes(*after), standing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_what_it_writes_and_nothing_else() {
        let standing = Standing { used: 3, limit: 5 };
        let cursor = write_cursor(u64::MAX, standing);
        assert_eq!(read_cursor(&cursor), Some((u64::MAX, standing)));
        assert_eq!(read_cursor(&cursor[..15]), None);
        assert_eq!(read_cursor(&[cursor, vec![0]].concat()), None);
    }
}
