//! `activate`, `preview` and `release`.

use std::path::PathBuf;

use bytes::Bytes;
use installer_client::{
    ActivationClient, Collector as _, Order, REQUEST_ID_BYTES, ReceiptFault, RetryPolicy, StateDir,
    evidence_message, request_id, this_platform,
};
use proto::activation::v1::{
    ActivationOutcome, ClientInfo, ComponentKind, Explanation, KindVerdict,
    PreviewActivationRequest, ReleaseActivationRequest,
};

use crate::args::{ActivateArgs, GlobalArgs, PlatformArg, PreviewArgs, ReleaseArgs};
use crate::error::CliError;
use crate::output::Printer;
use crate::{hardware, names, product_key, receipt};

const CLIENT_NAME: &str = "benefitsctl";
const STATE_FOLDER: &str = ".local/state/benefitsctl";

pub(crate) async fn activate(
    global: &GlobalArgs,
    args: &ActivateArgs,
    printer: &Printer,
) -> Result<(), CliError> {
    let json = printer.wants_json()?;
    let client = ActivationClient::new(&global.activation()?, RetryPolicy::installer())?;
    let order = Order {
        product_key: product_key::required(&args.key, printer)?,
        product: names::product(&args.product.product),
        platform: args.product.platform.map_or(this_platform(), PlatformArg::activation),
        operator_handle: None,
        client_name: CLIENT_NAME.to_owned(),
        client_version: env!("CARGO_PKG_VERSION").to_owned(),
        trusted_keys: args.trusted_keys.as_deref().map(receipt::trusted_file).transpose()?,
    };
    let computer = hardware::computer(&args.computer)?;
    let folder = state_folder(args)?;
    let state = StateDir::open(&folder)?;
    let activated = installer_client::activate(&client, &state, &order, &computer).await;
    let activated = activated.map_err(|error| {
        let stored = state.pending_count().is_ok_and(|count| count > 0);
        let shown = folder.display();
        let text = format!("the request is kept in {shown}; the same command sends it again");
        CliError::from(error).hint(|failure| (stored && failure.is_retryable()).then_some(text))
    })?;
    if activated.resent {
        printer.note("this answers a request of an earlier run, which had not been answered");
    }
    if activated.proven.is_some() {
        printer.note("the receipt is good: one of your trusted keys stands for this activation");
    }
    let response = activated.response;
    if json {
        printer.message("benefits.activation.v1.ActivateResponse", &response, false)?;
    } else {
        let shown = Decision {
            outcome: response.outcome(),
            activation: &response.activation,
            numbers: [response.used, response.limit, response.remaining],
            explanation: response.explanation.as_ref(),
        };
        decision(printer, &shown)?;
    }
    // The computer is activated; what fails from here on is only the file.
    match &args.receipt_out {
        Some(_) if response.receipt.is_empty() => Err(ReceiptFault::Missing.into()),
        Some(path) => receipt::keep(path, &response.receipt),
        None => Ok(()),
    }
}

pub(crate) async fn preview(
    global: &GlobalArgs,
    args: &PreviewArgs,
    printer: &Printer,
) -> Result<(), CliError> {
    let json = printer.wants_json()?;
    let client = ActivationClient::new(&global.activation()?, RetryPolicy::interactive())?;
    let key = product_key::required(&args.key, printer)?;
    let profile = hardware::computer(&args.computer)?.collect();
    let evidence = profile.evidence(&client.salt().await?)?;
    let request = PreviewActivationRequest {
        product_key: key.expose().to_owned(),
        product: names::product(&args.product.product),
        evidence: Some(evidence_message(&evidence)),
        platform: args.product.platform.map_or(this_platform(), PlatformArg::activation).into(),
        client: Some(client_info()),
    };
    let response = client.preview(request).await?;
    if json {
        let name = "benefits.activation.v1.PreviewActivationResponse";
        return printer.message(name, &response, false);
    }
    decision(
        printer,
        &Decision {
            outcome: response.outcome(),
            activation: &response.activation,
            numbers: [response.used, response.limit, response.remaining],
            explanation: response.explanation.as_ref(),
        },
    )
}

