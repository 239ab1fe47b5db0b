//! DESIGN 5.4 and 5.5 on the wire: which event an answer's receipt proves, and the signed head.

use proto::activation::v1 as pb;
use receipt::{Event, Receipt, SignedHead, SigningKey, TrustedKeys, Verified};
use tonic::Code;

use crate::world::{
    RECEIPT_KEY, World, activate, component, computer, config, key_name, preview, refusal,
    request_id, sled, swapped,
};
use pb::ActivationOutcome as Outcome;
use pb::ComponentKind as Kind;

/// What an installer has pinned.
fn pinned() -> TrustedKeys {
    let mut seed = [0; 32];
    for (byte, at) in seed.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&RECEIPT_KEY[at..at + 2], 16).expect("hex");
    }
    let key = SigningKey::from_seed(&seed).public_key();
    key.to_string().parse().expect("a public key")
}

#[track_caller]
fn verified(receipt: &[u8]) -> Verified {
    Receipt::decode(receipt).expect("a receipt").verify(&pinned()).expect("it is good")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn granted(world: &World, request: pb::ActivateRequest) -> pb::ActivateResponse {
    world.installer().activate(request).await.expect("granted").into_inner()
}

#[tokio::test]
async fn r6_r7_r8_a_receipt_proves_the_event_that_the_answer_rests_on() {
    let world = World::sled().await;
    world.register(1, |_| ()).await;

    let new = granted(&world, activate(1, computer(1), 1)).await;
    let counted = verified(&new.receipt).leaf;
    assert_eq!(format!("productKeys/{}", hex(&counted.key_id)), key_name(1));
    assert_eq!(counted.request_id.as_ref().map(|id| &id[..]), Some(&request_id(1)[..]));
    assert_eq!((counted.account_version, counted.actor.as_str()), (2, "product-key"));
    let Event::Activated(event) = &counted.event else { panic!("{counted:?}") };
    assert_eq!(event.outcome.name(), "COUNTED_NEW_COMPUTER");
    assert!(new.activation.ends_with(&format!("/activations/{}", hex(&event.activation_id))));
    assert_eq!((event.used, event.limit, event.count), (1, 5, 2));
    assert!(event.evidence.is_some(), "evidence is there as a commitment alone");

    let other = granted(&world, activate(1, computer(2), 2)).await;
    assert_eq!(verified(&other.receipt).leaf.account_version, 3);
    let same = granted(&world, activate(1, computer(1), 3)).await;
    assert_eq!(same.outcome(), Outcome::NotCountedSameComputer);
    assert_eq!(same.receipt, new.receipt, "a plain repeat rests on the count of its computer");

    let changed = swapped(1, &[Kind::BoardSerial, Kind::SystemUuid]);
    let changed = granted(&world, activate(1, changed, 4)).await;
    assert_eq!(changed.outcome(), Outcome::CountedSignificantChange);
    assert_eq!(verified(&changed.receipt).leaf.account_version, 4);
    world.stop().await;
}

#[tokio::test]
async fn a_repeat_gives_identical_bytes_whatever_happened_since_also_after_a_restart() {
    let world = World::sled().await;
    world.register(1, |_| ()).await;
    let first = granted(&world, activate(1, computer(1), 1)).await;
    granted(&world, activate(1, computer(2), 2)).await;
    let key = pb::ProductKey { blocked: true, ..world.key(1).await };
    world.update(key, &["blocked"]).await;
    assert_eq!(granted(&world, activate(1, computer(1), 1)).await, first);
    let folder = world.stop().await;
    let world = World::start(|_| config(sled(folder.path()))).await;
    assert_eq!(granted(&world, activate(1, computer(1), 1)).await, first);
    world.stop().await;
}

#[tokio::test]
async fn a_weak_match_is_recorded_and_its_receipt_is_its_own() {
    let world = World::sled().await;
    world.register(1, |_| ()).await;
    let kinds = [Kind::BoardSerial, Kind::BoardModel, Kind::Cpu];
    let little = pb::Evidence { components: kinds.map(|kind| component(kind, 1)).to_vec() };
    let counted = granted(&world, activate(1, little.clone(), 1)).await;
    let weak = granted(&world, activate(1, little, 2)).await;
    assert_eq!(weak.outcome(), Outcome::NotCountedSameComputer);
    let leaf = verified(&weak.receipt).leaf;
    assert_eq!((leaf.account_version, verified(&counted.receipt).leaf.account_version), (3, 2));
    let Event::Activated(event) = leaf.event else { panic!("no activation") };
    assert!(event.weak && event.count == 2, "it rests on the count");
    world.stop().await;
}

#[tokio::test]
async fn f5_every_activation_has_a_receipt_of_its_own() {
    let world = World::sled().await;
    world.register(1, |key| key.set_counting_mode(pb::CountingMode::EveryActivation)).await;
    for request in 1..=3 {
        let answer = granted(&world, activate(1, computer(1), request)).await;
        let leaf = verified(&answer.receipt).leaf;
        assert_eq!(leaf.request_id.as_ref().map(|id| &id[..]), Some(&request_id(request)[..]));
        let Event::Activated(event) = leaf.event else { panic!("no activation") };
        assert_eq!((event.used, event.count), (request, leaf.account_version));
    }
    world.stop().await;
}

#[tokio::test]
async fn computers_that_come_at_once_get_each_their_own_receipt() {
    let world = World::sled().await;
    world.register(1, |key| key.limit = 64).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 1..=40 {
        let mut client = world.connected().await;
        tasks.spawn(async move {
            let answer = client.activate(activate(1, computer(number), number)).await;
            (number, answer.expect("granted").into_inner())
        });
    }
    for (number, answer) in tasks.join_all().await {
        let leaf = verified(&answer.receipt).leaf;
        assert_eq!(leaf.request_id.as_ref().map(|id| &id[..]), Some(&request_id(number)[..]));
        let Event::Activated(event) = leaf.event else { panic!("no activation") };
        assert_eq!((event.used, event.limit), (answer.used, answer.limit));
        let again = granted(&world, activate(1, computer(number), number)).await;
        assert_eq!(again, answer, "identical bytes, now from the journal");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_release_has_a_receipt_and_those_of_the_activation_stay_good() {
    let world = World::sled().await;
    world.register(1, |_| ()).await;
    let counted = granted(&world, activate(1, computer(1), 1)).await;
    let request = pb::ReleaseActivationRequest {
        name: counted.activation.clone(),
        request_id: request_id(2),
        reason: "sold".to_owned(),
        ..Default::default()
    };
    let mut admin = world.admin();
    let released = admin.release_activation(request.clone()).await.expect("released").into_inner();
    let leaf = verified(&released.receipt).leaf;
    assert_eq!((leaf.account_version, leaf.reason.as_str()), (3, "sold"));
    let Event::Released(event) = leaf.event else { panic!("no release") };
    assert_eq!((event.count, event.used, event.last), (released.released_count, 0, true));
    let again = admin.release_activation(request).await.expect("repeated").into_inner();
    assert_eq!(again, released, "the same bytes");
    assert_eq!(verified(&counted.receipt).leaf.account_version, 2);
    world.stop().await;
}

#[tokio::test]
async fn the_head_holds_every_receipt_and_grows_with_the_ledger() {
    let world = World::sled().await;
    let mut reader = world.reader();
    let ask = pb::GetLedgerHeadRequest {};
    let empty = reader.get_ledger_head(ask).await.expect_err("nothing is recorded");
    refusal(&empty, Code::FailedPrecondition, "NO_LEDGER_HEAD");
    world.register(1, |_| ()).await;
    let mut before = 0;
    for number in 1..=3 {
        let answer = granted(&world, activate(1, computer(number), number)).await;
        let shown = reader.get_ledger_head(ask).await.expect("a head").into_inner();
        let signed = SignedHead::decode(&shown.signed_head).expect("a head");
        signed.verify(&pinned()).expect("signed by the pinned key");
        let (head, proven) = (signed.head(), verified(&answer.receipt));
        assert_eq!((shown.batch, shown.last_sequence), (head.batch, head.last_sequence));
        assert_eq!(shown.chain_id, hex(&head.chain_id));
        assert_eq!(shown.head_hash, hex(&signed.hash()));
        assert_eq!(shown.signing_key_id, head.signing_key_id.to_string());
        assert!(shown.batch > before, "each answer is in a batch that is durable");
        assert!(proven.leaf.sequence <= head.last_sequence);
        assert_eq!(proven.head.head().chain_id, head.chain_id);
        before = shown.batch;
    }
    let terms = world.installer().get_activation_terms(pb::GetActivationTermsRequest {}).await;
    let shown = terms.expect("terms").into_inner().receipt_keys;
    let keys: Vec<_> = pinned().iter().map(ToString::to_string).collect();
    assert_eq!(shown, keys, "for display");
    world.stop().await;
}

#[tokio::test]
async fn an_engine_without_a_chain_answers_without_receipts() {
    let world = World::memory().await;
    world.register(1, |_| ()).await;
    let answer = granted(&world, activate(1, computer(1), 1)).await;
    assert!(answer.receipt.is_empty());
    let head = world.reader().get_ledger_head(pb::GetLedgerHeadRequest {}).await;
    let details = refusal(&head.expect_err("no chain"), Code::FailedPrecondition, "NO_LEDGER_HEAD");
    assert!(details.precondition_failure().is_some());
    let terms = world.installer().get_activation_terms(pb::GetActivationTermsRequest {}).await;
    assert!(terms.expect("terms").into_inner().receipt_keys.is_empty());
    let asked = world.installer().preview_activation(preview(activate(1, computer(1), 2))).await;
    assert_eq!(asked.expect("a preview").into_inner().used, 1);
    world.stop().await;
}
