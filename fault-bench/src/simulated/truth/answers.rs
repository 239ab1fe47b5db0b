//! Every answer beside the chain: what was told is recorded, the same to everybody, and not older
//! than what was told before.

use std::collections::BTreeMap;

use activation_service::app::AppError;
use anyhow::{Context as _, Result, bail, ensure};
use receipt::{Id, Receipt, SignedHead};

use super::chain::Chain;
use super::counts::{Key, Story};
use super::told::{Seen, rests_on, without_key};
use crate::simulated::world::{Ask, Sent, Told, World, key_id, key_of, trusted};

/// A key that nothing is recorded of.
static UNKNOWN: Key = Key { events: Vec::new(), states: Vec::new(), counts: Vec::new() };

/// Judges all answers of a life.
pub(super) fn judge(world: &World, chain: &Chain, story: &Story) -> Result<()> {
    let mut judge = Judge { world, chain, story, receipts: BTreeMap::new() };
    // What was shown to be durable, in the order in which it was told.
    let mut shown: Vec<(u64, u8, u64)> = Vec::new();
    for sent in &world.sent {
        if let Some((at, told)) = &sent.told {
            shown.extend(judge.shown(sent, told).map(|(key, version)| (*at, key, version)));
        }
    }
    shown.sort_unstable();
    let mut shown = shown.into_iter().peekable();
    let mut floors = Floors::default();
    // Moments are counted up, so sendings are in the order in which they began.
    for (place, sent) in world.sent.iter().enumerate() {
        while let Some((_, key, version)) = shown.next_if(|(at, ..)| *at < sent.began) {
            floors.raise(key, version);
        }
        let Some((_, told)) = &sent.told else { continue };
        let ask = judge.ask(sent)?;
        let judged = judge.answer(place >= world.looks_from, &floors, ask, told);
        judged.with_context(|| format!("sending {place}, {ask:?}, told {told:?}"))?;
    }
    judge.repeats()
}

/// The newest version of each key that somebody had been told of.
#[derive(Default)]
struct Floors(BTreeMap<u8, u64>);

impl Floors {
    fn raise(&mut self, key: u8, version: u64) {
        let floor = self.0.entry(key).or_default();
        *floor = version.max(*floor);
    }

    fn of(&self, key: u8) -> u64 {
        self.0.get(&key).copied().unwrap_or(0)
    }
}

struct Judge<'a> {
    world: &'a World,
    chain: &'a Chain,
    story: &'a Story,
    /// The receipt of each event, as it was first told.
    receipts: BTreeMap<(u8, u64), Vec<u8>>,
}

