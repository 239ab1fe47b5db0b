//! A partner of the catalog: enrolled, given a key, shown it; and what of it was acknowledged.

use anyhow::{Context as _, Result, bail, ensure};
use product_key::ProductKey;
use proto::catalog::v1 as cat;
use system_tests::{Dice, Key, MAPS_CORE, Partner, Term, World, days_from_now};

use super::asking::{Clients, Told, ask, insist, until};

const PRODUCT: &str = "windows-server-2019-standard";
const ENROLMENT: &str = "core";
/// Days from now to either end of the term of those who are enrolled for years.
const YEARS_DAYS: i64 = 3_000;

/// An actor who has a partner enrolled and looks at its key.
pub(super) struct Owner {
    pub(super) clients: Clients,
    pub(super) dice: Dice,
    pub(super) partner: Partner,
    is_recorded: bool,
    /// The last term that was acknowledged, and those after it of which nobody knows.
    terms: Vec<Term>,
    /// True once a term was acknowledged.
    is_enrolled: bool,
    /// True if it is enrolled for years and never ended, so that no clock matters.
    is_steady: bool,
    vendor_key: String,
    /// The name of the imported key.
    imported: Option<String>,
    /// Names of acknowledged reveals.
    reveals: Vec<String>,
    /// The key, once it was shown.
    pub(super) shown: Option<Key>,
}

impl Owner {
    pub(super) fn new(clients: Clients, partner: Partner, mut dice: Dice) -> Result<Self> {
        let id = dice.id();
        let random = id.first_chunk().context("14 bytes")?;
        Ok(Self {
            clients,
            dice,
            partner,
            is_recorded: false,
            terms: Vec::new(),
            is_enrolled: false,
            is_steady: false,
            vendor_key: ProductKey::issue(random).grouped().to_string(),
            imported: None,
            reveals: Vec::new(),
            shown: None,
        })
    }

    /// The same, enrolled for years and never ended.
    pub(super) fn steady(self) -> Self {
        Self { is_steady: true, ..self }
    }

    /// Does what comes next, or one of several things; false if its outcome is unknown.
    pub(super) async fn step(&mut self) -> Result<bool> {
        if !self.is_recorded {
            return self.record().await;
        }
        if !self.is_enrolled || (!self.is_steady && self.dice.one_in(8)) {
            let is_ended = self.is_enrolled && self.terms.last() == Some(&Term::Active);
            return self.enrol(if is_ended { Term::Expired } else { Term::Active }).await;
        }
        if self.imported.is_none() {
            return self.import().await;
        }
        self.reveal().await
    }

    async fn record(&mut self) -> Result<bool> {
        let display_name = format!("{} Ltd.", self.partner.id);
        let wire = cat::Partner { name: self.partner.name(), display_name };
        let request = cat::UpsertPartnerRequest { partner: Some(wire), validate_only: false };
        let told = ask("UpsertPartner", self.clients.operator.upsert_partner(request)).await?;
        self.is_recorded = self.is_recorded || answered("UpsertPartner", &told)?;
        Ok(told.is_known())
    }

    async fn enrol(&mut self, term: Term) -> Result<bool> {
        let mut wire = term.enrolment(&self.partner.enrolment(ENROLMENT), MAPS_CORE)?;
        if self.is_steady {
            wire.start_time = Some(days_from_now(-YEARS_DAYS)?);
            wire.end_time = Some(days_from_now(YEARS_DAYS)?);
        }
        let request = cat::UpsertEnrolmentRequest { enrolment: Some(wire), validate_only: false };
        let told = ask("UpsertEnrolment", self.clients.operator.upsert_enrolment(request)).await?;
        if answered("UpsertEnrolment", &told)? {
            self.is_enrolled = true;
            self.terms.clear();
        }
        self.terms.push(term);
        Ok(told.is_known())
    }

    fn import_request(&self) -> cat::ImportProductKeysRequest {
        let key = cat::ProductKeyImport {
            benefit: self.partner.benefit(PRODUCT),
            product_key: self.vendor_key.clone(),
            operator_handle_allowed: false,
        };
        cat::ImportProductKeysRequest { keys: vec![key], validate_only: false }
    }

