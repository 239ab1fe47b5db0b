//! Tests of questions that share a call.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;

use super::*;

/// Answers with what was acknowledged when the call began; a call ends when it is let.
struct Reading {
    acknowledged: Arc<AtomicU64>,
    calls: Arc<AtomicU64>,
    gate: Arc<Semaphore>,
}

struct World {
    together: Arc<Together<Reading>>,
    acknowledged: Arc<AtomicU64>,
    calls: Arc<AtomicU64>,
    gate: Arc<Semaphore>,
}

/// The longest that a test waits for what must come.
const TEST_TIME_MAX: Duration = Duration::from_secs(20);
/// A question whose call hangs for ever.
const HANGS: u32 = 1;
/// A question whose call panics.
const PANICS: u32 = 2;

#[async_trait]
impl Errand for Reading {
    type Question = u32;
    type Answer = (u64, usize);

    fn fitting<'q>(questions: impl Iterator<Item = &'q u32>) -> usize {
        questions.take(100).count()
    }

    async fn run(&self, questions: &[u32]) -> (u64, usize) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let seen = self.acknowledged.load(Ordering::SeqCst);
        if questions.contains(&HANGS) {
            std::future::pending::<()>().await;
        }
        assert!(!questions.contains(&PANICS), "as told");
        self.gate.acquire().await.expect("open").forget();
        (seen, questions.len())
    }
}

impl World {
    fn new(let_through: usize) -> Self {
        let (acknowledged, calls) = (Arc::default(), Arc::default());
        let gate = Arc::new(Semaphore::new(let_through));
        let reading = Reading {
            acknowledged: Arc::clone(&acknowledged),
            calls: Arc::clone(&calls),
            gate: Arc::clone(&gate),
        };
        Self { together: Arc::new(Together::start(reading)), acknowledged, calls, gate }
    }

    fn ask(&self, question: u32) -> tokio::task::JoinHandle<Option<(u64, usize)>> {
        let together = Arc::clone(&self.together);
        tokio::spawn(async move { together.ask(question).await })
    }

    async fn until_calls(&self, wanted: u64) {
        while self.calls.load(Ordering::SeqCst) < wanted {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn who_asks_while_a_call_is_under_way_shares_the_next_one_and_sees_what_came_meanwhile() {
    let world = World::new(0);
    let first = world.ask(0);
    world.until_calls(1).await;
    world.acknowledged.store(7, Ordering::SeqCst);
    let others: Vec<_> = (0..5).map(|_| world.ask(0)).collect();
    // They are in the queue once they have run as far as they can.
    while world.together.asked.capacity() > QUEUE_MAX - 5 {
        tokio::task::yield_now().await;
    }
    world.gate.add_permits(2);
    assert_eq!(first.await.expect("no panic"), Some((0, 1)), "alone and at once");
    for other in others {
        assert_eq!(other.await.expect("no panic"), Some((7, 5)), "together and not too early");
    }
    assert_eq!(world.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_answer_has_what_was_acknowledged_before_the_question() {
    let world = Arc::new(World::new(100_000));
    let askers = (0..32).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            for _ in 0..200 {
                let acknowledged = world.acknowledged.fetch_add(1, Ordering::SeqCst) + 1;
                let (seen, _) = world.together.ask(0).await.expect("an answer");
                assert!(seen >= acknowledged, "{seen} of {acknowledged}");
            }
        })
    });
    for asker in askers.collect::<Vec<_>>() {
        asker.await.expect("never older");
    }
    assert!(world.calls.load(Ordering::SeqCst) < 32 * 200, "some were shared");
}

#[tokio::test]
async fn a_call_that_hangs_does_not_hold_up_those_who_come_later() {
    let world = World::new(1_000);
    let hanging = world.ask(HANGS);
    world.until_calls(1).await;
    for _ in 0..3 {
        let asked = tokio::time::timeout(TEST_TIME_MAX, world.together.ask(0));
        assert_eq!(asked.await.expect("in time"), Some((0, 1)));
    }
    hanging.abort();
}

#[tokio::test]
async fn more_than_one_call_takes_are_several_calls_at_once() {
    let world = World::new(0);
    let first = world.ask(0);
    world.until_calls(1).await;
    let others: Vec<_> = (0..250).map(|_| world.ask(0)).collect();
    while world.together.asked.capacity() > QUEUE_MAX - 250 {
        tokio::task::yield_now().await;
    }
    world.gate.add_permits(1);
    first.await.expect("no panic").expect("an answer");
    world.until_calls(4).await;
    world.gate.add_permits(3);
    let mut sizes = Vec::new();
    for other in others {
        sizes.push(other.await.expect("no panic").expect("an answer").1);
    }
    assert_eq!((sizes.first(), sizes.last(), sizes.len()), (Some(&100), Some(&50), 250));
}

#[tokio::test]
async fn a_call_that_panics_leaves_its_askers_without_an_answer_and_others_with_theirs() {
    let world = World::new(1_000);
    assert_eq!(world.together.ask(PANICS).await, None);
    assert_eq!(world.together.ask(0).await, Some((0, 1)));
}
