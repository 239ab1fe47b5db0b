//! What an installer checks of a receipt: that it is good, and that it proves the answer it came
//! with.

use proto::activation::v1::{ActivateRequest, ActivateResponse, ActivationOutcome};
use receipt::{Activated, Event, Outcome, Receipt, ReceiptError, TrustedKeys, Verified};

/// Why a receipt does not prove an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFault {
    /// The service gave none, and the installer has keys to check one with.
    #[error("the answer came without a receipt")]
    Missing,
    /// It proves nothing.
    #[error(transparent)]
    Refused(#[from] ReceiptError),
    /// It is a good receipt of something else.
    #[error("the receipt is good, and proves something else: the {0} differs")]
    Other(&'static str),
}

impl ReceiptFault {
    /// The stable name; of refusals that of the test vectors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Missing => "RECEIPT_MISSING",
            Self::Refused(error) => error.name(),
            Self::Other(_) => "RECEIPT_OF_OTHER_EVENT",
        }
    }
}

/// Checks with pinned keys that the receipt in an answer proves the answer to this request; works
/// offline.
///
/// The receipt of a recorded decision must be of this very request, with its outcome and figures.
/// A decision that is not recorded rests on a count of the same computer; its receipt proves that
/// count, whose figures are those of its time.
///
/// # Errors
///
/// See [`ReceiptFault`].
pub fn check_receipt(
    request: &ActivateRequest,
    response: &ActivateResponse,
    trusted: &TrustedKeys,
) -> Result<Verified, ReceiptFault> {
    if response.receipt.is_empty() {
        return Err(ReceiptFault::Missing);
    }
    let verified = Receipt::decode(&response.receipt)?.verify(trusted)?;
    let leaf = &verified.leaf;
    let Event::Activated(event) = &leaf.event else { return Err(ReceiptFault::Other("event")) };
    let name = activation_name(&leaf.key_id, &event.activation_id);
    if response.activation != name {
        return Err(ReceiptFault::Other("activation"));
    }
    let own = leaf.request_id.is_some_and(|id| id[..] == request.request_id[..]);
    if own {
        recorded(event, response)?
    } else {
        rests_on(event, response)?
    }
    let makes_count = is_counted(event.outcome);
    if makes_count != (event.count == leaf.account_version) {
        return Err(ReceiptFault::Other("count"));
    }
    Ok(verified)
}

/// The event of this very request says what the answer says.
fn recorded(event: &Activated, response: &ActivateResponse) -> Result<(), ReceiptFault> {
    let checks = [
        ("outcome", i32::from(event.outcome.number()) == response.outcome),
        ("used", event.used == response.used),
        ("limit", event.limit == response.limit),
    ];
    match checks.into_iter().find(|(_, same)| !same) {
        Some((what, _)) => Err(ReceiptFault::Other(what)),
        None => Ok(()),
    }
}

/// An earlier event can only be the count on which an uncounted answer rests.
fn rests_on(event: &Activated, response: &ActivateResponse) -> Result<(), ReceiptFault> {
    if response.outcome() != ActivationOutcome::NotCountedSameComputer {
        return Err(ReceiptFault::Other("request"));
    }
    match is_counted(event.outcome) {
        true => Ok(()),
        false => Err(ReceiptFault::Other("outcome")),
    }
}

fn is_counted(outcome: Outcome) -> bool {
    outcome != Outcome::NotCountedSameComputer
}

/// `productKeys/{key_id}/activations/{activation}`, as answers name computers.
fn activation_name(key_id: &[u8], activation_id: &[u8]) -> String {
    format!("productKeys/{}/activations/{}", hex(key_id), hex(activation_id))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
