//! Use cases, one file a call; they know the domain and the ports and nothing of wire or engines.

pub mod deliver_keys;
pub mod get_benefit;
pub mod get_download;
pub mod get_install_instructions;
pub mod get_product;
pub mod import_product_keys;
pub mod list_benefits;
pub mod list_key_reveals;
pub mod list_offers;
pub mod list_products;
pub mod moment;
pub mod reload_content;
pub mod reveal_product_key;
pub mod settle_enrolments;
pub mod upsert_enrolment;
pub mod upsert_partner;
pub mod view;

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::Notify;

use crate::domain::error::{BadField, Refusal};
use crate::domain::id::PartnerId;
use crate::domain::name::{HANDLE_BYTES, Handle};
use crate::ports::{
    Changes, Clock, Keys, Ledger, Memberships, Outbox, Published, Random, RandomError, Shelf,
    StoreError, Vault, VaultError,
};

/// All that the use cases need from outside.
#[derive(Clone)]
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub random: Arc<dyn Random>,
    /// The content.
    pub shelf: Arc<dyn Shelf>,
    /// Partners and enrolments.
    pub memberships: Arc<dyn Memberships>,
    /// Product keys and reveals.
    pub keys: Arc<dyn Keys>,
    /// Whether anything was written.
    pub changes: Arc<dyn Changes>,
    /// What the activation service should know.
    pub outbox: Arc<dyn Outbox>,
    /// Encryption of product keys.
    pub vault: Arc<dyn Vault>,
    /// The activation service.
    pub ledger: Arc<dyn Ledger>,
}

/// What an operator sets of the use cases.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the reader of a refused activation goes next; registered with every key.
    pub key_help_uri: String,
    /// Most time that a list of benefits waits for the activation service.
    pub usage_timeout_ms_max: u64,
    /// Shortest delay before a failed delivery is tried again.
    pub retry_delay_ms_min: u64,
    /// Longest delay before a failed delivery is tried again.
    pub retry_delay_ms_max: u64,
    /// Most keys in one delivery.
    pub batch_keys_max: u32,
}

/// The use cases.
#[derive(Clone)]
pub struct App {
    ports: Ports,
    settings: Settings,
    bell: Arc<Notify>,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The person or program.
    pub subject: String,
    /// The partner that the caller acts for, if any.
    pub tenant: Option<String>,
    /// Whether the caller may look at every partner.
    pub operator: bool,
}

impl Caller {
    /// Refuses a caller who does not act for this partner (F9).
    pub fn must_act_for(&self, partner: &PartnerId) -> Result<(), AppError> {
        if self.tenant.as_deref() == Some(partner.as_str()) {
            Ok(())
        } else {
            Err(Refusal::NotAssociated.into())
        }
    }
}

/// Why a use case has no answer.
#[derive(Debug, Error)]
pub enum AppError {
    /// The business says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key cannot be encrypted or decrypted.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Others changed the same row again and again.
    #[error("the row was changed by others again and again")]
    Contended,
}

/// Which page of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Rows on the page.
    pub size: usize,
    /// Where the page before ended; none for the first.
    pub after: Option<Cursor>,
}

/// A place in a list of one content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The fingerprint of the content that the list was made from.
    pub content: [u8; 32],
    /// The id of the last row of the page.
    pub last_id: String,
}

impl PageRequest {
    /// The id after which the page begins. A list of another content cannot be continued.
    fn after_in(&self, published: &Published) -> Result<Option<&str>, AppError> {
        match &self.after {
            None => Ok(None),
            Some(cursor) if cursor.content == *published.content.fingerprint() => {
                Ok(Some(&cursor.last_id))
            }
            Some(_) => Err(start_over()),
        }
    }
}

/// The page cannot be continued.
fn start_over() -> AppError {
    bad_field("page_token", "the list has changed: start over without a page token")
}

fn bad_field(field: &str, description: &str) -> AppError {
    Refusal::FieldInvalid(vec![BadField::new(field, description)]).into()
}

impl App {
    /// Puts the use cases together.
    pub fn new(ports: Ports, settings: Settings) -> Self {
        Self { ports, settings, bell: Arc::new(Notify::new()) }
    }

    /// Rings when there is something to deliver or an enrolment changed.
    pub fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    /// The time.
    pub fn now_ms(&self) -> i64 {
        self.ports.clock.now_ms()
    }

    fn new_handle(&self) -> Result<Handle, AppError> {
        let mut random = [0; HANDLE_BYTES];
        self.ports.random.fill(&mut random)?;
        Ok(Handle::from_random(random))
    }
}
