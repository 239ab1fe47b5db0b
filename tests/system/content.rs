//! Content with faults never reaches a reader, and renewal gives back what expiry took, no more.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use proto::activation::v1::{ProductKey, UpdateKeyRequest};
use proto::catalog::v1::{
    BenefitKeyState as KeyState, GetProductRequest, ListProductsRequest, ReloadContentRequest,
};
use system_tests::{
    Computer, DUTCH, MAPS_CORE, Person, Program, Term, World, eventually, refusal, signal,
};
use tonic::Code;

/// Ten faults, each in a place of its own: file, what is there, what comes in its place, the line
/// that is told.
const FAULTS: [(&str, &str, &str, u32); 10] = [
    ("office/visio-professional-2019.toml", "kind = \"software\"", "kind = \"toaster\"", 1),
    ("office/project-professional-2019.toml", "downloadable = true", "downloadable = 7", 2),
    ("office/office-professional-plus-2019.toml", "[\"windows\"]", "[\"beos\"]", 5),
    ("windows-client/windows-client-enterprise.toml", "[text.nl]\ntitle", "[text.nl]\ncaption", 0),
    ("windows-server/windows-server-2019-standard.toml", "id = \"2019\"", "id = \"20 19\"", 0),
    ("windows-server/windows-server-2019-essentials.toml", "https://", "ftp://", 0),
    ("sql-server/sql-server-2019-standard.toml", "sha256 = \"", "sha256 = \"xyz", 0),
    (
        "windows-server-cals/windows-server-2019-cals.toml",
        "downloadable = false",
        "downloadable = true",
        2,
    ),
    ("offers/maps-core.toml", "product = \"r-server-for-suse-linux\"", "product = \"r\"", 0),
    ("system-center/family.toml", "languages = [", "languages = ", 1),
];

fn break_all(folder: &Path) -> Result<()> {
    for (file, old, new, _) in FAULTS {
        let path = folder.join(file);
        let text = fs::read_to_string(&path)?;
        ensure!(text.contains(old), "{file} has no {old:?}");
        fs::write(&path, text.replacen(old, new, 1))?;
    }
    Ok(())
}

/// The line on which the fault was made.
fn line_of(folder: &Path, file: &str, new: &str, told: u32) -> Result<u32> {
    if told > 0 {
        return Ok(told);
    }
    let text = fs::read_to_string(folder.join(file))?;
    let before = text.split(new).next().unwrap_or_default();
    let inner = new.chars().take_while(|c| *c != '\n').count() < new.len();
    Ok(u32::try_from(before.matches('\n').count())? + 1 + u32::from(inner))
}

#[tokio::test]
async fn ten_faults_are_told_with_file_and_line_and_the_old_content_is_served() -> Result<()> {
    let world = World::start().await?;
    let folder = world.pair.content_folder();
    let check = |folder: &Path| {
        let arguments = ["check".into(), folder.as_os_str().to_owned()];
        Ok::<_, anyhow::Error>(Program::ours("catalog-service")?.with(arguments))
    };
    check(&folder)?.succeed().await?;
    let mut reader = world.catalog(&Person::catalog_read())?;
    let before = reader.list_products(ListProductsRequest::default()).await?.into_inner();

    break_all(&folder)?;
    let said = check(&folder)?.run().await?;
    assert!(!said.status.success());
    let mut ops = world.catalog(&Person::ops_admin().speaking(DUTCH))?;
    let refused = refusal(ops.reload_content(ReloadContentRequest::default()).await)?
        .is(Code::FailedPrecondition, "CONTENT_INVALID")?
        .in_dutch()?;
    for (file, _, new, told) in FAULTS {
        let line = line_of(&folder, file, new, told)?;
        let place = format!("{file}:{line}");
        let shown = said.out.lines().any(|said| said.contains(&format!("{place}: ")));
        assert!(shown, "{place} in\n{}", said.out);
        let named = refused.fields.iter().any(|(field, _)| *field == place);
        assert!(named, "{place} in {:#?}", refused.fields);
    }
    let after = reader.list_products(ListProductsRequest::default()).await?.into_inner();
    assert_eq!(before, after, "the old content is served whole");
    Ok(())
}

