//! Who does what while services die: an operator, an admin, and installers.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hardware_evidence::DeploymentSalt;
use proto::activation::v1 as act;
use proto::catalog::v1 as cat;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::book::{Beat, Book, Tally, insist};
use super::installer::Installer;
use crate::person::Person;
use crate::refusal::Refusal;
use crate::seed::Dice;
use crate::story::{Key, MAPS_CORE, Partner, Term};
use crate::waiting::eventually;
use crate::world::{Activation, Catalog, World};

const INSTALLERS: u32 = 4;
/// How often the admin looks at a key.
const REVEALS: usize = 6;
/// How often the membership ends and is renewed.
const RENEWALS: usize = 3;

/// Longest pause when nobody else calls any more.
const PAUSE_MAX: Duration = Duration::from_secs(2);

const SERVER: &str = "windows-server-2019-standard";
const DATACENTER: &str = "offers/competency-datacenter";
/// A vendor's key, so that importing it again is the same request.
const VENDOR_KEY: &str = "VK7JG-NPHTM-C97JM-9MPGT-3V66T";

/// Everybody with their clients. Addresses stay when a service is started again.
pub(super) struct Cast {
    beat: Beat,
    salt: DeploymentSalt,
    partner: Partner,
    operator: Catalog,
    admin: Catalog,
    admin_too: Catalog,
    installers: Vec<(Activation, Activation)>,
}

impl Cast {
    pub(super) fn assemble(world: &World) -> Result<Self> {
        let partner = Partner { id: "contoso".to_owned() };
        let installer = |_| {
            let ops = world.activation(&Person::ops_admin())?;
            Ok((world.activation(&Person::installer())?, ops))
        };
        Ok(Self {
            beat: Beat::new(watch::Sender::new(Tally::default())),
            salt: *world.salt(),
            operator: world.catalog(&Person::ops_admin())?,
            admin: world.catalog(&partner.admin())?,
            admin_too: world.catalog(&Person::partner_admin("bert", &partner.id))?,
            installers: (0..INSTALLERS).map(installer).collect::<Result<_>>()?,
            partner,
        })
    }

    pub(super) fn beat(&self) -> Beat {
        Beat::clone(&self.beat)
    }

    /// The whole walk; gives what was acknowledged.
    pub(super) async fn play(self, dice: Dice) -> Result<Book> {
        let keys = self.set_up().await?;
        let blank = Book::new(self.partner.clone(), keys.clone(), Vec::new());
        let mut acting = JoinSet::new();
        for (number, (client, ops)) in (0_u32..).zip(self.installers.clone()) {
            let installer = Installer {
                beat: self.beat(),
                salt: self.salt,
                client,
                ops,
                keys: keys.iter().map(|(key, _)| key.clone()).collect(),
                dice: dice.apart(u64::from(number)),
                next_computer: number * 1_000,
                done: Vec::new(),
                book: Book::new(self.partner.clone(), Vec::new(), Vec::new()),
            };
            acting.spawn(installer.act());
        }
        let (beat, admin, benefits) =
            (self.beat(), self.admin_too.clone(), keys.iter().map(|(_, name)| name.clone()));
        let benefits: Vec<_> = benefits.collect();
        acting.spawn(watch_keys(
            beat,
            admin,
            benefits,
            Book::new(self.partner.clone(), Vec::new(), Vec::new()),
        ));
        let (renewed, _) = keys.first().context("a key")?;
        self.renew(dice.apart(99), renewed).await?;
        let mut book = blank;
        for (_, benefit) in &keys {
            let revealed = self.reveal(benefit).await?;
            book.reveals.push(revealed.reveal);
        }
        while let Some(acted) = acting.join_next().await {
            book.join(acted??);
        }
        Ok(book)
    }

    /// Partner, enrolments, keys; each key is revealed once.
    async fn set_up(&self) -> Result<Vec<(Key, String)>> {
        let wire = cat::Partner { name: self.partner.name(), display_name: "Contoso".to_owned() };
        let request = cat::UpsertPartnerRequest { partner: Some(wire), validate_only: false };
        insist(&self.beat, "UpsertPartner", || {
            let (mut client, request) = (self.operator.clone(), request.clone());
            async move { client.upsert_partner(request).await }
        })
        .await?
        .map_err(unexpected)?;
        self.enrol("core", MAPS_CORE, Term::Active).await?;
        self.enrol("dc", DATACENTER, Term::Active).await?;

        let benefits = [self.partner.benefit(SERVER), self.partner.benefit_of("dc", SERVER)];
        let mut keys = Vec::new();
        for (benefit, product_key) in benefits.into_iter().zip([VENDOR_KEY, ""]) {
            self.import(&benefit, product_key).await?;
            eventually("the key is ready", async || {
                let found = self.benefit(&benefit).await?;
                Ok((found.key_state() == cat::BenefitKeyState::Ready).then_some(()))
            })
            .await?;
            let revealed = self.reveal(&benefit).await?;
            let product = format!("products/{SERVER}");
            let key =
                Key { name: revealed.product_key_name, secret: revealed.product_key, product };
            keys.push((key, benefit));
        }
        Ok(keys)
    }

