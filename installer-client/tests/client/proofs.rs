//! Receipts on the client's side: an answer is taken only with a receipt that proves it, and a
//! ledger is audited with receipts that were kept.

use installer_client::{
    ActivateError, ActivationClient, AuditFinding, Collector, Connection, Order, Profile,
    RECORDED_DESKTOP, ReceiptFault, RetryPolicy, StateDir, activate, audit, check_receipt,
};
use product_key::ProductKey;
use proto::activation::v1::{
    self as pb, ActivateRequest, ActivateResponse, ActivationOutcome, Platform,
};
use receipt::{
    Activated, Client, Event, Leaf, Outcome, Platform as On, SealedBatch, SignedHead, SigningKey,
    Tip, TrustedKeys, Verdict,
};

use crate::fake::{Fake, Reply};

const CHAIN: [u8; 16] = [9; 16];
const MINE: [u8; 16] = [5; 16];
const NAME: &str =
    "productKeys/01010101010101010101010101010101/activations/02020202020202020202020202020202";

fn signer() -> SigningKey {
    SigningKey::from_seed(&[3; 32])
}

fn trusted() -> TrustedKeys {
    signer().public_key().to_string().parse().unwrap()
}

/// The event that answered request `MINE`, at sequence 2.
fn event(outcome: Outcome, count: u64) -> Activated {
    Activated {
        outcome,
        activation_id: [2; 16],
        count,
        platform: On::Windows,
        used: 1,
        limit: 5,
        policy_version: "hw-v1".to_owned(),
        score: None,
        threshold: 60,
        kinds: vec![(1, Verdict::Absent)],
        weak: outcome == Outcome::NotCountedSameComputer,
        clone_suspected: false,
        evidence: None,
    }
}

fn leaf(event: Event) -> Leaf {
    Leaf {
        key_id: [1; 16],
        account_version: 2,
        sequence: 2,
        shown_ms: 1_700_000_000_123,
        raw_ms: 1_700_000_000_123,
        actor: "product-key".to_owned(),
        reason: String::new(),
        client: Client { name: "test".to_owned(), version: "1".to_owned() },
        request_id: Some(MINE),
        event,
    }
}

fn counted_leaf() -> Leaf {
    leaf(Event::Activated(Box::new(event(Outcome::CountedNewComputer, 2))))
}

/// The chain of one earlier event and a batch with this leaf.
fn sealed(key: &SigningKey, leaf: &Leaf) -> SealedBatch {
    let first = Leaf { sequence: 1, account_version: 1, ..counted_leaf() };
    let first = SealedBatch::seal(key, &Tip::genesis(CHAIN), vec![first.encode().unwrap()]);
    let tip = first.unwrap().head().tip();
    SealedBatch::seal(key, &tip, vec![leaf.encode().unwrap()]).unwrap()
}

fn receipt_of(leaf: &Leaf) -> Vec<u8> {
    sealed(&signer(), leaf).receipt(0).unwrap().encode()
}

fn request(id: [u8; 16]) -> ActivateRequest {
    ActivateRequest { request_id: id.to_vec().into(), ..ActivateRequest::default() }
}

fn answer(outcome: ActivationOutcome, receipt: Vec<u8>) -> ActivateResponse {
    ActivateResponse {
        outcome: outcome.into(),
        activation: NAME.to_owned(),
        used: 1,
        limit: 5,
        remaining: 4,
        receipt: receipt.into(),
        ..ActivateResponse::default()
    }
}

