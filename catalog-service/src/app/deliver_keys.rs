//! Tells the activation service what it should know of product keys, until it knows it.

use super::{App, AppError};
use crate::domain::key::{StuckReason, Suspension};
use crate::domain::name::Handle;
use crate::ports::{OutboxStats, Registration, Undelivered, Verdict};

/// Doublings of the shortest delay after which it no longer grows.
const DOUBLINGS_MAX: u32 = 20;

/// What one delivery came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivered {
    /// Keys that were due.
    pub due: usize,
    /// Keys of which the activation service now knows what it should.
    pub known: usize,
    /// Keys that are to be tried again later.
    pub postponed: usize,
}

impl App {
    /// Delivers one batch of what is due.
    pub async fn deliver_keys(&self) -> Result<Delivered, AppError> {
        let now_ms = self.now_ms();
        let delay_ms_max = i64::try_from(self.settings.retry_delay_ms_max).unwrap_or(i64::MAX);
        let horizon_ms = now_ms.saturating_add(delay_ms_max);
        let due = self.ports.outbox.due(now_ms, horizon_ms, self.settings.batch_keys_max).await?;
        let mut delivered = Delivered { due: due.len(), ..Delivered::default() };
        let (registered, unregistered): (Vec<_>, Vec<_>) =
            due.into_iter().partition(|row| row.registered);
        let mut judged = self.register(unregistered).await;
        judged.extend(self.tell_suspensions(registered).await);

        let mut retries = Vec::new();
        for (row, verdict) in judged {
            if not_now(&row, verdict) {
                let at_ms = now_ms.saturating_add(self.retry_delay_ms(row.attempts)?);
                retries.push((row.key_id, at_ms));
            } else if self.settle(&row, verdict, now_ms).await? {
                delivered.known = delivered.known.saturating_add(1);
            }
        }
        delivered.postponed = retries.len();
        if !retries.is_empty() {
            self.ports.outbox.postpone(&retries).await?;
        }
        Ok(delivered)
    }

    /// How the outbox stands.
    pub async fn outbox_stats(&self) -> Result<OutboxStats, AppError> {
        Ok(self.ports.outbox.stats().await?)
    }

    async fn register(&self, rows: Vec<Undelivered>) -> Vec<(Undelivered, Verdict)> {
        let (mut judged, mut sent, mut registrations) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            match self.ports.vault.open(&row.benefit, &row.key_id, &row.sealed) {
                Err(_) => judged.push((row, Verdict::Stuck(StuckReason::Unreadable))),
                Ok(product_key) => {
                    registrations.push(Registration {
                        key_id: row.key_id.clone(),
                        product_key,
                        owner: row.benefit.partner.clone(),
                        product: row.benefit.product.clone(),
                        terms: row.terms.clone(),
                        suspension: row.wanted,
                    });
                    sent.push(row);
                }
            }
        }
        if !registrations.is_empty() {
            let verdicts = self.ports.ledger.register(registrations).await;
            judged.extend(sent.into_iter().zip(verdicts));
        }
        judged
    }

    async fn tell_suspensions(&self, rows: Vec<Undelivered>) -> Vec<(Undelivered, Verdict)> {
        if rows.is_empty() {
            return Vec::new();
        }
        let told: Vec<(Handle, Suspension)> =
            rows.iter().map(|row| (row.key_id.clone(), row.wanted)).collect();
        let verdicts = self.ports.ledger.suspend(&told).await;
        rows.into_iter().zip(verdicts).collect()
    }

    /// Writes down what the activation service said; true if it now knows what it should.
    async fn settle(
        &self,
        row: &Undelivered,
        verdict: Verdict,
        now_ms: i64,
    ) -> Result<bool, AppError> {
        let (outbox, key_id) = (&self.ports.outbox, &row.key_id);
        match verdict {
            Verdict::Known(known) if known == row.wanted => {
                outbox.known(key_id, known).await?;
                return Ok(true);
            }
            Verdict::Known(known) => {
                // Its memory is newer than ours, as after a restored backup: what we want needs a
                // higher number.
                tracing::warn!(key_id = %key_id, generation = known.generation,
                    "the activation service is ahead of the catalog");
                outbox.known(key_id, known).await?;
                outbox.overtake(key_id, known.generation, now_ms).await?;
            }
            Verdict::Stuck(reason) => {
                tracing::error!(key_id = %key_id, benefit = %row.benefit, reason = reason.as_str(),
                    "a product key cannot be registered: import another one for this benefit");
                outbox.stuck(key_id, reason).await?;
            }
            Verdict::Unknown => {
                tracing::warn!(key_id = %key_id, "the activation service forgot a product key");
                outbox.forget(key_id, now_ms).await?;
            }
            Verdict::Unavailable => {}
        }
        Ok(false)
    }

    /// The delay before the next attempt: it doubles with each one up to a bound, and half of it is
    /// random so that many rows do not come at once.
    pub fn retry_delay_ms(&self, attempts: u32) -> Result<i64, AppError> {
        let (min_ms, max_ms) = (self.settings.retry_delay_ms_min, self.settings.retry_delay_ms_max);
        let doublings = attempts.min(DOUBLINGS_MAX);
        let delay_ms = min_ms.saturating_mul(1 << doublings).clamp(1, max_ms.max(1));
        let mut random = [0; 8];
        self.ports.random.fill(&mut random)?;
        let half_ms = delay_ms / 2;
        let jitter_ms = u64::from_le_bytes(random) % half_ms.saturating_add(1);
        Ok(i64::try_from(half_ms.saturating_add(jitter_ms)).unwrap_or(i64::MAX))
    }
}

/// Whether the key is to be tried again later: no answer, or one that knows less than it was told.
fn not_now(row: &Undelivered, verdict: Verdict) -> bool {
    match verdict {
        Verdict::Unavailable => true,
        Verdict::Known(known) => known.generation < row.wanted.generation,
        Verdict::Stuck(_) | Verdict::Unknown => false,
    }
}
