//! Python with grpcio: stubs generated from our schemas on the spot, evidence made from the
//! published recipe, details of refusals decoded by type.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use system_tests::{DUTCH, Person, Service, Tool, World};

const SCHEMAS: [&str; 3] = [
    "benefits/access/v1/access.proto",
    "benefits/activation/v1/activation.proto",
    "benefits/catalog/v1/catalog.proto",
];

/// The root of the repository.
fn root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository")
}

/// How the script calls as somebody.
fn identity(world: &World, who: &Person) -> Result<Value> {
    let headers = world.headers(who)?;
    let metadata: Vec<_> = headers.iter().map(|(name, value)| [name, value]).collect();
    let (cert, key) = world.certificate(who).filter(|_| world.is_secured()).unzip();
    Ok(json!({ "metadata": metadata, "cert": cert, "key": key }))
}

async fn play(world: &World) -> Result<()> {
    let stubs = world.folder().join("stubs");
    fs::create_dir_all(&stubs)?;
    let out = |option: &str| format!("--{option}={}", stubs.display());
    let schemas = format!("-I{}", root()?.join("proto").display());
    let mut arguments = vec!["-m".to_owned(), "grpc_tools.protoc".to_owned(), schemas];
    arguments.extend([out("python_out"), out("grpc_python_out")]);
    arguments.extend(SCHEMAS.map(str::to_owned));
    Tool::Python.program()?.with(arguments).succeed().await.context("stubs")?;

    let portal_alone = Person::portal().speaking(DUTCH);
    let token_without_portal = {
        let headers = world.headers(&Person::global_admin("anna", "contoso"))?;
        let metadata: Vec<_> = headers.iter().map(|(name, value)| [name, value]).collect();
        json!({ "metadata": metadata, "cert": null, "key": null })
    };
    let setting = json!({
        "secured": world.is_secured(),
        "activation": format!("localhost:{}", world.address(Service::Activation)?.port()),
        "catalog": format!("localhost:{}", world.address(Service::Catalog)?.port()),
        "authority": world.authority(),
        "people": {
            "installer": identity(world, &Person::installer().speaking(DUTCH))?,
            "operator": identity(world, &Person::ops_admin().speaking(DUTCH))?,
            "admin": identity(world, &Person::global_admin("anna", "contoso").speaking(DUTCH))?,
            "stranger": identity(world, &Person::global_admin("eve", "fabrikam").speaking(DUTCH))?,
            "nobody": identity(world, &Person::without_role("carla", "contoso").speaking(DUTCH))?,
            "portal": identity(world, &portal_alone)?,
            "thief": token_without_portal,
        },
    });
    let file = world.folder().join("setting.json");
    fs::write(&file, setting.to_string())?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("system/python/journey.py");
    let program = Tool::Python.program()?.with([script.into_os_string(), file.into_os_string()]);
    let told = program.setting("PYTHONPATH", &stubs).setting("PYTHONDONTWRITEBYTECODE", "1");
    let told = told.succeed().await.context("the journey")?;
    assert!(told.ends_with("the journey is over\n"), "{told}");
    Ok(())
}

#[tokio::test]
async fn in_plain_text() -> Result<()> {
    play(&World::start().await?).await
}

#[tokio::test]
async fn with_certificates_and_a_forwarded_token() -> Result<()> {
    play(&World::start_mtls().await?).await
}
