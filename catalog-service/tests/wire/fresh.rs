//! A list is never older than what was acknowledged before it was asked for, though its pages are
//! kept; a store whose watch is deaf must be noticed by the same story.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use catalog_service::adapters::marks::SharedMarks;
use catalog_service::adapters::random::SystemRandom;
use catalog_service::adapters::usage::SharedUsage;
use catalog_service::adapters::vault::{KeyRing, KeyVault};
use catalog_service::app::{App, Ports, Settings};
use catalog_service::domain::enrolment::{Enrolment, Term};
use catalog_service::domain::id::{EnrolmentId, OfferId, PartnerId};
use catalog_service::domain::key::{KeyCounts, KeyTerms, Suspension};
use catalog_service::domain::name::{BenefitName, Handle};
use catalog_service::domain::offer::CountingMode;
use catalog_service::grpc::{CatalogApi, Links};
use catalog_service::ports::{
    Changes, EnrolmentRow, Keys, Ledger, LedgerError, Mark, Memberships, NewKey, NewReveal, Outbox,
    PartnerRow, PutOutcome, Registration, SealedKey, StoreError, UsageReading, Verdict,
};
use catalog_service::storage::shelf::FileShelf;
use catalog_service::storage::sqlite::{SqliteOptions, SqliteStore};
use chassis::auth::Principal;
use chassis::page_token::Sealer;
use proto::catalog::v1 as pb;
use proto::catalog::v1::catalog_service_server::CatalogService;
use tempfile::TempDir;
use tonic::Request;

use crate::world::{DAY_MS, HandClock, NOON_MS, OFFICE, content_folder, list};

/// What a row says of all that can change: enrolment, key, first view and use.
type Told = Option<(pb::EnrolmentState, pb::BenefitKeyState, bool, u32)>;

const ACTIVE: pb::EnrolmentState = pb::EnrolmentState::Active;
const ON: Suspension = Suspension { suspended: false, generation: 1 };

/// A ledger in which every key is used as often as it is told.
#[derive(Default)]
struct Counts(AtomicU32);

/// A watch that hears nothing.
struct Deaf;

/// The service without its server, on a store that a second process has open as well.
struct Inside {
    api: CatalogApi,
    store: Arc<SqliteStore>,
    other: SqliteStore,
    clock: Arc<HandClock>,
    counts: Arc<Counts>,
    _folder: TempDir,
}

#[async_trait]
impl Ledger for Counts {
    async fn register(&self, keys: Vec<Registration>) -> Vec<Verdict> {
        vec![Verdict::Unavailable; keys.len()]
    }

    async fn suspend(&self, keys: &[(Handle, Suspension)]) -> Vec<Verdict> {
        vec![Verdict::Unavailable; keys.len()]
    }

    async fn usage(&self, keys: Arc<[Handle]>, _: Duration) -> Result<UsageReading, LedgerError> {
        let used = self.0.load(Ordering::SeqCst);
        let counts = KeyCounts { used, limit: 25, remaining: 25 - used };
        let counts: HashMap<_, _> = keys.iter().map(|key| (key.clone(), counts)).collect();
        Ok(UsageReading { counts: Arc::new(counts), as_of_ms: NOON_MS })
    }
}

#[async_trait]
impl Changes for Deaf {
    async fn mark(&self) -> Result<Mark, StoreError> {
        Ok(Mark { watch: 1, version: 1 })
    }
}

