//! Activate: what counts (R6-R8, F5), what does not, and every no, with nothing counted.

use anyhow::{Context as _, Result};
use proto::activation::v1::{
    ActivationOutcome as Outcome, ComponentKind, CountingMode, KeyRegistration, KindVerdict,
    Platform, ProductKey, Suspension, UpdateKeyRequest,
};
use system_tests::{Computer, DUTCH, Key, Person, World, days_from_now, refusal};
use tonic::Code;

#[tokio::test]
async fn r6_r7_r8_r10_a_computer_counts_once_until_its_hardware_changes() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(3).await?;
    let desktop = Computer::recorded()?;

    let first = world.activate(&key, &desktop).await?;
    assert_eq!(first.outcome(), Outcome::CountedNewComputer, "R6");
    assert_eq!((first.used, first.limit, first.remaining), (1, 3, 2));
    let again = world.activate(&key, &desktop).await?;
    assert_eq!((again.outcome(), again.used), (Outcome::NotCountedSameComputer, 1), "R7");
    assert_eq!(again.explanation.context("why")?.score, Some(100));

    let disk = world.activate(&key, &desktop.clone().with_new_disk()).await?;
    assert_eq!((disk.outcome(), disk.used), (Outcome::NotCountedSameComputer, 1), "R7");
    let why = disk.explanation.context("why")?;
    assert_eq!((why.score, why.threshold, why.policy_version.as_str()), (Some(80), 60, "hw-v1"));
    let verdict = |kind| why.kinds.iter().find(|found| found.kind() == kind).map(|k| k.verdict());
    assert_eq!(verdict(ComponentKind::OsDisk), Some(KindVerdict::Changed));
    assert_eq!(verdict(ComponentKind::BoardSerial), Some(KindVerdict::Matched));

    let board = world.activate(&key, &desktop.clone().with_new_board()).await?;
    assert_eq!((board.outcome(), board.used), (Outcome::CountedSignificantChange, 2), "R8");
    assert_eq!(board.explanation.context("why")?.score, Some(41));
    assert_eq!(board.activation, first.activation, "its name stays");

    let other = world.activate(&key, &Computer::numbered(1)?).await?;
    assert_eq!((other.outcome(), other.remaining), (Outcome::CountedNewComputer, 0), "R6");
    assert_ne!(other.activation, first.activation);

    let refused = refusal(world.try_activate(&key, &Computer::numbered(2)?).await?)?
        .is(Code::FailedPrecondition, "ACTIVATION_LIMIT_REACHED")?
        .in_dutch()?;
    assert!(refused.text.contains("3 van 3 activeringen"), "R10: {refused:?}");
    assert_eq!(refused.links[0].1, "https://help.example/manage-benefits", "R11");
    for known in [desktop.clone(), desktop.with_new_board()] {
        let known = world.activate(&key, &known).await?;
        assert_eq!(known.outcome(), Outcome::NotCountedSameComputer, "R7 is not touched by R10");
    }
    assert_eq!(world.key(&key.name).await?.used, 3);
    Ok(())
}

#[tokio::test]
async fn f10_another_platform_is_refused_before_anything_is_counted() -> Result<()> {
    let world = World::start().await?;
    let platforms = vec![Platform::Windows.into()];
    let key = world.registered(KeyRegistration { limit: 1, platforms, ..Default::default() });
    let key = key.await?;
    let mut request = world.activate_request(&key, &Computer::recorded()?)?;
    request.platform = Platform::Macos.into();
    let mut client = world.activation(&Person::installer().speaking(DUTCH))?;
    let refused = refusal(client.activate(request.clone()).await)?
        .is(Code::FailedPrecondition, "PLATFORM_NOT_ALLOWED")?
        .in_dutch()?;
    assert!(refused.text.contains("Windows"), "{refused:?}");
    assert_eq!(world.key(&key.name).await?.used, 0);
    // A refusal does not use its request id up.
    request.platform = Platform::Windows.into();
    assert_eq!(client.activate(request).await?.into_inner().used, 1);
    Ok(())
}

#[tokio::test]
async fn f5_some_keys_count_every_activation_but_no_request_twice() -> Result<()> {
    let world = World::start().await?;
    let counting_mode = CountingMode::EveryActivation.into();
    let key = KeyRegistration { limit: 2, counting_mode, ..Default::default() };
    let key = world.registered(key).await?;
    let desktop = Computer::recorded()?;
    let mut client = world.activation(&Person::installer())?;
    let request = world.activate_request(&key, &desktop)?;
    let first = client.activate(request.clone()).await?.into_inner();
    assert_eq!((first.outcome(), first.used), (Outcome::CountedEveryActivation, 1));
    let repeated = client.activate(request.clone()).await?.into_inner();
    assert_eq!(repeated, first, "a recorded repeat is the same answer");
    let second = world.activate(&key, &desktop).await?;
    assert_eq!((second.outcome(), second.used), (Outcome::CountedEveryActivation, 2));
    refusal(world.try_activate(&key, &desktop).await?)?
        .is(Code::FailedPrecondition, "ACTIVATION_LIMIT_REACHED")?;
    assert_eq!(client.activate(request).await?.into_inner(), first);
    Ok(())
}

