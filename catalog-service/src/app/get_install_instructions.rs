//! Finds the three-step walkthrough of a product (F2, R3).

use super::{App, AppError};
use crate::domain::choice::{self, ChoiceError, ChosenInstructions};
use crate::domain::error::{BadField, Refusal};
use crate::domain::id::ProductId;
use crate::domain::instruction::Walkthrough;
use crate::domain::language::LanguageTag;
use crate::domain::product::Platform;

/// A walkthrough and what it was chosen for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstructionsView {
    /// The texts.
    pub walkthrough: Walkthrough,
    /// Their language.
    pub language: LanguageTag,
    /// The platform.
    pub platform: Platform,
    /// The version; empty for a product without versions.
    pub version: String,
}

impl From<ChosenInstructions<'_>> for InstructionsView {
    fn from(chosen: ChosenInstructions<'_>) -> Self {
        Self {
            walkthrough: chosen.walkthrough.clone(),
            language: chosen.language.clone(),
            platform: chosen.platform,
            version: chosen.version.to_owned(),
        }
    }
}

impl App {
    /// The walkthrough of a product, version and platform.
    pub fn get_install_instructions(
        &self,
        product: &ProductId,
        version: &str,
        platform: Option<Platform>,
        reader: &LanguageTag,
    ) -> Result<InstructionsView, AppError> {
        let content = self.ports.shelf.current().content;
        let product = content.product(product).ok_or(Refusal::ProductNotFound)?;
        let chosen = choice::choose_instructions(product, version, platform, reader)
            .map_err(refused_choice)?;
        Ok(chosen.into())
    }
}

/// A choice that does not exist, as a bad field with what may be chosen instead.
pub(super) fn refused_choice(error: ChoiceError) -> Refusal {
    let description = error.to_string();
    match error {
        ChoiceError::NotDownloadable => Refusal::NotDownloadable(Default::default()),
        ChoiceError::Unavailable { field, .. } => {
            Refusal::FieldInvalid(vec![BadField::new(field.as_str(), description)])
        }
    }
}