impl<'a> Judge<'a> {
    fn ask(&self, sent: &Sent) -> Result<&'a Ask> {
        self.world.asks.get(sent.ask).context("a sending of nothing")
    }

    fn key(&self, key: u8) -> &'a Key {
        self.story.key(&key_id(key).0).unwrap_or(&UNKNOWN)
    }

    /// The version that an answer shows to be durable.
    fn shown(&self, sent: &Sent, told: &Told) -> Option<(u8, u64)> {
        let ask = self.ask(sent).ok()?;
        let key = ask.key()?;
        let version = match told {
            Told::Activated(activated) => activated.granted.proof,
            Told::Key(head) => head.version,
            Told::GivenUp(given_up) => {
                let recorded = self.key(key).recorded(ask.request()?.1.0).next();
                // The count that was given up is shown in any case.
                recorded.map_or(given_up.released.count, |leaf| leaf.account_version)
            }
            Told::Events(page) => page.events.iter().map(|it| it.event.version).max()?,
            Told::Computers(page) => {
                page.rows.iter().flat_map(|row| &row.counts).map(|count| count.number).max()?
            }
            Told::Previewed(_) | Told::Usages(_) | Told::LedgerHead(_) | Told::No(_) => {
                return None;
            }
        };
        Some((key, version))
    }

    fn answer(&mut self, is_last: bool, floors: &Floors, ask: &Ask, told: &Told) -> Result<()> {
        // At the end everything is settled, so nothing less than all will do.
        let seen_at = |key: u8| {
            let story = self.key(key);
            let floor = if is_last { story.states.len() as u64 } else { floors.of(key) };
            Seen { key: story, floor, is_last, is_injured: self.world.is_injured }
        };
        match (ask, told) {
            (_, Told::LedgerHead(bytes)) => return self.head(bytes),
            (_, Told::No(AppError::NoLedgerHead)) => {
                ensure!(!is_last || self.chain.leaves.is_empty(), "there is a head");
                return Ok(());
            }
            (Ask::Usage { .. }, Told::Usages(usages)) => {
                for usage in &usages.usages {
                    seen_at(key_of(usage.key_id)).usage(usage)?;
                }
                for missing in &usages.missing {
                    ensure!(
                        seen_at(key_of(*missing)).floor == 0,
                        "a key that was told of is missing"
                    );
                }
                return Ok(());
            }
            _ => {}
        }
        let Some(key) = ask.key() else { return without_key(told) };
        seen_at(key).check(ask, told)?;
        match told {
            Told::Activated(it) => {
                self.receipt(key, it.granted.proof, it.receipt.as_deref().context("no receipt")?)
            }
            Told::GivenUp(it) => {
                let (_, request) = ask.request().context("a release without a request")?;
                let leaf = self.key(key).recorded(request.0).next();
                let version = leaf.context("the release is not recorded")?.account_version;
                self.receipt(key, version, it.receipt.as_deref().context("no receipt")?)
            }
            _ => Ok(()),
        }
    }

    /// A receipt is the same each time, verifies with what clients pinned, and is in the chain.
    fn receipt(&mut self, key: u8, version: u64, bytes: &[u8]) -> Result<()> {
        if let Some(first) = self.receipts.get(&(key, version)) {
            ensure!(first == bytes, "the receipt of event {version} is another than before");
            return Ok(());
        }
        let receipt = Receipt::decode(bytes)?;
        let verified = receipt.verify(&trusted()?)?;
        let leaf = self.key(key).event(version).context("a receipt of no event")?;
        ensure!(verified.leaf == *leaf, "the receipt is of another event");
        let head = self.chain.heads.get(&verified.head.hash());
        ensure!(head == Some(&verified.head), "the head of a receipt is not in the chain");
        self.receipts.insert((key, version), bytes.to_vec());
        Ok(())
    }

    fn head(&self, bytes: &[u8]) -> Result<()> {
        let head = SignedHead::decode(bytes)?;
        let found = self.chain.heads.get(&head.hash());
        ensure!(found == Some(&head), "a head that was told is not in the chain");
        Ok(())
    }

    /// A request that is recorded has one answer, and one that was only ever refused is not
    /// recorded.
    fn repeats(&self) -> Result<()> {
        let mut requests: BTreeMap<(u8, Id), Vec<&Sent>> = BTreeMap::new();
        for sent in &self.world.sent {
            if let Some((key, request)) = self.ask(sent)?.request() {
                requests.entry((key, request.0)).or_default().push(sent);
            }
        }
        for ((key, request), sendings) in requests {
            let Some(event) = self.key(key).recorded(request).next() else { continue };
            let version = event.account_version;
            let rests = |sent: &Sent| rests_on(sent.told.as_ref().map(|it| &it.1), version);
            let first = sendings.iter().filter(|sent| rests(sent) == Some(true));
            let first = first.filter_map(|sent| sent.told.as_ref().map(|(at, _)| *at)).min();
            ensure!(
                first.is_some() || sendings.iter().any(|sent| rests(sent).is_none()),
                "a request that was refused each time is recorded as event {version}"
            );
            for sent in &sendings {
                let is_later = first.is_some_and(|at| at < sent.began);
                if is_later && rests(sent) == Some(false) {
                    bail!("a recorded request, event {version}, is answered anew: {sent:?}");
                }
            }
        }
        Ok(())
    }
}
