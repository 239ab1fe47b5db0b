//! What people read: lines on standard output, complaints on standard error.

use std::io::Write as _;

/// Writes a line. A reader who went away, as in `| head`, is no reason to fail.
pub fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// Writes how far something is that takes long, on standard error.
pub fn progress(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes why a command failed.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "error: {text}");
}
