//! UpsertEnrolment: its times decide what a partner has (F8), and its keys follow it.

use anyhow::Result;
use proto::catalog::v1::{
    BenefitKeyState as KeyState, EnrolmentState as State, UpsertEnrolmentRequest,
};
use system_tests::{Computer, DUTCH, MAPS_CORE, Person, Term, World, eventually, refusal};
use tonic::Code;

#[tokio::test]
async fn f8_the_times_say_where_an_enrolment_stands() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner_without_offer("contoso").await?;
    for (term, state) in [
        (Term::Provisioning, State::Provisioning),
        (Term::Active, State::Active),
        (Term::Grace, State::RenewalGrace),
        (Term::Expired, State::Expired),
    ] {
        // Made once: another one, a second later, would have other times.
        let wanted = term.enrolment(&partner.enrolment("core"), MAPS_CORE)?;
        let stored = world.upsert_enrolment(wanted.clone()).await?;
        assert_eq!(stored.state(), state);
        assert_eq!((stored.start_time, stored.end_time), (wanted.start_time, wanted.end_time));
    }
    Ok(())
}

#[tokio::test]
async fn f8_an_expired_enrolment_suspends_its_keys_and_renewal_resumes_them() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let key = world.key_of(&partner, "windows-server-2019-standard").await?;
    let benefit = partner.benefit("windows-server-2019-standard");
    world.activate(&key, &Computer::recorded()?).await?;

    world.enrol(&partner, "core", MAPS_CORE, Term::Expired).await?;
    let suspended = async |wanted: bool| {
        eventually("the activation service knows", async || {
            let now = world.key(&key.name).await?.suspension.unwrap_or_default();
            Ok((now.suspended == wanted).then_some(()))
        })
        .await
    };
    suspended(true).await?;
    refusal(world.try_activate(&key, &Computer::numbered(1)?).await?)?
        .is(Code::FailedPrecondition, "KEY_SUSPENDED")?
        .in_dutch()?;

    world.enrol(&partner, "core", MAPS_CORE, Term::Active).await?;
    world.until_key_is(&partner, &benefit, KeyState::Ready).await?;
    suspended(false).await?;
    assert_eq!(world.activate(&key, &Computer::numbered(1)?).await?.used, 2);
    Ok(())
}

#[tokio::test]
async fn bad_enrolments_are_refused_and_a_check_changes_nothing() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let mut client = world.catalog(&Person::ops_admin().speaking(DUTCH))?;
    let good = Term::Expired.enrolment(&partner.enrolment("core"), MAPS_CORE)?;
    let ask =
        |enrolment| UpsertEnrolmentRequest { enrolment: Some(enrolment), validate_only: false };
    let check = UpsertEnrolmentRequest { enrolment: Some(good.clone()), validate_only: true };
    let answer = client.upsert_enrolment(check).await?.into_inner().enrolment.unwrap_or_default();
    assert_eq!(answer.state(), State::Expired);
    let benefit = partner.benefit("visio-professional-2019");
    assert_eq!(world.benefit(&partner, &benefit).await?.name, benefit, "nothing changed");

    let mut bad = good.clone();
    (bad.name, bad.offer) = ("core".to_owned(), "maps".to_owned());
    bad.start_time = None;
    bad.end_time = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: -1 });
    refusal(client.upsert_enrolment(ask(bad)).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .in_dutch()?
        .names(&[
            "enrolment.name",
            "enrolment.offer",
            "enrolment.start_time",
            "enrolment.end_time",
        ])?;
    let mut turned = good.clone();
    (turned.start_time, turned.end_time) = (turned.end_time, turned.start_time);
    refusal(client.upsert_enrolment(ask(turned)).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .names(&["enrolment.end_time"])?;
    let mut moved = good.clone();
    moved.offer = "offers/competency-datacenter".to_owned();
    refusal(client.upsert_enrolment(ask(moved.clone())).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .names(&["enrolment.offer"])?;
    moved.name = partner.enrolment("second");
    moved.offer = "offers/gold".to_owned();
    refusal(client.upsert_enrolment(ask(moved)).await)?
        .is(Code::NotFound, "OFFER_NOT_FOUND")?
        .in_dutch()?;
    let mut nobody = good.clone();
    nobody.name = "partners/nobody/enrolments/core".to_owned();
    refusal(client.upsert_enrolment(ask(nobody)).await)?
        .is(Code::NotFound, "PARTNER_NOT_FOUND")?
        .in_dutch()?;
    let mut admin = world.catalog(&partner.admin())?;
    refusal(admin.upsert_enrolment(ask(good)).await)?.is(Code::PermissionDenied, "ROLE_MISSING")?;
    Ok(())
}
