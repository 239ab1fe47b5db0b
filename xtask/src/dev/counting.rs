//! The counting rules on a recorded full profile: reinstalled, repaired, rebuilt, and until the
//! limit.

use anyhow::{Context as _, Result, ensure};
use hardware_evidence::{ComponentKind as K, DeploymentSalt};
use installer_client::{
    Profile, RECORDED_DESKTOP, TrustedKeys, check_receipt, evidence_message, request_id,
};
use product_key::ProductKey;
use proto::activation::v1::{
    ActivateRequest, ActivateResponse, ActivationOutcome, GetActivationTermsRequest, GetKeyRequest,
    Platform,
};
use proto::catalog::v1::RevealProductKeyRequest;
use serde_json::json;

use super::actors::{Cast, as_operator, for_reason, granted};
use super::computer::{answered, client};
use super::report::Report;
use super::setup::{PROJECT, VISIO};

/// A key on which computers are activated.
struct Bench<'a> {
    key: &'a ProductKey,
    product: &'static str,
    salt: DeploymentSalt,
}

impl Bench<'_> {
    fn request(&self, profile: &Profile) -> Result<ActivateRequest> {
        Ok(ActivateRequest {
            product_key: self.key.expose().to_owned(),
            product: self.product.to_owned(),
            evidence: Some(evidence_message(&profile.evidence(&self.salt)?)),
            platform: Platform::Windows.into(),
            client: Some(client()),
            request_id: request_id().context("the system gives no random bytes")?.to_vec().into(),
        })
    }

    async fn activate(&self, cast: &Cast, profile: &Profile) -> Result<ActivateResponse> {
        Ok(cast.installer.activate(self.request(profile)?).await?)
    }
}

/// R6, R7, R8, R10: one computer's life, then other computers until the limit.
pub(super) async fn recorded_swaps(
    cast: &Cast,
    key: &ProductKey,
    report: &mut Report,
) -> Result<()> {
    let salt = cast.installer.salt().await?;
    let bench = Bench { key, product: "products/project-professional-2019", salt };
    let recorded = Profile::from_json(RECORDED_DESKTOP)?;
    let disk = recorded.clone().with(K::OsDisk, ["S5GXNX0T700001A"]);
    let board = recorded
        .clone()
        .with(K::BoardSerial, ["200412776500123"])
        .with(K::SystemUuid, ["11d3a7c2-90aa-4f1e-8d6c-3c7c3f99e0b1"])
        .with(K::Nic, ["3c:7c:3f:99:e0:b1"])
        .with(K::TpmEk, ["a07b5c48d2936f0b8e6d4a7c15f3920e4b8d6a1f7c30525d1c7a0e93b84f26e1"]);
    let same = ActivationOutcome::NotCountedSameComputer;
    let table = [
        ("R6", "a new computer", &recorded, ActivationOutcome::CountedNewComputer, None, 1),
        ("R7", "the same computer, software reinstalled", &recorded, same, Some(100), 1),
        ("R7", "OS disk replaced", &disk, same, Some(80), 1),
        ("R8", "board replaced", &board, ActivationOutcome::CountedSignificantChange, Some(41), 2),
    ];
    for (rule, what, profile, outcome, score, used) in table {
        let answer = bench.activate(cast, profile).await?;
        let explained = answer.explanation.as_ref().and_then(|explanation| explanation.score);
        ensure!(answer.outcome() == outcome, "{what}: {:?}", answer.outcome());
        ensure!(
            (explained, answer.used) == (score, used),
            "{what}: {explained:?}, {}",
            answer.used
        );
        let (lines, data) = answered(&answer);
        report.step(rule, &format!("Recorded profile: {what}"), &lines, &data);
    }
    until_the_limit(cast, &bench, &recorded, report).await
}

