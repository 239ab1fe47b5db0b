//! What clients ask, how it is sent, and what they are told.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use activation_service::app::{
    Activated, Activation, ActivationsPage, App, AppError, Caller, EventsPage, GivenUp, KeyUpdate,
    KeyUsages, Preview, Registration, ReleaseRequest,
};
use activation_service::domain::account::Head;
use activation_service::domain::command::Settings;
use activation_service::domain::event::Client;
use activation_service::domain::evidence::Evidence;
use activation_service::domain::ids::{ActivationId, KeyId, RequestId};
use activation_service::domain::product_key::{Pepper, PepperId, Peppers, ProductKey};
use activation_service::domain::terms::{Platform, Suspension, Terms};
use activation_service::ports::Span;

/// The product of every key.
pub(crate) const PRODUCT: &str = "products/office";
/// Most events of a page.
const PAGE_EVENTS: usize = 1_000;

/// Something that a client asks; sent again it is the same request.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// The catalog makes a key known.
    Register { key: u8, terms: Box<Terms> },
    /// A computer is activated.
    Activate { key: u8, computer: u64, evidence: Arc<Evidence>, request: RequestId },
    /// What activating it would come to.
    Preview { key: u8, evidence: Arc<Evidence> },
    /// A count is given up.
    Release { key: u8, activation: ActivationId, by: By, request: RequestId },
    /// An administrator changes a key.
    Update { key: u8, settings: Box<Settings> },
    /// The catalog suspends or resumes a key.
    Suspend { key: u8, suspension: Suspension },
    /// One key.
    GetKey { key: u8 },
    /// The counts of all keys.
    Usage { keys: u8 },
    /// The history of a key.
    Events { key: u8, span: Span },
    /// The computers of a key.
    Computers { key: u8 },
    /// The newest head.
    LedgerHead,
}

/// Who gives a count up.
#[derive(Clone, Debug)]
pub(crate) enum By {
    /// An operator, whom no policy binds.
    Operator,
    /// The owner.
    Owner,
    /// Whoever has the key and shows this.
    KeyHolder(Arc<Evidence>),
}

/// What a client was told.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    Activated(Activated),
    Previewed(Preview),
    GivenUp(GivenUp),
    Key(Head),
    Usages(KeyUsages),
    Events(EventsPage),
    Computers(ActivationsPage),
    LedgerHead(Arc<[u8]>),
    No(AppError),
}

/// An answer on its way.
pub(super) type Sending = Pin<Box<dyn Future<Output = Told>>>;

impl Ask {
    /// The id of its request, and the key that scopes it.
    pub(crate) const fn request(&self) -> Option<(u8, RequestId)> {
        match self {
            Self::Activate { key, request, .. } | Self::Release { key, request, .. } => {
                Some((*key, *request))
            }
            _ => None,
        }
    }

    /// The key that it is about.
    pub(crate) const fn key(&self) -> Option<u8> {
        match self {
            Self::Register { key, .. }
            | Self::Activate { key, .. }
            | Self::Preview { key, .. }
            | Self::Release { key, .. }
            | Self::Update { key, .. }
            | Self::Suspend { key, .. }
            | Self::GetKey { key }
            | Self::Events { key, .. }
            | Self::Computers { key } => Some(*key),
            Self::Usage { .. } | Self::LedgerHead => None,
        }
    }

    /// The whole history of a key.
    pub(crate) const fn whole_history(key: u8) -> Self {
        Self::Events { key, span: Span { descending: false, after: None, most: PAGE_EVENTS } }
    }
}

/// The id of a key.
pub(crate) const fn key_id(key: u8) -> KeyId {
    KeyId([0xb0 | (key & 0xf); 16])
}

/// The key with an id.
pub(crate) fn key_of(id: KeyId) -> u8 {
    id.0.first().map_or(0, |byte| byte & 0xf)
}

/// The owner of all keys.
pub(crate) const OWNER: &str = "contoso";

