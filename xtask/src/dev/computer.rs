//! This computer: what it shows of itself, and what the service makes of it. Nothing is tuned so
//! that a virtual machine passes for a computer.

use anyhow::{Context as _, Result, ensure};
use hardware_evidence::{DeploymentSalt, Evidence, Finding};
use installer_client::{
    Collector as _, LinuxCollector, Profile, evidence_message, request_id, this_platform,
};
use product_key::ProductKey;
use proto::activation::v1::{ActivateRequest, ActivateResponse, ActivationOutcome, ClientInfo};
use serde_json::{Value, json};

use super::actors::{Cast, for_reason};
use super::report::Report;
use super::setup::{AGENT, DirectKeys};

/// Collects this computer and activates it, or shows why it cannot be told from others.
pub(super) async fn this_one(cast: &Cast, keys: &DirectKeys, report: &mut Report) -> Result<()> {
    let salt = cast.installer.salt().await?;
    let profile = LinuxCollector::new().collect();
    let evidence = profile.evidence(&salt)?;
    let (lines, data) = findings(&evidence);
    report.step("R6", "This computer, as it shows itself (digests only leave it)", &lines, &data);

    let first = request(&keys.hardware, &profile, &salt)?;
    match cast.installer.activate(first).await {
        Ok(answer) => {
            ensure!(answer.outcome() == ActivationOutcome::CountedNewComputer, "R6");
            let (lines, data) = answered(&answer);
            report.step("R6", "This computer is activated", &lines, &data);
            let again = cast.installer.activate(request(&keys.hardware, &profile, &salt)?).await?;
            ensure!(again.outcome() == ActivationOutcome::NotCountedSameComputer, "R7");
            let (lines, data) = answered(&again);
            report.step("R7", "This computer again", &lines, &data);
            Ok(())
        }
        Err(failure) => {
            let failure = for_reason(*failure, "INSUFFICIENT_EVIDENCE")?;
            report.refusal("R6", "This computer shows too little to be told from others", &failure);
            with_handle(cast, keys, profile, &salt, report).await
        }
    }
}

async fn with_handle(
    cast: &Cast,
    keys: &DirectKeys,
    profile: Profile,
    salt: &DeploymentSalt,
    report: &mut Report,
) -> Result<()> {
    let named = profile.with_operator_handle("build-agent-01");
    for (rule, outcome) in [
        ("R6", ActivationOutcome::CountedNewComputer),
        ("R7", ActivationOutcome::NotCountedSameComputer),
    ] {
        let answer = cast.installer.activate(request(&keys.handle, &named, salt)?).await?;
        ensure!(answer.outcome() == outcome, "{rule}: got {:?}", answer.outcome());
        let (lines, data) = answered(&answer);
        let title = "The same computer with an operator-assigned handle, on a key that allows it";
        report.step(rule, title, &lines, &data);
    }
    Ok(())
}

/// A request for this computer's platform, with a fresh id.
fn request(key: &ProductKey, profile: &Profile, salt: &DeploymentSalt) -> Result<ActivateRequest> {
    Ok(ActivateRequest {
        product_key: key.expose().to_owned(),
        product: AGENT.to_owned(),
        evidence: Some(evidence_message(&profile.evidence(salt)?)),
        platform: this_platform().into(),
        client: Some(client()),
        request_id: request_id().context("the system gives no random bytes")?.to_vec().into(),
    })
}

pub(super) fn client() -> ClientInfo {
    ClientInfo { name: "xtask dev".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// An answer to an activation as lines and as data.
pub(super) fn answered(answer: &ActivateResponse) -> (Vec<String>, Value) {
    let outcome = answer.outcome().as_str_name().trim_start_matches("ACTIVATION_OUTCOME_");
    let score = answer.explanation.as_ref().and_then(|explanation| explanation.score);
    let score_shown =
        score.map_or_else(|| "no known computer is like it".to_owned(), |s| format!("score {s}"));
    let lines = vec![format!(
        "{outcome}: {score_shown}; {} of {} used, {} left ({})",
        answer.used, answer.limit, answer.remaining, answer.activation
    )];
    let data = json!({
        "outcome": outcome,
        "score": score,
        "used": answer.used,
        "limit": answer.limit,
        "remaining": answer.remaining,
        "activation": answer.activation,
    });
    (lines, data)
}

fn findings(evidence: &Evidence) -> (Vec<String>, Value) {
    let mut lines = Vec::new();
    let mut data = serde_json::Map::new();
    for (kind, finding) in evidence.findings() {
        let found = match finding {
            Finding::Present(digests) => format!("present, {} digest(s)", digests.len()),
            Finding::Junk => "junk: a placeholder that many computers share".to_owned(),
            Finding::Absent(reason) => format!("absent: {reason:?}"),
        };
        lines.push(format!("{:<16} {found}", kind.name()));
        data.insert(kind.name().to_owned(), json!(found));
    }
    (lines, Value::Object(data))
}
