//! `ledger`: the newest signed head, and whether the ledger still holds what receipts prove.

use installer_client::{ActivationClient, Audited, RetryPolicy};
use proto::activation::v1::{GetLedgerHeadRequest, GetLedgerHeadResponse};
use receipt::{Leaf, SignedHead, TrustedKeys};
use serde_json::{Value, json};

use crate::args::{GlobalArgs, LedgerAuditArgs, LedgerCommand, LedgerHeadArgs};
use crate::error::CliError;
use crate::output::Printer;
use crate::{names, receipt as receipts};

pub(crate) async fn run(
    global: &GlobalArgs,
    command: &LedgerCommand,
    printer: &Printer,
) -> Result<(), CliError> {
    let json = printer.wants_json()?;
    let client = ActivationClient::new(&global.activation()?, RetryPolicy::interactive())?;
    match command {
        LedgerCommand::Head(args) => head(&client, args, printer, json).await,
        LedgerCommand::Audit(args) => audit(&client, args, printer, json).await,
    }
}

async fn head(
    client: &ActivationClient,
    args: &LedgerHeadArgs,
    printer: &Printer,
    json: bool,
) -> Result<(), CliError> {
    let trusted = args.trusted_keys.as_deref().map(receipts::trusted_file).transpose()?;
    let response = client.ledger_head(GetLedgerHeadRequest {}).await?;
    let signed = signed_head(&response, trusted.as_ref())?;
    match trusted {
        Some(_) => printer.note("the head is good: it is signed by one of your trusted keys"),
        None => printer.note("the signature is not checked: name the keys you trust"),
    }
    if json {
        let name = "benefits.activation.v1.GetLedgerHeadResponse";
        return printer.message(name, &response, false);
    }
    let shown = receipts::head_fields(&signed);
    let fields: Vec<(&str, String)> =
        shown.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    printer.fields(&fields)
}

/// The head of an answer; of what the answer says beside it nothing is believed.
fn signed_head(
    response: &GetLedgerHeadResponse,
    trusted: Option<&TrustedKeys>,
) -> Result<SignedHead, CliError> {
    let unproven = |reason, message| CliError::Unproven { reason, message };
    let signed = SignedHead::decode(&response.signed_head)
        .map_err(|fault| unproven("MALFORMED_HEAD", fault.to_string()))?;
    if let Some(trusted) = trusted {
        let untrusted = |fault: receipt::HeadFault| unproven("HEAD_NOT_SIGNED", fault.to_string());
        signed.verify(trusted).map_err(untrusted)?;
    }
    Ok(signed)
}

async fn audit(
    client: &ActivationClient,
    args: &LedgerAuditArgs,
    printer: &Printer,
    json: bool,
) -> Result<(), CliError> {
    let trusted = receipts::trusted_file(&args.trusted_keys)?;
    let mut files = Vec::new();
    for path in &args.receipts {
        files.push(receipts::receipt_file(path)?);
    }
    let response = client.ledger_head(GetLedgerHeadRequest {}).await?;
    let signed = signed_head(&response, Some(&trusted))?;
    let audited = installer_client::audit(client, &trusted, &signed, &files).await?;
    let names = args.receipts.iter().map(|path| path.display().to_string());
    let checked: Vec<(String, Audited)> = names.zip(audited).collect();
    if json {
        let rows: Vec<Value> = checked.iter().map(object).collect();
        printer.json(
            &json!({ "head": receipts::object(receipts::head_fields(&signed)), "receipts": rows }),
        )?;
    } else {
        let rows: Vec<Vec<String>> = checked.iter().map(row).collect();
        printer.table(&["RECEIPT", "SEQUENCE", "KEY", "VERSION", "RESULT"], &rows)?;
    }
    let bad = checked.iter().filter(|(_, audited)| audited.finding.is_some()).count();
    if bad == 0 {
        let all = checked.len();
        printer.note(&format!("the ledger holds what all {all} receipts prove"));
        return Ok(());
    }
    let message = format!("{bad} of {} receipts are not borne out by the ledger", checked.len());
    Err(CliError::Unproven { reason: "AUDIT_FAILED", message })
}

fn row((file, audited): &(String, Audited)) -> Vec<String> {
    let leaf = audited.leaf.as_ref();
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
    vec![
        file.clone(),
        number(leaf.map(|leaf| leaf.sequence)),
        names::or_dash(&leaf.map(key_name).unwrap_or_default()),
        number(leaf.map(|leaf| leaf.account_version)),
        match &audited.finding {
            Some(finding) => format!("{}: {finding}", finding.name()),
            None => "good".to_owned(),
        },
    ]
}

fn object((file, audited): &(String, Audited)) -> Value {
    let leaf = audited.leaf.as_ref();
    json!({
        "file": file,
        "sequence": leaf.map(|leaf| leaf.sequence),
        "key": leaf.map(key_name),
        "accountVersion": leaf.map(|leaf| leaf.account_version),
        "finding": audited.finding.as_ref().map(|finding| finding.name()),
        "why": audited.finding.as_ref().map(ToString::to_string),
    })
}

fn key_name(leaf: &Leaf) -> String {
    let id: String = leaf.key_id.iter().map(|byte| format!("{byte:02x}")).collect();
    names::key(&id)
}
