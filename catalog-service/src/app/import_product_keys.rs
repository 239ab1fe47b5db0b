//! Records the product keys of benefits, encrypted, and leaves their registration to the outbox.

use std::collections::HashMap;

use product_key::ProductKey;
use zeroize::Zeroizing;

use super::{App, AppError};
use crate::domain::benefit::{self, KeyState};
use crate::domain::content::Content;
use crate::domain::error::{BadField, Refusal};
use crate::domain::key::{AssignedKey, KeyTerms};
use crate::domain::name::{BenefitName, EnrolmentName};
use crate::ports::{EnrolmentRow, NewKey, RecordOutcome};

/// Random bytes of a key that we issue.
const ISSUED_KEY_BYTES: usize = 14;

/// One key to import.
#[derive(Debug)]
pub struct KeyImport {
    /// The benefit.
    pub benefit: BenefitName,
    /// The key; none to have one issued.
    pub product_key: Option<ProductKey>,
    /// Whether its evidence may rest on an operator-assigned handle alone.
    pub operator_handle_allowed: bool,
}

/// The terms of a key and whether it is registered.
struct Plan {
    terms: KeyTerms,
    to_register: bool,
}

impl App {
    /// Records all keys or none. With `validate_only` everything is checked and nothing recorded.
    pub async fn import_product_keys(
        &self,
        imports: &[KeyImport],
        validate_only: bool,
    ) -> Result<Vec<AssignedKey>, AppError> {
        let plans = self.plan(imports).await?;
        let mut keys = Vec::with_capacity(imports.len());
        for (import, plan) in imports.iter().zip(plans) {
            keys.push(self.new_key(import, plan)?);
        }
        let outcomes = self.ports.keys.record_keys(&keys, self.now_ms(), !validate_only).await?;
        let taken: Vec<BadField> = outcomes
            .iter()
            .enumerate()
            .filter(|(_, outcome)| **outcome == RecordOutcome::Taken)
            .map(|(index, _)| {
                let description = "the benefit has another key or other terms, or this key \
                                   belongs to another benefit";
                BadField::new(format!("keys[{index}].product_key"), description)
            })
            .collect();
        if !taken.is_empty() {
            return Err(Refusal::KeyAlreadyAssigned(taken).into());
        }
        self.bell.notify_one();
        Ok(outcomes.into_iter().filter_map(assigned).collect())
    }

    /// Finds the terms of every key; the benefits that do not exist or need no key are named all at
    /// once.
    async fn plan(&self, imports: &[KeyImport]) -> Result<Vec<Plan>, AppError> {
        let content = self.ports.shelf.current().content;
        let mut enrolments: HashMap<EnrolmentName, Option<EnrolmentRow>> = HashMap::new();
        let (mut plans, mut missing, mut keyless) = (Vec::new(), Vec::new(), Vec::new());
        for (index, import) in imports.iter().enumerate() {
            let name = import.benefit.enrolment_name();
            if !enrolments.contains_key(&name) {
                let row = self.ports.memberships.enrolment(&name).await?;
                enrolments.insert(name.clone(), row);
            }
            let row = enrolments.get(&name).and_then(Option::as_ref);
            let field = format!("keys[{index}].benefit");
            match row.and_then(|row| self.plan_of(&content, row, import)) {
                None => missing.push(BadField::new(field, "there is no such benefit")),
                Some(None) => keyless.push(BadField::new(field, "the product needs no key")),
                Some(Some(plan)) => plans.push(plan),
            }
        }
        if !missing.is_empty() {
            return Err(Refusal::BenefitNotFound(missing).into());
        }
        if !keyless.is_empty() {
            return Err(Refusal::KeyNotRequired(keyless).into());
        }
        Ok(plans)
    }

    /// The plan of one key: none without such a benefit, none within if the product needs no key.
    fn plan_of(
        &self,
        content: &Content,
        row: &EnrolmentRow,
        import: &KeyImport,
    ) -> Option<Option<Plan>> {
        let product = &import.benefit.product;
        let benefit = benefit::granted(content, &row.enrolment, product, self.now_ms())?;
        if benefit.key_state == KeyState::NotRequired {
            return Some(None);
        }
        Some(Some(Plan {
            terms: KeyTerms {
                limit: benefit.grant.activation_limit,
                counting_mode: benefit.offer.counting_mode,
                platforms: benefit.product.platforms.clone(),
                operator_handle_allowed: import.operator_handle_allowed,
                help_uri: self.settings.key_help_uri.clone(),
            },
            to_register: benefit.product.activation_required,
        }))
    }

    fn new_key(&self, import: &KeyImport, plan: Plan) -> Result<NewKey, AppError> {
        let issued_key;
        let product_key = match &import.product_key {
            Some(key) => key,
            None => {
                let mut random = Zeroizing::new([0; ISSUED_KEY_BYTES]);
                self.ports.random.fill(random.as_mut_slice())?;
                issued_key = ProductKey::issue(&random);
                &issued_key
            }
        };
        let key_id = self.new_handle()?;
        Ok(NewKey {
            sealed: self.ports.vault.seal(&import.benefit, &key_id, product_key)?,
            digest: self.ports.vault.digest(product_key),
            issued: import.product_key.is_none(),
            benefit: import.benefit.clone(),
            terms: plan.terms,
            to_register: plan.to_register,
            key_id,
        })
    }
}

fn assigned(outcome: RecordOutcome) -> Option<AssignedKey> {
    match outcome {
        RecordOutcome::Recorded(key) | RecordOutcome::AlreadyThere(key) => Some(key),
        RecordOutcome::Taken => None,
    }
}
