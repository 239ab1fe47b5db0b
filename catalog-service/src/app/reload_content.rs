//! Reads the content folder again; content with faults changes nothing.

use super::{App, AppError};
use crate::domain::error::{BadField, Refusal};
use crate::ports::Published;

impl App {
    /// Serves the content that lies in the folder now, unless it only validates.
    pub async fn reload_content(&self, validate_only: bool) -> Result<Published, AppError> {
        self.ports.shelf.reload(validate_only).await.map_err(|faults| {
            let fields = faults.into_iter().map(|fault| {
                let place = format!("{}:{}", fault.file.display(), fault.line);
                BadField::new(place, fault.message)
            });
            Refusal::ContentInvalid(fields.collect()).into()
        })
    }
}
