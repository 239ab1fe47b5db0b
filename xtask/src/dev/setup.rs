//! Before the walk: partners, enrolments and keys, entered as an operator enters them.

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use product_key::ProductKey;
use proto::activation::v1::{BatchRegisterKeysRequest, KeyRegistration};
use proto::catalog::v1::{
    BenefitKeyState, Enrolment, ImportProductKeysRequest, Partner, ProductKeyImport,
    UpsertEnrolmentRequest, UpsertPartnerRequest,
};
use serde_json::json;

use super::actors::{Cast, OTHER_PARTNER, PARTNER, as_operator, granted};
use super::report::Report;

/// The benefit whose key is revealed and used up.
pub(super) const PROJECT: &str = "partners/contoso/benefits/maps-2026.project-professional-2019";
/// The benefit under which every activation counts.
pub(super) const VISIO: &str = "partners/contoso/benefits/datacenter-2026.visio-professional-2019";
/// The benefit of the download pane.
pub(super) const SERVER: &str = "partners/contoso/benefits/maps-2026.windows-server-2019-standard";

/// The product of the keys that an operator registered directly.
pub(super) const AGENT: &str = "products/build-agent";

const DAYS_BEFORE: i64 = 30;
const DAYS_AFTER: i64 = 335;
const HOURS_A_DAY: i64 = 24;
/// Most looks at a key until it is known; each is a call.
const LOOKS_MAX: usize = 2_000;

/// Keys that an operator registered directly, for any platform.
pub(super) struct DirectKeys {
    /// Evidence of hardware only.
    pub(super) hardware: ProductKey,
    /// Allows an operator-assigned handle.
    pub(super) handle: ProductKey,
}

/// Enters everything and waits until the keys are known to the activation service.
pub(super) async fn prepare(cast: &Cast, report: &mut Report) -> Result<DirectKeys> {
    for (name, display_name) in [(PARTNER, "Contoso"), (OTHER_PARTNER, "Fabrikam")] {
        let (name, display_name) = (name.to_owned(), display_name.to_owned());
        let partner = Some(Partner { name, display_name });
        let request = UpsertPartnerRequest { partner, validate_only: false };
        granted(cast.operator.clone().upsert_partner(request).await)?;
    }
    for (id, offer) in [("maps-2026", "maps-core"), ("datacenter-2026", "competency-datacenter")] {
        let enrolment = Some(Enrolment {
            name: format!("{PARTNER}/enrolments/{id}"),
            offer: format!("offers/{offer}"),
            start_time: Some(in_days(-DAYS_BEFORE)?),
            end_time: Some(in_days(DAYS_AFTER)?),
            provisioned: true,
            ..Default::default()
        });
        let request = UpsertEnrolmentRequest { enrolment, validate_only: false };
        granted(cast.operator.clone().upsert_enrolment(request).await)?;
    }
    let key =
        |benefit: &str| ProductKeyImport { benefit: benefit.to_owned(), ..Default::default() };
    let keys = [PROJECT, VISIO, SERVER].map(key).to_vec();
    let request = ImportProductKeysRequest { keys, validate_only: false };
    granted(cast.operator.clone().import_product_keys(request).await)?;
    for benefit in [PROJECT, VISIO, SERVER] {
        await_key(cast, benefit).await?;
    }
    let direct = register_directly(cast).await?;
    let lines = [
        "partners Contoso (two enrolments) and Fabrikam (none)".to_owned(),
        "three keys issued, stored and known to the activation service".to_owned(),
        "two keys of a product of the vendor's own, registered directly, for any platform"
            .to_owned(),
    ];
    let data =
        json!({ "partners": [PARTNER, OTHER_PARTNER], "benefits": [PROJECT, VISIO, SERVER] });
    report.step("setup", "Sample data, entered by an operator", &lines, &data);
    Ok(direct)
}

/// Looks until the key of a benefit is known; each look waits for an answer.
async fn await_key(cast: &Cast, benefit: &str) -> Result<()> {
    for _ in 0..LOOKS_MAX {
        if cast.benefit(benefit).await?.key_state() == BenefitKeyState::Ready {
            return Ok(());
        }
    }
    anyhow::bail!("the key of {benefit} did not become known")
}

async fn register_directly(cast: &Cast) -> Result<DirectKeys> {
    let keys = DirectKeys { hardware: issue()?, handle: issue()? };
    let registration = |key: &ProductKey, operator_handle_allowed| -> Result<_> {
        Ok(KeyRegistration {
            key_id: hex(&random::<16>()?),
            product_key: key.expose().to_owned(),
            owner: "contoso".to_owned(),
            product: AGENT.to_owned(),
            limit: 5,
            operator_handle_allowed,
            ..Default::default()
        })
    };
    let registrations =
        vec![registration(&keys.hardware, false)?, registration(&keys.handle, true)?];
    let request = as_operator(BatchRegisterKeysRequest { keys: registrations });
    let answer = granted(cast.ledger().await?.batch_register_keys(request).await)?;
    ensure!(answer.keys.len() == 2, "both keys are registered");
    Ok(keys)
}

fn issue() -> Result<ProductKey> {
    Ok(ProductKey::issue(&random()?))
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn in_days(days: i64) -> Result<prost_types::Timestamp> {
    let moment = Timestamp::now().checked_add(SignedDuration::from_hours(days * HOURS_A_DAY))?;
    Ok(prost_types::Timestamp { seconds: moment.as_second(), nanos: 0 })
}
