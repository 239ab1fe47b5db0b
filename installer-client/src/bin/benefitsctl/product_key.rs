//! Where the product key comes from: a file, standard input, or, with a warning, the command line.

use std::fs::File;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read};
use std::path::Path;

use product_key::{INPUT_CHARS_MAX, ProductKey};
use zeroize::Zeroizing;

use crate::args::KeyArgs;
use crate::error::CliError;
use crate::output::Printer;

/// Most bytes of the line that holds the key; a character has at most four.
const LINE_BYTES_MAX: u64 = 4 * INPUT_CHARS_MAX as u64 + 2;

/// The key; standard input is read if no option names it.
pub(crate) fn required(args: &KeyArgs, printer: &Printer) -> Result<ProductKey, CliError> {
    if let Some(key) = given(args, printer)? {
        return Ok(key);
    }
    if std::io::stdin().is_terminal() {
        printer.note("product key:");
    }
    from_line(std::io::stdin(), Path::new("standard input"))
}

/// The key, if an option names it.
pub(crate) fn given(args: &KeyArgs, printer: &Printer) -> Result<Option<ProductKey>, CliError> {
    if let Some(text) = &args.product_key {
        printer.note("warning: --product-key shows the key to other users of this computer");
        return Ok(Some(ProductKey::parse(text)?));
    }
    let Some(path) = &args.product_key_file else { return Ok(None) };
    if path == Path::new("-") {
        return from_line(std::io::stdin(), path).map(Some);
    }
    let file = File::open(path).map_err(|error| CliError::File { path: path.clone(), error })?;
    from_line(file, path).map(Some)
}

/// The key in the first line.
fn from_line(source: impl Read, path: &Path) -> Result<ProductKey, CliError> {
    let mut line = Zeroizing::new(String::new());
    BufReader::new(source.take(LINE_BYTES_MAX))
        .read_line(&mut line)
        .map_err(|error| CliError::File { path: path.to_owned(), error })?;
    Ok(ProductKey::parse(line.trim_end_matches(['\r', '\n']))?)
}
