//! Rows and values of the store, read with suspicion: a row that this program would not write is an
//! error.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::domain::enrolment::{Enrolment, Term};
use crate::domain::id::{EnrolmentId, OfferId, PartnerId, ProductId};
use crate::domain::key::{AssignedKey, Delivery, FirstView, KeyTerms, StuckReason, Suspension};
use crate::domain::name::{BenefitName, Handle};
use crate::domain::offer::CountingMode;
use crate::domain::product::Platform;
use crate::ports::{EnrolmentRow, SealedKey, StoreError};

/// An error of the query library: nobody can act on its kind here, so it is one error with its
/// text.
pub(super) fn unavailable(source: sqlx::Error) -> StoreError {
    match source {
        sqlx::Error::Decode(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnNotFound(_) => StoreError::Corrupt(source.to_string()),
        source => StoreError::Unavailable(source.to_string()),
    }
}

/// A value that no row of ours holds; the value itself is left out, for it may be anything.
pub(super) fn corrupt(column: &str) -> StoreError {
    StoreError::Corrupt(format!("column {column}"))
}

pub(super) fn text(row: &SqliteRow, column: &str) -> Result<String, StoreError> {
    row.try_get(column).map_err(unavailable)
}

pub(super) fn int(row: &SqliteRow, column: &str) -> Result<i64, StoreError> {
    row.try_get(column).map_err(unavailable)
}

pub(super) fn int_or_null(row: &SqliteRow, column: &str) -> Result<Option<i64>, StoreError> {
    row.try_get(column).map_err(unavailable)
}

pub(super) fn text_or_null(row: &SqliteRow, column: &str) -> Result<Option<String>, StoreError> {
    row.try_get(column).map_err(unavailable)
}

pub(super) fn flag(row: &SqliteRow, column: &str) -> Result<bool, StoreError> {
    match int(row, column)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(corrupt(column)),
    }
}

pub(super) fn count(row: &SqliteRow, column: &str) -> Result<u64, StoreError> {
    u64::try_from(int(row, column)?).map_err(|_| corrupt(column))
}

fn bytes(row: &SqliteRow, column: &str) -> Result<Vec<u8>, StoreError> {
    hex::decode(text(row, column)?).map_err(|_| corrupt(column))
}

/// A count as the store keeps it; beyond what it can hold is beyond any real count.
pub(super) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn partner(row: &SqliteRow) -> Result<PartnerId, StoreError> {
    PartnerId::parse(&text(row, "partner")?).map_err(|_| corrupt("partner"))
}

pub(super) fn handle(row: &SqliteRow, column: &str) -> Result<Handle, StoreError> {
    Handle::parse(&text(row, column)?).map_err(|_| corrupt(column))
}

pub(super) fn benefit(row: &SqliteRow) -> Result<BenefitName, StoreError> {
    Ok(BenefitName {
        partner: partner(row)?,
        enrolment: EnrolmentId::parse(&text(row, "enrolment")?)
            .map_err(|_| corrupt("enrolment"))?,
        product: ProductId::parse(&text(row, "product")?).map_err(|_| corrupt("product"))?,
    })
}

pub(super) fn enrolment(row: &SqliteRow) -> Result<EnrolmentRow, StoreError> {
    Ok(EnrolmentRow {
        partner: partner(row)?,
        enrolment: Enrolment {
            id: EnrolmentId::parse(&text(row, "enrolment")?).map_err(|_| corrupt("enrolment"))?,
            offer: OfferId::parse(&text(row, "offer")?).map_err(|_| corrupt("offer"))?,
            term: Term {
                start_ms: int(row, "start_ms")?,
                end_ms: int(row, "end_ms")?,
                provisioned: flag(row, "provisioned")?,
            },
        },
        keys_suspended: flag(row, "keys_suspended")?,
        next_change_ms: int_or_null(row, "next_change_ms")?,
        revision: count(row, "revision")?,
    })
}

pub(super) fn sealed(row: &SqliteRow) -> Result<SealedKey, StoreError> {
    Ok(SealedKey {
        encryption_key_id: text(row, "encryption_key_id")?,
        nonce: bytes(row, "nonce")?,
        ciphertext: bytes(row, "ciphertext")?,
    })
}

pub(super) fn terms(row: &SqliteRow) -> Result<KeyTerms, StoreError> {
    let platforms = text(row, "platforms")?;
    let platforms = platforms.split(',').filter(|name| !name.is_empty());
    Ok(KeyTerms {
        limit: u32::try_from(int(row, "activation_limit")?)
            .map_err(|_| corrupt("activation_limit"))?,
        counting_mode: CountingMode::parse(&text(row, "counting_mode")?)
            .ok_or_else(|| corrupt("counting_mode"))?,
        platforms: platforms
            .map(|name| Platform::parse(name).ok_or_else(|| corrupt("platforms")))
            .collect::<Result<_, _>>()?,
        operator_handle_allowed: flag(row, "operator_handle")?,
        help_uri: text(row, "help_uri")?,
    })
}

pub(super) fn platforms_text(platforms: &[Platform]) -> String {
    platforms.iter().map(|platform| platform.as_str()).collect::<Vec<_>>().join(",")
}

/// The delivery of a row joined with the outbox; none if the key is never registered.
pub(super) fn delivery(row: &SqliteRow) -> Result<Option<Delivery>, StoreError> {
    if int_or_null(row, "wanted_generation")?.is_none() {
        return Ok(None);
    }
    let wanted = Suspension {
        suspended: flag(row, "wanted_suspended")?,
        generation: count(row, "wanted_generation")?,
    };
    let known = Suspension {
        suspended: flag(row, "known_suspended")?,
        generation: count(row, "known_generation")?,
    };
    let stuck = match text_or_null(row, "stuck")? {
        None => None,
        Some(name) => Some(StuckReason::parse(&name).ok_or_else(|| corrupt("stuck"))?),
    };
    Ok(Some(Delivery { wanted, known: (known.generation > 0).then_some(known), stuck }))
}

pub(super) fn assigned_key(row: &SqliteRow) -> Result<AssignedKey, StoreError> {
    let first_view =
        match (int_or_null(row, "first_viewed_ms")?, text_or_null(row, "first_viewed_by")?) {
            (Some(at_ms), Some(by)) => Some(FirstView { at_ms, by }),
            (None, None) => None,
            _ => return Err(corrupt("first_viewed_by")),
        };
    Ok(AssignedKey {
        key_id: handle(row, "key_id")?,
        benefit: benefit(row)?,
        delivery: delivery(row)?,
        first_view,
    })
}