#[tokio::test]
async fn a_recorded_repeat_is_answered_even_if_the_key_is_blocked_since() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(5).await?;
    let mut client = world.activation(&Person::installer().speaking(DUTCH))?;
    let request = world.activate_request(&key, &Computer::recorded()?)?;
    let first = client.activate(request.clone()).await?.into_inner();

    let mut other = request.clone();
    other.platform = Platform::Linux.into();
    refusal(client.activate(other).await)?
        .is(Code::InvalidArgument, "REQUEST_ID_REUSED")?
        .in_dutch()?;
    block(&world, &key).await?;
    assert_eq!(client.activate(request).await?.into_inner(), first);
    let fresh = world.activate_request(&key, &Computer::recorded()?)?;
    refusal(client.activate(fresh).await)?.is(Code::NotFound, "KEY_NOT_USABLE")?;
    assert_eq!(world.key(&key.name).await?.used, 1);
    Ok(())
}

#[tokio::test]
async fn unknown_blocked_and_foreign_keys_are_told_alike() -> Result<()> {
    let world = World::start().await?;
    let blocked = world.key_with_limit(5).await?;
    block(&world, &blocked).await?;
    let foreign = world.key_with_limit(5).await?;
    let foreign = Key { product: "products/visio-professional-2019".to_owned(), ..foreign };
    let unknown = Key { secret: "ABCDE-FGHJK-MNPQR-STVWX".to_owned(), ..blocked.clone() };
    let mut told = Vec::new();
    for key in [&unknown, &blocked, &foreign] {
        let refused = refusal(world.try_activate(key, &Computer::recorded()?).await?)?;
        told.push(refused.is(Code::NotFound, "KEY_NOT_USABLE")?.in_dutch()?);
    }
    assert_eq!(told[0], told[1], "a caller with a key alone learns nothing of it");
    assert_eq!(told[0], told[2]);
    // Its owner reads in the history why.
    let reasons = |events: Vec<proto::activation::v1::KeyEvent>| {
        events.into_iter().map(|event| event.refusal_reason).collect::<Vec<_>>().concat()
    };
    assert_eq!(reasons(world.history(&blocked.name).await?), "KEY_BLOCKED");
    assert_eq!(reasons(world.history(&foreign.name).await?), "OTHER_PRODUCT");
    Ok(())
}

#[tokio::test]
async fn too_little_evidence_is_uncounted_and_a_handle_suffices_where_allowed() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(5).await?;
    let container = Computer::container("rack-7/web-03");
    let refused = refusal(world.try_activate(&key, &container).await?)?
        .is(Code::FailedPrecondition, "INSUFFICIENT_EVIDENCE")?
        .in_dutch()?;
    assert!(refused.text.contains("als administrator"), "it says what to do: {refused:?}");
    assert_eq!(world.key(&key.name).await?.used, 0);

    let terms = KeyRegistration { limit: 5, operator_handle_allowed: true, ..Default::default() };
    let key = world.registered(terms).await?;
    let first = world.activate(&key, &container).await?;
    assert_eq!((first.outcome(), first.used), (Outcome::CountedNewComputer, 1));
    let again = world.activate(&key, &container).await?;
    assert_eq!((again.outcome(), again.used), (Outcome::NotCountedSameComputer, 1));
    let other = world.activate(&key, &Computer::container("rack-7/web-04")).await?;
    assert_eq!((other.outcome(), other.used), (Outcome::CountedNewComputer, 2));
    Ok(())
}

#[tokio::test]
async fn f8_a_suspended_key_and_one_past_its_date_activate_nothing_more() -> Result<()> {
    let world = World::start().await?;
    let suspension = Some(Suspension { suspended: true, generation: 1 });
    let key = KeyRegistration { limit: 5, suspension, ..Default::default() };
    let suspended = world.registered(key).await?;
    refusal(world.try_activate(&suspended, &Computer::recorded()?).await?)?
        .is(Code::FailedPrecondition, "KEY_SUSPENDED")?
        .in_dutch()?;

    let key = world.key_with_limit(5).await?;
    world.activate(&key, &Computer::recorded()?).await?;
    let activate_by_time = Some(days_from_now(-1)?);
    let change = ProductKey { activate_by_time, ..Default::default() };
    update(&world, &key, change, "activate_by_time").await?;
    refusal(world.try_activate(&key, &Computer::numbered(1)?).await?)?
        .is(Code::FailedPrecondition, "ACTIVATE_BY_PASSED")?
        .in_dutch()?;
    let known = world.activate(&key, &Computer::recorded()?).await?;
    assert_eq!(known.outcome(), Outcome::NotCountedSameComputer, "R7 holds past the date");
    assert_eq!(world.key(&key.name).await?.used, 1);
    Ok(())
}

#[tokio::test]
async fn a_key_is_read_as_people_type_it() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(2).await?;
    let typed = key.secret.to_lowercase().replace('-', " ").replace('0', "o");
    let typed = Key { secret: format!("  {typed} "), ..key.clone() };
    assert_eq!(world.activate(&typed, &Computer::recorded()?).await?.used, 1);
    Ok(())
}

async fn block(world: &World, key: &Key) -> Result<()> {
    update(world, key, ProductKey { blocked: true, ..Default::default() }, "blocked").await
}

async fn update(world: &World, key: &Key, change: ProductKey, path: &str) -> Result<()> {
    let request = UpdateKeyRequest {
        key: Some(ProductKey { name: key.name.clone(), ..change }),
        update_mask: Some(prost_types::FieldMask { paths: vec![path.to_owned()] }),
        reason: "a journey".to_owned(),
    };
    world.activation(&Person::ops_admin())?.update_key(request).await?;
    Ok(())
}
