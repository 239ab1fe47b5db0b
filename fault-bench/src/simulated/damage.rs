//! P5: a life that ended in good order is damaged, and then opened, asked and audited again.

use std::path::{Path, PathBuf};

use activation_service::storage::disk::sim::Dice;
use activation_service::storage::disk::{Disk as _, SimDisk};
use activation_service::storage::journal::Known;
use activation_service::storage::journaled::JournaledLedger;
use activation_service::storage::store::Tree;
use anyhow::{Context as _, Result, bail, ensure};

use super::truth::{Chain, Truth};
use super::world::{CHAIN, JOURNAL, Keepsake, Shape, World, pick};
use crate::campaign::Told;

/// Passes of the scrub that find something.
const SCRUBS_MAX: u32 = 8;
/// Bytes of a page.
const PAGE: usize = 4096;
/// Of so many seeds in a row, the first ones flip a bit in a row, the next ones hurt the books
/// otherwise, then some roll something back, and the others hurt a file of the journal.
const ROUND: u64 = 20;
const FLIPS: u64 = 4;
const OTHER_BOOKS: u64 = 4;
const ROLLBACKS: u64 = 4;

/// What is done to a ledger that nobody has open.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Injury {
    Flip(PathBuf, usize, u8),
    ZeroPage(PathBuf, usize),
    Truncate(PathBuf, usize),
    SwapPages(PathBuf, usize, usize),
    Delete(PathBuf),
    Older(PathBuf),
    FlipRow(Tree, usize, usize),
    DropRow(Tree, usize),
    OlderRows(Tree),
    OlderBooks,
    /// All files of the journal as they were once; the newest head is known.
    OlderJournal,
    /// Everything as it was once; the newest head is known.
    OlderLedger,
    /// The end of the last segment and the mark of the close are gone; the newest head is known.
    CutTail(PathBuf, usize),
}

/// Plays a seed.
pub(super) fn play(seed: u64) -> Result<Told> {
    let mut dice = Dice::new(seed);
    let mut world = World::live(seed, Shape::of_damage(&mut dice))?;
    let truth = Truth::find(&world.disk)?;
    truth.judge(&world)?;
    // The last one is what there is now.
    world.keepsakes.pop();
    let keepsake = pick(&mut dice, &world.keepsakes).cloned().context("no older copy is kept")?;
    let injury = Injury::draw(&mut dice, &world, &keepsake)?;
    injury.strike(&world, &keepsake)?;
    if injury.is_rollback() {
        let newest = truth.chain.newest.as_ref().context("nothing is recorded")?.tip();
        let (sequence, head) = (newest.last_sequence, newest.head_hash);
        world.anchor = Some(Known { chain: CHAIN, sequence, head });
    }
    examine(&mut world, &truth, &injury).with_context(|| format!("{injury:?}"))?;
    Ok(Told::of(1))
}

/// Opens it and asks for everything.
fn examine(world: &mut World, truth: &Truth, injury: &Injury) -> Result<()> {
    world.is_injured = true;
    let before = segments(&world.disk)?;
    match world.try_open() {
        // Refused by name; then nothing was changed.
        Err(_) => {
            ensure!(segments(&world.disk)? == before, "it is refused, and changed");
            return Ok(());
        }
        // Rows that are missing or old look right by themselves; only the scrub tells.
        Ok(ledger) if injury.looks_right() => scrub(&ledger)?,
        Ok(ledger) => drop(ledger),
    }
    if injury.is_rollback() {
        let chain = Chain::read(&world.disk).context("it opens")?;
        ensure!(chain.leaves == truth.chain.leaves, "an older ledger opens for a newer head");
    }
    // What was asked before is asked again, and everything is looked at.
    world.ask_recorded_again(|key, request| truth.has_recorded(key, request))?;
    truth.judge(world)?;
    // Whoever audits the journal finds what is wrong with it, or all that was there.
    if let Ok(chain) = Chain::read(&world.disk) {
        ensure!(chain.leaves == truth.chain.leaves, "the journal holds another story");
    }
    Ok(())
}

