//! Keys of one actor, computers activated on them, and what of it was acknowledged.

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use hardware_evidence::DeploymentSalt;
use product_key::ProductKey;
use prost_types::FieldMask;
use proto::activation::v1 as act;
use system_tests::{Computer, Dice, Key};

use super::asking::{Clients, Told, ask};

/// Largest limit of a key; some keys are used up.
const LIMIT_MAX: usize = 12;
/// Most keys of an actor.
const KEYS_MAX: usize = 3;

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fate<T> {
    /// Nobody knows; it is sent again in the end.
    Unknown,
    /// Acknowledged with this answer, which a repeat must get again.
    Given(T),
    /// Answered without being recorded.
    Passed,
}

/// A request to activate.
pub(super) struct Act {
    pub(super) computer: Computer,
    pub(super) request: act::ActivateRequest,
    pub(super) fate: Fate<act::ActivateResponse>,
    is_released: bool,
}

/// A request to release.
pub(super) struct Release {
    pub(super) request: act::ReleaseActivationRequest,
    pub(super) fate: Fate<act::ReleaseActivationResponse>,
}

/// A key and all that was asked of it.
pub(super) struct Own {
    pub(super) key: Key,
    /// None if the catalog registers it.
    pub(super) registration: Option<act::KeyRegistration>,
    /// True once its registration was acknowledged.
    pub(super) is_known: bool,
    /// The last limit that was acknowledged, and those after it of which nobody knows.
    pub(super) limits: Vec<u32>,
    pub(super) acts: Vec<Act>,
    pub(super) releases: Vec<Release>,
}

/// An actor who registers keys and activates computers.
pub(super) struct Installer {
    pub(super) clients: Clients,
    pub(super) salt: DeploymentSalt,
    pub(super) dice: Dice,
    /// Computers of different actors have different numbers.
    pub(super) next_computer: u32,
    pub(super) owner: String,
    pub(super) keys: Vec<Own>,
}

impl Own {
    /// A key that is registered already, with this limit.
    pub(super) fn known(key: Key, limit: u32) -> Self {
        let (acts, releases) = (Vec::new(), Vec::new());
        Self { key, registration: None, is_known: true, limits: vec![limit], acts, releases }
    }

    /// Acknowledged counts.
    pub(super) fn counted(&self) -> impl Iterator<Item = (&Act, &act::ActivateResponse)> {
        self.acts.iter().filter_map(|act| match &act.fate {
            Fate::Given(answer) => Some((act, answer)),
            _ => None,
        })
    }

    /// Acknowledged releases.
    pub(super) fn released(
        &self,
    ) -> impl Iterator<Item = (&Release, &act::ReleaseActivationResponse)> {
        self.releases.iter().filter_map(|release| match &release.fate {
            Fate::Given(answer) => Some((release, answer)),
            _ => None,
        })
    }
}

impl Installer {
    /// Does one thing; the dice say which. False if its outcome is unknown.
    pub(super) async fn step(&mut self) -> Result<bool> {
        let known: Vec<usize> = (0..)
            .zip(&self.keys)
            .filter(|(_, own)| own.is_known)
            .map(|(number, _)| number)
            .collect();
        let Some(&own) = self.dice.one_of(&known) else { return self.register().await };
        match self.dice.below(20) {
            0..=9 => self.activate_new(own).await,
            10 | 11 => self.activate_again(own, false).await,
            12 | 13 => self.activate_again(own, true).await,
            14 | 15 => self.resend(own).await,
            16 => self.release(own).await,
            17 | 18 => self.set_limit(own).await,
            _ if self.keys.len() < KEYS_MAX => self.register().await,
            _ => self.activate_new(own).await,
        }
    }

    fn own(&mut self, own: usize) -> Result<&mut Own> {
        self.keys.get_mut(own).context("a key")
    }

    fn id(&mut self) -> Bytes {
        Bytes::copy_from_slice(&self.dice.id())
    }

    /// Registers a key, or again the one whose registration is unknown.
    async fn register(&mut self) -> Result<bool> {
        let waiting = self.keys.iter().position(|own| !own.is_known);
        let own = match waiting {
            Some(own) => own,
            None => {
                let key = self.new_key()?;
                self.keys.push(key);
                self.keys.len() - 1
            }
        };
        let keys = self.own(own)?.registration.iter().cloned().collect();
        let request = act::BatchRegisterKeysRequest { keys };
        let mut client = self.clients.registrar.clone();
        let told = ask("BatchRegisterKeys", client.batch_register_keys(request)).await?;
        if let Told::Refused(refusal) = &told {
            bail!("a registration was refused: {refusal:?}");
        }
        self.own(own)?.is_known = matches!(told, Told::Answer(_));
        Ok(told.is_known())
    }

    fn new_key(&mut self) -> Result<Own> {
        let id = self.dice.id();
        let random = id.first_chunk().context("14 bytes")?;
        let limit = u32::try_from(1 + self.dice.below(LIMIT_MAX))?;
        let registration = act::KeyRegistration {
            key_id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            product_key: ProductKey::issue(random).grouped().to_string(),
            owner: self.owner.clone(),
            product: "products/windows-server-2019-standard".to_owned(),
            help_uri: "https://help.example/manage-benefits".to_owned(),
            limit,
            ..Default::default()
        };
        let key = Key {
            name: format!("productKeys/{}", registration.key_id),
            secret: registration.product_key.clone(),
            product: registration.product.clone(),
        };
        Ok(Own { registration: Some(registration), is_known: false, ..Own::known(key, limit) })
    }

