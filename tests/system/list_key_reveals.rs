//! ListKeyReveals: who saw which key and when, newest first (F7).

use anyhow::Result;
use proto::catalog::v1::{ListKeyRevealsRequest, RevealProductKeyRequest};
use system_tests::{DUTCH, Person, World, refusal};
use tonic::Code;

#[tokio::test]
async fn f7_every_reveal_is_listed_with_its_first_one_marked() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let benefit = partner.benefit("sql-server-2019-standard");
    world.import_key(&benefit).await?;
    let mut shown = Vec::new();
    for subject in ["anna", "bert", "anna"] {
        let mut client = world.catalog(&Person::global_admin(subject, "contoso"))?;
        let request = RevealProductKeyRequest { name: benefit.clone() };
        shown.push(client.reveal_product_key(request).await?.into_inner().reveal);
    }
    shown.reverse();
    for reader in [Person::partner_admin("b", "contoso"), Person::ops_read(), Person::ops_admin()] {
        let mut client = world.catalog(&reader)?;
        let mut request =
            ListKeyRevealsRequest { parent: partner.name(), page_size: 2, ..Default::default() };
        let first = client.list_key_reveals(request.clone()).await?.into_inner();
        request.page_token = first.next_page_token;
        let second = client.list_key_reveals(request).await?.into_inner();
        assert_eq!((first.reveals.len(), second.reveals.len()), (2, 1));
        assert_eq!(second.next_page_token, "");
        let all: Vec<_> = first.reveals.into_iter().chain(second.reveals).collect();
        assert_eq!(all.iter().map(|row| row.name.clone()).collect::<Vec<_>>(), shown);
        let who: Vec<_> = all.iter().map(|row| (&*row.subject, row.first)).collect();
        assert_eq!(who, [("anna", false), ("bert", false), ("anna", true)]);
        assert!(all.iter().all(|row| row.benefit == benefit && row.reveal_time.is_some()));
        assert!(all.iter().all(|row| row.product_key_name.starts_with("productKeys/")));
    }
    Ok(())
}

#[tokio::test]
async fn f9_reveals_of_others_and_bad_pages_are_refused() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let request = ListKeyRevealsRequest { parent: partner.name(), ..Default::default() };
    let mut stranger = world.catalog(&Person::global_admin("eve", "fabrikam").speaking(DUTCH))?;
    refusal(stranger.list_key_reveals(request.clone()).await)?
        .is(Code::PermissionDenied, "NOT_ASSOCIATED")?
        .in_dutch()?;
    let mut nobody = world.catalog(&Person::without_role("carla", "contoso"))?;
    refusal(nobody.list_key_reveals(request).await)?.is(Code::PermissionDenied, "ROLE_MISSING")?;
    let mut client = world.catalog(&partner.admin().speaking(DUTCH))?;
    let bad = ListKeyRevealsRequest {
        parent: "contoso".to_owned(),
        page_size: -1,
        page_token: "x".to_owned(),
    };
    refusal(client.list_key_reveals(bad).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .in_dutch()?
        .names(&["parent", "page_size", "page_token"])?;
    Ok(())
}
