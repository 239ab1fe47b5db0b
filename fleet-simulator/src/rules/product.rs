//! Our rule: registers a key and decides with the domain of the activation service.

use std::sync::Arc;

use activation_service::domain::account::Account;
use activation_service::domain::command::{
    Activate, Answer as DomainAnswer, Command, Context, Register, decide,
};
use activation_service::domain::error::Refusal;
use activation_service::domain::event::{Client, Origin, RequestStamp};
use activation_service::domain::ids::{ActivationId, KeyId, RequestId};
use activation_service::domain::policy::Policy;
use activation_service::domain::product_key::{LookupDigest, PepperId};
use activation_service::domain::terms::{CountingMode, LIMIT_MAX, Platforms, Suspension, Terms};

use super::{Answer, Fault, Report, Rule};

const KEY: KeyId = KeyId([7; 16]);
const SOFTWARE: &str = "products/simulated";

/// A key under the product's policy.
pub struct Product {
    policy: Arc<Policy>,
    account: Account,
    requests: u128,
}

impl Product {
    /// Registers a key with a limit that is never reached.
    ///
    /// # Errors
    /// The domain does not take it.
    pub fn new(policy: Arc<Policy>) -> Result<Self, Fault> {
        let terms = Terms {
            owner: "fleet".to_owned(),
            product: SOFTWARE.to_owned(),
            platforms: Platforms::ALL,
            limit: LIMIT_MAX,
            counting_mode: CountingMode::HardwareTolerant,
            releases_max: 0,
            activate_by_ms: None,
            help_uri: "https://example.com/help".to_owned(),
            handle_allowed: false,
        };
        let register = Register {
            key_id: KEY,
            terms,
            suspension: Suspension::default(),
            lookups: vec![LookupDigest { pepper: PepperId(1), digest: [1; 32] }],
            origin: origin(),
        };
        let context =
            Context { policy: &policy, account: None, recorded: None, lookup_owner: None };
        let decision = decide(context, &Command::Register(Box::new(register)));
        let account = decision.applied(None)?;
        let account = account.ok_or_else(|| Fault::Refusal("a key".to_owned()))?;
        Ok(Self { policy, account, requests: 0 })
    }

    /// Counts that the key holds.
    #[must_use]
    pub fn used(&self) -> u32 {
        self.account.head.used
    }
}

impl Rule for Product {
    fn answer(&mut self, report: &Report) -> Result<Answer, Fault> {
        let Some(evidence) = &report.evidence else { return Ok(Answer::Refused) };
        self.requests += 1;
        let id = RequestId(self.requests.to_be_bytes());
        let activate = Activate {
            product: SOFTWARE.to_owned(),
            evidence: Arc::clone(evidence),
            platform: report.platform,
            request: RequestStamp::activate(id, SOFTWARE, evidence, report.platform),
            new_activation: ActivationId(id.0),
            origin: origin(),
        };
        let account = Some(&self.account);
        let context = Context { policy: &self.policy, account, recorded: None, lookup_owner: None };
        let decision = decide(context, &Command::Activate(activate));
        for event in &decision.events {
            self.account.apply(event)?;
        }
        match decision.result {
            Ok(DomainAnswer::Activated(granted)) if granted.outcome.is_counted() => {
                Ok(Answer::Counted)
            }
            Ok(DomainAnswer::Activated(_)) => Ok(Answer::NotCounted),
            Ok(other) => Err(Fault::Refusal(format!("{other:?}"))),
            Err(Refusal::InsufficientEvidence(_)) => Ok(Answer::Refused),
            Err(refusal) => Err(Fault::Refusal(refusal.to_string())),
        }
    }
}

/// No count reads a clock, so one moment does for all.
fn origin() -> Origin {
    let client = Client { name: "fleet".to_owned(), version: "1".to_owned() };
    Origin { actor: "product-key".to_owned(), reason: String::new(), client, time_ms: 0 }
}
