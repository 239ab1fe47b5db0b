//! Activating this computer: the request is stored before it is sent, and the stored one is sent
//! until it is answered.

use bytes::Bytes;
use hardware_evidence::EvidenceError;
use product_key::ProductKey;
use proto::activation::v1::{ActivateRequest, ActivateResponse, ClientInfo, Platform};

use crate::state::Pending;
use crate::{
    ActivationClient, Collector, Failure, ReceiptFault, StateDir, StateError, TermsError,
    TrustedKeys, Verified, check_receipt, evidence_message, request_id,
};

/// Who decides activations, as refusals name it.
const DOMAIN: &str = "benefits.activation.v1";

/// What is to be activated.
#[derive(Debug, Clone)]
pub struct Order {
    /// The key.
    pub product_key: ProductKey,
    /// `products/{product}`.
    pub product: String,
    /// What it is installed on.
    pub platform: Platform,
    /// A handle that an operator assigned to the computer.
    pub operator_handle: Option<String>,
    /// Name of the installer.
    pub client_name: String,
    /// Version of the installer.
    pub client_version: String,
    /// The public keys that the installer ships with; with them an answer must bring a receipt
    /// that proves it. Without, a receipt is kept and not looked at.
    pub trusted_keys: Option<TrustedKeys>,
}

/// A successful activation.
#[derive(Debug, Clone, PartialEq)]
pub struct Activated {
    /// The answer.
    pub response: ActivateResponse,
    /// True if it answers a request that was stored by an earlier run.
    pub resent: bool,
    /// What its receipt proves; none if no keys are trusted.
    pub proven: Option<Verified>,
}

/// Why there is no activation.
#[derive(Debug, thiserror::Error)]
pub enum ActivateError {
    /// The service cannot be asked for its terms, or has terms that this program cannot meet.
    /// Nothing was sent.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The collector is at odds with itself. Nothing was sent.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The operating system gives no random bytes. Nothing was sent.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The request cannot be stored, so it was not sent; or the answer cannot be kept, then the
    /// request is sent again the next time.
    #[error(transparent)]
    State(#[from] StateError),
    /// The service refused, or no answer came. Then the request stays stored and is sent again the
    /// next time.
    #[error(transparent)]
    Call(#[from] Box<Failure>),
    /// The answer is not proved. Who gave it may not be the service, so it is not kept, and the
    /// request is sent again the next time.
    #[error(transparent)]
    Receipt(#[from] ReceiptFault),
}

/// Activates the computer that the collector reads, or sends an earlier request again that was not
/// answered; then nothing is collected, for a request that is sent twice must be the same.
///
/// # Errors
///
/// See [`ActivateError`].
pub async fn activate(
    client: &ActivationClient,
    state: &StateDir,
    order: &Order,
    collector: &impl Collector,
) -> Result<Activated, ActivateError> {
    let stored = state.find(&order.product_key, &order.product, order.platform.into())?;
    let resent = stored.is_some();
    let pending = match stored {
        Some(pending) => pending,
        None => prepare(client, state, order, collector).await?,
    };
    match client.activate(pending.request.clone()).await {
        Ok(response) => {
            let check = |trusted| check_receipt(&pending.request, &response, trusted);
            let proven = order.trusted_keys.as_ref().map(check).transpose()?;
            state.finish(&pending, &response)?;
            Ok(Activated { response, resent, proven })
        }
        Err(failure) => {
            if failure.is_decision_of(DOMAIN) {
                state.discard(&pending)?;
            }
            Err(failure.into())
        }
    }
}

async fn prepare(
    client: &ActivationClient,
    state: &StateDir,
    order: &Order,
    collector: &impl Collector,
) -> Result<Pending, ActivateError> {
    let salt = client.salt().await?;
    let mut profile = collector.collect();
    if let Some(handle) = &order.operator_handle {
        profile = profile.with_operator_handle(handle);
    }
    let request = ActivateRequest {
        product_key: order.product_key.expose().to_owned(),
        product: order.product.clone(),
        evidence: Some(evidence_message(&profile.evidence(&salt)?)),
        platform: order.platform.into(),
        client: Some(ClientInfo {
            name: order.client_name.clone(),
            version: order.client_version.clone(),
        }),
        request_id: Bytes::copy_from_slice(&request_id()?),
    };
    Ok(state.store(request)?)
}
