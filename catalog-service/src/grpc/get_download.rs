//! GetDownload on the wire.

use proto::catalog::v1::{DownloadFile, GetDownloadRequest, GetDownloadResponse};

use super::CatalogApi;
use super::call::Call;
use super::message;
use super::shape::Shape;
use crate::app::AppError;
use crate::app::get_download::{DownloadQuery, DownloadView};
use crate::domain::name::BenefitName;

pub(super) async fn answer(
    api: &CatalogApi,
    call: &Call,
    request: GetDownloadRequest,
) -> Result<GetDownloadResponse, AppError> {
    let mut shape = Shape::default();
    let name = shape.take("name", BenefitName::parse(&request.name));
    let version = shape.choice("version", request.version);
    let edition = shape.choice("edition", request.edition);
    let language = shape.choice("software_language_code", request.software_language_code);
    let architecture = shape.choice("architecture", request.architecture);
    let platform = shape.platform(request.platform);
    let reader = shape.language(&request.language_code, call);
    let (
        Some(name),
        Some(version),
        Some(edition),
        Some(software_language),
        Some(architecture),
        Some(platform),
        Some(reader),
    ) = (name, version, edition, language, architecture, platform, reader)
    else {
        return Err(shape.refusal());
    };

    let query = DownloadQuery { version, edition, software_language, architecture, platform };
    let view = api.app.get_download(&call.caller, &name, &query, &reader).await?;
    Ok(response(view))
}

fn response(view: DownloadView) -> GetDownloadResponse {
    let files = view.files.into_iter().map(|file| DownloadFile {
        file_name: file.file_name,
        uri: file.uri,
        size_bytes: i64::try_from(file.size_bytes).unwrap_or(i64::MAX),
        sha256: file.sha256,
    });
    GetDownloadResponse {
        version: view.version,
        edition: view.edition,
        software_language_code: view.software_language.to_string(),
        architecture: view.architecture,
        choices: view.choices.iter().map(message::version).collect(),
        files: files.collect(),
        key_required: view.key_required,
        key_state: message::key_state(view.key_state) as i32,
        language_code: view.instructions.language.to_string(),
        instructions: Some(message::instructions(view.instructions)),
    }
}
