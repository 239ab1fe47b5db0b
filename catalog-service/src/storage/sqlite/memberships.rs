//! Partners and enrolments in SQLite.

use async_trait::async_trait;
use sqlx::{Sqlite, Transaction};

use super::SqliteStore;
use super::row::{self, unavailable};
use crate::domain::enrolment::RENEWAL_GRACE_MS;
use crate::domain::id::PartnerId;
use crate::domain::name::EnrolmentName;
use crate::ports::{EnrolmentRow, Memberships, PartnerRow, PutOutcome, StoreError};

const PUT_PARTNER: &str = "INSERT INTO partners (partner, display_name, created_ms, updated_ms) \
     VALUES ($1, $2, $3, $3) ON CONFLICT (partner) \
     DO UPDATE SET display_name = excluded.display_name, updated_ms = excluded.updated_ms";

const INSERT_ENROLMENT: &str = "INSERT INTO enrolments (partner, enrolment, offer, start_ms, \
     end_ms, provisioned, keys_suspended, next_change_ms, revision, updated_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9) ON CONFLICT (partner, enrolment) DO NOTHING";

const UPDATE_ENROLMENT: &str = "UPDATE enrolments SET offer = $3, start_ms = $4, end_ms = $5, \
     provisioned = $6, keys_suspended = $7, next_change_ms = $8, revision = revision + 1, \
     updated_ms = $9 WHERE partner = $1 AND enrolment = $2 AND revision = $10";

// A new generation makes the row due at once; since when it waits stays what it was. What was
// refused of a registered key was an older wish.
const TELL_KEYS: &str = "UPDATE outbox SET wanted_suspended = $3, \
     wanted_generation = wanted_generation + 1, attempts = 0, next_attempt_ms = $4, \
     unsent_since_ms = COALESCE(unsent_since_ms, $4), \
     stuck = CASE WHEN known_generation > 0 THEN NULL ELSE stuck END \
     WHERE wanted_suspended <> $3 AND key_id IN \
     (SELECT key_id FROM product_keys WHERE partner = $1 AND enrolment = $2)";

const DUE_ENROLMENTS: &str = "SELECT * FROM enrolments \
     WHERE next_change_ms <= $1 OR (keys_suspended = 1 AND end_ms > $2) \
     ORDER BY next_change_ms, partner, enrolment LIMIT $3";

#[async_trait]
impl Memberships for SqliteStore {
    async fn partner(&self, id: &PartnerId) -> Result<Option<PartnerRow>, StoreError> {
        let found = sqlx::query("SELECT partner, display_name FROM partners WHERE partner = $1")
            .bind(id.as_str())
            .fetch_optional(&self.readers)
            .await
            .map_err(unavailable)?;
        let Some(found) = found else { return Ok(None) };
        Ok(Some(PartnerRow {
            id: row::partner(&found)?,
            display_name: row::text(&found, "display_name")?,
        }))
    }

    async fn put_partner(&self, partner: &PartnerRow, now_ms: i64) -> Result<(), StoreError> {
        sqlx::query(PUT_PARTNER)
            .bind(partner.id.as_str())
            .bind(&partner.display_name)
            .bind(now_ms)
            .execute(&self.writer)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn enrolments(&self, partner: &PartnerId) -> Result<Vec<EnrolmentRow>, StoreError> {
        sqlx::query("SELECT * FROM enrolments WHERE partner = $1 ORDER BY enrolment")
            .bind(partner.as_str())
            .fetch_all(&self.readers)
            .await
            .map_err(unavailable)?
            .iter()
            .map(row::enrolment)
            .collect()
    }

    async fn enrolment(&self, name: &EnrolmentName) -> Result<Option<EnrolmentRow>, StoreError> {
        sqlx::query("SELECT * FROM enrolments WHERE partner = $1 AND enrolment = $2")
            .bind(name.partner.as_str())
            .bind(name.enrolment.as_str())
            .fetch_optional(&self.readers)
            .await
            .map_err(unavailable)?
            .as_ref()
            .map(row::enrolment)
            .transpose()
    }

    async fn put_enrolment(
        &self,
        put: &EnrolmentRow,
        now_ms: i64,
    ) -> Result<PutOutcome, StoreError> {
        let mut transaction = self.begin().await?;
        if write_enrolment(&mut transaction, put, now_ms).await? == PutOutcome::Stale {
            transaction.rollback().await.map_err(unavailable)?;
            return Ok(PutOutcome::Stale);
        }
        sqlx::query(TELL_KEYS)
            .bind(put.partner.as_str())
            .bind(put.enrolment.id.as_str())
            .bind(i64::from(put.keys_suspended))
            .bind(now_ms)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(PutOutcome::Stored)
    }

    async fn due_enrolments(
        &self,
        now_ms: i64,
        limit: u32,
    ) -> Result<Vec<EnrolmentRow>, StoreError> {
        sqlx::query(DUE_ENROLMENTS)
            .bind(now_ms)
            .bind(now_ms.saturating_sub(RENEWAL_GRACE_MS))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(unavailable)?
            .iter()
            .map(row::enrolment)
            .collect()
    }

    async fn next_change_ms(&self) -> Result<Option<i64>, StoreError> {
        sqlx::query_scalar("SELECT MIN(next_change_ms) FROM enrolments")
            .fetch_one(&self.readers)
            .await
            .map_err(unavailable)
    }
}

async fn write_enrolment(
    transaction: &mut Transaction<'static, Sqlite>,
    put: &EnrolmentRow,
    now_ms: i64,
) -> Result<PutOutcome, StoreError> {
    let known = put.revision > 0;
    let query = sqlx::query(if known { UPDATE_ENROLMENT } else { INSERT_ENROLMENT })
        .bind(put.partner.as_str())
        .bind(put.enrolment.id.as_str())
        .bind(put.enrolment.offer.as_str())
        .bind(put.enrolment.term.start_ms)
        .bind(put.enrolment.term.end_ms)
        .bind(i64::from(put.enrolment.term.provisioned))
        .bind(i64::from(put.keys_suspended))
        .bind(put.next_change_ms)
        .bind(now_ms);
    let query = if known { query.bind(row::stored(put.revision)) } else { query };
    let done = query.execute(&mut **transaction).await.map_err(unavailable)?;
    Ok(if done.rows_affected() == 1 { PutOutcome::Stored } else { PutOutcome::Stale })
}
