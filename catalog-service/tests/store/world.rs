//! A store in a folder of its own, and the rows that the stories are about.

use std::path::PathBuf;
use std::time::Duration;

use catalog_service::domain::enrolment::{Enrolment, Term};
use catalog_service::domain::id::{EnrolmentId, OfferId, PartnerId};
use catalog_service::domain::key::KeyTerms;
use catalog_service::domain::name::{BenefitName, Handle};
use catalog_service::domain::offer::CountingMode;
use catalog_service::domain::product::Platform;
use catalog_service::ports::{
    EnrolmentRow, Keys, Memberships, NewKey, PartnerRow, PutOutcome, RecordOutcome, SealedKey,
};
use catalog_service::storage::sqlite::{OpenError, SqliteOptions, SqliteStore};
use tempfile::TempDir;

pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) store: SqliteStore,
}

impl World {
    /// An empty store.
    pub(crate) async fn empty() -> Self {
        let folder = TempDir::new().expect("a folder");
        let store = open(&folder).await.expect("opens");
        Self { folder, store }
    }

    /// A store with partner `p` and its enrolment `e`, in force from day 0 to day 365.
    pub(crate) async fn enrolled() -> Self {
        let world = Self::empty().await;
        world.partner("p").await;
        world.put(&row("p", "e", 0)).await;
        world
    }

    pub(crate) async fn partner(&self, id: &str) {
        let row = PartnerRow { id: partner(id), display_name: format!("Partner {id}") };
        self.store.put_partner(&row, 0).await.expect("stored");
    }

    pub(crate) async fn put(&self, row: &EnrolmentRow) {
        let outcome = self.store.put_enrolment(row, 0).await.expect("stored");
        assert_eq!(outcome, PutOutcome::Stored);
    }

    pub(crate) async fn record(&self, key: NewKey) -> RecordOutcome {
        let outcomes = self.store.record_keys(&[key], 5, true).await.expect("recorded");
        outcomes.into_iter().next().expect("one outcome")
    }

    /// The same folder, opened again.
    pub(crate) async fn reopen(self) -> Self {
        self.store.close().await;
        let store = open(&self.folder).await.expect("opens again");
        Self { store, ..self }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("catalog.sqlite")
    }
}

pub(crate) async fn open(folder: &TempDir) -> Result<SqliteStore, OpenError> {
    let path = folder.path().join("catalog.sqlite");
    let busy_timeout = Duration::from_secs(5);
    SqliteStore::open(&SqliteOptions { path, busy_timeout, readers: 3 }).await
}

pub(crate) fn partner(id: &str) -> PartnerId {
    PartnerId::parse(id).expect("an id")
}

pub(crate) fn row(partner_id: &str, enrolment: &str, revision: u64) -> EnrolmentRow {
    EnrolmentRow {
        partner: partner(partner_id),
        enrolment: Enrolment {
            id: EnrolmentId::parse(enrolment).expect("an id"),
            offer: OfferId::parse("maps-core").expect("an id"),
            term: Term { start_ms: 0, end_ms: 365 * DAY_MS, provisioned: true },
        },
        keys_suspended: false,
        next_change_ms: Some(365 * DAY_MS),
        revision,
    }
}

pub(crate) fn handle(number: u8) -> Handle {
    Handle::from_random([number; 16])
}

pub(crate) fn benefit(product: &str) -> BenefitName {
    BenefitName::parse(&format!("partners/p/benefits/e.{product}")).expect("a name")
}

/// A key whose id and digest are made of its number.
pub(crate) fn key(product: &str, number: u8) -> NewKey {
    NewKey {
        key_id: handle(number),
        benefit: benefit(product),
        sealed: SealedKey {
            encryption_key_id: "2026".to_owned(),
            nonce: vec![number; 24],
            ciphertext: vec![number; 40],
        },
        digest: [number; 32],
        issued: false,
        terms: KeyTerms {
            limit: 5,
            counting_mode: CountingMode::EveryActivation,
            platforms: vec![Platform::Windows, Platform::Linux],
            operator_handle_allowed: true,
            help_uri: "https://help.example/next".to_owned(),
        },
        to_register: true,
    }
}