async fn until_the_limit(
    cast: &Cast,
    bench: &Bench<'_>,
    recorded: &Profile,
    report: &mut Report,
) -> Result<()> {
    let mut number = 0;
    loop {
        number += 1;
        let answer = bench.activate(cast, &another(recorded, number)).await?;
        ensure!(answer.outcome() == ActivationOutcome::CountedNewComputer, "another computer");
        let (lines, data) = answered(&answer);
        report.step("R6", &format!("Recorded profile: other computer {number}"), &lines, &data);
        if answer.remaining == 0 {
            break;
        }
    }
    let reason = "ACTIVATION_LIMIT_REACHED";
    for (language, client) in [("English", &cast.installer), ("Dutch", &cast.installer_nl)] {
        number += 1;
        let request = bench.request(&another(recorded, number))?;
        let Err(failure) = client.activate(request).await else {
            anyhow::bail!("one more than the limit was activated");
        };
        let failure = for_reason(*failure, reason)?;
        ensure!(!failure.help.is_empty(), "R11: the refusal says where to go next");
        report.refusal(
            "R10 R11",
            &format!("One more computer than the limit ({language})"),
            &failure,
        );
    }
    let answer = bench.activate(cast, recorded).await?;
    ensure!(answer.outcome() == ActivationOutcome::NotCountedSameComputer, "R7 after the limit");
    let (lines, data) = answered(&answer);
    report.step(
        "R7 R10",
        "The unchanged computer still succeeds on the exhausted key",
        &lines,
        &data,
    );
    let name = cast.benefit(PROJECT).await?.product_key_name;
    let key = cast.auditor.key(GetKeyRequest { name }).await?.key.context("the key")?;
    ensure!(key.used == key.limit, "the refusals counted nothing");
    Ok(())
}

/// F5: under some offers every activation counts, also on the same computer.
pub(super) async fn every_activation(cast: &Cast, report: &mut Report) -> Result<()> {
    let request = RevealProductKeyRequest { name: VISIO.to_owned() };
    let revealed = granted(cast.alice.clone().reveal_product_key(request).await)?;
    let key = ProductKey::parse(&revealed.product_key).context("the key has a known form")?;
    let salt = cast.installer.salt().await?;
    let bench = Bench { key: &key, product: "products/visio-professional-2019", salt };
    let recorded = Profile::from_json(RECORDED_DESKTOP)?;
    for used in 1..=2 {
        let answer = bench.activate(cast, &recorded).await?;
        ensure!(answer.outcome() == ActivationOutcome::CountedEveryActivation, "F5");
        ensure!(answer.used == used, "F5: {} used", answer.used);
        let (lines, data) = answered(&answer);
        report.step("F5", "Every activation counts: the same computer", &lines, &data);
    }
    let request = bench.request(&recorded)?;
    let first = cast.installer.activate(request.clone()).await?;
    let repeat = cast.installer.activate(request.clone()).await?;
    ensure!(first == repeat, "a repeat of one request is answered the same");
    let (lines, data) = answered(&repeat);
    report.step("F5", "… but the same request sent twice counts once", &lines, &data);
    proved(cast, &request, &repeat, report).await
}

/// A receipt is checked without the service. An installer ships with the keys that it trusts; the
/// walk takes those of the services that it started itself.
async fn proved(
    cast: &Cast,
    request: &ActivateRequest,
    answer: &ActivateResponse,
    report: &mut Report,
) -> Result<()> {
    let mut ledger = cast.ledger().await?;
    let terms = as_operator(GetActivationTermsRequest {});
    let keys = granted(ledger.get_activation_terms(terms).await)?.receipt_keys;
    let pinned: TrustedKeys = keys.join("\n").parse().context("no keys of receipts")?;
    let proven = check_receipt(request, answer, &pinned)?;
    let (leaf, head) = (&proven.leaf, proven.head.head());
    let (sequence, version, bytes) = (leaf.sequence, leaf.account_version, answer.receipt.len());
    let lines = [
        format!("event {sequence} of the ledger, event {version} of its key, in {bytes} bytes"),
        format!("in batch {}, signed by key {}", head.batch, head.signing_key_id),
    ];
    let data = json!({
        "sequence": sequence,
        "accountVersion": version,
        "batch": head.batch,
        "signingKeyId": head.signing_key_id.to_string(),
        "bytes": bytes,
    });
    let title = "The receipt of an activation verifies offline with the pinned key";
    report.step("receipt", title, &lines, &data);
    Ok(())
}

/// A computer that shares nothing with the recorded one but its model.
fn another(recorded: &Profile, number: u32) -> Profile {
    let tag = format!("{number:04}");
    recorded
        .clone()
        .with(K::BoardSerial, [format!("21050199001{tag}")])
        .with(K::SystemUuid, [format!("6fd2b0aa-7c11-4e5b-9a3e-04d9f5c3{tag}")])
        .with(K::OsDisk, [format!("S4EWNX0R10{tag}B")])
        .with(K::Nic, [format!("04:d9:f5:c3:{}:{}", &tag[..2], &tag[2..])])
        .with(K::TpmEk, [format!("93b84f26e1a07b5c48d2936f0b8e6d4a7c15f3920e4b8d6a1f7c3052{tag}")])
        .with(K::ChassisSerial, [format!("KPPDCG10{tag}")])
        .with(K::OsInstallId, [format!("c1d2e54768899aabbccddeeff0b0{tag}")])
}
