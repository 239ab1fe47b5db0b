//! What a partner sees of its benefits: the list, a CAL row, a product without activation.

use anyhow::{Result, ensure};
use proto::catalog::v1::{
    Benefit, BenefitListState, GetDownloadRequest, ListBenefitsRequest, UsageState,
};
use serde_json::{Value, json};

use super::actors::{Cast, PARTNER, granted, refused};
use super::report::Report;

const PAGE_SIZE: i32 = 200;
/// Rows that the text shows.
const ROWS_SHOWN: usize = 12;
const CALS: &str = "partners/contoso/benefits/maps-2026.windows-server-2019-cals";

/// R1, R2, F1: everything that the partner is entitled to, with the use of each key.
pub(super) async fn benefits(cast: &Cast, report: &mut Report) -> Result<()> {
    let request = ListBenefitsRequest {
        parent: PARTNER.to_owned(),
        page_size: PAGE_SIZE,
        ..Default::default()
    };
    let answer = granted(cast.alice.clone().list_benefits(request).await)?;
    ensure!(answer.state() == BenefitListState::Active, "the partner has an active enrolment");
    ensure!(answer.benefits.len() > ROWS_SHOWN, "the real list has more rows");
    let keyed = |b: &&Benefit| !b.product_key_name.is_empty();
    let states: Vec<_> = answer.benefits.iter().filter(keyed).map(usage_state).collect();
    ensure!(states.iter().all(|s| *s == UsageState::Available), "the use of every key is joined");

    // Rows with a key first: they have the most to show.
    let mut rows: Vec<_> = answer.benefits.iter().collect();
    rows.sort_by_key(|row| row.product_key_name.is_empty());
    let mut lines: Vec<_> = rows.iter().take(ROWS_SHOWN).map(|row| line(row)).collect();
    lines.push(format!("… {} benefits in all; manage them at {}", rows.len(), answer.manage_uri));
    let data: Vec<_> = rows.iter().map(|row| data(row)).collect();
    report.step(
        "R1 R2 F1 F4",
        "The benefits of Contoso, for its global admin",
        &lines,
        &json!(data),
    );
    Ok(())
}

/// R9: CALs are not downloadable; the server product manages them.
pub(super) async fn not_downloadable(cast: &Cast, report: &mut Report) -> Result<()> {
    let row = cast.benefit(CALS).await?;
    ensure!(!row.downloadable && !row.key_required && !row.activation_required, "a CAL row");
    ensure!(!row.not_downloadable_note.is_empty(), "it says why");
    report.step(
        "R9",
        "A row of client access licences",
        &[line(&row), row.not_downloadable_note.clone()],
        &data(&row),
    );
    let request = GetDownloadRequest { name: CALS.to_owned(), ..Default::default() };
    let failure = refused(cast.alice.clone().get_download(request).await, "NOT_DOWNLOADABLE")?;
    report.refusal("R9 R11", "Its download pane", &failure);
    Ok(())
}

/// R5: not every product needs activation.
pub(super) async fn without_activation(cast: &Cast, report: &mut Report) -> Result<()> {
    let request = ListBenefitsRequest {
        parent: PARTNER.to_owned(),
        filter: "activation_required = false AND downloadable = true AND key_required = true"
            .to_owned(),
        ..Default::default()
    };
    let answer = granted(cast.alice.clone().list_benefits(request).await)?;
    ensure!(!answer.benefits.is_empty(), "such products exist");
    ensure!(answer.benefits.iter().all(|row| !row.activation_required), "the filter holds");
    let lines: Vec<_> = answer.benefits.iter().take(3).map(line).collect();
    let data: Vec<_> = answer.benefits.iter().map(data).collect();
    report.step(
        "R5 F1",
        "Products that need a key and no activation, by filter",
        &lines,
        &json!(data),
    );
    Ok(())
}

fn usage_state(row: &Benefit) -> UsageState {
    row.usage.as_ref().map_or(UsageState::Unspecified, |usage| usage.state())
}

fn line(row: &Benefit) -> String {
    let quantity = row.licence_quantity.as_ref();
    let quantity = quantity.map_or_else(String::new, |q| format!("{} {}", q.value, q.unit));
    let used = match (&row.usage, usage_state(row)) {
        (Some(usage), UsageState::Available) => {
            format!("{} of {} activations", usage.used, usage.limit)
        }
        _ if row.activation_required => format!("{} activations", row.activation_limit),
        _ => "no activation".to_owned(),
    };
    format!("{:<58} {:<24} {quantity:<12} {used}", row.title, row.source)
}

fn data(row: &Benefit) -> Value {
    json!({
        "name": row.name,
        "title": row.title,
        "source": row.source,
        "activation_limit": row.activation_limit,
        "activation_required": row.activation_required,
        "downloadable": row.downloadable,
        "key_required": row.key_required,
        "usage_state": usage_state(row).as_str_name(),
        "used": row.usage.as_ref().map_or(0, |usage| usage.used),
    })
}
