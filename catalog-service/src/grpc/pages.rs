//! Pages of benefits as bytes, written once and shown as long as they hold.
//!
//! Only the use of keys is written each time: it belongs to the activation service and is never
//! kept. What a page rests on besides is in its stamp, and a page whose stamp does not hold is made
//! anew (ARCHITECTURE.md).

use std::hash::{BuildHasher as _, RandomState};
use std::mem::size_of;
use std::sync::Arc;

use bytes::{BufMut, Bytes};
use chassis::status::Language;
use moka::sync::Cache;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use proto::catalog::v1 as pb;
use tokio::sync::{Mutex, MutexGuard};
use tonic::Status;

use super::message;
use crate::app::moment::Stamp;
use crate::app::view::UsageOfKeys;
use crate::domain::id::PartnerId;
use crate::domain::name::Handle;

/// Most bytes of pages that are kept: the pages of some two thousand readers.
const BYTES_MAX: u64 = 32 * 1024 * 1024;
/// What an entry takes beside its texts, roughly.
const ENTRY_BYTES: usize = 4 * size_of::<(PageKey, ShownPage)>();
/// Pages that can be made at once.
const TURNS: usize = 64;
/// `ListBenefitsResponse.benefits`.
const BENEFITS: u32 = 1;
/// `Benefit.usage`.
const USAGE: u32 = 21;
/// More than the use of a key ever takes.
const USAGE_BYTES_MAX: usize = 64;

/// What a page is kept under: the whole request, and the language of the caller if the request
/// names none.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct PageKey {
    pub(super) request: pb::ListBenefitsRequest,
    accepted: Option<&'static str>,
}

/// A page as it is shown to everybody who may see it.
#[derive(Debug)]
pub(super) struct ShownPage {
    /// Whose it is.
    pub(super) partner: PartnerId,
    /// How long it holds.
    pub(super) stamp: Stamp,
    /// The keys whose use is written into it, in the order of the rows.
    pub(super) counted: Arc<[Handle]>,
    rows: Vec<Row>,
    rest: Bytes,
    text_bytes: usize,
}

/// A row, cut where the use of its key goes.
#[derive(Debug)]
struct Row {
    head: Bytes,
    tail: Bytes,
    key: Option<Handle>,
}

/// A page with the use of its keys.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) page: Arc<ShownPage>,
    pub(super) usage: UsageOfKeys,
}

/// The pages that were made lately.
pub(super) struct Pages {
    kept: Cache<PageKey, Arc<ShownPage>>,
    places: RandomState,
    turns: Box<[Mutex<()>]>,
}

impl PageKey {
    pub(super) fn of(request: pb::ListBenefitsRequest, language: Language) -> Self {
        let accepted = request.language_code.is_empty().then(|| language.tag());
        Self { request, accepted }
    }
}

impl Default for Pages {
    fn default() -> Self {
        let weight = |key: &PageKey, page: &Arc<ShownPage>| {
            let bytes = key.request.encoded_len() + page.text_bytes + ENTRY_BYTES;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self {
            kept: Cache::builder().weigher(weight).max_capacity(BYTES_MAX).build(),
            places: RandomState::new(),
            turns: (0..TURNS).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Pages {
    /// The page that was made last for this, whether it holds or not.
    pub(super) fn get(&self, key: &PageKey) -> Option<Arc<ShownPage>> {
        self.kept.get(key)
    }

    /// Keeps a page in place of an older one.
    pub(super) fn keep(&self, key: PageKey, page: Arc<ShownPage>) {
        self.kept.insert(key, page);
    }

    /// Waits for the turn to make this page. A page has one place, which some others share.
    pub(super) async fn turn(&self, key: &PageKey) -> Option<MutexGuard<'_, ()>> {
        let place = self.places.hash_one(key) % self.turns.len().max(1) as u64;
        Some(self.turns.get(usize::try_from(place).ok()?)?.lock().await)
    }
}

impl ShownPage {
    /// Writes the page. Rows whose use is asked for are those that bring a time of asking.
    pub(super) fn new(
        partner: PartnerId,
        stamp: Stamp,
        counted: Arc<[Handle]>,
        mut answer: pb::ListBenefitsResponse,
    ) -> Self {
        let mut keys = counted.iter();
        let rows: Vec<Row> = std::mem::take(&mut answer.benefits)
            .into_iter()
            .map(|mut row| {
                let open = row.usage.is_some_and(|usage| usage.as_of_time.is_some());
                if open {
                    row.usage = None;
                }
                let language_code = std::mem::take(&mut row.language_code);
                let tail = pb::Benefit { language_code, ..pb::Benefit::default() };
                Row {
                    head: row.encode_to_vec().into(),
                    tail: tail.encode_to_vec().into(),
                    key: if open { keys.next().cloned() } else { None },
                }
            })
            .collect();
        let rest: Bytes = answer.encode_to_vec().into();
        let row_bytes = |row: &Row| size_of::<Row>() + row.head.len() + row.tail.len();
        let text_bytes = rows.iter().map(row_bytes).sum::<usize>() + rest.len();
        Self { partner, stamp, counted, rows, rest, text_bytes }
    }
}

impl Listed {
    /// More bytes than the message takes, mostly by little.
    pub(super) fn bytes_max(&self) -> usize {
        self.page.text_bytes + self.page.rows.len() * USAGE_BYTES_MAX
    }

    /// The message.
    pub(super) fn message(&self) -> Result<pb::ListBenefitsResponse, Status> {
        let mut bytes = Vec::with_capacity(self.bytes_max());
        self.encode(&mut bytes);
        let read = pb::ListBenefitsResponse::decode(bytes.as_slice());
        read.map_err(|error| Status::internal(error.to_string()))
    }

    /// Writes the message, field for field as the generated code would.
    pub(super) fn encode(&self, into: &mut impl BufMut) {
        for row in &self.page.rows {
            let usage = row.key.as_ref().map(|key| message::usage(self.usage.of(key)));
            let usage = usage.map(|usage| (usage.encoded_len(), usage));
            let field = |bytes: usize| key_len(USAGE) + encoded_len_varint(bytes as u64) + bytes;
            let usage_bytes = usage.as_ref().map_or(0, |(bytes, _)| field(*bytes));
            let row_bytes = row.head.len() + usage_bytes + row.tail.len();
            encode_key(BENEFITS, WireType::LengthDelimited, into);
            encode_varint(row_bytes as u64, into);
            into.put_slice(&row.head);
            if let Some((bytes, usage)) = usage {
                encode_key(USAGE, WireType::LengthDelimited, into);
                encode_varint(bytes as u64, into);
                usage.encode_raw(into);
            }
            into.put_slice(&row.tail);
        }
        into.put_slice(&self.page.rest);
    }
}

#[cfg(test)]
mod tests;