    async fn enrol(&self, enrolment: &str, offer: &str, term: Term) -> Result<()> {
        let enrolment = Some(term.enrolment(&self.partner.enrolment(enrolment), offer)?);
        let request = cat::UpsertEnrolmentRequest { enrolment, validate_only: false };
        insist(&self.beat, "UpsertEnrolment", || {
            let (mut client, request) = (self.operator.clone(), request.clone());
            async move { client.upsert_enrolment(request).await }
        })
        .await?
        .map_err(unexpected)?;
        Ok(())
    }

    async fn import(&self, benefit: &str, product_key: &str) -> Result<()> {
        let key = cat::ProductKeyImport {
            benefit: benefit.to_owned(),
            product_key: product_key.to_owned(),
            operator_handle_allowed: false,
        };
        let request = cat::ImportProductKeysRequest { keys: vec![key], validate_only: false };
        insist(&self.beat, "ImportProductKeys", || {
            let (mut client, request) = (self.operator.clone(), request.clone());
            async move { client.import_product_keys(request).await }
        })
        .await?
        .map_err(unexpected)?;
        Ok(())
    }

    async fn benefit(&self, name: &str) -> Result<cat::Benefit> {
        let request = cat::GetBenefitRequest { name: name.to_owned(), ..Default::default() };
        let answer = insist(&self.beat, "GetBenefit", || {
            let (mut client, request) = (self.admin.clone(), request.clone());
            async move { client.get_benefit(request).await }
        });
        answer.await?.map_err(unexpected)?.benefit.context("a benefit")
    }

    async fn reveal(&self, benefit: &str) -> Result<cat::RevealProductKeyResponse> {
        let request = cat::RevealProductKeyRequest { name: benefit.to_owned() };
        let answer = insist(&self.beat, "RevealProductKey", || {
            let (mut client, request) = (self.admin.clone(), request.clone());
            async move { client.reveal_product_key(request).await }
        });
        answer.await?.map_err(unexpected)
    }

    /// The membership ends and is renewed, while everybody goes on.
    async fn renew(&self, mut dice: Dice, key: &Key) -> Result<()> {
        for _ in 0..RENEWALS {
            self.pause(dice.below(16)).await;
            self.enrol("core", MAPS_CORE, Term::Expired).await?;
            if dice.one_in(2) {
                eventually("the end of the membership arrives", async || {
                    let now = self.key(&key.name).await?.suspension.unwrap_or_default();
                    Ok(now.suspended.then_some(()))
                })
                .await?;
            }
            self.pause(dice.below(16)).await;
            self.enrol("core", MAPS_CORE, Term::Active).await?;
        }
        Ok(())
    }

    /// Lets others have so many answers, as long as there are any others.
    async fn pause(&self, answers: usize) {
        let from = self.beat.borrow().answered;
        let mut watching = self.beat.subscribe();
        let passed = watching.wait_for(|tally| tally.answered >= from + answers as u64);
        let _passed_or_nobody_calls = timeout(PAUSE_MAX, passed).await;
    }

    async fn key(&self, name: &str) -> Result<act::ProductKey> {
        let request = act::GetKeyRequest { name: name.to_owned() };
        let (_, ops) = self.installers.first().context("an operator")?;
        let answer = insist(&self.beat, "GetKey", || {
            let (mut client, request) = (ops.clone(), request.clone());
            async move { client.get_key(request).await }
        });
        answer.await?.map_err(unexpected)?.key.context("a key")
    }
}

pub(super) fn unexpected(refusal: Refusal) -> anyhow::Error {
    anyhow::anyhow!("refused: {refusal:?}")
}

/// Looks at the keys again and again; refused while the membership is over.
async fn watch_keys(
    beat: Beat,
    admin: Catalog,
    benefits: Vec<String>,
    mut book: Book,
) -> Result<Book> {
    for benefit in benefits.iter().cycle().take(REVEALS) {
        let request = cat::RevealProductKeyRequest { name: benefit.clone() };
        let answer = insist(&beat, "RevealProductKey", || {
            let (mut client, request) = (admin.clone(), request.clone());
            async move { client.reveal_product_key(request).await }
        });
        match answer.await? {
            Ok(revealed) => book.reveals.push(revealed.reveal),
            Err(refusal) => {
                ensure!(refusal.reason == "BENEFIT_NOT_FOUND", "{refusal:?}");
                book.refused(refusal);
            }
        }
    }
    Ok(book)
}
