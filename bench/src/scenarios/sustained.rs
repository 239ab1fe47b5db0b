//! A long time at full load: does what waits for sled grow for ever, and is there a stall?

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::{MissedTickBehavior, interval};

use super::{Figures, LIMIT_MAX, Ledger, Settings, new_computers};
use crate::cpu;
use crate::figure::{Bar, Figure};
use crate::load::Load;
use crate::tellings::Activations;

const IN_FLIGHT: usize = 128;
const BAR: Bar = Bar::AtLeast(0.25);
/// How often the lag is looked at within the run; a minute of ten.
const LOOKS: u32 = 10;

/// What was seen at one look.
#[derive(Clone, Copy)]
struct Look {
    unapplied: u64,
    resident_bytes: u64,
}

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    let ledger = Ledger::start(settings, settings.keys, LIMIT_MAX).await?;
    let plan = crate::rounds::Plan { rounds: 1, ..settings.plan() };
    let began = OnceLock::new();
    let ours = |round| {
        if round > 0 {
            began.get_or_init(Instant::now);
        }
        let who = new_computers(u64::try_from(round).unwrap_or(0));
        Arc::new(Activations::new(&ledger.tellings, who).patient()) as Arc<dyn Load>
    };
    let looking = look(&ledger, &began, settings.length);
    let (rounds, looks) = tokio::try_join!(ledger.play_loads(&plan, IN_FLIGHT, ours), looking)?;
    let seconds = settings.length.as_secs();
    let about = format!("new computers for {seconds} s, {IN_FLIGHT} at once; lag in tenths");
    let mut figure = Figure::of_rounds(about, &rounds)?.with_bar(BAR);
    for (number, look) in (1..).zip(&looks) {
        figure.add(&format!("lag_events_{number:02}"), look.unapplied as f64);
        let mebibytes = look.resident_bytes as f64 / 1_048_576.0;
        figure.add(&format!("rss_mib_{number:02}"), mebibytes);
    }
    ledger.verify(vec![("sustained".to_owned(), figure)]).await
}

/// Looks at the lag at the end of each tenth of the run.
async fn look(ledger: &Ledger, began: &OnceLock<Instant>, length: Duration) -> Result<Vec<Look>> {
    let mut again = interval(Duration::from_millis(20));
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looks = Vec::new();
    for number in 1..=LOOKS {
        while began.get().is_none_or(|began| began.elapsed() < length * number / LOOKS) {
            again.tick().await;
        }
        let resident_bytes = cpu::resident_bytes(ledger.stand.pid()?)?;
        looks.push(Look { unapplied: ledger.stand.unapplied().await?, resident_bytes });
    }
    Ok(looks)
}
