//! Who may call what: denied by default, walked over every method and role of the schema.

use chassis::channel::{ChannelConfig, connect_lazy};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

use crate::world::World;

const ROLES: [&str; 8] = [
    "INSTALLER",
    "GLOBAL_ADMIN",
    "MPN_PARTNER_ADMIN",
    "PORTAL",
    "CATALOG",
    "CATALOG_READ",
    "OPS_READ",
    "OPS_ADMIN",
];
/// What every caller holds, whoever it is.
const EVERYONE: &str = "INSTALLER";

/// Calls a method with an empty message.
async fn call(world: &World, path: &'static str, identity: Option<&str>) -> Code {
    let uri = format!("http://{}", world.address);
    let channel = connect_lazy(&ChannelConfig { uri, ..ChannelConfig::default() });
    let mut client = Grpc::new(channel.expect("a channel"));
    client.ready().await.expect("it connects");
    let mut request = Request::new(());
    if let Some(identity) = identity {
        let identity = identity.parse().expect("metadata");
        request.metadata_mut().insert("x-dev-identity", identity);
    }
    let codec = ProstCodec::<(), ()>::default();
    let answer = client.unary(request, PathAndQuery::from_static(path), codec).await;
    answer.err().map_or(Code::Ok, |status| status.code())
}

#[tokio::test]
async fn every_method_is_open_to_its_roles_and_to_no_other() {
    let world = World::memory().await;
    let ours = |path: &str| path.starts_with("/benefits.activation.v1.");
    let mut walked = 0;
    for (path, roles) in proto::METHOD_ROLES.iter().filter(|(path, _)| ours(path)) {
        walked += 1;
        let open = roles.contains(&EVERYONE);
        let anonymous = call(&world, path, None).await;
        assert_eq!(anonymous != Code::Unauthenticated, open, "{path} without credentials");
        let named = call(&world, path, Some("subject=x")).await;
        assert_eq!(named != Code::PermissionDenied, open, "{path} without a role");
        for role in ROLES {
            let identity = format!("subject=x;roles={role};tenant=contoso");
            let code = call(&world, path, Some(&identity)).await;
            let allowed = open || roles.contains(&role);
            assert_eq!(code != Code::PermissionDenied, allowed, "{path} as {role}: {code:?}");
        }
    }
    assert_eq!(walked, 11, "every method of the service");
    world.stop().await;
}

#[tokio::test]
async fn methods_that_are_not_in_the_table_are_unknown() {
    let world = World::memory().await;
    let admin = Some("subject=x;roles=OPS_ADMIN");
    for path in ["/benefits.activation.v1.ActivationService/Drop", "/x.Y/Z"] {
        assert_eq!(call(&world, path, admin).await, Code::Unimplemented, "{path}");
    }
    world.stop().await;
}