pub(crate) async fn release(
    global: &GlobalArgs,
    args: &ReleaseArgs,
    printer: &Printer,
) -> Result<(), CliError> {
    let json = printer.wants_json()?;
    let client = ActivationClient::new(&global.activation()?, RetryPolicy::interactive())?;
    let id = match &args.request_id {
        Some(text) => from_hex(text)
            .filter(|id| id.len() == REQUEST_ID_BYTES)
            .ok_or_else(|| CliError::Usage("a request id has 32 hexadecimal digits".into()))?,
        None => request_id()?.to_vec(),
    };
    let (product_key, evidence) = match product_key::given(&args.key, printer)? {
        Some(key) => {
            let profile = hardware::computer(&args.computer)?.collect();
            let evidence = profile.evidence(&client.salt().await?)?;
            (key.expose().to_owned(), Some(evidence_message(&evidence)))
        }
        None => (String::new(), None),
    };
    let shown: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let request = ReleaseActivationRequest {
        name: args.name.clone(),
        request_id: Bytes::from(id),
        reason: args.reason.clone(),
        product_key,
        evidence,
    };
    let response = client.release(request).await.map_err(|failure| {
        let text = format!("it may have been done: to ask again, add --request-id {shown}");
        CliError::from(failure).hint(|failure| failure.is_retryable().then_some(text))
    })?;
    if json {
        let name = "benefits.activation.v1.ReleaseActivationResponse";
        return printer.message(name, &response, false);
    }
    printer.fields(&[
        ("activation", response.activation.clone()),
        ("state", names::value(response.state().as_str_name(), "ACTIVATION_STATE_")),
        ("count given up", response.released_count.to_string()),
        ("used", response.used.to_string()),
        ("limit", response.limit.to_string()),
        ("remaining", response.remaining.to_string()),
    ])
}

/// Who asks, for the history.
pub(crate) fn client_info() -> ClientInfo {
    ClientInfo { name: CLIENT_NAME.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// Bytes from pairs of hexadecimal digits.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |[high, low]: &[u32; 2]| u8::try_from(high * 16 + low).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

/// How an explanation's score and kinds are printed.
pub(crate) fn explanation_rows(explanation: &Explanation) -> Vec<Vec<String>> {
    let rows = explanation.kinds.iter().map(|kind| {
        let name = ComponentKind::as_str_name(&kind.kind());
        let verdict = KindVerdict::as_str_name(&kind.verdict());
        vec![
            names::value(name, "COMPONENT_KIND_"),
            names::value(verdict, "KIND_VERDICT_").to_lowercase(),
            kind.points.to_string(),
        ]
    });
    rows.collect()
}

/// What both kinds of answer have.
struct Decision<'a> {
    outcome: ActivationOutcome,
    activation: &'a str,
    numbers: [u32; 3],
    explanation: Option<&'a Explanation>,
}

fn decision(printer: &Printer, decision: &Decision<'_>) -> Result<(), CliError> {
    let outcome = decision.outcome.as_str_name();
    let [used, limit, remaining] = decision.numbers;
    let mut fields = vec![
        ("outcome", names::value(outcome, "ACTIVATION_OUTCOME_")),
        ("activation", names::or_dash(decision.activation)),
        ("used", format!("{used} of {limit}")),
        ("remaining", remaining.to_string()),
    ];
    let Some(explanation) = decision.explanation else { return printer.fields(&fields) };
    let score = explanation.score.map_or("-".to_owned(), |score| score.to_string());
    fields.push(("score", format!("{score} (unchanged from {} on)", explanation.threshold)));
    fields.push(("policy", explanation.policy_version.clone()));
    if explanation.weak {
        fields.push(("weak", "yes: such a match is allowed twice for each count".to_owned()));
    }
    if explanation.clone_suspected {
        fields.push(("clone suspected", "yes".to_owned()));
    }
    printer.fields(&fields)?;
    printer.text("")?;
    printer.table(&["KIND", "VERDICT", "POINTS"], &explanation_rows(explanation))
}

fn state_folder(args: &ActivateArgs) -> Result<PathBuf, CliError> {
    if let Some(folder) = &args.state_dir {
        return Ok(folder.clone());
    }
    let missing = "no home folder to keep the request in: --state-dir";
    let home = std::env::home_dir().ok_or_else(|| CliError::Usage(missing.into()))?;
    Ok(home.join(STATE_FOLDER))
}