    async fn import(&mut self) -> Result<bool> {
        let request = self.import_request();
        let told = self.clients.operator.import_product_keys(request);
        let told = ask("ImportProductKeys", told).await?;
        match &told {
            Told::Answer(answer) => {
                let key = answer.keys.first().context("a key")?;
                self.imported = Some(key.product_key_name.clone());
            }
            // While the membership is over, nothing can be imported for it.
            Told::Refused(refusal) => self.ensure_ended(refusal)?,
            Told::Unknown => {}
        }
        Ok(told.is_known())
    }

    fn ensure_ended(&self, refusal: &system_tests::Refusal) -> Result<()> {
        let may_be = self.terms.contains(&Term::Expired);
        ensure!(may_be && refusal.reason == "BENEFIT_NOT_FOUND", "{:?}: {refusal:?}", self.terms);
        Ok(())
    }

    async fn reveal(&mut self) -> Result<bool> {
        let request = cat::RevealProductKeyRequest { name: self.partner.benefit(PRODUCT) };
        let told = ask("RevealProductKey", self.clients.admin.reveal_product_key(request)).await?;
        match &told {
            Told::Answer(answer) => self.see(answer)?,
            Told::Refused(refusal) => self.ensure_ended(refusal)?,
            Told::Unknown => {}
        }
        Ok(told.is_known())
    }

    fn see(&mut self, answer: &cat::RevealProductKeyResponse) -> Result<()> {
        let name = &answer.product_key_name;
        ensure!(Some(name) == self.imported.as_ref(), "another key is shown: {name}");
        ensure!(answer.product_key == self.vendor_key, "another secret is shown for {name}");
        self.reveals.push(answer.reveal.clone());
        let (secret, product) = (answer.product_key.clone(), format!("products/{PRODUCT}"));
        self.shown.get_or_insert(Key { name: name.clone(), secret, product });
        Ok(())
    }

    /// All that was acknowledged is there, before anything is asked again.
    pub(super) async fn verify(&self) -> Result<()> {
        if let (true, [term]) = (self.is_enrolled, self.terms.as_slice()) {
            let name = self.partner.benefit(PRODUCT);
            let found = insist("GetBenefit", || {
                let request = cat::GetBenefitRequest { name: name.clone(), ..Default::default() };
                let mut client = self.clients.admin.clone();
                async move { client.get_benefit(request).await }
            });
            let is_there = found.await?.is_ok();
            let should = *term == Term::Active;
            ensure!(is_there == should, "lost: the enrolment of {name} was {term:?}");
        }
        Ok(())
    }

    /// Whatever was left open is asked again, and then all must be as it was acknowledged.
    pub(super) async fn settle(&mut self, world: &World) -> Result<()> {
        let what = "the catalog takes up its work again";
        if !self.is_recorded {
            until(what, async || Ok(self.record().await?.then_some(()))).await?;
        }
        if !self.is_enrolled || self.terms != [Term::Active] {
            until(what, async || Ok(self.enrol(Term::Active).await?.then_some(()))).await?;
        }
        let acknowledged = self.imported.take();
        until(what, async || Ok(self.import().await?.then_some(()))).await?;
        let is_same = acknowledged.is_none() || acknowledged == self.imported;
        ensure!(is_same, "lost: the import of {acknowledged:?} became {:?}", self.imported);
        until("the key is shown", async || Ok(self.reveal().await?.then_some(()))).await?;
        self.check_reveals(world).await
    }

    async fn check_reveals(&self, world: &World) -> Result<()> {
        let parent = self.partner.name();
        let request = cat::ListKeyRevealsRequest { parent, page_size: 200, ..Default::default() };
        let mut client = world.catalog(&system_tests::Person::ops_read())?;
        let found = client.list_key_reveals(request).await?.into_inner().reveals;
        let lost = self.reveals.iter().find(|name| !found.iter().any(|it| it.name == **name));
        ensure!(lost.is_none(), "lost: the reveal {lost:?} was acknowledged");
        let firsts = found.iter().filter(|reveal| reveal.first).count();
        ensure!(firsts == 1, "{firsts} first reveals of one key");
        Ok(())
    }
}

fn answered<T>(what: &str, told: &Told<T>) -> Result<bool> {
    match told {
        Told::Answer(_) => Ok(true),
        Told::Unknown => Ok(false),
        Told::Refused(refusal) => bail!("{what} was refused: {refusal:?}"),
    }
}
