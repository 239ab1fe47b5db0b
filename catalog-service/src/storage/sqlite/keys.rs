//! Product keys and their reveals in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Sqlite, Transaction};

use super::SqliteStore;
use super::row::{self, unavailable};
use crate::domain::id::PartnerId;
use crate::domain::key::{AssignedKey, Reveal};
use crate::domain::name::BenefitName;
use crate::ports::{Keys, NewKey, NewReveal, RecordOutcome, RevealCursor, SealedKey, StoreError};

// Only what is needed of each: a list has many, and every value of a row crosses a thread.
const KEYS_OF: &str = "SELECT k.key_id, k.partner, k.enrolment, k.product, k.first_viewed_ms, \
     k.first_viewed_by, o.wanted_generation, o.wanted_suspended, o.known_generation, \
     o.known_suspended, o.stuck FROM product_keys k LEFT JOIN outbox o ON o.key_id = k.key_id \
     WHERE k.partner = $1";

const KEY_FOR: &str = "SELECT k.*, o.wanted_generation, o.wanted_suspended, o.known_generation, \
     o.known_suspended, o.stuck FROM product_keys k LEFT JOIN outbox o ON o.key_id = k.key_id \
     WHERE k.partner = $1 AND k.enrolment = $2 AND k.product = $3";

const KEY_OF_ID: &str = "SELECT k.*, o.wanted_generation, o.wanted_suspended, o.known_generation, \
     o.known_suspended, o.stuck FROM product_keys k LEFT JOIN outbox o ON o.key_id = k.key_id \
     WHERE k.key_id = $1";

const INSERT_KEY: &str = "INSERT INTO product_keys (key_id, partner, enrolment, product, \
     encryption_key_id, nonce, ciphertext, digest, issued, activation_limit, counting_mode, \
     platforms, operator_handle, help_uri, created_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";

// The suspension is read in the same transaction, so an enrolment that ends meanwhile is not
// missed.
const INSERT_OUTBOX: &str = "INSERT INTO outbox (key_id, wanted_generation, wanted_suspended, \
     known_generation, known_suspended, attempts, next_attempt_ms, unsent_since_ms) \
     SELECT $1, 1, keys_suspended, 0, 0, 0, $4, $4 FROM enrolments \
     WHERE partner = $2 AND enrolment = $3";

const RETRY_STUCK: &str = "UPDATE outbox SET stuck = NULL, attempts = 0, next_attempt_ms = $2 \
     WHERE key_id = $1 AND stuck IS NOT NULL";

const FIRST_VIEW: &str = "UPDATE product_keys SET first_viewed_ms = $2, first_viewed_by = $3 \
     WHERE key_id = $1 AND first_viewed_ms IS NULL";

const INSERT_REVEAL: &str = "INSERT INTO reveals (reveal, partner, enrolment, product, key_id, \
     subject, revealed_ms, first) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const REVEALS: &str = "SELECT * FROM reveals WHERE partner = $1 \
     AND (revealed_ms < $2 OR (revealed_ms = $2 AND reveal < $3)) \
     ORDER BY revealed_ms DESC, reveal DESC LIMIT $4";

#[async_trait]
impl Keys for SqliteStore {
    async fn keys_of(&self, partner: &PartnerId) -> Result<Vec<AssignedKey>, StoreError> {
        sqlx::query(KEYS_OF)
            .bind(partner.as_str())
            .fetch_all(&self.readers)
            .await
            .map_err(unavailable)?
            .iter()
            .map(row::assigned_key)
            .collect()
    }

    async fn key_for(
        &self,
        benefit: &BenefitName,
    ) -> Result<Option<(AssignedKey, SealedKey)>, StoreError> {
        let found = of_benefit(benefit).fetch_optional(&self.readers).await.map_err(unavailable)?;
        let Some(found) = found else { return Ok(None) };
        Ok(Some((row::assigned_key(&found)?, row::sealed(&found)?)))
    }

    async fn record_keys(
        &self,
        keys: &[NewKey],
        now_ms: i64,
        commit: bool,
    ) -> Result<Vec<RecordOutcome>, StoreError> {
        let mut transaction = self.begin().await?;
        let mut outcomes = Vec::with_capacity(keys.len());
        for key in keys {
            outcomes.push(record_key(&mut transaction, key, now_ms).await?);
        }
        if commit && !outcomes.contains(&RecordOutcome::Taken) {
            transaction.commit().await.map_err(unavailable)?;
        } else {
            transaction.rollback().await.map_err(unavailable)?;
        }
        Ok(outcomes)
    }

