//! An installer: activates computers of its own, again and again, and releases some.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use hardware_evidence::DeploymentSalt;
use proto::activation::v1::{ActivateRequest, ActivateResponse, ReleaseActivationRequest};

use super::actors::unexpected;
use super::book::{Beat, Book, insist};
use crate::computer::Computer;
use crate::seed::Dice;
use crate::story::Key;
use crate::world::Activation;

/// What each installer does.
const STEPS: usize = 20;

/// Activates computers of its own, and releases some.
pub(super) struct Installer {
    pub(super) beat: Beat,
    pub(super) salt: DeploymentSalt,
    pub(super) client: Activation,
    pub(super) ops: Activation,
    pub(super) keys: Vec<Key>,
    pub(super) dice: Dice,
    pub(super) next_computer: u32,
    /// Counted activations that still stand: the key, the computer, request and answer.
    pub(super) done: Vec<(Key, Computer, ActivateRequest, ActivateResponse)>,
    pub(super) book: Book,
}

impl Installer {
    /// Takes all steps; gives what was acknowledged.
    pub(super) async fn act(mut self) -> Result<Book> {
        for _ in 0..STEPS {
            match self.dice.below(10) {
                0..=4 => self.activate_new().await?,
                5 | 6 => self.activate_again().await?,
                7 => self.resend().await?,
                8 => self.replace_board().await?,
                _ => self.release().await?,
            }
        }
        Ok(self.book)
    }

    async fn send(&mut self, request: &ActivateRequest) -> Result<Option<ActivateResponse>> {
        let client = self.client.clone();
        let answer = insist(&self.beat, "Activate", || {
            let (mut client, request) = (client.clone(), request.clone());
            async move { client.activate(request).await }
        });
        match answer.await? {
            Ok(granted) => Ok(Some(granted)),
            Err(refusal) => {
                let expected = ["KEY_SUSPENDED", "ACTIVATION_LIMIT_REACHED"];
                ensure!(expected.contains(&refusal.reason.as_str()), "{refusal:?}");
                self.book.refused(refusal);
                Ok(None)
            }
        }
    }

    async fn activate(&mut self, key: Key, computer: Computer) -> Result<()> {
        let mut request = key.activation(&self.salt, &computer)?;
        request.request_id = Bytes::copy_from_slice(&self.dice.id());
        if let Some(answer) = self.send(&request).await?
            && self.book.activated(&key, &request, &answer)
        {
            self.done.push((key, computer, request, answer));
        }
        Ok(())
    }

    async fn activate_new(&mut self) -> Result<()> {
        self.next_computer += 1;
        let key = self.dice.one_of(&self.keys).cloned().context("a key")?;
        self.activate(key, Computer::numbered(self.next_computer)?).await
    }

    async fn activate_again(&mut self) -> Result<()> {
        let Some((key, computer, ..)) = self.dice.one_of(&self.done).cloned() else {
            return self.activate_new().await;
        };
        self.activate(key, computer).await
    }

    async fn replace_board(&mut self) -> Result<()> {
        let Some((key, computer, ..)) = self.dice.one_of(&self.done).cloned() else {
            return self.activate_new().await;
        };
        self.activate(key, computer.with_new_board()).await
    }

    /// An answer that was recorded is given again, whatever has happened since.
    async fn resend(&mut self) -> Result<()> {
        let Some((.., request, before)) = self.dice.one_of(&self.done).cloned() else {
            return self.activate_new().await;
        };
        let again = self.send(&request).await?;
        ensure!(again.as_ref() == Some(&before), "recorded {before:?}, now {again:?}");
        Ok(())
    }

    async fn release(&mut self) -> Result<()> {
        let Some((key, _, _, answer)) = self.done.pop() else {
            return self.activate_new().await;
        };
        // An activation may hold several counts; each release gives up one of them.
        let request = ReleaseActivationRequest {
            name: answer.activation,
            request_id: Bytes::copy_from_slice(&self.dice.id()),
            reason: "sold".to_owned(),
            ..Default::default()
        };
        let ops = self.ops.clone();
        let released = insist(&self.beat, "ReleaseActivation", || {
            let (mut client, request) = (ops.clone(), request.clone());
            async move { client.release_activation(request).await }
        });
        let answer = released.await?.map_err(unexpected)?;
        self.book.gave_up(&key, request, answer);
        Ok(())
    }
}
