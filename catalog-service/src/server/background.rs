//! What goes on without being asked: time passing for enrolments, delivery of keys, reload on
//! SIGHUP.

use std::time::Duration;

use chassis::serve::Health;
use tokio::sync::watch;

use super::OUTBOX_HEALTH;
use crate::app::{App, AppError};
use crate::config::OutboxConfig;
use crate::domain::error::Refusal;
use crate::ports::OutboxStats;

/// Deliveries in one round; what is left is done in the next.
const DELIVERIES_MAX: u32 = 100;

/// How to go on after a round.
enum Pause {
    /// Until the bell rings, or at the latest after this time.
    UntilBell(Duration),
    /// This long, whatever rings: the activation service does not answer.
    Full(Duration),
}

/// Settles enrolments and delivers keys until told to end. Everything it needs to know is in the
/// store, so it can be cut off anywhere and goes on after the next start.
pub(super) async fn deliver(
    app: App,
    health: Health,
    config: OutboxConfig,
    mut end: watch::Receiver<bool>,
) {
    let bell = app.bell();
    let mut failures: u32 = 0;
    while !*end.borrow() {
        let pause = tokio::select! {
            _ = end.changed() => break,
            result = round(&app, &health, &config, failures) => result.unwrap_or_else(|error| {
                tracing::error!(%error, "the outbox cannot be worked on");
                Pause::Full(Duration::from_millis(config.interval_ms))
            }),
        };
        let rung = async {
            match pause {
                Pause::UntilBell(most) => {
                    let _rung_or_time = tokio::time::timeout(most, bell.notified()).await;
                    0
                }
                Pause::Full(time) => {
                    tokio::time::sleep(time).await;
                    failures.saturating_add(1)
                }
            }
        };
        tokio::select! {
            _ = end.changed() => break,
            count = rung => failures = count,
        }
    }
}

async fn round(
    app: &App,
    health: &Health,
    config: &OutboxConfig,
    failures: u32,
) -> Result<Pause, AppError> {
    let next_change_ms = app.settle_enrolments().await?;
    let mut postponed = false;
    for _ in 0..DELIVERIES_MAX {
        let delivered = app.deliver_keys().await?;
        postponed = delivered.postponed > 0;
        if delivered.due == 0 || postponed {
            break;
        }
    }
    let stats = app.outbox_stats().await?;
    report(app, health, config, &stats);
    if postponed {
        let delay_ms = app.retry_delay_ms(failures)?;
        return Ok(Pause::Full(Duration::from_millis(delay_ms.unsigned_abs())));
    }
    let next_ms = [next_change_ms, stats.next_attempt_ms].into_iter().flatten().min();
    let until_next = next_ms.map_or(u64::MAX, |next_ms| {
        u64::try_from(next_ms.saturating_sub(app.now_ms())).unwrap_or(0)
    });
    Ok(Pause::UntilBell(Duration::from_millis(until_next.min(config.interval_ms))))
}

/// Shows how the outbox stands; a key that needs help or waits too long raises the alarm.
fn report(app: &App, health: &Health, config: &OutboxConfig, stats: &OutboxStats) {
    let age_ms = stats
        .oldest_unsent_ms
        .map_or(0, |since_ms| u64::try_from(app.now_ms().saturating_sub(since_ms)).unwrap_or(0));
    metrics::gauge!("catalog_outbox_pending").set(stats.pending as f64);
    metrics::gauge!("catalog_outbox_stuck").set(stats.stuck as f64);
    metrics::gauge!("catalog_outbox_oldest_age_ms").set(age_ms as f64);
    health.set_service_serving(OUTBOX_HEALTH, stats.stuck == 0 && age_ms < config.alarm_age_ms);
}

/// Reads the content again at each SIGHUP; content with faults changes nothing and is logged.
#[cfg(unix)]
pub(super) async fn reload_on_hangup(app: App, mut end: watch::Receiver<bool>) {
    use tokio::signal::unix::{SignalKind, signal};

    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        tracing::error!("SIGHUP cannot be listened to: reload with ReloadContent instead");
        return;
    };
    loop {
        tokio::select! {
            _ = end.changed() => return,
            received = hangup.recv() => if received.is_none() { return },
        }
        match app.reload_content(false).await {
            Ok(published) => {
                tracing::info!(generation = published.generation, "content was read again");
            }
            Err(AppError::Refused(Refusal::ContentInvalid(faults))) => {
                for fault in &faults {
                    tracing::error!(place = fault.field, "{}", fault.description);
                }
                tracing::error!(faults = faults.len(), "the old content is still served");
            }
            Err(error) => tracing::error!(%error, "the content cannot be read again"),
        }
    }
}

/// There is no such signal here.
#[cfg(not(unix))]
pub(super) async fn reload_on_hangup(_app: App, mut end: watch::Receiver<bool>) {
    let _ended = end.changed().await;
}
