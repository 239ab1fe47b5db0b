//! What is done to the files of a ledger.

use anyhow::{Context as _, Result};
use system_tests::Dice;

use crate::real::image::{Image, Node};

/// Bytes of a page.
const PAGE: usize = 4096;
/// Most choices until a harm changes something.
const CHOICES_MAX: usize = 1_000;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Harm {
    /// One file.
    File(String, Wound),
    /// The whole ledger is the copy of this age, 0 the oldest.
    OlderLedger(usize),
    /// The tail of the journal is gone: it is the copy of this age. The books are there, or gone.
    NoTail(usize, bool),
}

/// What was done to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wound {
    /// This bit of this byte is another.
    Bit(usize, u8),
    /// This page is zero.
    ZeroPage(usize),
    /// It ends here.
    Cut(usize),
    /// These pages stand in each other's place.
    Swapped(usize, usize),
    /// It is gone.
    Deleted,
    /// It is the copy of this age, 0 the oldest.
    Older(usize),
}

/// Harms the ledger in one way, chosen by the seed.
pub(super) fn inflict(
    ledger: &mut Image,
    older: &[Image],
    seed: u64,
    dice: &mut Dice,
) -> Result<Harm> {
    let age = dice.below(older.len());
    let copy = older.get(age).context("an older copy")?;
    match seed % 14 {
        12 => {
            *ledger = copy.clone();
            return Ok(Harm::OlderLedger(age));
        }
        13 => {
            let has_books = dice.one_in(2);
            ledger.0.retain(|name, _| name != "journal" && has_books);
            let journal = copy.0.iter().filter(|(name, _)| *name == "journal");
            ledger.0.extend(journal.map(|(name, node)| (name.clone(), node.clone())));
            return Ok(Harm::NoTail(age, has_books));
        }
        _ => {}
    }
    for _ in 0..CHOICES_MAX {
        let (path, bytes) = choose(ledger, dice)?;
        let wound = match seed % 6 {
            0 => bit(&bytes, dice),
            1 => page(&bytes, dice).map(Wound::ZeroPage),
            2 => (!bytes.is_empty()).then(|| Wound::Cut(place(&bytes, dice))),
            3 => page(&bytes, dice)
                .and_then(|one| page(&bytes, dice).map(|other| Wound::Swapped(one, other))),
            4 => Some(Wound::Deleted),
            _ => copy.files().contains_key(&path).then_some(Wound::Older(age)),
        };
        let Some(wound) = wound else { continue };
        let after = wounded(&path, bytes.clone(), &wound, copy);
        if after.as_ref() != Some(&bytes) {
            ledger.put(&path, after);
            return Ok(Harm::File(path, wound));
        }
    }
    anyhow::bail!("no file can be harmed so")
}

/// A file; those of the books and those of the journal equally often.
fn choose(ledger: &Image, dice: &mut Dice) -> Result<(String, Vec<u8>)> {
    let folders: Vec<&Node> = ledger.0.values().collect();
    let at = dice.below(folders.len());
    let name = ledger.0.keys().nth(at).context("a folder")?;
    match ledger.0.get(name) {
        Some(Node::Folder(inner)) => {
            let files = inner.files();
            let path = files.keys().nth(dice.below(files.len())).context("a file")?;
            let bytes = files.get(path).context("a file")?;
            Ok((format!("{name}/{path}"), (*bytes).clone()))
        }
        Some(Node::File(bytes)) => Ok((name.clone(), bytes.clone())),
        None => anyhow::bail!("a folder"),
    }
}

/// A place in a file: mostly where something is written, for much is not.
fn place(bytes: &[u8], dice: &mut Dice) -> usize {
    let mut place = dice.below(bytes.len());
    for _ in 0..CHOICES_MAX {
        if bytes.get(place).is_some_and(|byte| *byte != 0) || dice.one_in(50) {
            break;
        }
        place = dice.below(bytes.len());
    }
    place
}

fn bit(bytes: &[u8], dice: &mut Dice) -> Option<Wound> {
    let bit = u8::try_from(dice.below(8)).ok()?;
    (!bytes.is_empty()).then(|| Wound::Bit(place(bytes, dice), bit))
}

/// The number of a page, the last one perhaps shorter.
fn page(bytes: &[u8], dice: &mut Dice) -> Option<usize> {
    (!bytes.is_empty()).then(|| place(bytes, dice) / PAGE)
}

/// The file after it, none if it is gone.
fn wounded(path: &str, mut bytes: Vec<u8>, wound: &Wound, copy: &Image) -> Option<Vec<u8>> {
    match wound {
        Wound::Bit(place, bit) => {
            if let Some(byte) = bytes.get_mut(*place) {
                *byte ^= 1 << bit;
            }
        }
        Wound::ZeroPage(page) => {
            if let Some(page) = bytes.chunks_mut(PAGE).nth(*page) {
                page.fill(0);
            }
        }
        Wound::Cut(length) => bytes.truncate(*length),
        Wound::Swapped(one, other) => {
            let mut pages: Vec<Vec<u8>> = bytes.chunks(PAGE).map(<[u8]>::to_vec).collect();
            if one < &pages.len() && other < &pages.len() {
                pages.swap(*one, *other);
            }
            bytes = pages.concat();
        }
        Wound::Deleted => return None,
        Wound::Older(_) => return copy.files().get(path).map(|bytes| (*bytes).clone()),
    }
    Some(bytes)
}

impl Harm {
    /// True if anchors must tell it, for the ledger is whole by itself.
    pub(super) fn is_rollback(&self) -> bool {
        !matches!(self, Self::File(..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ledger with written and blank pages in two folders, grown by a page since its copy.
    fn ledger(pages: u8) -> Image {
        let page = |number| if number % 3 == 0 { vec![0; PAGE] } else { vec![number; PAGE] };
        let bytes: Vec<u8> = (0..pages).flat_map(page).collect();
        let file = |name: &str, bytes: &[u8]| (name.to_owned(), Node::File(bytes.to_vec()));
        let journal = Image([file("1.seg", &bytes), file("lock", &[])].into());
        let books = Image([file("db", &bytes), file("conf", &[pages])].into());
        let folder = |name: &str, image| (name.to_owned(), Node::Folder(image));
        Image([folder("journal", journal), folder("sled", books)].into())
    }

    #[test]
    fn one_file_is_harmed_and_no_other_and_every_wound_is_dealt() {
        let (whole, copies) = (ledger(9), [ledger(7), ledger(8)]);
        let mut dealt = std::collections::HashSet::new();
        for seed in 0..600 {
            let mut harmed = whole.clone();
            let harm = inflict(&mut harmed, &copies, seed, &mut Dice::new(seed)).unwrap();
            let (before, after) = (whole.files(), harmed.files());
            let differs = |path: &&String| before.get(*path) != after.get(*path);
            let different: Vec<_> = before.keys().filter(differs).collect();
            match &harm {
                Harm::File(path, wound) => {
                    assert_eq!(different, [path], "{harm:?}");
                    dealt.insert(std::mem::discriminant(wound));
                }
                Harm::OlderLedger(age) => assert_eq!(Some(&harmed), copies.get(*age)),
                Harm::NoTail(_, has_books) => {
                    assert_eq!(harmed.0.get("sled"), whole.0.get("sled").filter(|_| *has_books));
                    assert_ne!(harmed.0.get("journal"), whole.0.get("journal"));
                }
            }
            assert_eq!(harm.is_rollback(), seed % 14 >= 12);
        }
        assert_eq!(dealt.len(), 6);
    }
}
