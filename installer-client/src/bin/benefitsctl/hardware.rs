//! `hardware show`: what this computer shows, without showing its serial numbers.

use std::path::Path;

use bytes::Bytes;
use hardware_evidence::{ComponentKind, DeploymentSalt, Evidence, Finding, hw_v1};
use installer_client::{
    ActivationClient, Collector, LinuxCollector, Profile, RetryPolicy, evidence_message,
    request_id, this_platform,
};
use proto::activation::v1::ActivateRequest;
use serde_json::{Value, json};

use crate::args::{ComputerArgs, GlobalArgs, HardwareCommand, HardwareShowArgs, PlatformArg};
use crate::error::CliError;
use crate::output::{Printer, to_json};
use crate::{activation, names, product_key};

const ACTIVATE_REQUEST: &str = "benefits.activation.v1.ActivateRequest";
const PROFILE_BYTES_MAX: u64 = 1 << 20;
const SALT_FILE_BYTES_MAX: u64 = 128;

/// A profile that was collected or recorded before.
pub(crate) struct Computer(Profile);

impl Collector for Computer {
    fn collect(&self) -> Profile {
        self.0.clone()
    }
}

pub(crate) async fn run(
    global: &GlobalArgs,
    command: &HardwareCommand,
    printer: &Printer,
) -> Result<(), CliError> {
    let HardwareCommand::Show(args) = command;
    show(global, args, printer).await
}

/// The computer that the options name.
pub(crate) fn computer(args: &ComputerArgs) -> Result<Computer, CliError> {
    let mut profile = match &args.profile {
        Some(path) => Profile::from_json(&read(path, PROFILE_BYTES_MAX)?)?,
        None => LinuxCollector::under(&args.root).collect(),
    };
    if let Some(handle) = &args.operator_handle {
        profile = profile.with_operator_handle(handle);
    }
    Ok(Computer(profile))
}

async fn show(
    global: &GlobalArgs,
    args: &HardwareShowArgs,
    printer: &Printer,
) -> Result<(), CliError> {
    let profile = computer(&args.computer)?.collect();
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
        return printer.json(&as_json(&profile, &evidence, has_salt, args.raw));
    }
    let mut header = vec!["KIND", "STATE", "POINTS", "ANCHOR", "DIGESTS OR REASON"];
    if args.raw {
        header.push("RAW");
    }
    printer.table(&header, &rows(&profile, &evidence, has_salt, args.raw))?;
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

/// The salt from the file, else from the service, if one of them is named.
async fn salt(
    global: &GlobalArgs,
    file: Option<&Path>,
) -> Result<Option<DeploymentSalt>, CliError> {
    if let Some(path) = file {
        return salt_of_file(path).map(Some);
    }
    if global.activation_endpoint.is_none() {
        return Ok(None);
    }
    let client = ActivationClient::new(&global.activation()?, RetryPolicy::interactive())?;
    Ok(Some(client.salt().await?))
}

fn salt_of_file(path: &Path) -> Result<DeploymentSalt, CliError> {
    let fault = |error| CliError::File { path: path.to_owned(), error };
    let length = std::fs::metadata(path).map_err(fault)?.len();
    if length > SALT_FILE_BYTES_MAX {
        return Err(fault(std::io::Error::other("a salt has 32 bytes or 64 hexadecimal digits")));
    }
    let bytes = std::fs::read(path).map_err(fault)?;
    let from_hex = || activation::from_hex(std::str::from_utf8(&bytes).ok()?.trim());
    let salt = from_hex().unwrap_or_else(|| bytes.clone());
    DeploymentSalt::try_from(salt.as_slice()).map_err(|error| fault(std::io::Error::other(error)))
}

fn read(path: &Path, bytes_max: u64) -> Result<String, CliError> {
    let fault = |error| CliError::File { path: path.to_owned(), error };
    if std::fs::metadata(path).map_err(fault)?.len() > bytes_max {
        return Err(fault(std::io::Error::other("the file is too long")));
    }
    std::fs::read_to_string(path).map_err(fault)
}

fn state(finding: &Finding) -> &'static str {
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
            Finding::Junk => "a placeholder that many computers share".to_owned(),
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

fn as_json(profile: &Profile, evidence: &Evidence, salted: bool, raw: bool) -> Value {
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
            Finding::Present(_) | Finding::Junk => {}
        }
        if raw {
            object.insert("raw".into(), json!(profile.raw(kind)));
        }
        value
    };
    let kinds: Vec<Value> = evidence.findings().map(kind).collect();
    json!({ "policyVersion": hw_v1::VERSION, "kinds": kinds })
}
