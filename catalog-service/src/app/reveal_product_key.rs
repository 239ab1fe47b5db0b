//! Reveals the product key of a benefit; who and when is on disk before the key leaves (F7).

use zeroize::Zeroizing;

use super::{App, AppError, Caller};
use crate::domain::benefit::KeyState;
use crate::domain::error::Refusal;
use crate::domain::key::FirstView;
use crate::domain::name::{BenefitName, Handle};
use crate::ports::NewReveal;

/// Most characters of a subject that a reveal keeps.
const SUBJECT_CHARS_MAX: usize = 256;

/// A revealed key.
pub struct RevealedKey {
    /// The key in groups, for a person to type.
    pub product_key: Zeroizing<String>,
    /// Its handle.
    pub key_id: Handle,
    /// Who revealed it first and when.
    pub first_view: FirstView,
    /// The record of this reveal.
    pub reveal: Handle,
}

impl App {
    /// The key of a benefit that is visible now.
    pub async fn reveal_product_key(
        &self,
        caller: &Caller,
        name: &BenefitName,
    ) -> Result<RevealedKey, AppError> {
        caller.must_act_for(&name.partner)?;
        let content = self.ports.shelf.current().content;
        let now_ms = self.now_ms();
        let benefit = self.visible_benefit(&content, name, now_ms).await?;
        if !benefit.product.key_required {
            return Err(Refusal::KeyNotRequired(Vec::new()).into());
        }
        let (key, sealed) = self.ports.keys.key_for(name).await?.ok_or(Refusal::KeyNotAssigned)?;
        if key.state() == KeyState::Provisioning {
            return Err(Refusal::KeyProvisioning.into());
        }
        // Decrypted first: a key that cannot be shown is not recorded as shown.
        let product_key = self.ports.vault.open(name, &key.key_id, &sealed)?;
        let reveal = NewReveal {
            id: self.new_handle()?,
            key_id: key.key_id.clone(),
            benefit: name.clone(),
            subject: caller.subject.chars().take(SUBJECT_CHARS_MAX).collect(),
            at_ms: now_ms,
        };
        let first_view = self
            .ports
            .keys
            .record_reveal(&reveal)
            .await?
            .and_then(|key| key.first_view)
            .ok_or(Refusal::KeyProvisioning)?;
        Ok(RevealedKey {
            product_key: product_key.grouped(),
            key_id: key.key_id,
            first_view,
            reveal: reveal.id,
        })
    }
}
