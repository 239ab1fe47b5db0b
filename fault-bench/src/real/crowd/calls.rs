//! One call over one connection, and its outcome as the checker knows it.

use anyhow::{Context as _, Result, bail, ensure};
use prost_types::FieldMask;
use proto::activation::v1 as act;
use receipt::{Receipt, TrustedKeys};
use system_tests::{Activation, Refusal};

use crate::linear::{Answer, No, View};
use crate::real::asking::{Told, ask};

/// Everybody who calls, over one connection.
#[derive(Clone)]
pub(super) struct Lane {
    pub(super) installer: Activation,
    pub(super) operator: Activation,
    pub(super) catalog: Activation,
}

/// A call that can be made again.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Activate(act::ActivateRequest),
    Release(act::ReleaseActivationRequest),
    Update(act::UpdateKeyRequest),
    Suspend(act::UpdateKeyRequest),
    Get(String),
    Usage(String),
}

impl Lane {
    /// Makes the call; receipts must be good.
    pub(super) async fn call(&self, request: Request, trusted: &TrustedKeys) -> Result<Answer> {
        match request {
            Request::Activate(request) => {
                let mut client = self.installer.clone();
                let id = request.request_id.clone();
                let told = ask("Activate", client.activate(request)).await?;
                known(told, |answer| granted(&answer, &id, trusted))
            }
            Request::Release(request) => {
                let mut client = self.operator.clone();
                let told = ask("ReleaseActivation", client.release_activation(request)).await?;
                known(told, |answer| released(&answer, trusted))
            }
            Request::Update(request) => {
                let mut client = self.operator.clone();
                let told = ask("UpdateKey", client.update_key(request)).await?;
                known(told, |answer| view(answer.key))
            }
            Request::Suspend(request) => {
                let mut client = self.catalog.clone();
                let told = ask("UpdateKey", client.update_key(request)).await?;
                known(told, |answer| view(answer.key))
            }
            Request::Get(name) => {
                let mut client = self.operator.clone();
                let told = ask("GetKey", client.get_key(act::GetKeyRequest { name })).await?;
                known(told, |answer| view(answer.key))
            }
            Request::Usage(name) => {
                let mut client = self.operator.clone();
                let request = act::BatchGetKeyUsageRequest { names: vec![name] };
                let told = ask("BatchGetKeyUsage", client.batch_get_key_usage(request)).await?;
                known(told, |answer| usage(&answer))
            }
        }
    }
}

/// A change of one field of a key.
pub(in crate::real) fn update(field: &str, key: act::ProductKey) -> act::UpdateKeyRequest {
    act::UpdateKeyRequest {
        key: Some(key),
        update_mask: Some(FieldMask { paths: vec![field.to_owned()] }),
        reason: "the bench".to_owned(),
    }
}

/// The number of the last part of a name, which is 32 hex digits.
pub(super) fn number(name: &str) -> Result<u128> {
    let last = name.rsplit('/').next().unwrap_or_default();
    u128::from_str_radix(last, 16).with_context(|| format!("{name} ends with no id"))
}

/// The number of a request id.
pub(super) fn id(bytes: &[u8]) -> Result<u128> {
    Ok(u128::from_be_bytes(bytes.try_into().context("16 bytes")?))
}

fn known<T>(told: Told<T>, read: impl FnOnce(T) -> Result<Answer>) -> Result<Answer> {
    match told {
        Told::Answer(answer) => read(answer),
        Told::Refused(refusal) => Ok(Answer::Refused(no(&refusal)?)),
        Told::Unknown => Ok(Answer::Unknown),
    }
}

fn granted(answer: &act::ActivateResponse, id: &[u8], trusted: &TrustedKeys) -> Result<Answer> {
    let proven = Receipt::decode(&answer.receipt)?.verify(trusted)?.leaf;
    let counted = answer.outcome() != act::ActivationOutcome::NotCountedSameComputer;
    if counted {
        let of = proven.request_id.unwrap_or_default();
        ensure!(of == id, "the receipt is of request {of:?}");
    }
    let remaining = answer.limit.saturating_sub(answer.used);
    ensure!(answer.remaining == remaining, "what remains: {answer:?}");
    Ok(Answer::Granted {
        counted,
        activation: number(&answer.activation)?,
        used: answer.used,
        limit: answer.limit,
        proof: Some(proven.account_version),
    })
}

fn released(answer: &act::ReleaseActivationResponse, trusted: &TrustedKeys) -> Result<Answer> {
    let proven = Receipt::decode(&answer.receipt)?.verify(trusted)?.leaf;
    let act::ReleaseActivationResponse { released_count: count, used, limit, .. } = *answer;
    Ok(Answer::Released { count, used, limit, proof: Some(proven.account_version) })
}

fn view(key: Option<act::ProductKey>) -> Result<Answer> {
    let key = key.context("a key")?;
    Ok(Answer::Key(View {
        used: key.used,
        limit: key.limit,
        suspended: key.suspension.unwrap_or_default().suspended,
        blocked: key.blocked,
        version: Some(key.account_version),
    }))
}

fn usage(answer: &act::BatchGetKeyUsageResponse) -> Result<Answer> {
    let act::KeyUsage { used, limit, suspended, blocked, .. } =
        *answer.usages.first().with_context(|| format!("one usage: {answer:?}"))?;
    Ok(Answer::Key(View { used, limit, suspended, blocked, version: None }))
}

fn no(refusal: &Refusal) -> Result<No> {
    Ok(match refusal.reason.as_str() {
        "ACTIVATION_LIMIT_REACHED" => No::LimitReached,
        "KEY_SUSPENDED" => No::Suspended,
        // The key is known and of this product, so it is blocked.
        "KEY_NOT_USABLE" => No::Blocked,
        "ACTIVATION_RELEASED" => No::ActivationReleased,
        "ACTIVATION_NOT_FOUND" => No::ActivationNotFound,
        "REQUEST_ID_REUSED" => No::RequestIdReused,
        _ => bail!("refused without a cause: {refusal:?}"),
    })
}
