//! Benefits: the products a partner is entitled to (R2), as rows to search and sort.

use thiserror::Error;

use super::content::Content;
use super::enrolment::{Enrolment, EnrolmentState};
use super::id::{EnrolmentId, ProductId};
use super::language::LanguageTag;
use super::offer::{Grant, Offer};
use super::product::Product;

/// Which benefit of a partner: `{enrolment}.{product}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BenefitId {
    /// The enrolment it comes from.
    pub enrolment: EnrolmentId,
    /// The product.
    pub product: ProductId,
}

/// Why a text is not the id of a benefit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a benefit is {{enrolment}}.{{product}}, both of a-z, 0-9 and \"-\"")]
pub struct BenefitIdError;

impl BenefitId {
    /// Takes the text if it is the id of a benefit. Ids hold no dot, so the text has exactly one.
    pub fn parse(text: &str) -> Result<Self, BenefitIdError> {
        let (enrolment, product) = text.split_once('.').ok_or(BenefitIdError)?;
        Ok(Self {
            enrolment: EnrolmentId::parse(enrolment).map_err(|_| BenefitIdError)?,
            product: ProductId::parse(product).map_err(|_| BenefitIdError)?,
        })
    }
}

impl std::fmt::Display for BenefitId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.enrolment, self.product)
    }
}

/// Where the product key of a benefit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// The product needs no key.
    NotRequired,
    /// No key was imported yet.
    NotAssigned,
    /// Recorded, not yet known to the activation service.
    Provisioning,
    /// It can be revealed and activated.
    Ready,
    /// The enrolment ended.
    Suspended,
}

impl KeyState {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::NotRequired, Self::NotAssigned, Self::Provisioning, Self::Ready, Self::Suspended];

    /// Its name in filters, as in the API without its prefix.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotRequired => "NOT_REQUIRED",
            Self::NotAssigned => "NOT_ASSIGNED",
            Self::Provisioning => "PROVISIONING",
            Self::Ready => "READY",
            Self::Suspended => "SUSPENDED",
        }
    }
}

/// A product that an enrolment entitles a partner to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Benefit<'c> {
    /// Its id.
    pub id: BenefitId,
    /// The product.
    pub product: &'c Product,
    /// The offer it comes from.
    pub offer: &'c Offer,
    /// What the offer grants of the product.
    pub grant: &'c Grant,
    /// Where the enrolment stands.
    pub enrolment_state: EnrolmentState,
    /// Last moment to activate.
    pub activate_by_ms: i64,
    /// Where its key stands: NOT_REQUIRED or NOT_ASSIGNED until the caller, who knows the keys,
    /// says otherwise.
    pub key_state: KeyState,
}

impl Benefit<'_> {
    /// The title in the language nearest to the reader's, and that language.
    pub fn title(&self, reader: &LanguageTag) -> (&LanguageTag, &str) {
        let (language, texts) = self.product.texts.pick(reader);
        (language, &texts.title)
    }
}

/// Why a list of benefits is as it is (F9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListState {
    /// At least one enrolment is active or in its grace.
    Active,
    /// No enrolment is active, in its grace or being provisioned.
    NoActiveOffer,
    /// The only enrolments that are not over are being provisioned.
    Provisioning,
}

/// Every benefit that the enrolments entitle to now, by enrolment and in the order of the offer.
/// One product through two offers is two benefits, each with its own end (F8). An offer that the
/// content no longer has grants nothing.
pub fn visible<'c>(
    content: &'c Content,
    enrolments: &[Enrolment],
    now_ms: i64,
) -> Vec<Benefit<'c>> {
    enrolments
        .iter()
        .filter(|enrolment| enrolment.term.state_at(now_ms).shows_benefits())
        .filter_map(|enrolment| Some((enrolment, content.offer(&enrolment.offer)?)))
        .flat_map(|(enrolment, offer)| {
            offer.grants.iter().filter_map(move |grant| {
                Some(row(enrolment, offer, grant, content.product(&grant.product)?, now_ms))
            })
        })
        .collect()
}

/// The benefit of this enrolment and product, if it is visible now.
pub fn find<'c>(
    content: &'c Content,
    enrolment: &Enrolment,
    product: &ProductId,
    now_ms: i64,
) -> Option<Benefit<'c>> {
    if !enrolment.term.state_at(now_ms).shows_benefits() {
        return None;
    }
    granted(content, enrolment, product, now_ms)
}

