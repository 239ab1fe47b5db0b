//! What every call brings besides its message: the caller, the language, and the time that is left.

use std::time::Duration;

use chassis::auth::Principal;
use chassis::serve::Deadline;
use chassis::status::Language;
use tonic::{Extensions, Request};

use crate::app::Caller;
use crate::domain::language::LanguageTag;

/// Roles that may look at every partner.
const OPERATOR_ROLES: [&str; 2] = ["OPS_READ", "OPS_ADMIN"];

/// What is kept of the caller's time for putting the answer together.
const ANSWER_TIME: Duration = Duration::from_millis(50);

/// Where a reader goes next (R11).
#[derive(Debug, Clone)]
pub struct Links {
    /// The page that manages benefits and offers.
    pub manage_uri: String,
    /// The page that opens a technical-support incident.
    pub support_uri: String,
}

/// One call.
pub(super) struct Call {
    /// Who calls.
    pub(super) caller: Caller,
    /// The language of refusals.
    pub(super) language: Language,
    deadline: Option<Deadline>,
}

impl Call {
    pub(super) fn of<T>(request: &Request<T>) -> Self {
        let extensions: &Extensions = request.extensions();
        let principal = Principal::of(extensions);
        Self {
            caller: Caller {
                subject: principal.subject().to_owned(),
                tenant: principal.tenant().map(str::to_owned),
                operator: OPERATOR_ROLES.iter().any(|role| principal.has(role)),
            },
            language: Language::of(request.metadata()),
            deadline: Deadline::of(extensions),
        }
    }

    /// What is left of the caller's time for asking others.
    pub(super) fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.remaining().saturating_sub(ANSWER_TIME))
    }

    /// The language of texts if the message does not name one.
    pub(super) fn accepted_language(&self) -> LanguageTag {
        LanguageTag::parse(self.language.tag()).unwrap_or_else(|_| LanguageTag::english())
    }
}
