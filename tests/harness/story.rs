//! What happens in most stories: partners are enrolled, keys are imported and revealed, computers
//! are activated.

use anyhow::{Context as _, Result, bail};
use hardware_evidence::DeploymentSalt;
use jiff::{Timestamp, ToSpan as _, Unit};
use product_key::ProductKey;
use prost_types::Timestamp as WireTime;
use proto::activation::v1 as act;
use proto::catalog::v1 as cat;
use tonic::{Response, Status};

use crate::computer::Computer;
use crate::person::Person;
use crate::waiting::eventually;
use crate::world::World;

/// The offer with the whole product list.
pub const MAPS_CORE: &str = "offers/maps-core";
/// What a Dutch reader's program sends.
pub const DUTCH: &str = "nl-NL, nl;q=0.9, en;q=0.5";

const HOURS_A_DAY: i64 = 24;

/// A partner with an enrolment `core`.
#[derive(Clone, Debug)]
pub struct Partner {
    /// Its id.
    pub id: String,
}

/// A product key that the activation service knows.
#[derive(Clone, Debug)]
pub struct Key {
    /// `productKeys/{key_id}`.
    pub name: String,
    /// The secret.
    pub secret: String,
    /// `products/{product}`.
    pub product: String,
}

/// Where an enrolment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// Began a month ago and ends in eleven.
    Active,
    /// Ended ten days ago.
    Grace,
    /// Ended forty days ago, ten days after which its grace did.
    Expired,
    /// Began an hour ago and is not provisioned yet.
    Provisioning,
}

/// A moment so many days from now.
///
/// # Errors
/// The moment cannot be told.
pub fn days_from_now(days: i64) -> Result<WireTime> {
    // Whole seconds, so that what is read back compares equal.
    let now = Timestamp::now().round(Unit::Second)?;
    let moment = now.checked_add((days * HOURS_A_DAY).hours())?;
    Ok(WireTime { seconds: moment.as_second(), nanos: 0 })
}

/// 16 random bytes.
///
/// # Errors
/// The system gives none.
pub fn request_id() -> Result<bytes::Bytes> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).context("random bytes")?;
    Ok(bytes::Bytes::copy_from_slice(&id))
}

/// `productKeys/{key_id}` → `{key_id}`.
///
/// # Errors
/// It is no such name.
pub fn key_id_of(name: &str) -> Result<&str> {
    name.strip_prefix("productKeys/").with_context(|| format!("{name} names no key"))
}

impl Key {
    /// A request to activate a computer on Windows, with a request id of its own.
    ///
    /// # Errors
    /// Evidence cannot be made.
    pub fn activation(
        &self,
        salt: &DeploymentSalt,
        computer: &Computer,
    ) -> Result<act::ActivateRequest> {
        Ok(act::ActivateRequest {
            product_key: self.secret.clone(),
            product: self.product.clone(),
            evidence: Some(computer.evidence(salt)?),
            platform: act::Platform::Windows.into(),
            client: Some(act::ClientInfo { name: "journey".into(), version: "1.0".into() }),
            request_id: request_id()?,
        })
    }
}

impl Partner {
    /// `partners/{partner}`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("partners/{}", self.id)
    }

    /// The benefit of the enrolment `core` in this product.
    #[must_use]
    pub fn benefit(&self, product: &str) -> String {
        self.benefit_of("core", product)
    }

    /// The benefit of an enrolment in this product.
    #[must_use]
    pub fn benefit_of(&self, enrolment: &str, product: &str) -> String {
        format!("partners/{}/benefits/{enrolment}.{product}", self.id)
    }

    /// `partners/{partner}/enrolments/{enrolment}`.
    #[must_use]
    pub fn enrolment(&self, enrolment: &str) -> String {
        format!("partners/{}/enrolments/{enrolment}", self.id)
    }

    /// Its global admin.
    #[must_use]
    pub fn admin(&self) -> Person {
        Person::global_admin("anna", &self.id)
    }
}

impl Term {
    /// The enrolment of that term.
    ///
    /// # Errors
    /// A moment cannot be told.
    pub fn enrolment(self, name: &str, offer: &str) -> Result<cat::Enrolment> {
        let (start, end) = match self {
            Self::Active | Self::Provisioning => (-30, 335),
            Self::Grace => (-375, -10),
            Self::Expired => (-405, -40),
        };
        Ok(cat::Enrolment {
            name: name.to_owned(),
            offer: offer.to_owned(),
            start_time: Some(days_from_now(start)?),
            end_time: Some(days_from_now(end)?),
            provisioned: self != Self::Provisioning,
            ..cat::Enrolment::default()
        })
    }
}

