//! The three-step pane: a product, its instructions, and what to download.

use proto::catalog::v1 as pb;
use tonic::Code;

use crate::world::{ADMIN, CALS, OFFICE, READER, World, by, refused};

fn download(name: &str) -> pb::GetDownloadRequest {
    pb::GetDownloadRequest { name: name.to_owned(), ..pb::GetDownloadRequest::default() }
}

#[tokio::test]
async fn f3_r4_the_pane_shows_choices_files_instructions_and_the_key() {
    let world = World::enrolled().await;
    let pane = world.client().get_download(by(ADMIN, download(OFFICE))).await;
    let pane = pane.expect("a pane").into_inner();
    assert!(!pane.choices.is_empty() && !pane.files.is_empty());
    assert!(pane.files.iter().all(|file| file.uri.starts_with("https://")));
    assert!(pane.files.iter().all(|file| file.size_bytes > 0 && file.sha256.len() == 64));
    assert!(pane.key_required);
    assert_eq!(pane.key_state(), pb::BenefitKeyState::NotAssigned);
    let steps = pane.instructions.expect("instructions").steps;
    assert_eq!(steps.iter().map(|step| step.number).collect::<Vec<_>>(), [1, 2, 3], "F2");
}

#[tokio::test]
async fn f3_bad_choices_are_named_together_with_what_there_is() {
    let world = World::enrolled().await;
    let mut request = download(OFFICE);
    request.architecture = "vax".to_owned();
    request.platform = pb::Platform::Macos as i32;
    let answer = world.client().get_download(by(ADMIN, request)).await;
    let (code, reason, fields) = refused(answer);
    assert_eq!((code, reason.as_str()), (Code::InvalidArgument, "FIELD_INVALID"));
    assert!(fields.contains(&"architecture".to_owned()), "{fields:?}");
}

#[tokio::test]
async fn r9_a_cal_has_nothing_to_download() {
    let world = World::enrolled().await;
    let answer = world.client().get_download(by(ADMIN, download(CALS))).await;
    let status = answer.as_ref().expect_err("a refusal").clone();
    let (code, reason, _) = refused(answer);
    assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, "NOT_DOWNLOADABLE"));
    use tonic_types::StatusExt;
    let details = status.get_error_details();
    let violation = &details.precondition_failure().expect("a precondition").violations[0];
    assert!(violation.subject.starts_with("products/windows-server"), "{violation:?}");
}

#[tokio::test]
async fn r3_f2_instructions_come_in_english_and_in_dutch() {
    let world = World::empty().await;
    let mut titles = Vec::new();
    for language in ["en", "nl"] {
        let request = pb::GetInstallInstructionsRequest {
            name: "products/windows-server-2019-standard".to_owned(),
            language_code: language.to_owned(),
            ..pb::GetInstallInstructionsRequest::default()
        };
        let answer = world.client().get_install_instructions(by(READER, request)).await;
        let text = answer.expect("instructions").into_inner().instructions.expect("a text");
        assert_eq!((text.language_code.as_str(), text.steps.len()), (language, 3));
        assert!(!text.system_requirements.is_empty());
        titles.push(text.steps[0].title.clone());
    }
    assert_ne!(titles[0], titles[1]);
}

#[tokio::test]
async fn a_product_that_is_not_there_and_a_version_that_is_not_are_told_apart() {
    let world = World::empty().await;
    let mut request = pb::GetInstallInstructionsRequest {
        name: "products/no-such-product".to_owned(),
        ..pb::GetInstallInstructionsRequest::default()
    };
    let answer = world.client().get_install_instructions(by(READER, request.clone())).await;
    assert_eq!(refused(answer).1, "PRODUCT_NOT_FOUND");
    request.name = "products/windows-server-2019-standard".to_owned();
    request.version = "1999".to_owned();
    let answer = world.client().get_install_instructions(by(READER, request)).await;
    assert_eq!(refused(answer).2, ["version"]);
    let request = pb::GetProductRequest {
        name: "products/no-such-product".to_owned(),
        language_code: String::new(),
    };
    assert_eq!(
        refused(world.client().get_product(by(READER, request)).await).1,
        "PRODUCT_NOT_FOUND"
    );
}
