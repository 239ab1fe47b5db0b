//! What every call has: a caller, a source, a language, and the use cases once the ledger is open.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};

use chassis::auth::Principal;
use chassis::serve::Peer;
use chassis::status::Language;
use tonic::{Request, Status};

use super::ActivationRpcs;
use super::caller::{caller, is_charged};
use super::status::{Case, Speech, WireError, status};
use crate::app::{Activated, App, AppError, Caller};
use crate::domain::error::Refusal;

/// One call.
pub(super) struct Call<'a> {
    pub(super) caller: Caller,
    rpcs: &'a ActivationRpcs,
    source: IpAddr,
    language: Language,
}

impl ActivationRpcs {
    pub(super) fn call<T>(&self, request: &Request<T>) -> Call<'_> {
        let peer = Peer::of(request.extensions());
        Call {
            caller: caller(&Principal::of(request.extensions())),
            rpcs: self,
            // Calls without a peer share one source, so that none of them goes uncharged.
            source: peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.address.ip()),
            language: Language::of(request.metadata()),
        }
    }
}

impl<'a> Call<'a> {
    /// The use cases, if the ledger is open.
    pub(super) fn app(&self) -> Result<&'a App, Status> {
        self.told(self.rpcs.app.get().ok_or(AppError::Unavailable))
    }

    /// The result with its error worded for this caller.
    pub(super) fn told<T, E: Into<WireError>>(&self, result: Result<T, E>) -> Result<T, Status> {
        result.map_err(|error| {
            let speech = Speech {
                language: self.language,
                help_base_uri: &self.rpcs.help_base_uri,
                points_min: self.rpcs.rules.points_min,
            };
            let error = error.into();
            let reason = Case::of(&error).row().reason;
            metrics::counter!("activation_refusals_total", "reason" => reason).increment(1);
            status(&error, speech)
        })
    }

    /// Looks a product key up, unless the source failed too often before; a failure is charged to
    /// it.
    pub(super) async fn guarded<T>(
        &self,
        look_up: impl Future<Output = Result<T, AppError>>,
    ) -> Result<T, Status> {
        if !is_charged(&self.caller) {
            return self.told(look_up.await);
        }
        if let Err(retry_delay) = self.rpcs.guard.admit(self.source) {
            return self.told(Err(WireError::RateLimited { retry_delay }));
        }
        let result = look_up.await;
        if let Err(AppError::Refused { refusal: Refusal::KeyNotUsable { .. }, .. }) = &result {
            self.rpcs.guard.failed(self.source);
        }
        self.told(result)
    }

    /// Notes a granted activation in the figures, and with the guard.
    pub(super) fn count(&self, activated: &Activated) {
        let outcome = activated.granted.outcome.name();
        metrics::counter!("activation_grants_total", "outcome" => outcome).increment(1);
        self.rpcs.guard.used(activated.key_id);
    }
}
