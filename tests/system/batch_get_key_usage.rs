//! BatchGetKeyUsage: the counts of many keys at one point of the ledger.

use anyhow::Result;
use proto::activation::v1::{BatchGetKeyUsageRequest, KeyRegistration};
use system_tests::{Computer, DUTCH, Person, World, refusal};
use tonic::Code;

#[tokio::test]
async fn f11_counts_come_in_order_and_what_is_not_the_callers_is_missing() -> Result<()> {
    let world = World::start().await?;
    let (first, second) = (world.key_with_limit(5).await?, world.key_with_limit(7).await?);
    let foreign = KeyRegistration { limit: 1, owner: "fabrikam".to_owned(), ..Default::default() };
    let foreign = world.registered(foreign).await?;
    let desktop = Computer::recorded()?;
    world.activate(&second, &desktop).await?;
    world.activate(&second, &desktop.with_new_board()).await?;
    world.activate(&second, &Computer::numbered(1)?).await?;

    let unknown = format!("productKeys/{}", "f".repeat(32));
    let names = [&second.name, &unknown, &first.name, &foreign.name, &second.name];
    let request = BatchGetKeyUsageRequest { names: names.map(String::clone).to_vec() };
    let admin = Person::global_admin("anna", "contoso");
    let answer = world.activation(&admin)?.batch_get_key_usage(request.clone()).await?.into_inner();
    let rows: Vec<_> = answer
        .usages
        .iter()
        .map(|row| (&row.name, row.used, row.limit, row.remaining, row.computers))
        .collect();
    assert_eq!(rows, [(&second.name, 3, 7, 4, 2), (&first.name, 0, 5, 5, 0)]);
    assert_eq!(answer.missing_names, [unknown.clone(), foreign.name.clone()]);
    assert!(answer.as_of_time.is_some() && answer.as_of_sequence > 0);

    let catalog = world.activation(&Person::catalog())?.batch_get_key_usage(request).await?;
    assert_eq!(catalog.into_inner().missing_names, [unknown], "the catalog sees every key");
    Ok(())
}

#[tokio::test]
async fn bad_names_and_too_many_are_refused() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.activation(&Person::ops_read().speaking(DUTCH))?;
    let many = vec![format!("productKeys/{}", "a".repeat(32)); 501];
    refusal(client.batch_get_key_usage(BatchGetKeyUsageRequest { names: many }).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .in_dutch()?
        .names(&["names"])?;
    let names = vec!["x".to_owned(), format!("productKeys/{}", "a".repeat(32)), String::new()];
    refusal(client.batch_get_key_usage(BatchGetKeyUsageRequest { names }).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .names(&["names[0]", "names[2]"])?;
    let mut installer = world.activation(&Person::installer())?;
    refusal(installer.batch_get_key_usage(BatchGetKeyUsageRequest::default()).await)?
        .is(Code::Unauthenticated, "CREDENTIALS_MISSING")?;
    Ok(())
}
