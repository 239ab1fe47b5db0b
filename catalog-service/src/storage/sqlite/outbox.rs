//! The outbox in SQLite: one row a key, the latest state that the activation service should know.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::row::{self, unavailable};
use crate::domain::key::{StuckReason, Suspension};
use crate::domain::name::Handle;
use crate::ports::{Outbox, OutboxStats, StoreError, Undelivered};

const DUE: &str = "SELECT k.*, o.wanted_generation, o.wanted_suspended, o.known_generation, \
     o.known_suspended, o.attempts, o.stuck FROM outbox o \
     JOIN product_keys k ON k.key_id = o.key_id \
     WHERE o.unsent_since_ms IS NOT NULL AND o.stuck IS NULL \
     AND (o.next_attempt_ms <= $1 OR o.next_attempt_ms > $2) \
     ORDER BY o.next_attempt_ms, o.key_id LIMIT $3";

// Only a row that still wants what is known now stops waiting; an older answer never overwrites a
// newer one.
const KNOWN: &str = "UPDATE outbox SET known_generation = $2, known_suspended = $3, attempts = 0, \
     stuck = NULL, unsent_since_ms = CASE WHEN wanted_generation = $2 THEN NULL \
     ELSE unsent_since_ms END WHERE key_id = $1 AND known_generation <= $2";

const POSTPONE: &str = "UPDATE outbox SET attempts = attempts + 1, next_attempt_ms = $2 \
     WHERE key_id = $1";

const STUCK: &str = "UPDATE outbox SET stuck = $2 WHERE key_id = $1";

const FORGET: &str = "UPDATE outbox SET known_generation = 0, known_suspended = 0, \
     next_attempt_ms = $2, unsent_since_ms = COALESCE(unsent_since_ms, $2) WHERE key_id = $1";

const OVERTAKE: &str = "UPDATE outbox SET wanted_generation = $2 + 1, next_attempt_ms = $3, \
     unsent_since_ms = COALESCE(unsent_since_ms, $3) \
     WHERE key_id = $1 AND wanted_generation <= $2";

const STATS: &str = "SELECT \
     COALESCE(SUM(CASE WHEN stuck IS NULL THEN 1 ELSE 0 END), 0) AS pending, \
     COALESCE(SUM(CASE WHEN stuck IS NULL THEN 0 ELSE 1 END), 0) AS stuck, \
     MIN(unsent_since_ms) AS oldest_ms, \
     MIN(CASE WHEN stuck IS NULL THEN next_attempt_ms END) AS next_ms \
     FROM outbox WHERE unsent_since_ms IS NOT NULL";

#[async_trait]
impl Outbox for SqliteStore {
    async fn due(
        &self,
        now_ms: i64,
        horizon_ms: i64,
        limit: u32,
    ) -> Result<Vec<Undelivered>, StoreError> {
        sqlx::query(DUE)
            .bind(now_ms)
            .bind(horizon_ms)
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(unavailable)?
            .iter()
            .map(undelivered)
            .collect()
    }

    async fn known(&self, key_id: &Handle, known: Suspension) -> Result<(), StoreError> {
        sqlx::query(KNOWN)
            .bind(key_id.as_str())
            .bind(row::stored(known.generation))
            .bind(i64::from(known.suspended))
            .execute(&self.writer)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn postpone(&self, retries: &[(Handle, i64)]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for (key_id, at_ms) in retries {
            sqlx::query(POSTPONE)
                .bind(key_id.as_str())
                .bind(*at_ms)
                .execute(&mut *transaction)
                .await
                .map_err(unavailable)?;
        }
        transaction.commit().await.map_err(unavailable)
    }

    async fn stuck(&self, key_id: &Handle, reason: StuckReason) -> Result<(), StoreError> {
        sqlx::query(STUCK)
            .bind(key_id.as_str())
            .bind(reason.as_str())
            .execute(&self.writer)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn forget(&self, key_id: &Handle, now_ms: i64) -> Result<(), StoreError> {
        sqlx::query(FORGET)
            .bind(key_id.as_str())
            .bind(now_ms)
            .execute(&self.writer)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn overtake(
        &self,
        key_id: &Handle,
        generation: u64,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(OVERTAKE)
            .bind(key_id.as_str())
            .bind(row::stored(generation))
            .bind(now_ms)
            .execute(&self.writer)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn stats(&self) -> Result<OutboxStats, StoreError> {
        let found = sqlx::query(STATS).fetch_one(&self.readers).await.map_err(unavailable)?;
        Ok(OutboxStats {
            pending: row::count(&found, "pending")?,
            stuck: row::count(&found, "stuck")?,
            oldest_unsent_ms: row::int_or_null(&found, "oldest_ms")?,
            next_attempt_ms: row::int_or_null(&found, "next_ms")?,
        })
    }
}

fn undelivered(found: &SqliteRow) -> Result<Undelivered, StoreError> {
    let delivery = row::delivery(found)?.ok_or_else(|| row::corrupt("wanted_generation"))?;
    Ok(Undelivered {
        key_id: row::handle(found, "key_id")?,
        benefit: row::benefit(found)?,
        sealed: row::sealed(found)?,
        terms: row::terms(found)?,
        wanted: delivery.wanted,
        registered: delivery.known.is_some(),
        attempts: u32::try_from(row::count(found, "attempts")?).unwrap_or(u32::MAX),
    })
}
