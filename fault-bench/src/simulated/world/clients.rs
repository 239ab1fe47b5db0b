//! What clients come to ask for.

use activation_service::domain::command::Settings;
use activation_service::domain::ids::RequestId;
use activation_service::domain::terms::{CountingMode, Platforms, Suspension, Terms};
use activation_service::ports::Span;
use anyhow::Result;

use super::asks::{Ask, By, OWNER, PRODUCT, Told};
use super::chance::{BEGINNING_MS, id};
use super::computers::{Look, evidence};
use super::shape::{Variety, pick};
use super::{Known, World};

/// Computers of a key beyond its limit.
const COMPUTERS_BEYOND: u64 = 1;
/// Chances of the requests of an ordinary life, of a hundred.
const KINDS: [(u64, Kind); 11] = [
    (46, Kind::Activate),
    (12, Kind::Release),
    (7, Kind::Limit),
    (3, Kind::Block),
    (4, Kind::Suspend),
    (7, Kind::GetKey),
    (4, Kind::Usage),
    (6, Kind::Events),
    (5, Kind::Computers),
    (3, Kind::Preview),
    (3, Kind::LedgerHead),
];

/// The chances of the kinds up to [`Kind::GetKey`], added up.
const PLAIN_PERCENT: u64 = 79;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Activate,
    Release,
    Limit,
    Block,
    Suspend,
    GetKey,
    Usage,
    Events,
    Computers,
    Preview,
    LedgerHead,
}

impl World {
    /// The registration of a key that nobody was told of, which is asked for again before others
    /// ask for the key in vain.
    pub(super) fn unregistered(&self) -> Option<usize> {
        let keys = usize::from(self.shape.keys).min(self.asks.len());
        let is_told = |place: usize| {
            let mut sendings = self.sent.iter().filter(|sent| sent.ask == place);
            sendings.any(|sent| sent.told.as_ref().is_some_and(|it| matches!(it.1, Told::Key(_))))
        };
        (0..keys).find(|place| !is_told(*place))
    }

    /// The next request that was never made before.
    pub(super) fn next_ask(&mut self) -> Result<Ask> {
        let made = self.asks.len();
        if made < usize::from(self.shape.keys) {
            return Ok(self.register(u8::try_from(made)?));
        }
        let key = u8::try_from(self.dice.below(self.shape.keys.into()))?;
        let kind = self.kind();
        Ok(match kind {
            Kind::Activate => self.activate(key)?,
            Kind::Release => match self.known_of(key) {
                Some(known) => self.release(known)?,
                None => self.activate(key)?,
            },
            Kind::Limit => {
                let limit = u32::try_from(self.dice.below(self.shape.limit_max + 4))?;
                let settings = Settings { limit: Some(limit), ..Settings::default() };
                Ask::Update { key, settings: Box::new(settings) }
            }
            Kind::Block => {
                let blocked = Some(self.dice.chance(25));
                let settings = Settings { blocked, ..Settings::default() };
                Ask::Update { key, settings: Box::new(settings) }
            }
            Kind::Suspend => {
                // A message of the catalog may be late.
                let late = self.dice.below(3).min(self.generation);
                self.generation += 1;
                let (suspended, generation) = (self.dice.chance(30), self.generation - late);
                Ask::Suspend { key, suspension: Suspension { suspended, generation } }
            }
            Kind::GetKey => Ask::GetKey { key },
            Kind::Usage => Ask::Usage { keys: self.shape.keys },
            Kind::Events => self.events(key)?,
            Kind::Computers => Ask::Computers { key },
            Kind::Preview => {
                let (computer, look) = self.computer();
                Ask::Preview { key, evidence: evidence(computer, look)? }
            }
            Kind::LedgerHead => Ask::LedgerHead,
        })
    }

    fn kind(&mut self) -> Kind {
        // The judge of linearizability knows the first kinds only.
        let plain = self.shape.variety == Variety::Plain;
        let mut roll = self.dice.below(if plain { PLAIN_PERCENT } else { 100 });
        for (chance, kind) in KINDS {
            if roll < chance {
                return kind;
            }
            roll -= chance;
        }
        Kind::Activate
    }

    fn register(&mut self, key: u8) -> Ask {
        let plain = self.shape.variety == Variety::Plain;
        let every = !plain && self.dice.chance(25);
        let activate_by = !plain && self.dice.chance(self.shape.activate_by_percent);
        let terms = Terms {
            owner: OWNER.to_owned(),
            product: PRODUCT.to_owned(),
            platforms: Platforms::ALL,
            limit: u32::try_from(self.shape.limit_max - self.dice.below(2)).unwrap_or(1).max(1),
            counting_mode: match every {
                true => CountingMode::EveryActivation,
                false => CountingMode::HardwareTolerant,
            },
            releases_max: u32::try_from(self.dice.below(3)).unwrap_or(0),
            activate_by_ms: activate_by.then_some(BEGINNING_MS + 60_000),
            help_uri: String::new(),
            handle_allowed: false,
        };
        Ask::Register { key, terms: Box::new(terms) }
    }

    fn computer(&mut self) -> (u64, Look) {
        let computer = self.dice.below(self.shape.limit_max + COMPUTERS_BEYOND);
        let usual = self.shape.variety == Variety::Plain || self.dice.chance(55);
        let look = if usual { None } else { pick(&mut self.dice, &Look::ALL) };
        (computer, *look.unwrap_or(&Look::Usual))
    }

    fn activate(&mut self, key: u8) -> Result<Ask> {
        let (computer, look) = self.computer();
        let (evidence, request) = (evidence(computer, look)?, RequestId(id(&mut self.dice)));
        Ok(Ask::Activate { key, computer, evidence, request })
    }

    fn known_of(&mut self, key: u8) -> Option<Known> {
        let known: Vec<Known> = self.known.iter().filter(|it| it.key == key).copied().collect();
        pick(&mut self.dice, &known).copied()
    }

    fn release(&mut self, known: Known) -> Result<Ask> {
        let Known { key, computer, activation } = known;
        let roll = if self.shape.variety == Variety::Plain { 0 } else { self.dice.below(100) };
        let by = match roll {
            0..50 => By::Operator,
            50..75 => By::Owner,
            _ => By::KeyHolder(evidence(computer, Look::Usual)?),
        };
        Ok(Ask::Release { key, activation, by, request: RequestId(id(&mut self.dice)) })
    }

    fn events(&mut self, key: u8) -> Result<Ask> {
        let after = self.dice.chance(50).then(|| self.dice.below(8));
        let (descending, most) = (self.dice.chance(50), usize::try_from(1 + self.dice.below(9))?);
        Ok(Ask::Events { key, span: Span { descending, after, most } })
    }
}
