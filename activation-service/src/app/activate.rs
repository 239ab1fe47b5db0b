//! Activate: look the key up, decide, and record what must be recorded before the answer.

use std::sync::Arc;

use super::committer::Seen;
use super::{App, AppError, Caller};
use crate::domain::account::Head;
use crate::domain::command::{self, Answer, Command, Context, Granted, decide};
use crate::domain::error::Refusal;
use crate::domain::event::{Client, Origin, RequestStamp};
use crate::domain::evidence::Evidence;
use crate::domain::ids::{ActivationId, KeyId, RequestId};
use crate::domain::product_key::ProductKey;
use crate::domain::terms::Platform;
use crate::ports::{KeyRef, Loaded};

/// A request for an activation, valid by its shape.
pub struct Activation {
    /// The key.
    pub product_key: ProductKey,
    /// The product that is being installed.
    pub product: String,
    /// What the computer shows.
    pub evidence: Evidence,
    /// Where it is installed.
    pub platform: Platform,
    /// The program that asks.
    pub client: Client,
    /// The request; previews need none.
    pub request_id: RequestId,
}

/// A granted activation of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activated {
    /// The key.
    pub key_id: KeyId,
    /// What was granted.
    pub granted: Granted,
    /// The proof of it, from engines that give any.
    pub receipt: Option<Arc<[u8]>>,
}

impl App {
    /// Activates a key on a computer.
    pub async fn activate(
        &self,
        caller: &Caller,
        activation: Activation,
    ) -> Result<Activated, AppError> {
        let request_id = activation.request_id;
        let (loaded, command) = self.prepare(caller, activation, Some(request_id)).await?;
        let key_id = loaded.account.head.key_id;
        let context = Context {
            policy: &self.policy,
            account: Some(&loaded.account),
            recorded: loaded.recorded.as_deref(),
            lookup_owner: None,
        };
        let time_ms = command.origin.time_ms;
        let command = Command::Activate(command);
        let decision = decide(context, &command);
        // Nothing to record: the account holds every event acknowledged before the request came in.
        let (granted, at_hand) = if decision.events.is_empty() {
            (granted(decision.result, Some(&loaded.account.head))?, None)
        } else {
            let Loaded { account, recorded, .. } = loaded;
            let account = Some(account);
            let decided = Some(decision);
            let seen = Seen { key_id, account, recorded, lookup_owner: None, decided };
            let settled = self.committer.settle_seen(seen, command).await?;
            (granted(settled.result, settled.head.as_ref())?, settled.receipt)
        };
        if !granted.outcome.is_counted() {
            self.sightings.note(key_id, granted.activation, time_ms);
        }
        let receipt = self.receipt(key_id, granted.proof, at_hand).await?;
        Ok(Activated { key_id, granted, receipt })
    }

    /// Looks the key up and completes the command with the clock and a fresh id.
    pub(super) async fn prepare(
        &self,
        caller: &Caller,
        activation: Activation,
        request_id: Option<RequestId>,
    ) -> Result<(Loaded, command::Activate), AppError> {
        let digests = self.peppers.digests(&activation.product_key);
        let loaded = self.ledger.load(KeyRef::Lookup(digests), request_id).await?;
        let unknown = Refusal::KeyNotUsable { cause: None };
        let loaded = loaded.ok_or_else(|| AppError::refused(unknown, None))?;
        let Activation { product, evidence, platform, client, request_id, .. } = activation;
        let request = RequestStamp::activate(request_id, &product, &evidence, platform);
        let (actor, time_ms) = (caller.actor().to_owned(), self.clock.now_ms());
        let command = command::Activate {
            product,
            evidence: Arc::new(evidence),
            platform,
            request,
            new_activation: ActivationId(self.randomness.id_bytes()),
            origin: Origin { actor, reason: String::new(), client, time_ms },
        };
        Ok((loaded, command))
    }
}

/// The grant in an answer to an activation.
pub(super) fn granted(
    result: Result<Answer, Refusal>,
    head: Option<&Head>,
) -> Result<Granted, AppError> {
    match result {
        Ok(Answer::Activated(granted)) => Ok(granted),
        Ok(Answer::Released(..) | Answer::Key) => {
            // The request id recorded something else than an activation.
            Err(AppError::refused(Refusal::RequestIdReused, head))
        }
        Err(refusal) => Err(AppError::refused(refusal, head)),
    }
}
