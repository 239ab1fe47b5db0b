//! P6 on the running service and a file system that is really full: what is new is refused with
//! RetryInfo, what is known is answered, and counting goes on without a restart.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use activation_service::config::{SledFolder, Storage};
use proto::activation::v1 as pb;
use tokio::time::{Instant, interval, timeout};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::command_line::{in_folder, probe, run, text};
use crate::filler::{ext4, fill_but, make_room};
use crate::mounted::Mounted;
use crate::world::{
    PATIENCE, World, activate, computer, config, key_name, preview, refusal, registration, sled,
    typed,
};
use pb::ActivationOutcome as Outcome;

/// How soon counting must go on once there is space.
const AGAIN: Duration = Duration::from_secs(5);
/// Between two questions.
const PERIOD: Duration = Duration::from_millis(20);
/// More than the tests count.
const LIMIT: u32 = 1_000_000;
/// Clients that count at the same time.
const CLIENTS: u8 = 8;
/// Refusals that are waited for while there is no space at all.
const REFUSALS: u32 = 200;

async fn world(disk: &Mounted, low_water_bytes: u64) -> World {
    let Storage::Sled(usual) = sled(disk.path()) else { panic!("sled is its own") };
    let storage = Storage::Sled(SledFolder { low_water_bytes, ..usual });
    World::start(|_| config(storage)).await
}