/// Has the service look at all that it holds, and mend what it finds.
fn scrub(ledger: &JournaledLedger) -> Result<()> {
    for _ in 0..SCRUBS_MAX {
        if ledger.scrub_some(u64::MAX).is_pass_done {
            return Ok(());
        }
        // Books that are found to be wrong are mended; a journal that is wrong stops the service.
        if !ledger.apply_one() {
            return Ok(());
        }
    }
    bail!("it finds something wrong again and again")
}

/// All files of the journal but those that opening may touch.
fn segments(disk: &SimDisk) -> Result<Vec<(String, Option<Vec<u8>>)>> {
    let folder = Path::new(JOURNAL);
    let mut names = disk.list(folder)?;
    names.retain(|name| name.ends_with(".seg"));
    Ok(names.into_iter().map(|name| (name.clone(), disk.image(&folder.join(name)))).collect())
}

impl Injury {
    const fn is_rollback(&self) -> bool {
        matches!(self, Self::OlderJournal | Self::OlderLedger | Self::CutTail(..))
    }

    const fn looks_right(&self) -> bool {
        matches!(self, Self::DropRow(..) | Self::OlderRows(_))
    }

    fn draw(dice: &mut Dice, world: &World, keepsake: &Keepsake) -> Result<Self> {
        let place = world.seed % ROUND;
        if place < FLIPS + OTHER_BOOKS {
            return Self::of_books(dice, world, place < FLIPS);
        }
        if place < FLIPS + OTHER_BOOKS + ROLLBACKS {
            return Self::rollback(dice, world);
        }
        let folder = Path::new(JOURNAL);
        let names = world.disk.list(folder)?;
        let path = folder.join(pick(dice, &names).context("an empty folder")?);
        let bytes = world.disk.image(&path).unwrap_or_default();
        let place = index(dice.below(bytes.len() as u64));
        let pages = bytes.len() as u64 / PAGE as u64;
        Ok(match dice.below(6) {
            _ if bytes.is_empty() => Self::Delete(path),
            0 => Self::Flip(path, place, 1 << dice.below(8)),
            1 if pages > 0 => Self::ZeroPage(path, index(dice.below(pages))),
            2 => Self::Truncate(path, place),
            3 if pages > 1 => {
                Self::SwapPages(path, index(dice.below(pages)), index(dice.below(pages)))
            }
            4 if keepsake.disk.image(&path).is_some() => Self::Older(path),
            _ => Self::Delete(path),
        })
    }

    fn rollback(dice: &mut Dice, world: &World) -> Result<Self> {
        let mut names = world.disk.list(Path::new(JOURNAL))?;
        names.retain(|name| name.ends_with(".seg"));
        let last = Path::new(JOURNAL).join(names.last().context("no segment")?);
        let bytes = world.disk.image(&last).unwrap_or_default().len() as u64;
        Ok(match dice.below(3) {
            0 => Self::OlderJournal,
            1 => Self::OlderLedger,
            _ => Self::CutTail(last, PAGE + index(dice.below(bytes.saturating_sub(PAGE as u64)))),
        })
    }

    fn of_books(dice: &mut Dice, world: &World, flips: bool) -> Result<Self> {
        let rows = world.shelf.rows();
        let trees: Vec<Tree> = rows.keys().copied().collect();
        let tree = *pick(dice, &trees).context("empty books")?;
        let rows = rows.get(&tree).context("a tree")?;
        let place = index(dice.below(rows.len() as u64));
        let bits = rows.values().nth(place).map_or(0, |row| row.len() as u64 * 8);
        Ok(match dice.below(3) {
            _ if flips => Self::FlipRow(tree, place, index(dice.below(bits))),
            0 => Self::OlderBooks,
            1 => Self::DropRow(tree, place),
            _ => Self::OlderRows(tree),
        })
    }

