//! What a reader sees of a benefit: content, enrolment, key and usage put together.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::{App, AppError};
use crate::domain::benefit::{self, Benefit, KeyState};
use crate::domain::content::Content;
use crate::domain::enrolment::EnrolmentState;
use crate::domain::error::Refusal;
use crate::domain::id::{EnrolmentId, FamilyId, OfferId, PartnerId};
use crate::domain::key::{AssignedKey, KeyCounts};
use crate::domain::language::LanguageTag;
use crate::domain::name::{BenefitName, Handle};
use crate::domain::offer::{CountingMode, LicenceQuantity};
use crate::ports::UsageReading;

/// The use of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Nothing is counted: there is no key, or the product is not activated.
    NotApplicable,
    /// The counts of the ledger.
    Available {
        /// Counted activations less releases.
        used: u32,
        /// Most activations.
        limit: u32,
        /// What remains.
        remaining: u32,
        /// When they were read.
        as_of_ms: i64,
    },
    /// The activation service did not answer in time, or does not know the key yet.
    Unavailable {
        /// When it was asked in vain.
        as_of_ms: i64,
    },
}

/// The use of some keys, as far as it could be learnt.
#[derive(Debug, Clone)]
pub struct UsageOfKeys {
    reading: Option<UsageReading>,
    asked_ms: i64,
}

impl UsageOfKeys {
    /// What was read of them, or that they were asked for in vain.
    pub fn read(reading: Option<UsageReading>, asked_ms: i64) -> Self {
        Self { reading, asked_ms }
    }

    /// The use of one of them.
    pub fn of(&self, key_id: &Handle) -> Usage {
        let Some(reading) = &self.reading else {
            return Usage::Unavailable { as_of_ms: self.asked_ms };
        };
        let as_of_ms = reading.as_of_ms;
        match reading.counts.get(key_id) {
            None => Usage::Unavailable { as_of_ms },
            Some(&KeyCounts { used, limit, remaining }) => {
                Usage::Available { used, limit, remaining, as_of_ms }
            }
        }
    }
}

/// A row of the list of benefits (F1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenefitView {
    /// Its name.
    pub name: BenefitName,
    /// Its title.
    pub title: String,
    /// The family of the product.
    pub family: FamilyId,
    /// Program and specialisation.
    pub source: String,
    /// The offer.
    pub offer: OfferId,
    /// The enrolment.
    pub enrolment: EnrolmentId,
    /// Licences granted; not activations (F4).
    pub licence_quantity: LicenceQuantity,
    /// Most activations.
    pub activation_limit: u32,
    /// Whether the limit is sample data.
    pub activation_limit_sample: bool,
    /// How activations count.
    pub counting_mode: CountingMode,
    /// Where the enrolment stands.
    pub enrolment_state: EnrolmentState,
    /// Last moment to activate.
    pub activate_by_ms: i64,
    /// Whether installing needs a key.
    pub key_required: bool,
    /// Whether it must be activated.
    pub activation_required: bool,
    /// Whether it can be downloaded.
    pub downloadable: bool,
    /// Why it cannot be downloaded and where it is managed.
    pub not_downloadable_note: String,
    /// Where its key stands.
    pub key_state: KeyState,
    /// The handle of its key.
    pub key_id: Option<Handle>,
    /// When the key was first revealed.
    pub first_viewed_ms: Option<i64>,
    /// The use of the key.
    pub usage: Usage,
    /// The language of the texts.
    pub language: LanguageTag,
}

/// Puts the known key beside the benefit.
pub(super) fn with_key<'c>(
    mut benefit: Benefit<'c>,
    keys: &HashMap<BenefitName, AssignedKey>,
    partner: &PartnerId,
) -> Benefit<'c> {
    let name = BenefitName::of(partner.clone(), benefit.id.clone());
    if let (KeyState::NotAssigned, Some(key)) = (benefit.key_state, keys.get(&name)) {
        benefit.key_state = key.state();
    }
    benefit
}

/// The row of a benefit, its usage still open.
pub(super) fn row(
    benefit: &Benefit<'_>,
    key: Option<&AssignedKey>,
    name: BenefitName,
    reader: &LanguageTag,
    now_ms: i64,
) -> BenefitView {
    let (language, texts) = benefit.product.texts.pick(reader);
    let key = key.filter(|_| benefit.product.key_required);
    // A key that is not registered has no counts to ask for (R5).
    let counted = key.is_some_and(|key| key.delivery.is_some());
    BenefitView {
        title: texts.title.clone(),
        family: benefit.product.family.clone(),
        source: benefit.offer.source(),
        offer: benefit.offer.id.clone(),
        enrolment: benefit.id.enrolment.clone(),
        licence_quantity: benefit.grant.licence_quantity.clone(),
        activation_limit: benefit.grant.activation_limit,
        activation_limit_sample: benefit.grant.activation_limit_sample,
        counting_mode: benefit.offer.counting_mode,
        enrolment_state: benefit.enrolment_state,
        activate_by_ms: benefit.activate_by_ms,
        key_required: benefit.product.key_required,
        activation_required: benefit.product.activation_required,
        downloadable: benefit.product.downloadable,
        not_downloadable_note: texts.not_downloadable_note.clone(),
        key_state: benefit.key_state,
        key_id: key.map(|key| key.key_id.clone()),
        first_viewed_ms: key.and_then(|key| key.first_view.as_ref().map(|view| view.at_ms)),
        usage: if counted { Usage::Unavailable { as_of_ms: now_ms } } else { Usage::NotApplicable },
        language: language.clone(),
        name,
    }
}

impl App {
    /// The keys of a partner by benefit.
    pub(super) async fn keys_by_benefit(
        &self,
        partner: &PartnerId,
    ) -> Result<HashMap<BenefitName, AssignedKey>, AppError> {
        let keys = self.ports.keys.keys_of(partner).await?;
        Ok(keys.into_iter().map(|key| (key.benefit.clone(), key)).collect())
    }

    /// The benefit of this name, if its enrolment shows benefits now.
    pub(super) async fn visible_benefit<'c>(
        &self,
        content: &'c Content,
        name: &BenefitName,
        now_ms: i64,
    ) -> Result<Benefit<'c>, AppError> {
        let stored = self.ports.memberships.enrolment(&name.enrolment_name()).await?;
        let found =
            stored.and_then(|row| benefit::find(content, &row.enrolment, &name.product, now_ms));
        Ok(found.ok_or(Refusal::BenefitNotFound(Vec::new()))?)
    }

    /// Asks the activation service once for the counts of these keys. It has at most its own time
    /// and what is left of the caller's.
    pub async fn usage_of(
        &self,
        keys: &Arc<[Handle]>,
        left: Option<Duration>,
        now_ms: i64,
    ) -> UsageOfKeys {
        let own = Duration::from_millis(self.settings.usage_timeout_ms_max);
        let within = left.map_or(own, |left| left.min(own));
        if keys.is_empty() || within.is_zero() {
            return UsageOfKeys::read(None, now_ms);
        }
        // The adapter has logged why there is no answer.
        let reading = self.ports.ledger.usage(Arc::clone(keys), within).await.ok();
        UsageOfKeys::read(reading, now_ms)
    }
}
