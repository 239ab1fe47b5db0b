//! Reads the fields of a message and collects every one that cannot be, so that a caller sees all
//! of them at once.

use std::fmt::Display;

use chassis::page_token::Sealer;
use prost_types::Timestamp;
use proto::catalog::v1 as pb;

use super::call::Call;
use crate::app::{AppError, Cursor, PageRequest};
use crate::domain::error::{BadField, Refusal};
use crate::domain::language::LanguageTag;
use crate::domain::name::Handle;
use crate::domain::page;
use crate::domain::product::Platform;
use crate::ports::RevealCursor;

/// Bytes of a content fingerprint at the front of a cursor.
const FINGERPRINT_BYTES: usize = 32;
/// Bytes of a time at the front of a cursor.
const TIME_BYTES: usize = 8;
/// Most characters of a choice such as a version.
const CHOICE_CHARS_MAX: usize = 64;
/// The first second and the last of the years that a timestamp may have: 0001 to 9999.
const SECONDS_RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Collects the bad fields of one message.
#[derive(Default)]
pub(super) struct Shape {
    faults: Vec<BadField>,
}

impl Shape {
    /// Names a field that cannot be.
    pub(super) fn fault(&mut self, field: impl Into<String>, description: impl Display) {
        self.faults.push(BadField::new(field, description.to_string()));
    }

    /// The value, or its error as a bad field.
    pub(super) fn take<T, E: Display>(
        &mut self,
        field: impl Into<String>,
        value: Result<T, E>,
    ) -> Option<T> {
        value.map_err(|error| self.fault(field, error)).ok()
    }

    /// Whether every field could be read.
    pub(super) fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// The refusal that names the bad fields.
    pub(super) fn refusal(self) -> AppError {
        Refusal::FieldInvalid(self.faults).into()
    }

    /// The language of texts: that of the message, else the accepted one.
    pub(super) fn language(&mut self, code: &str, call: &Call) -> Option<LanguageTag> {
        if code.is_empty() {
            return Some(call.accepted_language());
        }
        self.take("language_code", LanguageTag::parse(code))
    }

    /// A platform; none if it is unspecified.
    pub(super) fn platform(&mut self, number: i32) -> Option<Option<Platform>> {
        match pb::Platform::try_from(number) {
            Ok(pb::Platform::Unspecified) => Some(None),
            Ok(pb::Platform::Windows) => Some(Some(Platform::Windows)),
            Ok(pb::Platform::Macos) => Some(Some(Platform::Macos)),
            Ok(pb::Platform::Linux) => Some(Some(Platform::Linux)),
            Err(_) => {
                self.fault("platform", format!("{number} is no platform"));
                None
            }
        }
    }

    /// A choice such as a version: short text without control characters; empty if it is left to
    /// us.
    pub(super) fn choice(&mut self, field: &str, text: String) -> Option<String> {
        if text.chars().count() > CHOICE_CHARS_MAX {
            self.fault(field, format!("at most {CHOICE_CHARS_MAX} characters"));
            return None;
        }
        if text.chars().any(char::is_control) {
            self.fault(field, "no control characters");
            return None;
        }
        Some(text)
    }

    /// A time in milliseconds; it must be there.
    pub(super) fn time_ms(&mut self, field: &str, time: Option<Timestamp>) -> Option<i64> {
        let Some(time) = time else {
            self.fault(field, "is required");
            return None;
        };
        if !SECONDS_RANGE.contains(&time.seconds) || !(0..1_000_000_000).contains(&time.nanos) {
            self.fault(field, "must lie in the years 0001 to 9999");
            return None;
        }
        Some(time.seconds.saturating_mul(1000).saturating_add(i64::from(time.nanos / 1_000_000)))
    }

    /// The page of a list of one content.
    pub(super) fn page(&mut self, wanted: &Wanted<'_>, sealer: &Sealer) -> Option<PageRequest> {
        let (size, after) = self.page_after(wanted, sealer, content_cursor)?;
        Some(PageRequest { size, after })
    }

    /// The page of a list of reveals.
    pub(super) fn reveal_page(
        &mut self,
        wanted: &Wanted<'_>,
        sealer: &Sealer,
    ) -> Option<(usize, Option<RevealCursor>)> {
        self.page_after(wanted, sealer, time_cursor)
    }

    /// The size of a page, and the place after which it begins, read as its list writes it.
    fn page_after<C>(
        &mut self,
        wanted: &Wanted<'_>,
        sealer: &Sealer,
        read: fn(&[u8]) -> Option<C>,
    ) -> Option<(usize, Option<C>)> {
        let size = self.take("page_size", page::page_size(wanted.size));
        let Some(bytes) = self.cursor(wanted, sealer)? else { return Some((size?, None)) };
        let after = read(&bytes).ok_or("is not a token of this list");
        let after = self.take("page_token", after)?;
        Some((size?, Some(after)))
    }

    /// The bytes of the token: none within for the first page.
    fn cursor(&mut self, wanted: &Wanted<'_>, sealer: &Sealer) -> Option<Option<Vec<u8>>> {
        if wanted.token.is_empty() {
            return Some(None);
        }
        self.take("page_token", sealer.open(&wanted.fingerprint(), wanted.token)).map(Some)
    }
}

/// What a message says of the page, and all fields that must stay as they were from page to page.
pub(super) struct Wanted<'a> {
    pub(super) size: i32,
    pub(super) token: &'a str,
    pub(super) query: &'a [&'a str],
}

impl Wanted<'_> {
    /// The query, each field preceded by its length so that no two queries give the same bytes.
    fn fingerprint(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for field in self.query {
            bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
            bytes.extend_from_slice(field.as_bytes());
        }
        bytes
    }

    /// The token of the next page of a list of one content.
    pub(super) fn next(&self, sealer: &Sealer, cursor: Option<&Cursor>) -> String {
        cursor.map_or_else(String::new, |cursor| {
            let bytes = [cursor.content.as_slice(), cursor.last_id.as_bytes()].concat();
            sealer.seal(&self.fingerprint(), &bytes)
        })
    }

    /// The token of the next page of a list of reveals.
    pub(super) fn next_reveal(&self, sealer: &Sealer, cursor: Option<&RevealCursor>) -> String {
        cursor.map_or_else(String::new, |cursor| {
            let time = cursor.at_ms.to_be_bytes();
            let bytes = [time.as_slice(), cursor.id.as_str().as_bytes()].concat();
            sealer.seal(&self.fingerprint(), &bytes)
        })
    }
}

fn content_cursor(bytes: &[u8]) -> Option<Cursor> {
    let (content, last_id) = bytes.split_first_chunk::<FINGERPRINT_BYTES>()?;
    let last_id = std::str::from_utf8(last_id).ok()?.to_owned();
    Some(Cursor { content: *content, last_id })
}

fn time_cursor(bytes: &[u8]) -> Option<RevealCursor> {
    let (time, id) = bytes.split_first_chunk::<TIME_BYTES>()?;
    let id = Handle::parse(std::str::from_utf8(id).ok()?).ok()?;
    Some(RevealCursor { at_ms: i64::from_be_bytes(*time), id })
}
