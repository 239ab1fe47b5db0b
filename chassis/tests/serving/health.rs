//! Health as specified: NOT_SERVING first, watchers told of changes, unknown names kept open.

use chassis::healthcheck::{HealthcheckError, check};
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use crate::world::{Certificates, SERVICE, World, config};

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn the_probe_succeeds_only_while_serving() {
    let world = World::start(config()).await;
    let target = world.channel_config();
    check(&target, "").await.expect("the whole serves");
    check(&target, SERVICE).await.expect("the service serves");
    world.health.set_service_serving(SERVICE, false);
    let told = check(&target, SERVICE).await.expect_err("not serving");
    assert!(matches!(told, HealthcheckError::NotServing("NOT_SERVING")), "{told}");
    check(&target, "").await.expect("the whole still serves");
    world.health.set_serving(false);
    for name in ["", SERVICE] {
        let told = check(&target, name).await.expect_err("not serving");
        assert!(matches!(told, HealthcheckError::NotServing("NOT_SERVING")), "{told}");
    }
    let unknown = check(&target, "no.such").await.expect_err("unknown");
    let HealthcheckError::Refused(status) = unknown else { panic!("{unknown}") };
    assert_eq!(status.code(), Code::NotFound);
    assert!(status.get_error_details().error_info().is_some());
    world.stop().await;
    assert!(check(&target, "").await.is_err(), "nobody answers");
}

#[tokio::test]
async fn the_probe_speaks_mutual_tls() {
    let certificates = Certificates::new();
    let world = World::start(certificates.server(Default::default())).await;
    certificates.issue("probe", &["probe.internal"]);
    for name in [None, Some("probe")] {
        check(&certificates.client(&world, name), "").await.expect("health is open to all");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_watch_tells_every_change_and_stays_open_for_unknown_names() {
    let world = World::start(config()).await;
    let mut client = HealthClient::new(world.channel());
    let mut known = client.watch(of(SERVICE)).await.expect("it opens").into_inner();
    let mut unknown = client.watch(of("no.such")).await.expect("it opens").into_inner();
    let told = unknown.next().await.expect("open").expect("a message");
    assert_eq!(told.status(), ServingStatus::ServiceUnknown);
    for serving in [true, false, true] {
        world.health.set_serving(serving);
        let wanted = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        assert_eq!(known.next().await.expect("open").expect("a message").status(), wanted);
    }
    world.stop().await;
    let last = known.next().await.expect("a last message").expect("of the drain");
    assert_eq!(last.status(), ServingStatus::NotServing);
    let ended = unknown.next().await.expect("an end").expect_err("the server stopped");
    assert_eq!(ended.code(), Code::Unavailable);
    assert!(ended.get_error_details().error_info().is_some());
}

#[tokio::test]
async fn everything_starts_not_serving() {
    let health = chassis::serve::Health::new(&[SERVICE]);
    assert!(!health.is_serving());
    health.set_service_serving(SERVICE, true);
    assert!(!health.is_serving(), "one service says nothing of the whole");
    health.set_serving(true);
    assert!(health.is_serving());
}
