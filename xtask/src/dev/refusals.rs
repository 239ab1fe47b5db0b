//! The denials that people confuse, each with a reason of its own, and a platform that a key is not
//! for.

use anyhow::{Context as _, Result, bail, ensure};
use installer_client::{Profile, RECORDED_DESKTOP, evidence_message, request_id};
use proto::activation::v1::{ActivateRequest, GetKeyRequest, Platform};
use proto::catalog::v1::{BenefitListState, ListBenefitsRequest, RevealProductKeyRequest};
use serde_json::json;

use super::actors::{Cast, OTHER_PARTNER, PARTNER, for_reason, granted, refused};
use super::computer::client;
use super::report::Report;
use super::setup::SERVER;

/// F9: no active offer, not associated, role missing.
pub(super) async fn associations(cast: &Cast, report: &mut Report) -> Result<()> {
    let list =
        |parent: &str| ListBenefitsRequest { parent: parent.to_owned(), ..Default::default() };
    let answer = granted(cast.bob.clone().list_benefits(list(OTHER_PARTNER)).await)?;
    ensure!(answer.benefits.is_empty(), "no offer, no benefits");
    ensure!(answer.state() == BenefitListState::NoActiveOffer, "the list says why it is empty");
    let lines = [format!("an empty list, state NO_ACTIVE_OFFER: {}", answer.state_note)];
    let data = json!({ "state": answer.state().as_str_name(), "note": answer.state_note });
    report.step("F9 R11", "A partner without an active offer", &lines, &data);

    let failure = refused(cast.bob.clone().list_benefits(list(PARTNER)).await, "NOT_ASSOCIATED")?;
    report.refusal("F9 R1", "A user of another partner", &failure);
    let failure = refused(cast.carol.clone().list_benefits(list(PARTNER)).await, "ROLE_MISSING")?;
    report.refusal("F9 R1", "A user without the role", &failure);
    Ok(())
}

/// F10: a wrong platform is refused before anything is counted.
pub(super) async fn platform(cast: &Cast, report: &mut Report) -> Result<()> {
    let request = RevealProductKeyRequest { name: SERVER.to_owned() };
    let revealed = granted(cast.alice.clone().reveal_product_key(request).await)?;
    let salt = cast.installer.salt().await?;
    let recorded = Profile::from_json(RECORDED_DESKTOP)?;
    let request = ActivateRequest {
        product_key: revealed.product_key.clone(),
        product: "products/windows-server-2019-standard".to_owned(),
        evidence: Some(evidence_message(&recorded.evidence(&salt)?)),
        platform: Platform::Macos.into(),
        client: Some(client()),
        request_id: request_id().context("the system gives no random bytes")?.to_vec().into(),
    };
    let Err(failure) = cast.installer.activate(request).await else {
        bail!("a key for Windows was activated on macOS");
    };
    let failure = for_reason(*failure, "PLATFORM_NOT_ALLOWED")?;
    report.refusal("F10 R11", "A key for Windows, on macOS", &failure);
    let request = GetKeyRequest { name: revealed.product_key_name };
    let key = cast.auditor.key(request).await?.key.context("the key")?;
    ensure!(key.used == 0, "F10: refused before anything is counted");
    Ok(())
}
