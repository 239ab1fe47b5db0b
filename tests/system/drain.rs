//! Stopping and failing of one service: calls in flight are answered, and the other goes on.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use prost::Message as _;
use proto::activation::v1::ActivateResponse;
use proto::catalog::v1::{ListBenefitsRequest, UsageState};
use system_tests::{
    Computer, PATIENCE, Partner, Person, Program, RawCall, Service, Term, World, refusal, signal,
};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const ACTIVATE: &str = "/benefits.activation.v1.ActivationService/Activate";
const SERVICE: &str = "benefits.activation.v1.ActivationService";
/// A list waits a second at most for the other service; the rest is for a busy machine.
const LIST_TIME_MAX: Duration = Duration::from_millis(1_500);

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_what_is_in_flight_and_ends_well() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(5).await?;
    let request = world.activate_request(&key, &Computer::recorded()?)?;
    let address = world.address(Service::Activation)?;

    let mut health = HealthClient::new(world.channel(Service::Activation, &Person::installer())?);
    let watch = HealthCheckRequest { service: SERVICE.to_owned() };
    let mut states = health.watch(watch).await?.into_inner();
    let state = states.message().await?.context("a state")?.status();
    assert_eq!(state, ServingStatus::Serving);
    let call = RawCall::of(ACTIVATE, &request.encode_to_vec());
    let body = call.body.clone();
    let open = call.begin(address).await?;

    signal("TERM", world.pair.activation().pid())?;
    let state = states.message().await?.context("a state")?.status();
    assert_eq!(state, ServingStatus::NotServing, "before anything is refused");
    let answer = open.end(body).await?;
    let status = answer.status.as_ref().context("a status")?;
    assert_eq!(status.code(), Code::Ok, "the call in flight: {answer:?}");
    let granted = ActivateResponse::decode(answer.body.get(5..).context("a message")?)?;
    assert_eq!(granted.used, 1);
    // The watch is still held open, and does not hold the service up.
    let mut pair = world.pair;
    let (status, mut pair) = {
        let stopping = tokio::task::spawn_blocking(move || (pair.stop_activation(), pair));
        tokio::time::timeout(PATIENCE, stopping).await??
    };
    assert!(status?.success(), "exit 0");
    drop(states);
    tokio::task::spawn_blocking(move || pair.start_activation().map(|()| drop(pair))).await??;
    Ok(())
}

/// The command by which a container asks a service whether it serves.
fn healthcheck(world: &World, service: Service) -> Result<Program> {
    let scheme = if world.is_secured() { "https" } else { "http" };
    let uri = format!("{scheme}://localhost:{}", world.address(service)?.port());
    let authority = world.authority().display().to_string();
    let name = match service {
        Service::Activation => "activation-service",
        Service::Catalog => "catalog-service",
    };
    let mut settings = vec![format!("healthcheck.uri={uri}")];
    if world.is_secured() {
        settings.push(format!("healthcheck.ca_file={authority}"));
    }
    let settings = settings.into_iter().flat_map(|setting| ["--set".to_owned(), setting]);
    let arguments = ["healthcheck".to_owned()].into_iter().chain(settings);
    Ok(Program::ours(name)?.with(arguments))
}

async fn stop_both(mut world: World) -> Result<()> {
    for service in [Service::Activation, Service::Catalog] {
        healthcheck(&world, service)?.succeed().await?;
        let stopped = match service {
            Service::Activation => world.pair.stop_activation()?,
            Service::Catalog => world.pair.stop_catalog()?,
        };
        ensure!(stopped.success(), "{service:?}: {stopped}");
        let asked = healthcheck(&world, service)?.run().await?;
        ensure!(!asked.status.success(), "nobody answers any more");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_services_stop_at_once_without_work_and_healthcheck_tells() -> Result<()> {
    stop_both(World::start().await?).await?;
    stop_both(World::start_mtls().await?).await
}

/// The list of a partner with a key of which one activation is used.
async fn enrolled(world: &World) -> Result<Partner> {
    let partner = world.partner("contoso").await?;
    let key = world.key_of(&partner, "windows-server-2019-standard").await?;
    world.activate(&key, &Computer::recorded()?).await?;
    Ok(partner)
}

/// The usage in the list, and how long the answer took.
async fn usage(world: &World, partner: &Partner) -> Result<(UsageState, u32, Duration)> {
    let request =
        ListBenefitsRequest { parent: partner.name(), page_size: 200, ..Default::default() };
    let mut client = world.catalog(&partner.admin())?;
    let start = Instant::now();
    let list = client.list_benefits(request).await?.into_inner();
    let taken = start.elapsed();
    assert_eq!(list.benefits.len(), 32);
    let name = partner.benefit("windows-server-2019-standard");
    let row = list.benefits.into_iter().find(|row| row.name == name).context("the row")?;
    let usage = row.usage.context("a usage")?;
    assert!(usage.as_of_time.is_some());
    Ok((usage.state(), usage.used, taken))
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_activation_service_the_list_still_comes_and_says_so() -> Result<()> {
    let mut world = World::start().await?;
    let partner = enrolled(&world).await?;
    let (state, used, _) = usage(&world, &partner).await?;
    assert_eq!((state, used), (UsageState::Available, 1));

    // It hangs: nothing is refused, nothing is answered.
    signal("STOP", world.pair.activation().pid())?;
    let (state, used, taken) = usage(&world, &partner).await?;
    assert_eq!((state, used), (UsageState::Unavailable, 0));
    assert!(taken <= LIST_TIME_MAX, "{taken:?}");
    signal("CONT", world.pair.activation().pid())?;
    // It is gone.
    world.pair.kill_activation()?;
    let (state, _, taken) = usage(&world, &partner).await?;
    assert_eq!(state, UsageState::Unavailable);
    assert!(taken <= LIST_TIME_MAX, "{taken:?}");
    world.pair.start_activation()?;
    system_tests::eventually("the usage is known again", async || {
        let (state, used, _) = usage(&world, &partner).await?;
        Ok((state == UsageState::Available && used == 1).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_catalog_activations_go_on() -> Result<()> {
    let mut world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let key = world.key_of(&partner, "windows-server-2019-standard").await?;
    world.pair.kill_catalog()?;
    assert_eq!(world.activate(&key, &Computer::recorded()?).await?.used, 1);
    let mut dead = world.catalog(&partner.admin())?;
    let request = ListBenefitsRequest { parent: partner.name(), ..Default::default() };
    assert!(dead.list_benefits(request).await.is_err());
    world.pair.start_catalog()?;
    assert_eq!(usage(&world, &partner).await?.1, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn f8_an_end_of_membership_is_delivered_when_the_other_service_is_back() -> Result<()> {
    let mut world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let key = world.key_of(&partner, "windows-server-2019-standard").await?;
    world.pair.kill_activation()?;
    world.enrol(&partner, "core", system_tests::MAPS_CORE, Term::Expired).await?;
    world.pair.kill_catalog()?;
    world.pair.start_activation()?;
    world.pair.start_catalog()?;
    system_tests::eventually("the suspension arrives", async || {
        let now = world.key(&key.name).await?.suspension.unwrap_or_default();
        Ok(now.suspended.then_some(()))
    })
    .await?;
    refusal(world.try_activate(&key, &Computer::recorded()?).await?)?
        .is(Code::FailedPrecondition, "KEY_SUSPENDED")?;
    Ok(())
}