impl Inside {
    async fn new(watch: fn(Arc<SqliteStore>) -> Arc<dyn Changes>) -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("catalog.sqlite");
        let store = Arc::new(open(path.clone()).await);
        let other = open(path).await;
        let random = Arc::new(SystemRandom);
        let ring = KeyRing::parse(&format!("2026:{}", "2a".repeat(32))).expect("a ring");
        let vault = KeyVault::new(ring, &"3b".repeat(32), random.clone()).expect("a vault");
        let counts = Arc::new(Counts::default());
        let clock = HandClock::at(NOON_MS);
        let ports = Ports {
            clock: clock.clone(),
            random,
            shelf: Arc::new(FileShelf::open(content_folder()).await.expect("content")),
            memberships: store.clone(),
            keys: store.clone(),
            changes: watch(store.clone()),
            outbox: store.clone(),
            vault: Arc::new(vault),
            ledger: Arc::new(SharedUsage::start(counts.clone())),
        };
        let settings = Settings {
            key_help_uri: String::new(),
            usage_timeout_ms_max: 800,
            retry_delay_ms_min: 1,
            retry_delay_ms_max: 1,
            batch_keys_max: 1,
        };
        let links = Links { manage_uri: String::new(), support_uri: String::new() };
        let api = CatalogApi::new(App::new(ports, settings), Sealer::new(b"secret"), links);
        Self { api, store, other, clock, counts, _folder: folder }
    }

    /// What the list says of Office.
    async fn told(&self) -> Told {
        let mut request = Request::new(list("partners/contoso"));
        let ann = Principal::new("ann", ["GLOBAL_ADMIN"], Some("contoso".to_owned()));
        request.extensions_mut().insert(ann);
        let answer = self.api.list_benefits(request).await.expect("a list").into_inner();
        let row = answer.benefits.into_iter().find(|row| row.name == OFFICE)?;
        let used = row.usage.map_or(0, |usage| usage.used);
        Some((row.enrolment_state(), row.key_state(), row.first_viewed_time.is_some(), used))
    }

    /// Asks once more and compares.
    async fn expect(&self, after: &str, wanted: Told) -> Result<(), String> {
        let told = self.told().await;
        let same = told == wanted;
        same.then_some(()).ok_or_else(|| format!("after {after}: {told:?}, not {wanted:?}"))
    }

    /// Everything that can change what a list says, each with a list before it and after it.
    async fn story(&self) -> Result<(), String> {
        self.expect("nothing", None).await?;
        let row = PartnerRow { id: partner(), display_name: "Contoso".to_owned() };
        self.store.put_partner(&row, 0).await.expect("stored");
        self.enrol(&self.store, 0, NOON_MS + DAY_MS).await;
        self.expect("an enrolment", told(ACTIVE, pb::BenefitKeyState::NotAssigned, false, 0))
            .await?;
        self.keys().await?;
        self.counts.0.store(4, Ordering::SeqCst);
        self.expect("an activation", told(ACTIVE, pb::BenefitKeyState::Ready, true, 4)).await?;
        self.times().await
    }

    async fn keys(&self) -> Result<(), String> {
        let provisioning = pb::BenefitKeyState::Provisioning;
        self.store.record_keys(&[key()], 0, true).await.expect("recorded");
        self.expect("an import", told(ACTIVE, provisioning, false, 0)).await?;
        // Another process delivers it.
        self.other.known(&key().key_id, ON).await.expect("noted");
        self.expect("a delivery", told(ACTIVE, pb::BenefitKeyState::Ready, false, 0)).await?;
        let reveal = NewReveal {
            id: Handle::from_random([2; 16]),
            key_id: key().key_id,
            benefit: key().benefit,
            subject: "ann".to_owned(),
            at_ms: NOON_MS,
        };
        self.store.record_reveal(&reveal).await.expect("recorded").expect("the key is there");
        self.expect("a reveal", told(ACTIVE, pb::BenefitKeyState::Ready, true, 0)).await
    }

    async fn times(&self) -> Result<(), String> {
        let ready = pb::BenefitKeyState::Ready;
        self.clock.set(NOON_MS + DAY_MS);
        let grace = pb::EnrolmentState::RenewalGrace;
        self.expect("the end", told(grace, ready, true, 4)).await?;
        self.clock.set(NOON_MS + 31 * DAY_MS);
        self.expect("the grace", None).await?;
        self.clock.set(NOON_MS);
        self.expect("a clock put back", told(ACTIVE, ready, true, 4)).await?;
        self.enrol(&self.other, 1, NOON_MS - 1).await;
        self.expect("a change by another process", told(grace, ready, true, 4)).await
    }

    async fn enrol(&self, store: &SqliteStore, revision: u64, end_ms: i64) {
        let row = EnrolmentRow {
            partner: partner(),
            enrolment: Enrolment {
                id: EnrolmentId::parse("core").expect("an id"),
                offer: OfferId::parse("maps-core").expect("an id"),
                term: Term { start_ms: 0, end_ms, provisioned: true },
            },
            keys_suspended: false,
            next_change_ms: None,
            revision,
        };
        let outcome = store.put_enrolment(&row, NOON_MS).await.expect("stored");
        assert_eq!(outcome, PutOutcome::Stored);
    }
}

async fn open(path: PathBuf) -> SqliteStore {
    let busy_timeout = Duration::from_secs(5);
    SqliteStore::open(&SqliteOptions { path, busy_timeout, readers: 2 }).await.expect("opens")
}

fn partner() -> PartnerId {
    PartnerId::parse("contoso").expect("an id")
}

fn told(
    enrolment: pb::EnrolmentState,
    key: pb::BenefitKeyState,
    is_viewed: bool,
    used: u32,
) -> Told {
    Some((enrolment, key, is_viewed, used))
}

fn key() -> NewKey {
    NewKey {
        key_id: Handle::from_random([1; 16]),
        benefit: BenefitName::parse(OFFICE).expect("a name"),
        sealed: SealedKey {
            encryption_key_id: "2026".to_owned(),
            nonce: vec![1; 24],
            ciphertext: vec![1; 40],
        },
        digest: [1; 32],
        issued: false,
        terms: KeyTerms {
            limit: 25,
            counting_mode: CountingMode::HardwareTolerant,
            platforms: Vec::new(),
            operator_handle_allowed: false,
            help_uri: String::new(),
        },
        to_register: true,
    }
}

#[tokio::test]
async fn a_list_has_all_that_was_acknowledged_before_it_whoever_wrote_it() {
    let inside = Inside::new(|store| Arc::new(SharedMarks::start(store))).await;
    inside.story().await.expect("never stale");
}

#[tokio::test]
async fn the_story_notices_a_watch_that_hears_nothing() {
    let inside = Inside::new(|_| Arc::new(Deaf)).await;
    let noticed = inside.story().await.expect_err("a stale list");
    assert!(noticed.starts_with("after an enrolment: None"), "{noticed}");
}
