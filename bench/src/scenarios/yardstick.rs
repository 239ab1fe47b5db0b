//! The yardstick itself: beside tonic's own example, and what the generator can send.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use prost::Message as _;
use tonic::Status;

use super::{BEST_STRETCH, Figures, LIMIT_MAX, Ledger, Settings, new_computers};
use crate::connection::Target;
use crate::cpu;
use crate::figure::{Bar, Figure, Spread};
use crate::load::{Load, closed, refuse_nothing};
use crate::noop::{Hello, Method, Noop};
use crate::run::Run;
use crate::tellings::{Activations, Echo};

const IN_FLIGHT: usize = 128;
/// The yardstick is no slower than this beside tonic's own example.
const BAR: Bar = Bar::AtLeast(0.95);
/// Callers at once with which the generator shows what it can send.
const CALLERS: [usize; 3] = [32, 128, 512];

/// The same greeting again and again.
struct Greetings {
    request: Bytes,
    answer_bytes: usize,
    calls: AtomicU64,
}

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    // One answer of the real service gives the sizes.
    let ledger = Ledger::start(settings, settings.keys, LIMIT_MAX).await?;
    let target = ledger.stand.activate()?;
    let load = Arc::new(Activations::new(&ledger.tellings, new_computers(1)));
    let short = settings.length.min(Duration::from_secs(1));
    let answer = closed(&target, load, IN_FLIGHT, short).await?.sample;
    let (request_bytes, answer_bytes) = (ledger.tellings.computers.request_bytes(), answer.len());
    let folder = ledger.stand.folder();
    let noop = Noop::start(folder, Method::Activate, &answer)?;
    let (request, greeting) = (greeting(request_bytes), greeting(answer_bytes));
    let example = Noop::start(folder, Method::SayHello, &greeting)?;
    let at = |address: SocketAddr, method: Method| Target {
        address,
        path: http::uri::PathAndQuery::from_static(method.path()),
        callers: Vec::new(),
    };
    let (noop_at, example_at) =
        (at(noop.address(), Method::Activate), at(example.address(), Method::SayHello));
    let length = settings.length.min(BEST_STRETCH);
    let echo = || Echo::new(&ledger.tellings, answer.clone());
    let greetings = || {
        let (request, answer_bytes) = (request.clone(), greeting.len());
        Arc::new(Greetings { request, answer_bytes, calls: AtomicU64::new(0) })
    };
    closed(&noop_at, echo(), IN_FLIGHT, short).await?;
    closed(&example_at, greetings(), IN_FLIGHT, short).await?;
    let (mut noops, mut examples) = (Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        noops.push(closed(&noop_at, echo(), IN_FLIGHT, length).await?);
        examples.push(closed(&example_at, greetings(), IN_FLIGHT, length).await?);
    }
    let mut figure = compared(&noops, &examples)?.with_bar(BAR);
    for callers in CALLERS {
        let own = std::process::id();
        let before = cpu::used_by(own)?;
        let run = closed(&noop_at, echo(), callers, length).await?;
        let used = cpu::used_by(own)?.saturating_sub(before).as_secs_f64();
        figure.add(&format!("generator_per_s_at_{callers}"), run.rate());
        let per_call = used * 1e6 / run.answered_in_all.max(1) as f64;
        figure.add(&format!("generator_cpu_us_per_call_at_{callers}"), per_call);
    }
    figure.add("request_bytes", request_bytes as f64);
    figure.add("answer_bytes", answer_bytes as f64);
    ledger.stand.drain().await?;
    ledger.verify(vec![("yardstick".to_owned(), figure)]).await
}

/// The rate of the yardstick beside that of the example.
fn compared(noops: &[Run], examples: &[Run]) -> Result<Figure> {
    let pairs = noops.iter().zip(examples);
    let at = |runs: &[Run], quantile| {
        let values = runs.iter().map(|run| run.latency.value_at_quantile(quantile) as f64);
        anyhow::Ok(Spread::of(values)?.median as u64)
    };
    Ok(Figure {
        about: "the yardstick beside tonic's own example, messages of equal size".to_owned(),
        ratio_to_noop: Spread::of(pairs.map(|(noop, example)| noop.rate() / example.rate()))?,
        rate: Spread::of(noops.iter().map(Run::rate))?,
        noop_rate: Spread::of(examples.iter().map(Run::rate))?,
        p50_us: at(noops, 0.5)?,
        p99_us: at(noops, 0.99)?,
        p999_us: at(noops, 0.999)?,
        noop_p50_us: at(examples, 0.5)?,
        noop_p99_us: at(examples, 0.99)?,
        noop_p999_us: at(examples, 0.999)?,
        ..Figure::default()
    })
}

/// A greeting of so many bytes on the wire.
fn greeting(bytes: usize) -> Bytes {
    let empty = Hello { text: "x".repeat(bytes) }.encoded_len() - bytes;
    Hello { text: "x".repeat(bytes.saturating_sub(empty)) }.encode_to_vec().into()
}

impl Load for Greetings {
    fn next(&self) -> Option<(u64, Bytes)> {
        Some((self.calls.fetch_add(1, Ordering::Relaxed), self.request.clone()))
    }

    fn accept(&self, number: u64, answer: &Bytes) -> Result<()> {
        let text = Hello::decode(answer.clone())?.text;
        ensure!(answer.len() == self.answer_bytes, "call {number}: {} bytes", text.len());
        Ok(())
    }

    fn refused(&self, number: u64, status: &Status) -> Result<Duration> {
        refuse_nothing(number, status)
    }
}
