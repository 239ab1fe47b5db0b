//! What must be there after the faults: everything that was acknowledged, once, and the same
//! answer to every repeat.

use anyhow::{Context as _, Result, ensure};
use proto::activation::v1 as act;
use receipt::{Receipt, TrustedKeys};
use system_tests::{Person, World};

use super::asking::{insist, until};
use super::installer::{Fate, Installer, Own};

impl Installer {
    /// All that was acknowledged is there, before anything is asked again.
    pub(super) async fn verify(&self, world: &World) -> Result<()> {
        for own in self.keys.iter().filter(|own| own.is_known) {
            let name = &own.key.name;
            let found = world.key(name).await.with_context(|| format!("lost: {name}"))?;
            let limits = &own.limits;
            ensure!(
                limits.contains(&found.limit),
                "lost: the limit of {name} is {} and was {limits:?}",
                found.limit
            );
            let history = world.history(name).await?;
            let ids: Vec<_> = history.iter().map(|event| &event.request_id).collect();
            for (act, _) in own.counted() {
                let id = &act.request.request_id;
                let times = ids.iter().filter(|found| **found == id).count();
                ensure!(times == 1, "lost: a count of {name} is there {times} times: {id:?}");
            }
            for (release, _) in own.released() {
                let id = &release.request.request_id;
                let times = ids.iter().filter(|found| **found == id).count();
                ensure!(times == 1, "lost: a release of {name} is there {times} times: {id:?}");
            }
        }
        Ok(())
    }

    /// Whatever was left open is asked again and every acknowledged request repeated; then the
    /// books are exactly what was answered. Gives the number of repeats.
    pub(super) async fn settle(&mut self, world: &World) -> Result<u64> {
        let pinned = trusted(world).await?;
        let mut repeats = 0;
        let mut keys = std::mem::take(&mut self.keys);
        for own in &mut keys {
            self.register_again(own).await?;
            repeats += self.repeat(own).await?;
            check(world, own, &pinned).await.with_context(|| own.key.name.clone())?;
        }
        self.keys = keys;
        Ok(repeats)
    }

    async fn register_again(&mut self, own: &mut Own) -> Result<()> {
        let keys: Vec<_> = own.registration.iter().cloned().collect();
        if own.is_known {
            let awaited = async || {
                let mut client = self.clients.ops.clone();
                let name = own.key.name.clone();
                let found = client.get_key(act::GetKeyRequest { name }).await?.into_inner();
                let key = found.key.context("a key")?;
                Ok((!key.suspension.unwrap_or_default().suspended).then_some(()))
            };
            return until("the key is not suspended", awaited).await;
        }
        let registered = insist("BatchRegisterKeys", || {
            let mut client = self.clients.registrar.clone();
            let request = act::BatchRegisterKeysRequest { keys: keys.clone() };
            async move { client.batch_register_keys(request).await }
        });
        let registered = registered.await?;
        ensure!(registered.is_ok(), "a registration was refused: {registered:?}");
        own.is_known = true;
        Ok(())
    }

    async fn repeat(&mut self, own: &mut Own) -> Result<u64> {
        let mut repeats = 0;
        for act in &mut own.acts {
            let again = until("Activate", async || {
                let (fate, is_known) = self.send(&act.request).await?;
                Ok(is_known.then_some(fate))
            })
            .await?;
            match &act.fate {
                Fate::Given(_) => {
                    ensure!(again == act.fate, "recorded {:?}, repeated {again:?}", act.fate);
                }
                _ => act.fate = again,
            }
            repeats += 1;
        }
        for release in &mut own.releases {
            let again = until("ReleaseActivation", async || {
                let (fate, is_known) = self.send_release(&release.request).await?;
                Ok(is_known.then_some(fate))
            })
            .await?;
            match &release.fate {
                Fate::Given(_) => {
                    ensure!(again == release.fate, "recorded {:?}, now {again:?}", release.fate);
                }
                _ => release.fate = again,
            }
            repeats += 1;
        }
        Ok(repeats)
    }
}

/// The keys that receipts are signed with. An installer ships with them; here the service that the
/// bench itself started is asked.
async fn trusted(world: &World) -> Result<TrustedKeys> {
    let mut client = world.activation(&Person::installer())?;
    let terms = client.get_activation_terms(act::GetActivationTermsRequest {}).await?.into_inner();
    Ok(terms.receipt_keys.join("\n").parse()?)
}

/// The books of a key are what was answered: no more, no less, and in one order.
async fn check(world: &World, own: &Own, pinned: &TrustedKeys) -> Result<()> {
    let name = &own.key.name;
    let found = world.key(name).await?;
    let (counted, released) = (own.counted().count(), own.released().count());
    let held = counted.saturating_sub(released);
    ensure!(found.used as usize == held, "used {} of {held} acknowledged", found.used);
    let events = world.history(name).await?;
    let versions = events.iter().map(|event| event.account_version);
    ensure!(versions.eq(1..=events.len() as u64), "the history has a gap or a repetition");
    ensure!(events.is_sorted_by_key(|event| event.sequence), "the sequence goes back");
    let of = |wanted| events.iter().filter(move |event| event.r#type() == wanted).count();
    let counts = of(act::KeyEventType::Counted);
    ensure!(counts == counted, "{counts} counts on record, {counted} answered");
    let releases = of(act::KeyEventType::Released);
    ensure!(releases == released, "{releases} releases on record, {released} answered");

    let request =
        act::ListActivationsRequest { parent: name.clone(), page_size: 200, ..Default::default() };
    let list = world.activation(&Person::ops_read())?.list_activations(request).await?.into_inner();
    let standing = list.activations.iter().flat_map(|computer| &computer.counts);
    let standing = standing.filter(|count| !count.released).count();
    ensure!(standing == held, "computers hold {standing} counts of {held}");

    let receipts = own.counted().map(|(_, answer)| &answer.receipt);
    for bytes in receipts.chain(own.released().map(|(_, answer)| &answer.receipt)) {
        let proven = Receipt::decode(bytes)?.verify(pinned)?;
        let version = proven.leaf.account_version;
        let event = events.iter().find(|event| event.account_version == version);
        let sequence = event.map(|event| event.sequence);
        ensure!(sequence == Some(proven.leaf.sequence), "a receipt of an event that is not there");
    }
    Ok(())
}