impl World {
    /// A partner with an active enrolment in MAPS - Core.
    ///
    /// # Errors
    /// It cannot be recorded.
    pub async fn partner(&self, id: &str) -> Result<Partner> {
        let partner = self.partner_without_offer(id).await?;
        self.enrol(&partner, "core", MAPS_CORE, Term::Active).await?;
        Ok(partner)
    }

    /// A partner without an enrolment.
    ///
    /// # Errors
    /// It cannot be recorded.
    pub async fn partner_without_offer(&self, id: &str) -> Result<Partner> {
        let partner = Partner { id: id.to_owned() };
        let wire = cat::Partner { name: partner.name(), display_name: format!("{id} Ltd.") };
        let request = cat::UpsertPartnerRequest { partner: Some(wire), validate_only: false };
        self.catalog(&Person::ops_admin())?.upsert_partner(request).await?;
        Ok(partner)
    }

    /// Records an enrolment, or changes its term.
    ///
    /// # Errors
    /// It cannot be recorded.
    pub async fn enrol(
        &self,
        partner: &Partner,
        enrolment: &str,
        offer: &str,
        term: Term,
    ) -> Result<cat::Enrolment> {
        self.upsert_enrolment(term.enrolment(&partner.enrolment(enrolment), offer)?).await
    }

    /// Records an enrolment as it is given.
    ///
    /// # Errors
    /// It cannot be recorded.
    pub async fn upsert_enrolment(&self, enrolment: cat::Enrolment) -> Result<cat::Enrolment> {
        let enrolment = Some(enrolment);
        let request = cat::UpsertEnrolmentRequest { enrolment, validate_only: false };
        let answer = self.catalog(&Person::ops_admin())?.upsert_enrolment(request).await?;
        answer.into_inner().enrolment.context("an enrolment")
    }

    /// Has a key issued for a benefit; it may not be registered yet.
    ///
    /// # Errors
    /// It cannot be imported.
    pub async fn import_key(&self, benefit: &str) -> Result<cat::ImportedProductKey> {
        let key = cat::ProductKeyImport {
            benefit: benefit.to_owned(),
            product_key: String::new(),
            operator_handle_allowed: false,
        };
        let request = cat::ImportProductKeysRequest { keys: vec![key], validate_only: false };
        let answer = self.catalog(&Person::ops_admin())?.import_product_keys(request).await?;
        answer.into_inner().keys.pop().context("one key")
    }

    /// A benefit as the partner's admin sees it.
    ///
    /// # Errors
    /// It is refused.
    pub async fn benefit(&self, partner: &Partner, benefit: &str) -> Result<cat::Benefit> {
        let request = cat::GetBenefitRequest { name: benefit.to_owned(), ..Default::default() };
        let answer = self.catalog(&partner.admin())?.get_benefit(request).await?;
        answer.into_inner().benefit.context("a benefit")
    }

    /// Waits until the key of a benefit stands so.
    ///
    /// # Errors
    /// It does not within the harness's patience.
    pub async fn until_key_is(
        &self,
        partner: &Partner,
        benefit: &str,
        state: cat::BenefitKeyState,
    ) -> Result<cat::Benefit> {
        eventually(&format!("the key of {benefit} is {state:?}"), async || {
            let found = self.benefit(partner, benefit).await?;
            Ok((found.key_state() == state).then_some(found))
        })
        .await
    }

    /// The key of a benefit, shown to the partner's admin.
    ///
    /// # Errors
    /// It is refused.
    pub async fn reveal(
        &self,
        partner: &Partner,
        benefit: &str,
    ) -> Result<cat::RevealProductKeyResponse> {
        let request = cat::RevealProductKeyRequest { name: benefit.to_owned() };
        let answer = self.catalog(&partner.admin())?.reveal_product_key(request).await?;
        Ok(answer.into_inner())
    }

