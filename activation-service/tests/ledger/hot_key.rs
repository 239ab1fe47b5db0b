//! P1: many computers on one key never go above its limit, and a request sent three times counts
//! once.

use std::sync::Arc;

use activation_service::app::{
    Activated, Activation, App, AppError, Caller, ProofTerms, Registration,
};
use activation_service::domain::error::Refusal;
use activation_service::domain::event::{Client, Outcome};
use activation_service::domain::ids::{ActivationId, RequestId};
use activation_service::domain::product_key::{Pepper, PepperId, Peppers, ProductKey};
use activation_service::domain::terms::{Platform, Suspension};
use activation_service::ports::{Clock, Ledger, Randomness};
use hardware_evidence::DeploymentSalt;

use crate::engines;
use crate::keys::{POLICY, computer, key_id, terms};

const KEY: &str = "FOREIGN-KEY-0001";
const CLIENTS: usize = 64;
const LIMIT: usize = 5;

struct FixedClock;

impl Clock for FixedClock {
    fn now_ms(&self) -> i64 {
        1_000
    }
}

/// Ids that never repeat, so that a run can be told from another by nothing but its order.
#[derive(Default)]
struct Counting(std::sync::atomic::AtomicU64);

impl Randomness for Counting {
    fn id_bytes(&self) -> [u8; 16] {
        let number = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes
    }
}

fn activation(number: u32) -> Activation {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Activation {
        product_key: ProductKey::parse(KEY).expect("a key"),
        product: "products/office".to_owned(),
        evidence: computer(number),
        platform: Platform::Linux,
        client: Client::default(),
        request_id: RequestId(id),
    }
}

/// What the clients of one race were told, and what the ledger says afterwards.
pub(crate) struct Race {
    /// Client, activation and `used` of each counted answer.
    counted: Vec<(u32, ActivationId, u32)>,
    refused: usize,
    /// Activations that were granted as something else than a new computer.
    otherwise: usize,
    used: u32,
    computers: u32,
}

impl Race {
    fn note(&mut self, number: u32, answer: Result<Activated, AppError>) -> Result<(), AppError> {
        match answer {
            Ok(Activated { granted, .. }) => {
                self.otherwise += usize::from(granted.outcome != Outcome::CountedNewComputer);
                self.counted.push((number, granted.activation, granted.used));
            }
            Err(AppError::Refused { refusal: Refusal::LimitReached { .. }, .. }) => {
                self.refused += 1;
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }

    /// Says what is wrong, if anything; each client sent its request `times` times at once and
    /// once more at the end.
    pub(crate) fn verdict(mut self, times: usize) -> Result<(), String> {
        let times = times + 1;
        let told = (self.counted.len(), self.refused);
        if told != (LIMIT * times, (CLIENTS - LIMIT) * times) || self.otherwise > 0 {
            return Err(format!("counted and refused: {told:?}"));
        }
        self.counted.sort_unstable();
        let same = |answers: &[(u32, ActivationId, u32)]| answers.iter().all(|a| *a == answers[0]);
        if !self.counted.chunks(times).all(same) {
            return Err("a repeat was answered otherwise".to_owned());
        }
        let mut used: Vec<_> = self.counted.iter().map(|(.., used)| *used as usize).collect();
        used.sort_unstable();
        used.dedup();
        if used != (1..=LIMIT).collect::<Vec<_>>() {
            return Err(format!("used as told: {used:?}"));
        }
        match (self.used as usize, self.computers as usize) {
            (LIMIT, LIMIT) => Ok(()),
            books => Err(format!("used and computers in the ledger: {books:?}")),
        }
    }
}

/// 64 computers at once on a key with limit 5, each sending its request `times` times.
pub(crate) async fn race(ledger: Arc<dyn Ledger>, times: usize) -> Result<Race, AppError> {
    let (app, background) = App::start(
        ledger,
        Arc::new(FixedClock),
        Arc::new(Counting::default()),
        POLICY.clone(),
        Peppers::new(Pepper::new(PepperId(1), [5; 32]), None),
        DeploymentSalt::new([3; 32]),
        ProofTerms::default(),
    );
    let app = Arc::new(app);
    let catalog = Caller::Catalog { subject: "catalog".to_owned() };
    let product_key = ProductKey::parse(KEY).expect("a key");
    let suspension = Suspension::default();
    let terms = terms(LIMIT as u32);
    let registration = Registration { key_id: key_id(1), product_key, terms, suspension };
    app.batch_register_keys(&catalog, vec![registration]).await?;

    let mut clients = tokio::task::JoinSet::new();
    for number in (0..CLIENTS as u32).flat_map(|number| std::iter::repeat_n(number, times)) {
        let app = Arc::clone(&app);
        clients.spawn(async move {
            (number, app.activate(&Caller::KeyHolder, activation(number)).await)
        });
    }
    let mut race = Race { counted: Vec::new(), refused: 0, otherwise: 0, used: 0, computers: 0 };
    while let Some(done) = clients.join_next().await {
        let (number, answer) = done.expect("no panic");
        race.note(number, answer)?;
    }
    // Once more after all answers: repeats that share a batch with the first are the easy ones.
    for number in 0..CLIENTS as u32 {
        race.note(number, app.activate(&Caller::KeyHolder, activation(number)).await)?;
    }
    let head = app.get_key(&catalog, key_id(1)).await?.head;
    (race.used, race.computers) = (head.used, head.computers);
    drop(app);
    background.finish().await;
    Ok(race)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r10_64_computers_at_once_on_a_limit_of_5() {
    for engine in engines() {
        let race = race(engine.ledger, 1).await.expect("answers");
        assert_eq!(race.verdict(1), Ok(()), "{}", engine.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r10_64_computers_at_once_each_asking_three_times() {
    for engine in engines() {
        let race = race(engine.ledger, 3).await.expect("answers");
        assert_eq!(race.verdict(3), Ok(()), "{}", engine.name);
    }
}
