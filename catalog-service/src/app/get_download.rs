//! Resolves the download pane of a benefit: version, edition, language, architecture, files and
//! instructions (F3, R4).

use super::get_install_instructions::{InstructionsView, refused_choice};
use super::{App, AppError, Caller};
use crate::domain::benefit::KeyState;
use crate::domain::choice::{self, ChoiceError, Wanted};
use crate::domain::error::{BadField, ManagedElsewhere, Refusal};
use crate::domain::language::LanguageTag;
use crate::domain::name::BenefitName;
use crate::domain::product::{DownloadFile, Platform, Product, Version};

/// What the reader chose; an empty text leaves the choice to us.
#[derive(Debug, Clone, Default)]
pub struct DownloadQuery {
    /// Version id.
    pub version: String,
    /// Edition id.
    pub edition: String,
    /// Language tag of the software.
    pub software_language: String,
    /// Architecture name.
    pub architecture: String,
    /// Platform of the instructions.
    pub platform: Option<Platform>,
}

/// The download pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadView {
    /// The version.
    pub version: String,
    /// The edition.
    pub edition: String,
    /// The language of the software.
    pub software_language: LanguageTag,
    /// The architecture.
    pub architecture: String,
    /// All that could be chosen.
    pub choices: Vec<Version>,
    /// The files.
    pub files: Vec<DownloadFile>,
    /// The walkthrough.
    pub instructions: InstructionsView,
    /// Whether installing needs a key.
    pub key_required: bool,
    /// Where the key stands.
    pub key_state: KeyState,
}

impl App {
    /// The download pane of a benefit.
    pub async fn get_download(
        &self,
        caller: &Caller,
        name: &BenefitName,
        query: &DownloadQuery,
        reader: &LanguageTag,
    ) -> Result<DownloadView, AppError> {
        caller.must_act_for(&name.partner)?;
        let content = self.ports.shelf.current().content;
        let benefit = self.visible_benefit(&content, name, self.now_ms()).await?;
        let key = self.ports.keys.key_for(name).await?.map(|(key, _)| key.state());
        let key_state = match benefit.key_state {
            KeyState::NotAssigned => key.unwrap_or(KeyState::NotAssigned),
            state => state,
        };
        pane(benefit.product, query, reader, key_state).map_err(AppError::from)
    }
}

fn pane(
    product: &Product,
    query: &DownloadQuery,
    reader: &LanguageTag,
    key_state: KeyState,
) -> Result<DownloadView, Refusal> {
    let wanted = Wanted {
        version: &query.version,
        edition: &query.edition,
        software_language: &query.software_language,
        architecture: &query.architecture,
    };
    let files = choice::choose(product, &wanted, reader);
    if files == Err(ChoiceError::NotDownloadable) {
        return Err(managed_elsewhere(product, reader));
    }
    // The version of the files, so that both speak of the same; a bad version is reported once, by
    // the files.
    let version = files.as_ref().map_or("", |choice| choice.version.id.as_str());
    let instructions = choice::choose_instructions(product, version, query.platform, reader);
    let (choice, instructions) = match (files, instructions) {
        (Ok(choice), Ok(instructions)) => (choice, instructions),
        (files, instructions) => {
            let faults = [files.err(), instructions.err()];
            return Err(Refusal::FieldInvalid(
                faults.into_iter().flatten().flat_map(bad).collect(),
            ));
        }
    };
    Ok(DownloadView {
        version: choice.version.id.clone(),
        edition: choice.edition.id.clone(),
        software_language: choice.software_language.clone(),
        architecture: choice.architecture.as_str().to_owned(),
        choices: product.versions.clone(),
        files: choice.files.to_vec(),
        instructions: instructions.into(),
        key_required: product.key_required,
        key_state,
    })
}

fn bad(error: ChoiceError) -> Vec<BadField> {
    match refused_choice(error) {
        Refusal::FieldInvalid(fields) => fields,
        _ => Vec::new(),
    }
}

fn managed_elsewhere(product: &Product, reader: &LanguageTag) -> Refusal {
    let (_, texts) = product.texts.pick(reader);
    Refusal::NotDownloadable(ManagedElsewhere {
        note: texts.not_downloadable_note.clone(),
        managed_by: product.managed_by.iter().map(|id| format!("products/{id}")).collect(),
    })
}