    fn strike(&self, world: &World, keepsake: &Keepsake) -> Result<()> {
        let folder = Path::new(JOURNAL);
        let tamper = |path: &Path, change: &mut dyn FnMut(&mut Vec<u8>)| {
            ensure!(world.disk.tamper(path, |bytes| change(bytes)), "no such file");
            Ok(())
        };
        match self {
            Self::Flip(path, place, bit) => tamper(path, &mut |bytes| {
                bytes.iter_mut().skip(*place).take(1).for_each(|byte| *byte ^= bit);
            }),
            Self::ZeroPage(path, page) => tamper(path, &mut |bytes| {
                bytes.iter_mut().skip(page * PAGE).take(PAGE).for_each(|byte| *byte = 0);
            }),
            Self::Truncate(path, length) => tamper(path, &mut |bytes| bytes.truncate(*length)),
            Self::SwapPages(path, one, other) => tamper(path, &mut |bytes| {
                let page = |number: usize| bytes.get(number * PAGE..(number + 1) * PAGE);
                let (Some(a), Some(b)) = (page(*one), page(*other)) else { return };
                let (a, b) = (a.to_vec(), b.to_vec());
                bytes.iter_mut().skip(one * PAGE).zip(b).for_each(|(to, from)| *to = from);
                bytes.iter_mut().skip(other * PAGE).zip(a).for_each(|(to, from)| *to = from);
            }),
            Self::Delete(path) => {
                world.disk.remove(path)?;
                Ok(world.disk.sync_dir(folder)?)
            }
            Self::Older(path) => {
                let older = keepsake.disk.image(path).context("an older copy")?;
                tamper(path, &mut |bytes| bytes.clone_from(&older))
            }
            Self::CutTail(path, place) => {
                tamper(path, &mut |bytes| bytes.iter_mut().skip(*place).for_each(|it| *it = 0))?;
                // Whoever cuts it off takes the mark away as well.
                let _ = world.disk.remove(&folder.join("clean"));
                Ok(world.disk.sync_dir(folder)?)
            }
            Self::OlderJournal => Self::restore_journal(world, keepsake),
            Self::OlderLedger => {
                world.shelf.tamper(|rows| rows.clone_from(&keepsake.rows));
                Self::restore_journal(world, keepsake)
            }
            _ => self.strike_books(world, keepsake),
        }
    }

    fn strike_books(&self, world: &World, keepsake: &Keepsake) -> Result<()> {
        world.shelf.tamper(|rows| match self {
            Self::FlipRow(tree, place, bit) => {
                let value = rows.get_mut(tree).and_then(|rows| rows.values_mut().nth(*place));
                let byte = value.and_then(|value| value.get_mut(bit / 8));
                byte.into_iter().for_each(|byte| *byte ^= 1 << (bit % 8));
            }
            Self::DropRow(tree, place) => {
                let Some(rows) = rows.get_mut(tree) else { return };
                let key = rows.keys().nth(*place).cloned();
                key.into_iter().for_each(|key| drop(rows.remove(&key)));
            }
            Self::OlderRows(tree) => {
                let older = keepsake.rows.get(tree).cloned().unwrap_or_default();
                rows.insert(*tree, older);
            }
            Self::OlderBooks => rows.clone_from(&keepsake.rows),
            _ => {}
        });
        Ok(())
    }

    fn restore_journal(world: &World, keepsake: &Keepsake) -> Result<()> {
        let folder = Path::new(JOURNAL);
        for name in world.disk.list(folder)? {
            let path = folder.join(name);
            match keepsake.disk.image(&path) {
                Some(older) => {
                    world.disk.tamper(&path, |bytes| bytes.clone_from(&older));
                }
                None => world.disk.remove(&path)?,
            }
        }
        Ok(world.disk.sync_dir(folder)?)
    }
}

/// Numbers here are drawn below the length of something in memory.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
