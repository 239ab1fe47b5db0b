//! Frames that one thread reads, some threads open, and the caller takes in their order.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::UpkeepError;
use crate::storage::journal::{self, Frame};

/// Most threads that open frames; beside them one reads and the caller takes.
const OPENERS_MAX: usize = 4;
/// Events that are handed on together, or a few more, for a frame is not cut.
const HANDED_EVENTS: u64 = 512;
/// How often as many may wait before and behind each thread that opens them.
const HANDED_AHEAD_MAX: usize = 2;

/// Opens every frame of a walk and gives each to `take`, in their order, until that fails. What
/// ended the walk before its end is told inside, once all before it is taken.
pub(super) fn relay<T: Send>(
    walk: impl FnMut() -> Result<Option<Frame>, journal::Error> + Send,
    open: impl Fn(Frame) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), UpkeepError>,
) -> Result<Result<(), journal::Error>, UpkeepError> {
    let open = &open;
    thread::scope(|scope| {
        let (mut closed, mut opened) = (Vec::new(), Vec::new());
        for _ in 0..threads() {
            let (sender, frames) = sync_channel(HANDED_AHEAD_MAX);
            let (done, taken) = sync_channel(HANDED_AHEAD_MAX);
            scope.spawn(move || open_all(frames, open, &done));
            closed.push(sender);
            opened.push(taken);
        }
        let reading = scope.spawn(move || read(walk, &closed));
        // The reader deals in turns, so taking in the same turns keeps the order; the first who has
        // nothing more is the one whose turn came when the reader ended.
        for taken in opened.iter().cycle() {
            let Ok(handed) = taken.recv() else { break };
            handed.into_iter().try_for_each(&mut take)?;
        }
        // Whoever still wants to hand something over is told that nobody takes it.
        drop(opened);
        Ok(reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Threads that do something side by side: as many as there are cores, within a bound.
pub(super) fn threads() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).min(OPENERS_MAX)
}

/// Reads until the end, or until nobody takes it any more.
fn read(
    mut walk: impl FnMut() -> Result<Option<Frame>, journal::Error>,
    openers: &[SyncSender<Vec<Frame>>],
) -> Result<(), journal::Error> {
    let mut turns = openers.iter().cycle();
    let (mut handed, mut events) = (Vec::new(), 0);
    let mut hand = |handed| turns.next().is_some_and(|opener| opener.send(handed).is_ok());
    loop {
        let found = walk();
        let Ok(Some(frame)) = found else {
            // What was read before the end is handed over first; whoever stopped taking says why.
            hand(handed);
            return found.map(drop);
        };
        events += u64::from(frame.event_count);
        handed.push(frame);
        if events >= HANDED_EVENTS {
            if !hand(std::mem::take(&mut handed)) {
                return Ok(());
            }
            events = 0;
        }
    }
}

fn open_all<T>(
    frames: Receiver<Vec<Frame>>,
    open: &(impl Fn(Frame) -> T + Sync),
    done: &SyncSender<Vec<T>>,
) {
    for handed in frames {
        let opened = handed.into_iter().map(open).collect();
        if done.send(opened).is_err() {
            return;
        }
    }
}
