//! What the fuzz targets do with bytes: a broken promise is a panic, which the fuzzer notices.
//!
//! The targets in `fuzz/` only call these functions, and the ordinary tests replay the corpora with
//! them.

mod journal;
mod page_token;
mod receipts;
mod request;
mod snapshot;

/// One target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its corpus in `fuzz/corpus`.
    pub name: &'static str,
    /// What it does with an input.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: [Target; 5] = [
    Target { name: "request", run: request::run, seeds: request::seeds },
    Target { name: "journal", run: journal::run, seeds: journal::seeds },
    Target { name: "snapshot", run: snapshot::run, seeds: snapshot::seeds },
    Target { name: "receipt", run: receipts::run, seeds: receipts::seeds },
    Target { name: "page_token", run: page_token::run, seeds: page_token::seeds },
];

/// Runs the target of this name.
///
/// # Panics
/// There is no such target, or the input breaks a promise.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    assert!(target.is_some(), "no target {name}");
    if let Some(target) = target {
        (target.run)(input);
    }
}
