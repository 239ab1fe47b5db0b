//! ListBenefits: fifty rows, each with the use of its key from the other service.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use prost::Message;
use proto::catalog::v1::{BenefitKeyState, ListBenefitsRequest, ListBenefitsResponse, UsageState};
use system_tests::{MAPS_CORE, Partner, Service, Term};
use tonic::Status;

use super::{Figures, Settings};
use crate::connection::Target;
use crate::figure::{Bar, Figure};
use crate::load::{Load, refuse_nothing};
use crate::noop::Method;
use crate::rounds::Subject;
use crate::stand::Stand;

const IN_FLIGHT: usize = 128;
const BAR: Bar = Bar::AtLeast(0.40);
const ROWS: usize = 50;
/// Enrolments of the partner, so that there are more than fifty benefits with a key.
const ENROLMENTS: [&str; 7] = ["core", "east", "west", "north", "south", "home", "abroad"];
/// Rows whose use is counted.
const FILTER: &str = "key_required = true AND activation_required = true";
/// Longest wait for the keys to be registered.
const READY_TIME_MAX: Duration = Duration::from_secs(120);

/// How many rows there are; they are skipped themselves.
#[derive(Clone, PartialEq, Message)]
struct Rows {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    rows: Vec<Bytes>,
}

/// The same page again and again.
struct Page {
    request: Bytes,
    calls: AtomicU64,
}

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    let stand = Stand::start(false).await?;
    let partner = stocked(&stand).await?;
    let request = ListBenefitsRequest {
        parent: partner.name(),
        page_size: i32::try_from(ROWS)?,
        filter: FILTER.to_owned(),
        ..ListBenefitsRequest::default()
    };
    let admin = partner.admin();
    let headers = stand.world.headers(&admin)?;
    let pid = stand.world.pair.catalog().pid().context("the catalog service runs")?;
    let subject = Subject {
        stand: &stand,
        target: Target {
            address: stand.world.address(Service::Catalog)?,
            path: http::uri::PathAndQuery::from_static(Method::ListBenefits.path()),
            headers: headers.iter().map(|(name, it)| (name.to_owned(), it.to_owned())).collect(),
        },
        pid,
        method: Method::ListBenefits,
        in_flight: IN_FLIGHT,
    };
    let page = || {
        let request = request.encode_to_vec().into();
        Arc::new(Page { request, calls: AtomicU64::new(0) }) as Arc<dyn Load>
    };
    let rounds = subject.play(&settings.plan(), |_| page(), |_| page()).await?;
    for round in &rounds.ours {
        check(&round.run.sample)?;
    }
    let about = format!("{ROWS} benefits with the use of their keys, {IN_FLIGHT} at once");
    let mut figure = Figure::of_rounds(about, &rounds)?.with_bar(BAR);
    // Nothing was counted; the last answers of each round were looked into as a whole.
    figure.verified = true;
    Ok(vec![("benefits".to_owned(), figure)])
}

/// A partner all of whose benefits have their keys.
async fn stocked(stand: &Stand) -> Result<Partner> {
    let world = &stand.world;
    let partner = world.partner_without_offer("contoso").await?;
    for enrolment in ENROLMENTS {
        world.enrol(&partner, enrolment, MAPS_CORE, Term::Active).await?;
    }
    let list = async || {
        let request = ListBenefitsRequest {
            parent: partner.name(),
            page_size: 200,
            filter: FILTER.to_owned(),
            ..ListBenefitsRequest::default()
        };
        let answer = world.catalog(&partner.admin())?.list_benefits(request).await?;
        anyhow::Ok(answer.into_inner().benefits)
    };
    let benefits = list().await?;
    ensure!(benefits.len() >= ROWS, "{} benefits with a key", benefits.len());
    for benefit in &benefits {
        world.import_key(&benefit.name).await?;
    }
    let ready = async {
        let mut again = tokio::time::interval(Duration::from_millis(100));
        loop {
            again.tick().await;
            let benefits = list().await?;
            if benefits.iter().all(|it| it.key_state() == BenefitKeyState::Ready) {
                return anyhow::Ok(());
            }
        }
    };
    tokio::time::timeout(READY_TIME_MAX, ready).await.context("keys are registered")??;
    Ok(partner)
}

/// Every row has the use of its key.
fn check(page: &Bytes) -> Result<()> {
    let page = ListBenefitsResponse::decode(page.clone())?;
    for row in &page.benefits {
        let usage = row.usage.as_ref().context("the use of a key")?;
        ensure!(usage.state() == UsageState::Available, "{}: {:?}", row.name, usage.state());
    }
    ensure!(page.benefits.len() == ROWS, "{} rows", page.benefits.len());
    Ok(())
}

impl Load for Page {
    fn next(&self) -> Option<(u64, Bytes)> {
        Some((self.calls.fetch_add(1, Ordering::Relaxed), self.request.clone()))
    }

    fn accept(&self, number: u64, answer: &Bytes) -> Result<()> {
        let rows = Rows::decode(answer.clone())?.rows.len();
        ensure!(rows == ROWS, "call {number}: {rows} rows");
        Ok(())
    }

    fn refused(&self, number: u64, status: &Status) -> Result<Duration> {
        refuse_nothing(number, status)
    }
}