/// The books and the chain are as they should be; checked by the real binary.
async fn assert_intact(disk: &Path) {
    let setting = in_folder(&disk.join("ledger"));
    let scratch = tempfile::tempdir().expect("a folder");
    let place = scratch.path().display().to_string();
    let verify = move || run(&["ledger", "verify", "--scratch", &place, "--set", &setting]);
    let output = tokio::task::spawn_blocking(verify).await.expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

/// Activates new computers, from this number on, until one is answered as wanted; gives the number
/// behind it and the last answer.
async fn until(
    world: &World,
    from: u32,
    wanted: impl Fn(&Result<pb::ActivateResponse, Status>) -> bool,
) -> (u32, Result<pb::ActivateResponse, Status>) {
    let mut client = world.installer();
    let mut ticks = interval(PERIOD);
    let asking = async {
        let mut number = from;
        loop {
            ticks.tick().await;
            let answer = client.activate(activate(1, computer(number), number)).await;
            let answer = answer.map(tonic::Response::into_inner);
            number += 1;
            if wanted(&answer) {
                return (number, answer);
            }
        }
    };
    timeout(PATIENCE, asking).await.expect("in time")
}

async fn assert_that_what_is_known_is_answered(world: &World, first: &pb::ActivateResponse) {
    let mut installer = world.installer();
    let again = installer.activate(activate(1, computer(1), 1)).await.expect("a repeat");
    assert_eq!(&again.into_inner(), first, "with the same receipt");
    let same = installer.activate(activate(1, computer(1), 999_999)).await.expect("known");
    let same = same.into_inner();
    assert_eq!(same.outcome(), Outcome::NotCountedSameComputer);
    assert_eq!(same.receipt, first.receipt);
    let new = preview(activate(1, computer(888_888), 1));
    installer.preview_activation(new).await.expect("a preview");
    let terms = pb::GetActivationTermsRequest::default();
    installer.get_activation_terms(terms).await.expect("terms");

    let used = world.key(1).await.used;
    let parent = key_name(1);
    let request = pb::ListActivationsRequest { parent, page_size: 5, ..Default::default() };
    let listed = world.reader().list_activations(request).await.expect("a list").into_inner();
    assert!(listed.activations.len() == 5 && used >= 5);
    let parent = key_name(1);
    let request = pb::ListKeyEventsRequest { parent, page_size: 5, ..Default::default() };
    world.reader().list_key_events(request).await.expect("a history");
    let names = vec![key_name(1)];
    let request = pb::BatchGetKeyUsageRequest { names };
    world.reader().batch_get_key_usage(request).await.expect("usage");
    world.reader().get_ledger_head(pb::GetLedgerHeadRequest {}).await.expect("a head");
}

async fn assert_that_what_is_new_is_refused(world: &World, first: &pb::ActivateResponse) {
    let used = world.key(1).await.used;
    let full = |status: &Status| refusal(status, Code::Unavailable, "DISK_FULL");
    let mut dutch = world.speaking(None, Some("nl"));
    let status = dutch.activate(activate(1, computer(777_777), 777_777)).await;
    let details = full(&status.expect_err("refused"));
    let words = details.localized_message().expect("words").message.clone();
    assert!(words.contains("geen nieuwe activeringen"), "{words}");
    let request = pb::BatchRegisterKeysRequest { keys: vec![registration(2)] };
    full(&world.catalog().batch_register_keys(request).await.expect_err("refused"));
    let release = pb::ReleaseActivationRequest {
        name: first.activation.clone(),
        request_id: crate::world::request_id(666_666),
        reason: "a test".to_owned(),
        product_key: typed(1),
        evidence: Some(computer(1)),
    };
    full(&world.admin().release_activation(release).await.expect_err("refused"));
    let mut key = world.key(1).await;
    key.limit -= 1;
    full(&world.admin().update_key(crate::world::update(key, &["limit"])).await.expect_err("no"));
    assert_eq!(world.key(1).await.used, used, "nothing was counted");
}

#[tokio::test]
async fn p6_below_the_mark_what_is_new_is_refused_and_what_is_known_is_answered() {
    let disk = Mounted::tmpfs(48);
    let mark = 8 << 20;
    let world = world(&disk, mark).await;
    world.register(1, |key| key.limit = LIMIT).await;
    let first = world.installer().activate(activate(1, computer(1), 1)).await.expect("counted");
    let first = first.into_inner();
    let has_six = |answer: &Result<pb::ActivateResponse, Status>| {
        answer.as_ref().is_ok_and(|granted| granted.used == 6)
    };
    until(&world, 2, has_six).await.1.expect("counted");

    fill_but(&disk, mark / 2);
    let (next, refused) = until(&world, 7, Result::is_err).await;
    refusal(&refused.expect_err("refused"), Code::Unavailable, "DISK_FULL");
    assert_that_what_is_known_is_answered(&world, &first).await;
    assert_that_what_is_new_is_refused(&world, &first).await;
    let healthy = format!("healthcheck.uri=http://{}", world.address);
    assert_eq!(probe(&["healthcheck", "--set", &healthy]).await, Some(0), "it serves");

    let used = world.key(1).await.used;
    make_room(&disk);
    let freed = Instant::now();
    let (_, counted) = until(&world, next, Result::is_ok).await;
    assert!(freed.elapsed() < AGAIN, "{:?}", freed.elapsed());
    assert_eq!(counted.expect("counted").used, used + 1);
    world.stop().await;
    assert_intact(disk.path()).await;
}

/// What the clients of a crowd were told.
#[derive(Default)]
struct Crowd {
    is_over: AtomicBool,
    granted: AtomicU32,
    refused: AtomicU32,
}

/// One client after another computer on a key of its own; gives what it was granted.
async fn client(world: &World, key: u8, crowd: Arc<Crowd>) -> Vec<pb::ActivateResponse> {
    let mut client = world.connected().await;
    let mut granted = Vec::new();
    while !crowd.is_over.load(Ordering::SeqCst) {
        let number = granted.len() as u32 + 1;
        match client.activate(activate(key, computer(number), number)).await {
            Ok(answer) => {
                granted.push(answer.into_inner());
                crowd.granted.fetch_add(1, Ordering::SeqCst);
            }
            // The same request goes out again, as clients do.
            Err(status) => {
                let reason = status.get_details_error_info().expect("a reason").reason;
                let code = match reason.as_str() {
                    "OVERLOADED" => Code::ResourceExhausted,
                    _ => Code::Unavailable,
                };
                refusal(&status, code, &reason);
                crowd.refused.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        }
    }
    granted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn p6_a_crowd_on_a_disk_that_is_filled_to_its_last_byte_loses_and_miscounts_nothing() {
    let disk = ext4(64);
    let world = Arc::new(world(&disk, 1 << 20).await);
    for key in 1..=CLIENTS {
        world.register(key, |key| key.limit = LIMIT).await;
    }
    let crowd = Arc::new(Crowd::default());
    let clients: Vec<_> = (1..=CLIENTS)
        .map(|key| {
            let (world, crowd) = (Arc::clone(&world), Arc::clone(&crowd));
            tokio::spawn(async move { client(&world, key, crowd).await })
        })
        .collect();
    let mut ticks = interval(PERIOD);
    let mut wait_for = async |figure: &AtomicU32, at_least: u32| {
        let reached = async {
            while figure.load(Ordering::SeqCst) < at_least {
                ticks.tick().await;
            }
        };
        timeout(PATIENCE, reached).await.expect("in time");
    };
    wait_for(&crowd.granted, 200).await;
    fill_but(&disk, 0);
    wait_for(&crowd.refused, REFUSALS).await;
    make_room(&disk);
    let freed = Instant::now();
    let before = crowd.granted.load(Ordering::SeqCst);
    wait_for(&crowd.granted, before + 100).await;
    assert!(freed.elapsed() < AGAIN, "{:?}", freed.elapsed());
    crowd.is_over.store(true, Ordering::SeqCst);

    for (client, key) in clients.into_iter().zip(1..) {
        let granted = client.await.expect("no panic");
        // Every activation once, in their order, and none that nobody was told of.
        let used: Vec<u32> = granted.iter().map(|answer| answer.used).collect();
        assert_eq!(used, (1..=granted.len() as u32).collect::<Vec<_>>());
        let used = world.key(key).await.used;
        assert!([granted.len(), granted.len() + 1].contains(&(used as usize)));
        for (number, answer) in (1..).zip(&granted) {
            let again = world.installer().activate(activate(key, computer(number), number)).await;
            assert_eq!(&again.expect("a repeat").into_inner(), answer);
        }
    }
    Arc::into_inner(world).expect("nobody else has it").stop().await;
    assert_intact(disk.path()).await;
}
