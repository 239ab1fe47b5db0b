//! Refusals with machine-readable details (`google.rpc`), worded in the caller's language.

use std::collections::HashMap;
use std::time::Duration;

use http::HeaderMap;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, HelpLink, PreconditionViolation, StatusExt as _};

/// Most bytes of encoded details. They travel in one header, and some clients take 8 KiB of
/// headers.
pub const DETAILS_BYTES_MAX: usize = 5_500;
/// Longest text of a detail, in bytes; a longer one is cut.
pub const TEXT_BYTES_MAX: usize = 1_024;
/// Longest `accept-language` value that is read, in bytes.
const ACCEPT_LANGUAGE_BYTES_MAX: usize = 256;

/// A language in which refusals are worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English, and whatever we do not speak.
    #[default]
    En,
    /// Dutch.
    Nl,
}

impl Language {
    /// The best match for the call's `accept-language`.
    pub fn of(metadata: &MetadataMap) -> Self {
        metadata
            .get("accept-language")
            .and_then(|value| value.to_str().ok())
            .map_or(Self::default(), Self::negotiate)
    }

    /// The best match for an `accept-language` value such as `nl-BE, en;q=0.8`.
    pub fn negotiate(accept_language: &str) -> Self {
        if accept_language.len() > ACCEPT_LANGUAGE_BYTES_MAX {
            return Self::default();
        }
        let mut best: Option<(u16, Self)> = None;
        for range in accept_language.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let Some(language) = Self::of_tag(tag) else { continue };
            let weight = parts.find_map(|p| p.strip_prefix("q=")).map_or(Some(1_000), per_mille);
            // Equal weights keep the order in which the caller named them.
            if let Some(weight) = weight.filter(|w| *w > 0)
                && best.is_none_or(|(highest, _)| weight > highest)
            {
                best = Some((weight, language));
            }
        }
        best.map_or(Self::default(), |(_, language)| language)
    }

    /// The language tag, as LocalizedMessage states it.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Nl => "nl",
        }
    }

    pub(crate) fn of_headers(headers: &HeaderMap) -> Self {
        headers
            .get(http::header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .map_or(Self::default(), Self::negotiate)
    }

    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        match primary {
            "*" => Some(Self::En),
            p if p.eq_ignore_ascii_case("en") => Some(Self::En),
            p if p.eq_ignore_ascii_case("nl") => Some(Self::Nl),
            _ => None,
        }
    }
}

/// A refusal before it is worded for one caller: code, stable reason and what the caller can do.
#[derive(Debug, Clone)]
pub struct Fault(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: Code,
    reason: &'static str,
    message: String,
    localized: Option<(String, String)>,
    metadata: HashMap<String, String>,
    help: Vec<HelpLink>,
    bad_fields: Vec<FieldViolation>,
    preconditions: Vec<PreconditionViolation>,
    retry_delay: Option<Duration>,
    resource: Option<(String, String, String)>,
}

