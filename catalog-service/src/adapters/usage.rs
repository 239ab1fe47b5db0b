//! The use of keys, asked for once for all lists that need it meanwhile.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::together::{Errand, Together};
use crate::domain::key::Suspension;
use crate::domain::name::Handle;
use crate::ports::{Ledger, LedgerError, Registration, UsageReading, Verdict};

/// Most keys of one call.
const KEYS_MAX: usize = 500;

/// The activation service, asked for the use of keys fewer times than there are lists.
pub struct SharedUsage {
    ledger: Arc<dyn Ledger>,
    together: Together<Ask>,
}

struct Ask(Arc<dyn Ledger>);

/// What one list needs.
struct Wanted {
    keys: Arc<[Handle]>,
    within: Duration,
}

impl Wanted {
    /// Where the list lies: the same page shown to many is one list.
    fn list(&self) -> *const [Handle] {
        Arc::as_ptr(&self.keys)
    }
}

impl SharedUsage {
    /// Puts it before the activation service; must be called inside a runtime.
    pub fn start(ledger: Arc<dyn Ledger>) -> Self {
        Self { together: Together::start(Ask(Arc::clone(&ledger))), ledger }
    }
}

#[async_trait]
impl Ledger for SharedUsage {
    async fn register(&self, keys: Vec<Registration>) -> Vec<Verdict> {
        self.ledger.register(keys).await
    }

    async fn suspend(&self, keys: &[(Handle, Suspension)]) -> Vec<Verdict> {
        self.ledger.suspend(keys).await
    }

    async fn usage(
        &self,
        keys: Arc<[Handle]>,
        within: Duration,
    ) -> Result<UsageReading, LedgerError> {
        let asked = self.together.ask(Wanted { keys, within });
        let none = |why: &str| LedgerError(why.to_owned());
        let answer = tokio::time::timeout(within, asked).await.map_err(|_| none("in time"))?;
        answer.ok_or_else(|| none("the call broke off"))?
    }
}

#[async_trait]
impl Errand for Ask {
    type Question = Wanted;
    type Answer = Result<UsageReading, LedgerError>;

    fn fitting<'q>(questions: impl Iterator<Item = &'q Wanted>) -> usize {
        let (mut lists, mut room) = (HashSet::new(), KEYS_MAX);
        let fits = |wanted: &&Wanted| {
            let takes = if lists.insert(wanted.list()) { wanted.keys.len() } else { 0 };
            let left = room.checked_sub(takes);
            room = left.unwrap_or_default();
            left.is_some()
        };
        questions.take_while(fits).count()
    }

    async fn run(&self, wanted: &[Wanted]) -> Self::Answer {
        // Each of them goes away when its own time is over, so the longest is right for all.
        let within = wanted.iter().map(|wanted| wanted.within).max().unwrap_or_default();
        let keys = match wanted {
            [only] => Arc::clone(&only.keys),
            several => {
                let (mut lists, mut seen) = (HashSet::new(), HashSet::new());
                several
                    .iter()
                    .filter(|wanted| lists.insert(wanted.list()))
                    .flat_map(|wanted| wanted.keys.iter())
                    .filter(|key| seen.insert(*key))
                    .cloned()
                    .collect()
            }
        };
        self.0.usage(keys, within).await
    }
}
