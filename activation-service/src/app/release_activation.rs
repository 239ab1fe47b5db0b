//! ReleaseActivation: give up one count of a computer.

use std::sync::Arc;

use super::{App, AppError, Caller};
use crate::domain::command::{Answer, Command, Release, Requester};
use crate::domain::error::Refusal;
use crate::domain::event::{Client, Origin, Released, RequestStamp};
use crate::domain::evidence::Evidence;
use crate::domain::ids::{ActivationId, KeyId, RequestId};
use crate::domain::product_key::ProductKey;
use crate::ports::KeyRef;

/// A request for a release, valid by its shape.
pub struct ReleaseRequest {
    /// The key that the activation is named under.
    pub key_id: KeyId,
    /// The computer.
    pub activation: ActivationId,
    /// The request.
    pub request_id: RequestId,
    /// Why.
    pub reason: String,
    /// What a caller with a key alone presents.
    pub presented: Option<(ProductKey, Evidence)>,
}

/// A count that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// What was given up.
    pub released: Released,
    /// The proof of it, from engines that give any.
    pub receipt: Option<Arc<[u8]>>,
}

impl App {
    /// Releases a count; `presented` must be there for a caller with a key alone.
    pub async fn release_activation(
        &self,
        caller: &Caller,
        request: ReleaseRequest,
    ) -> Result<GivenUp, AppError> {
        let ReleaseRequest { key_id, activation, request_id, reason, presented } = request;
        let requester = match caller {
            Caller::OpsAdmin { .. } => {
                self.visible(caller, key_id).await?;
                Requester::Operator
            }
            Caller::Owner { .. } => {
                self.visible(caller, key_id).await?;
                Requester::Owner
            }
            Caller::KeyHolder | Caller::Catalog { .. } | Caller::OpsRead { .. } => {
                let unknown = Refusal::KeyNotUsable { cause: None };
                let (key, evidence) =
                    presented.ok_or_else(|| AppError::refused(unknown.clone(), None))?;
                let digests = self.peppers.digests(&key);
                let loaded = self.ledger.load(KeyRef::Lookup(digests), None).await?;
                // The name must be of the key that was presented.
                loaded
                    .filter(|loaded| loaded.account.head.key_id == key_id)
                    .ok_or_else(|| AppError::refused(unknown, None))?;
                Requester::KeyHolder(Arc::new(evidence))
            }
        };
        let origin = Origin {
            actor: caller.actor().to_owned(),
            reason,
            client: Client::default(),
            time_ms: self.clock.now_ms(),
        };
        let request = RequestStamp::release(request_id, activation);
        let command = Command::Release(Release { activation, requester, request, origin });
        let settled = self.committer.settle(key_id, command).await?;
        let head = settled.head.as_ref();
        match settled.result {
            Ok(Answer::Released(released, version)) => {
                let receipt = self.receipt(key_id, version, settled.receipt).await?;
                Ok(GivenUp { released, receipt })
            }
            Ok(Answer::Activated(_) | Answer::Key) => {
                Err(AppError::refused(Refusal::RequestIdReused, head))
            }
            Err(refusal) => Err(AppError::refused(refusal, head)),
        }
    }
}
