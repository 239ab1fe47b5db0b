//! Finds one product.

use std::sync::Arc;

use super::{App, AppError};
use crate::domain::content::Content;
use crate::domain::error::Refusal;
use crate::domain::id::ProductId;

impl App {
    /// The content in which the product certainly is.
    pub fn get_product(&self, product: &ProductId) -> Result<Arc<Content>, AppError> {
        let content = self.ports.shelf.current().content;
        if content.product(product).is_some() {
            Ok(content)
        } else {
            Err(Refusal::ProductNotFound.into())
        }
    }
}