    /// A key issued for a benefit of the enrolment `core`, registered and revealed.
    ///
    /// # Errors
    /// A step is refused.
    pub async fn key_of(&self, partner: &Partner, product: &str) -> Result<Key> {
        let benefit = partner.benefit(product);
        self.import_key(&benefit).await?;
        self.until_key_is(partner, &benefit, cat::BenefitKeyState::Ready).await?;
        let revealed = self.reveal(partner, &benefit).await?;
        Ok(Key {
            name: revealed.product_key_name,
            secret: revealed.product_key,
            product: format!("products/{product}"),
        })
    }

    /// A key registered with the activation service directly, with these terms; what is left empty
    /// in them is filled in.
    ///
    /// # Errors
    /// It is refused.
    pub async fn registered(&self, terms: act::KeyRegistration) -> Result<Key> {
        let registration = complete(terms)?;
        let (secret, product) = (registration.product_key.clone(), registration.product.clone());
        let request = act::BatchRegisterKeysRequest { keys: vec![registration] };
        let answer = self.activation(&Person::catalog())?.batch_register_keys(request).await?;
        let key = answer.into_inner().keys.pop().context("one key")?;
        Ok(Key { name: key.name, secret, product })
    }

    /// A key of this limit, registered with the activation service directly.
    ///
    /// # Errors
    /// It is refused.
    pub async fn key_with_limit(&self, limit: u32) -> Result<Key> {
        self.registered(act::KeyRegistration { limit, ..Default::default() }).await
    }

    /// A request to activate a computer on Windows, with a request id of its own.
    ///
    /// # Errors
    /// Evidence cannot be made.
    pub fn activate_request(&self, key: &Key, computer: &Computer) -> Result<act::ActivateRequest> {
        key.activation(self.salt(), computer)
    }

    /// Activates a computer with a product key alone.
    ///
    /// # Errors
    /// It is refused.
    pub async fn activate(&self, key: &Key, computer: &Computer) -> Result<act::ActivateResponse> {
        Ok(self.try_activate(key, computer).await?.map(Response::into_inner)?)
    }

    /// Activates a computer with a product key alone, as a Dutch reader; gives what is answered.
    ///
    /// # Errors
    /// Evidence cannot be made.
    pub async fn try_activate(
        &self,
        key: &Key,
        computer: &Computer,
    ) -> Result<Result<Response<act::ActivateResponse>, Status>> {
        let request = self.activate_request(key, computer)?;
        let dutch = Person::installer().speaking(DUTCH);
        Ok(self.activation(&dutch)?.activate(request).await)
    }

    /// The key as operators see it.
    ///
    /// # Errors
    /// It is refused.
    pub async fn key(&self, name: &str) -> Result<act::ProductKey> {
        let request = act::GetKeyRequest { name: name.to_owned() };
        let answer = self.activation(&Person::ops_read())?.get_key(request).await?;
        answer.into_inner().key.context("a key")
    }

    /// The whole history of a key, oldest first.
    ///
    /// # Errors
    /// It is refused.
    pub async fn history(&self, name: &str) -> Result<Vec<act::KeyEvent>> {
        let mut client = self.activation(&Person::ops_read())?;
        let (mut events, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = act::ListKeyEventsRequest {
                parent: name.to_owned(),
                page_size: 200,
                page_token,
                ..Default::default()
            };
            let page = client.list_key_events(request).await?.into_inner();
            if page.events.is_empty() && !page.next_page_token.is_empty() {
                bail!("a page without events says that there are more");
            }
            events.extend(page.events);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(events);
            }
        }
    }
}

/// Terms with an id, a key, an owner and a product.
fn complete(mut terms: act::KeyRegistration) -> Result<act::KeyRegistration> {
    let mut random = [0; 14];
    getrandom::fill(&mut random).context("random bytes")?;
    let or =
        |text: String, other: &dyn Fn() -> String| if text.is_empty() { other() } else { text };
    terms.key_id = or(terms.key_id, &|| {
        random.iter().chain(&[0, 1]).map(|byte| format!("{byte:02x}")).collect()
    });
    terms.product_key = or(terms.product_key, &|| ProductKey::issue(&random).grouped().to_string());
    terms.owner = or(terms.owner, &|| "contoso".to_owned());
    terms.product = or(terms.product, &|| "products/windows-server-2019-standard".to_owned());
    terms.help_uri = or(terms.help_uri, &|| "https://help.example/manage-benefits".to_owned());
    Ok(terms)
}
