//! GetDownload: version, then language, then architecture (F3), and the key in the same pane (R4).

use anyhow::Result;
use proto::catalog::v1::{BenefitKeyState as KeyState, GetDownloadRequest};
use system_tests::{DUTCH, Person, World, refusal};
use tonic::Code;

fn of(name: String) -> GetDownloadRequest {
    GetDownloadRequest { name, ..Default::default() }
}

#[tokio::test]
async fn f3_r4_what_is_left_open_is_chosen_and_the_pane_leads_to_the_key() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let name = partner.benefit("windows-server-2019-standard");
    let mut client = world.catalog(&partner.admin().speaking(DUTCH))?;
    let pane = client.get_download(of(name.clone())).await?.into_inner();
    assert_eq!((&*pane.version, &*pane.edition, &*pane.architecture), ("2019", "standard", "x64"));
    assert_eq!(pane.software_language_code, "nl-NL", "the reader's");
    assert_eq!(pane.choices.len(), 2, "all that may be chosen instead");
    assert!(pane.key_required && pane.key_state() == KeyState::NotAssigned, "R4");
    assert_eq!(pane.instructions.unwrap_or_default().steps.len(), 3, "F2");
    let file = &pane.files[0];
    assert!(file.uri.starts_with("https://") && file.size_bytes > 0 && file.sha256.len() == 64);

    let request = GetDownloadRequest {
        version: "2016".to_owned(),
        software_language_code: "de-DE".to_owned(),
        ..of(name.clone())
    };
    let pane = client.get_download(request).await?.into_inner();
    assert_eq!((&*pane.version, &*pane.software_language_code), ("2016", "de-DE"));
    world.key_of(&partner, "windows-server-2019-standard").await?;
    let pane = client.get_download(of(name)).await?.into_inner();
    assert_eq!(pane.key_state(), KeyState::Ready, "R4");
    Ok(())
}

#[tokio::test]
async fn r9_a_cal_has_nothing_to_download_and_names_what_manages_it() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let mut client = world.catalog(&partner.admin().speaking(DUTCH))?;
    let request = of(partner.benefit("windows-server-2019-cals"));
    let refused = refusal(client.get_download(request).await)?
        .is(Code::FailedPrecondition, "NOT_DOWNLOADABLE")?
        .in_dutch()?;
    assert!(refused.text.contains("geen verdere details beschikbaar"), "R9: {refused:?}");
    let (_, subject, note) = &refused.preconditions[0];
    assert_eq!(subject, "products/windows-server-2019-standard", "R9");
    assert!(note.contains("Geen verdere details beschikbaar"), "R9: {note}");
    Ok(())
}

#[tokio::test]
async fn r1_f9_choices_that_do_not_exist_and_strangers_are_refused() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let name = partner.benefit("windows-server-2019-standard");
    let mut client = world.catalog(&partner.admin().speaking(DUTCH))?;
    for (field, request) in [
        ("version", GetDownloadRequest { version: "2025".into(), ..of(name.clone()) }),
        ("edition", GetDownloadRequest { edition: "home".into(), ..of(name.clone()) }),
        (
            "software_language_code",
            GetDownloadRequest { software_language_code: "ja-JP".into(), ..of(name.clone()) },
        ),
        ("architecture", GetDownloadRequest { architecture: "arm64".into(), ..of(name.clone()) }),
        ("platform", GetDownloadRequest { platform: 2, ..of(name.clone()) }),
    ] {
        refusal(client.get_download(request).await)?
            .is(Code::InvalidArgument, "FIELD_INVALID")?
            .in_dutch()?
            .names(&[field])?;
    }
    refusal(client.get_download(of(partner.benefit("windows-95"))).await)?
        .is(Code::NotFound, "BENEFIT_NOT_FOUND")?;
    let mut stranger = world.catalog(&Person::partner_admin("eve", "fabrikam").speaking(DUTCH))?;
    refusal(stranger.get_download(of(name.clone())).await)?
        .is(Code::PermissionDenied, "NOT_ASSOCIATED")?
        .in_dutch()?;
    let mut reader = world.catalog(&Person::catalog_read())?;
    refusal(reader.get_download(of(name)).await)?.is(Code::PermissionDenied, "ROLE_MISSING")?;
    Ok(())
}
