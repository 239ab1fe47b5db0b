//! `receipt`: checks a receipt with pinned keys and shows what it proves; works offline.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hardware_evidence::ComponentKind;
use prost_types::Timestamp;
use receipt::{Event, RECEIPT_BYTES_MAX, Receipt, SignedHead, TrustedKeys, Verified};
use serde_json::{Map, Value, json};

use crate::args::{ReceiptCommand, ReceiptVerifyArgs};
use crate::error::CliError;
use crate::names;
use crate::output::Printer;

/// Most bytes that are read: base64 takes a third more, line ends a little.
const FILE_BYTES_MAX: u64 = 2 * RECEIPT_BYTES_MAX as u64;
/// The format version, with which the bytes of every receipt begin and base64 cannot.
const FIRST_BYTE: u8 = 1;

pub(crate) fn run(command: &ReceiptCommand, printer: &Printer) -> Result<(), CliError> {
    match command {
        ReceiptCommand::Verify(args) => verify(args, printer),
    }
}

fn verify(args: &ReceiptVerifyArgs, printer: &Printer) -> Result<(), CliError> {
    let json = printer.wants_json()?;
    let trusted = trusted_keys(args)?;
    let bytes = receipt_file(&args.file)?;
    let verified = Receipt::decode(&bytes)?.verify(&trusted)?;
    if json {
        return printer.json(&json!({
            "leaf": object(verified.leaf.fields()),
            "head": object(head_fields(&verified.head)),
        }));
    }
    let shown = shown(&verified);
    let fields: Vec<(&str, String)> =
        shown.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    printer.note("the receipt is good: one of your trusted keys stands for what follows");
    printer.fields(&fields)
}

/// The public keys of a file, one a line.
pub(crate) fn trusted_file(path: &Path) -> Result<TrustedKeys, CliError> {
    let text = String::from_utf8(read(path)?);
    let text = text.map_err(|_| CliError::Usage(format!("{} is no text", path.display())));
    Ok(text?.parse()?)
}

/// The receipt of a file, its bytes or their base64.
pub(crate) fn receipt_file(path: &Path) -> Result<Vec<u8>, CliError> {
    receipt_bytes(read(path)?)
}

/// Writes the bytes of a proof to a file.
pub(crate) fn keep(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    std::fs::write(path, bytes).map_err(|error| CliError::Keep { path: path.to_owned(), error })
}

fn trusted_keys(args: &ReceiptVerifyArgs) -> Result<TrustedKeys, CliError> {
    let mut trusted =
        args.trusted_keys.as_deref().map(trusted_file).transpose()?.unwrap_or_default();
    for key in &args.keys {
        trusted.trust(key.parse()?)?;
    }
    Ok(trusted)
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let fault = |error| CliError::File { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(fault)?;
    } else {
        let file = File::open(path).map_err(fault)?;
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(fault)?;
    }
    Ok(bytes)
}

/// The bytes of a receipt from themselves or from their base64, as JSON has it.
fn receipt_bytes(found: Vec<u8>) -> Result<Vec<u8>, CliError> {
    if found.first() == Some(&FIRST_BYTE) || !found.is_ascii() {
        return Ok(found);
    }
    let digits: Vec<u8> = found.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(digits).map_err(|_| {
        let text = "the file holds neither the bytes of a receipt nor their base64";
        CliError::Usage(text.to_owned())
    })
}

pub(crate) type Fields = Vec<(String, String)>;

/// What people want to see, with times and kinds as they read them.
fn shown(verified: &Verified) -> Fields {
    let leaf = verified.leaf.fields().into_iter().map(|(name, value)| match name.as_str() {
        "kinds" => (name, kinds(&verified.leaf.event)),
        _ => match name.strip_suffix("_ms") {
            Some(what) => (format!("{what}_time"), time(&value)),
            None => (name, names::or_dash(&value)),
        },
    });
    leaf.chain(head_fields(&verified.head)).collect()
}

pub(crate) fn head_fields(signed: &SignedHead) -> Fields {
    let head = signed.head();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let fields = [
        ("chain_id", hex(&head.chain_id)),
        ("batch", head.batch.to_string()),
        ("first_sequence", head.first_sequence.to_string()),
        ("last_sequence", head.last_sequence.to_string()),
        ("leaf_count", head.leaf_count.to_string()),
        ("root", hex(&head.root)),
        ("previous", hex(&head.previous)),
        ("signing_key_id", head.signing_key_id.to_string()),
        ("hash", hex(&signed.hash())),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(crate) fn object(fields: Fields) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
}

/// The kinds by their names; a kind that is newer than this program keeps its number.
fn kinds(event: &Event) -> String {
    let Event::Activated(activated) = event else { return names::or_dash("") };
    let kinds = activated.kinds.iter().map(|(number, verdict)| {
        let name = ComponentKind::from_number((*number).into())
            .map_or_else(|| number.to_string(), |kind| kind.name().to_owned());
        format!("{name}={verdict}")
    });
    names::or_dash(&kinds.collect::<Vec<_>>().join(" "))
}

/// Milliseconds since 1970 UTC as RFC 3339.
fn time(milliseconds: &str) -> String {
    let time = milliseconds.parse::<i64>().ok().map(|time_ms| Timestamp {
        seconds: time_ms.div_euclid(1_000),
        nanos: i32::try_from(time_ms.rem_euclid(1_000) * 1_000_000).unwrap_or(0),
    });
    names::time(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_millisecond() {
        assert_eq!(time("0"), "1970-01-01T00:00:00Z");
        assert_eq!(time("-1"), "1969-12-31T23:59:59.999Z");
        assert_eq!(time("none"), "-");
        for extreme in [i64::MIN, i64::MAX] {
            assert!(!time(&extreme.to_string()).is_empty(), "no panic");
        }
    }

    #[test]
    fn a_receipt_is_read_as_bytes_and_as_base64() {
        assert_eq!(receipt_bytes(vec![1, 2, 3]).unwrap(), [1, 2, 3]);
        assert_eq!(receipt_bytes(b" AQID\r\n".to_vec()).unwrap(), [1, 2, 3]);
        assert_eq!(receipt_bytes(vec![2, 0xff]).unwrap(), [2, 0xff], "its format is refused later");
        assert!(receipt_bytes(b"{}".to_vec()).is_err());
    }
}