    async fn activate_new(&mut self, own: usize) -> Result<bool> {
        self.next_computer += 1;
        let computer = Computer::numbered(self.next_computer)?;
        self.activate(own, computer).await
    }

    /// A computer that was seen before, as it was or with another board.
    async fn activate_again(&mut self, own: usize, is_changed: bool) -> Result<bool> {
        let mut dice = self.dice.clone();
        let found = dice.one_of(&self.own(own)?.acts).map(|act| act.computer.clone());
        self.dice = dice;
        match found {
            Some(computer) if is_changed => self.activate(own, computer.with_new_board()).await,
            Some(computer) => self.activate(own, computer).await,
            None => self.activate_new(own).await,
        }
    }

    async fn activate(&mut self, own: usize, computer: Computer) -> Result<bool> {
        let (salt, request_id) = (self.salt, self.id());
        let mut request = self.own(own)?.key.activation(&salt, &computer)?;
        request.request_id = request_id;
        let (fate, is_known) = self.send(&request).await?;
        if fate != Fate::Passed {
            let act = Act { computer, request, fate, is_released: false };
            self.own(own)?.acts.push(act);
        }
        Ok(is_known)
    }

    /// Sends a request to activate.
    pub(super) async fn send(
        &mut self,
        request: &act::ActivateRequest,
    ) -> Result<(Fate<act::ActivateResponse>, bool)> {
        let mut client = self.clients.installer.clone();
        let told = ask("Activate", client.activate(request.clone())).await?;
        let is_known = told.is_known();
        let fate = match told {
            Told::Unknown => Fate::Unknown,
            Told::Answer(answer)
                if answer.outcome() == act::ActivationOutcome::NotCountedSameComputer =>
            {
                Fate::Passed
            }
            Told::Answer(answer) => Fate::Given(answer),
            Told::Refused(refusal) => {
                let expected = ["ACTIVATION_LIMIT_REACHED", "KEY_SUSPENDED"];
                ensure!(expected.contains(&refusal.reason.as_str()), "{refusal:?}");
                Fate::Passed
            }
        };
        Ok((fate, is_known))
    }

    /// A request that was acknowledged is sent again and gets the same answer (P4).
    async fn resend(&mut self, own: usize) -> Result<bool> {
        let mut dice = self.dice.clone();
        let given: Vec<_> = self.own(own)?.counted().collect();
        let found =
            dice.one_of(&given).map(|(act, answer)| (act.request.clone(), (*answer).clone()));
        self.dice = dice;
        let Some((request, before)) = found else { return self.activate_new(own).await };
        let (fate, is_known) = self.send(&request).await?;
        let again = Fate::Given(before);
        ensure!(!is_known || fate == again, "recorded {again:?}, repeated {fate:?}");
        Ok(is_known)
    }

    /// The latest count that still stands is given up.
    async fn release(&mut self, own: usize) -> Result<bool> {
        let request_id = self.id();
        let standing = |act: &&mut Act| matches!(act.fate, Fate::Given(_)) && !act.is_released;
        let found = self.own(own)?.acts.iter_mut().rev().find(standing).and_then(|act| {
            act.is_released = true;
            let Fate::Given(answer) = &act.fate else { return None };
            Some(answer.activation.clone())
        });
        let Some(name) = found else { return self.activate_new(own).await };
        let reason = "sold".to_owned();
        let request =
            act::ReleaseActivationRequest { name, request_id, reason, ..Default::default() };
        let (fate, is_known) = self.send_release(&request).await?;
        self.own(own)?.releases.push(Release { request, fate });
        Ok(is_known)
    }

    /// Sends a request to release.
    pub(super) async fn send_release(
        &mut self,
        request: &act::ReleaseActivationRequest,
    ) -> Result<(Fate<act::ReleaseActivationResponse>, bool)> {
        let mut client = self.clients.ops.clone();
        let told = ask("ReleaseActivation", client.release_activation(request.clone())).await?;
        let is_known = told.is_known();
        match told {
            Told::Answer(answer) => Ok((Fate::Given(answer), is_known)),
            Told::Unknown => Ok((Fate::Unknown, is_known)),
            Told::Refused(refusal) => bail!("a release was refused: {refusal:?}"),
        }
    }

    async fn set_limit(&mut self, own: usize) -> Result<bool> {
        let limit = u32::try_from(1 + self.dice.below(LIMIT_MAX))?;
        let name = self.own(own)?.key.name.clone();
        let request = act::UpdateKeyRequest {
            key: Some(act::ProductKey { name, limit, ..Default::default() }),
            update_mask: Some(FieldMask { paths: vec!["limit".to_owned()] }),
            reason: "ticket 4711".to_owned(),
        };
        let mut client = self.clients.ops.clone();
        let told = ask("UpdateKey", client.update_key(request)).await?;
        if let Told::Refused(refusal) = &told {
            bail!("a limit was refused: {refusal:?}");
        }
        let limits = &mut self.own(own)?.limits;
        if matches!(told, Told::Answer(_)) {
            limits.clear();
        }
        limits.push(limit);
        Ok(told.is_known())
    }
}
