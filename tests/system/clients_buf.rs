//! buf curl, which speaks reflection v1: calls typed by the server alone, and refusals with
//! details.

use std::ffi::OsString;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;
use system_tests::{Computer, Person, Said, Service, Tool, World};
use tonic_types::pb;

use crate::json;

/// Runs buf curl against a service as a person; a method, or nothing to list all methods.
async fn buf(
    world: &World,
    service: Service,
    who: &Person,
    call: Option<(&str, &str)>,
) -> Result<Said> {
    let mut arguments: Vec<OsString> =
        ["curl", "--protocol", "grpc", "--reflect-protocol", "grpc-v1"].map(Into::into).to_vec();
    let scheme = if world.is_secured() {
        arguments.extend(["--cacert".into(), world.authority().into()]);
        if let Some((cert, key)) = world.certificate(who) {
            arguments.extend(["--cert".into(), cert.into(), "--key".into(), key.into()]);
        }
        "https"
    } else {
        arguments.push("--http2-prior-knowledge".into());
        "http"
    };
    for (name, value) in world.headers(who)?.iter() {
        arguments.extend(["-H".into(), format!("{name}: {value}").into()]);
    }
    let mut url = format!("{scheme}://localhost:{}", world.address(service)?.port());
    match call {
        None => arguments.push("--list-methods".into()),
        Some((method, data)) => {
            arguments.extend(["-d".into(), data.into()]);
            url.push_str(&format!("/{method}"));
        }
    }
    arguments.push(url.into());
    // What it keeps stays with the test.
    let program = Tool::Buf.program()?.with(arguments).inside(world.folder());
    program.setting("BUF_CACHE_DIR", world.folder().join("buf")).run().await
}

fn good(said: Said) -> Result<String> {
    ensure!(said.status.success(), "{}{}", said.out, said.err);
    Ok(said.out)
}

/// A detail of a refusal, decoded.
fn detail<T: prost::Message + Default>(told: &Value, kind: &str) -> Result<T> {
    let name = format!("google.rpc.{kind}");
    let details = told["details"].as_array().context("details")?;
    let found = details.iter().find(|detail| detail["type"] == Value::String(name.clone()));
    let value = found.and_then(|found| found["value"].as_str()).with_context(|| name.clone())?;
    let bytes = STANDARD_NO_PAD.decode(value.trim_end_matches('='))?;
    Ok(T::decode(bytes.as_slice())?)
}

async fn speak(world: &World) -> Result<()> {
    // buf takes a comma for the end of a header.
    let nobody = Person::installer().speaking("nl");
    let listed = good(buf(world, Service::Catalog, &nobody, None).await?)?;
    assert!(listed.contains("benefits.catalog.v1.CatalogService/RevealProductKey"), "{listed}");

    let partner = world.partner("contoso").await?;
    let ask = format!("{{\"parent\": \"{}\", \"search\": \"visio\"}}", partner.name());
    let list = ("benefits.catalog.v1.CatalogService/ListBenefits", ask.as_str());
    let listed = buf(world, Service::Catalog, &partner.admin(), Some(list)).await?;
    let listed: Value = serde_json::from_str(&good(listed)?)?;
    assert_eq!(listed["benefits"][0]["product"], "products/visio-professional-2019");
    assert_eq!(listed["totalSize"], 1);

    let key = world.key_with_limit(1).await?;
    let method = "benefits.activation.v1.ActivationService/Activate";
    let ask = json::activate(&world.activate_request(&key, &Computer::recorded()?)?)?;
    let granted = buf(world, Service::Activation, &nobody, Some((method, &ask))).await?;
    let granted: Value = serde_json::from_str(&good(granted)?)?;
    assert_eq!(granted["outcome"], "ACTIVATION_OUTCOME_COUNTED_NEW_COMPUTER");

    let ask = json::activate(&world.activate_request(&key, &Computer::numbered(1)?)?)?;
    let refused = buf(world, Service::Activation, &nobody, Some((method, &ask))).await?;
    assert!(!refused.status.success());
    let told: Value = serde_json::from_str(&refused.err).with_context(|| refused.err.clone())?;
    assert_eq!(told["code"], "failed_precondition");
    let info: pb::ErrorInfo = detail(&told, "ErrorInfo")?;
    assert_eq!(info.reason, "ACTIVATION_LIMIT_REACHED", "R10");
    assert_eq!(info.domain, "benefits.activation.v1");
    assert_eq!(detail::<pb::LocalizedMessage>(&told, "LocalizedMessage")?.locale, "nl");
    let help: pb::Help = detail(&told, "Help")?;
    assert!(help.links[0].url.starts_with("https://"), "R11");

    let stranger = Person::global_admin("eve", "fabrikam");
    let refused = buf(world, Service::Catalog, &stranger, Some(list)).await?;
    let told: Value = serde_json::from_str(&refused.err).with_context(|| refused.err.clone())?;
    assert_eq!(detail::<pb::ErrorInfo>(&told, "ErrorInfo")?.reason, "NOT_ASSOCIATED", "F9");
    Ok(())
}

#[tokio::test]
async fn in_plain_text() -> Result<()> {
    speak(&World::start().await?).await
}

#[tokio::test]
async fn with_certificates_and_a_forwarded_token() -> Result<()> {
    speak(&World::start_mtls().await?).await
}
