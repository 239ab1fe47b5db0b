//! What really happened, found out from the journal without the service's help, and whether all
//! that clients were told agrees with it.

mod answers;
mod chain;
mod counts;
mod told;

use activation_service::domain::ids::RequestId;
use activation_service::storage::disk::SimDisk;
use anyhow::{Context as _, Result};

use super::world::{World, key_id};
pub(crate) use chain::Chain;
use counts::Story;

/// What really happened.
pub(crate) struct Truth {
    /// The journal.
    pub(crate) chain: Chain,
    story: Story,
}

impl Truth {
    /// Finds it out from a journal that nobody has open; whatever is wrong with it is an error.
    pub(crate) fn find(disk: &SimDisk) -> Result<Self> {
        let chain = Chain::read(disk)?;
        let story = Story::of(&chain)?;
        Ok(Self { chain, story })
    }

    /// Judges all that the clients of a life were told.
    pub(crate) fn judge(&self, world: &World) -> Result<()> {
        answers::judge(world, &self.chain, &self.story).context("an answer")
    }

    /// True if a request of a key is recorded.
    pub(crate) fn has_recorded(&self, key: u8, request: RequestId) -> bool {
        let key = self.story.key(&key_id(key).0);
        key.is_some_and(|key| key.recorded(request.0).next().is_some())
    }
}

/// Judges a life that is over.
pub(crate) fn judge(world: &World) -> Result<()> {
    Truth::find(&world.disk)?.judge(world)
}
