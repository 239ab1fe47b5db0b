//! P1: many computers on one key never go above its limit, and a request sent three times counts once.

use std::sync::Arc;

use activation_service::app::{Activation, App, AppError, Caller, Registration};
use activation_service::domain::error::Refusal;
use activation_service::domain::event::{Client, Outcome};
use activation_service::domain::ids::RequestId;
use activation_service::domain::product_key::{Pepper, PepperId, Peppers, ProductKey};
use activation_service::domain::terms::{Platform, Suspension};
use activation_service::ports::{Clock, Randomness};
use hardware_evidence::DeploymentSalt;

use crate::engines;
use crate::keys::{POLICY, computer, key_id, terms};

const KEY: &str = "FOREIGN-KEY-0001";

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

async fn race(times: usize) {
    for engine in engines() {
        let pepper = Pepper::new(PepperId(1), [5; 32]);
        let (app, background) = App::start(
            Arc::clone(&engine.ledger),
            Arc::new(FixedClock),
            Arc::new(Counting::default()),
            POLICY.clone(),
            Peppers::new(pepper, None),
            DeploymentSalt::new([3; 32]),
        );
        let app = Arc::new(app);
        let catalog = Caller::Catalog { subject: "catalog".to_owned() };
        let product_key = ProductKey::parse(KEY).expect("a key");
        let suspension = Suspension::default();
        let registration =
            Registration { key_id: key_id(1), product_key, terms: terms(5), suspension };
        app.batch_register_keys(&catalog, vec![registration]).await.expect("registered");

        let mut clients = tokio::task::JoinSet::new();
        for number in (0..64).flat_map(|number| std::iter::repeat_n(number, times)) {
            let app = Arc::clone(&app);
            clients.spawn(async move {
                (number, app.activate(&Caller::KeyHolder, activation(number)).await)
            });
        }
        let (mut counted, mut refused) = (Vec::new(), 0);
        while let Some(done) = clients.join_next().await {
            match done.expect("no panic") {
                (number, Ok(activated)) => {
                    let outcome = activated.granted.outcome;
                    assert_eq!(outcome, Outcome::CountedNewComputer, "{}", engine.name);
                    counted.push((number, activated.granted.activation, activated.granted.used));
                }
                (_, Err(AppError::Refused { refusal: Refusal::LimitReached { .. }, .. })) => {
                    refused += 1;
                }
                (_, Err(other)) => panic!("{}: {other:?}", engine.name),
            }
        }
        assert_eq!((counted.len(), refused), (5 * times, 59 * times), "{}", engine.name);
        counted.sort_unstable_by_key(|(number, ..)| *number);
        for same in counted.chunks(times) {
            assert!(same.iter().all(|answer| *answer == same[0]), "a repeat answers the same");
        }
        let mut used: Vec<_> = counted.iter().map(|(.., used)| *used).collect();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used, [1, 2, 3, 4, 5], "{}", engine.name);
        let key = app.get_key(&catalog, key_id(1)).await.expect("known");
        assert_eq!((key.head.used, key.head.computers), (5, 5), "{}", engine.name);
        drop(app);
        background.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r10_64_computers_at_once_on_a_limit_of_5() {
    race(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r10_64_computers_at_once_each_asking_three_times() {
    race(3).await;
}
