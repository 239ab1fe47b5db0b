//! ListBenefits: fifty rows, each with the use of its key from the other service.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use prost::Message;
use proto::catalog::v1::{
    Benefit, BenefitKeyState, ImportProductKeysRequest, ListBenefitsRequest, ListBenefitsResponse,
    ProductKeyImport, UsageState,
};
use system_tests::{MAPS_CORE, Partner, Person, Service, Term};
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

/// Partners whose pages are asked for in turns.
const PARTNERS: usize = 32;
/// Between two writes to the store of the catalog, each of which ends all pages that it keeps.
const WRITE_PERIOD: Duration = Duration::from_millis(100);

/// How many rows there are; they are skipped themselves.
#[derive(Clone, PartialEq, Message)]
struct Rows {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    rows: Vec<Bytes>,
}

/// The first page of each partner in turns, again and again.
struct Page {
    requests: Vec<Bytes>,
    calls: AtomicU64,
}

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    let stand = Stand::start(false).await?;
    let mut partners = Vec::new();
    for number in 0..PARTNERS {
        partners.push(stocked(&stand, &format!("contoso-{number}")).await?);
    }
    let one = partners.get(..1).context("a partner")?;
    let about = |what: &str| format!("{ROWS} benefits with the use of their keys, {what}");
    let at_once = format!("{IN_FLIGHT} at once");
    let same = figure(settings, &stand, one, about(&at_once)).await?.with_bar(BAR);
    let in_turns = format!("{PARTNERS} partners in turns, {at_once}");
    let many = figure(settings, &stand, &partners, about(&in_turns)).await?;
    let written = about(&format!("{in_turns}, a write every {} ms", WRITE_PERIOD.as_millis()));
    let written = tokio::select! {
        figure = figure(settings, &stand, &partners, written) => figure?,
        error = write(&stand) => return Err(error.err().context("writing ended")?),
    };
    Ok(vec![
        ("benefits".to_owned(), same),
        ("benefits_many".to_owned(), many),
        ("benefits_written".to_owned(), written),
    ])
}

async fn figure(
    settings: &Settings,
    stand: &Stand,
    partners: &[Partner],
    about: String,
) -> Result<Figure> {
    let request = |partner: &Partner| {
        let page_size = i32::try_from(ROWS)?;
        let (parent, filter) = (partner.name(), FILTER.to_owned());
        let request = ListBenefitsRequest { parent, page_size, filter, ..Default::default() };
        anyhow::Ok(Bytes::from(request.encode_to_vec()))
    };
    let requests = partners.iter().map(request).collect::<Result<Vec<_>>>()?;
    let callers = partners.iter().map(|partner| {
        let headers = stand.world.headers(&partner.admin())?;
        Ok(headers.iter().map(|(name, it)| (name.to_owned(), it.to_owned())).collect())
    });
    let subject = Subject {
        stand,
        target: Target {
            address: stand.world.address(Service::Catalog)?,
            path: http::uri::PathAndQuery::from_static(Method::ListBenefits.path()),
            callers: callers.collect::<Result<_>>()?,
        },
        pid: stand.world.pair.catalog().pid().context("the catalog service runs")?,
        beside: Some(stand.pid()?),
        method: Method::ListBenefits,
        in_flight: IN_FLIGHT,
    };
    let page = || {
        let requests = requests.clone();
        Arc::new(Page { requests, calls: AtomicU64::new(0) }) as Arc<dyn Load>
    };
    let rounds = subject.play(&settings.plan(), |_| page(), |_| page()).await?;
    for round in &rounds.ours {
        check(&round.run.sample)?;
    }
    let mut figure = Figure::of_rounds(about, &rounds)?;
    // Nothing was counted; the last answers of each round were looked into as a whole.
    figure.verified = true;
    Ok(figure)
}

/// Renames a partner again and again; ends with an error only.
async fn write(stand: &Stand) -> Result<()> {
    let mut again = tokio::time::interval(WRITE_PERIOD);
    loop {
        again.tick().await;
        stand.world.partner_without_offer("fabrikam").await?;
    }
}

/// A partner all of whose benefits have their keys.
async fn stocked(stand: &Stand, id: &str) -> Result<Partner> {
    let world = &stand.world;
    let partner = world.partner_without_offer(id).await?;
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
    let key = |it: &Benefit| ProductKeyImport { benefit: it.name.clone(), ..Default::default() };
    let keys = benefits.iter().map(key).collect();
    let request = ImportProductKeysRequest { keys, validate_only: false };
    world.catalog(&Person::ops_admin())?.import_product_keys(request).await?;
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
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let turn = number as usize % self.requests.len().max(1);
        Some((number, self.requests.get(turn)?.clone()))
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
