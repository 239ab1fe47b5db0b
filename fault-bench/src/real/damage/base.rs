//! A ledger with a rich life, stopped in good order, with older copies of itself and what it
//! replies to every question.

use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use proto::activation::v1 as act;
use receipt::TrustedKeys;
use system_tests::{Dice, Person, Program, World};
use tokio::task::block_in_place;

use super::life::Life;
use super::prepare;
use super::questions::{Askers, Question, Reply};
use crate::real::image::{Image, Node};
use crate::real::world;

/// The seed of the life, which is the same for every damage.
const SEED: u64 = 5;
/// Questions asked at once.
const AT_ONCE: usize = 8;

/// The ledger and what is known of it.
pub(super) struct Base {
    /// Everything of the world but the ledger: secrets and anchors.
    around: Image,
    pub(super) ledger: Image,
    /// The ledger at earlier clean stops, oldest first.
    pub(super) older: Vec<Image>,
    questions: Vec<(Question, Reply)>,
    /// A first activation, asked after all questions, and what `used` and the account version of
    /// its key were before it.
    pub(super) news: act::ActivateRequest,
    pub(super) before: (u32, u64),
    pub(super) trusted: TrustedKeys,
}

impl Base {
    /// The ledger, made at the first call.
    pub(super) fn get() -> Result<&'static Self> {
        static BASE: OnceLock<Result<Base, String>> = OnceLock::new();
        let base = BASE.get_or_init(|| {
            world::play(make()).map_err(|error| format!("the ledger to be damaged: {error:#}"))
        });
        base.as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// Puts a ledger into a folder of its own with all that belongs around it.
    pub(super) fn world(&self, ledger: &Image, anchors: bool) -> Result<World> {
        let folder = world::folder()?;
        let mut all = self.around.clone();
        all.0.insert("ledger".to_owned(), Node::Folder(ledger.clone()));
        all.restore(folder.path())?;
        prepare(folder, anchors)
    }

    /// Asks everything and compares; gives the reasons of those that were refused now.
    pub(super) async fn compare(&self, world: &World) -> Result<Vec<String>> {
        let questions = self.questions.iter().map(|(question, _)| question.clone()).collect();
        let replies = ask(world, questions).await?;
        let mut refused = Vec::new();
        for ((question, before), now) in self.questions.iter().zip(replies) {
            match now {
                now if now == *before => {}
                Reply::Refused(reason) => refused.push(reason),
                now => anyhow::bail!("{question:?}: before {before:?}, now {now:?}"),
            }
        }
        Ok(refused)
    }
}

/// Asks several at once, in order.
async fn ask(world: &World, questions: Vec<Question>) -> Result<Vec<Reply>> {
    let askers = Askers::new(world)?;
    let mut replies = Vec::new();
    for some in questions.chunks(AT_ONCE) {
        let asking = some.iter().map(|question| askers.ask(question.clone()));
        replies.extend(futures_util::future::try_join_all(asking).await?);
    }
    Ok(replies)
}

async fn make() -> Result<Base> {
    let mut life = Life::new(Dice::new(SEED));
    let mut older = Vec::new();
    let mut world = prepare(world::folder()?, true)?;
    world.begin().await?;
    life.register(&world).await?;
    life.activate(&world, 0, 30).await?;
    life.activate(&world, 1, 12).await?;
    life.fill(&world, 600).await?;
    older.push(stop(&mut world)?);

    world.begin().await?;
    life.activate(&world, 2, 25).await?;
    life.fill(&world, 900).await?;
    life.change(&world, 0).await?;
    life.release(&world, 6).await?;
    block_in_place(|| world.pair.kill_activation())?;
    world.begin().await?;
    life.again(&world, 0, 4).await?;
    older.push(stop(&mut world)?);

    erase(&world, &life).await?;
    world.begin().await?;
    life.activate(&world, 3, 20).await?;
    block_in_place(|| world.pair.kill_activation())?;
    world.begin().await?;
    life.activate(&world, 0, 40).await?;
    life.fill(&world, 1_000).await?;
    life.release(&world, 10).await?;
    life.change(&world, 2).await?;
    let news = life.news(&world)?;
    let ledger = stop(&mut world)?;
    finish(world, life, ledger, older, news).await
}

/// Asks everything on a copy, twice: what differs then would differ without any damage.
async fn finish(
    world: World,
    life: Life,
    ledger: Image,
    older: Vec<Image>,
    news: act::ActivateRequest,
) -> Result<Base> {
    let mut around = Image::read(world.folder())?;
    around.0.retain(|name, _| name == "certs" || name == "anchors");
    let (questions, before, trusted) = (Vec::new(), (0, 0), TrustedKeys::default());
    let mut base = Base { around, ledger, older, questions, news, before, trusted };
    let mut copy = base.world(&base.ledger, true)?;
    copy.begin().await?;
    // The lists first: they tell when a computer was last seen.
    let questions = [life.rest(), life.questions.clone()].concat();
    let replies = ask(&copy, questions.clone()).await?;
    base.questions = questions.into_iter().zip(replies).collect();
    let name = life.keys.first().context("a key")?.name.clone();
    let key = copy.key(&name).await?;
    base.before = (key.used, key.account_version);
    let mut client = copy.activation(&Person::installer())?;
    let terms = client.get_activation_terms(act::GetActivationTermsRequest {}).await?.into_inner();
    base.trusted = terms.receipt_keys.join("\n").parse()?;
    let mut again = base.world(&base.ledger, true)?;
    again.begin().await?;
    let refused = base.compare(&again).await.context("without any damage")?;
    ensure!(refused.is_empty(), "refused without any damage: {refused:?}");
    Ok(base)
}

/// Stops the service in good order and takes the ledger.
fn stop(world: &mut World) -> Result<Image> {
    let status = block_in_place(|| world.pair.stop_activation())?;
    ensure!(status.success(), "the service stops: {status}");
    Image::read(&world.folder().join("ledger"))
}

/// Forgets the evidence of some events.
async fn erase(world: &World, life: &Life) -> Result<()> {
    let key = life.keys.get(2).context("a key")?;
    let key_id = system_tests::key_id_of(&key.name)?;
    let settings = world.pair.activation_settings().into_iter();
    let settings = settings.flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]);
    let command = ["ledger", "erase", key_id, "2", "3", "4"].map(str::to_owned);
    let erasing = Program::ours("activation-service")?.with(command).with(settings);
    erasing.succeed().await.context("the evidence is erased")?;
    Ok(())
}
