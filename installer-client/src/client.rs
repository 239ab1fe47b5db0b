//! The activation service as a client sees it: one method a call, sent again where that is safe.

use hardware_evidence::{DeploymentSalt, RECIPE_VERSION, WrongLength};
use proto::activation::v1::{
    ActivateRequest, ActivateResponse, BatchGetKeyUsageRequest, BatchGetKeyUsageResponse,
    GetActivationTermsRequest, GetKeyRequest, GetKeyResponse, GetLedgerHeadRequest,
    GetLedgerHeadResponse, ListActivationsRequest, ListActivationsResponse, ListKeyEventsRequest,
    ListKeyEventsResponse, PreviewActivationRequest, PreviewActivationResponse,
    ReleaseActivationRequest, ReleaseActivationResponse,
};
use tonic::Request;

use crate::connect::ActivationStub;
use crate::{ConnectError, Connection, Failure, RetryPolicy, retry};

/// A client of the activation service. All of its calls are safe to repeat: those that change
/// something carry a request id of the caller.
#[derive(Debug, Clone)]
pub struct ActivationClient {
    stub: ActivationStub,
    policy: RetryPolicy,
}

/// Why evidence cannot be made for the service.
#[derive(Debug, thiserror::Error)]
pub enum TermsError {
    /// The call did not succeed.
    #[error(transparent)]
    Call(#[from] Box<Failure>),
    /// The service does not accept the recipe of this program.
    #[error("the service accepts recipes {accepted:?}, this program makes {RECIPE_VERSION}")]
    Recipe {
        /// What it accepts.
        accepted: Vec<u32>,
    },
    /// The salt does not have its length.
    #[error("the salt of the service is malformed: {0}")]
    Salt(#[from] WrongLength),
}

/// One method a call: its name, request and response.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident => $rpc:ident($request:ty) -> $response:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// The refusal, or the last failure of all attempts.
        pub async fn $name(&self, request: $request) -> Result<$response, Box<Failure>> {
            retry::call(&self.policy, || {
                let mut stub = self.stub.clone();
                let mut request = Request::new(request.clone());
                request.set_timeout(self.policy.call_timeout());
                async move { stub.$rpc(request).await }
            })
            .await
        }
    )*};
}

impl ActivationClient {
    /// A client that connects with its first call.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub fn new(connection: &Connection, policy: RetryPolicy) -> Result<Self, ConnectError> {
        Ok(Self { stub: connection.activation()?, policy })
    }

    /// The salt of the deployment, once it is certain that the service accepts this program's
    /// recipe.
    ///
    /// # Errors
    ///
    /// See [`TermsError`].
    pub async fn salt(&self) -> Result<DeploymentSalt, TermsError> {
        let terms = retry::call(&self.policy, || {
            let mut stub = self.stub.clone();
            let mut request = Request::new(GetActivationTermsRequest {});
            request.set_timeout(self.policy.call_timeout());
            async move { stub.get_activation_terms(request).await }
        })
        .await?;
        if !terms.recipe_versions.contains(&u32::from(RECIPE_VERSION)) {
            return Err(TermsError::Recipe { accepted: terms.recipe_versions });
        }
        Ok(DeploymentSalt::try_from(terms.deployment_salt.as_ref())?)
    }

    calls! {
        /// Activates a product key; [`crate::activate()`] also stores the request before it is
        /// sent.
        activate => activate(ActivateRequest) -> ActivateResponse;
        /// What an activation would answer.
        preview => preview_activation(PreviewActivationRequest) -> PreviewActivationResponse;
        /// Gives up one count of an activation.
        release => release_activation(ReleaseActivationRequest) -> ReleaseActivationResponse;
        /// One key with its terms and counts.
        key => get_key(GetKeyRequest) -> GetKeyResponse;
        /// The counts of many keys.
        key_usage => batch_get_key_usage(BatchGetKeyUsageRequest) -> BatchGetKeyUsageResponse;
        /// A page of the computers of a key.
        activations => list_activations(ListActivationsRequest) -> ListActivationsResponse;
        /// A page of the history of a key.
        key_events => list_key_events(ListKeyEventsRequest) -> ListKeyEventsResponse;
        /// The newest signed head of the ledger.
        ledger_head => get_ledger_head(GetLedgerHeadRequest) -> GetLedgerHeadResponse;
    }
}
