//! Somebody who works with both services until the faults end it, and reckons up afterwards.

use anyhow::Result;
use proto::activation::v1 as act;
use system_tests::{Dice, Partner, World};

use super::asking::{Clients, Told, ask};
use super::installer::{Installer, Own};
use super::owner::Owner;

/// Computers of one actor; the next actor's begin behind them.
const COMPUTERS_MAX: u32 = 10_000;

/// An installer and a partner, whose key the installer also uses once it is shown.
pub(super) struct Actor {
    pub(super) installer: Installer,
    pub(super) owner: Owner,
    dice: Dice,
}

impl Actor {
    pub(super) fn new(world: &World, number: u32, dice: Dice) -> Result<Self> {
        let partner = Partner { id: format!("partner-{number}") };
        let clients = Clients::new(world, &partner)?;
        let installer = Installer {
            clients: clients.clone(),
            salt: *world.salt(),
            dice: dice.apart(1),
            next_computer: number * COMPUTERS_MAX,
            owner: partner.id.clone(),
            keys: Vec::new(),
        };
        let owner = Owner::new(clients, partner, dice.apart(2))?;
        Ok(Self { installer, owner, dice: dice.apart(3) })
    }

    /// Does one thing; false if its outcome is unknown.
    pub(super) async fn step(&mut self) -> Result<bool> {
        if !self.dice.one_in(4) {
            return self.installer.step().await;
        }
        let is_known = self.owner.step().await?;
        self.take_key().await?;
        Ok(is_known)
    }

    /// The key that the catalog registered becomes one to activate with.
    async fn take_key(&mut self) -> Result<()> {
        let Some(key) = &self.owner.shown else { return Ok(()) };
        let name = key.name.clone();
        if self.installer.keys.iter().any(|own| own.key.name == name) {
            return Ok(());
        }
        let call = self.installer.clients.ops.get_key(act::GetKeyRequest { name });
        if let Told::Answer(act::GetKeyResponse { key: Some(found), .. }) =
            ask("GetKey", call).await?
        {
            self.installer.keys.push(Own::known(key.clone(), found.limit));
        }
        Ok(())
    }

    /// All that was acknowledged is there, before anything is asked again.
    pub(super) async fn verify(&self, world: &World) -> Result<()> {
        self.installer.verify(world).await?;
        self.owner.verify().await
    }

    /// Whatever was left open is asked again, and all must be as it was acknowledged. Gives the
    /// number of repeats.
    pub(super) async fn settle(&mut self, world: &World) -> Result<u64> {
        self.owner.settle(world).await?;
        self.take_key().await?;
        self.installer.settle(world).await
    }
}