pub(super) fn peppers() -> Peppers {
    Peppers::new(Pepper::new(PepperId(1), [5; 32]), None)
}

fn product_key(key: u8) -> Result<ProductKey, AppError> {
    let parsed = ProductKey::parse(&format!("SIMULATED-KEY-{key:03}"));
    // The text is well-formed for every number.
    parsed.map_err(|_| AppError::PageTokenInvalid)
}

/// Sends it.
pub(super) fn send(app: Arc<App>, ask: Ask) -> Sending {
    Box::pin(async move { told(&app, ask).await.unwrap_or_else(Told::No) })
}

async fn told(app: &App, ask: Ask) -> Result<Told, AppError> {
    let (admin, catalog) = (
        || Caller::OpsAdmin { subject: "admin".to_owned() },
        || Caller::Catalog { subject: "catalog".to_owned() },
    );
    let (client, platform) = (Client::default(), Platform::Windows);
    Ok(match ask {
        Ask::Register { key, terms } => {
            let registration = Registration {
                key_id: key_id(key),
                product_key: product_key(key)?,
                terms: *terms,
                suspension: Suspension::default(),
            };
            let heads = app.batch_register_keys(&catalog(), vec![registration]).await?;
            Told::Key(heads.into_iter().next().ok_or(AppError::Unavailable)?)
        }
        Ask::Activate { key, evidence, request: request_id, .. } => {
            let (product_key, product) = (product_key(key)?, PRODUCT.to_owned());
            let evidence = evidence.as_ref().clone();
            let activation =
                Activation { product_key, product, evidence, platform, client, request_id };
            Told::Activated(app.activate(&Caller::KeyHolder, activation).await?)
        }
        Ask::Preview { key, evidence } => {
            let (product_key, product) = (product_key(key)?, PRODUCT.to_owned());
            let (evidence, request_id) = (evidence.as_ref().clone(), RequestId([0; 16]));
            let activation =
                Activation { product_key, product, evidence, platform, client, request_id };
            Told::Previewed(app.preview_activation(&Caller::KeyHolder, activation).await?)
        }
        Ask::Release { key, activation, by, request: request_id } => {
            let (caller, presented) = match by {
                By::Operator => (admin(), None),
                By::Owner => {
                    let (subject, owner) = ("owner".to_owned(), OWNER.to_owned());
                    (Caller::Owner { subject, owner }, None)
                }
                By::KeyHolder(evidence) => {
                    let presented = (product_key(key)?, evidence.as_ref().clone());
                    (Caller::KeyHolder, Some(presented))
                }
            };
            let (key_id, reason) = (key_id(key), String::new());
            let release = ReleaseRequest { key_id, activation, request_id, reason, presented };
            Told::GivenUp(app.release_activation(&caller, release).await?)
        }
        Ask::Update { key, settings } => updated(app, &admin(), key, *settings).await?,
        Ask::Suspend { key, suspension } => {
            let settings = Settings { suspension: Some(suspension), ..Settings::default() };
            updated(app, &catalog(), key, settings).await?
        }
        Ask::GetKey { key } => Told::Key(app.get_key(&admin(), key_id(key)).await?.head),
        Ask::Usage { keys } => {
            let keys = (0..keys).map(key_id).collect();
            Told::Usages(app.batch_get_key_usage(&catalog(), keys).await?)
        }
        Ask::Events { key, span } => {
            Told::Events(app.list_key_events(&admin(), key_id(key), span).await?)
        }
        Ask::Computers { key } => {
            let page = app.list_activations(&admin(), key_id(key), None, PAGE_EVENTS).await?;
            Told::Computers(page)
        }
        Ask::LedgerHead => Told::LedgerHead(app.get_ledger_head().await?),
    })
}

async fn updated(
    app: &App,
    caller: &Caller,
    key: u8,
    settings: Settings,
) -> Result<Told, AppError> {
    let update = KeyUpdate { key_id: key_id(key), settings, reason: "simulated".to_owned() };
    Ok(Told::Key(app.update_key(caller, update).await?))
}
