//! The n-th call of a scripted life fails, for every n (P6).

use super::small;
use super::story::{Step, Story};
use crate::storage::disk::sim::{Calls, Fault, FaultKind, TornSize};

const SCRIPT: [Step; 34] = {
    use Step::{Append, Close, Crash, Erase, Kill, MakeRoom, Sync};
    [
        Append, Sync, Append, Append, Sync, Erase, Append, Kill, Append, Sync, Append, Sync,
        Append, Append, Append, Sync, MakeRoom, Append, Append, Append, Sync, Append, Append,
        Append, Sync, Close, Append, Sync, Erase, Append, Crash, Append, Sync, Close,
    ]
};

/// Tells the script with one fault; how many calls it made.
fn tell(seed: u64, fault: Option<Fault>) -> Result<u64, String> {
    let mut story = Story::begin(seed, TornSize::Sector512, small());
    if let Some(fault) = fault {
        story.disk.plant(fault);
    }
    story.reopen()?;
    for step in SCRIPT {
        story.step(step).map_err(|why| format!("{step:?}: {why}"))?;
    }
    story.step(Step::Crash)?;
    Ok(story.disk.calls())
}

#[test]
fn p6_no_failed_call_loses_what_was_synced() {
    // Several seeds, for what a failed call leaves half done is drawn.
    for seed in super::seeds(0..4) {
        let calls = tell(seed, None).expect("without a fault it goes well");
        assert!(calls > 150, "{calls} calls are no script");
        for nth in 1..=calls {
            for kind in [FaultKind::Io, FaultKind::NoSpace, FaultKind::PowerCut] {
                let fault = Fault { calls: Calls::Any, nth, kind };
                let told = tell(seed, Some(fault));
                told.unwrap_or_else(|why| panic!("SEED={seed} {fault:?}: {why}"));
            }
        }
    }
}
