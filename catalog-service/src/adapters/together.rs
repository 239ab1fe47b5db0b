//! Many callers with the same kind of question share one call.
//!
//! Whoever asks while nothing is under way is asked for at once. Who asks while a call is under way
//! waits for the next one, together with all others who came meanwhile: an answer that was begun
//! before one's question might be older than what one has been told already. So alone nobody waits,
//! and under load there are few calls.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// Most questions that wait to be taken in; who asks beyond that waits for a place.
const QUEUE_MAX: usize = 1_024;
/// How long those who came meanwhile wait for a call that does not end; then they get their own.
const PATIENCE: Duration = Duration::from_millis(20);
/// Most calls under way at once, which is more than a second's worth of impatience.
const CALLS_MAX: usize = 64;

/// A call that answers many questions at once.
#[async_trait]
pub(super) trait Errand: Send + Sync + 'static {
    /// The question of one caller.
    type Question: Send + Sync + 'static;
    /// The answer to all of them.
    type Answer: Clone + Send + 'static;

    /// How many of the first of these questions one call takes; at least one.
    fn fitting<'q>(questions: impl Iterator<Item = &'q Self::Question>) -> usize;

    /// Makes the call.
    async fn run(&self, questions: &[Self::Question]) -> Self::Answer;
}

/// Asks, together with others.
pub(super) struct Together<E: Errand> {
    asked: mpsc::Sender<Asked<E>>,
}

struct Asked<E: Errand> {
    question: E::Question,
    answer: oneshot::Sender<E::Answer>,
}

impl<E: Errand> Together<E> {
    /// Starts to take questions; must be called inside a runtime. It ends with the last asker.
    pub(super) fn start(errand: E) -> Self {
        let (asked, questions) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(serve(Arc::new(errand), questions));
        Self { asked }
    }

    /// The answer of a call that begins after this one; none if the call broke off.
    pub(super) async fn ask(&self, question: E::Question) -> Option<E::Answer> {
        let (answer, answered) = oneshot::channel();
        self.asked.send(Asked { question, answer }).await.ok()?;
        answered.await.ok()
    }
}

async fn serve<E: Errand>(errand: Arc<E>, mut asked: mpsc::Receiver<Asked<E>>) {
    let mut calls = JoinSet::new();
    let mut waiting = Vec::new();
    loop {
        tokio::select! {
            taken = asked.recv_many(&mut waiting, QUEUE_MAX) => if taken == 0 { break },
            Some(_) = calls.join_next(), if !calls.is_empty() => continue,
        }
        waiting.retain(|asked| !asked.answer.is_closed());
        while !waiting.is_empty() {
            if calls.len() >= CALLS_MAX {
                calls.join_next().await;
            }
            let fitting = E::fitting(waiting.iter().map(|asked: &Asked<E>| &asked.question));
            let group = waiting.drain(..fitting.clamp(1, waiting.len())).collect();
            calls.spawn(run(Arc::clone(&errand), group));
        }
        let ended = async { while calls.join_next().await.is_some() {} };
        // Whoever waits is let on after a while: a call that hangs is not everybody's.
        let _ = tokio::time::timeout(PATIENCE, ended).await;
    }
    // Those whose calls are under way are still answered.
    while calls.join_next().await.is_some() {}
}

async fn run<E: Errand>(errand: Arc<E>, group: Vec<Asked<E>>) {
    let (questions, answers): (Vec<_>, Vec<_>) =
        group.into_iter().map(|asked| (asked.question, asked.answer)).unzip();
    let told = errand.run(&questions).await;
    for answer in answers {
        // Who no longer waits needs no answer.
        let _ = answer.send(told.clone());
    }
}

#[cfg(test)]
mod tests;
