//! Anchors: durable heads as lines of text that are kept outside, and what one line demands.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use receipt::{HEAD_BYTES_MAX, SignedHead, TrustedKeys};
use thiserror::Error;

use crate::storage::journal::{ChainId, Known};

/// What a line begins with; a later format has another number.
const FORMAT: &str = "benefits-anchor/1";
/// A line is not longer; hex takes two digits a byte.
const LINE_BYTES_MAX: usize = 256 + 2 * HEAD_BYTES_MAX;

/// A durable head that is remembered outside of the ledger's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The signed head.
    pub head: SignedHead,
    /// When it was told, milliseconds since 1970 UTC by the service's clock.
    pub time_ms: i64,
}

/// Why a line is no anchor that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AnchorFault {
    /// It is no anchor of a version that is known here.
    #[error("it is no line of the form `{FORMAT} chain=… sequence=… head=… time_ms=… signed=…`")]
    Form,
    /// What it says beside the signed head is not what the signed head says.
    #[error("{0} is not that of the signed head in it: the line was changed")]
    Contradiction(&'static str),
    /// No trusted key signed its head.
    #[error("{0}: name the key in secrets.receipt_public_keys if it was in force before")]
    Signature(#[from] receipt::HeadFault),
}

/// Why a file of anchors cannot be used.
#[derive(Debug, Error)]
pub enum AnchorFileError {
    /// It cannot be read or written.
    #[error("{path}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A line in it is no anchor.
    #[error("{path}, line {line}: {fault}")]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Why.
        fault: AnchorFault,
    },
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tip = self.head.tip();
        let (chain, head) = (hex::encode(tip.chain_id), hex::encode(tip.head_hash));
        let (sequence, time) = (tip.last_sequence, self.time_ms);
        let signed = hex::encode(self.head.encode());
        write!(
            f,
            "{FORMAT} chain={chain} sequence={sequence} head={head} time_ms={time} signed={signed}"
        )
    }
}

impl Anchor {
    /// Reads a line and checks that a trusted key signed its head.
    ///
    /// # Errors
    /// It has another form, contradicts itself, or is signed by nobody who is trusted.
    pub fn parse(line: &str, trusted: &TrustedKeys) -> Result<Self, AnchorFault> {
        let mut words = line.split_ascii_whitespace();
        if line.len() > LINE_BYTES_MAX || words.next() != Some(FORMAT) {
            return Err(AnchorFault::Form);
        }
        let mut field = |name: &str| {
            let value = words.next().and_then(|word| word.strip_prefix(name));
            value.and_then(|value| value.strip_prefix('=')).ok_or(AnchorFault::Form)
        };
        let (chain, sequence) = (field("chain")?, field("sequence")?);
        let (head, time_ms) = (field("head")?, field("time_ms")?);
        let signed = hex::decode(field("signed")?).map_err(|_| AnchorFault::Form)?;
        let time_ms = time_ms.parse().map_err(|_| AnchorFault::Form)?;
        if words.next().is_some() {
            return Err(AnchorFault::Form);
        }
        let anchor =
            Self { head: SignedHead::decode(&signed).map_err(|_| AnchorFault::Form)?, time_ms };
        anchor.head.verify(trusted)?;
        let tip = anchor.head.tip();
        let claims = [
            ("chain", chain == hex::encode(tip.chain_id)),
            ("sequence", sequence == tip.last_sequence.to_string()),
            ("head", head == hex::encode(tip.head_hash)),
        ];
        match claims.iter().find(|(_, holds)| !holds) {
            Some((name, _)) => Err(AnchorFault::Contradiction(name)),
            None => Ok(anchor),
        }
    }

    /// What the journal must hold.
    #[must_use]
    pub fn known(&self) -> Known {
        let tip = self.head.tip();
        let chain = ChainId(tip.chain_id);
        Known { chain, sequence: tip.last_sequence, head: tip.head_hash }
    }
}

/// The newest anchor of a file; none if there is no file, or nothing in it. A last line that was
/// cut off while it was written is passed over; any other line that is no anchor is a fault, for
/// it may have been the one that tells.
///
/// # Errors
/// The file cannot be read, or a line is no anchor.
pub fn newest(path: &Path, trusted: &TrustedKeys) -> Result<Option<Anchor>, AnchorFileError> {
    let io = |cause| AnchorFileError::Io { path: path.to_owned(), cause };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(io)?,
    };
    let (mut reader, mut line, mut number) = (BufReader::new(file), String::new(), 0);
    let mut newest: Option<Anchor> = None;
    loop {
        line.clear();
        if reader.read_line(&mut line).map_err(io)? == 0 {
            return Ok(newest);
        }
        number += 1;
        match Anchor::parse(line.trim_end_matches('\n'), trusted) {
            Ok(anchor) => newest = Some(anchor),
            // Only what follows the last line break can be a line that was cut off.
            Err(_) if !line.ends_with('\n') => return Ok(newest),
            Err(fault) => {
                return Err(AnchorFileError::Line { path: path.to_owned(), line: number, fault });
            }
        }
    }
}