    async fn record_reveal(&self, reveal: &NewReveal) -> Result<Option<AssignedKey>, StoreError> {
        let mut transaction = self.begin().await?;
        let first = sqlx::query(FIRST_VIEW)
            .bind(reveal.key_id.as_str())
            .bind(reveal.at_ms)
            .bind(&reveal.subject)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?
            .rows_affected();
        let found = sqlx::query(KEY_OF_ID)
            .bind(reveal.key_id.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(unavailable)?;
        let Some(found) = found else {
            transaction.rollback().await.map_err(unavailable)?;
            return Ok(None);
        };
        sqlx::query(INSERT_REVEAL)
            .bind(reveal.id.as_str())
            .bind(reveal.benefit.partner.as_str())
            .bind(reveal.benefit.enrolment.as_str())
            .bind(reveal.benefit.product.as_str())
            .bind(reveal.key_id.as_str())
            .bind(&reveal.subject)
            .bind(reveal.at_ms)
            .bind(i64::from(first == 1))
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        row::assigned_key(&found).map(Some)
    }

    async fn reveals(
        &self,
        partner: &PartnerId,
        after: Option<&RevealCursor>,
        limit: u32,
    ) -> Result<Vec<Reveal>, StoreError> {
        sqlx::query(REVEALS)
            .bind(partner.as_str())
            .bind(after.map_or(i64::MAX, |cursor| cursor.at_ms))
            .bind(after.map_or("", |cursor| cursor.id.as_str()))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(unavailable)?
            .iter()
            .map(reveal_of)
            .collect()
    }

    async fn encryption_key_ids(&self) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar("SELECT DISTINCT encryption_key_id FROM product_keys")
            .fetch_all(&self.readers)
            .await
            .map_err(unavailable)
    }
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>;

fn of_benefit(benefit: &BenefitName) -> Query<'_> {
    sqlx::query(KEY_FOR)
        .bind(benefit.partner.as_str())
        .bind(benefit.enrolment.as_str())
        .bind(benefit.product.as_str())
}

fn reveal_of(found: &SqliteRow) -> Result<Reveal, StoreError> {
    Ok(Reveal {
        id: row::handle(found, "reveal")?,
        benefit: row::benefit(found)?,
        key_id: row::handle(found, "key_id")?,
        subject: row::text(found, "subject")?,
        at_ms: row::int(found, "revealed_ms")?,
        first: row::flag(found, "first")?,
    })
}

async fn record_key(
    transaction: &mut Transaction<'static, Sqlite>,
    key: &NewKey,
    now_ms: i64,
) -> Result<RecordOutcome, StoreError> {
    let digest = hex::encode(key.digest);
    let there =
        of_benefit(&key.benefit).fetch_optional(&mut **transaction).await.map_err(unavailable)?;
    if let Some(there) = there {
        let assigned = row::assigned_key(&there)?;
        let same_key = if key.issued {
            row::flag(&there, "issued")?
        } else {
            row::text(&there, "digest")? == digest
        };
        let same_terms =
            row::terms(&there)?.operator_handle_allowed == key.terms.operator_handle_allowed;
        let delivery = assigned.delivery;
        let stuck = delivery.is_some_and(|d| d.stuck.is_some() && d.known.is_none());
        if stuck && !(same_key && same_terms && !key.issued) {
            delete_key(transaction, &assigned).await?;
        } else if same_key && same_terms {
            retry_stuck(transaction, &assigned, now_ms).await?;
            return Ok(RecordOutcome::AlreadyThere(assigned));
        } else {
            return Ok(RecordOutcome::Taken);
        }
    }
    let elsewhere = sqlx::query("SELECT key_id FROM product_keys WHERE digest = $1")
        .bind(&digest)
        .fetch_optional(&mut **transaction)
        .await
        .map_err(unavailable)?;
    if elsewhere.is_some() {
        return Ok(RecordOutcome::Taken);
    }
    insert_key(transaction, key, &digest, now_ms).await?;
    let recorded =
        of_benefit(&key.benefit).fetch_one(&mut **transaction).await.map_err(unavailable)?;
    row::assigned_key(&recorded).map(RecordOutcome::Recorded)
}

async fn delete_key(
    transaction: &mut Transaction<'static, Sqlite>,
    key: &AssignedKey,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM product_keys WHERE key_id = $1")
        .bind(key.key_id.as_str())
        .execute(&mut **transaction)
        .await
        .map_err(unavailable)?;
    Ok(())
}

async fn retry_stuck(
    transaction: &mut Transaction<'static, Sqlite>,
    key: &AssignedKey,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(RETRY_STUCK)
        .bind(key.key_id.as_str())
        .bind(now_ms)
        .execute(&mut **transaction)
        .await
        .map_err(unavailable)?;
    Ok(())
}

async fn insert_key(
    transaction: &mut Transaction<'static, Sqlite>,
    key: &NewKey,
    digest: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    sqlx::query(INSERT_KEY)
        .bind(key.key_id.as_str())
        .bind(key.benefit.partner.as_str())
        .bind(key.benefit.enrolment.as_str())
        .bind(key.benefit.product.as_str())
        .bind(&key.sealed.encryption_key_id)
        .bind(hex::encode(&key.sealed.nonce))
        .bind(hex::encode(&key.sealed.ciphertext))
        .bind(digest)
        .bind(i64::from(key.issued))
        .bind(i64::from(key.terms.limit))
        .bind(key.terms.counting_mode.as_str())
        .bind(row::platforms_text(&key.terms.platforms))
        .bind(i64::from(key.terms.operator_handle_allowed))
        .bind(&key.terms.help_uri)
        .bind(now_ms)
        .execute(&mut **transaction)
        .await
        .map_err(unavailable)?;
    if key.to_register {
        sqlx::query(INSERT_OUTBOX)
            .bind(key.key_id.as_str())
            .bind(key.benefit.partner.as_str())
            .bind(key.benefit.enrolment.as_str())
            .bind(now_ms)
            .execute(&mut **transaction)
            .await
            .map_err(unavailable)?;
    }
    Ok(())
}
