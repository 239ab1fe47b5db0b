//! Reflection is offered in both versions, or in none.

use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_reflection::pb::{v1, v1alpha};

use crate::world::{SERVICE, World, config, details};

#[tokio::test]
async fn both_versions_list_the_served_services() {
    let world = World::start(config()).await;
    let ask = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
    };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(world.channel());
    let stream = client.server_reflection_info(tokio_stream::once(ask)).await;
    let answer = stream.expect("it opens").into_inner().next().await;
    let text = format!("{:?}", answer.expect("one").expect("an answer"));
    assert!(text.contains("grpc.health.v1.Health") && text.contains(SERVICE), "{text}");

    let ask = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
    };
    let mut client =
        v1alpha::server_reflection_client::ServerReflectionClient::new(world.channel());
    let stream = client.server_reflection_info(tokio_stream::once(ask)).await;
    let answer = stream.expect("it opens").into_inner().next().await;
    let text = format!("{:?}", answer.expect("one").expect("an answer"));
    assert!(text.contains("grpc.health.v1.Health") && text.contains(SERVICE), "{text}");
    world.stop().await;
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let mut config = config();
    config.reflection = false;
    let world = World::start(config).await;
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(world.channel());
    let refused = client.server_reflection_info(tokio_stream::empty()).await;
    details(&refused.expect_err("not offered"), Code::Unimplemented, "METHOD_UNKNOWN");
    world.stop().await;
}