#[test]
fn r6_r7_a_receipt_must_prove_the_very_answer() {
    use ActivationOutcome::{CountedNewComputer as New, NotCountedSameComputer as Same};
    let check = |id, response: &ActivateResponse| check_receipt(&request(id), response, &trusted());
    let counted = answer(New, receipt_of(&counted_leaf()));
    assert_eq!(check(MINE, &counted).unwrap().leaf, counted_leaf());
    let resting = ActivateResponse { used: 3, ..answer(Same, receipt_of(&counted_leaf())) };
    assert!(check([6; 16], &resting).is_ok(), "it rests on a count of another request");
    let weak = leaf(Event::Activated(Box::new(event(Outcome::NotCountedSameComputer, 1))));
    assert!(check(MINE, &answer(Same, receipt_of(&weak))).is_ok(), "recorded, not counted");

    let fault = |id, response: &ActivateResponse| check(id, response).unwrap_err();
    assert_eq!(fault(MINE, &answer(New, Vec::new())), ReceiptFault::Missing);
    let other = |what| ReceiptFault::Other(what);
    assert_eq!(fault([6; 16], &counted), other("request"), "an old receipt for a new count");
    let name = NAME.replace('2', "3");
    assert_eq!(
        fault(MINE, &ActivateResponse { activation: name, ..counted.clone() }),
        other("activation")
    );
    assert_eq!(fault(MINE, &ActivateResponse { used: 2, ..counted.clone() }), other("used"));
    assert_eq!(fault(MINE, &ActivateResponse { limit: 9, ..counted.clone() }), other("limit"));
    assert_eq!(fault(MINE, &answer(Same, receipt_of(&counted_leaf()))), other("outcome"));
    assert_eq!(fault([6; 16], &answer(Same, receipt_of(&weak))), other("outcome"), "no count");
    let elsewhere = leaf(Event::Activated(Box::new(event(Outcome::CountedNewComputer, 1))));
    assert_eq!(fault(MINE, &answer(New, receipt_of(&elsewhere))), other("count"));
    let updated = leaf(Event::Updated(Vec::new()));
    assert_eq!(fault(MINE, &answer(New, receipt_of(&updated))), other("event"));

    let stranger = sealed(&SigningKey::from_seed(&[4; 32]), &counted_leaf());
    let stranger = answer(New, stranger.receipt(0).unwrap().encode());
    assert_eq!(fault(MINE, &stranger).name(), "UNKNOWN_SIGNING_KEY");
    let mut damaged = receipt_of(&counted_leaf());
    damaged[30] ^= 1;
    assert_eq!(fault(MINE, &answer(New, damaged)).name(), "WRONG_PATH");
}

struct Desktop;

impl Collector for Desktop {
    fn collect(&self) -> Profile {
        Profile::from_json(RECORDED_DESKTOP).unwrap()
    }
}

fn order(trusted_keys: Option<TrustedKeys>) -> Order {
    Order {
        product_key: ProductKey::issue(&[42; 14]),
        product: "products/windows-server".to_owned(),
        platform: Platform::Windows,
        operator_handle: None,
        client_name: "test".to_owned(),
        client_version: "1".to_owned(),
        trusted_keys,
    }
}

#[tokio::test]
async fn an_unproved_answer_is_not_kept_and_its_request_is_sent_again() {
    let same = ActivationOutcome::NotCountedSameComputer;
    let proved = answer(same, receipt_of(&counted_leaf()));
    let fake = Fake::start([
        Reply::Answer(answer(same, Vec::new())),
        Reply::Answer(answer(ActivationOutcome::CountedNewComputer, receipt_of(&counted_leaf()))),
        Reply::Answer(proved.clone()),
        Reply::Answer(answer(same, Vec::new())),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    let policy = RetryPolicy::interactive();
    let client = ActivationClient::new(&Connection::to(fake.uri()), policy).unwrap();
    let strict = order(Some(trusted()));
    for wanted in ["RECEIPT_MISSING", "RECEIPT_OF_OTHER_EVENT"] {
        match activate(&client, &state, &strict, &Desktop).await {
            Err(ActivateError::Receipt(fault)) => assert_eq!(fault.name(), wanted),
            other => panic!("{wanted}: {other:?}"),
        }
        assert_eq!(state.pending_count().unwrap(), 1, "the request stays");
        assert_eq!(state.answer("products/windows-server").unwrap(), None);
    }
    let activated = activate(&client, &state, &strict, &Desktop).await.unwrap();
    assert!(activated.resent);
    assert_eq!(activated.proven.unwrap().leaf, counted_leaf());
    let kept = state.answer("products/windows-server").unwrap();
    assert_eq!(kept, Some(proved), "the receipt is kept with the answer");
    let sent = fake.activations();
    assert!(sent.iter().all(|request| *request == sent[0]), "one request, three times");
    let trusting = activate(&client, &state, &order(None), &Desktop).await.unwrap();
    assert_eq!(trusting.proven, None, "without keys nothing is checked");
}

/// How the history shows the counted event.
fn shown() -> pb::KeyEvent {
    pb::KeyEvent {
        account_version: 2,
        sequence: 2,
        event_time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 123_000_000 }),
        r#type: pb::KeyEventType::Counted.into(),
        outcome: ActivationOutcome::CountedNewComputer.into(),
        activation: NAME.to_owned(),
        used: 1,
        limit: 5,
        explanation: Some(pb::Explanation {
            policy_version: "hw-v1".to_owned(),
            threshold: 60,
            kinds: vec![pb::KindExplanation {
                kind: pb::ComponentKind::BoardSerial.into(),
                verdict: pb::KindVerdict::Absent.into(),
                points: 24,
            }],
            ..pb::Explanation::default()
        }),
        request_id: MINE.to_vec().into(),
        platform: Platform::Windows.into(),
        client: Some(pb::ClientInfo { name: "test".to_owned(), version: "1".to_owned() }),
        actor: "product-key".to_owned(),
        ..pb::KeyEvent::default()
    }
}

