//! The pane of one product: three steps in two languages, and the key in the same place.

use anyhow::{Context as _, Result, ensure};
use product_key::ProductKey;
use proto::catalog::v1::{
    GetDownloadRequest, GetDownloadResponse, ListKeyRevealsRequest, RevealProductKeyRequest,
};
use serde_json::json;

use super::actors::{Cast, PARTNER, granted};
use super::report::Report;
use super::setup::{PROJECT, SERVER};

/// Lines of each step that the text shows.
const LINES_SHOWN: usize = 3;

/// R3, R4, F2, F3: downloads, instructions, keys, in English and in Dutch.
pub(super) async fn three_steps(cast: &Cast, report: &mut Report) -> Result<()> {
    for (language, client) in [("en", &cast.alice), ("nl", &cast.alice_nl)] {
        let request = GetDownloadRequest { name: SERVER.to_owned(), ..Default::default() };
        let pane = granted(client.clone().get_download(request).await)?;
        let steps = pane.instructions.as_ref().context("a pane has instructions")?;
        ensure!(steps.steps.len() == 3, "the walkthrough has three steps");
        ensure!(steps.language_code == language, "the language asked for is served");
        ensure!(pane.key_required, "the key is fetched from this pane");
        let title = format!("The pane of Windows Server 2019 Standard ({language})");
        let data = json!({
            "language": steps.language_code,
            "steps": steps.steps.iter().map(|step| step.title.clone()).collect::<Vec<_>>(),
            "version": pane.version,
            "software_language": pane.software_language_code,
            "architecture": pane.architecture,
            "files": pane.files.iter().map(|file| file.file_name.clone()).collect::<Vec<_>>(),
            "key_required": pane.key_required,
        });
        report.step("R3 R4 F2 F3", &title, &lines(&pane), &data);
    }
    Ok(())
}

/// F7: a key is revealed, and who revealed it is recorded.
pub(super) async fn reveal(cast: &Cast, report: &mut Report) -> Result<ProductKey> {
    let request = RevealProductKeyRequest { name: PROJECT.to_owned() };
    let revealed = granted(cast.alice.clone().reveal_product_key(request).await)?;
    let key = ProductKey::parse(&revealed.product_key).context("the key has a known form")?;
    let request = ListKeyRevealsRequest { parent: PARTNER.to_owned(), ..Default::default() };
    let reveals = granted(cast.alice.clone().list_key_reveals(request).await)?.reveals;
    let first = reveals.first().context("the reveal is recorded")?;
    ensure!(first.name == revealed.reveal && first.first, "it is the first reveal of the key");
    ensure!(first.subject == "alice", "who revealed it is recorded");
    let lines = [
        format!(
            "key: {}-… ({} characters, shown once here)",
            &revealed.product_key.chars().take(5).collect::<String>(),
            revealed.product_key.len()
        ),
        format!("recorded as {}: by {}, first reveal", first.name, first.subject),
    ];
    let data = json!({ "reveal": first.name, "subject": first.subject, "first": first.first });
    report.step("R4 F7", "The key of Project Professional 2019, revealed", &lines, &data);
    Ok(key)
}

fn lines(pane: &GetDownloadResponse) -> Vec<String> {
    let mut lines = vec![format!(
        "chosen: version {}, edition {}, language {}, {}",
        pane.version, pane.edition, pane.software_language_code, pane.architecture
    )];
    lines.extend(pane.files.iter().map(|file| {
        format!(
            "{} ({} bytes, SHA-256 {}…)",
            file.uri,
            file.size_bytes,
            file.sha256.chars().take(12).collect::<String>()
        )
    }));
    for step in pane.instructions.iter().flat_map(|instructions| &instructions.steps) {
        lines.push(format!("{}. {}", step.number, step.title));
        let text = step.markdown.lines().filter(|line| !line.trim().is_empty());
        lines.extend(text.take(LINES_SHOWN).map(|line| format!("   {line}")));
    }
    lines
}
