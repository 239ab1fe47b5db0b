//! Faults below the message: each is answered with ErrorInfo, counts nothing and harms nobody else.

use std::time::Duration;

use anyhow::{Context as _, Result};
use prost::Message as _;
use proto::activation::v1::ActivateRequest;
use system_tests::{Computer, DUTCH, Key, Person, RawCall, Service, World, refusal};
use tonic::{Code, Request};

const ACTIVATE: &str = "/benefits.activation.v1.ActivationService/Activate";
const LIST_BENEFITS: &str = "/benefits.catalog.v1.CatalogService/ListBenefits";

struct Story {
    world: World,
    key: Key,
    good: ActivateRequest,
}

impl Story {
    async fn begin() -> Result<Self> {
        let world = World::start().await?;
        let key = world.key_with_limit(5).await?;
        let good = world.activate_request(&key, &Computer::recorded()?)?;
        Ok(Self { world, key, good })
    }

    fn call(&self) -> Result<RawCall> {
        let headers = self.world.headers(&Person::installer().speaking(DUTCH))?;
        Ok(RawCall::of(ACTIVATE, &self.good.encode_to_vec()).as_person(&headers))
    }

    /// Sends it and reads what is told.
    async fn told(&self, call: RawCall, code: Code, reason: &str) -> Result<()> {
        let answer = call.send(self.world.address(Service::Activation)?).await?;
        answer.refusal()?.is(code, reason)?.in_dutch()?;
        assert_eq!(self.world.key(&self.key.name).await?.account_version, 1, "{reason}");
        Ok(())
    }
}

#[tokio::test]
async fn ten_megabytes_are_refused_by_both_services() -> Result<()> {
    let story = Story::begin().await?;
    let large = ActivateRequest { product: "p".repeat(10 << 20), ..story.good.clone() };
    let mut client = story.world.activation(&Person::installer().speaking(DUTCH))?;
    refusal(client.activate(large).await)?.is(Code::OutOfRange, "MESSAGE_TOO_LARGE")?.in_dutch()?;
    // The same connection goes on.
    assert_eq!(client.activate(story.good.clone()).await?.into_inner().used, 1);

    let partner = story.world.partner("contoso").await?;
    let mut catalog = story.world.catalog(&partner.admin().speaking(DUTCH))?;
    let search = "s".repeat(10 << 20);
    let request = proto::catalog::v1::ListBenefitsRequest {
        parent: partner.name(),
        search,
        ..Default::default()
    };
    refusal(catalog.list_benefits(request).await)?
        .is(Code::OutOfRange, "MESSAGE_TOO_LARGE")?
        .in_dutch()?;
    Ok(())
}

#[tokio::test]
async fn bytes_that_are_no_message_are_malformed() -> Result<()> {
    let story = Story::begin().await?;
    let message = story.good.encode_to_vec();
    let length = u32::try_from(message.len())?.to_be_bytes();
    let mut cut = [&[0], length.as_slice(), &message].concat();
    cut.truncate(cut.len() - 3);
    let garbage = RawCall::of(ACTIVATE, &[0xff; 32]).body;
    let flag = [&[9], length.as_slice(), &message].concat();
    for body in [garbage.to_vec(), cut, flag, vec![0, 0], Vec::new()] {
        let call = story.call()?.with_body(body);
        story.told(call, Code::InvalidArgument, "MESSAGE_MALFORMED").await?;
    }
    let squeezed = [&[1], length.as_slice(), &message].concat();
    let squeezed = story.call()?.with_body(squeezed).with_header("grpc-encoding", "gzip");
    story.told(squeezed, Code::Unimplemented, "COMPRESSION_NOT_SUPPORTED").await
}

#[tokio::test]
async fn what_is_not_grpc_is_told_so_in_http() -> Result<()> {
    let story = Story::begin().await?;
    let address = story.world.address(Service::Activation)?;
    for kind in ["application/json", "text/plain"] {
        let answer = story.call()?.with_content_type(kind).send(address).await?;
        assert_eq!(answer.http, 415, "{kind}");
    }
    assert_eq!(story.world.key(&story.key.name).await?.used, 0);
    Ok(())
}

#[tokio::test]
async fn a_deadline_that_has_passed_or_cannot_be_read_is_typed() -> Result<()> {
    let story = Story::begin().await?;
    for timeout in ["0n", "0S"] {
        let call = story.call()?.with_header("grpc-timeout", timeout);
        story.told(call, Code::DeadlineExceeded, "DEADLINE_EXCEEDED").await?;
    }
    let call = story.call()?.with_header("grpc-timeout", "soon");
    story.told(call, Code::InvalidArgument, "TIMEOUT_MALFORMED").await?;
    // A client that gives up at once learns the outcome by asking again.
    let mut client = story.world.activation(&Person::installer())?;
    let mut hasty = Request::new(story.good.clone());
    hasty.set_timeout(Duration::from_nanos(1));
    let _given_up = client.activate(hasty).await;
    assert_eq!(client.activate(story.good.clone()).await?.into_inner().used, 1);
    assert_eq!(story.world.key(&story.key.name).await?.used, 1, "counted once");
    Ok(())
}

#[tokio::test]
async fn a_caller_without_a_role_is_refused_before_the_message_is_read() -> Result<()> {
    let world = World::start().await?;
    let address = world.address(Service::Catalog)?;
    for (who, code, reason) in [
        (Person::installer(), Code::Unauthenticated, "CREDENTIALS_MISSING"),
        (Person::without_role("carla", "contoso"), Code::PermissionDenied, "ROLE_MISSING"),
    ] {
        let headers = world.headers(&who.speaking(DUTCH))?;
        let garbage = RawCall::of(LIST_BENEFITS, &[0xff; 8]).as_person(&headers);
        garbage.send(address).await?.refusal()?.is(code, reason)?.in_dutch()?;
    }
    let headers = world.headers(&Person::ops_admin().speaking(DUTCH))?;
    let unknown = RawCall::of("/benefits.catalog.v1.CatalogService/Guess", &[]).as_person(&headers);
    unknown.send(address).await?.refusal()?.is(Code::Unimplemented, "METHOD_UNKNOWN")?;
    let forged = RawCall::of(LIST_BENEFITS, &[]).with_header("authorization", "Bearer a.b.c");
    let told = forged.send(address).await?.refusal().context("a refusal")?;
    told.is(Code::Unauthenticated, "TOKEN_INVALID")?;
    Ok(())
}
