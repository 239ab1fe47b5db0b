//! The mark of the store, looked at once for all who ask meanwhile.

use std::sync::Arc;

use async_trait::async_trait;

use super::together::{Errand, Together};
use crate::ports::{Changes, Mark, StoreError};

/// Another watch over the store that looks fewer times than it is asked.
pub struct SharedMarks(Together<Look>);

struct Look(Arc<dyn Changes>);

impl SharedMarks {
    /// Puts it before a watch; must be called inside a runtime.
    pub fn start(changes: Arc<dyn Changes>) -> Self {
        Self(Together::start(Look(changes)))
    }
}

#[async_trait]
impl Changes for SharedMarks {
    async fn mark(&self) -> Result<Mark, StoreError> {
        let broken = || Err(StoreError::Unavailable("the look at it broke off".to_owned()));
        self.0.ask(()).await.unwrap_or_else(broken)
    }
}

#[async_trait]
impl Errand for Look {
    type Question = ();
    type Answer = Result<Mark, StoreError>;

    fn fitting<'q>(questions: impl Iterator<Item = &'q ()>) -> usize {
        questions.count()
    }

    async fn run(&self, _: &[()]) -> Self::Answer {
        self.0.mark().await
    }
}