impl Fault {
    /// A refusal with its stable reason and the English message for developers.
    pub fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            reason,
            message: cut(message.into()),
            localized: None,
            metadata: HashMap::new(),
            help: Vec::new(),
            bad_fields: Vec::new(),
            preconditions: Vec::new(),
            retry_delay: None,
            resource: None,
        }))
    }

    /// What the person in front of the client reads; without it the English message serves both.
    #[must_use]
    pub fn localized(mut self, english: impl Into<String>, dutch: impl Into<String>) -> Self {
        self.0.localized = Some((cut(english.into()), cut(dutch.into())));
        self
    }

    /// One entry of ErrorInfo.metadata.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.metadata.insert(cut(key.into()), cut(value.into()));
        self
    }

    /// A link that leads on.
    #[must_use]
    pub fn help(mut self, description: impl Into<String>, url: impl Into<String>) -> Self {
        self.0.help.push(HelpLink::new(cut(description.into()), cut(url.into())));
        self
    }

    /// One field of the request that cannot be used, with a reason of its own.
    #[must_use]
    pub fn bad_field(
        mut self,
        field: impl Into<String>,
        reason: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        let mut violation = FieldViolation::new(cut(field.into()), cut(description.into()));
        violation.reason = cut(reason.into());
        self.0.bad_fields.push(violation);
        self
    }

    /// One condition that does not hold.
    #[must_use]
    pub fn precondition(
        mut self,
        kind: impl Into<String>,
        subject: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        let (kind, subject) = (cut(kind.into()), cut(subject.into()));
        let description = cut(description.into());
        self.0.preconditions.push(PreconditionViolation::new(kind, subject, description));
        self
    }

    /// The same request may succeed after this delay.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_delay = Some(delay);
        self
    }

    /// The thing that the refusal is about: its kind, its name, and what about it.
    #[must_use]
    pub fn resource(
        mut self,
        kind: impl Into<String>,
        name: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        let (kind, name) = (cut(kind.into()), cut(name.into()));
        self.0.resource = Some((kind, name, cut(description.into())));
        self
    }

    /// The code that the status will have.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The stable reason.
    pub fn reason(&self) -> &'static str {
        self.0.reason
    }

    /// The status for one caller. When the details outgrow [`DETAILS_BYTES_MAX`], the last bad
    /// fields are left out and ErrorInfo.metadata says how many (`bad_fields_left_out`).
    pub fn into_status(mut self, domain: &str, language: Language) -> Status {
        let total = self.0.bad_fields.len();
        loop {
            let status = self.worded(domain, language, total);
            if status.details().len() <= DETAILS_BYTES_MAX || self.0.bad_fields.is_empty() {
                return status;
            }
            let keep = self.0.bad_fields.len() * 3 / 4;
            self.0.bad_fields.truncate(keep);
        }
    }

    fn worded(&self, domain: &str, language: Language, bad_fields_total: usize) -> Status {
        let mut metadata = self.0.metadata.clone();
        let left_out = bad_fields_total - self.0.bad_fields.len();
        if left_out > 0 {
            metadata.insert("bad_fields_left_out".to_owned(), left_out.to_string());
        }
        let mut details = ErrorDetails::with_error_info(self.0.reason, domain, metadata);
        let text = match (&self.0.localized, language) {
            (Some((english, _)), Language::En) => english,
            (Some((_, dutch)), Language::Nl) => dutch,
            (None, _) => &self.0.message,
        };
        let spoken = if self.0.localized.is_some() { language } else { Language::En };
        details.set_localized_message(spoken.tag(), text.clone());
        if !self.0.help.is_empty() {
            details.set_help(self.0.help.clone());
        }
        if !self.0.bad_fields.is_empty() {
            details.set_bad_request(self.0.bad_fields.clone());
        }
        if !self.0.preconditions.is_empty() {
            details.set_precondition_failure(self.0.preconditions.clone());
        }
        if self.0.retry_delay.is_some() {
            details.set_retry_info(self.0.retry_delay);
        }
        if let Some((kind, name, description)) = &self.0.resource {
            details.set_resource_info(kind, name, "", description);
        }
        Status::with_error_details(self.0.code, self.0.message.clone(), details)
    }
}

/// Quality values have at most three decimals; `1` and `0.8` are 1000 and 800.
fn per_mille(quality: &str) -> Option<u16> {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{fraction:0<3}").parse::<u16>().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1_000),
        _ => None,
    }
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        let end = (0..=TEXT_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_language_is_negotiated() {
        for (accept, expected) in [
            ("nl", Language::Nl),
            ("nl-BE, en;q=0.8", Language::Nl),
            ("en;q=0.8, nl;q=0.9", Language::Nl),
            ("nl;q=0.5, en", Language::En),
            ("fr, de;q=0.3, NL;q=0.1", Language::Nl),
            ("nl;q=0", Language::En),
            ("nl;q=2", Language::En),
            ("nl;q=x, *", Language::En),
            ("fr", Language::En),
            ("", Language::En),
        ] {
            assert_eq!(Language::negotiate(accept), expected, "{accept}");
        }
        assert_eq!(Language::negotiate(&format!("nl{}", " ".repeat(300))), Language::En);
    }

    #[test]
    fn a_fault_carries_all_details_in_the_callers_language() {
        let status = Fault::new(Code::FailedPrecondition, "TOO_OLD", "too old")
            .localized("It is too old.", "Het is te oud.")
            .metadata("age", "7")
            .help("More", "https://help.example/x")
            .precondition("AGE", "it", "is 7")
            .retry_after(Duration::from_secs(2))
            .resource("thing", "things/1", "old")
            .into_status("example.v1", Language::Nl);
        let details = status.get_error_details();
        let info = details.error_info().expect("ErrorInfo");
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("TOO_OLD", "example.v1"));
        assert_eq!(info.metadata["age"], "7");
        let text = details.localized_message().expect("LocalizedMessage");
        assert_eq!((text.locale.as_str(), text.message.as_str()), ("nl", "Het is te oud."));
        assert!(details.help().is_some() && details.precondition_failure().is_some());
        assert!(details.retry_info().is_some() && details.resource_info().is_some());
    }

    #[test]
    fn details_stay_within_what_a_header_holds() {
        let mut fault = Fault::new(Code::InvalidArgument, "FIELD_INVALID", "x".repeat(9_000));
        for index in 0..300 {
            fault = fault.bad_field(format!("field[{index}]"), "REQUIRED", "it is missing");
        }
        let status = fault.into_status("example.v1", Language::En);
        assert!(status.details().len() <= DETAILS_BYTES_MAX);
        let details = status.get_error_details();
        let named = details.bad_request().expect("BadRequest").field_violations.len();
        let left_out = &details.error_info().expect("ErrorInfo").metadata["bad_fields_left_out"];
        assert_eq!(named + left_out.parse::<usize>().expect("a number"), 300);
        assert!(named >= 33, "{named}");
    }
}
