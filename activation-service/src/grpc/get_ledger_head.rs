//! GetLedgerHead on the wire: a head's bytes → the response, with what they say.

use proto::activation::v1 as pb;
use receipt::SignedHead;

use crate::app::AppError;
use crate::ports::LedgerError;

pub(super) fn respond(bytes: &[u8]) -> Result<pb::GetLedgerHeadResponse, AppError> {
    let unreadable = |fault| LedgerError::Corrupt(format!("the head is no head: {fault}"));
    let signed = SignedHead::decode(bytes).map_err(unreadable)?;
    let head = signed.head();
    Ok(pb::GetLedgerHeadResponse {
        chain_id: hex(&head.chain_id),
        batch: head.batch,
        last_sequence: head.last_sequence,
        head_hash: hex(&signed.hash()),
        signing_key_id: head.signing_key_id.to_string(),
        signed_head: bytes.to_vec().into(),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
