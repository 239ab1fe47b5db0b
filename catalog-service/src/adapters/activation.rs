//! The client of the activation service: registers keys, tells suspensions, reads counts.
//!
//! Every call has a deadline of its own. What a status means for a key is decided here, so that the
//! use cases see verdicts: known, stuck, unknown, or not now.

mod message;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use proto::activation::v1::activation_service_client::ActivationServiceClient;
use proto::activation::v1::{BatchGetKeyUsageRequest, BatchRegisterKeysRequest, KeyRegistration};
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::domain::key::{StuckReason, Suspension};
use crate::domain::name::Handle;
use crate::ports::{Ledger, LedgerError, Registration, UsageReading, Verdict};

/// ErrorInfo.metadata of a status whose bad fields did not all fit into it.
const BAD_FIELDS_LEFT_OUT: &str = "bad_fields_left_out";
/// Most calls for single keys that are in flight at once.
const CALLS_IN_FLIGHT_MAX: usize = 8;

/// Who we are where there are no certificates.
const DEVELOPMENT_IDENTITY: &str = "subject=catalog-service;roles=CATALOG";

/// The activation service.
#[derive(Clone)]
pub struct ActivationClient {
    client: ActivationServiceClient<Channel>,
    call_timeout: Duration,
    plain: bool,
}

impl ActivationClient {
    /// A client on a channel that connects when it is first used. On a plain one, which leads to
    /// loopback only, it says who it is as a development identity; else its certificate does.
    pub fn new(channel: Channel, call_timeout: Duration, plain: bool) -> Self {
        Self { client: ActivationServiceClient::new(channel), call_timeout, plain }
    }

    /// Makes the call with a deadline that both sides know.
    fn request<T>(&self, message: T, within: Duration) -> Request<T> {
        let mut request = Request::new(message);
        if self.plain {
            let identity = MetadataValue::from_static(DEVELOPMENT_IDENTITY);
            request.metadata_mut().insert("x-dev-identity", identity);
        }
        request.set_timeout(within);
        request
    }

    async fn register_batch(&self, keys: Vec<KeyRegistration>) -> Result<Vec<Verdict>, Status> {
        let sent: Vec<(String, Suspension)> = keys.iter().map(message::sent).collect();
        let request = self.request(BatchRegisterKeysRequest { keys }, self.call_timeout);
        let mut client = self.client.clone();
        let call = client.batch_register_keys(request);
        let answer = tokio::time::timeout(self.call_timeout, call).await.map_err(too_late)?;
        match answer {
            Ok(answer) => {
                let known = message::suspensions(answer.into_inner().keys);
                let verdict = |(key_id, sent): &(String, Suspension)| {
                    Verdict::Known(known.get(key_id).copied().unwrap_or(*sent))
                };
                Ok(sent.iter().map(verdict).collect())
            }
            Err(status) if status.code() == Code::AlreadyExists => {
                verdicts_of_conflict(&status, &sent).ok_or(status)
            }
            Err(status) => Err(status),
        }
    }

    /// Registers one key; a status that is about the key is a verdict on it.
    async fn register_one(&self, key: KeyRegistration) -> Verdict {
        match self.register_batch(vec![key]).await {
            Ok(verdicts) => verdicts.first().copied().unwrap_or(Verdict::Unavailable),
            Err(status) => match status.code() {
                Code::AlreadyExists => Verdict::Stuck(StuckReason::Conflict),
                code if is_about_the_request(code) => Verdict::Stuck(StuckReason::Rejected),
                _ => Verdict::Unavailable,
            },
        }
    }

    async fn suspend_one(&self, key_id: &Handle, suspension: Suspension) -> Verdict {
        let request =
            self.request(message::update_suspension(key_id, suspension), self.call_timeout);
        let mut client = self.client.clone();
        let call = client.update_key(request);
        let answer = match tokio::time::timeout(self.call_timeout, call).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(too_late(elapsed)),
        };
        match answer {
            Ok(answer) => {
                let known = answer.into_inner().key.and_then(|key| key.suspension);
                Verdict::Known(known.map_or(suspension, message::suspension_known))
            }
            Err(status) => {
                note("UpdateKey", &status);
                match status.code() {
                    Code::NotFound => Verdict::Unknown,
                    code if is_about_the_request(code) => Verdict::Stuck(StuckReason::Rejected),
                    _ => Verdict::Unavailable,
                }
            }
        }
    }
}

