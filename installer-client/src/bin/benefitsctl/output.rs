//! The one place that prints: tables for people, canonical JSON for programs, failures on standard
//! error.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write};

use installer_client::{Failure, FailureKind};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::{Value, json};

use crate::args::Format;
use crate::error::CliError;

const COLUMN_GAP: usize = 2;

/// Prints in the form that was asked for.
pub(crate) struct Printer {
    format: Format,
}

impl Printer {
    pub(crate) const fn new(format: Format) -> Self {
        Self { format }
    }

    /// Whether the answer is wanted as JSON.
    ///
    /// A request for `grpcurl` is asked for with the same option, and only one command can make it.
    pub(crate) fn wants_json(&self) -> Result<bool, CliError> {
        match self.format {
            Format::Table => Ok(false),
            Format::Json => Ok(true),
            Format::ActivateRequest => {
                Err(CliError::Usage("-o activate-request is for `hardware show`".into()))
            }
        }
    }

    /// Whether a request for `grpcurl` is wanted.
    pub(crate) fn wants_request(&self) -> bool {
        self.format == Format::ActivateRequest
    }

    /// A message in the canonical JSON of its schema.
    pub(crate) fn message(
        &self,
        full_name: &str,
        message: &impl Message,
        skip_defaults: bool,
    ) -> Result<(), CliError> {
        let value = to_json(full_name, message, skip_defaults)?;
        self.json(&value)
    }

    /// A JSON value.
    pub(crate) fn json(&self, value: &Value) -> Result<(), CliError> {
        let text =
            serde_json::to_string_pretty(value).map_err(|e| CliError::Json(e.to_string()))?;
        out(&format!("{text}\n"))
    }

    /// Names and values, one pair a line.
    pub(crate) fn fields(&self, fields: &[(&str, String)]) -> Result<(), CliError> {
        let width = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for (name, value) in fields {
            let pad = " ".repeat(width + COLUMN_GAP - name.chars().count());
            text.push_str(&format!("{name}{pad}{}\n", plain(value)));
        }
        out(&text)
    }

    /// A table with a header.
    pub(crate) fn table(&self, header: &[&str], rows: &[Vec<String>]) -> Result<(), CliError> {
        let header = header.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let rows: Vec<Vec<String>> = std::iter::once(header)
            .chain(rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()))
            .collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max()
        };
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let pad = " ".repeat(width + COLUMN_GAP - cell.chars().count());
                line.push_str(&format!("{cell}{pad}"));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        out(&text)
    }

    /// A text of several lines, such as a walkthrough.
    pub(crate) fn text(&self, text: &str) -> Result<(), CliError> {
        let lines: Vec<String> = text.lines().map(plain).collect();
        out(&format!("{}\n", lines.join("\n")))
    }

    /// A remark for the person, which is not part of the answer.
    pub(crate) fn note(&self, text: &str) {
        err(&format!("{}\n", plain(text)));
    }

    /// A failure, in the form that was asked for.
    pub(crate) fn error(&self, error: &CliError) {
        let json = self.format == Format::Json;
        match error {
            CliError::Call { failure, hint } if json => {
                let mut value = failure_json(failure);
                if let (Some(hint), Some(object)) = (hint, value.as_object_mut()) {
                    object.insert("hint".into(), json!(hint));
                }
                err(&format!("{}\n", json!({ "error": value })));
            }
            CliError::Call { failure, hint } => {
                let mut text = failure_text(failure);
                if let Some(hint) = hint {
                    text.push_str(&format!("  {}\n", plain(hint)));
                }
                err(&text);
            }
            CliError::Unproven { reason, message } => {
                if json {
                    let value = json!({ "kind": "REFUSED", "reason": reason, "message": message });
                    err(&format!("{}\n", json!({ "error": value })));
                } else {
                    err(&format!("refused: {reason}\n  {}\n", plain(message)));
                }
            }
            local if json => {
                let value = json!({ "kind": "LOCAL", "message": local.to_string() });
                err(&format!("{}\n", json!({ "error": value })));
            }
            local => err(&format!("error: {}\n", plain(&local.to_string()))),
        }
    }
}

/// A message as canonical JSON.
pub(crate) fn to_json(
    full_name: &str,
    message: &impl Message,
    skip_defaults: bool,
) -> Result<Value, CliError> {
    let fault = |error: String| CliError::Json(error);
    let pool =
        DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).map_err(|e| fault(e.to_string()))?;
    let descriptor =
        pool.get_message_by_name(full_name).ok_or_else(|| fault(format!("no {full_name}")))?;
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .map_err(|e| fault(e.to_string()))?;
    let options = SerializeOptions::new().skip_default_fields(skip_defaults);
    dynamic
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(|e| fault(e.to_string()))
}

fn failure_text(failure: &Failure) -> String {
    let word = match failure.kind {
        FailureKind::Refused => "refused",
        FailureKind::Unavailable => "unavailable",
        FailureKind::Broken => "failed",
    };
    let reason = if failure.reason.is_empty() {
        format!("{:?}", failure.code)
    } else {
        failure.reason.clone()
    };
    let mut text = format!("{word}: {}\n  {}\n", plain(&reason), plain(&failure.message));
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name}{}", plain(value));
    };
    for bad in &failure.bad_fields {
        line("field ", &format!("{}: {}", bad.field, bad.description));
    }
    for condition in &failure.preconditions {
        line("condition ", condition);
    }
    if let Some(delay) = failure.retry_after {
        line("try again after ", &format!("{} ms", delay.as_millis()));
    }
    for link in &failure.help {
        line("help: ", &format!("{} {}", link.description, link.url));
    }
    text
}

fn failure_json(failure: &Failure) -> Value {
    let kind = match failure.kind {
        FailureKind::Refused => "REFUSED",
        FailureKind::Unavailable => "UNAVAILABLE",
        FailureKind::Broken => "BROKEN",
    };
    let fields = failure.bad_fields.iter();
    let links = failure.help.iter();
    json!({
        "kind": kind,
        "code": format!("{:?}", failure.code),
        "reason": failure.reason,
        "domain": failure.domain,
        "message": failure.message,
        "badFields": fields
            .map(|bad| json!({ "field": bad.field, "description": bad.description }))
            .collect::<Vec<_>>(),
        "preconditions": failure.preconditions,
        "retryAfterMs": failure
            .retry_after
            .map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
        "help": links
            .map(|link| json!({ "description": link.description, "url": link.url }))
            .collect::<Vec<_>>(),
        "facts": failure.facts,
    })
}

/// Text from elsewhere without characters that would steer the terminal or turn the line round.
fn plain(text: &str) -> String {
    let steers =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

fn out(text: &str) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // The reader has seen enough, as in `benefitsctl … | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(CliError::Output),
    }
}

/// Without a standard error there is nobody to tell.
fn err(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::activation::v1::{ActivateRequest, Platform};

    #[test]
    fn requests_have_canonical_json() {
        let request = ActivateRequest {
            product: "products/x".to_owned(),
            platform: Platform::Linux.into(),
            request_id: vec![0xff; 16].into(),
            ..ActivateRequest::default()
        };
        let value = to_json("benefits.activation.v1.ActivateRequest", &request, true).unwrap();
        assert_eq!(
            value,
            json!({
                "product": "products/x",
                "platform": "PLATFORM_LINUX",
                "requestId": "/////////////////////w==",
            })
        );
    }

    #[test]
    fn texts_from_elsewhere_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{202e}d"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d");
    }
}
