//! `hardware show`: what a computer shows, without showing its serial numbers.

use bytes::Bytes;
use hardware_evidence::{ComponentKind, DeploymentSalt, Evidence, Finding, hw_v1};
use installer_client::{Placeholder, Profile, evidence_message, request_id, this_platform};
use proto::activation::v1::ActivateRequest;
use serde_json::{Value, json};

use super::{Computer, computer, salt};
use crate::args::{GlobalArgs, HardwareShowArgs, PlatformArg};
use crate::error::CliError;
use crate::output::{Printer, to_json};
use crate::{activation, names, product_key};

const ACTIVATE_REQUEST: &str = "benefits.activation.v1.ActivateRequest";

/// Why a kind abstains that has a value.
const JUNK: &str = "a placeholder that many computers share";

pub(super) async fn run(
    global: &GlobalArgs,
    args: &HardwareShowArgs,
    printer: &Printer,
) -> Result<(), CliError> {
    let computer = computer(&args.computer)?;
    for note in &computer.notes {
        printer.note(note);
    }
    let profile = &computer.profile;
    let salt = salt(global, args.salt_file.as_deref()).await?;
    if printer.wants_request() {
        let missing = "digests need the salt: --salt-file or --activation-endpoint";
        let salt = salt.ok_or_else(|| CliError::Usage(missing.into()))?;
        return request(args, &profile.evidence(&salt)?, printer);
    }
    let has_salt = salt.is_some();
    // Which kinds are present does not depend on the salt; digests made with none are not shown.
    let unsalted = DeploymentSalt::new([0; DeploymentSalt::BYTES]);
    let evidence = profile.evidence(&salt.unwrap_or(unsalted))?;
    if printer.wants_json()? {
        return printer.json(&as_json(&computer, &evidence, salt, args.raw));
    }
    let mut header = vec!["KIND", "STATE", "POINTS", "ANCHOR", "DIGESTS OR REASON"];
    if args.raw {
        header.push("RAW");
    }
    printer.table(&header, &rows(profile, &evidence, has_salt, args.raw))?;
    for placeholder in &computer.placeholders {
        let text = placeholder.text.as_deref().unwrap_or("(not shown)");
        let (record, field) = (placeholder.record, placeholder.field);
        printer.note(&format!("placeholder in {record}, {field}: {text}"));
    }
    if !has_salt {
        printer.note("digests need the salt: --salt-file or --activation-endpoint");
    }
    Ok(())
}

/// A request that can be piped into `grpcurl`.
fn request(
    args: &HardwareShowArgs,
    evidence: &Evidence,
    printer: &Printer,
) -> Result<(), CliError> {
    let key = product_key::given(&args.key, printer)?;
    if key.is_none() {
        printer.note("no product key given: add \"productKey\" before sending");
    }
    if args.product.is_none() {
        printer.note("no product given: add \"product\" before sending");
    }
    let request = ActivateRequest {
        product_key: key.map(|key| key.expose().to_owned()).unwrap_or_default(),
        product: args.product.as_deref().map(names::product).unwrap_or_default(),
        evidence: Some(evidence_message(evidence)),
        platform: args.platform.map_or(this_platform(), PlatformArg::activation).into(),
        client: Some(activation::client_info()),
        request_id: Bytes::copy_from_slice(&request_id()?),
    };
    printer.json(&to_json(ACTIVATE_REQUEST, &request, true)?)
}

pub(super) fn state(finding: &Finding) -> &'static str {
    match finding {
        Finding::Absent(_) => "absent",
        Finding::Junk => "junk",
        Finding::Present(_) => "present",
    }
}

fn rows(profile: &Profile, evidence: &Evidence, salted: bool, raw: bool) -> Vec<Vec<String>> {
    let row = |(kind, finding): (ComponentKind, &Finding)| {
        let detail = match finding {
            Finding::Absent(reason) => reason.to_string(),
            Finding::Junk => JUNK.to_owned(),
            Finding::Present(_) if !salted => "-".to_owned(),
            Finding::Present(digests) => {
                digests.iter().map(|digest| digest.to_hex()).collect::<Vec<_>>().join(" ")
            }
        };
        let mut row = vec![
            kind.name().to_owned(),
            state(finding).to_owned(),
            hw_v1::points(kind).to_string(),
            names::yes_no(hw_v1::is_anchor(kind)),
            detail,
        ];
        if raw {
            row.push(names::or_dash(&profile.raw(kind).join(" ")));
        }
        row
    };
    evidence.findings().map(row).collect()
}

fn as_json(
    computer: &Computer,
    evidence: &Evidence,
    salt: Option<DeploymentSalt>,
    raw: bool,
) -> Value {
    let (profile, salted) = (&computer.profile, salt.is_some());
    let kind = |(kind, finding): (ComponentKind, &Finding)| {
        let mut value = json!({
            "kind": kind.name(),
            "state": state(finding),
            "points": hw_v1::points(kind),
            "anchor": hw_v1::is_anchor(kind),
        });
        let Some(object) = value.as_object_mut() else { return value };
        match finding {
            Finding::Absent(reason) => {
                object.insert("reason".into(), json!(reason.to_string()));
            }
            Finding::Present(digests) if salted => {
                let digests: Vec<String> = digests.iter().map(|digest| digest.to_hex()).collect();
                object.insert("digests".into(), json!(digests));
            }
            Finding::Junk => {
                object.insert("reason".into(), json!(JUNK));
            }
            Finding::Present(_) => {}
        }
        if raw {
            object.insert("raw".into(), json!(profile.raw(kind)));
        }
        value
    };
    let kinds: Vec<Value> = evidence.findings().map(kind).collect();
    let placeholder = |found: &Placeholder| {
        let Placeholder { record, field, text } = found;
        json!({ "record": record, "field": field, "text": text })
    };
    json!({
        "policyVersion": hw_v1::VERSION,
        "saltId": salt.map(|salt| salt.id()),
        "hypervisor": profile.hypervisor(),
        "container": profile.is_container(),
        "kinds": kinds,
        "placeholders": computer.placeholders.iter().map(placeholder).collect::<Vec<_>>(),
    })
}