/// The title of a product as a reader sees it now.
async fn title(world: &World, product: &str) -> Result<String> {
    let request = GetProductRequest { name: product.to_owned(), ..Default::default() };
    let answer = world.catalog(&Person::catalog_read())?.get_product(request).await?.into_inner();
    Ok(answer.product.context("a product")?.title)
}

#[tokio::test]
async fn a_hangup_reads_the_content_again_and_content_with_faults_changes_nothing() -> Result<()> {
    let world = World::start().await?;
    let folder = world.pair.content_folder();
    let hang_up = || signal("HUP", world.pair.catalog().pid());
    let (file, product) =
        ("office/visio-professional-2019.toml", "products/visio-professional-2019");
    let old = title(&world, product).await?;
    let good = fs::read_to_string(folder.join(file))?;
    ensure!(good.contains(&old), "{file} has no {old:?}");

    fs::write(folder.join(file), good.replace("kind = \"software\"", "kind = \"toaster\""))?;
    hang_up()?;
    eventually("the fault is logged with file and line", async || {
        let log = fs::read_to_string(world.pair.catalog().log())?;
        let told = log.contains(&format!("{file}:1")) && log.contains("still served");
        Ok(told.then_some(()))
    })
    .await?;
    assert_eq!(title(&world, product).await?, old);

    fs::write(folder.join(file), good.replace(&old, "Visio, read again"))?;
    hang_up()?;
    eventually("the new title is served", async || {
        Ok((title(&world, product).await? == "Visio, read again").then_some(()))
    })
    .await?;
    let reload = ReloadContentRequest { validate_only: true };
    let served = world.catalog(&Person::ops_admin())?.reload_content(reload).await?.into_inner();
    assert_eq!(served.generation, 2, "content with faults does not count");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_does_not_start_on_content_with_faults() -> Result<()> {
    let mut world = World::start().await?;
    world.pair.stop_catalog()?;
    break_all(&world.pair.content_folder())?;
    let error = world.pair.start_catalog().err().map(|error| format!("{error:#}"));
    let error = error.unwrap_or_default();
    assert!(error.contains("office/visio-professional-2019.toml:1"), "{error}");
    Ok(())
}

#[tokio::test]
async fn f8_renewal_resumes_suspended_keys_and_leaves_blocked_ones_blocked() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let free = world.key_of(&partner, "windows-server-2019-standard").await?;
    let blocked = world.key_of(&partner, "visio-professional-2019").await?;
    world.activate(&free, &Computer::recorded()?).await?;
    world.activate(&blocked, &Computer::recorded()?).await?;
    let block = UpdateKeyRequest {
        key: Some(ProductKey { name: blocked.name.clone(), blocked: true, ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["blocked".to_owned()] }),
        reason: "leaked".to_owned(),
    };
    world.activation(&Person::ops_admin())?.update_key(block).await?;

    for (term, suspended) in
        [(Term::Expired, true), (Term::Active, false), (Term::Expired, true), (Term::Grace, false)]
    {
        world.enrol(&partner, "core", MAPS_CORE, term).await?;
        for key in [&free, &blocked] {
            eventually("the activation service knows", async || {
                let now = world.key(&key.name).await?.suspension.unwrap_or_default();
                Ok((now.suspended == suspended).then_some(()))
            })
            .await?;
        }
        assert!(world.key(&blocked.name).await?.blocked, "renewal is no pardon");
        let answer = world.try_activate(&free, &Computer::recorded()?).await?;
        assert_eq!(answer.is_ok(), !suspended, "{term:?}");
        refusal(world.try_activate(&blocked, &Computer::recorded()?).await?)?
            .is(Code::NotFound, "KEY_NOT_USABLE")?;
    }
    let benefit = partner.benefit("windows-server-2019-standard");
    world.until_key_is(&partner, &benefit, KeyState::Ready).await?;
    Ok(())
}
