//! A request is stored before it is sent, sent again as it was, and forgotten when it is decided.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hardware_evidence::ComponentKind;
use installer_client::{
    ActivateError, ActivationClient, Collector, Connection, Order, Profile, RECORDED_DESKTOP,
    RetryPolicy, StateDir, StateError, TermsError, activate,
};
use product_key::ProductKey;
use proto::activation::v1::Platform;
use tempfile::TempDir;
use tokio::sync::Notify;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::fake::{Fake, Reply, counted, refusal};

const QUICK: RetryPolicy = RetryPolicy {
    attempts_max: 3,
    delay_ms_first: 2,
    delay_ms_max: 4,
    advised_delay_ms_max: 50,
    call_timeout_ms: 10_000,
};

/// Counts how often it is asked.
#[derive(Default)]
struct Desktop(AtomicUsize);

impl Collector for Desktop {
    fn collect(&self) -> Profile {
        self.0.fetch_add(1, Ordering::SeqCst);
        Profile::from_json(RECORDED_DESKTOP).unwrap()
    }
}

struct World {
    folder: TempDir,
    desktop: Desktop,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), desktop: Desktop::default() }
    }

    fn state(&self) -> StateDir {
        StateDir::open(self.folder.path().join("state")).unwrap()
    }

    fn files(&self, prefix: &str) -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(self.folder.path().join("state")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let named = |path: &std::path::PathBuf| {
            path.file_name().unwrap().to_string_lossy().starts_with(prefix)
        };
        paths.filter(named).collect()
    }

    async fn run(&self, fake: &Fake) -> Result<installer_client::Activated, ActivateError> {
        self.run_with(fake, QUICK, &order()).await
    }

    async fn run_with(
        &self,
        fake: &Fake,
        policy: RetryPolicy,
        order: &Order,
    ) -> Result<installer_client::Activated, ActivateError> {
        let client = ActivationClient::new(&Connection::to(fake.uri()), policy).unwrap();
        activate(&client, &self.state(), order, &self.desktop).await
    }

    fn collected(&self) -> usize {
        self.desktop.0.load(Ordering::SeqCst)
    }
}

fn order() -> Order {
    Order {
        product_key: ProductKey::issue(&[42; 14]),
        product: "products/windows-server".to_owned(),
        platform: Platform::Windows,
        operator_handle: None,
        client_name: "test".to_owned(),
        client_version: "1".to_owned(),
        trusted_keys: None,
    }
}

fn bytes_of(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn an_answer_is_kept_and_its_request_forgotten() {
    let (world, fake) = (World::new(), Fake::start([Reply::Answer(counted())]));
    let activated = world.run(&fake).await.unwrap();
    assert!(!activated.resent);
    assert_eq!(activated.response, counted());
    assert!(world.files("pending-").is_empty());
    assert_eq!(world.state().answer("products/windows-server").unwrap(), Some(counted()));
    assert_eq!(world.state().answer("products/other").unwrap(), None);
    let sent = fake.activations();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].request_id.len(), 16);
    assert_eq!(sent[0].evidence.as_ref().unwrap().components.len(), 12);
}

#[tokio::test]
async fn a_service_that_dies_after_it_got_the_request_gets_the_same_request_again() {
    let world = World::new();
    let arrived = Arc::new(Notify::new());
    let fake = Fake::start([Reply::Hang(arrived.clone())]);
    let address = fake.address;
    let (result, ()) = tokio::join!(world.run(&fake), async {
        arrived.notified().await;
        fake.die();
    });
    assert!(matches!(result, Err(ActivateError::Call(_))));
    let first = fake.activations();
    let pending = world.files("pending-");
    assert_eq!(pending.len(), 1, "the request is still stored");

    let revived = Fake::start_at(address, [Reply::Answer(counted())]);
    let activated = world.run(&revived).await.unwrap();
    assert!(activated.resent);
    assert_eq!(revived.activations(), first[..1], "the very same request");
    assert_eq!(world.collected(), 1, "nothing is collected for a repeat");
    assert_eq!(*revived.script.terms_asked.lock().unwrap(), 0);
    assert!(world.files("pending-").is_empty());
}

#[tokio::test]
async fn a_stored_request_is_for_its_owner_and_holds_no_serial() {
    let world = World::new();
    let fake = Fake::start((0..3).map(|_| Reply::Refuse(Status::unavailable("draining"))));
    let error = world.run(&fake).await.unwrap_err();
    assert!(matches!(error, ActivateError::Call(failure) if failure.is_retryable()));
    let pending = world.files("pending-");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&pending[0]), 0o600);
    assert_eq!(mode(&world.folder.path().join("state")), 0o700);
    let stored = bytes_of(&pending[0]);
    assert!(contains(&stored, order().product_key.expose()), "documented: it holds the key");
    let profile = Profile::from_json(RECORDED_DESKTOP).unwrap();
    for kind in ComponentKind::ALL {
        for raw in profile.raw(kind) {
            assert!(!contains(&stored, raw), "{kind} is in the stored request");
        }
    }
    let name = pending[0].file_name().unwrap().to_string_lossy().into_owned();
    assert!(!name.contains(order().product_key.expose()));
}

