//! Nothing that must stay secret is found outside of where it belongs: not in logs of any level,
//! not on the metrics pages, not in the files of either store.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use proto::catalog::v1::{BenefitKeyState as KeyState, ImportProductKeysRequest, ProductKeyImport};
use system_tests::{
    Computer, DUTCH, Key, MAPS_CORE, Person, Service, Term, World, WorldOptions, refusal,
};

const VENDOR_KEY: &str = "VK7JG-NPHTM-C97JM-9MPGT-3V66T";

/// Everything said in a story, and what a secret looks like in it.
struct Canaries(Vec<(&'static str, String)>);

impl Canaries {
    fn add(&mut self, what: &'static str, secret: &str) {
        let bare: String = secret.chars().filter(char::is_ascii_alphanumeric).collect();
        for form in [secret.to_owned(), secret.to_lowercase(), bare.to_lowercase(), bare] {
            if !self.0.iter().any(|(_, known)| *known == form) {
                self.0.push((what, form));
            }
        }
    }

    /// Fails where one is found; tells what it is and never the secret itself.
    fn look_into(&self, place: &str, content: &[u8]) -> Result<()> {
        for (what, secret) in &self.0 {
            let found = content.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
            ensure!(!found, "{what} stands in {place}");
        }
        Ok(())
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// The walk of a partner from enrolment to activation, with mistakes on the way.
async fn walk(world: &World, canaries: &mut Canaries) -> Result<()> {
    let partner = world.partner("contoso").await?;
    let admin = partner.admin();
    for (_, value) in world.headers(&admin)?.iter() {
        let token = value.strip_prefix("Bearer ").context("a token")?;
        canaries.add("a token", token);
        canaries.add("the signature of a token", token.rsplit('.').next().unwrap_or_default());
    }
    let benefit = partner.benefit("visio-professional-2019");
    let import = ProductKeyImport {
        benefit: benefit.clone(),
        product_key: VENDOR_KEY.to_owned(),
        operator_handle_allowed: true,
    };
    canaries.add("an imported key", VENDOR_KEY);
    let request = ImportProductKeysRequest { keys: vec![import.clone()], validate_only: false };
    let mut ops = world.catalog(&Person::ops_admin().speaking(DUTCH))?;
    ops.import_product_keys(request).await?;
    world.until_key_is(&partner, &benefit, KeyState::Ready).await?;
    let elsewhere = partner.benefit("project-professional-2019");
    let twice = ProductKeyImport { benefit: elsewhere, ..import };
    let request = ImportProductKeysRequest { keys: vec![twice], validate_only: false };
    refusal(ops.import_product_keys(request).await)?;

    let key = world.key_of(&partner, "windows-server-2019-standard").await?;
    canaries.add("an issued key", &key.secret);
    let desktop = Computer::recorded()?;
    for serial in desktop.secrets().into_iter().chain(Computer::numbered(1)?.secrets()) {
        canaries.add("a serial number", &serial);
    }
    world.activate(&key, &desktop).await?;
    world.activate(&key, &desktop.clone().with_new_board()).await?;
    world.activate(&key, &Computer::numbered(1)?).await?;

    // Mistakes are where secrets slip into messages.
    let wrong = "WRONG-KEYAA-BBBBB-CCCCC-DDDDD";
    canaries.add("a key that nobody knows", wrong);
    let wrong = Key { secret: wrong.to_owned(), ..key.clone() };
    refusal(world.try_activate(&wrong, &desktop).await?)?;
    let mistyped = "SB1AA-AAAAA-AAAAA-AAAAA-AAAAA-QQQ";
    canaries.add("a mistyped key", mistyped);
    let mistyped = Key { secret: mistyped.to_owned(), ..key.clone() };
    refusal(world.try_activate(&mistyped, &desktop).await?)?;
    let other = Key { product: "products/visio-professional-2019".to_owned(), ..key.clone() };
    refusal(world.try_activate(&other, &desktop).await?)?;
    world.enrol(&partner, "core", MAPS_CORE, Term::Expired).await?;
    world.enrol(&partner, "core", MAPS_CORE, Term::Active).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_found_where_it_does_not_belong() -> Result<()> {
    let loud = || {
        vec![("telemetry.filter", "trace".to_owned()), ("metrics.listen", "127.0.0.1:0".to_owned())]
    };
    let options =
        WorldOptions { mtls: true, activation: loud(), catalog: loud(), ..Default::default() };
    let mut world = World::start_with(options).await?;
    let mut canaries = Canaries(Vec::new());
    for entry in fs::read_dir(world.pair.certs())? {
        let path = entry?.path();
        let kind = path.extension().and_then(|ending| ending.to_str());
        if kind == Some("secret") {
            let text = fs::read_to_string(&path)?;
            // An encryption key stands behind its name.
            let secret = text.trim().rsplit(':').next().unwrap_or_default().to_owned();
            let salt = path.ends_with("activation-salt.secret");
            if !salt {
                canaries.add("a secret of the deployment", &secret);
            }
        }
    }
    walk(&world, &mut canaries).await?;
    for service in [Service::Activation, Service::Catalog] {
        let page = world.metrics(service).await?;
        ensure!(page.contains("grpc"), "the metrics page says something: {page}");
        canaries.look_into(&format!("the metrics of {service:?}"), page.as_bytes())?;
    }
    ensure!(world.pair.stop_catalog()?.success() && world.pair.stop_activation()?.success());

    let mut found = Vec::new();
    files(world.folder(), &mut found)?;
    let (mut logs, mut stores) = (0, 0);
    for path in found.iter().filter(|path| !path.starts_with(world.pair.certs())) {
        let content = fs::read(path)?;
        canaries.look_into(&path.display().to_string(), &content)?;
        let is_log = path.extension().is_some_and(|ending| ending == "log");
        logs += usize::from(is_log && content.len() > 10_000);
        let in_store = path.starts_with(world.folder().join("ledger"))
            || path.starts_with(world.folder().join("catalog"));
        stores += usize::from(in_store && !content.is_empty());
    }
    ensure!(logs == 2 && stores >= 2, "there was something to look into: {logs}, {stores}");
    Ok(())
}