/// The benefit of this enrolment and product in any state: keys are imported before an enrolment is
/// active.
pub fn granted<'c>(
    content: &'c Content,
    enrolment: &Enrolment,
    product: &ProductId,
    now_ms: i64,
) -> Option<Benefit<'c>> {
    let offer = content.offer(&enrolment.offer)?;
    Some(row(enrolment, offer, offer.grant(product)?, content.product(product)?, now_ms))
}

/// Why the list of these enrolments is as it is.
pub fn list_state(enrolments: &[Enrolment], now_ms: i64) -> ListState {
    let any = |wanted: fn(EnrolmentState) -> bool| {
        enrolments.iter().any(|enrolment| wanted(enrolment.term.state_at(now_ms)))
    };
    if any(EnrolmentState::shows_benefits) {
        ListState::Active
    } else if any(|state| state == EnrolmentState::Provisioning) {
        ListState::Provisioning
    } else {
        ListState::NoActiveOffer
    }
}

fn row<'c>(
    enrolment: &Enrolment,
    offer: &'c Offer,
    grant: &'c Grant,
    product: &'c Product,
    now_ms: i64,
) -> Benefit<'c> {
    let key_state =
        if product.key_required { KeyState::NotAssigned } else { KeyState::NotRequired };
    Benefit {
        id: BenefitId { enrolment: enrolment.id.clone(), product: product.id.clone() },
        product,
        offer,
        grant,
        enrolment_state: enrolment.term.state_at(now_ms),
        activate_by_ms: enrolment.term.activate_by_ms(),
        key_state,
    }
}

#[cfg(test)]
pub(crate) mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r2_a_partner_sees_the_products_of_its_active_offers_only() {
        let content = samples::content();
        let enrolments = [
            samples::enrolment("active", "maps-core", 0, 100, true),
            samples::enrolment("grace", "competency", -100, -1, true),
            samples::enrolment("expired", "maps-core", -300, -100, true),
            samples::enrolment("waiting", "maps-core", 0, 100, false),
        ];
        let rows: Vec<String> =
            visible(&content, &enrolments, 0).iter().map(|row| row.id.to_string()).collect();
        assert_eq!(rows, ["active.server", "active.cal", "grace.server"]);
    }

    #[test]
    fn f1_a_row_says_source_quantity_and_activate_by() {
        let content = samples::content();
        let enrolment = samples::enrolment("e1", "maps-core", 0, 100, true);
        let server = ProductId::parse("server").expect("an id");
        let row = find(&content, &enrolment, &server, 0).expect("a benefit");
        assert_eq!(row.offer.source(), "MAPS - Core");
        assert_eq!(row.grant.activation_limit, 5);
        assert_eq!(row.activate_by_ms, enrolment.term.activate_by_ms());
        assert_eq!(row.key_state, KeyState::NotAssigned);
    }

    #[test]
    fn f8_after_the_grace_a_benefit_is_gone_but_its_grant_is_known() {
        let content = samples::content();
        let enrolment = samples::enrolment("e1", "maps-core", -300, -100, true);
        let server = ProductId::parse("server").expect("an id");
        assert_eq!(find(&content, &enrolment, &server, 0), None);
        let row = granted(&content, &enrolment, &server, 0).expect("a grant");
        assert_eq!(row.enrolment_state, EnrolmentState::Expired);
    }

    #[test]
    fn f9_no_active_offer_and_provisioning_are_told_apart() {
        let active = samples::enrolment("a", "maps-core", 0, 100, true);
        let waiting = samples::enrolment("w", "maps-core", 0, 100, false);
        let expired = samples::enrolment("x", "maps-core", -300, -100, true);
        for (enrolments, state) in [
            (vec![], ListState::NoActiveOffer),
            (vec![expired.clone()], ListState::NoActiveOffer),
            (vec![expired, waiting.clone()], ListState::Provisioning),
            (vec![waiting, active], ListState::Active),
        ] {
            assert_eq!(list_state(&enrolments, 0), state);
        }
    }

    #[test]
    fn an_offer_that_left_the_content_grants_nothing() {
        let enrolment = samples::enrolment("e1", "gone", 0, 100, true);
        assert!(visible(&samples::content(), &[enrolment], 0).is_empty());
    }

    #[test]
    fn the_id_of_a_benefit_reads_back() {
        let id = BenefitId::parse("e1.windows-server").expect("an id");
        assert_eq!(id.to_string(), "e1.windows-server");
        for bad in ["", ".", "e1", "e1.", ".p", "e1.p.q", "E1.p"] {
            assert_eq!(BenefitId::parse(bad), Err(BenefitIdError), "{bad}");
        }
    }
}
