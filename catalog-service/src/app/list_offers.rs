//! Lists the offers of the catalog by id.

use std::sync::Arc;

use super::{App, AppError, Cursor, PageRequest, start_over};
use crate::domain::content::Content;
use crate::domain::id::OfferId;
use crate::domain::page;

/// A page of offers.
#[derive(Debug, Clone)]
pub struct OfferPage {
    /// The content that the ids are of.
    pub content: Arc<Content>,
    /// The offers of the page.
    pub offers: Vec<OfferId>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
}

impl App {
    /// A page of offers.
    pub fn list_offers(&self, request: &PageRequest) -> Result<OfferPage, AppError> {
        let published = self.ports.shelf.current();
        let after = request.after_in(&published)?;
        let ids: Vec<OfferId> = published.content.offers().keys().cloned().collect();
        let page =
            page::cut(ids, after, request.size, ToString::to_string).map_err(|_| start_over())?;
        let content = *published.content.fingerprint();
        Ok(OfferPage {
            offers: page.rows,
            next: page.next_after.map(|last_id| Cursor { content, last_id }),
            content: published.content,
        })
    }
}