#[tokio::test]
async fn only_four_codes_are_tried_again_and_always_with_the_same_request() {
    for code in [Code::Unavailable, Code::ResourceExhausted, Code::Aborted, Code::DeadlineExceeded]
    {
        let world = World::new();
        let refuse = || Reply::Refuse(Status::new(code, "later"));
        let fake = Fake::start([refuse(), refuse(), Reply::Answer(counted())]);
        assert!(world.run(&fake).await.is_ok(), "{code:?}");
        let sent = fake.activations();
        assert_eq!(sent.len(), 3);
        assert!(sent.iter().all(|request| *request == sent[0]));
    }
    for code in [Code::FailedPrecondition, Code::NotFound, Code::PermissionDenied, Code::Internal] {
        let world = World::new();
        let fake = Fake::start([Reply::Refuse(Status::new(code, "no")), Reply::Answer(counted())]);
        assert!(world.run(&fake).await.is_err(), "{code:?}");
        assert_eq!(fake.activations().len(), 1, "{code:?}");
    }
}

#[tokio::test]
async fn advice_to_wait_longer_than_the_bound_is_passed_on() {
    let mut details = ErrorDetails::new();
    details.set_retry_info(Some(Duration::from_secs(60)));
    let busy = Status::with_error_details(Code::ResourceExhausted, "overload", details);
    let (world, fake) = (World::new(), Fake::start([Reply::Refuse(busy)]));
    let Err(ActivateError::Call(failure)) = world.run(&fake).await else { panic!("answered") };
    assert_eq!(failure.retry_after, Some(Duration::from_secs(60)));
    assert_eq!(fake.activations().len(), 1);
    assert_eq!(world.files("pending-").len(), 1);
}

#[tokio::test]
async fn a_decided_request_is_forgotten_and_one_refused_for_its_caller_is_not() {
    for (code, reason, kept) in [
        (Code::FailedPrecondition, "ACTIVATION_LIMIT_REACHED", 0),
        (Code::FailedPrecondition, "INSUFFICIENT_EVIDENCE", 0),
        (Code::NotFound, "KEY_NOT_USABLE", 0),
        (Code::InvalidArgument, "REQUEST_ID_REUSED", 0),
        (Code::PermissionDenied, "ROLE_MISSING", 1),
        (Code::Unauthenticated, "TOKEN_INVALID", 1),
        (Code::Internal, "INTERNAL_FAULT", 1),
    ] {
        let (world, fake) = (World::new(), Fake::start([Reply::Refuse(refusal(code, reason))]));
        let Err(ActivateError::Call(failure)) = world.run(&fake).await else { panic!("answered") };
        assert_eq!(failure.reason, reason);
        assert_eq!(world.files("pending-").len(), kept, "{reason}");
    }
    // A refusal without a reason may come from something in between, which decides nothing.
    let (world, fake) = (World::new(), Fake::start([Reply::Refuse(Status::not_found("?"))]));
    assert!(world.run(&fake).await.is_err());
    assert_eq!(world.files("pending-").len(), 1);
}

#[tokio::test]
async fn a_stored_request_is_for_its_key_product_and_platform_only() {
    let world = World::new();
    let fake = Fake::start(
        std::iter::repeat_with(|| Reply::Refuse(Status::unavailable("later")))
            .take(1)
            .chain(std::iter::repeat_with(|| Reply::Answer(counted())).take(4)),
    );
    let once = QUICK.once();
    assert!(world.run_with(&fake, once, &order()).await.is_err());
    let others = [
        Order { product_key: ProductKey::issue(&[43; 14]), ..order() },
        Order { product: "products/office".to_owned(), ..order() },
        Order { platform: Platform::Linux, ..order() },
    ];
    for other in &others {
        assert!(!world.run_with(&fake, once, other).await.unwrap().resent);
    }
    assert!(world.run_with(&fake, once, &order()).await.unwrap().resent);
}

#[tokio::test]
async fn without_a_service_nothing_is_stored() {
    let world = World::new();
    let fake = Fake::start([]);
    fake.die();
    let error = world.run(&fake).await.unwrap_err();
    assert!(matches!(error, ActivateError::Terms(TermsError::Call(f)) if f.is_retryable()));
    assert!(world.files("pending-").is_empty());
    assert_eq!(world.collected(), 0);
}

#[tokio::test]
async fn an_operator_handle_is_one_more_component() {
    let (world, fake) = (World::new(), Fake::start([Reply::Answer(counted())]));
    let order = Order { operator_handle: Some("rack-7/vm-12".to_owned()), ..order() };
    world.run_with(&fake, QUICK, &order).await.unwrap();
    let components = fake.activations()[0].evidence.clone().unwrap().components;
    assert_eq!(components.last().unwrap().kind, 13);
}

#[tokio::test]
async fn a_damaged_request_stops_everything_until_a_person_looks() {
    let world = World::new();
    let state = world.state();
    fs::write(world.folder.path().join("state/pending-00.bin"), b"SBST\x01\x01\xff\xff").unwrap();
    assert!(matches!(state.pending_count(), Err(StateError::Damaged { .. })));
    let fake = Fake::start([]);
    assert!(matches!(world.run(&fake).await, Err(ActivateError::State(_))));
    assert!(fake.activations().is_empty());
}