/// Appends an anchor and makes it durable. A line that was cut off before is ended first.
///
/// # Errors
/// The file cannot be written.
pub fn append(path: &Path, anchor: &Anchor) -> Result<(), AnchorFileError> {
    let io = |cause| AnchorFileError::Io { path: path.to_owned(), cause };
    let file = OpenOptions::new().create(true).append(true).read(true).open(path);
    let mut file = file.map_err(io)?;
    cut_unfinished(&file).map_err(io)?;
    file.write_all(format!("{anchor}\n").as_bytes()).and_then(|()| file.sync_all()).map_err(io)
}

/// Cuts off a last line without its end, which only a crash leaves.
fn cut_unfinished(file: &File) -> io::Result<()> {
    use std::os::unix::fs::FileExt as _;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        // A pipe or a terminal has no end to look at.
        return Ok(());
    }
    let length = metadata.len();
    let look = length.min(LINE_BYTES_MAX as u64 + 1);
    let mut tail = vec![0; usize::try_from(look).unwrap_or(0)];
    file.read_exact_at(&mut tail, length - look)?;
    let kept = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let unfinished = tail.len() - kept;
    if unfinished == 0 || (kept == 0 && look < length) {
        return Ok(());
    }
    file.set_len(length - unfinished as u64)
}

#[cfg(test)]
mod tests {
    use receipt::{SealedBatch, SigningKey, Tip};

    use super::*;

    fn anchor(batches: u64) -> Anchor {
        let key = SigningKey::from_seed(&[7; 32]);
        let mut tip = Tip::genesis([2; 16]);
        let mut head = None;
        for sequence in 1..=batches {
            let leaf = receipt::Leaf {
                key_id: [1; 16],
                account_version: sequence,
                sequence,
                shown_ms: 1,
                raw_ms: 1,
                actor: "product-key".to_owned(),
                reason: String::new(),
                client: receipt::Client::default(),
                request_id: None,
                event: receipt::Event::Refused(receipt::Refused {
                    reason: receipt::Reason::LimitReached,
                    platform: None,
                }),
            };
            let leaf = leaf.encode().expect("a leaf");
            let batch = SealedBatch::seal(&key, &tip, vec![leaf]).expect("a batch");
            tip = batch.head().tip();
            head = Some(*batch.head());
        }
        Anchor { head: head.expect("a batch"), time_ms: -5 }
    }

    fn trusted() -> TrustedKeys {
        SigningKey::from_seed(&[7; 32]).public_key().to_string().parse().expect("a key")
    }

    #[test]
    fn a_line_is_read_as_it_was_written_and_nothing_else_is() {
        let line = anchor(3).to_string();
        assert_eq!(Anchor::parse(&line, &trusted()), Ok(anchor(3)));
        assert_eq!(anchor(3).known().sequence, 3);
        for changed in [
            line.replace("anchor/1", "anchor/2"),
            line.replace("sequence=3", "sequence=4"),
            line.replace("head=", "head=00"),
            line.replace("time_ms=-5", "time_ms=x"),
            format!("{line} more=1"),
            line.trim_end_matches(|c| c != '=').to_owned(),
            line.chars().rev().collect(),
            String::new(),
        ] {
            assert!(Anchor::parse(&changed, &trusted()).is_err(), "{changed}");
        }
        let strangers: TrustedKeys =
            SigningKey::from_seed(&[8; 32]).public_key().to_string().parse().expect("a key");
        let refused = Anchor::parse(&line, &strangers);
        assert!(matches!(refused, Err(AnchorFault::Signature(_))), "{refused:?}");
    }

    #[test]
    fn the_newest_line_counts_and_one_that_was_cut_off_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("anchors");
        assert_eq!(newest(&path, &trusted()).expect("no file"), None);
        append(&path, &anchor(1)).expect("appended");
        append(&path, &anchor(2)).expect("appended");
        let whole = std::fs::read_to_string(&path).expect("text");
        for cut in whole.find('\n').expect("two lines") + 1..whole.len() {
            std::fs::write(&path, &whole[..cut]).expect("written");
            let found = newest(&path, &trusted()).expect("readable").expect("one line");
            let is_whole = cut == whole.len() - 1;
            assert_eq!(found, anchor(if is_whole { 2 } else { 1 }), "cut at {cut}");
        }
        std::fs::write(&path, &whole[..whole.len() - 7]).expect("written");
        append(&path, &anchor(3)).expect("appended");
        assert_eq!(newest(&path, &trusted()).expect("readable"), Some(anchor(3)));
        assert_eq!(std::fs::read_to_string(&path).expect("text").lines().count(), 2);
        std::fs::write(&path, format!("nonsense\n{whole}")).expect("written");
        let refused = newest(&path, &trusted());
        assert!(matches!(refused, Err(AnchorFileError::Line { line: 1, .. })), "{refused:?}");
    }
}