fn history(second: pb::KeyEvent) -> Vec<pb::KeyEvent> {
    let at = |account_version| pb::KeyEvent { account_version, ..pb::KeyEvent::default() };
    vec![at(1), second, at(3), at(4)]
}

async fn finding(fake: &Fake, head: &SignedHead, receipt: &[u8]) -> Option<AuditFinding> {
    let policy = RetryPolicy::interactive();
    let client = ActivationClient::new(&Connection::to(fake.uri()), policy).unwrap();
    let audited = audit(&client, &trusted(), head, &[receipt.to_vec()]).await.unwrap();
    audited[0].finding.clone()
}

#[tokio::test]
async fn p5_an_audit_names_what_a_ledger_lost_or_changed() {
    let fake = Fake::start([]);
    let batch = sealed(&signer(), &counted_leaf());
    let (head, receipt) = (*batch.head(), batch.receipt(0).unwrap().encode());
    assert_eq!(finding(&fake, &head, &receipt).await, Some(AuditFinding::EventMissing));
    *fake.script.history.lock().unwrap() = history(shown());
    assert_eq!(finding(&fake, &head, &receipt).await, None);

    let later = Leaf { sequence: 3, account_version: 3, ..counted_leaf() };
    let later = SealedBatch::seal(&signer(), &head.tip(), vec![later.encode().unwrap()]).unwrap();
    assert_eq!(finding(&fake, later.head(), &receipt).await, None, "the ledger grew");
    let beyond = later.receipt(0).unwrap().encode();
    let lost = AuditFinding::BeyondHead { found: 3, last: 2 };
    assert_eq!(finding(&fake, &head, &beyond).await, Some(lost));
    let other = Leaf { actor: "somebody".to_owned(), ..counted_leaf() };
    let forked = receipt_of(&other);
    assert_eq!(finding(&fake, &head, &forked).await, Some(AuditFinding::Fork { batch: 2 }));
    let strange = Leaf { sequence: 1, ..counted_leaf() };
    let strange = vec![strange.encode().unwrap()];
    let strange = SealedBatch::seal(&signer(), &Tip::genesis([8; 16]), strange).unwrap();
    let strange = strange.receipt(0).unwrap().encode();
    assert_eq!(finding(&fake, &head, &strange).await, Some(AuditFinding::OtherChain));
    let none = finding(&fake, &head, &receipt[1..]).await.unwrap();
    assert!(matches!(none, AuditFinding::Refused(_)));

    for (field, change) in [
        ("used", pb::KeyEvent { used: 2, ..shown() }),
        ("limit", pb::KeyEvent { limit: 6, ..shown() }),
        ("sequence", pb::KeyEvent { sequence: 3, ..shown() }),
        ("actor", pb::KeyEvent { actor: "x".to_owned(), ..shown() }),
        ("time", pb::KeyEvent { event_time: None, ..shown() }),
        ("request", pb::KeyEvent { request_id: bytes::Bytes::new(), ..shown() }),
        ("type", pb::KeyEvent { r#type: pb::KeyEventType::WeakMatch.into(), ..shown() }),
        ("platform", pb::KeyEvent { platform: 0, ..shown() }),
        ("activation", pb::KeyEvent { activation: String::new(), ..shown() }),
    ] {
        *fake.script.history.lock().unwrap() = history(change);
        let differs = Some(AuditFinding::EventDiffers(vec![field]));
        assert_eq!(finding(&fake, &head, &receipt).await, differs);
    }
}

#[test]
fn the_ledger_commands_believe_signed_bytes_alone() {
    let fake = Fake::start([]);
    let desk = tempfile::tempdir().unwrap();
    let path = |name: &str| desk.path().join(name).to_str().unwrap().to_owned();
    let batch = sealed(&signer(), &counted_leaf());
    std::fs::write(path("keys"), signer().public_key().to_string()).unwrap();
    let stranger = SigningKey::from_seed(&[4; 32]).public_key().to_string();
    std::fs::write(path("others"), stranger).unwrap();
    std::fs::write(path("receipt"), batch.receipt(0).unwrap().encode()).unwrap();
    let run = |words: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_benefitsctl"))
            .args(["ledger", "--activation-endpoint", &fake.uri()])
            .args(words)
            .env_clear()
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (keys, others, receipt) = (path("keys"), path("others"), path("receipt"));
    let (code, _, told) = run(&["head"]);
    assert!(code == Some(2) && told.contains("NO_LEDGER_HEAD"), "{told}");
    *fake.script.head.lock().unwrap() = Some(batch.head().encode().into());
    *fake.script.history.lock().unwrap() = history(shown());
    let (code, shown_head, told) = run(&["head", "--trusted-keys", &keys]);
    assert_eq!(code, Some(0), "{told}");
    assert!(shown_head.contains("batch") && !shown_head.contains("999999"), "{shown_head}");
    let (code, _, told) = run(&["head", "--trusted-keys", &others]);
    assert!(code == Some(2) && told.contains("HEAD_NOT_SIGNED"), "{told}");
    let (code, table, told) = run(&["audit", "--trusted-keys", &keys, &receipt]);
    assert!(code == Some(0) && table.contains("good"), "{table} {told}");
    fake.script.history.lock().unwrap().clear();
    let (code, json, told) = run(&["audit", "-o", "json", "--trusted-keys", &keys, &receipt]);
    assert!(code == Some(2) && told.contains("AUDIT_FAILED"), "{told}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["receipts"][0]["finding"], "EVENT_MISSING");
    assert_eq!(json["receipts"][0]["accountVersion"], 2);
}

#[test]
fn activate_writes_the_receipt_that_it_checked() {
    let same = ActivationOutcome::NotCountedSameComputer;
    let bytes = receipt_of(&counted_leaf());
    let fake = Fake::start([
        Reply::Answer(answer(same, bytes.clone())),
        Reply::Answer(answer(same, Vec::new())),
    ]);
    let desk = tempfile::tempdir().unwrap();
    let path = |name: &str| desk.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("keys"), signer().public_key().to_string()).unwrap();
    std::fs::write(path("profile.json"), RECORDED_DESKTOP).unwrap();
    std::fs::write(path("key"), "ABCDE-FGHJK-LMNPQ-RSTUV-WXYZ2").unwrap();
    let run = |words: &[&str]| {
        std::process::Command::new(env!("CARGO_BIN_EXE_benefitsctl"))
            .args(["activate", "--activation-endpoint", &fake.uri(), "--product", "x"])
            .args(["--platform", "windows", "--product-key-file", &path("key")])
            .args(["--profile", &path("profile.json"), "--state-dir", &path("state")])
            .args(["--receipt-out", &path("receipt")])
            .args(words)
            .env_clear()
            .output()
            .unwrap()
    };
    let done = run(&["--trusted-keys", &path("keys")]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(std::fs::read(path("receipt")).unwrap(), bytes);
    let without = run(&[]);
    assert_eq!(without.status.code(), Some(2), "the file that was asked for is not there");
    assert!(String::from_utf8_lossy(&without.stdout).contains("NOT_COUNTED_SAME_COMPUTER"));
}
