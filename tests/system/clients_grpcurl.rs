//! grpcurl 1.8.6, which speaks reflection v1alpha: people look around, call, and read refusals.

use std::ffi::OsString;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use system_tests::{Computer, DUTCH, Person, Said, Service, Tool, World};

use crate::json;

const ACTIVATE: &str = "benefits.activation.v1.ActivationService/Activate";

/// Runs grpcurl against a service as a person.
async fn grpcurl(
    world: &World,
    service: Service,
    who: &Person,
    options: &[&str],
    words: &[&str],
) -> Result<Said> {
    let mut arguments: Vec<OsString> = Vec::new();
    if world.is_secured() {
        arguments.extend(["-cacert".into(), world.authority().into()]);
        if let Some((cert, key)) = world.certificate(who) {
            arguments.extend(["-cert".into(), cert.into(), "-key".into(), key.into()]);
        }
    } else {
        arguments.push("-plaintext".into());
    }
    for (name, value) in world.headers(who)?.iter() {
        arguments.extend(["-H".into(), format!("{name}: {value}").into()]);
    }
    arguments.extend(options.iter().map(OsString::from));
    arguments.push(format!("localhost:{}", world.address(service)?.port()).into());
    arguments.extend(words.iter().map(OsString::from));
    Tool::Grpcurl.program()?.with(arguments).run().await
}

/// What it printed, if it went well.
fn good(said: Said) -> Result<String> {
    ensure!(said.status.success(), "{}{}", said.out, said.err);
    Ok(said.out)
}

async fn look_around(world: &World) -> Result<()> {
    let nobody = Person::installer();
    for (service, name) in [
        (Service::Activation, "benefits.activation.v1.ActivationService"),
        (Service::Catalog, "benefits.catalog.v1.CatalogService"),
    ] {
        let listed = good(grpcurl(world, service, &nobody, &[], &["list"]).await?)?;
        let lines: Vec<_> = listed.lines().collect();
        assert!(lines.contains(&name) && lines.contains(&"grpc.health.v1.Health"), "{listed}");
        let methods = good(grpcurl(world, service, &nobody, &[], &["list", name]).await?)?;
        assert!(methods.lines().count() >= 10, "{methods}");
    }
    let symbol = ["describe", "benefits.activation.v1.ActivationService.Activate"];
    let told = good(grpcurl(world, Service::Activation, &nobody, &[], &symbol).await?)?;
    assert!(told.contains("// Activates a product key on the computer"), "{told}");
    assert!(told.contains("ACTIVATION_LIMIT_REACHED") && told.contains("ROLE_INSTALLER"), "{told}");
    let health = ["grpc.health.v1.Health/Check"];
    let health = good(grpcurl(world, Service::Catalog, &nobody, &[], &health).await?)?;
    assert!(health.contains("SERVING"), "{health}");
    Ok(())
}

async fn work(world: &World) -> Result<()> {
    let partner = world.partner("contoso").await?;
    let ask = format!("{{\"parent\": \"{}\", \"page_size\": 200}}", partner.name());
    let list = ["benefits.catalog.v1.CatalogService/ListBenefits"];
    let admin = partner.admin().speaking(DUTCH);
    let listed = grpcurl(world, Service::Catalog, &admin, &["-d", &ask], &list).await?;
    let listed: Value = serde_json::from_str(&good(listed)?)?;
    assert_eq!(listed["benefits"].as_array().map(Vec::len), Some(32));
    assert_eq!(listed["state"], "BENEFIT_LIST_STATE_ACTIVE");
    assert_eq!(listed["benefits"][0]["source"], "MAPS - Core");

    let key = world.key_with_limit(1).await?;
    let nobody = Person::installer().speaking(DUTCH);
    let ask = json::activate(&world.activate_request(&key, &Computer::recorded()?)?)?;
    let granted = grpcurl(world, Service::Activation, &nobody, &["-d", &ask], &[ACTIVATE]).await?;
    let granted: Value = serde_json::from_str(&good(granted)?)?;
    assert_eq!(granted["outcome"], "ACTIVATION_OUTCOME_COUNTED_NEW_COMPUTER");
    assert_eq!(granted["used"], 1);

    let ask = json::activate(&world.activate_request(&key, &Computer::numbered(1)?)?)?;
    let options = ["-format-error", "-d", &ask];
    let refused = grpcurl(world, Service::Activation, &nobody, &options, &[ACTIVATE]).await?;
    assert!(!refused.status.success());
    let told: Value = serde_json::from_str(&refused.err).with_context(|| refused.err.clone())?;
    assert_eq!(told["code"], 9, "FAILED_PRECONDITION: {told}");
    let detail = |kind: &str| {
        let details = told["details"].as_array().cloned().unwrap_or_default();
        let of = |detail: &&Value| {
            detail["@type"] == Value::String(format!("type.googleapis.com/google.rpc.{kind}"))
        };
        details.iter().find(of).cloned().unwrap_or_default()
    };
    assert_eq!(detail("ErrorInfo")["reason"], "ACTIVATION_LIMIT_REACHED", "{told}");
    assert_eq!(detail("ErrorInfo")["metadata"]["limit"], "1", "{told}");
    assert_eq!(detail("LocalizedMessage")["locale"], "nl", "{told}");
    let link = &detail("Help")["links"][0]["url"];
    assert!(link.as_str().is_some_and(|link| link.starts_with("https://")), "R11: {told}");
    Ok(())
}

#[tokio::test]
async fn in_plain_text() -> Result<()> {
    let world = World::start().await?;
    look_around(&world).await?;
    work(&world).await
}

#[tokio::test]
async fn with_certificates_and_a_forwarded_token() -> Result<()> {
    let world = World::start_mtls().await?;
    look_around(&world).await?;
    work(&world).await
}
