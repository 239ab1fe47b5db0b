//! A policy of one's own: it decides, its version is in every decision, and installations that take
//! turns are shown in the history.

use proto::activation::v1 as pb;

use crate::world::{World, activate, component, computer, config, key_name, sled, swapped};
use pb::ActivationOutcome as Outcome;
use pb::ComponentKind as Kind;

/// The built-in policy with another version, a higher threshold and other points.
fn strict() -> String {
    include_str!("../../policy/hw-v1.toml")
        .replace("version = \"hw-v1\"", "version = \"strict-2\"")
        .replace("follows = []", "follows = [\"hw-v1\"]")
        .replace("threshold_percent = 60", "threshold_percent = 80")
        .replace("TPM_EK = { points = 5", "TPM_EK = { points = 7")
        .replace("GPU = { points = 3", "GPU = { points = 1")
}

async fn events(world: &World, number: u8) -> Vec<pb::KeyEvent> {
    let request = pb::ListKeyEventsRequest {
        parent: key_name(number),
        ..pb::ListKeyEventsRequest::default()
    };
    world.reader().list_key_events(request).await.expect("a page").into_inner().events
}

#[tokio::test]
async fn the_policy_of_a_file_decides_and_is_recorded() {
    let world = World::start(|folder| {
        let file = folder.join("strict.toml");
        std::fs::write(&file, strict()).expect("written");
        let mut config = config(sled(folder));
        config.policy.file = Some(file);
        config
    })
    .await;
    world.register(1, |_| ()).await;
    let mut installer = world.installer();
    let terms = installer.get_activation_terms(pb::GetActivationTermsRequest {}).await;
    assert_eq!(terms.expect("terms").into_inner().policy_version, "strict-2");

    installer.activate(activate(1, computer(1), 1)).await.expect("counted");
    // 61 of 81 points: unchanged by hw-v1, and not by this policy.
    let changed = installer.activate(activate(1, swapped(1, &[Kind::OsDisk]), 2)).await;
    let changed = changed.expect("counted").into_inner();
    assert_eq!(changed.outcome(), Outcome::CountedSignificantChange);
    let explanation = changed.explanation.expect("an explanation");
    assert_eq!((&*explanation.policy_version, explanation.threshold), ("strict-2", 80));
    assert_eq!(explanation.score, Some(75));
    let points = |explanation: &pb::Explanation, wanted: Kind| {
        explanation.kinds.iter().find(|it| it.kind() == wanted).map(|it| it.points)
    };
    assert_eq!(points(&explanation, Kind::TpmEk), Some(7));
    let recorded = events(&world, 1).await.pop().and_then(|event| event.explanation);
    let recorded = recorded.expect("an explanation");
    assert_eq!(recorded.policy_version, "strict-2");
    assert_eq!(points(&recorded, Kind::TpmEk), Some(7));

    // The same ledger under the built-in policy: what was decided keeps its version.
    let folder = world.stop().await;
    let again = World::start(|_| config(sled(folder.path()))).await;
    let recorded = events(&again, 1).await.pop().and_then(|event| event.explanation);
    let recorded = recorded.expect("an explanation");
    assert_eq!(recorded.policy_version, "strict-2");
    assert_eq!(points(&recorded, Kind::TpmEk), Some(0), "its points are not known any more");
    let mut installer = again.installer();
    let disk = installer.activate(activate(1, swapped(1, &[Kind::OsDisk]), 3)).await;
    let disk = disk.expect("unchanged").into_inner();
    assert_eq!(disk.outcome(), Outcome::NotCountedSameComputer, "its count stays good");
    assert_eq!(disk.explanation.expect("an explanation").policy_version, "hw-v1");
    again.stop().await;
}

/// The computer under an installation of the operating system.
fn running(installation: u32) -> pb::Evidence {
    let mut evidence = computer(1);
    evidence.components.push(component(Kind::OsInstallId, installation));
    evidence
}

#[tokio::test]
async fn a_reinstallation_is_recorded_and_only_turns_are_suspected() {
    let world = World::sled().await;
    world.register(1, |_| ()).await;
    let mut installer = world.installer();
    let mut suspected = Vec::new();
    for (request, installation) in (1..).zip([10, 20, 20, 10, 20, 10]) {
        let answer = installer.activate(activate(1, running(installation), request)).await;
        let explanation = answer.expect("granted").into_inner().explanation;
        suspected.push(explanation.expect("an explanation").clone_suspected);
    }
    assert_eq!(suspected, [false, false, false, true, true, true]);
    assert_eq!(world.key(1).await.used, 1, "shown, not punished");
    let types: Vec<_> = events(&world, 1).await.iter().map(pb::KeyEvent::r#type).collect();
    use pb::KeyEventType as T;
    assert_eq!(types, [T::Registered, T::Counted, T::Reinstalled, T::CloneSuspected]);
    let request = pb::ListActivationsRequest { parent: key_name(1), ..Default::default() };
    let page = world.reader().list_activations(request).await.expect("a page").into_inner();
    assert!(page.activations[0].clone_suspected);

    // All of it is there after a restart, and nothing more is recorded.
    let folder = world.stop().await;
    let again = World::start(|_| config(sled(folder.path()))).await;
    let mut installer = again.installer();
    let answer = installer.activate(activate(1, running(30), 9)).await.expect("granted");
    assert!(answer.into_inner().explanation.expect("an explanation").clone_suspected);
    assert_eq!(events(&again, 1).await.len(), 4);
    again.stop().await;
}
