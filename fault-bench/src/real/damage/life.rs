//! The life of a ledger before it is damaged: everything that can be recorded, over several starts.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::future::try_join_all;
use product_key::ProductKey;
use proto::activation::v1 as act;
use system_tests::{Activation, Computer, Dice, Key, Person, World};

use super::questions::Question;

/// Limits of the keys; the second is used up.
const LIMITS: [u32; 4] = [200, 8, 60, 60];

/// Most keys of one registration.
const REGISTRATIONS_MAX: usize = 500;
/// One in so many unused keys is asked about.
const FILLERS_ASKED: usize = 50;

/// Whoever lives it, and the questions that it leaves.
pub(super) struct Life {
    pub(super) keys: Vec<Key>,
    pub(super) questions: Vec<Question>,
    dice: Dice,
    next_computer: u32,
    /// Computers whose activation may be released yet: the number and the activation.
    held: Vec<(u32, String)>,
}

impl Life {
    pub(super) fn new(dice: Dice) -> Self {
        let (keys, questions, held) = (Vec::new(), Vec::new(), Vec::new());
        Self { keys, questions, dice, next_computer: 0, held }
    }

    /// Registers the keys; the last one counts every activation.
    pub(super) async fn register(&mut self, world: &World) -> Result<()> {
        for (place, limit) in LIMITS.into_iter().enumerate() {
            let mode = match place + 1 == LIMITS.len() {
                true => act::CountingMode::EveryActivation,
                false => act::CountingMode::HardwareTolerant,
            };
            let key_id = self.dice.id().iter().map(|byte| format!("{byte:02x}")).collect();
            let counting_mode = mode.into();
            let terms = act::KeyRegistration { key_id, limit, counting_mode, ..Default::default() };
            self.keys.push(world.registered(terms).await?);
        }
        Ok(())
    }

    /// Registers keys that nobody uses, with long terms, so that the journal fills segments.
    pub(super) async fn fill(&mut self, world: &World, count: usize) -> Result<()> {
        let mut client = world.activation(&Person::catalog())?;
        let mut left = count;
        while left > 0 {
            let some = left.min(REGISTRATIONS_MAX);
            left -= some;
            let keys: Result<Vec<_>> = (0..some).map(|_| self.filler()).collect();
            let answer =
                client.batch_register_keys(act::BatchRegisterKeysRequest { keys: keys? }).await?;
            let keys = answer.into_inner().keys.into_iter();
            for name in keys.step_by(FILLERS_ASKED).map(|key| key.name) {
                self.questions.push(Question::Key(name.clone()));
                self.questions.push(Question::Events(name));
            }
        }
        Ok(())
    }

    fn filler(&mut self) -> Result<act::KeyRegistration> {
        let (id, secret) = (self.dice.id(), self.dice.id());
        let secret = secret.first_chunk().context("14 bytes")?;
        Ok(act::KeyRegistration {
            key_id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            product_key: ProductKey::issue(secret).grouped().to_string(),
            owner: "contoso".to_owned(),
            product: "products/windows-server-2019-standard".to_owned(),
            help_uri: format!("https://help.example/{}", "long/".repeat(90)),
            ..Default::default()
        })
    }

    /// New computers on a key, some of them at once; whoever is refused is asked about again.
    pub(super) async fn activate(&mut self, world: &World, place: usize, count: u32) -> Result<()> {
        let client = world.activation(&Person::installer())?;
        let mut left = count;
        while left > 0 {
            let at_once = left.min(1 + u32::try_from(self.dice.below(6))?);
            left -= at_once;
            let numbers = self.next_computer..self.next_computer + at_once;
            self.next_computer += at_once;
            let mut requests = Vec::new();
            for number in numbers.clone() {
                requests.push(self.request(world, place, &Computer::numbered(number)?)?);
            }
            let calls = requests.iter().map(|request| send(client.clone(), request.clone()));
            for (number, answer) in numbers.zip(try_join_all(calls).await?) {
                self.held.extend(answer.map(|answer| (number, answer.activation)));
            }
            self.questions.extend(requests.into_iter().map(Question::Activate));
        }
        Ok(())
    }