#[async_trait]
impl Ledger for ActivationClient {
    async fn register(&self, keys: Vec<Registration>) -> Vec<Verdict> {
        let count = keys.len();
        let keys: Vec<KeyRegistration> = keys.iter().map(message::registration).collect();
        match self.register_batch(keys.clone()).await {
            Ok(verdicts) => verdicts,
            Err(status) => {
                note("BatchRegisterKeys", &status);
                let code = status.code();
                if code == Code::AlreadyExists || is_about_the_request(code) {
                    // The answer does not say which key it is about: ask for each of them.
                    let one = |key| self.register_one(key);
                    stream::iter(keys).map(one).buffered(CALLS_IN_FLIGHT_MAX).collect().await
                } else {
                    vec![Verdict::Unavailable; count]
                }
            }
        }
    }

    async fn suspend(&self, keys: &[(Handle, Suspension)]) -> Vec<Verdict> {
        let one = |(key_id, suspension): (Handle, Suspension)| async move {
            self.suspend_one(&key_id, suspension).await
        };
        stream::iter(keys.to_vec()).map(one).buffered(CALLS_IN_FLIGHT_MAX).collect().await
    }

    async fn usage(
        &self,
        keys: Arc<[Handle]>,
        within: Duration,
    ) -> Result<UsageReading, LedgerError> {
        let names = keys.iter().map(message::key_name).collect();
        let request = self.request(BatchGetKeyUsageRequest { names }, within);
        let mut client = self.client.clone();
        let call = client.batch_get_key_usage(request);
        let answer = match tokio::time::timeout(within, call).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(too_late(elapsed)),
        };
        let answer = answer.map_err(|status| {
            note("BatchGetKeyUsage", &status);
            LedgerError(format!("{:?}", status.code()))
        })?;
        message::usage(answer.into_inner())
            .ok_or_else(|| LedgerError("an answer that cannot be read".to_owned()))
    }
}

fn too_late(_: tokio::time::error::Elapsed) -> Status {
    Status::deadline_exceeded("the activation service did not answer in time")
}

/// Whether a repeat of the same request would be refused for ever.
fn is_about_the_request(code: Code) -> bool {
    matches!(code, Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange)
}

/// Which keys the conflict is about; all others were registered. None if the answer does not say.
fn verdicts_of_conflict(status: &Status, sent: &[(String, Suspension)]) -> Option<Vec<Verdict>> {
    let details = status.get_error_details();
    if details.error_info()?.metadata.contains_key(BAD_FIELDS_LEFT_OUT) {
        return None;
    }
    let violations = &details.bad_request()?.field_violations;
    let named: Vec<usize> =
        violations.iter().filter_map(|violation| message::key_index(&violation.field)).collect();
    if named.is_empty() || named.iter().any(|index| *index >= sent.len()) {
        return None;
    }
    let verdict = |(index, (_, suspension)): (usize, &(String, Suspension))| {
        if named.contains(&index) {
            Verdict::Stuck(StuckReason::Conflict)
        } else {
            Verdict::Known(*suspension)
        }
    };
    Some(sent.iter().enumerate().map(verdict).collect())
}

/// The text of a status may hold anything, so only its code is logged.
fn note(method: &'static str, status: &Status) {
    let code = status.code();
    tracing::warn!(method, ?code, "the activation service refused or did not answer");
}

#[cfg(test)]
mod tests {
    use tonic_types::{ErrorDetails, FieldViolation};

    use super::*;

    const SENT: Suspension = Suspension { suspended: false, generation: 1 };

    fn conflict(fields: &[&str], left_out: bool) -> Status {
        let metadata: std::collections::HashMap<String, String> = left_out
            .then(|| (BAD_FIELDS_LEFT_OUT.to_owned(), "3".to_owned()))
            .into_iter()
            .collect();
        let mut details = ErrorDetails::with_error_info("KEY_ALREADY_REGISTERED", "d", metadata);
        let violations = fields.iter().map(|field| FieldViolation::new(*field, "known"));
        details.set_bad_request(violations.collect::<Vec<_>>());
        Status::with_error_details(Code::AlreadyExists, "known", details)
    }

    #[test]
    fn only_the_named_keys_of_a_conflict_are_stuck() {
        let sent = vec![("a".to_owned(), SENT), ("b".to_owned(), SENT)];
        let (stuck, known) = (Verdict::Stuck(StuckReason::Conflict), Verdict::Known(SENT));
        let named = conflict(&["keys[1].product_key"], false);
        assert_eq!(verdicts_of_conflict(&named, &sent), Some(vec![known, stuck]));
    }

    #[test]
    fn a_conflict_that_does_not_name_all_its_keys_decides_nothing() {
        let sent = vec![("a".to_owned(), SENT), ("b".to_owned(), SENT)];
        for status in [
            conflict(&["keys[1].product_key"], true),
            conflict(&[], false),
            conflict(&["keys[2].product_key"], false),
            Status::already_exists("no details"),
        ] {
            assert_eq!(verdicts_of_conflict(&status, &sent), None);
        }
    }
}
