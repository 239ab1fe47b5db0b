//! The wire: the generated trait, three lines an RPC (parse, use case, respond).

mod activate;
mod batch_get_key_usage;
mod batch_register_keys;
mod call;
mod caller;
mod evidence;
mod explanation;
mod fields;
mod get_activation_terms;
mod get_key;
mod get_ledger_head;
mod key;
mod key_event;
mod list_activations;
mod list_key_events;
mod names;
mod pages;
mod preview_activation;
mod release_activation;
mod service;
mod status;
mod terms;
mod time;
mod update_key;
mod wording;

use std::sync::{Arc, OnceLock};

use chassis::page_token::Sealer;
use proto::activation::v1 as pb;
use proto::activation::v1::activation_service_server::ActivationService;
use tonic::{Request, Response, Status};

use crate::app::App;
use crate::domain::policy::Rules;
use crate::ports::LookupGuard;
pub use service::ActivationRoute;
pub(crate) use status::DOMAIN;

/// The use cases, once the ledger is open; until then every call is told to come back.
pub type AppSlot = Arc<OnceLock<App>>;

/// The RPCs of the activation service.
pub struct ActivationRpcs {
    /// The use cases.
    pub app: AppSlot,
    /// Watches failed look-ups.
    pub guard: Arc<dyn LookupGuard>,
    /// Seals page tokens.
    pub sealer: Sealer,
    /// Start of the links in refusals.
    pub help_base_uri: String,
    /// The hardware policy in force, for explanations and refusals.
    pub rules: Arc<Rules>,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ActivationService for ActivationRpcs {
    async fn get_activation_terms(
        &self,
        request: Request<pb::GetActivationTermsRequest>,
    ) -> Answer<pb::GetActivationTermsResponse> {
        let call = self.call(&request);
        let terms = call.app()?.get_activation_terms();
        Ok(Response::new(get_activation_terms::respond(terms)))
    }

    async fn preview_activation(
        &self,
        request: Request<pb::PreviewActivationRequest>,
    ) -> Answer<pb::PreviewActivationResponse> {
        let call = self.call(&request);
        let asked = call.told(preview_activation::parse(request.into_inner()))?;
        let preview = call.app()?.preview_activation(&call.caller, asked);
        Ok(Response::new(preview_activation::respond(&self.rules, call.guarded(preview).await?)))
    }

    async fn activate(
        &self,
        request: Request<pb::ActivateRequest>,
    ) -> Answer<pb::ActivateResponse> {
        let call = self.call(&request);
        let asked = call.told(activate::parse(request.into_inner()))?;
        let activated = call.guarded(call.app()?.activate(&call.caller, asked)).await?;
        call.count(&activated);
        Ok(Response::new(activate::respond(&self.rules, activated)))
    }

    async fn release_activation(
        &self,
        request: Request<pb::ReleaseActivationRequest>,
    ) -> Answer<pb::ReleaseActivationResponse> {
        let call = self.call(&request);
        let asked = call.told(release_activation::parse(&call.caller, request.into_inner()))?;
        let (key_id, shows_key) = (asked.key_id, asked.presented.is_some());
        let released = call.app()?.release_activation(&call.caller, asked);
        // Admins name the key and guess nothing, whatever else came from their address.
        let released = match shows_key {
            true => call.guarded(released).await?,
            false => call.told(released.await)?,
        };
        Ok(Response::new(release_activation::respond(key_id, released)))
    }

    async fn get_key(&self, request: Request<pb::GetKeyRequest>) -> Answer<pb::GetKeyResponse> {
        let call = self.call(&request);
        let key_id = call.told(get_key::parse(request.get_ref()))?;
        let found = call.told(call.app()?.get_key(&call.caller, key_id).await)?;
        Ok(Response::new(get_key::respond(found)))
    }

    async fn batch_get_key_usage(
        &self,
        request: Request<pb::BatchGetKeyUsageRequest>,
    ) -> Answer<pb::BatchGetKeyUsageResponse> {
        let call = self.call(&request);
        let asked = call.told(batch_get_key_usage::parse(request.get_ref()))?;
        let usages = call.told(call.app()?.batch_get_key_usage(&call.caller, asked).await)?;
        Ok(Response::new(batch_get_key_usage::respond(usages)))
    }

    async fn list_activations(
        &self,
        request: Request<pb::ListActivationsRequest>,
    ) -> Answer<pb::ListActivationsResponse> {
        let call = self.call(&request);
        let asked = call.told(list_activations::parse(&self.sealer, request.get_ref()))?;
        let list_activations::Asked { key_id, after, most } = asked;
        let page = call.app()?.list_activations(&call.caller, key_id, after, most).await;
        Ok(Response::new(list_activations::respond(&self.sealer, key_id, call.told(page)?)))
    }

    async fn list_key_events(
        &self,
        request: Request<pb::ListKeyEventsRequest>,
    ) -> Answer<pb::ListKeyEventsResponse> {
        let call = self.call(&request);
        let asked = call.told(list_key_events::parse(&self.sealer, request.get_ref()))?;
        let found = call.told(list_key_events::read(call.app()?, &call.caller, &asked).await)?;
        Ok(Response::new(list_key_events::respond(&self.rules, &self.sealer, &asked, found)))
    }

    async fn get_ledger_head(
        &self,
        request: Request<pb::GetLedgerHeadRequest>,
    ) -> Answer<pb::GetLedgerHeadResponse> {
        let call = self.call(&request);
        let head = call.told(call.app()?.get_ledger_head().await)?;
        Ok(Response::new(call.told(get_ledger_head::respond(&head))?))
    }

    async fn batch_register_keys(
        &self,
        request: Request<pb::BatchRegisterKeysRequest>,
    ) -> Answer<pb::BatchRegisterKeysResponse> {
        let call = self.call(&request);
        let asked = call.told(batch_register_keys::parse(request.into_inner()))?;
        let heads = call.told(call.app()?.batch_register_keys(&call.caller, asked).await)?;
        Ok(Response::new(batch_register_keys::respond(heads)))
    }

    async fn update_key(
        &self,
        request: Request<pb::UpdateKeyRequest>,
    ) -> Answer<pb::UpdateKeyResponse> {
        let call = self.call(&request);
        let asked = call.told(update_key::parse(request.into_inner()))?;
        let head = call.told(call.app()?.update_key(&call.caller, asked).await)?;
        Ok(Response::new(update_key::respond(head)))
    }
}