    /// So many computers of a key again, unchanged and with another board. They keep their counts,
    /// so that asking once more never counts.
    pub(super) async fn again(&mut self, world: &World, place: usize, count: usize) -> Result<()> {
        let client = world.activation(&Person::installer())?;
        let name = self.keys.get(place).context("a key")?.name.clone();
        let is_of = |(_, activation): &mut (u32, String)| activation.starts_with(&name);
        let known: Vec<_> = self.held.extract_if(.., is_of).take(count).collect();
        for (number, _) in known {
            let computer = Computer::numbered(number)?;
            for computer in [computer.clone(), computer.with_new_board()] {
                let request = self.request(world, place, &computer)?;
                send(client.clone(), request.clone()).await?.context("the key has counts left")?;
                self.questions.push(Question::Activate(request));
            }
        }
        Ok(())
    }

    /// Gives up so many counts.
    pub(super) async fn release(&mut self, world: &World, count: usize) -> Result<()> {
        let mut client = world.activation(&Person::ops_admin())?;
        for _ in 0..count {
            let at = self.dice.below(self.held.len());
            let request = act::ReleaseActivationRequest {
                name: self.held.swap_remove(at).1,
                request_id: Bytes::copy_from_slice(&self.dice.id()),
                reason: "sold".to_owned(),
                ..Default::default()
            };
            client.release_activation(request.clone()).await?;
            self.questions.push(Question::Release(request));
        }
        Ok(())
    }

    /// Changes limit and standing of a key, there and back.
    pub(super) async fn change(&mut self, world: &World, place: usize) -> Result<()> {
        let key = self.keys.get(place).context("a key")?;
        let limit = LIMITS.get(place).copied().unwrap_or_default();
        let mut client = world.activation(&Person::ops_admin())?;
        for (field, key) in [
            ("limit", act::ProductKey { limit: limit + 10, ..named(key) }),
            ("blocked", act::ProductKey { blocked: true, ..named(key) }),
            ("blocked", named(key)),
            ("limit", act::ProductKey { limit, ..named(key) }),
        ] {
            client.update_key(crate::real::crowd::update(field, key)).await?;
        }
        Ok(())
    }

    /// What else can be asked.
    pub(super) fn rest(&self) -> Vec<Question> {
        let names = || self.keys.iter().map(|key| key.name.clone());
        let mut rest = vec![Question::Usage(names().collect()), Question::Head];
        rest.extend(names().map(Question::Key));
        rest.extend(names().map(Question::Computers));
        rest.extend(names().map(Question::Events));
        rest
    }

    /// The first activation of a computer that the key has never seen.
    pub(super) fn news(&mut self, world: &World) -> Result<act::ActivateRequest> {
        self.request(world, 0, &Computer::numbered(1_000_000)?)
    }

    fn request(
        &mut self,
        world: &World,
        place: usize,
        computer: &Computer,
    ) -> Result<act::ActivateRequest> {
        let key = self.keys.get(place).context("a key")?;
        let mut request = key.activation(world.salt(), computer)?;
        request.request_id = Bytes::copy_from_slice(&self.dice.id());
        Ok(request)
    }
}

fn named(key: &Key) -> act::ProductKey {
    act::ProductKey { name: key.name.clone(), ..Default::default() }
}

/// The answer; none if the limit is reached.
async fn send(
    mut client: Activation,
    request: act::ActivateRequest,
) -> Result<Option<act::ActivateResponse>> {
    match client.activate(request).await {
        Ok(answer) => Ok(Some(answer.into_inner())),
        Err(status) => {
            let reason = super::questions::reason(&status)?;
            ensure!(reason == "ACTIVATION_LIMIT_REACHED", "refused: {reason}");
            Ok(None)
        }
    }
}
