//! Lists the products of the catalog by id.

use std::sync::Arc;

use super::{App, AppError, Cursor, PageRequest, start_over};
use crate::domain::content::Content;
use crate::domain::id::ProductId;
use crate::domain::page;

/// A page of products.
#[derive(Debug, Clone)]
pub struct ProductPage {
    /// The content that the ids are of.
    pub content: Arc<Content>,
    /// The products of the page.
    pub products: Vec<ProductId>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
}

impl App {
    /// A page of products.
    pub fn list_products(&self, request: &PageRequest) -> Result<ProductPage, AppError> {
        let published = self.ports.shelf.current();
        let after = request.after_in(&published)?;
        let ids: Vec<ProductId> = published.content.products().keys().cloned().collect();
        let page =
            page::cut(ids, after, request.size, ToString::to_string).map_err(|_| start_over())?;
        let content = *published.content.fingerprint();
        Ok(ProductPage {
            products: page.rows,
            next: page.next_after.map(|last_id| Cursor { content, last_id }),
            content: published.content,
        })
    }
}
