//! What a caller is told when the answer is no: the code and the typed details beside it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

/// A refusal with its details read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// The stable reason.
    pub reason: String,
    /// Whose reason it is.
    pub domain: String,
    /// What programs are told beyond the reason.
    pub metadata: BTreeMap<String, String>,
    /// The language of `text`.
    pub locale: String,
    /// For the reader.
    pub text: String,
    /// Where to go next: description and link.
    pub links: Vec<(String, String)>,
    /// The fields that cannot be used, each with its reason.
    pub fields: Vec<(String, String)>,
    /// What must be met first: kind, subject, description.
    pub preconditions: Vec<(String, String, String)>,
    /// When to send the same request again.
    pub retry_delay: Option<Duration>,
}

/// The refusal that an answer must be.
///
/// # Errors
/// The answer is none, or it lacks details that every refusal has.
pub fn refusal<T: Debug>(answer: Result<Response<T>, Status>) -> Result<Refusal> {
    match answer {
        Ok(answer) => bail!("expected a refusal, got {answer:?}"),
        Err(status) => Refusal::of(&status),
    }
}

impl Refusal {
    /// Reads the details.
    ///
    /// # Errors
    /// A detail is missing that every refusal has.
    pub fn of(status: &Status) -> Result<Self> {
        let details = status.check_error_details().context("the details can be decoded")?;
        let info = details.error_info();
        let info = info.with_context(|| format!("no ErrorInfo in {status:?}"))?;
        let message = details.localized_message();
        let message = message.with_context(|| format!("no LocalizedMessage in {status:?}"))?;
        let links = details.help().map(|help| help.links.clone()).unwrap_or_default();
        let bad = details.bad_request().map(|bad| bad.field_violations.clone());
        let unmet = details.precondition_failure().map(|unmet| unmet.violations.clone());
        Ok(Self {
            code: status.code(),
            reason: info.reason.clone(),
            domain: info.domain.clone(),
            metadata: info.metadata.clone().into_iter().collect(),
            locale: message.locale.clone(),
            text: message.message.clone(),
            links: links.into_iter().map(|link| (link.description, link.url)).collect(),
            fields: bad
                .unwrap_or_default()
                .into_iter()
                .map(|bad| (bad.field, bad.description))
                .collect(),
            preconditions: unmet
                .unwrap_or_default()
                .into_iter()
                .map(|unmet| (unmet.r#type, unmet.subject, unmet.description))
                .collect(),
            retry_delay: details.retry_info().and_then(|retry| retry.retry_delay),
        })
    }

    /// Checks code and reason, and what every refusal owes its reader: a text in one of our
    /// languages and a link to go on with (R11); a delay exactly where a repeat can help.
    ///
    /// # Errors
    /// Something else is told.
    pub fn is(self, code: Code, reason: &str) -> Result<Self> {
        let told = (self.code, self.reason.as_str());
        ensure!(told == (code, reason), "wanted {code:?} {reason}, got {self:?}");
        let domains = ["benefits.activation.v1", "benefits.catalog.v1"];
        ensure!(domains.contains(&self.domain.as_str()), "a domain of ours: {self:?}");
        ensure!(["en", "nl"].contains(&self.locale.as_str()), "a language of ours: {self:?}");
        ensure!(!self.text.is_empty(), "a text: {self:?}");
        let link = self.links.iter().any(|(text, link)| {
            !text.is_empty() && link.starts_with("https://") && link.len() > "https://".len()
        });
        ensure!(link, "R11: every refusal leads on: {self:?}");
        let passes = [Code::Unavailable, Code::ResourceExhausted, Code::Aborted].contains(&code);
        ensure!(passes == self.retry_delay.is_some(), "a delay where a repeat can help: {self:?}");
        Ok(self)
    }

    /// Checks that the text is Dutch.
    ///
    /// # Errors
    /// It is of another language.
    pub fn in_dutch(self) -> Result<Self> {
        ensure!(self.locale == "nl", "in Dutch: {self:?}");
        Ok(self)
    }

    /// Checks that exactly these fields are named, in any order.
    ///
    /// # Errors
    /// Others are named.
    pub fn names(self, fields: &[&str]) -> Result<Self> {
        let mut named: Vec<&str> = self.fields.iter().map(|(field, _)| field.as_str()).collect();
        named.sort_unstable();
        let mut wanted = fields.to_vec();
        wanted.sort_unstable();
        ensure!(named == wanted, "wanted the fields {wanted:?}, got {self:?}");
        Ok(self)
    }
}
